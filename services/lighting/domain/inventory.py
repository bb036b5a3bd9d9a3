"""Luminaires, lamp types, cabinets and their clocks."""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

from lighting.domain.failures import Unfit
from lighting.domain.levels import CabinetId, Control, LuminaireId
from vocabulary.names import PlaceId, PointId

CATEGORIES = "abcdefg"
"""Letters of article 1 of the decree of 27 December 2018: roads, heritage and parks, sports, buildings, car parks, events, works."""
_MINUTE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MOST_OFFSET_MINUTES = 180
_MOST_WATTS = 10_000
_ADDRESS = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _check(field: str, *, fits: bool, needs: str) -> None:
    if not fits:
        raise Unfit(field, needs)


def check_position(latitude: float, longitude: float) -> None:
    """Refuse what lies nowhere on the earth; Unfit."""
    _check("latitude_degrees", fits=-90 <= latitude <= 90, needs="must be −90 to 90 degrees")  # noqa: PLR2004 - degrees
    _check("longitude_degrees", fits=-180 <= longitude <= 180, needs="must be −180 to 180 degrees")  # noqa: PLR2004 - degrees


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """A cabinet's astronomical clock: where it believes to be, what it adds to sunset and sunrise, and how much it loses a day.

    The drift is known, not planned with: plans say when a thing should happen, and reports compare.
    """

    latitude_degrees: float
    longitude_degrees: float
    sunset_offset_minutes: int = 0
    sunrise_offset_minutes: int = 0
    drift_s_per_day: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a clock that cannot be; Unfit."""
        check_position(self.latitude_degrees, self.longitude_degrees)
        for field in ("sunset_offset_minutes", "sunrise_offset_minutes"):
            value: int = getattr(self, field)
            _check(field, fits=abs(value) <= _MOST_OFFSET_MINUTES, needs=f"must be within {_MOST_OFFSET_MINUTES} minutes")


class GatewayProtocol(Enum):
    """What a cabinet's gateway speaks."""

    MQTT = 1
    TALQ = 2
    """Version 2.7.1, over HTTP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """How a cabinet is reached: the name of its gateway, as its topics (MQTT) or the settings (TALQ) call it."""

    protocol: GatewayProtocol
    address: str

    def __post_init__(self) -> None:
        """Refuse what is no name; Unfit."""
        _check("gateway.address", fits=_ADDRESS.fullmatch(self.address) is not None, needs="must be small letters, digits and hyphens")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cabinet:
    """A cabinet: its clock, its metering point, whether its lines carry power by day, and the tariff that its energy is bought at.

    One without a gateway follows its clock: nobody tells it anything.
    """

    id: CabinetId
    display_name: str
    place: PlaceId | None = None
    metering_point: PointId | None = None
    clock: Clock
    powered_by_day: bool = False
    tariff: str = ""
    gateway: Gateway | None = None
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LightHead:
    """What article 5 of the decree asks the manager to know of a light head; None is not known."""

    upward_light_ratio_percent: float | None = None
    cie_flux_code_3_percent: float | None = None
    colour_temperature_kelvin: int | None = None
    luminous_flux_lumens: int | None = None
    installation_date: date | None = None

    def __post_init__(self) -> None:
        """Refuse what no light head has; Unfit."""
        for field, least, most in (
            ("upward_light_ratio_percent", 0, 100),
            ("cie_flux_code_3_percent", 0, 100),
            ("colour_temperature_kelvin", 1_000, 20_000),
            ("luminous_flux_lumens", 0, 1_000_000),
        ):
            value: float | None = getattr(self, field)
            _check(field, fits=value is None or least <= value <= most, needs=f"must be {least} to {most}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """How much power a lamp draws at a level."""

    level: int
    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LampType:
    """Power of a lamp in watts: in standby, and by level along straight lines between points; the lowest point is the driver's minimum.

    A lamp that cannot dim has the one point at 100 %.
    """

    technology: str = "led"
    standby_power_w: float = 0.0
    curve: tuple[CurvePoint, ...]

    def __post_init__(self) -> None:
        """Refuse a curve that does not rise to 100 %; Unfit."""
        levels, powers = [point.level for point in self.curve], [point.power_w for point in self.curve]
        _check("curve", fits=bool(levels) and levels[-1] == 100, needs="must end at 100 %")  # noqa: PLR2004 - per cent
        _check("curve", fits=levels[0] >= 1 and levels == sorted(set(levels)), needs="levels must rise from 1 % or more")
        _check("curve", fits=powers == sorted(powers) and powers[0] >= 0 and powers[-1] <= _MOST_WATTS, needs="powers must rise from 0 W")
        _check("standby_power_w", fits=0 <= self.standby_power_w <= max(powers), needs="must be 0 W to the full power")

    @property
    def minimum_level(self) -> int:
        """The lowest level in per cent that the driver reaches."""
        return self.curve[0].level

    @property
    def full_power_w(self) -> float:
        """The power at 100 %."""
        return self.curve[-1].power_w

    @classmethod
    def of_led(cls, *, power_w: float, standby_power_w: float, minimum_level: int, technology: str = "led") -> "LampType":
        """Return a lamp whose power falls straight to a fixed part, 6 % of the full power, that dimming does not lower."""
        fixed = 0.06 * power_w
        lowest = (CurvePoint(level=minimum_level, power_w=fixed + (power_w - fixed) * minimum_level / 100),) if minimum_level < 100 else ()  # noqa: PLR2004 - per cent
        return cls(technology=technology, standby_power_w=standby_power_w, curve=(*lowest, CurvePoint(level=100, power_w=power_w)))


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfDimming:
    """What a driver does by itself: `level` per cent from some minutes before the middle of its night until some minutes after."""

    before_minutes: int
    after_minutes: int
    level: int

    def __post_init__(self) -> None:
        """Refuse a curve that holds no time; Unfit."""
        _check("self_dimming", fits=-self.before_minutes < self.after_minutes, needs="must end after it starts")
        _check("self_dimming.level", fits=1 <= self.level <= 100, needs="must be 1 to 100")  # noqa: PLR2004 - per cent


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityHours:
    """When what a luminaire serves is open, in minutes of the local day; a close before the open lies after midnight."""

    open_minute: int
    close_minute: int

    def __post_init__(self) -> None:
        """Refuse what no clock shows; Unfit."""
        for field in ("open_minute", "close_minute"):
            value: int = getattr(self, field)
            _check(field, fits=0 <= value < 1_440, needs="must be a minute of the day")  # noqa: PLR2004 - minutes of a day


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What no software level may break. Never off holds from sunset to sunrise; the others while the lamp is lit."""

    never_off: bool = False
    never_dimmed: bool = False
    not_below: int = 0
    """Per cent; 0: no such limit."""

    def __post_init__(self) -> None:
        """Refuse a limit that is no level; Unfit."""
        _check("not_below", fits=0 <= self.not_below <= 100, needs="must be 0 to 100")  # noqa: PLR2004 - per cent


