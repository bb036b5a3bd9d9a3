"""What the metering service can be told."""

from pathlib import Path

from pydantic import Field, FilePath

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
    influx_url: str = Field(
        default="",
        description="InfluxDB 2 that keeps the readings, such as https://influx.example:8086; empty: they are kept in a file here.",
    )
    influx_token_file: FilePath | None = Field(
        default=None,
        description="File with the token for InfluxDB, which may make buckets; a server that nobody has set up takes it as its first.",
    )
    influx_organisation: str = Field(default="multiflux", description="Organisation in InfluxDB; it is made where there is none.")
    influx_bucket_prefix: str = Field(default="multiflux-", description="Begins the name of each territory's bucket in InfluxDB.")
    influx_retention_days: int = Field(default=0, ge=0, description="Days for which InfluxDB keeps readings; 0 keeps them for ever.")
    influx_timeout_s: float = Field(default=30.0, gt=0, description="Seconds that one call of InfluxDB may take.")
    figure_threads: int = Field(default=2, ge=1, description="Threads that compute figures.")

    @property
    def series_file(self) -> Path:
        """The file of the series store, or of its journal."""
        return self.data_directory / "series.sqlite"
