"""Rehearsing, publishing, rolling back and asking for plans; the legal check."""

from datetime import date

from lighting.domain.editing import found
from lighting.domain.estate import Group
from lighting.domain.failures import ScopeEmpty, Unfit
from lighting.domain.legal import checked, rules_with
from lighting.domain.levels import CabinetId, GroupId, LuminaireId
from lighting.domain.ports import Records, Shelf
from lighting.domain.power import mean_power_by_step
from lighting.domain.publishing import noted, published, rolled_back
from lighting.domain.rehearsal import Rehearsal, rehearsed
from lighting.domain.resolve import resolved
from lighting.domain.segments import planned
from lighting.servicer.desk import Context, Methods, View, told
from lighting.servicer.progress import progress_of
from lighting.wire.documents import plan_to_proto
from lighting.wire.records import date_from_proto, id_from_proto, record_to_proto
from multiflux.lighting.v1 import legal_pb2, lighting_event_pb2, plan_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.changes import Transaction
from vocabulary.failure import invalid
from vocabulary.interval import Interval
from wire.intervals import interval_from_proto

_PLAN = lighting_event_pb2.LIGHTING_CHANGE_PLAN
_MOST_NIGHTS = 800
_MOST_PLAN_DAYS = 40
_MOST_LUMINAIRES = 1_000
_STEPS = (600, 86_400)


class PlanMethods(Methods):
    """Plans."""

    async def RehearsePlan(self, request: pb.RehearsePlanRequest, context: Context) -> pb.RehearsePlanResponse:
        """Show what drafts would do."""
        del context
        span = _span(request.first_date, request.last_date)
        groups = [GroupId(id_from_proto(name, "groups", f"groups[{number}]")) for number, name in enumerate(request.groups)]
        view = await self._view()
        luminaires = _meant(view, groups)
        rehearsal = await self._compute(lambda: rehearsed(view.estate, luminaires, *span, view.facts.rates))

        def work(records: Records, now: View, transaction: Transaction) -> pb.RehearsePlanResponse:
            # Only what was rehearsed is noted: a draft that changed meanwhile must be rehearsed again.
            same = [one for one in groups or now.estate.drafts if now.estate.drafts.get(one) == view.estate.drafts.get(one)]
            noted(records, same, transaction.at)
            transaction.audit(resource=",".join(same)[:200])
            return pb.RehearsePlanResponse(rehearsal=_rehearsal_to_proto(rehearsal))

        return await self._change(request, work, pb.RehearsePlanResponse)

    async def PublishPlan(self, request: pb.PublishPlanRequest, context: Context) -> pb.PublishPlanResponse:
        """Publish a group's draft."""
        del context
        group, first = GroupId(id_from_proto(request.group, "groups", "group")), _optional_date(request.first_date)

        def work(records: Records, view: View, transaction: Transaction) -> pb.PublishPlanResponse:
            draft: Group = found(records, Shelf.GROUP, group).value
            view.check(draft.luminaires)
            plan = published(
                records,
                group,
                request.etag,
                first=first,
                zone=view.facts.zone,
                author=view.call.caller.subject,
                reason=request.reason,
                at=transaction.at,
            )
            told(transaction, _PLAN, request.group, plan.name.version)
            return pb.PublishPlanResponse(plan=plan_to_proto(plan))

        return await self._change(request, work, pb.PublishPlanResponse)

    async def RollBack(self, request: pb.RollBackRequest, context: Context) -> pb.RollBackResponse:
        """Publish a former version again."""
        del context
        group, first = GroupId(id_from_proto(request.group, "groups", "group")), _optional_date(request.first_date)

        def work(records: Records, view: View, transaction: Transaction) -> pb.RollBackResponse:
            plan = rolled_back(
                records,
                group,
                request.version,
                first=first,
                zone=view.facts.zone,
                author=view.call.caller.subject,
                reason=request.reason,
                at=transaction.at,
            )
            view.check(plan.content.luminaires)
            told(transaction, _PLAN, request.group, plan.name.version)
            return pb.RollBackResponse(plan=plan_to_proto(plan))

        return await self._change(request, work, pb.RollBackResponse)

    async def ListPlans(self, request: pb.ListPlansRequest, context: Context) -> pb.ListPlansResponse:
        """List the versions of a group, newest first."""
        del context
        group, view = GroupId(id_from_proto(request.group, "groups", "group")), await self._view()
        progress = await progress_of(self._tools, view)
        plans = reversed(view.estate.plans.get(group, ()))
        return pb.ListPlansResponse(plans=[plan_to_proto(*progress.of_plan(plan)) for plan in plans])

    async def QueryPlan(self, request: pb.QueryPlanRequest, context: Context) -> pb.QueryPlanResponse:
        """Return the resolved levels of luminaires."""
        del context
        during = _during(interval_from_proto(request), _MOST_PLAN_DAYS)
        if not 1 <= len(request.luminaires) <= _MOST_LUMINAIRES:
            raise ScopeEmpty("luminaires", f"must be 1 to {_MOST_LUMINAIRES}")
        wanted = [LuminaireId(id_from_proto(name, "luminaires", f"luminaires[{place}]")) for place, name in enumerate(request.luminaires)]
        view = await self._view()
        view.check(wanted)
        triggered = request.triggered
        plans = await self._compute(lambda: planned(view.estate, wanted, during, triggered=triggered))
        return pb.QueryPlanResponse(
            plans=[
                plan_pb2.LuminairePlan(
                    luminaire=f"luminaires/{one}", segments=[record_to_proto(segment, plan_pb2.Segment()) for segment in segments]
                )
                for one, segments in plans.items()
            ]
        )

    async def QueryPlannedPower(self, request: pb.QueryPlannedPowerRequest, context: Context) -> pb.QueryPlannedPowerResponse:
        """Return the plan as a known future series."""
        del context
        during = _during(interval_from_proto(request), _MOST_NIGHTS)
        step = request.step_seconds
        if not _STEPS[0] <= step <= _STEPS[1] or during.duration.total_seconds() % step:
            raise Unfit("step_seconds", f"must be {_STEPS[0]} to {_STEPS[1]}, and cut the interval into whole steps")
        view = await self._view()
        wanted = _resource(view, request.resource)
        view.check(wanted)
        power = await self._compute(lambda: mean_power_by_step(view.estate, wanted, during, step))
        return pb.QueryPlannedPowerResponse(power_w=power.tolist(), luminaires=len(wanted))

    async def CheckLegality(self, request: pb.CheckLegalityRequest, context: Context) -> pb.CheckLegalityResponse:
        """Hold plans against the law."""
        del context
        span, view = _span(request.first_date, request.last_date), await self._view()
        estate = view.estate.with_drafts(span[0]) if request.draft else view.estate
        rules, derogations, wanted = rules_with(view.books.legal_rules), view.books.derogations, view.own()
        checks = await self._compute(lambda: list(checked(estate, resolved(estate, wanted, *span), rules, derogations, span)))
        return pb.CheckLegalityResponse(checks=[record_to_proto(check, legal_pb2.Check()) for check in checks])


