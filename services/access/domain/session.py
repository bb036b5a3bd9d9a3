"""Who signed in, with what, and for how long it may go on without signing in again."""

from dataclasses import dataclass
from datetime import datetime

from access.domain.ids import SessionId
from vocabulary.failure import Failure, Kind
from vocabulary.names import PersonId, TerritoryId


class TokenReplayed(Failure):
    """The credential was exchanged before. For a refresh token: its session is over, because somebody else may hold the other copy."""

    reason, kind = "TOKEN_REPLAYED", Kind.UNAUTHENTICATED


class SubjectTokenInvalid(Failure):
    """The subject token is not one of the trusted issuer for this installation; why is not told to the caller."""

    reason, kind = "SUBJECT_TOKEN_INVALID", Kind.UNAUTHENTICATED


class SubjectTokenExpired(Failure):
    """The subject token was good once."""

    reason, kind = "SUBJECT_TOKEN_EXPIRED", Kind.UNAUTHENTICATED


class RefreshTokenInvalid(Failure):
    """The refresh token is unknown or expired, or its session is over: sign in again."""

    reason, kind = "REFRESH_TOKEN_INVALID", Kind.UNAUTHENTICATED


class ServiceSecretInvalid(Failure):
    """The service secret is not the one of this installation."""

    reason, kind = "SERVICE_SECRET_INVALID", Kind.UNAUTHENTICATED


class SubjectUnknown(Failure):
    """The account is good, but nobody in the territory signs in with it."""

    reason, kind = "SUBJECT_UNKNOWN", Kind.DENIED


class LocalIssuerOff(Failure):
    """The local issuer serves only callers on this machine, and only while no OIDC issuer is configured."""

    reason, kind = "LOCAL_ISSUER_OFF", Kind.DENIED


class NotALocalPerson(Failure):
    """Nobody of that name signs in with the local issuer."""

    reason, kind = "NOT_A_LOCAL_PERSON", Kind.DENIED


class IssuerAway(Failure):
    """The OIDC issuer's keys cannot be fetched now."""

    reason, kind = "ISSUER_AWAY", Kind.BUSY


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectClaims:
    """What a verified subject token says. `digest` knows it again until `expires`; the email is there only when the issuer verified it."""

    issuer: str
    subject: str
    digest: bytes
    expires: datetime
    display_name: str
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One sign-in of a person of territory `home` with an account at `issuer`; over at `expires`, or when `ended`."""

    id: SessionId
    home: TerritoryId
    person: PersonId
    issuer: str
    purpose: str
    opened: datetime
    expires: datetime
    ended: datetime | None

    def goes_on(self, at: datetime, issuer: str) -> bool:
        """Tell whether the session can be refreshed: `issuer` is the one that is trusted now."""
        return self.ended is None and at < self.expires and self.issuer == issuer


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """A refresh token as it is kept: only its digest."""

    digest: bytes
    session: SessionId
    expires: datetime
    used: datetime | None
