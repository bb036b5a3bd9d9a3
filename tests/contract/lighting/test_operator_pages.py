"""The pages of an operator, above a real lighting service: commands are given and ended; a draft is rehearsed, then published."""

import html
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from dashboard_world import Services
from lighting_world import World, lighting_world

from dashboard.app import build
from dashboard.gateway import Gateway
from dashboard.settings import DashboardSettings
from multiflux_client.credentials import FixedToken
from multiflux_client.lighting import LightingClient
from multiflux_client.lighting_records import (
    CalendarRule,
    CommandKind,
    Effect,
    EffectOperation,
    EffectSource,
    HolidayKind,
)

COMMANDS, PLAN = "/fr/lighting/commands", "/fr/lighting/groups/g"
PROGRAMMES, CALENDARS = "/fr/lighting/programmes", "/fr/lighting/calendars"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
async def world(tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    clock.advance(datetime.now(UTC) - clock.now())
    async with lighting_world(f"sqlite:///{tmp_path / 'lighting.sqlite'}", tmp_path, clock) as world:
        await world.small_town()
        await world.published("luminaires/l1-1", "luminaires/l1-2")
        yield world


@pytest.fixture
def client(world: World) -> LightingClient:
    return LightingClient(world.connection.with_tokens(FixedToken(world.token())))


@pytest.fixture
async def browser(client: LightingClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    services = Services(lighting=client)
    monkeypatch.setattr(Gateway, "open", lambda _: services)
    site = httpx.ASGITransport(app=build(DashboardSettings.model_validate({})))
    async with httpx.AsyncClient(transport=site, base_url="http://town.example") as browser:
        await browser.post("/fr/sign-in", data={"person": "lighting-operator"})
        yield browser


def text_of(page: httpx.Response) -> str:
    return html.unescape(page.text)


def hidden(page: httpx.Response, name: str) -> str:
    return page.text.split(f'name="{name}" value="')[1].split('"')[0]


async def sent(browser: httpx.AsyncClient, address: str, **form: str) -> httpx.Response:
    token = hidden(await browser.get(address), "form_token")
    return await browser.post(address, data={"form_token": token, **form})


async def test_an_override_is_given_shown_on_every_lighting_page_and_ended(browser: httpx.AsyncClient, client: LightingClient) -> None:
    given = {"kind": "OVERRIDE", "scope": "groups/g", "level_percent": "30", "until_time": TOMORROW, "reason": "Fête"}
    assert (await sent(browser, COMMANDS, **given)).status_code == 303
    (command,) = [one async for one in client.commands()]
    assert (command.kind, command.level_percent, command.scope.groups, command.reason) == (CommandKind.OVERRIDE, 30, ("groups/g",), "Fête")
    for address in (COMMANDS, PLAN, "/fr/lighting"):
        page = text_of(await browser.get(address))
        assert "Dérogation au plan" in page, address
        assert "« Fête »" in page, address
    assert (await sent(browser, COMMANDS, end=command.name)).status_code == 303
    assert [one async for one in client.commands()] == []
    assert "Aucune commande en vigueur" in text_of(await browser.get(COMMANDS))


@pytest.mark.parametrize(
    ("form", "asked", "kind"),
    [
        (
            {"kind": "LOCK_OUT", "scope": "cabinets/c1", "reason": "Travaux"},
            "Ce n’est pas une consignation électrique",
            CommandKind.LOCK_OUT,
        ),
        ({"kind": "EMERGENCY", "scope": "roads", "level_percent": "100", "reason": "Accident"}, "toutes les rues", CommandKind.EMERGENCY),
    ],
)
async def test_works_and_emergencies_are_asked_for_once_more(
    browser: httpx.AsyncClient, client: LightingClient, form: dict[str, str], asked: str, kind: CommandKind
) -> None:
    assert asked in text_of(await browser.get(COMMANDS))
    question = await sent(browser, COMMANDS, **form)
    assert question.status_code == 200
    assert 'name="confirmed"' in question.text
    assert [one async for one in client.commands()] == []
    assert (await sent(browser, COMMANDS, **form, confirmed="yes")).status_code == 303
    (command,) = [one async for one in client.commands()]
    assert (command.kind, command.reason) == (kind, form["reason"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"level_percent": "101"}, "nombre entier de 0 à 100"),
        ({"level_percent": "½"}, "nombre entier de 0 à 100"),
        ({"until_time": "2020-01-01T00:00"}, "être à venir"),
        ({"until_time": ""}, "être à venir"),
        ({"reason": "  "}, "Dites pourquoi"),
        ({"lamps": "nowhere"}, "cette sélection n’existe pas"),
        ({"scope": "everything"}, "cette sélection n’existe pas"),
        ({"kind": "LOCAL"}, "Une réponse n’est pas possible"),
    ],
)
async def test_what_is_wrong_is_said_and_the_rest_is_kept_in_the_form(
    browser: httpx.AsyncClient, client: LightingClient, wrong: dict[str, str], said: str
) -> None:
    right = {"kind": "OVERRIDE", "scope": "groups/g", "level_percent": "30", "until_time": TOMORROW, "reason": "Fête du village"}
    page = await sent(browser, COMMANDS, **(right | wrong))
    assert page.status_code == 400
    assert said in text_of(page)
    if wrong.keys() & {"level_percent", "until_time", "lamps"}:
        assert "Fête du village" in text_of(page)
    assert [one async for one in client.commands()] == []


