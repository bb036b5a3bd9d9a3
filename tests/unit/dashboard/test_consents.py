"""A household gives and withdraws consents on the page; nobody does it for them."""

import httpx
import pytest
from dashboard_world import Services

from multiflux_client.people import Purpose
from vocabulary.civil import Granularity


async def form_token(browser: httpx.AsyncClient) -> str:
    await browser.post("/fr/sign-in", data={"person": "household"})
    return (await browser.get("/fr/consents")).text.split('name="form_token" value="')[1].split('"')[0]


async def test_each_purpose_of_each_meter_is_a_choice_of_its_own_and_none_is_made(browser: httpx.AsyncClient) -> None:
    await form_token(browser)
    for language, button, gone in (("fr", "Je consens<", "Retirer<"), ("en", "I consent<", "Withdraw<")):
        page = (await browser.get(f"/{language}/consents")).text
        assert (page.count(button), page.count(gone)) == (5, 0)


async def test_a_consent_is_given_with_the_text_that_was_shown_and_withdrawn_again(browser: httpx.AsyncClient, services: Services) -> None:
    token = await form_token(browser)
    given = {"form_token": token, "point": "flat-water", "purpose": "PEER_COMPARISON"}
    assert (await browser.post("/fr/consents", data=given)).status_code == 303
    assert (await browser.post("/fr/consents", data=given)).status_code == 409
    (consent,) = services.consents
    assert (consent.metering_point, consent.purpose, consent.granularity) == ("flat-water", Purpose.PEER_COMPARISON, Granularity.MONTH)
    page = (await browser.get("/fr/consents")).text
    assert consent.proof_text in page.replace("&#39;", "'")
    assert "2 novembre 2026" in page
    assert (await browser.post("/fr/consents", data={"form_token": token, "consent": consent.id})).status_code == 303
    assert services.consents == []


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"form_token": "guessed"}, {}, 403),
        ({}, {"sec-fetch-site": "cross-site"}, 403),
        ({"purpose": "SELL_IT"}, {}, 400),
    ],
)
async def test_a_forged_or_wrong_form_changes_nothing(
    browser: httpx.AsyncClient, services: Services, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    form = {"form_token": await form_token(browser), "point": "flat-water", "purpose": "ADVICE", **fields}
    assert (await browser.post("/fr/consents", data=form, headers=headers)).status_code == status
    assert services.consents == []


async def test_who_has_no_home_has_nothing_to_consent_to(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/fr/consents")).headers["location"] == "/fr/sign-in?to=%2Ffr%2Fconsents"
    await browser.post("/fr/sign-in", data={"person": "administrator"})
    page = (await browser.get("/fr/consents")).text
    assert "Aucun logement ne vous est rattaché" in page
    assert "Je consens<" not in page
