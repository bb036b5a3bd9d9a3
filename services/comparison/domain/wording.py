"""Comparison in words, French and English: a sentence with a number and its group, a sign for who does well, one piece of advice."""

from dataclasses import dataclass

from comparison.domain.atoms import Cohort, Reach
from comparison.domain.closing import Formation
from comparison.domain.homes import Attributes, Source
from comparison.domain.privacy import BUDGET, EPSILON
from comparison.domain.releases import Release, Standing
from comparison.domain.year_on_year import Correction, YearOnYear
from vocabulary.flux import Flux


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """The same in both languages."""

    french: str
    english: str


_WIDER = {
    Reach.NEIGHBOURHOOD: Text(french="votre quartier", english="your neighbourhood"),
    Reach.COMMUNE: Text(french="votre commune", english="your commune"),
    Reach.TERRITORY: Text(french="tout le territoire", english="the whole territory"),
    Reach.BUILDING: Text(french="votre immeuble", english="your building"),
    Reach.STREET: Text(french="votre rue", english="your street"),
}
_ALONE = Text(french="votre rue et la suivante", english="your street and the next")
_MEDIAN = {
    Standing.BELOW: Text(
        french="Vous consommez moins que la moitié des logements comparables de {group} : bravo, continuez.",
        english="You use less than half of the similar homes of {group}: well done, keep it up.",
    ),
    Standing.WITHIN: Text(
        french="Vous consommez à peu près autant que les logements comparables de {group}.",
        english="You use about as much as the similar homes of {group}.",
    ),
    Standing.ABOVE: Text(
        french="Vous consommez plus que la moitié des logements comparables de {group}.",
        english="You use more than half of the similar homes of {group}.",
    ),
}
_AMONG_LOWEST = Text(
    french="Vous êtes parmi les plus économes des logements comparables de {group} : bravo, continuez.",
    english="You are among the thriftiest of the similar homes of {group}: well done, keep it up.",
)
_LESS = Text(french="{percent} % de moins que", english="{percent}% less than")
_MORE = Text(french="{percent} % de plus que", english="{percent}% more than")
_SAME = Text(french="à peu près autant que", english="about as much as")
_YEAR = {
    Correction.CORRECTED: Text(
        french="À météo égale, vous avez consommé {much} le même mois un an plus tôt.",
        english="With the same weather, you used {much} in the same month a year earlier.",
    ),
    Correction.UNKNOWN: Text(
        french="Vous avez consommé {much} le même mois un an plus tôt, sans correction de la météo, faute de données.",
        english="You used {much} in the same month a year earlier, not corrected for the weather, for want of data.",
    ),
    Correction.NOT_NEEDED: Text(
        french="Vous avez consommé {much} le même mois un an plus tôt, sans correction de la météo, que votre consommation ne suit guère.",
        english="You used {much} in the same month a year earlier, not corrected for the weather, which your use hardly follows.",
    ),
}
_YEAR_OF_WATER = Text(
    french="Vous avez consommé {much} le même mois un an plus tôt.", english="You used {much} in the same month a year earlier."
)
_PRIVATE = Text(
    french=(
        "Deux valeurs de cette commune, la médiane et le 20ᵉ centile, sont en outre tirées une seule fois avec un bruit qui cache la "
        "présence de chaque foyer (confidentialité différentielle, ε = {each} par valeur ; au plus {most} par foyer et par an, "
        "δ = 10⁻⁶). Cette garantie ne couvre pas les autres valeurs publiées, que protègent la taille des groupes et l’arrondi."
    ),
    english=(
        "Two values of this commune, the median and the 20th percentile, are also drawn once with noise that hides whether any one "
        "household is in them (differential privacy, ε = {each} a value; at most {most} a household and year, δ = 10⁻⁶). This guarantee "
        "does not cover the other values that are published, which the size of groups and rounding protect."
    ),
)
_SIZE = Text(french="{least} à {most} logements", english="{least} to {most} homes")
_LARGE = Text(french="plus de {least} logements", english="more than {least} homes")


def group_named(cohort: Cohort) -> Text:
    """Return a truthful name of a group."""
    if cohort.reach is not Reach.STREETS:
        return _WIDER[cohort.reach]
    others = len(cohort.places) - 1
    if others == 1:
        return _ALONE
    return Text(french=f"votre rue et les {others} rues voisines", english=f"your street and {others} streets near it")


