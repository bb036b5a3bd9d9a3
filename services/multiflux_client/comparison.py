"""Comparison: how a home stands among similar ones, and what was published of groups of homes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING

from multiflux.comparison.v1 import area_pb2, comparison_pb2
from multiflux.comparison.v1 import comparison_service_pb2 as pb
from multiflux.comparison.v1.comparison_service_pb2_grpc import ComparisonServiceStub
from multiflux.type.v1 import flux_pb2
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.listing import Listing, Page
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId, place_id

if TYPE_CHECKING:
    from multiflux.comparison.v1.comparison_service_pb2_grpc import ComparisonServiceAsyncStub

_CLOSING_DEADLINE_S = 300.0


class Reach(Enum):
    """How far a group of homes reaches."""

    BUILDING = 1
    STREET = 2
    STREETS = 3
    NEIGHBOURHOOD = 4
    COMMUNE = 5
    TERRITORY = 6


class Standing(Enum):
    """Where a home stands beside a published value."""

    BELOW = 1
    WITHIN = 2
    ABOVE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What is published of one group for one flux and month, as the reference home would have used: joules or millilitres.

    `month` is its first day. The 20th and 80th percentile are None where the group is too small; `most_count` is None where it is very
    large. `places` name the group; empty: the whole territory.
    """

    group: str
    flux: Flux
    month: date
    quantity: Quantity
    median_amount: int
    fifth_amount: int | None
    four_fifths_amount: int | None
    least_count: int
    most_count: int | None
    reach: Reach
    places: tuple[PlaceId, ...]
    publish_time: datetime
    private_median_amount: int | None = None
    private_fifth_amount: int | None = None
    """Of large communes: drawn once under differential privacy, which does not cover the other values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivacyLedger:
    """What figures drawn under differential privacy come to in a group's year: for its household that is in most, with δ = `delta`."""

    group: str
    year: int
    figure_count: int
    spent_epsilon: float
    budget_epsilon: float
    delta: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupComparison:
    """How one home stands in one of its groups, in the home's own amounts; a standing is None where the value is not published.

    Private amounts were drawn under differential privacy, in large communes; `private_note_…` says what that covers, empty elsewhere.
    """

    release: Release
    group_fr: str
    group_en: str
    median_amount: int
    fifth_amount: int | None
    four_fifths_amount: int | None
    median_standing: Standing
    fifth_standing: Standing | None
    four_fifths_standing: Standing | None
    sentence_fr: str
    sentence_en: str
    private_median_amount: int | None = None
    private_fifth_amount: int | None = None
    private_note_fr: str = ""
    private_note_en: str = ""


