"""A building manager's pages: what needs attention, a table that sorts, a site's hours, its line through the weather, its progress."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
from dashboard_world import Services

from dashboard.heat_map import LEVELS, Hours, heat_map, hours_of
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.places import SiteUse
from multiflux_client.sites import (
    BaseLoad,
    EnergyProgress,
    FluxAnalysis,
    FluxTotal,
    FluxYear,
    SignatureWeek,
    SiteAnalysis,
    SiteAttention,
    SiteConcern,
    SitePortfolio,
    SiteYear,
    WeatherSignature,
)
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId

KWH = 3_600_000
YEAR = Interval(start=datetime(2025, 11, 26, 23, tzinfo=UTC), end=datetime(2026, 11, 26, 23, tzinfo=UTC))
GAS = FluxYear(
    flux=Flux.GAS,
    quantity=Quantity.ENERGY,
    amount=100_000 * KWH,
    amount_per_square_metre=100 * KWH,
    missing_day_count=4,
    change=0.12,
    compared_day_count=300,
    weather_adjusted=True,
    night_share=None,
)
POWER = replace(GAS, flux=Flux.ELECTRICITY, change=None, night_share=0.4, amount_per_square_metre=None)
SCHOOL = SiteYear(site=PlaceId("school"), display_name="École du Lavoir", use=SiteUse.SCHOOL, area_square_metres=1_000, fluxes=(POWER, GAS))
HALL = replace(
    SCHOOL,
    site=PlaceId("hall"),
    display_name="Zénith",
    area_square_metres=None,
    fluxes=(replace(GAS, amount_per_square_metre=200 * KWH, change=-0.3),),
)
TOWER = replace(SCHOOL, site=PlaceId("tower"), display_name="Phare", fluxes=())
WEEKS = tuple(
    SignatureWeek(
        start_date=f"{date(2026, 1, 5) + timedelta(weeks=n)}",
        heating_degree_days=90.0 - n,
        amount=(9 - n // 10) * KWH,
        saved_amount=n * KWH,
    )
    for n in range(30)
)
LINE = WeatherSignature(
    base_celsius=16.0,
    amount_per_day=KWH,
    amount_per_degree_day=KWH // 50,
    r_squared=0.91,
    reliable=True,
    baseline_week_count=26,
    weeks=WEEKS,
)


def portfolio() -> SitePortfolio:
    return SitePortfolio(
        year=YEAR,
        sites=(SCHOOL, TOWER, HALL),
        totals=tuple(
            FluxTotal(flux=flux, quantity=Quantity.ENERGY, amount=300_000 * KWH, site_count=2) for flux in (Flux.ELECTRICITY, Flux.GAS)
        ),
        attentions=(
            SiteAttention(
                site=SCHOOL.site,
                display_name=SCHOOL.display_name,
                flux=Flux.GAS,
                concern=SiteConcern.RISING,
                quantity=Quantity.ENERGY,
                amount=10_700 * KWH,
                silent_day_count=0,
            ),
        ),
        simulated=True,
    )


def analysis(*fluxes: FluxAnalysis, progress: EnergyProgress | None = None) -> SiteAnalysis:
    return SiteAnalysis(site=SCHOOL, fluxes=fluxes, progress=progress, simulated=True)


def hourly(days: int = 3, start: datetime = datetime(2026, 3, 27, 23, tzinfo=UTC)) -> ConsumptionSeries:
    count = days * 24
    starts = int(start.timestamp()) + 3_600 * np.arange(count, dtype=np.int64)
    qualities = np.full(count, 2, np.uint8)
    qualities[30:34] = 0
    return ConsumptionSeries(
        resource="places/school",
        flux=Flux.ELECTRICITY,
        direction=Direction.IMPORT,
        quantity=Quantity.ENERGY,
        granularity=Granularity.HOUR,
        time_zone="Europe/Paris",
        starts=starts,
        ends=starts + 3_600,
        amounts=(np.arange(count) % 24 + 1) * KWH,
        qualities=qualities,
        coverage_percents=np.full(count, 100, np.uint8),
        points=(),
        profile=False,
        simulated=True,
        known_sequence=1,
    )


@pytest.fixture
async def manager(browser: httpx.AsyncClient, services: Services) -> httpx.AsyncClient:
    services.portfolio = portfolio()
    await browser.post("/fr/sign-in", data={"person": "building-manager"})
    return browser


def order(page: str) -> list[str]:
    table = page.split("<tbody>")[1]
    return sorted(("school", "hall", "tower"), key=lambda site: table.index(f"/sites/{site}"))


async def test_the_first_page_says_what_all_sites_use_and_which_to_look_at(manager: httpx.AsyncClient) -> None:
    assert (await manager.get("/fr/")).headers["location"] == "/fr/sites"
    french, english = [(await manager.get(f"/{language}/sites")).text for language in ("fr", "en")]
    assert "300\u202fMWh de gaz, 2 sites" in french
    assert "École du Lavoir : 10,7\u202fMWh de gaz de plus sur un an" in french
    assert "École du Lavoir: 10.7\u202fMWh of gas more in a year" in english
    assert "≈\u202f+12\u202f%" in french
    assert "école · 1\u202f000 m²" in french
    assert "100\u202fMWh" in french, "without an area per square metre the whole use"


@pytest.mark.parametrize(
    ("sort", "sites"),
    [
        ("name", ["school", "tower", "hall"]),
        ("-name", ["hall", "tower", "school"]),
        ("gas", ["school", "hall", "tower"]),
        ("-gas", ["hall", "school", "tower"]),
        ("-gas-trend", ["school", "hall", "tower"]),
        ("gas-trend", ["hall", "school", "tower"]),
    ],
)
async def test_the_table_sorts_by_any_column_and_keeps_what_is_not_known_at_its_end(
    manager: httpx.AsyncClient, sort: str, sites: list[str]
) -> None:
    page = (await manager.get("/fr/sites", params={"sort": sort})).text
    assert order(page) == sites
    assert page.count("aria-sort") == 1


async def test_a_column_that_does_not_exist_is_refused_and_the_file_has_a_line_for_each_flux(manager: httpx.AsyncClient) -> None:
    assert (await manager.get("/fr/sites?sort=beauty")).status_code == 400
    lines = (await manager.get("/en/sites.csv")).text.splitlines()
    assert lines[0].startswith("place,name,use,area_square_metres,flux,unit,amount,")
    assert lines[2] == f"school,École du Lavoir,school,1000,gas,joules,{100_000 * KWH},{100 * KWH},4,0.12,300,True,"
    assert len(lines) == 4


async def test_a_sites_page_shows_hours_line_sum_and_progress_in_both_languages(manager: httpx.AsyncClient, services: Services) -> None:
    load = BaseLoad(night_amount_per_hour=2 * KWH, weekend_amount_per_hour=3 * KWH, working_amount_per_hour=10 * KWH, closed_share=0.25)
    progress = EnergyProgress(
        reference_start_date="2024-10-01",
        reference_joules=1_000 * KWH,
        latest_joules=950 * KWH,
        adjusted_joules=900 * KWH,
        target_joules=600 * KWH,
        shared_day_count=40,
    )
    services.analysis = analysis(
        FluxAnalysis(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, base_load=load, signature=LINE), progress=progress
    )
    services.hours = hourly()
    french, english = [(await manager.get(f"/{language}/sites/school")).text for language in ("fr", "en")]
    for page, said in (
        (
            french,
            (
                "« indicatif »",
                "−10\u202f% par rapport",
                "2\u202fkW la nuit, soit 20\u202f%",
                "29\u202fkWh économisés",
                "40 jours en commun",
            ),
        ),
        (english, ("« indicative »", "−10% against", "2\u202fkW at night, 20%", "29\u202fkWh saved", "share 40 days")),
    ):
        for words in said:
            assert words in page, words
        assert (page.count("<circle"), page.count('class="dot measured"')) == (30, 26)
        assert page.count("level-") == LEVELS
        assert page.count("<details>") == 2


async def test_a_site_that_cannot_be_judged_says_why_and_draws_nothing(manager: httpx.AsyncClient, services: Services) -> None:
    flux = FluxAnalysis(flux=Flux.GAS, quantity=Quantity.ENERGY, base_load=None, signature=replace(LINE, reliable=False, r_squared=0.3))
    services.analysis = analysis(flux, replace(flux, flux=Flux.WATER, quantity=Quantity.VOLUME, signature=None))
    page = (await manager.get("/fr/sites/school")).text
    assert "ne suit pas la météo (R² 0,3" in page
    assert "Eau : moins de dix semaines" in page
    assert "relevés trop espacés" in page
    assert "Il faut douze mois" in page
    assert "<svg" not in page


def test_a_gap_is_no_pale_hour_and_the_hour_that_clocks_skip_is_one() -> None:
    hours = hours_of(hourly(), ZoneInfo("Europe/Paris"))
    assert hours.first == date(2026, 3, 28)
    assert np.isnan(hours.grid[[6, 7, 8, 9], 1]).sum() + np.isnan(hours.grid[2, 1]) >= 4
    assert np.isnan(hours.grid[2, 1]), "02:00 does not exist on this day"
    drawn = heat_map(Hours(first=date(2026, 1, 31), grid=np.array([[0.0, np.nan]] * 24)), lambda day: f"{day:%b}", str)
    assert drawn.paths[0] == "M0 0h1v24h-1z"
    assert "".join(drawn.paths[1:]) == ""
    assert [tick.text for tick in drawn.months] == ["Feb"]
