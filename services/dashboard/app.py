"""The composition root of the dashboard: routes, templates, and the gateway behind them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import jinja2
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from dashboard.charts import HEIGHT, LEFT, WIDTH
from dashboard.consents import consents_page, give, withdraw
from dashboard.gateway import Gateway
from dashboard.home import declare, home_page, move_in
from dashboard.night import night_of, night_page
from dashboard.pages import Asked, consumption_csv, consumption_page, flux_consumption
from dashboard.periods import period_from
from dashboard.sessions import COOKIE, LIFETIME, Session, Sessions
from dashboard.settings import DashboardSettings
from dashboard.words import FRENCH, LANGUAGES, Words
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.flux import Flux
from vocabulary.names import PersonId, place_id, point_id

_HERE = Path(__file__).parent
LIGHTING_OPERATOR = PersonId("lighting-operator")
OF_HOUSEHOLDS = frozenset({PersonId("household"), PersonId("delegate")})
"""Demo people whose start page is not the whole territory."""
_MOST_FORM_BYTES = 10_000
_BY_KIND = {
    Kind.MISSING: ("MISSING", 404),
    Kind.DENIED: ("DENIED", 403),
    Kind.UNAUTHENTICATED: ("DENIED", 403),
    Kind.STALE: ("CONFLICT", 409),
    Kind.CONFLICT: ("CONFLICT", 409),
    Kind.EXISTS: ("CONFLICT", 409),
    Kind.EXHAUSTED: ("EXHAUSTED", 429),
    Kind.INVALID: ("INVALID", 400),
}
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Pages:
    """The handlers of all addresses."""

    def __init__(self, gateway: Gateway, *, secure: bool) -> None:
        """Serve what `gateway` tells those who have not signed in; `secure`: only over TLS does the cookie travel."""
        self._gateway = gateway
        self._sessions = Sessions()
        self._secure = secure
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    async def start(self, request: Request) -> Response:
        """Send a visitor to the pages of its language, French unless it asks for English first."""
        wanted = request.headers.get("accept-language", "").lower()
        return RedirectResponse("/en/" if wanted.startswith("en") else "/fr/")

    async def home(self, request: Request, language: str) -> Response:
        """Send a visitor to the page of the whole territory."""
        words, gateway = _words(language), self._seen_by(request)
        session = self._session(request)
        if session is not None and session.person == LIGHTING_OPERATOR:
            return RedirectResponse(f"/{words.language}/lighting")
        if session is not None and session.person in OF_HOUSEHOLDS:
            async for occupancy in gateway.access.occupancies():
                return RedirectResponse(f"/{words.language}/places/{occupancy.premise}")
            return self._message(request, words, words.no_home, words.no_home_next, status=200)
        territory = await gateway.registry.territory()
        if territory.root_place is None:
            return self._message(request, words, words.first_day, words.first_day_next, status=200)
        return RedirectResponse(f"/{words.language}/places/{territory.root_place}")

    async def who(self, request: Request, language: str) -> Response:
        """Show the demo people to sign in as."""
        words = _words(language)
        people = [{"id": person, "role": role, "sees": sees} for person, (role, sees) in words.people.items()]
        return self._render("sign_in.html", request, words, people=people, simulated=False)

    async def sign_in(self, request: Request, language: str) -> Response:
        """Sign a demo person in; access refuses where an OIDC issuer is configured."""
        words, form = _words(language), await _form(request)
        person = form.get("person", "")
        if person not in words.people or not _is_own(request):
            return self._message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
        gateway = self._gateway.signed_in(PersonId(person))
        await gateway.registry.territory()
        self._sessions.end(request.cookies.get(COOKIE))
        response = RedirectResponse(f"/{words.language}/", status_code=303)
        lifetime_s = int(LIFETIME.total_seconds())
        number = self._sessions.begin(PersonId(person), gateway)
        response.set_cookie(COOKIE, number, max_age=lifetime_s, httponly=True, samesite="strict", secure=self._secure)
        return response

    async def sign_out(self, request: Request, language: str) -> Response:
        """End the session."""
        words, form, session = _words(language), await _form(request), self._session(request)
        if session is not None:
            if not self._is_meant(request, form, session):
                return self._message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
            self._sessions.end(request.cookies.get(COOKIE))
        response = RedirectResponse(f"/{words.language}/", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=self._secure)
        return response

    async def consumption(self, request: Request, language: str, collection: str, resource: str, span: str = "", day: str = "") -> Response:
        """Show the consumption of a place or metering point."""
        now = datetime.now(UTC)
        gateway = self._seen_by(request)
        asked = await _asked(gateway, language, f"{collection}/{resource}", span, day, now)
        page = await consumption_page(gateway, asked, now)
        return self._render("consumption.html", request, asked.words, **{name: getattr(page, name) for name in page.__slots__})

    async def consents(self, request: Request, language: str) -> Response:
        """Show what the household that is signed in consents to."""
        words, session = _words(language), self._session(request)
        if session is None or session.person not in OF_HOUSEHOLDS:
            return RedirectResponse(f"/{words.language}/sign-in")
        page = await consents_page(session.gateway, words, datetime.now(UTC))
        return self._render("consents.html", request, words, **{name: getattr(page, name) for name in page.__slots__})

    async def change_consent(self, request: Request, language: str) -> Response:
        """Give a consent, or withdraw one."""
        words, form, session = _words(language), await _form(request), self._session(request)
        if session is None or not self._is_meant(request, form, session):
            return self._message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
        if consent := form.get("consent", ""):
            await withdraw(session.gateway, consent)
        else:
            await give(session.gateway, words, form.get("point", ""), form.get("purpose", ""))
        return RedirectResponse(f"/{words.language}/consents", status_code=303)

    async def my_home(self, request: Request, language: str) -> Response:
        """Show what is known of the home of the household that is signed in."""
        words, session = _words(language), self._session(request)
        if session is None or session.person not in OF_HOUSEHOLDS:
            return RedirectResponse(f"/{words.language}/sign-in")
        page = await home_page(session.gateway, words, datetime.now(UTC))
        return self._render("home.html", request, words, **{name: getattr(page, name) for name in page.__slots__})

    async def change_home(self, request: Request, language: str) -> Response:
        """Keep what a household says of its home, or have it move in with a code."""
        words, form, session = _words(language), await _form(request), self._session(request)
        if session is None or not self._is_meant(request, form, session):
            return self._message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
        if "code" in form:
            await move_in(session.gateway, form["code"])
            # A token names the homes of the time when it was given.
            self._sessions.renew(request.cookies.get(COOKIE), self._gateway.signed_in(session.person))
        else:
            await declare(session.gateway, form)
        return RedirectResponse(f"/{words.language}/home", status_code=303)

    async def night(self, request: Request, language: str, night: str = "") -> Response:
        """Show what the street lighting is to do in a night."""
        words, gateway = _words(language), self._seen_by(request)
        try:
            day = date.fromisoformat(night) if night else None
        except ValueError:
            raise invalid("night", f"{night!r} is not a date such as 2026-01-31") from None
        if day is None:
            day = night_of(datetime.now(UTC), ZoneInfo((await gateway.registry.territory()).time_zone))
        page = await night_page(gateway, words, day)
        return self._render("lighting.html", request, words, **{name: getattr(page, name) for name in page.__slots__})

    async def figures(
        self, request: Request, language: str, collection: str, resource: str, flux: str, span: str = "", day: str = ""
    ) -> Response:
        """Give the figures of one chart as CSV."""
        gateway = self._seen_by(request)
        asked = await _asked(gateway, language, f"{collection}/{resource}", span, day, datetime.now(UTC))
        try:
            series = await flux_consumption(gateway, asked, Flux[flux.upper()])
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
            said, status = _said(failure)
            return self._message(request, words, *words.refusals[said], status=status)
        if request.method == "POST":
            return self._message(request, words, *words.refusals["INVALID"], status=400)
        wrong = failure.violations if isinstance(failure, Failure) else ()
        parts = ", ".join(dict.fromkeys(one.field for one in wrong)) or request.url.path
        return self._message(request, words, words.wrong_address.format(parts=parts), words.refusals["MISSING"][1], status=400)

    def _is_meant(self, request: Request, form: dict[str, str], session: Session) -> bool:
        """Tell whether the person who is signed in sent a form from a page of this site."""
        return _is_own(request) and compare_digest(form.get("form_token", "").encode(), session.form_token.encode())

    def _session(self, request: Request) -> Session | None:
        return self._sessions.of(request.cookies.get(COOKIE))

    def _seen_by(self, request: Request) -> Gateway:
        """Return the services as whoever looks sees them."""
        session = self._session(request)
        return self._gateway if session is None else session.gateway

    def _message(self, request: Request, words: Words, message: str, next_step: str, *, status: int) -> Response:
        return self._render("message.html", request, words, status=status, message=message, next_step=next_step, simulated=False)

    def _render(self, template: str, request: Request, words: Words, *, status: int = 200, **shown: Any) -> Response:
        path = f"/{words.other_language}/" + request.url.path.split("/", 2)[-1]
        other = f"{path}?{request.url.query}" if request.url.query else path
        session = self._session(request)
        text = self._templates.get_template(template).render(
            words=words,
            other_address=other,
            width=WIDTH,
            height=HEIGHT,
            left=LEFT,
            signed_in="" if session is None else words.people[session.person][0],
            form_token="" if session is None else session.form_token,
            of_household=session is not None and session.person in OF_HOUSEHOLDS,
            **shown,
        )
        return HTMLResponse(text, status_code=status, headers=_SECURITY_HEADERS)


def build(settings: DashboardSettings) -> FastAPI:
    """Return the application; it dials the services when the first page is asked for."""
    gateway = Gateway.open(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await gateway.close()

    pages = Pages(gateway, secure=settings.tls_certificate is not None)
    app = FastAPI(title="multiflux", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    app.get("/healthz")(_healthy)
    app.get("/")(pages.start)
    app.get("/{language}/")(pages.home)
    app.get("/{language}/sign-in", response_class=HTMLResponse)(pages.who)
    app.post("/{language}/sign-in")(pages.sign_in)
    app.post("/{language}/sign-out")(pages.sign_out)
    app.get("/{language}/consents", response_class=HTMLResponse)(pages.consents)
    app.post("/{language}/consents")(pages.change_consent)
    app.get("/{language}/home", response_class=HTMLResponse)(pages.my_home)
    app.post("/{language}/home")(pages.change_home)
    app.get("/{language}/lighting", response_class=HTMLResponse)(pages.night)
    app.get("/{language}/{collection}/{resource}/{flux}.csv")(pages.figures)
    app.get("/{language}/{collection}/{resource}", response_class=HTMLResponse)(pages.consumption)
    app.add_exception_handler(RemoteFailure, pages.refused)
    app.add_exception_handler(Failure, pages.refused)
    return app


async def _healthy() -> JSONResponse:
    return JSONResponse({"status": "serving"})


async def _asked(gateway: Gateway, language: str, resource: str, span: str, day: str, now: datetime) -> Asked:
    words = _words(language)
    place = place_id(resource) if resource.startswith("places/") else None
    point = None if place else point_id(resource)
    territory = await gateway.registry.territory()
    period = period_from(span, day, now=now, zone=ZoneInfo(territory.time_zone))
    return Asked(words=words, period=period, territory=territory, place=place, point=point)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a field that comes twice the last."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")[:_MOST_FORM_BYTES]))


def _is_own(request: Request) -> bool:
    """Tell whether a form was sent from a page of this site: browsers say so."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _said(failure: RemoteFailure) -> tuple[str, int]:
    """Return which sentence a page says of a failure, and its status."""
    if failure.reason == "OCCUPANCY_CODE_INVALID":
        return failure.reason, 400
    return _BY_KIND.get(failure.kind, ("AWAY", 503)) if failure.kind else ("AWAY", 503)


def _words(language: str) -> Words:
    words = LANGUAGES.get(language)
    if words is None:
        raise invalid("language", f"{language!r} is none of {', '.join(LANGUAGES)}")
    return words
