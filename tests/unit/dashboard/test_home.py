"""A household says what its home is like, and moves in with a code."""

import httpx
import pytest
from dashboard_world import Services

from multiflux_client.places import Dwelling, DwellingType, EnergySource
from vocabulary.names import PlaceId

FLAT = PlaceId("flat")


async def form_token(browser: httpx.AsyncClient) -> str:
    await browser.post("/fr/sign-in", data={"person": "household"})
    return (await browser.get("/fr/home")).text.split('name="form_token" value="')[1].split('"')[0]


async def test_the_page_shows_what_is_known_in_both_languages(browser: httpx.AsyncClient) -> None:
    await form_token(browser)
    french, english = [(await browser.get(f"/{language}/home")).text for language in ("fr", "en")]
    assert '<option value="FLAT" selected>appartement</option>' in french
    assert '<option value="FLAT" selected>flat</option>' in english
    assert 'value="60"' in french


async def test_answers_are_kept_and_what_is_left_empty_is_not_known(browser: httpx.AsyncClient, services: Services) -> None:
    form = {"form_token": await form_token(browser), "premise": "flat", "etag": "v0", "type": "HOUSE", "occupants": "4", "garden": "on"}
    form |= {"heating": "GAS", "hot_water": "", "area_square_metres": ""}
    assert (await browser.post("/fr/home", data=form)).status_code == 303
    assert services.declared[FLAT] == Dwelling(type=DwellingType.HOUSE, occupants=4, heating=EnergySource.GAS, garden=True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"form_token": "guessed"}, 403),
        ({"occupants": "many"}, 400),
        ({"occupants": "-2"}, 400),
        ({"heating": "SUN"}, 400),
        ({"etag": "old"}, 409),
    ],
)
async def test_forged_wrong_or_overtaken_answers_change_nothing(
    browser: httpx.AsyncClient, services: Services, fields: dict[str, str], status: int
) -> None:
    form = {"form_token": await form_token(browser), "premise": "flat", "etag": "v0", **fields}
    assert (await browser.post("/fr/home", data=form)).status_code == status
    assert services.declared == {}


async def test_a_posted_code_moves_the_household_in_and_its_token_is_renewed(browser: httpx.AsyncClient, services: Services) -> None:
    token = await form_token(browser)
    assert (await browser.post("/fr/home", data={"form_token": token, "code": " RIGHT-CODE "})).status_code == 303
    assert (services.codes, services.renewed) == (["RIGHT-CODE"], 1)
    wrong = await browser.post("/en/home", data={"form_token": token, "code": "GUESS"})
    assert (wrong.status_code, "This code does not fit." in wrong.text) == (400, True)
    assert services.codes == ["RIGHT-CODE"]
