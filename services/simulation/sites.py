"""The town's public sites and the shared parts of its buildings: what they are and when they are open, as data."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from simulation.draws import Flags, Floats
from simulation.plans import OLD_CENTRE, STATION, TOWERS, VILLAGE
from simulation.registry import OpeningHours, SiteUse
from simulation.scene import DAY_MINUTES, Scene
from vocabulary.names import PlaceId

FIRST_SITE_KEY = 100_001
"""Entities of draws: homes count from 1, sites from here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePlan:
    """A public site."""

    key: int
    id: PlaceId
    name: str
    use: SiteUse
    neighbourhood: PlaceId
    street: int
    """Which street of the neighbourhood, from 0."""
    area_m2: int
    hours: tuple[OpeningHours, ...]
    subscribed_va: int
    idle_w: float
    open_w: float
    lamps_w: float
    gas_w_per_k: float = 0.0
    """Heat losses of a site with a gas boiler."""
    litres_per_open_hour: float = 0.0


def _hours(weekdays: str, start: float, end: float, *, in_holidays: bool = True) -> tuple[OpeningHours, ...]:
    return tuple(
        OpeningHours(weekday=int(day), start_minute=round(start * 60), end_minute=round(end * 60), in_school_holidays=in_holidays)
        for day in weekdays
    )


_SCHOOL_HOURS = (*_hours("1245", 7.5, 18.5, in_holidays=False), *_hours("3", 8, 12, in_holidays=False))

SITES = (
    SitePlan(
        key=FIRST_SITE_KEY,
        id=PlaceId("mairie"),
        name="Mairie d'Orvelle-sur-Sione",
        use=SiteUse.OFFICE,
        neighbourhood=OLD_CENTRE,
        street=2,
        area_m2=1_400,
        hours=(*_hours("12345", 8.5, 17.5), *_hours("6", 9, 12)),
        subscribed_va=60_000,
        idle_w=3_100,
        open_w=11_500,
        lamps_w=6_500,
        gas_w_per_k=2_900,
        litres_per_open_hour=85,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 1,
        id=PlaceId("ecole-des-marronniers"),
        name="École des Marronniers",
        use=SiteUse.SCHOOL,
        neighbourhood=TOWERS,
        street=0,
        area_m2=2_600,
        hours=_SCHOOL_HOURS,
        subscribed_va=84_000,
        idle_w=2_400,
        open_w=13_000,
        lamps_w=12_500,
        gas_w_per_k=4_700,
        litres_per_open_hour=420,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 2,
        id=PlaceId("ecole-du-lavoir"),
        name="École du Lavoir",
        use=SiteUse.SCHOOL,
        neighbourhood=VILLAGE,
        street=1,
        area_m2=1_100,
        hours=_SCHOOL_HOURS,
        subscribed_va=36_000,
        idle_w=1_300,
        open_w=5_600,
        lamps_w=5_000,
        gas_w_per_k=2_300,
        litres_per_open_hour=170,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 3,
        id=PlaceId("gymnase-du-grand-pre"),
        name="Gymnase du Grand-Pré",
        use=SiteUse.SPORTS_HALL,
        neighbourhood=TOWERS,
        street=2,
        area_m2=1_900,
        hours=(*_hours("12345", 8, 22.5, in_holidays=False), *_hours("67", 9, 20, in_holidays=False)),
        subscribed_va=72_000,
        idle_w=1_700,
        open_w=3_800,
        lamps_w=15_500,
        gas_w_per_k=4_900,
        litres_per_open_hour=150,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 4,
        id=PlaceId("salle-des-fetes"),
        name="Salle des fêtes de Chantelieu",
        use=SiteUse.ASSEMBLY_HALL,
        neighbourhood=VILLAGE,
        street=0,
        area_m2=520,
        hours=(),
        subscribed_va=48_000,
        idle_w=650,
        open_w=8_500,
        lamps_w=4_500,
        litres_per_open_hour=210,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 5,
        id=PlaceId("piscine-des-cheminots"),
        name="Piscine des Cheminots",
        use=SiteUse.SWIMMING_POOL,
        neighbourhood=STATION,
        street=1,
        area_m2=2_300,
        hours=(*_hours("12345", 9, 20.5), *_hours("6", 9, 19), *_hours("7", 9, 13)),
        subscribed_va=180_000,
        idle_w=34_000,
        open_w=29_000,
        lamps_w=9_000,
        gas_w_per_k=5_800,
        litres_per_open_hour=2_900,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 6,
        id=PlaceId("bibliotheque"),
        name="Bibliothèque du Four-à-Chaux",
        use=SiteUse.LIBRARY,
        neighbourhood=OLD_CENTRE,
        street=1,
        area_m2=480,
        hours=(*_hours("246", 10, 18), *_hours("35", 14, 18.5)),
        subscribed_va=36_000,
        idle_w=900,
        open_w=3_300,
        lamps_w=3_900,
        gas_w_per_k=1_050,
        litres_per_open_hour=35,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 7,
        id=PlaceId("eglise-saint-ors"),
        name="Église Saint-Ors, façade",
        use=SiteUse.WORSHIP,
        neighbourhood=OLD_CENTRE,
        street=2,
        area_m2=760,
        hours=(),
        subscribed_va=9_000,
        idle_w=0,
        open_w=0,
        lamps_w=0,
    ),
    SitePlan(
        key=FIRST_SITE_KEY + 8,
        id=PlaceId("station-de-pompage"),
        name="Station de pompage des Sources",
        use=SiteUse.PUMPING_STATION,
        neighbourhood=VILLAGE,
        street=3,
        area_m2=140,
        hours=(),
        subscribed_va=60_000,
        idle_w=700,
        open_w=15_000,
        lamps_w=0,
    ),
)


