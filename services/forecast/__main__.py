"""Runs the forecast service: `python -m forecast`."""

import sys

from forecast.app import build
from forecast.settings import ForecastSettings
from runtime.server import run

if __name__ == "__main__":
    sys.exit(run(build, ForecastSettings))
