"""What a person allows to be done with the readings of its metering point."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from access.domain.ids import ConsentId, OccupancyId
from access.domain.occupancy import cut
from vocabulary.civil import Granularity
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PointId

_FINER_THAN_A_DAY = frozenset({Granularity.TEN_MINUTES, Granularity.FIFTEEN_MINUTES, Granularity.THIRTY_MINUTES, Granularity.HOUR})


class Purpose(Enum):
    """What readings may be used for; each is a consent of its own, as the CNIL asks."""

    DISPLAY_DAILY = 1
    DISPLAY_SUBDAILY = 2
    ADVICE = 3
    PEER_COMPARISON = 4
    FORECAST = 5


class ConsentUnknown(Failure):
    """There is no such consent, or it is not for the caller to know."""

    reason, kind = "CONSENT_UNKNOWN", Kind.MISSING


class ConsentExists(Failure):
    """The person consented to this use of the point's readings already, at least for a part of the time."""

    reason, kind = "CONSENT_EXISTS", Kind.EXISTS


class ConsentOutsideOccupancy(Failure):
    """The point never measured at a premise of the person in that time."""

    reason, kind = "CONSENT_OUTSIDE_OCCUPANCY", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A consent of `person`, given as an occupant of `occupancy`; it holds within its validity until `withdrawn`."""

    id: ConsentId
    person: PersonId
    point: PointId
    occupancy: OccupancyId
    purpose: Purpose
    granularity: Granularity
    validity: Validity
    proof_text: str
    given: datetime
    withdrawn: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentQuestion:
    """Which consents to list: to one point, for one purpose, holding at one instant; None does not cut."""

    point: PointId | None
    purpose: Purpose | None
    hold_at: datetime | None


def fits(purpose: Purpose, granularity: Granularity) -> bool:
    """Tell whether readings so fine serve the purpose: daily display needs nothing finer than a day, the other display nothing coarser."""
    match purpose:
        case Purpose.DISPLAY_DAILY:
            return granularity not in _FINER_THAN_A_DAY
        case Purpose.DISPLAY_SUBDAILY:
            return granularity in _FINER_THAN_A_DAY
        case Purpose.ADVICE | Purpose.PEER_COMPARISON | Purpose.FORECAST:
            return True


def limited(consent: Consent, end: datetime, at: datetime) -> Consent:
    """Return the consent when its occupancy ends at `end`; one that had not begun by then counts as withdrawn at `at`."""
    validity = cut(consent.validity, end)
    if validity is None:
        return consent if consent.withdrawn is not None else replace(consent, withdrawn=at)
    return replace(consent, validity=validity)