class WeatherCorrection(Enum):
    """Whether what was used a year before is told as it would have been with this year's weather, and why not."""

    CORRECTED = 1
    UNKNOWN = 2
    NOT_NEEDED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class YearOnYear:
    """A home beside itself a year before; `corrected_amount` is None where the weather is not corrected for."""

    month: date
    amount: int
    corrected_amount: int | None
    correction: WeatherCorrection
    sentence_fr: str
    sentence_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How a home stands for one flux and month, the nearest group first. `month` is its first day."""

    premise: PlaceId
    flux: Flux
    month: date
    quantity: Quantity
    own_amount: int
    groups: tuple[GroupComparison, ...]
    advice_fr: str
    advice_en: str
    simulated: bool
    year_on_year: YearOnYear | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupCriteria:
    """How a home's groups were chosen; `terms` add to the logarithm of what is expected, `end_month` is the first with other groups.

    private_figure_count: in how many figures under differential privacy the caller is this year, at the cost of `private_spent_epsilon`.
    """

    terms: dict[str, float]
    fitted_home_count: int
    own_factor: float
    text_fr: str
    text_en: str
    end_month: date
    private_figure_count: int = 0
    private_spent_epsilon: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """Whole buildings whose dwellings are summed, always the same ones, from `first_month` until before `end_month`.

    `places` name the area: a building or streets. `most_count` is None where it is very large.
    """

    name: str
    flux: Flux
    reach: Reach
    places: tuple[PlaceId, ...]
    buildings: tuple[PlaceId, ...]
    least_count: int
    most_count: int | None
    first_month: date
    end_month: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """What the dwellings of an area consumed in a month, in joules or millilitres; `days` by the day of the month, empty in small areas."""

    area: str
    flux: Flux
    month: date
    quantity: Quantity
    amount: int
    coverage_percent: int
    days: dict[int, int]
    publish_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedMonth:
    """How many releases a month has, and how many groups were formed when it was closed."""

    release_count: int
    formed_group_count: int


class ComparisonClient:
    """Calls of `multiflux.comparison.v1.ComparisonService`; failures are RemoteFailure. Months are given by any of their days."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: ComparisonServiceAsyncStub = ComparisonServiceStub(connection.channel)

    async def mine(self, flux: Flux, month: date | None = None, *, premise: PlaceId | None = None) -> Comparison:
        """Return how the caller's home stands in a month, None: the latest that was published."""
        request = pb.GetMyComparisonRequest(
            premise=f"places/{premise}" if premise else "",
            flux=flux_pb2.Flux.ValueType(flux.value),
            month=_month(month) if month else None,
        )
        return _comparison((await self._connection.call(self._stub.GetMyComparison, request)).comparison)

    async def history(self, flux: Flux, *, premise: PlaceId | None = None) -> list[Comparison]:
        """Return how the caller's home stood, the latest month first."""
        request = pb.ListMyComparisonsRequest(premise=f"places/{premise}" if premise else "", flux=flux_pb2.Flux.ValueType(flux.value))
        response = await self._connection.call(self._stub.ListMyComparisons, request)
        return [_comparison(one) for one in response.comparisons]

    async def criteria(self, flux: Flux, *, premise: PlaceId | None = None) -> GroupCriteria:
        """Return how the caller's groups were chosen."""
        request = pb.GetMyGroupCriteriaRequest(premise=f"places/{premise}" if premise else "", flux=flux_pb2.Flux.ValueType(flux.value))
        response = await self._connection.call(self._stub.GetMyGroupCriteria, request)
        return GroupCriteria(
            terms={term.name: term.coefficient for term in response.terms},
            fitted_home_count=response.fitted_home_count,
            own_factor=response.own_factor,
            text_fr=response.text_fr,
            text_en=response.text_en,
            end_month=_first_day(response.end_month),
            private_figure_count=response.private_figure_count,
            private_spent_epsilon=response.private_spent_epsilon,
        )

    async def releases(self, flux: Flux, month: date) -> list[Release]:
        """Return what was published of a month, the narrowest groups first."""
        request = pb.ListReleasesRequest(flux=flux_pb2.Flux.ValueType(flux.value), month=_month(month))
        response = await self._connection.call(self._stub.ListReleases, request)
        return [_release(one) for one in response.releases]

    async def privacy_ledgers(self, flux: Flux, year: int) -> list[PrivacyLedger]:
        """Return what figures under differential privacy come to in a year, by group."""
        request = pb.ListPrivacyLedgersRequest(flux=flux_pb2.Flux.ValueType(flux.value), year=year)
        response = await self._connection.call(self._stub.ListPrivacyLedgers, request)
        return [
            PrivacyLedger(
                group=one.group,
                year=one.year,
                figure_count=one.figure_count,
                spent_epsilon=one.spent_epsilon,
                budget_epsilon=one.budget_epsilon,
                delta=one.delta,
            )
            for one in response.ledgers
        ]

    def areas(self, flux: Flux, month: date) -> Listing[Area]:
        """Return the areas of which there are totals of a month."""

        async def fetch(size: int, token: str) -> Page[Area]:
            request = pb.ListAreasRequest(flux=flux_pb2.Flux.ValueType(flux.value), month=_month(month), page_size=size, page_token=token)
            response = await self._connection.call(self._stub.ListAreas, request)
            return Page(items=tuple(map(_area, response.areas)), next_page_token=response.next_page_token)

        return Listing(fetch)

    def totals(self, flux: Flux, month: date) -> Listing[Total]:
        """Return what the dwellings of each area consumed in a month."""

        async def fetch(size: int, token: str) -> Page[Total]:
            request = pb.ListTotalsRequest(flux=flux_pb2.Flux.ValueType(flux.value), month=_month(month), page_size=size, page_token=token)
            response = await self._connection.call(self._stub.ListTotals, request)
            return Page(items=tuple(map(_total, response.totals)), next_page_token=response.next_page_token)

        return Listing(fetch)

    async def close_month(self, flux: Flux, month: date, *, request_id: str = "") -> ClosedMonth:
        """Close a month of one flux."""
        request = pb.CloseMonthRequest(
            flux=flux_pb2.Flux.ValueType(flux.value), month=_month(month), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.CloseMonth, request, deadline_s=_CLOSING_DEADLINE_S)
        return ClosedMonth(release_count=response.release_count, formed_group_count=response.formed_group_count)


