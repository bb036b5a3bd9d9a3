"""The legal check: what the decree of 27 December 2018 and local rules ask, against the plan and what is known of light heads.

The answer is compliant, a finding that cites the article, or that nobody can tell because data are missing: never compliant by silence.
Figures of the decree are data below; those that nobody verified against its text say so in `unverified`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from lighting.domain.commands import Scope
from lighting.domain.estate import Estate
from lighting.domain.failures import ScopeEmpty, Unfit
from lighting.domain.inventory import CATEGORIES, LightHead, Luminaire
from lighting.domain.levels import LuminaireId
from lighting.domain.resolve import Block, Resolution, patterns_by_luminaire
from lighting.domain.steps import Floats

_TOLERANCE_S = 60.0
_DAY_MINUTES = 1_440


class Latest(Enum):
    """How the hour is found at which a light must be out."""

    NONE = 0
    FIXED = 1
    """`minute` of the night."""
    AFTER_CLOSING = 2
    """`minutes_after` the activity closes."""
    LATER_OF_BOTH = 3


class Verdict(Enum):
    """What the check says."""

    COMPLIANT = 1
    FINDING = 2
    CANNOT_TELL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalRule:
    """One rule as data. It is for luminaires of its categories, and of its subcategories if it names some.

    From its latest hour until `relight_minute` of the morning (local; noon where the text names none) the lights must be dark. Technical
    limits: upward
    light ratio at most, CIE flux code n°3 at least (per cent), colour temperature at most (kelvin); None: none.
    """

    id: str
    article: str
    categories: tuple[str, ...]
    subcategories: tuple[str, ...] = ()
    latest: Latest = Latest.NONE
    minute: int = 0
    minutes_after: int = 0
    relight_minute: int = 720
    most_upward_light_ratio_percent: float | None = None
    least_cie_flux_code_3_percent: float | None = None
    most_colour_temperature_kelvin: int | None = None
    needs_light_head: bool = False
    """Whether the manager must hold the data of article 5."""
    local: bool = False
    unverified: bool = False
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse a rule about nothing; ScopeEmpty, Unfit."""
        if not self.categories or any(category not in CATEGORIES for category in self.categories):
            raise Unfit("categories", f"must be some of {CATEGORIES}")
        if not self.article.strip():
            raise Unfit("article", "is required: a finding cites its source")
        technical = (self.most_upward_light_ratio_percent, self.least_cie_flux_code_3_percent, self.most_colour_temperature_kelvin)
        if self.latest is Latest.NONE and not self.needs_light_head and all(limit is None for limit in technical):
            raise ScopeEmpty("latest", "the rule asks for nothing")
        if not (0 <= self.minute < _DAY_MINUTES and 0 <= self.relight_minute < _DAY_MINUTES and 0 <= self.minutes_after <= _DAY_MINUTES):
            raise Unfit("minute", "must be a minute of the day")


