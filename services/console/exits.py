"""How commands end: exit codes, and what they say of failures."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console

from console.programs import PortInvalid
from console.session import SessionProblem
from console.supervisor import SupervisorFailure
from multiflux_client.channel import PlaintextRefused
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from vocabulary.failure import Failure, Kind


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    ROWS_REFUSED = 3
    AWAY = 4
    NOT_PERMITTED = 5


EXIT_CODES = (
    "Exit codes: 0 all went well, 1 failure, 2 wrong usage, 3 some rows were refused, 4 a service is away or busy, "
    "5 not signed in or not permitted."
)

_REASONS: dict[type[Exception], str] = {
    UnexpectedAnswer: "UNEXPECTED_ANSWER",
    PlaintextRefused: "PLAINTEXT_REFUSED",
    PortInvalid: "PORT_INVALID",
}


def run(work: Coroutine[Any, Any, Exit], *, as_json: bool) -> NoReturn:
    """Do the work of a command and exit with its code; failures are said on standard error, as JSON where the command speaks JSON."""
    try:
        code = asyncio.run(work)
    except RemoteFailure as failure:
        code = _exit_of(failure)
        _say(_described(failure), _sentence(failure), as_json=as_json)
    except SessionProblem as problem:
        code = Exit.NOT_PERMITTED
        _say({"reason": problem.reason, "message": str(problem)}, str(problem), as_json=as_json)
    except (Failure, SupervisorFailure) as failure:
        code = Exit.FAILED
        _say({"reason": failure.reason, "message": str(failure)}, str(failure), as_json=as_json)
    except (UnexpectedAnswer, PlaintextRefused, PortInvalid, OSError) as failure:
        code = Exit.FAILED
        _say({"reason": _REASONS.get(type(failure), "FILE_FAILURE"), "message": str(failure)}, str(failure), as_json=as_json)
    raise typer.Exit(code)


def readable(path: Path | None) -> Path | None:
    """Return the path of an argument if it is a file, or - for standard input."""
    if path is not None and str(path) != "-" and not path.is_file():
        raise usage(f"there is no file {path}")
    return path


def usage(message: str) -> typer.BadParameter:
    """Return the failure for arguments that do not go together."""
    return typer.BadParameter(message)


def _exit_of(failure: RemoteFailure) -> Exit:
    match failure.kind:
        case Kind.BUSY:
            return Exit.AWAY
        case Kind.UNAUTHENTICATED | Kind.DENIED:
            return Exit.NOT_PERMITTED
        case _:
            return Exit.FAILED


def _described(failure: RemoteFailure) -> dict[str, Any]:
    return {
        "reason": failure.reason,
        "domain": failure.domain,
        "message": failure.message,
        "metadata": dict(failure.metadata),
        "violations": [{"field": v.field, "description": v.description} for v in failure.violations],
        "request_id": failure.request_id,
    }


def _sentence(failure: RemoteFailure) -> str:
    said = "the service is away" if failure.away else failure.message or "the service failed"
    lines = [f"{said} ({failure.reason})", *(f"  {v.field}: {v.description}" for v in failure.violations)]
    if failure.kind is None:
        lines.append(f"  this is a defect of the service; its log has it as {failure.request_id}")
    return "\n".join(lines)


def _say(described: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        sys.stderr.write(json.dumps({"error": described}, ensure_ascii=False) + "\n")
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]multiflux:[/red] {_escaped(sentence)}")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
