"""How far a caller sees: which places its grants cover, when, and what of them is for its eyes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metering.domain.registry.dated import shared, united
from metering.domain.registry.places import Place
from metering.domain.registry.points import Contract, Device, MeteringPoint, PointParent, PointPlace
from metering.domain.registry.premises import Dwelling, Vacancy
from vocabulary.interval import Validity
from vocabulary.names import PlaceId


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """One grant as the registry sees it.

    `place` and all in it (None: the whole territory), as the tree stood `at`. `occupancy` is set for households and those they delegate to:
    what they read is cut to it. `personal` is whether the declarations, identifiers and serials of homes are for this caller's eyes.
    """

    place: PlaceId | None
    at: datetime
    occupancy: Validity | None = None
    personal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """All that a caller may see in its territory."""

    sights: tuple[Sight, ...]

    @property
    def whole(self) -> bool:
        """Whether it sees every place of the territory."""
        return any(sight.place is None for sight in self.sights)

    @property
    def everything(self) -> bool:
        """Whether it sees every place of the territory, and all that is personal, at any time."""
        return any(sight.place is None and sight.personal and sight.occupancy is None for sight in self.sights)

    def of(self, covering: Sequence[Sight]) -> "View":
        """Return how something covered by these of its sights is shown: as the most telling of them allows."""
        if any(sight.personal and sight.occupancy is None for sight in covering):
            return View(personal=True)
        occupancies = united([sight.occupancy for sight in covering if sight.occupancy is not None])
        if occupancies:
            return View(personal=True, occupancies=occupancies)
        return View(personal=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How a place or point is shown: with or without what is personal, and cut to occupancies when there are any."""

    personal: bool
    occupancies: tuple[Validity, ...] = ()

    def is_former(self, at: datetime) -> bool:
        """Tell whether it is that of somebody who does not live there at the instant."""
        return bool(self.occupancies) and not any(occupancy.contains(at) for occupancy in self.occupancies)


def place_seen(place: Place, view: View, at: datetime) -> Place:
    """Return the place as the view shows it at the instant; of a home that a household has left, only that it is a home."""
    if not isinstance(place.premise, Dwelling):
        return place
    if not view.personal or view.is_former(at):
        return replace(place, premise=Dwelling(type=place.premise.type))
    vacancies = tuple(Vacancy(validity=v) for vacancy in place.premise.vacancies for v in _cut(vacancy.validity, view.occupancies))
    return replace(place, premise=replace(place.premise, vacancies=vacancies))


def point_seen(point: MeteringPoint, view: View, *, at_home: bool) -> MeteringPoint | None:
    """Return the point as the view shows it, None when nothing of it falls into the view; `at_home`: it measures or measured a home."""
    if at_home and not view.personal:
        devices = tuple(replace(device, serial="") for device in point.devices)
        contracts = tuple(replace(contract, reference="") for contract in point.contracts)
        return replace(point, identifiers=(), display_name="", devices=devices, contracts=contracts)
    if not view.occupancies:
        return point
    places = tuple(PointPlace(place=p.place, validity=v) for p in point.places for v in _cut(p.validity, view.occupancies))
    if not places:
        return None
    return replace(
        point,
        places=places,
        parents=tuple(PointParent(parent=p.parent, validity=v) for p in point.parents for v in _cut(p.validity, view.occupancies)),
        devices=_cut_devices(point.devices, view.occupancies),
        contracts=_cut_contracts(point.contracts, view.occupancies),
    )


def _cut_devices(devices: Sequence[Device], occupancies: Sequence[Validity]) -> tuple[Device, ...]:
    return tuple(replace(device, validity=v) for device in devices for v in _cut(device.validity, occupancies))


def _cut_contracts(contracts: Sequence[Contract], occupancies: Sequence[Validity]) -> tuple[Contract, ...]:
    return tuple(replace(contract, validity=v) for contract in contracts for v in _cut(contract.validity, occupancies))


def _cut(validity: Validity, occupancies: Sequence[Validity]) -> list[Validity]:
    """Return the parts that fall into the occupancies, the whole when there is none to cut to."""
    if not occupancies:
        return [validity]
    return [part for occupancy in occupancies if (part := shared(validity, occupancy)) is not None]
