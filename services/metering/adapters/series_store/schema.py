"""The file of the series store: its tables, its format version, and how connections to it are opened."""

import sqlite3
from pathlib import Path

from metering.domain.series.failures import StoreBroken, StoreFormat, StoreFull
from vocabulary.failure import Failure

APPLICATION_ID = 0x6D666C78
"""The bytes "mflx" in the file's header, so that no other SQLite file is taken for a store."""

FORMAT = 2
"""Raised whenever an older program could not read what this one writes."""

PAGE_BYTES = 8192

TABLES = """
CREATE TABLE series(
  id INTEGER PRIMARY KEY, territory TEXT NOT NULL, meter TEXT NOT NULL, channel TEXT NOT NULL, kind INTEGER NOT NULL,
  UNIQUE(territory, meter, channel, kind));
CREATE TABLE journal(seq INTEGER PRIMARY KEY, readings INTEGER NOT NULL, frame BLOB NOT NULL);
CREATE TABLE event(
  seq INTEGER PRIMARY KEY, forgotten INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL, series BLOB NOT NULL,
  corrected INTEGER NOT NULL, occurred INTEGER NOT NULL);
CREATE TABLE refused(
  id INTEGER PRIMARY KEY AUTOINCREMENT, territory TEXT NOT NULL, series INTEGER, sent_name TEXT NOT NULL,
  time INTEGER NOT NULL, duration INTEGER NOT NULL, value INTEGER NOT NULL, quality INTEGER NOT NULL, reason INTEGER NOT NULL, seq INTEGER
  NOT NULL);
CREATE INDEX refused_of_territory ON refused(territory, id);
CREATE TABLE stream(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk(id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE summary(
  id INTEGER PRIMARY KEY, readings INTEGER NOT NULL, used INTEGER NOT NULL, total INTEGER NOT NULL,
  last_time INTEGER NOT NULL, last_value INTEGER NOT NULL, last_tag INTEGER NOT NULL);
CREATE TABLE superseded(
  series INTEGER NOT NULL, time INTEGER NOT NULL, tag INTEGER NOT NULL, value INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(series, time, tag, value)) WITHOUT ROWID;
CREATE TABLE damaged(id INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE mark(one INTEGER PRIMARY KEY CHECK(one = 1), applied INTEGER NOT NULL, oldest_event INTEGER NOT NULL, store BLOB NOT NULL);
INSERT INTO mark VALUES(1, 0, 0, randomblob(16));
CREATE TABLE receipt(
  id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL,
  erased INTEGER NOT NULL);
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the store's file, making it where there is none; every commit reaches the disk before it returns."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT;")
    require_format(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Costs nothing, and leaves nothing of replaced rows behind inside pages.
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the store's file for queries alone."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA cache_size = -16384")
    return connection


def elsewhere(connection: sqlite3.Connection) -> str:
    """Return the address of the server that keeps this store's filed readings; empty where the file's own chunks do."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'elsewhere'").fetchone():
        return ""
    found = connection.execute("SELECT server FROM elsewhere").fetchone()
    return found[0] if found else ""


def require_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is no store, or one that a later program wrote."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID or found != FORMAT:
        raise StoreFormat(
            f"{path.name} is no series store of format {FORMAT} (application {application:#x}, format {found})",
            path=str(path),
            format=str(found),
            expected=str(FORMAT),
        )


def failure_of(error: sqlite3.Error) -> Failure:
    """Say by name what a disk failure under SQLite means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("the disk that holds the readings is full")
    return StoreBroken(f"the disk that holds the readings failed: {error}", error=str(error))
