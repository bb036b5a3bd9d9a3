"""Reads the files that households download from the GRDF customer space: published readings (JSON) and daily ones (workbook).

Kept are the index (m³), the energy (kWh, gross calorific value, as the distributor worked it out) and the conversion coefficient: the
energy is not the difference of two indices times the coefficient, because the index is cut to whole cubic metres.
"""

import json
from dataclasses import dataclass, field
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.entries import Entries, Instants, add_entries, instants
from collector.domain.numbers import NumberFormat, parse_numbers
from collector.domain.parsed import (
    BrokenDocument,
    Channel,
    Coefficient,
    Identifier,
    Ints,
    NotThisFormat,
    ParsedBlock,
    ReadingKind,
    Reason,
    Series,
)
from collector.domain.table import folded
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE, Flux, Quantity
from vocabulary.quality import Quality

SCHEME = "pce"
"""Point de comptage et d'estimation."""

ZONE = ZoneInfo("Europe/Paris")

ABSENT = "absence de donnees"
QUALIFICATIONS = {"mesure": Quality.MEASURED, "releve": Quality.MEASURED, "estime": Quality.ESTIMATED, "corrige": Quality.CORRECTED}
"""Folded word → quality; a word that is not here makes the value suspect."""

_ENERGY = Channel(flux=Flux.GAS, quantity=Quantity.ENERGY)
_VOLUME = Channel(flux=Flux.GAS, quantity=Quantity.VOLUME)
_GAS_DAY_BEGINS_S, _GAS_DAY_ENDS_S = 6 * 3600, 30 * 3600
_WRONG_OFFSET = "T06:00:00+00:00"

Json = dict[str, object]


@dataclass(kw_only=True, slots=True)
class GasRows:
    """The rows of one meter, as the source writes them; an empty text stands for nothing."""

    identifier: str
    starts: list[str] = field(default_factory=list[str])
    ends: list[str] = field(default_factory=list[str])
    indices_before: list[str] = field(default_factory=list[str])
    indices_after: list[str] = field(default_factory=list[str])
    energies: list[str] = field(default_factory=list[str])
    coefficients: list[str] = field(default_factory=list[str])
    qualifications: list[str] = field(default_factory=list[str])
    rows: list[int] = field(default_factory=list[int])


