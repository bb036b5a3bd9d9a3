"""Reads the files that Enedis publishes to authorised third parties: R63 load curves and R64 indices.

Sources: the JSON schemas `Enedis.SGE.JSON.0510.Flux.R63` and `0511.Flux.R64`, both without an offset: French legal time.
"""

import json
from collections.abc import Iterable, Iterator
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.delimited import parse_delimited
from collector.domain.entries import Entries, add_entries, instants
from collector.domain.intervals import step_seconds
from collector.domain.mapping import Mapping, mapping_of
from collector.domain.parsed import (
    BrokenDocument,
    Channel,
    Identifier,
    NotThisFormat,
    ParsedBlock,
    Progress,
    ReadingKind,
    Reason,
    Series,
    unheard,
)
from collector.domain.units import FACTORS, unit_named
from vocabulary.flux import BaseUnit, Direction, Flux, Quantity
from vocabulary.quality import Quality

SCHEME = "prm"
ZONE = ZoneInfo("Europe/Paris")

NATURES = {
    "B": "measured",
    "R": "measured",
    "D": "measured",
    "S": "measured",
    "T": "measured",
    "F": "measured",
    "G": "measured",
    "C": "corrected",
    "E": "estimated",
    "H": "estimated",
    "P": "estimated",
    "K": "estimated",
}
"""Nature of a value: raw, real, entered by hand, during a supply failure (S, T, F, G); corrected; estimated, rebuilt or computed."""

_DIRECTIONS = {"CONS": Direction.IMPORT, "PROD": Direction.INJECTION}
_SETS = {"F": "supplier", "D": "distributor"}
_STAMPS = ("%Y-%m-%d %H:%M:%S", "iso")

Json = dict[str, object]


def r63_mapping() -> Mapping:
    """Return what the columns of an R63 file mean: mean watts over the step that ends at the stamp; only active power is read."""
    value = {"column": "Valeur", "unit_column": "Unité", "flux": "electricity", "quantity": "energy", "measures": "mean_power"}
    active = {"column": "Grandeur physique", "equals": ["PA"]}
    return mapping_of(
        identifier_scheme=SCHEME,
        identifier_column="Identifiant PRM",
        time={"columns": ["Horodate"], "formats": _STAMPS, "zone": ZONE.key, "stamp_at": "end", "step_column": "Pas"},
        values=[
            {**value, "direction": direction.name, "where": [active, {"column": "Grandeur métier", "equals": [name]}]}
            for name, direction in _DIRECTIONS.items()
        ],
        quality=[
            {"column": "Nature", "values": NATURES, "otherwise": "suspect"},
            # The likelihood index is 0 for a plausible value; the best of all names leaves the nature to decide.
            {"column": "Indice de vraisemblance", "values": {"0": "corrected", "": "corrected"}, "otherwise": "suspect"},
        ],
    )


def parse_r63_csv(blocks: Iterable[bytes], *, progress: Progress = unheard) -> Iterator[ParsedBlock]:
    """Yield the load curves of an R63 file, as energy. The repeated autumn hour is told by the order of the rows. Raises UnknownColumn."""
    return parse_delimited(blocks, r63_mapping(), progress=progress)


def parse_sge_json(body: bytes) -> ParsedBlock:
    """Return what an R63 (load curves) or R64 (indices, at the instant of their stamp) document holds.

    Rows number the values of the document from 1. Raises BrokenDocument, and NotThisFormat for other JSON.
    """
    document = _loaded(body)
    header = document.get("header")
    flow = cast("Json", header).get("codeFlux") if isinstance(header, dict) else None
    measures = document.get("mesures")
    if flow not in {"R63", "R64"} or not isinstance(measures, list):
        raise NotThisFormat("the document is neither an R63 nor an R64", format="enedis-sge-json")
    walk = _Walk()
    for measure in cast("list[object]", measures):
        if isinstance(measure, dict):
            walk.measure(cast("Json", measure), str(flow))
    return walk.assembly.block()


