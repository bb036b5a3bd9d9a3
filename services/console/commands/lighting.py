"""`multiflux lighting`: luminaires and cabinets, in and out as files."""

import asyncio
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console import output
from console.connect import signed_in
from console.exits import Exit, readable, run
from console.settings import load
from multiflux_client.lighting import LightingClient
from multiflux_client.lighting_records import InventoryContent, InventoryFormat, RefusedInventoryRow

app = typer.Typer(help="Bring luminaires and cabinets in and out as files.", no_args_is_help=True)

_LONGEST_LIFE = timedelta(seconds=240)
"""A stream ends with its token: it starts with a fresh one."""


class Content(StrEnum):
    """What a file holds, as an option."""

    LUMINAIRES = "luminaires"
    CABINETS = "cabinets"


class Format(StrEnum):
    """How a file is written, as an option."""

    CSV = "csv"
    GEOJSON = "geojson"


ContentOption = Annotated[Content, typer.Option(help="What the file holds.")]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How the file is written; left out: by its name (.csv, .geojson, .json).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(callback=readable, help="The file; - reads standard input.")],
    content: ContentOption = Content.LUMINAIRES,
    file_format: FormatOption = None,
    check: Annotated[bool, typer.Option("--check", help="Check every row and keep none.")] = False,  # noqa: FBT002  # typer reads it by name
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in luminaires or cabinets. Good rows are kept, refused ones are reported, and the exit code is 3 when there are any."""
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    run(_import(data, content, _format(file_format, file), check=check, as_json=as_json), as_json=as_json)


@app.command("export")
def export_file(
    content: ContentOption = Content.LUMINAIRES,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; left out: standard output.", dir_okay=False)] = None,
    file_format: FormatOption = None,
) -> None:
    """Write luminaires or cabinets to a file that `import` takes."""
    run(_export(content, _format(file_format, to), to), as_json=False)


def _format(chosen: Format | None, file: Path | None) -> InventoryFormat:
    by_name = {".geojson": Format.GEOJSON, ".json": Format.GEOJSON}.get(file.suffix.lower() if file else "", Format.CSV)
    return InventoryFormat[(chosen or by_name).name]


async def _import(data: bytes, content: Content, form: InventoryFormat, *, check: bool, as_json: bool) -> Exit:
    settings = load()
    refused: list[RefusedInventoryRow] = []
    counts: dict[str, int] = {}
    async with signed_in(settings, "lighting", settings.lighting_target, at_least=_LONGEST_LIFE) as connection:
        client = LightingClient(connection)
        async for part in client.import_file(InventoryContent[content.name], form, [data], validate_only=check):
            refused += part.refused_rows
            counts = {
                "rows": part.row_count,
                "created": part.created_count,
                "updated": part.updated_count,
                "unchanged": part.unchanged_count,
            }
    counts["refused"] = len(refused)
    if as_json:
        for row in refused:
            output.json_line({"event": "refused", "line": row.line, "column": row.column, "reason": row.reason, "row": row.row})
        output.json_line({"event": "checked" if check else "imported", **counts})
    else:
        if refused:
            output.table(("line", "column", "reason", "description"), [(str(r.line), r.column, r.reason, r.description) for r in refused])
        output.line(
            ("checked, nothing kept: " if check else "imported: ") + ", ".join(f"{number} {name}" for name, number in counts.items())
        )
    return Exit.ROWS_REFUSED if refused else Exit.OK


async def _export(content: Content, form: InventoryFormat, to: Path | None) -> Exit:
    settings = load()
    async with signed_in(settings, "lighting", settings.lighting_target, at_least=_LONGEST_LIFE) as connection:
        blocks = LightingClient(connection).export_file(InventoryContent[content.name], form)
        data = b"".join([block async for block in blocks])
    if to is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        await asyncio.to_thread(to.write_bytes, data)
    return Exit.OK
