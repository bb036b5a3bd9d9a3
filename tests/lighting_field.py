"""A cabinet in the field and what watches it: simulated controllers under an estate's orders, their reports, and the diagnosis of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from lighting.domain.calendars import Calendar, CalendarRule
from lighting.domain.diagnosis import diagnosed, waited
from lighting.domain.estate import Content, Estate, Plan
from lighting.domain.expectations import CabinetPlan, cabinet_plan, expected
from lighting.domain.faults import Diagnosis, Fault, Thresholds, Watch
from lighting.domain.inventory import Cabinet, Clock, Gateway, GatewayProtocol, LampType, Limits, Luminaire, SelfDimming
from lighting.domain.levels import CabinetId, CalendarId, Control, GroupId, LuminaireId, PlanName, ProgrammeId
from lighting.domain.nights import NOON, instant_of, night_of
from lighting.domain.orders import NIGHTS_AHEAD, Order, orders
from lighting.domain.programmes import ActivePeriod, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.reports import LampState, Report
from simulation import controllers as field_side
from simulation import luminaires as town_side
from simulation.measuring import Measured, measured
from simulation.scene import ZONE
from simulation.sun import Spot
from simulation.town import Town
from vocabulary.names import TerritoryId

TOWN = TerritoryId("town")
GATEWAY = Gateway(protocol=GatewayProtocol.MQTT, address="g")
QUARTER = timedelta(minutes=15)
EVERYTHING = field_side.Meters()
POWER_ALONE = field_side.Meters(level=False, switching=False)
LEVEL_ALONE = field_side.Meters(power=False)
_PUBLISHED = datetime(2020, 1, 1, tzinfo=UTC)
_OWN_DIMMING_MINUTES = 180
_FEASTS = ((7, 14), (12, 24), (12, 31))


def controller_of(estate: Estate, cabinet: CabinetId, meters: field_side.Meters = EVERYTHING, seed: int = 1) -> field_side.Controller:
    """Return the controllers of a cabinet as the inventory has them."""
    clock = estate.cabinets[cabinet].clock
    return field_side.Controller(
        cabinet=cabinet,
        lamps={one.id: _lamp(one, meters) for one in estate.luminaires.values() if one.cabinet == cabinet},
        spot=Spot(latitude_degrees=clock.latitude_degrees, longitude_degrees=clock.longitude_degrees),
        powered_by_day=estate.cabinets[cabinet].powered_by_day,
        after_sunset_s=60 * clock.sunset_offset_minutes,
        before_sunrise_s=-60 * clock.sunrise_offset_minutes,
        seed=seed,
    )


def _lamp(one: Luminaire, meters: field_side.Meters) -> field_side.Lamp:
    own, full = one.self_dimming, one.lamp.full_power_w
    return field_side.Lamp(
        id=one.id,
        circuit=one.circuit,
        full_power_w=full,
        fixed_power_w=0.06 * full,
        standby_power_w=one.lamp.standby_power_w,
        minimum_level=one.lamp.minimum_level,
        own_dimming=None
        if own is None
        else field_side.OwnDimming(before_s=60 * own.before_minutes, after_s=60 * own.after_minutes, level=own.level),
        meters=meters if one.controller or one.control is Control.INDIVIDUAL else None,
        contactor=one.control in (Control.CIRCUIT, Control.NONE),
    )


def stored(order: Order, version: int) -> field_side.StoredOrder:
    """Return an order as a controller stores it."""
    return field_side.StoredOrder(
        version=version,
        start=order.start.timestamp(),
        end=order.end.timestamp(),
        courses=tuple(
            field_side.Course(
                lamps=course.luminaires,
                start=[one.start.timestamp() for one in course.stretches],
                start_level=[one.start_level for one in course.stretches],
                level=[one.level for one in course.stretches],
            )
            for course in order.courses
        ),
        holds=tuple(
            field_side.Hold(
                lamps=hold.luminaires,
                start=hold.start.timestamp(),
                end=None if hold.end is None else hold.end.timestamp(),
                level=hold.level,
            )
            for hold in order.holds
        ),
    )


def report_of(seen: Measured, cabinet: CabinetId) -> Report:
    """Return what a gateway says as the service hears it."""
    return Report(
        territory=TOWN,
        cabinet=cabinet,
        gateway=GATEWAY,
        at=datetime.fromtimestamp(seen.at, UTC),
        supplied=seen.supplied,
        door_open=seen.door_open,
        tripped_circuits=seen.tripped_circuits,
        version=seen.version,
        lamps=tuple(
            LampState(
                luminaire=LuminaireId(one.lamp),
                level=one.level,
                power_w=one.power_w,
                burning_s=one.burning_s,
                switch_count=one.switch_count,
            )
            for one in seen.lamps
        ),
    )


@dataclass
class Patrol:
    """One cabinet that is watched: a fortnight's order and plan at a time, and every report against them."""

    estate: Estate
    cabinet: CabinetId
    controller: field_side.Controller
    watch: Watch
    thresholds: Thresholds = Thresholds()  # noqa: RUF009 - frozen
    opened: list[Fault] = field(default_factory=list[Fault])
    closed: list[Fault] = field(default_factory=list[Fault])
    version: int = 0
    reports: int = 0
    _plan: CabinetPlan | None = None

    @classmethod
    def of(cls, estate: Estate, cabinet: CabinetId, start: datetime, meters: field_side.Meters = EVERYTHING, seed: int = 1) -> "Patrol":
        controller = controller_of(estate, cabinet, meters, seed)
        return cls(estate=estate, cabinet=cabinet, controller=controller, watch=Watch(cabinet=cabinet, since=start))

    def step(self, at: datetime) -> Diagnosis:
        """Let the gateway say what it says at an instant, and the watch make of it what it makes."""
        plan = self._planned(night_of(at, self.estate.zone))
        seen = measured(self.controller, at.timestamp())
        found = expected(plan, at, self.watch.heard, version=self.version or None)
        if seen is None:
            return self._take(waited(self.watch, found, self.thresholds))
        return self.hear(report_of(seen, self.cabinet), plan)

    def hear(self, report: Report, plan: CabinetPlan | None = None) -> Diagnosis:
        plan = plan or self._planned(night_of(report.at, self.estate.zone))
        found = expected(plan, report.at, self.watch.heard, version=self.version or None)
        self.reports += 1
        return self._take(diagnosed(self.watch, found, report, self.thresholds))

    def run(self, start: datetime, end: datetime, every: timedelta = QUARTER) -> None:
        while start < end:
            self.step(start)
            start += every

    def _take(self, diagnosis: Diagnosis) -> Diagnosis:
        self.watch = diagnosis.watch
        self.opened += diagnosis.opened
        self.closed += diagnosis.closed
        return diagnosis

    def _planned(self, night: date) -> CabinetPlan:
        if self._plan is None or not self._plan.first <= night <= self._plan.last:
            order = orders(self.estate, {self.cabinet: night}).get(self.cabinet)
            if order is not None:
                self.version += 1
                self.controller.take(stored(order, self.version))
            self._plan = cabinet_plan(self.estate, self.cabinet, night, night + timedelta(days=NIGHTS_AHEAD - 1))
        return self._plan

    @property
    def told(self) -> list[tuple[str, str | None, int | None]]:
        """What was told, in order: kind, luminaire, circuit."""
        return [(one.symptom.kind.name, one.symptom.luminaire, one.symptom.circuit) for one in self.opened]


