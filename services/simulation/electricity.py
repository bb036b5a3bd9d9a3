"""What homes draw from, and make of, electricity in every half-hour."""

from dataclasses import dataclass

import numpy as np

from simulation.draws import Draws, Flags, Floats, Ints, Stream
from simulation.homes import OFF_PEAK, Homes
from simulation.living import Living, living
from simulation.plans import Supply
from simulation.scene import DAY_MINUTES, Days, Scene

_STEP = 30
_TABLE_STEP = 10


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HomePower:
    """Mean watts of homes by half-hour, whole numbers: (homes, half-hours). Import − injection = use − production."""

    imported: Ints
    injected: Ints
    produced: Ints
    off_peak: Flags


def home_power(homes: Homes, scene: Scene) -> HomePower:
    """Return what the homes' meters see."""
    life = living(homes, scene.draws, scene.days)
    used = (
        _idle(homes, scene, life)
        + _activity(homes, scene, life)
        + _appliances(homes, scene, life)
        + _tank(homes, scene, life)
        + _heating(homes, scene, life)
        + _cooling(homes, scene, life)
        + _car(homes, scene, life)
    )
    # The meter's breaker opens above the subscribed power: people learn to stay below it.
    drawn = np.rint(np.minimum(used, 0.97 * homes.subscribed_va[:, None])).astype(np.int64)
    made = _panels(homes, scene)
    net = drawn - made
    return HomePower(imported=np.maximum(net, 0), injected=np.maximum(-net, 0), produced=made, off_peak=_off_peak(homes, scene))


def pulse(scene: Scene, start: Floats | Ints, length: Floats, *, past_midnight: bool = False) -> Floats:
    """Return the share of each half-hour in which something runs that starts once a day: (homes, half-hours), 0 to 1.

    start: minute of the day. length: minutes, 0 for not at all. Both (homes, days of the scene).
    """
    share = _overlap(scene.minute, start[:, scene.day], length[:, scene.day])
    if past_midnight:
        share += _overlap(scene.minute + DAY_MINUTES, start[:, scene.day - 1], length[:, scene.day - 1])
    return share


def _overlap(minute: Ints, start: Floats | Ints, length: Floats) -> Floats:
    ends = np.minimum(start + length, minute + _STEP)
    ends -= np.maximum(start, minute)
    ends /= _STEP
    return np.clip(ends, 0, 1, out=ends)


