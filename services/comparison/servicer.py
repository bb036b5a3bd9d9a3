"""Answers ComparisonService."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import ceil
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import grpc

from comparison.closing import Closer
from comparison.domain import months
from comparison.domain.closing import Formation
from comparison.domain.failures import NotAvailable
from comparison.domain.ports import Own, Published, Records
from comparison.domain.privacy import epsilon_of
from comparison.domain.wording import how_chosen
from comparison.domain.year_on_year import year_on_year
from comparison.wire import areas as areas_wire
from comparison.wire import comparisons as wire
from multiflux.comparison.v1 import comparison_pb2
from multiflux.comparison.v1 import comparison_service_pb2 as pb
from multiflux.comparison.v1.comparison_service_pb2_grpc import ComparisonServiceServicer
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from runtime.audit import AuditLog
from runtime.call import Call, Grant, current_call
from runtime.changes import Changes
from runtime.limits import RateLimited, RateLimits
from runtime.pages import page
from runtime.place_replica import PlaceReplica
from vocabulary.flux import Flux
from vocabulary.interval import Interval
from vocabulary.names import InvalidName, PersonId, PlaceId, TerritoryId, place_id
from vocabulary.role import Role

_Context = grpc.aio.ServicerContext[Any, Any]
_OF_HOUSEHOLDS = frozenset({Role.HOUSEHOLD, Role.DELEGATE})
_HISTORY = 13
_MOST_AUDITED = 100
"""Characters that are kept of a name that was asked for."""
_REFUSED_EVERY_S = 0.05
"""Every refusal waits until so long after the question, or twice or more times so long: how soon it comes would tell why."""


class HomeSources(Protocol):
    """What an answer is made of."""

    async def territory(self, territory: TerritoryId, now: datetime) -> Territory:
        """Return what the registry knows of a territory."""
        ...

    async def own(
        self, territory: TerritoryId, premise: PlaceId, above: Sequence[PlaceId], flux: Flux, during: Interval, now: datetime
    ) -> Own:
        """Return what is known of one home; `above` are the places that it lies in, nearest first."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the methods work with."""

    closer: Closer
    sources: HomeSources
    changes: Changes
    replica: PlaceReplica
    refusals: AuditLog
    limits: RateLimits


@dataclass(frozen=True, kw_only=True, slots=True)
class _Home:
    """A home of the caller's, the grant by which it is, and the territory; `foreign`: another was asked for, and nothing must be told."""

    territory: Territory
    premise: PlaceId
    grant: Grant
    places: tuple[PlaceId, ...]
    foreign: bool


