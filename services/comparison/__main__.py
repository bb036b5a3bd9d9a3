"""Runs the comparison service: `python -m comparison`."""

import sys

from comparison.app import build
from comparison.settings import ComparisonSettings
from runtime.server import run

if __name__ == "__main__":
    sys.exit(run(build, ComparisonSettings))
