"""What each home is and does: built once per town, kept in columns so that loads are computed for many homes at once."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Self

import numpy as np

from simulation.draws import Flags, Floats, Ints
from simulation.plans import NEIGHBOURHOODS, Building, Supply
from simulation.registry import DwellingType

NEVER = 4_000_000
"""An ordinal after all days."""
VACANT_SHARE = 0.08
_MOVES_A_YEAR = 0.095
_SUPPLIES = tuple(Supply)

# One to five people, by living area: flats below 45 m², homes below 80 m², larger ones.
_HOUSEHOLD_SIZES = np.array([[0.70, 0.23, 0.05, 0.02, 0.0], [0.34, 0.33, 0.16, 0.12, 0.05], [0.13, 0.36, 0.19, 0.22, 0.10]])

# Minutes of the day between which off-peak prices hold: the night's stretch, then the afternoon's; eight hours in all.
OFF_PEAK = np.array(
    [
        [[1350, 390], [0, 0]],
        [[1380, 420], [0, 0]],
        [[1410, 450], [0, 0]],
        [[90, 420], [750, 900]],
        [[120, 420], [780, 960]],
        [[1320, 360], [0, 0]],
    ],
    dtype=np.int64,
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Homes:
    """Homes in columns of one length."""

    key: Ints
    """The home's number, from 1: the entity of its draws."""
    neighbourhood: Ints
    house: Flags
    area_m2: Ints
    supply: Ints
    """Number of `Supply`, from 1."""
    second_home: Flags
    first_occupants: Ints
    next_occupants: Ints
    leave_day: Ints
    """Ordinal from which the first household lives there no more; 0: nobody did."""
    enter_day: Ints
    """Ordinal from which the next household lives there."""
    loss_w_per_k: Floats
    setpoint_celsius: Floats
    setback_celsius: Floats
    idle_w: Floats
    shift_minutes: Ints
    """How much later than usual its people live."""
    tank_w: Floats
    """Power of the electric hot-water tank; 0 without one."""
    off_peak: Ints
    """Row of `OFF_PEAK`; −1 without off-peak prices."""
    subscribed_va: Ints
    """Subscribed power: the meter cuts off above it."""
    car_w: Floats
    """Power at which an electric car is charged; 0 without one."""
    panel_w: Floats
    """Peak power of solar panels; 0 without any."""
    panel_azimuth: Floats
    """Degrees that the panels are turned from south to west."""
    cooled: Flags
    garden_m2: Floats

    def __len__(self) -> int:
        """Return the number of homes."""
        return len(self.key)

    def take(self, rows: Ints | slice) -> Self:
        """Return some of the homes."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def supplied_by(self, *supplies: Supply) -> Flags:
        """Tell which homes have one of the supplies."""
        return np.isin(self.supply, [supply.value for supply in supplies])


def built_homes(seed: int, start: date, end: date) -> Homes:
    """Return the homes of the plans, street by street and door by door."""
    rng = np.random.default_rng([seed, 1])
    kinds = [(number, building) for number, plan in enumerate(NEIGHBOURHOODS) for street in plan.streets for building in street.buildings]
    dwellings = [(number, building) for number, building in kinds for _ in range(building.dwellings)]
    neighbourhood = np.array([number for number, _ in dwellings], dtype=np.int64)
    plans = [building for _, building in dwellings]
    house = np.array([plan.type is DwellingType.HOUSE for plan in plans])
    area = _areas(rng, plans)
    supply = np.array([_supply(rng, plan).value for plan in plans], dtype=np.int64)
    second = rng.random(len(plans)) < np.array([plan.second_homes for plan in NEIGHBOURHOODS])[neighbourhood]
    tank = np.isin(supply, [one.value for one in (Supply.ELECTRIC, Supply.HEAT_PUMP, Supply.FUEL, Supply.WOOD)])
    modern = np.array([plan.built >= 1990 for plan in plans]) & house  # the estate
    car = rng.random(len(plans)) < np.where(modern, 0.13, np.where(house, 0.05, 0.0))
    off_peak = np.where(tank & (rng.random(len(plans)) < 0.92) | car, _feeder_windows(rng, plans), -1)
    count = len(plans)
    charger_w = np.where(car, rng.choice([2_300.0, 3_700.0, 7_400.0], count, p=[0.3, 0.3, 0.4]), 0.0)
    return Homes(
        key=np.arange(1, count + 1),
        neighbourhood=neighbourhood,
        house=house,
        area_m2=area,
        supply=supply,
        second_home=second,
        **_households(rng, area, second, start, end),
        loss_w_per_k=_losses(rng, plans, area, supply),
        setpoint_celsius=np.round(rng.normal(19.4, 0.9, count), 1),
        setback_celsius=np.clip(rng.normal(1.8, 1.0, count), 0, 4),
        idle_w=rng.lognormal(np.log(58 + 0.45 * area), 0.38),
        shift_minutes=np.rint(rng.normal(0, 38, count) / 10).astype(np.int64) * 10,
        tank_w=np.where(tank, np.where(area < 45, 1_200, np.where(house, 2_400, 1_800)), 0).astype(float),
        off_peak=off_peak,
        subscribed_va=_subscribed(area, supply, charger_w),
        car_w=charger_w,
        panel_w=np.where(
            rng.random(count) < np.where(modern, 0.14, np.where(house, 0.05, 0.0)), rng.choice([3_000.0, 4_500.0, 6_000.0], count), 0.0
        ),
        panel_azimuth=rng.normal(0, 35, count),
        cooled=rng.random(count) < np.where(supply == Supply.HEAT_PUMP.value, 0.35, np.where(modern, 0.12, 0.03)),
        garden_m2=np.where(house & (area > 80), rng.lognormal(np.log(130), 0.7, count), 0.0) * np.where(neighbourhood == 0, 0.25, 1.0),
    )


def _areas(rng: np.random.Generator, plans: list[Building]) -> Ints:
    low, high = (np.log([plan.area_m2[side] for plan in plans]) for side in (0, 1))
    # 1.645 standard deviations on each side hold nine homes in ten.
    return np.clip(np.rint(np.exp(rng.normal((low + high) / 2, (high - low) / 3.29))), 18, 260).astype(np.int64)


def _supply(rng: np.random.Generator, plan: Building) -> Supply:
    supplies, shares = zip(*plan.supplies, strict=True)
    return supplies[int(rng.choice(len(supplies), p=np.array(shares)))]


def _subscribed(area: Ints, supply: Ints, charger_w: Floats) -> Ints:
    """Return the subscribed power in volt-amperes, as fitters choose it."""
    heated = np.isin(supply, [Supply.ELECTRIC.value, Supply.HEAT_PUMP.value])
    kilovolt_amperes = np.where(heated, np.select([area > 75, area > 45], [12, 9], 6), np.where(area > 110, 9, 6))  # m²
    return np.where(charger_w > 7_000, np.maximum(kilovolt_amperes, 12), kilovolt_amperes) * 1_000  # watts


def _feeder_windows(rng: np.random.Generator, plans: list[Building]) -> Ints:
    """Return the row of `OFF_PEAK` of each home; half of the neighbours on a feeder share it."""
    own = rng.choice(len(OFF_PEAK), len(plans), p=[0.28, 0.22, 0.12, 0.14, 0.1, 0.14])
    shared = np.repeat(rng.choice(len(OFF_PEAK), len(plans) // 40 + 1), 40)[: len(plans)]
    return np.where(rng.random(len(plans)) < 0.5, own, shared)


def _losses(rng: np.random.Generator, plans: list[Building], area: Ints, supply: Ints) -> Floats:
    """Return heat losses in watts per kelvin: by the age of the walls, and more for houses, which have more of them."""
    built = np.array([plan.built for plan in plans])
    house = np.array([plan.type is DwellingType.HOUSE for plan in plans])
    per_square_metre = np.where(built < 1950, 1.75, np.where(built < 1990, 1.45, 1.15)) * np.where(house, 1.12, 0.9)  # regulations
    # Electric heating went into homes that were insulated for it, and its price keeps it low.
    loose = np.where(supply == Supply.GAS.value, np.where(house, 2.25, 2.95), np.where(supply == Supply.COLLECTIVE.value, 1.75, 1.16))
    return per_square_metre * area**0.93 * loose * rng.lognormal(0, 0.22, len(plans))


def _households(rng: np.random.Generator, area: Ints, second: Flags, start: date, end: date) -> dict[str, Ints]:
    """Return who lives where and who moves: about one home in eleven a year, 8 % vacant at any time."""
    count = len(area)
    band = np.digitize(area, [45, 80])
    first, following = (1 + (rng.random(count)[:, None] > _HOUSEHOLD_SIZES[band].cumsum(axis=1)[:, :-1]).sum(axis=1) for _ in range(2))
    days = (end - start).days
    leave, enter = np.full(count, NEVER), np.full(count, NEVER)
    others = rng.permutation(np.flatnonzero(~second))
    moves = min(round(len(others) * _MOVES_A_YEAR * days / 365), len(others) // 2)
    gaps = np.clip(np.rint(rng.lognormal(np.log(18), 0.8, moves)), 1, max(days // 4, 1)).astype(np.int64)
    vacant = max(round(VACANT_SHARE * count - gaps.sum() / max(days, 1)), 0)
    moving, empty, emptied = others[:moves], others[moves : moves + vacant], others[moves + vacant : moves + vacant + vacant // 7]
    at = start.toordinal() + rng.integers(0, max(days, 1), count)
    leave[moving], enter[moving] = at[moving], at[moving] + gaps
    leave[empty] = 0
    # As many homes as are taken again are left for good, so that the share of vacant homes stays.
    enter[empty[: len(emptied)]], leave[emptied] = at[empty[: len(emptied)]], at[emptied]
    return {"first_occupants": first, "next_occupants": following, "leave_day": leave, "enter_day": enter}


def is_vacant(homes: Homes, ordinal: Ints) -> Flags:
    """Tell when nobody lives where: (homes, days)."""
    return (ordinal >= homes.leave_day[:, None]) & (ordinal < homes.enter_day[:, None])
