"""Prices of energy and grams of greenhouse gas by date, as the registry's tables say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from lighting.domain.steps import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """What a kilowatt-hour costs or causes from `first` up to, not including, `end` (None: open): millionths of the currency, or grams."""

    first: date | None = None
    end: date | None = None
    per_kwh: float

    def holds(self, day: date) -> bool:
        """Tell whether it holds on the day."""
        return (self.first is None or self.first <= day) and (self.end is None or day < self.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """A tariff's prices and taxes per kilowatt-hour, without VAT. One whose price depends on the hour is not priced here."""

    name: str
    rates: tuple[Rate, ...]
    taxes: tuple[Rate, ...] = ()
    has_slots: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What rehearsals reckon with. Grams are CO2 equivalent by `emission_method`."""

    tariffs: tuple[Tariff, ...] = ()
    emissions: tuple[Rate, ...] = ()
    emission_method: str = ""
    currency_code: str = "EUR"

    def price(self, tariff: str, days: Sequence[date]) -> Floats:
        """Return millionths per kilowatt-hour by day; NaN where nobody knows."""
        found = next((one for one in self.tariffs if one.name == tariff and not one.has_slots), None)
        if found is None:
            return np.full(len(days), np.nan)
        return by_day(found.rates, days) + np.nan_to_num(by_day(found.taxes, days))

    def grams(self, days: Sequence[date]) -> Floats:
        """Return grams per kilowatt-hour by day; NaN where nobody knows."""
        return by_day(self.emissions, days)


def by_day(rates: Sequence[Rate], days: Sequence[date]) -> Floats:
    """Return the rate of each day, the sum of those that hold; NaN where none does."""
    found = np.full(len(days), np.nan)
    for number, day in enumerate(days):
        holding = [rate.per_kwh for rate in rates if rate.holds(day)]
        if holding:
            found[number] = sum(holding)
    return found
