"""`multiflux backup`, `restore` and `verify`: an installation in one folder, and back."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from console import output
from console.backups import checked, copy_folders, refuse_filled, seal
from console.exits import Exit, run
from console.health import program_health
from console.programs import environment_of, programs
from console.settings import ConsoleSettings, load
from multiflux_client.health import Health
from vocabulary.failure import Failure, Kind

_KEEPERS = ("access", "metering")
"""Services without whose stores there is no installation, in the order of their backup: access follows metering, and must not be ahead of
it after a restore."""

_OTHERS = ("lighting", "comparison", "forecast")
"""Services whose stores are kept too, once they have begun one; they follow metering as well, and come to their own again by its events."""

_NOTHING_YET = "FILE_MISSING"

_PRIVATE_FOLDER = 0o700

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


class UpkeepFailed(Failure):
    """A service could not do what was asked with its stores."""

    reason, kind = "UPKEEP_FAILED", Kind.CONFLICT


class ServicesRunning(Failure):
    """Services use the stores that are to be replaced."""

    reason, kind = "SERVICES_RUNNING", Kind.CONFLICT


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy.", file_okay=False, resolve_path=True)],
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Copy databases, readings, keys and secrets of this installation into a folder, while it runs or not.

    What was acknowledged before is in it. The folder holds secrets and personal data: keep it where only you can read it.
    Copied while the services run, the stores are a moment apart: audit entries that pass between them then may be missing.
    A database on a server is copied into a file; from the folder, an installation with databases of either kind can be restored.
    """
    run(_backup(folder, as_json=as_json), as_json=as_json)


def restore(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, resolve_path=True, help="A folder that `backup` made.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the data directory.")] = False,  # noqa: FBT002  # typer reads it by name
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Put a backup in the place of an installation that is stopped, after checking all of it."""
    run(_restore(folder, force=force, as_json=as_json), as_json=as_json)


def verify(
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, resolve_path=True, help="A backup; left out: this installation.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Read everything that is kept, compare it with its checksums, and name what is damaged; exit code 1 when something is."""
    run(_verify(folder, as_json=as_json), as_json=as_json)


async def _backup(folder: Path, *, as_json: bool) -> Exit:
    settings = load()
    _make_private(folder)
    for service in _OTHERS:
        await _unless_nothing_yet(asked_of(settings, service, "backup", str(folder)))
    for service in _KEEPERS:
        await asked_of(settings, service, "backup", str(folder))
    # After the databases: a key that they name is among the files.
    copy_folders(settings.data_directory, folder)
    files = seal(folder, made=datetime.now(UTC).isoformat(timespec="seconds"))
    size = sum(file.size for file in files)
    if as_json:
        for file in files:
            output.json_line({"event": "copied", "file": file.path, "bytes": file.size})
        output.json_line({"event": "backed-up", "folder": str(folder), "files": len(files), "bytes": size})
    else:
        output.line(f"backed up: {len(files)} files, {size:,} bytes in {folder}")
    return Exit.OK


def _make_private(folder: Path) -> None:
    refuse_filled(folder, ": name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_PRIVATE_FOLDER)


async def _restore(folder: Path, *, force: bool, as_json: bool) -> Exit:
    settings = load()
    files = checked(folder)
    if not force:
        refuse_filled(settings.data_directory, ": --force replaces what is there")
    await _refuse_running(settings)
    for service in _kept(folder):
        await asked_of(settings, service, "restore", str(folder), *(["--force"] if force else []))
    copy_folders(folder, settings.data_directory)
    if as_json:
        output.json_line({"event": "restored", "folder": str(folder), "files": len(files)})
    else:
        output.line(f"restored: {len(files)} files into {settings.data_directory}; start it with `multiflux up`")
    return Exit.OK


async def _verify(folder: Path | None, *, as_json: bool) -> Exit:
    settings = load()
    if folder is not None:
        checked(folder)
    words = [] if folder is None else [str(folder)]
    answers = [answer for service in _KEEPERS for answer in await asked_of(settings, service, "verify", *words)]
    for service in _OTHERS if folder is None else _kept(folder)[len(_KEEPERS) :]:
        answers += await _unless_nothing_yet(asked_of(settings, service, "verify", *words))
    for answer in answers:
        if as_json:
            output.json_line({"event": "verified", **answer})
        else:
            _say_verified(answer)
    return Exit.FAILED if any(answer["faults"] for answer in answers) else Exit.OK


def _say_verified(answer: dict[str, Any]) -> None:
    counts = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in answer.items() if name not in ("file", "faults"))
    output.line(f"{'[red]damaged[/red]' if answer['faults'] else '[green]sound[/green]'}  {answer['file']}  {counts}")
    for fault in answer["faults"]:
        output.line(f"  {escape(fault)}")


def _kept(folder: Path) -> tuple[str, ...]:
    """Return the services whose stores are in a backup."""
    return (*_KEEPERS, *(service for service in _OTHERS if (folder / f"{service}.sqlite").exists()))


async def _unless_nothing_yet(work: Awaitable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    try:
        return await work
    except UpkeepFailed as failure:
        if failure.metadata.get("reason") != _NOTHING_YET:
            raise
        return []


async def _refuse_running(settings: ConsoleSettings) -> None:
    for program in programs(os.environ):
        if await program_health(program, settings.tls_authority) is not Health.AWAY:
            raise ServicesRunning(f"{program.name} is running at {program.address}: stop it first", service=program.name)


async def asked_of(settings: ConsoleSettings, service: str, *words: str) -> list[dict[str, Any]]:
    """Let a service look after its stores, or its failed events, and return what it says, line by line; UpkeepFailed."""
    everyone = programs(os.environ)
    program = next((one for one in everyone if one.name == service), None)
    if program is None:
        raise UpkeepFailed(f"the service {service} is not installed here", service=service)
    environment = {"MULTIFLUX_DATA_DIRECTORY": str(settings.data_directory), **environment_of(program, everyone, os.environ)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", service, *words, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    said, errors = await process.communicate()
    answers = [json.loads(line) for line in said.splitlines()]
    if process.returncode and not any(answer.get("faults") for answer in answers):
        raise failure_of(service, errors.decode(errors="replace").strip())
    return answers


def failure_of(service: str, errors: str) -> UpkeepFailed:
    """Return what a service said on its way out, as a failure."""
    last = errors.splitlines()[-1] if errors else ""
    try:
        error = json.loads(last)["error"]
        return UpkeepFailed(f"{service}: {error['message']} ({error['reason']})", service=service, reason=error["reason"])
    except (ValueError, KeyError, TypeError):
        return UpkeepFailed(f"{service}: {last or 'ended without a word'}", service=service)
