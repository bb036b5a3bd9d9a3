"""Finds faults in the reports of a cabinet, against what its lamps are expected to do.

Each report is judged by itself: yes, no, or nothing can be told. Two reports that agree open a fault, two close it. What nearly all lamps
show is told once, of their circuit or cabinet, and not of each lamp. A cabinet without power by day is silent by right.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from lighting.domain.expectations import Alike, Expected
from lighting.domain.faults import Diagnosis, Evidence, Fault, FaultKind, LampWatch, Symptom, Thresholds, Watch
from lighting.domain.levels import LuminaireId
from lighting.domain.reports import LampState, Report

_USUAL = Thresholds()
_FULL = 100.0
_NEVER_SEEN, _NOTHING = LampWatch(), Evidence()
_GATEWAY = Symptom(kind=FaultKind.COMMUNICATION)
_SUPPLY, _BLACKOUT, _CONTACTOR = (Symptom(kind=kind) for kind in (FaultKind.SUPPLY, FaultKind.BLACKOUT, FaultKind.CONTACTOR))
_OF_MANY = (FaultKind.DIMMING_FAILURE, FaultKind.POWER_HIGH, FaultKind.POWER_LOW, FaultKind.CYCLING)
"""What is told of a cabinet under the same name when nearly all its lamps show it."""
_LASTING = (FaultKind.CONTACTOR, *_OF_MANY)
_ILL = frozenset({FaultKind.LAMP_FAILURE, FaultKind.CYCLING})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What a report tells of a lamp: by kind, whether it shows that fault; kinds that nothing can be told of are missing."""

    luminaire: LuminaireId
    alike: Alike
    state: LampState | None
    watch: LampWatch
    shows: Mapping[FaultKind, bool]
    ill: bool
    """Whether it has a fault of its own by which it gives no light: that it does not show something tells nothing of the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verdict:
    shown: bool
    evidence: Evidence = _NOTHING


def diagnosed(watch: Watch, expected: Expected, report: Report, thresholds: Thresholds = _USUAL) -> Diagnosis:
    """Return what a report changes: the watch after it, and the faults that it opened and closed.

    `expected` is for the report's time, with `watch.heard` as the report before. A report that is not newer than the last one changes
    nothing.
    """
    if watch.heard is not None and report.at <= watch.heard:
        return Diagnosis(watch=watch)
    looks = tuple(_looks(watch, expected, report, thresholds))
    after = replace(
        watch, heard=report.at, followed=max(watch.followed, report.version), lamps={look.luminaire: look.watch for look in looks}
    )
    if not (watch.doubts or watch.faults or _says(watch, report) or any(True in look.shows.values() for look in looks)):
        return Diagnosis(watch=after)
    verdicts = dict(_of_cabinet(watch, expected, report, looks, thresholds))
    # What is open of the whole and can neither be seen nor be denied now explains its lamps still.
    lasting = {symptom for symptom in watch.faults if symptom.kind in _LASTING and symptom not in verdicts}
    verdicts.update(_of_lamps(watch, looks, lasting | {symptom for symptom, verdict in verdicts.items() if verdict.shown}))
    verdicts.update(_of_removed(watch, looks))
    return _settled(after, verdicts, report.at, thresholds)


def _says(watch: Watch, report: Report) -> bool:
    """Tell whether the cabinet itself says that something is wrong."""
    return report.supplied is False or bool(report.door_open or report.tripped_circuits) or _order_lost(watch, report)


def _order_lost(watch: Watch, report: Report) -> bool:
    return report.version == 0 < watch.followed


def waited(watch: Watch, expected: Expected, thresholds: Thresholds = _USUAL) -> Diagnosis:
    """Return what it means that no report came until `expected.at`: a gateway that has power for long enough is silent.

    To be asked every few minutes for cabinets that have a gateway.
    """
    since = expected.powered_since
    if since is None:
        return _dark(watch, expected, thresholds)
    if expected.alike and all(one.locked for one in expected.alike):
        return Diagnosis(watch=watch)
    last = max(since, watch.heard or watch.since, watch.since)
    if expected.at - last < thresholds.silence or _GATEWAY in watch.faults:
        return Diagnosis(watch=watch)
    lamps = sum(len(one.luminaires) for one in expected.alike)
    evidence = Evidence(lamps=lamps, of_lamps=lamps)
    # It has been silent long enough: no second look is needed.
    fault = Fault(cabinet=watch.cabinet, symptom=_GATEWAY, start=last, last_seen=expected.at, evidence=evidence)
    doubts = {symptom: at for symptom, at in watch.doubts.items() if symptom != _GATEWAY}
    return Diagnosis(watch=replace(watch, doubts=doubts, faults={**watch.faults, _GATEWAY: fault}), opened=(fault,))


def _dark(watch: Watch, expected: Expected, thresholds: Thresholds) -> Diagnosis:
    """Return what silence without power means: where nothing should be lit, no contactor keeps lines under power any more."""
    burning = [one for one in watch.faults if one.kind is FaultKind.CONTACTOR]
    last = watch.heard or watch.since
    if not burning or any(one.high > 0 for one in expected.alike) or expected.at - last < thresholds.silence:
        return Diagnosis(watch=watch)
    closed = tuple(replace(watch.faults[one], end=last) for one in burning)
    faults = {symptom: fault for symptom, fault in watch.faults.items() if symptom not in burning}
    return Diagnosis(watch=replace(watch, faults=faults), closed=closed)


def _looks(watch: Watch, expected: Expected, report: Report, thresholds: Thresholds) -> Iterator[_Look]:
    states = {state.luminaire: state for state in report.lamps}
    # A cabinet that does not follow this plan yet, or no more, does not tell whether its lamps do.
    follows = expected.version is None or report.version >= expected.version
    known: dict[LuminaireId | None, frozenset[FaultKind]] = {}
    for symptom in (*watch.doubts, *watch.faults):
        known[symptom.luminaire] = known.get(symptom.luminaire, frozenset()) | {symptom.kind}
    for alike in expected.alike:
        for luminaire in alike.luminaires:
            state, before = states.get(luminaire), watch.lamps.get(luminaire, _NEVER_SEEN)
            if state is None:
                after = before if before.switch_count is before.lit is before.due_since is None else LampWatch(returns=before.returns)
                yield _Look(luminaire=luminaire, alike=alike, state=None, watch=after, shows=_silent(alike), ill=False)
                continue
            lit, of_it = _lit(alike, state), known.get(luminaire, frozenset())
            after = _watched(before, alike, state, (watch.heard if follows else None, report.at), thresholds, lit=lit)
            shows: Mapping[FaultKind, bool] = {} if alike.locked else {FaultKind.COMMUNICATION: False}
            if follows and not alike.locked:
                shows = _shown(alike, state, after, report.at, of_it, thresholds)
            yield _Look(luminaire=luminaire, alike=alike, state=state, watch=after, shows=shows, ill=not _ILL.isdisjoint(of_it))


def _silent(alike: Alike) -> Mapping[FaultKind, bool]:
    if alike.locked:
        return {}
    if alike.answers:
        return {FaultKind.COMMUNICATION: True}
    return {FaultKind.UNEXPECTED_ON: False} if alike.switched and alike.high == 0 else {}


def _lit(alike: Alike, state: LampState) -> bool | None:
    """Tell whether a lamp gives light: by its power, or by its level where power is not measured."""
    if state.power_w is not None:
        lowest = alike.lamp.curve[0].power_w
        return state.power_w > (alike.lamp.standby_power_w + lowest) / 2
    return None if state.level is None else state.level > 0


def _watched(
    before: LampWatch, alike: Alike, state: LampState, time: tuple[datetime | None, datetime], thresholds: Thresholds, *, lit: bool | None
) -> LampWatch:
    (last, at), came_back = time, 0
    if last is not None and at - last <= thresholds.restless and alike.switch_ons is not None and not alike.locked:
        if state.switch_count is not None and before.switch_count is not None:
            came_back = max(state.switch_count - before.switch_count - alike.switch_ons, 0)
        elif state.switch_count is None and alike.switch_ons == 0:
            came_back = int(lit is True and before.lit is False)
    due_since = None
    if alike.low > 0 and lit is not None:
        unbroken = last is not None and at - last <= thresholds.silence
        goes_on = unbroken and before.due_since is not None and lit == before.lit and not came_back
        due_since = before.due_since if goes_on else at
    recent = tuple(when for when in before.returns if at - when <= thresholds.restless)
    returns = (*recent, *(at for _ in range(min(came_back, thresholds.returns))))[-thresholds.returns :]
    after = LampWatch(switch_count=state.switch_count, lit=lit, returns=returns, due_since=due_since)
    return before if after == before else after


def _shown(
    alike: Alike, state: LampState, watch: LampWatch, at: datetime, known: AbstractSet[FaultKind], thresholds: Thresholds
) -> Mapping[FaultKind, bool]:
    """Return what a lamp that answers shows; `known` is what is open or doubted of it."""
    shows, lit = {FaultKind.COMMUNICATION: False}, watch.lit
    if len(watch.returns) >= thresholds.returns:
        shows[FaultKind.CYCLING] = True
        return shows
    steady = watch.due_since is not None and at - watch.due_since >= thresholds.steady
    if steady:
        shows[FaultKind.CYCLING] = False
    if lit is None:
        return shows
    if alike.high == 0:
        shows[FaultKind.UNEXPECTED_ON] = lit
        return shows
    # One that has just come back may go out and come back again: that it is dark now says little.
    restless = bool(watch.returns) or FaultKind.CYCLING in known
    if alike.low > 0 and (lit or steady or not restless):
        shows[FaultKind.LAMP_FAILURE] = not lit
    if not lit or alike.low == 0:
        return shows
    if state.power_w is not None:
        shows |= _by_power(alike, state.power_w, thresholds, drew_too_much=FaultKind.POWER_HIGH in known)
    elif state.level is not None:
        shows |= _by_level(alike, state.level, thresholds)
    return shows


def _by_power(alike: Alike, power: float, thresholds: Thresholds, *, drew_too_much: bool) -> Mapping[FaultKind, bool]:
    """Tell a lit lamp's power in watts from what its level asks for, and one that draws too much from one that stays at full light."""
    share = thresholds.power_share
    ceiling = alike.high_w * (1 + share) + thresholds.power_w
    at_full = alike.lamp.full_power_w * (1 - share)
    shows = {FaultKind.POWER_LOW: power < alike.low_w * (1 - share) - thresholds.power_w}
    if power <= ceiling:
        shows[FaultKind.POWER_HIGH] = False
        if ceiling < at_full:
            shows[FaultKind.DIMMING_FAILURE] = False
    elif power >= at_full and alike.high < _FULL and not drew_too_much:
        shows[FaultKind.DIMMING_FAILURE] = True
    else:
        shows[FaultKind.POWER_HIGH] = True
    return shows


