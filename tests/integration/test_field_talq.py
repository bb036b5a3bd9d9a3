"""The lighting service with gateways that speak TALQ over real HTTP: plans and commands reach the lamps, and what lamps say comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lighting_world import PARIS, RunningClock, World, lighting_world, scope, timestamp, until
from talq_judge import Judged

from field.talq import Cms, TalqGateway
from multiflux.lighting.v1 import field_pb2, plan_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.web import Door, web_served
from simulation.controllers import Controller, Lamp
from simulation.sun import Spot

DUSK = datetime(2026, 1, 15, 17, tzinfo=UTC)
"""After sunset in Paris, so that every cabinet has power."""
DAY = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock(DUSK)


@pytest.fixture
async def sides(clock: RunningClock, free_port: int, tmp_path: Path) -> AsyncIterator[dict[int, tuple[TalqGateway, Judged, str]]]:
    """Two gateways that serve, with their URLs."""
    found: dict[int, tuple[TalqGateway, Judged, str]] = {}
    async with AsyncExitStack() as stack:
        for number in (1, 2):
            names = [f"l{number}-{lamp}" for lamp in (1, 2, 3)]
            lamps = {name: Lamp(id=name, full_power_w=40, fixed_power_w=2, standby_power_w=0.5) for name in names}
            spot = Spot(latitude_degrees=48.85, longitude_degrees=2.35)
            controller = Controller(cabinet=f"c{number}", lamps=lamps, spot=spot, powered_by_day=number == 1)
            (tmp_path / f"push-{number}").write_text(f"pushed-by-{number}\n", "utf-8")
            cms = Cms(url=f"http://127.0.0.1:{free_port}", token=f"pushed-by-{number}")
            gateway = TalqGateway(
                name=f"g{number}", controllers=[controller], zone=PARIS, now=lambda: clock.now().timestamp(), cms=cms, report_every_s=1.0
            )
            side = Judged(gateway.application(), "gateway")
            port = await stack.enter_async_context(web_served(side, Door(host="127.0.0.1", port=0)))
            found[number] = (gateway, side, f"http://127.0.0.1:{port}")
        yield found
    for _, side, _ in found.values():
        assert not side.wrong


@pytest.fixture
async def world(
    database_url: str,
    tmp_path: Path,
    clock: Any,
    free_port: int,
    sides: dict[int, tuple[TalqGateway, Judged, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    gateways = {
        f"town/g{number}": {"url": url, "push_token_file": str(tmp_path / f"push-{number}")} for number, (_, _, url) in sides.items()
    }
    monkeypatch.setenv("MULTIFLUX_LIGHTING_TALQ_GATEWAYS", json.dumps(gateways))
    monkeypatch.setenv("MULTIFLUX_LIGHTING_TALQ_PORT", str(free_port))
    async with lighting_world(database_url, tmp_path, clock, order_first_wait_s=0.5, order_longest_wait_s=2.0) as world:
        yield world


@pytest.fixture
async def gateways(world: World, sides: dict[int, tuple[TalqGateway, Judged, str]]) -> AsyncIterator[dict[int, TalqGateway]]:
    """Two cabinets with three luminaires each; the second has power by night only."""
    await world.small_town(gateways=field_pb2.GATEWAY_PROTOCOL_TALQ)
    found = {number: gateway for number, (gateway, _, _) in sides.items()}
    tasks = [asyncio.create_task(one.run(poll_s=0.05)) for one in found.values()]
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def levels(gateway: TalqGateway, at: datetime) -> dict[str, float]:
    return dict(gateway.controllers[0].levels(at.timestamp()))


async def test_a_published_plan_is_followed_and_confirmed(world: World, gateways: dict[int, TalqGateway]) -> None:
    await world.published("luminaires/l1-1", "luminaires/l1-3", "luminaires/l2-1")

    async def state() -> bool:
        plans = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans
        return plans[0].state == plan_pb2.PLAN_STATE_CONFIRMED and plans[0].reach.confirmed == plans[0].reach.cabinets == 2

    await until(state)
    night = datetime(2026, 1, 17, 1, tzinfo=UTC)
    assert levels(gateways[1], night) == {"l1-1": 50, "l1-2": 100, "l1-3": 100}
    assert levels(gateways[2], night) == {"l2-1": 50, "l2-2": 100, "l2-3": 100}

    async def seen() -> bool:
        lamps = (await world.call("QueryLamps", pb.QueryLampsRequest(luminaires=["luminaires/l1-1", "luminaires/l2-3"]))).lamps
        found = [(one.seen.level_percent, one.seen.power_w) for one in lamps if one.HasField("seen")]
        return found == [(100, pytest.approx(40, rel=0.04))] * 2

    await until(seen)
    for one in gateways.values():
        applied = one.controllers[0].applied
        assert applied == sorted(set(applied))


async def test_a_cabinet_without_power_is_no_failure_and_confirms_at_dusk(
    world: World, gateways: dict[int, TalqGateway], clock: RunningClock
) -> None:
    clock.at = DAY
    await world.published("luminaires/l1-1", "luminaires/l2-1")

    async def reached() -> Any:
        plans = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans
        found = plans[0].reach
        return found if found.confirmed == 1 and found.waiting_for_power == 1 else None

    await until(reached)
    clock.at = DUSK

    async def confirmed() -> bool:
        plans = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans
        return plans[0].state == plan_pb2.PLAN_STATE_CONFIRMED

    await until(confirmed)
    assert levels(gateways[2], datetime(2026, 1, 17, 1, tzinfo=UTC))["l2-1"] == 50


async def test_an_override_reaches_the_lamps_and_its_end_gives_them_back(
    world: World, gateways: dict[int, TalqGateway], clock: RunningClock
) -> None:
    ends = DUSK + timedelta(hours=1)
    request = pb.OverrideLevelRequest(
        scope=scope("luminaires/l1-1", "luminaires/l1-3"), level_percent=20, reason="works", until_time=timestamp(ends)
    )
    await world.call("OverrideLevel", request)

    async def reached() -> bool:
        commands = (await world.call("ListCommands", pb.ListCommandsRequest())).commands
        return bool(commands) and commands[0].reach.confirmed == commands[0].reach.cabinets == 1

    await until(reached)
    # The crossing is never dimmed: the field is told what the limits leave of the command.
    assert levels(gateways[1], clock.now()) == {"l1-1": 20, "l1-2": 100, "l1-3": 100}
    assert levels(gateways[1], ends)["l1-1"] == 100, "it expires by itself, link or no link"
