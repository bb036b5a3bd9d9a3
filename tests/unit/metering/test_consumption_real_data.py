"""Monthly totals of real meters, against an independent computation with pandas."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from metering.domain.consumption.channel import channel_use, consumption
from metering.domain.consumption.events import EventKind
from metering.domain.consumption.readings import (
    NO_INTERVAL_READINGS,
    NO_REGISTER_READINGS,
    ChannelFacts,
    Device,
    interval_readings,
    register_readings,
)
from metering.domain.series.columns import Columns, Versions
from metering.domain.series.resolve import resolve
from vocabulary.civil import Granularity
from vocabulary.interval import Interval
from vocabulary.quality import Quality

SHARED = Path(os.environ.get("MULTIFLUX_SHARED", Path(__file__).parents[3].parent / "shared"))
WATER = SHARED / "data" / "daiad-water" / "readings.csv.gz"
BUILDINGS = SHARED / "data" / "cambridge-estates"
MADRID, LONDON = ZoneInfo("Europe/Madrid"), ZoneInfo("Europe/London")
LITRE, KWH = 1_000, 3_600_000
EPOCH: Any = pd.Timestamp(0, tz="UTC")

needs_water = pytest.mark.skipif(not WATER.exists(), reason=f"the household water file is absent: {WATER}; set MULTIFLUX_SHARED")
needs_buildings = pytest.mark.skipif(not BUILDINGS.exists(), reason=f"the building data are absent: {BUILDINGS}; set MULTIFLUX_SHARED")


def households() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield time (UTC s), index (ml) and quality of each household, resolved; hours that occur twice or never are left out."""
    table: Any = pd.read_csv(WATER, sep=";")
    stamp: Any = pd.to_datetime(table["datetime"], format="%d/%m/%Y %H:%M:%S")
    table["at"] = stamp.dt.tz_localize(MADRID, ambiguous="NaT", nonexistent="NaT")
    for _, rows in table.dropna(subset=["at"]).groupby("user.key"):
        time = ((rows["at"] - EPOCH).dt.total_seconds()).to_numpy(np.int64)
        count = len(time)
        columns = Columns(
            series=np.zeros(count, np.int32),
            time=time,
            duration=np.zeros(count, np.int32),
            value=(rows["meter.reading"] * LITRE).to_numpy(np.int64),
            quality=np.full(count, Quality.MEASURED, np.int8),
        )
        kept = resolve(Versions(columns=columns, sequence=np.arange(count))).kept.columns
        yield kept.time, kept.value, kept.quality


@needs_water
def test_monthly_water_of_real_households_is_what_pandas_finds() -> None:
    during = Interval(start=datetime(2016, 3, 1, tzinfo=MADRID), end=datetime(2017, 3, 1, tzinfo=MADRID))
    months: Any = pd.date_range("2016-03-01", "2017-03-01", freq="MS", tz=MADRID)
    edges = ((months - EPOCH).total_seconds()).to_numpy()
    facts = ChannelFacts(devices=(Device(serial="", unit=LITRE, pulse=LITRE),), maximum_per_hour=5_000 * LITRE)
    found: Counter[EventKind] = Counter()
    compared = months_too_coarse = 0
    for time, value, quality in households():
        use = channel_use(register_readings(time, value, quality), NO_INTERVAL_READINGS, facts, MADRID, estimate=False)
        answer = consumption(use.pieces, during, Granularity.MONTH, MADRID)
        found.update(one.kind for one in use.events)
        # Independently: leave out what lies far above its neighbours, never let the index fall, interpolate at the edges of months.
        index: Any = pd.Series(value[quality < Quality.SUSPECT], index=time[quality < Quality.SUSPECT])
        index = index[index - index.rolling(11, center=True, min_periods=1).median() < 20_000 * LITRE].cummax()
        expected = np.diff(np.interp(edges, index.index.to_numpy(), index.to_numpy()))
        # A hole longer than one and a half months cannot be divided among months: their coverage says so, and they are not compared.
        ends, steps = index.index.to_numpy()[1:], np.diff(index.index.to_numpy())
        coarse = np.array([bool(((ends > low) & (ends - steps < high) & (steps > 45 * 86_400)).any()) for low, high in pairwise(edges)])
        months_too_coarse += int(coarse.sum())
        # Two litres: the one level that stayed lower by a litre twice, which a running maximum does not see.
        assert np.abs(answer.value - expected)[~coarse].max() <= 2 * LITRE
        compared += int((~coarse).sum())
    assert compared >= 46 * 12 - 10
    assert months_too_coarse > 0
    # The jump of 248,541 l is the first of four readings of another register in the same stream: all four are spikes, none is used.
    assert found[EventKind.SPIKE] == 5
    assert found[EventKind.BACKWARDS] > 0
    assert found[EventKind.RAISED] == 0


