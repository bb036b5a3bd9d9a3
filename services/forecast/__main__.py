"""Runs the forecast service: `python -m forecast`; with `work`, a worker.

With `backup`, `verify` or `restore` it looks after its store instead, and with `poisoned` or `replay` after events that failed.
"""

import sys

from forecast.adapters.tables import DELIVERY
from forecast.app import MIGRATIONS, READINGS_QUEUE, REFRESH_QUEUE, build, working
from forecast.maintenance import stores
from forecast.settings import ForecastSettings
from runtime.server import run
from runtime.settings import worker_settings
from runtime.triage import triage
from runtime.upkeep import maintain


def main(words: list[str]) -> int:
    """Do what the words say; return the exit code."""
    match words:
        case []:
            return run(build, ForecastSettings)
        case ["work"]:
            return run(working, worker_settings(ForecastSettings))
        case ["poisoned" | "replay", *_]:
            return triage(words, ForecastSettings, MIGRATIONS, DELIVERY, (READINGS_QUEUE, REFRESH_QUEUE))
        case _:
            return maintain(words, ForecastSettings, stores)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
