"""Access: tokens, people, grants, occupancies, delegations, consents, audit."""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.field_mask_pb2 import FieldMask

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import audit_pb2, consent_pb2, occupancy_pb2, person_pb2
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceStub
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.events import watched
from multiflux_client.listing import Listing, listing
from multiflux_client.people import (
    AccessEvent,
    AuditEntry,
    AuditOutcome,
    Consent,
    Delegation,
    Grant,
    Occupancy,
    Person,
    Purpose,
    TerritoryAuditEntry,
    TokenGrant,
)
from multiflux_client.records import (
    ConsentId,
    DelegationId,
    GrantId,
    OccupancyId,
    fill_interval,
    record_from_proto,
    record_to_proto,
    timestamp,
)
from vocabulary.interval import Interval
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectToken:
    """An ID token of the OIDC issuer or of the local one; good for one exchange."""

    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """A refresh token of an earlier exchange; good for one exchange."""

    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSecret:
    """A service of this installation, such as `metering`, and the installation's service secret."""

    service: str
    secret: str


Credential = SubjectToken | RefreshToken | ServiceSecret


@dataclass(frozen=True, kw_only=True, slots=True)
class InternalToken:
    """What an exchange gives: a token until `expires` (UTC), what it grants, and a refresh token for the next one (services: empty)."""

    token: str
    expires: datetime
    refresh_token: str
    subject: str
    grants: tuple[TokenGrant, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRotation:
    """The key that signs from now on, and when the former one stops verifying (UTC)."""

    key_id: str
    former_key_expires: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OccupancyCode:
    """A code to post to a premise, and until when it can be used (UTC); empty in the answer to a repeated call."""

    code: str
    expires: datetime


class AccessClient:
    """Calls AccessService. Changes take the caller's `request_id` (a UUID) and make one where none is given."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub = AccessServiceStub(connection.channel)

    async def exchange_token(self, credential: Credential, *, territory: TerritoryId | None = None, purpose: str = "") -> InternalToken:
        """Return an internal token for one territory; only services may leave it out. A user's credential is sent once, never twice."""
        request = pb.ExchangeTokenRequest(territory=f"territories/{territory}" if territory else "", purpose=purpose)
        match credential:
            case SubjectToken():
                request.subject_token = credential.token
            case RefreshToken():
                request.refresh_token = credential.token
            case ServiceSecret():
                request.service.service, request.service.secret = f"services/{credential.service}", credential.secret
        # A credential that was used up by an answer that never came must not be sent again: that would end the session.
        repeatable = isinstance(credential, ServiceSecret)
        response = await self._connection.with_tokens(None).call(self._stub.ExchangeToken, request, repeatable=repeatable)
        return InternalToken(
            token=response.token,
            expires=response.expire_time.ToDatetime(UTC),
            refresh_token=response.refresh_token,
            subject=response.subject,
            grants=tuple(record_from_proto(TokenGrant, grant) for grant in response.grants),
        )

    async def signing_keys(self) -> str:
        """Return the public keys that verify internal tokens, as a JSON Web Key Set."""
        response = await self._connection.with_tokens(None).call(self._stub.GetSigningKeys, pb.GetSigningKeysRequest())
        return response.jwks_json

    async def sign_in_locally(self, person: PersonId, territory: TerritoryId, *, service: ServiceSecret | None = None) -> SubjectToken:
        """Sign in as a demo person; from another machine than that of access only a service can."""
        request = pb.SignInLocallyRequest(person=f"people/{person}", territory=f"territories/{territory}")
        if service is not None:
            request.service.service, request.service.secret = f"services/{service.service}", service.secret
        response = await self._connection.with_tokens(None).call(self._stub.SignInLocally, request)
        return SubjectToken(token=response.subject_token)

    async def sign_out(self, refresh_token: str) -> None:
        """End the session that the refresh token belongs to."""
        await self._connection.with_tokens(None).call(self._stub.SignOut, pb.SignOutRequest(refresh_token=refresh_token))

    async def rotate_signing_key(self, *, request_id: str = "") -> KeyRotation:
        """Make a new signing key."""
        request = pb.RotateSigningKeyRequest(request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.RotateSigningKey, request)
        return KeyRotation(key_id=response.key_id, former_key_expires=response.former_key_expire_time.ToDatetime(UTC))

    async def create_person(self, person: Person, *, person_id: str = "", request_id: str = "") -> Person:
        """Make a person known; without `person_id` an id is made."""
        request = pb.CreatePersonRequest(person=_person(person), person_id=person_id, request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.CreatePerson, request)
        return record_from_proto(Person, response.person)

    async def person(self, person: PersonId) -> Person:
        """Return a person."""
        response = await self._connection.call(self._stub.GetPerson, pb.GetPersonRequest(name=f"people/{person}"))
        return record_from_proto(Person, response.person)

    async def update_person(self, person: Person, *, fields: Collection[str] = (), request_id: str = "") -> Person:
        """Change the `fields` of a person, all when none is named; with its etag, only if nobody changed it meanwhile."""
        request = pb.UpdatePersonRequest(
            person=_person(person), update_mask=FieldMask(paths=fields), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.UpdatePerson, request)
        return record_from_proto(Person, response.person)

    def people(self, *, search: str = "") -> Listing[Person]:
        """List people by name; only those whose name or email contains `search`."""
        return listing(self._connection, self._stub.ListPeople, pb.ListPeopleRequest(search=search), lambda page: page.people, Person)

    async def erase_person(self, person: PersonId, *, request_id: str = "") -> datetime:
        """Erase a person and all about it; return when (UTC)."""
        request = pb.ErasePersonRequest(name=f"people/{person}", request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.ErasePerson, request)
        return response.erase_time.ToDatetime(UTC)

    async def grant_role(self, grant: Grant, *, request_id: str = "") -> Grant:
        """Give a person a role in a place."""
        request = pb.GrantRoleRequest(grant=record_to_proto(grant, person_pb2.Grant()), request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.GrantRole, request)
        return record_from_proto(Grant, response.grant)

    async def revoke_grant(self, grant: GrantId, *, request_id: str = "") -> Grant:
        """End a grant now."""
        request = pb.RevokeGrantRequest(name=f"grants/{grant}", request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.RevokeGrant, request)
        return record_from_proto(Grant, response.grant)

    def grants(self, person: PersonId | None = None) -> Listing[Grant]:
        """List a person's grants, or everybody's, by name, ended ones included."""
        request = pb.ListGrantsRequest(person=f"people/{person}" if person else "")
        return listing(self._connection, self._stub.ListGrants, request, lambda page: page.grants, Grant)

    async def issue_occupancy_code(self, premise: PlaceId, occupancy_start: datetime, *, request_id: str = "") -> OccupancyCode:
        """Make the one-time code that the town posts to a premise, for who lives there from `occupancy_start` on."""
        request = pb.IssueOccupancyCodeRequest(
            premise=f"places/{premise}", occupancy_start_time=timestamp(occupancy_start), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.IssueOccupancyCode, request)
        return OccupancyCode(code=response.code, expires=response.expire_time.ToDatetime(UTC))

    async def claim_occupancy(self, code: str, *, request_id: str = "") -> Occupancy:
        """Prove with a posted code that the calling person lives in a premise."""
        request = pb.ClaimOccupancyRequest(code=code, request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.ClaimOccupancy, request)
        return record_from_proto(Occupancy, response.occupancy)

    async def end_occupancy(self, occupancy: OccupancyId, end: datetime, *, request_id: str = "") -> Occupancy:
        """Move out at `end`, the first instant at which the person lives there no more."""
        request = pb.EndOccupancyRequest(
            name=f"occupancies/{occupancy}", end_time=timestamp(end), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.EndOccupancy, request)
        return record_from_proto(Occupancy, response.occupancy)

    def occupancies(self, premise: PlaceId | None = None) -> Listing[Occupancy]:
        """List occupancies by name, of one premise or all that the caller may see."""
        request = pb.ListOccupanciesRequest(premise=f"places/{premise}" if premise else "")
        return listing(self._connection, self._stub.ListOccupancies, request, lambda page: page.occupancies, Occupancy)

    async def create_delegation(self, delegation: Delegation, *, request_id: str = "") -> Delegation:
        """Let another person see what the calling household sees."""
        request = pb.CreateDelegationRequest(
            delegation=record_to_proto(delegation, occupancy_pb2.Delegation()), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.CreateDelegation, request)
        return record_from_proto(Delegation, response.delegation)

    async def end_delegation(self, delegation: DelegationId, *, request_id: str = "") -> Delegation:
        """End a delegation now."""
        request = pb.EndDelegationRequest(name=f"delegations/{delegation}", request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.EndDelegation, request)
        return record_from_proto(Delegation, response.delegation)

    def delegations(self) -> Listing[Delegation]:
        """List the delegations that the caller gave or received, by name."""
        request = pb.ListDelegationsRequest()
        return listing(self._connection, self._stub.ListDelegations, request, lambda page: page.delegations, Delegation)

    async def give_consent(self, consent: Consent, *, request_id: str = "") -> Consent:
        """Give a consent."""
        request = pb.GiveConsentRequest(consent=record_to_proto(consent, consent_pb2.Consent()), request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.GiveConsent, request)
        return record_from_proto(Consent, response.consent)

    async def withdraw_consent(self, consent: ConsentId, *, request_id: str = "") -> Consent:
        """Withdraw a consent now."""
        request = pb.WithdrawConsentRequest(name=f"consents/{consent}", request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.WithdrawConsent, request)
        return record_from_proto(Consent, response.consent)

    def consents(
        self, *, metering_point: PointId | None = None, purpose: Purpose | None = None, hold_at: datetime | None = None
    ) -> Listing[Consent]:
        """List consents by name: to one point, for one purpose, that hold at one instant."""
        request = pb.ListConsentsRequest(
            metering_point=f"meters/{metering_point}" if metering_point else "",
            purpose=consent_pb2.Purpose.ValueType(purpose.value if purpose else 0),
            hold_time=timestamp(hold_at) if hold_at else None,
        )
        return listing(self._connection, self._stub.ListConsents, request, lambda page: page.consents, Consent)

    def audit_entries(
        self, *, subject: str = "", during: Interval | None = None, outcome: AuditOutcome | None = None
    ) -> Listing[AuditEntry]:
        """List audit entries, newest first: about one subject (`people/{person}`), of some time, of one outcome."""
        request = pb.ListAuditEntriesRequest(subject=subject)
        if outcome is not None:
            request.outcome = audit_pb2.AuditOutcome.ValueType(outcome.value)
        if during is not None:
            fill_interval(request.interval, during)
        return listing(self._connection, self._stub.ListAuditEntries, request, lambda page: page.entries, AuditEntry)

    async def record_audit_entries(self, entries: Iterable[TerritoryAuditEntry]) -> int:
        """Keep the audit entries of another service, 1,000 at most; return how many were new."""
        request = pb.RecordAuditEntriesRequest(entries=[record_to_proto(entry, pb.TerritoryAuditEntry()) for entry in entries])
        response = await self._connection.call(self._stub.RecordAuditEntries, request, repeatable=True)
        return response.recorded_count

    def watch_events(self, cursor: str = "") -> AsyncIterator[tuple[str, AccessEvent]]:
        """Yield each event from `cursor` on (empty: from the oldest kept), with the cursor to store with its effects."""
        return watched(self._connection, self._stub.WatchEvents, lambda after: pb.WatchEventsRequest(cursor=after), cursor, AccessEvent)


def _person(person: Person) -> person_pb2.Person:
    return record_to_proto(person, person_pb2.Person())
