"""Reads R151 documents: daily indices and maximum power of small consumers, published by Enedis as XML.

The index of a `Date_Releve` is that of the end of the day: 00:00 legal time of the next one.
"""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.enedis_sge import SCHEME, ZONE
from collector.domain.entries import Entries, add_entries, instants
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
from vocabulary.flux import Flux, Quantity, base_unit
from vocabulary.quality import Quality

_DAY_S = 86_400
_BLOCK_ENTRIES = 50_000
_LONGEST_TEXT = 10_000
_DEEPEST = 50
_REGISTERS = {"Classe_Temporelle": ("supplier", "F"), "Classe_Temporelle_Distributeur": ("distributor", "D")}
_MAXIMUM = "Puissance_Maximale"
_RANKS = frozenset(str(rank) for rank in range(1, 11))


def parse_r151(blocks: Iterable[bytes], *, progress: Progress = unheard) -> Iterator[ParsedBlock]:
    """Yield the indices as registers in joules, and maximum powers as intervals of one civil day in volt-amperes.

    Slots are named as the meter's registers: D1 to D4, F1 to F10. Rows number the values of the document from 1. Raises BrokenDocument for
    what is no XML or has a document type declaration, NotThisFormat for other XML.
    """
    document = _Document()
    read = 0
    for block in blocks:
        document.feed(block, final=False)
        read += len(block)
        progress(read)
        if document.waiting >= _BLOCK_ENTRIES:
            yield document.block()
    document.feed(b"", final=True)
    yield document.block()


class _Document:
    """Follows the elements and keeps the texts of the one that is open."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._units = {"Unite_Mesure_Index": "Wh", "Unite_Mesure_Puissance": "VA"}
        self._identifier = self._date = ""
        self._fields: dict[str, str] = {}
        self._row = 0
        self._assembly = Assembly()
        self._entries: dict[Series, Entries] = {}
        self.waiting = 0

    def feed(self, block: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(block, final)
        except expat.ExpatError as error:
            raise BrokenDocument(f"the XML is damaged: {error}", format="enedis-r151") from None
        except (UnicodeError, LookupError, ValueError):
            raise BrokenDocument("the XML is in an unknown encoding", format="enedis-r151") from None

    def block(self) -> ParsedBlock:
        for entries in self._entries.values():
            _add(self._assembly, entries)
        self._entries, self.waiting = {}, 0
        return self._assembly.block()

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if not self._path and name.rpartition(":")[2] != "R151":
            raise NotThisFormat("the document is not an R151", format="enedis-r151")
        self._path.append(name.rpartition(":")[2])
        if len(self._path) > _DEEPEST:
            raise BrokenDocument("the XML is nested too deeply", format="enedis-r151")
        self._text, self._length = [], 0
        if self._path[-1] in _REGISTERS or self._path[-1] == _MAXIMUM:
            self._fields = {}
        elif self._path[-1] == "PRM":
            self._identifier = self._date = ""
        elif self._path[-1] == "Donnees_Releve":
            self._date = ""

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length <= _LONGEST_TEXT:
            self._text.append(text)

    def _end(self, _name: str) -> None:
        name, text = self._path.pop(), "".join(self._text).strip()
        self._text, self._length = [], 0
        if name in self._units:
            self._units[name] = text
        elif name == "Id_PRM":
            self._identifier = text
        elif name == "Date_Releve":
            self._date = text
        elif name in _REGISTERS or name == _MAXIMUM:
            self._value(name)
        elif self._path and (self._path[-1] in _REGISTERS or self._path[-1] == _MAXIMUM):
            self._fields[name] = text

    def _value(self, name: str) -> None:
        self._row += 1
        self._assembly.met(rows=1)
        measured = self._units["Unite_Mesure_Puissance" if name == _MAXIMUM else "Unite_Mesure_Index"]
        unit = unit_named(measured)
        channel = _channel(name, self._fields.get("Rang_Cadran", ""))
        if not self._identifier or not self._date or channel is None:
            reason = Reason.MISSING_FIELD if self._identifier else Reason.MISSING_IDENTIFIER
            self._assembly.problem(self._row, name, reason, "the value lacks a meter, a date or a register", self._fields.get("Valeur", ""))
            return
        if unit is None or FACTORS[unit][1] is not base_unit(channel.quantity):
            self._assembly.problem(self._row, name, Reason.UNKNOWN_UNIT, "not a unit of this quantity", measured)
            return
        kind = ReadingKind.INTERVAL if name == _MAXIMUM else ReadingKind.REGISTER
        series = Series(identifier=Identifier(scheme=SCHEME, value=self._identifier), channel=channel, kind=kind)
        entries = self._entries.setdefault(series, Entries(series=series, factor=FACTORS[unit][0]))
        likely = self._fields.get("Indice_Vraisemblance", "") in {"", "0"}
        entries.add(self._date, self._fields.get("Valeur", ""), Quality.MEASURED if likely else Quality.SUSPECT, self._row)
        self.waiting += 1


def _refuse_doctype(*_declaration: object) -> None:
    raise BrokenDocument("the XML has a document type declaration, which no R151 has", format="enedis-r151")


def _channel(name: str, rank: str) -> Channel | None:
    """Return the channel of an element: maximum power, or the register of a rank from 1 to 10."""
    if name == _MAXIMUM:
        return Channel(flux=Flux.ELECTRICITY, quantity=Quantity.MAXIMUM_POWER)
    register_set, letter = _REGISTERS[name]
    if rank not in _RANKS:
        return None
    return Channel(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, register_set=register_set, tariff_slot=f"{letter}{rank}")


def _add(assembly: Assembly, entries: Entries) -> None:
    """Place the entries: an index at the end of its civil day, a maximum power over it."""
    formats = ("%Y-%m-%d", "iso")
    end = instants(entries.stamps, formats, ZONE, shift_s=_DAY_S)
    if entries.series.kind is ReadingKind.REGISTER:
        add_entries(assembly, entries, end, np.zeros(len(entries.stamps), np.int64))
    else:
        start = instants(entries.stamps, formats, ZONE)
        add_entries(assembly, entries, start, end.utc - start.utc)
