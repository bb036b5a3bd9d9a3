"""RegistryService: each method converts, makes one call, and converts."""

from metering.registry_servicer.events import EventMethods
from metering.registry_servicer.files import FileMethods
from metering.registry_servicer.places import PlaceMethods
from metering.registry_servicer.points import PointMethods
from metering.registry_servicer.tables import TableMethods
from metering.registry_servicer.territories import TerritoryMethods
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceServicer


class RegistryServicer(TerritoryMethods, PlaceMethods, PointMethods, TableMethods, FileMethods, EventMethods, RegistryServiceServicer):
    """All methods of the contract."""
