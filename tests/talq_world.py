"""Orders and their levels: what the tests of TALQ compare the field with."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from field.talq import TalqGateway
from field.talq_programs import checked_program
from lighting.adapters.talq_orders import override_command, overrides_by_luminaire, programmed
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.nights import NOON, instant_of
from lighting.domain.orders import NIGHTS_AHEAD, Course, Hold, Order, Stretch
from simulation.controllers import Controller, Lamp
from simulation.sun import Spot

PARIS = ZoneInfo("Europe/Paris")
LILLE = Spot(latitude_degrees=50.63, longitude_degrees=3.06)
OWNER = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
CABINET = CabinetId("c-1")


def bounds(first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the noons between which an order from a first night on holds."""
    start, end = (instant_of(first + timedelta(days=days), NOON, zone) for days in (0, NIGHTS_AHEAD))
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def order(first: date, courses: Mapping[tuple[str, ...], Sequence[Stretch]], holds: Sequence[Hold] = (), zone: ZoneInfo = PARIS) -> Order:
    start, end = bounds(first, zone)
    return Order(
        cabinet=CABINET,
        gateway=Gateway(protocol=GatewayProtocol.TALQ, address="gw-1"),
        start=start,
        end=end,
        courses=tuple(
            Course(luminaires=tuple(map(LuminaireId, names)), stretches=tuple(stretches)) for names, stretches in courses.items()
        ),
        holds=tuple(holds),
    )


def course_level(asked: Order, course: Course, at: datetime) -> tuple[float, Stretch, float]:
    """Return the level of a course at an instant, the stretch that gives it, and how fast it moves there, in per cent per second."""
    number = max(n for n, one in enumerate(course.stretches) if one.start <= at)
    stretch = course.stretches[number]
    until = course.stretches[number + 1].start if number + 1 < len(course.stretches) else asked.end
    slope = (stretch.level - stretch.start_level) / (until - stretch.start).total_seconds()
    return stretch.start_level + slope * (at - stretch.start).total_seconds(), stretch, abs(slope)


def levels(asked: Order, at: datetime) -> dict[str, float]:
    """Return what an order says of each luminaire at an instant, holds included."""
    found = {str(one): course_level(asked, course, at)[0] for course in asked.courses for one in course.luminaires}
    for hold in asked.holds:
        if hold.start <= at and (hold.end is None or at < hold.end):
            found |= {str(one): hold.level for one in hold.luminaires}
    return found


def handed_over(asked: Order, controllers: Controller, zone: ZoneInfo, *, first_time: bool = True) -> TalqGateway:
    """Return a gateway that was told an order at its start, message by message, without a network between."""
    gateway = TalqGateway(name="gw-1", controllers=[controllers], zone=zone, now=asked.start.timestamp, first_time=first_time)
    resources = programmed(asked, 3, OWNER, zone, clock_after=True)
    for program in resources.programs.values():
        checked_program(program)
    gateway.programs, gateway.calendars = dict(resources.programs), dict(resources.calendars)
    for luminaire, overrides in overrides_by_luminaire(asked.holds, asked.start).items():
        for one in overrides:
            gateway.override([str(luminaire)], override_command([str(luminaire)], one)["targetCommand"])
    for calendar, luminaires in resources.followers.items():
        gateway.assign([str(one) for one in luminaires], calendar)
    return gateway


def repeated(at: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks show an instant for the second time: TALQ cannot name it."""
    return bool(at.astimezone(zone).fold)


def controller(*lamps: str, powered_by_day: bool = True) -> Controller:
    """Return a cabinet in Lille with lamps of 60 watts."""
    return Controller(
        cabinet=str(CABINET),
        lamps={one: Lamp(id=one, full_power_w=60, fixed_power_w=4, standby_power_w=0.5) for one in lamps},
        spot=LILLE,
        powered_by_day=powered_by_day,
    )
