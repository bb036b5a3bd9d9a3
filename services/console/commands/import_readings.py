"""`multiflux import`: readings from files of distributors and from any delimited file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from collector.domain.delimited import parse_delimited
from collector.domain.enedis_portal import parse_enedis_portal
from collector.domain.enedis_r151 import parse_r151
from collector.domain.enedis_sge import parse_r63_csv, parse_sge_json
from collector.domain.grdf import parse_grdf_json
from collector.domain.grdf_workbook import parse_grdf_workbook
from collector.domain.mapping import Mapping, Measures, StampAt, mapping_of
from collector.domain.parsed import NotThisFormat, ParsedBlock, Progress
from collector.domain.sniffing import HEAD_BYTES, Format, sniff
from console import output
from console.connect import signed_in
from console.exits import Exit, run, usage
from console.mappings import Mappings
from console.metering_points import UNKNOWN, Making, MeteringPoints
from console.reading_import import Problem, ReadingImport, Tally, problem_report
from console.settings import load
from console.weather_import import import_hours
from multiflux_client.metering import MeteringClient
from multiflux_client.registry import RegistryClient
from vocabulary.names import InvalidName, place_id, weather_station_id

app = typer.Typer(
    help="Bring readings in from files. A file can be sent twice: what is there already stays as it is.", no_args_is_help=True
)

_SHOWN_PROBLEMS = 20
_LONGEST_LIFE = timedelta(seconds=240)
"""A stream ends with its token: it starts with a fresh one."""
_BLOCK_BYTES = 1 << 20

Parse = Callable[[Path, Progress], Iterator[ParsedBlock]]

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")]
CreateOption = Annotated[str, typer.Option(help="Make unknown metering points at this place, such as places/mairie; adds channels too.")]
ChannelsOption = Annotated[bool, typer.Option("--add-channels", help="Add the channels that known metering points lack.")]
RefusedOption = Annotated[Path | None, typer.Option(help="Write what was refused to this CSV file, with identifiers.", dir_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


class FluxName(StrEnum):
    """The fluxes, as an option."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    WATER = "water"
    HEAT = "heat"
    COOLING = "cooling"
    FUEL = "fuel"


class QuantityName(StrEnum):
    """What a channel counts, as an option."""

    ENERGY = "energy"
    VOLUME = "volume"


class DirectionName(StrEnum):
    """Which way the flux goes, as an option."""

    IMPORT = "import"
    INJECTION = "injection"
    PRODUCTION = "production"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What all imports can be told."""

    making: Making
    refused: Path | None
    as_json: bool


@app.command("csv")
def import_csv(  # noqa: PLR0913, PLR0917  # options of a command, which typer gives by name
    file: FileArgument,
    mapping: Annotated[str, typer.Option(help="What the file means: the name of a kept mapping, or a JSON file.")] = "",
    save: Annotated[str, typer.Option(help="Keep the mapping under this name in the user's configuration.")] = "",
    delimiter: Annotated[str, typer.Option(help="What parts the columns.")] = ";",
    decimal_sign: Annotated[str, typer.Option(help="`.` or `,`.")] = ".",
    identifier_scheme: Annotated[str, typer.Option(help="What the identifiers are: prm, pce, water-contract, …")] = "",
    identifier_column: Annotated[str, typer.Option(help="The column with the identifier: its name in the header, or its number.")] = "",
    identifier: Annotated[str, typer.Option(help="The one metering point of the whole file.")] = "",
    time_column: Annotated[list[str] | None, typer.Option(help="The column with the time; give it twice for a date and a time.")] = None,
    time_format: Annotated[list[str] | None, typer.Option(help="iso, epoch_s, epoch_ms, or as in %d/%m/%Y %H:%M.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times without an offset.")] = "Europe/Paris",
    stamp_at: Annotated[StampAt, typer.Option(help="Which end of its interval a time marks.")] = StampAt.START,
    step: Annotated[str, typer.Option(help="Length of the intervals: seconds, day or month; left out: by the times.")] = "",
    value_column: Annotated[str, typer.Option(help="The column with the values.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of the values, such as kWh, m3, W.")] = "",
    flux: Annotated[FluxName | None, typer.Option(help="What is measured.")] = None,
    quantity: Annotated[QuantityName, typer.Option(help="What the values count.")] = QuantityName.ENERGY,
    direction: Annotated[DirectionName, typer.Option(help="Which way it goes.")] = DirectionName.IMPORT,
    measures: Annotated[Measures, typer.Option(help="What a value says.")] = Measures.INTERVAL,
    create_at: CreateOption = "",
    add_channels: ChannelsOption = False,  # noqa: FBT002  # typer reads it by name
    refused: RefusedOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in readings from a delimited file, by a mapping or by the options that make one.

    The options make a mapping of one column of values; for more (a day in a row, several columns, qualities), write it as JSON:
    --save NAME keeps one to start from. Exit code 3 when something was refused; everything else is kept.
    """
    options = _options(create_at, refused, add_channels=add_channels, as_json=as_json)
    given: dict[str, object] = {
        "delimiter": delimiter,
        "decimal_sign": decimal_sign,
        "identifier_scheme": identifier_scheme,
        "identifier_column": _column(identifier_column),
        "identifier": identifier or None,
        "time": {
            "columns": [_column(column) for column in time_column or ()],
            "formats": time_format or ["iso"],
            "zone": zone,
            "stamp_at": stamp_at,
            "step": int(step) if step.isdecimal() else step or None,
        },
        "values": [
            {
                "column": _column(value_column),
                "unit": unit or None,
                "flux": flux,
                "quantity": quantity,
                "direction": direction,
                "measures": measures,
            }
        ],
    }
    if mapping and (identifier_scheme or time_column or value_column):
        raise usage("give --mapping, or the options that make a mapping, not both")
    if not mapping and not (identifier_scheme and time_column and value_column and unit and flux):
        raise usage("give --mapping, or at least --identifier-scheme, --time-column, --value-column, --unit and --flux")
    run(_import_csv(file, mapping, given, save, options), as_json=as_json)


