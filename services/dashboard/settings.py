"""The settings of the dashboard."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings, is_loopback


class DashboardSettings(ServiceSettings):
    """Read once at start, from `MULTIFLUX_DASHBOARD_…` and what the whole installation shares."""

    model_config = SettingsConfigDict(env_prefix="MULTIFLUX_DASHBOARD_", env_ignore_empty=True, extra="ignore")

    port: int = Field(8080, description="Port that the pages are served on.", ge=0, le=65535)
    metering_target: str = Field("127.0.0.1:7302", description="Where the metering service listens.")
    forecast_target: str = Field("127.0.0.1:7303", description="Where the forecast service listens.")
    lighting_target: str = Field("127.0.0.1:7304", description="Where the lighting service listens.")
    comparison_target: str = Field("127.0.0.1:7305", description="Where the comparison service listens.")
    territory: str = Field("demo", description="Territory whose pages are served.")
    issuer: str = Field(
        "", description="URL of the OIDC issuer that people sign in at, the same as access's; empty: the demo sign-in page."
    )
    client_id: str = Field("", description="This installation's client id at the OIDC issuer, the same as access's audience.")
    client_secret_file: Path | None = Field(None, description="File with the client secret at the OIDC issuer; empty: a public client.")
    public_url: str = Field("", description="URL under which browsers find these pages; the issuer sends people back to its /signed-in.")
    open_data_licence: str = Field(
        "Licence Ouverte / Open Licence 2.0 (Etalab)", description="Licence of the open data on the public page."
    )
    deadline_s: float = Field(30.0, description="Seconds that a page waits for a service before it says that the service is away.", gt=0)

    @property
    def https(self) -> bool:
        """Whether browsers come by https, so that cookies need never travel without."""
        return self.tls_certificate is not None or self.public_url.startswith("https:")

    @model_validator(mode="after")
    def _whole_issuer(self) -> Self:
        if self.issuer and not (self.client_id and self.public_url):
            raise ValueError("an issuer needs client_id and public_url")
        for url in (self.issuer, self.public_url):
            if url and not is_safe_url(url):
                raise ValueError(f"{url} must be an https URL, or an http URL of this machine")
        return self


def is_safe_url(url: str) -> bool:
    """Tell whether secrets may travel to an address: over TLS, or within this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")))