def open_share(site: SitePlan, scene: Scene) -> Floats:
    """Return how full a site is in each half-hour, from 0 to 1; people come and go around the opening hours."""
    share = np.zeros(len(scene))
    days = scene.days
    closed = (days.resting & (days.weekday != 6)) | ~_kept_open(site, scene)  # Sunday is in the opening hours
    for hours in site.hours:
        valid = (days.weekday == hours.weekday - 1) & ~closed & (hours.in_school_holidays | ~days.school_holiday)
        inside = (scene.minute >= hours.start_minute) & (scene.minute < hours.end_minute)
        edge = (scene.minute < hours.start_minute + 30) | (scene.minute >= hours.end_minute - 30)
        share = np.maximum(share, (valid[scene.day] & inside) * np.where(edge, 0.55, 1.0))
    return share


def _kept_open(site: SitePlan, scene: Scene) -> Flags:
    """Tell on which days a site is not shut for longer: August for some, the pool's emptying in September."""
    year_day = scene.days.year_day
    use = site.use
    match use:
        case SiteUse.SWIMMING_POOL:
            return ~((year_day >= 901) & (year_day < 915)) & (year_day != 1224)  # month × 100 + day
        case SiteUse.LIBRARY:
            return ~((year_day >= 804) & (year_day < 825)) & (year_day < 1224)
        case (
            SiteUse.SPORTS_HALL
            | SiteUse.SCHOOL
            | SiteUse.OFFICE
            | SiteUse.ASSEMBLY_HALL
            | SiteUse.WORSHIP
            | SiteUse.PUMPING_STATION
            | SiteUse.LIGHTING
        ):
            return year_day > 0
        case _:
            assert_never(use)


def daytime(scene: Scene, start_minute: int, end_minute: int) -> Floats:
    """Return 1 in the half-hours of a local stretch of the day, which may pass midnight, else 0."""
    after, before = scene.minute % DAY_MINUTES >= start_minute, scene.minute < end_minute
    return (after & before if start_minute < end_minute else after | before).astype(float)
