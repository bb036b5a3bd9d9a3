"""The services behind the pages, made up: a town, a home with a water meter, and what its household consents to."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import grpc
from joserfc import jws

from multiflux_client.access import SubjectToken
from multiflux_client.comparison import Area, Total
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Consent, ConsentId
from multiflux_client.places import Dwelling, DwellingType, Place, Territory
from multiflux_client.points import MeteringPoint
from multiflux_client.sites import SiteAnalysis, SitePortfolio
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, PointId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role

ROLES = {
    "household": Role.HOUSEHOLD,
    "delegate": Role.DELEGATE,
    "building-manager": Role.BUILDING_MANAGER,
    "lighting-operator": Role.LIGHTING_OPERATOR,
    "territory-analyst": Role.TERRITORY_ANALYST,
    "administrator": Role.ADMINISTRATOR,
}
"""The role of each person, by the subject that its token names."""


@dataclass
class Someone:
    """A person who signed in, and what it is granted."""

    services: "Services"
    name: str

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset() if self.name == "nobody" else frozenset({ROLES[self.name]})

    def homes(self, now: datetime) -> tuple[PlaceId, ...]:
        del now
        return self.services.homes if self.roles & {Role.HOUSEHOLD, Role.DELEGATE} else ()

    async def renew(self) -> None:
        self.services.renewed += 1

    async def end(self) -> None:
        self.services.left.append(self.name)


@dataclass
class Services:
    """A town in which the subject of a token is the name of its person; an issuer may be configured, which ends the demo."""

    issuer: bool = False
    over: bool = False
    """Whether access has ended all sessions."""
    homes: tuple[PlaceId, ...] = (PlaceId("flat"),)
    signed: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    renewed: int = 0
    consents: list[Consent] = field(default_factory=list[Consent])
    declared: dict[PlaceId, Dwelling] = field(default_factory=dict[PlaceId, Dwelling])
    codes: list[str] = field(default_factory=list[str])
    portfolio: SitePortfolio | None = None
    analysis: SiteAnalysis | None = None
    hours: ConsumptionSeries | None = None
    areas: list[Area] = field(default_factory=list[Area])
    totals: list[Total] = field(default_factory=list[Total])
    lighting: Any = None
    """A client of the lighting service, where a test has one."""

    @property
    def registry(self) -> Any:
        async def territory() -> Territory:
            if self.over:
                raise RemoteFailure("sign in again", code=grpc.StatusCode.UNAUTHENTICATED, reason="REFRESH_TOKEN_INVALID")
            return Territory(display_name="Town", root_place=PlaceId("town"))

        async def metering_points(*, within: PlaceId) -> AsyncIterator[MeteringPoint]:
            yield water_meter(PointId(f"{within}-water"))

        async def metering_point(point: PointId) -> MeteringPoint:
            return water_meter(point)

        async def place(premise: PlaceId) -> Place:
            dwelling = self.declared.get(premise, Dwelling(type=DwellingType.FLAT, area_square_metres=60))
            return Place(id=premise, level=PlaceLevel.PREMISE, display_name="Flat 3", dwelling=dwelling, etag=f"v{len(self.declared)}")

        async def declare_dwelling(premise: PlaceId, dwelling: Dwelling, *, etag: str) -> None:
            if etag != f"v{len(self.declared)}":
                raise RemoteFailure("changed meanwhile", code=grpc.StatusCode.ABORTED)
            self.declared[premise] = dwelling

        return SimpleNamespace(
            territory=territory,
            metering_points=metering_points,
            metering_point=metering_point,
            place=place,
            declare_dwelling=declare_dwelling,
        )

    @property
    def access(self) -> Any:
        async def consents(*, hold_at: datetime) -> AsyncIterator[Consent]:
            del hold_at
            for consent in self.consents:
                yield consent

        async def give_consent(consent: Consent) -> Consent:
            if any((one.metering_point, one.purpose) == (consent.metering_point, consent.purpose) for one in self.consents):
                raise RemoteFailure("there is one", code=grpc.StatusCode.ALREADY_EXISTS)
            given = replace(consent, id=ConsentId(f"c{len(self.consents)}"), give_time=datetime(2026, 11, 2, 9, tzinfo=UTC))
            self.consents.append(given)
            return given

        async def withdraw_consent(consent: ConsentId) -> None:
            self.consents[:] = [one for one in self.consents if one.id != consent]

        async def claim_occupancy(code: str) -> None:
            if code != "RIGHT-CODE":
                raise RemoteFailure("wrong", code=grpc.StatusCode.PERMISSION_DENIED, reason="OCCUPANCY_CODE_INVALID")
            self.codes.append(code)

        return SimpleNamespace(
            consents=consents,
            give_consent=give_consent,
            withdraw_consent=withdraw_consent,
            claim_occupancy=claim_occupancy,
        )

    @property
    def sites(self) -> Any:
        async def portfolio() -> SitePortfolio | None:
            return self.portfolio

        async def analysis(site: PlaceId) -> SiteAnalysis:
            if self.analysis is None or site != self.analysis.site.site:
                raise RemoteFailure("no such site", code=grpc.StatusCode.NOT_FOUND, reason="NOT_A_SITE")
            return self.analysis

        return SimpleNamespace(portfolio=portfolio, analysis=analysis)

    @property
    def metering(self) -> Any:
        async def consumption(resource: str, flux: Flux, *_: object) -> ConsumptionSeries:
            if self.hours is None or flux is not self.hours.flux:
                raise RemoteFailure("too coarse", code=grpc.StatusCode.FAILED_PRECONDITION, reason="FINER_THAN_DATA")
            return replace(self.hours, resource=resource)

        return SimpleNamespace(consumption=consumption)

    @property
    def forecast(self) -> Any:
        async def forecast(*_: object, **__: object) -> None:
            raise RemoteFailure("no such model", code=grpc.StatusCode.NOT_FOUND)

        return SimpleNamespace(forecast=forecast)

    @property
    def comparison(self) -> Any:
        async def areas(flux: Flux, month: date) -> AsyncIterator[Area]:
            for area in self.areas:
                if area.flux is flux and area.first_month <= month < area.end_month:
                    yield area

        async def totals(flux: Flux, month: date) -> AsyncIterator[Total]:
            for total in self.totals:
                if (total.flux, total.month) == (flux, month):
                    yield total

        return SimpleNamespace(areas=areas, totals=totals)

    async def demo_subject(self, person: PersonId) -> SubjectToken:
        if self.issuer:
            raise RemoteFailure("an issuer is configured", code=grpc.StatusCode.PERMISSION_DENIED, reason="LOCAL_ISSUER_OFF")
        return SubjectToken(token=person)

    async def signed_in(self, subject: SubjectToken) -> tuple[Someone, "Services"]:
        name = subject.token if subject.token in (*ROLES, "nobody") else subject_of(subject.token)
        self.signed.append(name)
        return Someone(self, name), self

    async def close(self) -> None:
        pass


def subject_of(token: str) -> str:
    """Return whom an ID token is about; that access verifies it is shown in the tests of access."""
    return json.loads(jws.extract_compact(token.encode()).payload)["sub"]


def water_meter(point: PointId) -> MeteringPoint:
    return MeteringPoint(id=point, flux=Flux.WATER)
