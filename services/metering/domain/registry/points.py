"""Metering points: what is measured, where, by which device, under which contract, each with its dates."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from metering.domain.registry.dated import ALWAYS, in_order, overlap
from metering.domain.registry.failures import FieldFault, MissingValue, OutOfRange, ParentCycle, RepeatedValue, WrongQuantity, refuse
from metering.domain.registry.identifiers import Identifier, check_identifiers, check_number, check_text
from metering.domain.registry.premises import too_many
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId

MAX_CHANNELS = 64
MAX_DATED_FACTS = 200

_CHANNEL_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LAST_MINUTE = 1_439
_MAX_DIGITS = 18
_MAX_UNIT = 10**15
_MAX_POWER_VA = 2_000_000_000
_MAX_WINDOWS = 32
_CODE_LENGTH = 63
_COUNTED = {
    Flux.ELECTRICITY: frozenset({Quantity.ENERGY, Quantity.ACTIVE_POWER, Quantity.REACTIVE_POWER, Quantity.MAXIMUM_POWER}),
    Flux.GAS: frozenset({Quantity.VOLUME, Quantity.ENERGY}),
    Flux.WATER: frozenset({Quantity.VOLUME}),
    Flux.HEAT: frozenset({Quantity.ENERGY, Quantity.VOLUME, Quantity.ACTIVE_POWER}),
    Flux.COOLING: frozenset({Quantity.ENERGY, Quantity.VOLUME, Quantity.ACTIVE_POWER}),
    Flux.FUEL: frozenset({Quantity.VOLUME, Quantity.ENERGY}),
}
_IMPORT_ONLY = frozenset({Flux.HEAT, Flux.COOLING, Flux.FUEL})


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPlace:
    """At which place a point measures, and when."""

    place: PlaceId
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class PointParent:
    """Behind which point a point measures, and when."""

    parent: PointId
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One thing that a point counts; register sets of one meter are alternatives of each other."""

    channel_id: str
    quantity: Quantity
    direction: Direction
    register_set: str = ""
    tariff_slot: str = ""

    def __post_init__(self) -> None:
        """Refuse ids that are none."""
        refuse(
            None if _CHANNEL_ID.fullmatch(self.channel_id) else OutOfRange("channel_id", "must be 1 to 63 of a–z, 0–9 and hyphen"),
            check_text("register_set", self.register_set, longest=_CODE_LENGTH),
            check_text("tariff_slot", self.tariff_slot, longest=_CODE_LENGTH),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device that measured at a point; 0 is not known. Units, pulse weight and rate are in base units (J, ml; W, ml/h)."""

    serial: str
    digits: int = 0
    register_unit: int = 0
    pulse_weight: int = 0
    maximum_rate: int = 0
    volume_corrected: bool = False
    validity: Validity = ALWAYS

    def __post_init__(self) -> None:
        """Refuse negative and absurd figures."""
        refuse(
            check_text("serial", self.serial, longest=_CODE_LENGTH),
            check_number("digits", self.digits, 0, _MAX_DIGITS),
            check_number("register_unit", self.register_unit, 0, _MAX_UNIT),
            check_number("pulse_weight", self.pulse_weight, 0, _MAX_UNIT),
            check_number("maximum_rate", self.maximum_rate, 0, _MAX_UNIT),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OffPeakWindow:
    """A daily stretch of off-peak time in minutes of the local day, which may pass midnight; months 0 and 0: all year."""

    start_minute: int
    end_minute: int
    first_month: int = 0
    last_month: int = 0

    def __post_init__(self) -> None:
        """Refuse empty stretches, and half a season."""
        refuse(
            check_number("start_minute", self.start_minute, 0, _LAST_MINUTE),
            check_number("end_minute", self.end_minute, 0, _LAST_MINUTE),
            check_number("first_month", self.first_month, 0, 12),
            check_number("last_month", self.last_month, 0, 12),
            OutOfRange("end_minute", "must not be the start") if self.start_minute == self.end_minute else None,
            self._season_fault(),
        )

    def _season_fault(self) -> FieldFault | None:
        half = bool(self.first_month) != bool(self.last_month)
        return OutOfRange("last_month", "a season has a first and a last month") if half else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """What a supply contract says; power in volt-amperes, 0 where there is none."""

    validity: Validity = ALWAYS
    subscribed_power_va: int = 0
    tariff: str = ""
    off_peak_windows: tuple[OffPeakWindow, ...] = ()
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse negative and absurd figures."""
        refuse(
            check_number("subscribed_power_va", self.subscribed_power_va, 0, _MAX_POWER_VA),
            check_text("tariff", self.tariff, longest=_CODE_LENGTH),
            check_text("reference", self.reference, longest=100),
            too_many("off_peak_windows", self.off_peak_windows, _MAX_WINDOWS),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteringPoint:
    """A metering point as it is now; dated facts are in order of time, and of each only one holds at a time."""

    point_id: PointId
    flux: Flux
    display_name: str = ""
    identifiers: tuple[Identifier, ...] = ()
    places: tuple[PointPlace, ...]
    parents: tuple[PointParent, ...] = ()
    channels: tuple[Channel, ...]
    devices: tuple[Device, ...] = ()
    contracts: tuple[Contract, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever else the territory holds; `point_rules` does the rest."""
        if len(self.places) > 1 or len(self.parents) > 1 or len(self.devices) > 1 or len(self.contracts) > 1:
            for field in ("places", "parents", "devices", "contracts"):
                object.__setattr__(self, field, in_order(getattr(self, field)))
        refuse(
            check_text("display_name", self.display_name),
            check_identifiers(self.identifiers),
            self._places_fault(),
            dated_fault("parents", self.parents),
            self._parents_fault(),
            check_channels(self.flux, self.channels),
            dated_fault("devices", self.devices),
            dated_fault("contracts", self.contracts),
        )

    def _places_fault(self) -> FieldFault | None:
        if not self.places:
            return MissingValue("places", "a point measures at a place")
        return dated_fault("places", self.places)

    def _parents_fault(self) -> FieldFault | None:
        for parent in self.parents:
            if parent.parent == self.point_id:
                return ParentCycle("parents", "a point does not measure behind itself", parent=self.point_id)
        return None


def main_channel(flux: Flux) -> Channel:
    """Return the channel that a point of the flux has when nothing else is said: what is drawn, in all."""
    quantity = Quantity.VOLUME if flux in {Flux.WATER, Flux.GAS, Flux.FUEL} else Quantity.ENERGY
    return Channel(channel_id="import", quantity=quantity, direction=Direction.IMPORT, register_set="total")


def dated_fault(field: str, facts: Sequence[PointPlace | PointParent | Device | Contract]) -> FieldFault | None:
    """Return what is wrong with dated facts in order: too many, or two at once."""
    return None if len(facts) < 2 else too_many(field, facts, MAX_DATED_FACTS) or overlap(field, facts)  # noqa: PLR2004 - two overlap


def check_channels(flux: Flux, channels: Sequence[Channel]) -> FieldFault | None:
    """Return what is wrong with the channels of a point: none, too many, repeated, or impossible for the flux."""
    if not channels:
        return MissingValue("channels", "a point counts at least one thing")
    if len(channels) > MAX_CHANNELS:
        return OutOfRange("channels", f"at most {MAX_CHANNELS}")
    for channel in channels:
        if channel.quantity not in _COUNTED[flux]:
            return WrongQuantity("channels", f"{flux.name.lower()} has no {channel.quantity.name.lower()}", channel=channel.channel_id)
        if flux in _IMPORT_ONLY and channel.direction is not Direction.IMPORT:
            return WrongQuantity("channels", f"{flux.name.lower()} is only drawn", channel=channel.channel_id)
    return _repeated(channels) if len(channels) > 1 else None


def _repeated(channels: Sequence[Channel]) -> FieldFault | None:
    ids = Counter(channel.channel_id for channel in channels)
    meanings = Counter((c.quantity, c.direction, c.register_set, c.tariff_slot) for c in channels)
    twice = [channel for channel, count in ids.items() if count > 1]
    if twice:
        return RepeatedValue("channels", f"{twice[0]} is named twice", channel=twice[0])
    if max(meanings.values()) > 1:
        return RepeatedValue("channels", "two channels count the same: quantity, direction, register set and tariff slot")
    return None
