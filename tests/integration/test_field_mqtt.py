"""Orders over a real broker to simulated controllers, and back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from lighting_world import RunningClock, World, lighting_world, scope, timestamp, until
from mosquitto import Mosquitto, program

from field.mqtt import MqttGateway
from multiflux.lighting.v1 import field_pb2, plan_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux_client.credentials import FixedToken
from multiflux_client.lighting import LightingClient
from multiflux_client.lighting_records import DeliveryState, PlanState, Reach
from simulation.controllers import CabinetFault, Controller, Lamp, LampFault
from simulation.sun import Spot

DUSK = datetime(2026, 1, 15, 17, tzinfo=UTC)
"""After sunset in Paris, so that every cabinet has power."""
DAY = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock(DUSK)


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Any:
    program()
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder, free_port)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: Any, broker: Mosquitto) -> AsyncIterator[World]:
    more: dict[str, Any] = {"mqtt_host": "127.0.0.1", "mqtt_port": broker.port, "order_first_wait_s": 0.5, "order_longest_wait_s": 2.0}
    async with lighting_world(database_url, tmp_path, clock, **more) as world:
        yield world


@pytest.fixture
async def gateways(world: World, broker: Mosquitto) -> AsyncIterator[dict[int, MqttGateway]]:
    """Two cabinets with three luminaires each, whose gateways speak; the second has power by night only."""
    await world.small_town(gateways=field_pb2.GATEWAY_PROTOCOL_MQTT)
    found = {number: gateway(number, world, broker) for number in (1, 2)}
    tasks = [asyncio.create_task(one.run()) for one in found.values()]
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def gateway(number: int, world: World, broker: Mosquitto) -> MqttGateway:
    lamps = {f"l{number}-{lamp}": Lamp(id=f"l{number}-{lamp}", full_power_w=40, fixed_power_w=2, standby_power_w=0.5) for lamp in (1, 2, 3)}
    spot = Spot(latitude_degrees=48.85, longitude_degrees=2.35)
    controller = Controller(cabinet=f"c{number}", lamps=lamps, spot=spot, powered_by_day=number == 1)
    prefix = f"multiflux/town/g{number}/c{number}"
    return MqttGateway(controller=controller, prefix=prefix, host="127.0.0.1", port=broker.port, now=lambda: world.clock.now().timestamp())


async def states(world: World) -> dict[str, Any]:
    return {one.cabinet: one for one in (await world.call("ListDeliveries", pb.ListDeliveriesRequest())).deliveries}


async def settled(world: World, gateways: dict[int, MqttGateway]) -> dict[str, int]:
    """Wait until both cabinets follow orders about all their lamps; return the versions."""

    async def found() -> dict[str, int]:
        orders = [one.controller.order for one in gateways.values()]
        whole = all(order is not None and sum(len(course.lamps) for course in order.courses) == 3 for order in orders)
        known = await states(world) if whole else {}
        done = [one for one in known.values() if one.state == field_pb2.DELIVERY_STATE_CONFIRMED]
        return {one.cabinet: one.version for one in done} if len(done) == len(gateways) else {}

    return await until(found)


async def confirmed(world: World, before: dict[str, int], *cabinets: str) -> bool:
    """Tell whether cabinets follow later orders than before."""
    known = await states(world)
    return all(known[name].confirmed_version > before[name] for name in cabinets)


def wanted(moment: datetime, one: MqttGateway) -> dict[str, float]:
    return dict(one.controller.levels(moment.timestamp()))


async def test_a_published_plan_is_followed_and_confirmed(world: World, gateways: dict[int, MqttGateway]) -> None:
    await world.published("luminaires/l1-1", "luminaires/l1-3", "luminaires/l2-1")

    async def state() -> bool:
        plans = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans
        return plans[0].state == plan_pb2.PLAN_STATE_CONFIRMED and plans[0].reach.confirmed == plans[0].reach.cabinets == 2

    await until(state)
    night = datetime(2026, 1, 17, 1, tzinfo=UTC)
    assert wanted(night, gateways[1]) == {"l1-1": 50, "l1-2": 100, "l1-3": 100}
    assert wanted(night, gateways[2]) == {"l2-1": 50, "l2-2": 100, "l2-3": 100}
    for one in gateways.values():
        assert one.controller.applied == sorted(set(one.controller.applied))


async def test_an_override_reaches_the_lamps_and_its_end_gives_them_back(world: World, gateways: dict[int, MqttGateway]) -> None:
    await settled(world, gateways)
    request = pb.OverrideLevelRequest(
        scope=scope("luminaires/l1-1", "luminaires/l1-3"), level_percent=20, reason="works", until_time=timestamp(DUSK + timedelta(hours=1))
    )
    command = (await world.call("OverrideLevel", request)).command

    async def reached() -> bool:
        commands = (await world.call("ListCommands", pb.ListCommandsRequest())).commands
        return bool(commands) and commands[0].reach.confirmed == commands[0].reach.cabinets == 1

    await until(reached)
    # The crossing is never dimmed: the field is told what the limits leave of the command.
    assert wanted(world.clock.now(), gateways[1]) == {"l1-1": 20, "l1-2": 100, "l1-3": 100}
    assert wanted(DUSK + timedelta(hours=1), gateways[1])["l1-1"] == 100, "it expires by itself, link or no link"
    await world.call("EndCommand", pb.EndCommandRequest(name=command.name))
    await until(lambda: _level(world, gateways[1], 100))


async def _level(world: World, one: MqttGateway, level: float) -> bool:
    return wanted(world.clock.now(), one)["l1-1"] == level


async def test_a_cabinet_without_power_waits_for_dusk_and_is_no_failure(world: World, gateways: dict[int, MqttGateway]) -> None:
    before = await settled(world, gateways)
    world.clock.at = DAY + timedelta(days=1)
    await asyncio.sleep(1.5)
    await world.published("luminaires/l1-1", "luminaires/l2-1")
    await until(lambda: confirmed(world, before, "cabinets/c1"))

    async def waits() -> bool:
        return (await states(world))["cabinets/c2"].state == field_pb2.DELIVERY_STATE_WAITING_FOR_POWER

    await until(waits)
    plan = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans[0]
    assert (plan.state, plan.reach.confirmed, plan.reach.waiting_for_power, plan.reach.silent) == (plan_pb2.PLAN_STATE_PUBLISHED, 1, 1, 0)
    world.clock.at = DUSK + timedelta(days=1)
    await until(lambda: confirmed(world, before, "cabinets/c2"))


async def test_orders_survive_the_broker_and_are_applied_once(world: World, gateways: dict[int, MqttGateway], broker: Mosquitto) -> None:
    before = await settled(world, gateways)
    broker.kill()
    await world.published("luminaires/l1-1", "luminaires/l2-1")
    await asyncio.sleep(2)
    broker.start()
    await until(lambda: confirmed(world, before, "cabinets/c1", "cabinets/c2"), within_s=40)
    for one in gateways.values():
        assert one.controller.applied == sorted(set(one.controller.applied))


async def test_a_replaced_controller_gets_the_order_again(world: World, gateways: dict[int, MqttGateway], broker: Mosquitto) -> None:
    await settled(world, gateways)
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        report = field_pb2.FieldReport(version=0, lamps=[field_pb2.LampState(luminaire="luminaires/l1-1", level_percent=100, power_w=41)])
        await client.publish("multiflux/town/g1/c1/report", report.SerializeToString(), qos=1)
    answers = gateways[1].answers

    async def asked_again() -> bool:
        return gateways[1].answers > answers

    await until(asked_again)
    lamp = (await world.call("QueryLamps", pb.QueryLampsRequest(luminaires=["luminaires/l1-1"]))).lamps[0]
    assert (lamp.wanted_level_percent, lamp.seen.level_percent) == (100, 100)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (
            "multiflux/town/g2/c1/acknowledgement",
            field_pb2.Acknowledgement(version=99, outcome=field_pb2.ORDER_OUTCOME_FOLLOWED).SerializeToString(),
        ),
        (
            "multiflux/town/g1/c1/report",
            field_pb2.FieldReport(version=99, lamps=[field_pb2.LampState(luminaire="luminaires/l2-1")]).SerializeToString(),
        ),
        ("multiflux/town/g1/c1/acknowledgement", b"\xff\xff\xff"),
        ("multiflux/nowhere/g1/c1/report", b""),
        ("multiflux/town/G 1/c1/report", b""),
    ],
    ids=["another's cabinet", "another's lamp", "no message", "no territory", "no name"],
)
async def test_what_a_gateway_must_not_say_changes_nothing(
    world: World, gateways: dict[int, MqttGateway], broker: Mosquitto, topic: str, payload: bytes
) -> None:
    before = await settled(world, gateways)
    held = (await states(world))["cabinets/c1"]
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(topic, payload, qos=1)
    gateways[1].controller.cabinet_faults.add(CabinetFault.MUTE)
    await asyncio.sleep(1.5)
    after = (await states(world))["cabinets/c1"]
    assert (after.version, after.state) == (held.version, held.state)
    await world.published("luminaires/l2-1")
    await until(lambda: confirmed(world, before, "cabinets/c2"))


async def test_the_client_tells_how_far_orders_have_come(world: World, gateways: dict[int, MqttGateway]) -> None:
    await settled(world, gateways)
    await world.published("luminaires/l1-1")
    client = LightingClient(world.connection.with_tokens(FixedToken(world.token())))

    async def confirmed_plan() -> bool:
        plan = (await client.versions("groups/g"))[0]
        return plan.state is PlanState.CONFIRMED and plan.reach == Reach(cabinets=1, delivered=1, confirmed=1)

    await until(confirmed_plan)
    deliveries = [one async for one in client.deliveries()]
    assert [(one.cabinet, one.state) for one in deliveries] == [(f"cabinets/c{number}", DeliveryState.CONFIRMED) for number in (1, 2)]
    assert all(one.make_time <= one.send_time <= one.confirm_time for one in deliveries if one.send_time and one.confirm_time), deliveries
    lamp = (await client.lamps(["luminaires/l1-1"]))[0]
    assert (lamp.luminaire, lamp.wanted_level_percent) == ("luminaires/l1-1", 100)


async def test_faults_are_found_told_once_and_closed(world: World, gateways: dict[int, MqttGateway]) -> None:
    await settled(world, gateways)
    one, other = gateways[1], gateways[2]
    one.report_every_s = other.report_every_s = 0.3
    one.controller.lamp_faults["l1-2"] = LampFault.DEAD
    other.controller.cabinet_faults.add(CabinetFault.NO_SUPPLY)

    async def found(*, ended: bool = False) -> set[tuple[str, str, int]]:
        faults = (await world.call("ListFaults", pb.ListFaultsRequest(ended=ended))).faults
        return {(fault.cabinet, fault.luminaire, fault.kind) for fault in faults if fault.HasField("end_time") is ended}

    wanted: set[tuple[str, str, int]] = {
        ("cabinets/c1", "luminaires/l1-2", field_pb2.FAULT_KIND_LAMP_FAILURE),
        ("cabinets/c2", "", field_pb2.FAULT_KIND_SUPPLY),
    }

    async def become(expected: set[tuple[str, str, int]], *, ended: bool) -> bool:
        world.clock.at += timedelta(minutes=5)
        # Gateways speak of each step of the clock.
        await asyncio.sleep(1)
        return await found(ended=ended) == expected

    # Connections lie asleep between two reports: they are woken to speak at the new pace.
    for gateway in gateways.values():
        gateway.controller.cabinet_faults.add(CabinetFault.MUTE)
    await asyncio.sleep(1.5)
    for gateway in gateways.values():
        gateway.controller.cabinet_faults.remove(CabinetFault.MUTE)
    await until(lambda: become(wanted, ended=False), within_s=40)
    fault = next(one for one in (await world.call("ListFaults", pb.ListFaultsRequest())).faults if one.luminaire)
    assert fault.expected_w > 30
    assert fault.seen_w < 1
    one.controller.lamp_faults.clear()
    other.controller.cabinet_faults.clear()
    await until(lambda: become(wanted, ended=True), within_s=40)
    assert not await found()


async def test_who_speaks_of_a_territory_that_is_not_there_keeps_nobody_waiting(
    world: World, gateways: dict[int, MqttGateway], broker: Mosquitto
) -> None:
    before = await settled(world, gateways)

    async def chatter() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            while True:
                await client.publish("multiflux/nowhere/g1/c1/report", b"", qos=1)
                await asyncio.sleep(0.05)

    talking = asyncio.create_task(chatter())
    await asyncio.sleep(0.5)
    await world.published("luminaires/l1-1", "luminaires/l2-1")
    await until(lambda: confirmed(world, before, "cabinets/c1", "cabinets/c2"))
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
