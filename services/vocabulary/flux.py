"""What flows: the fluxes, what a channel counts of them, and in which base unit."""

from enum import Enum


class Flux(Enum):
    """A kind of supply that a metering point measures."""

    ELECTRICITY = 1
    GAS = 2
    WATER = 3
    HEAT = 4
    COOLING = 5
    FUEL = 6


class Quantity(Enum):
    """What a channel counts."""

    ENERGY = 1
    VOLUME = 2
    ACTIVE_POWER = 3
    REACTIVE_POWER = 4
    MAXIMUM_POWER = 5


class Direction(Enum):
    """Which way the flux goes through the metering point."""

    IMPORT = 1
    """Drawn from the network."""
    INJECTION = 2
    """Given to the network."""
    PRODUCTION = 3
    """Made on the site, whether used there or given away."""


class BaseUnit(Enum):
    """The exact, additive integer unit in which values are kept."""

    JOULE = "J"
    MILLILITRE = "ml"
    WATT = "W"
    VOLT_AMPERE_REACTIVE = "var"
    VOLT_AMPERE = "VA"


def base_unit(quantity: Quantity) -> BaseUnit:
    """Return the unit in which values of `quantity` are kept."""
    match quantity:
        case Quantity.ENERGY:
            return BaseUnit.JOULE
        case Quantity.VOLUME:
            return BaseUnit.MILLILITRE
        case Quantity.ACTIVE_POWER:
            return BaseUnit.WATT
        case Quantity.REACTIVE_POWER:
            return BaseUnit.VOLT_AMPERE_REACTIVE
        case Quantity.MAXIMUM_POWER:
            return BaseUnit.VOLT_AMPERE


JOULES_PER_WATT_HOUR = 3_600
MILLILITRES_PER_CUBIC_METRE = 1_000_000
