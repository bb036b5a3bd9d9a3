"""`multiflux up`: every service of the installation, kept running."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from console import output
from console.exits import Exit, run, usage
from console.health import program_health
from console.lighting_files import GATEWAY
from console.programs import Program, environment_of, programs
from console.settings import ConsoleSettings, load
from console.supervisor import AllHealthy, Child, Crashed, Healthy, Notice, Patience, Stopped, Supervisor
from multiflux_client.health import Health
from simulation.plans import TERRITORY_ID

_TOWN, _FIELD = "town", "field"
_FILLED = ("lighting", "comparison")
"""What the town's feeder fills beside metering, where it is started."""
_LOOK_S = 0.5
_LOOK_AT_LAMPS_S = 300


def up(
    only: Annotated[list[str] | None, typer.Option(help="Start only this service; can be given several times.")] = None,
    town: Annotated[bool, typer.Option("--town", help="Fill the demo territory with the simulated town, and feed it on.")] = False,  # noqa: FBT002  # typer reads it by name
    as_json: Annotated[bool, typer.Option("--json", help="Say what happens as one JSON object a line.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Start every service as a process, restart the crashed ones, and stop them all at Ctrl-C.

    Each service writes to log/SERVICE.log in the data directory (MULTIFLUX_DATA_DIRECTORY, otherwise var).
    A second Ctrl-C kills what does not stop.
    """
    run(_up(only or [], town=town, as_json=as_json), as_json=as_json)


async def _up(only: list[str], *, town: bool, as_json: bool) -> Exit:
    settings = load()
    everyone = programs(os.environ)
    chosen = _chosen(everyone, only)
    if not as_json:
        output.line(f"starting {', '.join(program.name for program in chosen)}; logs in {settings.data_directory / 'log'}")
    by_name = {program.name: program for program in chosen}

    async def healthy(child: Child) -> bool:
        # The town's feeder serves nobody, and its cabinets answer for themselves: they are healthy while they run.
        return child.name in (_TOWN, _FIELD) or await program_health(by_name[child.name], settings.tls_authority) is Health.SERVING

    port = free_port() if town else 0
    children = [_child(program, everyone, settings, _reached_at(port) if town else {}) for program in chosen]
    if town:
        children += [_town(settings, chosen), _field(settings, port)]
    supervisor = Supervisor(
        children,
        healthy,
        _said_as_json if as_json else _sayer(max(len(child.name) for child in children)),
        Patience(stop_s=settings.stop_s),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    telling = asyncio.create_task(_told(settings.data_directory / "log" / f"{_TOWN}.log")) if town and not as_json else None
    await supervisor.run()
    if telling is not None:
        telling.cancel()
    return Exit.OK


def _chosen(installed: tuple[Program, ...], only: list[str]) -> tuple[Program, ...]:
    unknown = set(only) - {program.name for program in installed}
    if unknown:
        raise usage(f"no service {', '.join(sorted(unknown))}; there is {', '.join(program.name for program in installed)}")
    return tuple(program for program in installed if not only or program.name in only)


def _child(program: Program, everyone: tuple[Program, ...], settings: ConsoleSettings, more: Mapping[str, str]) -> Child:
    return Child(
        name=program.name,
        command=(sys.executable, "-m", program.name),
        host=program.host,
        port=program.port,
        address=program.url,
        after=program.after,
        log=settings.data_directory / "log" / f"{program.name}.log",
        environment={**more, **environment_of(program, everyone, os.environ)},
        port_variable=program.port_variable,
    )


def _town(settings: ConsoleSettings, chosen: tuple[Program, ...]) -> Child:
    """Return the process that makes the simulated town and feeds it on."""
    return Child(
        name=_TOWN,
        command=(sys.executable, "-m", "console", "simulate", "--follow"),
        host="127.0.0.1",
        port=0,
        address="the simulated town",
        after=("access", "metering", *(program.name for program in chosen if program.name in _FILLED)),
        log=settings.data_directory / "log" / f"{_TOWN}.log",
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        port_variable="",
    )


def _field(settings: ConsoleSettings, port: int) -> Child:
    """Return the process that is the town's lighting cabinets, behind a gateway that speaks TALQ."""
    return Child(
        name=_FIELD,
        command=(sys.executable, "-m", "field", str(settings.data_directory / "simulation" / "plan.json"), str(port)),
        host="127.0.0.1",
        port=port,
        address="the simulated town's lighting cabinets",
        after=("access", "metering"),
        log=settings.data_directory / "log" / f"{_FIELD}.log",
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        port_variable="",
    )


def _reached_at(port: int) -> Mapping[str, str]:
    """Return the settings by which lighting reaches the town's cabinets, and asks them often enough to be looked at."""
    gateways = {f"{TERRITORY_ID}/{GATEWAY}": {"url": f"http://127.0.0.1:{port}"}}
    return {"MULTIFLUX_LIGHTING_TALQ_GATEWAYS": json.dumps(gateways), "MULTIFLUX_LIGHTING_TALQ_READING_S": str(_LOOK_AT_LAMPS_S)}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def _told(log: Path) -> None:
    """Print what the town's feeder says, from now on."""
    position = _size(log)
    while True:
        await asyncio.sleep(_LOOK_S)
        said, position = _read_on(log, position)
        for line in said:
            output.line(f"town     {line}")


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _read_on(log: Path, position: int) -> tuple[list[str], int]:
    """Return the lines after a position, and the position after them; a log that was begun anew is read from its beginning."""
    size = _size(log)
    with log.open(encoding="utf-8", errors="replace") if size else nullcontext() as lines:
        if lines is None:
            return [], 0
        lines.seek(position if position <= size else 0)
        return lines.read().splitlines(), lines.tell()


def _said_as_json(notice: Notice) -> None:
    match notice:
        case Healthy():
            output.json_line({"event": "healthy", "service": notice.name, "address": notice.address, "pid": notice.pid})
        case Crashed():
            output.json_line({"event": "crashed", "service": notice.name, "exit_code": notice.exit_code, "again_in_s": notice.again_in_s})
        case Stopped():
            output.json_line({"event": "stopped", "service": notice.name, "killed": notice.killed})
        case AllHealthy():
            output.json_line({"event": "all-healthy", "services": list(notice.names)})


def _sayer(width: int) -> Callable[[Notice], None]:
    def say(notice: Notice) -> None:
        match notice:
            case Healthy():
                output.line(f"[green]healthy[/green]  {notice.name:{width}}  {notice.address}")
            case Crashed():
                said = f"exit code {notice.exit_code}, again in {notice.again_in_s:g} s; see its log"
                output.line(f"[red]crashed[/red]  {notice.name:{width}}  {said}")
            case Stopped():
                output.line(f"stopped  {notice.name:{width}}  {'[red]had to be killed[/red]' if notice.killed else ''}".rstrip())
            case AllHealthy():
                output.line("[bold]every service is healthy; Ctrl-C stops them[/bold]")

    return say
