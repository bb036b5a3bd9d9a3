"""Everything about a territory's lighting that resolving needs: what there is, what is planned, what is commanded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from lighting.domain.calendars import Calendar, Holidays
from lighting.domain.clamps import Traits
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.failures import Unfit, UnknownCabinet, UnknownLamp
from lighting.domain.inventory import Cabinet, LampType, Luminaire, SelfDimming
from lighting.domain.levels import CabinetId, GroupId, LuminaireId, PlanName, PlanState, ProgrammeId
from lighting.domain.programmes import Programme

_EMERGENCY_CATEGORIES = ("a",)


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchOff:
    """The municipality decided that a group stays dark: the decision's number, its date, and where it can be read."""

    decision: str
    decided: date
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a switch-off without its decision; Unfit."""
        if not self.decision.strip():
            raise Unfit("switch_off.decision", "is required: a deliberate switch-off names the municipality's decision")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a group does: its luminaires, as they were assigned, and its calendar with every programme that it names; or dark."""

    luminaires: tuple[LuminaireId, ...] = ()
    calendar: Calendar | None = None
    programmes: tuple[Programme, ...] = ()
    switch_off: SwitchOff | None = None

    def programme(self, programme: ProgrammeId) -> Programme:
        """Return one of its programmes; KeyError."""
        return next(one for one in self.programmes if one.id == programme)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Luminaires that follow one calendar: the draft of their next plan. A luminaire is in one group at most."""

    id: GroupId
    display_name: str
    luminaires: tuple[LuminaireId, ...] = ()
    calendar: str = ""
    """Id of its calendar; empty: none."""
    switch_off: SwitchOff | None = None
    rehearsed_digest: str = ""
    """What the last rehearsal was about; set by the service."""
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse a group that is both lit by a calendar and dark by decision, or that names a luminaire twice; Unfit."""
        if self.calendar and self.switch_off is not None:
            raise Unfit("switch_off", "a group has a calendar or is switched off, not both")
        if len(set(self.luminaires)) != len(self.luminaires):
            raise Unfit("luminaires", "names one twice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A published version of what a group does, from its first night on; it never changes."""

    name: PlanName
    content: Content
    first_night: date
    """The first night that follows it: plans change at noon, when nothing burns."""
    published: datetime
    author: str
    reason: str
    copy_of: int = 0
    """The version that this one brought back; 0: none."""
    state: PlanState = PlanState.PUBLISHED


@dataclass(frozen=True, kw_only=True)
class Estate:
    """A territory's lighting at one revision. Published plans by group; holidays as the registry told them."""

    zone: ZoneInfo
    holidays: Holidays = field(default_factory=Holidays)
    cabinets: Mapping[CabinetId, Cabinet] = field(default_factory=dict[CabinetId, Cabinet])
    luminaires: Mapping[LuminaireId, Luminaire] = field(default_factory=dict[LuminaireId, Luminaire])
    plans: Mapping[GroupId, tuple[Plan, ...]] = field(default_factory=dict[GroupId, tuple[Plan, ...]])
    """Published plans, by version."""
    drafts: Mapping[GroupId, Content] = field(default_factory=dict[GroupId, Content])
    """What groups would do if they were published now."""
    commands: tuple[Command, ...] = ()

    @cached_property
    def group_of(self) -> Mapping[LuminaireId, GroupId]:
        """The group, as it is drafted, of every luminaire that is in one."""
        return {luminaire: group for group, content in self.drafts.items() for luminaire in content.luminaires}

    @cached_property
    def kinds(self) -> "Kinds":
        """The kinds of luminaires there are, worked out once."""
        return kinds_of(self.luminaires, self.cabinets)

    def contents_on(self, day: date) -> Mapping[GroupId, Content]:
        """Return what groups do in the night of a day: the newest version that has begun by then."""
        newest = {group: [plan for plan in plans if plan.first_night <= day] for group, plans in self.plans.items()}
        return {group: begun[-1].content for group, begun in newest.items() if begun}

    def with_drafts(self, first: date) -> "Estate":
        """Return the estate as it would be with every draft published from a night on."""
        plans = dict(self.plans)
        for group, content in self.drafts.items():
            kept = tuple(plan for plan in self.plans.get(group, ()) if plan.first_night < first)
            plans[group] = (*kept, _as_plan(group, content, first))
        return replace(self, plans=plans)

    def luminaire(self, luminaire: LuminaireId) -> Luminaire:
        """Return a luminaire; UnknownLamp."""
        found = self.luminaires.get(luminaire)
        if found is None:
            raise UnknownLamp(f"there is no luminaire {luminaire}", luminaire=luminaire)
        return found

    def meant(self, scope: Scope) -> Iterable[LuminaireId]:
        """Yield the luminaires that a scope means, each once."""
        for luminaire in self.luminaires.values():
            if self.is_meant(scope, luminaire):
                yield luminaire.id

    def is_meant(self, scope: Scope, luminaire: Luminaire) -> bool:
        """Tell whether a scope means the luminaire."""
        named = (
            scope.whole_territory
            or luminaire.id in scope.luminaires
            or luminaire.cabinet in scope.cabinets
            or self.group_of.get(luminaire.id) in scope.groups
        )
        return named and (not scope.categories or luminaire.category in scope.categories)


def _as_plan(group: GroupId, content: Content, first: date) -> Plan:
    never = datetime.min.replace(tzinfo=UTC)
    return Plan(name=PlanName(group=group, version=0), content=content, first_night=first, published=never, author="", reason="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What luminaires must have in common to have the same nights."""

    cabinet: CabinetId
    lamp: LampType
    traits: Traits
    self_dimming: SelfDimming | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds:
    """Every kind once, and the number of each luminaire's."""

    kinds: tuple[Kind, ...]
    of: Mapping[LuminaireId, int]


def kinds_of(luminaires: Mapping[LuminaireId, Luminaire], cabinets: Mapping[CabinetId, Cabinet]) -> Kinds:
    """Return the kinds; UnknownCabinet when a luminaire hangs on none."""
    numbers: dict[Kind, int] = {}
    of: dict[LuminaireId, int] = {}
    for one in luminaires.values():
        if one.cabinet not in cabinets:
            raise UnknownCabinet(f"{one.id} hangs on {one.cabinet}, which is unknown", luminaire=one.id, cabinet=one.cabinet)
        traits = Traits(limits=one.limits, minimum_level=one.lamp.minimum_level, control=one.control)
        kind = Kind(cabinet=one.cabinet, lamp=one.lamp, traits=traits, self_dimming=one.self_dimming)
        of[one.id] = numbers.setdefault(kind, len(numbers))
    return Kinds(kinds=tuple(numbers), of=of)


def scope_of(kind: CommandKind, scope: Scope) -> Scope:
    """Return the scope that a command has: an emergency is for roads unless it says otherwise."""
    if kind is not CommandKind.EMERGENCY:
        return scope
    whole = scope.whole_territory or scope.is_empty
    return Scope(
        luminaires=scope.luminaires,
        cabinets=scope.cabinets,
        groups=scope.groups,
        whole_territory=whole,
        categories=scope.categories or _EMERGENCY_CATEGORIES,
    )
