"""Consumption does not depend on how readings came, and its sums are exact over every calendar."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.domain.consumption.channel import ChannelUse, channel_use, consumption
from metering.domain.consumption.day_profile import weekday_type
from metering.domain.consumption.gaps import Hole, filled
from metering.domain.consumption.pieces import Method, Pieces, amount_before, pieces
from metering.domain.consumption.readings import (
    NO_INTERVAL_READINGS,
    ChannelFacts,
    Device,
    IntervalReadings,
    RegisterReadings,
    register_readings,
)
from metering.domain.consumption.registers import register_series
from metering.domain.consumption.slots import counted, slots_of
from metering.domain.series.columns import Columns, Versions, columns_of
from metering.domain.series.resolve import all_versions, resolve
from vocabulary.civil import Granularity, civil_day
from vocabulary.interval import Interval, Validity
from vocabulary.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
HOUR, DAY = 3_600, 86_400
START = int(datetime(2024, 10, 20, tzinfo=PARIS).timestamp())
MODULUS = 10_000
Row = tuple[int, int, int, int, int]
MOST_PER_HOUR = 50


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Row], ChannelFacts, int]:
    """Draw what a point truly used, as registers of four digits show it that roll over, with one exchange."""
    steps = draw(st.lists(st.integers(0, MOST_PER_HOUR), min_size=8, max_size=60))
    exchange = draw(st.integers(2, len(steps) - 2))
    first, second = draw(st.integers(0, MODULUS - 1)), draw(st.integers(0, MODULUS - 1))
    true = np.concatenate(([0], np.cumsum(steps)))
    at_exchange = int(true[exchange])
    rows: list[Row] = []
    for at, used in enumerate(true.tolist()):
        index = (first + used) % MODULUS if at < exchange else (second + used - at_exchange) % MODULUS
        rows.append((0, START + at * HOUR, 0, index, Quality.MEASURED))
    moment = datetime.fromtimestamp(START + exchange * HOUR, UTC)
    devices = (
        Device(serial="old", digits=4, validity=Validity(end=moment), last_index=(first + at_exchange) % MODULUS),
        Device(serial="new", digits=4, validity=Validity(start=moment), first_index=second),
    )
    return rows, ChannelFacts(devices=devices, maximum_per_hour=MOST_PER_HOUR), int(true[-1])


@st.composite
def troubled(draw: st.DrawFn) -> tuple[list[Row], ChannelFacts]:
    """Draw a life with spikes, falls, estimates, conflicts, corrections and missing hours among its readings."""
    rows, facts, _ = draw(lives())
    kept = [row for row in rows if draw(st.integers(0, 9))]
    extra: list[Row] = []
    for series, time, duration, value, _quality in kept:
        trouble = draw(st.integers(0, 12))
        if trouble == 0:
            extra.append((series, time, duration, draw(st.integers(0, MODULUS - 1)), Quality.MEASURED))
        elif trouble == 1:
            extra.append((series, time, duration, draw(st.integers(0, MODULUS - 1)), Quality.CORRECTED))
        elif trouble == 2:
            extra.append((series, time + HOUR // 3, duration, draw(st.integers(0, MODULUS - 1)), Quality.ESTIMATED))
        elif trouble == 3:
            extra.append((series, time + HOUR // 2, duration, max(value - draw(st.integers(1, 9)), 0), Quality.MEASURED))
    return [*kept, *extra], facts


def arrived(batches: Sequence[Sequence[Row]]) -> RegisterReadings:
    """Keep batches one after the other, resolving after each, as a store does."""
    held = Versions(columns=columns_of(()), sequence=np.empty(0, np.int64))
    for sequence, batch in enumerate(batches):
        columns = columns_of(batch)
        both = Columns(
            **{
                name: np.concatenate((getattr(held.columns, name), getattr(columns, name)))
                for name in ("series", "time", "duration", "value", "quality")
            }
        )
        numbers = np.concatenate((held.sequence, np.full(len(columns), sequence, np.int64)))
        held = all_versions(resolve(Versions(columns=both, sequence=numbers)))
    kept = resolve(held).kept.columns
    return RegisterReadings(time=kept.time, value=kept.value, quality=kept.quality)


def known_by(readings: RegisterReadings, facts: ChannelFacts) -> ChannelUse:
    return channel_use(readings, NO_INTERVAL_READINGS, facts, PARIS)


def same(one: Pieces, other: Pieces) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("start", "end", "value", "quality", "method"))


@settings(max_examples=150, deadline=None)
@given(troubled(), st.data())
def test_order_repetition_and_splits_of_a_stream_change_nothing(life: tuple[list[Row], ChannelFacts], data: st.DataObject) -> None:
    rows, facts = life
    again = data.draw(st.lists(st.sampled_from(rows), max_size=20)) if rows else []
    shuffled = data.draw(st.permutations([*rows, *again]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=5)))
    batches = [shuffled[start:end] for start, end in pairwise([0, *cuts, len(shuffled)])]
    first, second = known_by(arrived([sorted(rows)]), facts), known_by(arrived(batches), facts)
    assert same(first.pieces, second.pieces)
    assert first.events == second.events
    assert first.suspect == second.suspect


@settings(deadline=None)
@given(lives(), st.data())
def test_rollovers_and_an_exchange_lose_nothing_whatever_readings_are_missing(
    life: tuple[list[Row], ChannelFacts, int], data: st.DataObject
) -> None:
    rows, facts, total = life
    inner = [row for row in rows[1:-1] if data.draw(st.booleans())]
    kept = [rows[0], *inner, rows[-1]]
    readings = register_readings([row[1] for row in kept], [row[3] for row in kept])
    found = register_series(readings, facts)
    assert found.pieces().total == total
    assert found.suspect == 0


@settings(deadline=None)
@given(lives(), st.data())
def test_a_single_spike_changes_nothing_but_the_count_of_suspects(life: tuple[list[Row], ChannelFacts, int], data: st.DataObject) -> None:
    rows, _, _ = life
    # One device without digits, and a register that truly rises: no rollover explains a leap.
    rising = np.cumsum([row[3] % MOST_PER_HOUR for row in rows])
    times = [row[1] for row in rows]
    facts = ChannelFacts(maximum_per_hour=MOST_PER_HOUR)
    at = data.draw(st.integers(1, len(rows) - 2))
    spiked = rising.copy()
    spiked[at] += data.draw(st.integers(MOST_PER_HOUR * len(rows) * 2, 10**9))
    clean, found = register_series(register_readings(times, rising), facts), register_series(register_readings(times, spiked), facts)
    assert found.pieces().total == clean.pieces().total
    assert found.suspect == 1


@settings(deadline=None)
@given(troubled())
def test_no_consumption_is_ever_negative_and_segments_are_in_order(life: tuple[list[Row], ChannelFacts]) -> None:
    rows, facts = life
    found = register_series(arrived([rows]), facts)
    assert (found.delta >= 0).all()
    assert (found.end > found.start).all()
    assert (found.start[1:] >= found.end[:-1]).all()


@settings(deadline=None)
@given(troubled())
def test_no_step_that_is_used_is_faster_than_possible(life: tuple[list[Row], ChannelFacts]) -> None:
    rows, facts = life
    readings = arrived([[row for row in rows if row[4] != Quality.CORRECTED]])
    found = register_series(readings, facts).pieces()
    assert (found.value <= found.duration * MOST_PER_HOUR // HOUR + 1).all()


@settings(deadline=None)
@given(lives(), st.integers(1, 40))
def test_a_correction_gives_what_would_be_had_it_been_right_at_once(life: tuple[list[Row], ChannelFacts, int], at: int) -> None:
    rows, facts, total = life
    series, time, duration, value, _ = rows[at % len(rows)]
    wrong = [*rows, (series, time, duration, (value + 5_000) % MODULUS, int(Quality.MEASURED))]
    corrected = [*wrong, (series, time, duration, value, int(Quality.CORRECTED))]
    assert register_series(arrived([wrong]), facts).suspect >= 1
    found = register_series(arrived([corrected]), facts)
    assert found.pieces().total == total
    assert found.suspect == 0


@st.composite
def measured(draw: st.DrawFn) -> Pieces:
    """Draw three months of readings at odd minutes around a clock change, with steps of up to an hour."""
    begin = int(draw(st.sampled_from([datetime(2024, 2, 26, tzinfo=UTC), datetime(2024, 9, 28, tzinfo=UTC)])).timestamp())
    step = draw(st.sampled_from([600, 1_800, 3_600])) + draw(st.integers(-7, 7))
    count = 40 * DAY // step
    seed = draw(st.integers(0, 2**32 - 1))
    start = begin - draw(st.integers(0, step)) + np.arange(count) * step
    return pieces(start, start + step, np.random.default_rng(seed).integers(0, 10**9, count))


def total_in(known: Pieces, during: Interval, granularity: Granularity) -> int:
    return consumption(known, during, granularity, PARIS).total


@settings(max_examples=25, deadline=None)
@given(measured())
def test_hours_add_up_to_days_days_to_weeks_and_months(known: Pieces) -> None:
    first = datetime.fromtimestamp(int(known.start[0]), PARIS).date() + timedelta(days=1)
    last = datetime.fromtimestamp(int(known.end[-1]), PARIS).date() - timedelta(days=1)
    days = [civil_day(date.fromordinal(at), PARIS) for at in range(first.toordinal(), last.toordinal())]
    lengths = set()
    for day in days:
        hours = consumption(known, day, Granularity.HOUR, PARIS)
        lengths.add(len(hours))
        assert hours.total == total_in(known, day, Granularity.DAY)
    assert lengths in ({23, 24}, {24, 25})
    by_day = consumption(known, Interval(start=days[0].start, end=days[-1].end), Granularity.DAY, PARIS)
    for granularity in (Granularity.WEEK, Granularity.MONTH):
        whole = slots_of(Interval(start=days[0].start, end=days[-1].end), granularity, PARIS)
        answer = counted(known, whole)
        for at in range(len(whole)):
            inside = (by_day.start >= whole.start[at]) & (by_day.end <= whole.end[at])
            if int((by_day.end - by_day.start)[inside].sum()) == int(whole.end[at] - whole.start[at]):
                assert int(by_day.value[inside].sum()) == int(answer.value[at])


@settings(max_examples=25, deadline=None)
@given(measured())
def test_gas_days_tile_time_too(known: Pieces) -> None:
    during = Interval(
        start=datetime.fromtimestamp(int(known.start[0]) + DAY, PARIS).replace(hour=6, minute=0, second=0),
        end=datetime.fromtimestamp(int(known.end[-1]) - DAY, PARIS).replace(hour=6, minute=0, second=0),
    )
    gas_days = consumption(known, during, Granularity.GAS_DAY, PARIS)
    edges = np.array([int(during.start.timestamp()), int(during.end.timestamp())])
    before = amount_before(known, edges)
    assert gas_days.total == int(before[1] - before[0])
    assert gas_days.coverage.min() == 1.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9_000), st.integers(0, 4_000), st.integers(0, 10**12)), min_size=1, max_size=40), st.data())
def test_any_slots_that_tile_time_share_out_every_unit(parts: list[tuple[int, int, int]], data: st.DataObject) -> None:
    ends = np.cumsum([gap + lasting for lasting, gap, _ in parts])
    known = pieces((ends - [lasting for lasting, _, _ in parts]).astype(np.int64), ends, [value for _, _, value in parts])
    during = Interval(start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(int(ends[-1]), UTC))
    granularity = data.draw(st.sampled_from([Granularity.TEN_MINUTES, Granularity.THIRTY_MINUTES, Granularity.HOUR, Granularity.DAY]))
    answer = consumption(known, during, granularity, PARIS, profile=lambda same_pieces, _into: same_pieces)
    assert answer.total == known.total
    share = answer.coverage + answer.estimated
    assert (share <= 1 + 1e-12).all()
    assert ((share > 0) == answer.known).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3 * HOUR, 3 * DAY), st.integers(0, 20 * DAY), st.booleans())
def test_estimates_add_up_to_the_index_difference(seed: int, lasting: int, after: int, index_known: bool) -> None:  # noqa: FBT001 - drawn
    begin = START + np.arange(24 * 50) * HOUR
    life = pieces(begin, begin + HOUR, np.random.default_rng(seed).integers(0, 10**6, len(begin)))
    first, last = START + 25 * DAY + after // HOUR * HOUR, START + 25 * DAY + after // HOUR * HOUR + lasting // HOUR * HOUR
    holed = life.where((life.end <= first) | (life.start >= last))
    missing = life.total - holed.total
    owed = [Hole(stretches=((first, last),), total=missing)] if index_known else []
    found = filled(holed, PARIS, owed=owed)
    guessed = found.where(found.method == Method.PROFILE)
    if index_known:
        assert found.total == life.total
        assert len(guessed) in (0, (last - first) // HOUR)
    assert same(found.where(found.method == Method.METERED), holed) or not len(guessed)
    assert weekday_type(date(2024, 10, 20)) == 2


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 8), st.integers(0, 100), st.sampled_from([1, 2, 3, 4])),
        max_size=12,
        unique_by=lambda row: row[0],
    )
)
def test_intervals_never_claim_the_same_time_twice(rows: list[tuple[int, int, int, int]]) -> None:
    rows = sorted(rows)
    columns = [np.array([row[at] for row in rows], dtype=np.int64) for at in range(4)]
    intervals = IntervalReadings(start=columns[0], duration=columns[1], value=columns[2], quality=columns[3].astype(np.int8))
    use = channel_use(register_readings([], []), intervals, ChannelFacts(), PARIS, estimate=False)
    assert (use.pieces.start[1:] >= use.pieces.end[:-1]).all()
    best = [row for row in rows if row[3] < Quality.SUSPECT]
    assert len(use.pieces) > 0 or not best
