"""Reads delimited files by a mapping, in bounded blocks."""

from collections.abc import Iterable, Iterator

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.day_rows import DayRows
from collector.domain.lines import LineBlock, line_blocks
from collector.domain.long_rows import LongRows
from collector.domain.mapping import Mapping
from collector.domain.parsed import ParsedBlock, Progress, unheard
from collector.domain.table import Header, cells_of

__all__ = ["Mapping", "parse_delimited"]


def parse_delimited(blocks: Iterable[bytes], mapping: Mapping, *, progress: Progress = unheard) -> Iterator[ParsedBlock]:
    """Yield what the file holds, in blocks of about 1.5 MiB of text.

    A physical line is a row: line ends inside quotes are not supported. Wrong rows and cells become problems, and their neighbours are
    read; repeated readings are passed on and counted. Local times that occur twice are told apart by the order of the rows of one meter;
    where that does not tell, the value is suspect. Values are rounded once, half to even, to whole base units. Memory: one block, and
    8 bytes per reading for counting repeats. Raises UnknownColumn, UnsupportedEncoding.
    """
    assembly = Assembly()
    rows: LongRows | DayRows | None = None
    skip = mapping.skip_rows
    for block in line_blocks(blocks, mapping.encoding, progress):
        assembly.problems(block.problems)
        assembly.met(rows=len(block.problems))
        start, skip = min(skip, len(block.lines)), skip - min(skip, len(block.lines))
        if rows is None and skip == 0:
            start, header = _header(block, start, mapping)
            rows = None if header is None else _rows(mapping, header, assembly)
        if rows is not None:
            numbers = np.arange(block.first_row + start, block.first_row + len(block.lines), dtype=np.int64)
            rows.read(block.lines[start:], numbers)
            yield assembly.block()
    (rows or _rows(mapping, Header([] if mapping.header else None), assembly)).read([], np.zeros(0, np.int64), final=True)
    yield assembly.block()


def _header(block: LineBlock, start: int, mapping: Mapping) -> tuple[int, Header | None]:
    """Return the first data line and the header: the first line that is not blank; None while there is none."""
    if not mapping.header:
        return start, Header(None)
    for at in range(start, len(block.lines)):
        if block.lines[at].strip():
            return at + 1, Header(cells_of(block.lines[at], mapping.delimiter))
    return len(block.lines), None


def _rows(mapping: Mapping, header: Header, assembly: Assembly) -> LongRows | DayRows:
    return LongRows(mapping, header, assembly) if mapping.day is None else DayRows(mapping, mapping.day, header, assembly)
