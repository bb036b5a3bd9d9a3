"""What readings of a channel can physically be: bounds from devices and contracts, beyond which a reading is refused at arrival."""

from metering.domain.registry.points import MeteringPoint
from metering.domain.series.arrival import GREATEST_VALUE, Limits
from metering.domain.series.columns import ReadingKind
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE, Flux, Quantity, base_unit

SHORTEST_S, LONGEST_S = 1, 2 * 366 * 86_400
"""Intervals last from a second to two years."""

_SECONDS_PER_HOUR = 3_600
_RICHEST_GAS_WH = 13_000
_SUBSCRIPTIONS = 2
"""A breaker lets no half-hour pass with twice the subscribed power; what lies between once and twice is for alarms to judge."""


def reading_limits(point: MeteringPoint, channel_id: str, kind: ReadingKind) -> Limits | None:
    """Return the limits of a channel's readings of a kind, None when the point has no such channel."""
    channel = next((one for one in point.channels if one.channel_id == channel_id), None)
    if channel is None:
        return None
    if kind is ReadingKind.REGISTER:
        highest = _highest_index(point)
        return Limits(kind=kind, unit=base_unit(channel.quantity), lowest=0, highest=highest, per_second=False, shortest_s=0, longest_s=0)
    highest = _highest_rate(point, channel.quantity)
    bounded = highest is not None
    return Limits(
        kind=kind,
        unit=base_unit(channel.quantity),
        lowest=0 if channel.quantity is not Quantity.REACTIVE_POWER else -GREATEST_VALUE,
        highest=GREATEST_VALUE if highest is None else highest,
        per_second=bounded and channel.quantity in (Quantity.ENERGY, Quantity.VOLUME),
        shortest_s=SHORTEST_S,
        longest_s=LONGEST_S,
    )


def _highest_index(point: MeteringPoint) -> int:
    """Return the greatest index that any device of the point can show, as far as all of them say."""
    if not point.devices or not all(device.digits and device.register_unit for device in point.devices):
        return GREATEST_VALUE
    return min(max(10**device.digits * device.register_unit for device in point.devices) - 1, GREATEST_VALUE)


def _highest_rate(point: MeteringPoint, quantity: Quantity) -> int | None:
    """Return the most that can pass: watts, volt-amperes, or millilitres per second rounded up; None when nobody says."""
    hourly = most_per_hour(point, quantity)
    if hourly is not None:
        return -(-hourly // _SECONDS_PER_HOUR)
    powers = [contract.subscribed_power_va for contract in point.contracts]
    if point.flux is Flux.ELECTRICITY and powers and all(powers):
        return _SUBSCRIPTIONS * max(powers)
    return None


def most_per_hour(point: MeteringPoint, quantity: Quantity) -> int | None:
    """Return the most base units that an hour can bring by the point's largest device, None when one of them does not say.

    Devices of gas and water say millilitres per hour, all others watts; gas brings at most 13 kWh in a cubic metre.
    """
    rates = [device.maximum_rate for device in point.devices]
    if not rates or not all(rates):
        return None
    greatest = max(rates)
    if point.flux not in (Flux.GAS, Flux.WATER):
        return greatest * _SECONDS_PER_HOUR
    if quantity is Quantity.VOLUME:
        return greatest
    return -(-greatest * _RICHEST_GAS_WH * JOULES_PER_WATT_HOUR // MILLILITRES_PER_CUBIC_METRE)