async def test_a_draft_is_rehearsed_then_published_and_the_former_version_comes_back(
    browser: httpx.AsyncClient, client: LightingClient
) -> None:
    assert (await sent(browser, PLAN, publish="guessed", reason="Trop tôt")).status_code == 400
    nights = {"first": "2026-12-01", "last": "2026-12-07"}
    rehearsed = await sent(browser, PLAN, **nights)
    page = text_of(rehearsed)
    assert "Publier pour 2 lampes" in page
    assert "kgCO2e" in page
    assert "Règles enfreintes" in page
    assert (await sent(browser, PLAN, publish=hidden(rehearsed, "publish"), reason="Nouvel horaire")).status_code == 303
    assert [(one.version, one.reason) for one in await client.versions("groups/g")] == [(2, "Nouvel horaire"), (1, "test")]
    assert "Revenir à la version 1" in text_of(await browser.get(PLAN))
    assert (await sent(browser, PLAN, version="1", reason="Plaintes")).status_code == 303
    newest = (await client.versions("groups/g"))[0]
    assert (newest.version, newest.copy_of, newest.reason) == (3, 1, "Plaintes")
    assert "reprise de la version 1" in text_of(await browser.get(PLAN))


async def test_what_somebody_else_changed_meanwhile_is_not_published(browser: httpx.AsyncClient, client: LightingClient) -> None:
    rehearsed = await sent(browser, PLAN, first="2026-12-01", last="2026-12-01")
    (group,) = [one async for one in client.groups()]
    await client.put_group(replace(group, luminaires=group.luminaires[:1]))
    refused = await sent(browser, PLAN, publish=hidden(rehearsed, "publish"), reason="Nouvel horaire")
    assert refused.status_code == 400
    assert "entre-temps" in text_of(refused)
    assert len(await client.versions("groups/g")) == 1


@pytest.mark.parametrize("nights", [("2026-12-02", "2026-12-01"), ("2026-12-01", "2028-01-01"), ("soon", "2026-12-01")])
async def test_nights_that_cannot_be_are_said(browser: httpx.AsyncClient, nights: tuple[str, str]) -> None:
    page = await sent(browser, PLAN, first=nights[0], last=nights[1])
    assert page.status_code == 400
    assert "un an au plus" in text_of(page)


LATE = {"reference-0": "FIXED", "time-0": "22:30", "level-0": "40", "ramp-0": "5"}
NIGHT = {**LATE, "reference-1": "SUNRISE", "time-1": "-30", "level-1": "80"}


async def test_a_programme_is_made_and_changed_and_what_the_form_hides_stays(browser: httpx.AsyncClient, client: LightingClient) -> None:
    made = {"identifier": "parks", "display_name": "Parcs", "sunset": "10", "sunrise": "-10", **NIGHT}
    answer = await sent(browser, PROGRAMMES + "/new", **made)
    assert (answer.status_code, answer.headers["location"]) == (303, PROGRAMMES + "/parks")
    assert (await sent(browser, PROGRAMMES + "/new", **made)).status_code == 400
    programme = {one.name: one async for one in client.programmes()}["programmes/parks"]
    assert [
        (one.reference.name, one.minute, one.offset_minutes, one.level_percent, one.ramp_seconds) for one in programme.switch_points
    ] == [
        ("FIXED", 1_350, 0, 40, 300),
        ("SUNRISE", 0, -30, 80, 0),
    ]
    assert (programme.periods[0].sunset_offset_minutes, programme.periods[0].sunrise_offset_minutes) == (10, -10)
    assert "22:30 → 40\u202f%, lever du soleil -30 min → 80\u202f%" in text_of(await browser.get(PROGRAMMES))

    effect = Effect(source=EffectSource.PRESENCE, operation=EffectOperation.SET, value=100, hold_seconds=60)
    await client.put_programme(replace(programme, effects=(effect,)))
    page = await browser.get(PROGRAMMES + "/parks")
    assert "1 effets de capteurs" in text_of(page)
    changed = {"display_name": "Parcs et jardins", "etag": hidden(page, "etag"), **LATE}
    assert (await sent(browser, PROGRAMMES + "/parks", **changed)).status_code == 303
    programme = {one.name: one async for one in client.programmes()}["programmes/parks"]
    assert (programme.display_name, len(programme.switch_points), programme.effects) == ("Parcs et jardins", 1, (effect,))
    stale = await sent(browser, PROGRAMMES + "/parks", **changed)
    assert stale.status_code == 400
    assert "entre-temps" in text_of(stale)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time-0": "25:00"}, "s’écrit comme 23:30"),
        ({"time-1": "dawn"}, "s’écrit comme 23:30"),
        ({"reference-0": "NOON"}, "s’écrit comme 23:30"),
        ({"level-0": "101"}, "nombre entier de 0 à 100"),
        ({"level-0": ""}, "nombre entier de 0 à 100"),
        ({"ramp-0": "121"}, "0 à 120 minutes"),
        ({"sunset": "721"}, "−720 à 720"),
        ({"identifier": "Parcs !"}, "lettres minuscules"),
        ({"identifier": "new"}, "lettres minuscules"),
        ({"display_name": " "}, "Donnez un nom"),
    ],
)
async def test_a_programme_that_cannot_be_is_not_kept(
    browser: httpx.AsyncClient, client: LightingClient, wrong: dict[str, str], said: str
) -> None:
    page = await sent(browser, PROGRAMMES + "/new", **({"identifier": "parks", "display_name": "Parcs", **NIGHT} | wrong))
    assert page.status_code == 400
    assert said in text_of(page)
    assert [one.name async for one in client.programmes()] == ["programmes/dim"]


