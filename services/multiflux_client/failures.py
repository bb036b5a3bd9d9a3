"""What a service answered instead of a response, as a typed exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs]  # it has none

from vocabulary.failure import FieldViolation, Kind

_DETAILS_KEY = "grpc-status-details-bin"

_KINDS: Mapping[grpc.StatusCode, Kind] = MappingProxyType(
    {
        grpc.StatusCode.INVALID_ARGUMENT: Kind.INVALID,
        grpc.StatusCode.OUT_OF_RANGE: Kind.INVALID,
        grpc.StatusCode.NOT_FOUND: Kind.MISSING,
        grpc.StatusCode.ALREADY_EXISTS: Kind.EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION: Kind.CONFLICT,
        grpc.StatusCode.ABORTED: Kind.STALE,
        grpc.StatusCode.UNAUTHENTICATED: Kind.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED: Kind.DENIED,
        grpc.StatusCode.UNAVAILABLE: Kind.BUSY,
        grpc.StatusCode.DEADLINE_EXCEEDED: Kind.BUSY,
        grpc.StatusCode.RESOURCE_EXHAUSTED: Kind.EXHAUSTED,
    }
)


class RemoteFailure(Exception):  # named like the failures of the services
    """A call failed at the service, or did not reach it.

    `reason` and `domain` are the service's own (`NOT_PERMITTED`, `access.multiflux`); a failure without them, such as a service away,
    has the gRPC status name as its reason and an empty domain. `kind` is None for a defect of the service.
    `request_id` is what the service's log calls this call.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
        reason: str = "",
        domain: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_delay_s: float | None = None,
        request_id: str = "",
    ) -> None:
        """Hold what the service said."""
        super().__init__(message or code.name)
        self.message = message
        self.code = code
        self.kind = _KINDS.get(code)
        self.reason = reason or code.name
        self.domain = domain
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self.violations = violations
        self.retry_delay_s = retry_delay_s
        self.request_id = request_id

    @property
    def away(self) -> bool:
        """Whether the service could not be reached or did not answer in time, as opposed to having said no."""
        return not self.domain and self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class UnexpectedAnswer(Exception):
    """A response lacks what its contract promises, or has a word that this client does not know: it is older than the service."""


def remote_failure(error: grpc.aio.AioRpcError, request_id: str) -> RemoteFailure:
    """Return what the service said, or what kept it from answering."""
    details = _details(error)
    return RemoteFailure(
        error.details() or "",
        code=error.code(),
        reason=details.info.reason,
        domain=details.info.domain,
        metadata=dict(details.info.metadata),
        violations=details.violations,
        retry_delay_s=details.retry_delay_s,
        request_id=details.request_id or request_id,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Details:
    info: error_details_pb2.ErrorInfo
    violations: tuple[FieldViolation, ...]
    retry_delay_s: float | None
    request_id: str


def _details(error: grpc.aio.AioRpcError) -> _Details:
    info, bad, retry, request = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
        error_details_pb2.RequestInfo(),
    )
    retry_delay_s: float | None = None
    for detail in _status(error).details:
        if detail.Unpack(retry):
            retry_delay_s = retry.retry_delay.ToTimedelta().total_seconds()
        else:
            _ = detail.Unpack(info) or detail.Unpack(bad) or detail.Unpack(request)
    return _Details(
        info=info,
        violations=tuple(FieldViolation(field=v.field, description=v.description) for v in bad.field_violations),
        retry_delay_s=retry_delay_s,
        request_id=request.request_id,
    )


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    # `rpc_status.aio.from_call` fails on a caught AioRpcError: the trailing metadata is read here.
    trailing = list(error.trailing_metadata() or ())
    status = status_pb2.Status()
    for key, value in trailing:
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                status.ParseFromString(value)
            except DecodeError:
                return status_pb2.Status()
    return status
