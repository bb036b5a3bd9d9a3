"""Turns messages of the lighting contract into frozen domain records and back, by the names and types of the records' fields.

Fields are called alike but for units and instants, which the contract says in the name: `_FIELDS` lists those. `id` stands for the
resource name `name`;
ids travel as resource names, enums by number, dates as ISO 8601 text, instants as Timestamps, records as messages, tuples as repeated
fields.
Whatever is wrong in a message is refused with the path of its field.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

from lighting.domain.failures import Unfit
from lighting.domain.levels import CabinetId, CalendarId, Clamp, CommandId, GroupId, LuminaireId, ProgrammeId
from vocabulary.failure import invalid
from vocabulary.names import InvalidName, PlaceId, PointId, TerritoryId, id_in

R = TypeVar("R")
M = TypeVar("M", bound=Message)

_FIELDS: Mapping[str, str] = types.MappingProxyType(
    {
        "id": "name",
        "level": "level_percent",
        "start_level": "start_level_percent",
        "asked_level": "asked_level_percent",
        "not_below": "not_below_percent",
        "ramp_s": "ramp_seconds",
        "hold_s": "hold_seconds",
        "stage_s": "stage_seconds",
        "burning_s": "burning_seconds",
        "drift_s_per_day": "drift_seconds_per_day",
        "first": "first_date",
        "last": "last_date",
        "first_night": "first_date",
        "decided": "decide_date",
        "start": "start_time",
        "end": "end_time",
        "expiry": "expire_time",
        "created": "create_time",
        "ended": "end_time",
        "published": "publish_time",
    }
)
_SAME: frozenset[tuple[str, str]] = frozenset({("Check", "first_night")})
"""Fields that are not called by the list above."""
_CHECK_NIGHT = "first_night_date"
_COLLECTIONS: Mapping[Any, str] = types.MappingProxyType(
    {
        LuminaireId: "luminaires",
        CabinetId: "cabinets",
        GroupId: "groups",
        ProgrammeId: "programmes",
        CalendarId: "calendars",
        CommandId: "commands",
        PlaceId: "places",
        PointId: "meters",
        TerritoryId: "territories",
    }
)
_TEXT_NAMES: Mapping[tuple[str, str], str] = types.MappingProxyType(
    {
        ("Group", "calendar"): "calendars",
        ("LegalRule", "id"): "legalRules",
        ("Derogation", "id"): "derogations",
        ("Derogation", "rule"): "legalRules",
        ("Check", "derogation"): "derogations",
    }
)
"""Ids without a type of their own, and their collections."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    attribute: str
    proto: str
    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] | None
    fill: Callable[[Any, Any], None] | None
    repeated: bool
    optional: bool
    record: bool
    default: object


def record_from_proto(kind: type[R], message: Message, within: str = "") -> R:
    """Return the message as a record; `within` is its path in the request. InvalidRequest, InvalidName, and what the record refuses."""
    values = {field.attribute: _value(field, message, _path(within, field.proto)) for field in _fields(kind)}
    try:
        return kind(**values)
    except Unfit as unfit:
        if not within:
            raise
        field = unfit.violations[0].field
        description = unfit.violations[0].description
        raise type(unfit)(f"{within}.{_FIELDS.get(field, field)}", description, **unfit.metadata) from None


def record_to_proto(record: object, message: M) -> M:
    """Fill an empty message from a record and return it."""
    for field in _fields(type(record)):
        value = getattr(record, field.attribute)
        if value is None:
            continue
        if field.repeated:
            target: Any = getattr(message, field.proto)
            for item in value:
                if field.fill is not None:
                    field.fill(target.add(), item)
                else:
                    target.append(field.write(item) if field.write else item)
        elif field.fill is not None:
            target = getattr(message, field.proto)
            target.SetInParent()
            field.fill(target, value)
        else:
            setattr(message, field.proto, field.write(value) if field.write else value)
    return message


