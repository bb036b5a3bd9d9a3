"""Turns messages into frozen records and back, by the names and types of the records' fields.

A record is a frozen dataclass whose fields are called like the message's; `id` stands for the message's resource name `name`.
The type of a field says how it travels: ids as resource names, enums by number, `datetime` as Timestamp, `Validity`, `Interval` and records
as messages, tuples as repeated fields. `X | None` is what may be missing; for enums and ids, the unset value.
The contract tests compare every record with its message, so that none falls behind.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from multiflux.type.v1 import interval_pb2
from multiflux_client.failures import UnexpectedAnswer
from vocabulary.failure import Failure
from vocabulary.interval import Interval, Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId, WeatherStationId, id_in

GrantId = NewType("GrantId", str)
OccupancyId = NewType("OccupancyId", str)
DelegationId = NewType("DelegationId", str)
ConsentId = NewType("ConsentId", str)

_COLLECTIONS: Mapping[Any, str] = types.MappingProxyType(
    {
        TerritoryId: "territories",
        PlaceId: "places",
        PointId: "meters",
        PersonId: "people",
        WeatherStationId: "weatherStations",
        GrantId: "grants",
        OccupancyId: "occupancies",
        DelegationId: "delegations",
        ConsentId: "consents",
    }
)

R = TypeVar("R")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """How values of one type travel: `read` takes what the message holds; a scalar goes back by `write`, a message by `fill`."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any] | None = None
    fill: Callable[[Any, Any], None] | None = None
    unset: object = None
    """The scalar that stands for none where the message cannot tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a record and its twin in the message."""

    attribute: str
    proto: str
    kind: Any
    codec: Codec
    repeated: bool
    optional: bool


def record_from_proto(kind: type[R], message: Message) -> R:
    """Return the message as a record; UnexpectedAnswer when it lacks what its contract promises."""
    try:
        return kind(**{field.attribute: _value(field, message) for field in fields_of(kind)})
    except (Failure, ValueError) as error:
        raise UnexpectedAnswer(f"{message.DESCRIPTOR.full_name}: {error}") from error


def record_to_proto(record: object, message: M) -> M:
    """Fill an empty message from a record and return it."""
    for field in fields_of(type(record)):
        _fill(field, message, getattr(record, field.attribute))
    return message


@cache
def fields_of(kind: type[Any]) -> tuple[Field, ...]:
    """Return the fields of a record, in order."""
    hints = get_type_hints(kind)
    return tuple(_field(field.name, hints[field.name]) for field in dataclasses.fields(kind))


def _field(attribute: str, hint: Any) -> Field:
    inner = get_args(hint)
    repeated = get_origin(hint) is tuple
    optional = get_origin(hint) in (Union, types.UnionType) and type(None) in inner
    kind = inner[0] if repeated else next(part for part in inner if part is not type(None)) if optional else hint
    return Field(
        attribute=attribute,
        proto="name" if attribute == "id" else attribute,
        kind=kind,
        codec=_codec(kind),
        repeated=repeated,
        optional=optional,
    )


def _codec(kind: Any) -> Codec:
    if kind in _CODECS:
        return _CODECS[kind]
    if kind in _COLLECTIONS:
        collection = _COLLECTIONS[kind]
        return Codec(read=lambda name: id_in(name, collection), write=lambda value: f"{collection}/{value}" if value else "", unset="")
    if issubclass(kind, Enum):
        return Codec(read=kind, write=lambda word: word.value, unset=0)
    return Codec(read=lambda message: record_from_proto(kind, message), fill=lambda message, value: record_to_proto(value, message))


def _value(field: Field, message: Message) -> Any:
    sent: Any = getattr(message, field.proto)
    if field.repeated:
        return tuple(field.codec.read(item) for item in sent)
    if message.DESCRIPTOR.fields_by_name[field.proto].has_presence and not message.HasField(field.proto):
        if field.optional:
            return None
        if field.kind is not Validity:
            raise ValueError(f"{field.proto} is missing")
        return Validity()
    if field.optional and field.codec.unset is not None and sent == field.codec.unset:
        return None
    return field.codec.read(sent)


def _fill(field: Field, message: Message, value: Any) -> None:
    codec = field.codec
    if value is None:
        return
    if field.repeated:
        target: Any = getattr(message, field.proto)
        for item in value:
            if codec.fill is None:
                target.append(_written(codec, item))
            else:
                codec.fill(target.add(), item)
    elif codec.fill is None:
        setattr(message, field.proto, _written(codec, value))
    else:
        target = getattr(message, field.proto)
        target.SetInParent()
        codec.fill(target, value)


def _written(codec: Codec, value: Any) -> Any:
    return value if codec.write is None else codec.write(value)


def _instant(timestamp: Any) -> datetime:
    return timestamp.ToDatetime(UTC)


def _fill_instant(timestamp: Any, at: datetime) -> None:
    timestamp.FromDatetime(at)


def _bound(message: Any, field: str) -> datetime | None:
    return _instant(getattr(message, field)) if message.HasField(field) else None


def timestamp(at: datetime) -> Timestamp:
    """Return an instant as a message."""
    made = Timestamp()
    made.FromDatetime(at)
    return made


def fill_interval(message: interval_pb2.Interval | interval_pb2.Validity, value: Interval | Validity) -> None:
    """Set the bounds of a message that has two; open ones stay away."""
    if value.start is not None:
        message.start_time.FromDatetime(value.start)
    if value.end is not None:
        message.end_time.FromDatetime(value.end)


_CODECS: Mapping[Any, Codec] = types.MappingProxyType(
    {
        str: Codec(read=str),
        int: Codec(read=int),
        float: Codec(read=float),
        bool: Codec(read=bool),
        datetime: Codec(read=_instant, fill=_fill_instant),
        Interval: Codec(read=lambda m: Interval(start=_instant(m.start_time), end=_instant(m.end_time)), fill=fill_interval),
        Validity: Codec(read=lambda m: Validity(start=_bound(m, "start_time"), end=_bound(m, "end_time")), fill=fill_interval),
    }
)
