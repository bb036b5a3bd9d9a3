"""Filters of lists from the contract."""

from datetime import datetime
from typing import TypeVar

from metering.domain.registry.failures import Faults
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.ports import PlaceFilter, PointFilter
from metering.wire.places import identifier_from_proto
from multiflux.metering.v1 import registry_service_pb2 as pb
from vocabulary.names import PlaceId, place_id
from wire.instants import optional_instant
from wire.words import flux_from_proto, place_level_from_proto

L = TypeVar("L", pb.ListPlacesRequest, pb.ListMeteringPointsRequest)


def place_filter_from_proto(request: pb.ListPlacesRequest, now: datetime) -> PlaceFilter:
    """Return which places are asked for; as of `now` where the request does not say."""
    faults = Faults()
    within, identifier, at = _shared(request, faults, now)
    level = faults.one("level", lambda r: place_level_from_proto(r.level, ""), request) if request.level else None
    faults.refuse()
    return PlaceFilter(at=at, within=within, level=level, identifier=identifier, search=request.search)


def point_filter_from_proto(request: pb.ListMeteringPointsRequest, now: datetime) -> PointFilter:
    """Return which points are asked for; as of `now` where the request does not say."""
    faults = Faults()
    within, identifier, at = _shared(request, faults, now)
    flux = faults.one("flux", lambda r: flux_from_proto(r.flux, ""), request) if request.flux else None
    faults.refuse()
    return PointFilter(at=at, within=within, flux=flux, identifier=identifier)


def _shared(request: L, faults: Faults, now: datetime) -> tuple[PlaceId | None, Identifier | None, datetime]:
    within = faults.one("within", place_id, request.within) if request.within else None
    identifier = faults.one("identifier", identifier_from_proto, request.identifier) if request.HasField("identifier") else None
    at = faults.one("", lambda r: optional_instant(r, "read_time"), request)
    return within, identifier, at or now
