"""`multiflux token`, `audit` and `registry` as people run them, over services that answer as the contracts say."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from typer.testing import CliRunner

from console.app import app
from multiflux.access.v1 import access_service_pb2 as access_pb
from multiflux.access.v1 import audit_pb2
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceServicer, add_AccessServiceServicer_to_server
from multiflux.metering.v1 import registry_service_pb2 as registry_pb
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceServicer, add_RegistryServiceServicer_to_server


async def refuse(context: Any, code: grpc.StatusCode, reason: str, message: str) -> None:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="access.multiflux"))
    await context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=[detail])))


@dataclass
class Services(AccessServiceServicer, RegistryServiceServicer):
    """Access and registry in one: one person, whose tokens are numbered, and a file that comes back as it was sent."""

    life: timedelta = timedelta(minutes=5)
    exchanged: list[Any] = field(default_factory=list[Any])
    refreshable: set[str] = field(default_factory=set[str])
    callers: list[str] = field(default_factory=list[str])
    asked: list[Any] = field(default_factory=list[Any])
    imported: bytes = b""
    described: Any = None
    denied: bool = False

    async def SignInLocally(self, request: Any, context: Any) -> access_pb.SignInLocallyResponse:  # noqa: N802
        if request.person != "people/ada":
            await refuse(context, grpc.StatusCode.NOT_FOUND, "PERSON_UNKNOWN", f"{request.person} is not known")
        return access_pb.SignInLocallyResponse(subject_token="subject")

    async def ExchangeToken(self, request: Any, context: Any) -> access_pb.ExchangeTokenResponse:  # noqa: N802
        if request.WhichOneof("credential") == "refresh_token" and request.refresh_token not in self.refreshable:
            await refuse(context, grpc.StatusCode.UNAUTHENTICATED, "TOKEN_REPLAYED", "the refresh token was used before")
        self.exchanged.append(request)
        expires = Timestamp()
        expires.FromDatetime(datetime.now(UTC) + self.life)
        number = len(self.exchanged)
        self.refreshable = {f"refresh-{number}"}
        return access_pb.ExchangeTokenResponse(
            token=f"token-{number}", expire_time=expires, refresh_token=f"refresh-{number}", subject="people/ada"
        )

    async def SignOut(self, request: Any, context: Any) -> access_pb.SignOutResponse:  # noqa: ARG002, N802
        self.refreshable.discard(request.refresh_token)
        return access_pb.SignOutResponse()

    async def ListAuditEntries(self, request: Any, context: Any) -> access_pb.ListAuditEntriesResponse:  # noqa: N802
        await self._check(context)
        self.asked.append(request)
        first = int(request.page_token or 0)
        entries = [
            audit_pb2.AuditEntry(
                entry_id=f"e{n}",
                occur_time=Timestamp(seconds=1_700_000_000 - n),
                actor="people/eve",
                method="/multiflux.access.v1.AccessService/GrantRole",
                outcome=audit_pb2.AUDIT_OUTCOME_REFUSED,
                reason="NOT_PERMITTED",
                subject="people/ada",
            )
            for n in range(first, first + 2)
        ]
        return access_pb.ListAuditEntriesResponse(entries=entries, next_page_token=str(first + 2) if first < 4 else "")

    async def ImportRegistry(self, request_iterator: Any, context: Any) -> AsyncIterator[registry_pb.ImportRegistryResponse]:  # noqa: N802
        await self._check(context)
        async for request in request_iterator:
            if request.WhichOneof("part") == "description":
                self.described = request.description
            else:
                self.imported += request.block
        lines = self.imported.decode().splitlines()[1:]
        refused = [
            registry_pb.RefusedRow(line=number, column="level", reason="UNKNOWN_LEVEL", description="no such level: [moon]", row=line)
            for number, line in enumerate(lines, start=2)
            if "moon" in line
        ]
        for row in refused:
            yield registry_pb.ImportRegistryResponse(row_count=row.line - 1, refused_count=1, refused_rows=[row])
        yield registry_pb.ImportRegistryResponse(
            row_count=len(lines), created_count=len(lines) - len(refused), refused_count=len(refused), done=True
        )

    async def ExportRegistry(self, request: Any, context: Any) -> AsyncIterator[registry_pb.ExportRegistryResponse]:  # noqa: N802
        await self._check(context)
        self.described = request
        for block in (b"name,level\n", "mairie-annexe,café\n".encode()):
            yield registry_pb.ExportRegistryResponse(block=block)

    async def _check(self, context: Any) -> None:
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        self.callers.append(metadata.get("authorization", ""))
        if self.denied:
            await refuse(context, grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED", "people/ada may not")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    said: str
    errors: str

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines()]

    def error(self) -> dict[str, Any]:
        return json.loads(self.errors)["error"]


@dataclass
class Desk:
    """Where somebody runs commands."""

    folder: Path
    services: Services
    environment: dict[str, str]

    async def run(self, *words: str, stdin: bytes = b"") -> Ran:
        # In a thread with a loop of its own, as the command has one in its process.
        done = await asyncio.to_thread(CliRunner().invoke, app, words, stdin, self.environment, prog_name="multiflux")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(code=done.exit_code, said=done.stdout_bytes.decode(), errors=done.stderr_bytes.decode())

    async def signed_in(self) -> "Desk":
        assert (await self.run("token", "--person", "ada", "--territory", "town", "--purpose", "support")).code == 0
        return self

    @property
    def session(self) -> Path:
        return self.folder / "config" / "multiflux" / "session.json"

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.chdir(tmp_path)
    services = Services()  # pyright: ignore[reportAbstractUsage]  # the rest is not called
    server = grpc.aio.server()
    add_AccessServiceServicer_to_server(services, server)
    add_RegistryServiceServicer_to_server(services, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    environment = {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "MULTIFLUX_ACCESS_TARGET": address,
        "MULTIFLUX_METERING_TARGET": address,
        "COLUMNS": "200",
    }
    yield Desk(folder=tmp_path, services=services, environment=environment)
    await server.stop(None)


async def test_a_demo_person_signs_in_and_gets_a_token_that_scripts_can_use(desk: Desk) -> None:
    ran = await desk.run("token", "--person", "people/ada", "--territory", "territories/town", "--purpose", "support")
    assert (ran.code, ran.said, ran.errors) == (0, "token-1\n", "")
    (request,) = desk.services.exchanged
    assert (request.subject_token, request.territory, request.purpose) == ("subject", "territories/town", "support")
    assert stat.S_IMODE(desk.session.stat().st_mode) == 0o600


async def test_a_token_of_an_issuer_is_read_from_standard_input(desk: Desk) -> None:
    ran = await desk.run("token", "--oidc-token", "-", "--territory", "town", "--json", stdin=b"an.oidc.token\n")
    assert ran.code == 0
    (said,) = ran.lines()
    assert (said["subject"], said["territory"], said["token"]) == ("people/ada", "territories/town", "token-1")
    assert desk.services.exchanged[0].subject_token == "an.oidc.token"


async def test_the_session_goes_on_with_the_token_it_has_and_then_with_a_new_one(desk: Desk) -> None:
    await desk.signed_in()
    assert (await desk.run("token")).said == "token-1\n"
    desk.session.write_text(desk.session.read_text().replace(json.loads(desk.session.read_text())["expires"], "2020-01-01T00:00:00+00:00"))
    assert (await desk.run("token")).said == "token-2\n"
    last = desk.services.exchanged[-1]
    assert (last.refresh_token, last.territory, last.purpose) == ("refresh-1", "territories/town", "support")


async def test_after_signing_out_nobody_is_signed_in(desk: Desk) -> None:
    await desk.signed_in()
    assert (await desk.run("token", "--sign-out")).code == 0
    assert desk.services.refreshable == set()
    ran = await desk.run("token", "--json")
    assert (ran.code, ran.error()["reason"]) == (5, "NOT_SIGNED_IN")


async def test_somebody_unknown_is_a_failure_with_its_reason(desk: Desk) -> None:
    ran = await desk.run("token", "--person", "eve", "--territory", "town")
    assert ran.code == 1
    assert "people/eve is not known (PERSON_UNKNOWN)" in ran.errors
    assert not desk.session.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["token", "--person", "ada"],
        ["token", "--person", "ada", "--sign-out"],
        ["registry", "import", "absent.csv", "--content", "places"],
        ["registry", "export", "--content", "reference-rows"],
        ["registry", "export", "--content", "places", "--table", "tariff-prices"],
        ["registry", "export", "--content", "places", "--json"],
        ["audit", "--since", "2026-02-01", "--until", "2026-01-01"],
        ["audit", "--outcome", "maybe"],
        ["nothing"],
    ],
    ids=" ".join,
)
async def test_wrong_usage_exits_with_2(desk: Desk, words: list[str]) -> None:
    ran = await desk.run(*words)
    assert ran.code == 2
    assert ran.said == ""
    assert "Traceback" not in ran.errors


async def test_the_audit_log_is_read_over_pages_up_to_the_limit(desk: Desk) -> None:
    await desk.signed_in()
    ran = await desk.run("audit", "--subject", "people/ada", "--since", "2023-11-01", "--outcome", "refused", "--limit", "3", "--json")
    assert ran.code == 0
    assert [line["entry_id"] for line in ran.lines()] == ["e0", "e1", "e2"]
    first, *_ = desk.services.asked
    assert first.subject == "people/ada"
    assert first.outcome == audit_pb2.AUDIT_OUTCOME_REFUSED
    assert first.interval.start_time.ToDatetime(UTC) == datetime(2023, 11, 1, tzinfo=UTC)
    assert set(desk.services.callers) == {"Bearer token-1"}


async def test_without_a_limit_all_of_it_is_read_as_a_table_that_is_not_cut(desk: Desk) -> None:
    await desk.signed_in()
    ran = await desk.run("audit", "--limit", "0")
    assert ran.code == 0
    assert ran.said.count("NOT_PERMITTED") == 6
    assert "2023-11-14T22:13:20+00:00" in ran.said
    assert "…" not in ran.said


async def test_a_good_file_is_imported_and_counted(desk: Desk) -> None:
    await desk.signed_in()
    name = desk.file("places.csv", "name,level\nmairie,building\nécole,building\n")
    ran = await desk.run("registry", "import", name, "--content", "places")
    assert (ran.code, ran.errors) == (0, "")
    assert "2 rows, 2 created, 0 updated, 0 unchanged, 0 refused" in ran.said
    assert desk.services.imported.decode() == (desk.folder / name).read_text()
    assert desk.services.described.content == registry_pb.REGISTRY_CONTENT_PLACES
    assert desk.services.described.format == registry_pb.REGISTRY_FORMAT_CSV


async def test_refused_rows_are_shown_written_and_make_the_exit_code_3(desk: Desk) -> None:
    await desk.signed_in()
    name = desk.file("places.csv", "name,level\n" + "".join(f"p{n},moon\n" for n in range(30)) + "p30,building\n")
    ran = await desk.run("registry", "import", name, "--content", "places", "--refused", "refused.csv", "--check")
    assert ran.code == 3
    assert ran.said.count("UNKNOWN_LEVEL") == 20
    assert "no such level: [moon]" in ran.said
    assert "10 more, all in refused.csv" in ran.said
    assert "checked, nothing kept: 31 rows, 1 created" in ran.said
    written = (desk.folder / "refused.csv").read_text().splitlines()
    assert len(written) == 31
    assert written[1] == '2,level,UNKNOWN_LEVEL,no such level: [moon],"p0,moon"'
    assert desk.services.described.validate_only


async def test_for_scripts_each_refused_row_is_a_line_of_json_and_the_counts_are_the_last(desk: Desk) -> None:
    await desk.signed_in()
    ran = await desk.run(
        "registry", "import", "-", "--content", "metering-points", "--format", "geojson", "--json", stdin=b"h\nx,moon\ny\n"
    )
    assert ran.code == 3
    refused, counts = ran.lines()
    assert (refused["event"], refused["line"], refused["row"]) == ("refused", 2, "x,moon")
    assert counts == {"event": "imported", "rows": 2, "created": 1, "updated": 0, "unchanged": 0, "refused": 1}
    assert desk.services.described.format == registry_pb.REGISTRY_FORMAT_GEOJSON


async def test_a_geojson_file_is_known_by_its_name_and_a_table_is_named(desk: Desk) -> None:
    await desk.signed_in()
    await desk.run("registry", "import", desk.file("places.geojson", "{}"), "--content", "places")
    assert desk.services.described.format == registry_pb.REGISTRY_FORMAT_GEOJSON
    await desk.run("registry", "import", desk.file("prices.csv", "a"), "--content", "reference-rows", "--table", "tariff-prices")
    assert (desk.services.described.content, desk.services.described.table) == (registry_pb.REGISTRY_CONTENT_REFERENCE_ROWS, 1)


async def test_an_import_starts_with_a_token_that_lives_long_enough_for_a_long_file(desk: Desk) -> None:
    desk.services.life = timedelta(minutes=2)
    await desk.signed_in()
    desk.services.life = timedelta(minutes=5)
    await desk.run("registry", "import", desk.file("places.csv", "name\n"), "--content", "places")
    assert desk.services.callers == ["Bearer token-2"]


async def test_an_export_goes_to_standard_output_or_whole_to_a_file(desk: Desk) -> None:
    await desk.signed_in()
    to_pipe = await desk.run("registry", "export", "--content", "places")
    assert (to_pipe.code, to_pipe.said) == (0, "name,level\nmairie-annexe,café\n")
    to_file = await desk.run("registry", "export", "--content", "places", "-o", "out.geojson", "--json")
    assert to_file.lines() == [{"event": "exported", "file": "out.geojson", "bytes": 31}]
    assert (desk.folder / "out.geojson").read_bytes().decode() == to_pipe.said
    assert desk.services.described.format == registry_pb.REGISTRY_FORMAT_GEOJSON


async def test_a_refused_export_leaves_what_was_there(desk: Desk) -> None:
    await desk.signed_in()
    desk.services.denied = True
    kept = desk.file("out.csv", "the former one")
    ran = await desk.run("registry", "export", "--content", "places", "-o", kept, "--json")
    assert (ran.code, ran.error()["reason"], ran.error()["domain"]) == (5, "NOT_PERMITTED", "access.multiflux")
    assert sorted(path.name for path in desk.folder.iterdir()) == ["config", "out.csv"]
    assert (desk.folder / kept).read_text() == "the former one"


async def test_a_service_that_is_away_exits_with_4(desk: Desk, free_port: int) -> None:
    await desk.signed_in()
    desk.environment["MULTIFLUX_METERING_TARGET"] = f"127.0.0.1:{free_port}"
    ran = await desk.run("registry", "export", "--content", "places")
    assert ran.code == 4
    assert "the service is away" in ran.errors


async def test_tokens_are_not_sent_in_plaintext_beyond_this_machine(desk: Desk) -> None:
    await desk.signed_in()
    desk.environment["MULTIFLUX_METERING_TARGET"] = "192.0.2.1:7302"
    ran = await desk.run("registry", "export", "--content", "places", "-o", "out.csv", "--json")
    assert (ran.code, ran.error()["reason"]) == (1, "PLAINTEXT_REFUSED")


async def test_a_wrong_setting_is_named(desk: Desk) -> None:
    desk.environment["MULTIFLUX_STOP_S"] = "soon"
    ran = await desk.run("status", "--json")
    assert (ran.code, ran.error()["reason"]) == (1, "SETTINGS_INVALID")
    assert "MULTIFLUX_STOP_S" in ran.error()["message"]


@pytest.mark.parametrize(
    "words", [[], ["up"], ["status"], ["token"], ["audit"], ["registry"], ["registry", "import"], ["registry", "export"]], ids=" ".join
)
async def test_every_command_has_help(desk: Desk, words: list[str]) -> None:
    ran = await desk.run(*words, "--help")
    assert ran.code == 0
    assert "Usage: multiflux" in ran.said
    if "registry" not in words[:-1]:
        assert "Exit codes: 0 all went well" in ran.said
