"""Which services are started, and where they listen."""

import pytest

from console.programs import PROGRAMS, PortInvalid, Program, Speaks, environment_of, installed, programs


def test_each_service_stands_behind_those_that_it_needs() -> None:
    seen: set[str] = set()
    for program in PROGRAMS:
        assert set(program.after) <= seen
        seen.add(program.name)


def test_names_and_ports_are_given_once() -> None:
    assert len({program.name for program in PROGRAMS}) == len({program.port for program in PROGRAMS}) == len(PROGRAMS)


def test_access_starts_first_for_it_signs_everybody_in() -> None:
    assert PROGRAMS[0].name == "access"
    assert all("access" in program.after for program in PROGRAMS[1:])


def test_what_has_nothing_to_run_is_not_installed() -> None:
    assert installed("console")
    assert not installed("vocabulary")
    assert not installed("no_such_service")


def test_a_port_of_the_environment_goes_before_the_usual_one() -> None:
    (program,) = [program for program in programs({"MULTIFLUX_DASHBOARD_PORT": "8443"}) if program.name == "dashboard"]
    assert (program.address, program.url) == ("127.0.0.1:8443", "http://127.0.0.1:8443/")


def test_pages_over_tls_have_another_address() -> None:
    (program,) = [program for program in programs({"MULTIFLUX_TLS_CERTIFICATE": "own.pem"}) if program.name == "dashboard"]
    assert program.url == "https://127.0.0.1:8080/"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8080.0"])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(port: str) -> None:
    with pytest.raises(PortInvalid, match="MULTIFLUX_DASHBOARD_PORT"):
        programs({"MULTIFLUX_DASHBOARD_PORT": port})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.2", "127.0.0.2:1"),
        ("0.0.0.0", "127.0.0.1:1"),  # noqa: S104  # nobody binds it here
        ("::", "127.0.0.1:1"),
        ("::1", "[::1]:1"),
        ("meter.example", "meter.example:1"),
    ],
)
def test_an_address_is_one_that_can_be_dialled(host: str, address: str) -> None:
    assert Program(name="metering", port=1, after=(), host=host).address == address


def test_the_host_of_one_service_goes_before_that_of_all() -> None:
    environment = {"MULTIFLUX_HOST": "127.0.0.3", "MULTIFLUX_DASHBOARD_HOST": "127.0.0.4"}
    hosts = {program.name: program.host for program in programs(environment)}
    assert hosts.pop("dashboard") == "127.0.0.4"
    assert set(hosts.values()) <= {"127.0.0.3"}


def test_pages_have_a_link_and_other_services_an_address() -> None:
    assert Program(name="dashboard", port=80, after=(), speaks=Speaks.HTTP).url == "http://127.0.0.1:80/"
    assert Program(name="metering", port=80, after=()).url == "127.0.0.1:80"


def test_each_process_is_told_where_the_others_listen() -> None:
    access, metering = Program(name="access", port=1, after=()), Program(name="metering", port=2, after=("access",))
    environment = environment_of(metering, (access, metering), {"PATH": "/bin"})
    assert environment["PATH"] == "/bin"
    assert environment["MULTIFLUX_METERING_PORT"] == "2"
    assert environment["MULTIFLUX_METERING_ACCESS_TARGET"] == "127.0.0.1:1"


@pytest.mark.parametrize("variable", ["MULTIFLUX_ACCESS_TARGET", "MULTIFLUX_METERING_ACCESS_TARGET"])
def test_what_somebody_said_of_the_others_holds(variable: str) -> None:
    access, metering = Program(name="access", port=1, after=()), Program(name="metering", port=2, after=("access",))
    environment = environment_of(metering, (access, metering), {variable: "access.example:7301"})
    assert {environment.get(name) for name in ("MULTIFLUX_ACCESS_TARGET", "MULTIFLUX_METERING_ACCESS_TARGET")} == {
        "access.example:7301",
        None,
    }
