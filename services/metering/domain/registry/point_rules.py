"""Rules about metering points that need more than the point: its places, its parents, exchanges of its device."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from metering.domain.registry.dated import ended, shared
from metering.domain.registry.failures import (
    DeviceOrder,
    FieldFault,
    FieldFixed,
    ParentCycle,
    UnknownParent,
    UnknownPlace,
    WrongParentFlux,
    refuse,
)
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.places import identifier_fault
from metering.domain.registry.points import Device, MeteringPoint, PointParent
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId


@dataclass(frozen=True, kw_only=True, slots=True)
class PointSurroundings:
    """What of the territory a check of points needs.

    Which of the places named exist, the fluxes of the parents named, whose the identifiers are, and the dated parents of any point above.
    """

    places: AbstractSet[PlaceId]
    fluxes: Mapping[PointId, Flux]
    owners: Mapping[Identifier, PointId]
    parents_of: Callable[[PointId], tuple[PointParent, ...]]


def check_point(point: MeteringPoint, around: PointSurroundings) -> None:
    """Refuse a point at unknown places, behind unknown points or points of another flux, behind itself, or with another's identifier."""
    faults = [_place_fault(place.place, around) for place in point.places]
    faults += [_parent_fault(point, parent.parent, around) for parent in point.parents]
    refuse(*faults, identifier_fault(point.point_id, point.identifiers, around.owners))
    if point.parents:
        _check_no_cycle(point, around)


def _place_fault(place: PlaceId, around: PointSurroundings) -> FieldFault | None:
    return None if place in around.places else UnknownPlace("places", f"there is no place {place}", place=place)


def _parent_fault(point: MeteringPoint, parent: PointId, around: PointSurroundings) -> FieldFault | None:
    flux = around.fluxes.get(parent)
    if flux is None:
        return UnknownParent("parents", f"there is no metering point {parent}", parent=parent)
    if flux is not point.flux:
        return WrongParentFlux(
            "parents", f"{parent} measures {flux.name.lower()}, not {point.flux.name.lower()}", parent=parent, parent_flux=flux.name
        )
    return None


def _check_no_cycle(point: MeteringPoint, around: PointSurroundings) -> None:
    # Two edges can close a cycle only at an instant at which both hold: the time to look at narrows on the way up.
    trail: list[tuple[PointId, Validity]] = [(parent.parent, parent.validity) for parent in point.parents]
    seen: set[tuple[PointId, Validity]] = set()
    while trail:
        above, during = trail.pop()
        if above == point.point_id:
            raise ParentCycle("parents", f"{point.point_id} would measure behind itself", point=point.point_id)
        if (above, during) in seen:
            continue
        seen.add((above, during))
        for parent in around.parents_of(above):
            together = shared(parent.validity, during)
            if together is not None:
                trail.append((parent.parent, together))


def check_point_change(before: MeteringPoint, after: MeteringPoint) -> None:
    """Refuse a change of what never changes."""
    refuse(FieldFixed("flux", "never changes", flux=before.flux.name) if after.flux is not before.flux else None)


def exchanged(point: MeteringPoint, device: Device, at: datetime) -> MeteringPoint:
    """Return the point with its device taken away, and another put in place, at one instant; DeviceOrder."""
    if device.validity != Validity():
        raise DeviceOrder("device.validity", "must be empty: the device comes at the exchange")
    for known in point.devices:
        if known.validity.start is not None and known.validity.start >= at:
            raise DeviceOrder(
                "exchange_time",
                f"a device was installed at {known.validity.start.isoformat()}, not before {at.isoformat()}",
                installed=known.validity.start.isoformat(),
                exchange_time=at.isoformat(),
            )
    kept: list[Device] = []
    for known in point.devices:
        until = ended(known.validity, at)
        if until is not None:
            kept.append(replace(known, validity=until))
    return replace(point, devices=(*kept, replace(device, validity=Validity(start=at))))