@cache
def _fields(kind: type[Any]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind)
    return tuple(_field(kind, field, hints[field.name]) for field in dataclasses.fields(kind))


def _field(kind: type[Any], field: "dataclasses.Field[Any]", hint: Any) -> _Field:
    inner = get_args(hint)
    repeated = get_origin(hint) is tuple
    optional = get_origin(hint) in (Union, types.UnionType) and type(None) in inner
    part = inner[0] if repeated else next(one for one in inner if one is not type(None)) if optional else hint
    proto = _CHECK_NIGHT if (kind.__name__, field.name) in _SAME else _FIELDS.get(field.name, field.name)
    read, write, fill = _codec(part, _TEXT_NAMES.get((kind.__name__, field.name), ""))
    default = field.default if field.default is not dataclasses.MISSING else dataclasses.MISSING
    return _Field(
        attribute=field.name,
        proto=proto,
        read=read,
        write=write,
        fill=fill,
        repeated=repeated,
        optional=optional,
        record=dataclasses.is_dataclass(part),
        default=default,
    )


_Codec = tuple[Callable[[Any, str], Any], Callable[[Any], Any] | None, Callable[[Any, Any], None] | None]


def _codec(part: Any, collection: str) -> _Codec:
    collection = collection or _COLLECTIONS.get(part, "")
    if collection:
        return (lambda name, path: _id(name, collection, path)), (lambda value: f"{collection}/{value}" if value else ""), None
    if part is date:
        return _date, date.isoformat, None
    if part is datetime:
        return (lambda stamp, _path: stamp.ToDatetime(UTC)), None, (lambda target, at: target.FromDatetime(at))
    if isinstance(part, type) and dataclasses.is_dataclass(part):
        return (lambda message, path: record_from_proto(part, message, path)), None, _fill_record
    if isinstance(part, type) and issubclass(part, Enum):
        return (lambda number, path: _word(part, number, path)), (lambda word: word.value), None
    return (lambda value, _path: value), None, None


def _fill_record(target: Any, record: object) -> None:
    record_to_proto(record, target)


def _value(field: _Field, message: Message, path: str) -> Any:
    sent: Any = getattr(message, field.proto)
    if field.repeated:
        return tuple(field.read(item, f"{path}[{number}]") for number, item in enumerate(sent))
    if message.DESCRIPTOR.fields_by_name[field.proto].has_presence and not message.HasField(field.proto):
        if field.optional:
            return None
        if field.record and field.default is not dataclasses.MISSING:
            return field.default
        raise invalid(path, "is required")
    if field.optional and sent == "":
        return None
    return field.read(sent, path)


def _id(name: str, collection: str, path: str) -> str:
    if not name and path.rpartition(".")[2] in ("calendar", "derogation"):
        return ""
    try:
        return id_in(name, collection)
    except InvalidName as wrong:
        raise invalid(path, wrong.message if name else "is required") from None


def _date(text: str, path: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid(path, f"{text!r} is not a date such as 2026-07-14" if text else "is required") from None


def _word(kind: type[Enum], number: int, path: str) -> Enum:
    if kind is Clamp or number:
        try:
            return kind(number)
        except ValueError:
            raise invalid(path, f"{number} is unknown here") from None
    return _unsaid(kind, path)


def _unsaid(kind: type[Enum], path: str) -> Enum:
    """Return the word for nothing said, where there is one; InvalidRequest."""
    none = next((word for word in kind if word.value == 0), None)
    if none is None:
        raise invalid(path, "is required")
    return none


def date_from_proto(text: str, path: str) -> date:
    """Return the date in a text; InvalidRequest names the path."""
    return _date(text, path)


def id_from_proto(name: str, collection: str, path: str) -> str:
    """Return the id in a resource name; InvalidRequest names the path."""
    return _id(name, collection, path)


def _path(within: str, field: str) -> str:
    return f"{within}.{field}" if within else field