@dataclass(frozen=True, kw_only=True, slots=True)
class Luminaire:
    """One luminaire. The `controller` may be replaced: the lamp, its history and its group stay."""

    id: LuminaireId
    number: str
    """As it is painted on the mast."""
    cabinet: CabinetId
    circuit: int = 1
    street: PlaceId | None = None
    latitude_degrees: float
    longitude_degrees: float
    lamp: LampType
    control: Control
    controller: str = ""
    """The serial or address of its controller; empty: none is known."""
    category: str
    subcategory: str = ""
    """What of a category: `shop-window`, `office`, `facade` of buildings, `park` of heritage; empty: not said."""
    light_head: LightHead = LightHead()
    activity: ActivityHours | None = None
    limits: Limits = Limits()
    self_dimming: SelfDimming | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse a luminaire that cannot be; Unfit."""
        check_position(self.latitude_degrees, self.longitude_degrees)
        _check("number", fits=bool(self.number.strip()), needs="is required")
        _check("circuit", fits=1 <= self.circuit <= 99, needs="must be 1 to 99")  # noqa: PLR2004 - what cabinets have
        _check("category", fits=len(self.category) == 1 and self.category in CATEGORIES, needs=f"must be one of {CATEGORIES}")
        own = self.self_dimming is None or self.control is Control.SELF_DIMMING
        _check("self_dimming", fits=own, needs="belongs to self-dimming luminaires alone")


def minute_of(text: str, field: str) -> int:
    """Return the minute of the day in `HH:MM`; Unfit."""
    found = _MINUTE.fullmatch(text.strip())
    if found is None:
        raise Unfit(field, f"{text!r} is not a time such as 23:30")
    return int(found[1]) * 60 + int(found[2])