@needs_buildings
@pytest.mark.parametrize("flux", ["electricity", "gas"])
def test_monthly_energy_of_real_buildings_is_what_pandas_finds(flux: str) -> None:
    pytest.importorskip("pyarrow", reason="install the parquet extra to read the building data")
    table: Any = pd.read_parquet(BUILDINGS / f"{flux}_hourly_kwh.parquet")
    table.index = pd.DatetimeIndex(table.index).tz_localize("UTC")
    during = Interval(start=datetime(2017, 1, 1, tzinfo=LONDON), end=datetime(2023, 1, 1, tzinfo=LONDON))
    for name in table.columns[:12]:
        # Missing was written as 0 in this archive: a zero is taken for missing here, as an importer that is told so would.
        hours: Any = table[name][(table[name].notna()) & (table[name] > 0)]
        if hours.empty:
            continue
        joules = (hours * KWH).round().astype(np.int64)
        start = ((hours.index - EPOCH).total_seconds()).to_numpy().astype(np.int64)
        use = channel_use(NO_REGISTER_READINGS, interval_readings(start, 3_600, joules.to_numpy()), ChannelFacts(), LONDON, estimate=False)
        answer = consumption(use.pieces, during, Granularity.MONTH, LONDON)
        local = joules.copy()
        local.index = local.index.tz_convert(LONDON)
        expected = local.resample("MS").sum().reindex(pd.date_range("2017-01-01", "2022-12-01", freq="MS", tz=LONDON), fill_value=0)
        counts = local.resample("MS").count().reindex(expected.index, fill_value=0)
        assert answer.value.tolist() == expected.tolist()
        assert (answer.known == (counts.to_numpy() > 0)).all()
        hours_in_month = (answer.end - answer.start) / 3_600
        assert np.allclose(answer.coverage, counts.to_numpy() / hours_in_month)


@needs_buildings
def test_estimates_of_real_buildings_fill_holes_and_leave_what_was_measured() -> None:
    pytest.importorskip("pyarrow", reason="install the parquet extra to read the building data")
    table: Any = pd.read_parquet(BUILDINGS / "electricity_hourly_kwh.parquet")
    hours: Any = table[table.columns[0]].iloc[: 24 * 120]
    stamps: Any = pd.DatetimeIndex(hours.index).tz_localize("UTC")
    start = ((stamps - EPOCH).total_seconds()).to_numpy().astype(np.int64)
    joules = (hours * KWH).round().to_numpy().astype(np.int64)
    hole = slice(24 * 60, 24 * 62)
    readings = interval_readings(np.delete(start, hole), 3_600, np.delete(joules, hole))
    use = channel_use(NO_REGISTER_READINGS, readings, ChannelFacts(), LONDON)
    guessed = use.pieces.where(use.pieces.quality == Quality.ESTIMATED)
    assert len(guessed) == 48
    # A building's two days are known from its other days of the same type: far better than nothing, and never better than measured.
    assert abs(guessed.total - int(joules[hole].sum())) < 0.25 * int(joules[hole].sum())
