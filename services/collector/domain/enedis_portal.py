"""Reads the files that households download from the Enedis customer space: load curve, daily index, daily energy.

Sources: files of customers (see the sample formats); Enedis publishes no specification. A file holds one or more blocks: two preamble lines
(names, then values), maybe a blank line, a header, then rows. A last table that explains the calendar is left out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.intervals import step_seconds
from collector.domain.lines import line_blocks
from collector.domain.long_rows import LongRows
from collector.domain.mapping import Mapping, mapping_of
from collector.domain.parsed import NotThisFormat, ParsedBlock, Progress, Reason, unheard
from collector.domain.steps import LOAD_CURVE_STEPS_S
from collector.domain.table import Header, cells_of, folded
from collector.domain.units import FACTORS, Unit, unit_named
from vocabulary.flux import BaseUnit

SCHEME = "prm"
"""Point de référence et de mesure, 14 digits."""

ZONE = "Europe/Paris"

ESTIMATED_WORDS = {
    "estimé": "estimated",
    "estimée": "estimated",
    "estimation": "estimated",
    "corrigé": "corrected",
    "corrigée": "corrected",
}
"""Words of a status column that mean something else than measured."""

_FLAT_HEADER = "date de la mesure"
_PREAMBLE = "identifiant prm"
_STAMPED = "horodate"
_DAILY = "date"
_CALENDAR = "periode"
_SLOT_COUNT = {"f": 10, "d": 4}
_SETS = {"f": "supplier", "d": "distributor"}
_DIRECTIONS = {"eas": "import", "eai": "injection"}


def parse_enedis_portal(blocks: Iterable[bytes], *, progress: Progress = unheard) -> Iterator[ParsedBlock]:
    """Yield what the file holds: load curves as intervals in joules, indices as registers in joules, daily energies as civil days.

    Load curve: mean watts over the step that ends at the stamp; the step is inferred from the stamps (5 to 60 minutes) and may change,
    unless the preamble tells it. An empty value is a gap. Registers: sets `supplier` (F1 to F10), `distributor` (D1 to D4) and `total`.
    Raises NotThisFormat when the file holds no block of these forms.
    """
    reader = _Reader()
    for block in line_blocks(blocks, "auto", progress):
        reader.assembly.problems(block.problems)
        reader.assembly.met(rows=len(block.problems))
        reader.read(block.lines, block.first_row)
        yield reader.assembly.block()
    reader.finish()
    yield reader.assembly.block()


@dataclass(kw_only=True, slots=True)
class _Preamble:
    """What the two lines at the head of a block say: folded name → text."""

    names: list[str]
    values: dict[str, str] | None = None

    def says(self, name: str) -> str:
        return (self.values or {}).get(name, "").strip()


class _Reader:
    """Walks over the lines: opens a table at each header, and feeds it its rows."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self._preamble: _Preamble | None = None
        self._rows: LongRows | None = None
        self._ignoring = False
        self._tables = 0

    def read(self, lines: list[str], first_row: int) -> None:
        """Read some lines: runs of rows together, every other line by itself."""
        start = 0
        for at, line in enumerate(lines):
            # Rows begin with a digit, all other lines with a letter (or a byte order mark, in files glued together).
            if line[:1].isdigit() and (self._preamble is None or self._preamble.values is not None):
                continue
            self._feed(lines[start:at], first_row + start)
            start = at + 1
            self._turn(line, first_row + at)
        self._feed(lines[start:], first_row + start)

    def finish(self) -> None:
        """Read what was held back."""
        self._close()
        if not self._tables:
            raise NotThisFormat("the file holds no load curve, index or daily table of the Enedis customer space", format="enedis-portal")

    def _feed(self, lines: list[str], first_row: int) -> None:
        if not lines:
            return
        if self._rows is not None:
            self._rows.read(lines, np.arange(first_row, first_row + len(lines), dtype=np.int64))
        elif self._ignoring:
            self.assembly.met(rows=len(lines), skipped=len(lines))
        else:
            for row, line in enumerate(lines, first_row):
                self._lost(row, line)

    def _lost(self, row: int, line: str) -> None:
        self.assembly.met(rows=1)
        self.assembly.problem(row, "", Reason.UNKNOWN_SECTION, "the row belongs to no table that is known", line)

    def _turn(self, line: str, row: int) -> None:
        """Take a line that is no row."""
        cells = [folded(cell.lstrip("\ufeff")) for cell in cells_of(line.lstrip("\ufeff"), ";")]
        if not any(cells):
            return
        if self._preamble is not None and self._preamble.values is None:
            self._preamble.values = dict(zip(self._preamble.names, cells_of(line, ";"), strict=False))
        elif cells[0] == _PREAMBLE:
            self._close()
            self._preamble, self._ignoring = _Preamble(names=cells), False
        elif cells[0] == _CALENDAR:
            self._close()
            self._ignoring = True
        elif (mapping := self._mapping(cells)) is not None:
            self._close()
            self._open(mapping, cells)
        elif self._ignoring:
            self.assembly.met(rows=1, skipped=1)
        elif self._rows is not None:
            self._feed([line], row)
        else:
            self._lost(row, line)

    def _open(self, mapping: Mapping, cells: list[str]) -> None:
        self._ignoring = False
        self._tables += 1
        self._rows = LongRows(mapping, Header(cells), self.assembly, likely_steps=LOAD_CURVE_STEPS_S, on_the_clock=True)

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.read([], np.zeros(0, np.int64), final=True)
        self._rows = None

    def _mapping(self, cells: list[str]) -> Mapping | None:
        """Return what a header line means, None when it is no header."""
        if cells[0] == _FLAT_HEADER:
            return _flat_mapping(cells)
        if self._preamble is None or len(cells) < 2 or not self._preamble.says(_PREAMBLE):  # noqa: PLR2004 — a stamp and a value
            return None
        by_header: dict[str, Callable[[_Preamble, list[str]], Mapping | None]] = {_STAMPED: _stamped_mapping, _DAILY: _daily_mapping}
        chosen = by_header.get(cells[0])
        return None if chosen is None else chosen(self._preamble, cells)


