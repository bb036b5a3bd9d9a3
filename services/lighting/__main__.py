"""Runs the lighting service: `python -m lighting`; with `backup`, `verify` or `restore`, looks after its store instead."""

import sys

from lighting.app import build
from lighting.maintenance import stores
from lighting.settings import LightingSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], LightingSettings, stores) if sys.argv[1:] else run(build, LightingSettings))
