"""A process that consumes events and hangs inside the transaction of one of them: arguments are the databases of events and of effects."""

import asyncio
import importlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Connection, MetaData, text

from runtime.clock import SystemClock
from runtime.consumer import Consumer
from runtime.outbox import Outbox
from runtime.relational import Database
from runtime.tables import runtime_tables

probe_pb2: Any = importlib.import_module("multiflux.probe.v1.probe_pb2")


def apply(connection: Connection, event: str) -> None:
    connection.execute(text("INSERT INTO note SELECT coalesce(max(id), 0) + 1, :event FROM note"), {"event": event})
    if event == "third":
        print("applied", flush=True)  # noqa: T201 - the test reads it, then kills this process
        threading.Event().wait()


async def main(events: str, effects: str) -> None:
    tables = runtime_tables(MetaData())
    outbox = Outbox(Database.open(events), tables, SystemClock())

    async def stream(cursor: str) -> AsyncIterator[tuple[str, str]]:
        async for stored in outbox.watch(cursor, None):
            yield stored.cursor, probe_pb2.Noted.FromString(stored.payload).text

    await Consumer("killed", Database.open(effects), tables, open_stream=stream, apply=apply, on_expired=outbox.head).run()


asyncio.run(main(*sys.argv[1:]))
