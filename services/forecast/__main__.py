"""Runs the forecast service: `python -m forecast`; with `backup`, `verify` or `restore`, looks after its store instead."""

import sys

from forecast.app import build
from forecast.maintenance import stores
from forecast.settings import ForecastSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], ForecastSettings, stores) if sys.argv[1:] else run(build, ForecastSettings))
