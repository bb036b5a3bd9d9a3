"""Chooses where and when the town's faults happen, within the days that it has."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from simulation.equipment import Fleet
from simulation.faults import Fault, FaultKind, seconds
from simulation.french_days import school_holidays
from simulation.homes import NEVER, Homes
from simulation.luminaires import FACADE_CABINET, Cabinet, Luminaire
from simulation.scene import local_second, midnight_s
from vocabulary.names import PlaceId, PointId

_SCHOOL, _GYMNASIUM, _LIBRARY = PlaceId("ecole-des-marronniers"), PlaceId("gymnase-du-grand-pre"), PlaceId("bibliotheque")
_NOT_SHOWN_DAYS = 8
"""A fault that leaves fewer days inside the town's time is left out."""


def placed_faults(
    seed: int, homes: Homes, water: Fleet, cabinets: Sequence[Cabinet], luminaires: Sequence[Luminaire], start: date, end: date
) -> tuple[Fault, ...]:
    """Return the faults that fall at least in part between `start` and `end`, cut to it."""
    rng = np.random.default_rng([seed, 12])
    found = [*_of_holidays(start, end), *_of_lighting(rng, cabinets, luminaires, start, end), *_of_homes(rng, homes, water, start, end)]
    return tuple(sorted(found, key=lambda fault: (fault.during.start, fault.id)))


def fault(kind: FaultKind, place: PlaceId, point: PointId, when: tuple[int, int], size: tuple[float, str], description: str) -> Fault:
    """Return a fault between two UTC seconds."""
    return Fault(
        id=f"{kind.value}-{point}",
        kind=kind,
        place=place,
        point=point,
        during=seconds(*when),
        size=size[0],
        unit=size[1],
        description=description,
    )


def _of_holidays(start: date, end: date) -> Iterator[Fault]:
    """A school leaks through its first summer, the gymnasium is heated at its first Christmas, the library cooled on summer nights."""
    years = range(start.year - 1, end.year + 1)
    summer = _first(((holidays[-1][0], holidays[-1][1]) for holidays in map(school_holidays, years)), start, end)
    christmas = _first(((holidays[1][0], holidays[1][1]) for holidays in map(school_holidays, years)), start, end)
    if summer:
        when = (
            max(local_second(summer[0], 1_020), midnight_s(start)),
            min(local_second(summer[1] - timedelta(days=1), 510), midnight_s(end)),
        )
        yield fault(
            FaultKind.SITE_LEAK,
            _SCHOOL,
            PointId(f"eau-{_SCHOOL}"),
            when,
            (340, "l/h"),
            "Une fuite coule à l'école des Marronniers pendant tout l'été.",
        )
        cooled = (max(summer[0] + timedelta(days=9), start), min(summer[0] + timedelta(days=37), end))
        if cooled[0] < cooled[1]:
            when = midnight_s(cooled[0]), midnight_s(cooled[1])
            yield fault(
                FaultKind.COOLED_WHILE_CLOSED,
                _LIBRARY,
                PointId(f"elec-{_LIBRARY}"),
                when,
                (2_600, "W"),
                "La climatisation de la bibliothèque tourne jour et nuit.",
            )
    if christmas:
        when = midnight_s(christmas[0]), midnight_s(christmas[1])
        yield fault(
            FaultKind.HEATED_WHILE_CLOSED,
            _GYMNASIUM,
            PointId(f"gaz-{_GYMNASIUM}"),
            when,
            (10, "K"),
            "Le gymnase du Grand-Pré est chauffé pendant les vacances de Noël.",
        )


def _first(stretches: Iterator[tuple[date, date]], start: date, end: date) -> tuple[date, date] | None:
    """Return the first stretch of which enough lies between the days, cut to them."""
    for begin, until in stretches:
        inside = max(begin, start), min(until, end)
        if (inside[1] - inside[0]).days >= _NOT_SHOWN_DAYS:
            return inside
    return None