_DECREE = "arrêté du 27 décembre 2018"
NATIONAL = (
    LegalRule(id="fr-heritage", article=f"{_DECREE}, art. 2 II", categories=("b",), latest=Latest.FIXED, minute=60),
    LegalRule(
        id="fr-facade", article=f"{_DECREE}, art. 2 III", categories=("d",), subcategories=("facade",), latest=Latest.FIXED, minute=60
    ),
    LegalRule(
        id="fr-office",
        article=f"{_DECREE}, art. 2 III",
        categories=("d",),
        subcategories=("office",),
        latest=Latest.AFTER_CLOSING,
        minutes_after=60,
        relight_minute=420,
    ),
    LegalRule(
        id="fr-shop-window",
        article=f"{_DECREE}, art. 2 III",
        categories=("d",),
        subcategories=("shop-window",),
        latest=Latest.LATER_OF_BOTH,
        minute=60,
        minutes_after=60,
        relight_minute=420,
    ),
    LegalRule(
        id="fr-car-park",
        article=f"{_DECREE}, art. 2 IV",
        categories=("e",),
        latest=Latest.AFTER_CLOSING,
        minutes_after=120,
        relight_minute=420,
        unverified=True,
    ),
    LegalRule(
        id="fr-activity-area",
        article=f"{_DECREE}, art. 2 I",
        categories=("a",),
        subcategories=("activity",),
        latest=Latest.AFTER_CLOSING,
        minutes_after=60,
        relight_minute=420,
    ),
    LegalRule(
        id="fr-light-head",
        article=f"{_DECREE}, art. 3",
        categories=("a", "e"),
        most_upward_light_ratio_percent=1.0,
        least_cie_flux_code_3_percent=95.0,
        most_colour_temperature_kelvin=3_000,
    ),
    LegalRule(id="fr-colour", article=f"{_DECREE}, art. 3", categories=("d",), most_colour_temperature_kelvin=3_000),
    LegalRule(id="fr-records", article=f"{_DECREE}, art. 5", categories=tuple(CATEGORIES), needs_light_head=True),
)
"""The decree's rules that plans and inventories are held against. Public roads have no national hour, sports and events none at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derogation:
    """Somebody entitled lifted a rule for some luminaires, from a first to a last date, both included."""

    id: str
    rule: str
    scope: Scope
    author: str
    reason: str
    first: date
    last: date
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse a derogation without author, luminaires or end; Unfit, ScopeEmpty."""
        if not self.author.strip():
            raise Unfit("author", "is required: the mayor or the prefect who decided")
        if self.scope.is_empty:
            raise ScopeEmpty("scope", "names no luminaire")
        if self.last < self.first:
            raise Unfit("last", "comes before the first date")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What one rule says of some luminaires. `about` is the broken limit or missing datum; `nights` how many break it."""

    rule: LegalRule
    verdict: Verdict
    luminaires: tuple[LuminaireId, ...]
    about: str = ""
    nights: int = 0
    first_night: date | None = None
    derogation: str = ""


def checked(
    estate: Estate, resolution: Resolution, rules: Sequence[LegalRule], derogations: Sequence[Derogation], span: tuple[date, date]
) -> Iterator[Check]:
    """Yield, rule by rule, what the check says of every luminaire that a rule is for."""
    patterns = patterns_by_luminaire(resolution)
    for rule in rules:
        meant = [one for members in resolution.members for one in members if _is_for(rule, estate.luminaires[one])]
        found = {one: _answers(estate, resolution, rule, one, patterns) for one in dict.fromkeys(meant)}
        yield from _gathered(estate, rule, found, derogations, span)


_Answer = tuple[Verdict, str, int, date | None]


def _gathered(
    estate: Estate, rule: LegalRule, found: dict[LuminaireId, Sequence[_Answer]], derogations: Sequence[Derogation], span: tuple[date, date]
) -> Iterator[Check]:
    together: dict[tuple[_Answer, str], list[LuminaireId]] = {}
    for one, answers in found.items():
        lifted = _derogation(estate, rule, estate.luminaires[one], derogations, span)
        for answer in answers:
            together.setdefault((answer, lifted if answer[0] is Verdict.FINDING else ""), []).append(one)
    for ((verdict, about, nights, first), derogation), members in together.items():
        yield Check(
            rule=rule, verdict=verdict, luminaires=tuple(members), about=about, nights=nights, first_night=first, derogation=derogation
        )


def _is_for(rule: LegalRule, luminaire: Luminaire) -> bool:
    return luminaire.category in rule.categories and (not rule.subcategories or luminaire.subcategory in rule.subcategories)


def _derogation(estate: Estate, rule: LegalRule, luminaire: Luminaire, derogations: Sequence[Derogation], span: tuple[date, date]) -> str:
    """Return the derogation that lifts the rule over the whole span; a part is not enough."""
    lifting = (one for one in derogations if one.rule == rule.id and one.first <= span[0] and span[1] <= one.last)
    return next((one.id for one in lifting if estate.is_meant(one.scope, luminaire)), "")


def _answers(
    estate: Estate, resolution: Resolution, rule: LegalRule, luminaire: LuminaireId, patterns: Mapping[LuminaireId, Sequence[int]]
) -> Sequence[_Answer]:
    answers = [*_technical(rule, estate.luminaires[luminaire].light_head)]
    if rule.latest is not Latest.NONE:
        answers.append(_hours(estate, resolution, rule, luminaire, patterns[luminaire]))
    return answers or [(Verdict.COMPLIANT, "", 0, None)]


def _technical(rule: LegalRule, head: LightHead) -> Iterator[_Answer]:
    limits = (
        ("upward_light_ratio_percent", rule.most_upward_light_ratio_percent, head.upward_light_ratio_percent, 1),
        ("cie_flux_code_3_percent", rule.least_cie_flux_code_3_percent, head.cie_flux_code_3_percent, -1),
        ("colour_temperature_kelvin", rule.most_colour_temperature_kelvin, head.colour_temperature_kelvin, 1),
    )
    for field, limit, value, side in limits:
        if limit is not None and value is None:
            yield Verdict.CANNOT_TELL, field, 0, None
        elif limit is not None and value is not None and side * value > side * limit:
            yield Verdict.FINDING, field, 0, None
    if rule.needs_light_head:
        fields = (
            "upward_light_ratio_percent",
            "cie_flux_code_3_percent",
            "colour_temperature_kelvin",
            "luminous_flux_lumens",
            "installation_date",
        )
        yield from ((Verdict.CANNOT_TELL, field, 0, None) for field in fields if getattr(head, field) is None)


def _hours(estate: Estate, resolution: Resolution, rule: LegalRule, luminaire: LuminaireId, patterns: Sequence[int]) -> _Answer:
    latest = _latest_minute(rule, estate.luminaires[luminaire])
    if latest is None:
        return Verdict.CANNOT_TELL, "activity", 0, None
    broken: list[date] = []
    for block in resolution.blocks:
        rows = np.flatnonzero(np.isin(block.pattern, patterns))
        if len(rows):
            seconds = _lit_between(block, rows, latest, rule.relight_minute)
            evenings: list[int] = block.nights.day[rows[seconds > _TOLERANCE_S]].tolist()
            broken.extend(block.nights.days[evening] for evening in evenings)
    if not broken:
        return Verdict.COMPLIANT, "", 0, None
    return Verdict.FINDING, "switch_off", len(broken), min(broken)


def _latest_minute(rule: LegalRule, luminaire: Luminaire) -> int | None:
    """Return the minute of the local day at which lights must be out; None when the closing hour is needed and not known."""
    if rule.latest is Latest.FIXED:
        return rule.minute
    if luminaire.activity is None:
        return None
    closing = (luminaire.activity.close_minute + rule.minutes_after) % _DAY_MINUTES
    if rule.latest is Latest.AFTER_CLOSING:
        return closing
    return max(closing, rule.minute, key=lambda minute: (minute - 720) % _DAY_MINUTES)


def _lit_between(block: Block, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", latest: int, relight: int) -> Floats:
    nights = block.nights.of(rows)
    start, end = nights.at(latest), nights.end if relight == 720 else nights.at(relight)  # noqa: PLR2004 - noon
    bounds = np.clip(block.steps.bounds[rows], start[:, None], end[:, None])
    return (np.diff(bounds, axis=1) * block.steps.lit[rows]).sum(axis=1)


def rules_with(local: Iterable[LegalRule]) -> tuple[LegalRule, ...]:
    """Return the national rules and the local ones."""
    return (*NATIONAL, *local)
