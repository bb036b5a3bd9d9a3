"""Runs the metering service: `python -m metering`; with `backup`, `verify`, `restore` or `migrate`, looks after its stores."""

import sys

from metering.app import build
from metering.maintenance import migrate, stores
from metering.settings import MeteringSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], MeteringSettings, stores, {"migrate": migrate}) if sys.argv[1:] else run(build, MeteringSettings))
