"""Structured logs: one event a line, with the id of the request that it belongs to."""

import logging
import sys
from contextlib import suppress
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from runtime.call import current_call

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def configure_logs(*, level: str, style: Literal["json", "text"]) -> None:
    """Send what is at least as important as `level` to standard error, in place of what was configured before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_with_request_id)
    if style == "json":
        renamed = {"levelname": "level", "name": "logger"}
        handler.setFormatter(JsonFormatter("{levelname}{name}{message}", style="{", rename_fields=renamed, timestamp="time"))
    else:
        handler.setFormatter(_TextFormatter("{asctime} {levelname:<7} {name}: {message}", style="{"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # It tells every request as something to know.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _with_request_id(record: logging.LogRecord) -> bool:
    if not hasattr(record, "request_id"):
        with suppress(LookupError):  # Outside of any call there is none.
            record.request_id = current_call().request_id
    return True


class _TextFormatter(logging.Formatter):
    """For people: the event, then its facts."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        facts = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD_FIELDS)
        line = super().formatMessage(record)
        return f"{line} {facts}" if facts else line
