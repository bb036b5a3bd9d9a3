"""Gateways that speak TALQ 2.7.1 over HTTP. They are called with orders, and push what happens to a port of this service.

Only gateways that the settings name are called, each for one territory: `{territory}/{gateway}` → its base URL.

An order is handed over step by step, so that a refusal changes nothing and what is followed is complete: programs and calendars under
ids of the order's version, then overrides, then the assignment of the calendars, then what former versions left behind is deleted.
Handing the same order over again changes nothing. A gateway that follows a later version than it is sent is left alone, and said to
follow that one. What devices follow is read back soon after, once for all orders that were handed over meanwhile.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from lighting.adapters.talq_devices import Devices, Overridden
from lighting.adapters.talq_gateway import Conflicting, Control, GatewayClient, GatewayRefused, Peer
from lighting.adapters.talq_messages import EventLogData, Json, LogReport, loggers
from lighting.adapters.talq_orders import (
    Override,
    Programmed,
    assign_command,
    order_named,
    override_command,
    overrides_by_luminaire,
    programmed,
    still_due,
)
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.orders import Order
from lighting.domain.ports import Heard, LinkAway
from lighting.domain.reports import Answer, Outcome
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

NOON_H = 12
_FIRST_WAIT_S = 5.0
_PROGRAMS, _CALENDARS = "control-programs", "calendars"
_ASSIGNED = frozenset({"calendarChange", "programChange"})
_NAMED = 3
_FRESH_S = 60.0
"""How long a reading of all devices is good enough to hand over an order."""

GatewayName = tuple[TerritoryId, str]
DoorOpener = Callable[[Mapping[GatewayName, "Desk"]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """How gateways are spoken to."""

    owner: str
    """The address of this CMS, a UUID."""
    reading_s: float
    """Seconds between two readings of all devices."""
    reads_back: bool
    """Whether assignments are read back; else they count when the gateway tells of them."""


@dataclass(slots=True)
class Desk:
    """One gateway: what it is asked, and what it was heard to say."""

    territory: TerritoryId
    gateway: Gateway
    peer: Peer
    client: GatewayClient
    habits: Habits
    now: Callable[[], datetime]
    zone_of: Callable[[TerritoryId], Awaitable[ZoneInfo]]
    devices: Devices = field(default_factory=Devices)
    heard: Heard | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _control: Control | None = None
    _wanted: dict[CabinetId, tuple[int, Mapping[str, tuple[LuminaireId, ...]]]] = field(
        default_factory=dict[CabinetId, tuple[int, Mapping[str, tuple[LuminaireId, ...]]]]
    )
    """What was assigned and is not followed yet: the version, and the luminaires by calendar."""
    _overrides: dict[LuminaireId, tuple[Override, ...]] = field(default_factory=dict[LuminaireId, tuple[Override, ...]])
    """What commands were sent to each luminaire, as far as this process did it."""
    _look: asyncio.Event = field(default_factory=asyncio.Event)
    _read_at: datetime | None = None
    """When all devices were read last."""
    _meanwhile: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    """Takes in again what was pushed since the last reading began."""
    _untidy: dict[CabinetId, int] = field(default_factory=dict[CabinetId, int])
    """The versions that cabinets follow since a short time: what former ones left behind is to be deleted."""

    async def watch(self) -> None:
        """Read the gateway's devices now and then, and when it says that assignments changed, until cancelled."""
        wait = _FIRST_WAIT_S
        while True:
            try:
                async with self._lock:
                    # Orders that were handed over while this waited are read back together.
                    self._look.clear()
                    await self._introduced()
                    await self._read()
                await self.tell(self.devices.cabinets())
                async with self._lock:
                    await self._tidy()
                wait = self.habits.reading_s
            except (LinkAway, GatewayRefused) as away:
                self._forget()
                _log.info("a gateway cannot be read", extra={"gateway": self.gateway.address, "reason": str(away), "again_in_s": wait})
                wait = min(2 * wait, self.habits.reading_s)
            with suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it loses a cancellation that comes as the event does.
                async with asyncio.timeout(wait):
                    await self._look.wait()

    async def deliver(self, version: int, order: Order) -> None:
        """Hand an order over; LinkAway."""
        async with self._lock:
            try:
                await self._deliver(version, order)
            except GatewayRefused as refused:
                self._overrides.clear()
                await self._answer(order.cabinet, version, Outcome.REFUSED, str(refused))
            except LinkAway:
                self._forget()
                raise

    async def logged(self, report: LogReport) -> int:
        """Take in a log report that the gateway pushed; return how many entries speak of devices that are not known."""
        entries = [entry.data for entry in report.entries if entry.data is not None]
        known = [data for data in entries if self.devices.note(data)]
        self._remember(partial(self.devices.note, data) for data in known)
        if any(isinstance(data, EventLogData) and data.event_type in _ASSIGNED for data in known) or len(known) < len(entries):
            self._look.set()
        await self.tell(self.devices.cabinets_of({data.src_address.partition("/")[0] for data in known}))
        return len(entries) - len(known)

    async def changed(self, devices: Iterable[Json]) -> None:
        """Take in devices, or attributes of them, that the gateway pushed."""
        addresses: list[str] = []
        for device in devices:
            self.devices.change(device)
            addresses.append(device["address"])
            self._remember([partial(self.devices.change, device)])
        await self.tell(self.devices.cabinets_of(addresses))

    def introduce_again(self) -> None:
        """Ask the gateway anew what it can do: it said that this changed."""
        self._control = None
        self._look.set()

    async def tell(self, cabinets: Iterable[CabinetId]) -> None:
        """Tell what is known of cabinets, and of orders that are followed now."""
        if self.heard is None:
            return
        for cabinet in cabinets:
            await self._settle(cabinet)
            await self.heard(self.devices.report(self.territory, self.gateway, cabinet, self.now()))

    async def _deliver(self, version: int, order: Order) -> None:
        control = await self._introduced()
        fresh = self._read_at is not None and (self.now() - self._read_at).total_seconds() <= _FRESH_S
        if not fresh or self._strange(order):
            await self._read()
        newest = max(self.devices.followers(order.cabinet).values(), default=0)
        if newest > version:
            await self._answer(order.cabinet, newest, Outcome.FOLLOWED)
            return
        strange = self._strange(order)
        if strange:
            more = ", …" if len(strange) > _NAMED else ""
            raise GatewayRefused(f"it has no lamp actuator for {', '.join(strange[:_NAMED])}{more}")
        addresses = self.devices.by_luminaire()
        zone = await self.zone_of(self.territory)
        wanted = programmed(order, version, self.habits.owner, zone, clock_after=control.astronomical)
        new = await self._put(_PROGRAMS, wanted.programs)
        await self._put(_CALENDARS, wanted.calendars)
        if new and any(self.devices.calendar_of(one) in wanted.calendars for one in self.devices.all):
            # It was said to follow what it did not have: it lost its memory.
            await self._read()
        await self._override(order, addresses)
        await self._assign(order.cabinet, wanted, addresses)
        self._wanted[order.cabinet] = (version, wanted.followers)
        await self._answer(order.cabinet, version, Outcome.RECEIVED)
        if self.habits.reads_back:
            self._look.set()

    def _remember(self, pushed: Iterable[Callable[[], object]]) -> None:
        if self._lock.locked():
            self._meanwhile.extend(pushed)

    async def _read(self) -> None:
        self._meanwhile.clear()
        self.devices.read(await self.client.devices())
        # What was pushed while the answer was on its way may be newer than it.
        for pushed in self._meanwhile:
            pushed()
        self._read_at = self.now()

    def _forget(self) -> None:
        """Trust nothing that is known of the gateway: it may come back without its memory, and took nobody knows what."""
        self._control = self._read_at = None
        self._overrides.clear()

    async def _introduced(self) -> Control:
        """Return what the gateway can do; the first time, and after it was away, ask it to log what is needed."""
        if self._control is None:
            control = await self.client.control()
            if control.day_offset_h != NOON_H:
                raise GatewayRefused(f"its days begin at {control.day_offset_h} h: dayOffset must be {NOON_H}, noon to noon")
            for address, config in loggers(self.habits.owner).items():
                held = await self.client.logger(address)
                if held is None:
                    await self.client.change("POST", "/logger-configs", config)
                elif held != config:
                    await self.client.change("PUT", f"/logger-configs/{address}", config)
            self._control = control
        return self._control

    def _strange(self, order: Order) -> Sequence[LuminaireId]:
        """Return the luminaires of an order that the gateway has not."""
        known = self.devices.by_luminaire()
        return sorted({one for part in (*order.courses, *order.holds) for one in part.luminaires if one not in known})

    async def _put(self, collection: str, wanted: Mapping[str, Json]) -> bool:
        """Have the gateway hold what is wanted; tell whether it had none of it."""
        try:
            await self.client.change("POST", f"/{collection}", list(wanted.values()))
        except Conflicting:
            held = await self.client.resources(collection)
            new = [one for name, one in wanted.items() if name not in held]
            other = [one for name, one in wanted.items() if name in held and held[name] != one]
            if new:
                await self.client.change("POST", f"/{collection}", new)
            if other:
                await self.client.change("PUT", f"/{collection}", other)
            return False
        return True

    async def _override(self, order: Order, addresses: Mapping[LuminaireId, str]) -> None:
        now = self.now()
        asked = overrides_by_luminaire(order.holds, now)
        own = [one for course in order.courses for one in course.luminaires]
        back: list[LuminaireId] = []
        due = defaultdict[Override, list[LuminaireId]](list)
        for luminaire in dict.fromkeys([*own, *asked]):
            after, before = asked.get(luminaire, ()), self._sent(luminaire, addresses[luminaire], asked.get(luminaire, ()), now)
            # A gateway keeps the overrides of a lamp until all are taken back: what is to be gone takes the others with it.
            gone = before is None or any(one not in after for one in before)
            if gone:
                back.append(luminaire)
            for one in after:
                if gone or before is None or one not in before:
                    due[one].append(luminaire)
        if back:
            await self.client.change("POST", "/override-commands", override_command([addresses[one] for one in back], None))
        for one in sorted(due, key=lambda one: (one.start is not None, one.start or now)):
            await self.client.change("POST", "/override-commands", override_command([addresses[each] for each in due[one]], one))
        self._overrides |= {luminaire: asked.get(luminaire, ()) for luminaire in dict.fromkeys([*own, *asked])}

    def _sent(self, luminaire: LuminaireId, address: str, asked: Sequence[Override], now: datetime) -> tuple[Override, ...] | None:
        """Return the overrides that a lamp has and that have not ended; None: some, and nobody remembers which."""
        if luminaire in self._overrides and self.devices.calendar_of(address):
            return still_due(self._overrides[luminaire], now)
        # Another process sent them, or the gateway lost its memory: it tells the latest alone.
        told = self.devices.overridden(address)
        if told is None or (told.end is not None and told.end <= now):
            return ()
        return tuple(asked) if len(asked) == 1 and _is(told, asked[0]) else None

    async def _assign(self, cabinet: CabinetId, wanted: Programmed, addresses: Mapping[LuminaireId, str]) -> None:
        assigned: set[str] = set()
        for calendar, luminaires in wanted.followers.items():
            own = [addresses[one] for one in luminaires]
            assigned |= set(own)
            other = [one for one in own if self.devices.calendar_of(one) != calendar]
            if other:
                await self.client.change("POST", "/assign-commands", assign_command(other, calendar))
        left = sorted(self.devices.followers(cabinet).keys() - assigned)
        if left:
            # They are not the cabinet's any more.
            await self.client.change("POST", "/assign-commands", assign_command(left, ""))
            for one in left:
                self.devices.follow(one, "")

    async def _settle(self, cabinet: CabinetId) -> None:
        """Say that an order is followed once all its devices follow it."""
        wanted = self._wanted.get(cabinet)
        if wanted is None:
            return
        version, followers = wanted
        addresses = self.devices.by_luminaire()
        following = all(
            one in addresses and self.devices.calendar_of(addresses[one]) == calendar
            for calendar, some in followers.items()
            for one in some
        )
        if following:
            del self._wanted[cabinet]
            self._untidy[cabinet] = version
            await self._answer(cabinet, version, Outcome.FOLLOWED)

    async def _tidy(self) -> None:
        """Delete what former versions left behind; what the gateway keeps nevertheless is asked for again after the next order."""
        settled, self._untidy = self._untidy, {}
        for collection in (_CALENDARS, _PROGRAMS) if settled else ():
            for name in await self.client.resources(collection):
                named = order_named(name)
                # A later one may have come meanwhile.
                if named is not None and named[1] < settled.get(named[0], 0):
                    try:
                        await self.client.remove(collection, name)
                    except GatewayRefused as refused:
                        _log.info("a gateway keeps what is old", extra={"gateway": self.gateway.address, "reason": str(refused)})

    async def _answer(self, cabinet: CabinetId, version: int, outcome: Outcome, reason: str = "") -> None:
        if self.heard is not None:
            answer = Answer(
                territory=self.territory,
                cabinet=cabinet,
                gateway=self.gateway,
                version=version,
                outcome=outcome,
                reason=reason,
                at=self.now(),
            )
            await self.heard(answer)


