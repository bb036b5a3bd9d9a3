"""Random plans, limits and commands of a cabinet: what properties of lighting are about."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from lighting.domain.calendars import Calendar, CalendarRule
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.estate import Content, Estate, Plan
from lighting.domain.inventory import Cabinet, Clock, CurvePoint, LampType, Limits, Luminaire
from lighting.domain.levels import CabinetId, CalendarId, CommandId, Control, GroupId, LuminaireId, PlanName, ProgrammeId
from lighting.domain.nights import instant_of
from lighting.domain.programmes import ActivePeriod, Effect, EffectOperation, EffectSource, PeriodKind, Programme, Reference, SwitchPoint
from vocabulary.interval import Interval

LAMP, CABINET, GROUP = LuminaireId("l"), CabinetId("c"), GroupId("g")
FIRST = date(2025, 1, 1)
ZONES = st.sampled_from([(48.9, 2.3, "Europe/Paris"), (-20.9, 55.4, "Indian/Reunion"), (50.6, 3.1, "Europe/Paris")])
DAYS = st.one_of(
    st.dates(date(2025, 1, 2), date(2027, 12, 1)), st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 12, 31)])
)
LEVELS = st.integers(0, 100)
MINUTES = st.integers(0, 1_439)
OFFSETS = st.integers(-180, 180)

POINTS = st.builds(
    SwitchPoint,
    reference=st.sampled_from([Reference.FIXED, Reference.SUNSET, Reference.SUNRISE]),
    minute=MINUTES,
    offset_minutes=OFFSETS,
    level=LEVELS,
    ramp_s=st.sampled_from([0, 0, 30, 600, 7_200]),
)
EFFECTS = st.builds(Effect, source=st.just(EffectSource.PRESENCE), operation=st.sampled_from(EffectOperation), value=LEVELS)


@st.composite
def programmes(draw: st.DrawFn, name: str) -> Programme:
    astro = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK, sunset_offset_minutes=draw(OFFSETS), sunrise_offset_minutes=draw(OFFSETS))
    start, end = sorted(draw(st.lists(st.integers(0, 1_439), min_size=2, max_size=2, unique=True)))
    fixed = ActivePeriod(kind=PeriodKind.ABSOLUTE, start_minute=(start + 720) % 1_440, end_minute=(end + 720) % 1_440)
    periods = draw(st.sampled_from([(astro,), (fixed,), (astro, fixed)]))
    points = draw(
        st.lists(
            POINTS,
            max_size=6,
            unique_by=lambda one: (one.reference, one.minute if one.reference is Reference.FIXED else one.offset_minutes),
        )
    )
    effects = tuple(draw(st.lists(EFFECTS, max_size=2)))
    return Programme(id=ProgrammeId(name), display_name=name, periods=periods, switch_points=tuple(points), effects=effects)


@st.composite
def luminaires(draw: st.DrawFn, lamp: LuminaireId = LAMP) -> Luminaire:
    low = draw(st.sampled_from([1, 10, 30]))
    curve = (CurvePoint(level=low, power_w=5.0), CurvePoint(level=60, power_w=22.0), CurvePoint(level=100, power_w=40.0))
    return Luminaire(
        id=lamp,
        number=lamp,
        cabinet=CABINET,
        circuit=draw(st.sampled_from([1, 1, 2])) if lamp != LAMP else 1,
        latitude_degrees=0,
        longitude_degrees=0,
        lamp=LampType(standby_power_w=0.5, curve=curve),
        control=draw(st.sampled_from([Control.INDIVIDUAL, Control.INDIVIDUAL, Control.CIRCUIT])),
        category="a",
        limits=Limits(never_off=draw(st.booleans()), never_dimmed=draw(st.booleans()), not_below=draw(st.sampled_from([0, 0, 20, 60]))),
    )


@st.composite
def commands(draw: st.DrawFn, around: date, scope: Scope) -> Command:
    start = datetime(around.year, around.month, around.day, 12, tzinfo=UTC) + timedelta(minutes=draw(st.integers(-2_000, 3_000)))
    kind = draw(st.sampled_from(CommandKind))
    length = draw(st.one_of(st.none(), st.integers(1, 3_000)))
    return Command(
        id=CommandId(f"k{draw(st.integers(0, 10**6))}"),
        kind=kind,
        scope=scope,
        level=0 if kind is CommandKind.LOCK_OUT else draw(LEVELS),
        start=start,
        expiry=start + timedelta(minutes=length) if length else None,
        author="people/a",
        reason="r",
        created=start - timedelta(minutes=draw(st.integers(0, 500))),
    )


def _commands_to(standing: list[LuminaireId], day: date) -> st.SearchStrategy[Command]:
    some = [Scope(luminaires=tuple(standing)), *(Scope(luminaires=(lamp,)) for lamp in standing)]
    return st.sampled_from(some).flatmap(lambda scope: commands(day, scope))


@st.composite
def estates(draw: st.DrawFn, *, commanded: bool = True, lamps: int = 1) -> tuple[Estate, date]:
    """Draw a cabinet of some lamps that follow one random calendar under random commands, and a day."""
    standing = [LAMP, *(LuminaireId(f"l{number}") for number in range(1, lamps))]
    latitude, longitude, zone = draw(ZONES)
    day = draw(DAYS)
    some, other = draw(programmes("some")), draw(programmes("other"))
    weekdays = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=6, unique=True)))
    calendar = Calendar(
        id=CalendarId("k"),
        display_name="k",
        rules=(CalendarRule(programme=other.id, weekdays=weekdays),),
        default_programme=draw(st.sampled_from([some.id, None])),
    )
    content = Content(luminaires=tuple(standing), calendar=calendar, programmes=(some, other))
    plan = Plan(
        name=PlanName(group=GROUP, version=1),
        content=content,
        first_night=FIRST,
        published=datetime(2025, 1, 1, tzinfo=UTC),
        author="a",
        reason="r",
    )
    clock = Clock(latitude_degrees=latitude, longitude_degrees=longitude, sunset_offset_minutes=draw(st.integers(-30, 30)))
    estate = Estate(
        zone=ZoneInfo(zone),
        cabinets={CABINET: Cabinet(id=CABINET, display_name="c", clock=clock, powered_by_day=draw(st.booleans()))},
        luminaires={lamp: draw(luminaires(lamp)) for lamp in standing},
        plans={GROUP: (plan,)},
        drafts={GROUP: content},
        commands=tuple(draw(st.lists(_commands_to(standing, day), max_size=4, unique_by=lambda one: one.id))) if commanded else (),
    )
    return estate, day


def night(estate: Estate, day: date, nights: int = 1) -> Interval:
    start, end = (instant_of(one, 720, estate.zone) for one in (day, day + timedelta(days=nights)))
    return Interval(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))