def _loaded(body: bytes) -> Json:
    try:
        # Numbers stay text, so that nothing is rounded on the way.
        document: object = json.loads(body.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise BrokenDocument("the text is not JSON", format="enedis-sge-json") from None
    if not isinstance(document, dict):
        raise NotThisFormat("the document is neither an R63 nor an R64", format="enedis-sge-json")
    return cast("Json", document)


def _dicts(owner: Json, name: str) -> list[Json]:
    found = owner.get(name)
    return [cast("Json", item) for item in cast("list[object]", found) if isinstance(item, dict)] if isinstance(found, list) else []


def _text(owner: Json, name: str) -> str:
    found = owner.get(name)
    return found if isinstance(found, str) else ""


class _Walk:
    """Goes down the document and adds each list of values as a series."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self._row = 0

    def measure(self, measure: Json, flow: str) -> None:
        identifier = _text(measure, "idPrm").strip()
        if flow == "R63":
            for quantity in _dicts(measure, "grandeur"):
                self._load_curve(identifier, quantity)
            return
        for context in _dicts(measure, "contexte"):
            for quantity in _dicts(context, "grandeur"):
                lists = [item for calendar in _dicts(quantity, "calendrier") for item in _dicts(calendar, "classeTemporelle")]
                total = quantity.get("cadranTotalisateur")
                for item in [*lists, cast("Json", total)] if isinstance(total, dict) else lists:
                    self._registers(identifier, quantity, item)

    def _registers(self, identifier: str, quantity: Json, item: Json) -> None:
        values = _dicts(item, "valeur")
        channel = _register(_text(item, "codeCadran"))
        factor = _factor(_text(quantity, "unite"), BaseUnit.JOULE)
        if not self._usable(identifier, quantity, "EA", known=channel is not None, factor=factor, values=values) or channel is None:
            return
        entries = Entries(series=_series(identifier, channel, ReadingKind.REGISTER), factor=factor)
        for value in values:
            self._row += 1
            entries.add(_text(value, "d"), _text(value, "v"), _likely(value, Quality.MEASURED), self._row)
        add_entries(self.assembly, entries, instants(entries.stamps, _STAMPS, ZONE), np.zeros(len(values), np.int64))

    def _load_curve(self, identifier: str, quantity: Json) -> None:
        points = _dicts(quantity, "points")
        direction = _DIRECTIONS.get(_text(quantity, "grandeurMetier"))
        factor = _factor(_text(quantity, "unite"), BaseUnit.WATT)
        if not self._usable(identifier, quantity, "PA", known=direction is not None, factor=factor, values=points) or direction is None:
            return
        channel = Channel(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, direction=direction)
        entries = Entries(series=_series(identifier, channel, ReadingKind.INTERVAL), factor=factor)
        for point in points:
            self._row += 1
            nature = Quality[NATURES.get(_text(point, "n").strip().upper(), "suspect").upper()]
            entries.add(_text(point, "d"), _text(point, "v"), _likely(point, nature), self._row)
        step = np.array([step_seconds(_text(point, "p"), 60) for point in points], np.int64)
        ends = instants(entries.stamps, _STAMPS, ZONE, ends=True)
        ends.utc[:] -= step
        add_entries(self.assembly, entries, ends, step, factor * step)

    def _usable(self, identifier: str, quantity: Json, physical: str, *, known: bool, factor: int, values: list[Json]) -> bool:
        """Count the values; tell whether they are to be read, and note the problem where they should be but cannot."""
        self.assembly.met(rows=len(values))
        if not identifier or not factor:
            reason = Reason.UNKNOWN_UNIT if identifier else Reason.MISSING_IDENTIFIER
            text = "not a unit of this quantity" if identifier else "the measure names no meter"
            self.assembly.problem(self._row + 1, "", reason, text, _text(quantity, "unite"))
        elif known and _text(quantity, "grandeurPhysique") == physical:
            return True
        else:
            self.assembly.met(skipped=len(values))
        self._row += len(values)
        return False


def _likely(value: Json, nature: Quality) -> Quality:
    """Return the nature, or suspect where the likelihood index is not 0."""
    return nature if value.get("iv") in {None, "0", ""} else Quality.SUSPECT


def _factor(text: str, base: BaseUnit) -> int:
    unit = unit_named(text)
    return FACTORS[unit][0] if unit is not None and FACTORS[unit][1] is base else 0


def _series(identifier: str, channel: Channel, kind: ReadingKind) -> Series:
    return Series(identifier=Identifier(scheme=SCHEME, value=identifier), channel=channel, kind=kind)


def _register(code: str) -> Channel | None:
    """Return the channel of a register such as `IDX_EAS_D2`, `IDX_EAS_F1`, `IDX_EAS_T`, `IDX_EAI_T`; None for others."""
    parts = code.split("_")
    direction = {"EAS": Direction.IMPORT, "EAI": Direction.INJECTION}.get(parts[1]) if len(parts) == len(("IDX", "EAS", "D2")) else None
    if direction is None or not parts[2]:
        return None
    register_set = "total" if parts[2] == "T" else _SETS.get(parts[2][0])
    if register_set is None:
        return None
    slot = "" if parts[2] == "T" else parts[2]
    return Channel(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, direction=direction, register_set=register_set, tariff_slot=slot)
