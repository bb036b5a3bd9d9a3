"""What the methods about readings work with."""

from concurrent.futures import Executor
from dataclasses import dataclass

from metering.domain.series.ports import KnownSeries, SeriesStore
from runtime.call import Call
from runtime.changes import Changes
from runtime.clock import Clock
from runtime.limits import RateLimits


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingTools:
    """What readings are taken and given with.

    They are checked against `known` and kept in `store`; whatever blocks runs in `executor`. `changes` remembers answers by request id,
    and `quotas` counts the readings of each sender.
    """

    store: SeriesStore
    known: KnownSeries
    clock: Clock
    executor: Executor
    changes: Changes
    quotas: RateLimits


def sender_of(call: Call) -> str:
    """Return whose quota counts what a call sends: each caller has one in each territory."""
    return f"{call.caller.subject}@{call.territory}"
