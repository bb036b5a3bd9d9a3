"""The town's street lighting as it stands: ten cabinets, 250 luminaires, and what is known of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from simulation.geometry import Frame, Metres
from simulation.plans import ESTATE, NEIGHBOURHOODS, OLD_CENTRE, STATION, TOWERS, VILLAGE, Neighbourhood
from simulation.registry import Position
from vocabulary.names import PlaceId, PointId

_FRAMES = {plan.id: plan for plan in NEIGHBOURHOODS}


class LampTechnology(Enum):
    """What shines."""

    LED = "led"
    SODIUM = "sodium"


class Control(Enum):
    """How a luminaire can be driven."""

    INDIVIDUAL = "individual"
    CIRCUIT = "circuit"
    """With its whole circuit, on or off, by a contactor."""
    SELF_DIMMING = "self-dimming"
    """Its driver dims by its own reckoning of midnight, and hears no command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LightHead:
    """What article 5 of the decree of 27 December 2018 asks a manager to know; None where the town does not."""

    upward_light_ratio_percent: float | None
    cie_flux_code_3_percent: float | None
    colour_temperature_kelvin: int | None
    luminous_flux_lumens: int | None
    installation_date: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Luminaire:
    """One luminaire."""

    number: str
    """As it is painted on the mast."""
    cabinet: str
    circuit: int
    street: PlaceId
    position: Position
    technology: LampTechnology
    rated_power_w: float
    """At full level, ballast or driver included."""
    standby_power_w: float
    minimum_level_percent: int
    """The lowest level that its driver reaches; 100 where it cannot dim."""
    control: Control
    category: str
    """Letter of article 1 of the decree: `a` roads, `b` heritage and parks, `e` car parks."""
    crossing: bool
    """Whether it lights a pedestrian crossing, and is therefore never dimmed."""
    light_head: LightHead


@dataclass(frozen=True, kw_only=True, slots=True)
class Switching:
    """What a cabinet does of a night, in local time."""

    after_sunset_minutes: int
    before_sunrise_minutes: int
    off_minute: int | None = None
    """When all goes out, None: never."""
    on_minute: int | None = None
    """When it comes back before sunrise; None: not in that night."""
    dimmed_percent: int = 100
    """The level from 23:00 to 5:00 of lamps that can dim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cabinet:
    """A cabinet, its clock and its metering point."""

    id: str
    key: int
    place: PlaceId
    point: PointId
    display_name: str
    neighbourhood: PlaceId
    position: Position
    circuits: int
    powered_by_day: bool
    clock_drift_s_per_day: float
    """How much its clock loses; somebody sets it right twice a year."""
    switching: Switching
    decorated: bool
    """Whether Christmas decorations hang on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    name: str
    neighbourhood: PlaceId
    count: int
    technology: LampTechnology
    control: Control
    powers_w: tuple[float, ...]
    switching: Switching
    category: str = "a"
    streets: tuple[int, ...] = ()
    decorated: bool = False
    powered_by_day: bool = False


_ALL_NIGHT = Switching(after_sunset_minutes=8, before_sunrise_minutes=12)
_DIMMED = Switching(after_sunset_minutes=6, before_sunrise_minutes=10, dimmed_percent=50)
_MIDNIGHT_CUT = Switching(after_sunset_minutes=12, before_sunrise_minutes=15, off_minute=1_410, on_minute=330)
_PARK = Switching(after_sunset_minutes=0, before_sunrise_minutes=0, off_minute=1_380)
_FACADE = Switching(after_sunset_minutes=15, before_sunrise_minutes=0, off_minute=60)
_LED, _SODIUM = LampTechnology.LED, LampTechnology.SODIUM
_OWN, _CIRCUIT, _SELF = Control.INDIVIDUAL, Control.CIRCUIT, Control.SELF_DIMMING