def _of_lighting(
    rng: np.random.Generator, cabinets: Sequence[Cabinet], luminaires: Sequence[Luminaire], start: date, end: date
) -> Iterator[Fault]:
    """Two contactors stick, a circuit dies, the façade's clock was set wrong."""
    days = (end - start).days
    for number, share, length in ((2, 0.42, 19), (9, 0.78, 6)):
        when = _some_days(rng, start, end, share, length)
        lamps = sum(one.cabinet == cabinets[number].id for one in luminaires)
        text = f"Les {lamps} lampes de l'armoire {cabinets[number].id.upper()} brûlent en plein jour."
        yield fault(FaultKind.LAMPS_BY_DAY, cabinets[number].place, cabinets[number].point, when, (lamps, "lamps"), text)
    bourg = cabinets[7]
    dead = sum(one.cabinet == bourg.id and one.circuit == 2 for one in luminaires)  # its second circuit
    when = _some_days(rng, start, end, 0.6, 24)
    yield fault(
        FaultKind.LAMPS_OUT,
        bourg.place,
        bourg.point,
        when,
        (dead, "lamps"),
        f"Le deuxième départ de l'armoire {bourg.id.upper()} est éteint : {dead} lampes.",
    )
    church = cabinets[FACADE_CABINET]
    when = midnight_s(start), midnight_s(start + timedelta(days=max(days * 3 // 5, 1)))
    yield fault(
        FaultKind.FACADE_LATE,
        church.place,
        church.point,
        when,
        (1.5, "h"),
        "La façade de l'église brûle jusqu'à 2 h 30, après l'heure légale de 1 h.",
    )


def _some_days(rng: np.random.Generator, start: date, end: date, share: float, length: int) -> tuple[int, int]:
    """Return a stretch of days that begins about a share of the way, inside the town's time."""
    days = (end - start).days
    begin = min(max(round(days * share + rng.uniform(-6, 6)), 0), max(days - 1, 0))
    return midnight_s(start + timedelta(days=begin)) + 9 * 3_600, midnight_s(start + timedelta(days=min(begin + length, days)))


def _of_homes(rng: np.random.Generator, homes: Homes, water: Fleet, start: date, end: date) -> Iterator[Fault]:
    """Eleven homes leak, nine of which are read by the hour; two pipes burst; two meters fall silent."""
    meters, days = water.meters, (end - start).days
    settled = (homes.leave_day >= NEVER) & ~homes.second_home
    hourly = (
        settled
        & (meters.fine_from[:, 0] > 0)
        & (meters.fine_from[:, 0] <= start.toordinal())
        & (meters.fine_until[:, 0] >= end.toordinal())
    )
    daily = settled & (homes.neighbourhood == 1)
    fine: list[int] = rng.permutation(np.flatnonzero(hourly)).tolist()
    coarse: list[int] = rng.permutation(np.flatnonzero(daily)).tolist()
    for row, share in zip((*fine[:7], *coarse[:2]), rng.uniform(0.02, 0.75, 9), strict=False):
        length = int(rng.integers(12, 95))
        litres = round(rng.lognormal(math.log(14), 0.5), 1)
        yield _at_home(
            FaultKind.HOME_LEAK, water, row, _some_days(rng, start, end, float(share), length), litres, "Une chasse d'eau coule sans arrêt."
        )
    for row, share in zip(fine[7:9], rng.uniform(0.1, 0.9, 2), strict=False):
        begin, _ = _some_days(rng, start, end, float(share), 2)
        when = begin, min(begin + int(rng.integers(9, 31)) * 3_600, midnight_s(end))
        yield _at_home(FaultKind.HOME_BURST, water, row, when, float(rng.integers(160, 420)), "Une canalisation a cédé.")
    for row, share in zip((*fine[9:10], *coarse[2:3]), rng.uniform(0.2, 0.8, 2), strict=False):
        length = min(int(rng.integers(14, 30)), days)
        when = _some_days(rng, start, end, float(share), length)
        yield _at_home(FaultKind.SILENT_METER, water, row, when, float(length), "Le compteur ne répond plus.")


def _at_home(kind: FaultKind, water: Fleet, row: int, when: tuple[int, int], size: float, description: str) -> Fault:
    point = water.points[row]
    unit = "days" if kind is FaultKind.SILENT_METER else "l/h"
    return fault(kind, point.places[0].place, point.id, when, (size, unit), description)
