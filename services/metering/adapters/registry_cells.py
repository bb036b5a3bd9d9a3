r"""How registry files write what is more than one word: lists, dates, pairs.

A list is written `item|item`; an item that holds for a time ends in `@from/until`, either side may be empty; its pairs are `name=value`,
parted by spaces. A date is a local midnight, an instant carries its offset. In a value, `\` goes before `|`, `@`, `=`, space and itself.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from metering.domain.registry.dated import ALWAYS
from metering.domain.registry.drafts import DatedReference
from metering.domain.registry.failures import InvalidValue
from metering.domain.registry.identifiers import Identifier
from vocabulary.civil import local_midnight
from vocabulary.interval import Validity

T = TypeVar("T")
W = TypeVar("W", bound=Enum)

_DATE_LENGTH = len("2026-01-01")
_SPECIAL = re.compile(r"[\\|@= ]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED = {separator: re.compile(rf"(?<!\\)((?:\\\\)*){re.escape(separator)}") for separator in "|@= "}
_TRUE = frozenset({"true", "1", "yes", "oui", "vrai"})
_FALSE = frozenset({"", "false", "0", "no", "non", "faux"})
_MINUTES_AN_HOUR = 60
_MINUTES_A_DAY = 1_440


def wrong(description: str) -> InvalidValue:
    """Return the failure of a cell; whoever reads the row knows its column."""
    return InvalidValue("", description)


def split(text: str, separator: str) -> list[str]:
    """Return the parts between separators that are not escaped, still escaped inside."""
    if "\\" not in text:
        return text.split(separator)
    # An even number of backslashes before the separator escapes only each other.
    return _UNESCAPED[separator].sub(lambda match: match[1] + "\0", text).split("\0")


def escaped(text: str) -> str:
    """Return the text as a value writes it."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def unescaped(text: str) -> str:
    """Return the text that a value writes."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def items(cell: str) -> list[str]:
    """Return the items of a list, none for an empty cell."""
    if "|" not in cell:
        return [_trimmed(cell)] if cell else []
    return [_trimmed(item) for item in split(cell, "|")]


def _trimmed(text: str) -> str:
    """Return the text without spaces around it, but for one at the end that is escaped."""
    if text[:1] != " " and text[-1:] != " ":
        return text
    trimmed = text.strip(" ")
    backslashes = len(trimmed) - len(trimmed.rstrip("\\"))
    return trimmed + " " if backslashes % 2 and text.endswith(" ") else trimmed


def dated(item: str, zone: ZoneInfo) -> tuple[str, Validity]:
    """Return what an item says, still escaped, and when it holds."""
    text, sign, when = item.partition("@")
    if not sign:
        return item, ALWAYS
    if "\\" not in text and "@" not in when:
        return _trimmed(text), validity(when, zone)
    parts = split(item, "@")
    if len(parts) == 1:
        return item, ALWAYS
    if len(parts) > 2:  # noqa: PLR2004 - what, and when
        raise wrong(f"{item!r} has more than one @")
    return _trimmed(parts[0]), validity(parts[1].strip(), zone)


@lru_cache(maxsize=4_096)
def validity(text: str, zone: ZoneInfo) -> Validity:
    """Return the validity written `from/until`; `from` alone is open to the future."""
    start, _, end = text.partition("/")
    return Validity(start=_bound(start, zone), end=_bound(end, zone))


def _bound(text: str, zone: ZoneInfo) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == _DATE_LENGTH:
            return local_midnight(date.fromisoformat(text), zone)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise wrong(f"{text!r} needs an offset, such as Z or +01:00")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong(f"{text!r} is neither a date such as 2026-01-31 nor an instant such as 2026-01-31T10:00:00Z") from None


def written_validity(of: Validity, zone: ZoneInfo) -> str:
    """Return `@from/until`, empty when it always holds."""
    return "" if of == ALWAYS else f"@{_written_bound(of.start, zone)}/{_written_bound(of.end, zone)}"


@lru_cache(maxsize=4_096)
def _written_bound(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return ""
    try:
        day = at.astimezone(zone).date()
        if local_midnight(day, zone) == at:
            return day.isoformat()
    except OverflowError:
        pass
    return at.isoformat().replace("+00:00", "Z")


def pairs(text: str, names: Collection[str]) -> dict[str, str]:
    """Return the values of an item of pairs by name; other names than these are refused, and a name twice."""
    found: dict[str, str] = {}
    for pair in split(text, " "):
        # Names hold nothing that would be escaped: the first sign is the one.
        name, sign, value = pair.partition("=")
        if sign and name in names and name not in found:
            found[name] = unescaped(value) if "\\" in value else value
        elif pair:
            raise wrong(f"{pair!r} is not one of {', '.join(f'{name}=…' for name in names)}, each at most once")
    return found


def written_pairs(values: Mapping[str, object]) -> str:
    """Return the pairs whose values are not empty; the first stands in any case."""
    first = next(iter(values))
    return " ".join(f"{name}={escaped(str(value))}" for name, value in values.items() if name == first or value not in {"", 0})


def reference(item: str, zone: ZoneInfo) -> DatedReference:
    """Return a place or point by its id or by `scheme:value`, and when."""
    text, when = dated(item, zone)
    target = unescaped(text)
    return DatedReference(target=identifier(target) if ":" in target else target, validity=when)


def identifier(text: str) -> Identifier:
    """Return the identifier written `scheme:value`."""
    scheme, colon, value = text.partition(":")
    if not colon:
        raise wrong(f"{text!r} is not of the form scheme:value")
    return Identifier(scheme=scheme, value=value)


def identifiers(cell: str) -> tuple[Identifier, ...]:
    """Return a list of identifiers."""
    if "|" not in cell and "\\" not in cell:
        return (identifier(_trimmed(cell)),) if cell else ()
    return tuple(identifier(unescaped(item)) for item in items(cell))


def written_identifiers(of: Iterable[Identifier]) -> str:
    """Return identifiers as a list."""
    return "|".join(escaped(str(each)) for each in of)


def truth(cell: str) -> bool:
    """Return yes or no; empty is no."""
    text = cell.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise wrong(f"{cell!r} is neither true nor false")


def whole(cell: str) -> int:
    """Return a whole number; empty is 0."""
    if cell.isdecimal():
        return int(cell)
    number = optional_whole(cell)
    return 0 if number is None else number


def optional_whole(cell: str) -> int | None:
    """Return a whole number, None for an empty cell; `45.0` is whole, too."""
    text = cell.strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        number = decimal(text)
    if not number.is_integer():
        raise wrong(f"{cell!r} is not a whole number")
    return int(number)


def decimal(cell: str) -> float:
    """Return a number; a decimal comma will do."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        raise wrong(f"{cell!r} is not a number") from None


