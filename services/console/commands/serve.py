"""`multiflux serve`: one service, in the place of this process."""

import os
import sys
from typing import Annotated

import typer

from console.exits import usage
from console.programs import PROGRAMS, installed

_WITH_WORKERS = ("forecast", "comparison")


def serve(
    service: Annotated[str, typer.Argument(help="The service, such as access.")],
    *,
    worker: Annotated[bool, typer.Option("--worker", help="Run a worker of the service, which handles events of the broker.")] = False,
) -> None:
    """Run one service until SIGTERM, as containers do; where the others listen, and all else, its environment says.

    deploy/env.example names every setting. Exits with 2 when starting it again would not help: its environment must change.
    """
    known = [program.name for program in PROGRAMS if installed(program.name)]
    if service not in known:
        raise usage(f"no service {service}; there is {', '.join(known)}")
    if worker and service not in _WITH_WORKERS:
        raise usage(f"{service} has no workers; {' and '.join(_WITH_WORKERS)} have")
    sys.stdout.flush()
    # In the place of this process: signals reach the service itself.
    os.execv(sys.executable, [sys.executable, "-m", service, *(["work"] if worker else [])])  # noqa: S606 - no shell is meant
