"""Poisoned events of a service, listed and replayed: `python -m SERVICE poisoned`, `python -m SERVICE replay [EVENT_ID ...]`.

Answers are JSON, one object a line on standard output; a failure is one object on standard error.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from runtime.clock import SystemClock
from runtime.delivering import poisoned_events
from runtime.poisoned import Poisoned
from runtime.relational import Database
from runtime.server import EXIT_FAILED, EXIT_MISCONFIGURED
from runtime.settings import ServiceSettings, load
from runtime.tables import DeliveryTables
from vocabulary.failure import Failure

S = TypeVar("S", bound=ServiceSettings)


def triage(words: Sequence[str], settings: type[S], migrations: Path, delivery: DeliveryTables, queues: Sequence[str]) -> int:
    """Do what the words say with the poisoned events of some queues; return the exit code."""
    asked = _parser(settings.service_name()).parse_args(words)
    try:
        loaded = load(settings)
    except Failure as failure:
        return _failed(failure, EXIT_MISCONFIGURED)
    database = Database.open(loaded.store_url, read_threads=1)
    try:
        database.migrate(migrations)
        kept = [poisoned_events(loaded, queue, database, delivery, SystemClock()) for queue in queues]
        if asked.work == "poisoned":
            answers = [_described(one) for events in kept for one in asyncio.run(events.poisoned())]
        else:
            replayed = [asyncio.run(events.replay(asked.event_id or None)) for events in kept]
            answers = [{"queue": queue, "replayed": count} for queue, count in zip(queues, replayed, strict=True)]
    except Failure as failure:
        return _failed(failure, EXIT_FAILED)
    finally:
        database.close()
    for answer in answers:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    works = parser.add_subparsers(dest="work", required=True)
    works.add_parser("poisoned", help="list the events that failed too often")
    replay = works.add_parser("replay", help="try them again as if they were new")
    replay.add_argument("event_id", nargs="*", help="only these")
    return parser


def _described(one: Poisoned) -> dict[str, object]:
    return {
        "queue": one.queue,
        "event_id": one.event.event_id,
        "type": one.event.type_name,
        "territory": one.event.territory,
        "occurred": one.event.occurred.isoformat(),
        "reason": one.reason,
        "failures": one.failures,
    }


def _failed(failure: Failure, code: int) -> int:
    sys.stderr.write(json.dumps({"error": {"reason": failure.reason, "message": failure.message}}, ensure_ascii=False) + "\n")
    return code
