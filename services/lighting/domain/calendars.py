"""Calendars: which programme a night follows. Rules are ordered, and the first that matches the evening's date holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from lighting.domain.failures import RuleEmpty, RuleOverlapped, Unfit
from lighting.domain.levels import CalendarId, ProgrammeId

_DAY = timedelta(days=1)
_LAST = -1
_CHECKED_YEARS = (2024, 2052)
"""Weekdays, leap days and their fifth occurrences repeat after 28 years."""
_MOST_RULES = 100


class HolidayKind(Enum):
    """A kind of day that the registry's tables know."""

    PUBLIC = 1
    SCHOOL = 2
    EVE_OF_PUBLIC = 3
    """The day before a public holiday."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holidays:
    """Public holidays, and school holidays as first day and day of return."""

    public: frozenset[date] = frozenset()
    school: tuple[tuple[date, date], ...] = ()

    def has(self, day: date, kind: HolidayKind) -> bool:
        """Tell whether a date is of the kind."""
        match kind:
            case HolidayKind.PUBLIC:
                return day in self.public
            case HolidayKind.SCHOOL:
                return any(first <= day < back for first, back in self.school)
            case HolidayKind.EVE_OF_PUBLIC:
                return day + _DAY in self.public


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarRule:
    """Which nights a programme is for: those whose evening's date meets every condition that is given.

    `every_year` leaves the years of `first` and `last` aside, and then the range may run over New Year. Weekdays are 1 (Monday) to 7;
    `occurrences`
    say which of the month, 1 to 5, −1 for the last. A date meets `dates` or `holidays` by being one of them.
    """

    programme: ProgrammeId
    first: date | None = None
    last: date | None = None
    every_year: bool = False
    weekdays: tuple[int, ...] = ()
    occurrences: tuple[int, ...] = ()
    dates: tuple[date, ...] = ()
    holidays: tuple[HolidayKind, ...] = ()

    def __post_init__(self) -> None:
        """Refuse conditions that no date can meet by their form; RuleEmpty, Unfit."""
        if not all(1 <= day <= 7 for day in self.weekdays):  # noqa: PLR2004 - days of a week
            raise Unfit("weekdays", "must be 1 (Monday) to 7 (Sunday)")
        if not all(occurrence == _LAST or 1 <= occurrence <= 5 for occurrence in self.occurrences):  # noqa: PLR2004 - weeks of a month
            raise Unfit("occurrences", "must be 1 to 5, or −1 for the last")
        if self.occurrences and not self.weekdays:
            raise Unfit("occurrences", "need weekdays")
        if self.every_year and (self.first is None or self.last is None):
            raise Unfit("every_year", "needs a first and a last date")
        if self.first is not None and self.last is not None and not self.every_year and self.last < self.first:
            raise RuleEmpty("last", "comes before the first date")

    def matches(self, day: date, holidays: Holidays) -> bool:
        """Tell whether the night of `day` is meant."""
        return self.may_match(day) and (not self.holidays or any(holidays.has(day, kind) for kind in self.holidays))

    def may_match(self, day: date) -> bool:
        """Tell whether the night of `day` is meant, holidays aside."""
        return (
            self._in_range(day)
            and (not self.weekdays or day.isoweekday() in self.weekdays)
            and (not self.occurrences or self._occurs(day))
            and (not self.dates or day in self.dates)
        )

    def _in_range(self, day: date) -> bool:
        if not self.every_year or self.first is None or self.last is None:
            return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        first, last, this = ((one.month, one.day) for one in (self.first, self.last, day))
        return first <= this <= last if first <= last else this >= first or this <= last

    def _occurs(self, day: date) -> bool:
        return (day.day + 6) // 7 in self.occurrences or (_LAST in self.occurrences and (day + 7 * _DAY).month != day.month)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Ordered rules, and the programme of nights that none matches; without one, such nights are lit as by default."""

    id: CalendarId
    display_name: str
    rules: tuple[CalendarRule, ...] = ()
    default_programme: ProgrammeId | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse rules that never apply; RuleEmpty, RuleOverlapped, Unfit."""
        if not self.rules and self.default_programme is None:
            raise RuleEmpty("rules", "a calendar needs a rule or a default programme")
        if len(self.rules) > _MOST_RULES:
            raise Unfit("rules", f"at most {_MOST_RULES} rules")
        _check_each_applies(self.rules)

    @property
    def programmes(self) -> tuple[ProgrammeId, ...]:
        """Every programme that it names, once."""
        named = [rule.programme for rule in self.rules] + ([self.default_programme] if self.default_programme else [])
        return tuple(dict.fromkeys(named))

    def rule_of(self, day: date, holidays: Holidays) -> int:
        """Return the number of the first rule that matches, −1 when none does."""
        return next((number for number, rule in enumerate(self.rules) if rule.matches(day, holidays)), -1)

    def programme_of(self, rule: int) -> ProgrammeId | None:
        """Return the programme of a rule's number; −1: the default programme, None when there is none."""
        return self.default_programme if rule < 0 else self.rules[rule].programme


def _check_each_applies(rules: Sequence[CalendarRule]) -> None:
    open_dates = set(_checked_dates(rules))
    for number, rule in enumerate(rules):
        field = f"rules[{number}]"
        meant = {day for day in _checked_dates(rules) if rule.may_match(day)} if rule.dates or rule.first or rule.weekdays else None
        if meant is not None and not meant:
            raise RuleEmpty(field, "matches no night", rule=str(number))
        if not (open_dates if meant is None else meant & open_dates):
            raise RuleOverlapped(field, "earlier rules match every night that it means", rule=str(number))
        # Holidays are told by a table that may change: such a rule takes no night from those below.
        if not rule.holidays:
            open_dates -= open_dates if meant is None else meant


def _checked_dates(rules: Sequence[CalendarRule]) -> Sequence[date]:
    named = [day for rule in rules for day in (rule.first, rule.last, *rule.dates) if day is not None]
    first = min([*named, date(_CHECKED_YEARS[0], 1, 1)])
    last = max([*named, date(_CHECKED_YEARS[1], 1, 1)])
    if (last - first).days > 40_000:  # noqa: PLR2004 - a century and some years
        raise Unfit("rules", "dates must lie within a century")
    return [first + number * _DAY for number in range((last - first).days + 1)]


def missing_programmes(calendar: Calendar, known: Mapping[ProgrammeId, object]) -> tuple[ProgrammeId, ...]:
    """Return the programmes that a calendar names and nobody has."""
    return tuple(programme for programme in calendar.programmes if programme not in known)
