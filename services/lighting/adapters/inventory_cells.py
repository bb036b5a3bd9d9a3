"""Rows of inventory files: the columns of luminaires and cabinets, from and to text."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from lighting.domain.failures import Unfit
from lighting.domain.inventory import (
    ActivityHours,
    Cabinet,
    Clock,
    CurvePoint,
    Gateway,
    GatewayProtocol,
    LampType,
    LightHead,
    Limits,
    Luminaire,
    SelfDimming,
    minute_of,
)
from lighting.domain.levels import CabinetId, Control, LuminaireId
from vocabulary.names import InvalidName, PlaceId, PointId, checked_id

T = TypeVar("T")
Cells = Mapping[str, str]

LUMINAIRE_COLUMNS = (
    "id", "number", "cabinet", "circuit", "street", "latitude", "longitude", "technology", "power_w", "standby_power_w",
    "minimum_level", "curve",
    "control", "controller", "category", "subcategory",
    "upward_light_ratio_percent", "cie_flux_code_3_percent", "colour_temperature_kelvin",
    "luminous_flux_lumens", "installation_date", "open", "close", "never_off", "never_dimmed", "not_below",
    "own_before_minutes", "own_after_minutes", "own_level",
)  # fmt: skip
"""`curve` holds points such as `10:4.2|100:38` and stands instead of `power_w` and `minimum_level`,
from which a usual LED curve is made."""
CABINET_COLUMNS = (
    "id", "display_name", "place", "metering_point", "latitude", "longitude",
    "sunset_offset_minutes", "sunrise_offset_minutes", "drift_s_per_day",
    "powered_by_day", "tariff", "gateway_protocol", "gateway",
)  # fmt: skip


def luminaire_of(cells: Cells) -> Luminaire:
    """Return the luminaire of a row; Unfit names the column."""
    return Luminaire(
        id=LuminaireId(_id(cells, "id")),
        number=_text(cells, "number"),
        cabinet=CabinetId(_id(cells, "cabinet")),
        circuit=_or(cells, "circuit", int, 1),
        street=PlaceId(_id(cells, "street")) if _text(cells, "street") else None,
        latitude_degrees=_number(cells, "latitude"),
        longitude_degrees=_number(cells, "longitude"),
        lamp=_lamp(cells),
        control=_control(cells),
        controller=_text(cells, "controller"),
        category=_text(cells, "category"),
        subcategory=_text(cells, "subcategory"),
        light_head=_light_head(cells),
        activity=_activity(cells),
        limits=Limits(
            never_off=_truth(cells, "never_off"), never_dimmed=_truth(cells, "never_dimmed"), not_below=_or(cells, "not_below", int, 0)
        ),
        self_dimming=_self_dimming(cells),
    )


def cabinet_of(cells: Cells) -> Cabinet:
    """Return the cabinet of a row; Unfit names the column."""
    return Cabinet(
        id=CabinetId(_id(cells, "id")),
        display_name=_text(cells, "display_name"),
        place=PlaceId(_id(cells, "place")) if _text(cells, "place") else None,
        metering_point=PointId(_id(cells, "metering_point")) if _text(cells, "metering_point") else None,
        clock=Clock(
            latitude_degrees=_number(cells, "latitude"),
            longitude_degrees=_number(cells, "longitude"),
            sunset_offset_minutes=_or(cells, "sunset_offset_minutes", int, 0),
            sunrise_offset_minutes=_or(cells, "sunrise_offset_minutes", int, 0),
            drift_s_per_day=_or(cells, "drift_s_per_day", float, 0.0),
        ),
        powered_by_day=_truth(cells, "powered_by_day"),
        tariff=_text(cells, "tariff"),
        gateway=_gateway(cells),
    )


def luminaire_cells(one: Luminaire) -> dict[str, str]:
    """Return the row of a luminaire."""
    head, own, hours = one.light_head, one.self_dimming, one.activity
    return {
        "id": one.id,
        "number": one.number,
        "cabinet": one.cabinet,
        "circuit": str(one.circuit),
        "street": one.street or "",
        "latitude": repr(one.latitude_degrees),
        "longitude": repr(one.longitude_degrees),
        "technology": one.lamp.technology,
        "power_w": "",
        "standby_power_w": repr(one.lamp.standby_power_w),
        "minimum_level": "",
        "curve": "|".join(f"{point.level}:{point.power_w!r}" for point in one.lamp.curve),
        "control": one.control.name.lower().replace("_", "-"),
        "controller": one.controller,
        "category": one.category,
        "subcategory": one.subcategory,
        "upward_light_ratio_percent": _known(head.upward_light_ratio_percent),
        "cie_flux_code_3_percent": _known(head.cie_flux_code_3_percent),
        "colour_temperature_kelvin": _known(head.colour_temperature_kelvin),
        "luminous_flux_lumens": _known(head.luminous_flux_lumens),
        "installation_date": head.installation_date.isoformat() if head.installation_date else "",
        "open": _clock(hours.open_minute) if hours else "",
        "close": _clock(hours.close_minute) if hours else "",
        "never_off": _yes(flag=one.limits.never_off),
        "never_dimmed": _yes(flag=one.limits.never_dimmed),
        "not_below": str(one.limits.not_below or ""),
        "own_before_minutes": str(own.before_minutes) if own else "",
        "own_after_minutes": str(own.after_minutes) if own else "",
        "own_level": str(own.level) if own else "",
    }


def cabinet_cells(one: Cabinet) -> dict[str, str]:
    """Return the row of a cabinet."""
    clock = one.clock
    return {
        "id": one.id,
        "display_name": one.display_name,
        "place": one.place or "",
        "metering_point": one.metering_point or "",
        "latitude": repr(clock.latitude_degrees),
        "longitude": repr(clock.longitude_degrees),
        "sunset_offset_minutes": str(clock.sunset_offset_minutes),
        "sunrise_offset_minutes": str(clock.sunrise_offset_minutes),
        "drift_s_per_day": repr(clock.drift_s_per_day),
        "powered_by_day": _yes(flag=one.powered_by_day),
        "tariff": one.tariff,
        "gateway_protocol": one.gateway.protocol.name.lower() if one.gateway else "",
        "gateway": one.gateway.address if one.gateway else "",
    }


def _gateway(cells: Cells) -> Gateway | None:
    word, address = _text(cells, "gateway_protocol"), _text(cells, "gateway")
    if not word and not address:
        return None
    try:
        protocol = GatewayProtocol[word.upper()]
    except KeyError:
        raise Unfit("gateway_protocol", f"{word!r} is neither mqtt nor talq") from None
    try:
        return Gateway(protocol=protocol, address=address)
    except Unfit as unfit:
        raise Unfit("gateway", unfit.violations[0].description) from None


def _lamp(cells: Cells) -> LampType:
    technology, standby = _text(cells, "technology") or "led", _or(cells, "standby_power_w", float, 0.0)
    if not _text(cells, "curve"):
        minimum, power = _or(cells, "minimum_level", int, 10), _number(cells, "power_w")
        return LampType.of_led(power_w=power, standby_power_w=standby, minimum_level=minimum, technology=technology)
    points: list[CurvePoint] = []
    for part in _text(cells, "curve").split("|"):
        level, colon, power = part.partition(":")
        if not colon:
            raise Unfit("curve", f"{part!r} is not a level and a power such as 100:38")
        points.append(CurvePoint(level=_as(int, level, "curve"), power_w=_as(float, power, "curve")))
    return LampType(technology=technology, standby_power_w=standby, curve=tuple(points))


def _control(cells: Cells) -> Control:
    word = _text(cells, "control")
    try:
        return Control[word.upper().replace("-", "_")]
    except KeyError:
        raise Unfit("control", f"{word!r} is not individual, circuit, self-dimming or none") from None


def _light_head(cells: Cells) -> LightHead:
    return LightHead(
        upward_light_ratio_percent=_or(cells, "upward_light_ratio_percent", float, None),
        cie_flux_code_3_percent=_or(cells, "cie_flux_code_3_percent", float, None),
        colour_temperature_kelvin=_or(cells, "colour_temperature_kelvin", int, None),
        luminous_flux_lumens=_or(cells, "luminous_flux_lumens", int, None),
        installation_date=_or(cells, "installation_date", date.fromisoformat, None),
    )


def _activity(cells: Cells) -> ActivityHours | None:
    if not _text(cells, "open") and not _text(cells, "close"):
        return None
    return ActivityHours(open_minute=minute_of(_text(cells, "open"), "open"), close_minute=minute_of(_text(cells, "close"), "close"))


def _self_dimming(cells: Cells) -> SelfDimming | None:
    if not _text(cells, "own_level"):
        return None
    return SelfDimming(
        before_minutes=_as(int, _text(cells, "own_before_minutes"), "own_before_minutes"),
        after_minutes=_as(int, _text(cells, "own_after_minutes"), "own_after_minutes"),
        level=_as(int, _text(cells, "own_level"), "own_level"),
    )


def _text(cells: Cells, column: str) -> str:
    return cells.get(column, "").strip()


def _id(cells: Cells, column: str) -> str:
    try:
        return checked_id(_text(cells, column))
    except InvalidName as wrong:
        raise Unfit(column, wrong.message if _text(cells, column) else "is required") from None


def _number(cells: Cells, column: str) -> float:
    return _as(float, _text(cells, column), column)


D = TypeVar("D")


def _or(cells: Cells, column: str, read: Callable[[str], T], default: D) -> T | D:
    text = _text(cells, column)
    return _as(read, text, column) if text else default


def _as(read: Callable[[str], T], text: str, column: str) -> T:
    try:
        value = read(text)
    except ValueError:
        raise Unfit(column, f"{text!r} cannot be read" if text else "is required") from None
    if value != value:  # noqa: PLR0124 - only what is no number differs from itself
        raise Unfit(column, "is no number")
    return value


def _truth(cells: Cells, column: str) -> bool:
    word = _text(cells, column).lower()
    if word not in ("", "true", "false", "1", "0", "yes", "no", "oui", "non"):
        raise Unfit(column, f"{word!r} is neither true nor false")
    return word in ("true", "1", "yes", "oui")


def _yes(*, flag: bool) -> str:
    return "true" if flag else ""


def _known(value: float | None) -> str:
    return "" if value is None else repr(value)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
