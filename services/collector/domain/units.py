"""The units that meter files use, as whole numbers of base units."""

from enum import StrEnum

from vocabulary.flux import BaseUnit


class Unit(StrEnum):
    """A unit in which a file writes its values."""

    JOULE = "J"
    KILOJOULE = "kJ"
    MEGAJOULE = "MJ"
    GIGAJOULE = "GJ"
    WATT_HOUR = "Wh"
    KILOWATT_HOUR = "kWh"
    MEGAWATT_HOUR = "MWh"
    GIGAWATT_HOUR = "GWh"
    MILLILITRE = "ml"
    LITRE = "l"
    CUBIC_METRE = "m3"
    WATT = "W"
    KILOWATT = "kW"
    MEGAWATT = "MW"
    VOLT_AMPERE = "VA"
    KILOVOLT_AMPERE = "kVA"
    VAR = "var"
    KILOVAR = "kvar"


FACTORS: dict[Unit, tuple[int, BaseUnit]] = {
    Unit.JOULE: (1, BaseUnit.JOULE),
    Unit.KILOJOULE: (1_000, BaseUnit.JOULE),
    Unit.MEGAJOULE: (1_000_000, BaseUnit.JOULE),
    Unit.GIGAJOULE: (1_000_000_000, BaseUnit.JOULE),
    Unit.WATT_HOUR: (3_600, BaseUnit.JOULE),
    Unit.KILOWATT_HOUR: (3_600_000, BaseUnit.JOULE),
    Unit.MEGAWATT_HOUR: (3_600_000_000, BaseUnit.JOULE),
    Unit.GIGAWATT_HOUR: (3_600_000_000_000, BaseUnit.JOULE),
    Unit.MILLILITRE: (1, BaseUnit.MILLILITRE),
    Unit.LITRE: (1_000, BaseUnit.MILLILITRE),
    Unit.CUBIC_METRE: (1_000_000, BaseUnit.MILLILITRE),
    Unit.WATT: (1, BaseUnit.WATT),
    Unit.KILOWATT: (1_000, BaseUnit.WATT),
    Unit.MEGAWATT: (1_000_000, BaseUnit.WATT),
    Unit.VOLT_AMPERE: (1, BaseUnit.VOLT_AMPERE),
    Unit.KILOVOLT_AMPERE: (1_000, BaseUnit.VOLT_AMPERE),
    Unit.VAR: (1, BaseUnit.VOLT_AMPERE_REACTIVE),
    Unit.KILOVAR: (1_000, BaseUnit.VOLT_AMPERE_REACTIVE),
}
"""Base units in one unit."""

_SPELLINGS = {
    **{unit.value.casefold(): unit for unit in Unit},
    "m³": Unit.CUBIC_METRE,
    "mètre cube": Unit.CUBIC_METRE,
    "litre": Unit.LITRE,
    "litres": Unit.LITRE,
    "liter": Unit.LITRE,
    "liters": Unit.LITRE,
}


def unit_named(text: str) -> Unit | None:
    """Return the unit of a text such as `kWh` or `m³`; upper and lower case are the same, as no two units differ by case alone here."""
    return _SPELLINGS.get(text.strip().casefold())
