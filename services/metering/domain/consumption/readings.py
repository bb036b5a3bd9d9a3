"""What a channel's figures are made of: its resolved readings, and the dated facts of its devices."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metering.domain.consumption.columns import Int8s, Int64s, UnorderedColumns, int8s, int64s, require_increasing, require_same_length
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.quality import Quality


class ContradictoryDevices(Failure):
    """Two devices of one point are installed at the same time."""

    reason, kind = "CONTRADICTORY_DEVICES", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RegisterReadings:
    """Indexes shown by one register, one per instant, oldest first; already resolved, suspect ones included.

    time: UTC seconds. value: the index in the channel's base unit (joule or millilitre). quality: `Quality` numbers.
    """

    time: Int64s
    value: Int64s
    quality: Int8s

    def __post_init__(self) -> None:
        """Refuse columns of unequal length and times that do not increase."""
        require_same_length(self.time, self.value, self.quality)
        require_increasing(self.time)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class IntervalReadings:
    """Quantities over intervals, one per start, by start; already resolved, suspect ones included.

    start: UTC seconds. duration: seconds, positive. value: joules or millilitres over the interval. quality: `Quality` numbers.
    """

    start: Int64s
    duration: Int64s
    value: Int64s
    quality: Int8s

    def __post_init__(self) -> None:
        """Refuse columns of unequal length, starts that do not increase and empty intervals."""
        require_same_length(self.start, self.duration, self.value, self.quality)
        require_increasing(self.start)
        if bool((self.duration <= 0).any()):
            raise UnorderedColumns("an interval reading lasts no time")


def register_readings(
    time: Sequence[int] | Int64s, value: Sequence[int] | Int64s, quality: Sequence[int] | Int8s | None = None
) -> RegisterReadings:
    """Return readings of a register from any sequences; without qualities all are measured."""
    times = int64s(time)
    qualities = np.full(len(times), Quality.MEASURED, dtype=np.int8) if quality is None else int8s(quality)
    return RegisterReadings(time=times, value=int64s(value), quality=qualities)


def interval_readings(
    start: Sequence[int] | Int64s,
    duration: Sequence[int] | Int64s | int,
    value: Sequence[int] | Int64s,
    quality: Sequence[int] | Int8s | None = None,
) -> IntervalReadings:
    """Return interval readings from any sequences; one duration may serve all, and without qualities all are measured."""
    starts = int64s(start)
    durations = np.broadcast_to(int64s(duration), starts.shape)
    qualities = np.full(len(starts), Quality.MEASURED, dtype=np.int8) if quality is None else int8s(quality)
    return IntervalReadings(start=starts, duration=durations, value=int64s(value), quality=qualities)


NO_REGISTER_READINGS = register_readings([], [])
NO_INTERVAL_READINGS = interval_readings([], [], [])


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One device of a point, from its installation to its removal, as far as one register of it is concerned."""

    serial: str
    validity: Validity = field(default_factory=Validity)
    digits: int | None = None
    """How many digits the register shows; None when unknown, and then a rollover cannot be told."""
    unit: int = 1
    """The base units that the last digit counts: 3,600,000 J where it is 1 kWh, 1,000,000 ml where it is 1 m³."""
    pulse: int | None = None
    """The base units of one pulse; None where the register is not counted in pulses."""
    first_index: int | None = None
    """The index at installation, in base units; None when nobody noted it."""
    last_index: int | None = None
    """The index at removal, in base units; None when nobody noted it."""

    @property
    def modulus(self) -> int | None:
        """The index, in base units, at which the register starts again from zero."""
        return None if self.digits is None else 10**self.digits * self.unit

    @property
    def resolution(self) -> int:
        """The smallest step that the register's readings can show, in base units."""
        return self.unit if self.pulse is None else self.pulse


UNKNOWN_DEVICE = Device(serial="")
"""Stands for whatever hung there before the first device that the registry knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelFacts:
    """What the registry knows that bears on a channel's readings."""

    devices: tuple[Device, ...] = ()
    """In order of installation, never two at a time; empty when the registry knows none."""
    maximum_per_hour: int | None = None
    """The most base units that an hour can physically bring; None when unknown, and then no spike can be told."""

    def __post_init__(self) -> None:
        """Refuse devices that overlap or are out of order."""
        for before, after in zip(self.devices, self.devices[1:], strict=False):
            if (
                after.validity.start is None
                or before.validity.overlaps(after.validity)
                or (before.validity.start is not None and before.validity.start > after.validity.start)
            ):
                raise ContradictoryDevices(
                    f"devices {before.serial!r} and {after.serial!r} overlap or are out of order", before=before.serial, after=after.serial
                )
