"""The services that the supervisor starts: a new service is one line here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from importlib.util import find_spec


class Speaks(Enum):
    """How a service answers whether it is healthy."""

    GRPC = auto()
    """By the gRPC health protocol."""
    HTTP = auto()
    """By 200 on `/healthz`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A service as a process: `python -m {name}`, listening on `port` of `host`, started when the services named in `after` are healthy."""

    name: str
    port: int
    after: tuple[str, ...]
    speaks: Speaks = Speaks.GRPC
    host: str = "127.0.0.1"
    tls: bool = False

    @property
    def address(self) -> str:
        """Where it listens, as `host:port`; a wildcard host is reached on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  # read, not bound
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as people write it: a link for pages."""
        return f"{'https' if self.tls else 'http'}://{self.address}/" if self.speaks is Speaks.HTTP else self.address

    @property
    def port_variable(self) -> str:
        """The environment variable that sets its port."""
        return f"MULTIFLUX_{self.name.upper()}_PORT"


PROGRAMS = (
    Program(name="access", port=7301, after=()),
    Program(name="metering", port=7302, after=("access",)),
    Program(name="forecast", port=7303, after=("access", "metering")),
    Program(name="lighting", port=7304, after=("access", "metering")),
    Program(name="comparison", port=7305, after=("access", "metering")),
    Program(name="dashboard", port=8080, after=("access", "metering", "forecast", "comparison"), speaks=Speaks.HTTP),
)


class PortInvalid(ValueError):  # named like the failures of the services
    """An environment variable holds what cannot be a port."""


def programs(environment: Mapping[str, str]) -> tuple[Program, ...]:
    """Return the services that are installed, where the environment says that they listen; PortInvalid."""
    return tuple(_configured(program, environment) for program in PROGRAMS if installed(program.name))


def environment_of(program: Program, all_programs: Sequence[Program], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a service's process: the given one, its port, and where the others listen unless that is said there."""
    told = {program.port_variable: str(program.port), "PYTHONUNBUFFERED": "1"}
    for other in all_programs:
        for_all, for_this = f"MULTIFLUX_{other.name.upper()}_TARGET", f"MULTIFLUX_{program.name.upper()}_{other.name.upper()}_TARGET"
        if not environment.get(for_all) and not environment.get(for_this):
            told[for_this] = other.address
    return {**environment, **told}


def installed(name: str) -> bool:
    """Tell whether `python -m name` would find something to run."""
    try:
        return find_spec(f"{name}.__main__") is not None
    except ModuleNotFoundError:
        return False


def _configured(program: Program, environment: Mapping[str, str]) -> Program:
    def setting(field: str) -> str:
        # As the services read it: the service's own variable, then the installation's.
        return environment.get(f"MULTIFLUX_{program.name.upper()}_{field}", "") or environment.get(f"MULTIFLUX_{field}", "")

    port = environment.get(program.port_variable, "") or str(program.port)
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise PortInvalid(f"{program.port_variable} is {port!r}, which is not a port")
    return replace(program, port=int(port), host=setting("HOST") or program.host, tls=bool(setting("TLS_CERTIFICATE")))
