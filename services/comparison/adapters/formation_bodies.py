"""A formation as the JSON that is kept of it."""

import json
from datetime import date
from functools import lru_cache

from comparison.domain.atoms import Cohort, Reach
from comparison.domain.closing import Formation
from comparison.domain.similarity import Similarity
from vocabulary.flux import Flux
from vocabulary.names import PlaceId


def encoded(formation: Formation) -> str:
    """Return the JSON of areas, counts, cohorts and coefficients."""
    return json.dumps(
        {
            "areas": [sorted(area) for area in formation.areas],
            "counts": formation.counts,
            "cohorts": [[sorted(one.atoms), one.reach.value, one.places] for one in formation.cohorts],
            "coefficients": dict(formation.similarity.coefficients),
            "homes": formation.similarity.homes,
        }
    )


# Formations never change, and every answer needs those that live.
@lru_cache(maxsize=256)
def decoded(flux: Flux, first_month: date, end_month: date, body: str) -> Formation:
    """Return the formation that the JSON was."""
    read = json.loads(body)
    return Formation(
        flux=flux,
        first_month=first_month,
        end_month=end_month,
        areas=tuple(frozenset(PlaceId(place) for place in area) for area in read["areas"]),
        counts=tuple(read["counts"]),
        cohorts=tuple(
            Cohort(atoms=frozenset(atoms), reach=Reach(reach), places=tuple(PlaceId(place) for place in places))
            for atoms, reach, places in read["cohorts"]
        ),
        similarity=Similarity(flux=flux, coefficients=read["coefficients"], homes=read["homes"]),
    )
