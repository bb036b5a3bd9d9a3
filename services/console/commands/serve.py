"""`multiflux serve`: one service, in the place of this process."""

import os
import sys
from typing import Annotated

import typer

from console.exits import usage
from console.programs import PROGRAMS, installed


def serve(
    service: Annotated[str, typer.Argument(help="The service, such as access.")],
) -> None:
    """Run one service until SIGTERM, as containers do; where the others listen, and all else, its environment says.

    deploy/env.example names every setting. Exits with 2 when starting it again would not help: its environment must change.
    """
    known = [program.name for program in PROGRAMS if installed(program.name)]
    if service not in known:
        raise usage(f"no service {service}; there is {', '.join(known)}")
    sys.stdout.flush()
    # In the place of this process: signals reach the service itself.
    os.execv(sys.executable, [sys.executable, "-m", service])  # noqa: S606 - no shell is meant
