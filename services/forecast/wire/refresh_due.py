"""What the forecast service asks of its workers, as messages."""

from google.protobuf.message import DecodeError

from forecast.domain.kept import Due
from forecast.wire.forecasts import flux_from_proto, granularity_from_proto
from multiflux.forecast.v1 import refresh_due_pb2 as pb
from multiflux.type.v1 import flux_pb2, granularity_pb2
from vocabulary.failure import invalid
from vocabulary.names import territory_id

REFRESH_DUE = pb.RefreshDue.DESCRIPTOR.full_name


def refresh_due_to_proto(due: Due) -> pb.RefreshDue:
    """Return the message."""
    return pb.RefreshDue(
        territory=f"territories/{due.territory}",
        flux=flux_pb2.Flux.ValueType(due.flux.value),
        granularity=granularity_pb2.Granularity.ValueType(due.granularity.value),
    )


def refresh_due_from_bytes(message: bytes) -> Due:
    """Return what a message asks for; InvalidRequest."""
    try:
        asked = pb.RefreshDue.FromString(message)
    except DecodeError:
        raise invalid("payload", "must be a RefreshDue") from None
    flux = flux_from_proto(asked.flux)
    return Due(territory=territory_id(asked.territory), flux=flux, granularity=granularity_from_proto(asked.granularity, flux))
