"""A forecast as the bytes that are kept: a head, then little-endian columns, then JSON of the scores."""

import json
import struct
from datetime import UTC, datetime

import numpy as np

from forecast.domain.kept import Forecast, ModelScore, Subject, WeatherBasis

_HEAD = struct.Struct("<BBBBBBIdddq")
_VERSION = 1


def encoded(forecast: Forecast) -> bytes:
    """Return the bytes."""
    model = forecast.model.encode()
    levels = np.array(forecast.levels, "<f4").tobytes()
    calendar, weather, recent = forecast.parts
    head = _HEAD.pack(
        _VERSION,
        len(model),
        forecast.basis.value,
        forecast.mean is not None,
        forecast.sums is not None,
        len(forecast.levels),
        len(forecast.starts),
        calendar,
        weather,
        recent,
        int(forecast.latest.timestamp()),
    )
    mean = b"" if forecast.mean is None else forecast.mean.astype("<f4").tobytes()
    columns = (forecast.starts.astype("<i8").tobytes(), forecast.ends.astype("<i8").tobytes(), mean)
    sums = b"" if forecast.sums is None else forecast.sums.astype("<f4").tobytes()
    scores = json.dumps([(one.model, one.wape, one.origins) for one in forecast.scores]).encode() if forecast.scores else b""
    return b"".join((head, model, levels, *columns, forecast.quantiles.astype("<f4").tobytes(), sums, scores))


def decoded(subject: Subject, issued: datetime, body: bytes) -> Forecast:
    """Return the forecast that the bytes were."""
    _, model_bytes, basis, with_mean, with_sums, levels, slots, calendar, weather, recent, latest = _HEAD.unpack_from(body)
    at = _HEAD.size
    model, at = body[at : at + model_bytes].decode(), at + model_bytes
    level_column, at = np.frombuffer(body, "<f4", levels, at), at + 4 * levels
    starts, at = np.frombuffer(body, "<i8", slots, at), at + 8 * slots
    ends, at = np.frombuffer(body, "<i8", slots, at), at + 8 * slots
    mean = np.frombuffer(body, "<f4", slots, at) if with_mean else None
    at += 4 * slots if with_mean else 0
    quantiles, at = np.frombuffer(body, "<f4", slots * levels, at).reshape(slots, levels), at + 4 * slots * levels
    sums = np.frombuffer(body, "<f4", slots * levels, at).reshape(slots, levels) if with_sums else None
    scores = body[at + (4 * slots * levels if with_sums else 0) :]
    return Forecast(
        subject=subject,
        issued=issued,
        model=model,
        basis=WeatherBasis(basis),
        starts=starts.astype(np.int64),
        ends=ends.astype(np.int64),
        levels=tuple(round(float(level), 4) for level in level_column),
        mean=mean,
        quantiles=quantiles,
        sums=sums,
        parts=(calendar, weather, recent),
        latest=datetime.fromtimestamp(latest, UTC),
        scores=tuple(ModelScore(model=name, wape=wape, origins=count) for name, wape, count in json.loads(scores or b"[]")),
    )
