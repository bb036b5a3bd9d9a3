"""Brings the events of RabbitMQ's queues to a worker: started by `runtime.worker`, with the number of a socket as its argument.

The only module that imports nameko and eventlet.
"""

# ruff: noqa: E402 - eventlet must replace the blocking parts of the standard library before anything else uses them
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportUntypedBaseClass=false

import warnings

# eventlet says at every import that it is on its way out; that is known, and why it stays in this process alone.
warnings.filterwarnings("ignore", module="eventlet")
warnings.filterwarnings("ignore", message=r"(?s).*[Ee]ventlet.*")

import eventlet

eventlet.monkey_patch()

import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from eventlet.event import Event as Arrival
from kombu.messaging import Producer
from nameko.messaging import Consumer
from nameko.runners import ServiceRunner

from multiflux.runtime.v1 import delivery_pb2 as pb
from runtime.broker import AWAY, FAILED, FAILURES, REASON, connection_to, declare, queue_of, set_aside
from runtime.events import LENGTH, BatchUnreadable, batch_from_bytes, batch_to_proto
from runtime.logs import configure_logs
from runtime.poisoned import Retries

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 20
_LONGEST_PAUSE_S = 30.0
_REQUEUE_S = 1.0
_HANG_UP = 1

Aside = tuple[bytes, dict[str, Any], int | None]
"""An event to be set aside: the message's body and headers, and for how many milliseconds; None: for good."""


class Link:
    """The socket to the process that handles; many requests at once."""

    def __init__(self, handle: int) -> None:
        """Take over an open socket."""
        self._socket = socket.socket(fileno=handle)
        self._arrivals = dict[int, Arrival]()
        self._number = 0

    def receive(self) -> bytes:
        """Return the next message; ends this process when the other one has ended, so that the broker asks another worker."""
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return self._exactly(length)

    def listen(self) -> None:
        """Hand answers to those who wait for them."""
        while True:
            response = pb.HandleResponse.FromString(self.receive())
            self._arrivals.pop(response.number).send(response)

    def ask(self, queue: str, batch: pb.EventBatch) -> pb.HandleResponse:
        """Have events handled, and return what became of them."""
        self._number += 1
        arrival = self._arrivals[self._number] = Arrival()
        request = pb.HandleRequest(number=self._number, queue=queue, batch=batch).SerializeToString()
        self._socket.sendall(LENGTH.pack(len(request)) + request)
        answer: Any = arrival.wait()
        return answer

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            more = self._socket.recv(length - len(received))
            if not more:
                os._exit(_HANG_UP)
            received += more
        return bytes(received)


class Batches(Consumer):
    """The entry point of nameko for one queue: acknowledges a message once its events are handled, or set aside."""

    def __init__(self, name: str, told: Mapping[str, Any]) -> None:
        """Take messages from the queue `name`."""
        super().__init__(queue=queue_of(name, told["queues"][name]))
        self._name, self._told = name, told

    def handle_message(self, body: bytes, message: Any) -> None:
        """Start a worker of nameko's for a message."""
        failures = int((message.headers or {}).get(FAILURES, 0))
        done = partial(self.handle_result, message)
        container: Any = self.container
        container.spawn_worker(self, (self._name, bytes(body), failures), {}, handle_result=done)

    def handle_result(self, message: Any, worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
        """Set aside what failed, then acknowledge; where the broker does not confirm that, it gives the whole message out again."""
        del worker_ctx
        try:
            if exc_info is None and result:
                self._set_aside(result)
        except AWAY:
            exc_info = sys.exc_info()
        if exc_info is None:
            self.queue_consumer.ack_message(message)
        else:
            # Nothing is acknowledged that is not safe elsewhere.
            _log.warning("message goes back", exc_info=exc_info)
            time.sleep(_REQUEUE_S)
            self.queue_consumer.requeue_message(message)
        return result, exc_info

    def _set_aside(self, failed: list[Aside]) -> None:
        with connection_to(self._told["uri"], self._told["tls"]) as connection:
            producer = Producer(connection.channel(), auto_declare=False)
            for body, headers, pause_ms in failed:
                set_aside(producer, self._name, body, headers, pause_ms)


def handled(link: Link, retries: Retries, name: str, body: bytes, failures: int) -> list[Aside]:
    """Have a message handled; return what is to be set aside."""
    now = datetime.now(UTC).isoformat()
    try:
        events = batch_from_bytes(body)
    except BatchUnreadable as unreadable:
        return [(body, {FAILURES: failures + 1, REASON: unreadable.reason, FAILED: now}, None)]
    failed = list[Aside]()
    for one in link.ask(name, batch_to_proto(events)).unhandled:
        tries = failures if one.transient else failures + 1
        pause = retries.pause(tries, transient=one.transient)
        pause_ms = None if pause is None else round(pause.total_seconds() * 1_000)
        alone = batch_to_proto([events[one.position]]).SerializeToString()
        failed.append((alone, {FAILURES: tries, REASON: one.reason, FAILED: now}, pause_ms))
    return failed


def main(handle: int) -> None:
    """Work until told to stop; then let running handlers finish."""
    link = Link(handle)
    told: dict[str, Any] = json.loads(link.receive())
    configure_logs(level=told["log_level"], style="json")
    retries = Retries.of_ms(told["pauses_ms"])
    _declare(told, retries)
    eventlet.spawn(link.listen)
    config = {"AMQP_URI": told["uri"], "AMQP_SSL": told["tls"], "max_workers": told["max_workers"], "HEARTBEAT": _HEARTBEAT_S}
    runner = ServiceRunner(config)
    runner.add_service(_service(link, told, retries))
    signal.signal(signal.SIGTERM, lambda _number, _frame: eventlet.spawn_n(runner.stop))
    runner.start()
    _log.info("taking events", extra={"worker": told["name"], "queues": list(told["queues"])})
    runner.wait()


def _service(link: Link, told: Mapping[str, Any], retries: Retries) -> type:
    """Return the class that nameko runs: one entry point a queue."""

    def handle(_service: object, queue: str, body: bytes, failures: int) -> list[Aside]:
        return handled(link, retries, queue, body, failures)

    for name in told["queues"]:
        Batches.decorator(name, told)(handle)
    return type("Worker", (), {"name": told["name"], "handle": handle})


def _declare(told: Mapping[str, Any], retries: Retries) -> None:
    """Make the queues, as soon as the broker is there."""
    pause_s = 0.5
    while True:
        try:
            with connection_to(told["uri"], told["tls"]) as connection:
                for name, type_names in told["queues"].items():
                    declare(connection, name, type_names, retries)
        except AWAY as error:
            _log.warning("broker away", extra={"reason": type(error).__name__})
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
