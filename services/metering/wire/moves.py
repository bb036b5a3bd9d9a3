"""Moves of households from the contract."""

from metering.domain.registry.failures import Faults, RepeatedValue
from metering.domain.registry.moves import Move
from metering.domain.registry.points import Contract
from metering.wire.points import contract_from_proto
from multiflux.metering.v1 import registry_service_pb2 as pb
from vocabulary.names import PointId, point_id
from wire.instants import optional_instant


def move_from_proto(request: pb.RecordMoveRequest) -> Move:
    """Return the move; what is wrong is gathered."""
    faults = Faults()
    out = faults.one("", lambda r: optional_instant(r, "move_out_time"), request)
    into = faults.one("", lambda r: optional_instant(r, "move_in_time"), request)
    contracts = faults.each("contracts", _contract_from_proto, request.contracts)
    if len({point for point, _ in contracts}) < len(contracts):
        faults.note("contracts", RepeatedValue("", "a metering point has one contract"))
    faults.refuse()
    return Move(out=out, into=into, contracts=dict(contracts))


def _contract_from_proto(message: pb.MoveInContract) -> tuple[PointId, Contract]:
    return point_id(message.metering_point), contract_from_proto(message.contract)
