"""Writes a town's places, metering points and gas coefficients as the CSV files that the registry imports."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum

from simulation.registry import (
    Channel,
    Contract,
    Device,
    Dwelling,
    Identifier,
    MeteringPoint,
    OffPeakWindow,
    OpeningHours,
    Place,
    PublicSite,
)
from simulation.scene import ZONE
from simulation.town import Town
from vocabulary.interval import Validity
from vocabulary.place import PlaceLevel

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SOURCE = "simulated"


def places_csv(town: Town) -> bytes:
    """Return the file of places; the territory itself is made apart."""
    return csv_file(_place_row(place) for place in town.places if place.level is not PlaceLevel.TERRITORY)


def points_csv(town: Town) -> bytes:
    """Return the file of metering points."""
    return csv_file(_point_row(point) for point in town.points)


def gas_coefficients_csv(town: Town) -> bytes:
    """Return the file of gas coefficients: those of the first network, for the whole territory."""
    first = town.gas_coefficients[0].network
    return csv_file(
        {
            "network": "",
            "wh_per_cubic_metre": row.wh_per_cubic_metre,
            "basis": "gross",
            "valid_from": _day(row.validity.start),
            "valid_until": _day(row.validity.end),
            "source": _SOURCE,
        }
        for row in town.gas_coefficients
        if row.network == first
    )


def csv_file(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Return a CSV file of the rows; a cell that a row lacks is empty."""
    kept = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in kept for name in row)), restval="")
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue().encode()


def _place_row(place: Place) -> dict[str, object]:
    return {
        "id": place.id,
        "level": _word(place.level),
        "display_name": place.display_name,
        "parents": "|".join(parent.parent + _validity(parent.validity) for parent in place.parents),
        "latitude": place.position.latitude_degrees,
        "longitude": place.position.longitude_degrees,
        "outline": place.outline_geojson,
        "identifiers": _identifiers(place.identifiers),
        "position_in_parent": place.position_in_parent or "",
        "simulated": "true",
        **_premise(place.premise),
    }


def _premise(premise: Dwelling | PublicSite | None) -> dict[str, object]:
    match premise:
        case None:
            return {}
        case Dwelling() as home:
            return {
                "premise": "dwelling",
                "dwelling_type": _word(home.type),
                "area_square_metres": _known(home.area_square_metres),
                "occupants": _known(home.occupants),
                "heating": _word(home.heating),
                "heating_collective": _truth(home.heating_collective),
                "hot_water": _word(home.hot_water),
                "hot_water_collective": _truth(home.hot_water_collective),
                "solar_panels": _truth(home.solar_panels),
                "garden": _truth(home.garden),
                "vacancies": "|".join(_validity(vacancy) or "@/" for vacancy in home.vacancies),
            }
        case PublicSite() as site:
            return {
                "premise": "public_site",
                "area_square_metres": _known(site.area_square_metres),
                "use": _word(site.use),
                "opening_hours": "|".join(_hours(hours) for hours in site.opening_hours),
            }


def _point_row(point: MeteringPoint) -> dict[str, object]:
    return {
        "id": point.id,
        "flux": _word(point.flux),
        "display_name": point.display_name,
        "identifiers": _identifiers(point.identifiers),
        "places": "|".join(place.place + _validity(place.validity) for place in point.places),
        "parents": "|".join(parent.parent + _validity(parent.validity) for parent in point.parents),
        "channels": "|".join(_channel(channel) for channel in point.channels),
        "devices": "|".join(_device(device) + _validity(device.validity) for device in point.devices),
        "contracts": "|".join(_contract(contract) + _validity(contract.validity) for contract in point.contracts),
    }


def _channel(channel: Channel) -> str:
    return _pairs(
        id=channel.id,
        quantity=_word(channel.quantity),
        direction=_word(channel.direction),
        register_set=channel.register_set,
        tariff_slot=channel.tariff_slot,
    )


def _device(device: Device) -> str:
    return _pairs(
        serial=device.serial,
        digits=device.digits,
        register_unit=device.register_unit,
        pulse_weight=device.pulse_weight,
        maximum_rate=device.maximum_rate,
        volume_corrected="true" if device.volume_corrected else "",
    )


def _contract(contract: Contract) -> str:
    return _pairs(
        power_va=contract.subscribed_power_va,
        tariff=contract.tariff,
        off_peak=",".join(_window(window) for window in contract.off_peak_windows),
        reference=contract.reference,
    )


def _window(window: OffPeakWindow) -> str:
    stretch = f"{_minute(window.start_minute)}-{_minute(window.end_minute)}"
    return f"{stretch}~{window.first_month}-{window.last_month}" if window.first_month else stretch


def _hours(hours: OpeningHours) -> str:
    stretch = f"{_WEEKDAYS[hours.weekday - 1]} {_minute(hours.start_minute)}-{_minute(hours.end_minute)}"
    return f"{stretch} holidays" if hours.in_school_holidays else stretch


def _minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _pairs(**values: object) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items() if value not in ("", 0))


def _identifiers(identifiers: Sequence[Identifier]) -> str:
    return "|".join(f"{one.scheme}:{one.value}" for one in identifiers)


def _validity(validity: Validity) -> str:
    if validity == Validity():
        return ""
    return f"@{_bound(validity.start)}/{_bound(validity.end)}"


def _bound(at: datetime | None) -> str:
    return "" if at is None else at.isoformat().replace("+00:00", "Z")


def _day(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(ZONE).date().isoformat()


def _word(word: Enum | None) -> str:
    return "" if word is None else word.name.lower()


def _truth(value: bool) -> str:  # noqa: FBT001 — a cell
    return "true" if value else ""


def _known(value: int | None) -> object:
    return "" if value is None else value
