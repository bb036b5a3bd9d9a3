"""Areas of dwellings and their totals in the relational store."""

import json
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Table, select

from comparison.adapters.tables import AREA_MEMBER, AREAS, TOTAL
from comparison.domain.atoms import Cohort, Reach
from comparison.domain.ports import PublishedTotal
from comparison.domain.totals import AreaClosing, Areas, LivingAreas, Total
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, TerritoryId


class AreaStore:
    """What is kept of the areas of one territory and flux, inside one transaction."""

    def __init__(self, connection: Connection, territory: TerritoryId, flux: Flux) -> None:
        """Work on `connection`."""
        self._connection = connection
        self._key = {"territory": territory, "flux": flux.value}
        self._flux = flux

    def areas(self) -> list[Areas]:
        """Return all areas, those formed first first."""
        query = select(AREAS).where(*self._own(AREAS)).order_by(AREAS.c.first_month)
        return [_decoded(self._flux, row.first_month, row.end_month, row.body) for row in self._connection.execute(query)]

    def living(self, month: date) -> list[LivingAreas]:
        """Return the areas that a month is published of, with their homes."""
        return [LivingAreas(areas=one, members=self._members(one.first_month)) for one in self.areas() if one.lives(month)]

    def close(self, month: date, closing: AreaClosing, at: datetime) -> None:
        """Keep what was formed and published, once and for all."""
        if closing.formed is not None:
            self._form(closing.formed)
        rows = [
            {
                **self._key,
                "month": month,
                "first_month": first,
                "area": number,
                "amount": total.amount,
                "coverage_percent": total.coverage_percent,
                "days": json.dumps(total.days),
                "published": at,
            }
            for (first, number), total in closing.totals.items()
        ]
        if rows:
            self._connection.execute(TOTAL.insert(), rows)

    def totals(self, months: Sequence[date]) -> list[PublishedTotal]:
        """Return what was published of some months, by month and area."""
        query = select(TOTAL).where(*self._own(TOTAL), TOTAL.c.month.in_(months)).order_by(TOTAL.c.month, TOTAL.c.first_month, TOTAL.c.area)
        return [
            PublishedTotal(
                total=Total(amount=row.amount, coverage_percent=row.coverage_percent, days=tuple(json.loads(row.days))),
                month=row.month,
                first_month=row.first_month,
                area=row.area,
                time=row.published,
            )
            for row in self._connection.execute(query)
        ]

    def _form(self, formed: LivingAreas) -> None:
        areas = formed.areas
        key = {**self._key, "first_month": areas.first_month}
        self._connection.execute(AREAS.insert().values(**key, end_month=areas.end_month, body=_encoded(areas)))
        rows = [{**key, "premise": premise, "holder": holder, "area": area} for premise, (holder, area) in formed.members.items()]
        self._connection.execute(AREA_MEMBER.insert(), rows)

    def _members(self, first_month: date) -> dict[PlaceId, tuple[PersonId, int]]:
        table = AREA_MEMBER
        query = select(table.c.premise, table.c.holder, table.c.area).where(*self._own(table), table.c.first_month == first_month)
        return {PlaceId(row.premise): (PersonId(row.holder), row.area) for row in self._connection.execute(query)}

    def _own(self, table: Table) -> list[ColumnElement[bool]]:
        columns = table.c
        return [columns[name] == value for name, value in self._key.items()]


def _encoded(areas: Areas) -> str:
    return json.dumps(
        {
            "buildings": [sorted(one) for one in areas.buildings],
            "named": [[one.reach.value, one.places] for one in areas.named],
            "counts": areas.counts,
            "metered": areas.metered,
        }
    )


def _decoded(flux: Flux, first_month: date, end_month: date, body: str) -> Areas:
    read = json.loads(body)
    return Areas(
        flux=flux,
        first_month=first_month,
        end_month=end_month,
        buildings=tuple(frozenset(PlaceId(place) for place in one) for one in read["buildings"]),
        named=tuple(
            Cohort(atoms=frozenset({number}), reach=Reach(reach), places=tuple(PlaceId(place) for place in places))
            for number, (reach, places) in enumerate(read["named"])
        ),
        counts=tuple(read["counts"]),
        metered=tuple(read["metered"]),
    )