RULES = {
    "display_name": "Centre",
    "default_programme": "programmes/dim",
    "programme-0": "programmes/dim",
    "first-0": "2026-12-15",
    "last-0": "2027-01-05",
    "yearly-0": "on",
    "day-0-5": "on",
    "day-0-6": "on",
    "occurrences-0": "1 -1",
    "programme-1": "programmes/dim",
    "order-1": "1",
    "holiday-1-PUBLIC": "on",
}


async def test_a_calendar_is_made_of_rules_in_their_order(browser: httpx.AsyncClient, client: LightingClient) -> None:
    answer = await sent(browser, CALENDARS + "/new", identifier="centre", **RULES, **{"order-0": "2"})
    assert (answer.status_code, answer.headers["location"]) == (303, CALENDARS + "/centre")
    calendar = {one.name: one async for one in client.calendars()}["calendars/centre"]
    winter = CalendarRule(
        programme="programmes/dim", first_date="2026-12-15", last_date="2027-01-05", every_year=True, weekdays=(5, 6), occurrences=(1, -1)
    )
    assert calendar.rules == (CalendarRule(programme="programmes/dim", holidays=(HolidayKind.PUBLIC,)), winter)
    assert "jours fériés → Half from 23 to 5 ; 15 décembre–5 janvier, vendredi, samedi" in text_of(await browser.get(CALENDARS))

    page = await browser.get(CALENDARS + "/centre")
    assert hidden(page, "occurrences-1") == "1 -1"
    again = {**RULES, "etag": hidden(page, "etag"), "programme-0": ""}
    assert (await sent(browser, CALENDARS + "/centre", **again)).status_code == 303
    calendar = {one.name: one async for one in client.calendars()}["calendars/centre"]
    assert [one.holidays for one in calendar.rules] == [(HolidayKind.PUBLIC,)]
    assert (await sent(browser, CALENDARS + "/centre", **again)).status_code == 400, "somebody has changed it since"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first-0": "tomorrow"}, "comme 2026-12-24"),
        ({"dates-0": "2026-02-30"}, "comme 2026-12-24"),
        ({"occurrences-0": "6"}, "1 à 5"),
        ({"occurrences-0": "first"}, "1 à 5"),
        ({"order-0": "-1"}, "un nombre entier"),
        ({"display_name": ""}, "Donnez un nom"),
        ({"programme-0": "programmes/none"}, "Rien n’a été envoyé"),
        ({"first-0": "2026-12-15", "last-0": "2026-01-05", "yearly-0": ""}, "Rien n’a été envoyé"),
    ],
)
async def test_a_calendar_that_cannot_be_is_not_kept(
    browser: httpx.AsyncClient, client: LightingClient, wrong: dict[str, str], said: str
) -> None:
    page = await sent(browser, CALENDARS + "/new", **({"identifier": "centre", **RULES} | wrong))
    assert page.status_code == 400
    assert said in text_of(page)
    assert [one.name async for one in client.calendars()] == ["calendars/all"]


async def test_a_form_larger_than_any_of_ours_is_refused_whole(browser: httpx.AsyncClient) -> None:
    assert (await browser.post(COMMANDS, data={"reason": "x" * 200_001})).status_code == 400


async def test_a_group_that_is_not_there_and_a_forged_form_are_refused(browser: httpx.AsyncClient, client: LightingClient) -> None:
    for address in ("/fr/lighting/groups/none", PROGRAMMES + "/none", CALENDARS + "/none"):
        assert (await browser.get(address)).status_code == 404
    given = {"kind": "OVERRIDE", "scope": "groups/g", "level_percent": "30", "until_time": TOMORROW, "reason": "Fête"}
    assert (await browser.post(COMMANDS, data={**given, "form_token": "guessed"})).status_code == 403
    assert (await browser.post(PLAN, data={"version": "1", "reason": "x", "form_token": "guessed"})).status_code == 403
    assert [one async for one in client.commands()] == []


async def test_both_languages_say_it(browser: httpx.AsyncClient) -> None:
    assert "Lock out for works" in (await browser.get("/en/lighting/commands")).text
    assert "Rehearse before publishing" in (await browser.get("/en/lighting/groups/g")).text