def _by_level(alike: Alike, level: float, thresholds: Thresholds) -> Mapping[FaultKind, bool]:
    if alike.lamp.minimum_level == _FULL:
        return {}
    if not alike.low - thresholds.level <= level <= alike.high + thresholds.level:
        return {FaultKind.DIMMING_FAILURE: True}
    # Full light where full light is asked for does not show that it can dim.
    return {FaultKind.DIMMING_FAILURE: False} if alike.high + thresholds.level < _FULL else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """The lamps that show something, among those that could."""

    showing: Sequence[_Look]
    telling: int
    nearly_all: bool
    few: bool
    """All that could show it, but too few to tell of the others."""

    def verdicts(self, symptom: Symptom) -> Iterator[tuple[Symptom, _Verdict]]:
        if self.nearly_all:
            yield symptom, _Verdict(shown=True, evidence=_evidence(self.showing, self.telling))
        elif self.telling and not self.few:
            yield symptom, _Verdict(shown=False)


def _share(looks: Sequence[_Look], shows: Callable[[_Look], bool | None], thresholds: Thresholds) -> _Share:
    answers = [(look, shown) for look in looks if (shown := shows(look)) is not None and (shown or not look.ill)]
    showing = [look for look, shown in answers if shown]
    most = len(showing) >= thresholds.most * len(answers)
    enough = len(showing) >= thresholds.fewest
    return _Share(showing=showing, telling=len(answers), nearly_all=most and enough, few=most and not enough)


