"""Who is signed in: kept in a file that only its user can read, shared by commands that run at once."""

import fcntl
import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from multiflux_client.access import AccessClient, InternalToken, RefreshToken
from vocabulary.failure import Failure
from vocabulary.interval import utc
from vocabulary.names import TerritoryId

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_OTHERS = 0o077


class SessionProblem(Exception):  # named like the failures of the services
    """Nobody is signed in, or not safely; `reason` says which."""

    def __init__(self, reason: str, message: str) -> None:
        """Say what is wrong and what to do."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody signed in at the access service at `access`: a token until `expires` (UTC), and a refresh token for the next."""

    access: str
    territory: TerritoryId
    subject: str
    purpose: str
    token: str
    expires: datetime
    refresh_token: str


def session_of(given: InternalToken, *, access: str, territory: TerritoryId, purpose: str) -> Session:
    """Return the session that an exchange began or continued."""
    return Session(
        access=access,
        territory=territory,
        subject=given.subject,
        purpose=purpose,
        token=given.token,
        expires=given.expires,
        refresh_token=given.refresh_token,
    )


@dataclass(frozen=True, slots=True)
class SessionFile:
    """The file with the session."""

    path: Path

    def load(self) -> Session:
        """Return the session; SessionProblem when there is none, or when others could have read it."""
        try:
            mode = self.path.stat().st_mode
            stored = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SessionProblem("NOT_SIGNED_IN", "nobody is signed in: run `multiflux token --help`") from None
        except ValueError:
            raise _unreadable(self.path) from None
        if mode & _OTHERS:
            raise SessionProblem("SESSION_EXPOSED", f"{self.path} can be read by others: remove it, and sign in again")
        return _session(stored, self.path)

    def store(self, session: Session) -> None:
        """Keep the session; the file is never there half written, nor for others to read."""
        stored = {field: getattr(session, field) for field in Session.__dataclass_fields__} | {"expires": session.expires.isoformat()}
        self._folder()
        fresh = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE), "w", encoding="utf-8") as file:
            json.dump(stored, file)
        fresh.replace(self.path)

    def forget(self) -> None:
        """Keep nothing."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other commands from using up the same refresh token meanwhile."""
        self._folder()
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _folder(self) -> None:
        self.path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)


class SessionTokens:
    """Tokens of the session in the file, renewed when less than `at_least` of their life is left."""

    def __init__(
        self,
        file: SessionFile,
        access: AccessClient,
        *,
        at: str,
        at_least: timedelta = timedelta(seconds=60),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Renew at `access`, which listens `at` this address: a session of another one is not sent there."""
        self._at = at
        self._file = file
        self._access = access
        self._at_least = at_least
        self._now = now

    async def token(self) -> str:
        """Return a token; SessionProblem, RemoteFailure."""
        session = self._loaded()
        if self._fresh(session):
            return session.token
        with self._file.locked():
            # Another command may have renewed it while this one waited.
            session = self._loaded()
            if not self._fresh(session):
                session = await self._renewed(session)
                self._file.store(session)
        return session.token

    def _loaded(self) -> Session:
        session = self._file.load()
        if session.access != self._at:
            raise SessionProblem("SIGNED_IN_ELSEWHERE", f"the session is one of {session.access}: sign in at {self._at}")
        return session

    def _fresh(self, session: Session) -> bool:
        return session.expires - self._now() >= self._at_least

    async def _renewed(self, session: Session) -> Session:
        credential = RefreshToken(token=session.refresh_token)
        given = await self._access.exchange_token(credential, territory=session.territory, purpose=session.purpose)
        return session_of(given, access=session.access, territory=session.territory, purpose=session.purpose)


def _session(stored: Any, path: Path) -> Session:
    try:
        fields = cast("dict[str, str]", stored)
        return Session(
            access=fields["access"],
            territory=TerritoryId(fields["territory"]),
            subject=fields["subject"],
            purpose=fields["purpose"],
            token=fields["token"],
            expires=utc(datetime.fromisoformat(fields["expires"])),
            refresh_token=fields["refresh_token"],
        )
    except (KeyError, TypeError, ValueError, Failure):
        raise _unreadable(path) from None


def _unreadable(path: Path) -> SessionProblem:
    return SessionProblem("SESSION_UNREADABLE", f"{path} does not hold a session: remove it, and sign in again")
