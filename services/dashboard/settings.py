"""The settings of the dashboard."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings


class DashboardSettings(ServiceSettings):
    """Read once at start, from `MULTIFLUX_DASHBOARD_…` and what the whole installation shares."""

    model_config = SettingsConfigDict(env_prefix="MULTIFLUX_DASHBOARD_", env_ignore_empty=True, extra="ignore")

    port: int = Field(8080, description="Port that the pages are served on.", ge=0, le=65535)
    metering_target: str = Field("127.0.0.1:7302", description="Where the metering service listens.")
    forecast_target: str = Field("127.0.0.1:7303", description="Where the forecast service listens.")
    lighting_target: str = Field("127.0.0.1:7304", description="Where the lighting service listens.")
    comparison_target: str = Field("127.0.0.1:7305", description="Where the comparison service listens.")
    territory: str = Field("demo", description="Territory whose pages are served, until sign-in chooses it.")
    demo_person: str = Field("administrator", description="Demo person of the local issuer who looks at the pages until somebody signs in.")
    deadline_s: float = Field(30.0, description="Seconds that a page waits for a service before it says that the service is away.", gt=0)
