"""Runs the metering service: `python -m metering`; with `backup`, `verify` or `restore`, looks after its stores instead."""

import sys

from metering.app import build
from metering.maintenance import stores
from metering.settings import MeteringSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], MeteringSettings, stores) if sys.argv[1:] else run(build, MeteringSettings))
