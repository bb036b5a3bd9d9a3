"""Signing in at an OIDC issuer: the authorization code flow with PKCE (RFC 7636), state and nonce.

What comes of it is an ID token. Access verifies that: its signature, issuer, audience and times; here it is only known again by its nonce.
"""

import base64
import json
import secrets
from dataclasses import dataclass, fields
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jws
from joserfc.errors import JoseError

from dashboard.settings import is_safe_url
from multiflux_client.access import SubjectToken
from vocabulary.failure import Failure, Kind

_DISCOVERY = "/.well-known/openid-configuration"
_DEADLINE_S = 10.0
_MAX_BYTES = 512 * 1024
_OK = 200


class IssuerAway(Failure):
    """The OIDC issuer cannot be asked now, or answers with what makes no sense."""

    reason, kind = "ISSUER_AWAY", Kind.BUSY


class SignInBroken(Failure):
    """The browser came back with something else than what it was sent for, or the issuer refused: sign in again."""

    reason, kind = "SIGN_IN_BROKEN", Kind.DENIED


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInBegun:
    """A sign-in for which a browser is at the issuer, kept by the browser: by what both ways belong together, and where to go then."""

    state: str
    nonce: str
    verifier: str
    to: str

    @classmethod
    def new(cls, to: str) -> "SignInBegun":
        """Begin one."""
        return cls(state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), to=to)

    def cookie(self) -> str:
        """Return it as the value of a cookie."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        return base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()

    @classmethod
    def from_cookie(cls, value: str | None) -> "SignInBegun":
        """Return what a cookie holds; SignInBroken."""
        try:
            kept = json.loads(base64.urlsafe_b64decode(value or ""))
            return cls(**{field.name: str(kept[field.name]) for field in fields(cls)})
        except (ValueError, KeyError, TypeError):
            raise SignInBroken("this browser has not begun to sign in") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Addresses:
    authorization: str
    token: str


class Issuer:
    """The issuer, and this installation as a client of it."""

    def __init__(self, issuer: str, client_id: str, secret_file: Path | None, public_url: str, client: httpx.AsyncClient) -> None:
        """Talk to it with `client`; people come back to `public_url`."""
        self._issuer = issuer
        self._client_id = client_id
        self._secret_file = secret_file
        self._back = public_url.rstrip("/") + "/signed-in"
        self._client = client
        self._found: _Addresses | None = None

    async def address(self, begun: SignInBegun, language: str) -> str:
        """Return where to send the browser; IssuerAway."""
        asked = {
            "response_type": "code",
            "scope": "openid profile email",
            "client_id": self._client_id,
            "redirect_uri": self._back,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        at = (await self._addresses()).authorization
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"

    async def subject(self, begun: SignInBegun, *, state: str, code: str, speaker: str) -> SubjectToken:
        """Return the ID token that a code stands for; SignInBroken, IssuerAway. `speaker`: the issuer that the answer names (RFC 9207)."""
        if not compare_digest(begun.state.encode(), state.encode()) or not code or speaker not in ("", self._issuer):
            raise SignInBroken("the answer does not belong to this browser's question")
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._client_id,
            "code_verifier": begun.verifier,
        }
        answer = await self._json("POST", (await self._addresses()).token, data=asked, headers=self._own_name())
        token = answer.get("id_token")
        if not isinstance(token, str) or not compare_digest(_nonce(token).encode(), begun.nonce.encode()):
            raise SignInBroken("the ID token was not made for this sign-in")
        return SubjectToken(token=token)

    def _own_name(self) -> dict[str, str]:
        if self._secret_file is None:
            return {}
        # Both parts are form-encoded first (RFC 6749, 2.3.1).
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret_file.read_text().strip())}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    async def _addresses(self) -> _Addresses:
        if self._found is None:
            document = await self._json("GET", self._issuer.rstrip("/") + _DISCOVERY)
            authorization, token = document.get("authorization_endpoint"), document.get("token_endpoint")
            safe = isinstance(authorization, str) and isinstance(token, str) and is_safe_url(authorization) and is_safe_url(token)
            # A document that speaks for another issuer must not lead people elsewhere (OpenID Connect Discovery 1.0, 4.3).
            if document.get("issuer") != self._issuer or not safe:
                raise IssuerAway("the issuer's description of itself makes no sense")
            self._found = _Addresses(authorization=cast("str", authorization), token=cast("str", token))
        return self._found

    async def _json(self, method: str, url: str, **asked: Any) -> dict[str, Any]:
        """Return the answer; SignInBroken when the issuer refuses, IssuerAway when it does not answer with JSON."""
        try:
            answer = await self._client.request(method, url, timeout=_DEADLINE_S, follow_redirects=False, **asked)
            document: object = answer.json() if len(answer.content) <= _MAX_BYTES else None
        except (httpx.HTTPError, ValueError):
            raise IssuerAway("the issuer does not answer") from None
        if answer.is_client_error and method == "POST":
            raise SignInBroken("the issuer does not take the code")
        if answer.status_code != _OK or not isinstance(document, dict):
            raise IssuerAway("the issuer does not answer")
        return cast("dict[str, Any]", document)


def _nonce(token: str) -> str:
    """Return the nonce that an ID token names, not yet verified."""
    try:
        claims: object = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError):
        return ""
    nonce = cast("dict[str, object]", claims).get("nonce") if isinstance(claims, dict) else None
    return nonce if isinstance(nonce, str) else ""
