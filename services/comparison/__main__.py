"""Runs the comparison service: `python -m comparison`; with `backup`, `verify` or `restore`, looks after its store instead."""

import sys

from comparison.app import build
from comparison.maintenance import stores
from comparison.settings import ComparisonSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], ComparisonSettings, stores) if sys.argv[1:] else run(build, ComparisonSettings))
