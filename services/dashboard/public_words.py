"""The texts of the page that is open to everybody, in French and in English."""

from dataclasses import dataclass
from typing import Final

from multiflux_client.comparison import Reach


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicWords:
    """The texts of one language. `{…}` marks what a page fills in."""

    public: str
    heading: str
    why: str
    finding: str
    nothing: str
    nothing_next: str
    axis: str
    published: str
    hidden: str
    hidden_why: str
    month: str
    caption: str
    area: str
    homes: str
    homes_from: str
    homes_between: str
    reaches: dict[Reach, str]
    areas_published: str
    open_data: str
    csv: str
    licence: str


FRENCH: Final = PublicWords(
    public="Données publiques",
    heading="{town} : ce que consomment les logements",
    why="Des totaux de bâtiments entiers, mois par mois. Rien ici ne permet de connaître la consommation d’un logement.",
    finding="{month} : {amount} {of_flux} dans les zones publiées",
    nothing="{flux} : aucun mois publié",
    nothing_next="Un mois est publié dix jours après sa fin, dès qu’assez de logements sont mesurés ensemble.",
    axis="{unit} par mois, somme des zones publiées ; hachuré : une partie des zones n’est pas publiée ce mois-là",
    published="zones publiées : {published} sur {areas}",
    hidden="non publié",
    hidden_why="« Non publié » : trop peu de logements mesurés ce mois-là, ou l’un d’eux pèse trop dans le total.",
    month="Mois",
    caption="Zones, {month}",
    area="Zone",
    homes="Logements",
    homes_from="{least} et plus",
    homes_between="{least} à {most}",
    reaches={
        Reach.BUILDING: "bâtiment",
        Reach.STREET: "rue",
        Reach.STREETS: "rues",
        Reach.NEIGHBOURHOOD: "quartier",
        Reach.COMMUNE: "commune",
        Reach.TERRITORY: "territoire",
    },
    areas_published="Zones publiées",
    open_data="Données ouvertes",
    csv="Toutes les zones et tous les mois (CSV)",
    licence="Licence : {licence}. Montants exacts, en joules ou en millilitres ; la deuxième ligne du fichier décrit les colonnes.",
)

ENGLISH: Final = PublicWords(
    public="Public data",
    heading="{town}: what homes consume",
    why="Totals of whole buildings, month by month. Nothing here tells what a single home consumes.",
    finding="{month}: {amount} {of_flux} in the published areas",
    nothing="{flux}: no month is published",
    nothing_next="A month is published ten days after its end, as soon as enough homes are measured together.",
    axis="{unit} a month, sum of the published areas; hatched: some areas are not published in that month",
    published="areas published: {published} of {areas}",
    hidden="not published",
    hidden_why="“Not published”: too few homes were measured in that month, or one of them weighs too much in the total.",
    month="Month",
    caption="Areas, {month}",
    area="Area",
    homes="Homes",
    homes_from="{least} and more",
    homes_between="{least} to {most}",
    reaches={
        Reach.BUILDING: "building",
        Reach.STREET: "street",
        Reach.STREETS: "streets",
        Reach.NEIGHBOURHOOD: "neighbourhood",
        Reach.COMMUNE: "commune",
        Reach.TERRITORY: "territory",
    },
    areas_published="Areas published",
    open_data="Open data",
    csv="All areas and all months (CSV)",
    licence="Licence: {licence}. Amounts are in joules or millilitres, exact; the second line of the file describes its columns.",
)

WORDS: Final = {"fr": FRENCH, "en": ENGLISH}
