"""A worker process: handles the events of its queues, which a process of nameko's brings it.

nameko stands on eventlet, which cannot share a process with gRPC or asyncio. So the worker starts `runtime.nameko_worker` beside itself:
that one holds the broker's connection and nothing else, this one handles. They speak over a pair of sockets; when one ends, so does the
other, and the broker gives what was not acknowledged to another worker.
"""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from multiflux.runtime.v1 import delivery_pb2 as pb
from runtime.events import LENGTH, BrokerAddress, batch_from_proto
from runtime.handling import Handlers
from runtime.poisoned import Retries
from vocabulary.failure import Failure, Kind

_log = logging.getLogger(__name__)

_END_S = 3.0


class ConsumerEnded(Failure):
    """The process with the broker's connection ended by itself."""

    reason, kind = "CONSUMER_ENDED", Kind.BUSY


@dataclass(frozen=True, kw_only=True, slots=True)
class Working:
    """How a worker works: for which broker, on how many messages at once, and how long it may finish them when it is to stop."""

    address: BrokerAddress
    max_workers: int
    drain_s: float
    retries: Retries
    log_level: str = "INFO"


class Worker:
    """Handles the events of some queues until it is stopped."""

    def __init__(self, name: str, handlers: Sequence[Handlers], working: Working) -> None:
        """Compete with all other workers for the queues of `handlers`."""
        self._name = name
        self._handlers = {one.queue: one for one in handlers}
        self._working = working
        self._handling = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Work until cancelled, then finish what is under way; ConsumerEnded."""
        ours, theirs = socket.socketpair()
        command = (sys.executable, "-m", "runtime.nameko_worker", str(theirs.fileno()))
        with theirs:
            # A session of its own: Ctrl-C on a terminal is for this process, which then stops the other one in good order.
            process = await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()], start_new_session=True)
        reader, writer = await asyncio.open_connection(sock=ours)
        _send(writer, json.dumps(self._told()).encode())
        serving = asyncio.create_task(self._serve(reader, writer))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            with suppress(ProcessLookupError, TimeoutError):
                process.terminate()
                await asyncio.wait_for(serving, self._working.drain_s)
            raise
        finally:
            serving.cancel()
            # It ends by itself where nobody is at the other side.
            writer.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_S)
            if process.returncode is None:
                process.kill()
                await process.wait()
        raise ConsumerEnded("the process with the broker's connection ended", exit_code=str(process.returncode))

    def _told(self) -> dict[str, object]:
        address, retries = self._working.address, self._working.retries
        return {
            "name": self._name,
            "uri": address.uri,
            "tls": address.tls,
            "max_workers": self._working.max_workers,
            "queues": {name: handlers.type_names for name, handlers in self._handlers.items()},
            "pauses_ms": retries.pauses_ms,
            "log_level": self._working.log_level,
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle what is asked, many requests at once, until the other process ends."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                request = pb.HandleRequest.FromString(await reader.readexactly(length))
                task = asyncio.create_task(self._answer(request, writer))
                self._handling.add(task)
                task.add_done_callback(self._handling.discard)

    async def _answer(self, request: pb.HandleRequest, writer: asyncio.StreamWriter) -> None:
        events = batch_from_proto(request.batch)
        unhandled = await self._handlers[request.queue].handle(events)
        positions = {event.event_id: at for at, event in enumerate(events)}
        response = pb.HandleResponse(number=request.number)
        for one in unhandled:
            response.unhandled.add(position=positions[one.event.event_id], reason=one.reason, transient=one.transient)
        _send(writer, response.SerializeToString())


def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(LENGTH.pack(len(message)) + message)
