"""What the metering service can be told."""

from pydantic import Field

from runtime.settings import ServiceSettings


class MeteringSettings(ServiceSettings, env_prefix="MULTIFLUX_METERING_"):
    """Settings of the metering service, which has the registry too."""

    port: int = Field(default=7302, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8302, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    import_file_mib: int = Field(default=256, ge=1, le=4096, description="Largest registry file that is imported at once, in MiB.")
    reading_threads: int = Field(default=4, ge=1, description="Threads that check readings on their way in.")
    sender_readings_per_minute: float = Field(
        default=60_000_000,
        gt=0,
        description="Readings that one sender may send a minute in one territory; services have no limit.",
    )
    sender_burst_readings: int = Field(
        default=20_000_000, ge=1, description="Readings that one sender may send at once, before it is held to those per minute."
    )
    figure_threads: int = Field(default=2, ge=1, description="Threads that compute figures.")
