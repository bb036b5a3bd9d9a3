"""How fast the registry takes 250,000 metering points, one bad row in a hundred, and lists them: `python tests/bench/bench_registry.py`.

Everything goes over gRPC to a registry in a process of its own. `--points` makes it smaller, `--database` takes PostgreSQL, such as
`postgresql+pg8000://user@localhost/empty_database`, instead of SQLite.
"""

import argparse
import asyncio
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psutil
from google.protobuf.message import Message
from joserfc.jwk import KeySet, OKPKey

from metering.app import Access, assembled, opened
from metering.settings import MeteringSettings
from multiflux.metering.v1 import place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceStub
from runtime.call import Caller, Grant
from runtime.clock import SystemClock
from runtime.server import serving
from runtime.tokens import sign_token
from vocabulary.names import TerritoryId
from vocabulary.role import Role

_TERRITORY = TerritoryId("bench")
_POINTS_A_PREMISE = 2.5
_PREMISES_A_BUILDING = 20
_BUILDINGS_A_STREET = 10
_STREETS_A_COMMUNE = 50
_BLOCK = 1 << 20
_PAGES = 300


@dataclass(frozen=True)
class BadRow:
    """A row that must be refused, and how."""

    line: int
    column: str
    reason: str


class StaticKeys:
    """One key, known from the start."""

    def __init__(self, key: OKPKey) -> None:
        self._keys = KeySet([key])

    def key_set(self) -> KeySet:
        return self._keys

    async def refresh(self) -> None:
        """Know no more than before."""


