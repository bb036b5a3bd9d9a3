"""Registry events: what is told about changes, never more than 500 places or points at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from metering.domain.registry.reference_rows import ReferenceTable
from metering.domain.registry.territories import Territory
from metering.wire.points import hide_personal
from metering.wire.reference_rows import reference_table_to_proto
from metering.wire.territories import territory_to_proto
from multiflux.metering.v1 import registry_event_pb2 as pb
from vocabulary.names import PlaceId, PointId, TerritoryId
from wire.instants import instant_to_proto, optional_instant_to_proto

MOST_IN_ONE = 500


def territory_changed(territory: Territory, etag: str) -> pb.RegistryEvent:
    """Tell that a territory was made or changed."""
    return pb.RegistryEvent(territory_changed=territory_to_proto(territory, etag))


def places_changed(places: Sequence[tuple[bytes, str]]) -> Iterator[pb.RegistryEvent]:
    """Tell that places were made or changed; each is a document and comes with its etag."""
    for first in range(0, len(places), MOST_IN_ONE):
        event = pb.RegistryEvent()
        for document, etag in places[first : first + MOST_IN_ONE]:
            place = event.places_changed.places.add()
            place.MergeFromString(document)
            place.etag = etag
        yield event


def points_changed(points: Sequence[tuple[bytes, str]]) -> Iterator[pb.RegistryEvent]:
    """Tell that metering points were made or changed; each is a document, comes with its etag, and leaves what is personal behind."""
    for first in range(0, len(points), MOST_IN_ONE):
        event = pb.RegistryEvent()
        for document, etag in points[first : first + MOST_IN_ONE]:
            point = event.points_changed.points.add()
            point.MergeFromString(document)
            point.etag = etag
            hide_personal(point)
        yield event


def place_deleted(place: PlaceId) -> pb.RegistryEvent:
    """Tell that a place is gone."""
    return pb.RegistryEvent(place_deleted=f"places/{place}")


def point_deleted(point: PointId) -> pb.RegistryEvent:
    """Tell that a metering point is gone."""
    return pb.RegistryEvent(point_deleted=f"meters/{point}")


def household_moved(premise: PlaceId, out: datetime | None, into: datetime | None) -> pb.RegistryEvent:
    """Tell that a household moved."""
    return pb.RegistryEvent(
        household_moved=pb.HouseholdMoved(
            premise=f"places/{premise}", move_out_time=optional_instant_to_proto(out), move_in_time=optional_instant_to_proto(into)
        )
    )


def table_changed(table: ReferenceTable) -> pb.RegistryEvent:
    """Tell that rows of a reference table changed."""
    return pb.RegistryEvent(table_changed=reference_table_to_proto(table))


def delivered_event(payload: bytes, event_id: str, territory: TerritoryId, occurred: datetime) -> pb.RegistryEvent:
    """Return a published event with what the outbox knows of it."""
    event = pb.RegistryEvent.FromString(payload)
    event.event_id = event_id
    event.territory = f"territories/{territory}"
    event.occur_time.CopyFrom(instant_to_proto(occurred))
    return event