def _gone(look: _Look) -> bool | None:
    """Tell whether a lamp is dark that should be lit, or silent that should answer."""
    failed = look.shows.get(FaultKind.LAMP_FAILURE)
    return look.shows.get(FaultKind.COMMUNICATION) if failed is None else failed


def _burning(look: _Look) -> bool | None:
    return look.shows.get(FaultKind.UNEXPECTED_ON)


def _of_cabinet(
    watch: Watch, expected: Expected, report: Report, looks: Sequence[_Look], thresholds: Thresholds
) -> Iterator[tuple[Symptom, _Verdict]]:
    """Yield what is told of the cabinet and its circuits: what it says itself, and what nearly all lamps show."""
    if report.version or watch.followed:
        yield Symptom(kind=FaultKind.ORDER_LOST), _Verdict(shown=_order_lost(watch, report))
    if looks and all(look.alike.locked for look in looks):
        yield _GATEWAY, _Verdict(shown=False)
        return
    if report.door_open is not None:
        yield Symptom(kind=FaultKind.DOOR), _Verdict(shown=report.door_open)
    if expected.powered_since is not None and report.supplied is not None:
        yield _SUPPLY, _Verdict(shown=not report.supplied, evidence=Evidence(lamps=len(looks), of_lamps=len(looks)))
        if not report.supplied:
            yield _GATEWAY, _Verdict(shown=False)
            return
    yield from _of_lines(looks, frozenset(report.tripped_circuits), thresholds)
    for kind in _OF_MANY:
        yield from _share(looks, _shows(kind), thresholds).verdicts(Symptom(kind=kind))


