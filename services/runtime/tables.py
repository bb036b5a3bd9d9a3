"""The runtime's own tables, which every service's first migration makes beside the service's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An instant as whole microseconds since 1970 in UTC: exact, sortable, and the same in SQLite and PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds; a naive time is a TypeError."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the instant, in UTC."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeTables:
    """The tables that the runtime reads and writes in a service's database."""

    outbox: Table
    """Events in commit order."""
    outbox_store: Table
    """One row: which store this is, and up to which event it was trimmed."""
    answered_request: Table
    """Responses of changes, by request id."""
    audit_entry: Table
    """Changes made and calls refused."""
    consumer_cursor: Table
    """How far each consumer has read."""
    place_link: Table
    """Dated parents of places and metering points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryTables:
    """The tables that handlers of events need in a service's database."""

    handled_event: Table
    """Which events of which queue have taken effect."""
    inbox_event: Table
    """Events that wait for their handler, where no broker keeps them."""


def runtime_tables(metadata: MetaData) -> RuntimeTables:
    """Declare the tables in `metadata`."""
    return RuntimeTables(
        outbox=_outbox(metadata),
        outbox_store=Table(
            "outbox_store",
            metadata,
            Column("store_id", String(32), primary_key=True),
            Column("trimmed_through", BigInteger, nullable=False),
        ),
        answered_request=Table(
            "answered_request",
            metadata,
            Column("request_id", String(36), primary_key=True),
            Column("fingerprint", LargeBinary, nullable=False),
            Column("response", LargeBinary, nullable=False),
            Column("answered", Instant, nullable=False, index=True),
        ),
        audit_entry=_audit_entry(metadata),
        consumer_cursor=Table(
            "consumer_cursor",
            metadata,
            Column("consumer", String(100), primary_key=True),
            Column("cursor", Text, nullable=False),
        ),
        place_link=_place_link(metadata),
    )


def delivery_tables(metadata: MetaData) -> DeliveryTables:
    """Declare the tables in `metadata`."""
    return DeliveryTables(
        handled_event=Table(
            "handled_event",
            metadata,
            Column("queue", String(63), primary_key=True),
            Column("event_id", String(127), primary_key=True),
            Column("handled", Instant, nullable=False, index=True),
            sqlite_with_rowid=False,
        ),
        inbox_event=_inbox_event(metadata),
    )


def _inbox_event(metadata: MetaData) -> Table:
    return Table(
        "inbox_event",
        metadata,
        Column("queue", String(63), primary_key=True),
        Column("event_id", String(127), primary_key=True),
        Column("territory", String(63), nullable=False),
        Column("type_name", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("occurred", Instant, nullable=False),
        # How often it has failed, when it is tried next (never: it is poisoned), and why it failed.
        Column("failures", Integer, nullable=False),
        Column("due", Instant),
        Column("reason", Text, nullable=False),
        Index("inbox_event_by_due", "queue", "due"),
    )


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        # SQLite counts only in columns declared INTEGER; AUTOINCREMENT never gives a trimmed number again.
        Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False),
        Column("territory", String(63), nullable=False),
        Column("type_name", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("occurred", Instant, nullable=False),
        Index("outbox_by_territory", "territory", "sequence"),
        sqlite_autoincrement=True,
    )


def _audit_entry(metadata: MetaData) -> Table:
    return Table(
        "audit_entry",
        metadata,
        Column("entry_id", String(36), primary_key=True),
        Column("at", Instant, nullable=False),
        Column("territory", String(63)),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("reason", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Index("audit_entry_by_time", "territory", "at", "entry_id"),
        Index("audit_entry_by_subject", "territory", "subject", "at", "entry_id"),
    )


def _place_link(metadata: MetaData) -> Table:
    return Table(
        "place_link",
        metadata,
        Column("link_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("territory", String(63), nullable=False),
        Column("child", Text, nullable=False),
        Column("parent", String(63), nullable=False),
        Column("start", Instant),
        Column("end", Instant),
        Index("place_link_by_child", "territory", "child"),
    )


def create_runtime_tables(operations: Operations) -> None:
    """Make the tables inside a migration: `create_runtime_tables(op)`; the store gets its id here, once."""
    metadata = MetaData()
    tables = runtime_tables(metadata)
    connection = operations.get_bind()
    metadata.create_all(connection)
    connection.execute(tables.outbox_store.insert().values(store_id=uuid4().hex, trimmed_through=0))


def drop_runtime_tables(operations: Operations) -> None:
    """Remove the tables inside a migration, with all they hold."""
    metadata = MetaData()
    runtime_tables(metadata)
    metadata.drop_all(operations.get_bind())


def create_delivery_tables(operations: Operations) -> None:
    """Make the tables of a service that handles events, inside a migration."""
    metadata = MetaData()
    delivery_tables(metadata)
    metadata.create_all(operations.get_bind())


def drop_delivery_tables(operations: Operations) -> None:
    """Remove them inside a migration, with all they hold."""
    metadata = MetaData()
    delivery_tables(metadata)
    metadata.drop_all(operations.get_bind())
