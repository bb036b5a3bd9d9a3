"""Asks one service of this machine whether it serves, for container runtimes that ask often: `python -m console.probe SERVICE`."""

import asyncio
import os
import sys
from pathlib import Path

from console.health import program_health
from console.programs import programs
from multiflux_client.health import Health


def main(name: str) -> int:
    """Return 0 when the service serves where the environment says that it listens."""
    authority = os.environ.get("MULTIFLUX_TLS_AUTHORITY")
    (program,) = (program for program in programs(os.environ) if program.name == name)
    answer = asyncio.run(program_health(program, Path(authority) if authority else None))
    sys.stdout.write(f"{name}: {answer.name}\n")
    return 0 if answer is Health.SERVING else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
