"""The texts of the pages about public sites, in French and in English."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteWords:
    """The texts of one language. `{…}` marks what a page fills in."""

    sites: str
    year: str
    no_sites: str
    totals: str
    total: str
    attention: str
    calm: str
    concerns: dict[str, str]
    caption: str
    name: str
    trend: str
    missing: str
    night: str
    per_square_metre: str
    trend_note: str
    csv: str
    uses: dict[str, str]
    square_metres: str
    sort_by: str
    heat_map: str
    heat_map_axis: str
    heat_map_gap: str
    heat_map_table: str
    hour: str
    too_coarse: str
    base_load: str
    base_load_of: str
    closed: str
    signature: str
    signature_of: str
    signature_axis: str
    signature_line: str
    no_signature: str
    unreliable: str
    cusum_saved: str
    cusum_lost: str
    cusum_axis: str
    week: str
    degree_days: str
    saved: str
    progress: str
    progress_finding: str
    progress_facts: str
    progress_shared: str
    indicative: str
    no_progress: str
    consumption: str


FRENCH: Final = SiteWords(
    sites="Sites publics",
    year="Douze mois, jusqu’au {day}",
    no_sites="Aucun site public ne vous est confié. L’administrateur attribue les sites avec le rôle de gestionnaire.",
    totals="Tous les sites",
    total="{amount} {of_flux}, {count} sites",
    attention="À regarder d’abord",
    calm="Rien ne demande votre attention : ni hausse, ni nuits élevées, ni compteur muet.",
    concerns={
        "RISING": "{site} : {amount} {of_flux} de plus sur un an",
        "NIGHT": "{site} : {amount} {of_flux} par an consommés de nuit au-delà de l’usage",
        "SILENT": "{site} : aucun relevé {of_flux} depuis {days} jours",
    },
    caption="Sites publics, par m² sur douze mois",
    name="Site",
    trend="Tendance",
    missing="Jours sans mesure",
    night="Part de nuit",
    per_square_metre="{unit}/m²",
    trend_note="Tendance : mêmes jours de la semaine un an avant, à météo égale (≈) où le site suit la météo. "
    "Part de nuit : électricité de 22 h à 6 h, 28 derniers jours ; une consommation constante donne 33\u202f%. "
    "Sans surface connue, la consommation totale.",
    csv="Télécharger en CSV",
    uses={
        "OFFICE": "bureaux",
        "SCHOOL": "école",
        "SPORTS_HALL": "gymnase",
        "ASSEMBLY_HALL": "salle des fêtes",
        "SWIMMING_POOL": "piscine",
        "LIBRARY": "bibliothèque",
        "WORSHIP": "lieu de culte",
        "PUMPING_STATION": "station de pompage",
        "LIGHTING": "éclairage public",
        "WORKSHOP": "atelier",
        "NURSERY": "crèche",
        "CARE": "établissement de soins",
        "OTHER": "autre site",
    },
    square_metres="{area} m²",
    sort_by="Trier par {column}",
    heat_map="{flux} : le plus vers {most_hour} ({most}), le moins vers {least_hour} ({least})",
    heat_map_axis="Une colonne par jour, une ligne par heure locale ; plus foncé : plus de {unit}, jusqu’à {most}",
    heat_map_gap="Hachuré : pas de donnée.",
    heat_map_table="Moyenne en {unit} par heure et par mois",
    hour="Heure",
    too_coarse="{flux} : relevés trop espacés pour une carte par heure.",
    base_load="{flux} : {night} la nuit, soit {share} des heures ouvrées",
    base_load_of="Moyennes des 91 derniers jours : {night} de 1 h à 5 h, {weekend} le week-end, {working} en semaine de 8 h à 18 h.",
    closed="{share} est consommé hors des heures d’ouverture déclarées.",
    signature="Signature énergétique",
    signature_of="{flux} : {share} de la variation s’explique par le froid",
    signature_axis="{unit} par semaine selon les degrés-jours de la semaine (base {base} °C) ; "
    "plein : {baseline} semaines de référence, creux : depuis",
    signature_line="Droite de référence : {per_day} par jour sans chauffage, et {per_degree_day} par degré-jour. R² {r_squared}.",
    no_signature="{flux} : moins de dix semaines entières de mesures et de météo, ou pas de station météo ; pas de signature.",
    unreliable="{flux} : ne suit pas la météo (R² {r_squared}, moins que 0,75) ; pas de signature ni de cumul.",
    cusum_saved="Cumul (CUSUM) : {amount} économisés par rapport à la droite de référence",
    cusum_lost="Cumul (CUSUM) : {amount} de plus que la droite de référence",
    cusum_axis="{unit} économisés depuis la première semaine ; la courbe monte quand on économise",
    week="Semaine du",
    degree_days="Degrés-jours",
    saved="Cumul économisé",
    progress="Vers −40 % en 2030",
    progress_finding="{change} par rapport à la référence, à météo égale ; l’objectif 2030 est −40\u202f%",
    progress_facts="Référence : {reference} d’énergie finale en douze mois à partir du {start}. "
    "Douze derniers mois : {latest}, soit {adjusted} à météo égale. Objectif 2030 : {target}.",
    progress_shared="Les deux années ont encore {days} jours en commun : l’écart n’est que partiel.",
    indicative="indicatif",
    no_progress="Il faut douze mois de mesures presque complètes de chaque énergie pour se comparer.",
    consumption="Voir les consommations de ce site",
)

ENGLISH: Final = SiteWords(
    sites="Public sites",
    year="Twelve months, until {day}",
    no_sites="No public site is yours to manage. The administrator assigns sites with the manager’s role.",
    totals="All sites",
    total="{amount} {of_flux}, {count} sites",
    attention="Look at these first",
    calm="Nothing needs your attention: no rise, no high nights, no silent meter.",
    concerns={
        "RISING": "{site}: {amount} {of_flux} more in a year",
        "NIGHT": "{site}: {amount} {of_flux} a year used at night beyond what is usual",
        "SILENT": "{site}: no reading {of_flux} for {days} days",
    },
    caption="Public sites, by m² over twelve months",
    name="Site",
    trend="Trend",
    missing="Days not measured",
    night="Share at night",
    per_square_metre="{unit}/m²",
    trend_note="Trend: the same weekdays a year before, in like weather (≈) where the site follows the weather. "
    "Share at night: electricity from 22:00 to 06:00, last 28 days; a constant use gives 33%. "
    "Where the area is unknown, the whole use.",
    csv="Download as CSV",
    uses={
        "OFFICE": "offices",
        "SCHOOL": "school",
        "SPORTS_HALL": "sports hall",
        "ASSEMBLY_HALL": "assembly hall",
        "SWIMMING_POOL": "swimming pool",
        "LIBRARY": "library",
        "WORSHIP": "place of worship",
        "PUMPING_STATION": "pumping station",
        "LIGHTING": "street lighting",
        "WORKSHOP": "workshop",
        "NURSERY": "nursery",
        "CARE": "care home",
        "OTHER": "other site",
    },
    square_metres="{area} m²",
    sort_by="Sort by {column}",
    heat_map="{flux}: most around {most_hour} ({most}), least around {least_hour} ({least})",
    heat_map_axis="A column for each day, a row for each local hour; darker: more {unit}, up to {most}",
    heat_map_gap="Hatched: no data.",
    heat_map_table="Mean in {unit} by hour and month",
    hour="Hour",
    too_coarse="{flux}: the readings are too far apart for a map by hour.",
    base_load="{flux}: {night} at night, {share} of working hours",
    base_load_of="Means of the last 91 days: {night} from 01:00 to 05:00, {weekend} at week-ends, "
    "{working} on weekdays from 08:00 to 18:00.",
    closed="{share} is used outside the declared opening hours.",
    signature="Energy signature",
    signature_of="{flux}: {share} of the variation is explained by cold",
    signature_axis="{unit} a week against the week’s degree days (base {base} °C); solid: {baseline} weeks of baseline, hollow: since then",
    signature_line="Baseline: {per_day} a day without heating, and {per_degree_day} for a degree day. R² {r_squared}.",
    no_signature="{flux}: fewer than ten whole weeks of readings and weather, or no weather station; no signature.",
    unreliable="{flux}: does not follow the weather (R² {r_squared}, below 0.75); no signature and no running sum.",
    cusum_saved="Running sum (CUSUM): {amount} saved against the baseline",
    cusum_lost="Running sum (CUSUM): {amount} more than the baseline",
    cusum_axis="{unit} saved since the first week; the line rises while you save",
    week="Week of",
    degree_days="Degree days",
    saved="Saved so far",
    progress="Towards −40% in 2030",
    progress_finding="{change} against the reference, in like weather; the target for 2030 is −40%",
    progress_facts="Reference: {reference} of final energy in twelve months from {start}. "
    "Last twelve months: {latest}, or {adjusted} in like weather. Target for 2030: {target}.",
    progress_shared="The two years still share {days} days: the difference shows only in part.",
    indicative="indicative",
    no_progress="A comparison needs twelve months of almost complete readings of every energy.",
    consumption="See what this site consumes",
)

WORDS: Final = {"fr": FRENCH, "en": ENGLISH}
