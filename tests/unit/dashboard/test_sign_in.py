"""Signing in as a demo person: who may, what the cookie is like, and where each role starts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import grpc
import httpx
import pytest

from dashboard import sessions
from dashboard.app import build
from dashboard.gateway import Gateway
from dashboard.sessions import COOKIE, Sessions
from dashboard.settings import DashboardSettings
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Occupancy
from multiflux_client.places import Territory
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId


@dataclass
class Services:
    """A town of which each person is told where it starts; an issuer may be configured, which ends the demo."""

    person: PersonId = PersonId("administrator")
    issuer: bool = False
    homes: tuple[PlaceId, ...] = (PlaceId("flat"),)
    signed: list[PersonId] = field(default_factory=list[PersonId])

    @property
    def registry(self) -> Any:
        async def territory() -> Territory:
            if self.issuer and self.person in self.signed:
                raise RemoteFailure("an issuer is configured", code=grpc.StatusCode.PERMISSION_DENIED)
            return Territory(display_name="Town", root_place=PlaceId("town"))

        return SimpleNamespace(territory=territory)

    @property
    def access(self) -> Any:
        async def occupancies() -> AsyncIterator[Occupancy]:
            for home in self.homes:
                yield Occupancy(person=self.person, premise=home, validity=Validity())

        return SimpleNamespace(occupancies=occupancies)

    def signed_in(self, person: PersonId) -> "Services":
        self.signed.append(person)
        return Services(person=person, issuer=self.issuer, homes=self.homes, signed=self.signed)

    async def close(self) -> None:
        pass


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
async def browser(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(Gateway, "open", lambda _: services)
    site = httpx.ASGITransport(app=build(DashboardSettings.model_validate({})))
    async with httpx.AsyncClient(transport=site, base_url="http://town.example") as client:
        yield client


@pytest.mark.parametrize(
    ("person", "start"),
    [
        ("household", "/fr/places/flat"),
        ("delegate", "/fr/places/flat"),
        ("lighting-operator", "/fr/lighting"),
        ("administrator", "/fr/places/town"),
    ],
)
async def test_each_role_starts_on_its_own_page(browser: httpx.AsyncClient, person: str, start: str) -> None:
    answer = await browser.post("/fr/sign-in", data={"person": person})
    assert (answer.status_code, answer.headers["location"]) == (303, "/fr/")
    assert (await browser.get("/fr/")).headers["location"] == start


async def test_the_cookie_is_for_this_site_alone_and_hidden_from_scripts(browser: httpx.AsyncClient) -> None:
    cookie = (await browser.post("/fr/sign-in", data={"person": "household"})).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "household" not in cookie


async def test_the_page_lists_one_person_of_each_role_in_both_languages(browser: httpx.AsyncClient) -> None:
    assert "Foyer" in (await browser.get("/fr/sign-in")).text
    assert (await browser.get("/en/sign-in")).text.count("<button") == 6


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}])
async def test_another_site_signs_nobody_in_or_out(browser: httpx.AsyncClient, services: Services, headers: dict[str, str]) -> None:
    assert (await browser.post("/fr/sign-in", data={"person": "household"}, headers=headers)).status_code == 403
    assert services.signed == []


async def test_nobody_else_than_a_demo_person_signs_in(browser: httpx.AsyncClient, services: Services) -> None:
    for person in ("platform-operator", "collector", ""):
        assert (await browser.post("/fr/sign-in", data={"person": person})).status_code == 403
    assert services.signed == []


async def test_where_an_issuer_is_configured_access_refuses_and_there_is_no_session(browser: httpx.AsyncClient, services: Services) -> None:
    services.issuer = True
    answer = await browser.post("/fr/sign-in", data={"person": "household"})
    assert (answer.status_code, COOKIE in browser.cookies) == (403, False)


async def test_signing_out_needs_the_forms_own_word_and_ends_the_session(browser: httpx.AsyncClient) -> None:
    await browser.post("/fr/sign-in", data={"person": "lighting-operator"})
    assert (await browser.post("/fr/sign-out", data={"form_token": "guessed"})).status_code == 403
    assert (await browser.get("/fr/")).headers["location"] == "/fr/lighting"
    page = (await browser.get("/fr/sign-in")).text
    token = page.split('name="form_token" value="')[1].split('"')[0]
    old = browser.cookies[COOKIE]
    assert (await browser.post("/fr/sign-out", data={"form_token": token})).status_code == 303
    browser.cookies.set(COOKIE, old)
    assert (await browser.get("/fr/")).headers["location"] == "/fr/places/town"


async def test_a_household_without_a_home_is_told_what_to_do(browser: httpx.AsyncClient, services: Services) -> None:
    services.homes = ()
    await browser.post("/en/sign-in", data={"person": "household"})
    page = await browser.get("/en/")
    assert page.status_code == 200
    assert "code that came by post" in page.text


def test_sessions_end_by_themselves_and_the_oldest_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = Sessions()
    numbers = [kept.begin(PersonId("household"), None) for _ in range(3)]
    assert len(set(numbers)) == 3
    monkeypatch.setattr(sessions, "_MOST", 3)
    kept.begin(PersonId("household"), None)
    assert kept.of(numbers[0]) is None
    session = kept.of(numbers[1])
    assert session is not None
    assert session.ends > datetime.now(UTC) + timedelta(hours=11)
    monkeypatch.setattr(sessions, "LIFETIME", timedelta(seconds=-1))
    assert kept.of(kept.begin(PersonId("household"), None)) is None
    assert kept.of(None) is None
