"""Decides which readings are sent, and when they arrive: mornings, late days, gaps, silent meters."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from simulation.draws import Draws, Flags, Ints, Stream
from simulation.faults import Fault, FaultKind
from simulation.meters import Delivery, Meters
from simulation.scene import Scene

LONGEST_DELAY = timedelta(days=14)
"""Nothing arrives later than this after the end of its civil day."""
_DAY_S = 86_400
_LATE_SHARE, _AREA_LATE_SHARE = 0.03, 0.012
_LATE_DAYS_AT_MOST = 8
_SIX_HOURS_S = 21_600


def late_days(meters: Meters, draws: Draws, ordinal: Ints) -> Ints:
    """Return how many days late the readings of a day come: (meters, days). Most are in time; a concentrator that fails delays its area."""
    drawn = draws.uniform(Stream.LATE, meters.key, ordinal)
    own = np.where(drawn < _LATE_SHARE, 1 + np.floor(_LATE_DAYS_AT_MOST * (drawn / _LATE_SHARE) ** 2), 0).astype(np.int64)
    shared = draws.uniform(Stream.LATE_AREA, meters.area, ordinal) < _AREA_LATE_SHARE
    return own + 2 * shared


def morning_s(meters: Meters, draws: Draws, *, first_hour: int, last_hour: int) -> Ints:
    """Return the second after midnight at which a meter's readings of the day before are sent on: (meters, 1), each meter's own."""
    drawn = draws.uniform(Stream.MORNING, meters.key, np.zeros(1, np.int64))
    return (first_hour * 3_600 + drawn * (last_hour - first_hour) * 3_600).astype(np.int64)


def next_morning(meters: Meters, draws: Draws, ordinal: Ints, midnight_after: Ints) -> Ints:
    """Return when the readings of each day arrive: (meters, days), UTC seconds. `midnight_after` ends each day."""
    return midnight_after + morning_s(meters, draws, first_hour=6, last_hour=11) + late_days(meters, draws, ordinal) * _DAY_S


def at_once(meters: Meters, draws: Draws, end: Ints) -> Ints:
    """Return when half-hours of the authority's own sensors arrive: (meters, steps), one to three minutes after they end."""
    return end + 60 + (draws.uniform(Stream.MORNING, meters.key, np.zeros(1, np.int64)) * 120).astype(np.int64)


def every_six_hours(meters: Meters, draws: Draws, time: Ints) -> Ints:
    """Return when a radio module next speaks after each instant: `time` and the result are (meters, readings)."""
    phase = (draws.uniform(Stream.MORNING, meters.key, np.zeros(1, np.int64)) * _SIX_HOURS_S).astype(np.int64)
    return ((time - phase) // _SIX_HOURS_S + 1) * _SIX_HOURS_S + phase


def missing_days(meters: Meters, draws: Draws, ordinal: Ints, share: float) -> Flags:
    """Tell of which days nothing ever comes: (meters, days)."""
    return draws.uniform(Stream.GAP_DAY, meters.key, ordinal) < share


def missing_half_hours(meters: Meters, scene: Scene) -> Flags:
    """Tell which half-hours are lost on days that are otherwise there: (meters, half-hours); stretches of one to seven hours, rarely."""
    days = scene.days.ordinal
    begin, length, happens = (scene.draws.uniform(Stream.GAP_HOURS, meters.key, 4 * days + number) for number in range(3))
    first = np.floor(begin * 46) * 30
    minutes = np.where(happens < 0.006, 60 + np.floor(length * 12) * 30, -1)  # six days in a thousand
    rare = (minutes > 0).any(axis=1)
    lost = np.zeros((len(meters), len(scene)), dtype=bool)
    since = scene.minute - first[rare][:, scene.day]
    lost[rare] = (since >= 0) & (since < minutes[rare][:, scene.day])
    return lost


def lost_uplinks(meters: Meters, draws: Draws, time: Ints) -> Flags:
    """Tell which hourly readings were lost with their radio message: (meters, readings); six hours at a time."""
    return draws.uniform(Stream.GAP_UPLINK, meters.key, time // _SIX_HOURS_S) < 0.004  # four in a thousand


def silent(meters: Meters, faults: Sequence[Fault], time: Ints) -> Flags:
    """Tell which readings at instants a silent meter never sent: (meters, instants)."""
    quiet = np.zeros((len(meters), time.shape[-1]), dtype=bool)
    for fault in faults:
        if fault.kind is FaultKind.SILENT_METER and fault.point in meters.point:
            row = meters.point.index(fault.point)
            instants = time if time.ndim == 1 else time[row]
            quiet[row] |= (instants >= fault.start_s) & (instants < fault.end_s)
    return quiet


def sends_at_once(meters: Meters) -> Flags:
    """Tell which meters are the authority's own sensors: (meters, 1)."""
    return (meters.delivery == Delivery.AT_ONCE)[:, None]
