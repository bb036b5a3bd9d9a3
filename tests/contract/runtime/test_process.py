"""A service as a process: how it starts, refuses to, drains and ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from runtime.server import refuse_taken_port, serving
from runtime.statuses import failure_details
from vocabulary.failure import Failure

SERVICES = str(Path(__file__).parents[3] / "services")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(probe_path: list[str], tmp_path: Path) -> Iterator[Start]:
    """Start the probe as a process with these variables; none outlives the test."""
    processes: list[subprocess.Popen[str]] = []

    def start_one(mode: str = "", **variables: str) -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([*probe_path, SERVICES]), **variables}
        command = [sys.executable, str(Path(__file__).parent / "probe_service.py"), mode]
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start_one
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def logged(lines: str, event: str) -> dict[str, Any]:
    return next(line for line in map(json.loads, lines.splitlines()) if line["message"] == event)


def wait_for(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """Read the log until the event is there."""
    assert process.stderr is not None
    for line in process.stderr:
        if event in line:
            return json.loads(line)
    raise AssertionError(f"the process ended without {event!r}")


def health_at(channel: Any) -> Any:
    """Return a stub, whose methods the stubs' types do not know."""
    return health_pb2_grpc.HealthStub(channel)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_running_calls_closes_adapters_and_exits_with_0(
    start: Start, probe: Any, free_port: int, number: signal.Signals
) -> None:
    process = start("release", MULTIFLUX_PROBE_PORT=str(free_port))
    wait_for(process, "serving")
    with grpc.insecure_channel(f"127.0.0.1:{free_port}") as channel:
        running = probe.probe_pb2_grpc.ProbeServiceStub(channel).Open.future(probe.probe_pb2.ProbeRequest(behaviour="hang"), timeout=30)
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(number)
        assert running.result() == probe.probe_pb2.ProbeResponse(text="hang")
    output, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output == "closed\n"
    assert logged(log, "stopped")["service"] == "probe"


def test_a_call_that_never_ends_is_cut_after_the_drain(start: Start, probe: Any, free_port: int) -> None:
    process = start(MULTIFLUX_PROBE_PORT=str(free_port), MULTIFLUX_DRAIN_S="0.2")
    wait_for(process, "serving")
    with grpc.insecure_channel(f"127.0.0.1:{free_port}") as channel:
        running = probe.probe_pb2_grpc.ProbeServiceStub(channel).Open.future(probe.probe_pb2.ProbeRequest(behaviour="hang"), timeout=30)
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.terminate()
        assert running.exception().code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_taken_port_is_a_clear_error(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        _, log = start(MULTIFLUX_PROBE_PORT=port).communicate(timeout=30)
    assert "Traceback" not in log
    [line] = map(json.loads, log.splitlines())
    assert (line["level"], line["reason"], line["port"]) == ("ERROR", "PORT_TAKEN", port)


def test_a_second_server_on_the_same_port_does_not_start(start: Start, free_port: int) -> None:
    first = start(MULTIFLUX_PROBE_PORT=str(free_port))
    wait_for(first, "serving")
    second = start(MULTIFLUX_PROBE_PORT=str(free_port))
    _, log = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "PORT_TAKEN" in log


def test_a_wrong_variable_is_named_and_starting_again_is_no_use(start: Start) -> None:
    process = start(MULTIFLUX_PROBE_PORT="http")
    _, log = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "MULTIFLUX_PROBE_PORT" in log
    assert "Traceback" not in log


def test_other_machines_are_not_listened_to_without_tls(start: Start, free_port: int) -> None:
    process = start(MULTIFLUX_PROBE_PORT=str(free_port), MULTIFLUX_PROBE_HOST="0.0.0.0")  # noqa: S104 - that is the point
    _, log = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "set tls_certificate and tls_key" in log


def test_other_machines_are_answered_with_tls(start: Start, free_port: int, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    process = start(
        MULTIFLUX_PROBE_PORT=str(free_port),
        MULTIFLUX_HOST="0.0.0.0",  # noqa: S104 - that is the point
        MULTIFLUX_TLS_CERTIFICATE=str(certificate),
        MULTIFLUX_TLS_KEY=str(key),
    )
    wait_for(process, "serving")
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{free_port}", credentials) as channel:
        answer = health_at(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(f"127.0.0.1:{free_port}") as channel, pytest.raises(grpc.RpcError) as caught:
        health_at(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert failure_details(caught.value).code is grpc.StatusCode.UNAVAILABLE


def test_a_task_that_fails_ends_the_process(start: Start, free_port: int) -> None:
    process = start("failing task", MULTIFLUX_PROBE_PORT=str(free_port))
    output, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "ZeroDivisionError" in logged(log, "task failed")["exc_info"]
    assert output == "closed\n"


def test_metrics_count_calls_by_method_and_code(start: Start, probe: Any, free_port: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        metrics_port = listener.getsockname()[1]
    process = start(MULTIFLUX_PROBE_PORT=str(free_port), MULTIFLUX_PROBE_METRICS_PORT=str(metrics_port))
    wait_for(process, "serving")
    with grpc.insecure_channel(f"127.0.0.1:{free_port}") as channel:
        probe.probe_pb2_grpc.ProbeServiceStub(channel).Open(probe.probe_pb2.ProbeRequest(), timeout=10)
    line = wait_for(process, '"call"')
    assert (line["code"], line["method"]) == ("OK", "/multiflux.probe.v1.ProbeService/Open")
    with socket.create_connection(("127.0.0.1", metrics_port)) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        page = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert 'multiflux_calls_total{code="OK",method="/multiflux.probe.v1.ProbeService/Open"} 1.0' in page


async def test_health_and_the_contract_can_be_asked_by_anybody(town: Any) -> None:
    health = health_at(town.channel)
    for name in ("", "multiflux.probe.v1.ProbeService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(town.channel)
    responses = stub.ServerReflectionInfo(iter([asked]), timeout=10)
    names = [service.name async for response in responses for service in response.list_services_response.service]
    assert "multiflux.probe.v1.ProbeService" in names


async def test_health_says_not_serving_while_draining(probe: Any, clock: Any, tmp_path: Path) -> None:
    servicer = probe.Probe()
    settings = probe.ProbeSettings(port=0, data_directory=tmp_path, drain_s=30)
    service = probe.service(settings, clock=clock, keys=probe.Keys(), probe=servicer, refusals=probe.KeptRefusals())
    block = serving(service)
    port = await block.__aenter__()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        watching = health_at(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        draining = asyncio.create_task(block.__aexit__(None, None, None))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watching.cancel()
        await draining


@pytest.mark.parametrize(("host", "reason"), [("192.0.2.1", "ADDRESS_UNUSABLE"), ("::2", "ADDRESS_UNUSABLE")])
def test_an_address_of_another_machine_is_named(host: str, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        refuse_taken_port(host, 7301)
    assert caught.value.reason == reason


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths
