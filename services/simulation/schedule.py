"""Lays down, before anything has flowed, which readings of a group exist, when they are taken and when they arrive."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulation import delivery
from simulation.draws import Draws, Flags, Ints, Stream
from simulation.faults import Fault
from simulation.flows import Step
from simulation.meters import Delivery, Meters, Reading
from simulation.scene import HALF_HOUR_S, Scene
from vocabulary.quality import Quality

_HOUR_S = 3_600
_DAY_S = 86_400
_CUBIC_METRE, _LITRE = 1_000_000, 1_000
_VISITS = ((3, 9), (9, 8))
"""Month and day from which the rounds of spring and autumn go, for 24 days."""
Qualities = NDArray[np.int8]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Schedule:
    """The readings of some meters in a scene: arrays are (meters, steps), or (meters, looks) for registers."""

    start: Ints
    """UTC seconds at which each step starts, and the end of the last: (steps + 1,)."""
    look: Ints
    """The step at, or in, which registers are looked at: (looks,)."""
    register: Flags
    register_time: Ints
    register_arrival: Ints
    register_quality: Qualities
    register_unit: Ints
    """To which unit the index is rounded down."""
    register_less: Ints
    """How much less than the truth is shown: jitter, or a cautious estimate."""
    interval: Flags
    interval_arrival: Ints
    interval_quality: Qualities

    def within(self, from_s: int, until_s: int) -> "Schedule":
        """Return the schedule of what arrives in `[from_s, until_s)` alone."""
        return replace(
            self,
            register=self.register & (self.register_arrival >= from_s) & (self.register_arrival < until_s),
            interval=self.interval & (self.interval_arrival >= from_s) & (self.interval_arrival < until_s),
        )

    def take(self, rows: Flags) -> "Schedule":
        """Return the schedule of some of the meters."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _BY_METER})

    def rows(self) -> Flags:
        """Tell which meters have any reading."""
        return np.logical_or.reduce(self.register, axis=1) | np.logical_or.reduce(self.interval, axis=1)


_BY_METER = tuple(field.name for field in fields(Schedule) if field.name not in {"start", "look"})


def scheduled(step: Step, meters: Meters, scene: Scene, faults: Sequence[Fault]) -> Schedule:
    """Return the readings of meters in a scene."""
    match step:
        case Step.HALF_HOUR:
            return _electricity(meters, scene, faults)
        case Step.GAS_DAY:
            return _gas(meters, scene, faults)
        case Step.HOUR:
            return _water(meters, scene, faults)


def _electricity(meters: Meters, scene: Scene, faults: Sequence[Fault]) -> Schedule:
    """Half-hours where they are consented to, and the index of every midnight, sent with the day that it ends."""
    draws, days = scene.draws, scene.days
    ordinal, midnight = days.ordinal[1:], days.midnight[1:]
    start = np.append(scene.start, scene.start[-1] + HALF_HOUR_S)
    day, now = scene.day - 1, delivery.sends_at_once(meters)
    after = np.append(midnight[1:], start[-1])
    by_day = delivery.next_morning(meters, draws, ordinal, after)
    kept = meters.fine(ordinal) & ~delivery.missing_days(meters, draws, ordinal, 0.003)
    interval = kept[:, day] & ~delivery.missing_half_hours(meters, scene) & ~delivery.silent(meters, faults, scene.start)
    index_by_day = delivery.next_morning(meters, draws, ordinal - 1, midnight)
    index = ~(draws.uniform(Stream.GAP_INDEX, meters.key, ordinal) < 0.004) & ~delivery.silent(
        meters, faults, midnight
    )  # four in a thousand
    return Schedule(
        start=start,
        look=scene.first_slots,
        register=index,
        register_time=np.broadcast_to(midnight, index.shape),
        register_arrival=np.where(now, delivery.at_once(meters, draws, midnight), index_by_day),
        register_quality=_measured(index),
        register_unit=np.broadcast_to(meters.unit[:, None], index.shape),
        register_less=np.zeros(index.shape, np.int64),
        interval=interval,
        interval_arrival=np.where(now, delivery.at_once(meters, draws, start[1:]), by_day[:, day]),
        interval_quality=_measured(interval),
    )


