"""The keys that sign internal tokens: private halves in files of this machine, public halves in the database."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import Connection, select, update

from access.adapters.secret_files import new_key, read_key, write_key
from access.adapters.tables import AccessTables
from runtime.call import Caller
from runtime.clock import Clock
from runtime.relational import Database
from runtime.tokens import MAX_LIFETIME_S, sign_token

_log = logging.getLogger(__name__)

_STILL_SIGNING = timedelta(seconds=120)
"""After a rotation, calls that are under way, and other processes of this service, may sign with the former key for this long."""


class SigningKeys:
    """Signs with the newest key; verifies with all whose tokens may still live. The database says which key is the newest."""

    def __init__(self, database: Database, tables: AccessTables, folder: Path, clock: Clock) -> None:
        """Keep private keys in `folder`."""
        self._database = database
        self._table = tables.signing_key
        self._folder = folder
        self._clock = clock
        self._signing: OKPKey | None = None
        self._verifying: list[tuple[OKPKey, datetime | None]] = []

    async def start(self) -> None:
        """Load the keys, and make one when there is none or its file is gone."""
        await self.refresh()
        if self._signing is None:
            async with self.proposed() as key:
                await self._database.write(lambda connection: self.rotate(connection, key, self._clock.now()))

    def key_set(self) -> KeySet:
        """Return the public keys that verify tokens now."""
        now = self._clock.now()
        return KeySet([key for key, until in self._verifying if until is None or now < until])

    def jwks_json(self) -> str:
        """Return them as a JSON Web Key Set."""
        return json.dumps(self.key_set().as_dict(private=False))

    async def refresh(self) -> None:
        """Load the keys again: another process may have rotated them."""
        rows = await self._database.read(lambda connection: connection.execute(select(self._table)).all())
        self._verifying = [(OKPKey.import_key(json.loads(row.public_jwk)), row.verifies_until) for row in rows]
        newest = next((row.kid for row in rows if row.verifies_until is None), None)
        if newest is not None and (self._signing is None or self._signing.kid != newest):
            self._signing = await asyncio.to_thread(read_key, self._file(newest)) or self._signing

    def sign(self, caller: Caller, at: datetime) -> tuple[str, Caller]:
        """Return a token for the caller that lives as long as any may, and the caller with the time when it expires."""
        if self._signing is None:
            raise RuntimeError("the signing keys are not loaded")
        issued = at.replace(microsecond=0)
        token = sign_token(caller, key=self._signing, lifetime_s=MAX_LIFETIME_S, now=issued)
        return token, replace(caller, expires=issued.astimezone(UTC) + timedelta(seconds=MAX_LIFETIME_S))

    @asynccontextmanager
    async def proposed(self) -> AsyncGenerator[OKPKey]:
        """Yield a new key for the block to `rotate` to; after it, the key signs if that was committed, and is gone if not."""
        key = new_key()
        await asyncio.to_thread(write_key, self._file(key.kid or ""), key)
        try:
            yield key
        finally:
            await self.refresh()
            await self._tidy()

    def rotate(self, connection: Connection, key: OKPKey, at: datetime) -> datetime:
        """Make `key` the newest one; return when the former stops verifying."""
        until = at + timedelta(seconds=MAX_LIFETIME_S) + _STILL_SIGNING
        connection.execute(update(self._table).where(self._table.c.verifies_until.is_(None)).values(verifies_until=until))
        public = json.dumps(key.as_dict(private=False))
        connection.execute(self._table.insert(), {"kid": key.kid, "public_jwk": public, "created": at, "verifies_until": None})
        return until

    async def _tidy(self) -> None:
        """Delete the files of keys that sign no more."""
        kept = None if self._signing is None else self._file(self._signing.kid or "")
        await asyncio.to_thread(_delete_others, self._folder, kept)

    def _file(self, kid: str) -> Path:
        return self._folder / f"{kid}.json"


def _delete_others(folder: Path, kept: Path | None) -> None:
    for file in folder.glob("*.json"):
        if kept is not None and file != kept:
            file.unlink(missing_ok=True)
            _log.info("signing key deleted", extra={"key_id": file.stem})
