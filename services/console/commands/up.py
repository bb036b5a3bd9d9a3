"""`multiflux up`: every service of the installation, kept running."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from console import output
from console.exits import Exit, run, usage
from console.health import program_health
from console.programs import Program, environment_of, programs
from console.settings import ConsoleSettings, load
from console.supervisor import AllHealthy, Child, Crashed, Healthy, Notice, Patience, Stopped, Supervisor
from multiflux_client.health import Health


def up(
    only: Annotated[list[str] | None, typer.Option(help="Start only this service; can be given several times.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what happens as one JSON object a line.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Start every service as a process, restart the crashed ones, and stop them all at Ctrl-C.

    Each service writes to log/SERVICE.log in the data directory (MULTIFLUX_DATA_DIRECTORY, otherwise var).
    A second Ctrl-C kills what does not stop.
    """
    run(_up(only or [], as_json=as_json), as_json=as_json)


async def _up(only: list[str], *, as_json: bool) -> Exit:
    settings = load()
    everyone = programs(os.environ)
    chosen = _chosen(everyone, only)
    if not as_json:
        output.line(f"starting {', '.join(program.name for program in chosen)}; logs in {settings.data_directory / 'log'}")
    by_name = {program.name: program for program in chosen}

    async def healthy(child: Child) -> bool:
        return await program_health(by_name[child.name], settings.tls_authority) is Health.SERVING

    supervisor = Supervisor(
        [_child(program, everyone, settings) for program in chosen],
        healthy,
        _said_as_json if as_json else _sayer(chosen),
        Patience(stop_s=settings.stop_s),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()
    return Exit.OK


def _chosen(installed: tuple[Program, ...], only: list[str]) -> tuple[Program, ...]:
    unknown = set(only) - {program.name for program in installed}
    if unknown:
        raise usage(f"no service {', '.join(sorted(unknown))}; there is {', '.join(program.name for program in installed)}")
    return tuple(program for program in installed if not only or program.name in only)


def _child(program: Program, everyone: tuple[Program, ...], settings: ConsoleSettings) -> Child:
    return Child(
        name=program.name,
        command=(sys.executable, "-m", program.name),
        host=program.host,
        port=program.port,
        address=program.url,
        after=program.after,
        log=settings.data_directory / "log" / f"{program.name}.log",
        environment=environment_of(program, everyone, os.environ),
        port_variable=program.port_variable,
    )


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


def _sayer(chosen: tuple[Program, ...]) -> Callable[[Notice], None]:
    width = max(len(program.name) for program in chosen)

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
