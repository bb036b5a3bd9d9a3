"""Orders over HTTP to a simulated TALQ gateway and back: both APIs on loopback ports, every message held against TALQ's schemas."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from talq_judge import Judged
from talq_world import CABINET, OWNER, PARIS, controller, levels, order

from field.talq import Cms, TalqGateway
from lighting.adapters.field_talq import Desk, GatewayName, Habits, TalqLink
from lighting.adapters.talq_cms import cms_application
from lighting.adapters.talq_gateway import Peer
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CommandId, LuminaireId
from lighting.domain.orders import Hold, Order, Stretch
from lighting.domain.ports import LinkAway
from lighting.domain.reports import Answer, Outcome, Report
from runtime.web import Door, web_served
from simulation.controllers import CabinetFault, Controller, LampFault
from vocabulary.names import TerritoryId

TOWN = TerritoryId("town")
GATEWAY = Gateway(protocol=GatewayProtocol.TALQ, address="gw-1")
FIRST = date(2026, 10, 19)
"""Its order holds the night of 24 October 2026, when clocks go back."""
LAMPS = ("l-1", "l-2", "l-3")
EVENING = datetime(2026, 10, 19, 18, tzinfo=UTC)
TOKEN, PUSH_TOKEN = "what-the-cms-shows", "what-the-gateway-shows"


@dataclass
class Field:
    """A link, a gateway, and the servers of both."""

    gateway: TalqGateway
    gateway_side: Judged
    stack: AsyncExitStack
    gateway_port: int = 0
    at: datetime = EVENING
    heard: list[Answer | Report] = field(default_factory=list[Answer | Report])
    cms_side: Judged | None = None
    cms_port: int = 0
    link: TalqLink | None = None
    _running: asyncio.Task[None] | None = None

    @property
    def lamps(self) -> Controller:
        return self.gateway.controllers[0]

    async def start(self, **changes: Any) -> None:
        """Start the platform's side, as after a restart: it remembers nothing."""
        opened = asyncio.Event()
        habits = Habits(owner=OWNER, reading_s=changes.pop("reading_s", 900.0), reads_back=changes.pop("reads_back", True))

        async def door(desks: Mapping[GatewayName, Desk]) -> None:
            self.cms_side = Judged(cms_application(desks, most_bytes=200_000), "cms")
            async with web_served(self.cms_side, Door(host="127.0.0.1", port=0)) as self.cms_port:
                opened.set()
                await asyncio.Event().wait()

        async def zone_of(territory: TerritoryId) -> Any:
            assert territory == TOWN
            return PARIS

        async def heard(one: Answer | Report) -> None:
            self.heard.append(one)

        url = f"http://127.0.0.1:{self.gateway_port}"
        peer = Peer(url=url, token=TOKEN, push_token=PUSH_TOKEN)
        self.link = TalqLink({(TOWN, "gw-1"): peer}, habits, zone_of=zone_of, now=lambda: self.at, door=door)
        self._running = asyncio.create_task(self.link.run(heard))
        await opened.wait()
        self.gateway.cms = Cms(url=f"http://127.0.0.1:{self.cms_port}", token=PUSH_TOKEN)

    async def stop(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def send(self, version: int, asked: Order, *, settles: bool = True) -> None:
        """Hand an order over, and wait until it is followed or refused."""
        assert self.link is not None
        before = len(self.answers())
        await self.link.send(TOWN, GATEWAY, version, asked)
        if settles:
            await self.until(lambda: any(outcome is not Outcome.RECEIVED for _, outcome in self.answers()[before:]))

    def answers(self) -> list[tuple[int, Outcome]]:
        return [(one.version, one.outcome) for one in self.heard if isinstance(one, Answer)]

    def reports(self) -> list[Report]:
        return [one for one in self.heard if isinstance(one, Report)]

    async def pushing(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.gateway.run(poll_s=0.02))

    async def until(self, what: Callable[[], Any], within_s: float = 40.0) -> Any:
        async with asyncio.timeout(within_s):
            while not (found := what()):  # noqa: ASYNC110 - it happens on the other side of a port
                await asyncio.sleep(0.02)
            return found


@pytest.fixture
async def town() -> AsyncIterator[Field]:
    lamps = controller(*LAMPS)
    async with AsyncExitStack() as stack:
        gateway = TalqGateway(name="gw-1", controllers=[lamps], zone=PARIS, token=TOKEN)
        town = Field(gateway=gateway, gateway_side=Judged(gateway.application(), "gateway"), stack=stack)
        gateway.now = lambda: town.at.timestamp()  # noqa: PLW0108 - the instant is set anew
        town.gateway_port = await stack.enter_async_context(web_served(town.gateway_side, Door(host="127.0.0.1", port=0)))
        await town.start()
        yield town
        await town.stop()
    assert not town.gateway_side.wrong
    assert town.cms_side is None or not town.cms_side.wrong


def nightly(*changes: tuple[int, int, float, float], first: date = FIRST) -> list[Stretch]:
    """Return stretches that say the same every night: hour and minute in local time (after noon the same day), from and to level."""
    found: list[Stretch] = []
    for night in range(14):
        day = first + timedelta(days=night)
        for hour, minute, start_level, level in ((12, 0, 0, 0), *changes):
            shown = datetime.combine(day + timedelta(days=hour < 12), datetime.min.time().replace(hour=hour, minute=minute), PARIS)
            found.append(Stretch(start=shown.astimezone(UTC), start_level=start_level, level=level))
    return found


def town_order(first: date = FIRST, holds: tuple[Hold, ...] = (), low: float = 40) -> Order:
    """Return an order whose first course dims from midnight to five with ramps, and whose second is switched off at half past one."""
    dimming = nightly(
        (18, 45, 10, 100), (18, 55, 100, 100), (0, 0, 100, low), (0, 20, low, low), (5, 0, 100, 100), (7, 30, 0, 0), first=first
    )
    off = nightly((18, 45, 100, 100), (1, 30, 0, 0), first=first)
    return order(first, {LAMPS[:2]: dimming, LAMPS[2:]: off}, holds=holds)


def hold(start: datetime, end: datetime | None, level: float, command: str, *lamps: str) -> Hold:
    luminaires = tuple(LuminaireId(one) for one in lamps or LAMPS)
    return Hold(luminaires=luminaires, start=start, end=end, level=level, command=CommandId(command))


def differing(town: Field, asked: Order, step: timedelta = timedelta(minutes=10)) -> dict[datetime, tuple[Any, Any]]:
    """Return the instants from now on at which the lamps do not what the order says; a ramp after a jump is a second late."""
    found: dict[datetime, tuple[Any, Any]] = {}
    at = max(asked.start, town.at)
    while at < asked.end:
        driven, said = town.lamps.levels(at.timestamp()), levels(asked, at)
        if any(abs(driven[lamp] - said[lamp]) > 0.2 for lamp in LAMPS):
            found[at] = (dict(driven), said)
        at += step
    return found


@pytest.mark.parametrize("first", [date(2026, 10, 19), date(2026, 3, 23), date(2026, 6, 1)])
async def test_the_lamps_do_what_the_order_says_in_every_night(town: Field, first: date) -> None:
    asked = town_order(first)
    town.at = asked.start
    await town.send(1, asked)
    assert town.answers() == [(1, Outcome.RECEIVED), (1, Outcome.FOLLOWED)]
    assert differing(town, asked) == {}


async def test_the_same_order_changes_nothing_however_often_it_comes(town: Field) -> None:
    asked = town_order(holds=(hold(EVENING + timedelta(hours=1), EVENING + timedelta(hours=2), 70, "cmd-1"),))
    await town.send(1, asked)
    applied, changes = list(town.lamps.applied), town.gateway.changes
    await town.send(1, asked)
    await town.stop()
    await town.start()
    await town.send(1, asked)
    assert town.lamps.applied == applied
    assert town.gateway.changes == changes
    assert set(town.answers()) == {(1, Outcome.RECEIVED), (1, Outcome.FOLLOWED)}


async def test_a_newer_order_replaces_the_former_and_leaves_nothing_of_it(town: Field) -> None:
    await town.send(1, town_order())
    newer = town_order(low=20)
    await town.send(2, newer)
    assert differing(town, newer) == {}
    await town.until(lambda: {one.split(".")[1] for one in (*town.gateway.programs, *town.gateway.calendars)} == {"v2"})
    await town.send(1, town_order())
    assert town.answers()[-1] == (2, Outcome.FOLLOWED), "an older one is not taken"
    assert differing(town, newer) == {}


async def test_an_override_holds_until_it_ends_or_is_taken_back(town: Field) -> None:
    plain = town_order()
    soon, later = EVENING + timedelta(hours=1), EVENING + timedelta(hours=4)
    held = town_order(
        holds=(hold(EVENING, soon, 70, "cmd-1"), hold(soon, later, 30, "cmd-2", "l-1"), hold(later, None, 15, "cmd-3", "l-3"))
    )
    await town.send(1, held)
    town.at += timedelta(minutes=5)
    assert differing(town, held, timedelta(minutes=30)) == {}
    # One of them ends early, another is new; the third goes on without a break.
    changed = replace(plain, holds=(held.holds[0], held.holds[2], hold(later, later + timedelta(hours=1), 80, "cmd-4", "l-2")))
    await town.send(2, changed)
    assert differing(town, changed, timedelta(minutes=30)) == {}
    await town.send(3, plain)
    assert differing(town, plain, timedelta(minutes=30)) == {}


async def test_overrides_that_a_former_process_sent_are_taken_back_too(town: Field) -> None:
    await town.send(1, town_order(holds=(hold(EVENING, None, 70, "cmd-1"), hold(EVENING + timedelta(days=1), None, 20, "cmd-2", "l-1"))))
    await town.stop()
    await town.start()
    town.at += timedelta(minutes=5)
    await town.send(2, town_order())
    assert differing(town, town_order(), timedelta(minutes=30)) == {}


async def test_a_program_that_the_gateway_cannot_hold_is_refused_and_the_former_goes_on(town: Field) -> None:
    await town.send(1, town_order())
    town.gateway.most_switch_points = 5
    applied = list(town.lamps.applied)
    await town.send(2, town_order(low=20, holds=(hold(EVENING, None, 70, "cmd-1"),)))
    refused = town.heard[-1]
    assert isinstance(refused, Answer) and refused.outcome is Outcome.REFUSED and refused.version == 2
    assert "serviceConstraintExceeded: c-1.v2.c0.2026-10-19 has more than 5 switch points" in refused.reason
    assert town.lamps.applied == applied
    assert differing(town, town_order()) == {}


async def test_a_lamp_that_the_gateway_does_not_have_is_refused_by_name(town: Field) -> None:
    await town.send(1, order(FIRST, {("l-1", "l-9"): nightly((18, 45, 100, 100))}))
    refused = town.heard[-1]
    assert isinstance(refused, Answer) and refused.outcome is Outcome.REFUSED
    assert refused.reason == "it has no lamp actuator for l-9"
    assert town.lamps.applied == []


async def test_days_that_begin_at_midnight_are_refused(town: Field) -> None:
    town.gateway.day_offset_h = 0
    await town.stop()
    await town.start()
    await town.send(1, town_order())
    refused = town.heard[-1]
    assert isinstance(refused, Answer) and refused.outcome is Outcome.REFUSED and "dayOffset must be 12" in refused.reason


async def test_a_gateway_that_is_away_takes_the_order_when_it_is_back(town: Field) -> None:
    await town.send(1, town_order())
    town.gateway_side.away = True
    with pytest.raises(LinkAway):
        await town.send(2, town_order(low=20))
    town.gateway_side.away = False
    await town.send(2, town_order(low=20))
    assert differing(town, town_order(low=20)) == {}
    assert all(outcome is not Outcome.REFUSED for _, outcome in town.answers())


async def test_nobody_there_and_no_such_gateway_are_a_link_that_is_away(town: Field) -> None:
    assert town.link is not None
    with pytest.raises(LinkAway, match="town/gw-2"):
        await town.link.send(TOWN, replace(GATEWAY, address="gw-2"), 1, town_order())
    with pytest.raises(LinkAway, match="elsewhere/gw-1"):
        await town.link.send(TerritoryId("elsewhere"), GATEWAY, 1, town_order())
    town.gateway.token = "another"
    with pytest.raises(LinkAway, match="401"):
        await town.send(1, town_order())


async def test_a_gateway_that_lost_its_memory_is_told_everything_again(town: Field) -> None:
    asked = town_order(holds=(hold(EVENING, None, 70, "cmd-1", "l-1"),))
    await town.send(1, asked)
    empty = TalqGateway(name="gw-1", controllers=[controller(*LAMPS)], zone=PARIS, token=TOKEN, now=town.gateway.now)
    town.gateway_side.replaced(empty.application())
    town.gateway = empty
    town.at += timedelta(minutes=5)
    await town.send(1, asked)
    assert differing(town, asked, timedelta(minutes=30)) == {}


async def test_lamps_that_are_not_the_cabinets_any_more_are_let_go(town: Field) -> None:
    await town.send(1, town_order())
    await town.send(2, order(FIRST, {("l-1",): town_order().courses[0].stretches}))
    assert {lamp: calendar for lamp, calendar in town.gateway.assigned.items() if calendar} == {"l-1": "c-1.v2.c0"}
    assert town.answers()[-1] == (2, Outcome.FOLLOWED)


async def test_an_order_counts_as_followed_once_the_gateway_tells_of_it(town: Field) -> None:
    await town.stop()
    await town.start(reads_back=False)
    await town.send(1, town_order(), settles=False)
    assert town.answers() == [(1, Outcome.RECEIVED)]
    pushing = await town.pushing()
    await town.until(lambda: (1, Outcome.FOLLOWED) in town.answers())
    pushing.cancel()


async def test_a_gateway_announces_itself(town: Field) -> None:
    pushing = await town.pushing()
    wanted = [("POST", "/services", 201), ("POST", "/device-classes", 201), ("POST", "/devices", 201)]
    await town.until(lambda: town.cms_side is not None and town.cms_side.exchanges[:3] == wanted)
    pushing.cancel()


async def test_a_cabinet_without_power_follows_at_dusk_and_says_so(town: Field) -> None:
    town.lamps.powered_by_day = False
    town.at = datetime(2026, 10, 19, 12, tzinfo=UTC)
    pushing = await town.pushing()
    await town.send(1, town_order(), settles=False)
    assert town.answers() == [(1, Outcome.RECEIVED)]
    assert town.lamps.applied == []
    town.at = EVENING
    await town.until(lambda: (1, Outcome.FOLLOWED) in town.answers())
    assert differing(town, town_order()) == {}
    pushing.cancel()


async def test_faults_that_are_pushed_become_reports(town: Field) -> None:
    asked = town_order()
    await town.send(1, asked)
    town.lamps.lamp_faults = {"l-1": LampFault.DEAD, "l-2": LampFault.MUTE}
    town.lamps.cabinet_faults = {CabinetFault.DOOR_OPEN}
    pushing = await town.pushing()
    told = await town.until(lambda: [one for one in town.reports() if one.door_open and len(one.lamps) == 2 and one.lamps[0].power_w == 0])
    report = told[-1]
    assert (report.cabinet, report.gateway, report.version, report.supplied, report.tripped_circuits) == (CABINET, GATEWAY, 1, True, ())
    dead, well = report.lamps
    assert (dead.luminaire, dead.level, dead.power_w) == ("l-1", 100, 0)
    assert (well.luminaire, well.level, well.power_w) == ("l-3", 100, pytest.approx(60, rel=0.04)), "meters err"
    assert (well.burning_s, well.switch_count) == (0, 0)
    town.lamps.cabinet_faults = {CabinetFault.TRIPPED}
    await town.until(lambda: town.reports()[-1].tripped_circuits == (1,) and not town.reports()[-1].door_open)
    town.lamps.cabinet_faults = {CabinetFault.NO_SUPPLY}
    await town.until(lambda: town.reports()[-1].supplied is False and town.reports()[-1].lamps == ())
    town.lamps.cabinet_faults, town.lamps.lamp_faults = set(), {}
    await town.until(lambda: town.reports()[-1].supplied and len(town.reports()[-1].lamps) == 3)
    town.at += timedelta(minutes=20)
    await town.until(lambda: {lamp.burning_s for lamp in town.reports()[-1].lamps} == {1_200})
    pushing.cancel()


async def test_a_gateway_that_says_nothing_is_a_link_that_is_away(town: Field) -> None:
    town.lamps.cabinet_faults = {CabinetFault.MUTE}
    with pytest.raises(LinkAway):
        await town.send(1, town_order())
    town.lamps.cabinet_faults = set()
    await town.send(1, town_order())
    assert town.answers()[-1] == (1, Outcome.FOLLOWED)


async def test_what_happened_while_the_platform_was_away_is_pushed_when_it_is_back(town: Field) -> None:
    await town.send(1, town_order())
    await town.stop()
    pushing = await town.pushing()
    town.lamps.cabinet_faults = {CabinetFault.DOOR_OPEN}
    await asyncio.sleep(0.1)
    pushing.cancel()
    await town.start(reading_s=3_600.0)
    pushing = await town.pushing()
    await town.until(lambda: town.reports() and town.reports()[-1].door_open)
    assert town.cms_side is not None
    await town.until(lambda: ("POST", "/log-reports", 201) in town.cms_side.exchanges if town.cms_side else False)
    pushing.cancel()


@dataclass(frozen=True)
class Push:
    """A request to the CMS that is wrong in one way."""

    status: int
    key: str
    token: str = PUSH_TOKEN
    version: str | None = "2.7.1"
    client: str | None = OWNER
    method: str = "POST"
    path: str = "/log-reports"
    body: bytes = b'{"entries": []}'


@pytest.mark.parametrize(
    "push",
    [
        Push(401, "genericError", token="guessed"),
        Push(400, "headerMissing", version=None),
        Push(400, "headerValueNotValid", version="3.0.0"),
        Push(400, "parameterMissing", client=None),
        Push(400, "parameterValueNotValid", client="gw-1"),
        Push(400, "payloadError", body=b"{"),
        Push(400, "payloadError", body=b"[" * 100_000),
        Push(400, "payloadError", body=b'{"entries": [{"data": {"type": "EventLogData", "srcAddress": "x"}}]}'),
        Push(400, "payloadError", body=b'{"entries": [{"data": {"type": "Gossip", "srcAddress": "x"}}]}'),
        Push(400, "payloadError", path="/devices", body=b'[{"address": "no-uuid", "name": "n", "class": "c"}]'),
        Push(413, "payloadError", body=b'{"entries": []}' + b" " * 200_000),
        Push(404, "resourceNotFound", method="GET", path="/logger-configs/others"),
        Push(404, "resourceNotFound", method="GET", path=f"/devices/{OWNER}"),
        Push(404, "resourceNotFound", path="/weather"),
        Push(501, "genericError", method="GET", path="/lamp-types"),
    ],
    ids=lambda push: f"{push.status}-{push.key}-{push.path.strip('/')}-{len(push.body)}",
)
async def test_what_is_pushed_wrongly_is_refused_in_talqs_words(town: Field, push: Push) -> None:
    headers = {"Authorization": f"Bearer {push.token}"} | ({"talq-api-version": push.version} if push.version else {})
    query = {"talqRequestId": str(uuid4())} | ({"clientAddress": push.client} if push.client else {})
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{town.cms_port}", headers=headers) as http:
        body = push.body if push.method == "POST" else None
        response = await http.request(push.method, push.path, params=query, content=body)
    assert response.status_code == push.status
    assert response.json()[0]["key"] == push.key
    assert response.json()[0]["description"]
    assert town.cms_side is not None
    town.cms_side.wrong.clear()


async def test_a_gateway_reads_what_the_cms_knows_of_it(town: Field) -> None:
    await town.send(1, town_order())
    headers = {"Authorization": f"Bearer {PUSH_TOKEN}", "talq-api-version": "2.7.1"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{town.cms_port}", headers=headers, params={"clientAddress": OWNER}) as http:
        device = next(one for one in (await http.get("/devices")).json() if one["name"] == "l-1")
        calendar = (await http.get(f"/devices/{device['address']}/actuator/calendarID")).json()
        events = (await http.get("/logger-configs/multiflux-events")).json()
    assert calendar["value"] == "c-1.v1.c0"
    assert events == town.gateway.loggers["multiflux-events"]
