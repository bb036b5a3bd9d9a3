"""What another service refused, as this one says it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from forecast.domain.failures import (
    FinerThanData,
    NoPoints,
    OtherHousehold,
    ReadingsDenied,
    ResourceUnknown,
    SeveralHouseholds,
    SourceAway,
)
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import Failure, Kind

_BY_REASON: Mapping[str, type[Failure]] = {one.reason: one for one in (FinerThanData, NoPoints, OtherHousehold, SeveralHouseholds)}
_BY_KIND: Mapping[Kind, type[Failure]] = {
    Kind.DENIED: ReadingsDenied,
    Kind.MISSING: ResourceUnknown,
    Kind.BUSY: SourceAway,
    Kind.EXHAUSTED: SourceAway,
}


@asynccontextmanager
async def passed_on() -> AsyncGenerator[None]:
    """Raise what another service says inside as a failure of this one; what it says of a defect stays as it is.

    A secret that is not made yet (OSError) is a service away.
    """
    try:
        yield
    except RemoteFailure as failure:
        kind = _BY_REASON.get(failure.reason) or (_BY_KIND.get(failure.kind) if failure.kind else None)
        if kind is None:
            raise
        raise kind(failure.message, violations=failure.violations, **failure.metadata) from failure
    except OSError as failure:
        raise SourceAway("this service is not signed in yet: try again soon") from failure
