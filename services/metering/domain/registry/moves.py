"""A household leaves a home, and another may come: what ends, what begins, and what is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from metering.domain.registry.dated import ended, holding_at
from metering.domain.registry.failures import MissingValue, NotADwelling, OutOfRange, PointNotAtPremise
from metering.domain.registry.places import Place
from metering.domain.registry.points import Contract, MeteringPoint
from metering.domain.registry.premises import Dwelling, Vacancy
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A move at one premise.

    `out` is the first instant without the former household, None when nobody lived there; `into` is the first instant of the next one,
    None when the home stays vacant. `contracts` are the next household's, by point, their validity open.
    """

    out: datetime | None
    into: datetime | None
    contracts: Mapping[PointId, Contract]

    def __post_init__(self) -> None:
        """Refuse a move of nobody, one that ends before it begins, and contracts of nobody."""
        if self.out is None and self.into is None:
            raise MissingValue("move_out_time", "a move has a move-out, a move-in or both")
        if self.out is not None and self.into is not None and self.into < self.out:
            raise OutOfRange("move_in_time", "must not be before the move-out")
        if self.contracts and self.into is None:
            raise MissingValue("move_in_time", "contracts start with a move-in")
        for contract in self.contracts.values():
            if contract.validity != Validity():
                raise OutOfRange("contracts", "the validity must be empty: the contract starts with the move-in")

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The instants at which something happens, at least one."""
        return tuple(at for at in (self.out, self.into) if at is not None)

    @property
    def cut(self) -> datetime:
        """The first instant of which nothing of the former household holds."""
        return self.instants[0]


def moved_home(place: Place, move: Move) -> Place:
    """Return the home after the move: vacant in between, and nothing known of who lives there. NotADwelling.

    Area, type, heating and the like are the home's own and stay; the number of occupants was the former household's.
    """
    if not isinstance(place.premise, Dwelling):
        raise NotADwelling(f"{place.place_id} is no home", place=place.place_id)
    kept = [Vacancy(validity=until) for v in place.premise.vacancies if (until := ended(v.validity, move.cut)) is not None]
    if move.out is not None and move.out != move.into:
        kept.append(Vacancy(validity=Validity(start=move.out, end=move.into)))
    return replace(place, premise=replace(place.premise, occupants=None, vacancies=tuple(kept)))


def moved_point(point: MeteringPoint, premise: PlaceId, move: Move) -> MeteringPoint:
    """Return a point of the home after the move: no contract from the move-out on, and the next household's from the move-in on.

    A point that comes to the home between move-out and move-in changes from the move-in on; contracts of places that it goes to later stay.
    """
    present = next((p for p in point.places if p.place == premise and any(p.validity.contains(at) for at in move.instants)), None)
    if present is None:
        return point
    cut = max(move.cut, present.validity.start or move.cut)
    contracts: list[Contract] = []
    for contract in point.contracts:
        until = ended(contract.validity, cut)
        if until is not None:
            contracts.append(replace(contract, validity=until))
        elif present.validity.end is not None and contract.validity.start is not None and contract.validity.start >= present.validity.end:
            contracts.append(contract)
    coming = move.contracts.get(point.point_id)
    if coming is not None:
        contracts.append(replace(coming, validity=Validity(start=move.into, end=present.validity.end)))
    return replace(point, contracts=tuple(contracts))


def check_points_of_move(place: Place, points: Mapping[PointId, MeteringPoint], move: Move) -> None:
    """Refuse a contract of a point that is not at the premise when the household moves in."""
    for point_id in move.contracts:
        point = points.get(point_id)
        at = None if point is None or move.into is None else holding_at(point.places, move.into)
        if at is None or at.place != place.place_id:
            raise PointNotAtPremise("contracts", f"{point_id} is not at {place.place_id}", point=point_id, premise=place.place_id)
