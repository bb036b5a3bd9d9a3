"""The services behind the pages, made up: a town, a home with a water meter, and what its household consents to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import grpc

from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Consent, ConsentId, Occupancy
from multiflux_client.places import Dwelling, DwellingType, Place, Territory
from multiflux_client.points import MeteringPoint
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId
from vocabulary.place import PlaceLevel


@dataclass
class Services:
    """A town of which each person is told where it starts; an issuer may be configured, which ends the demo."""

    person: PersonId = PersonId("administrator")
    issuer: bool = False
    homes: tuple[PlaceId, ...] = (PlaceId("flat"),)
    signed: list[PersonId] = field(default_factory=list[PersonId])
    consents: list[Consent] = field(default_factory=list[Consent])
    declared: dict[PlaceId, Dwelling] = field(default_factory=dict[PlaceId, Dwelling])
    codes: list[str] = field(default_factory=list[str])

    @property
    def registry(self) -> Any:
        async def territory() -> Territory:
            if self.issuer and self.person in self.signed:
                raise RemoteFailure("an issuer is configured", code=grpc.StatusCode.PERMISSION_DENIED)
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
        async def occupancies() -> AsyncIterator[Occupancy]:
            for home in self.homes:
                yield Occupancy(person=self.person, premise=home, validity=Validity())

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
            occupancies=occupancies,
            consents=consents,
            give_consent=give_consent,
            withdraw_consent=withdraw_consent,
            claim_occupancy=claim_occupancy,
        )

    def signed_in(self, person: PersonId) -> "Services":
        self.signed.append(person)
        return replace(self, person=person)

    async def close(self) -> None:
        pass


def water_meter(point: PointId) -> MeteringPoint:
    return MeteringPoint(id=point, flux=Flux.WATER)
