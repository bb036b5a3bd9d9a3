"""What is said to an operator of commands, drafts, rehearsals and versions, in French and in English."""

from dataclasses import dataclass
from typing import Final

from multiflux_client.lighting_records import CommandKind, ConflictKind, HolidayKind, PlanState, Reference, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorWords:
    """The texts of one language. `{…}` marks what a sentence fills in."""

    commands: str
    running: str
    none_running: str
    since: str
    until: str
    until_ended: str
    by: str
    reach: str
    waiting_for_power: str
    not_reached: str
    no_gateway: str
    end: str
    kinds: dict[str, str]
    scope: str
    whole: str
    all_roads: str
    lamps: str
    lamps_hint: str
    level: str
    reason: str
    end_time: str
    optional: str
    required: str
    override: str
    override_send: str
    serious: str
    lock_out: str
    lock_out_why: str
    lock_out_ask: str
    lock_out_send: str
    emergency: str
    emergency_why: str
    emergency_ask: str
    emergency_send: str
    next_step: str
    cancel: str
    not_sent: str
    wrong: dict[str, str]
    change_plan: str
    draft: str
    follows: str
    dark: str
    calendar: str
    keep: str
    rehearse: str
    first: str
    last: str
    rehearsal: str
    estimated: str
    figure: str
    now: str
    with_draft: str
    difference: str
    lit_lamps: str
    energy: str
    cost: str
    emission: str
    burning: str
    unknown: str
    conflicts: str
    no_conflicts: str
    conflict_kinds: dict[str, str]
    law: str
    law_table: str
    article: str
    verdict: str
    concerned: str
    verdicts: dict[str, str]
    law_sentence: str
    publish: str
    publish_why: str
    rehearse_first: str
    versions: str
    no_versions: str
    version: str
    state: str
    from_night: str
    published: str
    states: dict[str, str]
    roll_back: str
    roll_back_why: str
    copy_of: str
    back: str
    programmes: str
    new_programme: str
    no_programmes: str
    always_full: str
    kept: str
    identifier: str
    identifier_hint: str
    display_name: str
    sunset: str
    sunrise: str
    levels: str
    levels_hint: str
    reference: str
    references: dict[str, str]
    time: str
    ramp: str
    save: str
    save_why: str
    calendars: str
    new_calendar: str
    no_calendars: str
    other_nights: str
    other_nights_follow: str
    every_night: str
    rules_hint: str
    rule: str
    order: str
    programme: str
    no_rule: str
    from_day: str
    to_day: str
    every_year: str
    occurrences: str
    occurrences_hint: str
    holidays: dict[str, str]
    dates: str
    dates_hint: str
    save_calendar: str