_PLANS = (
    _Plan(
        name="Centre nord",
        neighbourhood=OLD_CENTRE,
        count=34,
        technology=_LED,
        control=_OWN,
        powers_w=(38, 52),
        switching=_DIMMED,
        streets=(0, 1, 2),
        decorated=True,
        powered_by_day=True,
    ),
    _Plan(
        name="Centre sud",
        neighbourhood=OLD_CENTRE,
        count=30,
        technology=_LED,
        control=_OWN,
        powers_w=(38, 38, 60),
        switching=_DIMMED,
        streets=(2, 3, 4),
        decorated=True,
        powered_by_day=True,
    ),
    _Plan(
        name="Tilleuls ouest",
        neighbourhood=TOWERS,
        count=32,
        technology=_SODIUM,
        control=_CIRCUIT,
        powers_w=(100, 150),
        switching=_ALL_NIGHT,
        streets=(0, 1),
    ),
    _Plan(
        name="Tilleuls est",
        neighbourhood=TOWERS,
        count=28,
        technology=_LED,
        control=_SELF,
        powers_w=(58, 82),
        switching=_DIMMED,
        streets=(1, 2),
    ),
    _Plan(
        name="Gare",
        neighbourhood=STATION,
        count=30,
        technology=_LED,
        control=_OWN,
        powers_w=(45, 68),
        switching=_DIMMED,
        streets=(0, 1, 2),
        powered_by_day=True,
    ),
    _Plan(
        name="Parc des Peupliers",
        neighbourhood=STATION,
        count=18,
        technology=_LED,
        control=_OWN,
        powers_w=(24,),
        switching=_PARK,
        category="b",
        streets=(2,),
    ),
    _Plan(
        name="Façade de l'église",
        neighbourhood=OLD_CENTRE,
        count=6,
        technology=_LED,
        control=_CIRCUIT,
        powers_w=(90, 140),
        switching=_FACADE,
        category="b",
        streets=(2,),
    ),
    _Plan(
        name="Bourg",
        neighbourhood=VILLAGE,
        count=26,
        technology=_SODIUM,
        control=_CIRCUIT,
        powers_w=(70, 100),
        switching=_MIDNIGHT_CUT,
        streets=(0, 1, 2, 3, 4, 5),
        decorated=True,
    ),
    _Plan(
        name="Clos nord",
        neighbourhood=ESTATE,
        count=24,
        technology=_LED,
        control=_SELF,
        powers_w=(32,),
        switching=_DIMMED,
        streets=(0, 1, 2, 3),
    ),
    _Plan(
        name="Clos sud",
        neighbourhood=ESTATE,
        count=22,
        technology=_SODIUM,
        control=_CIRCUIT,
        powers_w=(70,),
        switching=_MIDNIGHT_CUT,
        streets=(4, 5, 6, 7),
    ),
)
FACADE_CABINET = 6
FIRST_CABINET_KEY = 200_001


def built_cabinets(seed: int) -> tuple[Cabinet, ...]:
    """Return the ten cabinets."""
    rng = np.random.default_rng([seed, 4])
    return tuple(_cabinet(number, plan, rng) for number, plan in enumerate(_PLANS))


def _cabinet(number: int, plan: _Plan, rng: np.random.Generator) -> Cabinet:
    name = f"armoire-{number + 1:02}"
    # The façade has no cabinet of its own on the street: it hangs on the church's meter.
    at_church = number == FACADE_CABINET
    return Cabinet(
        id=f"c{number + 1:02}",
        key=FIRST_CABINET_KEY + number,
        place=PlaceId("eglise-saint-ors" if at_church else name),
        point=PointId("elec-eglise-saint-ors" if at_church else f"elec-{name}"),
        display_name=f"Armoire {plan.name}",
        neighbourhood=plan.neighbourhood,
        position=_frame(plan).position((4.0, _along(plan, 0)[1] + 6.0)),
        circuits=1 if plan.count < 20 else 2,  # a second contactor from twenty lamps
        powered_by_day=plan.powered_by_day,
        clock_drift_s_per_day=round(float(rng.uniform(0, 2.5)), 2) if plan.control is Control.CIRCUIT else 0.0,
        switching=plan.switching,
        decorated=plan.decorated,
    )


