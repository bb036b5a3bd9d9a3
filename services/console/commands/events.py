"""`multiflux events`: events that failed too often, and another try for them."""

from typing import Annotated, Any

import typer

from console import output
from console.commands.backup import asked_of
from console.exits import Exit, run, usage
from console.programs import installed
from console.settings import load

app = typer.Typer(help="List events that failed too often, and try them again.", no_args_is_help=True)

_HANDLING = ("forecast", "comparison")
"""Services that handle events by queue; their workers, where there is a broker, do it for them."""

ServiceOption = Annotated[list[str] | None, typer.Option("--service", help="Only this service; can be given several times.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command("poisoned")
def poisoned(service: ServiceOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002  # typer reads it by name
    """List the events that their handlers failed at too often, in the dead queues of the broker or in the services' own inboxes.

    Nothing else waits for them. Once the cause is mended, `multiflux events replay` tries them again.
    """
    run(_poisoned(service or [], as_json=as_json), as_json=as_json)


@app.command("replay")
def replay(
    event_id: Annotated[list[str] | None, typer.Argument(help="The events to try again; all where none is given.")] = None,
    service: ServiceOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Try poisoned events again as if they were new; whatever took effect before is not done twice."""
    run(_replay(event_id or [], service or [], as_json=as_json), as_json=as_json)


async def _poisoned(services: list[str], *, as_json: bool) -> Exit:
    settings = load()
    found = [answer for service in _chosen(services) for answer in await asked_of(settings, service, "poisoned")]
    if as_json:
        for answer in found:
            output.json_line(answer)
    elif found:
        output.table(("queue", "event", "type", "territory", "occurred", "failures", "reason"), [_row(answer) for answer in found])
    else:
        output.line("no event is poisoned")
    return Exit.OK


async def _replay(event_ids: list[str], services: list[str], *, as_json: bool) -> Exit:
    settings = load()
    answers = [answer for service in _chosen(services) for answer in await asked_of(settings, service, "replay", *event_ids)]
    replayed = sum(answer["replayed"] for answer in answers)
    if as_json:
        for answer in answers:
            output.json_line(answer)
    else:
        output.line(f"{replayed} {'event' if replayed == 1 else 'events'} will be tried again")
    # Whoever names events means each of them.
    return Exit.OK if replayed >= len(set(event_ids)) else Exit.FAILED


def _chosen(services: list[str]) -> list[str]:
    unknown = set(services) - set(_HANDLING)
    if unknown:
        raise usage(f"{', '.join(sorted(unknown))} handles no events; {' and '.join(_HANDLING)} do")
    return [service for service in services or _HANDLING if installed(service)]


def _row(answer: dict[str, Any]) -> tuple[str, ...]:
    return (
        answer["queue"],
        answer["event_id"],
        answer["type"].rpartition(".")[2],
        answer["territory"],
        answer["occurred"],
        str(answer["failures"]),
        answer["reason"],
    )
