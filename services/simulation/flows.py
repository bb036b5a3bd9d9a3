"""The town's groups of meters, and what flows through each in every step: whole joules or millilitres."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

import numpy as np

from simulation import equipment, gas
from simulation.draws import Flags, Floats, Ints
from simulation.electricity import home_power
from simulation.equipment import Fleet, block_of, rows_of, shared_buildings
from simulation.faults import Fault, FaultKind
from simulation.homes import Homes
from simulation.lighting import CabinetLoad, cabinet_power_w
from simulation.luminaires import Cabinet, Luminaire
from simulation.meters import Meters
from simulation.places import Layout
from simulation.plans import NEIGHBOURHOODS, ORVELLE, Supply
from simulation.public_load import filtration_power_w, shared_power_w, site_gas_wh, site_power_w, site_water_ml
from simulation.scene import HALF_HOUR_S, Scene
from simulation.sites import SITES
from simulation.water import home_water_ml
from vocabulary.flux import JOULES_PER_WATT_HOUR, Flux

_PIPE_LOSS = 0.018
"""Part of the block's water that its main sees and no flat does."""


class Step(Enum):
    """Into which steps a group cuts the days of a scene."""

    HALF_HOUR = auto()
    HOUR = auto()
    GAS_DAY = auto()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Group:
    """Meters of one kind. `flow(scene, rows)` returns, by channel, base units by step: (rows, steps)."""

    name: str
    step: Step
    meters: Meters
    counted: Mapping[str, Flags]
    """Channels with a register, and which meters have them."""
    first_shares: Mapping[str, float]
    """Part of `Meters.first_index` that each channel shows when the town begins; 0: a register that began then."""
    flow: Callable[[Scene, Ints], Mapping[str, Ints]]


def groups_of(
    homes: Homes,
    layout: Layout,
    fleets: Mapping[str, Fleet],
    lamps: tuple[tuple[Cabinet, ...], tuple[Luminaire, ...]],
    faults: tuple[Fault, ...],
) -> tuple[Group, ...]:
    """Return the town's groups: homes and the public, by flux."""
    return (
        _home_electricity(homes, fleets["home-electricity"]),
        _plain("public-electricity", Step.HALF_HOUR, "import", fleets["public-electricity"], _public_electricity(layout, lamps, faults)),
        _plain("home-gas", Step.GAS_DAY, "volume", fleets["home-gas"], _home_gas(homes)),
        _plain("public-gas", Step.GAS_DAY, "volume", fleets["public-gas"], _public_gas(homes, layout, faults)),
        _plain("home-water", Step.HOUR, "volume", fleets["home-water"], _home_water(homes, fleets["home-water"].meters, faults)),
        _plain("public-water", Step.HOUR, "volume", fleets["public-water"], _public_water(homes, layout, faults)),
    )


def _plain(name: str, step: Step, channel: str, fleet: Fleet, flow: Callable[[Scene, Ints], Mapping[str, Ints]]) -> Group:
    everywhere = np.ones(len(fleet.meters), dtype=bool)
    return Group(name=name, step=step, meters=fleet.meters, counted={channel: everywhere}, first_shares={channel: 1.0}, flow=flow)


def _home_electricity(homes: Homes, fleet: Fleet) -> Group:
    slots, solar = equipment.has_slots(homes), homes.panel_w > 0

    def flow(scene: Scene, rows: Ints) -> Mapping[str, Ints]:
        power = home_power(homes.take(rows), scene)
        imported = power.imported * HALF_HOUR_S
        off_peak = np.where(power.off_peak, imported, 0)
        return {
            "import": imported,
            "hp": imported - off_peak,
            "hc": off_peak,
            "injection": power.injected * HALF_HOUR_S,
            "production": power.produced * HALF_HOUR_S,
        }

    everywhere = np.ones(len(homes), dtype=bool)
    return Group(
        name="home-electricity",
        step=Step.HALF_HOUR,
        meters=fleet.meters,
        counted={"import": everywhere, "hp": slots, "hc": slots, "injection": solar, "production": solar},
        # Both slots together show what the total shows.
        first_shares={"import": 1.0, "hp": 0.625, "hc": 0.375, "injection": 0.0, "production": 0.0},
        flow=flow,
    )


