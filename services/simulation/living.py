"""Tells how many people are at home on which day: households, holidays away, second homes, vacancy."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.draws import Draws, Flags, Floats, Ints, Stream
from simulation.homes import Homes, is_vacant
from simulation.scene import Days


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Living:
    """Life in homes by day: every array is (homes, days of the scene)."""

    vacant: Flags
    present: Flags
    """Whether the household sleeps there; never in a vacant home."""
    people: Floats
    """How many live there when present, as habits count them: each further person adds less."""
    occupants: Ints
    habit: Floats
    """How much the household uses of everything, around 1."""


def living(homes: Homes, draws: Draws, days: Days) -> Living:
    """Return who lives how in the homes on the days."""
    vacant = is_vacant(homes, days.ordinal)
    following = days.ordinal >= homes.enter_day[:, None]
    occupants = np.where(following, homes.next_occupants[:, None], homes.first_occupants[:, None])
    bell = draws.normal(Stream.HOUSEHOLD_HABIT, homes.key, np.arange(2))
    habit = np.exp(0.3 * np.where(following, bell[:, 1:], bell[:, :1]))
    return Living(
        vacant=vacant,
        present=~vacant & _present(homes, draws, days),
        people=np.sqrt(occupants) * 1.1 + 0.25 * occupants,
        occupants=occupants,
        habit=habit,
    )


def _present(homes: Homes, draws: Draws, days: Days) -> Flags:
    summer = _summer_leave(homes, draws, days)
    week = days.ordinal // 7
    # Ordinal 1 was a Monday: (ordinal − 1) // 7 would be the civil week; holidays are taken from Saturday to Saturday instead.
    from_saturday = (days.ordinal + 1) // 7
    free_week = days.school_holiday & ~np.isin(days.month, (7, 8))
    christmas = (days.year_day >= 1221) | (days.year_day <= 102)  # month × 100 + day
    leave = draws.uniform(Stream.SCHOOL_LEAVE, homes.key, from_saturday)
    away = summer | (free_week & (leave < np.where(christmas, 0.24, 0.15)))
    weekend = draws.uniform(Stream.WEEKEND_LEAVE, homes.key, week)
    away |= days.weekend & (weekend < 0.065)  # a weekend away every four months
    visiting = summer | (days.weekend & (weekend < 0.24)) | (free_week & (leave < 0.3))  # second homes live by their owners' leave
    return np.where(homes.second_home[:, None], visiting, ~away)


def _summer_leave(homes: Homes, draws: Draws, days: Days) -> Flags:
    """Tell who is away in the weeks of July and August: six homes in ten, most around the first half of August."""
    away = np.zeros((len(homes), len(days)), dtype=bool)
    for year in {int(day) for day in (date.fromordinal(int(at)).year for at in days.ordinal[[0, -1]])}:
        drawn = draws.uniform(Stream.SUMMER_LEAVE, homes.key, 8 * year + np.arange(4))
        first = date(year, 7, 6).toordinal() + np.rint((drawn[:, :1] + drawn[:, 1:2]) / 2 * 46 + 2).astype(np.int64)
        length = np.where(drawn[:, 2:3] < 0.64, 7 + np.rint(drawn[:, 3:4] * 15), 0)
        away |= (days.ordinal >= first) & (days.ordinal < first + length)
    return away
