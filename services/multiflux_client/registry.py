"""The registry: territories, places, metering points, reference tables; files in and out; events."""

from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from google.protobuf.field_mask_pb2 import FieldMask

from multiflux.metering.v1 import metering_point_pb2, place_pb2, reference_table_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceStub
from multiflux.type.v1 import flux_pb2, place_level_pb2
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.events import watched
from multiflux_client.listing import Listing, listing
from multiflux_client.places import Dwelling, Identifier, Place, Territory
from multiflux_client.points import Device, MeteringPoint, MoveInContract
from multiflux_client.records import record_from_proto, record_to_proto, timestamp
from multiflux_client.tables import ReferenceRow, ReferenceTable
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

BLOCK_BYTES = 1 << 20
"""How much of a file one message carries at most."""


class RegistryContent(Enum):
    """What a registry file holds."""

    PLACES = 1
    METERING_POINTS = 2
    REFERENCE_ROWS = 3


class RegistryFormat(Enum):
    """How a registry file is written."""

    CSV = 1
    GEOJSON = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryFile:
    """What a registry file is; reference rows name their table."""

    content: RegistryContent
    format: RegistryFormat
    table: ReferenceTable | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A row that was not imported: its line (or feature), the wrong column (empty: the whole row), and why."""

    line: int
    column: str
    reason: str
    description: str
    row: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportProgress:
    """Counts of rows since the start of the file; the rows refused since the progress before; `done` at the end."""

    row_count: int
    created_count: int
    updated_count: int
    unchanged_count: int
    refused_count: int
    refused_rows: tuple[RefusedRow, ...]
    done: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacesChanged:
    """Places that were made or changed, as they are now."""

    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PointsChanged:
    """Metering points that were made or changed, as they are now, without identifiers, serials and contract numbers."""

    points: tuple[MeteringPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HouseholdMoved:
    """A household moved out of a premise, and another may have moved in."""

    premise: PlaceId
    move_out_time: datetime | None = None
    move_in_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryEvent:
    """Something changed in the registry: exactly one of the last seven is there."""

    event_id: str
    territory: TerritoryId
    occur_time: datetime
    territory_changed: Territory | None = None
    places_changed: PlacesChanged | None = None
    points_changed: PointsChanged | None = None
    place_deleted: PlaceId | None = None
    point_deleted: PointId | None = None
    household_moved: HouseholdMoved | None = None
    table_changed: ReferenceTable | None = None


class RegistryClient:
    """Calls RegistryService. Changes take the caller's `request_id` (a UUID) and make one where none is given."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub = RegistryServiceStub(connection.channel)

    async def create_territory(self, territory: Territory, territory_id: TerritoryId, *, request_id: str = "") -> Territory:
        """Make a territory and its root place."""
        request = pb.CreateTerritoryRequest(
            territory=_territory(territory), territory_id=territory_id, request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.CreateTerritory, request)
        return record_from_proto(Territory, response.territory)

    async def territory(self) -> Territory:
        """Return the territory of the caller's token."""
        response = await self._connection.call(self._stub.GetTerritory, pb.GetTerritoryRequest())
        return record_from_proto(Territory, response.territory)

    async def update_territory(self, territory: Territory, *, fields: Collection[str] = (), request_id: str = "") -> Territory:
        """Change the `fields` of the caller's territory, all when none is named; with its etag, only if nobody changed it meanwhile."""
        request = pb.UpdateTerritoryRequest(
            territory=_territory(territory), update_mask=FieldMask(paths=fields), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.UpdateTerritory, request)
        return record_from_proto(Territory, response.territory)

    def territories(self) -> Listing[Territory]:
        """List all territories by name."""
        request = pb.ListTerritoriesRequest()
        return listing(self._connection, self._stub.ListTerritories, request, lambda page: page.territories, Territory)

    async def create_place(self, place: Place, *, place_id: str = "", request_id: str = "") -> Place:
        """Make a place; without `place_id` an id is made."""
        request = pb.CreatePlaceRequest(place=_place(place), place_id=place_id, request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.CreatePlace, request)
        return record_from_proto(Place, response.place)

    async def place(self, place: PlaceId) -> Place:
        """Return a place."""
        response = await self._connection.call(self._stub.GetPlace, pb.GetPlaceRequest(name=f"places/{place}"))
        return record_from_proto(Place, response.place)

    async def update_place(self, place: Place, *, fields: Collection[str] = (), request_id: str = "") -> Place:
        """Change the `fields` of a place, all when none is named; with its etag, only if nobody changed it meanwhile."""
        request = pb.UpdatePlaceRequest(place=_place(place), update_mask=FieldMask(paths=fields), request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.UpdatePlace, request)
        return record_from_proto(Place, response.place)

    async def delete_place(self, place: PlaceId, *, etag: str = "", request_id: str = "") -> None:
        """Delete a place that nothing lies in or refers to."""
        request = pb.DeletePlaceRequest(name=f"places/{place}", etag=etag, request_id=request_id or new_request_id())
        await self._connection.call(self._stub.DeletePlace, request)

    def places(
        self,
        *,
        within: PlaceId | None = None,
        level: PlaceLevel | None = None,
        identifier: Identifier | None = None,
        search: str = "",
        at: datetime | None = None,
    ) -> Listing[Place]:
        """List the places that the caller's grants cover, by name.

        Only those within one, of one level, of one identifier, whose name contains `search`; as the tree stood `at`.
        """
        request = pb.ListPlacesRequest(
            within=f"places/{within}" if within else "",
            level=place_level_pb2.PlaceLevel.ValueType(level or 0),
            identifier=_identifier(identifier),
            search=search,
            read_time=timestamp(at) if at else None,
        )
        return listing(self._connection, self._stub.ListPlaces, request, lambda page: page.places, Place)

    async def declare_dwelling(self, premise: PlaceId, dwelling: Dwelling, *, etag: str = "", request_id: str = "") -> Place:
        """Declare what a household knows of its own home."""
        request = pb.DeclareDwellingRequest(
            premise=f"places/{premise}",
            dwelling=record_to_proto(dwelling, place_pb2.Dwelling()),
            etag=etag,
            request_id=request_id or new_request_id(),
        )
        response = await self._connection.call(self._stub.DeclareDwelling, request)
        return record_from_proto(Place, response.place)

    async def create_metering_point(self, point: MeteringPoint, *, point_id: str = "", request_id: str = "") -> MeteringPoint:
        """Make a metering point; without `point_id` an id is made."""
        request = pb.CreateMeteringPointRequest(
            metering_point=_point(point), metering_point_id=point_id, request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.CreateMeteringPoint, request)
        return record_from_proto(MeteringPoint, response.metering_point)

    async def metering_point(self, point: PointId) -> MeteringPoint:
        """Return a metering point."""
        response = await self._connection.call(self._stub.GetMeteringPoint, pb.GetMeteringPointRequest(name=f"meters/{point}"))
        return record_from_proto(MeteringPoint, response.metering_point)

    async def update_metering_point(self, point: MeteringPoint, *, fields: Collection[str] = (), request_id: str = "") -> MeteringPoint:
        """Change the `fields` of a metering point, all when none is named; with its etag, only if nobody changed it meanwhile."""
        request = pb.UpdateMeteringPointRequest(
            metering_point=_point(point), update_mask=FieldMask(paths=fields), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.UpdateMeteringPoint, request)
        return record_from_proto(MeteringPoint, response.metering_point)

    async def delete_metering_point(self, point: PointId, *, etag: str = "", request_id: str = "") -> None:
        """Delete a metering point that has no readings and no sub-meters."""
        request = pb.DeleteMeteringPointRequest(name=f"meters/{point}", etag=etag, request_id=request_id or new_request_id())
        await self._connection.call(self._stub.DeleteMeteringPoint, request)

    def metering_points(
        self,
        *,
        within: PlaceId | None = None,
        flux: Flux | None = None,
        identifier: Identifier | None = None,
        at: datetime | None = None,
    ) -> Listing[MeteringPoint]:
        """List the metering points that the caller's grants cover, by name.

        Only those within one place, of one flux, of one identifier; as things stood `at`.
        """
        request = pb.ListMeteringPointsRequest(
            within=f"places/{within}" if within else "",
            flux=flux_pb2.Flux.ValueType(flux.value if flux else 0),
            identifier=_identifier(identifier),
            read_time=timestamp(at) if at else None,
        )
        return listing(self._connection, self._stub.ListMeteringPoints, request, lambda page: page.metering_points, MeteringPoint)

    async def exchange_device(self, point: PointId, device: Device, at: datetime, *, etag: str = "", request_id: str = "") -> MeteringPoint:
        """Take the point's device away and put `device` in its place, at one instant."""
        request = pb.ExchangeDeviceRequest(
            name=f"meters/{point}",
            exchange_time=timestamp(at),
            device=record_to_proto(device, metering_point_pb2.Device()),
            etag=etag,
            request_id=request_id or new_request_id(),
        )
        response = await self._connection.call(self._stub.ExchangeDevice, request)
        return record_from_proto(MeteringPoint, response.metering_point)

    async def record_move(
        self,
        premise: PlaceId,
        *,
        move_out: datetime | None,
        move_in: datetime | None,
        contracts: Sequence[MoveInContract] = (),
        request_id: str = "",
    ) -> Place:
        """Record that a household left a premise (None: it was vacant) and another came (None: nobody yet) with these contracts."""
        request = pb.RecordMoveRequest(
            premise=f"places/{premise}",
            move_out_time=timestamp(move_out) if move_out else None,
            move_in_time=timestamp(move_in) if move_in else None,
            contracts=[record_to_proto(contract, pb.MoveInContract()) for contract in contracts],
            request_id=request_id or new_request_id(),
        )
        response = await self._connection.call(self._stub.RecordMove, request)
        return record_from_proto(Place, response.place)

    def reference_rows(self, table: ReferenceTable, *, hold_at: datetime | None = None) -> Listing[ReferenceRow]:
        """List the rows of a table that hold in the caller's territory, by key and date; only those that hold at one instant."""
        request = pb.ListReferenceRowsRequest(
            table=reference_table_pb2.ReferenceTable.ValueType(table.value), hold_time=timestamp(hold_at) if hold_at else None
        )
        return listing(self._connection, self._stub.ListReferenceRows, request, lambda page: page.rows, ReferenceRow)

    async def import_file(
        self, file: RegistryFile, blocks: AsyncIterable[bytes] | Iterable[bytes], *, validate_only: bool = False, request_id: str = ""
    ) -> AsyncIterator[ImportProgress]:
        """Send a file in blocks of any size and yield progress and refused rows as they come.

        With `validate_only` every row is checked and none kept.
        """
        description = pb.ImportDescription(
            content=pb.RegistryContent.ValueType(file.content.value),
            format=pb.RegistryFormat.ValueType(file.format.value),
            table=reference_table_pb2.ReferenceTable.ValueType(file.table.value if file.table else 0),
            validate_only=validate_only,
            request_id=request_id or new_request_id(),
        )
        async for response in self._connection.exchange(self._stub.ImportRegistry, _import_requests(description, blocks)):
            yield record_from_proto(ImportProgress, response)

    async def export_file(self, file: RegistryFile) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that `import_file` takes."""
        request = pb.ExportRegistryRequest(
            content=pb.RegistryContent.ValueType(file.content.value),
            format=pb.RegistryFormat.ValueType(file.format.value),
            table=reference_table_pb2.ReferenceTable.ValueType(file.table.value if file.table else 0),
        )
        async for response in self._connection.receive(self._stub.ExportRegistry, request):
            yield response.block

    def watch_events(self, cursor: str = "") -> AsyncIterator[tuple[str, RegistryEvent]]:
        """Yield each event from `cursor` on (empty: from the oldest kept), with the cursor to store with its effects."""
        return watched(
            self._connection,
            self._stub.WatchRegistryEvents,
            lambda after: pb.WatchRegistryEventsRequest(cursor=after),
            cursor,
            RegistryEvent,
        )


async def _import_requests(
    description: pb.ImportDescription, blocks: AsyncIterable[bytes] | Iterable[bytes]
) -> AsyncIterator[pb.ImportRegistryRequest]:
    yield pb.ImportRegistryRequest(description=description)
    if isinstance(blocks, AsyncIterable):
        async for block in blocks:
            for part in _parts(block):
                yield part
    else:
        for block in blocks:
            for part in _parts(block):
                yield part


def _parts(block: bytes) -> Iterable[pb.ImportRegistryRequest]:
    for start in range(0, len(block), BLOCK_BYTES):
        yield pb.ImportRegistryRequest(block=block[start : start + BLOCK_BYTES])


def _territory(territory: Territory) -> place_pb2.Territory:
    return record_to_proto(territory, place_pb2.Territory())


def _place(place: Place) -> place_pb2.Place:
    return record_to_proto(place, place_pb2.Place())


def _point(point: MeteringPoint) -> metering_point_pb2.MeteringPoint:
    return record_to_proto(point, metering_point_pb2.MeteringPoint())


def _identifier(identifier: Identifier | None) -> place_pb2.Identifier | None:
    return None if identifier is None else record_to_proto(identifier, place_pb2.Identifier())
