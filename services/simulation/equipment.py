"""Gives homes, buildings, sites and cabinets their metering points, with devices and contracts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from simulation.draws import Flags, Ints
from simulation.homes import OFF_PEAK, Homes
from simulation.luminaires import FACADE_CABINET, Cabinet
from simulation.meters import Delivery, Meters, Reading
from simulation.places import Layout, Standing
from simulation.plans import NEIGHBOURHOODS, Supply, WaterReading
from simulation.registry import ALWAYS, Channel, Contract, Device, Identifier, MeteringPoint, OffPeakWindow, PointParent, PointPlace
from simulation.scene import local_second
from simulation.sites import SITES, SitePlan
from vocabulary.flux import JOULES_PER_WATT_HOUR, Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId

LITRE, CUBIC_METRE = 1_000, 1_000_000
_LINKY_DIGITS, _GAS_DIGITS = 9, 5
IMPORT = Channel(id="import", quantity=Quantity.ENERGY)
PEAK = Channel(id="hp", quantity=Quantity.ENERGY, register_set="supplier", tariff_slot="hp")
OFF_PEAK_CHANNEL = Channel(id="hc", quantity=Quantity.ENERGY, register_set="supplier", tariff_slot="hc")
INJECTION = Channel(id="injection", quantity=Quantity.ENERGY, direction=Direction.INJECTION)
PRODUCTION = Channel(id="production", quantity=Quantity.ENERGY, direction=Direction.PRODUCTION)
VOLUME = Channel(id="volume", quantity=Quantity.VOLUME)
GAS_ENERGY = Channel(id="energy", quantity=Quantity.ENERGY)
SHARED_FROM = 300_001
"""Entities of draws of the shared parts of buildings."""
_METER_KEY = 1_000_000
"""Entities of draws about meters: this times a number of their flux, plus the entity that they measure."""
FILTRATION = PointId("elec-piscine-filtration")
"""The sub-meter of the pool's filter pumps, behind the pool's own."""
POOL = PlaceId("piscine-des-cheminots")
_ALWAYS_FINE = (0, 9_999_999)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fleet:
    """Metering points and the same in columns, row by row."""

    points: tuple[MeteringPoint, ...]
    meters: Meters


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One point before it is put into columns."""

    point: MeteringPoint
    key: int
    area: int
    first_index: int
    exchange_s: int = 0
    fine: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    delivery: Delivery = Delivery.NEXT_MORNING
    reading: Reading = Reading.DAILY
    offset_s: int = 0


def fleet(rows: Sequence[_Row], unit: int) -> Fleet:
    """Return points in columns; `unit` is the last digit that is sent, in base units."""

    def column(value: Callable[[_Row], object]) -> Ints:
        return np.array([value(row) for row in rows], dtype=np.int64)

    devices = [row.point.devices[-1] for row in rows]
    meters = Meters(
        point=tuple(row.point.id for row in rows),
        key=column(lambda row: row.key),
        area=column(lambda row: row.area),
        first_index=column(lambda row: row.first_index),
        unit=np.full(len(rows), unit, dtype=np.int64),
        modulus=np.array([10**device.digits * device.register_unit for device in devices], dtype=np.int64),
        exchange_s=column(lambda row: row.exchange_s),
        fine_from=column(lambda row: (row.fine[0][0], row.fine[1][0])),
        fine_until=column(lambda row: (row.fine[0][1], row.fine[1][1])),
        delivery=column(lambda row: row.delivery),
        reading=column(lambda row: row.reading),
        offset_s=column(lambda row: row.offset_s),
    )
    return Fleet(points=tuple(row.point for row in rows), meters=meters)


def home_electricity(seed: int, homes: Homes, layout: Layout, fine: tuple[Ints, Ints], start: date, end: date) -> Fleet:
    """Return the electricity points of all homes; a few communicating meters broke and were exchanged."""
    rng = np.random.default_rng([seed, 6])
    broken = set(rng.choice(len(homes), 5, replace=False).tolist())

    def rows() -> Iterator[_Row]:
        for row in range(len(homes)):
            exchange_s = _some_morning(rng, start, end) if row in broken else 0
            devices = _devices("L", rng, exchange_s, digits=_LINKY_DIGITS, register_unit=JOULES_PER_WATT_HOUR, maximum_rate=36_000)
            point = MeteringPoint(
                id=PointId(f"elec-{layout.premises[row]}"),
                flux=Flux.ELECTRICITY,
                places=(PointPlace(place=layout.premises[row]),),
                channels=_home_channels(homes, row),
                devices=devices,
                identifiers=(Identifier(scheme="prm", value=f"99{row + 1:012}"),),
                contracts=(_electricity_contract(homes, row),),
            )
            first = int(rng.integers(3_000_000, 48_000_000)) * JOULES_PER_WATT_HOUR
            yield _Row(
                point=point,
                key=_METER_KEY + row + 1,
                area=int(homes.neighbourhood[row]),
                first_index=first,
                exchange_s=exchange_s,
                fine=_spans(fine, row),
            )

    return fleet(tuple(rows()), JOULES_PER_WATT_HOUR)


