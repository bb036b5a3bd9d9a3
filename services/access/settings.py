"""What the access service can be told."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from access.domain.subject_claims import is_safe_url
from runtime.settings import ServiceSettings
from vocabulary.names import InvalidName, checked_id


class AccessSettings(ServiceSettings, env_prefix="MULTIFLUX_ACCESS_"):
    """Settings of the access service."""

    port: int = Field(default=7301, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8301, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    issuer: str = Field(
        default="", description="URL of the OIDC issuer, as in its `iss` claim; empty: the local issuer signs demo people in."
    )
    audience: str = Field(default="", description="This installation's client id at the OIDC issuer, as in the `aud` claim.")
    jwks_url: str = Field(default="", description="URL of the issuer's public keys; empty: found by discovery.")
    admit_unknown: bool = Field(
        default=False, description="Whether an account that a territory does not know yet becomes a person of it, without any role."
    )
    operators: str = Field(
        default="", description="Accounts (`sub` claims at the issuer) that operate the platform, separated by spaces; all others do not."
    )
    demo_territory: str = Field(
        default="demo", description="Territory that gets a demo person for each role while the local issuer is on; empty: none."
    )
    services: str = Field(
        default="metering forecast lighting comparison supervision collector dashboard console",
        description="Services that may sign in, separated by spaces; each finds its secret in secrets/<service> in the data directory.",
    )
    service_secrets: Path | None = Field(
        default=None, description="Folder with a file for each service that holds its secret; empty: secrets in the data directory."
    )
    registry_target: str = Field(
        default="127.0.0.1:7302", description="Where the metering service listens, which has the registry; empty: none is followed."
    )
    occupancy_code_days: int = Field(default=60, ge=1, le=366, description="Days for which a posted occupancy code can be used.")
    refresh_hours: int = Field(default=12, ge=1, description="Hours after which a session that was not used is over.")
    session_days: int = Field(default=30, ge=1, description="Days after which a person must sign in again in any case.")

    @property
    def secrets_directory(self) -> Path:
        """Where keys and secrets are."""
        return self.data_directory / "secrets"

    @property
    def service_secrets_directory(self) -> Path:
        """Where the services' secrets are."""
        return self.service_secrets or self.secrets_directory

    @property
    def operator_subjects(self) -> tuple[str, ...]:
        """The accounts that operate the platform."""
        return tuple(self.operators.split())

    @property
    def service_ids(self) -> tuple[str, ...]:
        """The services that may sign in."""
        return tuple(self.services.split())

    @property
    def occupancy_code_lifetime(self) -> timedelta:
        """How long an occupancy code can be used."""
        return timedelta(days=self.occupancy_code_days)

    @model_validator(mode="after")
    def _whole_issuer(self) -> Self:
        if bool(self.issuer) != bool(self.audience):
            raise ValueError("issuer and audience go together")
        for url in (self.issuer, self.jwks_url):
            if url and not is_safe_url(url):
                raise ValueError(f"{url} must be an https URL, or an http URL of this machine")
        return self

    @field_validator("services")
    @classmethod
    def _ids(cls, services: str) -> str:
        for service in services.split():
            try:
                checked_id(service)
            except InvalidName as wrong:
                raise ValueError(wrong.message) from None
        return services
