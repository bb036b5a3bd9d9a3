"""What all of the town shares at a half-hour: civil time, kind of day, weather and sun."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from simulation import sun, weather
from simulation.draws import Draws, Flags, Floats, Ints
from simulation.french_days import is_public_holiday, is_school_holiday
from vocabulary.civil import local_midnight, time_zone

ZONE = time_zone("Europe/Paris")
SPOT = sun.Spot(latitude_degrees=48.0, longitude_degrees=2.0)
HALF_HOUR_S = 1_800
DAY_MINUTES = 1_440
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SATURDAY, _SUNDAY = 5, 6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Days:
    """Consecutive civil days in columns. The first one is the day before those asked for, because nights begin there."""

    ordinal: Ints
    """Proleptic Gregorian ordinals."""
    midnight: Ints
    """UTC seconds of the first instant."""
    six: Ints
    """UTC seconds of 06:00, when the gas day starts; one more than days, so that each gas day ends."""
    weekday: Ints
    """0 is Monday."""
    resting: Flags
    """Sunday or public holiday."""
    weekend: Flags
    """Saturday, Sunday or public holiday."""
    school_holiday: Flags
    month: Ints
    year_day: Ints
    """Month × 100 + day: 1225 is Christmas."""
    gas_celsius: Floats
    """Mean temperature of the gas day that starts at 06:00 of the day, with that of the day before counting a quarter."""
    warmth_celsius: Floats
    """The same of the civil day, without the day before: the highest hour."""
    rain_mm: Floats

    def __len__(self) -> int:
        """Return the number of days, the one before included."""
        return len(self.ordinal)

    def date(self, number: int) -> date:
        """Return the civil day of a position."""
        return date.fromordinal(int(self.ordinal[number]))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """Whole civil days of the town, cut into half-hours in UTC: 46, 48 or 50 a day."""

    draws: Draws
    days: Days
    start: Ints
    """UTC seconds at which each half-hour starts."""
    day: Ints
    """Position in `days` of each half-hour's civil day, from 1."""
    minute: Ints
    """Local minute of the day at which each half-hour starts."""
    celsius: Floats
    """Air temperature."""
    felt_celsius: Floats
    """Air temperature as walls feel it: that of the last day, mixed with now."""
    sun_degrees: Floats
    clearness: Floats
    darkness: Floats
    """How much light rooms need: 0 in full day, 1 at night."""

    def __len__(self) -> int:
        """Return the number of half-hours."""
        return len(self.start)

    @property
    def slot(self) -> Ints:
        """Return each half-hour's number since 1970: a counter for draws."""
        return self.start // HALF_HOUR_S

    @property
    def first_day(self) -> date:
        """Return the first civil day inside."""
        return self.days.date(1)

    @property
    def end_day(self) -> date:
        """Return the first civil day after."""
        return self.days.date(len(self.days) - 1) + timedelta(days=1)

    @property
    def first_slots(self) -> Ints:
        """Return the position of each inside day's first half-hour."""
        return np.searchsorted(self.start, self.days.midnight[1:])


def midnight_s(day: date) -> int:
    """Return the UTC second at which a civil day starts."""
    return int(local_midnight(day, ZONE).timestamp())


def local_second(day: date, minute: int) -> int:
    """Return the UTC second of a local minute of the day."""
    naive = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001 the zone follows
    return int(naive.replace(tzinfo=ZONE).timestamp())


def local_day(second: int) -> date:
    """Return the civil day on which a UTC second falls."""
    return datetime.fromtimestamp(second, UTC).astimezone(ZONE).date()


def scene(draws: Draws, first: date, end: date) -> Scene:
    """Return the civil days from `first` up to, not including, `end`."""
    dates = [date.fromordinal(number) for number in range(first.toordinal() - 1, end.toordinal() + 1)]
    midnight = np.array([midnight_s(day) for day in dates], dtype=np.int64)
    start = np.arange(midnight[1], midnight[-1], HALF_HOUR_S, dtype=np.int64)
    day = np.searchsorted(midnight, start, "right") - 1
    hours = np.arange(start[0] // weather.HOUR_S - 48, start[-1] // weather.HOUR_S + 32, dtype=np.int64)
    # Whole hundredths of a degree: sums are then exact, however many days are asked for at once.
    air = np.rint(weather.temperature_celsius(draws, hours) * 100).astype(np.int64)
    hour = start // weather.HOUR_S - hours[0]
    summed = np.concatenate(([0], np.cumsum(air)))
    sun_degrees = sun.elevation_degrees(SPOT, start + HALF_HOUR_S // 2)
    clear = weather.clearness(draws, hours)[hour]
    return Scene(
        draws=draws,
        days=_days(draws, dates[:-1], midnight, hours, air),
        start=start,
        day=day,
        minute=_local_minutes(start, day, midnight),
        celsius=air[hour] / 100,
        felt_celsius=(0.35 * air[hour] + 0.65 * (summed[hour + 1] - summed[hour - 23]) / 24) / 100,
        sun_degrees=sun_degrees,
        clearness=clear,
        darkness=np.clip((9 - sun_degrees - 8 * (clear - 0.5)) / 14, 0, 1),
    )


def _local_minutes(start: Ints, day: Ints, midnight: Ints) -> Ints:
    minute = (start - midnight[day]) // 60
    for number in np.flatnonzero(np.diff(midnight) != DAY_MINUTES * 60):
        # A day of 23 or 25 hours: only there must each half-hour be asked for its clock.
        for position in np.flatnonzero(day == number):
            local = datetime.fromtimestamp(int(start[position]), UTC).astimezone(ZONE)
            minute[position] = local.hour * 60 + local.minute
    return minute


def _days(draws: Draws, dates: list[date], midnight: Ints, hours: Ints, air: Ints) -> Days:
    ordinal = np.array([day.toordinal() for day in dates], dtype=np.int64)
    weekday = (ordinal + 6) % 7
    holiday = np.array([is_public_holiday(day) for day in dates])
    summed = np.concatenate(([0], np.cumsum(air)))
    six = midnight[:-1] // weather.HOUR_S + 6 - hours[0]
    gas_day, day_before = ((summed[six + after + 24] - summed[six + after]) / 24 for after in (0, -24))
    return Days(
        ordinal=ordinal,
        midnight=midnight[:-1],
        six=np.array([local_second(dates[0] + timedelta(days=after), 360) for after in range(len(dates) + 1)], dtype=np.int64),
        weekday=weekday,
        resting=(weekday == _SUNDAY) | holiday,
        weekend=(weekday >= _SATURDAY) | holiday,
        school_holiday=np.array([is_school_holiday(day) for day in dates]),
        month=np.array([day.month for day in dates], dtype=np.int64),
        year_day=np.array([day.month * 100 + day.day for day in dates], dtype=np.int64),
        gas_celsius=(0.75 * gas_day + 0.25 * day_before) / 100,
        warmth_celsius=np.array([air[at - 6 : at + 18].max() for at in six]) / 100,
        rain_mm=weather.rain_millimetres(draws, ordinal - _EPOCH_ORDINAL),
    )
