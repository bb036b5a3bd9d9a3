"""The known use of one metering point: its register sets read, judged, and the best one chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.channel import ChannelUse, channel_use
from metering.domain.consumption.columns import Int64s, int8s, int64s
from metering.domain.consumption.gaps import MARGIN_S
from metering.domain.consumption.gas import Coefficient, gas_energy
from metering.domain.consumption.pieces import NOTHING, Pieces, amount_before
from metering.domain.consumption.readings import IntervalReadings, RegisterReadings
from metering.domain.consumption.register_sets import RegisterSet, SetRole, chosen_set, coverage
from metering.domain.figures.scene import channel_facts
from metering.domain.registry.points import Channel, MeteringPoint
from metering.domain.series.columns import ReadingKind, Versions, joined_versions
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.quality import Quality

_FURTHER = timedelta(days=400)
"""How far beyond the margin to look for the reading before or after: water is read twice a year, sometimes once."""

_WHOLE = 0.999

_ROLES = {"supplier": SetRole.SUPPLIER, "distributor": SetRole.DISTRIBUTOR}

ReadChannel: TypeAlias = Callable[[str, ReadingKind, Interval], Versions]
"""Returns what holds of a channel's readings in an interval, by time; nothing for a series without readings."""


class NoSuchChannel(Failure):
    """The point does not count what is asked for, or has no such register set or tariff slot."""

    reason, kind = "NO_SUCH_CHANNEL", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a point a question is about; an empty register set or tariff slot leaves the choice open."""

    quantity: Quantity
    direction: Direction
    register_set: str = ""
    tariff_slot: str = ""
    finest_s: int = 0
    """The length of the question's slots in seconds: sets that are read as often go before others; 0 asks for none."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KnownUse:
    """What is known of a point's use.

    pieces: of the chosen register set. suspect: how many readings were left out. latest: the last reading's UTC second, 0: none.
    """

    pieces: Pieces
    suspect: int
    latest: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _SetUse:
    name: str
    channels: dict[str, ChannelUse]
    resolution: int
    latest: int


NO_USE = KnownUse(pieces=NOTHING, suspect=0, latest=0)


def counts(point: MeteringPoint, wanted: Wanted) -> bool:
    """Tell whether the point counts what is wanted, or, for the energy of gas, what it can be made of."""
    return bool(_channels(point, wanted) or (_from_volume(point, wanted) and _channels(point, _volume(wanted))))


def known_use(
    point: MeteringPoint, wanted: Wanted, during: Interval, read: ReadChannel, zone: ZoneInfo, coefficients: Sequence[Coefficient] = ()
) -> KnownUse:
    """Return what is known of a point's use in `during`, and as far around it as the rules look.

    Raises NoSuchChannel when the point does not count what is wanted.
    """
    given = _chosen(point, wanted, during, read, zone)
    if not _from_volume(point, wanted):
        if given is None:
            raise NoSuchChannel(f"the point counts no such {wanted.quantity.name.lower()}", quantity=wanted.quantity.name)
        return given
    volume = _chosen(point, _volume(wanted), during, read, zone)
    if volume is None:
        return given or NO_USE
    corrected = any(device.volume_corrected for device in point.devices)
    energy = gas_energy(volume.pieces, NOTHING if given is None else given.pieces, coefficients, corrected=corrected)
    others = given or NO_USE
    return KnownUse(pieces=energy.pieces, suspect=volume.suspect + others.suspect, latest=max(volume.latest, others.latest))


def _from_volume(point: MeteringPoint, wanted: Wanted) -> bool:
    return point.flux is Flux.GAS and wanted.quantity is Quantity.ENERGY and not wanted.register_set


def _volume(wanted: Wanted) -> Wanted:
    return Wanted(quantity=Quantity.VOLUME, direction=wanted.direction, finest_s=wanted.finest_s)


def _channels(point: MeteringPoint, wanted: Wanted) -> tuple[Channel, ...]:
    return tuple(
        channel
        for channel in point.channels
        if channel.quantity is wanted.quantity
        and channel.direction is wanted.direction
        and wanted.register_set in ("", channel.register_set)
        and wanted.tariff_slot in ("", channel.tariff_slot)
    )


def _chosen(point: MeteringPoint, wanted: Wanted, during: Interval, read: ReadChannel, zone: ZoneInfo) -> KnownUse | None:
    channels = _channels(point, wanted)
    if not channels:
        return None
    sets = list[_SetUse]()
    # A set that is whole answers by itself, the total first: the others are read only where it has holes.
    for name in sorted(dict.fromkeys(channel.register_set for channel in channels), key=_role):
        one = _set_use(point, name, [channel for channel in channels if channel.register_set == name], during, read, zone)
        if _fine(one, wanted.finest_s) and coverage(_as_register_set(one), during) >= _WHOLE:
            return _known(one)
        sets.append(one)
    fitting = [one for one in sets if _fine(one, wanted.finest_s)] or sets
    name = chosen_set([_as_register_set(one) for one in fitting], during, by_slot=bool(wanted.tariff_slot)).chosen.name
    return _known(next(one for one in fitting if one.name == name))


