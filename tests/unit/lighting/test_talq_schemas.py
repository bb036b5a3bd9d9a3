"""The judge of TALQ messages refuses what the published schemas leave open."""

from copy import deepcopy
from typing import Any

import pytest
from talq_schemas import Api, check_as, needed

pytestmark = needed

PROGRAM: dict[str, Any] = {
    "type": "ControlProgramOne",
    "id": "c-1.v1.c0.2026-10-24",
    "ownerCMS": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "activePeriods": [{"name": "AbsoluteActivePeriod", "startTime": "12:00:00", "endTime": "12:00:00"}],
    "fixedTimeControls": [{"startTime": "12:00:00", "command": {"state": {"name": "LevelState", "value": 0}}}],
}


def test_a_program_is_one() -> None:
    check_as("ControlProgram", PROGRAM)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("type",), "ControlProgramTwo"),
        (("fixedTimeControl",), []),
        (("fixedTimeControls", 0, "startTime"), "12:00"),
        (("fixedTimeControls", 0, "command", "state", "value"), 101),
        (("fixedTimeControls", 0, "command", "state", "value"), 50.5),
        (("fixedTimeControls", 0, "command", "level"), 50),
        (("activePeriods", 0, "name"), "AbsolutePeriod"),
    ],
)
def test_what_is_none_is_found(path: tuple[Any, ...], value: Any) -> None:
    program: Any = deepcopy(PROGRAM)
    at = program
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(AssertionError):
        check_as("ControlProgram", program)


def test_a_request_without_its_parameters_is_found() -> None:
    gateway, query = Api("gateway"), {"clientAddress": PROGRAM["ownerCMS"], "talqRequestId": PROGRAM["ownerCMS"]}
    gateway.check_request("POST", "/control-programs", query, {"talq-api-version": "2.7.1"}, [PROGRAM])
    with pytest.raises(AssertionError, match="talqRequestId"):
        gateway.check_request(
            "POST", "/control-programs", {"clientAddress": query["clientAddress"]}, {"talq-api-version": "2.7.1"}, [PROGRAM]
        )
    with pytest.raises(AssertionError, match="talq-api-version"):
        gateway.check_request("POST", "/control-programs", query, {}, [PROGRAM])
