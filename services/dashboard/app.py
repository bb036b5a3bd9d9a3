"""The composition root of the dashboard: its addresses, and the handlers of all but the lighting's."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dashboard.consents import consents_page, give, withdraw
from dashboard.desk import Desk, FormRefused, SignInWanted, form_of, is_own, words_in, words_of
from dashboard.gateway import Gateway
from dashboard.home import declare, home_page, move_in
from dashboard.oidc import Issuer, SignInBegun, SignInBroken
from dashboard.operating import LightingPages
from dashboard.pages import Asked, consumption_csv, consumption_page, flux_consumption
from dashboard.periods import period_from
from dashboard.public import Published, public_csv, public_page
from dashboard.roles import HOUSEHOLDS, first_page, main_role
from dashboard.sessions import COOKIE, LIFETIME
from dashboard.settings import DashboardSettings
from dashboard.site import KeptHours, site_page
from dashboard.sites import sites_csv, sites_page
from dashboard.words import LANGUAGES, Words
from multiflux_client.access import SubjectToken
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.flux import Flux
from vocabulary.names import PersonId, place_id, point_id
from vocabulary.role import Role

_HERE = Path(__file__).parent
DEMO_PEOPLE = ("administrator", "building-manager", "lighting-operator", "household", "delegate", "territory-analyst")
"""Whom the demo sign-in page offers: access makes them, one for each role."""
_SIGN_IN_COOKIE, _SIGN_IN_S = "multiflux_sign_in", 600
_BY_REASON = {
    "OCCUPANCY_CODE_INVALID": 400,
    "SIGN_IN_BROKEN": 403,
    "SUBJECT_UNKNOWN": 403,
    "LOCAL_ISSUER_OFF": 403,
    "ISSUER_AWAY": 503,
}
"""Failures that have a sentence of their own, and the status of their page."""
_BY_KIND = {
    Kind.MISSING: ("MISSING", 404),
    Kind.DENIED: ("DENIED", 403),
    Kind.UNAUTHENTICATED: ("SIGN_IN_BROKEN", 403),
    Kind.STALE: ("CONFLICT", 409),
    Kind.CONFLICT: ("CONFLICT", 409),
    Kind.EXISTS: ("CONFLICT", 409),
    Kind.EXHAUSTED: ("EXHAUSTED", 429),
    Kind.INVALID: ("INVALID", 400),
}


class Pages:
    """The handlers of all addresses but the lighting's."""

    def __init__(self, desk: Desk, gateway: Gateway, issuer: Issuer | None, *, licence: str, secure: bool) -> None:
        """Show the public what `gateway` tells, and others what they see; who comes to `desk` signs in at `issuer`, else as a demo person.

        `licence` is that of the open data; `secure`: only over TLS do cookies travel.
        """
        self._desk = desk
        self._gateway = gateway
        self._published = Published(gateway)
        self._hours = KeptHours()
        self._licence = licence
        self._issuer = issuer
        self._secure = secure

    async def start(self, request: Request) -> Response:
        """Send a visitor to the pages of its language, French unless it asks for English first."""
        return RedirectResponse(f"/{words_of(request).language}/")

    async def home(self, request: Request, language: str) -> Response:
        """Send whoever is signed in to the first page of its role."""
        words, session = words_in(language), self._desk.session_of(request)
        if session is None:
            raise SignInWanted
        role = main_role(session.person.roles)
        if role is Role.ADMINISTRATOR:
            territory = await session.gateway.registry.territory()
            if territory.root_place is None:
                return self._desk.message(request, words, words.first_day, words.first_day_next, status=200)
            return RedirectResponse(f"/{words.language}/places/{territory.root_place}")
        if role in HOUSEHOLDS:
            for premise in session.person.homes(datetime.now(UTC)):
                return RedirectResponse(f"/{words.language}/places/{premise}")
            return self._desk.message(request, words, words.no_home, words.no_home_next, status=200)
        return RedirectResponse(f"/{words.language}/{first_page(role)}")

    async def who(self, request: Request, language: str, to: str = "") -> Response:
        """Send the browser to the issuer; without one, show the demo people to sign in as."""
        words = words_in(language)
        wanted = _own_address(to, words)
        if self._issuer is None:
            people = [{"id": person, "role": role, "sees": sees} for person in DEMO_PEOPLE for role, sees in (words.people[person],)]
            return self._desk.render("sign_in.html", request, words, people=people, to=wanted, simulated=False)
        begun = SignInBegun.new(wanted)
        response = RedirectResponse(await self._issuer.address(begun, words.language), status_code=303)
        response.set_cookie(
            _SIGN_IN_COOKIE, begun.cookie(), max_age=_SIGN_IN_S, path="/signed-in", httponly=True, samesite="lax", secure=self._secure
        )
        return response

    async def sign_in(self, request: Request, language: str) -> Response:
        """Sign a demo person in; access refuses where an OIDC issuer is configured."""
        words, form = words_in(language), await form_of(request)
        person = form.get("person", "")
        if self._issuer is not None or person not in DEMO_PEOPLE or not is_own(request):
            return self._desk.message(request, words, *words.refusals["SIGN_IN_BROKEN"], status=403)
        subject = await self._gateway.demo_subject(PersonId(person))
        return await self._entered(request, subject, _own_address(form.get("to", ""), words))

    async def signed_in(self, request: Request, state: str = "", code: str = "", iss: str = "") -> Response:
        """Take a browser back from the issuer, and send it to the page that it wanted."""
        begun = SignInBegun.from_cookie(request.cookies.get(_SIGN_IN_COOKIE))
        if self._issuer is None:
            raise SignInBroken("there is no issuer")
        subject = await self._issuer.subject(begun, state=state, code=code, speaker=iss)
        response = await self._entered(request, subject, _own_address(begun.to, words_of(request)))
        response.delete_cookie(_SIGN_IN_COOKIE, path="/signed-in", httponly=True, samesite="lax", secure=self._secure)
        return response

    async def sign_out(self, request: Request, language: str) -> Response:
        """End the session."""
        words, form, session = words_in(language), await form_of(request), self._desk.session_of(request)
        if session is not None:
            if not self._desk.is_meant(request, form, session):
                return self._desk.message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
            await self._leave(request)
        response = RedirectResponse(f"/{words.language}/sign-in", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._secure)
        return response

    async def consumption(self, request: Request, language: str, collection: str, resource: str, span: str = "", day: str = "") -> Response:
        """Show the consumption of a place or metering point."""
        now = datetime.now(UTC)
        gateway = self._desk.seen_by(request)
        asked = await _asked(gateway, language, f"{collection}/{resource}", span, day, now)
        page = await consumption_page(gateway, asked, now)
        return self._desk.shown("consumption.html", request, asked.words, page)

    async def consents(self, request: Request, language: str) -> Response:
        """Show what the household that is signed in consents to."""
        words, session = words_in(language), self._desk.session_of(request)
        if session is None:
            raise SignInWanted
        now = datetime.now(UTC)
        page = await consents_page(session.gateway, words, session.person.homes(now), now)
        return self._desk.shown("consents.html", request, words, page)

    async def change_consent(self, request: Request, language: str) -> Response:
        """Give a consent, or withdraw one."""
        words, (session, form) = words_in(language), await self._desk.sent(request)
        if consent := form.get("consent", ""):
            await withdraw(session.gateway, consent)
        else:
            await give(session.gateway, words, form.get("point", ""), form.get("purpose", ""))
        return RedirectResponse(f"/{words.language}/consents", status_code=303)

    async def my_home(self, request: Request, language: str) -> Response:
        """Show what is known of the home of the household that is signed in."""
        words, session = words_in(language), self._desk.session_of(request)
        if session is None:
            raise SignInWanted
        page = await home_page(session.gateway, words, session.person.homes(datetime.now(UTC)))
        return self._desk.shown("home.html", request, words, page)

    async def change_home(self, request: Request, language: str) -> Response:
        """Keep what a household says of its home, or have it move in with a code."""
        words, (session, form) = words_in(language), await self._desk.sent(request)
        if "code" in form:
            await move_in(session.gateway, form["code"])
            # A token names the homes of the time when it was given.
            await session.person.renew()
        else:
            await declare(session.gateway, form)
        return RedirectResponse(f"/{words.language}/home", status_code=303)

    async def sites(self, request: Request, language: str, sort: str = "name") -> Response:
        """Show the year of the public sites that the manager has."""
        words = words_in(language)
        page = await sites_page(self._desk.seen_by(request), words, sort)
        return self._desk.shown("sites.html", request, words, page)

    async def sites_file(self, request: Request, language: str) -> Response:
        """Give the year of the public sites as CSV."""
        words_in(language)
        return _csv(sites_csv(await self._desk.seen_by(request).sites.portfolio()), "sites.csv")

    async def site(self, request: Request, language: str, site: str) -> Response:
        """Show how one public site uses energy and water."""
        words = words_in(language)
        page = await site_page(self._desk.seen_by(request), self._hours, words, place_id(f"places/{site}"), datetime.now(UTC))
        return self._desk.shown("site.html", request, words, page)

    async def public(self, request: Request, language: str) -> Response:
        """Show everybody what is published of the town's homes."""
        words = words_in(language)
        page = await public_page(self._gateway, self._published, words, self._licence, datetime.now(UTC))
        return self._desk.shown("public.html", request, words, page)

    async def public_file(self, language: str) -> Response:
        """Give everybody what is published as open data."""
        words_in(language)
        return _csv(await public_csv(self._gateway, self._published, self._licence, datetime.now(UTC)), "multiflux.csv")

    async def figures(
        self, request: Request, language: str, collection: str, resource: str, flux: str, span: str = "", day: str = ""
    ) -> Response:
        """Give the figures of one chart as CSV."""
        gateway = self._desk.seen_by(request)
        asked = await _asked(gateway, language, f"{collection}/{resource}", span, day, datetime.now(UTC))
        try:
            series = await flux_consumption(gateway, asked, Flux[flux.upper()])
        except KeyError:
            raise invalid("flux", f"{flux!r} is not a flux") from None
        name = f"{resource}-{flux}-{asked.period.first}.csv"
        return _csv(consumption_csv(series, asked.zone), name)

    async def refused(self, request: Request, failure: Exception) -> Response:
        """Say in a sentence what a service, or the address, is lacking; lead to sign-in whoever must sign in, or must again."""
        words, kind, session = words_of(request), getattr(failure, "kind", None), self._desk.session_of(request)
        if isinstance(failure, SignInWanted) or (kind is Kind.UNAUTHENTICATED and session is not None):
            self._desk.sessions.end(request.cookies.get(COOKIE))
            return self._sign_in_first(request, words)
        if isinstance(failure, FormRefused):
            return self._desk.message(request, words, words.refusals["DENIED"][0], words.sign_in_again, status=403)
        if isinstance(failure, RemoteFailure) or kind in (Kind.BUSY, Kind.DENIED, Kind.MISSING):
            said, status = _said(failure)
            return self._desk.message(request, words, *words.refusals[said], status=status)
        if request.method == "POST":
            return self._desk.message(request, words, *words.refusals["INVALID"], status=400)
        wrong = failure.violations if isinstance(failure, Failure) else ()
        parts = ", ".join(dict.fromkeys(one.field for one in wrong)) or request.url.path
        status = failure.status_code if isinstance(failure, HTTPException) else 400
        return self._desk.message(request, words, words.wrong_address.format(parts=parts), words.refusals["MISSING"][1], status=status)

    def _sign_in_first(self, request: Request, words: Words) -> Response:
        if request.method == "POST":
            return self._desk.message(request, words, *words.refusals["SIGN_IN_BROKEN"], status=403)
        wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"/{words.language}/sign-in?{urlencode({'to': wanted})}", status_code=303)

    async def _entered(self, request: Request, subject: SubjectToken, to: str) -> Response:
        """Begin a session, and send the browser on; RemoteFailure when access does not take the token."""
        person, gateway = await self._gateway.signed_in(subject)
        await self._leave(request)
        response = RedirectResponse(to, status_code=303)
        number, lifetime_s = self._desk.sessions.begin(person, gateway), int(LIFETIME.total_seconds())
        # Lax: the issuer, and links in messages, lead here from other sites. No address changes anything without its form's own word.
        response.set_cookie(COOKIE, number, max_age=lifetime_s, httponly=True, samesite="lax", secure=self._secure)
        return response

    async def _leave(self, request: Request) -> None:
        """End the session that the browser has, if any."""
        session = self._desk.session_of(request)
        self._desk.sessions.end(request.cookies.get(COOKIE))
        if session is not None:
            with suppress(RemoteFailure):
                # When access is away, its session ends by itself, and nobody has its number any more.
                await session.person.end()


