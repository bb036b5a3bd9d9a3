"""What an OIDC ID token must say to be taken (OpenID Connect Core 1.0, 3.1.3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from access.domain.session import SubjectClaims, SubjectTokenExpired, SubjectTokenInvalid

_SKEW = timedelta(seconds=60)
"""How far the issuer's clock may be ahead of ours; an expired token is expired without mercy."""

_LONGEST_LIFE = timedelta(days=1)
"""Digests of exchanged tokens are kept until the tokens expire: a token that would live for years is not taken."""

_MAX_SUBJECT = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedIssuer:
    """The issuer and the audience (our client id there) that tokens must name."""

    issuer: str
    audience: str


def checked_claims(claims: Mapping[str, object], digest: bytes, trusted: TrustedIssuer, at: datetime) -> SubjectClaims:
    """Return who the token is about; SubjectTokenInvalid, SubjectTokenExpired. The signature was verified before."""
    issued, expires, not_before = _instant(claims, "iat"), _instant(claims, "exp"), _instant(claims, "nbf", missing=0)
    subject = _text(claims, "sub")
    good = (
        claims.get("iss") == trusted.issuer
        and _is_audience(claims, trusted.audience)
        and 0 < len(subject) <= _MAX_SUBJECT
        and issued <= at + _SKEW
        and not_before <= at + _SKEW
        and timedelta(0) < expires - issued <= _LONGEST_LIFE
    )
    if not good:
        raise _invalid()
    if at >= expires:
        raise SubjectTokenExpired(f"the token expired at {expires.isoformat()}", expired=expires.isoformat())
    return SubjectClaims(
        issuer=trusted.issuer,
        subject=subject,
        digest=digest,
        expires=expires,
        display_name=_text(claims, "name")[:200].strip(),
        email=_text(claims, "email") if claims.get("email_verified") is True else "",
    )


def is_safe_url(url: str) -> bool:
    """Tell whether an issuer's keys may be fetched from there: over TLS, or from this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.scheme == "http" and parts.hostname == "localhost"


def _is_audience(claims: Mapping[str, object], audience: str) -> bool:
    named = claims.get("aud")
    if isinstance(named, str):
        named = [named]
    if not isinstance(named, list) or audience not in named:
        return False
    # A token for several parties says for which one it was made.
    party = claims.get("azp")
    return party == audience if len(cast("list[object]", named)) > 1 else party in (None, audience)


def _instant(claims: Mapping[str, object], name: str, *, missing: int | None = None) -> datetime:
    seconds = claims.get(name, missing)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _invalid()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise _invalid() from None


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _invalid() -> SubjectTokenInvalid:
    return SubjectTokenInvalid("the subject token is not valid here")
