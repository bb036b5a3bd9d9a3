"""Formations, members and releases in the relational store."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, literal, select, tuple_, update

from comparison.adapters.formation_bodies import decoded, encoded
from comparison.adapters.tables import AREA_MEMBER, CLOSED, FORMATION, LEDGER, MEMBER, RELEASE
from comparison.domain.closing import Closing, Formation, Living, members_of
from comparison.domain.ports import Charged, Published
from comparison.domain.privacy import LEVELS, PrivateFigures, affordable
from comparison.domain.releases import Release
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, TerritoryId

_ATOMS_AT_ONCE = 1_000


class Store:
    """What comparison keeps of one territory and flux, inside one transaction."""

    def __init__(self, connection: Connection, territory: TerritoryId, flux: Flux) -> None:
        """Work on `connection`."""
        self._connection = connection
        self._key = {"territory": territory, "flux": flux.value}
        self._flux = flux

    def is_closed(self, month: date) -> bool:
        """Tell whether a month is closed."""
        query = select(CLOSED.c.month).where(*self._own(CLOSED), CLOSED.c.month == month)
        return self._connection.execute(query).first() is not None

    def last_closed(self) -> date | None:
        """Return the last month that is closed."""
        return self._connection.execute(select(func.max(CLOSED.c.month)).where(*self._own(CLOSED))).scalar_one()

    def formations(self) -> list[Formation]:
        """Return every formation, the oldest first."""
        query = select(FORMATION).where(*self._own(FORMATION)).order_by(FORMATION.c.first_month)
        return [decoded(self._flux, row.first_month, row.end_month, row.body) for row in self._connection.execute(query)]

    def living(self, month: date) -> list[Living]:
        """Return the formations that a month is published of, with their members."""
        return [Living(formation=one, members=self._members(one.first_month)) for one in self.formations() if one.lives(month)]

    def close(self, month: date, closing: Closing, at: datetime) -> int:
        """Keep what was formed and published, once and for all; return how many private figures were refused for want of budget."""
        if closing.formation is not None:
            self._form(closing)
        private = {key: figures for key, figures in closing.private.items() if self._charge(month.year, *key)}
        rows = [self._row(month, *key, release, private.get(key), at) for key, release in closing.releases.items()]
        if rows:
            self._connection.execute(RELEASE.insert(), rows)
        formed = len(closing.formation.areas) if closing.formation else 0
        self._connection.execute(CLOSED.insert().values(**self._key, month=month, formed_groups=formed))
        return (len(closing.private) - len(private)) * len(LEVELS)

    def charged_to(self, holder: PersonId, year: int) -> int:
        """Return in how many private figures of a year a household is, of all fluxes."""
        query = select(LEDGER.c.figures).where(
            LEDGER.c.territory == self._key["territory"], LEDGER.c.holder == holder, LEDGER.c.year == year
        )
        return self._connection.execute(query).scalar_one_or_none() or 0

    def charged(self, year: int) -> list[Charged]:
        """Return what the private figures of a year come to, by group."""
        of, drawn = (RELEASE.c.first_month, RELEASE.c.cohort), RELEASE.c.private_median.is_not(None)
        within = RELEASE.c.month.between(date(year, 1, 1), date(year, 12, 1))
        query = select(*of, func.count()).where(*self._own(RELEASE), drawn, within).group_by(*of).order_by(*of)
        return [
            Charged(first_month=first, cohort=cohort, figures=count * len(LEVELS), most_charged=self._most_charged(year, first, cohort))
            for first, cohort, count in self._connection.execute(query).all()
        ]

    def formed_groups(self, month: date) -> int:
        """Return how many groups were formed when a month was closed."""
        query = select(CLOSED.c.formed_groups).where(*self._own(CLOSED), CLOSED.c.month == month)
        return self._connection.execute(query).scalar_one_or_none() or 0

    def releases(self, months: Sequence[date], cohorts: Mapping[date, Collection[int]] | None = None) -> list[Published]:
        """Return what was published of some months, by month and cohort; of all cohorts, or of some by their formation's first month."""
        some = [(first, number) for first, numbers in cohorts.items() for number in numbers] if cohorts is not None else None
        of = () if some is None else (tuple_(RELEASE.c.first_month, RELEASE.c.cohort).in_(some),)
        query = (
            select(RELEASE)
            .where(*self._own(RELEASE), RELEASE.c.month.in_(months), *of)
            .order_by(RELEASE.c.month, RELEASE.c.first_month, RELEASE.c.cohort)
        )
        return [
            Published(
                release=Release(
                    median=row.median,
                    fifth=row.fifth,
                    four_fifths=row.four_fifths,
                    least_count=row.least_count,
                    most_count=row.most_count,
                ),
                month=row.month,
                first_month=row.first_month,
                cohort=row.cohort,
                time=row.published,
                private=None if row.private_median is None else PrivateFigures(median=row.private_median, fifth=row.private_fifth),
            )
            for row in self._connection.execute(query)
        ]

    def _charge(self, year: int, first_month: date, cohort: int) -> bool:
        """Charge a release's figures to every household of its group, or to none: False when one of them cannot be charged more."""
        if not affordable(self._most_charged(year, first_month, cohort)):
            return False
        key, columns = {"territory": self._key["territory"], "year": year}, LEDGER.c
        of_year = (columns.territory == key["territory"], columns.year == year)
        for holders in self._holders(first_month, cohort):
            new = holders.where(MEMBER.c.holder.not_in(select(columns.holder).where(*of_year)))
            values = new.with_only_columns(*(literal(value) for value in key.values()), MEMBER.c.holder, literal(0)).distinct()
            self._connection.execute(LEDGER.insert().from_select([*key, "holder", "figures"], values))
            charged = update(LEDGER).where(*of_year, columns.holder.in_(holders))
            self._connection.execute(charged.values(figures=columns.figures + len(LEVELS)))
        return True

    def _most_charged(self, year: int, first_month: date, cohort: int) -> int:
        columns = LEDGER.c
        of_year = (columns.territory == self._key["territory"], columns.year == year)
        found = [
            self._connection.execute(select(func.max(columns.figures)).where(*of_year, columns.holder.in_(holders))).scalar_one()
            for holders in self._holders(first_month, cohort)
        ]
        return max((count for count in found if count is not None), default=0)

    def _holders(self, first_month: date, cohort: int) -> Iterator[Select[tuple[str]]]:
        """Yield queries of the holders of a cohort's homes, of so many atoms each that a statement takes their numbers."""
        formation = next(one for one in self.formations() if one.first_month == first_month)
        atoms = sorted(formation.cohorts[cohort].atoms)
        for start in range(0, len(atoms), _ATOMS_AT_ONCE):
            some = MEMBER.c.atom.in_(atoms[start : start + _ATOMS_AT_ONCE])
            yield select(MEMBER.c.holder).where(*self._own(MEMBER), MEMBER.c.first_month == first_month, some)

    def _form(self, closing: Closing) -> None:
        formation = closing.formation
        if formation is None:
            return
        key = {**self._key, "first_month": formation.first_month}
        self._connection.execute(FORMATION.insert().values(**key, end_month=formation.end_month, body=encoded(formation)))
        members = members_of(closing.atoms)
        rows = [{**key, "premise": premise, "holder": holder, "atom": atom} for premise, (holder, atom) in members.items()]
        self._connection.execute(MEMBER.insert(), rows)

    def _members(self, first_month: date) -> dict[PlaceId, tuple[PersonId, int]]:
        query = select(MEMBER.c.premise, MEMBER.c.holder, MEMBER.c.atom).where(*self._own(MEMBER), MEMBER.c.first_month == first_month)
        return {PlaceId(row.premise): (PersonId(row.holder), row.atom) for row in self._connection.execute(query)}

    def _row(
        self, month: date, first_month: date, cohort: int, release: Release, private: PrivateFigures | None, at: datetime
    ) -> dict[str, object]:
        return {
            **self._key,
            "month": month,
            "first_month": first_month,
            "cohort": cohort,
            "median": release.median,
            "fifth": release.fifth,
            "four_fifths": release.four_fifths,
            "least_count": release.least_count,
            "most_count": release.most_count,
            "published": at,
            "private_median": private.median if private else None,
            "private_fifth": private.fifth if private else None,
        }

    def _own(self, table: Table) -> list[ColumnElement[bool]]:
        columns = table.c
        return [columns[name] == value for name, value in self._key.items()]


def erase(connection: Connection, territory: TerritoryId, holder: PersonId) -> None:
    """Take an erased person out of every group and area: what is published later is published without them."""
    for table in (MEMBER, AREA_MEMBER, LEDGER):
        connection.execute(delete(table).where(table.c.territory == territory, table.c.holder == holder))
