"""Metering points, their channels, devices and contracts, as the registry tells it."""

from dataclasses import dataclass
from datetime import datetime

from multiflux_client.places import Identifier
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPlace:
    """At which place a point measures, and when."""

    place: PlaceId
    validity: Validity = Validity()


@dataclass(frozen=True, kw_only=True, slots=True)
class PointParent:
    """Behind which point a point measures, and when."""

    parent: PointId
    validity: Validity = Validity()


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One thing that a point counts; register sets are alternatives of each other."""

    channel_id: str
    quantity: Quantity
    direction: Direction
    register_set: str = ""
    tariff_slot: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device that measured at a point. Weights are in joules or millilitres, the rate in watts or millilitres per hour; 0: not known."""

    serial: str
    digits: int = 0
    register_unit: int = 0
    pulse_weight: int = 0
    maximum_rate: int = 0
    volume_corrected: bool = False
    validity: Validity = Validity()


@dataclass(frozen=True, kw_only=True, slots=True)
class OffPeakWindow:
    """A daily stretch of off-peak time in minutes of the territory's local day, in some months or (0) all year."""

    start_minute: int
    end_minute: int
    first_month: int = 0
    last_month: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """What a point's supply contract says."""

    validity: Validity = Validity()
    subscribed_power_va: int = 0
    tariff: str = ""
    off_peak_windows: tuple[OffPeakWindow, ...] = ()
    reference: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveInContract:
    """The contract of one metering point for a household that moves in; its validity stays open."""

    metering_point: PointId
    contract: Contract


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteringPoint:
    """A point where a flux is measured. Without an id it is to be made."""

    id: PointId = PointId("")
    flux: Flux
    display_name: str = ""
    identifiers: tuple[Identifier, ...] = ()
    places: tuple[PointPlace, ...] = ()
    parents: tuple[PointParent, ...] = ()
    channels: tuple[Channel, ...] = ()
    devices: tuple[Device, ...] = ()
    contracts: tuple[Contract, ...] = ()
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None
