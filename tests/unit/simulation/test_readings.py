"""Whether the town's meters tell what flowed, as French meters do: late, with gaps, over exchanges and clock changes."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.flows import Group
from simulation.plans import NEIGHBOURHOODS, OLD_CENTRE, VILLAGE
from simulation.readings import Block, ReadingKind, opening, readings
from simulation.scene import local_second, midnight_s, scene
from simulation.stations import STATIONS, forecast, observed
from simulation.town import Town, build_town
from vocabulary.flux import Flux
from vocabulary.interval import Interval
from vocabulary.names import PointId
from vocabulary.quality import Quality

Ints = NDArray[np.int64]
Key = tuple[PointId, str, ReadingKind]
START, END = date(2025, 10, 6), date(2026, 3, 30)
READ_UNTIL = datetime(2025, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(7, START, END)


@pytest.fixture(scope="module")
def read(town: Town) -> dict[Key, list[Block]]:
    """All that arrives in the first six weeks, the autumn's clock change among them."""
    found: dict[Key, list[Block]] = defaultdict(list)
    for block in readings(town, Interval(start=datetime(2025, 10, 5, tzinfo=UTC), end=READ_UNTIL)):
        found[block.point, block.channel, block.kind].append(block)
    return found


def joined(blocks: list[Block], column: str) -> Ints:
    order = np.argsort(np.concatenate([block.time for block in blocks]), kind="stable")
    return np.concatenate([getattr(block, column) for block in blocks])[order]


def group(town: Town, name: str) -> Group:
    return next(one for one in town.groups if one.name == name)


def test_a_reading_is_given_once_with_columns_of_one_length(read: dict[Key, list[Block]]) -> None:
    for blocks in read.values():
        times = joined(blocks, "time")
        assert (np.diff(times) > 0).all()
        for block in blocks:
            assert len({len(block.time), len(block.duration), len(block.value), len(block.quality), len(block.arrival)}) == 1
            assert (block.value >= 0).all()


def test_every_reading_belongs_to_a_channel_that_its_point_has(town: Town, read: dict[Key, list[Block]]) -> None:
    channels = {(point.id, channel.id) for point in town.points for channel in point.channels}
    assert {(point, channel) for point, channel, _ in read} <= channels


def test_nothing_arrives_before_it_was_read(read: dict[Key, list[Block]]) -> None:
    for blocks in read.values():
        for block in blocks:
            assert (block.arrival >= block.time + block.duration).all()


def test_registers_between_two_midnights_differ_by_what_half_hours_say(read: dict[Key, list[Block]]) -> None:
    compared = 0
    for (point, channel, kind), blocks in read.items():
        if kind is not ReadingKind.INTERVAL or channel not in {"import", "injection", "production"}:
            continue
        start, value = joined(blocks, "time"), joined(blocks, "value")
        register = read[point, channel, ReadingKind.REGISTER]
        shown, index = joined(register, "time"), joined(register, "value")
        for first, last, before, after in zip(shown, shown[1:], index, index[1:], strict=False):
            inside = (start >= first) & (start < last)
            if inside.sum() * 1_800 == last - first and after >= before:
                assert abs(int(value[inside].sum()) - int(after - before)) < 3_600
                compared += 1
    assert compared > 5_000


def test_peak_and_off_peak_registers_add_up_to_the_total(town: Town, read: dict[Key, list[Block]]) -> None:
    exchanged = {point.id for point in town.points if len(point.devices) > 1}
    compared = 0
    for point, channel, kind in list(read):
        if channel != "hp" or kind is not ReadingKind.REGISTER or point in exchanged:
            continue
        total, peak, cheap = (joined(read[point, name, kind], "value") for name in ("import", "hp", "hc"))
        assert (np.abs(total - peak - cheap) <= 3_600).all()
        compared += len(total)
    assert compared > 10_000


def test_gas_energy_follows_the_index_by_the_coefficient_of_the_month(town: Town, read: dict[Key, list[Block]]) -> None:
    coefficients = {
        row.network: row.wh_per_cubic_metre for row in town.gas_coefficients if row.validity.contains(datetime(2025, 10, 15, tzinfo=UTC))
    }
    first, last = local_second(date(2025, 10, 8), 360), local_second(date(2025, 10, 30), 360)
    for point in ("gaz-mairie", "gaz-piscine-des-cheminots"):
        energy = read[PointId(point), "energy", ReadingKind.INTERVAL]
        inside = (joined(energy, "time") >= first) & (joined(energy, "time") < last)
        index = dict(
            zip(
                joined(read[PointId(point), "volume", ReadingKind.REGISTER], "time").tolist(),
                joined(read[PointId(point), "volume", ReadingKind.REGISTER], "value").tolist(),
                strict=True,
            )
        )
        if inside.sum() == 22 and first in index and last in index:
            cubic_metres = (index[last] - index[first]) / 1e6
            kilowatt_hours = joined(energy, "value")[inside].sum() / 3.6e6
            assert kilowatt_hours == pytest.approx(cubic_metres * coefficients["orvelle"] / 1_000, rel=0.03)


def test_gas_days_run_from_six_to_six_with_25_hours_once(read: dict[Key, list[Block]]) -> None:
    durations = np.concatenate([block.duration for (_, channel, _), blocks in read.items() if channel == "energy" for block in blocks])
    assert set(durations.tolist()) == {86_400, 90_000}


