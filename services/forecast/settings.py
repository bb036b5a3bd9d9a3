"""What the forecast service can be told."""

from pydantic import Field

from runtime.settings import ServiceSettings


class ForecastSettings(ServiceSettings, env_prefix="MULTIFLUX_FORECAST_"):
    """Settings of the forecast service."""

    port: int = Field(default=7303, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8303, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    metering_target: str = Field(default="127.0.0.1:7302", description="Where the metering service listens, which has the registry.")
    lighting_target: str = Field(default="127.0.0.1:7304", description="Where the lighting service listens, whose plans are known ahead.")
    worker_processes: int = Field(default=1, ge=1, description="Processes that compute forecasts.")
    refresh_hours: float = Field(default=6.0, gt=0, description="Hours after which the forecasts of a territory are made anew.")
    whole_days: int = Field(default=7, ge=0, description="Days for which older forecasts keep their mean and all quantiles.")
    kept_days: int = Field(default=400, ge=1, description="Days after which an older forecast is forgotten.")
    weather_error_celsius: float = Field(
        default=2.0, ge=0, description="How far weather forecasts are off a week ahead, as a root mean square, in degrees Celsius."
    )
