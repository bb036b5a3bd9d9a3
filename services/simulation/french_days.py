"""Tells which days are public holidays and school holidays in the town, which lies in school zone B."""

from datetime import date, timedelta

SCHOOL_ZONE = "B"

# The first Saturday or later of each stretch, and the day of return, as published for zone B.
_PUBLISHED: dict[int, tuple[tuple[date, date], ...]] = {
    2024: (
        (date(2024, 10, 19), date(2024, 11, 4)),
        (date(2024, 12, 21), date(2025, 1, 6)),
        (date(2025, 2, 8), date(2025, 2, 24)),
        (date(2025, 4, 5), date(2025, 4, 22)),
        (date(2025, 7, 5), date(2025, 9, 1)),
    ),
    2025: (
        (date(2025, 10, 18), date(2025, 11, 3)),
        (date(2025, 12, 20), date(2026, 1, 5)),
        (date(2026, 2, 14), date(2026, 3, 2)),
        (date(2026, 4, 11), date(2026, 4, 27)),
        (date(2026, 7, 4), date(2026, 9, 1)),
    ),
}


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    leap = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * leap) // 451
    month, day = divmod(h + leap - 7 * m + 114, 31)
    return date(year, month, day + 1)


def public_holidays(year: int) -> frozenset[date]:
    """Return the eleven public holidays of mainland France outside Alsace-Moselle."""
    sunday = easter(year)
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    return frozenset({date(year, *day) for day in fixed} | {sunday + timedelta(days=after) for after in (1, 39, 50)})


def is_public_holiday(day: date) -> bool:
    """Tell whether work and school rest on that day by law."""
    return day in public_holidays(day.year)


def school_holidays(school_year: int) -> tuple[tuple[date, date], ...]:
    """Return first day and day of return of every school holiday of the year that begins in September of `school_year`.

    Years that are not listed follow the usual pattern: they are invented, as is the town.
    """
    if school_year in _PUBLISHED:
        return _PUBLISHED[school_year]
    following = school_year + 1
    two_weeks = (
        _saturday(date(school_year, 10, 17)),
        _saturday(date(school_year, 12, 18)),
        _saturday(date(following, 2, 12)),
        _saturday(date(following, 4, 10)),
    )
    return (*((first, first + timedelta(days=16)) for first in two_weeks), (_saturday(date(following, 7, 3)), date(following, 9, 1)))


def is_school_holiday(day: date) -> bool:
    """Tell whether schools rest for one of the five holidays, not for a weekend alone."""
    return any(first <= day < back for year in (day.year - 1, day.year) for first, back in school_holidays(year))


def _saturday(day: date) -> date:
    """Return the first Saturday on or after the day."""
    return day + timedelta(days=(5 - day.weekday()) % 7)