def place_rows(premises: int) -> Iterator[list[str]]:
    yield ["id", "level", "display_name", "parents", "premise", "dwelling_type", "area_square_metres"]
    buildings = -(-premises // _PREMISES_A_BUILDING)
    streets = -(-buildings // _BUILDINGS_A_STREET)
    for commune in range(-(-streets // _STREETS_A_COMMUNE)):
        yield [f"commune-{commune:04}", "commune", f"Commune {commune}", "", "", "", ""]
    for street in range(streets):
        yield [f"street-{street:06}", "street", f"Rue {street}", f"commune-{street // _STREETS_A_COMMUNE:04}", "", "", ""]
    for building in range(buildings):
        yield [f"building-{building:07}", "building", "", f"street-{building // _BUILDINGS_A_STREET:06}", "", "", ""]
    for premise in range(premises):
        parent = f"building-{premise // _PREMISES_A_BUILDING:07}@2015-01-01/"
        yield [f"premise-{premise:07}", "premise", "", parent, "dwelling", "flat", str(20 + premise % 150)]


def point_rows(points: int, premises: int, bad: list[BadRow]) -> Iterator[list[str]]:
    yield ["flux", "identifiers", "places", "channels", "devices", "contracts"]
    faults = (
        ("identifiers", "INVALID_IDENTIFIER", 1, "prm:123"),
        ("places", "UNKNOWN_PLACE", 2, "premise-none"),
        ("devices", "INVALID_VALUE", 4, "serial=A digits=six"),
        ("contracts", "OUT_OF_RANGE", 5, "power_va=-1"),
    )
    for point in range(points):
        row = [
            "electricity",
            f"prm:{10**13 + point}",
            f"premise-{point % premises:07}@2020-01-01/",
            "id=import quantity=energy direction=import register_set=total",
            f"serial=S{point:08} digits=6 register_unit=3600000@2020-01-01/",
            f"power_va={3000 * (1 + point % 4)} tariff=trv-base-6kva reference=C{point:08}@2020-01-01/",
        ]
        if point % 100 == 99:
            column, reason, index, value = faults[point // 100 % len(faults)]
            row[index] = value
            bad.append(BadRow(line=point + 2, column=column, reason=reason))
        yield row


def csv_bytes(rows: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


class Client:
    """An administrator of the territory."""

    def __init__(self, channel: grpc.aio.Channel, key: OKPKey) -> None:
        self._stub: Any = RegistryServiceStub(channel)
        self._key = key

    def _metadata(self, role: Role) -> tuple[tuple[str, str], ...]:
        caller = Caller(subject="people/bench", territory=_TERRITORY, grants=(Grant(role=role, place=None),))
        return (("authorization", "Bearer " + sign_token(caller, key=self._key, lifetime_s=300, now=datetime.now(UTC))),)

    async def __call__(self, method: str, request: Message, role: Role = Role.ADMINISTRATOR) -> Any:
        return await getattr(self._stub, method)(request, metadata=self._metadata(role), timeout=60)

    async def import_csv(self, content: "pb.RegistryContent.ValueType", file: bytes, *, validate_only: bool = False) -> list[Any]:
        async def requests() -> AsyncIterator[pb.ImportRegistryRequest]:
            description = pb.ImportDescription(
                content=content, format=pb.REGISTRY_FORMAT_CSV, request_id=str(uuid4()), validate_only=validate_only
            )
            yield pb.ImportRegistryRequest(description=description)
            for start in range(0, len(file), _BLOCK):
                yield pb.ImportRegistryRequest(block=file[start : start + _BLOCK])

        call = self._stub.ImportRegistry(requests(), metadata=self._metadata(Role.ADMINISTRATOR), timeout=600)
        return [response async for response in call]

    async def export(self, content: "pb.RegistryContent.ValueType") -> int:
        request = pb.ExportRegistryRequest(content=content, format=pb.REGISTRY_FORMAT_CSV)
        call = self._stub.ExportRegistry(request, metadata=self._metadata(Role.ADMINISTRATOR), timeout=600)
        return sum([len(response.block) async for response in call])


async def measure(client: Client, server: psutil.Process, points: int) -> None:
    territory = place_pb2.Territory(display_name="Bench", time_zone="Europe/Paris", currency_code="EUR")
    request = pb.CreateTerritoryRequest(territory=territory, territory_id=_TERRITORY, request_id=str(uuid4()))
    await client("CreateTerritory", request, Role.PLATFORM_OPERATOR)
    premises = int(points / _POINTS_A_PREMISE)
    bad: list[BadRow] = []
    places_file = csv_bytes(place_rows(premises))
    points_file = csv_bytes(point_rows(points, premises, bad))
    print(f"{'':44}{'rows':>10}{'s':>8}{'CPU s':>8}{'rows/s':>10}")
    await timed(f"import places ({len(places_file) >> 20} MiB)", client.import_csv(pb.REGISTRY_CONTENT_PLACES, places_file), server)
    print_load()
    label = f"import points, 1 % bad ({len(points_file) >> 20} MiB)"
    responses = await timed(label, client.import_csv(pb.REGISTRY_CONTENT_METERING_POINTS, points_file), server)
    check(responses, bad)
    responses = await timed("the same again", client.import_csv(pb.REGISTRY_CONTENT_METERING_POINTS, points_file), server)
    check(responses, bad)
    started = time.perf_counter()
    size = await client.export(pb.REGISTRY_CONTENT_METERING_POINTS)
    print(f"{'export points':44}{points - len(bad):>10}{time.perf_counter() - started:>8.1f}   {size >> 20} MiB")
    await pages(client)


async def timed(label: str, work: Any, server: psutil.Process) -> list[Any]:
    before, started = server.cpu_times(), time.perf_counter()
    responses = await work
    elapsed_s, after = time.perf_counter() - started, server.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    last = responses[-1]
    print(f"{label:44}{last.row_count:>10}{elapsed_s:>8.1f}{cpu_s:>8.1f}{last.row_count / elapsed_s:>10,.0f}", flush=True)
    print(f"    created {last.created_count}, updated {last.updated_count}, unchanged {last.unchanged_count}, refused {last.refused_count}")
    return responses


def check(responses: list[Any], bad: list[BadRow]) -> None:
    reported = sorted((BadRow(row.line, row.column, row.reason) for r in responses for row in r.refused_rows), key=lambda row: row.line)
    print(f"    refused rows as expected, line, column and reason: {reported == bad} ({len(reported)} of {len(bad)})")
    if reported != bad:
        print("   ", Counter(row.reason for row in reported), reported[:3], bad[:3])


async def pages(client: Client) -> None:
    print(f"\n{'list a page of points':44}{'p50 ms':>10}{'p95 ms':>10}")
    asked: dict[str, dict[str, Any]] = {
        "50 of all": {},
        "50 in a commune": {"within": "places/commune-0007"},
        "50 in the last building": {"within": "places/building-0004999"},
        "50 in the root": {"within": f"places/{_TERRITORY}"},
        "1,000 of all": {"page_size": 1_000},
    }
    for label, arguments in asked.items():
        took: list[float] = []
        token = ""
        for _ in range(_PAGES if "1,000" not in label else _PAGES // 10):
            started = time.perf_counter()
            response = await client("ListMeteringPoints", pb.ListMeteringPointsRequest(page_token=token, **arguments))
            took.append((time.perf_counter() - started) * 1e3)
            token = response.next_page_token
        print(f"{label:44}{statistics.median(took):>10.1f}{statistics.quantiles(took, n=20)[-1]:>10.1f}", flush=True)


def print_load() -> None:
    print(f"    load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


async def serve(database: str, folder: Path, key_file: Path) -> None:
    settings = MeteringSettings(port=0, metrics_port=0, database_url=database, data_directory=folder, call_burst=10**6, log_level="WARNING")
    key = OKPKey.import_key(json.loads(key_file.read_text()))
    service = await assembled(settings, opened(settings, SystemClock()), Access(keys=StaticKeys(key)))
    async with serving(service) as port:
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def bench(database: str, points: int, folder: Path) -> None:
    key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
    key_file = folder / "key.json"
    key_file.write_text(json.dumps(key.as_dict(private=True)))
    arguments = [sys.executable, __file__, "--serve", str(key_file), "--database", database]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline()) if server.stdout else 0
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", 64 << 20)]) as channel:
            await measure(Client(channel, key), psutil.Process(server.pid), points)
        if server.stdin:
            server.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=250_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--serve", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.serve:
            asyncio.run(serve(given.database, Path(folder), given.serve))
            return
        database = given.database or f"sqlite:///{folder}/bench.sqlite"
        print(f"registry on {database.partition(':')[0]}, {given.points:,} points")
        asyncio.run(bench(database, given.points, Path(folder)))


if __name__ == "__main__":
    main()
