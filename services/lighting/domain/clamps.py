"""Limits that no software level breaks: never off, never dimmed, not below a level when lit, and what drivers and circuits can do.

A lock-out and a switch at the cabinet are no software levels: works come first, and the hand on the switch is not ours. Nothing clamps
those.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lighting.domain.inventory import Limits
from lighting.domain.levels import Clamp, Control, Rank
from lighting.domain.steps import Flags, Floats, Ints, Steps, cut

_FULL = 100.0
_NO_SOFTWARE = (Rank.LOCK_OUT, Rank.LOCAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What of a luminaire limits its levels."""

    limits: Limits
    minimum_level: int
    control: Control


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Columns:
    """Traits by row, each a column beside the steps."""

    never_off: Flags
    never_dimmed: Flags
    switches_only: Flags
    not_below: Floats
    minimum: Floats

    @classmethod
    def of(cls, traits: Sequence[Traits]) -> "_Columns":
        def flags(values: Sequence[bool]) -> Flags:
            return np.array(values, dtype=np.bool_)[:, None]

        def levels(values: Sequence[int]) -> Floats:
            return np.array(values, dtype=np.float64)[:, None]

        return cls(
            never_off=flags([one.limits.never_off for one in traits]),
            never_dimmed=flags([one.limits.never_dimmed for one in traits]),
            switches_only=flags([one.control in (Control.CIRCUIT, Control.NONE) for one in traits]),
            not_below=levels([one.limits.not_below for one in traits]),
            minimum=levels([one.minimum_level for one in traits]),
        )


def clamped(steps: Steps, traits: Sequence[Traits], ranks: Sequence[Rank], sunset: Floats, sunrise: Floats) -> Steps:
    """Return the steps as the luminaires may do them: traits by row, ranks by number of source, night from sunset to sunrise by row.

    What is clamped already stays as it is.
    """
    parts = cut(steps, np.stack([sunset, sunrise], axis=1))
    columns = _Columns.of(traits)
    software = np.array([rank not in _NO_SOFTWARE for rank in ranks], dtype=np.bool_)[parts.source]
    dark = (parts.middle >= sunset[:, None]) & (parts.middle < sunrise[:, None])
    kept_on = software & columns.never_off & dark & ~parts.lit
    start, level, clamp = parts.start_level, parts.level, parts.clamp
    # A lamp that must not go out stays at the lowest level that it may have: its own floor, and full light where it has none.
    start, level = (np.where(kept_on, np.where(columns.not_below > 0, columns.not_below, _FULL), side) for side in (start, level))
    clamp = np.where(kept_on, Clamp.NEVER_OFF.value, clamp)
    lit = software & (np.maximum(start, level) > 0)
    for floor, reason in _floors(columns):
        start, level, clamp = _raised(lit, floor, reason, start, level, clamp)
    return replace(parts, start_level=start, level=level, clamp=clamp)


def _floors(columns: _Columns) -> Sequence[tuple[Floats, Clamp]]:
    """Return the lowest lit level by row for each reason, from the strictest on."""
    return (
        (np.where(columns.switches_only, _FULL, 0.0), Clamp.ON_OFF_ONLY),
        (np.where(columns.never_dimmed, _FULL, 0.0), Clamp.NEVER_DIMMED),
        (columns.not_below, Clamp.NOT_BELOW),
        (columns.minimum, Clamp.DRIVER_MINIMUM),
    )


def _raised(lit: Flags, floor: Floats, reason: Clamp, start: Floats, level: Floats, clamp: Ints) -> tuple[Floats, Floats, Ints]:
    """Lift both ends of a lit step to a floor: a ramp from or to darkness then runs from or to the floor, and crosses nothing below."""
    low = lit & (np.minimum(start, level) < floor)
    lifted: tuple[npt.NDArray[np.float64], ...] = tuple(np.where(low, np.maximum(side, floor), side) for side in (start, level))
    return lifted[0], lifted[1], np.where(low & (clamp == Clamp.NONE.value), reason.value, clamp)
