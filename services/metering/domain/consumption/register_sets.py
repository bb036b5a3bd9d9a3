"""Chooses among the register sets of one meter, which count the same thing, and checks the others against the chosen one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from metering.domain.consumption.channel import agree
from metering.domain.consumption.columns import int64s
from metering.domain.consumption.pieces import Pieces, amount_before
from metering.domain.consumption.slots import Slots, counted
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval

_COMPLETE = 0.999


class SetRole(IntEnum):
    """Who divides the day into a set's tariff slots; a smaller number is preferred among equals."""

    TOTAL = 1
    SUPPLIER = 2
    DISTRIBUTOR = 3


class NoRegisterSet(Failure):
    """The meter has no register set to choose from."""

    reason, kind = "NO_REGISTER_SET", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RegisterSet:
    """One way in which a meter divides what it counts: all channels together are the whole.

    channels: pieces by tariff slot; a total has one, under any name. resolution: base units of the registers' last digit.
    """

    name: str
    role: SetRole
    channels: Mapping[str, Pieces]
    resolution: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SumCheck:
    """Another set beside the chosen one, both summed over the part of the window that both cover whole."""

    name: str
    during: Interval
    total: int
    chosen_total: int
    agrees: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The set that answers a question.

    Coverage: 0 to 1, of its least covered channel. checks: the other sets, where something can be compared.
    """

    chosen: RegisterSet
    coverage: float
    checks: tuple[SumCheck, ...]

    @property
    def complete(self) -> bool:
        """Tell whether the set covers the whole window."""
        return self.coverage >= _COMPLETE


def chosen_set(sets: Sequence[RegisterSet], during: Interval, *, by_slot: bool = False) -> Choice:
    """Choose one set for a question: complete over the window; of these the finest slots if `by_slot`, otherwise the total.

    Where none is complete, the best covered one answers. Raises NoRegisterSet where there is none at all.
    """
    if not sets:
        raise NoRegisterSet("the meter has no register set to choose from")
    covered = {one.name: coverage(one, during) for one in sets}

    def rank(one: RegisterSet) -> tuple[float, int, int, str]:
        share = 1.0 if covered[one.name] >= _COMPLETE else covered[one.name]
        return -share, -len(one.channels) if by_slot else 0, one.role, one.name

    chosen = min(sets, key=rank)
    checks = (checked(chosen, one, during) for one in sorted(sets, key=lambda each: each.name) if one is not chosen)
    return Choice(chosen=chosen, coverage=covered[chosen.name], checks=tuple(one for one in checks if one is not None))


def coverage(one: RegisterSet, during: Interval) -> float:
    """Return the share of the window that the set's least covered channel covers with known pieces."""
    return min((_covered(known, during) for known in one.channels.values()), default=0.0)


def checked(chosen: RegisterSet, other: RegisterSet, during: Interval) -> SumCheck | None:
    """Compare two sets over the part of the window that both cover whole; None where there is no such part.

    They agree within two steps of the coarser register for each channel, or within 0.5 %.
    """
    part: Interval | None = during
    for known in (*chosen.channels.values(), *other.channels.values()):
        part = part and _span(known, part)
    if part is None or min(coverage(chosen, part), coverage(other, part)) < _COMPLETE:
        return None
    total, chosen_total = _total(other, part), _total(chosen, part)
    resolution = max(chosen.resolution, other.resolution) * max(len(chosen.channels), len(other.channels))
    return SumCheck(name=other.name, during=part, total=total, chosen_total=chosen_total, agrees=agree(total, chosen_total, resolution))


def _span(known: Pieces, during: Interval) -> Interval | None:
    """Return the time from the first to the last whole piece within `during`."""
    inside = known.where((known.start >= int(during.start.timestamp())) & (known.end <= int(during.end.timestamp())))
    return inside.span() if len(inside) else None


def _covered(known: Pieces, during: Interval) -> float:
    start, end = int(during.start.timestamp()), int(during.end.timestamp())
    window = Slots(start=int64s([start]), end=int64s([end]), nominal_s=end - start)
    answer = counted(known, window)
    return float(answer.coverage[0] + answer.estimated[0])


def _total(one: RegisterSet, during: Interval) -> int:
    edges = int64s([int(during.start.timestamp()), int(during.end.timestamp())])
    return sum(int(before[1] - before[0]) for before in (amount_before(known, edges) for known in one.channels.values()))
