"""Writes a town's cabinets and luminaires as the CSV files that lighting imports."""

from collections.abc import Mapping

from console.town_files import csv_file
from simulation.luminaires import Cabinet, Control, Luminaire
from simulation.town import Town

GATEWAY = "field"
"""The gateway behind which the town's cabinets are."""
_OWN_DIMMING_MINUTES = 180
"""Drivers dim for six hours around the middle of their night."""


def cabinets_csv(town: Town) -> bytes:
    """Return the file of cabinets."""
    reached = {one.cabinet for one in town.luminaires if one.control is not Control.SELF_DIMMING}
    return csv_file({**_cabinet_row(cabinet), **_gateway(reached=cabinet.id in reached)} for cabinet in town.cabinets)


def luminaires_csv(town: Town) -> bytes:
    """Return the file of luminaires."""
    cabinets = {cabinet.id: cabinet for cabinet in town.cabinets}
    return csv_file(_luminaire_row(one, cabinets[one.cabinet]) for one in town.luminaires)


def luminaire_id(one: Luminaire) -> str:
    """Return the id of a luminaire: its number on the mast, as an id."""
    return f"l{one.number}"


def _cabinet_row(cabinet: Cabinet) -> Mapping[str, object]:
    return {
        "id": cabinet.id,
        "display_name": cabinet.display_name,
        "place": cabinet.place,
        "metering_point": cabinet.point,
        "latitude": cabinet.position.latitude_degrees,
        "longitude": cabinet.position.longitude_degrees,
        "sunset_offset_minutes": cabinet.switching.after_sunset_minutes,
        "sunrise_offset_minutes": -cabinet.switching.before_sunrise_minutes,
        "drift_s_per_day": cabinet.clock_drift_s_per_day,
        "powered_by_day": "true" if cabinet.powered_by_day else "",
        "tariff": "eclairage-public",
    }


def _gateway(*, reached: bool) -> Mapping[str, object]:
    """Return how a cabinet is reached; where every driver dims by itself, nobody is there to be told anything."""
    return {"gateway_protocol": "talq" if reached else "", "gateway": GATEWAY if reached else ""}


def _luminaire_row(one: Luminaire, cabinet: Cabinet) -> Mapping[str, object]:
    head, own = one.light_head, one.control is Control.SELF_DIMMING
    # Drivers at crossings are set to dim never.
    dims = own and not one.crossing
    return {
        "id": luminaire_id(one),
        "number": one.number,
        "cabinet": one.cabinet,
        "circuit": one.circuit,
        "street": one.street,
        "latitude": one.position.latitude_degrees,
        "longitude": one.position.longitude_degrees,
        "technology": one.technology.value,
        "power_w": one.rated_power_w,
        "standby_power_w": one.standby_power_w,
        "minimum_level": one.minimum_level_percent,
        "control": one.control.value,
        "category": one.category,
        "upward_light_ratio_percent": _known(head.upward_light_ratio_percent),
        "cie_flux_code_3_percent": _known(head.cie_flux_code_3_percent),
        "colour_temperature_kelvin": _known(head.colour_temperature_kelvin),
        "luminous_flux_lumens": _known(head.luminous_flux_lumens),
        "installation_date": _known(head.installation_date),
        "never_dimmed": "true" if one.crossing and not own else "",
        "own_before_minutes": _OWN_DIMMING_MINUTES if dims else "",
        "own_after_minutes": _OWN_DIMMING_MINUTES if dims else "",
        "own_level": cabinet.switching.dimmed_percent if dims else "",
    }


def _known(value: object) -> object:
    return "" if value is None else value
