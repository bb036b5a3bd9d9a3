"""Time may be cut into any windows: the same readings arrive."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.draws import Ints
from simulation.flows import Group
from simulation.readings import Block, Feed, Ledger, opening, readings
from simulation.scene import scene
from simulation.town import Town, build_town
from vocabulary.interval import Interval

FIRST = datetime(2025, 10, 1, tzinfo=UTC)
LAST = datetime(2025, 11, 25, tzinfo=UTC)
Reading = tuple[str, str, int, int, int, int, int, int]


def fewer(group: Group) -> Group:
    """The group with a few of its meters: those of all neighbourhoods, exchanged ones among them."""
    rows = np.unique(
        np.concatenate([np.linspace(0, len(group.meters) - 1, 9).astype(np.int64), np.flatnonzero(group.meters.exchange_s)[:4]])
    )

    def flow(stage: object, some: Ints) -> object:
        return group.flow(stage, rows[some])  # pyright: ignore[reportArgumentType]

    counted = {channel: has[rows] for channel, has in group.counted.items()}
    return replace(group, meters=group.meters.take(rows), counted=counted, flow=flow)  # pyright: ignore[reportArgumentType]


def small_town() -> Town:
    whole = build_town(11, FIRST.date(), date(2026, 2, 1))
    return replace(whole, groups=tuple(fewer(group) for group in whole.groups))


TOWN = small_town()


def flat(blocks: Iterable[Block]) -> list[Reading]:
    return sorted(
        (block.point, block.channel, block.kind.value, *row)
        for block in blocks
        for row in zip(
            block.time.tolist(), block.duration.tolist(), block.value.tolist(), block.quality.tolist(), block.arrival.tolist(), strict=True
        )
    )


WHOLE = flat(readings(TOWN, Interval(start=FIRST - timedelta(days=2), end=LAST)))
instants = st.datetimes(min_value=FIRST.replace(tzinfo=None), max_value=LAST.replace(tzinfo=None), timezones=st.just(UTC))


def test_a_long_run_reads_every_kind_of_meter() -> None:
    assert len(WHOLE) > 50_000
    assert len({point for point, *_ in WHOLE}) > 45
    exchanged = {point for point, *_ in WHOLE} & {point.id for point in TOWN.points if len(point.devices) > 1}
    assert len(exchanged) >= 2


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(instants, min_size=1, max_size=4, unique=True))
def test_windows_put_together_say_what_one_window_says(cuts: list[datetime]) -> None:
    edges = [FIRST - timedelta(days=2), *sorted(cut for cut in cuts if FIRST < cut < LAST), LAST]
    parts = [block for start, end in pairwise(edges) for block in readings(TOWN, Interval(start=start, end=end))]
    assert flat(parts) == WHOLE


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(instants, min_size=1, max_size=6, unique=True))
def test_a_feed_asked_at_any_instants_says_what_one_window_says(cuts: list[datetime]) -> None:
    feed = Feed(town=TOWN, since=FIRST - timedelta(days=2))
    found = [block for at in (*sorted(cuts), LAST) for block in feed.until(at)]
    assert flat(found) == WHOLE


@settings(max_examples=10, deadline=None)
@given(day=st.integers(0, 40), length=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_what_flows_on_a_day_does_not_depend_on_the_days_computed_with_it(day: int, length: int, seed: int) -> None:
    town = replace(TOWN, draws=replace(TOWN.draws, seed=seed))
    first = FIRST.date() + timedelta(days=day)
    long, short = scene(town.draws, first, first + timedelta(days=length)), scene(town.draws, first, first + timedelta(days=1))
    for group in town.groups:
        rows = np.arange(len(group.meters))
        alone = group.flow(short, rows)
        for channel, flow in group.flow(long, rows).items():
            assert np.array_equal(flow[:, : alone[channel].shape[1]], alone[channel])


def test_a_ledger_of_the_past_spares_its_counting_and_changes_nothing() -> None:
    middle = datetime(2025, 11, 8, 13, 20, tzinfo=UTC)
    feed = Feed(town=TOWN, since=FIRST - timedelta(days=2))
    list(feed.until(middle))
    ledger: Ledger | None = feed.ledger
    assert ledger is not None
    assert opening(TOWN).day < ledger.day < middle.date()
    during = Interval(start=middle, end=LAST)
    assert flat(readings(TOWN, during, ledger=ledger)) == flat(readings(TOWN, during))
