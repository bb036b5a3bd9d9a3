"""Planned against metered energy of a cabinet and night, and how many lamps the difference is."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum

import numpy as np

from lighting.domain.estate import Estate
from lighting.domain.failures import Unfit, UnknownCabinet
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.nights import dates_between, nights_at
from lighting.domain.power import mean_power_by_step
from lighting.domain.steps import Flags, Floats
from vocabulary.interval import Interval

HALF_HOUR_S = 1_800
_HOUR_S = 3_600


class Verdict(Enum):
    """What the energy of a night says."""

    CANNOT_TELL = 1
    """Too little was metered, or nothing was planned."""
    AS_PLANNED = 2
    ABOVE = 3
    BELOW = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerances:
    """From where on a difference is told. All are choices: no standard gives them."""

    coverage: float = 0.9
    """The least share of the night that must be metered."""
    share: float = 0.05
    """What lamps, voltage and meters may differ from their curves."""
    own_w: float = 15.0
    """What a cabinet may draw for its clock, gateway and contactors, which no plan knows."""
    out: float = 0.03
    """The least share of light's energy that must lack before lamps are told to be out."""
    steady: float = 0.02
    """Steps whose planned power differs by more than this from their neighbours' tell nothing of lamps: clocks differ by minutes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlannedNight:
    """What a cabinet's lamps are to draw from noon to noon, in steps; and which of them are by day."""

    cabinet: CabinetId
    night: date
    start: datetime
    step_s: int
    power_w: Floats
    """Mean power of each step."""
    by_day: Flags
    """Steps that lie between sunrise and sunset, whole."""
    lamps: int
    standby_w: float
    """Of all lamps together."""
    full_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Burning:
    """About how many lamps burn that should be dark, and for how long."""

    lamps: int = 0
    hours: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reckoning:
    """What was planned and what was metered, over the steps that were metered; `difference` is a share of the plan."""

    cabinet: CabinetId
    night: date
    verdict: Verdict
    coverage: float
    planned_joules: float
    metered_joules: float
    difference: float | None
    by_day: Burning = Burning()
    by_night: Burning = Burning()
    """In the night, when the plan is dark."""
    lamps_out: int = 0


_USUAL = Tolerances()


