"""What TALQ gateways send, as far as it must have a form; the names of fields are TALQ's."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter
from pydantic.alias_generators import to_camel

Json = dict[str, Any]

_Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Message(BaseModel):
    # Attributes of functions, and what later versions add, pass through.
    model_config = ConfigDict(extra="allow", alias_generator=to_camel, frozen=True)


class Function(_Message):
    """A function of a device; its attributes are further fields."""

    id: _Text
    type: _Text


class Device(_Message):
    """A device with its functions."""

    address: UUID
    name: str
    device_class: _Text = Field(alias="class")
    functions: tuple[Function, ...] = ()


class DeviceClass(_Message):
    """What devices of a class can do."""

    name: _Text


class Service(_Message):
    """A service of the gateway and its limits."""

    name: _Text


class Identified(_Message):
    """A program or calendar that a gateway holds."""

    id: str
    owner_cms: str = Field(alias="ownerCMS")


class _LogData(_Message):
    src_address: _Text
    timestamp: AwareDatetime | None = None


class AttributeLogData(_LogData):
    """An attribute was measured."""

    type: Literal["AttributeLogData"]
    attribute_name: _Text
    attribute_value: dict[str, JsonValue]


class EventLogData(_LogData):
    """Something happened, begins or ends."""

    type: Literal["EventLogData"]
    event_type: _Text
    start_end_flag: bool | None = None


class StateChangeEventLogData(_LogData):
    """A lamp was told another level, and may have reached another than it was told."""

    type: Literal["StateChangeEventLogData"]
    event_type: _Text
    command: dict[str, JsonValue]
    state: dict[str, JsonValue] | None = None


LogData = AttributeLogData | EventLogData | StateChangeEventLogData


class Entry(_Message):
    """One line of a log report."""

    cms_ref_id: str = ""
    data: Annotated[LogData, Field(discriminator="type")] | None = None


class LogReport(_Message):
    """What a logger recorded."""

    address: str = ""
    entries: tuple[Entry, ...] = ()


DEVICE = TypeAdapter(Device)
DEVICES = TypeAdapter(list[Device])
DEVICE_CLASS = TypeAdapter(DeviceClass)
DEVICE_CLASSES = TypeAdapter(list[DeviceClass])
SERVICES = TypeAdapter(list[Service])
IDENTIFIED = TypeAdapter(list[Identified])
LOG_REPORT = TypeAdapter(LogReport)

EVENTS, MEASUREMENTS = "multiflux-events", "multiflux-measurements"
"""Addresses of the loggers that gateways are asked to keep."""
MEASURED = {
    "LampActuatorFunction": ("actualLightState",),
    "LampMonitorFunction": ("activePower", "operatingHours", "switchOnCounter"),
}
_DELAY_S = {EVENTS: 1, MEASUREMENTS: 60}


def loggers(owner: str) -> dict[str, Json]:
    """Return the configurations of the loggers, by address: every event at once, and what is measured of lamps."""
    content = [
        {"function": {"functionType": function, "attributes": [{"name": name} for name in names]}} for function, names in MEASURED.items()
    ]
    modes: dict[str, Json] = {
        EVENTS: {"type": "EventRecordingMode", "sourceEvents": {"blackList": []}},
        MEASUREMENTS: {"type": "VendorRecordingMode", "content": content},
    }
    return {
        address: {
            "address": address,
            "ownerCMS": owner,
            "sourceAddresses": {"blackList": []},
            "recordingMode": mode,
            "reportingMode": {"type": "ImmediateReportingMode", "delay": _DELAY_S[address]},
        }
        for address, mode in modes.items()
    }
