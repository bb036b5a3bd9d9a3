"""AccessService: each method converts, makes one call, and converts."""

from access.servicer.homes import HomeMethods
from access.servicer.log import LogMethods
from access.servicer.people import PeopleMethods
from access.servicer.tokens import TokenMethods
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceServicer


class AccessServicer(TokenMethods, PeopleMethods, HomeMethods, LogMethods, AccessServiceServicer):
    """All methods of the contract."""
