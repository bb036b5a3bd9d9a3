"""Metering points to and from the contract."""

from datetime import datetime
from functools import lru_cache

from metering.domain.registry.failures import Faults, MissingValue
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.points import Channel, Contract, Device, MeteringPoint, OffPeakWindow, PointParent, PointPlace
from metering.wire.places import identifier_from_proto
from multiflux.metering.v1 import metering_point_pb2 as pb
from multiflux.metering.v1 import registry_service_pb2
from multiflux.type.v1 import interval_pb2
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PointId, place_id, point_id
from wire.instants import instant, instant_to_proto
from wire.intervals import validity_from_proto, validity_to_proto
from wire.words import direction_from_proto, direction_to_proto, flux_from_proto, flux_to_proto, quantity_from_proto, quantity_to_proto

_validity_to_proto = lru_cache(maxsize=4_096)(validity_to_proto)
"""Thousands of points share a few dates; the messages are only ever copied into others."""

UPDATABLE = ("display_name", "identifiers", "places", "parents", "channels", "devices", "contracts")


def point_from_proto(message: pb.MeteringPoint, own_id: PointId, path: str) -> MeteringPoint:
    """Return the point; what is wrong is gathered, and names its fields below `path`."""
    faults = Faults()
    values: dict[str, object] = {
        "flux": faults.one(path, lambda m: flux_from_proto(m.flux, "flux"), message),
        "identifiers": faults.each(f"{path}.identifiers", identifier_from_proto, message.identifiers),
        "places": faults.each(f"{path}.places", _place_from_proto, message.places),
        "parents": faults.each(f"{path}.parents", _parent_from_proto, message.parents),
        "channels": faults.each(f"{path}.channels", _channel_from_proto, message.channels),
        "devices": faults.each(f"{path}.devices", device_from_proto, message.devices),
        "contracts": faults.each(f"{path}.contracts", contract_from_proto, message.contracts),
    }
    faults.refuse()
    point = faults.one(path, lambda m: _point(m, own_id, values), message)
    faults.refuse()
    if point is None:
        raise AssertionError("refused above")
    return point


def _point(message: pb.MeteringPoint, own_id: PointId, values: dict[str, object]) -> MeteringPoint:
    return MeteringPoint(
        point_id=own_id,
        display_name=message.display_name,
        **values,  # pyright: ignore[reportArgumentType] - each was converted to its type above
    )


def _validity_from_proto(message: pb.PointPlace | pb.PointParent | pb.Device | pb.Contract) -> Validity:
    return _validity_of(message.validity.SerializeToString(deterministic=True))


@lru_cache(maxsize=4_096)
def _validity_of(document: bytes) -> Validity:
    return validity_from_proto(pb.PointPlace(validity=interval_pb2.Validity.FromString(document)))


def _place_from_proto(message: pb.PointPlace) -> PointPlace:
    return PointPlace(place=place_id(message.place), validity=_validity_from_proto(message))


def _parent_from_proto(message: pb.PointParent) -> PointParent:
    return PointParent(parent=point_id(message.parent), validity=_validity_from_proto(message))


def _channel_from_proto(message: pb.Channel) -> Channel:
    return Channel(
        channel_id=message.channel_id,
        quantity=quantity_from_proto(message.quantity, "quantity"),
        direction=direction_from_proto(message.direction, "direction"),
        register_set=message.register_set,
        tariff_slot=message.tariff_slot,
    )


def device_from_proto(message: pb.Device) -> Device:
    """Return the device; FieldFault."""
    return Device(
        serial=message.serial,
        digits=message.digits,
        register_unit=message.register_unit,
        pulse_weight=message.pulse_weight,
        maximum_rate=message.maximum_rate,
        volume_corrected=message.volume_corrected,
        validity=_validity_from_proto(message),
    )


def contract_from_proto(message: pb.Contract) -> Contract:
    """Return the contract; FieldFault."""
    windows: tuple[OffPeakWindow, ...] = ()
    if message.off_peak_windows:
        faults = Faults()
        windows = faults.each("off_peak_windows", _window_from_proto, message.off_peak_windows)
        faults.refuse()
    return Contract(
        validity=_validity_from_proto(message),
        subscribed_power_va=message.subscribed_power_va,
        tariff=message.tariff,
        off_peak_windows=windows,
        reference=message.reference,
    )


def _window_from_proto(message: pb.OffPeakWindow) -> OffPeakWindow:
    return OffPeakWindow(
        start_minute=message.start_minute,
        end_minute=message.end_minute,
        first_month=message.first_month,
        last_month=message.last_month,
    )


