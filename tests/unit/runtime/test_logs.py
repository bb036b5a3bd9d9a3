"""Log lines: one event each, with the request that it belongs to."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.call import NOBODY, Call, acting_as
from runtime.logs import configure_logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_json_line_holds_event_facts_and_request(capsys: pytest.CaptureFixture[str], clock: Any) -> None:
    configure_logs(level="INFO", style="json")
    with acting_as(Call(caller=NOBODY, request_id="action-1", method="/a/b", at=clock.now())):
        logging.getLogger("metering").info("readings recorded", extra={"stored": 3})
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "INFO", "logger": "metering", "message": "readings recorded", "stored": 3, "request_id": "action-1"}


def test_a_text_line_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="INFO", style="text")
    logging.getLogger("metering").warning("events wait", extra={"reason": "AWAY"})
    assert capsys.readouterr().err.endswith("WARNING metering: events wait reason=AWAY\n")


def test_what_is_less_important_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="WARNING", style="json")
    logging.getLogger("metering").info("call")
    assert capsys.readouterr().err == ""
