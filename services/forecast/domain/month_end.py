"""The end of a month: what is known so far, what the days left may bring, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from forecast.domain.kept import Forecast
from vocabulary.civil import Granularity, slots
from vocabulary.interval import Interval

LEAST_PRICED_DAYS = 7
"""Prices are taken from the month so far when it has so many days, else from the four weeks before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What a point pays with VAT: per base unit of the quantity, and per day whatever it consumes; in millionths of the currency."""

    per_base_unit: float
    per_day: float
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthEnd:
    """The month, what is known of it (base units, up to `known_until`), and what it will be: its mean, and quantiles by their levels.

    The bills are in millionths of `prices.currency`, None without prices. over_budget: the chance that the bill exceeds the budget, 0 to 1.
    """

    month: Interval
    known: int
    known_until: datetime
    mean: float
    quantiles: tuple[float, ...]
    levels: tuple[float, ...]
    mean_bill: float | None
    bills: tuple[float, ...]
    over_budget: float | None


def month_of(at: datetime, zone: ZoneInfo) -> Interval:
    """Return the civil month in which the instant before `at` lies."""
    (month,) = slots(Interval(start=at - timedelta(seconds=1), end=at), Granularity.MONTH, zone)
    return month


def priced_interval(month: Interval, known_until: datetime, since: datetime | None, zone: ZoneInfo) -> Interval | None:
    """Return whole civil days, since a time, whose prices say what the month costs; None when there is none yet."""
    days = slots(Interval(start=known_until - timedelta(days=30), end=known_until), Granularity.DAY, zone)
    whole = [day for day in days if day.end <= known_until and (since is None or day.start >= since)]
    in_month = [day for day in whole if day.start >= month.start]
    chosen = in_month if len(in_month) >= LEAST_PRICED_DAYS else whole[-28:]
    return Interval(start=chosen[0].start, end=chosen[-1].end) if chosen else None


def month_end(month: Interval, known: int, forecast: Forecast, zone: ZoneInfo, prices: Prices | None, budget_micros: int) -> MonthEnd:
    """Add what is forecast of the days left, whose sums are in `forecast`, to what is known."""
    left = int(np.searchsorted(forecast.ends, int(month.end.timestamp()), "right"))
    ahead, ranges = 0.0, np.zeros(len(forecast.levels))
    if left and forecast.sums is not None and forecast.mean is not None:
        ahead, ranges = float(forecast.mean[:left].sum(dtype=np.float64)), forecast.sums[left - 1].astype(np.float64)
    amounts = tuple(known + float(value) for value in ranges)
    days = len(list(slots(month, Granularity.DAY, zone)))
    bills = () if prices is None else tuple(_bill(amount, days, prices) for amount in amounts)
    return MonthEnd(
        month=month,
        known=known,
        known_until=forecast.latest,
        mean=known + ahead,
        quantiles=amounts,
        levels=forecast.levels,
        mean_bill=None if prices is None else _bill(known + ahead, days, prices),
        bills=bills,
        over_budget=_chance_over(budget_micros, forecast.levels, bills) if budget_micros and bills else None,
    )


def _bill(amount: float, days: int, prices: Prices) -> float:
    return amount * prices.per_base_unit + days * prices.per_day


def _chance_over(budget: float, levels: Sequence[float], bills: Sequence[float]) -> float:
    """Return the share of outcomes above the budget, between quantiles by a straight line; beyond the outer ones, theirs."""
    if bills[0] == bills[-1]:
        return 1.0 if bills[0] > budget else 0.0
    return float(1 - np.interp(budget, np.maximum.accumulate(bills), levels, left=0.0, right=1.0))