def _known(one: _SetUse) -> KnownUse:
    return KnownUse(
        pieces=added([use.pieces for use in one.channels.values()]),
        suspect=sum(use.suspect for use in one.channels.values()),
        latest=one.latest,
    )


def _role(name: str) -> SetRole:
    return _ROLES.get(name, SetRole.TOTAL)


def _set_use(point: MeteringPoint, name: str, channels: Sequence[Channel], during: Interval, read: ReadChannel, zone: ZoneInfo) -> _SetUse:
    uses: dict[str, ChannelUse] = {}
    facts = channel_facts(point, channels[0].quantity)
    latest = 0
    for channel in channels:
        registers = _registers(read, channel.channel_id, during)
        intervals = _intervals(read, channel.channel_id, during)
        latest = max(latest, _last(registers.time), _last(intervals.start + intervals.duration))
        uses[channel.tariff_slot or channel.channel_id] = channel_use(registers, intervals, facts, zone)
    return _SetUse(name=name, channels=uses, resolution=max((one.resolution for one in facts.devices), default=1), latest=latest)


def _as_register_set(one: _SetUse) -> RegisterSet:
    return RegisterSet(
        name=one.name,
        role=_role(one.name),
        channels={slot: use.pieces for slot, use in one.channels.items()},
        resolution=one.resolution,
    )


def _fine(one: _SetUse, finest_s: int) -> bool:
    """Tell whether a set's readings are as close together as the question's slots."""
    if not finest_s:
        return True
    return all(len(use.pieces) > 0 and float(np.median(use.pieces.duration)) <= 1.5 * finest_s for use in one.channels.values())


def added(parts: Sequence[Pieces]) -> Pieces:
    """Return the sum of what several registers of one set counted at the same time: known where all are known."""
    if len(parts) == 1:
        return parts[0]
    edges = np.unique(np.concatenate([np.concatenate((part.start, part.end)) for part in parts]))
    if len(edges) < 2:  # noqa: PLR2004 — a piece has two ends
        return NOTHING
    return _summed(parts, edges[:-1], edges[1:])


def _summed(parts: Sequence[Pieces], start: Int64s, end: Int64s) -> Pieces:
    value = np.zeros(len(start), dtype=np.int64)
    quality, method, known = np.zeros(len(start), dtype=np.int8), np.zeros(len(start), dtype=np.int8), np.ones(len(start), dtype=np.bool_)
    for part in parts:
        at = np.maximum(np.searchsorted(part.start, start, "right") - 1, 0)
        inside = (part.start[at] <= start) & (end <= part.end[at]) if len(part) else np.zeros(len(start), dtype=np.bool_)
        known &= inside
        if len(part):
            value += amount_before(part, end) - amount_before(part, start)
            quality = np.maximum(quality, part.quality[at])
            method = np.maximum(method, part.method[at])
    return Pieces(start=start[known], end=end[known], value=value[known], quality=int8s(quality[known]), method=int8s(method[known]))


def _registers(read: ReadChannel, channel: str, during: Interval) -> RegisterReadings:
    found = _read(read, channel, ReadingKind.REGISTER, during).columns
    return RegisterReadings(time=found.time, value=found.value, quality=found.quality)


def _intervals(read: ReadChannel, channel: str, during: Interval) -> IntervalReadings:
    found = _read(read, channel, ReadingKind.INTERVAL, during).columns
    return IntervalReadings(start=found.time, duration=int64s(found.duration), value=found.value, quality=found.quality)


def _read(read: ReadChannel, channel: str, kind: ReadingKind, during: Interval) -> Versions:
    """Read `during` with the margin that the rules need, and further where nothing is found before or after."""
    margin = timedelta(seconds=MARGIN_S)
    wide = Interval(start=during.start - margin, end=during.end + margin)
    found = read(channel, kind, wide)
    usable = found.columns.time[found.columns.quality < Quality.SUSPECT]
    before = len(usable) == 0 or int(usable[0]) > during.start.timestamp()
    after = kind is ReadingKind.REGISTER and (len(usable) == 0 or int(usable[-1]) < during.end.timestamp())
    parts = [found]
    if before:
        parts.insert(0, read(channel, kind, Interval(start=wide.start - _FURTHER, end=wide.start)))
    if after:
        parts.append(read(channel, kind, Interval(start=wide.end, end=wide.end + _FURTHER)))
    return joined_versions(parts) if len(parts) > 1 else found


def _last(times: Int64s) -> int:
    return int(times[-1]) if len(times) else 0
