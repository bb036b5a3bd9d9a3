"""Cuts a stream of bytes into lines of text, in bounded blocks, whatever the pieces in which the bytes arrive."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from collector.domain.parsed import EXCERPT_CHARACTERS, Progress, Reason, RowProblem, UnsupportedEncoding, unheard

Encoding = Literal["auto", "utf-8", "utf-8-sig", "latin-1"]

BLOCK_BYTES = 3 << 19
LONGEST_LINE_BYTES = 1 << 20
"""No meter file has longer lines; without a limit, a file without line ends would have to fit in memory."""

_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class LineBlock:
    """Some consecutive lines, without their ends (LF or CRLF); refused lines stand in `lines` as empty ones."""

    first_row: int
    lines: list[str]
    problems: tuple[RowProblem, ...]


def line_blocks(blocks: Iterable[bytes], encoding: Encoding = "auto", progress: Progress = unheard) -> Iterator[LineBlock]:
    """Yield the lines of the bytes in blocks of about 1.5 MiB, cut by content alone.

    `auto` reads each line as UTF-8 and, where that is impossible, as Latin-1, so that files of mixed origin can be read; with a named
    encoding, a line that is not in it is a problem. A leading byte order mark is dropped. Raises UnsupportedEncoding for UTF-16 and UTF-32.
    """
    row = 1
    for body in _bodies(blocks, progress):
        lines, problems = _lines(body, encoding, row)
        yield LineBlock(first_row=row, lines=lines, problems=problems)
        row += len(lines)


def _bodies(blocks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    """Yield bytes that end with a line, cut by content: a long line is shortened, and is refused by its length later on."""
    cutter = _Cutter()
    read = 0
    for block in blocks:
        cutter.add(block)
        read += len(block)
        while (body := cutter.cut()) is not None:
            yield body
            progress(read)
    if rest := cutter.rest():
        yield rest
    progress(read)


class _Cutter:
    """Holds bytes until a whole block of lines is there."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._started = False
        self._swallowing = False

    def add(self, block: bytes) -> None:
        if self._swallowing:
            end = block.find(b"\n")
            if end < 0:
                return
            block, self._swallowing = block[end:], False
        self._held += block

    def cut(self) -> bytes | None:
        if len(self._held) < BLOCK_BYTES:
            return None
        end = self._held.rfind(b"\n", 0, BLOCK_BYTES)
        if end < 0:
            return self._shortened()
        return self._taken(end + 1)

    def rest(self) -> bytes:
        return self._taken(len(self._held))

    def _shortened(self) -> bytes | None:
        """Keep the head of a line that fills a whole block; what follows, up to its end, is dropped."""
        end = self._held.find(b"\n")
        self._swallowing = end < 0
        del self._held[LONGEST_LINE_BYTES + 1 : end if end >= 0 else len(self._held)]
        return None if self._swallowing else self.cut()

    def _taken(self, size: int) -> bytes:
        body = bytes(self._held[:size])
        del self._held[:size]
        if not self._started:
            self._started = True
            if body.startswith(_WIDE_BOMS):
                raise UnsupportedEncoding("the file is in UTF-16 or UTF-32: save it as UTF-8", encoding="utf-16")
            body = body.removeprefix(_BOM)
        return body


def _lines(body: bytes, encoding: Encoding, first_row: int) -> tuple[list[str], tuple[RowProblem, ...]]:
    try:
        text = body.decode("latin-1" if encoding == "latin-1" else "utf-8")
    except UnicodeDecodeError:
        lines, problems = _decoded_singly(body, encoding, first_row)
    else:
        lines, problems = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n"), []
    # The end of a line that the file breaks off in is no row.
    if lines and lines[-1] in ("", "\r"):
        lines.pop()
    if len(body) > LONGEST_LINE_BYTES:
        problems += _long_ones_blanked(lines, first_row)
    return lines, tuple(problems)


def _decoded_singly(body: bytes, encoding: Encoding, first_row: int) -> tuple[list[str], list[RowProblem]]:
    lines: list[str] = []
    problems: list[RowProblem] = []
    for row, raw in enumerate(body.replace(b"\r\n", b"\n").split(b"\n"), first_row):
        try:
            lines.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            legacy = raw.decode("latin-1")
            lines.append(legacy if encoding == "auto" else "")
            if encoding != "auto":
                problems.append(_problem(row, Reason.BAD_ENCODING, f"the line is not {encoding}", legacy))
    return lines, problems


def _long_ones_blanked(lines: list[str], first_row: int) -> list[RowProblem]:
    problems: list[RowProblem] = []
    if max(map(len, lines), default=0) <= LONGEST_LINE_BYTES // 4:
        return problems
    for at, line in enumerate(lines):
        # A character takes up to four bytes.
        if len(line) > LONGEST_LINE_BYTES // 4 and len(line.encode()) > LONGEST_LINE_BYTES:
            problems.append(_problem(first_row + at, Reason.LINE_TOO_LONG, "the line is longer than 1 MiB", line))
            lines[at] = ""
    return problems


def _problem(row: int, reason: Reason, text: str, line: str) -> RowProblem:
    return RowProblem(row=row, column="", reason=reason, text=text, excerpt=line[:EXCERPT_CHARACTERS])
