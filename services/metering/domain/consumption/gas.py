"""Gas energy: the distributor's where it is given, otherwise volume times a dated coefficient, which is an estimate and says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from metering.domain.consumption.columns import Int64s
from metering.domain.consumption.pieces import Method, Pieces, clipped, joined, pieces
from vocabulary.failure import Failure, Kind
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE
from vocabulary.interval import Interval, Validity
from vocabulary.quality import Quality


class CalorificBasis(Enum):
    """Whether the heat of the water vapour counts: in France energy is billed as PCS, and often judged as PCI (about 0.901 of it)."""

    PCS = "PCS"
    PCI = "PCI"


class ContradictoryCoefficients(Failure):
    """Two coefficients hold at the same time."""

    reason, kind = "CONTRADICTORY_COEFFICIENTS", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Coefficient:
    """The energy in a cubic metre as metered, for a time.

    watt_hours_per_cubic_metre: typically 8,500 to 13,000. corrected: whether the metered volume is already corrected for pressure and
    temperature; the coefficient belongs to that kind of volume alone.
    """

    watt_hours_per_cubic_metre: int
    basis: CalorificBasis
    corrected: bool
    validity: Validity
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """A stretch of time whose energy comes from volume, and the coefficient that made it."""

    during: Interval
    coefficient: Coefficient


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GasEnergy:
    """Energy in joules; `converted` names each coefficient used. Volume without a coefficient has no energy: its time is missing."""

    pieces: Pieces
    basis: CalorificBasis
    converted: tuple[Converted, ...]


def gas_energy(
    volume: Pieces, given: Pieces, coefficients: Sequence[Coefficient], *, corrected: bool, basis: CalorificBasis = CalorificBasis.PCS
) -> GasEnergy:
    """Return the energy of a gas point: `given` (joules, from the distributor) where it is, elsewhere `volume` (millilitres), converted.

    corrected: whether `volume` is corrected. Only coefficients of that kind and of `basis` are used.
    Raises ContradictoryCoefficients where two hold at the same time.
    """
    fitting = [one for one in coefficients if one.corrected is corrected and one.basis is basis]
    for at, one in enumerate(fitting):
        if any(one.validity.overlaps(other.validity) for other in fitting[at + 1 :]):
            raise ContradictoryCoefficients("two coefficients hold at the same time", basis=basis.value)
    if not len(volume):
        return GasEnergy(pieces=given, basis=basis, converted=())
    free = _not_covered_by(given, int(volume.start[0]), int(volume.end[-1]))
    parts: list[Pieces] = [given]
    converted: list[Converted] = []
    for start, end in free:
        for one in fitting:
            part = _part(volume, one.validity, start, end)
            if len(part):
                parts.append(
                    pieces(
                        part.start, part.end, energy_of(part.value, one), np.maximum(part.quality, Quality.ESTIMATED), Method.COEFFICIENT
                    )
                )
                converted.append(Converted(during=part.span(), coefficient=one))
    return GasEnergy(pieces=joined(parts), basis=basis, converted=tuple(sorted(converted, key=lambda each: each.during.start)))


def energy_of(volume_ml: Int64s, coefficient: Coefficient) -> Int64s:
    """Return the joules in volumes of millilitres, so that the running sum is rounded, not each."""
    joules_per_cubic_metre = coefficient.watt_hours_per_cubic_metre * JOULES_PER_WATT_HOUR
    running = np.cumsum(volume_ml)
    # Cubic metres and the rest apart: joules per cubic metre times millilitres would leave 64 bits within a year of a large boiler.
    whole, rest = np.divmod(running, MILLILITRES_PER_CUBIC_METRE)
    energy = whole * joules_per_cubic_metre + rest * joules_per_cubic_metre // MILLILITRES_PER_CUBIC_METRE
    return np.diff(energy, prepend=np.int64(0))


def _part(volume: Pieces, validity: Validity, start: int, end: int) -> Pieces:
    begin = start if validity.start is None else max(start, int(validity.start.timestamp()))
    finish = end if validity.end is None else min(end, int(validity.end.timestamp()))
    return clipped(volume, begin, finish) if begin < finish else clipped(volume, start, start)


def _not_covered_by(given: Pieces, start: int, end: int) -> list[tuple[int, int]]:
    begins = [start, *np.maximum(given.end, start).tolist()]
    ends = [*np.minimum(given.start, end).tolist(), end]
    return [(begin, finish) for begin, finish in zip(begins, ends, strict=True) if begin < finish]
