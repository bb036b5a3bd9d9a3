"""What the rules need of storage: the books of one territory, inside one transaction."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from access.domain.actor import Visible
from access.domain.code import OccupancyCode
from access.domain.consent import Consent, ConsentQuestion, Purpose
from access.domain.grant import RoleGrant
from access.domain.ids import ConsentId, DelegationId, GrantId, OccupancyId, SessionId
from access.domain.occupancy import Delegation, Occupancy
from access.domain.person import Identity, Person
from access.domain.session import RefreshToken, Session
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel


class People(Protocol):
    """The people of the territory."""

    def get(self, person: PersonId) -> Person | None:
        """Return the person, None when it is unknown."""
        ...

    def signing_in_with(self, identity: Identity) -> Person | None:
        """Return the person who signs in with the account, None when nobody does."""
        ...

    def add(self, person: Person) -> None:
        """Keep a new person."""
        ...

    def replace(self, person: Person) -> None:
        """Keep the person as it is now."""
        ...

    def remove(self, person: PersonId) -> None:
        """Delete the person, its identities and its sessions."""
        ...

    def sign_out(self, person: PersonId, at: datetime) -> None:
        """End the person's sessions."""
        ...

    def page(self, after: str, limit: int, search: str) -> list[Person]:
        """Return people by id, whose name or email contains `search`."""
        ...


class Grants(Protocol):
    """The roles given in the territory."""

    def get(self, grant: GrantId) -> RoleGrant | None:
        """Return the grant, None when it is unknown."""
        ...

    def of_person(self, person: PersonId) -> list[RoleGrant]:
        """Return the person's grants, ended ones included."""
        ...

    def administrators(self, at: datetime) -> list[RoleGrant]:
        """Return the administrator grants for the whole territory that hold at the instant."""
        ...

    def add(self, grant: RoleGrant) -> None:
        """Keep a new grant."""
        ...

    def replace(self, grant: RoleGrant) -> None:
        """Keep the grant as it is now."""
        ...

    def remove(self, grant: GrantId) -> None:
        """Delete the grant."""
        ...

    def page(self, person: PersonId | None, after: str, limit: int) -> list[RoleGrant]:
        """Return grants by id, of one person or of all."""
        ...


class Occupancies(Protocol):
    """Who lives where, in the territory."""

    def get(self, occupancy: OccupancyId) -> Occupancy | None:
        """Return the occupancy, None when it is unknown."""
        ...

    def of_person(self, person: PersonId) -> list[Occupancy]:
        """Return the person's occupancies, by start."""
        ...

    def of_premise(self, premise: PlaceId) -> list[Occupancy]:
        """Return the occupancies of the premise, by start."""
        ...

    def add(self, occupancy: Occupancy) -> None:
        """Keep a new occupancy."""
        ...

    def replace(self, occupancy: Occupancy) -> None:
        """Keep the occupancy as it is now."""
        ...

    def page(self, seen: Visible, premise: PlaceId | None, after: str, limit: int, at: datetime) -> list[Occupancy]:
        """Return occupancies by id, of one premise or of all, as far as they are visible when the tree stands as at `at`."""
        ...


class Codes(Protocol):
    """The occupancy codes of the territory, by keyed digest, and when households moved out."""

    def find(self, digest: bytes) -> OccupancyCode | None:
        """Return the code of this digest, None when there is none; takes as long either way."""
        ...

    def replace_unused(self, code: OccupancyCode) -> None:
        """Keep a new code in place of the unused one of its premise."""
        ...

    def use(self, code: OccupancyCode, at: datetime) -> None:
        """Keep that the code was used."""
        ...

    def moves(self, premise: PlaceId) -> list[datetime]:
        """Return when households moved out of the premise."""
        ...

    def add_move(self, premise: PlaceId, move_out: datetime) -> None:
        """Keep that a household moved out; again, when that is known already, changes nothing."""
        ...


class Delegations(Protocol):
    """The views that households of the territory let."""

    def get(self, delegation: DelegationId) -> Delegation | None:
        """Return the delegation, None when it is unknown."""
        ...

    def of_occupancy(self, occupancy: OccupancyId) -> list[Delegation]:
        """Return the delegations of the occupancy."""
        ...

    def received_by(self, person: PersonId) -> list[Delegation]:
        """Return the delegations that the person received."""
        ...

    def add(self, delegation: Delegation) -> None:
        """Keep a new delegation."""
        ...

    def replace(self, delegation: Delegation) -> None:
        """Keep the delegation as it is now."""
        ...

    def remove(self, delegation: DelegationId) -> None:
        """Delete the delegation."""
        ...

    def page(self, person: PersonId, after: str, limit: int) -> list[Delegation]:
        """Return the delegations that the person gave or received, by id."""
        ...


