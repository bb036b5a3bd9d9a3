"""Turns a register's readings into what was used between them, and tells rollover, exchange, reset, jitter, reverse flow and spikes apart.

Everything is a function of all kept readings: the order in which they came cannot change a result, and a reading that arrives late, or is
corrected, is judged together with its neighbours as if it had always been there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from metering.domain.consumption.columns import Bools, Int8s, Int64s, int8s, int64s
from metering.domain.consumption.events import Event, EventKind, event
from metering.domain.consumption.pieces import Method, Pieces
from metering.domain.consumption.readings import UNKNOWN_DEVICE, ChannelFacts, Device, RegisterReadings
from metering.domain.consumption.walk import UNKNOWN_FROM, Stretch, Walked, Why, walked
from vocabulary.quality import Quality


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RegisterSeries:
    """A register's life between consecutive used readings, and what was found on the way.

    start, end: UTC seconds, each segment starts where the one before ends. delta: base units, 0 and meaningless where `known` is false.
    quality: the worse of both ends. why: `Why` numbers. suspect: how many readings were kept but not used.
    """

    start: Int64s
    end: Int64s
    delta: Int64s
    known: Bools
    quality: Int8s
    why: Int8s
    events: tuple[Event, ...]
    suspect: int

    def pieces(self) -> Pieces:
        """Return the known segments as pieces; the volume since a reset counts as estimated, because it is only the least possible."""
        known = self.known
        reset = self.why[known] == Why.RESET
        quality = self.quality[known]
        method = np.where(reset, Method.SINCE_RESET, np.where(quality > Quality.MEASURED, Method.LINEAR, Method.METERED))
        return Pieces(
            start=self.start[known],
            end=self.end[known],
            value=self.delta[known],
            quality=int8s(np.where(reset, Quality.ESTIMATED, quality)),
            method=int8s(method),
        )


def register_series(readings: RegisterReadings, facts: ChannelFacts) -> RegisterSeries:
    """Judge all readings of a register together; suspect ones are counted and left out."""
    usable = readings.quality < Quality.SUSPECT
    if bool(usable.all()):
        stretches, found = _by_device(readings.time, readings.value, readings.quality, facts.devices), list[Event]()
    else:
        stretches = _by_device(readings.time[usable], readings.value[usable], readings.quality[usable], facts.devices)
        suspects = zip(readings.time[~usable].tolist(), readings.value[~usable].tolist(), strict=True)
        found = [event(EventKind.SUSPECT, at, index=value) for at, value in suspects]
    suspect = len(found)
    walks = [walked(stretch, facts.maximum_per_hour) for stretch in stretches if len(stretch.time)]
    for walk in walks:
        found.extend(walk.events)
        suspect += walk.dropped
    found.extend(_exchange(before, after) for before, after in pairwise(walks))
    return _series(walks, tuple(sorted(found, key=lambda one: (one.at, one.kind.value))), suspect)


def _by_device(time: Int64s, value: Int64s, quality: Int8s, devices: tuple[Device, ...]) -> Iterator[Stretch]:
    """Yield the readings of each device, with the indexes noted at its installation and removal."""
    # A device without a start hung there from the beginning, so nothing comes before it.
    starts = [None if device.validity.start is None else int(device.validity.start.timestamp()) for device in devices]
    cuts = [0, *(0 if at is None else int(np.searchsorted(time, at, "left")) for at in starts), len(time)]
    for number, device in enumerate((UNKNOWN_DEVICE, *devices)):
        part = slice(cuts[number], cuts[number + 1])
        yield _with_noted_indexes(Stretch(device=device, time=time[part], value=value[part], quality=quality[part]))


def _with_noted_indexes(stretch: Stretch) -> Stretch:
    device = stretch.device
    noted = [(device.validity.start, device.first_index), (device.validity.end, device.last_index)]
    times = [(int(at.timestamp()), index) for at, index in noted if at is not None and index is not None]
    new = [(at, index) for at, index in times if at not in stretch.time]
    if not new:
        return stretch
    places = np.searchsorted(stretch.time, [at for at, _ in new])
    return Stretch(
        device=device,
        time=np.insert(stretch.time, places, [at for at, _ in new]),
        value=np.insert(stretch.value, places, [index for _, index in new]),
        quality=np.insert(stretch.quality, places, Quality.MEASURED),
    )


def _exchange(before: Walked, after: Walked) -> Event:
    return event(
        EventKind.EXCHANGE,
        int(after.time[0]),
        serial=after.device.serial,
        index=int(after.value[0]),
        closed_serial=before.device.serial,
        closed_index=int(before.value[-1]),
        closed_s=int(before.time[-1]),
    )


def _series(walks: list[Walked], events: tuple[Event, ...], suspect: int) -> RegisterSeries:
    if not walks:
        nothing = int64s([])
        return RegisterSeries(
            start=nothing, end=nothing, delta=nothing, known=nothing > 0, quality=int8s([]), why=int8s([]), events=events, suspect=suspect
        )
    time, quality = np.concatenate([walk.time for walk in walks]), np.concatenate([walk.quality for walk in walks])
    between = np.array([Why.EXCHANGE], dtype=np.int8)
    why = np.concatenate([part for walk in walks for part in (between, walk.why)])[1:]
    delta = np.concatenate([part for walk in walks for part in (int64s([0]), walk.delta)])[1:]
    # The removal of one device and the installation of the next may be noted at one instant: nothing lies between.
    lasting = time[1:] > time[:-1]
    return RegisterSeries(
        start=time[:-1][lasting],
        end=time[1:][lasting],
        delta=delta[lasting],
        known=(why < UNKNOWN_FROM)[lasting],
        quality=np.maximum(quality[1:], quality[:-1])[lasting],
        why=why[lasting],
        events=events,
        suspect=suspect,
    )