def _shows(kind: FaultKind) -> Callable[[_Look], bool | None]:
    return lambda look: look.shows.get(kind)


def _of_lines(looks: Sequence[_Look], tripped: AbstractSet[int], thresholds: Thresholds) -> Iterator[tuple[Symptom, _Verdict]]:
    """Yield what is told of the lines: all dark, silent or burning; of the cabinet where all circuits are alike, else of the circuit."""
    gone, burning = (_share(looks, shows, thresholds) for shows in (_gone, _burning))
    all_gone = gone.nearly_all and not tripped
    dark = sum(look.state is not None for look in gone.showing)
    mostly_dark = dark * 2 > len(gone.showing)
    if all_gone:
        yield from gone.verdicts(_BLACKOUT if mostly_dark else _GATEWAY)
    if not all_gone or mostly_dark:
        yield _GATEWAY, _Verdict(shown=False)
    if not all_gone and any(look.shows.get(FaultKind.LAMP_FAILURE) is False for look in looks):
        yield _BLACKOUT, _Verdict(shown=False)
    yield from burning.verdicts(_CONTACTOR)
    circuits = {look.alike.circuit for look in looks} | tripped
    for circuit in circuits:
        lamps = [look for look in looks if look.alike.circuit == circuit]
        yield from _of_circuit(circuit, lamps, thresholds, tripped=circuit in tripped, gone=all_gone, burning=burning.nearly_all)


def _of_circuit(
    circuit: int, lamps: Sequence[_Look], thresholds: Thresholds, *, tripped: bool, gone: bool, burning: bool
) -> Iterator[tuple[Symptom, _Verdict]]:
    """Yield what is told of one circuit; nothing of what is told of the whole cabinet."""
    dead = Symptom(kind=FaultKind.CIRCUIT, circuit=circuit)
    share = _share(lamps, _gone, thresholds)
    if tripped:
        yield dead, _Verdict(shown=True, evidence=_evidence(lamps, len(lamps)))
    elif share.nearly_all and not gone:
        yield from share.verdicts(dead)
    elif any(look.shows.get(FaultKind.LAMP_FAILURE) is False for look in lamps):
        # That its lamps answer by day does not show that they will be lit.
        yield dead, _Verdict(shown=False)
    if not burning:
        yield from _share(lamps, _burning, thresholds).verdicts(Symptom(kind=FaultKind.CONTACTOR, circuit=circuit))


