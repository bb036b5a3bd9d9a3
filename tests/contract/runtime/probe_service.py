"""A service to try the runtime with; run as a program, it is a process to stop, kill and start twice."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from joserfc.jwk import KeySet, OKPKey
from pydantic import Field

from runtime.call import Call, current_call
from runtime.clock import Clock, SystemClock
from runtime.permissions import PermissionCheck
from runtime.server import Endpoint, Service, run
from runtime.settings import ServiceSettings
from runtime.tokens import TokenVerifier
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.names import PlaceId, TerritoryId

probe_pb2: Any = importlib.import_module("multiflux.probe.v1.probe_pb2")
probe_pb2_grpc: Any = importlib.import_module("multiflux.probe.v1.probe_pb2_grpc")


class ProbeSettings(ServiceSettings, env_prefix="MULTIFLUX_PROBE_"):
    port: int = Field(default=0, ge=0, le=65535, description="Port for gRPC.")


class Broken(Failure):
    reason, kind = "BROKEN", Kind.CONFLICT


@dataclass
class Keys:
    """A key source with one key, which was perhaps not known at first."""

    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", {"kid": "first"}))
    refreshed: int = 0

    def key_set(self) -> KeySet:
        return KeySet([self.key])

    async def refresh(self) -> None:
        self.refreshed += 1


@dataclass
class OneStreet:
    """places/home and meters/home lie in places/street, all else nowhere."""

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        del at
        return territory == "town" and granted in {"street", "home"} and resource in {"places/home", "meters/home"}


@dataclass
class KeptRefusals:
    kept: list[tuple[Call, str, str]] = field(default_factory=list[tuple[Call, str, str]])

    async def refused(self, call: Call, failure: Failure, resource: str) -> None:
        self.kept.append((call, failure.reason, resource))


class Probe:
    """Answers with what the request's `behaviour` says."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.release = asyncio.Event()

    async def Open(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names the methods
        del context
        return await self._behave(request)

    Undeclared = Administer = Look = Myself = Open

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - gRPC names the methods
        del context
        while True:
            yield await self._behave(request)
            await self.release.wait()

    async def Collect(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802 - gRPC names the methods
        del context
        answers = [(await self._behave(request)).text async for request in requests]
        return probe_pb2.ProbeResponse(text=" ".join(answers))

    async def Converse(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - gRPC names the methods
        del context
        async for request in requests:
            yield await self._behave(request)

    async def _behave(self, request: Any) -> Any:
        match request.behaviour:
            case "break":
                raise Broken("it is broken", part="wheel")
            case "invalid":
                raise invalid("place", "is too far")
            case "divide":
                return 1 // 0
            case "hang":
                await self._hang()
            case "who":
                return probe_pb2.ProbeResponse(text=current_call().caller.subject)
            case "request id":
                return probe_pb2.ProbeResponse(text=current_call().request_id)
            case _:
                pass
        return probe_pb2.ProbeResponse(text=request.behaviour)

    async def _hang(self) -> None:
        print("hanging", flush=True)  # noqa: T201 - the test that runs this as a program waits for it
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def service(settings: ProbeSettings, *, clock: Clock, keys: Keys, probe: Probe, refusals: KeptRefusals, **more: Any) -> Service:
    name = "multiflux.probe.v1.ProbeService"
    return Service(
        name="probe",
        settings=settings,
        clock=clock,
        endpoints=(Endpoint(name=name, add=probe_pb2_grpc.add_ProbeServiceServicer_to_server, servicer=probe),),
        verifier=TokenVerifier(keys, clock),
        permissions=PermissionCheck(OneStreet()),
        refusals=refusals,
        **more,
    )


async def build(settings: ProbeSettings) -> Service:
    """As a program: what hangs is released by SIGTERM when the first argument says so; a task fails when it says that."""
    probe = Probe()
    mode = sys.argv[1] if len(sys.argv) > 1 else ""

    async def fail() -> None:
        raise ZeroDivisionError

    return service(
        settings,
        clock=SystemClock(),
        keys=Keys(),
        probe=probe,
        refusals=KeptRefusals(),
        tasks=(fail,) if mode == "failing task" else (),
        on_drain=(probe.release.set,) if mode == "release" else (),
        closers=(lambda: print("closed", flush=True),),  # noqa: T201 - the test reads it
    )


if __name__ == "__main__":
    sys.exit(run(build, ProbeSettings))
