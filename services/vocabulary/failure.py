"""Named failures: the one way in which a rule says no."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar


class Kind(Enum):
    """What a caller can do about a failure; each kind has one gRPC status."""

    INVALID = auto()
    """The request can never succeed as it is."""
    MISSING = auto()
    """What the request names does not exist."""
    EXISTS = auto()
    """What the request would make is there already."""
    CONFLICT = auto()
    """The state of things forbids it now."""
    STALE = auto()
    """Somebody changed it meanwhile: read again, then retry."""
    UNAUTHENTICATED = auto()
    """Nobody valid is calling."""
    DENIED = auto()
    """The caller may not."""
    BUSY = auto()
    """Try again later: a part is away or full."""
    EXHAUSTED = auto()
    """The caller used up its quota."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldViolation:
    """One field of a request and what is wrong with it."""

    field: str
    description: str


class Failure(Exception):
    """A rule said no.

    Subclasses set `reason` (UPPER_SNAKE, stable) and `kind`. What a message says is in `metadata` too, so that no caller parses text.
    """

    reason: ClassVar[str]
    kind: ClassVar[Kind]

    def __init__(self, message: str, *, violations: tuple[FieldViolation, ...] = (), **metadata: str) -> None:
        """Say what happened in one sentence, with the facts as metadata."""
        super().__init__(message)
        self.message = message
        self.violations = violations
        self.metadata = metadata


class InvalidRequest(Failure):
    """One or more fields are wrong; every one of them is listed."""

    reason, kind = "INVALID_REQUEST", Kind.INVALID

    def __init__(self, *violations: FieldViolation) -> None:
        """List the violations, at least one."""
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations)


def invalid(field: str, description: str) -> InvalidRequest:
    """Return the failure for one wrong field."""
    return InvalidRequest(FieldViolation(field=field, description=description))
