"""What the lighting service can be told."""

from uuid import UUID

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, FilePath, field_validator

from runtime.settings import ServiceSettings


class TalqGateway(BaseModel):
    """A gateway that speaks TALQ: the only place that says where one listens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: AnyHttpUrl
    """Its base URL."""
    token_file: FilePath | None = None
    """File with the bearer token that it is shown; none: it asks for none."""
    push_token_file: FilePath | None = None
    """File with the bearer token that it shows when it pushes; none: it may not."""
    authority: FilePath | None = None
    """PEM file with the authority that signed its certificate; none: one of the system's."""


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

    talq_gateways: dict[str, TalqGateway] = Field(
        default={},
        description='Gateways that speak TALQ, as JSON: {"<territory>/<gateway>": {"url", "token_file", "push_token_file", "authority"}}; '
        "only these are called.",
    )
    talq_address: UUID = Field(
        default=UUID("c3c0f9b4-52a7-4a0e-9e0b-6d0a5f6f7a11"),
        description="Address of this installation among TALQ's systems: give it one of its own.",
    )
    talq_port: int = Field(default=0, ge=0, le=65535, description="Port that TALQ gateways push to; 0: they do not, and are read.")
    talq_body_mib: int = Field(default=4, ge=1, le=64, description="Largest message that a TALQ gateway may push, in MiB.")
    talq_reading_s: float = Field(default=900.0, ge=1, description="Seconds between two readings of all devices of a TALQ gateway.")
    talq_reads_back: bool = Field(
        default=True,
        description="Whether an order is confirmed by reading back at once what devices follow; else by what the gateway tells.",
    )

    @field_validator("talq_gateways")
    @classmethod
    def _named_for_a_territory(cls, gateways: dict[str, TalqGateway]) -> dict[str, TalqGateway]:
        for name in gateways:
            if len(name.split("/")) != 2:  # noqa: PLR2004 - the territory, and the gateway in it
                raise ValueError(f"{name!r} is not of the form <territory>/<gateway>")
        if len({str(one.url).rstrip("/") for one in gateways.values()}) < len(gateways):
            raise ValueError("two gateways have the same URL")
        return gateways

    @property
    def mqtt_password(self) -> str:
        """The password for the broker; empty: none."""
        return self.mqtt_password_file.read_text("utf-8").strip() if self.mqtt_password_file else ""
