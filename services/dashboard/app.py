"""The composition root of the dashboard: routes, templates, and the gateway behind them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from dashboard.charts import HEIGHT, LEFT, WIDTH
from dashboard.gateway import Gateway
from dashboard.night import night_of, night_page
from dashboard.pages import Asked, consumption_csv, consumption_page, flux_consumption
from dashboard.periods import period_from
from dashboard.settings import DashboardSettings
from dashboard.words import FRENCH, LANGUAGES, Words
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.flux import Flux
from vocabulary.names import place_id, point_id

_HERE = Path(__file__).parent
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Pages:
    """The handlers of all addresses."""

    def __init__(self, gateway: Gateway) -> None:
        """Serve what `gateway` tells."""
        self._gateway = gateway
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    async def start(self, request: Request) -> Response:
        """Send a visitor to the pages of its language, French unless it asks for English first."""
        wanted = request.headers.get("accept-language", "").lower()
        return RedirectResponse("/en/" if wanted.startswith("en") else "/fr/")

    async def home(self, request: Request, language: str) -> Response:
        """Send a visitor to the page of the whole territory."""
        words = _words(language)
        territory = await self._gateway.registry.territory()
        if territory.root_place is None:
            return self._message(request, words, words.first_day, words.first_day_next, status=200)
        return RedirectResponse(f"/{words.language}/places/{territory.root_place}")

    async def consumption(self, request: Request, language: str, collection: str, resource: str, span: str = "", day: str = "") -> Response:
        """Show the consumption of a place or metering point."""
        now = datetime.now(UTC)
        asked = await self._asked(language, f"{collection}/{resource}", span, day, now)
        page = await consumption_page(self._gateway, asked, now)
        return self._render("consumption.html", request, asked.words, **{name: getattr(page, name) for name in page.__slots__})

    async def night(self, request: Request, language: str, night: str = "") -> Response:
        """Show what the street lighting is to do in a night."""
        words = _words(language)
        try:
            day = date.fromisoformat(night) if night else None
        except ValueError:
            raise invalid("night", f"{night!r} is not a date such as 2026-01-31") from None
        if day is None:
            day = night_of(datetime.now(UTC), ZoneInfo((await self._gateway.registry.territory()).time_zone))
        page = await night_page(self._gateway, words, day)
        return self._render("lighting.html", request, words, **{name: getattr(page, name) for name in page.__slots__})

    async def figures(self, language: str, collection: str, resource: str, flux: str, span: str = "", day: str = "") -> Response:
        """Give the figures of one chart as CSV."""
        asked = await self._asked(language, f"{collection}/{resource}", span, day, datetime.now(UTC))
        try:
            series = await flux_consumption(self._gateway, asked, Flux[flux.upper()])
        except KeyError:
            raise invalid("flux", f"{flux!r} is not a flux") from None
        name = f"{resource}-{flux}-{asked.period.first}.csv"
        return Response(
            consumption_csv(series, asked.zone), media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    async def refused(self, request: Request, failure: Exception) -> Response:
        """Say in a sentence what a service, or the address, is lacking."""
        words = LANGUAGES.get(request.url.path.split("/")[1], FRENCH)
        if isinstance(failure, RemoteFailure):
            match failure.kind:
                case Kind.MISSING:
                    return self._message(request, words, words.not_found, words.not_found_next, status=404)
                case Kind.DENIED | Kind.UNAUTHENTICATED:
                    return self._message(request, words, words.not_allowed, words.not_allowed_next, status=403)
                case _:
                    return self._message(request, words, words.service_away, words.service_away_next, status=503)
        return self._message(request, words, words.wrong_address.format(why=failure), words.not_found_next, status=400)

    async def _asked(self, language: str, resource: str, span: str, day: str, now: datetime) -> Asked:
        words = _words(language)
        place = place_id(resource) if resource.startswith("places/") else None
        point = None if place else point_id(resource)
        territory = await self._gateway.registry.territory()
        period = period_from(span, day, now=now, zone=ZoneInfo(territory.time_zone))
        return Asked(words=words, period=period, territory=territory, place=place, point=point)

    def _message(self, request: Request, words: Words, message: str, next_step: str, *, status: int) -> Response:
        return self._render("message.html", request, words, status=status, message=message, next_step=next_step, simulated=False)

    def _render(self, template: str, request: Request, words: Words, *, status: int = 200, **shown: Any) -> Response:
        path = f"/{words.other_language}/" + request.url.path.split("/", 2)[-1]
        other = f"{path}?{request.url.query}" if request.url.query else path
        text = self._templates.get_template(template).render(
            words=words, other_address=other, width=WIDTH, height=HEIGHT, left=LEFT, **shown
        )
        return HTMLResponse(text, status_code=status, headers=_SECURITY_HEADERS)


def build(settings: DashboardSettings) -> FastAPI:
    """Return the application; it dials the services when the first page is asked for."""
    gateway = Gateway.open(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await gateway.close()

    pages = Pages(gateway)
    app = FastAPI(title="multiflux", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    app.get("/healthz")(_healthy)
    app.get("/")(pages.start)
    app.get("/{language}/")(pages.home)
    app.get("/{language}/lighting", response_class=HTMLResponse)(pages.night)
    app.get("/{language}/{collection}/{resource}/{flux}.csv")(pages.figures)
    app.get("/{language}/{collection}/{resource}", response_class=HTMLResponse)(pages.consumption)
    app.add_exception_handler(RemoteFailure, pages.refused)
    app.add_exception_handler(Failure, pages.refused)
    return app


async def _healthy() -> JSONResponse:
    return JSONResponse({"status": "serving"})


def _words(language: str) -> Words:
    words = LANGUAGES.get(language)
    if words is None:
        raise invalid("language", f"{language!r} is none of {', '.join(LANGUAGES)}")
    return words
