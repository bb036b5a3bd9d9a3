"""Events on their way from the outbox of one service to the handlers of another, and where the broker between them is."""

import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from google.protobuf.message import DecodeError

from multiflux.runtime.v1 import delivery_pb2 as pb
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

EVENTS_MISSED = pb.EventsMissed.DESCRIPTOR.full_name
"""The type of the event that says: some were missed, learn everything anew."""

LENGTH = struct.Struct(">I")
"""Stands before each message between the two processes of a worker: its length in bytes."""


class BatchUnreadable(Failure):
    """A message holds no batch of events."""

    reason, kind = "BATCH_UNREADABLE", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened in a territory (empty: in all): `payload` is a message of type `type_name`."""

    event_id: str
    territory: TerritoryId
    type_name: str
    payload: bytes
    occurred: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Where the broker is: `amqp://user@host/vhost`, `amqps` with TLS; the password in a file, or in the address."""

    url: str = field(repr=False)
    password_file: Path | None = None
    authority: Path | None = None

    @property
    def uri(self) -> str:
        """The address with the password."""
        if self.password_file is None:
            return self.url
        parts = urlsplit(self.url)
        password = quote(self.password_file.read_text(encoding="utf-8").strip(), safe="")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        at = host if parts.port is None else f"{host}:{parts.port}"
        return urlunsplit(parts._replace(netloc=f"{parts.username or 'guest'}:{password}@{at}"))

    @property
    def tls(self) -> dict[str, Any] | None:
        """How to check the broker's certificate; None without TLS."""
        if not self.url.startswith("amqps"):
            return None
        host = {"server_hostname": urlsplit(self.url).hostname, "cert_reqs": ssl.CERT_REQUIRED}
        return host if self.authority is None else {**host, "ca_certs": str(self.authority)}


def batch_to_proto(events: Sequence[Event]) -> pb.EventBatch:
    """Return the events as one message."""
    batch = pb.EventBatch()
    for event in events:
        added = batch.events.add(event_id=event.event_id, territory=event.territory, type_name=event.type_name, payload=event.payload)
        added.occur_time.FromDatetime(event.occurred)
    return batch


def batch_from_proto(batch: pb.EventBatch) -> list[Event]:
    """Return the events of a message; BatchUnreadable."""
    if not batch.events or not all(one.event_id and one.type_name and one.HasField("occur_time") for one in batch.events):
        raise BatchUnreadable("an event has no id, no type or no time")
    return [
        Event(
            event_id=one.event_id,
            territory=TerritoryId(one.territory),
            type_name=one.type_name,
            payload=one.payload,
            occurred=one.occur_time.ToDatetime(UTC),
        )
        for one in batch.events
    ]


def batch_from_bytes(body: bytes) -> list[Event]:
    """Return the events that a message's body holds; BatchUnreadable."""
    try:
        return batch_from_proto(pb.EventBatch.FromString(body))
    except DecodeError as error:
        raise BatchUnreadable("the message is no batch of events") from error
