"""Failures as gRPC statuses with details, and back: the one table."""

# google.rpc comes without type stubs; what it gives is annotated where it enters.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from vocabulary.failure import Failure, FieldViolation, Kind

_log = logging.getLogger(__name__)

CODES: Mapping[Kind, grpc.StatusCode] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.MISSING: grpc.StatusCode.NOT_FOUND,
    Kind.EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.STALE: grpc.StatusCode.ABORTED,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Kind.BUSY: grpc.StatusCode.UNAVAILABLE,
    Kind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
}

RETRY_DELAY = "retry_delay_s"
"""The metadata key by which a failure says how many seconds to wait."""

_DEFAULT_RETRY_DELAY_S = "1"
_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureDetails:
    """What a failed call tells its caller; `reason` is empty when the peer gave no details."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: dict[str, str]
    violations: tuple[FieldViolation, ...]
    retry_delay_s: float | None
    request_id: str


def status_of(failure: Failure, *, area: str, request_id: str) -> grpc.Status:
    """Return the status of `failure` in the service area `area`, such as `metering`."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=failure.reason, domain=f"{area}.multiflux", metadata=failure.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if failure.violations:
        violations = [_violation(violation) for violation in failure.violations]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if failure.kind in {Kind.BUSY, Kind.EXHAUSTED}:
        delay = timedelta(seconds=float(failure.metadata.get(RETRY_DELAY, _DEFAULT_RETRY_DELAY_S)))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _status(CODES[failure.kind], failure.message, details)


def internal_status(*, request_id: str) -> grpc.Status:
    """Return the status of a bug: nothing but the id under which the log tells more."""
    return _status(grpc.StatusCode.INTERNAL, "internal error", [error_details_pb2.RequestInfo(request_id=request_id)])


@asynccontextmanager
async def translated(context: grpc.aio.ServicerContext[Any, Any], *, area: str, request_id: str) -> AsyncGenerator[None]:
    """End the call with the status of what is raised inside; what is no Failure is a bug, logged here and told to nobody."""
    try:
        yield
    except Failure as failure:
        await context.abort_with_status(status_of(failure, area=area, request_id=request_id))
    except grpc.aio.AbortError:
        raise
    except Exception:  # noqa: BLE001 - the one broad catch: a caller gets a status, whatever happens
        _log.exception("call failed", extra={"request_id": request_id})
        await context.abort_with_status(internal_status(request_id=request_id))


def failure_details(error: grpc.RpcError) -> FailureDetails:
    """Return what a failed call, synchronous or not, was told."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        raise TypeError(f"{type(error).__name__} carries no status")
    status = _status_in(error.trailing_metadata() or ())
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    request = error_details_pb2.RequestInfo()
    for detail in status.details:
        for message in (info, bad_request, retry, request):
            detail.Unpack(message)
    return FailureDetails(
        code=error.code(),
        message=error.details() or "",
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        violations=tuple(FieldViolation(field=v.field, description=v.description) for v in bad_request.field_violations),
        retry_delay_s=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
        request_id=request.request_id,
    )


def _violation(violation: FieldViolation) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)


def _status(code: grpc.StatusCode, message: str, details: Iterable[Message]) -> grpc.Status:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return rpc_status.to_status(status)


def _status_in(metadata: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    for key, value in metadata:
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
