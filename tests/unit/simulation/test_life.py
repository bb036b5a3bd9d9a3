"""Whether the simulated town lives like a French one: yearly amounts, hours, seasons, feasts."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.draws import Draws
from simulation.electricity import home_power
from simulation.flows import Group
from simulation.homes import NEVER, OFF_PEAK, Homes
from simulation.plans import Supply
from simulation.scene import Scene, scene
from simulation.town import Town, build_town

START, END = date(2025, 4, 1), date(2026, 5, 1)
KILOWATT_HOUR = 3_600_000
Ints = NDArray[np.int64]


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(7, START, END)


def group(town: Town, name: str) -> Group:
    return next(one for one in town.groups if one.name == name)


def lived_in(homes: Homes) -> NDArray[np.bool_]:
    return (homes.leave_day >= NEVER) & ~homes.second_home


def months(first: date, count: int) -> list[tuple[date, date]]:
    starts = [date(first.year + (first.month - 1 + number) // 12, (first.month - 1 + number) % 12 + 1, 1) for number in range(count + 1)]
    return list(pairwise(starts))


@dataclass
class Year:
    """What flowed in the twelve months from May 2025, by channel."""

    flows: dict[str, Ints]


def year_of(town: Town, name: str, rows: Ints) -> Year:
    found: dict[str, Ints] = {}
    for first, end in months(date(2025, 5, 1), 12):
        for channel, flow in group(town, name).flow(scene(town.draws, first, end), rows).items():
            found[channel] = found.get(channel, np.zeros(len(rows), np.int64)) + flow.sum(axis=1)
    return Year(flows=found)


@pytest.fixture(scope="module")
def sample(town: Town) -> Ints:
    """A home in three of those that are lived in all the time."""
    return np.flatnonzero(lived_in(town.homes))[::3]


def test_the_median_home_draws_four_to_five_megawatt_hours_of_electricity_a_year(town: Town, sample: Ints) -> None:
    used = year_of(town, "home-electricity", sample).flows["import"] / KILOWATT_HOUR
    assert 4_000 <= np.median(used) <= 5_000
    assert 1_200 < np.percentile(used, 5) < 2_500
    assert 8_000 < np.percentile(used, 95) < 14_000


def test_the_median_home_with_a_gas_boiler_burns_ten_to_twelve_megawatt_hours_a_year(town: Town) -> None:
    with_gas = np.flatnonzero(lived_in(town.homes.take(np.flatnonzero(town.homes.supplied_by(Supply.GAS)))))
    burnt = year_of(town, "home-gas", with_gas).flows["energy"] / KILOWATT_HOUR
    assert 10_000 <= np.median(burnt) <= 12_000


def test_the_median_home_draws_90_to_120_cubic_metres_of_water_a_year(town: Town, sample: Ints) -> None:
    drawn = year_of(town, "home-water", sample).flows["volume"] / 1e6
    assert 90 <= np.median(drawn) <= 120


def day_power(town: Town, rows: Ints, day: date, channel: str = "import") -> tuple[Scene, Ints]:
    stage = scene(town.draws, day, day + timedelta(days=1))
    return stage, group(town, "home-electricity").flow(stage, rows)[channel]


def test_hot_water_tanks_start_when_off_peak_prices_begin(town: Town) -> None:
    homes = town.homes
    rows = np.flatnonzero(lived_in(homes) & (homes.tank_w > 0) & (homes.off_peak == 1))  # from 23:00
    assert len(rows) > 30
    stage, power = day_power(town, rows, date(2025, 6, 11))
    before, after = (power[:, stage.minute == minute].mean() for minute in (1_350, 1_380))
    assert int(OFF_PEAK[1, 0, 0]) == 1_380
    assert after - before > 900 * 1_800


def test_slots_add_up_to_the_total_and_the_cheap_one_holds_eight_hours(town: Town) -> None:
    rows = np.flatnonzero(town.homes.off_peak >= 0)[:60]
    stage = scene(town.draws, date(2025, 10, 24), date(2025, 10, 28))
    flow = group(town, "home-electricity").flow(stage, rows)
    assert np.array_equal(flow["hp"] + flow["hc"], flow["import"])
    off_peak = home_power(town.homes.take(rows), stage).off_peak
    inside = off_peak[:, stage.day == 1].sum(axis=1)
    assert set(inside.tolist()) <= {16, 17}


def test_what_panels_make_is_used_or_injected(town: Town) -> None:
    homes = town.homes
    rows = np.flatnonzero(homes.panel_w > 0)
    with_panels, without = homes.take(rows), homes.take(rows)
    without.panel_w[:] = 0
    stage = scene(town.draws, date(2025, 6, 16), date(2025, 6, 23))
    one, other = home_power(with_panels, stage), home_power(without, stage)
    assert np.array_equal(one.imported - one.injected, other.imported - one.produced)
    assert not (one.imported.astype(bool) & one.injected.astype(bool)).any()
    assert not one.produced[:, stage.sun_degrees < 0].any()
    assert one.produced.sum() > 0 == other.produced.sum()


def test_no_home_draws_more_than_it_subscribes_to(town: Town) -> None:
    stage = scene(town.draws, date(2026, 2, 5), date(2026, 2, 12))
    power = home_power(town.homes, stage)
    assert (power.imported <= town.homes.subscribed_va[:, None]).all()
    assert (power.produced <= town.homes.panel_w[:, None]).all()


def test_vacant_homes_use_next_to_nothing(town: Town) -> None:
    vacant = np.flatnonzero((town.homes.leave_day == 0) & (town.homes.enter_day >= NEVER))
    stage = scene(town.draws, date(2026, 1, 12), date(2026, 1, 19))
    assert group(town, "home-water").flow(stage, vacant)["volume"].sum() == 0
    idle = np.median(group(town, "home-electricity").flow(stage, vacant)["import"].sum(axis=1)) / KILOWATT_HOUR
    assert idle < 15


def test_august_is_quiet_and_christmas_noon_is_not(town: Town, sample: Ints) -> None:
    # Homes without heating or tanks show life alone.
    rows = sample[np.isin(town.homes.supply[sample], [Supply.GAS.value, Supply.COLLECTIVE.value])]
    june, august = (day_power(town, rows, day)[1].sum() for day in (date(2025, 6, 18), date(2025, 8, 13)))
    assert august < 0.88 * june
    stage, feast = day_power(town, rows, date(2025, 12, 25))
    _, plain = day_power(town, rows, date(2025, 12, 18))
    noon = (stage.minute >= 720) & (stage.minute < 840)
    assert feast[:, noon].sum() > 1.4 * plain[:, noon].sum()


def test_sunday_mornings_start_later(town: Town, sample: Ints) -> None:
    stage, sunday = day_power(town, sample, date(2025, 6, 15))
    _, tuesday = day_power(town, sample, date(2025, 6, 17))
    early, late = (stage.minute >= 390) & (stage.minute < 480), (stage.minute >= 540) & (stage.minute < 720)
    assert sunday[:, early].sum() < 0.9 * tuesday[:, early].sum()
    assert sunday[:, late].sum() > tuesday[:, late].sum()


def test_the_coldest_week_doubles_what_electric_heating_draws(town: Town) -> None:
    rows = np.flatnonzero(lived_in(town.homes) & town.homes.supplied_by(Supply.ELECTRIC))[::4]
    winter = scene(town.draws, date(2026, 1, 1), date(2026, 3, 1))
    by_day = np.add.reduceat(group(town, "home-electricity").flow(winter, rows)["import"].sum(axis=0), winter.first_slots)
    cold = np.add.reduceat(winter.celsius, winter.first_slots)
    assert np.corrcoef(by_day, cold)[0, 1] < -0.85
    autumn = day_power(town, rows, date(2025, 9, 10))[1].sum()
    assert by_day[int(np.argmin(cold))] > 2 * autumn


def test_the_block_burns_gas_for_all_its_flats_and_its_main_sees_their_water(town: Town) -> None:
    stage = scene(town.draws, date(2026, 1, 12), date(2026, 1, 26))
    gas, water = group(town, "public-gas"), group(town, "public-water")
    burnt = gas.flow(stage, np.array([len(gas.meters) - 1]))["energy"].sum() / KILOWATT_HOUR
    assert 14 * 72 * 15 < burnt < 14 * 72 * 90
    main = int(water.flow(stage, np.array([len(water.meters) - 1]))["volume"].sum())
    flats = np.flatnonzero(town.homes.supplied_by(Supply.COLLECTIVE))
    behind = int(group(town, "home-water").flow(stage, flats)["volume"].sum())
    leaks = sum(
        fault.size * 1_000 * 24 * 14
        for fault in town.faults
        if fault.point in {group(town, "home-water").meters.point[row] for row in flats}
    )
    assert main == pytest.approx(behind, rel=0.08, abs=leaks)
    assert main > behind - leaks


def test_the_filter_pumps_are_a_part_of_the_pool(town: Town) -> None:
    public = group(town, "public-electricity")
    rows = np.array([public.meters.point.index("elec-piscine-des-cheminots"), public.meters.point.index("elec-piscine-filtration")])  # pyright: ignore[reportArgumentType]
    stage = scene(town.draws, date(2025, 8, 25), date(2025, 9, 22))
    whole, part = public.flow(stage, rows)["import"]
    assert (part < whole).all()


def test_lamps_burn_by_night_alone_and_longer_in_december(town: Town) -> None:
    public = group(town, "public-electricity")
    rows = np.array([public.meters.point.index(cabinet.point) for cabinet in town.cabinets])
    june, december = (scene(town.draws, date(2025, month, 8), date(2025, month, 15)) for month in (6, 12))
    summer, winter = (public.flow(stage, rows)["import"] for stage in (june, december))
    assert summer[:, june.sun_degrees > 3].max() <= 40 * 1_800  # clocks and modules alone
    lit = [(power > 60 * 1_800).sum(axis=1) for power in (summer, winter)]
    assert (lit[1] > 1.3 * lit[0]).all()


def test_schools_rest_in_holidays_and_on_the_fourteenth_of_july(town: Town) -> None:
    public = group(town, "public-electricity")
    row = np.array([0, 1])  # town hall and school
    term, holiday, bastille = (
        public.flow(scene(town.draws, day, day + timedelta(days=1)), row)["import"].sum(axis=1)
        for day in (date(2025, 6, 17), date(2025, 7, 15), date(2025, 7, 14))
    )
    assert holiday[1] < 0.4 * term[1]
    assert bastille[0] < 0.6 * holiday[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weather_draws_and_homes_differ_from_seed_to_seed(seed: int) -> None:
    one, other = (scene(Draws(seed=number), date(2026, 1, 1), date(2026, 1, 8)) for number in (seed, seed + 1))
    assert np.abs(one.celsius - other.celsius).mean() > 0.5
