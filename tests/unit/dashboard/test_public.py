"""The page that is open to everybody: published totals, what is not published, and the open data."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from dashboard_world import Services

from multiflux_client.comparison import Area, Reach, Total
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId

KWH = 3_600_000
LAST = (datetime.now(UTC).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def area(name: str, street: str) -> Area:
    return Area(
        name=name,
        flux=Flux.GAS,
        reach=Reach.STREETS,
        places=(PlaceId(street),),
        buildings=(),
        least_count=20,
        most_count=39,
        first_month=LAST,
        end_month=LAST + timedelta(days=40),
    )


@pytest.fixture
def published(services: Services) -> Services:
    services.areas += [area("areas/a", "mill-street"), area("areas/b", "high-street")]
    total = Total(
        area="areas/a",
        flux=Flux.GAS,
        month=LAST,
        quantity=Quantity.ENERGY,
        amount=20_000 * KWH,
        coverage_percent=90,
        days={},
        publish_time=datetime(2026, 11, 12, tzinfo=UTC),
    )
    services.totals.append(total)
    return services


async def test_nobody_needs_to_sign_in_and_what_is_hidden_is_called_not_published(browser: httpx.AsyncClient, published: Services) -> None:
    french, english = [await browser.get(f"/{language}/public") for language in ("fr", "en")]
    assert (french.status_code, english.status_code, published.signed) == (200, 200, [])
    assert "20\u202fMWh de gaz dans les zones publiées" in french.text
    assert "zones publiées : 1 sur 2" in french.text
    assert ">non publié<" in french.text
    assert ">not published<" in english.text
    assert "Électricité : aucun mois publié" in french.text
    assert 'fill="url(#hatch-gas)"' in french.text, "a month of which a part is hidden is not drawn like a whole one"


async def test_the_open_data_say_their_licence_their_schema_and_no_amount_that_is_hidden(
    browser: httpx.AsyncClient, published: Services
) -> None:
    assert published.totals
    lines = (await browser.get("/fr/public.csv")).text.splitlines()
    assert lines[0].startswith("# licence: Licence Ouverte")
    assert lines[1].startswith("# schema: month")
    assert len(lines) == 5
    assert lines[3] == f"{LAST:%Y-%m},gas,areas/a,Flat 3,streets,20,39,joules,{20_000 * KWH},90,published"
    assert lines[4].endswith(",joules,,,not_published")


async def test_what_is_published_is_asked_for_once_and_what_is_not_yet_is_asked_for_again_later(
    browser: httpx.AsyncClient, published: Services
) -> None:
    await browser.get("/fr/public")
    published.totals.clear()
    assert "20\u202fMWh de gaz" in (await browser.get("/fr/public")).text
