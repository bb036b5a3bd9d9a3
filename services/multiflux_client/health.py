"""Whether a service serves, by the health protocol that all of them speak."""

from enum import Enum, auto

from grpc_health.v1 import health_pb2

from multiflux_client.channel import Connection, Target
from multiflux_client.failures import RemoteFailure


class Health(Enum):
    """What a service says of itself."""

    SERVING = auto()
    NOT_SERVING = auto()
    """It runs, and takes no calls yet or no more."""
    AWAY = auto()
    """Nothing answers there."""


async def health(target: Target, *, deadline_s: float = 2.0) -> Health:
    """Ask the service at `target`."""
    async with Connection.open(target) as connection:
        check = connection.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            response = await connection.call(check, health_pb2.HealthCheckRequest(), deadline_s=deadline_s, repeatable=False)
        except RemoteFailure:
            return Health.AWAY
    return Health.SERVING if response.status == health_pb2.HealthCheckResponse.SERVING else Health.NOT_SERVING
