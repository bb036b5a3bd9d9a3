"""Counts known pieces into slots of civil time: exact sums, coverage and worst quality; nothing finer than the data."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Bools, Floats, Int8s, Int64s, cumulative, int8s, int64s, proportion
from metering.domain.consumption.pieces import SHORT_S, Method, Pieces
from vocabulary.civil import GAS_DAY_STARTS_AT, Granularity, slots
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval
from vocabulary.quality import Quality

NOMINAL_S = {
    Granularity.TEN_MINUTES: 600,
    Granularity.FIFTEEN_MINUTES: 900,
    Granularity.THIRTY_MINUTES: 1_800,
    Granularity.HOUR: 3_600,
    Granularity.DAY: 86_400,
    Granularity.GAS_DAY: 86_400,
    Granularity.WEEK: 7 * 86_400,
    Granularity.MONTH: 2_629_746,
    Granularity.HEATING_SEASON: 232 * 86_400,
    Granularity.YEAR: 31_556_952,
}
"""Seconds that a slot lasts, on the average for months and years."""

_STEPS = (Granularity.TEN_MINUTES, Granularity.FIFTEEN_MINUTES, Granularity.THIRTY_MINUTES, Granularity.HOUR)
_DAYS = (Granularity.DAY, Granularity.GAS_DAY)

_COARSE_NUMERATOR, _COARSE_DENOMINATOR = 3, 2
"""A piece more than one and a half times as long as a slot is coarser than the slot."""

_ALIGNED_SHARE = 20
"""A piece of which at most one twentieth of a slot sticks out counts as lying inside: a daily index taken at seven past midnight."""


class FinerThanData(Failure):
    """The question asks for slots shorter than the readings are apart."""

    reason, kind = "FINER_THAN_DATA", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Slots:
    """Slots of time, in order: start and end in UTC seconds, and how long one of them nominally lasts."""

    start: Int64s
    end: Int64s
    nominal_s: int

    def __len__(self) -> int:
        """Return how many slots there are."""
        return len(self.start)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Consumption:
    """What was used in each slot.

    start, end: UTC seconds. value: base units, the sum of all that is known of the slot; meaningless where `known` is false (missing is not
    zero). coverage: share of the slot's time, 0 to 1, that was measured. estimated: share of its time that was estimated; the rest is
    missing. quality: worst `Quality` in the slot, method: the furthest `Method` from the meter; both 0 where nothing is known. profile: the
    answer divides coarse readings by a profile, because the asker wanted it.
    """

    start: Int64s
    end: Int64s
    value: Int64s
    known: Bools
    coverage: Floats
    estimated: Floats
    quality: Int8s
    method: Int8s
    profile: bool = False

    def __len__(self) -> int:
        """Return how many slots there are."""
        return len(self.start)

    @property
    def total(self) -> int:
        """The exact sum of all that is known."""
        return int(self.value.sum())

    def part(self, first: int, last: int) -> "Consumption":
        """Return the slots from number `first` up to, not including, `last`."""
        names = ("start", "end", "value", "known", "coverage", "estimated", "quality", "method")
        return replace(self, **{name: getattr(self, name)[first:last] for name in names})

    def whole_percents(self) -> Int8s:
        """Return the coverage of each slot in whole per cent, rounded down."""
        # A hair above, because a share such as 0.29 is a little less than 29 per cent in binary.
        return int8s(np.floor(self.coverage * 100 + 1e-9))


def slots_of(during: Interval, granularity: Granularity, zone: ZoneInfo) -> Slots:
    """Return the slots of `vocabulary.civil.slots` as columns: every slot, whole, that shares an instant with `during`."""
    if granularity in _STEPS:
        step = NOMINAL_S[granularity]
        first = int(during.start.timestamp()) // step * step
        edges = np.arange(first, _ceiling(during.end) + step, step, dtype=np.int64)
        edges = edges[: int(np.searchsorted(edges, _ceiling(during.end), "left")) + 1]
    elif granularity in _DAYS:
        edges = _day_edges(during, time() if granularity is Granularity.DAY else GAS_DAY_STARTS_AT, zone)
    else:
        whole = [(int(slot.start.timestamp()), int(slot.end.timestamp())) for slot in slots(during, granularity, zone)]
        return Slots(start=int64s([one for one, _ in whole]), end=int64s([one for _, one in whole]), nominal_s=NOMINAL_S[granularity])
    return Slots(start=edges[:-1], end=edges[1:], nominal_s=NOMINAL_S[granularity])


def _ceiling(at: datetime) -> int:
    return -int(-at.timestamp() // 1)


def _day_edges(during: Interval, starts_at: time, zone: ZoneInfo) -> Int64s:
    first = during.start.astimezone(zone).date() - timedelta(days=1)
    last = during.end.astimezone(zone).date() + timedelta(days=1)
    edges = int64s([edge_of_day(date.fromordinal(day), starts_at, zone) for day in range(first.toordinal(), last.toordinal() + 1)])
    begin = int(np.searchsorted(edges, int(during.start.timestamp()), "right")) - 1
    end = int(np.searchsorted(edges, _ceiling(during.end), "left"))
    return edges[begin : end + 1]


def edge_of_day(day: date, starts_at: time, zone: ZoneInfo) -> int:
    """Return the UTC second at which a civil day that starts at a local time of day begins."""
    return int(datetime.combine(day, starts_at, zone).timestamp())


def counted(known: Pieces, into: Slots, *, by_profile: bool = False) -> Consumption:
    """Count pieces into slots, exactly: over slots that tile a stretch, the values add up to the pieces inside.

    A piece that a slot's edge cuts is divided by a straight line. Where the piece is short, or hardly sticks out, that is as good as
    measured; where it is longer, the slot is estimated; a piece much longer than the slots is not divided at all, and its time is missing,
    unless `by_profile`: then it is divided all the same, and the answer says so.
    """
    if not len(known) or not len(into):
        return _nothing_in(into, by_profile=by_profile)
    starts, ends = _edges(into)
    early = _Looked.up(known, starts)
    late = early.shifted() if ends is None else _Looked.up(known, ends)
    used, guessed = _classified(early if ends is None else early.and_then(late), into.nominal_s, by_profile=by_profile)
    certain = used & ~guessed & (known.quality <= Quality.MEASURED)
    count = len(into)
    value = late.amount(known.value, used) - early.amount(known.value, used)[:count]
    measured = late.seconds(certain) - early.seconds(certain)[:count]
    estimated = np.zeros_like(measured) if bool(certain.all()) else late.seconds(used & ~certain) - early.seconds(used & ~certain)[:count]
    spans = into.end - into.start
    quality = np.where(guessed, np.maximum(known.quality, Quality.ESTIMATED), known.quality)
    method = np.where(guessed, np.maximum(known.method, Method.PROFILE if by_profile else Method.LINEAR), known.method)
    there = measured + estimated > 0
    return Consumption(
        start=into.start,
        end=into.end,
        value=value,
        known=there,
        coverage=measured / spans,
        estimated=estimated / spans,
        quality=_worst(int8s(np.where(used, quality, 0)), known, into, there),
        method=_worst(int8s(np.where(used, method, 0)), known, into, there),
        profile=by_profile,
    )


def require_fine_enough(known: Pieces, into: Slots, granularity: Granularity) -> None:
    """Refuse slots that are finer than all readings they meet; where only some are coarse, their slots are missing instead.

    Raises FinerThanData with the hours required and available as metadata.
    """
    if not meets(known, into):
        return
    meeting = _meeting(known, into)
    duration = meeting.duration
    fine = ~_coarse(duration, into.nominal_s)
    if int(duration[fine].sum()) >= min(into.nominal_s, int(into.end[-1] - into.start[0])) or bool(fine.all()):
        return
    spacing = int(np.median(duration[~fine]))
    required, available = f"{into.nominal_s / 3600:g}", f"{spacing / 3600:g}"
    raise FinerThanData(
        f"{granularity.name} needs readings {required} h apart, they are {available} h apart",
        granularity=granularity.name,
        hours_required=required,
        hours_available=available,
    )


def meets(known: Pieces, into: Slots) -> bool:
    """Tell whether anything is known of the time of the slots."""
    return len(into) > 0 and len(_meeting(known, into)) > 0


def _meeting(known: Pieces, into: Slots) -> Pieces:
    return known.where((known.end > into.start[0]) & (known.start < into.end[-1]))


def _coarse(duration: Int64s, nominal_s: int) -> Bools:
    return duration * _COARSE_DENOMINATOR > nominal_s * _COARSE_NUMERATOR


def _classified(edges: "_Looked", nominal_s: int, *, by_profile: bool) -> tuple[Bools, Bools]:
    """Tell which pieces may be counted, and which of these are divided by guess."""
    duration = edges.duration
    used, guessed = np.ones(len(duration), dtype=np.bool_), np.zeros(len(duration), dtype=np.bool_)
    at = edges.cutting()
    if not len(at):
        return used, guessed
    piece, elapsed = edges.inside[at], edges.elapsed[at]
    sticks_out = np.zeros(len(duration), dtype=np.int64)
    np.maximum.at(sticks_out, piece, np.minimum(elapsed, duration[piece] - elapsed))
    cut = np.unique(piece)
    coarse = _coarse(duration[cut], nominal_s)
    used[cut] = by_profile | ~coarse
    guessed[cut] = coarse | ((duration[cut] > SHORT_S) & (sticks_out[cut] * _ALIGNED_SHARE > nominal_s))
    return used, guessed


def _edges(into: Slots) -> tuple[Int64s, Int64s | None]:
    """Return the instants to look up: n + 1 edges where slots touch, or else starts and ends apart."""
    if bool((into.start[1:] == into.end[:-1]).all()):
        return np.append(into.start, into.end[-1]), None
    return into.start, into.end


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Looked:
    """Where instants fall among pieces: in or after which piece, and how far into it."""

    inside: Int64s
    elapsed: Int64s
    duration: Int64s

    @staticmethod
    def up(known: Pieces, at: Int64s) -> "_Looked":
        inside = np.maximum(np.searchsorted(known.start, at, "right") - 1, 0)
        duration = known.duration
        return _Looked(inside=inside, elapsed=np.clip(at - known.start[inside], 0, duration[inside]), duration=duration)

    def shifted(self) -> "_Looked":
        """Return the same without the first instant."""
        return _Looked(inside=self.inside[1:], elapsed=self.elapsed[1:], duration=self.duration)

    def and_then(self, other: "_Looked") -> "_Looked":
        """Return both together."""
        return _Looked(
            inside=np.concatenate((self.inside, other.inside)),
            elapsed=np.concatenate((self.elapsed, other.elapsed)),
            duration=self.duration,
        )

    def cutting(self) -> Int64s:
        """Return which of the instants fall inside a piece, not between two."""
        return np.flatnonzero((self.elapsed > 0) & (self.elapsed < self.duration[self.inside]))

    def amount(self, value: Int64s, used: Bools) -> Int64s:
        """Return the sum of the used values before each instant, the piece in progress by a straight line, rounded down."""
        counting = value if bool(used.all()) else np.where(used, value, 0)
        inside, elapsed, lasting = self.inside, self.elapsed, self.duration[self.inside]
        of = counting[inside]
        passed = np.where(elapsed == lasting, of, 0)
        # Most edges fall between pieces: divide only where one falls inside.
        cut = self.cutting()
        passed[cut] = proportion(elapsed[cut], lasting[cut], of[cut])
        return cumulative(counting)[inside] + passed

    def seconds(self, chosen: Bools) -> Int64s:
        """Return the seconds before each instant that chosen pieces last."""
        if bool(chosen.all()):
            return cumulative(self.duration)[self.inside] + self.elapsed
        return cumulative(np.where(chosen, self.duration, 0))[self.inside] + np.where(chosen[self.inside], self.elapsed, 0)


def _worst(marks: Int8s, known: Pieces, into: Slots, there: Bools) -> Int8s:
    """Return the greatest mark of the pieces that each slot meets, 0 where it meets none."""
    if int(marks.min()) == int(marks.max()):
        return int8s(np.where(there, marks[0], 0))
    first = np.searchsorted(known.end, into.start, "right")
    last = np.searchsorted(known.start, into.end, "left")
    pairs = np.column_stack((first, last)).ravel()
    # The sentinel lets a range start after the last piece; where a range is empty, reduceat gives one element, which `there` hides.
    found = np.maximum.reduceat(np.append(marks, np.int8(0)), pairs)[::2]
    return int8s(np.where(there & (last > first), found, 0))


def _nothing_in(into: Slots, *, by_profile: bool) -> Consumption:
    zeros = np.zeros(len(into), dtype=np.int64)
    return Consumption(
        start=into.start,
        end=into.end,
        value=zeros,
        known=zeros > 0,
        coverage=zeros.astype(np.float64),
        estimated=zeros.astype(np.float64),
        quality=zeros.astype(np.int8),
        method=zeros.astype(np.int8),
        profile=by_profile,
    )
