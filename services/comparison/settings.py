"""What the comparison service can be told."""

from pydantic import Field

from runtime.settings import ServiceSettings


class ComparisonSettings(ServiceSettings, env_prefix="MULTIFLUX_COMPARISON_"):
    """Settings of the comparison service."""

    port: int = Field(default=7305, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8305, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    metering_target: str = Field(default="127.0.0.1:7302", description="Where the metering service listens, which has the registry.")
    months_back: int = Field(
        default=12, ge=1, le=36, description="Months that are closed when a territory is seen for the first time, before the latest one."
    )
    worker_processes: int = Field(default=1, ge=1, description="Processes that compute closings.")
    answers_per_minute: float = Field(default=60.0, gt=0, description="Answers a person gets a minute on the average.")
    answers_at_once: int = Field(default=60, ge=1, description="Answers a person gets at once after a pause.")
