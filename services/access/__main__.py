"""Runs the access service: `python -m access`; with `backup`, `verify` or `restore`, looks after its store instead."""

import sys

from access.app import build
from access.maintenance import stores
from access.settings import AccessSettings
from runtime.server import run
from runtime.upkeep import maintain

if __name__ == "__main__":
    sys.exit(maintain(sys.argv[1:], AccessSettings, stores) if sys.argv[1:] else run(build, AccessSettings))
