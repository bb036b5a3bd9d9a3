"""Who looks at the pages: sessions kept here, known to the browser by a number that says nothing."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dashboard.gateway import Gateway, PersonTokens

COOKIE = "multiflux_session"
LIFETIME = timedelta(hours=12)
_MOST = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A person who signed in, the services as that person sees them, and the word that its own forms carry."""

    person: PersonTokens
    gateway: Gateway
    ends: datetime
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


class Sessions:
    """The sessions of this process; the oldest goes when there are too many."""

    def __init__(self) -> None:
        """Start without any."""
        self._of: OrderedDict[str, Session] = OrderedDict()

    def begin(self, person: PersonTokens, gateway: Gateway) -> str:
        """Begin a session, and return the cookie's value."""
        number = secrets.token_urlsafe(32)
        self._of[number] = Session(person=person, gateway=gateway, ends=datetime.now(UTC) + LIFETIME)
        while len(self._of) > _MOST:
            self._of.popitem(last=False)
        return number

    def of(self, number: str | None) -> Session | None:
        """Return the session of a cookie, None when there is none, or it is over."""
        session = self._of.get(number or "")
        if session is not None and session.ends <= datetime.now(UTC):
            self.end(number)
            return None
        return session

    def end(self, number: str | None) -> None:
        """End a session."""
        self._of.pop(number or "", None)