class TalqLink:
    """A link to the gateways that the settings name."""

    def __init__(
        self,
        peers: Mapping[GatewayName, Peer],
        habits: Habits,
        *,
        zone_of: Callable[[TerritoryId], Awaitable[ZoneInfo]],
        now: Callable[[], datetime],
        door: DoorOpener | None,
    ) -> None:
        """Speak with `peers`; `door` serves what they push, until cancelled (None: they may not)."""
        self._desks = {
            (territory, address): Desk(
                territory=territory,
                gateway=Gateway(protocol=GatewayProtocol.TALQ, address=address),
                peer=peer,
                client=GatewayClient(peer, habits.owner),
                habits=habits,
                now=now,
                zone_of=zone_of,
            )
            for (territory, address), peer in peers.items()
        }
        self._door = door

    async def run(self, heard: Heard) -> None:
        """Watch every gateway, and take in what they push, until cancelled."""
        for desk in self._desks.values():
            desk.heard = heard
        try:
            async with asyncio.TaskGroup() as group:
                for desk in self._desks.values():
                    group.create_task(desk.watch())
                if self._door is not None:
                    group.create_task(_opened(self._door, self._desks))
        finally:
            for desk in self._desks.values():
                desk.heard = None
                await desk.client.close()

    async def send(self, territory: TerritoryId, gateway: Gateway, version: int, order: Order) -> None:
        """Hand an order over; LinkAway, also when the settings name no such gateway."""
        desk = self._desks.get((territory, gateway.address))
        if desk is None:
            raise LinkAway(f"the settings name no gateway {territory}/{gateway.address} that speaks TALQ")
        if desk.heard is None:
            raise LinkAway("the link does not run")
        await desk.deliver(version, order)


async def _opened(door: DoorOpener, desks: Mapping[GatewayName, Desk]) -> None:
    await door(desks)


def _is(told: Overridden, asked: Override) -> bool:
    # One that has begun is asked for at once now, and was perhaps asked for ahead.
    begun = asked.start is None or told.start == asked.start
    return told.command == asked.command and told.level == asked.level and told.end == asked.end and begun
