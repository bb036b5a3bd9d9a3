"""Runs the lighting service: `python -m lighting`."""

import sys

from lighting.app import build
from lighting.settings import LightingSettings
from runtime.server import run

if __name__ == "__main__":
    sys.exit(run(build, LightingSettings))