def _of_lamps(watch: Watch, looks: Sequence[_Look], explained: AbstractSet[Symptom]) -> Iterator[tuple[Symptom, _Verdict]]:
    """Yield what is told of single lamps that changes something: nothing of what is told of their circuit or cabinet."""
    if not explained.isdisjoint((_SUPPLY, _BLACKOUT, _GATEWAY)):
        return
    dead = {symptom.circuit for symptom in explained if symptom.kind is FaultKind.CIRCUIT}
    stuck = {symptom.circuit for symptom in explained if symptom.kind is FaultKind.CONTACTOR}
    many = {symptom.kind for symptom in explained if symptom.kind in _OF_MANY and symptom.luminaire is None}
    known = {symptom.luminaire for symptom in (*watch.doubts, *watch.faults)}
    for look in looks:
        if look.alike.circuit in dead or (look.luminaire not in known and True not in look.shows.values()):
            continue
        for kind, shown in look.shows.items():
            told = kind in many or (kind is FaultKind.UNEXPECTED_ON and not stuck.isdisjoint((None, look.alike.circuit)))
            if not (shown and told):
                evidence = _evidence((look,), 1) if shown else _NOTHING
                yield Symptom(kind=kind, luminaire=look.luminaire), _Verdict(shown=shown, evidence=evidence)


def _of_removed(watch: Watch, looks: Sequence[_Look]) -> Iterator[tuple[Symptom, _Verdict]]:
    """Yield that lamps which hang here no more have no fault here."""
    here = {look.luminaire for look in looks}
    for symptom in watch.faults:
        if symptom.luminaire is not None and symptom.luminaire not in here:
            yield symptom, _Verdict(shown=False)


def _evidence(looks: Sequence[_Look], of_lamps: int) -> Evidence:
    powers = [look.state.power_w for look in looks if look.state is not None and look.state.power_w is not None]
    levels = [look.state.level for look in looks if look.state is not None and look.state.level is not None]
    returns = sum(len(look.watch.returns) for look in looks)
    count = max(len(looks), 1)
    return Evidence(
        expected_w=round(sum(look.alike.low_w + look.alike.high_w for look in looks) / 2, 1),
        seen_w=round(sum(powers), 1) if powers else None,
        expected_level=round(sum(look.alike.low + look.alike.high for look in looks) / 2 / count, 1),
        seen_level=round(sum(levels) / len(levels), 1) if levels else None,
        lamps=len(looks),
        of_lamps=of_lamps,
        switch_ons=returns or None,
    )


def _settled(watch: Watch, verdicts: Mapping[Symptom, _Verdict], at: datetime, thresholds: Thresholds) -> Diagnosis:
    """Return what holds after the verdicts of a report: what two of them say, some minutes apart."""
    doubts, faults = dict(watch.doubts), dict(watch.faults)
    opened: list[Fault] = []
    closed: list[Fault] = []
    for symptom, verdict in verdicts.items():
        fault = faults.get(symptom)
        if verdict.shown and fault is not None:
            faults[symptom] = replace(fault, last_seen=at)
        if verdict.shown == (fault is not None):
            doubts.pop(symptom, None)
            continue
        since = doubts.setdefault(symptom, at)
        if at - since < thresholds.apart:
            continue
        del doubts[symptom]
        if fault is None:
            faults[symptom] = Fault(cabinet=watch.cabinet, symptom=symptom, start=since, last_seen=at, evidence=verdict.evidence)
            opened.append(faults[symptom])
        else:
            closed.append(replace(faults.pop(symptom), end=since))
    return Diagnosis(watch=replace(watch, doubts=doubts, faults=faults), opened=tuple(opened), closed=tuple(closed))
