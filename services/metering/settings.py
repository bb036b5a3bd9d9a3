"""What the metering service can be told."""

from pydantic import Field

from runtime.settings import ServiceSettings


class MeteringSettings(ServiceSettings, env_prefix="MULTIFLUX_METERING_"):
    """Settings of the metering service, which has the registry too."""

    port: int = Field(default=7302, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8302, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    import_file_mib: int = Field(default=256, ge=1, le=4096, description="Largest registry file that is imported at once, in MiB.")
    reading_threads: int = Field(default=4, ge=1, description="Threads that check readings on their way in.")
    figure_threads: int = Field(default=2, ge=1, description="Threads that compute figures.")
