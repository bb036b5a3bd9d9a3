"""Orders and how far they have come, in the relational store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from lighting.adapters.records import Documents
from lighting.adapters.tables import DELIVERY, LAMP_STATE, REVISION
from lighting.domain.delivery import Delivery
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.orders import Order
from lighting.domain.reports import LampState, Report
from vocabulary.names import TerritoryId

_DATES = ("first_night", "confirmed_through")
_MANY = 500
_LONGEST_REASON = 500


class SqlDeliveries:
    """One territory's deliveries, as one transaction sees them."""

    def __init__(self, connection: Connection, territory: TerritoryId, orders: Documents) -> None:
        """Work on the connection's transaction."""
        self._connection = connection
        self._territory = territory
        self._orders = orders

    def some(self, cabinets: Collection[CabinetId] | None = None) -> Mapping[CabinetId, Delivery]:
        """Return deliveries of some cabinets, or (None) of all."""
        query = select(DELIVERY).where(DELIVERY.c.territory == self._territory)
        if cabinets is None:
            rows = self._connection.execute(query.order_by(DELIVERY.c.cabinet)).all()
        else:
            wanted = sorted(cabinets)
            parts = [wanted[start : start + _MANY] for start in range(0, len(wanted), _MANY)]
            rows = [row for part in parts for row in self._connection.execute(query.where(DELIVERY.c.cabinet.in_(part)))]
        return {CabinetId(row.cabinet): _delivery(row) for row in rows}

    def put(self, delivery: Delivery, order: Order | None = None) -> None:
        """Keep a delivery; with the order where that is a new one."""
        values: dict[str, Any] = {field.name: getattr(delivery, field.name) for field in fields(Delivery)}
        values |= {name: values[name].isoformat() if values[name] else None for name in _DATES}
        values["refused"] = delivery.refused[:_LONGEST_REASON]
        if order is not None:
            values["document"] = self._orders.write(order)
        where = (DELIVERY.c.territory == self._territory, DELIVERY.c.cabinet == delivery.cabinet)
        if not self._connection.execute(update(DELIVERY).where(*where).values(**values)).rowcount:
            self._connection.execute(DELIVERY.insert(), {"territory": self._territory, **values})

    def order(self, cabinet: CabinetId) -> Order:
        """Return what a cabinet that has a delivery is to follow."""
        query = select(DELIVERY.c.document).where(DELIVERY.c.territory == self._territory, DELIVERY.c.cabinet == cabinet)
        return self._orders.read(self._connection.execute(query).scalar_one())

    def remove(self, cabinet: CabinetId) -> None:
        """Forget a cabinet that has no gateway any more."""
        self._connection.execute(delete(DELIVERY).where(DELIVERY.c.territory == self._territory, DELIVERY.c.cabinet == cabinet))

    def heard(self, reports: Sequence[Report]) -> None:
        """Keep what was seen last of each lamp."""
        rows = {
            lamp.luminaire: {
                "luminaire": lamp.luminaire,
                "heard": report.at,
                "level": lamp.level,
                "power_w": lamp.power_w,
                "burning_s": lamp.burning_s,
                "switch_count": lamp.switch_count,
            }
            for report in reports
            for lamp in report.lamps
        }
        wanted = sorted(rows)
        for start in range(0, len(wanted), _MANY):
            some = wanted[start : start + _MANY]
            where = (LAMP_STATE.c.territory == self._territory, LAMP_STATE.c.luminaire.in_(some))
            self._connection.execute(delete(LAMP_STATE).where(*where))
            self._connection.execute(LAMP_STATE.insert(), [{"territory": self._territory, **rows[one]} for one in some])

    def lamps(self, luminaires: Collection[LuminaireId]) -> Mapping[LuminaireId, tuple[datetime, LampState]]:
        """Return what was seen last of luminaires, and when; those never heard of are left out."""
        wanted, found = sorted(luminaires), dict[LuminaireId, tuple[datetime, LampState]]()
        for start in range(0, len(wanted), _MANY):
            query = select(LAMP_STATE).where(
                LAMP_STATE.c.territory == self._territory, LAMP_STATE.c.luminaire.in_(wanted[start : start + _MANY])
            )
            for row in self._connection.execute(query):
                state = LampState(
                    luminaire=LuminaireId(row.luminaire),
                    level=row.level,
                    power_w=row.power_w,
                    burning_s=row.burning_s,
                    switch_count=row.switch_count,
                )
                found[state.luminaire] = (row.heard, state)
        return found


@dataclass(frozen=True, slots=True)
class DeliveryStore:
    """The deliveries of all territories; `orders` says how orders are written."""

    orders: Documents

    def deliveries(self, connection: Connection, territory: TerritoryId) -> SqlDeliveries:
        """Return one territory's."""
        return SqlDeliveries(connection, territory, self.orders)

    def territories(self, connection: Connection) -> Sequence[TerritoryId]:
        """Return the territories that have any lighting."""
        return [TerritoryId(name) for name in connection.execute(select(REVISION.c.territory).order_by(REVISION.c.territory)).scalars()]

    def due(self, connection: Connection, now: datetime, most: int) -> Sequence[tuple[TerritoryId, CabinetId]]:
        """Return cabinets whose orders are to be sent now, those that wait longest first."""
        query = select(DELIVERY.c.territory, DELIVERY.c.cabinet).where(DELIVERY.c.next_attempt <= now).order_by(DELIVERY.c.next_attempt)
        return [(TerritoryId(row.territory), CabinetId(row.cabinet)) for row in connection.execute(query.limit(most))]


def _delivery(row: Row[Any]) -> Delivery:
    values = {field.name: getattr(row, field.name) for field in fields(Delivery)}
    values |= {name: date.fromisoformat(values[name]) if values[name] else None for name in _DATES}
    return Delivery(**values)