FRENCH: Final = OperatorWords(
    commands="Commandes",
    running="Commandes en vigueur",
    none_running="Aucune commande en vigueur : les lampes suivent leur plan.",
    since="depuis {at}",
    until="jusqu’au {at}",
    until_ended="jusqu’à ce qu’on y mette fin",
    by="{author} : « {reason} »",
    reach="Armoires qui suivent : {confirmed} sur {cabinets}",
    waiting_for_power="{count} attendent la tension",
    not_reached="{count} ne répondent pas",
    no_gateway="Aucune armoire concernée n’a de passerelle : personne ne transmet cette commande.",
    end="Mettre fin",
    kinds={
        CommandKind.LOCK_OUT.name: "Consignation pour travaux",
        CommandKind.LOCAL.name: "Commande locale de l’armoire",
        CommandKind.EMERGENCY.name: "Urgence",
        CommandKind.OVERRIDE.name: "Dérogation au plan",
    },
    scope="Quelles lampes",
    whole="tout le territoire",
    all_roads="toutes les rues (catégorie a)",
    lamps="Ou seulement ces lampes",
    lamps_hint="numéros de l’inventaire, séparés par des espaces",
    level="Niveau, en %",
    reason="Motif",
    end_time="Jusqu’à quand, heure locale",
    optional="facultatif",
    required="obligatoire",
    override="Déroger au plan jusqu’à une heure",
    override_send="Envoyer la dérogation",
    serious="Travaux et urgence",
    lock_out="Consigner pour travaux",
    lock_out_why="Les lampes refusent toute commande, urgence comprise. Ce n’est pas une consignation électrique : "
    "le circuit peut être sous tension.",
    lock_out_ask="Consigner {scope} ? Les lampes s’éteignent et refusent toute commande, urgence comprise. "
    "Le circuit peut rester sous tension.",
    lock_out_send="Oui, consigner",
    emergency="Éclairer en urgence",
    emergency_why="Au-dessus de toute dérogation, jusqu’à ce qu’on y mette fin ; les lampes consignées restent consignées.",
    emergency_ask="Éclairer {scope} à {level} % dès maintenant, jusqu’à ce qu’on y mette fin ?",
    emergency_send="Oui, éclairer",
    next_step="Continuer",
    cancel="Ne rien envoyer",
    not_sent="Rien n’a été envoyé. {why}",
    wrong={
        "scope": "Choisissez des lampes : cette sélection n’existe pas ou est vide.",
        "level_percent": "Le niveau est un nombre entier de 0 à 100.",
        "until_time": "L’heure de fin doit exister et être à venir.",
        "reason": "Dites pourquoi, en une phrase.",
        "first_date": "Les nuits à répéter vont d’une date à une autre, un an au plus.",
        "calendar": "Ce calendrier n’existe pas.",
        "locked_out": "Ces lampes sont consignées pour travaux : rien ne les commande avant la fin de la consignation.",
        "time": "Une heure s’écrit comme 23:30 ; avec le soleil, des minutes de −720 à 720.",
        "ramp": "Une rampe dure de 0 à 120 minutes.",
        "sunset": "Les décalages vont de −720 à 720 minutes.",
        "sunrise": "Les décalages vont de −720 à 720 minutes.",
        "identifier": "L’identifiant est fait de lettres minuscules, de chiffres et de tirets, et n’est pas déjà pris.",
        "display_name": "Donnez un nom.",
        "dates": "Une date s’écrit comme 2026-12-24, et une règle ne finit pas avant de commencer.",
        "occurrences": "Les rangs sont 1 à 5, ou −1 pour le dernier, avec des jours de semaine.",
        "order": "L’ordre est un nombre entier.",
        "rules": "Une règle est impossible : ses conditions ne vont pas ensemble, ou elle n’en a pas.",
        "stale": "Quelqu’un d’autre a changé cela entre-temps : rechargez la page.",
        "rehearsal": "Le projet a changé depuis sa répétition : répétez-le encore.",
        "": "Une réponse n’est pas possible.",
    },
    change_plan="Changer le plan",
    draft="Projet",
    follows="Le projet suit le calendrier « {calendar} », pour {count} lampes.",
    dark="Le projet laisse {count} lampes éteintes par décision municipale : {decision}.",
    calendar="Calendrier du projet",
    keep="Garder ce calendrier",
    rehearse="Répéter avant de publier",
    first="Première nuit",
    last="Dernière nuit",
    rehearsal="Ce qui changerait, du {first} au {last}",
    estimated="Valeurs estimées d’après le plan, rien n’est mesuré.",
    figure="Grandeur",
    now="Plan en vigueur",
    with_draft="Projet",
    difference="Différence",
    lit_lamps="Lampes",
    energy="Énergie",
    cost="Coût",
    emission="Émissions",
    burning="Durée d’allumage, toutes lampes",
    unknown="non connu",
    conflicts="À regarder",
    no_conflicts="Rien d’inhabituel dans le projet.",
    conflict_kinds={
        ConflictKind.UNASSIGNED.name: "Lampes sans groupe, qui ne suivent aucun plan",
        ConflictKind.SWITCHED_OFF.name: "Lampes éteintes par décision municipale",
        ConflictKind.BURNING_BY_DAY.name: "Lampes allumées en plein jour",
        ConflictKind.ALTERNATE_LAMPS.name: "Une lampe sur deux éteinte",
        ConflictKind.CLAMPED.name: "Niveaux relevés par une limite de sécurité",
        ConflictKind.CIRCUIT_DISAGREES.name: "Lampes d’un même circuit qui demandent autre chose",
        ConflictKind.HEARS_NOTHING.name: "Lampes qu’aucune commande n’atteint",
    },
    law="Règles d’éclairage",
    law_table="Règle par règle",
    article="Règle",
    verdict="Avis",
    concerned="Lampes",
    verdicts={
        Verdict.COMPLIANT.name: "conforme",
        Verdict.FINDING.name: "écart",
        Verdict.CANNOT_TELL.name: "on ne peut pas dire",
    },
    law_sentence="Tout le territoire, projets compris. Règles enfreintes : {finding} ; sans avis, faute de données : {cannot_tell} ; "
    "respectées : {compliant}.",
    publish="Publier pour {count} lampes dès la prochaine nuit",
    publish_why="Motif de la publication",
    rehearse_first="On publie après avoir répété.",
    versions="Versions publiées",
    no_versions="Rien n’est encore publié.",
    version="Version",
    state="État",
    from_night="Dès la nuit du",
    published="Publiée",
    states={
        PlanState.DRAFT.name: "projet",
        PlanState.REHEARSED.name: "répétée",
        PlanState.PUBLISHED.name: "publiée",
        PlanState.DELIVERED.name: "transmise",
        PlanState.CONFIRMED.name: "confirmée",
        PlanState.REPLACED.name: "remplacée",
    },
    roll_back="Revenir à la version {version}",
    roll_back_why="Motif du retour",
    copy_of="reprise de la version {version}",
    back="Retour à la nuit",
    programmes="Programmes",
    new_programme="Nouveau programme",
    no_programmes="Aucun programme : les lampes brûlent à pleine puissance du coucher au lever du soleil.",
    always_full="pleine puissance",
    kept="Ce programme a aussi {effects} effets de capteurs, ou des périodes que ce formulaire ne montre pas : ils restent tels quels.",
    identifier="Identifiant",
    identifier_hint="lettres minuscules, chiffres et tirets",
    display_name="Nom",
    sunset="Allumage, minutes après le coucher du soleil (négatif : avant)",
    sunrise="Extinction, minutes après le lever du soleil (négatif : avant)",
    levels="Niveaux",
    levels_hint="Une heure comme 23:30, ou des minutes avant (−) ou après le coucher, le lever ou le milieu de la nuit. "
    "Une ligne sans niveau ne compte pas.",
    reference="Repère",
    references={
        Reference.FIXED.name: "heure fixe",
        Reference.SUNSET.name: "coucher du soleil",
        Reference.SUNRISE.name: "lever du soleil",
        Reference.MIDDLE.name: "milieu de la nuit",
    },
    time="Heure ou minutes",
    ramp="Rampe, min",
    save="Garder ce programme",
    save_why="Rien ne change dans la rue avant que les groupes qui le suivent ne soient répétés et publiés.",
    calendars="Calendriers",
    new_calendar="Nouveau calendrier",
    no_calendars="Aucun calendrier.",
    other_nights="les autres nuits",
    other_nights_follow="Programme des autres nuits",
    every_night="toutes les nuits",
    rules_hint="La première règle dont toutes les conditions sont remplies l’emporte. Une nuit porte la date de son soir.",
    rule="Règle {number}",
    order="Ordre",
    programme="Programme",
    no_rule="pas de règle",
    from_day="Du",
    to_day="Au, inclus",
    every_year="chaque année",
    occurrences="Rangs dans le mois",
    occurrences_hint="de ces jours de semaine : 1 à 5, −1 pour le dernier, séparés par des espaces",
    holidays={
        HolidayKind.PUBLIC.name: "jours fériés",
        HolidayKind.SCHOOL.name: "vacances scolaires",
        HolidayKind.EVE_OF_PUBLIC.name: "veilles de jours fériés",
    },
    dates="Dates précises",
    dates_hint="comme 2026-12-24, séparées par des espaces",
    save_calendar="Garder ce calendrier",
)
ENGLISH: Final = OperatorWords(
    commands="Commands",
    running="Commands in force",
    none_running="No command is in force: lamps follow their plan.",
    since="since {at}",
    until="until {at}",
    until_ended="until somebody ends it",
    by="{author}: “{reason}”",
    reach="Cabinets that follow: {confirmed} of {cabinets}",
    waiting_for_power="{count} wait for power",
    not_reached="{count} do not answer",
    no_gateway="No cabinet concerned has a gateway: nobody passes this command on.",
    end="End it",
    kinds={
        CommandKind.LOCK_OUT.name: "Lock-out for works",
        CommandKind.LOCAL.name: "Local command at the cabinet",
        CommandKind.EMERGENCY.name: "Emergency",
        CommandKind.OVERRIDE.name: "Override of the plan",
    },
    scope="Which lamps",
    whole="the whole territory",
    all_roads="all roads (category a)",
    lamps="Or these lamps only",
    lamps_hint="their names in the inventory, separated by spaces",
    level="Level, in %",
    reason="Reason",
    end_time="Until when, local time",
    optional="optional",
    required="required",
    override="Override the plan until a time",
    override_send="Send the override",
    serious="Works and emergency",
    lock_out="Lock out for works",
    lock_out_why="Lamps refuse every command, emergency included. This is not electrical isolation: the circuit may be live.",
    lock_out_ask="Lock {scope} out? The lamps go dark and refuse every command, emergency included. The circuit may stay live.",
    lock_out_send="Yes, lock out",
    emergency="Light in an emergency",
    emergency_why="Above every override, until somebody ends it; what is locked out stays locked out.",
    emergency_ask="Light {scope} at {level}% at once, until somebody ends it?",
    emergency_send="Yes, light",
    next_step="Go on",
    cancel="Send nothing",
    not_sent="Nothing was sent. {why}",
    wrong={
        "scope": "Choose lamps: this selection does not exist, or is empty.",
        "level_percent": "The level is a whole number from 0 to 100.",
        "until_time": "The time of the end must exist and lie ahead.",
        "reason": "Say why, in a sentence.",
        "first_date": "The nights to rehearse run from one date to another, a year at most.",
        "calendar": "There is no such calendar.",
        "locked_out": "These lamps are locked out for works: nothing commands them until that ends.",
        "time": "A time is written like 23:30; with the sun, minutes from −720 to 720.",
        "ramp": "A ramp lasts 0 to 120 minutes.",
        "sunset": "Offsets go from −720 to 720 minutes.",
        "sunrise": "Offsets go from −720 to 720 minutes.",
        "identifier": "The identifier has small letters, digits and hyphens, and is not taken yet.",
        "display_name": "Give it a name.",
        "dates": "A date is written like 2026-12-24, and no rule ends before it begins.",
        "occurrences": "Which in the month is 1 to 5, or −1 for the last, together with weekdays.",
        "order": "The order is a whole number.",
        "rules": "A rule is not possible: its conditions contradict each other, or it has none.",
        "stale": "Somebody else changed this meanwhile: reload the page.",
        "rehearsal": "The draft changed since it was rehearsed: rehearse it again.",
        "": "One answer is not possible.",
    },
    change_plan="Change the plan",
    draft="Draft",
    follows="The draft follows the calendar “{calendar}”, for {count} lamps.",
    dark="The draft leaves {count} lamps dark by municipal decision: {decision}.",
    calendar="Calendar of the draft",
    keep="Keep this calendar",
    rehearse="Rehearse before publishing",
    first="First night",
    last="Last night",
    rehearsal="What would change, {first} to {last}",
    estimated="Estimated from the plan; nothing of it is measured.",
    figure="Quantity",
    now="Plan in force",
    with_draft="Draft",
    difference="Difference",
    lit_lamps="Lamps",
    energy="Energy",
    cost="Cost",
    emission="Emissions",
    burning="Burning time, all lamps",
    unknown="not known",
    conflicts="Worth a look",
    no_conflicts="Nothing unusual in the draft.",
    conflict_kinds={
        ConflictKind.UNASSIGNED.name: "Lamps without a group, which follow no plan",
        ConflictKind.SWITCHED_OFF.name: "Lamps dark by municipal decision",
        ConflictKind.BURNING_BY_DAY.name: "Lamps burning by day",
        ConflictKind.ALTERNATE_LAMPS.name: "Every other lamp dark",
        ConflictKind.CLAMPED.name: "Levels raised by a safety limit",
        ConflictKind.CIRCUIT_DISAGREES.name: "Lamps of one circuit that ask for different things",
        ConflictKind.HEARS_NOTHING.name: "Lamps that no command reaches",
    },
    law="Lighting rules",
    law_table="Rule by rule",
    article="Rule",
    verdict="Verdict",
    concerned="Lamps",
    verdicts={
        Verdict.COMPLIANT.name: "compliant",
        Verdict.FINDING.name: "finding",
        Verdict.CANNOT_TELL.name: "cannot tell",
    },
    law_sentence="The whole territory, with its drafts. Rules broken: {finding}; cannot tell, for lack of data: {cannot_tell}; "
    "met: {compliant}.",
    publish="Publish for {count} lamps from the next night on",
    publish_why="Reason for publishing",
    rehearse_first="A draft is published once it was rehearsed.",
    versions="Published versions",
    no_versions="Nothing is published yet.",
    version="Version",
    state="State",
    from_night="From the night of",
    published="Published",
    states={
        PlanState.DRAFT.name: "draft",
        PlanState.REHEARSED.name: "rehearsed",
        PlanState.PUBLISHED.name: "published",
        PlanState.DELIVERED.name: "delivered",
        PlanState.CONFIRMED.name: "confirmed",
        PlanState.REPLACED.name: "replaced",
    },
    roll_back="Go back to version {version}",
    roll_back_why="Reason for going back",
    copy_of="version {version} again",
    back="Back to the night",
    programmes="Programmes",
    new_programme="New programme",
    no_programmes="No programme: lamps burn at full power from sunset to sunrise.",
    always_full="full power",
    kept="This programme also has {effects} effects of sensors, or periods that this form does not show: they stay as they are.",
    identifier="Identifier",
    identifier_hint="small letters, digits and hyphens",
    display_name="Name",
    sunset="On, minutes after sunset (negative: before)",
    sunrise="Off, minutes after sunrise (negative: before)",
    levels="Levels",
    levels_hint="A time such as 23:30, or minutes before (−) or after sunset, sunrise or the middle of the night. "
    "A row without a level does not count.",
    reference="Counted from",
    references={
        Reference.FIXED.name: "fixed time",
        Reference.SUNSET.name: "sunset",
        Reference.SUNRISE.name: "sunrise",
        Reference.MIDDLE.name: "middle of the night",
    },
    time="Time or minutes",
    ramp="Ramp, min",
    save="Keep this programme",
    save_why="Nothing changes in the street before the groups that follow it are rehearsed and published.",
    calendars="Calendars",
    new_calendar="New calendar",
    no_calendars="No calendar.",
    other_nights="other nights",
    other_nights_follow="Programme of the other nights",
    every_night="every night",
    rules_hint="The first rule whose conditions are all met decides. A night is named by its evening's date.",
    rule="Rule {number}",
    order="Order",
    programme="Programme",
    no_rule="no rule",
    from_day="From",
    to_day="To, included",
    every_year="every year",
    occurrences="Which in the month",
    occurrences_hint="of these weekdays: 1 to 5, −1 for the last, separated by spaces",
    holidays={
        HolidayKind.PUBLIC.name: "public holidays",
        HolidayKind.SCHOOL.name: "school holidays",
        HolidayKind.EVE_OF_PUBLIC.name: "eves of public holidays",
    },
    dates="Single dates",
    dates_hint="such as 2026-12-24, separated by spaces",
    save_calendar="Keep this calendar",
)
OPERATOR_WORDS: Final = {"fr": FRENCH, "en": ENGLISH}