def test_the_clock_change_day_has_fifty_half_hours(town: Town, read: dict[Key, list[Block]]) -> None:
    first, last = midnight_s(date(2025, 10, 26)), midnight_s(date(2025, 10, 27))
    blocks = read[PointId("elec-mairie"), "import", ReadingKind.INTERVAL]
    time = joined(blocks, "time")
    assert ((time >= first) & (time < last)).sum() in range(40, 51)
    assert last - first == 90_000
    # Among all the sensors of the authority, most lose nothing on that day.
    full = 0
    for meter in group(town, "public-electricity").meters.point:
        found = joined(read[meter, "import", ReadingKind.INTERVAL], "time")
        full += ((found >= first) & (found < last)).sum() == 50
    assert full > 15


def test_half_hours_come_from_consenting_homes_alone_and_daily_indexes_from_all(town: Town, read: dict[Key, list[Block]]) -> None:
    meters = group(town, "home-electricity").meters
    fine = meters.fine(np.arange(START.toordinal(), READ_UNTIL.date().toordinal()))
    for row, point in enumerate(meters.point):
        assert ((point, "import", ReadingKind.INTERVAL) in read) <= bool(fine[row].any())
        assert (point, "import", ReadingKind.REGISTER) in read
    assert 0.3 < fine.any(axis=1).mean() < 0.55


def test_water_is_read_by_the_hour_by_the_day_or_half_yearly(town: Town, read: dict[Key, list[Block]]) -> None:
    meters, homes = group(town, "home-water").meters, town.homes
    counts = np.array([sum(len(block) for block in read.get((point, "volume", ReadingKind.REGISTER), [])) for point in meters.point])
    names = np.array([plan.id for plan in NEIGHBOURHOODS])[homes.neighbourhood]
    assert (counts[(names == OLD_CENTRE) | (names == VILLAGE)] <= 2).all()
    assert np.median(counts[names == "les-tilleuls"]) in range(38, 46)
    hourly = (names == "clos-des-vignes") & meters.fine(np.array([START.toordinal()]))[:, 0]
    assert np.median(counts[hourly]) > 900


def test_some_days_come_late_some_never_and_most_on_the_next_morning(read: dict[Key, list[Block]]) -> None:
    late = np.concatenate(
        [
            (block.arrival - block.time) // 86_400
            for (point, channel, kind), blocks in read.items()
            if channel == "import" and kind is ReadingKind.REGISTER and not point.startswith(("elec-armoire", "elec-mairie"))
            for block in blocks
        ]
    )
    assert 0.90 < (late == 0).mean() < 0.98
    assert 8 <= late.max() <= 13


def test_few_gas_days_are_estimates(read: dict[Key, list[Block]]) -> None:
    quality = np.concatenate([block.quality for (_, channel, _), blocks in read.items() if channel == "energy" for block in blocks])
    assert 0.003 < (quality == Quality.ESTIMATED).mean() < 0.03


def test_an_exchange_restarts_the_index_and_notes_the_old_ones_last(town: Town) -> None:
    meters = group(town, "home-water").meters
    exchange = int(meters.exchange_s[0])
    assert exchange
    at = datetime.fromtimestamp(exchange, UTC)
    found = [
        block
        for block in readings(town, Interval(start=at - timedelta(days=1), end=at + timedelta(days=20)))
        if block.point == meters.point[0] and block.channel == "volume"
    ]
    time, value = joined(found, "time"), joined(found, "value")
    assert value[time == exchange].tolist() == [0]
    assert value[time == exchange - 60][0] > 100_000_000
    after = value[time > exchange]
    assert len(after) > 10
    assert (np.diff(after) >= -1_000).all()
    assert after[-1] < 20_000_000


def test_the_pools_register_restarts_within_the_year_without_an_exchange() -> None:
    town = build_town(7, date(2025, 4, 1), date(2026, 5, 1))
    water = group(town, "public-water")
    row = next(number for number, point in enumerate(water.meters.point) if point == "eau-piscine-des-cheminots")
    drawn = sum(
        int(water.flow(scene(town.draws, day, day + timedelta(days=30)), np.array([row]))["volume"].sum())
        for day in (date(2025, 4, 1) + timedelta(days=30 * number) for number in range(13))
    )
    assert int(water.meters.first_index[row]) + drawn > int(water.meters.modulus[row])
    assert len(next(point for point in town.points if point.id == "eau-piscine-des-cheminots").devices) == 1


def test_the_ledger_opens_with_slots_that_add_up(town: Town) -> None:
    index = opening(town).index
    total, peak, cheap = (index["home-electricity", name] for name in ("import", "hp", "hc"))
    assert np.array_equal(total, peak + cheap)
    assert not index["home-electricity", "injection"].any()


def test_no_register_passes_more_than_its_device_can(town: Town, read: dict[Key, list[Block]]) -> None:
    rates = {point.id: point.devices[-1].maximum_rate for point in town.points}
    electric = {point.id for point in town.points if point.flux is Flux.ELECTRICITY}
    for (point, _, kind), blocks in read.items():
        if kind is ReadingKind.INTERVAL and point in electric:
            for block in blocks:
                assert (block.value <= rates[point] * block.duration).all()


def test_stations_observe_every_hour_and_forecasts_go_astray_with_time(town: Town) -> None:
    during = Interval(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 6, tzinfo=UTC))
    for station in STATIONS:
        seen, said = observed(town.draws, station, during), forecast(town.draws, station, during)
        assert len(seen.time) == 120
        assert np.array_equal(seen.time, said.time)
        error = np.abs(seen.celsius - said.celsius)
        assert error[:6].mean() < 1
        assert error.max() < 6
    first, second = (observed(town.draws, station, during).celsius for station in STATIONS)
    assert (first - second).mean() == pytest.approx(0.6, abs=0.05)
