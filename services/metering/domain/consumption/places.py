"""Totals of a place: the points at its boundary, each for as long as it was one, so that nothing counts twice and levels add up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Floats, Int64s, int8s
from metering.domain.consumption.pieces import Pieces
from metering.domain.consumption.slots import Consumption, Slots, counted, slots_of
from vocabulary.civil import Granularity
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId


class TwoParents(Failure):
    """A place or a point has two parents, or a point two places, at the same time."""

    reason, kind = "TWO_PARENTS", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class UseKind:
    """What is added up: kinds are never mixed; gas in joules and gas in millilitres are two."""

    flux: Flux
    quantity: Quantity
    direction: Direction


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceParent:
    """A place lies in another, for a time."""

    place: PlaceId
    parent: PlaceId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPlace:
    """A metering point measures what a place uses, for a time."""

    point: PointId
    place: PlaceId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class PointParent:
    """A metering point measures part of what another measures, for a time."""

    point: PointId
    parent: PointId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How places and points hang together over time."""

    places: tuple[PlaceParent, ...] = ()
    points: tuple[PointPlace, ...] = ()
    sub_meters: tuple[PointParent, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PointUse:
    """What is known of one point's use of one kind."""

    point: PointId
    kind: UseKind
    pieces: Pieces


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlaceTotal:
    """A place's use of one kind.

    total: its coverage and estimated share are of the time that points ought to have measured, all points together. points: what each
    boundary point contributed, its shares being of the time for which it was one.
    """

    total: Consumption
    points: Mapping[PointId, Consumption]


_Child = TypeVar("_Child", bound=str)
_Parent = TypeVar("_Parent", bound=str)
_Id = TypeVar("_Id", bound=str)

Stretches: TypeAlias = tuple[tuple[int, int], ...]
"""Disjoint stretches of time in UTC seconds, in order."""


def place_totals(
    place: PlaceId,
    layout: Layout,
    uses: Sequence[PointUse],
    during: Interval,
    granularity: Granularity,
    zone: ZoneInfo,
    *,
    by_profile: bool = False,
) -> Mapping[UseKind, PlaceTotal]:
    """Return a place's totals by kind, for every kind of which it has a boundary point at some time.

    `uses` has every point that may lie in the place, those without any reading included: they lower the coverage. With `by_profile`,
    readings coarser than the slots are divided in proportion to time, and the totals say so.
    Raises TwoParents where the layout contradicts itself.
    """
    into = slots_of(during, granularity, zone)
    if not len(into):
        return {}
    totals: dict[UseKind, PlaceTotal] = {}
    for kind in dict.fromkeys(use.kind for use in uses):
        pieces = {use.point: use.pieces for use in uses if use.kind == kind}
        boundary = boundary_stretches(place, layout, frozenset(pieces), int(into.start[0]), int(into.end[-1]))
        if boundary:
            parts = {point: _of_point(pieces[point], stretches, into, by_profile=by_profile) for point, stretches in boundary.items()}
            totals[kind] = _added(parts, into, by_profile=by_profile)
    return totals


def boundary_stretches(place: PlaceId, layout: Layout, points: frozenset[PointId], start: int, end: int) -> dict[PointId, Stretches]:
    """Return when each of the points counts for the place within `[start, end)`, in UTC seconds, leaving out those that never do.

    points: those that measure the kind in question. One counts while it is assigned to the place or to a place beneath, unless another of
    them that it is a part of, however indirectly, counts as well.
    """
    found: dict[PointId, list[tuple[int, int]]] = {}
    for begin, finish in pairwise(_changes(layout, start, end)):
        for point in _boundary_at(place, layout, points, begin):
            stretches = found.setdefault(point, [])
            if stretches and stretches[-1][1] == begin:
                stretches[-1] = (stretches[-1][0], finish)
            else:
                stretches.append((begin, finish))
    return {point: tuple(stretches) for point, stretches in found.items()}


def _changes(layout: Layout, start: int, end: int) -> list[int]:
    """Return start, end, and every instant between at which a fact begins or ceases to hold."""
    bounds = (bound for row in (*layout.places, *layout.points, *layout.sub_meters) for bound in (row.validity.start, row.validity.end))
    return sorted({start, end, *(second for second in _seconds(bounds) if start < second < end)})


def _seconds(bounds: Iterable[datetime | None]) -> Iterable[int]:
    return (int(bound.timestamp()) for bound in bounds if bound is not None)


def _boundary_at(place: PlaceId, layout: Layout, points: frozenset[PointId], at: int) -> list[PointId]:
    parents = _single((row.place, row.parent) for row in layout.places if _holds(row.validity, at))
    homes = _single((row.point, row.place) for row in layout.points if row.point in points and _holds(row.validity, at))
    wholes = _single((row.point, row.parent) for row in layout.sub_meters if _holds(row.validity, at))
    inside = {point for point, home in homes.items() if home == place or place in _chain(home, parents)}
    return sorted(point for point in inside if not inside.intersection(_chain(point, wholes)))


def _holds(validity: Validity, at: int) -> bool:
    return (validity.start is None or validity.start.timestamp() <= at) and (validity.end is None or at < validity.end.timestamp())


def _single(rows: Iterable[tuple[_Child, _Parent]]) -> dict[_Child, _Parent]:
    found: dict[_Child, _Parent] = {}
    for child, parent in rows:
        if found.setdefault(child, parent) != parent:
            raise TwoParents(
                f"{child} belongs to {found[child]} and to {parent} at the same time", child=child, parents=f"{found[child]},{parent}"
            )
    return found


def _chain(child: _Id, parents: Mapping[_Id, _Id]) -> list[_Id]:
    """Return all ancestors, nearest first; a circle ends where it closes."""
    chain: list[_Id] = []
    while child in parents and parents[child] not in chain:
        child = parents[child]
        chain.append(child)
    return chain


def _of_point(known: Pieces, stretches: Stretches, into: Slots, *, by_profile: bool) -> "_Part":
    """Count one point into the slots, for as long as it is a boundary point; a change inside a slot splits the slot's time."""
    windows = _windows(stretches, into)
    answer, slot = counted(known, windows, by_profile=by_profile), np.searchsorted(into.end, windows.start, "right")
    lasting = windows.end - windows.start
    if len(windows) == len(into) and bool((slot[1:] > slot[:-1]).all()):
        # One window in each slot, as nearly always: nothing to sum.
        return _Part(
            value=answer.value,
            expected=lasting,
            measured=np.rint(answer.coverage * lasting).astype(np.int64),
            estimated=np.rint(answer.estimated * lasting).astype(np.int64),
            quality=answer.quality.astype(np.int64),
            method=answer.method.astype(np.int64),
        )
    part = _Part.empty(len(into))
    np.add.at(part.value, slot, answer.value)
    np.add.at(part.expected, slot, lasting)
    np.add.at(part.measured, slot, np.rint(answer.coverage * lasting).astype(np.int64))
    np.add.at(part.estimated, slot, np.rint(answer.estimated * lasting).astype(np.int64))
    np.maximum.at(part.quality, slot, answer.quality)
    np.maximum.at(part.method, slot, answer.method)
    return part


def _windows(stretches: Stretches, into: Slots) -> Slots:
    """Return the slots cut by the stretches."""
    starts, ends = list[Int64s](), list[Int64s]()
    for start, end in stretches:
        touched = slice(int(np.searchsorted(into.end, start, "right")), int(np.searchsorted(into.start, end, "left")))
        starts.append(np.maximum(into.start[touched], start))
        ends.append(np.minimum(into.end[touched], end))
    start, end = np.concatenate(starts), np.concatenate(ends)
    return Slots(start=start[start < end], end=end[start < end], nominal_s=into.nominal_s)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Part:
    """Sums per slot; all times in seconds."""

    value: Int64s
    expected: Int64s
    measured: Int64s
    estimated: Int64s
    quality: Int64s
    method: Int64s

    @staticmethod
    def empty(slots: int) -> "_Part":
        value, expected, measured, estimated, quality, method = np.zeros((6, slots), dtype=np.int64)
        return _Part(value=value, expected=expected, measured=measured, estimated=estimated, quality=quality, method=method)

    def answer(self, into: Slots, *, by_profile: bool) -> Consumption:
        return Consumption(
            start=into.start,
            end=into.end,
            value=self.value,
            known=self.measured + self.estimated > 0,
            coverage=_share(self.measured, self.expected),
            estimated=_share(self.estimated, self.expected),
            quality=int8s(self.quality),
            method=int8s(self.method),
            profile=by_profile,
        )


def _added(parts: Mapping[PointId, _Part], into: Slots, *, by_profile: bool) -> PlaceTotal:
    total = _Part.empty(len(into))
    for part in parts.values():
        for column in ("value", "expected", "measured", "estimated"):
            np.add(getattr(total, column), getattr(part, column), out=getattr(total, column))
        np.maximum(total.quality, part.quality, out=total.quality)
        np.maximum(total.method, part.method, out=total.method)
    points = {point: part.answer(into, by_profile=by_profile) for point, part in parts.items()}
    return PlaceTotal(total=total.answer(into, by_profile=by_profile), points=points)


def _share(part: Int64s, whole: Int64s) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
