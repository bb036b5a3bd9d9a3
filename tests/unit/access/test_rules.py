"""Small rules of access."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from access.domain.actor import Actor, NotPermitted, Visible, visible
from access.domain.audit import AuditView, audit_view
from access.domain.consent import Purpose, fits
from access.domain.grant import TokenGrant
from access.domain.ids import PLATFORM
from access.domain.occupancy import overlap
from access.domain.subject_claims import is_safe_url
from access.settings import AccessSettings
from access.wire.entry import is_on_this_machine
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DEMO = TerritoryId("demo")


def actor(*grants: TokenGrant, subject: str = "people/x") -> Actor:
    return Actor(subject=subject, grants=grants, at=NOW)


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("ipv4:127.0.0.1:4711", True),
        ("ipv4:127.1.2.3:4711", True),
        ("ipv6:%5B::1%5D:4711", True),
        ("ipv6:[::1]:4711", True),
        ("unix:/run/multiflux", True),
        ("unix:", True),
        ("ipv4:192.0.2.1:4711", False),
        ("ipv6:%5B2001:db8::1%5D:4711", False),
        ("ipv4:127.0.0.1.example.org:1", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_peer_is_on_this_machine_or_not(peer: str, here: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_on_this_machine(peer) is here


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://issuer.example", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("http://issuer.example", False),
        ("http://127.0.0.1.example.org", False),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url: str, safe: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_safe_url(url) is safe


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "https://issuer.example"}, {"audience": "x"}, {"issuer": "http://issuer.example", "audience": "x"}],
)
def test_half_an_issuer_or_an_unsafe_one_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AccessSettings(port=0, **wrong)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Validity(), Validity(), Validity()),
        (Validity(start=NOW), Validity(end=NOW + DAY), Validity(start=NOW, end=NOW + DAY)),
        (Validity(end=NOW), Validity(start=NOW), None),
        (Validity(start=NOW, end=NOW + DAY), Validity(start=NOW - DAY, end=NOW + 2 * DAY), Validity(start=NOW, end=NOW + DAY)),
    ],
)
def test_what_two_validities_share(one: Validity, other: Validity, both: Validity | None) -> None:
    assert overlap(one, other) == both == overlap(other, one)


def test_daily_display_needs_nothing_finer_than_a_day() -> None:
    assert {granularity for granularity in Granularity if fits(Purpose.DISPLAY_DAILY, granularity)} == {
        Granularity.DAY,
        Granularity.GAS_DAY,
        Granularity.WEEK,
        Granularity.MONTH,
        Granularity.HEATING_SEASON,
        Granularity.YEAR,
    }
    assert not any(fits(Purpose.DISPLAY_DAILY, granularity) and fits(Purpose.DISPLAY_SUBDAILY, granularity) for granularity in Granularity)


def test_a_service_sees_all_a_person_its_own_and_a_local_administrator_its_places() -> None:
    home = PlaceId("home")
    service = actor(TokenGrant(role=Role.SERVICE), subject="services/metering")
    assert visible(service, Role.SERVICE).everything
    assert visible(actor(), Role.SERVICE) == Visible(everything=False, person=actor().person)
    local = actor(TokenGrant(role=Role.ADMINISTRATOR, place=home))
    seen = visible(local, Role.ADMINISTRATOR, within=Role.ADMINISTRATOR)
    assert seen == Visible(everything=False, person=local.person, places=frozenset({home}))
    ended = actor(TokenGrant(role=Role.ADMINISTRATOR, validity=Validity(end=NOW)))
    assert not visible(ended, Role.ADMINISTRATOR).everything


def test_a_service_is_no_person() -> None:
    with pytest.raises(NotPermitted):
        _ = actor(subject="services/metering").person


def test_who_sees_which_audit_entries() -> None:
    administrator = actor(TokenGrant(role=Role.ADMINISTRATOR))
    local = actor(TokenGrant(role=Role.ADMINISTRATOR, place=PlaceId("home")))
    operator = actor(TokenGrant(role=Role.PLATFORM_OPERATOR))
    assert audit_view(administrator, DEMO, "people/y") == AuditView(concerning="", subject="people/y", nowhere=False)
    assert audit_view(local, DEMO, "") == AuditView(concerning="people/x", subject="", nowhere=False)
    assert audit_view(operator, DEMO, "") == AuditView(concerning="people/x", subject="", nowhere=False)
    assert audit_view(operator, PLATFORM, "") == AuditView(concerning="", subject="", nowhere=True)
    for somebody in (local, operator, actor()):
        with pytest.raises(NotPermitted):
            audit_view(somebody, DEMO, "people/y")
