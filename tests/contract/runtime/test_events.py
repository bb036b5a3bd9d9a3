"""Events from the transaction that publishes them to the effect that they have elsewhere: nothing skipped, effects once."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from runtime.consumer import Consumer
from runtime.outbox import CursorExpired, CursorInvalid, Outbox, Pending, ServiceStopping
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

TOWN, VILLAGE = TerritoryId("town"), TerritoryId("village")
SERVICES = str(Path(__file__).parents[3] / "services")


@pytest.fixture
def noted(probe: Any) -> Any:
    return probe.probe_pb2.Noted


@pytest.fixture
def outbox(store: Any, clock: Any) -> Outbox:
    return Outbox(store.database, store.tables, clock, retention=timedelta(days=30))


@pytest.fixture
def publish(store: Any, outbox: Outbox, noted: Any) -> Callable[..., Any]:
    """Publish events with these texts, in one transaction."""

    async def publish_all(*texts: str, territory: TerritoryId = TOWN) -> None:
        pending = [Pending(event=noted(text=each), territory=territory) for each in texts]
        await store.database.write(lambda connection: outbox.append(connection, pending))
        outbox.wake()

    return publish_all


async def seen(outbox: Outbox, noted: Any, count: int, cursor: str = "", territory: TerritoryId | None = None) -> list[Any]:
    """Return the next events that a watcher sees."""
    events: list[Any] = []
    async with asyncio.timeout(30):
        async for stored in outbox.watch(cursor, territory):
            events.append((noted.FromString(stored.payload).text, stored))
            if len(events) == count:
                return events
    raise AssertionError


async def texts(outbox: Outbox, noted: Any, count: int, cursor: str = "", territory: TerritoryId | None = None) -> list[str]:
    return [each for each, _ in await seen(outbox, noted, count, cursor, territory)]


async def test_events_are_watched_in_the_order_of_their_commits(outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish("one", "two")
    await publish("three")
    assert await texts(outbox, noted, 3) == ["one", "two", "three"]


async def test_a_watcher_goes_on_after_its_cursor(outbox: Outbox, publish: Any, noted: Any, clock: Any) -> None:
    await publish("one", "two", "three")
    _, (_, second), _ = await seen(outbox, noted, 3)
    assert (second.type_name, second.territory, second.occurred) == ("multiflux.probe.v1.Noted", TOWN, clock.now())
    assert await texts(outbox, noted, 1, second.cursor) == ["three"]


async def test_a_watcher_sees_what_is_published_while_it_waits(outbox: Outbox, publish: Any, noted: Any) -> None:
    watching = asyncio.create_task(texts(outbox, noted, 2))
    await publish("one")
    await asyncio.sleep(0)
    await publish("two")
    assert await watching == ["one", "two"]


async def test_a_watcher_sees_what_another_process_publishes(
    store: Any, outbox: Outbox, noted: Any, open_store: Callable[[str], Any], clock: Any
) -> None:
    watching = asyncio.create_task(texts(outbox, noted, 1))
    other = open_store(store.url)
    elsewhere = Outbox(other.database, other.tables, clock)
    await other.database.write(lambda connection: elsewhere.append(connection, [Pending(event=noted(text="far"), territory=TOWN)]))
    assert await watching == ["far"]


async def test_a_territory_sees_its_own_events_only(outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish("one")
    await publish("hidden", territory=VILLAGE)
    await publish("two")
    assert await texts(outbox, noted, 2, territory=TOWN) == ["one", "two"]


async def test_more_events_than_one_look_takes_are_all_seen(outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish(*map(str, range(1_200)))
    assert await texts(outbox, noted, 1_200) == list(map(str, range(1_200)))


async def test_a_rolled_back_event_was_never_there(store: Any, outbox: Outbox, publish: Any, noted: Any) -> None:
    def work(connection: Connection) -> None:
        outbox.append(connection, [Pending(event=noted(text="never"), territory=TOWN)])
        raise KeyError

    with pytest.raises(KeyError):
        await store.database.write(work)
    await publish("one")
    assert await texts(outbox, noted, 1) == ["one"]


async def test_a_transaction_that_is_late_to_commit_is_not_skipped(store: Any, outbox: Outbox, noted: Any) -> None:
    first_appended, go = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        outbox.append(connection, [Pending(event=noted(text="first"), territory=TOWN)])
        first_appended.set()
        assert go.wait(30)

    watching = asyncio.create_task(texts(outbox, noted, 2))
    first = asyncio.create_task(store.database.write(slow))
    await asyncio.to_thread(first_appended.wait, 30)
    second = asyncio.create_task(
        store.database.write(lambda connection: outbox.append(connection, [Pending(event=noted(text="second"), territory=TOWN)]))
    )
    # Either the second transaction waits, or it has committed before the first and a watcher has met it: then the first would be lost.
    await second_waits_or_is_seen(store, second, watching)
    go.set()
    await asyncio.gather(first, second)
    assert await watching == ["first", "second"]


async def second_waits_or_is_seen(store: Any, second: asyncio.Task[None], watching: asyncio.Task[Any]) -> None:
    if store.database.dialect == "sqlite":
        return  # One writer: the second waits in its line.
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with asyncio.timeout(30):
        while not second.done() and not await store.database.read(lambda connection: connection.execute(waiting).scalar_one()):  # noqa: ASYNC110 - the database tells
            await asyncio.sleep(0.01)
        if second.done():
            await asyncio.wait({watching}, timeout=2)


async def test_many_writers_at_once_leave_no_gap_for_a_watcher(
    store: Any, outbox: Outbox, noted: Any, open_store: Callable[[str], Any], clock: Any
) -> None:
    other = open_store(store.url)
    elsewhere = Outbox(other.database, other.tables, clock)
    watching = asyncio.create_task(texts(outbox, noted, 60))

    async def write(database: Any, box: Outbox, name: str) -> None:
        await database.write(lambda connection: box.append(connection, [Pending(event=noted(text=name), territory=TOWN)]))
        box.wake()

    await asyncio.gather(
        *(
            write(database, box, f"{place} {n}")
            for n in range(30)
            for database, box, place in ((store.database, outbox, "here"), (other.database, elsewhere, "there"))
        )
    )
    watched = await watching
    assert len(watched) == len(set(watched)) == 60


async def test_the_head_is_after_all_there_is(outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish("before")
    head = await outbox.head()
    await publish("after")
    assert await texts(outbox, noted, 1, head) == ["after"]


async def test_a_cursor_before_the_trim_has_expired(outbox: Outbox, publish: Any, noted: Any, clock: Any) -> None:
    await publish("one", "two")
    [(_, first), (_, second)] = await seen(outbox, noted, 2)
    clock.advance(timedelta(days=31))
    await publish("three")
    assert await outbox.trim() == 2
    with pytest.raises(CursorExpired):
        await texts(outbox, noted, 1, first.cursor)
    assert await texts(outbox, noted, 1, second.cursor) == ["three"]
    assert await texts(outbox, noted, 1, "") == ["three"]


async def test_a_store_that_was_trimmed_empty_still_counts_on(outbox: Outbox, publish: Any, noted: Any, clock: Any) -> None:
    await publish("one")
    clock.advance(timedelta(days=31))
    await outbox.trim()
    head = await outbox.head()
    await publish("two")
    assert await texts(outbox, noted, 1, head) == ["two"]


async def test_a_watcher_that_falls_behind_the_trim_is_told(outbox: Outbox, publish: Any, clock: Any) -> None:
    await publish(*map(str, range(600)))
    watcher = outbox.watch("", None)
    await anext(watcher)
    clock.advance(timedelta(days=31))
    await outbox.trim()
    with pytest.raises(CursorExpired):
        async for _ in watcher:
            pass


async def test_a_cursor_from_the_future_of_a_restored_store_has_expired(store: Any, outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish("one", "two")
    [_, (_, second)] = await seen(outbox, noted, 2)
    await store.database.write(lambda connection: connection.execute(text("DELETE FROM outbox WHERE sequence > 1")))
    with pytest.raises(CursorExpired):
        await texts(outbox, noted, 1, second.cursor)


@pytest.mark.parametrize("cursor", ["garbage", "é", "AAAA", "A" * 32])
async def test_garbage_is_no_cursor(outbox: Outbox, noted: Any, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await texts(outbox, noted, 1, cursor)


async def test_the_drain_ends_every_watcher(outbox: Outbox, publish: Any, noted: Any) -> None:
    await publish("one")
    watching = [asyncio.create_task(texts(outbox, noted, 2)) for _ in range(3)]
    await asyncio.sleep(0)
    outbox.stop()
    results = await asyncio.gather(*watching, return_exceptions=True)
    assert [type(result) for result in results] == [ServiceStopping] * 3


class Away(Failure):
    reason, kind = "AWAY", Kind.BUSY


async def from_the_oldest() -> str:
    """List nothing: all that ever happened is still among the events."""
    return ""


@pytest.fixture
def consume(store: Any, outbox: Outbox, noted: Any) -> Callable[..., Consumer[str]]:
    """Make a consumer that notes each event in the same database."""

    async def stream(cursor: str) -> AsyncIterator[tuple[str, str]]:
        async for stored in outbox.watch(cursor, None):
            yield stored.cursor, noted.FromString(stored.payload).text

    def make(name: str, *, apply: Any = note_down, on_expired: Any = from_the_oldest, open_stream: Any = stream) -> Consumer[str]:
        return Consumer(name, store.database, store.tables, open_stream=open_stream, apply=apply, on_expired=on_expired)

    return make


def note_down(connection: Connection, event: str) -> None:
    """An effect that shows when it happens twice."""
    connection.execute(text("INSERT INTO note SELECT coalesce(max(id), 0) + 1, :event FROM note"), {"event": event})


async def until(store: Any, notes: list[str], *consumers: Consumer[str]) -> None:
    """Run the consumers until the notes are these, and a moment longer than another batch would take."""
    running = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        async with asyncio.timeout(30):
            while len(await store.notes()) < len(notes):  # noqa: ASYNC110 - the database tells
                await asyncio.sleep(0.01)
        await store.database.write(lambda _: None)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert sorted((await store.notes()).values()) == sorted(notes)


async def test_each_of_two_consumers_has_every_effect_once(store: Any, publish: Any, consume: Any) -> None:
    await publish("one", "two")
    await until(store, ["one", "one", "two", "two"], consume("a"), consume("b"))
    await publish("three")
    await until(store, ["one", "one", "three", "three", "two", "two"], consume("a"), consume("b"))


async def test_a_consumer_killed_between_effect_and_cursor_has_every_effect_once(
    store: Any, publish: Any, consume: Any, probe_path: list[str], tmp_path: Path
) -> None:
    await publish("first", "second")
    await until(store, ["first", "second"], consume("killed"))
    await publish("third", "fourth")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*probe_path, SERVICES])}
    command = [sys.executable, str(Path(__file__).parent / "consumer_process.py"), store.url, store.url]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it starts at once
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "applied\n"
    finally:
        process.kill()
        process.communicate()
    assert sorted((await store.notes()).values()) == ["first", "second"]
    await until(store, ["first", "second", "third", "fourth"], consume("killed"))


async def test_an_effect_that_fails_is_tried_again_and_nothing_is_skipped(store: Any, publish: Any, consume: Any) -> None:
    attempts: list[str] = []

    def flaky(connection: Connection, event: str) -> None:
        attempts.append(event)
        note_down(connection, event)
        if attempts.count("two") < 3 and event == "two":
            raise Away("not now")

    await publish("one", "two", "three")
    await until(store, ["one", "two", "three"], consume("a", apply=flaky))
    assert attempts.count("two") == 3


async def test_two_processes_under_one_name_have_every_effect_once(store: Any, publish: Any, consume: Any) -> None:
    running = [asyncio.create_task(consume("same").run()) for _ in range(2)]
    for n in range(20):
        await publish(str(n))
    await until(store, list(map(str, range(20))))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert sorted((await store.notes()).values()) == sorted(map(str, range(20)))


async def test_a_consumer_that_was_away_too_long_lists_everything_anew(
    store: Any, outbox: Outbox, publish: Any, consume: Any, clock: Any
) -> None:
    await publish("seen")
    await until(store, ["seen"], consume("late"))
    await publish("lost")
    clock.advance(timedelta(days=31))
    await outbox.trim()

    async def resync() -> str:
        cursor = await outbox.head()
        await store.database.write(lambda connection: note_down(connection, "all that is"))
        return cursor

    running = asyncio.create_task(consume("late", on_expired=resync).run())
    await until(store, ["seen", "all that is"])
    await publish("new")
    await until(store, ["seen", "all that is", "new"])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_consumer_that_is_new_lists_what_is_older_than_any_event(
    store: Any, outbox: Outbox, publish: Any, consume: Any, clock: Any
) -> None:
    await publish("gone")
    clock.advance(timedelta(days=31))
    await publish("kept")
    await outbox.trim()

    async def everything() -> str:
        await store.database.write(lambda connection: note_down(connection, "all that is"))
        return ""

    await until(store, ["all that is", "kept"], consume("new", on_expired=everything))


async def test_a_source_that_ends_or_fails_is_asked_again_from_the_stored_cursor(store: Any, consume: Any) -> None:
    asked: list[str] = []

    async def stream(cursor: str) -> AsyncIterator[tuple[str, str]]:
        asked.append(cursor)
        position = int(cursor or 0) + 1
        if position > 3:
            # Nothing more happens.
            await asyncio.Event().wait()
        yield str(position), f"event {position}"
        if position % 2:
            raise Away("not now")

    await until(store, ["event 1", "event 2", "event 3"], consume("a", open_stream=stream))
    assert asked[:3] == ["", "1", "2"]
