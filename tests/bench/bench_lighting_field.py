"""How long until the field follows a published change: `python tests/bench/bench_lighting_field.py`.

200 simulated gateways with 50 luminaires each, every gateway on a connection of its own to a real Mosquitto; the lighting service in a
process of its own. Twenty of the cabinets have no power now: they wait. The second change meets a broker and a service that are killed
(SIGKILL) while orders are on their way, and started again three seconds later.
"""

import argparse
import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import lighting_world
from joserfc.jwk import OKPKey
from lighting_world import Voice, dimming
from mosquitto import Mosquitto

from field.mqtt import MqttGateway
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux.lighting.v1 import plan_pb2, programme_pb2
from multiflux_client.channel import Connection, Target
from runtime.clock import SystemClock
from simulation.controllers import Controller, Lamp
from simulation.sun import Spot

_LAMPS = 50
_DARK_EVERY = 10
"""One cabinet in so many has no power by day."""
_AWAY_S = 3.0
_LONGEST_S = 300.0
_HOUR_DEGREES = 15


def position(cabinet: int) -> tuple[float, float]:
    """Return where a cabinet stands: where it is noon now, so that those without power by day have none."""
    hour = datetime.now(UTC).hour + datetime.now(UTC).minute / 60
    return 45.0 + cabinet * 1e-3, (12 - hour) * _HOUR_DEGREES


def inventory(cabinets: int) -> tuple[bytes, bytes]:
    """Return the files of cabinets and luminaires."""
    rows = ["id,display_name,latitude,longitude,powered_by_day,gateway_protocol,gateway"]
    lamps = ["id,number,cabinet,latitude,longitude,power_w,standby_power_w,control,category"]
    for number in range(cabinets):
        latitude, longitude = position(number)
        rows.append(f"c{number},C{number},{latitude},{longitude},{'' if number % _DARK_EVERY == 0 else 'true'},mqtt,g{number}")
        lamps += [f"l{number}-{lamp},{number}-{lamp},c{number},{latitude},{longitude},40,0.5,individual,a" for lamp in range(_LAMPS)]
    return "\n".join(rows).encode(), "\n".join(lamps).encode()


def gateways(cabinets: int, broker: Mosquitto) -> list[MqttGateway]:
    """Return the field."""
    found: list[MqttGateway] = []
    for number in range(cabinets):
        latitude, longitude = position(number)
        names = [f"l{number}-{lamp}" for lamp in range(_LAMPS)]
        controller = Controller(
            cabinet=f"c{number}",
            lamps={name: Lamp(id=name, full_power_w=40, fixed_power_w=2.4, standby_power_w=0.5) for name in names},
            spot=Spot(latitude_degrees=latitude, longitude_degrees=longitude),
            powered_by_day=number % _DARK_EVERY != 0,
        )
        prefix = f"multiflux/{lighting_world.TOWN}/g{number}/c{number}"
        found.append(MqttGateway(controller=controller, prefix=prefix, host="127.0.0.1", port=broker.port))
    return found


async def serve(folder: Path, port: int, broker_port: int) -> None:
    """Be the service, until killed."""
    lighting_world.KEY = OKPKey.import_key(json.loads((folder / "key.json").read_text("utf-8")))
    more = {"mqtt_host": "127.0.0.1", "mqtt_port": broker_port}
    async with lighting_world.lighting_world(f"sqlite:///{folder / 'lighting.sqlite'}", folder, SystemClock(), port=port, **more):
        await asyncio.Event().wait()


async def until(what: Callable[[], Awaitable[bool]]) -> float:
    """Wait for something, and return how long it took in seconds."""
    start = time.perf_counter()
    async with asyncio.timeout(_LONGEST_S):
        while True:
            # A service that was killed does not answer.
            with suppress(Exception):
                if await what():
                    return time.perf_counter() - start
            await asyncio.sleep(0.25)


