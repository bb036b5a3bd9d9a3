"""Rows of registry files as they were read: what they say, before anybody knows whether it can be so."""

from dataclasses import dataclass
from typing import Any, TypedDict

from metering.domain.registry.geometry import Position
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.points import Channel, Contract, Device
from metering.domain.registry.reference_rows import ReferenceRow
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.place import PlaceLevel

MAX_ROW_CHARACTERS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A row that was not imported: which line, which column (empty: the whole row), why, and the row as it was, cut to 2,000 characters."""

    line: int
    column: str
    reason: str
    description: str
    row: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedReference:
    """Another place or point, by its id or by an identifier, and when."""

    target: str | Identifier
    validity: Validity


class PlaceFields(TypedDict, total=False):
    """What a row says of a place; what the file has no column for is absent, and stays as it is."""

    level: PlaceLevel | None
    display_name: str
    parents: tuple[DatedReference, ...]
    position: Position | None
    outline: str
    identifiers: tuple[Identifier, ...]
    position_in_parent: int
    simulated: bool
    premise: str
    declared: dict[str, Any]


class PointFields(TypedDict, total=False):
    """What a row says of a metering point; what the file has no column for is absent, and stays as it is."""

    flux: Flux | None
    display_name: str
    identifiers: tuple[Identifier, ...]
    places: tuple[DatedReference, ...]
    parents: tuple[DatedReference, ...]
    channels: tuple[Channel, ...]
    devices: tuple[Device, ...]
    contracts: tuple[Contract, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceDraft:
    """A row about a place; `id` is empty where an identifier says which one."""

    line: int
    row: str
    id: str
    fields: PlaceFields


@dataclass(frozen=True, kw_only=True, slots=True)
class PointDraft:
    """A row about a metering point; `id` is empty where an identifier says which one."""

    line: int
    row: str
    id: str
    fields: PointFields


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDraft:
    """A row of a reference table."""

    line: int
    row: str
    content: ReferenceRow
