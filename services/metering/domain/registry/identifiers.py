"""What other systems call places and points, and the form of each scheme."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from metering.domain.registry.failures import FieldFault, InvalidIdentifier, OutOfRange, RepeatedValue

MAX_IDENTIFIERS = 32

_SCHEME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_ANY_VALUE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
_VALUES = {
    "prm": re.compile(r"[0-9]{14}"),
    "pce": re.compile(r"[0-9]{14}|GI[0-9]{6}"),
    "insee": re.compile(r"(?:[0-9]{2}|2A|2B)[0-9]{3}"),
    "siret": re.compile(r"[0-9]{14}"),
}
"""Forms checked lightly, without check digits: PRM (Enedis), PCE (GRDF: 14 digits, or GI and 6 digits), INSEE commune code, SIRET."""
_FORMS = {"prm": "14 digits", "pce": "14 digits, or GI and 6 digits", "insee": "5 characters such as 35238 or 2A004", "siret": "14 digits"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifier:
    """A word of another system: `scheme` is whose, `value` the word."""

    scheme: str
    value: str

    def __post_init__(self) -> None:
        """Refuse a scheme that is no word, and a value that does not have the scheme's form."""
        if not _SCHEME.fullmatch(self.scheme):
            raise InvalidIdentifier("scheme", f"{self.scheme!r} is not 1 to 32 of a–z, 0–9 and hyphen", scheme=self.scheme)
        if not _VALUES.get(self.scheme, _ANY_VALUE).fullmatch(self.value):
            form = _FORMS.get(self.scheme, "1 to 100 characters")
            raise InvalidIdentifier("value", f"{self.value!r} is no {self.scheme}: {form}", scheme=self.scheme, value=self.value)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


def check_identifiers(identifiers: Sequence[Identifier]) -> FieldFault | None:
    """Return what is wrong with the identifiers of one place or point."""
    if len(identifiers) > MAX_IDENTIFIERS:
        return OutOfRange("identifiers", f"at most {MAX_IDENTIFIERS}")
    if len(identifiers) > 1:
        twice = [str(identifier) for identifier, count in Counter(identifiers).items() if count > 1]
        if twice:
            return RepeatedValue("identifiers", f"{twice[0]} is named twice", identifier=twice[0])
    return None


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_text(field: str, text: str, *, longest: int = 200) -> FieldFault | None:
    """Return what is wrong with a line of text that people read."""
    if len(text) <= longest and text.isprintable():
        return None
    if len(text) > longest:
        return OutOfRange(field, f"at most {longest} characters")
    if _CONTROLS.search(text):
        return OutOfRange(field, "must not contain control characters")
    return None


def check_number(field: str, value: float | None, least: float, most: float) -> FieldFault | None:
    """Return what is wrong with a number that must lie from `least` to `most`; None is a number not known."""
    # NaN is in no range.
    if value is None or least <= value <= most:
        return None
    return OutOfRange(field, f"{value} is not from {least:,} to {most:,}", value=str(value))
