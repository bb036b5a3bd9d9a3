"""Kilograms of CO2 equivalent from dated factors, each line with its factor, basis, scope, method and source; a missing factor is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

from metering.domain.consumption.columns import int64s
from metering.domain.consumption.cost import rounded
from metering.domain.consumption.gas import CalorificBasis
from metering.domain.consumption.pieces import Pieces
from metering.domain.consumption.slots import Slots, counted
from metering.domain.consumption.tariffs import BASE_UNITS_PER, EmissionFactor, Scope
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval

MILLIGRAMS_PER_KILOGRAM = 1_000_000

PCI_PER_PCS = Fraction(901, 1000)
"""Natural gas: energy without the heat of the water vapour, as a share of the whole; of common use in France, and a parameter here."""


class ContradictoryFactors(Failure):
    """Two emission factors of the same scope and method hold at the same time."""

    reason, kind = "CONTRADICTORY_FACTORS", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionLine:
    """What a quantity emitted: milligrams of CO2 equivalent, rounded once. coverage: share of the time, 0 to 1, whose use is known.

    quantity: joules or millilitres as measured, before any change of basis.
    """

    during: Interval
    quantity: int
    factor: EmissionFactor
    milligrams: int
    coverage: float

    @property
    def kilograms(self) -> Fraction:
        """The same in kilograms, exactly."""
        return Fraction(self.milligrams, MILLIGRAMS_PER_KILOGRAM)


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingFactor:
    """Nobody entered a factor of the scope and method for this time."""

    scope: Scope
    method: str
    during: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownUse:
    """There is a factor, but nothing is known of what was used."""

    during: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Emissions:
    """The lines of a period, and what is missing from it."""

    lines: tuple[EmissionLine, ...]
    missing: tuple[MissingFactor | UnknownUse, ...]

    @property
    def total_milligrams(self) -> int:
        """The sum of the lines there are; less than was emitted unless nothing is missing."""
        return sum(line.milligrams for line in self.lines)


def emissions(
    during: Interval,
    known: Pieces,
    factors: Sequence[EmissionFactor],
    scope: Scope,
    method: str,
    *,
    basis: CalorificBasis | None = None,
    pci_per_pcs: Fraction = PCI_PER_PCS,
) -> Emissions:
    """Return what a use emitted, by the factors of one scope and one method, which are never mixed.

    basis: of `known`, where it is gas energy; a factor on the other basis is converted by `pci_per_pcs`. Raises ContradictoryFactors.
    """
    chosen = [factor for factor in factors if factor.scope is scope and factor.method == method]
    for one, other in combinations(chosen, 2):
        if one.validity.overlaps(other.validity):
            raise ContradictoryFactors("two factors of one scope and method hold at the same time", first=one.code, second=other.code)
    bounds = (bound for factor in chosen for bound in (factor.validity.start, factor.validity.end) if bound is not None)
    inner = sorted({bound for bound in bounds if during.start < bound < during.end})
    lines, missing = list[EmissionLine](), list[MissingFactor | UnknownUse]()
    for start, end in pairwise([during.start, *inner, during.end]):
        span = Interval(start=start, end=end)
        factor = next((one for one in chosen if one.validity.contains(start)), None)
        entry = _entry(known, span, factor, basis, pci_per_pcs) if factor else MissingFactor(scope=scope, method=method, during=span)
        if isinstance(entry, EmissionLine):
            lines.append(entry)
        else:
            missing.append(entry)
    return Emissions(lines=tuple(lines), missing=tuple(missing))


def _entry(
    known: Pieces, during: Interval, factor: EmissionFactor, basis: CalorificBasis | None, pci_per_pcs: Fraction
) -> EmissionLine | UnknownUse:
    start, end = int(during.start.timestamp()), int(during.end.timestamp())
    answer = counted(known, Slots(start=int64s([start]), end=int64s([end]), nominal_s=end - start))
    if not bool(answer.known[0]):
        return UnknownUse(during=during)
    amount = Fraction(answer.total * factor.milligrams, BASE_UNITS_PER[factor.unit]) * _change_of_basis(basis, factor.basis, pci_per_pcs)
    coverage = float(answer.coverage[0] + answer.estimated[0])
    return EmissionLine(during=during, quantity=answer.total, factor=factor, milligrams=rounded(amount), coverage=coverage)


def _change_of_basis(measured: CalorificBasis | None, asked: CalorificBasis | None, pci_per_pcs: Fraction) -> Fraction:
    """Return by what energy on one basis is multiplied to have it on the other."""
    if measured is None or asked is None or measured is asked:
        return Fraction(1)
    return pci_per_pcs if asked is CalorificBasis.PCI else 1 / pci_per_pcs
