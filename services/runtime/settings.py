"""Settings: read from the environment once, at start; one sentence each."""

import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, FilePath, ValidationError, create_model, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from runtime.events import BrokerAddress
from runtime.poisoned import Retries
from vocabulary.failure import Failure, FieldViolation, Kind

INSTALLATION_PREFIX = "MULTIFLUX_"
_ONE_SERVICE_ONLY = frozenset({"port", "metrics_port", "database_url", "database_password_file", "service_secret_file"})
"""Two services cannot share these, so each is set for one service alone."""


class SettingsInvalid(Failure):
    """An environment variable holds what its setting cannot be."""

    reason, kind = "SETTINGS_INVALID", Kind.INVALID


class ServiceSettings(BaseSettings):
    """What every service can be told.

    A service's own class, with its ports and further fields, is made with `env_prefix="MULTIFLUX_<SERVICE>_"`.

    Most fields are read for the whole installation too, as `MULTIFLUX_<FIELD>`; the service's own variable wins.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on; beyond this machine, TLS is needed.")
    port: int = Field(ge=0, le=65535, description="Port for gRPC; 0 takes any free one.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port for Prometheus on this machine; 0 switches it off.")
    tls_certificate: FilePath | None = Field(default=None, description="PEM file with the service's certificate chain.")
    tls_key: FilePath | None = Field(default=None, description="PEM file with the key of the certificate.")
    tls_authority: FilePath | None = Field(
        default=None,
        description="PEM file with the authority that signed the certificates of the other services and of the database server; "
        "empty: the system's authorities.",
    )
    drain_s: float = Field(default=10.0, ge=0, description="Seconds granted to running calls after SIGTERM.")
    data_directory: Path = Field(default=Path("var"), description="Folder for databases and keys.")
    database_url: str = Field(
        default="",
        description="Database of the service, sqlite:///path or postgresql+pg8000://user@host/name; empty: SQLite in the data directory.",
    )
    database_password_file: FilePath | None = Field(
        default=None, description="File with the password for the database server; empty: none, or the one in the URL."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least important level that is logged.")
    log_format: Literal["json", "text"] = Field(default="json", description="How log lines look: json or text.")
    access_target: str = Field(default="127.0.0.1:7301", description="Where the access service listens.")
    service_secret_file: Path | None = Field(
        default=None, description="File with the secret that the service signs in with; empty: secrets/<service> in the data directory."
    )
    broker_url: str = Field(
        default="",
        description="RabbitMQ, amqp://user@host/vhost or amqps://…, through which workers get events; empty: each service handles its own.",
    )
    broker_password_file: FilePath | None = Field(
        default=None, description="File with the password of the broker's user; empty: it is in the address."
    )
    broker_messages: int = Field(default=4, ge=1, description="Messages that one worker handles at once.")
    event_retries_s: tuple[float, ...] = Field(
        default=(5.0, 60.0, 600.0), min_length=1, description="Seconds that an event waits before each further try, before it is poisoned."
    )
    calls_per_minute: float = Field(default=1_200.0, gt=0, description="Calls that one caller may make per minute, over time.")
    call_burst: int = Field(default=400, ge=1, description="Calls that one caller may make at once.")
    read_threads: int = Field(default=4, ge=1, description="Threads that read the database.")
    max_message_mib: int = Field(default=8, ge=1, le=1024, description="Largest message that is accepted, in MiB.")
    event_retention_days: int = Field(default=30, ge=1, description="Days for which events are kept for consumers that were away.")
    request_retention_days: int = Field(default=7, ge=1, description="Days for which the answer to a request id is kept.")

    @classmethod
    def service_name(cls) -> str:
        """Return the service's name, the middle of its prefix, such as `metering`."""
        return _service_of(cls)

    @property
    def store_url(self) -> str:
        """The database to open; of a server with the password, and with the authority that must have signed its certificate."""
        if not self.database_url:
            return f"sqlite:///{self.data_directory / f'{self.service_name()}.sqlite'}"
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite":
            return self.database_url
        if self.database_password_file is not None:
            url = url.set(password=self.database_password_file.read_text(encoding="utf-8").strip())
        if self.tls_authority is not None:
            url = url.update_query_dict({"tls_authority": str(self.tls_authority)})
        return url.render_as_string(hide_password=False)

    @property
    def broker(self) -> BrokerAddress | None:
        """Where the broker is; None where there is none."""
        if not self.broker_url:
            return None
        return BrokerAddress(url=self.broker_url, password_file=self.broker_password_file, authority=self.tls_authority)

    @property
    def retries(self) -> Retries:
        """When events that failed are tried again."""
        return Retries(pauses=tuple(timedelta(seconds=pause) for pause in self.event_retries_s))

    @property
    def secret_file(self) -> Path:
        """The file with the service's secret."""
        return self.service_secret_file or self.data_directory / "secrets" / self.service_name()

    @field_validator("database_url")
    @classmethod
    def _readable(cls, database_url: str) -> str:
        try:
            if database_url:
                make_url(database_url)
        except ArgumentError:
            # Without the URL, which may hold a password.
            raise ValueError("is no database URL such as postgresql+pg8000://user@host/name") from None
        return database_url

    @model_validator(mode="after")
    def _safe_to_listen(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.broker_url and not self.broker_url.startswith(("amqp://", "amqps://")):
            raise ValueError("broker_url begins with amqp:// or amqps://")
        if not is_loopback(self.host) and self.tls_certificate is None:
            raise ValueError(f"host {self.host} is reached from other machines: set tls_certificate and tls_key")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the service's variables, then the installation's; there is no other way to configure."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _InstallationSource(settings_cls, env_prefix=INSTALLATION_PREFIX, env_ignore_empty=True)


class _InstallationSource(EnvSettingsSource):
    """`MULTIFLUX_<FIELD>`, for fields that the whole installation can share."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if _is_shared(name)}


S = TypeVar("S", bound=ServiceSettings)


def load(settings: type[S]) -> S:
    """Read the settings from the environment; SettingsInvalid names every wrong variable."""
    try:
        return settings()  # pyright: ignore[reportCallIssue] - the environment gives what has no default
    except ValidationError as error:
        violations = tuple(
            FieldViolation(field=(_prefix(settings) + ".".join(map(str, e["loc"]))).upper().rstrip("_"), description=e["msg"])
            for e in error.errors(include_url=False, include_input=False)
        )
        raise SettingsInvalid("; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations) from None


def worker_settings(settings: type[S]) -> type[S]:
    """Return the settings of a service's workers: its own, but for the ports, `MULTIFLUX_<SERVICE>_WORKER_PORT` and `…_METRICS_PORT`."""
    prefix = f"{_prefix(settings)}WORKER_"
    ports: dict[str, Any] = {
        name: (int, Field(default=0, ge=0, le=65535, validation_alias=f"{prefix}{name.upper()}")) for name in ("port", "metrics_port")
    }
    return create_model(f"{settings.__name__}OfWorkers", __base__=settings, **ports)


def is_loopback(host: str) -> bool:
    """Tell whether `host` can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def env_example(*settings: type[BaseSettings]) -> str:
    """Return an environment file that names every setting of the services and of the command, with its sentence and its default."""
    sections = [_section("Every service; MULTIFLUX_<SERVICE>_… sets it for one.", INSTALLATION_PREFIX, _shared_fields())]
    sections += [_section(_title(each), _prefix(each), _own_fields(each)) for each in settings]
    return "# Settings of multiflux with their defaults: remove the # before a name to change it.\n\n" + "\n".join(sections)


def _title(settings: type[BaseSettings]) -> str:
    name = _service_of(settings)
    return f"The {name} service." if name else "The multiflux command."


def _section(title: str, prefix: str, fields: Iterator[tuple[str, FieldInfo]]) -> str:
    lines = [f"## {title}\n"]
    for name, field in fields:
        lines.append(f"# {field.description}\n#{prefix}{name.upper()}={_default(field)}\n")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    default = None if field.is_required() else field.get_default()
    if isinstance(default, tuple):
        return json.dumps(default)
    return "" if default is None else str(default)


def _shared_fields() -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in ServiceSettings.model_fields.items() if _is_shared(name))


def _own_fields(settings: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    listed = issubclass(settings, ServiceSettings) or _prefix(settings) == INSTALLATION_PREFIX
    return ((name, field) for name, field in settings.model_fields.items() if not (listed and _is_shared(name)))


def _is_shared(name: str) -> bool:
    return name in ServiceSettings.model_fields and name not in _ONE_SERVICE_ONLY


def _service_of(settings: type[BaseSettings]) -> str:
    return _prefix(settings).removeprefix(INSTALLATION_PREFIX).rstrip("_").lower()


def _prefix(settings: type[BaseSettings]) -> str:
    return settings.model_config.get("env_prefix", "")
