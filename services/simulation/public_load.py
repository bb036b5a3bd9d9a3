"""What public sites and the shared parts of buildings use, with the faults that befall them."""

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from simulation.draws import Flags, Floats, Ints, Stream
from simulation.faults import Fault, FaultKind
from simulation.registry import SiteUse
from simulation.scene import Scene
from simulation.sites import SitePlan, daytime, open_share

_ELECTRIC_HEAT_W_PER_K = 1_150
"""Heat losses of the village hall, which has radiators."""


def site_power_w(site: SitePlan, faults: Sequence[Fault], scene: Scene) -> Ints:
    """Return mean watts by half-hour."""
    key = np.array([site.key])
    ripple = 0.93 + 0.14 * scene.draws.uniform(Stream.SITE_NOISE, key, scene.slot)[0]
    # Some days are busier than others, and so are some hours.
    busy, hour = (
        scene.draws.uniform(Stream.SITE_NOISE, key, counter)[0]
        for counter in (scene.days.ordinal[scene.day] - (1 << 40), scene.slot // 3 - (1 << 41))
    )
    full = _fullness(site, scene) * (0.8 + 0.2 * busy + 0.2 * hour)
    lamps = np.clip(full * 1.3, 0, 1) * (0.3 + 0.7 * scene.darkness)
    watts = (site.idle_w * (0.93 + 0.14 * ripple) + site.open_w * full + site.lamps_w * lamps) * ripple
    watts = _of_its_use(site, scene, full, watts)
    for fault in faults:
        if fault.kind is FaultKind.COOLED_WHILE_CLOSED and fault.place == site.id:
            watts = watts + fault.size * _during(fault, scene.start) * (0.7 + 0.3 * ripple)
    return np.rint(watts).astype(np.int64)


def _of_its_use(site: SitePlan, scene: Scene, full: Floats, watts: Floats) -> Floats:
    """Return the power with what only sites of such a use have."""
    use = site.use
    match use:
        case SiteUse.SCHOOL:
            # The kitchen cooks on school days but Wednesdays.
            return watts + daytime(scene, 630, 810) * full * 0.9 * site.open_w * (scene.days.weekday != 2)[scene.day]
        case SiteUse.ASSEMBLY_HALL:
            return watts + _hall_heating_w(full, scene)
        case SiteUse.SWIMMING_POOL:
            return np.where(_pool_filled(scene), watts, 0.22 * watts) + 2_600 * np.clip(scene.celsius - 24, 0, 6)
        case SiteUse.PUMPING_STATION:
            return site.idle_w + _pumps_w(site, scene)
        case SiteUse.OFFICE | SiteUse.LIBRARY:
            return watts + site.area_m2 * 1.6 * np.clip(scene.felt_celsius - 23, 0, 7) * np.clip(full + 0.1, 0, 1)
        case SiteUse.SPORTS_HALL | SiteUse.WORSHIP | SiteUse.LIGHTING:
            return watts
        case _:
            assert_never(use)


def filtration_power_w(site: SitePlan, scene: Scene) -> Ints:
    """Return mean watts of the pool's filter pumps, a part of the site's power: slower at night, nothing while it is emptied."""
    ripple = 0.98 + 0.04 * scene.draws.uniform(Stream.SITE_NOISE, np.array([site.key + 500]), scene.slot)[0]
    speed = np.where(daytime(scene, 480, 1_290) > 0, 1.0, 0.62)
    return np.rint(0.42 * site.idle_w * speed * ripple * np.where(_pool_filled(scene), 1, 0.02)).astype(np.int64)


def shared_power_w(key: int, dwellings: int, scene: Scene, *, boiler: bool) -> Ints:
    """Return mean watts of a building's shared parts: lift, corridors, doors, and the pumps of a shared boiler."""
    noise = scene.draws.uniform(Stream.SITE_NOISE, np.array([key]), np.stack([scene.slot, scene.slot + (1 << 40)]).ravel())[0].reshape(
        2, -1
    )
    moving = (
        daytime(scene, 420, 570)
        + 0.6 * daytime(scene, 690, 840)
        + 1.2 * daytime(scene, 990, 1_200)
        + 0.25 * daytime(scene, 1_200, 1_380)
        + 0.06
    )
    lift = dwellings * 24 * moving * (0.45 + 1.1 * noise[0])
    corridors = dwellings * (6 + 7 * scene.darkness * np.clip(moving + 0.3, 0, 1))
    cold = np.clip((17 - scene.felt_celsius) / 20, 0.08, 1) * boiler
    return np.rint(140 + lift + corridors + 1_900 * cold * (0.95 + 0.1 * noise[1])).astype(np.int64)


def site_gas_wh(site: SitePlan, faults: Sequence[Fault], scene: Scene) -> Floats:
    """Return what a site's boiler burns by gas day, in watt-hours (PCS): (days inside,)."""
    days = scene.days
    full = _by_day(_fullness(site, scene), scene)
    noise = 0.9 + 0.2 * scene.draws.uniform(Stream.GAS_DAY, np.array([site.key]), days.ordinal)[0]
    season = (days.year_day >= 1008) | (days.year_day < 505)  # month × 100 + day
    idle, used = _setpoints(site)
    # Walls keep half of the warmth through closed hours: a short day costs more than its hours.
    kept = idle + (used - idle) * np.where(full > 0, 0.45 + 0.55 * np.clip(full / 0.4, 0, 1), 0)
    for fault in faults:
        if fault.kind is FaultKind.HEATED_WHILE_CLOSED and fault.place == site.id:
            kept = np.where(_during(fault, days.midnight), np.maximum(kept, idle + fault.size), kept)
    heat = site.gas_w_per_k * 24 * np.clip(kept - 2 - days.gas_celsius, 0, None) * season
    if site.use is SiteUse.SWIMMING_POOL:
        # Basin and showers need heat all year, and the air over the basin is dried.
        filled = _by_day(_pool_filled(scene).astype(float), scene)
        heat = (heat + 1_250_000 + 900_000 * full + 26_000 * np.clip(24 - days.gas_celsius, 0, None)) * (0.06 + 0.94 * filled)
    elif site.use in (SiteUse.SCHOOL, SiteUse.SPORTS_HALL):
        heat = heat + 14 * site.area_m2 * full
    return (heat * noise / 0.89)[1:]


def site_water_ml(site: SitePlan, faults: Sequence[Fault], scene: Scene) -> Ints:
    """Return millilitres by hour."""
    hour = scene.slot[::2] // 2
    noise = scene.draws.uniform(Stream.WATER_AMOUNT, np.array([site.key]), hour)[0]
    full = (_fullness(site, scene)[::2] + _fullness(site, scene)[1::2]) / 2
    litres = site.litres_per_open_hour * full * (0.35 + 1.3 * noise)
    if site.use is SiteUse.SWIMMING_POOL:
        weekday, minute = scene.days.weekday[scene.day[::2]], scene.minute[::2]
        # Filters are washed backwards in the night to Tuesday and to Friday; the basin is filled again from 11 September on.
        litres = litres + 9_500 * np.isin(weekday, (1, 4)) * ((minute >= 180) & (minute < 300)) * _pool_filled(scene)[::2]
        year_day = scene.days.year_day[scene.day[::2]]
        litres = litres + 5_200 * ((year_day >= 911) & (year_day < 915))
    leaking = np.zeros(len(hour))
    for fault in faults:
        if fault.kind is FaultKind.SITE_LEAK and fault.place == site.id:
            leaking = leaking + fault.size * _during(fault, scene.start[::2]) * (0.96 + 0.08 * noise)
    return np.rint((litres + leaking) * 1_000).astype(np.int64)


def _fullness(site: SitePlan, scene: Scene) -> Floats:
    if site.use is not SiteUse.ASSEMBLY_HALL:
        return open_share(site, scene)
    return _hall_events(site, scene)


def _hall_events(site: SitePlan, scene: Scene) -> Floats:
    """Return how full the village hall is: clubs on two weekday evenings, weddings and lotos on most Saturdays, 14 July, New Year's Eve."""
    days = scene.days
    drawn = scene.draws.uniform(Stream.SITE_EVENT, np.array([site.key]), days.ordinal)[0]
    feast = np.isin(days.year_day, (714, 1231)) | ((days.weekday == 5) & (drawn < 0.62))  # Saturdays, most
    sunday = (days.weekday == 6) & (drawn < 0.4)  # Sundays, fewer
    club = np.isin(days.weekday, (1, 3)) & ~days.school_holiday
    yesterday = np.concatenate(([False], feast[:-1]))
    return np.maximum.reduce(
        [
            feast[scene.day] * daytime(scene, 960, 1_440),
            yesterday[scene.day] * daytime(scene, 0, 150),
            sunday[scene.day] * daytime(scene, 660, 1_110) * 0.8,
            club[scene.day] * daytime(scene, 1_110, 1_320) * 0.35,
        ]
    )


def _hall_heating_w(full: Floats, scene: Scene) -> Floats:
    """Radiators start three hours before an event, else keep the frost away."""
    ahead = np.concatenate((full[6:], np.zeros(6)))
    # The last three hours of a scene cannot see the next day: events there begin in the afternoon, so nothing is lost before 21:00.
    wanted = np.where((full > 0) | ((ahead > 0) & (scene.minute < 1_260)), 18.0, 7.5)
    cold = (scene.days.year_day >= 1001) | (scene.days.year_day < 515)  # month × 100 + day
    return np.minimum(_ELECTRIC_HEAT_W_PER_K * np.clip(wanted - 1.5 - scene.felt_celsius, 0, None), 30_000) * cold[scene.day]


def _pool_filled(scene: Scene) -> Flags:
    year_day = scene.days.year_day[scene.day]
    return ~((year_day >= 901) & (year_day < 911))  # month × 100 + day


def _pumps_w(site: SitePlan, scene: Scene) -> Floats:
    """Two pumps fill the water tower: at night as long as needed, at noon on hot days."""
    days = scene.days
    drawn = scene.draws.uniform(Stream.SITE_EVENT, np.array([site.key]), days.ordinal)[0]
    minutes = 250 + 40 * drawn + 11 * np.clip(days.warmth_celsius - 18, 0, 16)
    since = (scene.minute - 1_380) % 1_440
    night = np.where(scene.minute >= 1_380, scene.day, scene.day - 1)
    main = np.clip((minutes[night] - since) / 30, 0, 1)
    noon = ((days.warmth_celsius > 27)[scene.day]) * daytime(scene, 750, 870)  # degrees
    topping = (scene.draws.uniform(Stream.SITE_NOISE, np.array([site.key + 500]), scene.slot)[0] < 0.13) * daytime(
        scene, 420, 1_320
    )  # one in eight
    return site.open_w * (2 * main * (since < 420) + noon + 0.6 * topping)  # not beyond 6:00


def _setpoints(site: SitePlan) -> tuple[float, float]:
    """Return the temperatures kept in closed and in open hours."""
    match site.use:
        case SiteUse.SPORTS_HALL:
            return 9.0, 16.5
        case SiteUse.SWIMMING_POOL:
            return 24.0, 26.0
        case _:
            return 13.0, 20.0


def _by_day(values: Floats, scene: Scene) -> Floats:
    """Return the mean of each day of the scene; the day before counts as its first one."""
    means = np.add.reduceat(values, scene.first_slots) / np.diff(np.append(scene.first_slots, len(scene)))
    return np.concatenate((means[:1], means))


def _during(fault: Fault, at: Ints) -> Flags:
    return (at >= fault.start_s) & (at < fault.end_s)
