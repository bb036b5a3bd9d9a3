"""`multiflux status`: which services serve."""

import asyncio
import os
from typing import Annotated

import typer

from console import output
from console.exits import Exit, run
from console.health import program_health
from console.programs import programs
from console.settings import load
from multiflux_client.health import Health

_WORDS = {Health.SERVING: "serving", Health.NOT_SERVING: "not-serving", Health.AWAY: "away"}


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Ask every service whether it serves; exit with 4 when one does not."""
    run(_status(as_json=as_json), as_json=as_json)


async def _status(*, as_json: bool) -> Exit:
    settings = load()
    asked = programs(os.environ)
    answers = await asyncio.gather(*(program_health(program, settings.tls_authority) for program in asked))
    rows = [(program.name, program.url, _WORDS[answer]) for program, answer in zip(asked, answers, strict=True)]
    if as_json:
        for name, address, word in rows:
            output.json_line({"service": name, "address": address, "health": word})
    else:
        output.table(("service", "address", "health"), rows)
    return Exit.OK if all(answer is Health.SERVING for answer in answers) else Exit.AWAY
