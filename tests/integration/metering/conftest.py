"""Works on a metering service's stores, asked as its program asks."""

import json
from typing import Any

import pytest
from metering_stores import Maintain

from metering.maintenance import migrate, stores
from metering.settings import MeteringSettings
from runtime.upkeep import maintain


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Maintain:
    def ask(*words: str) -> tuple[int, list[dict[str, Any]], str]:
        code = maintain(words, MeteringSettings, stores, {"migrate": migrate})
        said, errors = capsys.readouterr()
        return code, [json.loads(line) for line in said.splitlines()], json.loads(errors)["error"]["reason"] if errors else ""

    return ask
