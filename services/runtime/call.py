"""The call that is being answered, and who makes it."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

SERVICE_SUBJECTS = "services/"
"""Subjects of this installation's own services start with it."""

_ALWAYS = Validity()


class TerritoryMissing(Failure):
    """The call needs a territory, and the caller's token is for none."""

    reason, kind = "TERRITORY_MISSING", Kind.DENIED


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role, for one place and what lies in it, or for the whole territory (`place` is None), while it is valid."""

    role: Role
    place: PlaceId | None
    validity: Validity = _ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls: `people/{person}`, `services/{service}` or nobody (empty subject), with what its token grants in one territory."""

    subject: str
    territory: TerritoryId | None
    grants: tuple[Grant, ...] = ()
    purpose: str = ""
    token_id: str = ""
    expires: datetime | None = None


NOBODY = Caller(subject="", territory=None)
"""The caller of an open method that sent no token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call: `method` is `/package.Service/Method`, `request_id` correlates logs over services, `at` is when it arrived, in UTC."""

    caller: Caller
    request_id: str
    method: str
    at: datetime

    @property
    def territory(self) -> TerritoryId:
        """The territory that the call is about; refused when the caller's token names none."""
        if self.caller.territory is None:
            raise TerritoryMissing(f"{self.method} needs a token for one territory", method=self.method)
        return self.caller.territory


_current: ContextVar[Call] = ContextVar("call")


def current_call() -> Call:
    """Return the call that is being answered here; LookupError outside of one."""
    return _current.get()


def enter_call(call: Call) -> None:
    """Make `call` the current one until the running task ends; each RPC has a task of its own."""
    _current.set(call)


@contextmanager
def acting_as(call: Call) -> Generator[Call]:
    """Make `call` the current one inside the block: for work that no RPC asked for."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)