def word(words: type[W]) -> Callable[[str], W]:
    """Return the reader of one word of several, in any case."""
    names = {member.name.lower(): member for member in words}

    def read(cell: str) -> W:
        found = names.get(cell.strip().lower())
        if found is None:
            raise wrong(f"{cell!r} is not one of {', '.join(names)}")
        return found

    return read


def optional_word(words: type[W]) -> Callable[[str], W | None]:
    """Return the reader of one word of several, None for an empty cell."""
    read = word(words)
    return lambda cell: read(cell) if cell.strip() else None


def written_word(of: Enum | None) -> str:
    """Return a word as files write it."""
    return "" if of is None else of.name.lower()


def minute(text: str) -> int:
    """Return the minute of the day written `HH:MM`, up to 24:00."""
    hours, colon, minutes = text.partition(":")
    if not colon or not (hours.isdecimal() and minutes.isdecimal()) or int(minutes) >= _MINUTES_AN_HOUR:
        raise wrong(f"{text!r} is not a time such as 07:30")
    value = int(hours) * _MINUTES_AN_HOUR + int(minutes)
    if value > _MINUTES_A_DAY:
        raise wrong(f"{text!r} is later than 24:00")
    return value


def minutes(text: str) -> tuple[int, int]:
    """Return the stretch written `HH:MM-HH:MM`."""
    start, dash, end = text.partition("-")
    if not dash:
        raise wrong(f"{text!r} is not a stretch such as 22:30-06:30")
    return minute(start), minute(end)


def written_minutes(start: int, end: int) -> str:
    """Return a stretch of the day."""
    return "-".join(f"{value // _MINUTES_AN_HOUR:02}:{value % _MINUTES_AN_HOUR:02}" for value in (start, end))