def build(settings: DashboardSettings) -> FastAPI:
    """Return the application; it dials the services when the first page is asked for."""
    gateway, client = Gateway.open(settings), httpx.AsyncClient()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await client.aclose()
        await gateway.close()

    desk, issuer = Desk(), _issuer(settings, client) if settings.issuer else None
    pages = Pages(desk, gateway, issuer, licence=settings.open_data_licence, secure=settings.https)
    app = FastAPI(title="multiflux", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    app.get("/healthz")(_healthy)
    app.get("/")(pages.start)
    app.get("/{language}/")(pages.home)
    app.get("/signed-in")(pages.signed_in)
    app.get("/{language}/sign-in", response_class=HTMLResponse)(pages.who)
    app.post("/{language}/sign-in")(pages.sign_in)
    app.post("/{language}/sign-out")(pages.sign_out)
    app.get("/{language}/consents", response_class=HTMLResponse)(pages.consents)
    app.post("/{language}/consents")(pages.change_consent)
    app.get("/{language}/home", response_class=HTMLResponse)(pages.my_home)
    app.post("/{language}/home")(pages.change_home)
    app.get("/{language}/public", response_class=HTMLResponse)(pages.public)
    app.get("/{language}/public.csv")(pages.public_file)
    app.get("/{language}/sites", response_class=HTMLResponse)(pages.sites)
    app.get("/{language}/sites.csv")(pages.sites_file)
    app.get("/{language}/sites/{site}", response_class=HTMLResponse)(pages.site)
    LightingPages(desk).add_to(app)
    app.get("/{language}/{collection}/{resource}/{flux}.csv")(pages.figures)
    app.get("/{language}/{collection}/{resource}", response_class=HTMLResponse)(pages.consumption)
    app.add_exception_handler(RemoteFailure, pages.refused)
    app.add_exception_handler(Failure, pages.refused)
    app.add_exception_handler(SignInWanted, pages.refused)
    app.add_exception_handler(FormRefused, pages.refused)
    app.add_exception_handler(HTTPException, pages.refused)
    return app


def _issuer(settings: DashboardSettings, client: httpx.AsyncClient) -> Issuer:
    return Issuer(settings.issuer, settings.client_id, settings.client_secret_file, settings.public_url, client)


def _csv(text: str, name: str) -> Response:
    return Response(text, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _healthy() -> JSONResponse:
    return JSONResponse({"status": "serving"})


async def _asked(gateway: Gateway, language: str, resource: str, span: str, day: str, now: datetime) -> Asked:
    words = words_in(language)
    place = place_id(resource) if resource.startswith("places/") else None
    point = None if place else point_id(resource)
    territory = await gateway.registry.territory()
    period = period_from(span, day, now=now, zone=ZoneInfo(territory.time_zone))
    return Asked(words=words, period=period, territory=territory, place=place, point=point)


def _said(failure: Exception) -> tuple[str, int]:
    """Return which sentence a page says of a failure, and its status."""
    reason = getattr(failure, "reason", "")
    if reason in _BY_REASON:
        return reason, _BY_REASON[reason]
    kind: Kind | None = getattr(failure, "kind", None)
    return ("AWAY", 503) if kind is None else _BY_KIND.get(kind, ("AWAY", 503))


def _own_address(to: str, words: Words) -> str:
    """Return where to go on after signing in: a page of this site, else the first page."""
    return to if to.startswith(tuple(f"/{language}/" for language in LANGUAGES)) else f"/{words.language}/"