def noon(day: date, zone: ZoneInfo = ZONE) -> datetime:
    return datetime.fromtimestamp(instant_of(day, NOON, zone), UTC)


def town_estate(town: Town) -> Estate:
    """Return the town's lighting as an installation has it; every lamp that can be heard has a controller."""
    cabinets = {CabinetId(one.id): _cabinet(one) for one in town.cabinets}
    switching = {one.id: one.switching for one in town.cabinets}
    luminaires = {LuminaireId(f"l{one.number}"): _luminaire(one, switching[one.cabinet]) for one in town.luminaires}
    plans: dict[GroupId, tuple[Plan, ...]] = {}
    for one in town.cabinets:
        driven = tuple(lamp.id for lamp in luminaires.values() if lamp.cabinet == one.id and lamp.control is not Control.SELF_DIMMING)
        if driven:
            plans[GroupId(one.id)] = (_published(one, driven),)
    drafts = {group: versions[0].content for group, versions in plans.items()}
    return Estate(zone=ZONE, cabinets=cabinets, luminaires=luminaires, plans=plans, drafts=drafts)


def _cabinet(one: town_side.Cabinet) -> Cabinet:
    clock = Clock(
        latitude_degrees=one.position.latitude_degrees,
        longitude_degrees=one.position.longitude_degrees,
        sunset_offset_minutes=one.switching.after_sunset_minutes,
        sunrise_offset_minutes=-one.switching.before_sunrise_minutes,
        drift_s_per_day=one.clock_drift_s_per_day,
    )
    gateway = Gateway(protocol=GatewayProtocol.MQTT, address=one.id)
    return Cabinet(
        id=CabinetId(one.id),
        display_name=one.display_name,
        metering_point=one.point,
        clock=clock,
        powered_by_day=one.powered_by_day,
        gateway=gateway,
    )


