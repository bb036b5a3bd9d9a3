"""Intervals and validities: those of the contract to and from the vocabulary's."""

from google.protobuf.message import Message

from multiflux.type.v1 import interval_pb2
from vocabulary.interval import Interval, Validity
from wire.instants import MissingField, instant, instant_to_proto, optional_instant, optional_instant_to_proto


def interval_from_proto(message: Message, field: str = "interval") -> Interval:
    """Return the interval in `field`; MissingField when it, or a bound of it, is not set, EmptyInterval."""
    if not message.HasField(field):
        raise MissingField(field)
    bounds: interval_pb2.Interval = getattr(message, field)
    return Interval(start=instant(bounds, "start_time", within=field), end=instant(bounds, "end_time", within=field))


def interval_to_proto(interval: Interval) -> interval_pb2.Interval:
    """Return the interval as the contract writes it."""
    return interval_pb2.Interval(start_time=instant_to_proto(interval.start), end_time=instant_to_proto(interval.end))


def validity_from_proto(message: Message, field: str = "validity") -> Validity:
    """Return the validity in `field`, always when it is not set; EmptyInterval."""
    bounds: interval_pb2.Validity = getattr(message, field)
    return Validity(start=optional_instant(bounds, "start_time", within=field), end=optional_instant(bounds, "end_time", within=field))


def validity_to_proto(validity: Validity) -> interval_pb2.Validity:
    """Return the validity as the contract writes it."""
    return interval_pb2.Validity(start_time=optional_instant_to_proto(validity.start), end_time=optional_instant_to_proto(validity.end))
