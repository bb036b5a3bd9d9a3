"""What the lighting service tells and takes: frozen records, whose fields are called as in its contract.

Things are named by resource names, such as `luminaires/x`; levels are per cent; dates are those of a night's evening, as in ISO 8601.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class InventoryContent(Enum):
    """What an inventory file holds."""

    LUMINAIRES = 1
    CABINETS = 2


class InventoryFormat(Enum):
    """How a file is written."""

    CSV = 1
    GEOJSON = 2


class PeriodKind(Enum):
    """What bounds an active period."""

    ABSOLUTE = 1
    ASTRO_CLOCK = 2
    SENSOR = 3
    ASTRO_CLOCK_AND_SENSOR = 4


class Reference(Enum):
    """What a switch point's time counts from."""

    FIXED = 1
    SUNSET = 2
    SUNRISE = 3
    MIDDLE = 4


class EffectSource(Enum):
    """What triggers an effect."""

    PRESENCE = 1
    LIGHT = 2


class EffectOperation(Enum):
    """What an effect does to the programme's level."""

    SET = 1
    MAX = 2
    MIN = 3
    ADD = 4
    SUBTRACT = 5
    MULTIPLY = 6


class HolidayKind(Enum):
    """A kind of day that the registry's tables know."""

    PUBLIC = 1
    SCHOOL = 2
    EVE_OF_PUBLIC = 3


class Rank(Enum):
    """Which rule gave a level."""

    LOCK_OUT = 1
    LOCAL = 2
    EMERGENCY = 3
    OVERRIDE = 4
    EFFECT = 5
    CALENDAR = 6
    SWITCHED_OFF = 7
    DEFAULT = 8


class Clamp(Enum):
    """What kept a level from being as it was asked."""

    NEVER_OFF = 1
    NEVER_DIMMED = 2
    NOT_BELOW = 3
    DRIVER_MINIMUM = 4
    ON_OFF_ONLY = 5
    OWN_DIMMING = 6


class PlanState(Enum):
    """How far a change has come."""

    DRAFT = 1
    REHEARSED = 2
    PUBLISHED = 3
    DELIVERED = 4
    CONFIRMED = 5
    REPLACED = 6


class ConflictKind(Enum):
    """What is odd about a plan."""

    UNASSIGNED = 1
    SWITCHED_OFF = 2
    BURNING_BY_DAY = 3
    ALTERNATE_LAMPS = 4
    CLAMPED = 5
    CIRCUIT_DISAGREES = 6
    HEARS_NOTHING = 7


class CommandKind(Enum):
    """What sort of command it is."""

    LOCK_OUT = 1
    LOCAL = 2
    EMERGENCY = 3
    OVERRIDE = 4


class DeliveryState(Enum):
    """How far a cabinet's latest order has come."""

    WAITING = 1
    SENT = 2
    DELIVERED = 3
    CONFIRMED = 4
    REFUSED = 5
    WAITING_FOR_POWER = 6
    SILENT = 7


class FaultKind(Enum):
    """What is wrong with a lamp, a circuit or a cabinet."""

    LAMP_FAILURE = 1
    DIMMING_FAILURE = 2
    UNEXPECTED_ON = 3
    POWER_HIGH = 4
    POWER_LOW = 5
    CYCLING = 6
    COMMUNICATION = 7
    SUPPLY = 8
    CIRCUIT = 9
    CONTACTOR = 10
    ORDER_LOST = 11
    DOOR = 12
    BLACKOUT = 13


class EnergyVerdict(Enum):
    """What the energy of a night says."""

    CANNOT_TELL = 1
    AS_PLANNED = 2
    ABOVE = 3
    BELOW = 4