class Consents(Protocol):
    """The consents of the territory."""

    def get(self, consent: ConsentId) -> Consent | None:
        """Return the consent, None when it is unknown."""
        ...

    def of_occupancy(self, occupancy: OccupancyId) -> list[Consent]:
        """Return the consents given as an occupant of `occupancy`."""
        ...

    def of_person(self, person: PersonId, point: PointId, purpose: Purpose) -> list[Consent]:
        """Return the person's consents to one use of one point."""
        ...

    def add(self, consent: Consent) -> None:
        """Keep a new consent."""
        ...

    def replace(self, consent: Consent) -> None:
        """Keep the consent as it is now."""
        ...

    def page(self, seen: Visible, question: ConsentQuestion, after: str, limit: int) -> list[Consent]:
        """Return visible consents by id, as far as they answer the question."""
        ...


class Places(Protocol):
    """What access has heard of the territory's places."""

    def level(self, place: PlaceId) -> PlaceLevel | None:
        """Return how large the place is, None when it is unknown."""
        ...

    def homes_of(self, point: PointId) -> list[tuple[PlaceId, Validity]]:
        """Return where the metering point measured, and when."""
        ...

    def lies_in(self, place: PlaceId, places: Collection[PlaceId], at: datetime) -> bool:
        """Tell whether the place is one of `places`, or lay in one of them at the instant."""
        ...

    def is_territory(self) -> bool:
        """Tell whether the registry knows the territory."""
        ...


class Sessions(Protocol):
    """Sign-ins, of all territories: a refresh token does not say where its person is at home."""

    def spend(self, digest: bytes, expires: datetime) -> bool:
        """Keep that a subject token was exchanged; False when it was before."""
        ...

    def add(self, session: Session) -> None:
        """Keep a new session."""
        ...

    def end(self, session: SessionId, at: datetime) -> None:
        """End the session."""
        ...

    def add_refresh(self, token: RefreshToken) -> None:
        """Keep a new refresh token."""
        ...

    def refresh(self, digest: bytes) -> tuple[RefreshToken, Session] | None:
        """Return the refresh token of this digest and its session, None when it is unknown."""
        ...

    def use_refresh(self, digest: bytes, at: datetime) -> None:
        """Keep that the refresh token was used."""
        ...


class Erasures(Protocol):
    """Who was erased: kept as keyed digests, so that nobody can read it and everybody can ask."""

    def covers(self, person: PersonId) -> bool:
        """Tell whether a person of this id was erased."""
        ...

    def erase(self, person: PersonId, receipt: str, at: datetime) -> None:
        """Delete everything that is kept of the person, put `people/erased` into the audit log, and keep a receipt."""
        ...


class News(Protocol):
    """Tells others what changed, when the transaction commits; each also leaves an audit entry."""

    def person_changed(self, person: PersonId, *, resource: str) -> None:
        """The person, or what it may do, changed; `resource` is what exactly."""
        ...

    def person_erased(self, person: PersonId) -> None:
        """All about the person is gone."""
        ...

    def occupancy_changed(self, occupancy: Occupancy) -> None:
        """The occupancy began, changed or ended."""
        ...

    def delegation_changed(self, delegation: Delegation) -> None:
        """The delegation began, changed or ended."""
        ...

    def delegation_removed(self, delegation: Delegation) -> None:
        """The delegation was taken back before it began."""
        ...

    def consent_changed(self, consent: Consent) -> None:
        """The consent was given, cut or withdrawn."""
        ...

    def noted(self, *, resource: str) -> None:
        """Something changed that only the audit log tells."""
        ...


class Books(Protocol):
    """All that is kept about one territory, as one transaction sees it."""

    @property
    def territory(self) -> TerritoryId:
        """The territory."""
        ...

    @property
    def people(self) -> People:
        """The people."""
        ...

    @property
    def grants(self) -> Grants:
        """The roles."""
        ...

    @property
    def occupancies(self) -> Occupancies:
        """Who lives where."""
        ...

    @property
    def codes(self) -> Codes:
        """The occupancy codes."""
        ...

    @property
    def delegations(self) -> Delegations:
        """The delegations."""
        ...

    @property
    def consents(self) -> Consents:
        """The consents."""
        ...

    @property
    def places(self) -> Places:
        """The places."""
        ...

    @property
    def erasures(self) -> Erasures:
        """Who was erased."""
        ...
