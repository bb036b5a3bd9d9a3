"""How far plans, commands and orders have come in the field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lighting.domain.commands import Command
from lighting.domain.delivery import Delivery, DeliveryState, Reach, next_power, reach, state_of
from lighting.domain.estate import Plan
from lighting.domain.levels import CabinetId, Control, LuminaireId, PlanState
from lighting.domain.nights import night_of
from lighting.domain.ports import Shelf
from lighting.domain.publishing import plan_id
from lighting.servicer.desk import Tools, View

_HEARING = (Control.INDIVIDUAL, Control.CIRCUIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """One look at every cabinet of a territory."""

    view: View
    deliveries: Mapping[CabinetId, Delivery]
    states: Mapping[CabinetId, DeliveryState]

    def of_plan(self, plan: Plan) -> tuple[Plan, Reach]:
        """Return a plan in the state that it has come to, and at how many cabinets."""
        changed = self.view.books.changed_at(Shelf.PLAN, plan_id(plan.name))
        come = reach(self._at(plan.content.luminaires), changed, plan.first_night)
        if plan.state is not PlanState.PUBLISHED or not come.cabinets:
            return plan, come
        if come.confirmed == come.cabinets:
            return replace(plan, state=PlanState.CONFIRMED), come
        return replace(plan, state=PlanState.DELIVERED) if come.delivered == come.cabinets else plan, come

    def of_command(self, command: Command) -> Reach:
        """Return at how many cabinets a command, or its end, has come how far."""
        estate = self.view.estate
        changed = self.view.books.changed_at(Shelf.COMMAND, command.id)
        return reach(self._at(estate.meant(command.scope)), changed, night_of(command.start, estate.zone))

    def _at(self, luminaires: Iterable[LuminaireId]) -> list[tuple[Delivery | None, DeliveryState]]:
        """Return the cabinets with a gateway that hear for luminaires."""
        estate = self.view.estate
        known = (estate.luminaires[one] for one in luminaires if one in estate.luminaires)
        cabinets = {one.cabinet for one in known if one.control in _HEARING}
        reachable = sorted(one for one in cabinets if estate.cabinets[one].gateway is not None)
        return [(self.deliveries.get(one), self.states.get(one, DeliveryState.WAITING)) for one in reachable]


async def progress_of(tools: Tools, view: View) -> Progress:
    """Look at every cabinet of the view's territory."""
    territory, now = view.call.territory, view.call.at
    deliveries = await tools.database.read(lambda connection: tools.deliveries(connection, territory).some())
    states = {
        cabinet: state_of(
            delivery,
            powered=cabinet not in view.estate.cabinets or next_power(view.estate.cabinets[cabinet], now, view.facts.zone) is None,
            patience=tools.patience,
        )
        for cabinet, delivery in deliveries.items()
    }
    return Progress(view=view, deliveries=deliveries, states=states)
