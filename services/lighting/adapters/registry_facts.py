"""What lighting reads in the registry: zone, holidays, prices and emission factors; remembered longer when nobody answers."""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lighting.domain.calendars import Holidays
from lighting.domain.ports import TerritoryFacts
from lighting.domain.rates import Rate, Rates, Tariff
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient
from multiflux_client.tables import PriceComponent, PriceUnit, ReferenceRow, ReferenceTable
from runtime.clock import Clock
from vocabulary.civil import time_zone
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_FRESH = timedelta(minutes=5)


class RegistryAway(Failure):
    """The registry does not answer, and nothing is known yet of the territory."""

    reason, kind = "REGISTRY_AWAY", Kind.BUSY


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionChoice:
    """Which emission factors to reckon with."""

    method: str
    usage: str


class RegistryFacts:
    """Facts of territories."""

    def __init__(self, client: Callable[[TerritoryId], RegistryClient], clock: Clock, choice: EmissionChoice) -> None:
        """Ask with the client of a territory."""
        self._client = client
        self._clock = clock
        self._choice = choice
        self._known: dict[TerritoryId, tuple[datetime, TerritoryFacts]] = {}

    async def of(self, territory: TerritoryId) -> TerritoryFacts:
        """Return the facts of a territory; RegistryAway when they were never known."""
        known = self._known.get(territory)
        if known is not None and self._clock.now() - known[0] < _FRESH:
            return known[1]
        try:
            facts = await self._read(self._client(territory))
        except (RemoteFailure, UnexpectedAnswer, OSError) as failure:
            if known is None:
                raise RegistryAway("the registry does not answer: try again soon", territory=territory) from failure
            _log.warning("facts of the registry are old", extra={"territory": territory})
            facts = known[1]
        self._known[territory] = (self._clock.now(), facts)
        return facts

    async def _read(self, client: RegistryClient) -> TerritoryFacts:
        territory = await client.territory()
        tables = {
            table: [row async for row in client.reference_rows(table)]
            for table in (
                ReferenceTable.PUBLIC_HOLIDAYS,
                ReferenceTable.SCHOOL_HOLIDAYS,
                ReferenceTable.TARIFF_PRICES,
                ReferenceTable.EMISSION_FACTORS,
            )
        }
        zone = time_zone(territory.time_zone)

        def span(row: ReferenceRow) -> tuple[date | None, date | None]:
            start, end = row.validity.start, row.validity.end
            return start.astimezone(zone).date() if start else None, end.astimezone(zone).date() if end else None

        return TerritoryFacts(
            zone=zone,
            holidays=_holidays(territory, tables, span),
            rates=Rates(
                tariffs=_tariffs(tables[ReferenceTable.TARIFF_PRICES], span),
                emissions=self._emissions(tables[ReferenceTable.EMISSION_FACTORS], span),
                emission_method=self._choice.method,
                currency_code=territory.currency_code,
            ),
        )

    def _emissions(self, rows: list[ReferenceRow], span: "_Span") -> tuple[Rate, ...]:
        found: list[Rate] = []
        for row in rows:
            factor = row.emission_factor
            if factor is None or factor.flux is not Flux.ELECTRICITY or factor.subdivision:
                continue
            if (factor.method, factor.usage) == (self._choice.method, self._choice.usage):
                first, end = span(row)
                found.append(Rate(first=first, end=end, per_kwh=factor.grams_per_unit))
        return tuple(found)


_Span = Callable[[ReferenceRow], tuple[date | None, date | None]]


def _holidays(territory: Territory, tables: dict[ReferenceTable, list[ReferenceRow]], span: _Span) -> Holidays:
    public: set[date] = set()
    for row in tables[ReferenceTable.PUBLIC_HOLIDAYS]:
        first, _ = span(row)
        if row.public_holiday and first and row.public_holiday.subdivision in ("", territory.public_holiday_subdivision):
            public.add(first)
    school: list[tuple[date, date]] = []
    for row in tables[ReferenceTable.SCHOOL_HOLIDAYS]:
        first, end = span(row)
        if row.school_holiday and first and end and row.school_holiday.zone == territory.school_holiday_zone:
            school.append((first, end))
    return Holidays(public=frozenset(public), school=tuple(sorted(school)))


def _tariffs(rows: list[ReferenceRow], span: _Span) -> tuple[Tariff, ...]:
    prices: defaultdict[str, list[Rate]] = defaultdict(list)
    taxes: defaultdict[str, list[Rate]] = defaultdict(list)
    slotted: set[str] = set()
    for row in rows:
        price = row.tariff_price
        if price is None or price.flux is not Flux.ELECTRICITY or price.unit is not PriceUnit.KILOWATT_HOUR:
            continue
        first, end = span(row)
        if price.component is PriceComponent.COMMODITY:
            prices[price.tariff].append(Rate(first=first, end=end, per_kwh=price.price_micros))
            if price.tariff_slot:
                slotted.add(price.tariff)
        elif price.component is PriceComponent.TAX:
            taxes[price.tariff].append(Rate(first=first, end=end, per_kwh=price.price_micros))
    return tuple(
        Tariff(name=name, rates=tuple(rates), taxes=tuple(taxes[name]), has_slots=name in slotted) for name, rates in prices.items()
    )