def _stamped_mapping(preamble: _Preamble, cells: list[str]) -> Mapping | None:
    if "valeur" in cells:
        return _load_curve_mapping(preamble)
    registers = [register for register in map(_register, cells) if register is not None]
    if not registers:
        return None
    unit = _unit(preamble.says("unite") or "Wh", BaseUnit.JOULE)
    if unit is None:
        return None
    status = [cell for cell in cells if cell == "type de releve"]
    return mapping_of(
        identifier_scheme=SCHEME,
        identifier=preamble.says(_PREAMBLE),
        time={"columns": ["horodate"], "zone": ZONE},
        values=[{**register, "unit": unit, "flux": "electricity", "quantity": "energy", "measures": "register"} for register in registers],
        quality=[{"column": name, "values": ESTIMATED_WORDS, "otherwise": "measured"} for name in status],
    )


def _load_curve_mapping(preamble: _Preamble) -> Mapping | None:
    minutes = preamble.says("pas en minutes")
    said = preamble.says("unite") or "W"
    power, energy = _unit(said, BaseUnit.WATT), _unit(said, BaseUnit.JOULE)
    if power is None and energy is None:
        return None
    return mapping_of(
        identifier_scheme=SCHEME,
        identifier=preamble.says(_PREAMBLE),
        time={
            "columns": ["horodate"],
            "zone": ZONE,
            "stamp_at": "end",
            "step": step_seconds(minutes, 60) or None,
        },
        values=[
            {
                "column": "valeur",
                "unit": power or energy,
                "flux": "electricity",
                "quantity": "energy",
                "direction": _direction(preamble),
                "measures": "interval" if power is None else "mean_power",
            }
        ],
    )


def _daily_mapping(preamble: _Preamble, cells: list[str]) -> Mapping | None:
    """Read `Date;Valeur (en Wh)`: the energy of the civil day of the date."""
    named = [cell for cell in cells[1:] if cell.startswith("valeur")]
    if not named:
        return None
    unit = _unit(named[0].partition("(en ")[2].rstrip(")") or preamble.says("unite") or "Wh", BaseUnit.JOULE)
    if unit is None:
        return None
    return mapping_of(
        identifier_scheme=SCHEME,
        identifier=preamble.says(_PREAMBLE),
        time={"columns": ["date"], "formats": ["iso", "%d/%m/%Y"], "zone": ZONE, "step": "day"},
        values=[
            {
                "column": named[0],
                "unit": unit,
                "flux": "electricity",
                "quantity": "energy",
                "direction": _direction(preamble),
                "measures": "interval",
            }
        ],
    )


def _unit(text: str, base: BaseUnit) -> Unit | None:
    """Return the unit, None when it is none of that kind: then the table is none that is known."""
    unit = unit_named(text)
    return unit if unit is not None and FACTORS[unit][1] is base else None


def _direction(preamble: _Preamble) -> str:
    """Return the direction of the block; to the distributor, production is what it takes in."""
    said = folded(preamble.says("type de donnees")) + folded(preamble.says("grandeur metier"))
    return "injection" if "injection" in said or "production" in said else "import"


def _register(cell: str) -> dict[str, object] | None:
    """Return the channel of a register column such as `EAS F1`, `EAS D4`, `EAS T`, `EAI T`; None for others."""
    counted, _, register = cell.partition(" ")
    if counted not in _DIRECTIONS or not register:
        return None
    channel: dict[str, object] = {"column": cell, "direction": _DIRECTIONS[counted]}
    if register == "t":
        return {**channel, "register_set": "total"}
    number = register[1:]
    if register[0] not in _SETS or not (number.isascii() and number.isdigit() and 1 <= int(number) <= _SLOT_COUNT[register[0]]):
        return None
    # A meter uses a few of the fourteen registers; an empty cell of the others says nothing.
    return {**channel, "register_set": _SETS[register[0]], "tariff_slot": register.upper(), "missing_is_gap": False}


def _flat_mapping(cells: list[str]) -> Mapping | None:
    """Read the variant without preamble, in which every row has it all: stamps are local ends of the step."""
    if not {"heure de la mesure", "valeur", "prm"} <= set(cells):
        return None
    time: dict[str, object] = {
        "columns": ["date de la mesure", "heure de la mesure"],
        "formats": ["%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "iso"],
        "zone": ZONE,
        "stamp_at": "end",
    }
    if "pas en minutes" in cells:
        time["step_column"] = "pas en minutes"
    given = {"column": "valeur", "flux": "electricity", "quantity": "energy", "measures": "mean_power"}
    given.update({"unit_column": "unite"} if "unite" in cells else {"unit": "W"})
    business = {"column": "grandeur metier"}
    injected, drawn = (
        {**given, "direction": "injection", "where": [{**business, "equals": ["production", "injection", "prod"]}]},
        {**given, "where": [{**business, "equals": ["consommation", "cons"]}]},
    )
    return mapping_of(
        identifier_scheme=SCHEME,
        identifier_column="prm",
        time=time,
        values=[drawn, injected] if business["column"] in cells else [given],
        quality=[{"column": name, "values": ESTIMATED_WORDS, "otherwise": "measured"} for name in cells if name == "statut de la mesure"],
    )