@app.command("enedis")
def import_enedis(
    file: FileArgument,
    create_at: CreateOption = "",
    add_channels: ChannelsOption = False,  # noqa: FBT002  # typer reads it by name
    refused: RefusedOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in a file of Enedis: of the customer space, or an R63, R64 or R151."""
    run(_import(file, _parse_enedis, _options(create_at, refused, add_channels=add_channels, as_json=as_json)), as_json=as_json)


@app.command("grdf")
def import_grdf(
    file: FileArgument,
    pce: Annotated[str, typer.Option(help="The metering point, where a workbook does not name it.")] = "",
    create_at: CreateOption = "",
    add_channels: ChannelsOption = False,  # noqa: FBT002  # typer reads it by name
    refused: RefusedOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in a file of the GRDF customer space: JSON or a workbook."""
    options = _options(create_at, refused, add_channels=add_channels, as_json=as_json)
    run(_import(file, partial(_parse_grdf, pce=pce), options), as_json=as_json)


@app.command("weather")
def import_weather(
    file: FileArgument,
    station: Annotated[str, typer.Option(help="The weather station that the temperatures are of.")],
    issued: Annotated[str, typer.Option(help="When the forecast was issued, ISO 8601 with offset; without it: observations.")] = "",
    as_json: JsonOption = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Bring in hourly temperatures: a CSV file with the columns start (ISO 8601 with offset) and temperature_celsius."""
    try:
        name = weather_station_id(station if "/" in station else f"weatherStations/{station}")
        at = datetime.fromisoformat(issued) if issued else None
    except InvalidName as failure:
        raise usage(failure.message) from None
    except ValueError:
        raise usage(f"--issued: {issued!r} is not a time such as 2026-01-31T06:00:00Z") from None
    if at is not None and at.tzinfo is None:
        raise usage(f"--issued: {issued!r} has no offset from UTC")
    run(import_hours(file, name, at, as_json=as_json), as_json=as_json)


@app.command("mappings")
def list_mappings(as_json: JsonOption = False) -> None:  # noqa: FBT002  # typer reads it by name
    """List the mappings that are kept in the user's configuration."""
    mappings = Mappings.of_user()
    for name in mappings.names():
        if as_json:
            output.json_line({"mapping": name, "file": str(mappings.folder / f"{name}.json")})
        else:
            output.line(name)


def _options(create_at: str, refused: Path | None, *, add_channels: bool, as_json: bool) -> Options:
    try:
        place = place_id(create_at if "/" in create_at else f"places/{create_at}") if create_at else None
    except InvalidName as failure:
        raise usage(failure.message) from None
    return Options(making=Making(points_at=place, channels=add_channels or place is not None), refused=refused, as_json=as_json)


def _column(given: str) -> int | str | None:
    return int(given) if given.isdecimal() else given or None


async def _import_csv(file: Path, name: str, given: dict[str, object], save: str, options: Options) -> Exit:
    mappings = Mappings.of_user()
    mapping = mappings.load(name) if name else mapping_of(**given)
    if save:
        mappings.save(save, mapping)
    return await _import(file, partial(_parse_csv, mapping=mapping), options)


@dataclass(kw_only=True, slots=True)
class _Problems:
    """Where problems go: the first ones to people, each as JSON for scripts; excerpts, which may be personal, to neither."""

    as_json: bool
    write: Callable[[Problem], None]
    shown: list[Problem] = field(default_factory=list[Problem])
    count: int = 0

    def note(self, one: Problem) -> None:
        self.count += 1
        self.write(one)
        if self.as_json:
            facts = {"row": one.row, "column": one.column, "reason": one.reason, "description": one.description, "readings": one.readings}
            output.json_line({"event": "refused", **facts})
        elif len(self.shown) < _SHOWN_PROBLEMS:
            self.shown.append(one)


async def _import(file: Path, parse: Parse, options: Options) -> Exit:
    settings = load()
    with ExitStack() as stack:
        problems = _Problems(as_json=options.as_json, write=stack.enter_context(problem_report(options.refused)))
        bar = stack.enter_context(output.progress())
        task = bar.add_task("importing", total=_size(file), said="")
        async with signed_in(settings, "metering", settings.metering_target, at_least=_LONGEST_LIFE) as connection:
            registry = RegistryClient(connection)
            if options.making.points_at is not None:
                await registry.place(options.making.points_at)
            points = MeteringPoints(registry, options.making)
            importing = ReadingImport(points, MeteringClient(connection).sender(f"import-{uuid4()}"), problems.note)
            for block in parse(file, lambda read: bar.update(task, completed=read)):
                await importing.take(block)
                bar.update(task, said=f"{importing.tally.sent:,} readings, {importing.tally.refused:,} refused")
            tally = importing.finish()
    _say(tally, points, problems, options)
    return Exit.ROWS_REFUSED if tally.refused else Exit.OK


def _say(tally: Tally, points: MeteringPoints, problems: _Problems, options: Options) -> None:
    counts = {
        "rows": tally.counts.rows,
        "readings": tally.counts.readings,
        "stored": tally.stored,
        "duplicates": tally.duplicates,
        "gaps": tally.counts.gaps,
        "refused": tally.refused,
        "unknown_identifiers": tally.identifiers(UNKNOWN.reason),
        "created_points": points.created_points,
        "added_channels": points.created_channels,
        "coefficients": tally.coefficients,
    }
    if options.as_json:
        output.json_line({"event": "imported", **counts})
        return
    if problems.shown:
        rows = [(str(one.row), one.column, one.reason, str(one.readings), one.description) for one in problems.shown]
        output.table(("row", "column", "reason", "readings", "description"), rows)
    if problems.count > len(problems.shown):
        rest = f"all in {options.refused}" if options.refused else "--refused FILE writes them all"
        output.line(f"… and {problems.count - len(problems.shown)} more, {rest}")
    output.line("imported: " + ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items()))


def _size(file: Path) -> int:
    return file.stat().st_size


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK_BYTES):
            yield block