class ComparisonServicer(ComparisonServiceServicer):
    """Tells households how they stand, and closes months."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def GetMyComparison(self, request: pb.GetMyComparisonRequest, context: _Context) -> pb.GetMyComparisonResponse:
        """Return how the caller's home stands in one month."""
        del context
        flux = wire.flux_from_proto(request.flux)
        month = wire.month_from_proto(request.month) if request.HasField("month") else None
        async with self._one_refusal(request.premise):
            home = await self._home(request.premise)
            wanted = month or await self._latest(home.territory.id, flux)
            found = await self._compared(home, flux, wanted, 1) if wanted else []
            if home.foreign or not found:
                raise NotAvailable
            return pb.GetMyComparisonResponse(comparison=found[0])

    async def ListMyComparisons(self, request: pb.ListMyComparisonsRequest, context: _Context) -> pb.ListMyComparisonsResponse:
        """Return how the caller's home stood."""
        del context
        flux = wire.flux_from_proto(request.flux)
        async with self._one_refusal(request.premise):
            home = await self._home(request.premise)
            latest = await self._latest(home.territory.id, flux)
            found = await self._compared(home, flux, latest, _HISTORY) if latest else []
            if home.foreign or not found:
                raise NotAvailable
            return pb.ListMyComparisonsResponse(comparisons=found)

    async def GetMyGroupCriteria(self, request: pb.GetMyGroupCriteriaRequest, context: _Context) -> pb.GetMyGroupCriteriaResponse:
        """Tell how the caller's groups were chosen."""
        del context
        flux = wire.flux_from_proto(request.flux)
        async with self._one_refusal(request.premise):
            home = await self._home(request.premise)
            latest = await self._latest(home.territory.id, flux)
            zone, now = ZoneInfo(home.territory.time_zone), current_call().at
            month = latest or months.latest_closable(now, zone)
            formations, own = await asyncio.gather(self._formations(home, flux, [month]), self._own(home, flux, month))
            formation = formations.get(month)
            factor = formation.similarity.factor(own.attributes) if formation and own and own.consents else None
            if home.foreign or formation is None or factor is None:
                raise NotAvailable
            holder = PersonId(current_call().caller.subject.removeprefix("people/"))
            figures = await self._tools.closer.read(home.territory.id, flux, lambda records: records.charged_to(holder, month.year))
            text = how_chosen(formation)
            return pb.GetMyGroupCriteriaResponse(
                terms=[
                    comparison_pb2.SimilarityTerm(name=name, coefficient=value) for name, value in formation.similarity.coefficients.items()
                ],
                fitted_home_count=formation.similarity.homes,
                own_factor=factor,
                text_fr=text.french,
                text_en=text.english,
                end_month=wire.month_to_proto(formation.end_month),
                private_figure_count=figures,
                private_spent_epsilon=epsilon_of(figures),
            )

    async def ListReleases(self, request: pb.ListReleasesRequest, context: _Context) -> pb.ListReleasesResponse:
        """List what was published of a month."""
        del context
        flux, month, territory = wire.flux_from_proto(request.flux), wire.month_from_proto(request.month), current_call().territory
        published, formations = await self._published(territory, flux, [month])
        of = {formation.first_month: formation for formation in formations}
        releases = [wire.release_to_proto(one, of[one.first_month].cohorts[one.cohort], flux) for one in published]
        return pb.ListReleasesResponse(releases=sorted(releases, key=lambda release: release.reach))

    async def ListPrivacyLedgers(self, request: pb.ListPrivacyLedgersRequest, context: _Context) -> pb.ListPrivacyLedgersResponse:
        """List what private figures come to in one year."""
        del context
        flux, year = wire.flux_from_proto(request.flux), wire.year_from_proto(request.year)
        charged = await self._tools.closer.read(current_call().territory, flux, lambda records: records.charged(year))
        return pb.ListPrivacyLedgersResponse(ledgers=[wire.ledger_to_proto(one, flux, year) for one in charged])

    async def ListAreas(self, request: pb.ListAreasRequest, context: _Context) -> pb.ListAreasResponse:
        """List the areas of which there are totals of a month."""
        del context
        flux, month, asked = wire.flux_from_proto(request.flux), wire.month_from_proto(request.month), page(request)
        every = await self._tools.closer.read_areas(current_call().territory, flux, lambda records: records.areas())
        keys = [(one, number) for one in every if one.lives(month) for number in range(len(one.buildings))]
        rows = [row for row in keys if _area_key(row[0].first_month, row[1]) > asked.after]
        shown, token = asked.cut(rows[: asked.size + 1], lambda row: _area_key(row[0].first_month, row[1]))
        return pb.ListAreasResponse(areas=[areas_wire.area_to_proto(one, number) for one, number in shown], next_page_token=token)

    async def ListTotals(self, request: pb.ListTotalsRequest, context: _Context) -> pb.ListTotalsResponse:
        """List what the dwellings of each area consumed in a month."""
        del context
        flux, month, asked = wire.flux_from_proto(request.flux), wire.month_from_proto(request.month), page(request)
        every = await self._tools.closer.read_areas(current_call().territory, flux, lambda records: records.totals([month]))
        rows = [one for one in every if _area_key(one.first_month, one.area) > asked.after]
        shown, token = asked.cut(rows[: asked.size + 1], lambda one: _area_key(one.first_month, one.area))
        return pb.ListTotalsResponse(totals=[areas_wire.total_to_proto(one, flux) for one in shown], next_page_token=token)

    async def CloseMonth(self, request: pb.CloseMonthRequest, context: _Context) -> pb.CloseMonthResponse:
        """Close a month."""
        del context
        flux, month = wire.flux_from_proto(request.flux), wire.month_from_proto(request.month)
        territory = await self._tools.sources.territory(current_call().territory, current_call().at)

        async def close() -> pb.CloseMonthResponse:
            done = await self._tools.closer.close(territory, flux, month)
            return pb.CloseMonthResponse(release_count=done.releases, formed_group_count=done.formed_groups)

        return await self._tools.changes.elsewhere(request, close, pb.CloseMonthResponse, month=f"{month:%Y-%m}", flux=flux.name)

    def _one_refusal(self, premise: str) -> "_OneRefusal":
        return _OneRefusal(self._tools, premise)

    async def _home(self, premise: str) -> _Home:
        """Return the caller's home, one of the caller's for any other: the same is read then, so that the refusal takes as long."""
        call = current_call()
        homes = {grant.place: grant for grant in call.caller.grants if _is_home(grant, call)}
        wanted = _named(premise)
        if not premise and len(homes) == 1:
            (wanted,) = homes
        looked_at = wanted if wanted in homes else next(iter(homes), None)
        if looked_at is None:
            raise NotAvailable
        territory, places = await asyncio.gather(
            self._tools.sources.territory(call.territory, call.at),
            self._tools.replica.ancestors(call.territory, f"places/{looked_at}", call.at),
        )
        return _Home(territory=territory, premise=looked_at, grant=homes[looked_at], places=places, foreign=wanted != looked_at)

    async def _compared(self, home: _Home, flux: Flux, latest: date, count: int) -> list[comparison_pb2.Comparison]:
        """Return the comparisons of so many months that there are, the latest first."""
        asked = [months.after(latest, -back) for back in range(count)]
        (published, formations), own = await asyncio.gather(self._published_of(home, flux, asked), self._own(home, flux, latest))
        if own is None:
            return []
        return [found for month in asked if (found := _comparison(home, flux, month, own, published, formations)) is not None]

    async def _own(self, home: _Home, flux: Flux, latest: date) -> Own | None:
        """Return what is known of a home, of the year until the latest month and the same month a year before."""
        zone, now = ZoneInfo(home.territory.time_zone), current_call().at
        start = months.interval_of(months.after(latest, 1 - _HISTORY), zone).start
        during = Interval(start=start, end=months.interval_of(latest, zone).end)
        try:
            found = await self._tools.sources.own(home.territory.id, home.premise, home.places, flux, during, now)
        except RemoteFailure:
            return None
        begins = {month: months.interval_of(month, zone).start for month in found.amounts}
        # What was used before the household moved in is not its own.
        own = {month: used for month, used in found.amounts.items() if home.grant.validity.contains(begins[month]) and begins[month] < now}
        return replace(found, amounts=own)

    async def _formations(self, home: _Home, flux: Flux, asked: Sequence[date]) -> dict[date, Formation]:
        """Return the formation in which a home lies, by month."""
        _, formations = await self._published_of(home, flux, asked)
        return {month: one for month in asked for one in formations if one.lives(month) and one.atom_of(home.places) is not None}

    async def _published_of(self, home: _Home, flux: Flux, asked: Sequence[date]) -> tuple[list[Published], list[Formation]]:
        """Return what was published of the groups in which a home lies, and their formations."""

        def question(records: Records) -> tuple[list[Published], list[Formation]]:
            formations = [one for one in records.formations() if any(one.lives(month) for month in asked)]
            atoms = {one.first_month: one.atom_of(home.places) for one in formations}
            cohorts = {one.first_month: one.cohorts_with(atom) for one in formations if (atom := atoms[one.first_month]) is not None}
            return records.releases(asked, cohorts), formations

        return await self._tools.closer.read(home.territory.id, flux, question)

    async def _published(self, territory: TerritoryId, flux: Flux, asked: Sequence[date]) -> tuple[list[Published], list[Formation]]:
        return await self._tools.closer.read(territory, flux, lambda records: (records.releases(asked), records.formations()))

    async def _latest(self, territory: TerritoryId, flux: Flux) -> date | None:
        return await self._tools.closer.read(territory, flux, lambda records: records.last_closed())


