"""A person known to a territory, and the accounts that sign in as it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind
from vocabulary.names import PersonId

_MAX_DISPLAY_NAME = 200
_MAX_EMAIL = 254
_MAX_IDENTITIES = 20
_MAX_ISSUER = 500
_MAX_SUBJECT = 255
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class PersonUnknown(Failure):
    """The territory knows no such person."""

    reason, kind = "PERSON_UNKNOWN", Kind.MISSING


class PersonExists(Failure):
    """The id belongs to a person of the territory."""

    reason, kind = "PERSON_EXISTS", Kind.EXISTS


class PersonIdRetired(Failure):
    """The id belonged to a person who was erased: its audit entries must never point to another."""

    reason, kind = "PERSON_ID_RETIRED", Kind.EXISTS


class IdentityTaken(Failure):
    """Another person of the territory signs in with this account."""

    reason, kind = "IDENTITY_TAKEN", Kind.EXISTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """An account at an OIDC issuer: its `iss` and `sub` claims."""

    issuer: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person; `version` grows with every change, times are UTC."""

    id: PersonId
    display_name: str
    email: str
    language_code: str
    identities: tuple[Identity, ...]
    version: int
    created: datetime
    updated: datetime

    def __post_init__(self) -> None:
        """Refuse what cannot be a person, naming every wrong field."""
        violations = _violations(self)
        if violations:
            raise InvalidRequest(*violations)


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonChange:
    """What is to change of a person; None leaves a field as it is."""

    display_name: str | None = None
    email: str | None = None
    language_code: str | None = None
    identities: tuple[Identity, ...] | None = None


def changed(person: Person, change: PersonChange, at: datetime) -> Person:
    """Return `person` with the change made at `at`."""
    return replace(
        person,
        display_name=person.display_name if change.display_name is None else change.display_name,
        email=person.email if change.email is None else change.email,
        language_code=person.language_code if change.language_code is None else change.language_code,
        identities=person.identities if change.identities is None else change.identities,
        version=person.version + 1,
        updated=at,
    )


def _violations(person: Person) -> list[FieldViolation]:
    found: list[FieldViolation] = []
    if not 0 < len(person.display_name.strip()) <= _MAX_DISPLAY_NAME:
        found.append(FieldViolation(field="person.display_name", description=f"must have 1 to {_MAX_DISPLAY_NAME} characters"))
    if person.email and (len(person.email) > _MAX_EMAIL or not _EMAIL.fullmatch(person.email)):
        found.append(FieldViolation(field="person.email", description="is no email address"))
    if not _LANGUAGE.fullmatch(person.language_code):
        found.append(FieldViolation(field="person.language_code", description="must be a BCP 47 tag such as fr or en"))
    return [*found, *_identity_violations(person.identities)]


def _identity_violations(identities: tuple[Identity, ...]) -> list[FieldViolation]:
    found: list[FieldViolation] = []
    if len(identities) > _MAX_IDENTITIES or len(set(identities)) < len(identities):
        found.append(FieldViolation(field="person.identities", description=f"must be {_MAX_IDENTITIES} different accounts at most"))
    for position, identity in enumerate(identities):
        if not 0 < len(identity.issuer) <= _MAX_ISSUER:
            found.append(
                FieldViolation(field=f"person.identities[{position}].issuer", description=f"must have 1 to {_MAX_ISSUER} characters")
            )
        if not 0 < len(identity.subject) <= _MAX_SUBJECT:
            found.append(
                FieldViolation(field=f"person.identities[{position}].subject", description=f"must have 1 to {_MAX_SUBJECT} characters")
            )
    return found