def _bumps(*bumps: tuple[float, float, float]) -> Floats:
    """Return a day's shape in steps of ten minutes: sums of (hour, width in hours, height)."""
    hours = (np.arange(DAY_MINUTES // _TABLE_STEP) + 0.5) * _TABLE_STEP / 60
    distance = [np.abs(hours - hour) for hour, _, _ in bumps]
    near = [np.minimum(one, 24 - one) for one in distance]
    return np.asarray(sum(height * np.exp(-0.5 * (one / width) ** 2) for one, (_, width, height) in zip(near, bumps, strict=True)))


# Kettles, screens, irons: on weekdays, on Wednesdays when children are at home, on weekends.
_SHAPES = np.stack(
    [
        0.10 + _bumps((7.3, 0.7, 0.85), (12.5, 0.9, 0.5), (15.5, 2.5, 0.22), (19.8, 1.7, 1.45), (22.0, 1.0, 0.4)),
        0.10 + _bumps((7.8, 0.9, 0.75), (12.5, 0.9, 0.8), (15.5, 2.5, 0.45), (19.8, 1.7, 1.4), (22.0, 1.0, 0.4)),
        0.12 + _bumps((9.4, 1.2, 0.8), (12.8, 1.0, 1.05), (16.0, 2.3, 0.55), (20.0, 1.8, 1.3), (22.6, 1.1, 0.45)),
    ]
)
_LAMPS = 0.06 + _bumps((6.9, 0.8, 0.6), (18.8, 1.4, 0.75), (21.0, 1.5, 1.0))
_WEDNESDAY = 2
_AUTUMN = np.array([920, 925, 928, 1001, 1004, 1007, 1010, 1014, 1019])
_SPRING = np.array([412, 418, 422, 426, 430, 505, 509, 514, 520])
"""Month × 100 + day of the day on which heating is switched on and off."""
_CHRISTMAS_EVE, _CHRISTMAS = 1224, 1225


def _shape_rows(scene: Scene) -> Ints:
    days = scene.days
    kind = np.where(days.weekend, 2, np.where((days.weekday == _WEDNESDAY) | days.school_holiday, 1, 0))
    return kind[scene.day]


def _idle(homes: Homes, scene: Scene, life: Living) -> Floats:
    """Fridges and what is never switched off; a little more when it is warm."""
    share = np.where(life.present, 1.0, np.where(life.vacant, 0.04, 0.72))
    warm = 1 + 0.012 * np.clip(scene.felt_celsius - 12, 0, None)
    wave = 0.86 + 0.28 * scene.draws.uniform(Stream.DAY_HABIT, homes.key, scene.slot)
    return homes.idle_w[:, None] * share[:, scene.day] * (warm * wave)


def _activity(homes: Homes, scene: Scene, life: Living) -> Floats:
    step = ((scene.minute - homes.shift_minutes[:, None]) // _TABLE_STEP) % (DAY_MINUTES // _TABLE_STEP)
    shape = _SHAPES[_shape_rows(scene), step]
    # Two draws, one for the hour and one for the half-hour: what is on tends to stay on.
    hour = scene.draws.uniform(Stream.ACTIVITY_HOUR, homes.key, scene.slot // 2)
    burst = -np.log(1 - 0.999 * scene.draws.uniform(Stream.ACTIVITY, homes.key, scene.slot))
    level = (life.people * life.habit * life.present)[:, scene.day]
    lamps = (0.25 + scene.darkness) * _LAMPS[step]
    return level * (105 * shape * (0.3 + 0.75 * hour) * (0.4 + 0.6 * burst) + 62 * lamps * (0.5 + hour))


def _appliances(homes: Homes, scene: Scene, life: Living) -> Floats:
    days, draws, keys = scene.days, scene.draws, homes.key
    habit, person = life.habit, life.people / 2
    shift = homes.shift_minutes[:, None]
    feast = np.isin(days.year_day, (_CHRISTMAS_EVE, _CHRISTMAS))
    first, second, third = (draws.uniform(stream, keys, days.ordinal) for stream in (Stream.DINNER, Stream.LUNCH, Stream.LAUNDRY))
    wash, size = draws.uniform(Stream.DISHES, keys, 2 * days.ordinal), draws.uniform(Stream.DISHES, keys, 2 * days.ordinal + 1)
    # Gas boilers often come with gas hobs.
    hob_w = np.where(homes.supplied_by(Supply.GAS), 900, 1_750)[:, None]
    dinner = np.where(life.present & (first < 0.86), 22 + 30 * wash + 75 * feast, 0) * np.sqrt(person)
    lunch = np.where(life.present & (second < np.where(days.weekend, 0.78, 0.27)), 20 + 38 * size + 60 * feast, 0) * np.sqrt(person)
    laundry = life.present & (third < np.where(days.weekend, 0.40, 0.23) * habit * person)
    start = 480 + 700 * size + shift
    dishes = life.present & (wash < 0.42 * person)
    return (
        pulse(scene, 1_125 + 70 * second + shift, dinner) * _spread(hob_w, scene)
        + pulse(scene, 705 + 60 * first + shift, lunch) * _spread(hob_w, scene)
        + pulse(scene, start, 35.0 * laundry) * 1_900
        + pulse(scene, start + 35, 75.0 * laundry) * 260
        + pulse(scene, 1_245 + 90 * third + shift, 50.0 * dishes) * 1_350
    )


def _spread(watts: Ints, scene: Scene) -> Ints:
    return np.broadcast_to(watts, (len(watts), len(scene)))


def _off_peak(homes: Homes, scene: Scene) -> Flags:
    windows = OFF_PEAK[homes.off_peak]
    inside = np.zeros((len(homes), len(scene)), dtype=bool)
    for number in range(2):
        start, end = windows[:, number, :1], windows[:, number, 1:]
        wraps = end < start
        after, before = scene.minute >= start, scene.minute < end
        inside |= np.where(wraps, after | before, after & before)
    return inside & (homes.off_peak >= 0)[:, None]


def _night_start(homes: Homes) -> Ints:
    return np.where(homes.off_peak >= 0, OFF_PEAK[homes.off_peak][:, 0, 0], 1_290)


def _tank(homes: Homes, scene: Scene, life: Living) -> Floats:
    """Hot-water tanks: switched on with off-peak prices, until what was drawn in the day is warm again."""
    days, keys = scene.days, homes.key
    drawn = scene.draws.uniform(Stream.TANK, keys, days.ordinal)
    cold = 1 + 0.14 * np.cos(2 * np.pi * (days.ordinal % 365.2425 - 40) / 365.2425)
    watt_hours = 650 + np.where(life.present, (520 + 1_080 * life.occupants) * life.habit**0.7 * (0.6 + 0.8 * drawn) * cold, 0)
    # A household that goes for weeks leaves the tank on; in a vacant home it is off.
    minutes = np.where(life.vacant, 0, watt_hours / np.maximum(homes.tank_w, 1)[:, None] * 60) * (homes.tank_w > 0)[:, None]
    start = np.broadcast_to((_night_start(homes) + homes.key % 3)[:, None], minutes.shape)
    return pulse(scene, start, np.minimum(minutes, 470), past_midnight=True) * homes.tank_w[:, None]


def heat_demand(homes: Homes, scene: Scene, life: Living) -> Floats:
    """Return the heat that rooms need in watts by half-hour: losses above what people, sun and devices give."""
    night = (scene.minute >= 1_350) | (scene.minute < 330)  # 22:30 to 5:30
    target = homes.setpoint_celsius[:, None] - homes.setback_celsius[:, None] * night
    target = target + 1.2 * ((scene.minute >= 360) & (scene.minute < 480))  # rooms are warmed up again from 6:00 to 8:00
    absent = np.where(life.vacant, 4.0, np.where(homes.second_home[:, None], 9.0, 14.5))
    wanted = np.where(life.present[:, scene.day], target, absent[:, scene.day])
    gains = 2.6 + 2.4 * np.clip(scene.sun_degrees / 40, 0, 1) * scene.clearness
    return homes.loss_w_per_k[:, None] * np.clip(wanted - gains - scene.felt_celsius, 0, None)


def _heating(homes: Homes, scene: Scene, life: Living) -> Floats:
    """Radiators, heat pumps, the pumps of boilers, and the small heater that comes out with a stove."""
    power = np.zeros((len(homes), len(scene)))
    season = heating_season(homes, scene.draws, scene.days)
    if not season.any():
        return power
    demand = heat_demand(homes, scene, life) * season[:, scene.day]
    # Thermostats come and go: hours are uneven, days are not.
    slow, quick = (scene.draws.uniform(Stream.HEATING, homes.key, counter) for counter in (scene.slot // 4, scene.slot + (1 << 40)))
    uneven = 0.74 + 0.34 * slow + 0.18 * quick
    pump = np.clip(1.9 + 0.085 * (scene.celsius + 7), 1.6, 4.4)
    share = np.select(
        [
            homes.supplied_by(Supply.ELECTRIC),
            homes.supplied_by(Supply.HEAT_PUMP),
            homes.supplied_by(Supply.WOOD),
            homes.supplied_by(Supply.GAS, Supply.FUEL),
        ],
        [0.75, 0.9, 0.12, 0.008],
        0.0,
    )[:, None]
    efficiency = np.where(homes.supplied_by(Supply.HEAT_PUMP)[:, None], pump, 1.0)
    most = (homes.area_m2 * 72.0 + 500)[:, None]
    return np.minimum(demand * uneven * share / efficiency, most)


def heating_season(homes: Homes, draws: Draws, days: Days) -> Flags:
    """Tell on which days a home's heating is on: (homes, days); each household has its own autumn and its own spring."""
    drawn = draws.uniform(Stream.HEATING, homes.key, np.array([-1, -2]))
    begin, end = (dates[np.floor(drawn[:, side] * len(dates)).astype(np.int64)][:, None] for side, dates in enumerate((_AUTUMN, _SPRING)))
    return (days.year_day >= begin) | (days.year_day < end)


def _cooling(homes: Homes, scene: Scene, life: Living) -> Floats:
    if not homes.cooled.any() or scene.celsius.max() < 25:  # nobody cools below
        return np.zeros((1, 1))
    hot = np.clip(0.5 * (scene.felt_celsius + scene.celsius) - 24.5, 0, 8)
    waking = 0.35 + 0.65 * ((scene.minute >= 660) & (scene.minute < 1_410))  # 11:00 to 23:30
    return (homes.cooled * homes.area_m2 * 1.5)[:, None] * life.present[:, scene.day] * (hot * waking)


def _car(homes: Homes, scene: Scene, life: Living) -> Floats:
    if not homes.car_w.any():
        return np.zeros((1, 1))
    days = scene.days
    chosen, far, late = (scene.draws.uniform(Stream.CAR, homes.key, 4 * days.ordinal + number) for number in range(3))
    plugged = life.present & (chosen < np.where(days.weekend, 0.32, 0.52))
    minutes = (3_500 + 15_000 * far**1.6) / np.maximum(homes.car_w, 1)[:, None] * 60
    # Three in four wait for off-peak prices, the others plug in when they come home.
    patient = ((homes.key % 4) > 0)[:, None]
    start = np.where(patient, _night_start(homes)[:, None] + 2, 1_050 + 150 * late)
    return pulse(scene, start, np.where(plugged, np.minimum(minutes, 600), 0), past_midnight=True) * homes.car_w[:, None]


def _panels(homes: Homes, scene: Scene) -> Ints:
    made = np.zeros((len(homes), len(scene)), dtype=np.int64)
    owners = np.flatnonzero(homes.panel_w)
    if not len(owners):
        return made
    height = np.sin(np.radians(np.clip(scene.sun_degrees, 0, None)))
    # The hour angle tells east from west well enough for a roof of 30°.
    hour_angle = (scene.start % 86_400) / 240 - 178
    tilted = 0.8 * height + 0.5 * np.cos(np.radians(np.clip(hour_angle - homes.panel_azimuth[owners, None], -180, 180))) * np.sqrt(
        np.clip(1 - height**2, 0, 1)
    )
    beam = np.clip(tilted, 0, None) * (height > 0.02) * (0.05 + 0.95 * scene.clearness**1.2)  # hills hide the lowest sun
    passing = 0.72 + 0.33 * scene.draws.uniform(Stream.PANELS, homes.key[owners], scene.slot)
    made[owners] = np.rint(homes.panel_w[owners, None] * np.clip(0.93 * beam * passing, 0, 0.95) * np.clip(height * 9, 0, 1))
    return made
