"""Faults, in the relational store."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, select, update

from lighting.adapters.tables import FAULT
from lighting.domain.faults import Evidence, Fault, FaultKind, Symptom
from lighting.domain.levels import CabinetId, LuminaireId
from vocabulary.names import TerritoryId


@dataclass(frozen=True, slots=True)
class SqlFaults:
    """One territory's faults, as one transaction sees them."""

    connection: Connection
    territory: TerritoryId

    def some(self, *, ended: bool) -> Sequence[tuple[str, Fault]]:
        """Return open faults, or with `ended` all that are kept, by id."""
        query = select(FAULT).where(FAULT.c.territory == self.territory).order_by(FAULT.c.fault)
        return [(row.fault, _fault(row)) for row in self.connection.execute(query if ended else query.where(FAULT.c.end.is_(None)))]

    def put(self, fault: Fault) -> None:
        """Keep a fault, in place of the same one as it was before."""
        symptom = fault.symptom
        values = {
            "cabinet": fault.cabinet,
            "kind": symptom.kind.value,
            "luminaire": symptom.luminaire,
            "circuit": symptom.circuit,
            "start": fault.start,
            "last_seen": fault.last_seen,
            "end": fault.end,
            "evidence": json.dumps(asdict(fault.evidence)),
        }
        key = {"territory": self.territory, "fault": _id(fault)}
        where = [FAULT.c[name] == value for name, value in key.items()]
        if not self.connection.execute(update(FAULT).where(*where).values(**values)).rowcount:
            self.connection.execute(FAULT.insert(), {**key, **values})


def _id(fault: Fault) -> str:
    """Return an id by which faults sort as they began."""
    symptom = fault.symptom
    what = f"{fault.cabinet}/{symptom.kind.value}/{symptom.luminaire}/{symptom.circuit}"
    return f"{int(fault.start.timestamp() * 1_000):012x}{sha256(what.encode()).hexdigest()[:8]}"


def _fault(row: Row[Any]) -> Fault:
    luminaire = None if row.luminaire is None else LuminaireId(row.luminaire)
    return Fault(
        cabinet=CabinetId(row.cabinet),
        symptom=Symptom(kind=FaultKind(row.kind), luminaire=luminaire, circuit=row.circuit),
        start=row.start,
        last_seen=row.last_seen,
        end=row.end,
        evidence=Evidence(**json.loads(row.evidence)),
    )
