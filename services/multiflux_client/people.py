"""People and what they may do, as access tells it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from multiflux_client.records import ConsentId, DelegationId, GrantId, OccupancyId
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId
from vocabulary.role import Role


class Purpose(Enum):
    """What readings may be used for."""

    DISPLAY_DAILY = 1
    DISPLAY_SUBDAILY = 2
    ADVICE = 3
    PEER_COMPARISON = 4
    FORECAST = 5


class AuditOutcome(Enum):
    """What became of an audited call."""

    CHANGED = 1
    REFUSED = 2
    READ = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """An account at an OIDC issuer."""

    issuer: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person known to a territory; without an id it is to be made."""

    id: PersonId = PersonId("")
    display_name: str
    email: str = ""
    language_code: str = "fr"
    identities: tuple[Identity, ...] = ()
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role that a person holds in a place and all within it; without a place, in the whole territory."""

    id: GrantId = GrantId("")
    person: PersonId
    role: Role
    place: PlaceId | None = None
    validity: Validity = Validity()
    create_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenGrant:
    """One grant inside a token; for households and delegates its validity is what figures are cut to."""

    role: Role
    place: PlaceId | None = None
    validity: Validity = Validity()


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """A person lives in a premise."""

    id: OccupancyId = OccupancyId("")
    person: PersonId
    premise: PlaceId
    validity: Validity
    verify_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """A household lets another person see what it sees; to make one, only receiver, occupancy and validity are needed."""

    id: DelegationId = DelegationId("")
    giver: PersonId | None = None
    receiver: PersonId
    occupancy: OccupancyId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A person allows one use of the readings of one metering point, at this granularity or a coarser one."""

    id: ConsentId = ConsentId("")
    person: PersonId | None = None
    metering_point: PointId
    purpose: Purpose
    granularity: Granularity
    validity: Validity = Validity()
    proof_text: str
    give_time: datetime | None = None
    withdraw_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One change, one refused access, or one reading of somebody else's records.

    `actor` and `subject` are `people/{person}`, `services/{service}` or empty.
    """

    entry_id: str
    occur_time: datetime
    actor: str
    method: str
    outcome: AuditOutcome
    reason: str = ""
    resource: str = ""
    subject: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TerritoryAuditEntry:
    """An audit entry and the territory that it belongs to; none when nobody valid was calling."""

    territory: TerritoryId | None
    entry: AuditEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessEvent:
    """Something changed in access: exactly one of the last six is there."""

    event_id: str
    territory: TerritoryId
    occur_time: datetime
    person_changed: PersonId | None = None
    person_erased: PersonId | None = None
    occupancy_changed: Occupancy | None = None
    delegation_changed: Delegation | None = None
    consent_changed: Consent | None = None
    delegation_removed: DelegationId | None = None
