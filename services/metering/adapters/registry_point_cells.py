"""Metering points as rows of cells."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from metering.adapters.registry_cells import (
    dated,
    identifiers,
    items,
    minutes,
    optional_word,
    pairs,
    reference,
    truth,
    whole,
    word,
    written_identifiers,
    written_minutes,
    written_pairs,
    written_validity,
    written_word,
    wrong,
)
from metering.adapters.registry_place_cells import of_column
from metering.domain.registry.drafts import PointFields
from metering.domain.registry.points import Channel, Contract, Device, MeteringPoint, OffPeakWindow
from vocabulary.failure import Failure
from vocabulary.flux import Direction, Flux, Quantity

_OF_CHANNELS = ("id", "quantity", "direction", "register_set", "tariff_slot")
_NUMBERS_OF_DEVICES = ("digits", "register_unit", "pulse_weight", "maximum_rate")
_OF_DEVICES = ("serial", *_NUMBERS_OF_DEVICES, "volume_corrected")
_OF_CONTRACTS = ("power_va", "tariff", "off_peak", "reference")

_flux = optional_word(Flux)
_quantity = word(Quantity)
_direction = word(Direction)

COLUMNS = ("id", "flux", "display_name", "identifiers", "places", "parents", "channels", "devices", "contracts")


@lru_cache(maxsize=1_024)
def _channels(cell: str) -> tuple[Channel, ...]:
    # Most points of a file count the same.
    return tuple(_channel(pairs(item, _OF_CHANNELS)) for item in items(cell))


def _channel(values: dict[str, str]) -> Channel:
    return Channel(
        channel_id=values.get("id", ""),
        quantity=_quantity(values.get("quantity", "")),
        direction=_direction(values.get("direction", "import")),
        register_set=values.get("register_set", ""),
        tariff_slot=values.get("tariff_slot", ""),
    )


def _device(item: str, zone: ZoneInfo) -> Device:
    text, when = dated(item, zone)
    values = pairs(text, _OF_DEVICES)
    numbers = {name: whole(values[name]) for name in _NUMBERS_OF_DEVICES if name in values}
    return Device(
        serial=values.get("serial", ""),
        volume_corrected="volume_corrected" in values and truth(values["volume_corrected"]),
        validity=when,
        **numbers,
    )


def _contract(item: str, zone: ZoneInfo) -> Contract:
    text, when = dated(item, zone)
    values = pairs(text, _OF_CONTRACTS)
    return Contract(
        validity=when,
        subscribed_power_va=whole(values.get("power_va", "")),
        tariff=values.get("tariff", ""),
        off_peak_windows=_windows(values.get("off_peak", "")),
        reference=values.get("reference", ""),
    )


@lru_cache(maxsize=1_024)
def _windows(text: str) -> tuple[OffPeakWindow, ...]:
    return tuple(_window(window) for window in text.split(",")) if text else ()


def _window(text: str) -> OffPeakWindow:
    stretch, tilde, months = text.partition("~")
    start, end = minutes(stretch)
    first, dash, last = months.partition("-")
    if tilde and not (dash and first.isdecimal() and last.isdecimal()):
        raise wrong(f"{text!r} is not of the form 22:30-06:30~4-10")
    return OffPeakWindow(start_minute=start, end_minute=end, first_month=int(first or 0), last_month=int(last or 0))


_READERS: Mapping[str, Callable[[str, ZoneInfo], Any]] = {
    "flux": lambda cell, _: _flux(cell),
    "display_name": lambda cell, _: cell,
    "identifiers": lambda cell, _: identifiers(cell),
    "places": lambda cell, zone: tuple(reference(item, zone) for item in items(cell)),
    "parents": lambda cell, zone: tuple(reference(item, zone) for item in items(cell)),
    "channels": lambda cell, _: _channels(cell),
    "devices": lambda cell, zone: tuple(_device(item, zone) for item in items(cell)),
    "contracts": lambda cell, zone: tuple(_contract(item, zone) for item in items(cell)),
}


def point_fields(cells: Mapping[str, str], zone: ZoneInfo) -> PointFields:
    """Return what a row says; a FieldFault names the column that is wrong."""
    fields: dict[str, Any] = {}
    for column, cell in cells.items():
        read = _READERS.get(column)
        if read is None:
            continue
        try:
            fields[column] = read(cell, zone)
        except Failure as failure:
            raise of_column(column, failure) from None
    return cast("PointFields", fields)


def point_cells(point: MeteringPoint, zone: ZoneInfo) -> dict[str, str]:
    """Return the cells of a point, by column."""
    return {
        "id": point.point_id,
        "flux": written_word(point.flux),
        "display_name": point.display_name,
        "identifiers": written_identifiers(point.identifiers),
        "places": "|".join(place.place + written_validity(place.validity, zone) for place in point.places),
        "parents": "|".join(parent.parent + written_validity(parent.validity, zone) for parent in point.parents),
        "channels": "|".join(_written_channel(channel) for channel in point.channels),
        "devices": "|".join(_written_device(device) + written_validity(device.validity, zone) for device in point.devices),
        "contracts": "|".join(_written_contract(contract) + written_validity(contract.validity, zone) for contract in point.contracts),
    }


def _written_channel(channel: Channel) -> str:
    return written_pairs(
        {
            "id": channel.channel_id,
            "quantity": written_word(channel.quantity),
            "direction": written_word(channel.direction),
            "register_set": channel.register_set,
            "tariff_slot": channel.tariff_slot,
        }
    )


def _written_device(device: Device) -> str:
    return written_pairs({name: getattr(device, name) for name in _OF_DEVICES})


def _written_contract(contract: Contract) -> str:
    windows = ",".join(_written_window(window) for window in contract.off_peak_windows)
    return written_pairs(
        {"power_va": contract.subscribed_power_va, "tariff": contract.tariff, "off_peak": windows, "reference": contract.reference}
    )


def _written_window(window: OffPeakWindow) -> str:
    text = written_minutes(window.start_minute, window.end_minute)
    return f"{text}~{window.first_month}-{window.last_month}" if window.first_month else text