def exchange_from_proto(request: registry_service_pb2.ExchangeDeviceRequest) -> tuple[Device, datetime]:
    """Return the new device, and when it takes the place of the former one; MissingField, FieldFault."""
    faults = Faults()
    if not request.HasField("device"):
        faults.note("device", MissingValue("", "is required"))
    device = faults.one("device", device_from_proto, request.device)
    at = faults.one("", lambda r: instant(r, "exchange_time"), request)
    faults.refuse()
    if device is None or at is None:
        raise AssertionError("refused above")
    return device, at


def point_to_proto(point: MeteringPoint) -> pb.MeteringPoint:
    """Return the point as the contract writes it, without etag and times: those are the store's."""
    message = pb.MeteringPoint(name=f"meters/{point.point_id}", flux=flux_to_proto(point.flux), display_name=point.display_name)
    # Made in place: a message made first and copied in takes twice as long, and files have many points.
    for identifier in point.identifiers:
        message.identifiers.add(scheme=identifier.scheme, value=identifier.value)
    for at in point.places:
        message.places.add(place=f"places/{at.place}", validity=_validity_to_proto(at.validity))
    for behind in point.parents:
        message.parents.add(parent=f"meters/{behind.parent}", validity=_validity_to_proto(behind.validity))
    message.channels.extend([_channel_to_proto(channel) for channel in point.channels])
    for device in point.devices:
        _add_device(message, device)
    for contract in point.contracts:
        _add_contract(message, contract)
    return message


def stored_point_to_proto(point: MeteringPoint, etag: str, created: datetime, updated: datetime) -> pb.MeteringPoint:
    """Return the point as the contract writes it, with what the store knows of it; without an etag, the update time stays out too."""
    message = point_to_proto(point)
    message.create_time.CopyFrom(instant_to_proto(created))
    if etag:
        message.etag = etag
        message.update_time.CopyFrom(instant_to_proto(updated))
    return message


@lru_cache(maxsize=1_024)
def _channel_to_proto(channel: Channel) -> pb.Channel:
    return pb.Channel(
        channel_id=channel.channel_id,
        quantity=quantity_to_proto(channel.quantity),
        direction=direction_to_proto(channel.direction),
        register_set=channel.register_set,
        tariff_slot=channel.tariff_slot,
    )


def _add_device(message: pb.MeteringPoint, device: Device) -> None:
    message.devices.add(
        serial=device.serial,
        digits=device.digits,
        register_unit=device.register_unit,
        pulse_weight=device.pulse_weight,
        maximum_rate=device.maximum_rate,
        volume_corrected=device.volume_corrected,
        validity=_validity_to_proto(device.validity),
    )


def _add_contract(message: pb.MeteringPoint, contract: Contract) -> None:
    added = message.contracts.add(
        validity=_validity_to_proto(contract.validity),
        subscribed_power_va=contract.subscribed_power_va,
        tariff=contract.tariff,
        reference=contract.reference,
    )
    for window in contract.off_peak_windows:
        added.off_peak_windows.add(
            start_minute=window.start_minute,
            end_minute=window.end_minute,
            first_month=window.first_month,
            last_month=window.last_month,
        )


def point_document(point: MeteringPoint) -> bytes:
    """Return the point as bytes that are the same for the same point: how the store keeps it."""
    return point_to_proto(point).SerializeToString(deterministic=True)


def point_from_document(document: bytes) -> MeteringPoint:
    """Return the point that the store keeps; a document that nobody wrote here is a defect."""
    message = pb.MeteringPoint.FromString(document)
    return MeteringPoint(
        point_id=point_id(message.name),
        flux=Flux(message.flux),
        display_name=message.display_name,
        identifiers=tuple(Identifier(scheme=identifier.scheme, value=identifier.value) for identifier in message.identifiers),
        places=tuple(_place_from_proto(at) for at in message.places),
        parents=tuple(_parent_from_proto(behind) for behind in message.parents),
        channels=tuple(_channel_of(channel.SerializeToString(deterministic=True)) for channel in message.channels),
        devices=tuple(device_from_proto(device) for device in message.devices),
        contracts=tuple(contract_from_proto(contract) for contract in message.contracts),
    )


@lru_cache(maxsize=1_024)
def _channel_of(document: bytes) -> Channel:
    return _channel_from_proto(pb.Channel.FromString(document))


def filed_point_to_proto(document: bytes, etag: str, created: datetime, updated: datetime) -> pb.MeteringPoint:
    """Return a kept point as the contract writes it, all of it: `stored_point_to_proto` without a look at what it says."""
    message = pb.MeteringPoint.FromString(document)
    message.etag = etag
    message.create_time.CopyFrom(instant_to_proto(created))
    message.update_time.CopyFrom(instant_to_proto(updated))
    return message


def hide_personal(message: pb.MeteringPoint) -> None:
    """Take out of a point what events do not tell: names, identifiers, serials and contract numbers."""
    message.ClearField("display_name")
    message.ClearField("identifiers")
    for device in message.devices:
        device.ClearField("serial")
    for contract in message.contracts:
        contract.ClearField("reference")