def _meant(view: View, groups: list[GroupId]) -> list[LuminaireId]:
    if not groups:
        return view.own()
    wanted: list[LuminaireId] = []
    for group in groups:
        if group not in view.estate.drafts:
            raise invalid("groups", f"there is no group {group}")
        published_now = view.estate.plans.get(group, ())
        wanted += [*view.estate.drafts[group].luminaires, *(published_now[-1].content.luminaires if published_now else ())]
    wanted = [one for one in dict.fromkeys(wanted) if one in view.estate.luminaires]
    view.check(wanted)
    return wanted


def _resource(view: View, name: str) -> list[LuminaireId]:
    collection = name.partition("/")[0]
    match collection:
        case "luminaires":
            return [view.estate.luminaire(LuminaireId(id_from_proto(name, collection, "resource"))).id]
        case "cabinets":
            cabinet = CabinetId(id_from_proto(name, collection, "resource"))
            return [one.id for one in view.estate.luminaires.values() if one.cabinet == cabinet]
        case "groups":
            group = GroupId(id_from_proto(name, collection, "resource"))
            return list(view.estate.drafts[group].luminaires) if group in view.estate.drafts else []
        case _:
            raise invalid("resource", "must be a luminaire, a cabinet or a group")


def _rehearsal_to_proto(rehearsal: Rehearsal) -> plan_pb2.Rehearsal:
    return record_to_proto(rehearsal, plan_pb2.Rehearsal())


def _optional_date(text: str) -> date | None:
    return date_from_proto(text, "first_date") if text else None


def _span(first: str, last: str) -> tuple[date, date]:
    span = date_from_proto(first, "first_date"), date_from_proto(last, "last_date")
    if not 0 <= (span[1] - span[0]).days < _MOST_NIGHTS:
        raise Unfit("last_date", f"must be the first date or later, at most {_MOST_NIGHTS} nights")
    return span


def _during(during: Interval, days: int) -> Interval:
    if during.duration.total_seconds() > days * 86_400:
        raise Unfit("interval", f"must be {days} days at most")
    return during
