"""Counts for Prometheus: calls by method and status, and how long they take."""

from collections.abc import Generator
from contextlib import contextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server


class CallMetrics:
    """Counts every answered call."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the counts, and those of the process."""
        self._calls = Counter("multiflux_calls", "Calls answered, by method and status code.", ("method", "code"), registry=registry)
        self._seconds = Histogram("multiflux_call_seconds", "Time from arrival to the last byte.", ("method",), registry=registry)
        ProcessCollector(registry=registry)

    def count(self, method: str, code: grpc.StatusCode, seconds: float) -> None:
        """Count one call that took so long."""
        self._calls.labels(method, code.name).inc()
        self._seconds.labels(method).observe(seconds)


@contextmanager
def metrics_served(registry: CollectorRegistry, port: int) -> Generator[None]:
    """Answer Prometheus on the loopback `port` inside the block; 0 answers nowhere. OSError when the port is taken."""
    if port == 0:
        yield
        return
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