def planned_nights(estate: Estate, cabinet: CabinetId, first: date, last: date, step_s: int = HALF_HOUR_S) -> tuple[PlannedNight, ...]:
    """Return the plan of every night from first to last, both included; `step_s` divides an hour. UnknownCabinet, Unfit.

    Nights before the first plan of one of its groups have no lamps: what they were to do then was never told to this installation.
    """
    found = estate.cabinets.get(cabinet)
    if found is None:
        raise UnknownCabinet(f"there is no cabinet {cabinet}", cabinet=cabinet)
    if step_s <= 0 or _HOUR_S % step_s:
        raise Unfit("step_s", "must divide an hour")
    lamps = [one for one in estate.luminaires.values() if one.cabinet == cabinet]
    nights = nights_at([found.clock], dates_between(first, last), estate.zone)
    begun = _begun(estate, {one.id for one in lamps})
    bounds: list[float] = [*nights.start.tolist(), float(nights.end[-1])]
    during = Interval(start=datetime.fromtimestamp(bounds[0], UTC), end=datetime.fromtimestamp(bounds[-1], UTC))
    power = mean_power_by_step(estate, [one.id for one in lamps], during, step_s)
    start = bounds[0] + step_s * np.arange(len(power), dtype=np.float64)
    cuts = np.searchsorted(start, np.array(bounds))
    return tuple(
        PlannedNight(
            cabinet=cabinet,
            night=day,
            start=datetime.fromtimestamp(bounds[number], UTC),
            step_s=step_s,
            power_w=power[low:high],
            by_day=(start[low:high] + step_s <= nights.sunset[number]) | (start[low:high] >= nights.sunrise[number]),
            lamps=len(lamps) if begun is None or day >= begun else 0,
            standby_w=sum(one.lamp.standby_power_w for one in lamps),
            full_w=sum(one.lamp.full_power_w for one in lamps),
        )
        for number, (day, low, high) in enumerate(zip(nights.days, cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    )


def _begun(estate: Estate, lamps: AbstractSet[LuminaireId]) -> date | None:
    """Return the first night from which all groups of some lamps have a plan; None: they are in no plan, and follow the cabinet's clock."""
    return max((plans[0].first_night for plans in estate.plans.values() if not lamps.isdisjoint(plans[0].content.luminaires)), default=None)


def reckoned(planned: PlannedNight, metered: Sequence[float | None], tolerances: Tolerances = _USUAL) -> Reckoning:
    """Return what a night's metered joules, step by step from its start, say against its plan; None is missing, and is not zero. Unfit."""
    if len(metered) != len(planned.power_w):
        raise Unfit("metered", f"has {len(metered)} steps, and the night {len(planned.power_w)}")
    power = np.array([np.nan if one is None else one / planned.step_s for one in metered], dtype=np.float64)
    known = ~np.isnan(power)
    coverage = float(known.mean())
    expected, seen = (float(side[known].sum()) * planned.step_s for side in (planned.power_w, power))
    found = Reckoning(
        cabinet=planned.cabinet,
        night=planned.night,
        verdict=Verdict.CANNOT_TELL,
        coverage=coverage,
        planned_joules=expected,
        metered_joules=seen,
        difference=None,
    )
    if coverage < tolerances.coverage or planned.lamps == 0 or expected == 0:
        return found
    dark = known & _dark(planned)
    own_w = _own_w(planned, power, dark, tolerances)
    lamps_joules = seen - own_w * float(known.sum()) * planned.step_s
    by_day, by_night = (_burning(planned, power - own_w, dark & part, tolerances) for part in (planned.by_day, ~planned.by_day))
    # A night that lacks next to nothing as a whole has its light at other hours, by a driver's own clock: no lamp is out.
    lacks = lamps_joules < expected * (1 - tolerances.out / 2) or by_day.lamps or by_night.lamps
    out = _out(planned, power - own_w, known, tolerances) if lacks else 0
    told = replace(found, difference=seen / expected - 1, by_day=by_day, by_night=by_night, lamps_out=out)
    return replace(told, verdict=_verdict(told, lamps_joules, tolerances))


def _own_w(planned: PlannedNight, power: Floats, dark: Flags, tolerances: Tolerances) -> float:
    """Return what the cabinet draws for itself: the least that is metered while the plan is dark, as far as it may be that."""
    return float(np.clip((power - planned.power_w)[dark].min(), 0, tolerances.own_w)) if dark.any() else 0.0


def _verdict(found: Reckoning, lamps_joules: float, tolerances: Tolerances) -> Verdict:
    if found.by_day.lamps or found.by_night.lamps or found.lamps_out:
        return Verdict.ABOVE if found.metered_joules >= found.planned_joules else Verdict.BELOW
    if lamps_joules > found.planned_joules * (1 + tolerances.share):
        return Verdict.ABOVE
    return Verdict.BELOW if lamps_joules < found.planned_joules * (1 - tolerances.share) else Verdict.AS_PLANNED


def _dark(planned: PlannedNight) -> Flags:
    """Tell the steps in which the plan is dark, and was and will be in the ones beside."""
    dark = planned.power_w <= planned.standby_w + planned.full_w * 1e-6
    padded = np.concatenate([[True], dark, [True]])
    return padded[:-2] & dark & padded[2:]


def _burning(planned: PlannedNight, power: Floats, dark: Flags, tolerances: Tolerances) -> Burning:
    lamp_w = planned.full_w / planned.lamps
    excess = power - planned.power_w
    burning = dark & (np.nan_to_num(excess) > max(tolerances.own_w, lamp_w / 2))
    if not burning.any():
        return Burning()
    lamps = min(max(round(float(excess[burning].mean()) / lamp_w), 1), planned.lamps)
    return Burning(lamps=lamps, hours=float(burning.sum()) * planned.step_s / _HOUR_S)


def _out(planned: PlannedNight, power: Floats, known: Flags, tolerances: Tolerances) -> int:
    """Return about how many lamps are out: the part of the steady steps' energy that lacks in the lamps' own power."""
    plan = planned.power_w
    padded = np.concatenate([plan[:1], plan, plan[-1:]])
    moves = np.maximum(np.abs(padded[:-2] - plan), np.abs(padded[2:] - plan))
    lit = known & (plan > planned.standby_w + planned.full_w * 1e-6) & (moves <= tolerances.steady * plan)
    if not lit.any():
        return 0
    lacks = 1 - float(power[lit].sum()) / float(plan[lit].sum())
    return round(lacks * planned.lamps) if lacks >= tolerances.out else 0
