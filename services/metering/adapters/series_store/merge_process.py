"""The process that merges: `python -m metering.adapters.series_store.merge_process FILE`.

It reads orders from standard input and writes their steps to standard output, both as pickles behind their lengths, and ends when the store
goes away, however that goes.
It is a program of its own, so that it imports what merging needs and not the whole service.
"""

import ctypes
import os
import pickle
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from metering.adapters.series_store.merge import merge
from metering.adapters.series_store.schema import open_for_reading

_LENGTH_BYTES = 8
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt (malloc.h); other C libraries have no such function."""
_KEPT_BYTES = 1 << 25
"""The most that glibc takes for the second; it would refuse more, and then map every array anew."""


def send(stream: IO[bytes], message: object) -> None:
    """Write one message."""
    body = pickle.dumps(message, protocol=5)
    stream.write(len(body).to_bytes(_LENGTH_BYTES, "little"))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message; EOFError when the other side is gone."""
    body = _exactly(stream, int.from_bytes(_exactly(stream, _LENGTH_BYTES), "little"))
    # Both ends belong to one store, and nobody else has the pipe.
    return pickle.loads(body)  # noqa: S301


def _exactly(stream: IO[bytes], count: int) -> bytes:
    body = stream.read(count)
    if len(body) < count:
        raise EOFError
    return body


def _keep_memory() -> None:
    """Let the allocator keep what it has.

    Arrays come and go by the thousand, and the first touch of fresh memory costs more than the sums in it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)


def main() -> None:
    """Answer each order with its steps, then None."""
    _keep_memory()
    # The store's end ends this one: the pipe closes, in whichever direction it is noticed first.
    with suppress(EOFError, BrokenPipeError):
        _answer(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
    # Nothing is left to say, and nobody to say it to: the interpreter would complain of the closed pipe.
    os._exit(0)


def _answer(path: Path, orders: IO[bytes], steps: IO[bytes]) -> None:
    send(steps, None)
    while True:
        after, upto = receive(orders)
        with closing(open_for_reading(path)) as connection:
            connection.execute("BEGIN")
            for step in merge(connection, after=after, upto=upto):
                send(steps, step)
        send(steps, None)


if __name__ == "__main__":
    main()
