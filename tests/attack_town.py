"""A town into which people move while attackers look."""

from dataclasses import replace
from datetime import datetime

import numpy as np
from comparison_service import TownSources
from comparison_world import Town

from comparison.domain.closing import HomeMonths, Survey
from comparison.domain.homes import Attributes, Building
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, TerritoryId


def large(made: Town) -> list[Building]:
    return [one for one, count in made.homes.items() if count > 1]


class Growing(TownSources):
    """A town into each large building of which somebody moves in February who uses twice as much as others, and consents."""

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        survey = await super().survey(territory, flux, at, since)
        if since.month == 12:  # January begins in December's last hour, in UTC
            return survey
        new = {PlaceId(f"{one.id}-new"): PersonId(f"new-in-{one.id}") for one in large(self.town)}
        return replace(
            survey,
            building_of={**survey.building_of, **{PlaceId(f"{one.id}-new"): one.id for one in large(self.town)}},
            holders={**survey.holders, **new},
            occupants={**survey.occupants, **new},
            attributes={**survey.attributes, **dict.fromkeys(new, Attributes())},
            metered=survey.metered | new.keys(),
        )

    def month(self, number: int) -> tuple[HomeMonths, dict[PlaceId, float]]:
        readings = self.town.readings(number)
        new = tuple(PlaceId(f"{one.id}-new") for one in large(self.town))
        amounts = np.full((len(new), readings.amounts.shape[1]), 2 * readings.amounts.mean())
        return replace(readings, premises=(*readings.premises, *new), amounts=np.vstack([readings.amounts, amounts])), {}
