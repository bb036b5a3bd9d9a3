"""Methods about territories."""

from metering.domain.registry.failures import TerritoryExists
from metering.registry_servicer.desk import ChangeDesk, Context, Methods
from metering.wire.places import place_document
from metering.wire.registry_events import places_changed, territory_changed
from metering.wire.territories import UPDATABLE, territory_from_proto, territory_to_proto
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.changes import Transaction
from runtime.masks import check_etag, etag, masked_paths, merged
from runtime.pages import page
from vocabulary.failure import invalid
from vocabulary.names import PlaceId, TerritoryId, checked_id

_DEFAULT_PAGE = 50


class TerritoryMethods(Methods):
    """The tenants and their own facts."""

    async def CreateTerritory(self, request: pb.CreateTerritoryRequest, context: Context) -> pb.CreateTerritoryResponse:  # noqa: N802
        """Make a territory and its root place, which gets the same id."""
        del context
        if request.territory.name:
            raise invalid("territory.name", "must be empty: territory_id names it")
        own_id = TerritoryId(checked_id(request.territory_id))
        territory = territory_from_proto(request.territory, own_id, PlaceId(own_id))

        def create(transaction: Transaction) -> pb.CreateTerritoryResponse:
            records = self._tools.records(transaction.connection)
            if records.territories.get(own_id) is not None:
                raise TerritoryExists(f"there is a territory {own_id} already", territory=own_id)
            kept = records.territories.add(territory, transaction.at)
            root = records.places.get(own_id, [territory.root_place])[territory.root_place]
            transaction.publish(territory_changed(territory, etag(kept.version)), territory=own_id)
            for event in places_changed([(place_document(root.value), etag(root.version))]):
                transaction.publish(event, territory=own_id)
            transaction.audit(resource=f"territories/{own_id}")
            return pb.CreateTerritoryResponse(territory=territory_to_proto(territory, etag(kept.version)))

        return await self._tools.changes(request, create, pb.CreateTerritoryResponse)

    async def GetTerritory(self, request: pb.GetTerritoryRequest, context: Context) -> pb.GetTerritoryResponse:  # noqa: N802
        """Return the territory of the caller's token."""
        del request, context
        kept = await self._read(lambda desk: desk.facts())
        return pb.GetTerritoryResponse(territory=territory_to_proto(kept.value, etag(kept.version)))

    async def UpdateTerritory(self, request: pb.UpdateTerritoryRequest, context: Context) -> pb.UpdateTerritoryResponse:  # noqa: N802
        """Change the territory of the caller's token."""
        del context
        paths = masked_paths(request.update_mask, UPDATABLE)

        def update(desk: ChangeDesk) -> pb.UpdateTerritoryResponse:
            kept = desk.facts()
            before = territory_to_proto(kept.value, etag(kept.version))
            if request.territory.name not in {"", before.name}:
                raise invalid("territory.name", f"must be {before.name}, or empty")
            check_etag(request.territory.etag, kept.version)
            after = territory_from_proto(merged(before, request.territory, paths), desk.territory, kept.value.root_place)
            if after != kept.value:
                kept = desk.records.territories.change(kept, after, desk.at)
                desk.transaction.publish(territory_changed(after, etag(kept.version)), territory=desk.territory)
            desk.transaction.audit(resource=before.name)
            return pb.UpdateTerritoryResponse(territory=territory_to_proto(after, etag(kept.version)))

        return await self._change(request, update, pb.UpdateTerritoryResponse)

    async def ListTerritories(self, request: pb.ListTerritoriesRequest, context: Context) -> pb.ListTerritoriesResponse:  # noqa: N802
        """List all territories of the installation."""
        del context
        wanted = page(request, default_size=_DEFAULT_PAGE)
        after = wanted.after[0] if wanted.after else ""
        kept = await self._tools.database.read(lambda connection: self._tools.records(connection).territories.page(after, wanted.size + 1))
        shown, next_page = wanted.cut(kept, lambda each: (each.value.territory_id,))
        return pb.ListTerritoriesResponse(
            territories=[territory_to_proto(each.value, etag(each.version)) for each in shown], next_page_token=next_page
        )
