"""What the lighting service can be told."""

from pydantic import Field, FilePath

from runtime.settings import ServiceSettings


class LightingSettings(ServiceSettings, env_prefix="MULTIFLUX_LIGHTING_"):
    """Settings of the lighting service."""

    port: int = Field(default=7304, ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=8304, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    metering_target: str = Field(default="127.0.0.1:7302", description="Where the metering service listens, which has the registry.")
    import_file_mib: int = Field(default=64, ge=1, le=1024, description="Largest inventory file that is imported at once, in MiB.")
    plan_threads: int = Field(default=2, ge=1, description="Threads that resolve and rehearse plans.")
    emission_method: str = Field(
        default="production-direct", description="Method of the emission factors that rehearsals reckon with, as in the registry's table."
    )
    emission_usage: str = Field(default="all", description="Usage of the emission factors that rehearsals reckon with.")
    mqtt_host: str = Field(default="", description="Broker of the cabinets' gateways that speak MQTT; empty: none do.")
    mqtt_port: int = Field(default=1883, ge=1, le=65535, description="Port of that broker.")
    mqtt_username: str = Field(default="", description="Name that the broker knows the lighting service by.")
    mqtt_password_file: FilePath | None = Field(default=None, description="File with the password for the broker.")
    mqtt_authority: FilePath | None = Field(
        default=None, description="PEM file with the authority that signed the broker's certificate; empty: no TLS."
    )
    order_first_wait_s: float = Field(
        default=5.0, gt=0, description="Seconds until an unanswered order is sent again; doubles with each time."
    )
    order_longest_wait_s: float = Field(default=300.0, gt=0, description="Longest pause between two times.")

    @property
    def mqtt_password(self) -> str:
        """The password for the broker; empty: none."""
        return self.mqtt_password_file.read_text("utf-8").strip() if self.mqtt_password_file else ""
