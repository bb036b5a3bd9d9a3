"""`multiflux registry`: places, metering points and reference tables, in and out as files."""

import csv
import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import uuid4

import typer
from rich.progress import Progress, TaskID

from console import output
from console.connect import signed_in
from console.exits import Exit, readable, run, usage
from console.settings import load
from multiflux_client.registry import BLOCK_BYTES, ImportProgress, RefusedRow, RegistryClient, RegistryContent, RegistryFile, RegistryFormat
from multiflux_client.tables import ReferenceTable

app = typer.Typer(help="Bring places, metering points and reference tables in and out as files.", no_args_is_help=True)

_SHOWN_REFUSALS = 20
_LONGEST_LIFE = timedelta(seconds=240)
"""A stream ends with its token: it starts with a fresh one."""


class Content(StrEnum):
    """What a file holds, as an option."""

    PLACES = "places"
    METERING_POINTS = "metering-points"
    REFERENCE_ROWS = "reference-rows"


class Format(StrEnum):
    """How a file is written, as an option."""

    CSV = "csv"
    GEOJSON = "geojson"


class Table(StrEnum):
    """The reference tables, as an option."""

    TARIFF_PRICES = "tariff-prices"
    EMISSION_FACTORS = "emission-factors"
    GAS_COEFFICIENTS = "gas-coefficients"
    PUBLIC_HOLIDAYS = "public-holidays"
    SCHOOL_HOLIDAYS = "school-holidays"


ContentOption = Annotated[Content, typer.Option(help="What the file holds.")]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How the file is written; left out: by its name (.csv, .geojson, .json).")
]
TableOption = Annotated[Table | None, typer.Option(help="For reference-rows: which table.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(callback=readable, help="The file; - reads standard input.")],
    content: ContentOption,
    file_format: FormatOption = None,
    table: TableOption = None,
    check: Annotated[bool, typer.Option("--check", help="Check every row and keep none.")] = False,  # noqa: FBT002  # typer reads it by name
    refused: Annotated[Path | None, typer.Option(help="Write the refused rows to this CSV file.", dir_okay=False)] = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in places, metering points or reference rows from a CSV or GeoJSON file.

    Good rows are kept, refused ones are reported with line, column and reason, and the exit code is 3 when there are any.
    A file can be sent twice: what is there already stays as it is.
    """
    described = _described(content, file_format, table, file)
    run(_import(file, described, refused, check=check, as_json=as_json), as_json=as_json)


@app.command("export")
def export_file(
    content: ContentOption,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; left out: standard output.", dir_okay=False)] = None,
    file_format: FormatOption = None,
    table: TableOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Write places, metering points or reference rows to a file that `import` takes."""
    if as_json and to is None:
        raise usage("--json needs --output: standard output carries the file")
    run(_export(_described(content, file_format, table, to), to, as_json=as_json), as_json=as_json)


def _described(content: Content, file_format: Format | None, table: Table | None, file: Path | None) -> RegistryFile:
    if (content is Content.REFERENCE_ROWS) != (table is not None):
        raise usage("--table goes with --content reference-rows, and only with it")
    chosen = file_format or {".geojson": Format.GEOJSON, ".json": Format.GEOJSON}.get(file.suffix.lower() if file else "", Format.CSV)
    return RegistryFile(
        content=RegistryContent[content.name],
        format=RegistryFormat[chosen.name],
        table=None if table is None else ReferenceTable[table.name],
    )


async def _import(file: Path, described: RegistryFile, refused: Path | None, *, check: bool, as_json: bool) -> Exit:
    settings = load()
    last: ImportProgress | None = None
    shown: list[RefusedRow] = []
    with ExitStack() as stack:
        source = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
        report = None if refused is None else stack.enter_context(_refusal_report(refused))
        bar = stack.enter_context(output.progress())
        task = bar.add_task("importing", total=None if str(file) == "-" else os.fstat(source.fileno()).st_size, said="")
        async with signed_in(settings, "metering", settings.metering_target, at_least=_LONGEST_LIFE) as connection:
            blocks = _blocks(source, bar, task)
            async for last in RegistryClient(connection).import_file(described, blocks, validate_only=check):
                bar.update(task, said=f"{last.row_count} rows, {last.refused_count} refused")
                for row in last.refused_rows:
                    _note(row, report, shown, as_json=as_json)
    return _ended(last, shown, refused, check=check, as_json=as_json)


def _blocks(source: BinaryIO, bar: Progress, task: TaskID) -> Iterator[bytes]:
    while block := source.read(BLOCK_BYTES):
        yield block
        bar.advance(task, len(block))


@contextmanager
def _refusal_report(path: Path) -> Generator[Any]:
    with path.open("w", newline="", encoding="utf-8") as file:
        report = csv.writer(file)
        report.writerow(("line", "column", "reason", "description", "row"))
        yield report


def _note(row: RefusedRow, report: Any, shown: list[RefusedRow], *, as_json: bool) -> None:
    if report is not None:
        report.writerow((row.line, row.column, row.reason, row.description, row.row))
    if as_json:
        refused = {"line": row.line, "column": row.column, "reason": row.reason, "description": row.description, "row": row.row}
        output.json_line({"event": "refused", **refused})
    elif len(shown) < _SHOWN_REFUSALS:
        shown.append(row)


def _ended(last: ImportProgress | None, shown: list[RefusedRow], refused: Path | None, *, check: bool, as_json: bool) -> Exit:
    if last is None or not last.done:
        output.line("[red]the service ended the import without saying that it is done[/red]: run it again: what was kept stays")
        return Exit.FAILED
    counts = {
        "rows": last.row_count,
        "created": last.created_count,
        "updated": last.updated_count,
        "unchanged": last.unchanged_count,
        "refused": last.refused_count,
    }
    if as_json:
        output.json_line({"event": "checked" if check else "imported", **counts})
        return Exit.ROWS_REFUSED if last.refused_count else Exit.OK
    if shown:
        output.table(("line", "column", "reason", "description"), [(str(r.line), r.column, r.reason, r.description) for r in shown])
    if last.refused_count > len(shown):
        output.line(
            f"… and {last.refused_count - len(shown)} more{f', all in {refused}' if refused else ': --refused FILE writes them all'}"
        )
    output.line(("checked, nothing kept: " if check else "imported: ") + ", ".join(f"{number} {name}" for name, number in counts.items()))
    return Exit.ROWS_REFUSED if last.refused_count else Exit.OK


async def _export(described: RegistryFile, to: Path | None, *, as_json: bool) -> Exit:
    settings = load()
    async with signed_in(settings, "metering", settings.metering_target, at_least=_LONGEST_LIFE) as connection:
        blocks = RegistryClient(connection).export_file(described)
        if to is None:
            async for block in blocks:
                sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
            return Exit.OK
        size = await _written(blocks, to)
    if as_json:
        output.json_line({"event": "exported", "file": str(to), "bytes": size})
    return Exit.OK


async def _written(blocks: AsyncIterator[bytes], to: Path) -> int:
    """Write the blocks beside the file and then put them in its place: no half file looks like a whole one; return the size in bytes."""
    fresh, size = to.with_name(f".{to.name}.{uuid4().hex}"), 0
    try:
        with fresh.open("wb") as file, output.progress() as bar:
            task = bar.add_task("exporting", total=None, said="")
            async for block in blocks:
                size += file.write(block)
                bar.advance(task, len(block))
        fresh.replace(to)
    finally:
        fresh.unlink(missing_ok=True)
    return size
