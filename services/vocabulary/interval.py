"""Half-open intervals of time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vocabulary.failure import Failure, Kind


class EmptyInterval(Failure):
    """An interval ends where, or before, it starts."""

    reason, kind = "EMPTY_INTERVAL", Kind.INVALID


class NaiveTime(Failure):
    """A time carries no zone, so nobody can tell when it is."""

    reason, kind = "NAIVE_TIME", Kind.INVALID


def utc(time: datetime) -> datetime:
    """Return `time` in UTC; a naive time is refused."""
    if time.tzinfo is None:
        raise NaiveTime(f"{time.isoformat()} has no time zone", time=time.isoformat())
    return time.astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """All instants from `start` up to, not including, `end`; both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse naive times and empty intervals; hold UTC."""
        object.__setattr__(self, "start", utc(self.start))
        object.__setattr__(self, "end", utc(self.end))
        if not self.start < self.end:
            raise EmptyInterval(
                f"the interval from {self.start.isoformat()} to {self.end.isoformat()} is empty",
                start=self.start.isoformat(),
                end=self.end.isoformat(),
            )

    @property
    def duration(self) -> timedelta:
        """The time between start and end."""
        return self.end - self.start

    def contains(self, at: datetime) -> bool:
        """Tell whether the instant lies inside."""
        return self.start <= at < self.end

    def intersection(self, other: "Interval") -> "Interval | None":
        """Return what both share, None when they share nothing."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Interval(start=start, end=end) if start < end else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """When a dated fact holds: from `start`, up to `end`; `None` is open, to the past or to the future."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse naive times and empty validities; hold UTC."""
        for bound in ("start", "end"):
            time: datetime | None = getattr(self, bound)
            if time is not None:
                object.__setattr__(self, bound, utc(time))
        if self.start is not None and self.end is not None and not self.start < self.end:
            raise EmptyInterval(
                f"the validity from {self.start.isoformat()} to {self.end.isoformat()} is empty",
                start=self.start.isoformat(),
                end=self.end.isoformat(),
            )

    def contains(self, at: datetime) -> bool:
        """Tell whether the fact holds at the instant."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def overlaps(self, other: "Validity") -> bool:
        """Tell whether both hold at some instant."""
        return (self.start is None or other.end is None or self.start < other.end) and (
            other.start is None or self.end is None or other.start < self.end
        )

    def within(self, during: Interval) -> Interval | None:
        """Return the part of `during` in which the fact holds, None when there is none."""
        start = during.start if self.start is None else max(during.start, self.start)
        end = during.end if self.end is None else min(during.end, self.end)
        return Interval(start=start, end=end) if start < end else None
