"""From what a sender sends to a checked batch: series that it announces, then readings of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metering.domain.series.arrival import LimitColumns, Limits, Refusal, check, limit_columns
from metering.domain.series.batch import Batch, Origin, RefusedReading
from metering.domain.series.columns import Columns, Int32, ReadingKind, SentSeries, SeriesName, columns_of
from metering.domain.series.ports import KnownSeries, SeriesNumbers
from vocabulary.failure import invalid
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

MOST_ANNOUNCED = 1_000_000
"""Series that one call may announce."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Announced:
    """The series of one call, in the order in which they were announced; `numbers` are the store's, `-1 - place` for an unknown one."""

    series: tuple[SentSeries, ...]
    numbers: Int32
    limits: LimitColumns
    revision: int


NOTHING_ANNOUNCED = Announced(series=(), numbers=np.empty(0, np.int32), limits=limit_columns((), ()), revision=-1)


def announce(known: KnownSeries, store: SeriesNumbers, before: Announced, new: Sequence[SentSeries]) -> Announced:
    """Return all announced series with their numbers and limits, asking the registry where it may say something new."""
    revision = known.revision()
    if not new and revision == before.revision:
        return before
    series = (*before.series, *new)
    if len(series) > MOST_ANNOUNCED:
        raise invalid("new_series", f"a call announces at most {MOST_ANNOUNCED} series")
    # After a change of the registry all limits are asked anew, else only those of the new series.
    fresh = series if revision != before.revision else tuple(new)
    limits = [_of_kind(one, sent.name.kind) for one, sent in zip(known.limits([sent.name for sent in fresh]), fresh, strict=True)]
    found = np.full(len(fresh), -1, np.int32)
    places = [at for at, one in enumerate(limits) if one is not None]
    found[places] = store.numbers([fresh[at].name for at in places])
    kept = len(series) - len(fresh)
    numbers = np.concatenate([before.numbers[:kept], np.where(found < 0, -1 - np.arange(kept, len(series)), found)]).astype(np.int32)
    columns = limit_columns(limits, [sent.unit for sent in fresh])
    return Announced(series=series, numbers=numbers, limits=_joined(before.limits, columns) if kept else columns, revision=revision)


def checked(
    announced: Announced,
    territory: TerritoryId,
    readings: Columns,
    *,
    now_s: int,
    origin: Origin | None = None,
    settles: tuple[int, ...] = (),
) -> Batch:
    """Return a batch of readings, whose `series` are places among the announced ones, with what is refused of them."""
    if len(readings) and not 0 <= int(readings.series.min()) <= int(readings.series.max()) < len(announced.series):
        raise invalid("readings.run_series", f"only {len(announced.series)} series were announced")
    refusals = check(readings, announced.limits, now_s=now_s)
    columns = Columns(
        series=announced.numbers[readings.series],
        time=readings.time,
        duration=readings.duration,
        value=readings.value,
        quality=readings.quality,
    )
    unknown = tuple(_sent_name(one) for one in announced.series) if (refusals.reasons == Refusal.UNKNOWN_SERIES).any() else ()
    return Batch(territory=territory, columns=columns, refusals=refusals, unknown=unknown, origin=origin, settles=settles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """A refused reading to be checked again, with a corrected value where there is one."""

    reading: RefusedReading
    corrected_value: int | None


def replayed(known: KnownSeries, store: SeriesNumbers, territory: TerritoryId, replays: Sequence[Replay], *, now_s: int) -> Batch:
    """Return a batch of refused readings; those that fail again are not listed twice, and those that pass leave the list."""
    names = list(dict.fromkeys(name for one in replays if (name := series_of(territory, one.reading)) is not None))
    limits = dict(zip(names, known.limits(names), strict=True))
    sent = [SentSeries(name=name, unit=one.unit) for name, one in limits.items() if one is not None]
    announced = announce(known, store, NOTHING_ANNOUNCED, sent)
    place = {one.name: at for at, one in enumerate(announced.series)}
    rows = [_row(place, territory, one) for one in replays]
    columns = columns_of([row for row in rows if row is not None])
    candidates = [one for one, row in zip(replays, rows, strict=True) if row is not None]
    refused = set(check(columns, announced.limits, now_s=now_s).rows.tolist())
    passing = [at for at in range(len(candidates)) if at not in refused]
    settles = tuple(candidates[at].reading.number for at in passing)
    return checked(announced, territory, columns.take(np.array(passing, np.intp)), now_s=now_s, settles=settles)


def series_of(territory: TerritoryId, reading: RefusedReading) -> SeriesName | None:
    """Return the series of a refused reading; one that was unknown may have become known under the name that was sent."""
    if reading.series is not None:
        return reading.series
    parts = reading.sent_name.split("/")
    if len(parts) != _NAME_PARTS or parts[::2] != ["meters", "channels"]:
        return None
    kind = ReadingKind.REGISTER if reading.duration == 0 else ReadingKind.INTERVAL
    return SeriesName(territory=territory, meter=PointId(parts[1]), channel=parts[3], kind=kind)


_NAME_PARTS = 4


def _row(place: dict[SeriesName, int], territory: TerritoryId, replay: Replay) -> tuple[int, int, int, int, int] | None:
    name = series_of(territory, replay.reading)
    if name is None or name not in place:
        return None
    reading = replay.reading
    if replay.corrected_value is None:
        return place[name], reading.time, reading.duration, reading.value, reading.quality
    return place[name], reading.time, reading.duration, replay.corrected_value, Quality.CORRECTED


def _of_kind(limits: Limits | None, kind: ReadingKind) -> Limits | None:
    return limits if limits is not None and limits.kind is kind else None


def _joined(before: LimitColumns, new: LimitColumns) -> LimitColumns:
    return LimitColumns(
        known=np.concatenate([before.known, new.known]),
        fits=np.concatenate([before.fits, new.fits]),
        lowest=np.concatenate([before.lowest, new.lowest]),
        highest=np.concatenate([before.highest, new.highest]),
        per_second=np.concatenate([before.per_second, new.per_second]),
        shortest=np.concatenate([before.shortest, new.shortest]),
        longest=np.concatenate([before.longest, new.longest]),
    )


def _sent_name(sent: SentSeries) -> str:
    return f"meters/{sent.name.meter}/channels/{sent.name.channel}"