def _luminaire(one: town_side.Luminaire, switching: town_side.Switching) -> Luminaire:
    own = one.control is town_side.Control.SELF_DIMMING
    lamp = LampType.of_led(
        power_w=one.rated_power_w,
        standby_power_w=one.standby_power_w,
        minimum_level=one.minimum_level_percent,
        technology=one.technology.value,
    )
    dims = SelfDimming(before_minutes=_OWN_DIMMING_MINUTES, after_minutes=_OWN_DIMMING_MINUTES, level=switching.dimmed_percent)
    return Luminaire(
        id=LuminaireId(f"l{one.number}"),
        number=one.number,
        cabinet=CabinetId(one.cabinet),
        circuit=one.circuit,
        latitude_degrees=one.position.latitude_degrees,
        longitude_degrees=one.position.longitude_degrees,
        lamp=lamp,
        control=Control[one.control.name],
        controller=f"m{one.number}",
        category=one.category,
        limits=Limits(never_dimmed=one.crossing and not own),
        self_dimming=dims if own and not one.crossing else None,
    )


def _published(one: town_side.Cabinet, luminaires: tuple[LuminaireId, ...]) -> Plan:
    every = ProgrammeId("nights"), one.switching, 0
    feast = ProgrammeId("feasts"), replace(one.switching, off_minute=None, on_minute=None, dimmed_percent=100), 0
    weekend = ProgrammeId("weekends"), one.switching, 120
    partial = one.switching.off_minute is not None and one.switching.on_minute is not None
    dates = [(date(2024, month, day), date(2024, month, day)) for month, day in _FEASTS]
    rules = [CalendarRule(programme=feast[0], first=first, last=last, every_year=True) for first, last in dates]
    if partial:
        rules.append(CalendarRule(programme=weekend[0], weekdays=(5, 6)))
    calendar = Calendar(id=CalendarId(one.id), display_name=one.display_name, rules=tuple(rules), default_programme=every[0])
    programmes = tuple(_programme(*some) for some in ((every, feast, weekend) if partial else (every, feast)))
    content = Content(luminaires=luminaires, calendar=calendar, programmes=programmes)
    name = PlanName(group=GroupId(one.id), version=1)
    return Plan(name=name, content=content, first_night=_PUBLISHED.date(), published=_PUBLISHED, author="people/a", reason="r")


def _programme(name: ProgrammeId, switching: town_side.Switching, later: int) -> Programme:
    points: list[SwitchPoint] = []
    if switching.dimmed_percent < 100:
        points.append(SwitchPoint(reference=Reference.FIXED, minute=1_380, level=switching.dimmed_percent))
        points.append(SwitchPoint(reference=Reference.FIXED, minute=300, level=100))
    if switching.off_minute is not None:
        points.append(SwitchPoint(reference=Reference.FIXED, minute=(switching.off_minute + later) % 1_440, level=0))
    if switching.on_minute is not None:
        points.append(SwitchPoint(reference=Reference.FIXED, minute=switching.on_minute, level=100))
    night = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)
    return Programme(id=name, display_name=name, periods=(night,), switch_points=tuple(points))


def meters_of(town: Town) -> Mapping[str, field_side.Meters]:
    """Return what the lamps of each cabinet are measured by: mostly by all; one cabinet's drivers tell levels alone, clamps power alone."""
    return dict(_meters(town))


def _meters(town: Town) -> Iterator[tuple[str, field_side.Meters]]:
    for one in town.cabinets:
        control = next(lamp.control for lamp in town.luminaires if lamp.cabinet == one.id)
        if control is town_side.Control.SELF_DIMMING:
            yield one.id, POWER_ALONE
        else:
            yield one.id, LEVEL_ALONE if one.display_name.endswith("Gare") else EVERYTHING
