"""Places as rows of cells."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from metering.adapters.registry_cells import (
    dated,
    decimal,
    identifiers,
    items,
    minutes,
    optional_whole,
    optional_word,
    reference,
    truth,
    whole,
    written_identifiers,
    written_minutes,
    written_validity,
    written_word,
    wrong,
)
from metering.domain.registry.drafts import PlaceFields
from metering.domain.registry.failures import FieldFault, MissingValue, below
from metering.domain.registry.geometry import Position, outline
from metering.domain.registry.importing_places import DWELLING, PUBLIC_SITE
from metering.domain.registry.places import Place, PlaceParent
from metering.domain.registry.premises import Dwelling, DwellingType, EnergySource, OpeningHours, PublicSite, SiteUse, Vacancy
from vocabulary.failure import Failure
from vocabulary.names import PlaceId
from vocabulary.place import PlaceLevel

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_IN_HOLIDAYS = "holidays"
_PREMISES = frozenset({"", DWELLING, PUBLIC_SITE})

Cells = Mapping[str, str]


def _hours(item: str) -> OpeningHours:
    words = item.split()
    if len(words) not in {2, 3} or words[0].lower() not in _WEEKDAYS or words[2:] not in ([], [_IN_HOLIDAYS]):
        raise wrong(f"{item!r} is not of the form mon 08:30-12:00, or mon 08:30-12:00 {_IN_HOLIDAYS}")
    start, end = minutes(words[1])
    return OpeningHours(
        weekday=_WEEKDAYS.index(words[0].lower()) + 1,
        start_minute=start,
        end_minute=end,
        in_school_holidays=len(words) > 2,  # noqa: PLR2004
    )


def _vacancy(item: str, zone: ZoneInfo) -> Vacancy:
    text, when = dated(item, zone)
    if text:
        raise wrong(f"{item!r} is not of the form @from/until")
    return Vacancy(validity=when)


def _premise(cell: str) -> str:
    kind = cell.strip().lower()
    if kind not in _PREMISES:
        raise wrong(f"{cell!r} is neither {DWELLING} nor {PUBLIC_SITE}")
    return kind


_Read = Callable[[str, ZoneInfo], Any]

_PLAIN: dict[str, _Read] = {
    "level": lambda cell, _: optional_word(PlaceLevel)(cell),
    "display_name": lambda cell, _: cell,
    "parents": lambda cell, zone: tuple(reference(item, zone) for item in items(cell)),
    "outline": lambda cell, _: outline(cell),
    "identifiers": lambda cell, _: identifiers(cell),
    "position_in_parent": lambda cell, _: whole(cell),
    "simulated": lambda cell, _: truth(cell),
    "premise": lambda cell, _: _premise(cell),
}
_DECLARED: dict[str, tuple[str, _Read]] = {
    "dwelling_type": ("type", lambda cell, _: optional_word(DwellingType)(cell)),
    "area_square_metres": ("area_square_metres", lambda cell, _: optional_whole(cell)),
    "occupants": ("occupants", lambda cell, _: optional_whole(cell)),
    "heating": ("heating", lambda cell, _: optional_word(EnergySource)(cell)),
    "heating_collective": ("heating_collective", lambda cell, _: truth(cell)),
    "hot_water": ("hot_water", lambda cell, _: optional_word(EnergySource)(cell)),
    "hot_water_collective": ("hot_water_collective", lambda cell, _: truth(cell)),
    "solar_panels": ("solar_panels", lambda cell, _: truth(cell)),
    "garden": ("garden", lambda cell, _: truth(cell)),
    "vacancies": ("vacancies", lambda cell, zone: tuple(_vacancy(item, zone) for item in items(cell))),
    "use": ("use", lambda cell, _: optional_word(SiteUse)(cell)),
    "opening_hours": ("opening_hours", lambda cell, _: tuple(_hours(item) for item in items(cell))),
}

COLUMNS = (
    "id",
    "level",
    "display_name",
    "parents",
    "latitude",
    "longitude",
    "outline",
    "identifiers",
    "position_in_parent",
    "simulated",
    "premise",
    *_DECLARED,
)


def place_fields(cells: Cells, zone: ZoneInfo) -> PlaceFields:
    """Return what a row says; a FieldFault names the column that is wrong."""
    fields: dict[str, Any] = {}
    declared: dict[str, Any] = {}
    for column, cell in cells.items():
        if column in _PLAIN:
            fields[column] = read_cell(column, _PLAIN[column], cell, zone)
        elif column in _DECLARED:
            name, read = _DECLARED[column]
            declared[name] = read_cell(column, read, cell, zone)
    if declared:
        fields["declared"] = declared
    if "latitude" in cells or "longitude" in cells:
        fields["position"] = _position(cells)
    return PlaceFields(**fields)


def read_cell(column: str, read: _Read, cell: str, zone: ZoneInfo) -> Any:
    """Return what a cell says; a Failure becomes that of its column."""
    try:
        return read(cell, zone)
    except Failure as failure:
        raise of_column(column, failure) from None


def of_column(column: str, failure: Failure) -> Failure:
    """Return the failure of a cell as that of its column."""
    if isinstance(failure, FieldFault):
        return type(failure)(column, failure.description, **{k: v for k, v in failure.metadata.items() if k != "field"})
    return below(column, failure)


def _position(cells: Cells) -> Position | None:
    latitude, longitude = cells.get("latitude", "").strip(), cells.get("longitude", "").strip()
    if not latitude and not longitude:
        return None
    if not latitude or not longitude:
        raise MissingValue("latitude" if longitude else "longitude", "latitude and longitude go together")
    return Position(
        latitude=read_cell("latitude", lambda cell, _: decimal(cell), latitude, _NOWHERE),
        longitude=read_cell("longitude", lambda cell, _: decimal(cell), longitude, _NOWHERE),
    )


_NOWHERE = ZoneInfo("UTC")


def place_cells(place: Place, zone: ZoneInfo, root: PlaceId) -> dict[str, str]:
    """Return the cells of a place, by column; a place that always lay in the territory itself names no parent."""
    position = place.position
    return {
        "id": place.place_id,
        "level": written_word(place.level),
        "display_name": place.display_name,
        "parents": _written_parents(place, zone, root),
        "latitude": "" if position is None else repr(position.latitude),
        "longitude": "" if position is None else repr(position.longitude),
        "outline": place.outline,
        "identifiers": written_identifiers(place.identifiers),
        "position_in_parent": str(place.position_in_parent or ""),
        "simulated": _written_truth(place.simulated),
        **dict.fromkeys(("premise", *_DECLARED), ""),
        **_premise_cells(place.premise, zone),
    }


def _written_parents(place: Place, zone: ZoneInfo, root: PlaceId) -> str:
    if place.parents == (PlaceParent(parent=root),):
        return ""
    return "|".join(parent.parent + written_validity(parent.validity, zone) for parent in place.parents)


def _premise_cells(premise: Dwelling | PublicSite | None, zone: ZoneInfo) -> dict[str, str]:
    match premise:
        case Dwelling() as home:
            return {
                "premise": DWELLING,
                "dwelling_type": written_word(home.type),
                "area_square_metres": _written_number(home.area_square_metres),
                "occupants": _written_number(home.occupants),
                "heating": written_word(home.heating),
                "heating_collective": _written_truth(home.heating_collective),
                "hot_water": written_word(home.hot_water),
                "hot_water_collective": _written_truth(home.hot_water_collective),
                "solar_panels": _written_truth(home.solar_panels),
                "garden": _written_truth(home.garden),
                "vacancies": "|".join(written_validity(vacancy.validity, zone) or "@/" for vacancy in home.vacancies),
            }
        case PublicSite() as site:
            return {
                "premise": PUBLIC_SITE,
                "area_square_metres": _written_number(site.area_square_metres),
                "use": written_word(site.use),
                "opening_hours": "|".join(_written_hours(hours) for hours in site.opening_hours),
            }
        case None:
            return {}


def _written_hours(hours: OpeningHours) -> str:
    text = f"{_WEEKDAYS[hours.weekday - 1]} {written_minutes(hours.start_minute, hours.end_minute)}"
    return f"{text} {_IN_HOLIDAYS}" if hours.in_school_holidays else text


def _written_truth(value: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if value else ""


def _written_number(value: int | None) -> str:
    return "" if value is None else str(value)