def built_luminaires(seed: int, cabinets: tuple[Cabinet, ...], streets: dict[tuple[PlaceId, int], PlaceId]) -> tuple[Luminaire, ...]:
    """Return the luminaires, cabinet by cabinet; `streets` names the street of a neighbourhood by its number."""
    rng = np.random.default_rng([seed, 5])
    return tuple(one for cabinet, plan in zip(cabinets, _PLANS, strict=True) for one in _luminaires(cabinet, plan, streets, rng))


def _luminaires(
    cabinet: Cabinet, plan: _Plan, streets: dict[tuple[PlaceId, int], PlaceId], rng: np.random.Generator
) -> Iterator[Luminaire]:
    for number in range(plan.count):
        led = plan.technology is LampTechnology.LED
        power = plan.powers_w[number % len(plan.powers_w)]
        yield Luminaire(
            number=f"{cabinet.id[1:]}-{number + 1:03}",
            cabinet=cabinet.id,
            circuit=1 + number * cabinet.circuits // plan.count,
            street=streets[plan.neighbourhood, plan.streets[number % len(plan.streets)]],
            position=_frame(plan).position(_along(plan, number)),
            technology=plan.technology,
            # A sodium lamp's ballast takes a sixth on top.
            rated_power_w=power if led else round(power * 1.16, 1),
            standby_power_w=0.6 if plan.control is Control.INDIVIDUAL else 0.0,
            minimum_level_percent=10 if led and plan.control is not Control.CIRCUIT else 100,
            control=plan.control,
            category=plan.category,
            crossing=plan.category == "a" and number % 11 == 3,  # one lamp in eleven
            light_head=_light_head(plan, power, rng),
        )


def _light_head(plan: _Plan, power_w: float, rng: np.random.Generator) -> LightHead:
    """Return what is known: all of the LED heads, little of the old sodium ones; park lanterns shine upwards, a few heads too white."""
    if plan.technology is LampTechnology.LED:
        white = rng.random() < 0.06  # a few heads of the first years
        return LightHead(
            upward_light_ratio_percent=round(float(rng.uniform(6, 12) if plan.category == "b" else rng.uniform(0, 0.9)), 1),
            cie_flux_code_3_percent=round(float(rng.uniform(95.5, 99.5)), 1),
            colour_temperature_kelvin=4_000 if white else int(rng.choice([2_200, 2_700, 3_000])),
            luminous_flux_lumens=round(power_w * float(rng.uniform(105, 145))),
            installation_date=date(int(rng.integers(2016, 2024)), int(rng.integers(1, 13)), int(rng.integers(1, 28))),
        )
    known = rng.random() < 0.55  # half of the papers were lost
    return LightHead(
        upward_light_ratio_percent=round(float(rng.uniform(0.5, 7)), 1) if known else None,
        cie_flux_code_3_percent=None,
        colour_temperature_kelvin=2_000,
        luminous_flux_lumens=round(power_w * 95) if known else None,
        installation_date=date(int(rng.integers(1996, 2011)), int(rng.integers(1, 13)), 15) if known else None,
    )


def _frame(plan: _Plan) -> Frame:
    return _FRAMES[plan.neighbourhood].frame


def _along(plan: _Plan, number: int) -> Metres:
    """Return where a luminaire stands: every 28 m along its street, façade and park lights closer."""
    neighbourhood: Neighbourhood = _FRAMES[plan.neighbourhood]
    street, turn = plan.streets[number % len(plan.streets)], number // len(plan.streets)
    spacing = {"a": 28.0, "b": 9.0}[plan.category]
    aside = 4.5 if plan.category == "a" else -24.0
    return 12.0 + turn * spacing, street * neighbourhood.street_gap_m + aside
