"""Signing in as a demo person: who may, what the cookie is like, and where each role starts."""

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from dashboard_world import Services

from dashboard import sessions
from dashboard.sessions import COOKIE, Sessions


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
    assert "samesite=lax" in cookie
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


async def test_where_access_has_an_issuer_it_refuses_and_there_is_no_session(browser: httpx.AsyncClient, services: Services) -> None:
    services.issuer = True
    answer = await browser.post("/fr/sign-in", data={"person": "household"})
    assert (answer.status_code, COOKIE in browser.cookies) == (403, False)
    assert "connexion de démonstration est fermée" in answer.text


@pytest.mark.parametrize("wanted", ["/fr/", "/en/home", "/fr/places/town?span=week&day=2026-10-05", "/fr/lighting", "/fr/consents"])
async def test_who_is_not_signed_in_does_so_first_and_comes_back(browser: httpx.AsyncClient, wanted: str) -> None:
    asked = await browser.get(wanted)
    assert asked.status_code == 303
    page = (await browser.get(asked.headers["location"])).text
    to = unescape(page.split('name="to" value="')[1].split('"')[0])
    assert to == wanted
    assert (await browser.post("/fr/sign-in", data={"person": "household", "to": to})).headers["location"] == wanted


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example/fr/", "/\\elsewhere.example", "javascript:alert(1)", ""]
)
async def test_signing_in_leads_to_no_other_site(browser: httpx.AsyncClient, elsewhere: str) -> None:
    assert (await browser.post("/en/sign-in", data={"person": "household", "to": elsewhere})).headers["location"] == "/en/"
    assert 'name="to" value="/en/"' in (await browser.get("/en/sign-in", params={"to": elsewhere})).text


async def test_who_looks_after_access_ended_the_session_signs_in_again(browser: httpx.AsyncClient, services: Services) -> None:
    await browser.post("/fr/sign-in", data={"person": "administrator"})
    services.over = True
    assert (await browser.get("/fr/")).headers["location"] == "/fr/sign-in?to=%2Ffr%2F"
    assert (await browser.post("/fr/home", data={"code": "RIGHT-CODE"})).status_code == 403


async def test_no_page_is_kept_nor_runs_what_is_not_of_this_site(browser: httpx.AsyncClient) -> None:
    headers = (await browser.get("/fr/sign-in")).headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_an_address_that_does_not_exist_is_answered_with_a_sentence(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/en/nothing/of/this/kind")
    assert (page.status_code, "cannot be understood" in page.text) == (404, True)


async def test_signing_out_needs_the_forms_own_word_and_ends_the_session_here_and_at_access(
    browser: httpx.AsyncClient, services: Services
) -> None:
    await browser.post("/fr/sign-in", data={"person": "lighting-operator"})
    assert (await browser.post("/fr/sign-out", data={"form_token": "guessed"})).status_code == 403
    assert (await browser.get("/fr/")).headers["location"] == "/fr/lighting"
    page = (await browser.get("/fr/sign-in")).text
    token = page.split('name="form_token" value="')[1].split('"')[0]
    old = browser.cookies[COOKIE]
    assert (await browser.post("/fr/sign-out", data={"form_token": token})).status_code == 303
    assert services.left == ["lighting-operator"]
    browser.cookies.set(COOKIE, old)
    assert (await browser.get("/fr/")).headers["location"].startswith("/fr/sign-in")


async def test_a_household_without_a_home_is_told_what_to_do(browser: httpx.AsyncClient, services: Services) -> None:
    services.homes = ()
    await browser.post("/en/sign-in", data={"person": "household"})
    page = await browser.get("/en/")
    assert page.status_code == 200
    assert "code that came by post" in page.text


def test_sessions_end_by_themselves_and_the_oldest_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = Sessions()
    numbers = [kept.begin(None, None) for _ in range(3)]
    assert len(set(numbers)) == 3
    monkeypatch.setattr(sessions, "_MOST", 3)
    kept.begin(None, None)
    assert kept.of(numbers[0]) is None
    session = kept.of(numbers[1])
    assert session is not None
    assert session.ends > datetime.now(UTC) + timedelta(hours=11)
    monkeypatch.setattr(sessions, "LIFETIME", timedelta(seconds=-1))
    assert kept.of(kept.begin(None, None)) is None
    assert kept.of(None) is None


async def test_an_address_that_is_not_understood_says_which_part_in_the_readers_language(browser: httpx.AsyncClient) -> None:
    await browser.post("/fr/sign-in", data={"person": "administrator"})
    french, english = [await browser.get(f"/{language}/places/town?span=century") for language in ("fr", "en")]
    assert (french.status_code, english.status_code) == (400, 400)
    assert "vérifiez « span »" in french.text
    assert "check “span”" in english.text
    assert "century" not in french.text.split("<h1>")[1].split("</h1>")[0]
