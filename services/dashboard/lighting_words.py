"""What is said of a lighting night's energy, in French and in English: each written, none translated word for word."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date

from dashboard.figures import number, share
from multiflux_client.lighting_records import EnergyVerdict, NightEnergy


@dataclass(frozen=True, kw_only=True, slots=True)
class LightingWords:
    """The texts of one language. `{…}` marks what a sentence fills in; of two texts, the first is for one lamp."""

    above: str
    below: str
    as_planned: str
    cannot_tell: str
    nothing_planned: str
    by_day: tuple[str, str]
    by_night: tuple[str, str]
    out: tuple[str, str]
    basis: str
    join: str
    last: str


FRENCH: Final = LightingWords(
    above="{share} de plus que prévu",
    below="{share} de moins que prévu",
    as_planned="comme prévu, à {share} près",
    cannot_tell="on ne peut pas dire : {coverage} de la nuit seulement est mesuré",
    nothing_planned="on ne peut pas dire : aucun plan n’était publié pour cette nuit, ou rien n’est mesuré",
    by_day=("environ 1 lampe allumée en plein jour", "environ {count} lampes allumées en plein jour"),
    by_night=(
        "environ 1 lampe allumée {hours} h alors qu’elle devait être éteinte",
        "environ {count} lampes allumées {hours} h alors qu’elles devaient être éteintes",
    ),
    out=("environ 1 lampe éteinte", "environ {count} lampes éteintes"),
    basis="Nuit du {night}, de midi à midi : {metered} kWh mesurés pour {planned} kWh prévus ; {coverage} de la nuit mesuré.",
    join=", ",
    last=" et ",
)
ENGLISH: Final = LightingWords(
    above="{share} above plan",
    below="{share} below plan",
    as_planned="as planned, within {share}",
    cannot_tell="cannot tell: only {coverage} of the night was metered",
    nothing_planned="cannot tell: no plan was published for the night, or nothing was metered",
    by_day=("about 1 lamp burning by day", "about {count} lamps burning by day"),
    by_night=(
        "about 1 lamp burning for {hours} h when it should be dark",
        "about {count} lamps burning for {hours} h when they should be dark",
    ),
    out=("about 1 lamp out", "about {count} lamps out"),
    basis="Night of {night}, noon to noon: {metered} kWh metered, {planned} kWh planned; {coverage} of the night metered.",
    join=", ",
    last=" and ",
)
_BY_LANGUAGE: Final = {"fr": FRENCH, "en": ENGLISH}
_JOULES_PER_KILOWATT_HOUR = 3.6e6
_WHOLE_PERCENT = 99.5
"""From here on a share is written as 100 %."""


def energy_sentence(energy: NightEnergy, language: str) -> str:
    """Say what a night's energy shows, without a capital or a full stop: `14 % above plan, about 3 lamps burning by day`."""
    words = _BY_LANGUAGE[language]
    if energy.difference_percent is None:
        partly = energy.planned_joules > 0 and 0 < energy.coverage_percent < _WHOLE_PERCENT
        return words.cannot_tell.format(coverage=share(energy.coverage_percent / 100, language)) if partly else words.nothing_planned
    as_planned = energy.verdict is EnergyVerdict.AS_PLANNED
    text = words.as_planned if as_planned else words.above if energy.difference_percent >= 0 else words.below
    said = text.format(share=share(abs(energy.difference_percent) / 100, language))
    lamps = [
        _counted(words.by_day, energy.by_day.lamps),
        _counted(words.by_night, energy.by_night.lamps, hours=number(energy.by_night.hours, language)),
        _counted(words.out, energy.lamps_out),
    ]
    told = [one for one in lamps if one]
    return words.join.join([said, words.last.join(told)]) if told else said


def energy_basis(energy: NightEnergy, language: str) -> str:
    """Say on what the sentence stands: the period, both energies with their unit, and how much was metered."""
    planned, metered = (number(joules / _JOULES_PER_KILOWATT_HOUR, language) for joules in (energy.planned_joules, energy.metered_joules))
    night = format_date(date.fromisoformat(energy.night_date), format="long", locale=language)
    coverage = share(energy.coverage_percent / 100, language)
    return _BY_LANGUAGE[language].basis.format(night=night, metered=metered, planned=planned, coverage=coverage)


def _counted(texts: tuple[str, str], count: int, **figures: str) -> str:
    return texts[min(count, 2) - 1].format(count=count, **figures) if count else ""
