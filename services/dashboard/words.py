"""Every text of the pages, in French and in English: each written, none translated word for word."""

from dataclasses import dataclass
from typing import Final

from vocabulary.flux import Flux
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The texts of one language. `{…}` marks what a page fills in."""

    language: str
    other_language: str
    other_language_name: str
    fluxes: dict[Flux, str]
    of_fluxes: dict[Flux, str]
    levels: dict[PlaceLevel, str]
    qualities: dict[Quality, str]
    spans: dict[str, str]
    gap: str
    simulated: str
    simulated_why: str
    skip: str
    breadcrumbs: str
    time_control: str
    earlier: str
    later: str
    yesterday: str
    finding: str
    finding_more: str
    finding_less: str
    finding_same: str
    no_readings: str
    no_readings_next: str
    no_point: str
    coverage: str
    estimated_part: str
    suspects: str
    latest: str
    source: str
    table: str
    table_time: str
    table_amount: str
    table_quality: str
    table_coverage: str
    csv: str
    axis: str
    places_within: str
    points_within: str
    legend: str
    profile: str
    finer_than_data: str
    wrong_address: str
    home: str
    first_day: str
    first_day_next: str
    lighting: str
    night: str
    strip: str
    no_lighting: str
    ranks: dict[str, str]
    clamps: dict[str, str]
    table_from: str
    table_until: str
    table_level: str
    table_rule: str
    outlook: str
    outlook_axis: str
    month_end: str
    month_end_cost: str
    sentence: str
    outlook_range: str
    outlook_weather: str
    outlook_climatology: str
    outlook_issued: str
    outlook_too_young: str
    outlook_away: str
    table_expected: str
    table_between: str
    sign_in: str
    sign_in_again: str
    sign_out: str
    signed_in_as: str
    demo_people: str
    people: dict[str, tuple[str, str]]
    no_home: str
    no_home_next: str
    neighbours: str
    how_chosen: str
    table_group: str
    table_size: str
    table_fifth: str
    table_median: str
    table_four_fifths: str
    private_group: str
    consents: str
    consents_why: str
    consent_text: str
    consent_given: str
    consent_give: str
    consent_withdraw: str
    purposes: dict[str, str]
    my_home: str
    home_why: str
    home_keep: str
    not_said: str
    home_questions: dict[str, str]
    dwelling_types: dict[str, str]
    energy_sources: dict[str, str]
    move_in: str
    move_in_why: str
    move_in_code: str
    refusals: dict[str, tuple[str, str]]
    """By what a service says: a sentence, and what to do."""


FRENCH: Final = Words(
    language="fr",
    other_language="en",
    other_language_name="English",
    fluxes={
        Flux.ELECTRICITY: "Électricité",
        Flux.GAS: "Gaz",
        Flux.WATER: "Eau",
        Flux.HEAT: "Chaleur",
        Flux.COOLING: "Froid",
        Flux.FUEL: "Combustible livré",
    },
    of_fluxes={
        Flux.ELECTRICITY: "d’électricité",
        Flux.GAS: "de gaz",
        Flux.WATER: "d’eau",
        Flux.HEAT: "de chaleur",
        Flux.COOLING: "de froid",
        Flux.FUEL: "de combustible",
    },
    levels={
        PlaceLevel.TERRITORY: "territoire",
        PlaceLevel.COMMUNE: "commune",
        PlaceLevel.NEIGHBOURHOOD: "quartier",
        PlaceLevel.STREET: "rue",
        PlaceLevel.BUILDING: "bâtiment",
        PlaceLevel.PREMISE: "logement ou site",
    },
    qualities={
        Quality.CORRECTED: "corrigée",
        Quality.MEASURED: "mesurée",
        Quality.ESTIMATED: "estimée",
        Quality.SUSPECT: "douteuse",
    },
    spans={"day": "Jour", "week": "Semaine", "month": "Mois", "year": "Année"},
    gap="pas de donnée",
    simulated="Ville simulée",
    simulated_why="Tout ici est inventé pour la démonstration : lieux, habitants et mesures.",
    skip="Aller au contenu",
    breadcrumbs="Vous êtes ici",
    time_control="Période",
    earlier="Période précédente",
    later="Période suivante",
    yesterday="Hier",
    finding="{period} : {amount} {of_flux}",
    finding_more="{period} : {amount} {of_flux}, {difference} de plus qu’un an avant",
    finding_less="{period} : {amount} {of_flux}, {difference} de moins qu’un an avant",
    finding_same="{period} : {amount} {of_flux}, autant qu’un an avant",
    no_readings="{period} : aucune mesure {of_flux}",
    no_readings_next="Les compteurs n’ont rien transmis pour cette période. Choisissez une période plus ancienne.",
    no_point="Aucun compteur {of_flux} ici.",
    coverage="Couverture {coverage} : part du temps réellement mesurée.",
    estimated_part="Les barres hachurées sont estimées à partir des relevés voisins.",
    suspects="{count} relevés douteux écartés.",
    latest="Dernière mesure : {moment}.",
    source="Source : compteurs raccordés ({count}), soutirage du réseau.",
    table="Voir les chiffres",
    table_time="Période",
    table_amount="Quantité",
    table_quality="Qualité",
    table_coverage="Couverture",
    csv="Télécharger en CSV",
    axis="{unit} par {slot}",
    places_within="Lieux",
    points_within="Compteurs",
    legend="Plein : mesuré. Hachuré : estimé. Vide : douteux. Absent : pas de donnée.",
    profile="Répartition indicative : les relevés sont plus espacés que l’affichage.",
    finer_than_data="Les relevés d’ici sont trop espacés pour cet affichage.",
    wrong_address="L’adresse de cette page n’est pas comprise : vérifiez « {parts} ».",
    home="Territoire",
    first_day="Il n’y a encore aucune donnée.",
    first_day_next="Importez des lieux et des compteurs, ou lancez « multiflux simulate » pour une ville de démonstration.",
    lighting="Éclairage public",
    night="Éclairage de la nuit du {day}",
    strip="Points lumineux : {count}, allumés {hours} h",
    no_lighting="Aucun groupe de points lumineux n’est connu. Importez l’inventaire avec « multiflux lighting import ».",
    ranks={
        "LOCK_OUT": "consignation pour travaux",
        "LOCAL": "forçage à l’armoire",
        "EMERGENCY": "urgence",
        "OVERRIDE": "dérogation",
        "EFFECT": "détection",
        "CALENDAR": "calendrier",
        "SWITCHED_OFF": "extinction décidée",
        "DEFAULT": "par défaut, sans programme",
    },
    clamps={
        "NEVER_OFF": "jamais éteint",
        "NEVER_DIMMED": "jamais abaissé",
        "NOT_BELOW": "plancher de niveau",
        "DRIVER_MINIMUM": "minimum de l’appareillage",
        "ON_OFF_ONLY": "tout ou rien",
        "OWN_DIMMING": "abaissement propre au luminaire",
    },
    table_from="De",
    table_until="À",
    table_level="Niveau",
    table_rule="Règle",
    outlook="Les {days} prochains jours : de {low} à {high} {of_flux}, huit fois sur dix",
    month_end="Fin {month} : de {low} à {high} {of_flux} sur le mois",
    month_end_cost=", soit {low} à {high}",
    sentence="{said}.",
    outlook_axis="{unit} par jour ; bandes de 50, 80 et 95 %, médiane en tirets",
    outlook_range="Chaque jour tombe huit fois sur dix dans la bande du milieu, dont le tableau donne les bornes.",
    outlook_weather="D’après la température prévue.",
    outlook_climatology="D’après la température habituelle en cette saison : aucune prévision météo ne couvre ces jours.",
    outlook_issued="Prévision du {issued}, à partir des mesures jusqu’au {latest}.",
    outlook_too_young="La prévision viendra quand le compteur aura {days} jours de mesures ; il en a {known}.",
    outlook_away="La prévision ne répond pas pour le moment ; le reste de la page est à jour.",
    table_expected="Prévu (médiane)",
    table_between="8 fois sur 10 entre",
    sign_in="Se connecter",
    sign_in_again="Revenez à la page de connexion de ce site et choisissez à nouveau.",
    sign_out="Se déconnecter",
    signed_in_as="Connecté : {who}",
    demo_people="Démonstration : personnes inventées, une par rôle, sans mot de passe. Sur cette machine seulement.",
    people={
        "household": ("Foyer", "ses consommations, ses prévisions, et où il se situe parmi les logements comparables"),
        "delegate": ("Proche d’un foyer", "ce que le foyer lui a délégué"),
        "building-manager": ("Gestionnaire de bâtiments", "les sites publics"),
        "lighting-operator": ("Exploitant de l’éclairage", "la nuit de chaque groupe de points lumineux"),
        "territory-analyst": ("Analyste du territoire", "ce qui est publié"),
        "administrator": ("Administrateur", "tout le territoire : à voir d’abord"),
        "collector": ("Télérelève", "l’envoi des relevés"),
        "platform-operator": ("Exploitant de la plateforme", "les territoires, sans leurs données"),
    },
    no_home="Aucun logement ne vous est rattaché.",
    no_home_next="Entrez le code reçu par courrier, ou attendez que les habitants de la ville simulée aient emménagé (quelques minutes).",
    neighbours="{month} : vous avez consommé {amount} {of_flux}",
    how_chosen="Comment mon groupe est-il choisi ?",
    table_group="Groupe",
    table_size="Logements",
    table_fifth="20 % : moins de",
    table_median="50 % : moins de",
    table_four_fifths="80 % : moins de",
    private_group="{group}, tirage bruité",
    my_home="Mon logement",
    home_why="Ces réponses servent à vous comparer à des logements semblables ; elles changent votre affichage aussitôt.",
    home_keep="Enregistrer",
    not_said="non précisé",
    home_questions={
        "type": "Type",
        "area_square_metres": "Surface habitable (m²)",
        "occupants": "Nombre d’occupants",
        "heating": "Chauffage",
        "heating_collective": "Chauffage collectif",
        "hot_water": "Eau chaude",
        "hot_water_collective": "Eau chaude collective",
        "solar_panels": "Panneaux solaires",
        "garden": "Jardin arrosé",
    },
    dwelling_types={"FLAT": "appartement", "HOUSE": "maison"},
    energy_sources={
        "ELECTRICITY": "électricité",
        "GAS": "gaz de ville",
        "DISTRICT": "réseau de chaleur",
        "FUEL": "fioul ou propane",
        "WOOD": "bois",
        "OTHER": "autre",
    },
    move_in="J’emménage",
    move_in_why="Le code reçu par courrier prouve où vous habitez. Vous ne verrez que ce qui est mesuré depuis votre arrivée.",
    move_in_code="Code",
    refusals={
        "SIGN_IN_BROKEN": ("La connexion n’a pas abouti.", "Rien n’a été changé. Revenez à la page de connexion et recommencez."),
        "SUBJECT_UNKNOWN": ("Votre compte n’est pas connu de ce territoire.", "Demandez à son administrateur de vous y inscrire."),
        "LOCAL_ISSUER_OFF": (
            "La connexion de démonstration est fermée.",
            "Elle ne sert que sur sa propre machine, sans fournisseur d’identité.",
        ),
        "ISSUER_AWAY": ("Le service de connexion ne répond pas pour l’instant.", "Recommencez dans une minute."),
        "OCCUPANCY_CODE_INVALID": ("Ce code ne convient pas.", "Vérifiez-le sur votre courrier : il ne sert qu’une fois et expire."),
        "MISSING": ("Ce lieu, ce compteur ou ce groupe n’existe pas.", "Il a peut-être été supprimé. Repartez du territoire."),
        "DENIED": (
            "Vous n’avez pas accès à ces chiffres.",
            "Les chiffres de plusieurs foyers ne sont montrés qu’à travers les publications agrégées.",
        ),
        "READINGS_AWAY": (
            "Les mesures déjà classées sont conservées par un serveur qui ne répond pas pour l’instant ; rien n’est perdu.",
            "Rechargez la page dans quelques minutes.",
        ),
        "AWAY": ("Les mesures ne répondent pas pour l’instant.", "Le reste de la page fonctionne. Rechargez-la dans une minute."),
        "CONFLICT": ("Entre-temps, quelqu’un d’autre a changé cela.", "Revenez à la page précédente et rechargez-la."),
        "EXHAUSTED": ("Trop d’essais.", "Attendez un moment avant de recommencer."),
        "INVALID": ("Une réponse n’est pas possible.", "Revenez à la page précédente et corrigez-la."),
    },
    consents="Mes consentements",
    consents_why="Vous choisissez, compteur par compteur, l’usage de vos relevés. Rien n’est coché d’avance, tout se retire d’un geste.",
    consent_text="Je consens à l’usage des relevés de ce compteur par la collectivité pour : {purpose}. Je peux le retirer quand je veux.",
    consent_given="Donné le {moment}.",
    consent_give="Je consens",
    consent_withdraw="Retirer",
    purposes={
        "DISPLAY_DAILY": "me montrer mes consommations par jour",
        "DISPLAY_SUBDAILY": "me montrer mes consommations par heure ou demi-heure",
        "ADVICE": "me conseiller",
        "PEER_COMPARISON": "établir des comparaisons anonymes entre logements",
        "FORECAST": "prévoir mes consommations",
    },
)

ENGLISH: Final = Words(
    language="en",
    other_language="fr",
    other_language_name="Français",
    fluxes={
        Flux.ELECTRICITY: "Electricity",
        Flux.GAS: "Gas",
        Flux.WATER: "Water",
        Flux.HEAT: "Heat",
        Flux.COOLING: "Cooling",
        Flux.FUEL: "Delivered fuel",
    },
    of_fluxes={
        Flux.ELECTRICITY: "of electricity",
        Flux.GAS: "of gas",
        Flux.WATER: "of water",
        Flux.HEAT: "of heat",
        Flux.COOLING: "of cooling",
        Flux.FUEL: "of fuel",
    },
    levels={
        PlaceLevel.TERRITORY: "territory",
        PlaceLevel.COMMUNE: "commune",
        PlaceLevel.NEIGHBOURHOOD: "neighbourhood",
        PlaceLevel.STREET: "street",
        PlaceLevel.BUILDING: "building",
        PlaceLevel.PREMISE: "home or site",
    },
    qualities={
        Quality.CORRECTED: "corrected",
        Quality.MEASURED: "measured",
        Quality.ESTIMATED: "estimated",
        Quality.SUSPECT: "suspect",
    },
    spans={"day": "Day", "week": "Week", "month": "Month", "year": "Year"},
    gap="no data",
    simulated="Simulated town",
    simulated_why="Everything here is made up for demonstration: places, people and readings.",
    skip="Skip to content",
    breadcrumbs="You are here",
    time_control="Period",
    earlier="Earlier period",
    later="Later period",
    yesterday="Yesterday",
    finding="{period}: {amount} {of_flux}",
    finding_more="{period}: {amount} {of_flux}, {difference} more than a year before",
    finding_less="{period}: {amount} {of_flux}, {difference} less than a year before",
    finding_same="{period}: {amount} {of_flux}, as much as a year before",
    no_readings="{period}: no readings {of_flux}",
    no_readings_next="The meters sent nothing for this period. Choose an earlier one.",
    no_point="No meter {of_flux} here.",
    coverage="Coverage {coverage}: the share of time that was really measured.",
    estimated_part="Hatched bars are estimated from the readings around them.",
    suspects="{count} suspect readings left out.",
    latest="Last reading: {moment}.",
    source="Source: connected meters ({count}), drawn from the network.",
    table="See the figures",
    table_time="Period",
    table_amount="Amount",
    table_quality="Quality",
    table_coverage="Coverage",
    csv="Download as CSV",
    axis="{unit} per {slot}",
    places_within="Places",
    points_within="Meters",
    legend="Solid: measured. Hatched: estimated. Hollow: suspect. Absent: no data.",
    profile="Indicative split: the readings are further apart than what is shown.",
    finer_than_data="The readings here are too far apart for this view.",
    wrong_address="The address of this page cannot be understood: check “{parts}”.",
    home="Territory",
    first_day="There is no data yet.",
    first_day_next="Import places and meters, or run “multiflux simulate” for a demonstration town.",
    lighting="Street lighting",
    night="Lighting in the night of {day}",
    strip="Luminaires: {count}, lit for {hours} h",
    no_lighting="No group of luminaires is known. Import the inventory with “multiflux lighting import”.",
    ranks={
        "LOCK_OUT": "locked out for works",
        "LOCAL": "switched at the cabinet",
        "EMERGENCY": "emergency",
        "OVERRIDE": "override",
        "EFFECT": "sensor",
        "CALENDAR": "calendar",
        "SWITCHED_OFF": "switched off by decision",
        "DEFAULT": "by default, without a programme",
    },
    clamps={
        "NEVER_OFF": "never off",
        "NEVER_DIMMED": "never dimmed",
        "NOT_BELOW": "lowest level",
        "DRIVER_MINIMUM": "the driver’s minimum",
        "ON_OFF_ONLY": "on or off only",
        "OWN_DIMMING": "the luminaire’s own dimming",
    },
    table_from="From",
    table_until="Until",
    table_level="Level",
    table_rule="Rule",
    outlook="The next {days} days: {low} to {high} {of_flux}, eight times out of ten",
    month_end="By the end of {month}: {low} to {high} {of_flux} over the month",
    month_end_cost=", or {low} to {high}",
    sentence="{said}.",
    outlook_axis="{unit} per day; bands of 50, 80 and 95%, median dashed",
    outlook_range="Eight times out of ten a day falls within the middle band, whose bounds are in the table.",
    outlook_weather="Based on the temperature that is forecast.",
    outlook_climatology="Based on the temperature that is usual at this time of year: no weather forecast covers these days.",
    outlook_issued="Forecast of {issued}, from readings up to {latest}.",
    outlook_too_young="The forecast will come when the meter has {days} days of readings; it has {known}.",
    outlook_away="The forecast does not answer at the moment; the rest of the page is up to date.",
    table_expected="Expected (median)",
    table_between="8 times out of 10 between",
    sign_in="Sign in",
    sign_in_again="Go back to this site's sign-in page and choose again.",
    sign_out="Sign out",
    signed_in_as="Signed in: {who}",
    demo_people="Demonstration: made-up people, one for each role, without a password. On this machine only.",
    people={
        "household": ("Household", "its consumption, its forecasts, and where it stands among similar homes"),
        "delegate": ("Relative of a household", "what the household lets them see"),
        "building-manager": ("Building manager", "the public sites"),
        "lighting-operator": ("Lighting operator", "the night of each group of lamps"),
        "territory-analyst": ("Territory analyst", "what is published"),
        "administrator": ("Administrator", "the whole territory: the place to begin"),
        "collector": ("Meter reading", "the sending of readings"),
        "platform-operator": ("Platform operator", "the territories, without their data"),
    },
    no_home="No home is yours yet.",
    no_home_next="Enter the code that came by post, or wait until the people of the simulated town have moved in (a few minutes).",
    neighbours="{month}: you used {amount} {of_flux}",
    how_chosen="How was my group chosen?",
    table_group="Group",
    table_size="Homes",
    table_fifth="20%: less than",
    table_median="50%: less than",
    table_four_fifths="80%: less than",
    private_group="{group}, drawn with noise",
    my_home="My home",
    home_why="These answers serve to compare you with similar homes; they change what you see at once.",
    home_keep="Save",
    not_said="not said",
    home_questions={
        "type": "Type",
        "area_square_metres": "Living area (m²)",
        "occupants": "How many live here",
        "heating": "Heating",
        "heating_collective": "Collective heating",
        "hot_water": "Hot water",
        "hot_water_collective": "Collective hot water",
        "solar_panels": "Solar panels",
        "garden": "A garden that is watered",
    },
    dwelling_types={"FLAT": "flat", "HOUSE": "house"},
    energy_sources={
        "ELECTRICITY": "electricity",
        "GAS": "network gas",
        "DISTRICT": "district heating",
        "FUEL": "oil or propane",
        "WOOD": "wood",
        "OTHER": "other",
    },
    move_in="I move in",
    move_in_why="The code that came by post proves where you live. You will see only what is measured from your arrival on.",
    move_in_code="Code",
    refusals={
        "SIGN_IN_BROKEN": ("Signing in did not work out.", "Nothing was changed. Go back to the sign-in page and begin again."),
        "SUBJECT_UNKNOWN": ("This territory does not know your account.", "Ask its administrator to register you."),
        "LOCAL_ISSUER_OFF": ("The demo sign-in is closed.", "It serves on its own machine only, and only without an identity provider."),
        "ISSUER_AWAY": ("The sign-in service does not answer at the moment.", "Try again in a minute."),
        "OCCUPANCY_CODE_INVALID": ("This code does not fit.", "Check it on your letter: it serves once, and expires."),
        "MISSING": ("This place, meter or group does not exist.", "It may have been deleted. Start again from the territory."),
        "DENIED": ("You have no access to these figures.", "Figures of several households are only shown through aggregated releases."),
        "READINGS_AWAY": (
            "Readings that were filed are kept by a server that does not answer at the moment; nothing is lost.",
            "Reload the page in a few minutes.",
        ),
        "AWAY": ("The readings do not answer at the moment.", "The rest of the page works. Reload it in a minute."),
        "CONFLICT": ("Somebody else changed this meanwhile.", "Go back and reload the page."),
        "EXHAUSTED": ("Too many tries.", "Wait a moment before you try again."),
        "INVALID": ("One answer is not possible.", "Go back and correct it."),
    },
    consents="My consents",
    consents_why="You choose, meter by meter, what your readings are used for. Nothing is ticked beforehand, all can be withdrawn at once.",
    consent_text="I consent to the authority using the readings of this meter to: {purpose}. I may withdraw this consent at any time.",
    consent_given="Given on {moment}.",
    consent_give="I consent",
    consent_withdraw="Withdraw",
    purposes={
        "DISPLAY_DAILY": "show me my consumption by day",
        "DISPLAY_SUBDAILY": "show me my consumption by hour or half-hour",
        "ADVICE": "give me advice",
        "PEER_COMPARISON": "make anonymous comparisons between homes",
        "FORECAST": "forecast my consumption",
    },
)

LANGUAGES: Final = {words.language: words for words in (FRENCH, ENGLISH)}
