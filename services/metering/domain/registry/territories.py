"""Territories: the tenants of the installation."""

import re
from dataclasses import dataclass

from metering.domain.registry.failures import FieldFault, OutOfRange, refuse
from metering.domain.registry.identifiers import check_text
from vocabulary.civil import UnknownTimeZone, time_zone
from vocabulary.names import PlaceId, TerritoryId

_CURRENCY = re.compile(r"[A-Z]{3}")
_SUBDIVISION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_ZONE_LENGTH = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Territory:
    """A tenant's own facts. `school_holiday_zone` and `public_holiday_subdivision` are empty where there is none."""

    territory_id: TerritoryId
    display_name: str
    time_zone: str
    currency_code: str
    root_place: PlaceId
    school_holiday_zone: str = ""
    public_holiday_subdivision: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse zones, currencies and subdivisions that are none."""
        refuse(
            check_text("display_name", self.display_name),
            check_text("school_holiday_zone", self.school_holiday_zone, longest=_ZONE_LENGTH),
            self._zone_fault(),
            None if _CURRENCY.fullmatch(self.currency_code) else OutOfRange("currency_code", "must be three capital letters (ISO 4217)"),
            subdivision_fault("public_holiday_subdivision", self.public_holiday_subdivision),
        )

    def _zone_fault(self) -> FieldFault | None:
        try:
            time_zone(self.time_zone)
        except UnknownTimeZone as unknown:
            return OutOfRange("time_zone", unknown.message, time_zone=self.time_zone)
        return None


def subdivision_fault(field: str, subdivision: str) -> FieldFault | None:
    """Return what is wrong with a subdivision that is neither empty nor of the form of ISO 3166-2."""
    if not subdivision or _SUBDIVISION.fullmatch(subdivision):
        return None
    return OutOfRange(field, f"{subdivision!r} is not of the form of ISO 3166-2, such as FR-57", subdivision=subdivision)
