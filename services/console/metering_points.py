"""Finds the metering points and channels that the series of a file belong to, and makes those that are missing where that is wanted."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from collector.domain import parsed
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Identifier
from multiflux_client.points import Channel, MeteringPoint, PointPlace
from multiflux_client.readings import ReadingKind, Series
from multiflux_client.registry import RegistryClient
from vocabulary.failure import Kind
from vocabulary.flux import Direction, Flux, Quantity, base_unit
from vocabulary.names import PlaceId

T = TypeVar("T")

_MANY = 100
"""From so many identifiers on, one reading of the whole list is quicker than a question for each."""
_PATIENCE = 20
_PAUSE_S = 1.0
_LONGEST_CHANNEL_ID = 63
_WHOLE = frozenset({"", "total"})
"""Register sets of one register that counts everything: two names for the same."""

_IDS = {
    Quantity.VOLUME: "volume",
    Quantity.ACTIVE_POWER: "power",
    Quantity.REACTIVE_POWER: "reactive-power",
    Quantity.MAXIMUM_POWER: "maximum-power",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmatched:
    """Why a series of the file has no channel to go to."""

    reason: str
    description: str


UNKNOWN = Unmatched(reason="UNKNOWN_IDENTIFIER", description="no metering point has this identifier: --create-at PLACE makes one")
_INVALID = Unmatched(reason="INVALID_IDENTIFIER", description="the registry takes no such identifier")
_AMBIGUOUS = Unmatched(reason="AMBIGUOUS_IDENTIFIER", description="several metering points have this identifier")


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """What may be made: metering points at a place (None: no points), and channels of points that are there."""

    points_at: PlaceId | None = None
    channels: bool = False


@dataclass(slots=True)
class MeteringPoints:
    """The metering points of the identifiers that were met so far."""

    registry: RegistryClient
    making: Making
    created_points: int = 0
    created_channels: int = 0
    _found: dict[parsed.Identifier, MeteringPoint | Unmatched] = field(default_factory=dict[parsed.Identifier, MeteringPoint | Unmatched])
    _all_read: bool = False

    async def resolve(self, series: Iterable[parsed.Series]) -> dict[parsed.Series, Series | Unmatched]:
        """Return where the readings of each series go; RemoteFailure."""
        wanted: dict[parsed.Identifier, list[parsed.Series]] = defaultdict(list)
        for one in series:
            wanted[one.identifier].append(one)
        await self._find(wanted.keys() - self._found.keys())
        resolved: dict[parsed.Series, Series | Unmatched] = {}
        for identifier, its in wanted.items():
            point = await self._provided(identifier, [one.channel for one in its])
            resolved |= {one: _target(point, one) for one in its}
        return resolved

    async def _find(self, identifiers: set[parsed.Identifier]) -> None:
        if len(identifiers) > _MANY and not self._all_read:
            self._all_read = True
            await _patiently(self._read_all)
        for identifier in identifiers - self._found.keys():
            self._found[identifier] = UNKNOWN if self._all_read else await _patiently(partial(self._asked, identifier))

    async def _read_all(self) -> None:
        async for point in self.registry.metering_points():
            for given in point.identifiers:
                identifier = parsed.Identifier(scheme=given.scheme, value=given.value)
                before = self._found.get(identifier)
                again = isinstance(before, MeteringPoint) and before.id != point.id
                self._found[identifier] = _AMBIGUOUS if again else point

    async def _asked(self, identifier: parsed.Identifier) -> MeteringPoint | Unmatched:
        sought = Identifier(scheme=identifier.scheme, value=identifier.value)
        try:
            points = [point async for point in self.registry.metering_points(identifier=sought)]
        except RemoteFailure as failure:
            if failure.kind is not Kind.INVALID:
                raise
            return _INVALID
        if len(points) > 1:
            return _AMBIGUOUS
        return points[0] if points else UNKNOWN

    async def _provided(self, identifier: parsed.Identifier, channels: Sequence[parsed.Channel]) -> MeteringPoint | Unmatched:
        """Return the point of an identifier, with what of the channels may be made."""
        found = self._found[identifier]
        if found is UNKNOWN and self.making.points_at is not None:
            found = await _patiently(partial(self._created, identifier, channels))
        elif isinstance(found, MeteringPoint) and self.making.channels:
            before = found.channels
            changed = replace(found, channels=with_channels(before, [one for one in channels if one.flux is found.flux]))
            if changed.channels != before:
                found = await _patiently(partial(self.registry.update_metering_point, changed, fields=("channels",)))
                self.created_channels += len(changed.channels) - len(before)
        self._found[identifier] = found
        return found

    async def _created(self, identifier: parsed.Identifier, channels: Sequence[parsed.Channel]) -> MeteringPoint | Unmatched:
        if self.making.points_at is None:
            return UNKNOWN
        flux = channels[0].flux
        point = MeteringPoint(
            flux=flux,
            identifiers=(Identifier(scheme=identifier.scheme, value=identifier.value),),
            places=(PointPlace(place=self.making.points_at),),
            channels=with_channels((), [one for one in channels if one.flux is flux]),
        )
        try:
            made = await self.registry.create_metering_point(point)
        except RemoteFailure as failure:
            if failure.kind is not Kind.INVALID:
                raise
            # The message would say the identifier, which is personal.
            return Unmatched(reason=failure.reason, description="the registry refuses to make a metering point with this identifier")
        self.created_points += 1
        return made


def with_channels(present: tuple[Channel, ...], wanted: Iterable[parsed.Channel]) -> tuple[Channel, ...]:
    """Return channels with those added that are wanted and not there yet."""
    channels = present
    for one in wanted:
        if matching(channels, one) is None:
            added = Channel(
                channel_id=_fresh_id(one, {channel.channel_id for channel in channels}),
                quantity=one.quantity,
                direction=one.direction,
                register_set=one.register_set,
                tariff_slot=one.tariff_slot,
            )
            channels = (*channels, added)
    return channels


def matching(channels: Iterable[Channel], wanted: parsed.Channel) -> Channel | None:
    """Return the channel that counts what is wanted, None when there is none; `total` and no register set are the same."""
    return next((one for one in channels if _meaning(one) == _meaning(wanted)), None)


def _meaning(channel: Channel | parsed.Channel) -> tuple[Quantity, Direction, str, str]:
    whole = channel.register_set in _WHOLE and not channel.tariff_slot
    return channel.quantity, channel.direction, "" if whole else channel.register_set, channel.tariff_slot


def _fresh_id(channel: parsed.Channel, taken: Collection[str]) -> str:
    plain = _plain_id(channel)
    ids = (plain, f"{channel.register_set}-{plain}", *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in map(_as_id, ids) if one not in taken)


def _plain_id(channel: parsed.Channel) -> str:
    if channel.quantity in _IDS:
        words = [_IDS[channel.quantity]]
    elif channel.flux is Flux.GAS:
        words = ["energy"]
    else:
        words = [] if channel.tariff_slot and channel.direction is Direction.IMPORT else [channel.direction.name]
    if channel.direction is not Direction.IMPORT and channel.direction.name not in words:
        words.append(channel.direction.name)
    return "-".join([*words, channel.tariff_slot] if channel.tariff_slot else words)


def _as_id(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_CHANNEL_ID].strip("-") or "channel"


def _target(point: MeteringPoint | Unmatched, series: parsed.Series) -> Series | Unmatched:
    if isinstance(point, Unmatched):
        return point
    if point.flux is not series.channel.flux:
        return Unmatched(
            reason="FLUX_MISMATCH",
            description=f"meters/{point.id} measures {point.flux.name.lower()}, not {series.channel.flux.name.lower()}",
        )
    channel = matching(point.channels, series.channel)
    if channel is None:
        return Unmatched(
            reason="CHANNEL_MISSING", description=f"meters/{point.id} has no channel for {_said(series.channel)}: --add-channels adds it"
        )
    return Series(
        metering_point=point.id,
        channel_id=channel.channel_id,
        kind=ReadingKind(series.kind.value),
        unit=base_unit(series.channel.quantity),
    )


def _said(channel: parsed.Channel) -> str:
    words = (channel.quantity.name, channel.direction.name, channel.register_set, channel.tariff_slot)
    return " ".join(word.lower().replace("_", " ") for word in words if word)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, and again after a pause while the service says that these are too many calls at once."""
    for _ in range(_PATIENCE):
        try:
            return await work()
        except RemoteFailure as failure:
            if failure.kind is not Kind.EXHAUSTED:
                raise
            await asyncio.sleep(failure.retry_delay_s or _PAUSE_S)
    return await work()
