"""Tells by the first bytes of a file which of the known formats it is."""

from typing import Literal

from collector.domain.table import folded

Format = Literal["enedis-portal", "enedis-r63-csv", "enedis-sge-json", "enedis-r151", "grdf-json", "grdf-xlsx"]

HEAD_BYTES = 4096
"""So many bytes are enough."""

_ZIP = b"PK\x03\x04"


def sniff(head: bytes) -> Format | None:
    """Return the format of a file that begins with these bytes, None when it is none of these: other delimited files need a mapping."""
    head = head[:HEAD_BYTES]
    if head.startswith(_ZIP):
        return "grdf-xlsx"
    text = _decoded(head).lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return "enedis-r151" if "<R151" in text else None
    if text.startswith("{"):
        return _json(text)
    return _delimited(text)


def _decoded(head: bytes) -> str:
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character; anything else is Latin-1.
        return head[: error.start].decode("utf-8") if error.start >= len(head) - 3 else head.decode("latin-1")


def _json(text: str) -> Format | None:
    if '"codeFlux"' in text:
        return "enedis-sge-json"
    if '"releves"' in text or '"idPce"' in text:
        return "grdf-json"
    return None


def _delimited(text: str) -> Format | None:
    line = next((line for line in text.splitlines() if line.strip()), "")
    names = [folded(name) for name in line.split(";")]
    if names[0] == "identifiant prm":
        return "enedis-r63-csv" if {"horodate", "pas"} <= set(names) else "enedis-portal"
    return "enedis-portal" if names[0] == "date de la mesure" else None
