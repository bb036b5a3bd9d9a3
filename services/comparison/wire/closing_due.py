"""What the comparison service asks of its workers, as messages."""

from google.protobuf.message import DecodeError

from comparison.domain.closing import Due
from comparison.wire.comparisons import flux_from_proto, month_from_proto, month_to_proto
from multiflux.comparison.v1 import closing_due_pb2 as pb
from multiflux.type.v1 import flux_pb2
from vocabulary.failure import invalid
from vocabulary.names import territory_id

CLOSING_DUE = pb.ClosingDue.DESCRIPTOR.full_name


def closing_due_to_proto(due: Due) -> pb.ClosingDue:
    """Return the message."""
    return pb.ClosingDue(
        territory=f"territories/{due.territory}",
        flux=flux_pb2.Flux.ValueType(due.flux.value),
        first_month=month_to_proto(due.first),
        last_month=month_to_proto(due.last),
    )


def closing_due_from_bytes(message: bytes) -> Due:
    """Return what a message asks for; InvalidRequest."""
    try:
        asked = pb.ClosingDue.FromString(message)
    except DecodeError:
        raise invalid("payload", "must be a ClosingDue") from None
    return Due(
        territory=territory_id(asked.territory),
        flux=flux_from_proto(asked.flux),
        first=month_from_proto(asked.first_month),
        last=month_from_proto(asked.last_month),
    )