def _comparison(message: comparison_pb2.Comparison) -> Comparison:
    return Comparison(
        premise=place_id(message.premise),
        flux=Flux(message.flux),
        month=_first_day(message.month),
        quantity=Quantity(message.quantity),
        own_amount=message.own_amount,
        groups=tuple(_group(group) for group in message.groups),
        advice_fr=message.advice_fr,
        advice_en=message.advice_en,
        simulated=message.simulated,
        year_on_year=_year_on_year(message.year_on_year) if message.HasField("year_on_year") else None,
    )


def _year_on_year(message: comparison_pb2.YearOnYear) -> YearOnYear:
    return YearOnYear(
        month=_first_day(message.month),
        amount=message.amount,
        corrected_amount=message.corrected_amount if message.HasField("corrected_amount") else None,
        correction=WeatherCorrection(message.correction),
        sentence_fr=message.sentence_fr,
        sentence_en=message.sentence_en,
    )


def _group(message: comparison_pb2.GroupComparison) -> GroupComparison:
    return GroupComparison(
        release=_release(message.release),
        group_fr=message.group_fr,
        group_en=message.group_en,
        median_amount=message.median_amount,
        fifth_amount=message.fifth_amount if message.HasField("fifth_amount") else None,
        four_fifths_amount=message.four_fifths_amount if message.HasField("four_fifths_amount") else None,
        median_standing=Standing(message.median_standing),
        fifth_standing=Standing(message.fifth_standing) if message.fifth_standing else None,
        four_fifths_standing=Standing(message.four_fifths_standing) if message.four_fifths_standing else None,
        sentence_fr=message.sentence_fr,
        sentence_en=message.sentence_en,
        private_median_amount=message.private_median_amount if message.HasField("private_median_amount") else None,
        private_fifth_amount=message.private_fifth_amount if message.HasField("private_fifth_amount") else None,
        private_note_fr=message.private_note_fr,
        private_note_en=message.private_note_en,
    )


def _release(message: comparison_pb2.Release) -> Release:
    return Release(
        group=message.group,
        flux=Flux(message.flux),
        month=_first_day(message.month),
        quantity=Quantity(message.quantity),
        median_amount=message.median_amount,
        fifth_amount=message.fifth_amount if message.HasField("fifth_amount") else None,
        four_fifths_amount=message.four_fifths_amount if message.HasField("four_fifths_amount") else None,
        least_count=message.least_count,
        most_count=message.most_count if message.HasField("most_count") else None,
        reach=Reach(message.reach),
        places=tuple(place_id(place) for place in message.places),
        publish_time=message.publish_time.ToDatetime(UTC),
        private_median_amount=message.private_median_amount if message.HasField("private_median_amount") else None,
        private_fifth_amount=message.private_fifth_amount if message.HasField("private_fifth_amount") else None,
    )


def _area(message: area_pb2.Area) -> Area:
    return Area(
        name=message.name,
        flux=Flux(message.flux),
        reach=Reach(message.reach),
        places=tuple(place_id(place) for place in message.places),
        buildings=tuple(place_id(place) for place in message.buildings),
        least_count=message.least_count,
        most_count=message.most_count if message.HasField("most_count") else None,
        first_month=_first_day(message.first_month),
        end_month=_first_day(message.end_month),
    )


def _total(message: area_pb2.Total) -> Total:
    return Total(
        area=message.area,
        flux=Flux(message.flux),
        month=_first_day(message.month),
        quantity=Quantity(message.quantity),
        amount=message.amount,
        coverage_percent=message.coverage_percent,
        days={one.day: one.amount for one in message.days},
        publish_time=message.publish_time.ToDatetime(UTC),
    )


def _month(month: date) -> comparison_pb2.Month:
    return comparison_pb2.Month(year=month.year, month=month.month)


def _first_day(month: comparison_pb2.Month) -> date:
    return date(month.year, month.month, 1)
