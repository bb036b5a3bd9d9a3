"""Runs the comparison service: `python -m comparison`; with `work`, a worker; with `poisoned` or `replay`, looks after failed events."""

import sys

from comparison.adapters.tables import DELIVERY
from comparison.app import CLOSING_QUEUE, MIGRATIONS, build, working
from comparison.settings import ComparisonSettings
from runtime.server import run
from runtime.settings import worker_settings
from runtime.triage import triage


def main(words: list[str]) -> int:
    """Do what the words say; return the exit code."""
    match words:
        case []:
            return run(build, ComparisonSettings)
        case ["work"]:
            return run(working, worker_settings(ComparisonSettings))
        case _:
            return triage(words, ComparisonSettings, MIGRATIONS, DELIVERY, (CLOSING_QUEUE,))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