async def measure(cabinets: int) -> None:
    """Publish twice, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "broker").mkdir(mode=0o777)
        ports = [free_port(), free_port()]
        key = OKPKey.generate_key("Ed25519", parameters={"kid": "bench"}, private=True)
        (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")
        lighting_world.KEY = key
        broker = Mosquitto(folder / "broker", ports[0])
        broker.start()
        command = [sys.executable, __file__, "--serve", str(folder), "--ports", str(ports[1]), str(ports[0])]
        service = subprocess.Popen(command)
        field = gateways(cabinets, broker)
        tasks = [asyncio.create_task(one.run()) for one in field]
        try:
            async with Connection.open(Target(address=f"127.0.0.1:{ports[1]}")) as connection:
                world = Voice(connection, SystemClock())
                rows = await trial(world, field, broker, service, command)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            broker.kill()
            service.kill()
    print(f"{cabinets} gateways x {_LAMPS} luminaires")
    for label, value in rows:
        print(f"{label:<62} {value}")


async def trial(world: Voice, field: list[MqttGateway], broker: Mosquitto, service: Any, command: list[str]) -> list[tuple[str, str]]:
    """Return the table's rows."""
    powered = [one for one in field if one.controller.powered_by_day]
    await until(lambda: answers(world))
    cabinets, lamps = inventory(len(field))
    for content, data in ((pb.INVENTORY_CONTENT_CABINETS, cabinets), (pb.INVENTORY_CONTENT_LUMINAIRES, lamps)):
        answer = await world.import_file(content, data)
        assert not answer.refused_rows, answer.refused_rows[0]
    await world.call("PutProgramme", pb.PutProgrammeRequest(programme=dimming()))
    calendar = programme_pb2.Calendar(name="calendars/all", display_name="all", default_programme="programmes/dim")
    await world.call("PutCalendar", pb.PutCalendarRequest(calendar=calendar))
    names = [f"luminaires/{lamp}" for one in field for lamp in one.controller.lamps]
    started = time.perf_counter()
    await world.published(*names)
    first = await until(lambda: confirmed(world, len(powered)))
    took = time.perf_counter() - started
    rows = [("published change confirmed by all powered cabinets, s", f"{took:.1f} (from the publishing's answer {first:.1f})")]

    group = plan_pb2.Group(name="groups/g", display_name="g", luminaires=names, calendar="calendars/late", etag=await world.etag("g"))
    later = dimming()
    later.name, later.switch_points[0].level_percent = "programmes/late", 30
    await world.call("PutProgramme", pb.PutProgrammeRequest(programme=later))
    calendar = programme_pb2.Calendar(name="calendars/late", display_name="late", default_programme="programmes/late")
    await world.call("PutCalendar", pb.PutCalendarRequest(calendar=calendar))
    await world.call("PutGroup", pb.PutGroupRequest(group=group))
    await world.rehearsed("g")
    before = {one.prefix: len(one.controller.applied) for one in field}
    tag = await world.etag("g")
    started = time.perf_counter()
    await world.call("PublishPlan", pb.PublishPlanRequest(group="groups/g", etag=tag, reason="bench"))
    # Orders are on their way when some gateways follow the change and others do not yet.
    await until(lambda: some_applied(powered, before))
    reached = sum(len(one.controller.applied) > before[one.prefix] for one in powered)
    service.send_signal(signal.SIGKILL)
    broker.kill()
    service.wait()
    await asyncio.sleep(_AWAY_S)
    broker.start()
    again = subprocess.Popen(command)
    try:
        await until(lambda: confirmed(world, len(powered)))
        took = time.perf_counter() - started
        late = datetime.now(UTC).replace(hour=0, minute=30) + timedelta(days=3)
        lost = sum(set(one.controller.levels(late.timestamp()).values()) != {30.0} for one in powered)
        twice = sum(len(one.controller.applied) - len(set(one.controller.applied)) for one in field)
        answered = sum(one.answers for one in field)
        applied = sum(len(one.controller.applied) for one in field)
        plan = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans[0]
        waiting = f"{plan.reach.waiting_for_power} of {len(field) - len(powered)}; silent: {plan.reach.silent}"
        rows += [
            (f"broker and service killed with {reached} of {len(powered)} reached, confirmed again, s", f"{took:.1f}"),
            ("powered cabinets that do not follow the latest order", str(lost)),
            ("versions applied twice", f"{twice} (of {applied} applied, {answered} answers)"),
            ("cabinets without power that wait, and are no failure", waiting),
        ]
    finally:
        again.kill()
        again.wait()
    return rows


async def answers(world: Voice) -> bool:
    """Tell whether the service answers."""
    await world.call("ListGroups", pb.ListGroupsRequest())
    return True


async def confirmed(world: Voice, count: int) -> bool:
    """Tell whether so many cabinets follow the newest plan."""
    plan = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans[0]
    return plan.reach.confirmed == count


async def some_applied(field: list[MqttGateway], before: dict[str, int]) -> bool:
    """Tell whether any gateway follows a newer order than before."""
    return any(len(one.controller.applied) > before[one.prefix] for one in field)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main() -> None:
    """Run."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cabinets", type=int, default=200)
    arguments.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--ports", type=int, nargs=2, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve, *chosen.ports))
    else:
        # Connections break on purpose: what the libraries say of it is not of interest.
        logging.disable(logging.CRITICAL)
        asyncio.run(measure(chosen.cabinets))


if __name__ == "__main__":
    main()