def _format(file: Path) -> Format | None:
    with file.open("rb") as opened:
        return sniff(opened.read(HEAD_BYTES))


def _parse_csv(file: Path, progress: Progress, *, mapping: Mapping) -> Iterator[ParsedBlock]:
    return parse_delimited(_blocks(file), mapping, progress=progress)


def _parse_enedis(file: Path, progress: Progress) -> Iterator[ParsedBlock]:
    match _format(file):
        case "enedis-portal":
            return parse_enedis_portal(_blocks(file), progress=progress)
        case "enedis-r63-csv":
            return parse_r63_csv(_blocks(file), progress=progress)
        case "enedis-r151":
            return parse_r151(_blocks(file), progress=progress)
        case "enedis-sge-json":
            return iter((parse_sge_json(file.read_bytes()),))
        case _:
            raise NotThisFormat("the file is none of Enedis that is known: customer space, R63, R64 or R151", format="enedis")


def _parse_grdf(file: Path, _progress: Progress, *, pce: str) -> Iterator[ParsedBlock]:
    match _format(file):
        case "grdf-json":
            return iter((parse_grdf_json(file.read_bytes()),))
        case "grdf-xlsx":
            return iter((parse_grdf_workbook(file.read_bytes(), pce=pce),))
        case _:
            raise NotThisFormat("the file is none of the GRDF customer space", format="grdf")