def sentence(cohort: Cohort, release: Release, median: Standing, fifth: Standing | None) -> Text:
    """Return how a home stands, in a sentence with the size of the group."""
    group = group_named(cohort)
    lowest = fifth in (Standing.BELOW, Standing.WITHIN) and median is Standing.BELOW
    template = _AMONG_LOWEST if lowest else _MEDIAN[median]
    size = _SIZE if release.most_count else _LARGE
    of = {"least": release.least_count, "most": release.most_count}
    return Text(
        french=template.french.format(group=f"{group.french} ({size.french.format(**of)})"),
        english=template.english.format(group=f"{group.english} ({size.english.format(**of)})"),
    )


def year_sentence(flux: Flux, found: YearOnYear) -> Text:
    """Return how a home stands beside itself a year before, and whether that is corrected for the weather."""
    template = _YEAR_OF_WATER if flux is Flux.WATER else _YEAR[found.correction]
    percent = round(100 * abs(found.change))
    much = _SAME if percent == 0 else _LESS if found.change < 0 else _MORE
    return Text(
        french=template.french.format(much=much.french.format(percent=percent)),
        english=template.english.format(much=much.english.format(percent=percent)),
    )


def private_note() -> Text:
    """Return what differential privacy covers of what is shown, and what it does not."""
    each, most = str(EPSILON), str(BUDGET)
    return Text(
        french=_PRIVATE.french.format(each=each.replace(".", ","), most=most.replace(".", ",")),
        english=_PRIVATE.english.format(each=each, most=most),
    )


def advice(flux: Flux, attributes: Attributes) -> Text:
    """Return one piece of advice with the effect that is expected of it; the figures are rules of thumb of the French energy agency."""
    by = Source.ELECTRICITY if flux is Flux.ELECTRICITY else Source.GAS
    if flux is Flux.WATER:
        return Text(
            french="Une douche de cinq minutes au lieu de dix économise environ 60 litres à chaque fois.",
            english="A shower of five minutes instead of ten saves about 60 litres each time.",
        )
    if attributes.heating is by:
        return Text(
            french="Chauffer à 19 °C plutôt qu’à 20 °C économise environ 7 % du chauffage.",
            english="Heating to 19 °C rather than 20 °C saves about 7% of the heating.",
        )
    if attributes.hot_water is by:
        return Text(
            french="Régler le chauffe-eau sur 55 °C plutôt que 65 °C économise environ 10 % de l’eau chaude.",
            english="Setting the water heater to 55 °C rather than 65 °C saves about 10% of the hot water.",
        )
    return Text(
        french="Éteindre les appareils en veille économise environ 10 % de l’électricité spécifique.",
        english="Switching off what is on stand-by saves about 10% of the electricity of appliances.",
    )


def how_chosen(formation: Formation) -> Text:
    """Return how groups are chosen, for the household that asks."""
    fit = formation.similarity.homes
    month = f"{formation.end_month:%m/%Y}"
    french_fit = f"calculés sur {fit} logements du territoire" if fit else "fournis avec le logiciel"
    english_fit = f"fitted to {fit} homes of the territory" if fit else "those that come with the software"
    return Text(
        french=(
            "Votre groupe réunit les logements de lieux entiers (un immeuble, une rue, des rues qui se suivent), au moins 20, dont "
            "l’occupant a accepté d’être comparé ; la consommation n’y joue aucun rôle. Chaque consommation est divisée par ce qu’on "
            "attend d’un logement ainsi déclaré (surface, occupants, chauffage, eau chaude ; coefficients "
            f"{french_fit}). Seules des valeurs arrondies à un quart près sont publiées, une fois par mois, et jamais modifiées. Le groupe "
            f"reste le même jusqu’au {month}."
        ),
        english=(
            "Your group brings together homes of whole places (a building, a street, streets that follow each other), 20 at least, whose "
            "occupant agreed to be compared; consumption plays no part in it. Each consumption is divided by what is expected of a home "
            f"declared like it (area, occupants, heating, hot water; coefficients: {english_fit}). Only values rounded to a quarter are "
            f"published, once a month, and never changed. The group stays the same until {month}."
        ),
    )