def home_gas(seed: int, homes: Homes, layout: Layout) -> Fleet:
    """Return the gas points of the homes that have a boiler of their own, in their order."""
    rng = np.random.default_rng([seed, 7])
    rows = [
        _gas_row(rng, f"gaz-{layout.premises[row]}", layout.premises[row], row + 1, int(homes.neighbourhood[row]), big=False)
        for row in np.flatnonzero(homes.supplied_by(Supply.GAS)).tolist()
    ]
    return fleet(rows, CUBIC_METRE)


def home_water(seed: int, homes: Homes, layout: Layout, fine: tuple[Ints, Ints], start: date, end: date) -> Fleet:
    """Return the water points of all homes. The old centre's meters are exchanged in a campaign, and speak from then on."""
    rng = np.random.default_rng([seed, 8])
    block = block_of(layout)
    main = PointId(f"eau-{block.id}")
    campaign = _campaign(start, end)

    def rows() -> Iterator[_Row]:
        for row, premise in enumerate(layout.premises):
            plan = NEIGHBOURHOODS[int(homes.neighbourhood[row])]
            # Street by street: a fitter changes about eight meters a day.
            exchanged = int(homes.neighbourhood[row]) == 0 and campaign is not None
            exchange_s = (
                local_second(campaign + timedelta(days=_working_days(row // 8)), 510 + row % 8 * 60) if exchanged and campaign else 0
            )
            point = MeteringPoint(
                id=PointId(f"eau-{premise}"),
                flux=Flux.WATER,
                places=(PointPlace(place=premise),),
                channels=(VOLUME,),
                devices=_devices("E", rng, exchange_s, digits=8, register_unit=LITRE, maximum_rate=3_000_000, pulse_weight=LITRE),
                identifiers=(Identifier(scheme="water-contract", value=f"EAU-{row + 1:06}"),),
                parents=(PointParent(parent=main),) if _inside(block, row) else (),
                contracts=(Contract(tariff=f"eau-{plan.commune}"),),
            )
            yield _Row(
                point=point,
                key=3 * _METER_KEY + row + 1,
                area=int(homes.neighbourhood[row]),
                first_index=int(rng.integers(120_000, 1_900_000)) * LITRE,
                exchange_s=exchange_s,
                fine=_spans(fine, row) if plan.water is WaterReading.HOURLY else ((0, 0), (0, 0)),
                delivery=Delivery.NEXT_MORNING if plan.water is WaterReading.BY_VISIT else Delivery.EVERY_SIX_HOURS,
                reading=Reading.BY_VISIT if plan.water is WaterReading.BY_VISIT else Reading.DAILY,
                offset_s=int(rng.integers(60)) * 60 if plan.water is WaterReading.HOURLY else 0,
            )

    return fleet(tuple(rows()), LITRE)


def public_electricity(seed: int, layout: Layout, cabinets: Sequence[Cabinet]) -> Fleet:
    """Return the points of the sites, of the pool's filter pumps, of the shared parts of large buildings, then of cabinets."""
    rng = np.random.default_rng([seed, 9])
    sites = [site for site in SITES if site.idle_w > 0]
    rows = [
        _public_row(rng, f"elec-{site.id}", site.id, site.name, site.key, _area(site.neighbourhood), site.subscribed_va) for site in sites
    ]
    pool = site_named(POOL)
    rows.append(
        _public_row(
            rng,
            FILTRATION,
            pool.id,
            "Filtration de la piscine",
            pool.key + 500,
            _area(pool.neighbourhood),
            0,
            parent=PointId(f"elec-{pool.id}"),
        )
    )
    for number, standing in enumerate(shared_buildings(layout)):
        name = f"{standing.building.name}, services généraux"
        rows.append(_public_row(rng, f"elec-{standing.id}-communs", standing.id, name, SHARED_FROM + number, 1, 18_000))
    for number, cabinet in enumerate(cabinets):
        name = "Église Saint-Ors, façade" if number == FACADE_CABINET else cabinet.display_name
        rows.append(_public_row(rng, cabinet.point, cabinet.place, name, cabinet.key, _area(cabinet.neighbourhood), 9_000))
    return fleet(rows, JOULES_PER_WATT_HOUR)


def public_gas(seed: int, layout: Layout) -> Fleet:
    """Return the gas points of the sites that have a boiler, then that of the block with the shared one."""
    rng = np.random.default_rng([seed, 10])
    rows = [_gas_row(rng, f"gaz-{site.id}", site.id, site.key, _area(site.neighbourhood), big=True) for site in SITES if site.gas_w_per_k]
    block = block_of(layout)
    rows.append(_gas_row(rng, f"gaz-{block.id}", block.id, SHARED_FROM + 90, _area(NEIGHBOURHOODS[2].id), big=True))
    return fleet(rows, CUBIC_METRE)


def public_water(seed: int, layout: Layout) -> Fleet:
    """Return the water points of the sites that have water, then the main of the block, with the flats' points behind it."""
    rng = np.random.default_rng([seed, 11])
    block = block_of(layout)
    wanted = [(site.id, site.name, site.key, _area(site.neighbourhood)) for site in SITES if site.litres_per_open_hour]
    wanted.append((block.id, f"{block.building.name}, compteur général", SHARED_FROM + 90, 2))
    rows = [
        _Row(
            point=MeteringPoint(
                id=PointId(f"eau-{place}"),
                flux=Flux.WATER,
                display_name=name,
                places=(PointPlace(place=place),),
                channels=(VOLUME,),
                devices=_devices("E", rng, 0, digits=8, register_unit=LITRE, maximum_rate=40_000_000, pulse_weight=10 * LITRE),
                identifiers=(Identifier(scheme="water-contract", value=f"EAU-P{number + 1:05}"),),
                contracts=(Contract(tariff="eau-public"),),
            ),
            key=3 * _METER_KEY + key,
            area=area,
            # The pool's register passes its last digit within the year: a rollover, which is no exchange.
            first_index=(97_500_000 if place == POOL else int(rng.integers(2_000_000, 60_000_000))) * LITRE,
            fine=(_ALWAYS_FINE, (0, 0)),
            delivery=Delivery.EVERY_SIX_HOURS,
        )
        for number, (place, name, key, area) in enumerate(wanted)
    ]
    return fleet(rows, LITRE)


def shared_buildings(layout: Layout) -> tuple[Standing, ...]:
    """Return the buildings whose shared parts have an electricity point: the towers and the block."""
    return tuple(one for one in layout.buildings if one.building.dwellings >= 40)  # homes


def block_of(layout: Layout) -> Standing:
    """Return the block with one boiler for all."""
    return next(one for one in layout.buildings if any(supply is Supply.COLLECTIVE for supply, _ in one.building.supplies))


def rows_of(standing: Standing) -> slice:
    """Return the rows of a building's homes."""
    return slice(standing.first_home, standing.first_home + standing.building.dwellings)


def _inside(standing: Standing, row: int) -> bool:
    return 0 <= row - standing.first_home < standing.building.dwellings


def _area(neighbourhood: PlaceId) -> int:
    return next(number for number, plan in enumerate(NEIGHBOURHOODS) if plan.id == neighbourhood)


def _spans(fine: tuple[Ints, Ints], row: int) -> tuple[tuple[int, int], tuple[int, int]]:
    begin, until = fine
    return (int(begin[row, 0]), int(until[row, 0])), (int(begin[row, 1]), int(until[row, 1]))


def _some_morning(rng: np.random.Generator, start: date, end: date) -> int:
    days = (end - start).days
    day = start + timedelta(days=int(rng.integers(1, max(days - 1, 2))))
    return local_second(day, int(rng.integers(17, 23)) * 30)


def _campaign(start: date, end: date) -> date | None:
    """Return the Monday on which the exchange campaign begins: in the middle of the town's time, None when that is too short."""
    days = (end - start).days
    if days < 120:  # a campaign takes six weeks
        return None
    middle = start + timedelta(days=days // 2)
    return middle - timedelta(days=middle.weekday())


def _working_days(number: int) -> int:
    """Return how many days after a Monday the n-th working day is."""
    return number // 5 * 7 + number % 5


def _devices(
    kind: str,
    rng: np.random.Generator,
    exchange_s: int,
    *,
    digits: int,
    register_unit: int,
    maximum_rate: int,
    pulse_weight: int = 0,
    volume_corrected: bool = False,
) -> tuple[Device, ...]:
    def device(validity: Validity) -> Device:
        return Device(
            serial=f"SIM-{kind}{int(rng.integers(10**9)):09}",
            digits=digits,
            register_unit=register_unit,
            pulse_weight=pulse_weight,
            maximum_rate=maximum_rate,
            volume_corrected=volume_corrected,
            validity=validity,
        )

    if not exchange_s:
        return (device(ALWAYS),)
    at = datetime.fromtimestamp(exchange_s, UTC)
    return device(Validity(end=at)), device(Validity(start=at))


def _home_channels(homes: Homes, row: int) -> tuple[Channel, ...]:
    slots = (PEAK, OFF_PEAK_CHANNEL) if homes.off_peak[row] >= 0 else ()
    solar = (INJECTION, PRODUCTION) if homes.panel_w[row] > 0 else ()
    return (IMPORT, *slots, *solar)


def has_slots(homes: Homes) -> Flags:
    """Tell which homes have off-peak prices."""
    return homes.off_peak >= 0


def _electricity_contract(homes: Homes, row: int) -> Contract:
    kilovolt_amperes = int(homes.subscribed_va[row]) // 1_000
    if homes.off_peak[row] < 0:
        return Contract(tariff=f"trv-base-{kilovolt_amperes}kva", subscribed_power_va=kilovolt_amperes * 1_000)
    windows = OFF_PEAK[int(homes.off_peak[row])].tolist()
    return Contract(
        tariff=f"trv-hphc-{kilovolt_amperes}kva",
        subscribed_power_va=kilovolt_amperes * 1_000,
        off_peak_windows=tuple(OffPeakWindow(start_minute=begin, end_minute=until) for begin, until in windows if begin != until),
    )


def _gas_row(rng: np.random.Generator, point: str, place: PlaceId, key: int, area: int, *, big: bool) -> _Row:
    return _Row(
        point=MeteringPoint(
            id=PointId(point),
            flux=Flux.GAS,
            places=(PointPlace(place=place),),
            channels=(VOLUME, GAS_ENERGY),
            devices=_devices(
                "G",
                rng,
                0,
                digits=_GAS_DIGITS + 2 * big,
                register_unit=CUBIC_METRE,
                maximum_rate=(160 if big else 6) * CUBIC_METRE,
                pulse_weight=10 * LITRE,
            ),
            identifiers=(Identifier(scheme="pce", value=f"GI{key:06}"),),
            contracts=(Contract(tariff="gaz-b2i" if big else "gaz-b1"),),
        ),
        key=2 * _METER_KEY + key,
        area=area,
        # A few old registers pass their last digit within the year.
        first_index=(99_600 if not big and rng.random() < 0.012 else int(rng.integers(800, 60_000))) * CUBIC_METRE,  # one in eighty
    )


def _public_row(
    rng: np.random.Generator,
    point: str,
    place: PlaceId,
    name: str,
    key: int,
    area: int,
    volt_amperes: int,
    *,
    parent: PointId | None = None,
) -> _Row:
    tariff = "eclairage-public" if point.startswith("elec-armoire") else f"pro-{max(volt_amperes // 1_000, 3)}kva"
    return _Row(
        point=MeteringPoint(
            id=PointId(point),
            flux=Flux.ELECTRICITY,
            display_name=name,
            places=(PointPlace(place=place),),
            channels=(IMPORT,),
            devices=_devices("L", rng, 0, digits=_LINKY_DIGITS, register_unit=JOULES_PER_WATT_HOUR, maximum_rate=250_000),
            identifiers=() if parent else (Identifier(scheme="prm", value=f"98{key:012}"),),
            parents=(PointParent(parent=parent),) if parent else (),
            contracts=() if parent else (Contract(tariff=tariff, subscribed_power_va=volt_amperes),),
        ),
        key=_METER_KEY + key,
        area=area,
        first_index=int(rng.integers(20_000_000, 300_000_000)) * JOULES_PER_WATT_HOUR,
        fine=(_ALWAYS_FINE, (0, 0)),
        delivery=Delivery.AT_ONCE,
    )


def site_named(place: PlaceId) -> SitePlan:
    """Return the plan of a public site."""
    return next(site for site in SITES if site.id == place)