def parse_grdf_json(body: bytes) -> ParsedBlock:
    """Return what a JSON file of published or daily readings holds; rows number its readings from 1.

    Raises BrokenDocument for what is no JSON, NotThisFormat for other JSON.
    """
    try:
        document: object = json.loads(body.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise BrokenDocument("the text is not JSON", format="grdf-json") from None
    if not isinstance(document, dict):
        raise NotThisFormat("the document holds no readings of GRDF", format="grdf-json")
    meters: list[GasRows] = []
    row = 0
    for key, found in cast("Json", document).items():
        if isinstance(found, dict) and isinstance(readings := cast("Json", found).get("releves"), list):
            meter = GasRows(identifier=_text(cast("Json", found), "idPce").strip() or key.strip())
            row = _read_meter(meter, cast("list[object]", readings), row)
            meters.append(meter)
    if not meters:
        raise NotThisFormat("the document holds no readings of GRDF", format="grdf-json")
    return gas_block(meters, gas_days=False)


def _read_meter(meter: GasRows, readings: list[object], row: int) -> int:
    for reading in readings:
        row += 1
        found = cast("Json", reading) if isinstance(reading, dict) else {}
        meter.starts.append(_stamp(found, "dateDebutReleve"))
        meter.ends.append(_stamp(found, "dateFinReleve"))
        meter.indices_before.append(_text(found, "indexDebut"))
        meter.indices_after.append(_text(found, "indexFin"))
        meter.energies.append(_text(found, "energieConsomme"))
        meter.coefficients.append(_text(found, "coeffConversion"))
        meter.qualifications.append(_text(found, "qualificationReleve"))
        meter.rows.append(row)
    return row


def _text(owner: Json, name: str) -> str:
    found = owner.get(name)
    return found if isinstance(found, str) else ""


def _stamp(owner: Json, name: str) -> str:
    """Return the stamp; the gas day's 06:00 is legal time, and some files write it with offset zero in summer and winter alike."""
    return _text(owner, name).replace(_WRONG_OFFSET, "T06:00:00")


def gas_block(meters: list[GasRows], *, gas_days: bool) -> ParsedBlock:
    """Return the readings of the meters; `gas_days`: the starts are dates of gas days, from 06:00 to 06:00 legal time."""
    assembly = Assembly()
    coefficients: list[Coefficient] = []
    for meter in meters:
        formats = ("%d/%m/%Y", "iso") if gas_days else ("iso",)
        start = instants(meter.starts, formats, ZONE, shift_s=_GAS_DAY_BEGINS_S if gas_days else 0)
        end = instants(meter.ends, formats, ZONE, shift_s=_GAS_DAY_ENDS_S if gas_days else 0)
        assembly.met(rows=len(meter.rows))
        _add_energies(assembly, meter, start, end)
        _add_indices(assembly, meter, start, end)
        coefficients += _coefficients(assembly, meter, start, end)
    block = assembly.block()
    return ParsedBlock(
        readings=block.readings, gaps=block.gaps, problems=block.problems, counts=block.counts, coefficients=tuple(coefficients)
    )


def _quality(qualification: str) -> Quality:
    return QUALIFICATIONS.get(folded(qualification), Quality.SUSPECT)


def _series(meter: GasRows, channel: Channel, kind: ReadingKind) -> Series:
    return Series(identifier=Identifier(scheme=SCHEME, value=meter.identifier), channel=channel, kind=kind)


def _add_energies(assembly: Assembly, meter: GasRows, start: Instants, end: Instants) -> None:
    """Add the energy of each row; a row that says that data are absent is a gap, whatever number it shows."""
    entries = Entries(series=_series(meter, _ENERGY, ReadingKind.INTERVAL), factor=JOULES_PER_WATT_HOUR * 1000)
    for stamp, energy, qualification, row in zip(meter.starts, meter.energies, meter.qualifications, meter.rows, strict=True):
        absent = folded(qualification) == ABSENT
        entries.add(stamp, "" if absent else energy, _quality(qualification), row)
    either = Instants(utc=start.utc, unsure=start.unsure, reasons={**end.reasons, **start.reasons})
    add_entries(assembly, entries, either, end.utc - start.utc)


def _add_indices(assembly: Assembly, meter: GasRows, start: Instants, end: Instants) -> None:
    """Add the index at the end of each row, and the one at its start unless a row before ended with it."""
    known: set[tuple[int, str]] = set()
    after = Entries(series=_series(meter, _VOLUME, ReadingKind.REGISTER), factor=MILLILITRES_PER_CUBIC_METRE)
    before = Entries(series=after.series, factor=after.factor)
    chosen: tuple[list[int], list[int]] = ([], [])
    columns = zip(meter.indices_before, meter.indices_after, meter.qualifications, meter.rows, strict=True)
    for at, (first, last, qualification, row) in enumerate(columns):
        if folded(qualification) == ABSENT or at in start.reasons or at in end.reasons:
            continue
        if first and (int(start.utc[at]), first) not in known:
            before.add(meter.starts[at], first, _quality(qualification), row)
            chosen[0].append(at)
        if last:
            after.add(meter.ends[at], last, _quality(qualification), row)
            chosen[1].append(at)
            known.add((int(end.utc[at]), last))
    for entries, moments, positions in ((before, start, chosen[0]), (after, end, chosen[1])):
        nothing: Ints = np.zeros(len(positions), np.int64)
        picked = np.array(positions, np.int64)
        add_entries(assembly, entries, Instants(utc=moments.utc[picked], unsure=moments.unsure[picked], reasons={}), nothing)


def _coefficients(assembly: Assembly, meter: GasRows, start: Instants, end: Instants) -> list[Coefficient]:
    """Return the coefficients that are given; they are written as kWh per m³."""
    numbers = parse_numbers([text or "0" for text in meter.coefficients], 1000, NumberFormat())
    found: list[Coefficient] = []
    for at, text in enumerate(meter.coefficients):
        if not text or at in start.reasons or at in end.reasons:
            continue
        if at in numbers.reasons or numbers.value[at] <= 0:
            assembly.problem(meter.rows[at], "coeffConversion", Reason.NOT_A_NUMBER, "not a conversion coefficient", text)
            continue
        found.append(
            Coefficient(
                identifier=Identifier(scheme=SCHEME, value=meter.identifier),
                start=int(start.utc[at]),
                end=int(end.utc[at]),
                watt_hours_per_cubic_metre=int(numbers.value[at]),
                row=meter.rows[at],
            )
        )
    return found