def _gas(meters: Meters, scene: Scene, faults: Sequence[Fault]) -> Schedule:
    """The energy of every gas day, and the index at its beginning; sometimes an estimate, and then no index."""
    draws, ordinal, start = scene.draws, scene.days.ordinal[1:], scene.days.six[1:]
    known = ~delivery.missing_days(meters, draws, ordinal, 0.005) & ~delivery.silent(meters, faults, start[:-1])
    guessed = draws.uniform(Stream.ESTIMATED, meters.key, ordinal) < 0.011  # four days a year
    guessed_before = draws.uniform(Stream.ESTIMATED, meters.key, ordinal - 1) < 0.011
    index = ~guessed_before & ~delivery.missing_days(meters, draws, ordinal - 1, 0.005) & ~delivery.silent(meters, faults, start[:-1])
    return Schedule(
        start=start,
        look=np.arange(len(ordinal)),
        register=index,
        register_time=np.broadcast_to(start[:-1], index.shape),
        register_arrival=delivery.next_morning(meters, draws, ordinal - 1, start[:-1]),
        register_quality=_measured(index),
        register_unit=np.broadcast_to(meters.unit[:, None], index.shape),
        register_less=np.zeros(index.shape, np.int64),
        interval=known,
        interval_arrival=delivery.next_morning(meters, draws, ordinal, start[1:]),
        interval_quality=np.where(guessed, Quality.ESTIMATED, Quality.MEASURED).astype(np.int8),
    )


def _water(meters: Meters, scene: Scene, faults: Sequence[Fault]) -> Schedule:
    """Registers alone: by the hour where it is consented to, by the day, or when somebody comes."""
    draws, start = scene.draws, np.append(scene.start[::2], scene.start[-1] + HALF_HOUR_S)
    ordinal, day = scene.days.ordinal[1:], scene.day[::2] - 1
    time = start[:-1] + meters.offset_s[:, None]
    spoken = (meters.reading == Reading.DAILY)[:, None] | ((meters.exchange_s > 0)[:, None] & (time >= meters.exchange_s[:, None]))
    first = np.zeros(len(day), dtype=bool)
    first[scene.first_slots // 2] = True
    radio = spoken & (first | meters.fine(ordinal)[:, day]) & ~delivery.lost_uplinks(meters, draws, time)
    radio &= ~delivery.missing_days(meters, draws, ordinal, 0.003)[:, day]
    visit = ~spoken & _visited(meters, scene)
    looked = (radio | visit) & ~delivery.silent(meters, faults, time)
    guessed = visit & (draws.uniform(Stream.ESTIMATED, meters.key, ordinal)[:, day] < 0.12)  # nobody at home
    caution = draws.uniform(Stream.VISIT, meters.key, ordinal)[:, day] * 4 * _CUBIC_METRE
    # A radio module's counter sometimes wavers by its last digit.
    wavers = radio & (draws.uniform(Stream.JITTER, meters.key, time // _HOUR_S) < 0.0008)  # less than one in a thousand
    late = delivery.late_days(meters, draws, ordinal)[:, day] * _DAY_S
    nothing = np.zeros((len(meters), len(day)), dtype=bool)
    return Schedule(
        start=start,
        look=np.arange(len(day)),
        register=looked,
        register_time=time,
        register_arrival=np.where(spoken & _by_radio(meters), delivery.every_six_hours(meters, draws, time), time + _DAY_S) + late,
        register_quality=np.where(guessed, Quality.ESTIMATED, Quality.MEASURED).astype(np.int8),
        register_unit=np.where(spoken, _LITRE, _CUBIC_METRE),
        register_less=np.where(guessed, caution.astype(np.int64), wavers * _LITRE),
        interval=nothing,
        interval_arrival=np.zeros(nothing.shape, np.int64),
        interval_quality=_measured(nothing),
    )


def _by_radio(meters: Meters) -> Flags:
    return ((meters.delivery == Delivery.EVERY_SIX_HOURS) | (meters.exchange_s > 0))[:, None]


def _visited(meters: Meters, scene: Scene) -> Flags:
    """Tell in which hour of which day somebody reads the meter: (meters, hours), twice a year."""
    draws: Draws = scene.draws
    ordinal, minute = scene.days.ordinal[scene.day[::2]], scene.minute[::2]
    visited = np.zeros((len(meters), len(ordinal)), dtype=bool)
    for year in sorted({date.fromordinal(int(at)).year for at in (ordinal[0], ordinal[-1])}):
        for number, (month, day) in enumerate(_VISITS):
            drawn = draws.uniform(Stream.VISIT, meters.key, np.array([-(4 * year + 2 * number + part) for part in range(2)]))
            begin = date(year, month, day)
            at = begin.toordinal() + np.floor(drawn[:, :1] * 24).astype(np.int64)
            # Ordinal 7 was a Sunday: nobody works then.
            at += at % 7 == 0
            visited |= (ordinal == at) & (minute == 540 + np.floor(drawn[:, 1:] * 8).astype(np.int64) * 60)
    return visited


def _measured(like: Flags) -> Qualities:
    return np.broadcast_to(np.int8(Quality.MEASURED), like.shape)


def lookback(day: date) -> date:
    """Return the first civil day of which anything may arrive on `day`."""
    return day - delivery.LONGEST_DELAY - timedelta(days=1)
