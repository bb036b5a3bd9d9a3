"""Runs the forecast service: `python -m forecast`; with `work`, a worker; with `poisoned` or `replay`, looks after failed events."""

import sys

from forecast.adapters.tables import DELIVERY
from forecast.app import MIGRATIONS, READINGS_QUEUE, REFRESH_QUEUE, build, working
from forecast.settings import ForecastSettings
from runtime.server import run
from runtime.settings import worker_settings
from runtime.triage import triage


def main(words: list[str]) -> int:
    """Do what the words say; return the exit code."""
    match words:
        case []:
            return run(build, ForecastSettings)
        case ["work"]:
            return run(working, worker_settings(ForecastSettings))
        case _:
            return triage(words, ForecastSettings, MIGRATIONS, DELIVERY, (READINGS_QUEUE, REFRESH_QUEUE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