def _public_electricity(
    layout: Layout, lamps: tuple[tuple[Cabinet, ...], tuple[Luminaire, ...]], faults: tuple[Fault, ...]
) -> Callable[[Scene, Ints], Mapping[str, Ints]]:
    cabinets, luminaires = lamps
    sites = [site for site in SITES if site.idle_w > 0]
    pool = equipment.site_named(equipment.POOL)
    makers: list[Callable[[Scene], Ints]] = [partial(site_power_w, site, faults) for site in sites]
    makers.append(partial(filtration_power_w, pool))
    for number, standing in enumerate(shared_buildings(layout)):
        boiler, dwellings = standing is block_of(layout), standing.building.dwellings
        makers.append(partial(shared_power_w, equipment.SHARED_FROM + number, dwellings, boiler=boiler))
    for cabinet in cabinets:
        load = CabinetLoad.of([one for one in luminaires if one.cabinet == cabinet.id])
        makers.append(partial(cabinet_power_w, cabinet, load, faults))

    def flow(scene: Scene, rows: Ints) -> Mapping[str, Ints]:
        wanted: list[int] = rows.tolist()
        return {"import": np.stack([makers[row](scene) for row in wanted]) * HALF_HOUR_S}

    return flow


def _gas_flow(watt_hours: Floats, scene: Scene, networks: Ints) -> Mapping[str, Ints]:
    both = np.stack([gas.coefficients(network, scene.days)[1:] for network in (0, 1)])
    coefficient = both[networks]
    volume = gas.millilitres(watt_hours, coefficient)
    # The distributor tells whole kilowatt-hours, reckoned from the volume before it was rounded for the index.
    kilowatt_hours = np.rint(volume / 1e6 * coefficient / 1_000).astype(np.int64)
    return {"volume": volume, "energy": kilowatt_hours * (1_000 * JOULES_PER_WATT_HOUR)}


def network_of(neighbourhood: int) -> int:
    """Return the gas network of a neighbourhood: one for each commune."""
    return 0 if NEIGHBOURHOODS[neighbourhood].commune == ORVELLE else 1


def _home_gas(homes: Homes) -> Callable[[Scene, Ints], Mapping[str, Ints]]:
    with_gas = homes.take(np.flatnonzero(homes.supplied_by(Supply.GAS)))
    networks = np.array([network_of(int(number)) for number in with_gas.neighbourhood], dtype=np.int64)
    return lambda scene, rows: _gas_flow(gas.home_gas_wh(with_gas.take(rows), scene), scene, networks[rows])


def _public_gas(homes: Homes, layout: Layout, faults: tuple[Fault, ...]) -> Callable[[Scene, Ints], Mapping[str, Ints]]:
    sites = [site for site in SITES if site.gas_w_per_k]
    block = homes.take(rows_of(block_of(layout)))
    numbers = {plan.id: number for number, plan in enumerate(NEIGHBOURHOODS)}
    networks = np.array([network_of(numbers[site.neighbourhood]) for site in sites] + [0], dtype=np.int64)

    def burnt(scene: Scene, row: int) -> Floats:
        return gas.shared_boiler_wh(block, scene)[0] if row == len(sites) else site_gas_wh(sites[row], faults, scene)

    return lambda scene, rows: _gas_flow(np.stack([burnt(scene, row) for row in rows.tolist()]), scene, networks[rows])


def _home_water(homes: Homes, meters: Meters, faults: tuple[Fault, ...]) -> Callable[[Scene, Ints], Mapping[str, Ints]]:
    numbers = {point: row for row, point in enumerate(meters.point)}
    leaks = [(numbers[fault.point], fault) for fault in faults if fault.kind in (FaultKind.HOME_LEAK, FaultKind.HOME_BURST)]

    def flow(scene: Scene, rows: Ints) -> Mapping[str, Ints]:
        drawn = home_water_ml(homes.take(rows), scene)
        start = scene.start[::2]
        for row, fault in leaks:
            for position in np.flatnonzero(rows == row).tolist():
                drawn[position] += round(fault.size * 1_000) * ((start >= fault.start_s) & (start < fault.end_s))
        return {"volume": drawn}

    return flow


def _public_water(homes: Homes, layout: Layout, faults: tuple[Fault, ...]) -> Callable[[Scene, Ints], Mapping[str, Ints]]:
    sites = [site for site in SITES if site.litres_per_open_hour]
    block = homes.take(rows_of(block_of(layout)))

    def drawn(scene: Scene, row: int) -> Ints:
        if row < len(sites):
            return site_water_ml(sites[row], faults, scene)
        flats = home_water_ml(block, scene).sum(axis=0)
        return flats + np.rint(flats * _PIPE_LOSS).astype(np.int64) + 1_500

    return lambda scene, rows: {"volume": np.stack([drawn(scene, row) for row in rows.tolist()])}


FLUX_OF_STEP = {Step.HALF_HOUR: Flux.ELECTRICITY, Step.HOUR: Flux.WATER, Step.GAS_DAY: Flux.GAS}
