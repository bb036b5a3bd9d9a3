"""What the field was told, and what it says."""

from collections.abc import Mapping
from datetime import timedelta

from lighting.domain.failures import NotMetered, OutOfScope, ScopeEmpty, Unfit, UnknownCabinet
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.reckoning import PlannedNight, planned_nights, reckoned
from lighting.domain.segments import planned
from lighting.servicer.desk import Context, Methods
from lighting.servicer.progress import Progress, progress_of
from lighting.wire.field import fault_to_proto, lamp_to_proto, night_energy_to_proto
from lighting.wire.records import date_from_proto, id_from_proto
from multiflux.lighting.v1 import field_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.pages import page
from vocabulary.interval import Interval
from wire.instants import instant_to_proto

_MOST_LUMINAIRES = 1_000
_MOST_NIGHTS = 62
_NOW = timedelta(seconds=1)


class FieldMethods(Methods):
    """Orders and reports."""

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        """List how far orders have come, by cabinet."""
        del context
        asked, view = page(request), await self._view()
        progress, after = await progress_of(self._tools, view), "".join(asked.after)
        seen = [one for one in sorted(progress.deliveries) if one in view.estate.cabinets]
        rows = [one for one in seen if one > after and view.reach.covers(view.estate, view.estate.cabinets[one])][: asked.size + 1]
        some, token = asked.cut(rows, lambda one: (one,))
        return pb.ListDeliveriesResponse(deliveries=[_delivery_to_proto(progress, one) for one in some], next_page_token=token)

    async def ListFaults(self, request: pb.ListFaultsRequest, context: Context) -> pb.ListFaultsResponse:
        """List faults, those that began first come first."""
        del context
        asked, view = page(request), await self._view()
        territory, after, ended = view.call.territory, "".join(asked.after), request.ended
        kept = await self._tools.database.read(lambda connection: self._tools.faults(connection, territory).some(ended=ended))
        cabinets = view.estate.cabinets
        seen = [(name, one) for name, one in kept if one.cabinet in cabinets and view.reach.covers(view.estate, cabinets[one.cabinet])]
        some, token = asked.cut([pair for pair in seen if pair[0] > after][: asked.size + 1], lambda pair: (pair[0],))
        return pb.ListFaultsResponse(faults=[fault_to_proto(name, one) for name, one in some], next_page_token=token)

    async def QueryNightEnergy(self, request: pb.QueryNightEnergyRequest, context: Context) -> pb.QueryNightEnergyResponse:
        """Hold what a cabinet was to use in each night against what was metered."""
        del context
        cabinet = CabinetId(id_from_proto(request.cabinet, "cabinets", "cabinet"))
        first, last = date_from_proto(request.first_date, "first_date"), date_from_proto(request.last_date, "last_date")
        if not 0 <= (last - first).days < _MOST_NIGHTS:
            raise Unfit("last_date", f"must be the first date or later, at most {_MOST_NIGHTS} nights")
        view = await self._view()
        known = view.estate.cabinets.get(cabinet)
        if known is None:
            raise UnknownCabinet(f"there is no cabinet {cabinet}", cabinet=cabinet)
        if not view.reach.covers(view.estate, known):
            raise OutOfScope(f"no grant covers {cabinet}", resource=cabinet)
        if known.metering_point is None:
            raise NotMetered(f"nothing measures {cabinet}: name its metering point in the inventory", cabinet=cabinet)
        nights = await self._compute(lambda: planned_nights(view.estate, cabinet, first, last))
        end = nights[-1].start + timedelta(seconds=nights[-1].step_s * len(nights[-1].power_w))
        metered = await self._tools.meters.joules(view.call.territory, known.metering_point, Interval(start=nights[0].start, end=end))
        return pb.QueryNightEnergyResponse(nights=[night_energy_to_proto(reckoned(night, _steps(night, metered))) for night in nights])

    async def QueryLamps(self, request: pb.QueryLampsRequest, context: Context) -> pb.QueryLampsResponse:
        """Return what is wanted of luminaires now, and what was seen of them last."""
        del context
        if not 1 <= len(request.luminaires) <= _MOST_LUMINAIRES:
            raise ScopeEmpty("luminaires", f"must be 1 to {_MOST_LUMINAIRES}")
        wanted = [LuminaireId(id_from_proto(name, "luminaires", f"luminaires[{place}]")) for place, name in enumerate(request.luminaires)]
        view = await self._view()
        view.check(wanted)
        territory, now = view.call.territory, Interval(start=view.call.at, end=view.call.at + _NOW)
        plans = await self._compute(lambda: planned(view.estate, wanted, now))
        seen = await self._tools.database.read(lambda connection: self._tools.deliveries(connection, territory).lamps(wanted))
        reports = [
            field_pb2.LampReport(
                luminaire=f"luminaires/{one}",
                wanted_level_percent=plans[one][0].start_level,
                see_time=instant_to_proto(seen[one][0]) if one in seen else None,
                seen=lamp_to_proto(seen[one][1]) if one in seen else None,
            )
            for one in wanted
        ]
        return pb.QueryLampsResponse(lamps=reports)


def _steps(night: PlannedNight, metered: Mapping[float, float]) -> list[float | None]:
    """Return the joules of each step of a night; None where nothing was measured."""
    start = night.start.timestamp()
    return [metered.get(start + night.step_s * number) for number in range(len(night.power_w))]


def _delivery_to_proto(progress: Progress, cabinet: CabinetId) -> field_pb2.Delivery:
    one = progress.deliveries[cabinet]
    times = {"send_time": one.sent, "deliver_time": one.received, "confirm_time": one.followed, "hear_time": one.heard}
    return field_pb2.Delivery(
        cabinet=f"cabinets/{cabinet}",
        version=one.version,
        state=field_pb2.DeliveryState.ValueType(progress.states[cabinet].value),
        make_time=instant_to_proto(one.made),
        refusal=one.refused,
        attempts=one.attempts,
        confirmed_version=one.confirmed_version,
        **{name: instant_to_proto(at) for name, at in times.items() if at is not None},
    )
