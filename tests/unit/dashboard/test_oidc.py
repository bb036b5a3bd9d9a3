"""Signing in at an OIDC issuer over HTTP: what the browser is sent with, what it must bring back, and what comes of it."""

import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from dashboard_world import Services
from joserfc import jwt
from joserfc.jwk import OKPKey

from dashboard.app import build
from dashboard.gateway import Gateway
from dashboard.sessions import COOKIE
from dashboard.settings import DashboardSettings
from runtime.settings import SettingsInvalid, load

CLIENT, SECRET = "town pages", "s3cret/:"


class Issuer:
    """An issuer that lets `lucien` in, and gives ID tokens for codes as RFC 6749 and RFC 7636 say."""

    def __init__(self) -> None:
        self.key = OKPKey.generate_key("Ed25519", {"kid": "k"})
        self.asked: dict[str, str] = {}
        self.nonce = ""
        self.speaks_for = ""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                described = {"authorization_endpoint": f"{issuer.url}/authorize?tenant=1", "token_endpoint": f"{issuer.url}/token"}
                self.answer(200, {"issuer": issuer.speaks_for or issuer.url, **described})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                token = issuer.token(form, self.headers["authorization"])
                self.answer(*((200, {"id_token": token, "token_type": "Bearer"}) if token else (400, {"error": "invalid_grant"})))

            def answer(self, status: int, document: dict[str, Any]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the class gives it
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def let_in(self, address: str) -> dict[str, str]:
        """Return what the browser brings back when it is sent to an address."""
        assert address.startswith(f"{self.url}/authorize?tenant=1&")
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return {"state": self.asked["state"], "code": "one-time", "iss": self.url}

    def token(self, form: dict[str, str], name: str | None) -> str:
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        good = (
            (form["grant_type"], form["code"]) == ("authorization_code", "one-time")
            and challenge == self.asked["code_challenge"]
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and name == "Basic " + base64.b64encode(b"town+pages:s3cret%2F%3A").decode()
        )
        claims = {"iss": self.url, "aud": CLIENT, "sub": "lighting-operator", "nonce": self.nonce or self.asked["nonce"]}
        return jwt.encode({"alg": "Ed25519", "kid": "k"}, claims, self.key, algorithms=["Ed25519"]) if good else ""

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
async def browser(services: Services, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(Gateway, "open", lambda _: services)
    secret = tmp_path / "client_secret"
    secret.write_text(f"{SECRET}\n")
    settings = {"issuer": issuer.url, "client_id": CLIENT, "client_secret_file": secret, "public_url": "https://town.example"}
    site = httpx.ASGITransport(app=build(DashboardSettings.model_validate(settings)))
    async with httpx.AsyncClient(transport=site, base_url="https://town.example") as client:
        yield client


async def sent(browser: httpx.AsyncClient, wanted: str = "/en/lighting") -> httpx.Response:
    first = await browser.get(wanted)
    return await browser.get(first.headers["location"])


async def test_a_person_signs_in_at_the_issuer_and_comes_back_to_the_page_that_it_wanted(
    browser: httpx.AsyncClient, issuer: Issuer, services: Services
) -> None:
    brought = issuer.let_in((await sent(browser)).headers["location"])
    asked = issuer.asked
    assert (asked["response_type"], asked["code_challenge_method"], asked["ui_locales"]) == ("code", "S256", "en")
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, "https://town.example/signed-in")
    assert "openid" in asked["scope"].split()
    answer = await browser.get("/signed-in", params=brought)
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/lighting")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE)).lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=lax"))
    assert services.signed == ["lighting-operator"]
    assert (await browser.get("/en/")).headers["location"] == "/en/lighting"


async def test_each_sign_in_has_its_own_state_nonce_and_verifier(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    seen = set[str]()
    for _ in range(3):
        issuer.let_in((await sent(browser)).headers["location"])
        seen |= {issuer.asked[name] for name in ("state", "nonce", "code_challenge")}
    assert len(seen) == 9


@pytest.mark.parametrize("wrong", [{"state": "guessed"}, {"code": ""}, {"code": "stolen"}, {"iss": "https://elsewhere.example"}])
async def test_what_was_not_asked_for_signs_nobody_in(
    browser: httpx.AsyncClient, issuer: Issuer, services: Services, wrong: dict[str, str]
) -> None:
    brought = issuer.let_in((await sent(browser)).headers["location"])
    answer = await browser.get("/signed-in", params=brought | wrong, headers={"accept-language": "en"})
    assert (answer.status_code, "Signing in did not work out." in answer.text) == (403, True)
    assert services.signed == []


async def test_a_token_that_was_made_for_another_sign_in_is_not_taken(
    browser: httpx.AsyncClient, issuer: Issuer, services: Services
) -> None:
    brought = issuer.let_in((await sent(browser)).headers["location"])
    issuer.nonce = "of another"
    assert (await browser.get("/signed-in", params=brought)).status_code == 403
    assert services.signed == []


async def test_an_answer_in_another_browser_signs_nobody_in(browser: httpx.AsyncClient, issuer: Issuer, services: Services) -> None:
    brought = issuer.let_in((await sent(browser)).headers["location"])
    browser.cookies.clear()
    assert (await browser.get("/signed-in", params=brought)).status_code == 403
    browser.cookies.set("multiflux_sign_in", "bm9uc2Vuc2U=", path="/signed-in")
    assert (await browser.get("/signed-in", params=brought)).status_code == 403
    assert services.signed == []


async def test_with_an_issuer_there_are_no_demo_people(browser: httpx.AsyncClient, services: Services) -> None:
    assert (await browser.post("/fr/sign-in", data={"person": "administrator"})).status_code == 403
    assert (await browser.get("/fr/sign-in")).status_code == 303
    assert services.signed == []


async def test_an_issuer_that_speaks_for_another_or_is_away_is_said_in_a_sentence(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.speaks_for = "https://elsewhere.example"
    answer = await browser.get("/fr/sign-in")
    assert (answer.status_code, "service de connexion ne répond pas" in answer.text) == (503, True)


@pytest.mark.parametrize(
    "settings",
    [
        {"ISSUER": "https://id.example"},
        {"ISSUER": "http://id.example", "CLIENT_ID": "c", "PUBLIC_URL": "https://town.example"},
        {"ISSUER": "https://id.example", "CLIENT_ID": "c", "PUBLIC_URL": "http://town.example"},
    ],
)
def test_half_an_issuer_or_one_without_tls_is_refused_at_the_start(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"MULTIFLUX_DASHBOARD_{name}", value)
    with pytest.raises(SettingsInvalid):
        load(DashboardSettings)
