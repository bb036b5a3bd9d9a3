"""Lays out the bars of one flux: pure geometry, drawn by the template as SVG. Quality is form: solid, hatched, hollow, or a gap."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from vocabulary.quality import Quality

WIDTH, HEIGHT = 720.0, 220.0
LEFT, BOTTOM, TOP = 56.0, 24.0, 12.0
_BAR_SHARE = 0.8
_GOOD_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Form(Enum):
    """How a bar is drawn; the names are classes of the style sheet."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    SUSPECT = "suspect"
    GAP = "gap"


def form_of(quality: Quality | None) -> Form:
    """Return the form of a quality; None is a gap."""
    match quality:
        case None:
            return Form.GAP
        case Quality.CORRECTED | Quality.MEASURED:
            return Form.MEASURED
        case Quality.ESTIMATED:
            return Form.ESTIMATED
        case Quality.SUSPECT:
            return Form.SUSPECT


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """What a bar stands for: its amount in display units, None for a gap, and its words."""

    value: float | None
    quality: Quality | None
    name: str
    tick: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A rectangle in SVG units, with the words that a pointer or a screen reader finds."""

    x: float
    y: float
    width: float
    height: float
    form: Form
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Bars and axes, in a box of WIDTH × HEIGHT SVG units."""

    bars: tuple[Bar, ...]
    times: tuple[Tick, ...]
    values: tuple[Tick, ...]
    zero: float


def axis_steps(greatest: float) -> list[float]:
    """Return three to six round marks from zero to at least `greatest`."""
    if greatest <= 0:
        return [0.0, 1.0]
    rough = greatest / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(good * magnitude for good in _GOOD_STEPS if good * magnitude >= rough)
    return [step * n for n in range(math.ceil(greatest / step) + 1)]


def bars(slots: Sequence[Slot], write: Callable[[float], str], *, most_ticks: int = 12) -> Chart:
    """Lay out one bar a slot; `write` turns an axis value into text."""
    steps = axis_steps(max((slot.value for slot in slots if slot.value is not None), default=0.0))
    zero, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / steps[-1]
    pitch = (WIDTH - LEFT) / max(len(slots), 1)
    every = max(1, math.ceil(len(slots) / most_ticks))
    return Chart(
        bars=tuple(_bar(slot, LEFT + pitch * n, pitch, zero, scale) for n, slot in enumerate(slots)),
        times=tuple(Tick(at=LEFT + pitch * (n + 0.5), text=slot.tick) for n, slot in enumerate(slots) if n % every == 0),
        values=tuple(Tick(at=zero - step * scale, text=write(step)) for step in steps),
        zero=zero,
    )


def _bar(slot: Slot, x: float, pitch: float, zero: float, scale: float) -> Bar:
    height = 0.0 if slot.value is None else max(slot.value, 0.0) * scale
    form = form_of(None if slot.value is None else slot.quality)
    return Bar(x=x + pitch * (1 - _BAR_SHARE) / 2, y=zero - height, width=pitch * _BAR_SHARE, height=height, form=form, text=slot.text)
