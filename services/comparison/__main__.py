"""Runs the comparison service: `python -m comparison`; with `work`, a worker.

With `backup`, `verify` or `restore` it looks after its store instead, and with `poisoned` or `replay` after events that failed.
"""

import sys

from comparison.adapters.tables import DELIVERY
from comparison.app import CLOSING_QUEUE, MIGRATIONS, build, working
from comparison.maintenance import stores
from comparison.settings import ComparisonSettings
from runtime.server import run
from runtime.settings import worker_settings
from runtime.triage import triage
from runtime.upkeep import maintain


def main(words: list[str]) -> int:
    """Do what the words say; return the exit code."""
    match words:
        case []:
            return run(build, ComparisonSettings)
        case ["work"]:
            return run(working, worker_settings(ComparisonSettings))
        case ["poisoned" | "replay", *_]:
            return triage(words, ComparisonSettings, MIGRATIONS, DELIVERY, (CLOSING_QUEUE,))
        case _:
            return maintain(words, ComparisonSettings, stores)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
