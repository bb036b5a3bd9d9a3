"""Settings: where they come from, what they refuse, and the file that names them all."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError
from sqlalchemy import make_url

from runtime.settings import ServiceSettings, SettingsInvalid, env_example, load


class WaterSettings(ServiceSettings, env_prefix="MULTIFLUX_WATER_"):
    port: int = Field(default=7399, ge=0, le=65535, description="Port for gRPC.")
    pumps: int = Field(default=3, description="How many pumps there are.")


def test_the_services_variable_wins_over_the_installations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIFLUX_DRAIN_S", "7")
    monkeypatch.setenv("MULTIFLUX_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("MULTIFLUX_WATER_DRAIN_S", "9")
    settings = load(WaterSettings)
    assert (settings.drain_s, settings.log_level) == (9.0, "DEBUG")


def test_what_two_services_cannot_share_is_set_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "METRICS_PORT", "DATABASE_URL", "SERVICE_SECRET_FILE", "PUMPS"):
        monkeypatch.setenv(f"MULTIFLUX_{name}", "1")
    settings = load(WaterSettings)
    assert (settings.port, settings.metrics_port, settings.database_url, settings.pumps) == (7399, 0, "", 3)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIFLUX_WATER_PORT", "")
    assert load(WaterSettings).port == 7399


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIFLUX_WATER_PORT", "http")
    monkeypatch.setenv("MULTIFLUX_LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsInvalid) as caught:
        load(WaterSettings)
    assert {violation.field for violation in caught.value.violations} == {"MULTIFLUX_WATER_PORT", "MULTIFLUX_WATER_LOG_LEVEL"}


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load(WaterSettings).port = 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_needs_no_tls(host: str) -> None:
    assert WaterSettings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - refused
def test_other_machines_need_tls(host: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="tls_certificate"):
        WaterSettings(host=host)
    pem = tmp_path / "pem"
    pem.touch()
    assert WaterSettings(host=host, tls_certificate=pem, tls_key=pem).host == host


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    pem.touch()
    with pytest.raises(ValidationError, match="go together"):
        WaterSettings(tls_certificate=pem)


def test_places_follow_the_service_and_its_data_directory() -> None:
    settings = WaterSettings(data_directory=Path("data"))
    assert settings.store_url == "sqlite:///data/water.sqlite"
    assert settings.secret_file == Path("data/secrets/water")
    assert WaterSettings(database_url="postgresql+pg8000://h/d").store_url == "postgresql+pg8000://h/d"


def test_a_database_server_is_told_the_password_and_the_authority(tmp_path: Path) -> None:
    password, authority = tmp_path / "password", tmp_path / "authority.pem"
    password.write_text("p@ss/word\n")
    authority.touch()
    settings = WaterSettings(database_url="postgresql+pg8000://water@store/water", database_password_file=password, tls_authority=authority)
    url = make_url(settings.store_url)
    assert (url.password, url.query["tls_authority"], url.host) == ("p@ss/word", str(authority), "store")


def test_a_file_of_sqlite_needs_neither(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.touch()
    assert WaterSettings(database_url="sqlite:///a b.sqlite", tls_authority=authority).store_url == "sqlite:///a b.sqlite"


def test_what_is_no_database_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="database URL"):
        WaterSettings(database_url="the usual one")


def test_the_example_names_every_setting_with_its_sentence_and_default() -> None:
    lines = env_example(WaterSettings).splitlines()
    assert lines[lines.index("#MULTIFLUX_WATER_PUMPS=3") - 1] == "# How many pumps there are."
    assert "#MULTIFLUX_WATER_PORT=7399" in lines
    assert "#MULTIFLUX_DRAIN_S=10.0" in lines
    assert "#MULTIFLUX_TLS_KEY=" in lines
    names = [line.partition("=")[0] for line in lines if line.startswith("#MULTIFLUX")]
    assert len(names) == len(set(names)) == len(WaterSettings.model_fields)


def test_the_example_uncommented_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(WaterSettings)
    for line in env_example(WaterSettings).splitlines():
        if line.startswith("#MULTIFLUX"):
            name, _, value = line[1:].partition("=")
            monkeypatch.setenv(name, value)
    assert load(WaterSettings) == before
