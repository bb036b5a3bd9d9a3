"""Places to and from the contract."""

from datetime import datetime
from enum import Enum
from typing import TypeVar

from metering.domain.registry.failures import Faults
from metering.domain.registry.geometry import Position, outline
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.places import Place, PlaceParent
from metering.domain.registry.premises import Dwelling, DwellingType, EnergySource, OpeningHours, PublicSite, SiteUse, Vacancy
from multiflux.metering.v1 import place_pb2 as pb
from multiflux.type.v1 import interval_pb2
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, place_id
from wire.instants import instant_to_proto, optional_instant
from wire.intervals import validity_from_proto, validity_to_proto
from wire.words import place_level_from_proto, place_level_to_proto

W = TypeVar("W", bound=Enum)

UPDATABLE = ("display_name", "parents", "position", "outline_geojson", "identifiers", "dwelling", "public_site", "position_in_parent")


def place_from_proto(message: pb.Place, own_id: PlaceId, path: str) -> Place:
    """Return the place; what is wrong is gathered, and names its fields below `path`."""
    faults = Faults()
    level = faults.one(path, lambda m: place_level_from_proto(m.level, "level"), message)
    values = {
        "parents": faults.each(f"{path}.parents", _parent_from_proto, message.parents),
        "position": faults.one(f"{path}.position", _position_from_proto, message.position) if message.HasField("position") else None,
        "outline": faults.one(path, outline, message.outline_geojson),
        "identifiers": faults.each(f"{path}.identifiers", identifier_from_proto, message.identifiers),
        "premise": _premise_from_proto(message, path, faults),
    }
    faults.refuse()
    place = faults.one(path, lambda m: _place(m, own_id, {"level": level, **values}), message)
    faults.refuse()
    if place is None:
        raise AssertionError("refused above")
    return place


def _place(message: pb.Place, own_id: PlaceId, values: dict[str, object]) -> Place:
    return Place(
        place_id=own_id,
        display_name=message.display_name,
        position_in_parent=message.position_in_parent,
        simulated=message.simulated,
        **values,  # pyright: ignore[reportArgumentType] - each was converted to its type above
    )


def _premise_from_proto(message: pb.Place, path: str, faults: Faults) -> Dwelling | PublicSite | None:
    match message.WhichOneof("premise"):
        case "dwelling":
            return dwelling_from_proto(message.dwelling, f"{path}.dwelling", faults)
        case "public_site":
            return _site_from_proto(message.public_site, f"{path}.public_site", faults)
        case None:
            return None


def dwelling_from_proto(message: pb.Dwelling, path: str, faults: Faults) -> Dwelling | None:
    """Return what is declared of a home, None when it is wrong, which is noted in `faults`."""
    vacancies = faults.each(f"{path}.vacancies", _vacancy_from_proto, message.vacancies)

    def convert(message: pb.Dwelling) -> Dwelling:
        return Dwelling(
            type=_optional_word(DwellingType, message.type, "type"),
            area_square_metres=message.area_square_metres if message.HasField("area_square_metres") else None,
            occupants=message.occupants if message.HasField("occupants") else None,
            heating=_optional_word(EnergySource, message.heating, "heating"),
            heating_collective=message.heating_collective,
            hot_water=_optional_word(EnergySource, message.hot_water, "hot_water"),
            hot_water_collective=message.hot_water_collective,
            solar_panels=message.solar_panels,
            garden=message.garden,
            vacancies=vacancies,
        )

    return faults.one(path, convert, message)


def declaration_from_proto(message: pb.Dwelling) -> Dwelling:
    """Return what a household declares; vacancies are not for it to say, and are ignored."""
    declared = pb.Dwelling()
    declared.CopyFrom(message)
    declared.ClearField("vacancies")
    faults = Faults()
    dwelling = dwelling_from_proto(declared, "dwelling", faults)
    faults.refuse()
    if dwelling is None:
        raise AssertionError("refused above")
    return dwelling


def _site_from_proto(message: pb.PublicSite, path: str, faults: Faults) -> PublicSite | None:
    hours = faults.each(f"{path}.opening_hours", _hours_from_proto, message.opening_hours)

    def convert(message: pb.PublicSite) -> PublicSite:
        return PublicSite(
            use=_optional_word(SiteUse, message.use, "use"),
            area_square_metres=message.area_square_metres if message.HasField("area_square_metres") else None,
            opening_hours=hours,
        )

    return faults.one(path, convert, message)


def _hours_from_proto(message: pb.OpeningHours) -> OpeningHours:
    return OpeningHours(
        weekday=message.weekday,
        start_minute=message.start_minute,
        end_minute=message.end_minute,
        in_school_holidays=message.in_school_holidays,
    )


