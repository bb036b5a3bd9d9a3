"""What commands print: tables for people, one JSON object a line for scripts, progress only on a terminal."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

_WIDE = 240
"""Columns of a table that goes to a file or a pipe, where nothing is to be cut."""


def json_line(values: Mapping[str, Any]) -> None:
    """Print one object as a line of JSON."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def line(text: str) -> None:
    """Print a line for people; `[bold]` and the like is markup."""
    _console().print(text)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their titles."""
    shown = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    _console().print(shown)


def progress() -> Progress:
    """Return a progress bar in bytes on standard error; silent when that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
        console=console,
        disable=not console.is_terminal,
    )


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True) if sys.stdout.isatty() else Console(highlight=False, width=_WIDE, soft_wrap=True)
