"""The environment file that people start from says what the settings say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_environment_file_is_current() -> None:
    rendered = runpy.run_path(str(ROOT / "deploy" / "env_example.py"))["rendered"]()
    assert (ROOT / "deploy" / "env.example").read_text(encoding="utf-8") == rendered, "run `make env-example`"


def test_it_changes_nothing_as_it_is() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_each_variable_is_named_once_and_explained() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    names = [line.partition("=")[0] for line in lines if line.startswith("#MULTIFLUX_")]
    assert len(names) == len(set(names)) > 0
    for number, line in enumerate(lines):
        if line.startswith("#MULTIFLUX_"):
            assert lines[number - 1].startswith("# ")
            assert lines[number - 1].endswith(".")
