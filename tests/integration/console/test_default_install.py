"""What an installation without any extra can start: everything that `make run` starts."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from console.programs import PROGRAMS

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
WITHOUT_EXTRAS = """
import importlib, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
importlib.import_module(sys.argv[1])
"""


def optional_modules() -> set[str]:
    """Return the modules of the packages that the extras bring, and nothing else."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = {one.partition(">")[0].lower() for some in project["optional-dependencies"].values() for one in some}
    return {module for module, found in packages_distributions().items() if {one.lower() for one in found} <= extras}


@pytest.mark.parametrize("module", [*(f"{one.name}.app" for one in PROGRAMS), "field.__main__", "console.app"])
def test_what_make_run_starts_needs_no_extra(module: str) -> None:
    missing = optional_modules()
    assert {"aiomqtt", "pg8000", "nameko", "influxdb_client"} <= missing
    program = WITHOUT_EXTRAS.replace("MISSING", repr(missing), 1)
    done = subprocess.run([sys.executable, "-c", program, module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
