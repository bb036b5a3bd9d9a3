"""The settings of the `multiflux` command."""

from pathlib import Path

import typer
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vocabulary.failure import Failure, Kind


class ConsoleSettings(BaseSettings):
    """Read once at start, from `MULTIFLUX_…`."""

    model_config = SettingsConfigDict(env_prefix="MULTIFLUX_", env_ignore_empty=True, extra="ignore", frozen=True)

    data_directory: Path = Field(default=Path("var"), description="Folder for databases, keys and logs.")
    access_target: str = Field(default="", description="Address of the access service; empty: where `multiflux up` starts it.")
    metering_target: str = Field(default="", description="Address of the metering service; empty: where `multiflux up` starts it.")
    lighting_target: str = Field(default="", description="Address of the lighting service; empty: where `multiflux up` starts it.")
    tls_authority: Path | None = Field(default=None, description="PEM file with the authority that signed the services' certificates.")
    console_service_secret_file: Path | None = Field(
        default=None, description="File with the secret that the command signs in with where access is on another machine; empty: none."
    )
    session_file: Path | None = Field(
        default=None, description="File that keeps who is signed in; empty: multiflux/session.json in the user's configuration."
    )
    stop_s: float = Field(
        default=15.0, gt=0, description="Seconds that a service may take to stop before it is killed; more than its drain time."
    )

    @property
    def session(self) -> Path:
        """The file that keeps who is signed in."""
        return self.session_file or Path(typer.get_app_dir("multiflux")) / "session.json"


class SettingsInvalid(Failure):
    """An environment variable holds what its setting cannot be."""

    reason, kind = "SETTINGS_INVALID", Kind.INVALID


def load() -> ConsoleSettings:
    """Read the settings from the environment; SettingsInvalid names every wrong variable."""
    try:
        return ConsoleSettings()
    except ValidationError as error:
        wrong = (
            f"MULTIFLUX_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_url=False, include_input=False)
        )
        raise SettingsInvalid("; ".join(wrong)) from None
