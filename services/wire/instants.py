"""Instants: protobuf timestamps to and from datetimes in UTC."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from vocabulary.failure import Failure, FieldViolation, Kind, invalid
from vocabulary.interval import utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MissingField(Failure):
    """A required field is not set."""

    reason, kind = "MISSING_FIELD", Kind.INVALID

    def __init__(self, field: str) -> None:
        """Name the field by its path in the request."""
        super().__init__(f"{field} is required", violations=(FieldViolation(field=field, description="is required"),), field=field)


def instant(message: Message, field: str, *, within: str = "") -> datetime:
    """Return the timestamp in `field`, cut to whole microseconds.

    `within` is the path of `message` in the request, for failures to name. MissingField when the field is not set, InvalidRequest outside
    the years 1 to 9999.
    """
    at = optional_instant(message, field, within=within)
    if at is None:
        raise MissingField(_path(within, field))
    return at


def optional_instant(message: Message, field: str, *, within: str = "") -> datetime | None:
    """Return the timestamp in `field`, None when it is not set; InvalidRequest outside the years 1 to 9999."""
    # An unset timestamp would silently be 1970.
    if not message.HasField(field):
        return None
    timestamp: Timestamp = getattr(message, field)
    try:
        return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)
    except OverflowError:
        raise invalid(_path(within, field), "is not an instant of the years 1 to 9999") from None


def instant_to_proto(at: datetime) -> Timestamp:
    """Return `at` as a timestamp; a naive time is refused."""
    timestamp = Timestamp()
    timestamp.FromDatetime(utc(at))
    return timestamp


def optional_instant_to_proto(at: datetime | None) -> Timestamp | None:
    """Return `at` as a timestamp, None when there is none."""
    return None if at is None else instant_to_proto(at)


def _path(within: str, field: str) -> str:
    return f"{within}.{field}" if within else field
