"""Writes an environment file that names every setting of every service: `python deploy/env_example.py FILE`."""

import sys
from importlib import import_module
from pathlib import Path

from pydantic_settings import BaseSettings

from console.programs import PROGRAMS, installed
from runtime.settings import env_example


def settings_of(package: str) -> type[BaseSettings]:
    """Return the settings class of a service or of the command."""
    module = import_module(f"{package}.settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module.__name__
    )
    return found


def rendered() -> str:
    """Return the text of the file."""
    return env_example(*(settings_of(program.name) for program in PROGRAMS if installed(program.name)), settings_of("console"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rendered(), encoding="utf-8")
