"""What is said of a night's energy."""

from dataclasses import fields, replace
from datetime import date
from itertools import product

import pytest

from dashboard.lighting_words import ENGLISH, FRENCH, NightEnergy, energy_basis, energy_sentence

NIGHT = NightEnergy(
    night=date(2026, 1, 14), planned_joules=68.4e6, metered_joules=78e6, coverage=1.0, difference=0.14, as_planned=False, lamps_by_day=3
)


def test_more_than_planned_is_said_with_the_lamps_that_burn() -> None:
    assert energy_sentence(NIGHT, "en") == "14% above plan, about 3 lamps burning by day"
    assert energy_sentence(NIGHT, "fr") == "14\u202f% de plus que prévu, environ 3 lampes allumées en plein jour"


@pytest.mark.parametrize(
    ("night", "english", "french"),
    [
        (
            replace(NIGHT, difference=-0.03, as_planned=True, lamps_by_day=0),
            "as planned, within 3%",
            "comme prévu, à 3\u202f% près",
        ),
        (
            replace(NIGHT, difference=-0.5, lamps_by_day=0, lamps_out=1),
            "50% below plan, about 1 lamp out",
            "50\u202f% de moins que prévu, environ 1 lampe éteinte",
        ),
        (
            replace(NIGHT, lamps_by_day=0, lamps_by_night=6, hours_by_night=1.5),
            "14% above plan, about 6 lamps burning for 1.5 h when they should be dark",
            "14\u202f% de plus que prévu, environ 6 lampes allumées 1,5 h alors qu’elles devaient être éteintes",
        ),
        (
            replace(NIGHT, lamps_by_day=1, lamps_out=2),
            "14% above plan, about 1 lamp burning by day and about 2 lamps out",
            "14\u202f% de plus que prévu, environ 1 lampe allumée en plein jour et environ 2 lampes éteintes",
        ),
        (
            replace(NIGHT, difference=None, coverage=0.75),
            "cannot tell: only 75% of the night was metered",
            "on ne peut pas dire : 75\u202f% de la nuit seulement est mesuré",
        ),
        (
            replace(NIGHT, difference=None, planned_joules=0.0),
            "cannot tell: nothing was planned, or nothing was metered",
            "on ne peut pas dire : rien n’était prévu, ou rien n’est mesuré",
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