class _OneRefusal:
    """Whatever goes wrong inside becomes the one refusal; what looks like prying is audited."""

    def __init__(self, tools: Tools, premise: str) -> None:
        self._tools = tools
        self._premise = premise
        self._asked = 0.0

    async def __aenter__(self) -> None:
        self._asked = asyncio.get_running_loop().time()
        try:
            self._tools.limits.take(current_call().caller.subject)
        except RateLimited:
            await self._refuse()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NotAvailable | RemoteFailure):
            await self._refuse()

    async def _refuse(self) -> None:
        failure = NotAvailable()
        await self._tools.refusals.refused(current_call(), failure, self._premise[:_MOST_AUDITED])
        if _REFUSED_EVERY_S:
            taken = asyncio.get_running_loop().time() - self._asked
            await asyncio.sleep(ceil(taken / _REFUSED_EVERY_S) * _REFUSED_EVERY_S - taken)
        raise failure from None


def _comparison(
    home: _Home, flux: Flux, month: date, own: Own, published: Sequence[Published], formations: Sequence[Formation]
) -> comparison_pb2.Comparison | None:
    used = own.amounts.get(month)
    if used is None or not own.consents:
        return None
    groups = list[comparison_pb2.GroupComparison]()
    for formation in formations:
        atom, factor = formation.atom_of(home.places), formation.similarity.factor(own.attributes)
        if atom is None or factor is None or not formation.lives(month):
            continue
        groups += [
            wire.group_to_proto(one, formation, factor, used)
            for one in published
            if one.month == month and one.first_month == formation.first_month and atom in formation.cohorts[one.cohort].atoms
        ]
    if not groups:
        return None
    groups.sort(key=lambda group: group.release.reach)
    before = year_on_year(flux, month, own.amounts, own.degrees)
    return wire.comparison_to_proto(home.premise, month, flux, own, groups, before, simulated=home.territory.simulated)


def _named(premise: str) -> PlaceId | None:
    """Return the place that is named; None for what is no name of a place, such as a group's."""
    try:
        return place_id(premise)
    except InvalidName:
        return None


def _area_key(first_month: date, number: int) -> tuple[str, str]:
    return f"{first_month:%Y-%m}", f"{number:08}"


def _is_home(grant: Grant, call: Call) -> bool:
    return grant.role in _OF_HOUSEHOLDS and grant.place is not None and grant.validity.contains(call.at)
