"""Readings: messages to and from columns."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from metering.domain.series.batch import ROWS_PER_BATCH, BatchTooLarge, Receipt, RefusedReading, Stored
from metering.domain.series.columns import Columns, ReadingKind, SentSeries, SeriesName, Versions, columns_of
from multiflux.metering.v1 import reading_pb2 as pb
from vocabulary.deltas import DeltaColumn, MalformedColumn, packed, unpacked
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.flux import BaseUnit
from vocabulary.names import PointId, TerritoryId, checked_id
from wire.instants import instant

_UNITS = {
    pb.READING_UNIT_JOULE: BaseUnit.JOULE,
    pb.READING_UNIT_MILLILITRE: BaseUnit.MILLILITRE,
    pb.READING_UNIT_WATT: BaseUnit.WATT,
    pb.READING_UNIT_VOLT_AMPERE_REACTIVE: BaseUnit.VOLT_AMPERE_REACTIVE,
    pb.READING_UNIT_VOLT_AMPERE: BaseUnit.VOLT_AMPERE,
}
_AMOUNT_UNITS = {
    "energy_joules": BaseUnit.JOULE,
    "volume_millilitres": BaseUnit.MILLILITRE,
    "power_watts": BaseUnit.WATT,
    "reactive_power_vars": BaseUnit.VOLT_AMPERE_REACTIVE,
    "maximum_power_volt_amperes": BaseUnit.VOLT_AMPERE,
}
_CHANNEL_PARTS = 4

N = TypeVar("N", np.int8, np.int32)
_LONGEST_S = np.iinfo(np.int32).max
_BLOCK_ROWS = 100_000


class InvalidChannel(Failure):
    """A channel is not named as `meters/{meter}/channels/{channel}`."""

    reason, kind = "INVALID_NAME", Kind.INVALID


def channel_from_proto(name: str) -> tuple[PointId, str]:
    """Return the meter and the channel's id in `meters/{meter}/channels/{channel}`."""
    parts = name.split("/")
    if len(parts) != _CHANNEL_PARTS or parts[0] != "meters" or parts[2] != "channels":
        raise InvalidChannel(f"{name!r} is not of the form meters/{{meter}}/channels/{{channel}}", name=name)
    return PointId(checked_id(parts[1])), checked_id(parts[3])


def kind_from_proto(kind: int, field: str) -> ReadingKind:
    """Return the kind of readings; InvalidRequest names `field` when it is unspecified or unknown."""
    try:
        return ReadingKind(kind)
    except ValueError:
        raise invalid(field, "is not a kind of readings") from None


def series_from_proto(message: pb.SentSeries, territory: TerritoryId) -> SentSeries:
    """Return an announced series."""
    meter, channel = channel_from_proto(message.channel)
    unit = _UNITS.get(message.unit)
    if unit is None:
        raise invalid("new_series.unit", "is required")
    kind = kind_from_proto(message.kind, "new_series.kind")
    return SentSeries(name=SeriesName(territory=territory, meter=meter, channel=channel, kind=kind), unit=unit)


