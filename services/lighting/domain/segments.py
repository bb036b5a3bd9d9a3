"""The plan of single luminaires, as segments of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lighting.domain.estate import Estate
from lighting.domain.levels import Clamp, LuminaireId, Segment
from lighting.domain.nights import night_of
from lighting.domain.resolve import Block, Resolution, resolved
from vocabulary.interval import Interval


def planned(
    estate: Estate, luminaires: Sequence[LuminaireId], during: Interval, *, triggered: bool = False
) -> Mapping[LuminaireId, tuple[Segment, ...]]:
    """Return what luminaires are to do in an interval: segments that tile it, joined where nothing changes. UnknownLamp."""
    first, last = night_of(during.start, estate.zone), night_of(during.end, estate.zone)
    resolution = resolved(estate, luminaires, first, last, triggered=triggered)
    by_pattern = segments_by_pattern(resolution)
    found: dict[LuminaireId, list[Segment]] = {}
    for number, members in enumerate(resolution.members):
        cut = tuple(within(by_pattern[number], during))
        for luminaire in members:
            found.setdefault(luminaire, []).extend(cut)
    return {luminaire: tuple(joined(sorted(found[luminaire], key=lambda one: one.start))) for luminaire in luminaires}


def segments_by_pattern(resolution: Resolution) -> Sequence[tuple[Segment, ...]]:
    """Return the segments of every pattern of a resolution, in order, joined where nothing changes."""
    found: list[list[Segment]] = [[] for _ in resolution.patterns]
    for block in resolution.blocks:
        numbers: list[int] = block.pattern.tolist()
        for row, number in enumerate(numbers):
            found[number].extend(_row(block, row, resolution))
    return [tuple(joined(sorted(segments, key=lambda one: one.start))) for segments in found]


def _row(block: Block, row: int, resolution: Resolution) -> Iterator[Segment]:
    steps = block.steps
    columns = (steps.bounds, steps.start_level, steps.level, steps.asked, steps.source, steps.clamp)
    cells: Any = [column[row].tolist() for column in columns]
    bounds, starts, levels, asked = cells[:4]
    sources: list[int] = cells[4]
    clamps: list[int] = cells[5]
    for number, (start, level) in enumerate(zip(starts, levels, strict=True)):
        if bounds[number] < bounds[number + 1]:
            yield Segment(
                start=datetime.fromtimestamp(bounds[number], UTC),
                end=datetime.fromtimestamp(bounds[number + 1], UTC),
                start_level=start,
                level=level,
                asked_level=asked[number],
                source=resolution.sources[sources[number]],
                clamp=Clamp(clamps[number]),
            )


def joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield segments with neighbours put together that differ in nothing but their times."""
    open_segment: Segment | None = None
    for segment in segments:
        if open_segment is not None and _goes_on(open_segment, segment):
            open_segment = replace(open_segment, end=segment.end)
            continue
        if open_segment is not None:
            yield open_segment
        open_segment = segment
    if open_segment is not None:
        yield open_segment


def _goes_on(before: Segment, after: Segment) -> bool:
    return not before.is_ramp and replace(before, start=after.start, end=after.end) == after


def within(segments: Iterable[Segment], during: Interval) -> Iterator[Segment]:
    """Yield the parts of segments that lie in an interval; a ramp that is cut starts and ends where it has come to."""
    for segment in segments:
        start, end = max(segment.start, during.start), min(segment.end, during.end)
        if start < end:
            yield replace(segment, start=start, end=end, start_level=level_at(segment, start), level=level_at(segment, end))


def level_at(segment: Segment, at: datetime) -> float:
    """Return the level of a segment at an instant from its start to its end."""
    if not segment.is_ramp:
        return segment.level
    share = (at - segment.start) / (segment.end - segment.start)
    return segment.start_level + (segment.level - segment.start_level) * share
