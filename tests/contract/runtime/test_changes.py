"""Changes: effect, events, audit entry and answer together or not at all, and once per request id."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from runtime.audit import AuditEntry, AuditForwarder, AuditLog, Outcome, keep_entries
from runtime.call import Call, Caller, acting_as
from runtime.changes import Changes, RequestIdReused, Transaction
from runtime.outbox import Outbox
from vocabulary.failure import Failure, InvalidRequest, Kind
from vocabulary.names import TerritoryId

TOWN = TerritoryId("town")


class Refused(Failure):
    reason, kind = "REFUSED", Kind.CONFLICT


@pytest.fixture
def call(clock: Any) -> Iterator[Call]:
    """Somebody calls."""
    caller = Caller(subject="people/jo", territory=TOWN)
    with acting_as(Call(caller=caller, request_id="action-1", method="/multiflux.probe.v1.ProbeService/Change", at=clock.now())) as made:
        yield made


class Notes:
    """A service in small: notes a text, tells it, and answers with it."""

    def __init__(self, probe: Any, store: Any, clock: Any) -> None:
        self.pb2 = probe.probe_pb2
        self.store = store
        self.outbox = Outbox(store.database, store.tables, clock)
        self.changes = Changes(store.database, store.tables, self.outbox, clock)
        self.done = 0

    async def note(self, text: str, request_id: str, **more: Any) -> str:
        request = self.pb2.ChangeRequest(text=text, request_id=request_id)
        return (await self.changes(request, lambda transaction: self._work(transaction, text), self.pb2.ProbeResponse, **more)).text

    def _work(self, transaction: Transaction, text: str) -> Any:
        self.done += 1
        table = self.store.note
        number = transaction.connection.execute(select(func.count()).select_from(table)).scalar_one() + 1
        transaction.connection.execute(table.insert().values(id=number, text=text))
        transaction.publish(self.pb2.Noted(text=text), territory=TOWN)
        transaction.audit(resource=f"notes/{number}", subject="people/ann", length=str(len(text)))
        if text == "bad":
            raise Refused("it is bad")
        return self.pb2.ProbeResponse(text=f"{text} is number {number}")

    async def counts(self) -> tuple[int, int, int, int]:
        tables = self.store.tables
        rows = [await self.store.rows(table) for table in (self.store.note, tables.outbox, tables.audit_entry, tables.answered_request)]
        notes, events, entries, answers = map(len, rows)
        return notes, events, entries, answers


@pytest.fixture
def notes(probe: Any, store: Any, clock: Any, call: Call) -> Notes:
    assert call
    return Notes(probe, store, clock)


async def test_a_change_keeps_effect_event_entry_and_answer(notes: Notes) -> None:
    assert await notes.note("one", str(uuid4())) == "one is number 1"
    assert await notes.counts() == (1, 1, 1, 1)


async def test_the_same_request_gets_the_same_answer_and_nothing_is_done_again(notes: Notes) -> None:
    request_id = str(uuid4())
    first = await notes.note("one", request_id)
    await notes.note("two", str(uuid4()))
    assert await notes.note("one", request_id) == first
    assert notes.done == 2
    assert await notes.counts() == (2, 2, 2, 2)


async def test_the_same_request_sent_twice_at_once_is_done_once(
    probe: Any, notes: Notes, open_store: Callable[[str], Any], clock: Any
) -> None:
    elsewhere = Notes(probe, open_store(notes.store.url), clock)
    request_id = str(uuid4())
    answers = await asyncio.gather(*(each.note("one", request_id) for _ in range(4) for each in (notes, elsewhere)))
    assert set(answers) == {"one is number 1"}
    assert await notes.counts() == (1, 1, 1, 1)


async def test_another_request_with_the_same_id_is_refused(notes: Notes) -> None:
    request_id = str(uuid4())
    await notes.note("one", request_id)
    with pytest.raises(RequestIdReused) as caught:
        await notes.note("two", request_id)
    assert caught.value.metadata == {"request_id": request_id}
    assert await notes.counts() == (1, 1, 1, 1)


@pytest.mark.parametrize("other", ["subject", "territory", "method"])
async def test_somebody_else_cannot_get_an_answer_by_its_id(notes: Notes, call: Call, other: str) -> None:
    request_id = str(uuid4())
    await notes.note("one", request_id)
    match other:
        case "subject":
            stranger = replace(call, caller=replace(call.caller, subject="people/eve"))
        case "territory":
            stranger = replace(call, caller=replace(call.caller, territory=TerritoryId("village")))
        case _:
            stranger = replace(call, method="/multiflux.probe.v1.ProbeService/Other")
    with acting_as(stranger), pytest.raises(RequestIdReused):
        await notes.note("one", request_id)


@pytest.mark.parametrize("request_id", ["", "7", "not-a-uuid"])
async def test_a_change_needs_a_uuid(notes: Notes, request_id: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await notes.note("one", request_id)
    assert [violation.field for violation in caught.value.violations] == ["request_id"]
    assert notes.done == 0


async def test_a_failure_keeps_nothing_and_the_id_can_be_used_again(notes: Notes) -> None:
    request_id = str(uuid4())
    with pytest.raises(Refused):
        await notes.note("bad", request_id)
    assert await notes.counts() == (0, 0, 0, 0)
    assert await notes.note("good", request_id) == "good is number 1"


async def test_a_secret_is_answered_once_and_not_kept(notes: Notes) -> None:
    request_id = str(uuid4())
    secretive = {"kept": lambda _answer: notes.pb2.ProbeResponse()}
    assert await notes.note("one", request_id, **secretive) == "one is number 1"
    assert await notes.note("one", request_id, **secretive) == ""
    [answer] = await notes.store.rows(notes.store.tables.answered_request)
    assert answer.response == b""


async def test_answers_are_forgotten_after_seven_days(notes: Notes, clock: Any) -> None:
    request_id = str(uuid4())
    await notes.note("one", request_id)
    clock.advance(timedelta(days=7))
    assert await notes.changes.trim() == 0
    clock.advance(timedelta(microseconds=1))
    assert await notes.changes.trim() == 1
    assert await notes.note("one", request_id) == "one is number 2"


async def test_a_change_that_nobody_asked_for_is_told_and_audited_too(notes: Notes, call: Call) -> None:
    system = replace(call, caller=Caller(subject="services/probe", territory=None), method="expiry")

    def work(transaction: Transaction) -> str:
        transaction.publish(notes.pb2.Noted(text="expired"), territory=TOWN)
        return "done"

    with acting_as(system):
        assert await notes.changes.unasked(work) == "done"
    assert await notes.counts() == (0, 1, 1, 0)
    [entry] = await notes.store.rows(notes.store.tables.audit_entry)
    assert (entry.actor, entry.action, entry.resource) == ("services/probe", "expiry", "")


async def test_the_entry_says_who_did_what_to_whom(notes: Notes, call: Call) -> None:
    await notes.note("one", str(uuid4()))
    [entry] = await shipped(notes)
    assert (entry.actor, entry.action, entry.outcome, entry.request_id) == ("people/jo", call.method, Outcome.CHANGED, "action-1")
    assert (entry.resource, entry.subject, entry.territory, entry.at) == ("notes/1", "people/ann", TOWN, call.at)
    assert entry.detail == {"length": "3"}


async def test_a_refusal_is_kept(notes: Notes, call: Call) -> None:
    await AuditLog(notes.store.database, notes.store.tables).refused(call, Refused("no"), "places/home")
    [entry] = await shipped(notes)
    assert (entry.outcome, entry.reason, entry.resource) == (Outcome.REFUSED, "REFUSED", "places/home")


class Sink:
    """Keeps entries, after it was away once."""

    def __init__(self) -> None:
        self.kept: list[AuditEntry] = []
        self.away = False

    async def keep(self, entries: Sequence[AuditEntry]) -> None:
        if self.away:
            raise Refused("away")
        self.kept += entries


async def shipped(notes: Notes) -> list[AuditEntry]:
    sink = Sink()
    await AuditForwarder(notes.store.database, notes.store.tables, sink).ship()
    return sink.kept


async def test_entries_stay_until_the_sink_has_them(notes: Notes) -> None:
    sink = Sink()
    forwarder = AuditForwarder(notes.store.database, notes.store.tables, sink)
    await notes.note("one", str(uuid4()))
    sink.away = True
    with pytest.raises(Refused):
        await forwarder.ship()
    sink.away = False
    assert [await forwarder.ship(), await forwarder.ship()] == [1, 0]
    assert len(sink.kept) == 1
    assert await notes.counts() == (1, 1, 0, 1)


async def test_an_entry_that_is_shipped_twice_is_kept_once(notes: Notes) -> None:
    await notes.note("one", str(uuid4()))
    [entry] = await shipped(notes)
    for _ in range(2):
        await notes.store.database.write(lambda connection: keep_entries(connection, notes.store.tables, [entry]))
    assert await shipped(notes) == [entry]