def integers_from_proto(message: pb.IntegerColumn, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the `count` values of a column; MalformedColumn when its bytes do not fit."""
    return unpacked(DeltaColumn(first=message.first, scale=message.scale or 1, width=message.width, deltas=message.deltas), count)


def integers_to_proto(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pb.IntegerColumn:
    """Return values as a column."""
    column = packed(values)
    return pb.IntegerColumn(first=column.first, scale=column.scale, width=column.width, deltas=column.deltas)


def columns_from_proto(message: pb.ReadingColumns) -> Columns:
    """Return a batch's readings, their `series` being places among the series that the call announced."""
    count, runs = message.reading_count, message.run_count
    if count > ROWS_PER_BATCH:
        raise BatchTooLarge(count)
    if count < 0 or not 0 <= runs <= count:
        raise MalformedColumn(f"{runs} runs cannot hold {count} readings", runs=str(runs), count=str(count))
    lengths = integers_from_proto(message.run_lengths, runs)
    # Each length is bounded before they are added up: a sum must not wrap around to the right number.
    if (runs and (int(lengths.min()) < 1 or int(lengths.max()) > count)) or int(lengths.sum()) != count:
        raise MalformedColumn(f"runs do not add up to {count} readings", runs=str(runs), count=str(count))
    places = np.clip(integers_from_proto(message.run_series, runs), -1, _LONGEST_S).astype(np.int32)
    # What does not fit the narrow types becomes a value that the checks refuse.
    durations = _narrow(message.durations, count, np.dtype(np.int32))
    qualities = _narrow(message.qualities, count, np.dtype(np.int8))
    return Columns(
        series=np.repeat(places, lengths),
        time=integers_from_proto(message.times, count),
        duration=durations,
        value=integers_from_proto(message.values, count),
        quality=qualities,
    )


def _narrow(message: pb.IntegerColumn, count: int, kind: np.dtype[N]) -> np.ndarray[tuple[int], np.dtype[N]]:
    most = int(np.iinfo(kind).max)
    if not message.width:
        return np.full(count, max(-1, min(message.first, most)), kind)
    return np.clip(integers_from_proto(message, count), -1, most).astype(kind)


def columns_to_proto(columns: Columns) -> pb.ReadingColumns:
    """Return readings, whose `series` are places among announced ones, as a message; what senders do."""
    changes = np.ones(len(columns), np.bool_)
    np.not_equal(columns.series[1:], columns.series[:-1], out=changes[1:])
    starts = np.flatnonzero(changes)
    return pb.ReadingColumns(
        reading_count=len(columns),
        run_count=len(starts),
        run_series=integers_to_proto(columns.series[starts].astype(np.int64)),
        run_lengths=integers_to_proto(np.diff(np.append(starts, len(columns))).astype(np.int64)),
        times=integers_to_proto(columns.time),
        durations=integers_to_proto(columns.duration.astype(np.int64)),
        values=integers_to_proto(columns.value),
        qualities=integers_to_proto(columns.quality.astype(np.int64)),
    )


def readings_from_proto(
    registers: Sequence[pb.RegisterReading], intervals: Sequence[pb.IntervalReading], territory: TerritoryId
) -> tuple[tuple[SentSeries, ...], Columns]:
    """Return single readings as the series that they announce and columns of places among them."""
    announced: dict[SentSeries, int] = {}
    rows = [_register_row(announced, one, territory) for one in registers]
    rows += [_interval_row(announced, one, territory) for one in intervals]
    return tuple(announced), columns_of(rows)


def _register_row(announced: dict[SentSeries, int], message: pb.RegisterReading, territory: TerritoryId) -> tuple[int, int, int, int, int]:
    amount = message.WhichOneof("index")
    if amount is None:
        raise invalid("register_readings.index", "is required")
    place = _announced(announced, message.channel, ReadingKind.REGISTER, amount, territory)
    time = int(instant(message, "sample_time", within="register_readings").timestamp())
    return place, time, 0, getattr(message, amount), min(message.quality, 127)


def _interval_row(announced: dict[SentSeries, int], message: pb.IntervalReading, territory: TerritoryId) -> tuple[int, int, int, int, int]:
    amount = message.WhichOneof("amount")
    if amount is None:
        raise invalid("interval_readings.amount", "is required")
    if not message.HasField("duration"):
        raise invalid("interval_readings.duration", "is required")
    place = _announced(announced, message.channel, ReadingKind.INTERVAL, amount, territory)
    time = int(instant(message, "start_time", within="interval_readings").timestamp())
    duration = max(-1, min(message.duration.seconds, _LONGEST_S)) if not message.duration.nanos else -1
    return place, time, duration, getattr(message, amount), min(message.quality, 127)


def _announced(announced: dict[SentSeries, int], channel: str, kind: ReadingKind, amount: str, territory: TerritoryId) -> int:
    meter, channel_id = channel_from_proto(channel)
    name = SeriesName(territory=territory, meter=meter, channel=channel_id, kind=kind)
    return announced.setdefault(SentSeries(name=name, unit=_AMOUNT_UNITS[amount]), len(announced))


def stored_to_proto(stored: Stored, *, batch_number: int = 0) -> pb.Acknowledgement:
    """Return what became of a batch as an acknowledgement."""
    reasons = sorted(set(stored.refusals.reasons.tolist()))
    refusals = [
        pb.RefusedRows(reason=pb.RefusalReason.ValueType(reason), rows=stored.refusals.rows[stored.refusals.reasons == reason].tolist())
        for reason in reasons
    ]
    return pb.Acknowledgement(
        batch_number=batch_number,
        sequence=stored.sequence,
        stored_count=stored.stored,
        duplicate_count=stored.duplicates,
        refusals=[] if stored.replayed else refusals,
        replayed=stored.replayed,
    )


def blocks_to_proto(versions: Versions) -> list[pb.SeriesBlock]:
    """Return what holds of one series as blocks of columns, one empty block when there is nothing."""
    return [_block(versions.columns.take(slice(at, at + _BLOCK_ROWS))) for at in range(0, max(len(versions), 1), _BLOCK_ROWS)]


def _block(columns: Columns) -> pb.SeriesBlock:
    return pb.SeriesBlock(
        reading_count=len(columns),
        times=integers_to_proto(columns.time),
        durations=integers_to_proto(columns.duration.astype(np.int64)),
        values=columns.value.astype("<i8").tobytes(),
        qualities=integers_to_proto(columns.quality.astype(np.int64)),
    )


def refused_to_proto(reading: RefusedReading) -> pb.RefusedReading:
    """Return a refused reading as a message."""
    channel = reading.sent_name if reading.series is None else f"meters/{reading.series.meter}/channels/{reading.series.channel}"
    message = pb.RefusedReading(
        refusal_number=reading.number,
        channel=channel,
        value=reading.value,
        quality=reading.quality,
        reason=pb.RefusalReason.ValueType(reading.reason),
    )
    message.time.seconds = reading.time
    message.duration.seconds = reading.duration
    return message


def receipt_to_proto(receipt: Receipt) -> pb.ForgetReceipt:
    """Return a receipt as a message."""
    return pb.ForgetReceipt(receipt_number=receipt.number, erased_count=receipt.erased, sequence=receipt.sequence)
