"""Each role tries every address of the pages, in a real installation: what is not its own is refused in a sentence, and nothing breaks."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from installation import Installation

from dashboard.app import build
from dashboard.settings import DashboardSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = ""
PEOPLE = ("household", "delegate", "building-manager", "lighting-operator", "territory-analyst", "administrator")
OPEN_TO = {
    "/fr/public": {NOBODY, *PEOPLE},
    "/fr/public.csv": {NOBODY, *PEOPLE},
    "/fr/sites": {"building-manager", "administrator"},
    "/fr/sites.csv": {"building-manager", "administrator"},
    "/fr/sites/{place}": {"building-manager", "administrator"},
    "/fr/lighting": {"lighting-operator", "administrator"},
    "/fr/places/{place}": {"building-manager", "lighting-operator", "administrator"},
    "/fr/places/{place}/electricity.csv": set[str](),
}
"""Who sees what; the site has no meter, so that there are no figures of it to download."""


@dataclass
class Site:
    url: str
    place: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("pages")
    async with Installation.running(folder, "forecast", "lighting", "comparison", "dashboard") as installed:
        yield Site(url=f"http://{installed.address('dashboard')}", place=await installed.new_site())


@asynccontextmanager
async def signed_in(site: Site, person: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.url, timeout=20) as browser:
        if person != NOBODY:
            assert (await browser.post("/fr/sign-in", data={"person": person})).status_code == 303
        yield browser


async def addresses() -> list[tuple[str, str]]:
    """Return the methods and paths of all pages."""
    app = build(DashboardSettings.model_validate({}))
    async with app.router.lifespan_context(app):
        return [(method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in sorted(route.methods or ())]


def filled_in(path: str, place: str) -> str:
    known = {"language": "fr", "collection": "places", "resource": place, "site": place, "flux": "electricity"}
    return re.sub(r"{(\w+)}", lambda part: known.get(part[1], "x"), path)


@pytest.mark.parametrize("person", [NOBODY, *PEOPLE])
async def test_no_address_breaks_for_any_role_and_what_is_refused_says_so_in_a_sentence(site: Site, person: str) -> None:
    listed = await addresses()
    assert len(listed) > 15
    async with signed_in(site, person) as browser:
        for method, path in listed:
            for address in {filled_in(path, site.place), filled_in(path, "nowhere")}:
                answer = await browser.request(method, address)
                assert answer.status_code < 500, (method, address, answer.text)
                if answer.status_code >= 400:
                    assert re.search(r"<h1>[^<]{10,}</h1>", answer.text), (method, address, answer.text)
                if method == "POST":
                    assert answer.status_code in (303, 400, 403, 405), (address, answer.status_code)


@pytest.mark.parametrize("person", [NOBODY, *PEOPLE])
async def test_each_role_sees_its_own_pages_and_no_others(site: Site, person: str) -> None:
    async with signed_in(site, person) as browser:
        seen = {path for path in OPEN_TO if (await browser.get(path.format(place=site.place))).status_code == 200}
    assert seen == {path for path, people in OPEN_TO.items() if person in people}
