"""What is said of a night's energy."""

from dataclasses import fields, replace
from itertools import product

import pytest

from dashboard.lighting_words import ENGLISH, FRENCH, energy_basis, energy_sentence
from multiflux_client.lighting_records import Burning, EnergyVerdict, NightEnergy

NIGHT = NightEnergy(
    night_date="2026-01-14",
    verdict=EnergyVerdict.ABOVE,
    planned_joules=68.4e6,
    metered_joules=78e6,
    coverage_percent=100,
    difference_percent=14,
    by_day=Burning(lamps=3, hours=4),
)


def test_more_than_planned_is_said_with_the_lamps_that_burn() -> None:
    assert energy_sentence(NIGHT, "en") == "14% above plan, about 3 lamps burning by day"
    assert energy_sentence(NIGHT, "fr") == "14\u202f% de plus que prévu, environ 3 lampes allumées en plein jour"


@pytest.mark.parametrize(
    ("night", "english", "french"),
    [
        (
            replace(NIGHT, verdict=EnergyVerdict.AS_PLANNED, difference_percent=-3, by_day=Burning()),
            "as planned, within 3%",
            "comme prévu, à 3\u202f% près",
        ),
        (
            replace(NIGHT, verdict=EnergyVerdict.BELOW, difference_percent=-50, by_day=Burning(), lamps_out=1),
            "50% below plan, about 1 lamp out",
            "50\u202f% de moins que prévu, environ 1 lampe éteinte",
        ),
        (
            replace(NIGHT, by_day=Burning(), by_night=Burning(lamps=6, hours=1.5)),
            "14% above plan, about 6 lamps burning for 1.5 h when they should be dark",
            "14\u202f% de plus que prévu, environ 6 lampes allumées 1,5 h alors qu’elles devaient être éteintes",
        ),
        (
            replace(NIGHT, by_day=Burning(lamps=1, hours=4), lamps_out=2),
            "14% above plan, about 1 lamp burning by day and about 2 lamps out",
            "14\u202f% de plus que prévu, environ 1 lampe allumée en plein jour et environ 2 lampes éteintes",
        ),
        (
            replace(NIGHT, verdict=EnergyVerdict.CANNOT_TELL, difference_percent=None, coverage_percent=75),
            "cannot tell: only 75% of the night was metered",
            "on ne peut pas dire : 75\u202f% de la nuit seulement est mesuré",
        ),
        (
            replace(NIGHT, verdict=EnergyVerdict.CANNOT_TELL, difference_percent=None, planned_joules=0.0),
            "cannot tell: no plan was published for the night, or nothing was metered",
            "on ne peut pas dire : aucun plan n’était publié pour cette nuit, ou rien n’est mesuré",
        ),
    ],
)
def test_every_finding_has_its_sentence(night: NightEnergy, english: str, french: str) -> None:
    assert (energy_sentence(night, "en"), energy_sentence(night, "fr")) == (english, french)


def test_a_finding_says_its_period_its_unit_and_its_coverage() -> None:
    assert (
        energy_basis(NIGHT, "en") == "Night of January 14, 2026, noon to noon: 21.7 kWh metered, 19 kWh planned; 100% of the night metered."
    )
    assert energy_basis(NIGHT, "fr") == (
        "Nuit du 14 janvier 2026, de midi à midi : 21,7 kWh mesurés pour 19 kWh prévus ; 100\u202f% de la nuit mesuré."
    )


def test_both_languages_have_every_text() -> None:
    assert all(getattr(words, field.name) for words, field in product((FRENCH, ENGLISH), fields(FRENCH)))
