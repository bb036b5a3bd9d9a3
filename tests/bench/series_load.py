"""Load for the series benchmarks.

Real hourly electricity, spread over as many points as wanted, day by day, encoded ahead of the measurement.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metering.domain.series.columns import Columns
from metering.wire.readings import columns_to_proto
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import reading_pb2

START = int(np.datetime64("2018-01-01", "s").astype(np.int64))
HOUR, DAY_HOURS = 3_600, 24
JOULES_PER_KWH = 3_600_000


@dataclass(frozen=True)
class Load:
    """`joules[point, hour]` in joules."""

    joules: NDArray[np.int64]

    @property
    def points(self) -> int:
        return self.joules.shape[0]

    @property
    def days(self) -> int:
        return self.joules.shape[1] // DAY_HOURS

    @property
    def rows(self) -> int:
        return self.joules.size


def real_load(points: int, days: int) -> Load:
    """Give every point a stretch of a real building's electricity."""
    shared = Path(os.environ.get("MULTIFLUX_SHARED", Path(__file__).parents[3] / "shared"))
    table = pd.read_parquet(shared / "data" / "cambridge-estates" / "electricity_hourly_kwh.parquet")
    known = [column[np.isfinite(column) & (column > 0)] for column in table.to_numpy().T]
    stretches = [np.round(column * JOULES_PER_KWH).astype(np.int64) for column in known]
    hours = days * DAY_HOURS
    values = np.empty((points, hours), np.int64)
    for point in range(points):
        column = stretches[point % len(stretches)]
        at = point * 977 % max(len(column) - hours, 1)
        values[point] = np.resize(column[at : at + hours], hours)
    return Load(values)


def batches(load: Load, size: int) -> Iterator[Columns]:
    """Yield batches of `size` readings as they come day by day: every point's 24 hours, point after point."""
    points = np.repeat(np.arange(load.points, dtype=np.int32), DAY_HOURS)
    hours = np.tile(np.arange(DAY_HOURS), load.points)
    for day in range(load.days):
        value = np.ascontiguousarray(load.joules[:, day * DAY_HOURS : (day + 1) * DAY_HOURS]).ravel()
        time = START + (day * DAY_HOURS + hours) * HOUR
        for at in range(0, len(points), size):
            cut = slice(at, at + size)
            count = len(points[cut])
            yield Columns(
                series=points[cut],
                time=time[cut],
                duration=np.full(count, HOUR, np.int32),
                value=value[cut],
                quality=np.full(count, 2, np.int8),
            )


def requests(load: Load, size: int, *, stream: str) -> list[bytes]:
    """Return the messages of a whole stream, serialised: the sender's work is not what is measured."""
    series = [
        reading_pb2.SentSeries(
            channel=f"meters/{meter(point)}/channels/import", kind=reading_pb2.READING_KIND_INTERVAL, unit=reading_pb2.READING_UNIT_JOULE
        )
        for point in range(load.points)
    ]
    sent = [pb.StreamReadingsRequest(open=pb.OpenReadingStream(stream_id=stream)).SerializeToString()]
    for number, columns in enumerate(batches(load, size), 1):
        batch = pb.ReadingBatch(batch_number=number, new_series=series if number == 1 else [], readings=columns_to_proto(columns))
        sent.append(pb.StreamReadingsRequest(batch=batch).SerializeToString())
    return sent


def lines(load: Load, size: int) -> Iterator[bytes]:
    """Yield the same batches as InfluxDB line protocol."""
    for columns in batches(load, size):
        rows = zip(columns.series.tolist(), columns.value.tolist(), columns.time.tolist(), strict=True)
        yield "\n".join([f"r,m={meter(point)} v={value}i {time}" for point, value, time in rows]).encode()


def meter(point: int) -> str:
    return f"m{point:05d}"
