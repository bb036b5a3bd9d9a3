"""What homes with a gas boiler burn in every gas day, and what a cubic metre of gas holds."""

import math
from datetime import date
from functools import lru_cache

import numpy as np

from simulation.draws import Floats, Ints, Stream
from simulation.electricity import heating_season
from simulation.homes import Homes
from simulation.living import Living, living
from simulation.scene import Days, Scene

_BOILER_EFFICIENCY = 0.87
_SHARED_LOSSES = 1.18
"""Pipes of a shared boiler run warm through the cellar."""


@lru_cache(maxsize=1_000)
def coefficient_wh_per_cubic_metre(network: int, year: int, month: int) -> int:
    """Return the gross calorific value (PCS) that the distributor gives for a month; a little less in the network uphill."""
    wave = math.sin(2.1 * (year * 12 + month) + network) * 70 + math.sin(0.53 * (year * 12 + month)) * 45
    return round(11_240 - 90 * network + wave)


def coefficients(network: int, days: Days) -> Ints:
    """Return the coefficient of each day of a scene, the day before included, in Wh per m³."""
    dates = [date.fromordinal(int(ordinal)) for ordinal in days.ordinal]
    return np.array([coefficient_wh_per_cubic_metre(network, day.year, day.month) for day in dates], dtype=np.int64)


def millilitres(watt_hours: Floats, coefficient: Ints) -> Ints:
    """Return the volume that holds the energy."""
    return np.rint(watt_hours / coefficient * 1e6).astype(np.int64)


def home_gas_wh(homes: Homes, scene: Scene) -> Floats:
    """Return what each home's boiler and hob burn by gas day, in watt-hours (PCS): (homes, days inside)."""
    life = living(homes, scene.draws, scene.days)
    cooking = np.where(life.present, 420 * life.people, 0)
    burnt = (_heat_wh(homes, scene, life) + _water_heat_wh(homes, scene, life)) / _BOILER_EFFICIENCY + cooking
    return np.where(life.vacant, 0, burnt)[:, 1:]


def shared_boiler_wh(homes: Homes, scene: Scene) -> Floats:
    """Return what one boiler burns for all the homes by gas day, in watt-hours (PCS): (1, days inside)."""
    life = living(homes, scene.draws, scene.days)
    wanted = (_heat_wh(homes, scene, life, shared=True) + _water_heat_wh(homes, scene, life)).sum(axis=0, keepdims=True)
    # The loop of hot water loses what it loses, used or not.
    return ((wanted * _SHARED_LOSSES + 2_300 * len(homes)) / _BOILER_EFFICIENCY)[:, 1:]


def _heat_wh(homes: Homes, scene: Scene, life: Living, *, shared: bool = False) -> Floats:
    days = scene.days
    shared_season = (days.year_day >= 1006) | (days.year_day < 506)  # month × 100 + day
    season = shared_season if shared else heating_season(homes, scene.draws, days)
    kept = homes.setpoint_celsius - homes.setback_celsius * 0.3
    # Nobody turns the shared boiler down for one flat: only its valves are closed.
    absent = np.where(homes.second_home, 9.0, 17.0 if shared else 14.0)[:, None]
    wanted = np.where(life.present, kept[:, None], absent)
    uneven = 0.88 + 0.24 * scene.draws.uniform(Stream.GAS_DAY, homes.key, days.ordinal)
    return homes.loss_w_per_k[:, None] * 24 * np.clip(wanted - 3.3 - days.gas_celsius, 0, None) * uneven * season


def _water_heat_wh(homes: Homes, scene: Scene, life: Living) -> Floats:
    days = scene.days
    cold = 1 + 0.14 * np.cos(2 * np.pi * (days.ordinal % 365.2425 - 40) / 365.2425)
    drawn = scene.draws.uniform(Stream.TANK, homes.key, days.ordinal)
    return np.where(life.present, (350 + 1_350 * life.occupants) * life.habit**0.7 * (0.6 + 0.8 * drawn) * cold, 0)
