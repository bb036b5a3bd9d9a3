"""What containers trust each other by."""

import runpy
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

KEYS: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "deploy" / "keys.py"))
NOW = datetime.now(UTC)


def made(folder: Path, *, now: datetime = NOW, public_names: tuple[str, ...] = ()) -> list[str]:
    return KEYS["make_all"](folder, now=now, public_names=public_names)


def certificate(folder: Path, reader: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / reader / "certificate.pem").read_bytes())


def names(folder: Path, reader: str) -> list[str]:
    held = certificate(folder, reader).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in held]


def test_every_reader_has_a_certificate_of_the_authority_that_all_trust(tmp_path: Path) -> None:
    readers = made(tmp_path)
    authority = certificate(tmp_path, "authority")
    for reader in readers:
        certificate(tmp_path, reader).verify_directly_issued_by(authority)
        context = ssl.create_default_context(cafile=tmp_path / reader / "authority.pem")
        context.load_cert_chain(tmp_path / reader / "certificate.pem", tmp_path / reader / "key.pem")
        assert names(tmp_path, reader)[0] == reader


def test_the_key_of_the_authority_is_in_its_own_folder_alone(tmp_path: Path) -> None:
    made(tmp_path)
    key = (tmp_path / "authority" / "key.pem").read_bytes()
    assert [file for file in tmp_path.rglob("*.pem") if file.read_bytes() == key] == [tmp_path / "authority" / "key.pem"]


def test_secrets_reach_those_that_must_know_them_and_nobody_else(tmp_path: Path) -> None:
    made(tmp_path)
    for service in KEYS["CALLERS"]:
        secret = (tmp_path / service / "service-secret").read_text()
        holders = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file() and file.read_text() == secret}
        assert holders == {f"{service}/service-secret", f"access/services/{service}"}
    for service in KEYS["KEEPERS"]:
        password = (tmp_path / service / "database-password").read_text()
        holders = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file() and file.read_text() == password}
        assert holders == {f"{service}/database-password", f"postgres/passwords/{service}"}


def test_nobody_but_its_owner_reads_a_folder(tmp_path: Path) -> None:
    for reader in (*made(tmp_path), "authority"):
        for path in (tmp_path / reader, *(tmp_path / reader).rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert made(tmp_path, now=NOW + timedelta(days=300)) == []
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_certificate_is_made_anew_in_time_and_for_other_names(tmp_path: Path) -> None:
    everybody = made(tmp_path)
    assert made(tmp_path, public_names=("town.example",)) == ["dashboard"]
    assert "town.example" in names(tmp_path, "dashboard")
    assert made(tmp_path, now=NOW + timedelta(days=370), public_names=("town.example",)) == everybody


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    made(tmp_path / "one")
    made(tmp_path / "other")
    for name in ("certificate.pem", "key.pem", "authority.pem"):
        target = tmp_path / "one" / "access" / name
        target.unlink()
        target.write_bytes((tmp_path / "other" / "access" / name).read_bytes())
    assert made(tmp_path / "one") == ["access"]


@pytest.mark.parametrize("reader", ["access", "postgres"])
def test_certificates_are_for_the_name_in_the_network_and_for_health_checks_inside(tmp_path: Path, reader: str) -> None:
    made(tmp_path)
    assert names(tmp_path, reader) == [reader, "localhost", "127.0.0.1"]