def _vacancy_from_proto(message: interval_pb2.Validity) -> Vacancy:
    return Vacancy(validity=Validity(start=optional_instant(message, "start_time"), end=optional_instant(message, "end_time")))


def _parent_from_proto(message: pb.PlaceParent) -> PlaceParent:
    return PlaceParent(parent=place_id(message.parent), validity=validity_from_proto(message))


def _position_from_proto(message: pb.Position) -> Position:
    return Position(latitude=message.latitude_degrees, longitude=message.longitude_degrees)


def identifier_from_proto(message: pb.Identifier) -> Identifier:
    """Return the identifier; InvalidIdentifier."""
    return Identifier(scheme=message.scheme, value=message.value)


def identifier_to_proto(identifier: Identifier) -> pb.Identifier:
    """Return the identifier as the contract writes it."""
    return pb.Identifier(scheme=identifier.scheme, value=identifier.value)


def _optional_word(words: type[W], number: int, field: str) -> W | None:
    if number == 0:
        return None
    try:
        return words(number)
    except ValueError:
        raise invalid(field, f"{number} is unknown here") from None


def place_to_proto(place: Place) -> pb.Place:
    """Return the place as the contract writes it, without etag and times: those are the store's."""
    message = pb.Place(
        name=f"places/{place.place_id}",
        level=place_level_to_proto(place.level),
        display_name=place.display_name,
        parents=[pb.PlaceParent(parent=f"places/{p.parent}", validity=validity_to_proto(p.validity)) for p in place.parents],
        outline_geojson=place.outline,
        identifiers=[identifier_to_proto(identifier) for identifier in place.identifiers],
        position_in_parent=place.position_in_parent,
        simulated=place.simulated,
    )
    if place.position is not None:
        message.position.CopyFrom(pb.Position(latitude_degrees=place.position.latitude, longitude_degrees=place.position.longitude))
    match place.premise:
        case Dwelling() as dwelling:
            message.dwelling.CopyFrom(_dwelling_to_proto(dwelling))
        case PublicSite() as site:
            message.public_site.CopyFrom(_site_to_proto(site))
        case None:
            pass
    return message


def stored_place_to_proto(place: Place, etag: str, created: datetime, updated: datetime) -> pb.Place:
    """Return the place as the contract writes it, with what the store knows of it; without an etag, the update time stays out too."""
    message = place_to_proto(place)
    message.create_time.CopyFrom(instant_to_proto(created))
    if etag:
        message.etag = etag
        message.update_time.CopyFrom(instant_to_proto(updated))
    return message


def _dwelling_to_proto(dwelling: Dwelling) -> pb.Dwelling:
    message = pb.Dwelling(
        type=pb.DwellingType.ValueType(_number(dwelling.type)),
        heating=pb.EnergySource.ValueType(_number(dwelling.heating)),
        heating_collective=dwelling.heating_collective,
        hot_water=pb.EnergySource.ValueType(_number(dwelling.hot_water)),
        hot_water_collective=dwelling.hot_water_collective,
        solar_panels=dwelling.solar_panels,
        garden=dwelling.garden,
        vacancies=[validity_to_proto(vacancy.validity) for vacancy in dwelling.vacancies],
    )
    if dwelling.area_square_metres is not None:
        message.area_square_metres = dwelling.area_square_metres
    if dwelling.occupants is not None:
        message.occupants = dwelling.occupants
    return message


def _site_to_proto(site: PublicSite) -> pb.PublicSite:
    message = pb.PublicSite(
        use=pb.SiteUse.ValueType(_number(site.use)),
        opening_hours=[
            pb.OpeningHours(
                weekday=hours.weekday,
                start_minute=hours.start_minute,
                end_minute=hours.end_minute,
                in_school_holidays=hours.in_school_holidays,
            )
            for hours in site.opening_hours
        ],
    )
    if site.area_square_metres is not None:
        message.area_square_metres = site.area_square_metres
    return message


def _number(word: Enum | None) -> int:
    return 0 if word is None else word.value


def place_document(place: Place) -> bytes:
    """Return the place as bytes that are the same for the same place: how the store keeps it."""
    return place_to_proto(place).SerializeToString(deterministic=True)


def place_from_document(document: bytes) -> Place:
    """Return the place that the store keeps."""
    message = pb.Place.FromString(document)
    return place_from_proto(message, place_id(message.name), "place")


def filed_place_to_proto(document: bytes, etag: str, created: datetime, updated: datetime) -> pb.Place:
    """Return a kept place as the contract writes it, all of it: `stored_place_to_proto` without a look at what it says."""
    message = pb.Place.FromString(document)
    message.etag = etag
    message.create_time.CopyFrom(instant_to_proto(created))
    message.update_time.CopyFrom(instant_to_proto(updated))
    return message
