"""What homes draw from the water network in every hour."""

import numpy as np

from simulation.draws import Floats, Ints, Stream
from simulation.homes import Homes
from simulation.living import Living, living
from simulation.scene import Scene


def _shape(*bumps: tuple[float, float, float]) -> Floats:
    hours = np.arange(24) + 0.5
    near = [(np.minimum(np.abs(hours - hour), 24 - np.abs(hours - hour)), width, height) for hour, width, height in bumps]
    day = 0.035 + sum(height * np.exp(-0.5 * (distance / width) ** 2) for distance, width, height in near)
    return np.asarray(day / np.sum(day))


_WEEKDAY = _shape((7.3, 0.9, 1.0), (12.6, 1.0, 0.5), (16.5, 2.0, 0.25), (19.7, 1.6, 0.95), (22.2, 0.9, 0.25))
_WEEKEND = _shape((9.8, 1.5, 1.0), (13.0, 1.1, 0.6), (16.5, 2.2, 0.35), (19.7, 1.6, 0.8), (22.5, 1.0, 0.25))
_SHAPES = np.stack([_WEEKDAY, _WEEKEND])


def home_water_ml(homes: Homes, scene: Scene) -> Ints:
    """Return millilitres by hour: (homes, hours), the hours being those of every second half-hour of the scene."""
    life = living(homes, scene.draws, scene.days)
    day, minute, hour_number = scene.day[::2], scene.minute[::2], scene.slot[::2] // 2
    wanted_ml = (
        _daily_ml(scene, life)[:, day]
        * _SHAPES[scene.days.weekend[day].astype(np.int64), (minute - homes.shift_minutes[:, None]) // 60 % 24]
    )
    # Taps are opened or not: few or no uses in an hour, each of some litres.
    chance = 1 - np.exp(-wanted_ml / 16_000)
    used = scene.draws.uniform(Stream.WATER_USED, homes.key, hour_number) < chance
    amount = -np.log(1 - 0.9999 * scene.draws.uniform(Stream.WATER_AMOUNT, homes.key, hour_number))
    drawn = np.where(used, wanted_ml / np.maximum(chance, 1e-9) * (0.25 + 0.75 * amount), 0)
    return np.rint(drawn + _garden_ml(homes, scene, life)).astype(np.int64)


def _daily_ml(scene: Scene, life: Living) -> Floats:
    warm = 1 + 0.011 * np.clip(scene.days.warmth_celsius - 18, 0, 18)
    per_home = 48_000 + 134_000 * life.occupants**0.86
    return np.where(life.present, per_home * life.habit**1.1 * warm, 0) * np.where(life.vacant, 0, 1)


def _garden_ml(homes: Homes, scene: Scene, life: Living) -> Floats:
    """Gardens are watered on the evenings of dry, warm days; some neighbours do it for those on leave."""
    days = scene.days
    if not homes.garden_m2.any():
        return np.zeros((1, 1))
    dry = (days.rain_mm < 1) & (np.concatenate(([0.0], days.rain_mm[:-1])) < 5)  # millimetres
    growing = dry & (days.warmth_celsius > 22) & np.isin(days.month, (5, 6, 7, 8, 9))  # degrees
    drawn = scene.draws.uniform(Stream.GARDEN, homes.key, days.ordinal)
    watered = growing & ~life.vacant & (drawn < np.where(life.present, 0.42, 0.1))
    amount_ml = np.minimum(homes.garden_m2 * 2_100, 750_000)[:, None] * watered * (0.5 + drawn)
    evening = scene.minute[::2] // 60 == 19 + (homes.key % 3)[:, None]
    return amount_ml[:, scene.day[::2]] * evening
