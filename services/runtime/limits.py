"""How much one caller may ask or send: a bucket of tokens each, refilled steadily."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from runtime.call import SERVICE_SUBJECTS
from runtime.clock import Clock
from vocabulary.failure import Failure, Kind

_MAX_CALLERS = 10_000
"""Buckets kept; the one unused for longest goes first, and a caller that comes back after that starts with a full one."""


class RateLimited(Failure):
    """The caller calls too often, or sends too much."""

    reason, kind = "RATE_LIMITED", Kind.EXHAUSTED


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: datetime


class RateLimits:
    """Lets each caller have `burst` at once, and `per_minute` over time; services of the installation are not limited."""

    def __init__(self, *, per_minute: float, burst: int, clock: Clock, counted: str = "calls") -> None:
        """Start with full buckets; `counted` says what of, in the plural."""
        self._per_second = per_minute / 60
        self._burst = burst
        self._counted = counted
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, count: int = 1) -> None:
        """Count `count` more of `key` (it starts with a subject, or is a peer address); RateLimited with the delay to wait, in seconds.

        Who asks for more than the burst at once gets it from a full bucket, and waits the longer afterwards.
        """
        if key.startswith(SERVICE_SUBJECTS):
            return
        bucket = self._filled(key)
        needed = min(count, self._burst)
        if bucket.tokens < needed:
            delay_s = (needed - bucket.tokens) / self._per_second
            raise RateLimited(f"too many {self._counted}: try again in {delay_s:.3f} s", retry_delay_s=f"{delay_s:.3f}")
        bucket.tokens -= count

    def _filled(self, key: str) -> _Bucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(tokens=self._burst, filled=now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_CALLERS:
            self._buckets.popitem(last=False)
        # A clock that is set back, as simulators do, takes nothing away.
        elapsed_s = max(0.0, (now - bucket.filled).total_seconds())
        bucket.tokens = min(float(self._burst), bucket.tokens + elapsed_s * self._per_second)
        bucket.filled = now
        return bucket
