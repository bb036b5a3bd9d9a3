"""`multiflux migrate`: the readings of an embedded installation move to InfluxDB."""

import asyncio
import json
import os
import sys
from typing import Any

from rich.progress import Progress

from console import output
from console.commands.backup import JsonOption, UpkeepFailed, failure_of
from console.exits import Exit, run
from console.programs import environment_of, programs
from console.settings import load

_SERVICE = "metering"


def migrate(
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Move the readings of this installation, which is stopped, to the InfluxDB that MULTIFLUX_METERING_INFLUX_URL names.

    Everything is compared before the readings here are let go of. Run again after an interruption, it goes on where it stopped.
    """
    run(_migrate(as_json=as_json), as_json=as_json)


async def _migrate(*, as_json: bool) -> Exit:
    everyone = programs(os.environ)
    program = next((one for one in everyone if one.name == _SERVICE), None)
    if program is None:
        raise UpkeepFailed(f"the service {_SERVICE} is not installed here", service=_SERVICE)
    environment = {"MULTIFLUX_DATA_DIRECTORY": str(load().data_directory), **environment_of(program, everyone, os.environ)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _SERVICE, "migrate", env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    if process.stdout is None or process.stderr is None:
        raise UpkeepFailed(f"{_SERVICE} says nothing", service=_SERVICE)
    errors = asyncio.create_task(process.stderr.read())
    with Progress(disable=as_json) as bar:
        task = bar.add_task("moving", total=None)
        async for line in process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if as_json:
                output.json_line({"event": "migrated" if "file" in answer else "migrating", **answer})
            elif "file" in answer:
                output.line(f"moved: {answer['influx_readings']:,} readings are in InfluxDB; start with `multiflux up`")
            else:
                bar.update(task, completed=answer["chunks"], total=answer["of_chunks"])
    if await process.wait():
        raise failure_of(_SERVICE, (await errors).decode(errors="replace").strip())
    await errors
    return Exit.OK
