"""The simulated town's cabinets, behind one TALQ gateway: `python -m field PLAN PORT`.

PLAN is the file that says which town it is; it is waited for. A few lamps are broken, always the same ones.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np

from field.talq import TalqGateway
from runtime.web import Door, web_served
from simulation.controllers import Controller, Lamp, LampFault
from simulation.luminaires import Control, Luminaire
from simulation.scene import ZONE
from simulation.sun import Spot
from simulation.town import Town, build_town

_POLL_S = 1.0
_FIXED_SHARE = 0.06
"""Part of an LED driver's power that dimming does not lower."""
_BROKEN = (LampFault.DEAD, LampFault.DEAD, LampFault.DEAD, LampFault.STUCK_FULL, LampFault.POWER_LOW, LampFault.CYCLING)


def controllers(town: Town, seed: int) -> Iterator[Controller]:
    """Yield the controllers of every cabinet that has lamps which hear commands."""
    rng = np.random.default_rng([seed, 6])
    driven = [one for one in town.luminaires if one.control is not Control.SELF_DIMMING]
    own = [one for one in driven if one.control is Control.INDIVIDUAL]
    chosen: list[int] = rng.choice(len(own), len(_BROKEN), replace=False).tolist()
    broken = dict(zip(chosen, _BROKEN, strict=True))
    faults = {_id(own[number]): fault for number, fault in broken.items()}
    for cabinet in town.cabinets:
        lamps = {_id(one): _lamp(one) for one in driven if one.cabinet == cabinet.id}
        if lamps:
            at = cabinet.position
            yield Controller(
                cabinet=cabinet.id,
                lamps=lamps,
                spot=Spot(latitude_degrees=at.latitude_degrees, longitude_degrees=at.longitude_degrees),
                powered_by_day=cabinet.powered_by_day,
                lamp_faults={name: fault for name, fault in faults.items() if name in lamps},
            )


def _id(one: Luminaire) -> str:
    return f"l{one.number}"


def _lamp(one: Luminaire) -> Lamp:
    dims = one.minimum_level_percent < 100  # noqa: PLR2004 - per cent
    return Lamp(
        id=_id(one),
        circuit=one.circuit,
        full_power_w=one.rated_power_w,
        fixed_power_w=_FIXED_SHARE * one.rated_power_w if dims else one.rated_power_w,
        standby_power_w=one.standby_power_w,
        minimum_level=one.minimum_level_percent,
    )


def _kept(plan: Path) -> tuple[Town, int]:
    """Wait for the plan, and return its town and seed."""
    while not plan.exists():
        time.sleep(_POLL_S)
    kept = json.loads(plan.read_text("utf-8"))
    return build_town(kept["seed"], date.fromisoformat(kept["start"]), date.fromisoformat(kept["end"])), kept["seed"]


async def _serve(town: Town, seed: int, port: int) -> None:
    gateway = TalqGateway(name="field", controllers=list(controllers(town, seed)), zone=ZONE)
    running = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, lambda: running and running.cancel())
    with suppress(asyncio.CancelledError):
        async with web_served(gateway.application(), Door(host="127.0.0.1", port=port)):
            await gateway.run()


def main() -> None:
    """Run until told to stop."""
    plan, port = sys.argv[1:]
    asyncio.run(_serve(*_kept(Path(plan)), int(port)))


if __name__ == "__main__":
    main()
