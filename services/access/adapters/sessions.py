"""Sign-ins and the credentials that were used for them, in tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from access.adapters.tables import AccessTables
from access.domain.ids import SessionId
from access.domain.session import RefreshToken, Session
from runtime.relational import Overtaken
from vocabulary.names import PersonId, TerritoryId


class SqlSessions:
    """Sign-ins of all territories, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._session = tables.sign_in
        self._refresh = tables.refresh_token
        self._spent = tables.spent_token

    def spend(self, digest: bytes, expires: datetime) -> bool:
        """Keep that a subject token was exchanged; False when it was before."""
        if self._connection.execute(select(self._spent).where(self._spent.c.digest == digest)).one_or_none() is not None:
            return False
        try:
            self._connection.execute(self._spent.insert(), {"digest": digest, "expires": expires})
        except IntegrityError as error:
            # The same token, sent twice at once: done again, the work finds it spent.
            raise Overtaken from error
        return True

    def add(self, session: Session) -> None:
        """Keep a new session."""
        self._connection.execute(
            self._session.insert(),
            {
                "id": session.id,
                "home": session.home,
                "person": session.person,
                "issuer": session.issuer,
                "purpose": session.purpose,
                "opened": session.opened,
                "expires": session.expires,
                "ended": session.ended,
            },
        )

    def end(self, session: SessionId, at: datetime) -> None:
        """End the session."""
        table = self._session
        self._connection.execute(update(table).where(table.c.id == session, table.c.ended.is_(None)).values(ended=at))

    def add_refresh(self, token: RefreshToken) -> None:
        """Keep a new refresh token."""
        self._connection.execute(
            self._refresh.insert(), {"digest": token.digest, "sign_in": token.session, "expires": token.expires, "used": token.used}
        )

    def refresh(self, digest: bytes) -> tuple[RefreshToken, Session] | None:
        """Return the refresh token of this digest and its session, None when it is unknown."""
        token = self._connection.execute(select(self._refresh).where(self._refresh.c.digest == digest)).one_or_none()
        if token is None:
            return None
        session = self._connection.execute(select(self._session).where(self._session.c.id == token.sign_in)).one()
        kept = RefreshToken(digest=token.digest, session=SessionId(token.sign_in), expires=token.expires, used=token.used)
        return kept, _session(session)

    def use_refresh(self, digest: bytes, at: datetime) -> None:
        """Keep that the refresh token was used."""
        self._connection.execute(update(self._refresh).where(self._refresh.c.digest == digest).values(used=at))

    def trim(self, at: datetime) -> int:
        """Delete what has expired; return how many rows."""
        old = select(self._session.c.id).where(self._session.c.expires <= at)
        statements = (
            delete(self._refresh).where(self._refresh.c.sign_in.in_(old)),
            delete(self._session).where(self._session.c.expires <= at),
            delete(self._spent).where(self._spent.c.expires <= at),
        )
        return sum(self._connection.execute(statement).rowcount for statement in statements)


def _session(row: Row[Any]) -> Session:
    return Session(
        id=SessionId(row.id),
        home=TerritoryId(row.home),
        person=PersonId(row.person),
        issuer=row.issuer,
        purpose=row.purpose,
        opened=row.opened,
        expires=row.expires,
        ended=row.ended,
    )
