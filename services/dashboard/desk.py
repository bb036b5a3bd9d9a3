"""What the handlers of all pages share: who is signed in, which form was sent, and how a template becomes a page."""

from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from dashboard.charts import HEIGHT, LEFT, WIDTH
from dashboard.gateway import Gateway
from dashboard.roles import main_role, name_of, ways
from dashboard.sessions import COOKIE, Session, Sessions
from dashboard.words import ENGLISH, FRENCH, LANGUAGES, Words
from vocabulary.failure import invalid
from vocabulary.role import Role

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_FORM_BYTES = 200_000
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # What somebody saw who has signed out is nobody else's to go back to.
    "Cache-Control": "no-store",
}


class SignInWanted(Exception):
    """The page is for people who are signed in."""


class FormRefused(Exception):
    """A form was not sent by somebody who is signed in, from a page of this site."""


class Desk:
    """Where browsers come: their sessions, and the templates that they are shown."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self.sessions = Sessions()
        self._templates = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)

    def is_meant(self, request: Request, form: dict[str, str], session: Session) -> bool:
        """Tell whether the person who is signed in sent a form from a page of this site."""
        return is_own(request) and compare_digest(form.get("form_token", "").encode(), session.form_token.encode())

    async def sent(self, request: Request) -> tuple[Session, dict[str, str]]:
        """Return whose form was sent, and its fields; FormRefused."""
        form, session = await form_of(request), self.session_of(request)
        if session is None or not self.is_meant(request, form, session):
            raise FormRefused
        return session, form

    def session_of(self, request: Request) -> Session | None:
        """Return the session that the browser has, if any."""
        return self.sessions.of(request.cookies.get(COOKIE))

    def seen_by(self, request: Request) -> Gateway:
        """Return the services as whoever is signed in sees them; SignInWanted."""
        session = self.session_of(request)
        if session is None:
            raise SignInWanted
        return session.gateway

    def message(self, request: Request, words: Words, message: str, next_step: str, *, status: int) -> Response:
        """Say something, and what to do next."""
        return self.render("message.html", request, words, status=status, message=message, next_step=next_step, simulated=False)

    def shown(self, template: str, request: Request, words: Words, page: Any, *, status: int = 200) -> Response:
        """Fill a template with all that a page is made of."""
        return self.render(template, request, words, status=status, **{name: getattr(page, name) for name in page.__slots__})

    def render(self, template: str, request: Request, words: Words, *, status: int = 200, **shown: Any) -> Response:
        """Fill a template."""
        session = self.session_of(request)
        roles = frozenset[Role]() if session is None else session.person.roles
        text = self._templates.get_template(template).render(
            words=words,
            other_address=_in_other_language(request, words),
            width=WIDTH,
            height=HEIGHT,
            left=LEFT,
            signed_in="" if session is None else words.people[name_of(main_role(roles))][0],
            form_token="" if session is None else session.form_token,
            ways=ways(None if session is None else roles, words),
            **shown,
        )
        return HTMLResponse(text, status_code=status, headers=_SECURITY_HEADERS)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a field that comes twice the last. InvalidRequest when it is larger than any of ours."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _MOST_FORM_BYTES:
            raise invalid("form", f"is larger than {_MOST_FORM_BYTES} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def is_own(request: Request) -> bool:
    """Tell whether a form was sent from a page of this site: browsers say so."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _in_other_language(request: Request, words: Words) -> str:
    _, language, *rest = request.url.path.split("/", 2)
    path = f"/{words.other_language}/{rest[0] if rest and language in LANGUAGES else ''}"
    return f"{path}?{request.url.query}" if request.url.query and language in LANGUAGES else path


def words_of(request: Request) -> Words:
    """Return the words of the address, else those that the browser asks for first, of these two."""
    wanted = request.headers.get("accept-language", "").lower()
    return LANGUAGES.get(request.url.path.split("/")[1]) or (ENGLISH if wanted.startswith("en") else FRENCH)


def words_in(language: str) -> Words:
    """Return the words of an address; InvalidRequest."""
    words = LANGUAGES.get(language)
    if words is None:
        raise invalid("language", f"{language!r} is none of {', '.join(LANGUAGES)}")
    return words