class Verdict(Enum):
    """What a check says of a rule."""

    COMPLIANT = 1
    FINDING = 2
    CANNOT_TELL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivePeriod:
    """When lamps are on; outside of all periods they are off."""

    kind: PeriodKind
    start_minute: int = 0
    end_minute: int = 0
    sunset_offset_minutes: int = 0
    sunrise_offset_minutes: int = 0
    on_below_lux: int | None = None
    off_above_lux: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPoint:
    """From a time on, a level; the contract says what happens in the nights of a clock change."""

    reference: Reference
    minute: int = 0
    offset_minutes: int = 0
    level_percent: int
    ramp_seconds: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a sensor does inside active periods."""

    source: EffectSource
    operation: EffectOperation
    value: int = 0
    hold_seconds: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """What a night looks like."""

    name: str = ""
    display_name: str = ""
    periods: tuple[ActivePeriod, ...] = ()
    switch_points: tuple[SwitchPoint, ...] = ()
    effects: tuple[Effect, ...] = ()
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarRule:
    """Which nights, named by their evening's date, a programme is for: those that meet every condition given."""

    programme: str = ""
    first_date: str | None = None
    last_date: str | None = None
    every_year: bool = False
    weekdays: tuple[int, ...] = ()
    occurrences: tuple[int, ...] = ()
    dates: tuple[str, ...] = ()
    holidays: tuple[HolidayKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Which programme a night follows: the first rule that matches, else the default programme, else lit from sunset to sunrise."""

    name: str = ""
    display_name: str = ""
    rules: tuple[CalendarRule, ...] = ()
    default_programme: str = ""
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchOff:
    """The municipality decided that a group stays dark."""

    decision: str = ""
    decide_date: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Luminaires that follow one calendar: the draft of their next plan. A luminaire is in one group at most."""

    name: str = ""
    display_name: str = ""
    luminaires: tuple[str, ...] = ()
    calendar: str = ""
    switch_off: SwitchOff | None = None
    rehearsed_digest: str = ""
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a group does, as it was when published."""

    luminaires: tuple[str, ...] = ()
    calendar: Calendar | None = None
    programmes: tuple[Programme, ...] = ()
    switch_off: SwitchOff | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How many of the cabinets that a change concerns, and that have a gateway, have come how far."""

    cabinets: int = 0
    delivered: int = 0
    confirmed: int = 0
    refused: int = 0
    waiting_for_power: int = 0
    silent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A published version; it never changes but for its state."""

    group: str = ""
    version: int = 0
    content: Content
    first_date: str = ""
    publish_time: datetime
    author: str = ""
    reason: str = ""
    copy_of: int = 0
    state: PlanState
    reach: Reach | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The rule that gave a level."""

    rank: Rank
    command: str = ""
    programme: str = ""
    calendar_rule: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of time in which one rule holds; the level runs straight from start to end."""

    start_time: datetime
    end_time: datetime
    start_level_percent: float = 0.0
    level_percent: float
    asked_level_percent: float = 0.0
    source: Source
    clamp: Clamp | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LuminairePlan:
    """What a luminaire is to do: segments that tile the interval asked for."""

    luminaire: str = ""
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Something odd about a plan."""

    kind: ConflictKind
    luminaires: tuple[str, ...] = ()
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What luminaires do in a range of nights. Quality is estimated: nothing of it is measured."""

    luminaires: int = 0
    energy_joules: float = 0.0
    most_energy_joules: float = 0.0
    burning_seconds: float = 0.0
    cost_micros: float | None = None
    emission_grams: float | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What would change if the drafts were published."""

    first_date: str = ""
    last_date: str = ""
    draft: Figures
    current: Figures
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalRule:
    """A rule of the law or of the municipality, as far as pages cite it."""

    name: str = ""
    article: str = ""
    local: bool = False
    unverified: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What a rule says of a plan: which luminaires break it, or lack the data to tell."""

    rule: LegalRule
    verdict: Verdict
    luminaires: tuple[str, ...] = ()
    about: str = ""
    nights: int = 0
    first_night_date: str | None = None
    derogation: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LightingScope:
    """Which luminaires are meant: all that are named in any way, of the categories if some are named."""

    luminaires: tuple[str, ...] = ()
    cabinets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    whole_territory: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command above the plan."""

    name: str = ""
    kind: CommandKind
    scope: LightingScope
    level_percent: int
    start_time: datetime
    expire_time: datetime | None = None
    stage_seconds: int = 0
    author: str = ""
    reason: str = ""
    create_time: datetime
    end_time: datetime | None = None
    etag: str = ""
    reach: Reach | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cabinet:
    """A cabinet, as far as pages show it."""

    name: str = ""
    display_name: str = ""
    metering_point: str = ""
    powered_by_day: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The latest order of a cabinet, and how far it has come."""

    cabinet: str = ""
    version: int = 0
    state: DeliveryState
    make_time: datetime
    send_time: datetime | None = None
    deliver_time: datetime | None = None
    confirm_time: datetime | None = None
    hear_time: datetime | None = None
    refusal: str = ""
    attempts: int = 0
    confirmed_version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LampState:
    """What is known of a luminaire; None is not measured."""

    luminaire: str = ""
    level_percent: float | None = None
    power_w: float | None = None
    burning_seconds: float | None = None
    switch_count: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LampReport:
    """What is wanted of a luminaire now, and what was seen of it last."""

    luminaire: str = ""
    wanted_level_percent: float = 0.0
    see_time: datetime | None = None
    seen: LampState | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault of a luminaire, of a circuit, or of the cabinet where neither is named; watts are those of all lamps that show it."""

    name: str = ""
    kind: FaultKind
    cabinet: str = ""
    luminaire: str = ""
    circuit: int = 0
    start_time: datetime
    end_time: datetime | None = None
    see_time: datetime
    expected_w: float | None = None
    seen_w: float | None = None
    expected_level_percent: float | None = None
    seen_level_percent: float | None = None
    lamps: int = 0
    of_lamps: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Burning:
    """About how many lamps burnt that should have been dark, and for how many hours."""

    lamps: int = 0
    hours: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NightEnergy:
    """What was planned and what was metered in a night of a cabinet, over the part of it that was metered."""

    night_date: str = ""
    verdict: EnergyVerdict
    coverage_percent: float = 0.0
    planned_joules: float = 0.0
    metered_joules: float = 0.0
    difference_percent: float | None = None
    by_day: Burning = Burning()
    by_night: Burning = Burning()
    lamps_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedInventoryRow:
    """A row that was not imported, and why."""

    line: int = 0
    column: str = ""
    reason: str = ""
    description: str = ""
    row: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class InventoryImport:
    """What became of an inventory file, with a portion of the rows that were refused."""

    row_count: int = 0
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    refused_rows: tuple[RefusedInventoryRow, ...] = ()
