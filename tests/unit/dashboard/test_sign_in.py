"""Signing in as a demo person: who may, what the cookie is like, and where each role starts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from dashboard_world import Services

from dashboard import sessions
from dashboard.sessions import COOKIE, Sessions
from vocabulary.names import PersonId


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


async def test_an_address_that_is_not_understood_says_which_part_in_the_readers_language(browser: httpx.AsyncClient) -> None:
    french, english = [await browser.get(f"/{language}/places/town?span=century") for language in ("fr", "en")]
    assert (french.status_code, english.status_code) == (400, 400)
    assert "vérifiez « span »" in french.text
    assert "check “span”" in english.text
    assert "century" not in french.text.split("<h1>")[1].split("</h1>")[0]
