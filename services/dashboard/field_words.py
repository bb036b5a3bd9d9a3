"""What the page says of cabinets, their orders and what is seen of lamps, in French and English."""

from dataclasses import dataclass

from multiflux_client.lighting_records import DeliveryState, FaultKind


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldWords:
    """Texts of the field."""

    heading: str
    nothing: str
    all_follow: str
    some_follow: str
    waiting: str
    silent: str
    refused: str
    on_the_way: str
    caption: str
    table: str
    cabinet: str
    state: str
    since: str
    heard: str
    never: str
    states: dict[str, str]
    faults: str
    no_faults: str
    faults_caption: str
    what: str
    where: str
    figures: str
    lamp: str
    circuit: str
    whole: str
    watts: str
    lamps: str
    kinds: dict[str, str]
    energy: str


FRENCH = FieldWords(
    heading="Armoires",
    nothing="Aucune armoire n’a de passerelle : toutes suivent leur horloge, et personne ne leur dit rien.",
    all_follow="Armoires qui suivent le plan publié : toutes ({cabinets}).",
    some_follow="Armoires qui suivent le plan publié : {confirmed} sur {cabinets}.",
    waiting="Sans tension de jour : {count}. La confirmation attend le crépuscule, ce n’est pas un défaut.",
    silent="Sous tension et sans réponse : {count}.",
    refused="Ordre refusé : {count}.",
    on_the_way="En cours de transmission : {count}.",
    caption="Ordre en vigueur et état rapporté, par armoire",
    table="Les armoires en tableau",
    cabinet="Armoire",
    state="État de l’ordre",
    since="Depuis",
    heard="Dernier message",
    never="jamais",
    states={
        DeliveryState.WAITING.name: "attend la liaison",
        DeliveryState.SENT.name: "envoyé, sans réponse encore",
        DeliveryState.DELIVERED.name: "reçu par la passerelle",
        DeliveryState.CONFIRMED.name: "suivi",
        DeliveryState.REFUSED.name: "refusé",
        DeliveryState.WAITING_FOR_POWER.name: "hors tension jusqu’au crépuscule",
        DeliveryState.SILENT.name: "ne répond pas",
    },
    faults="Défauts en cours : {count}",
    no_faults="Aucun défaut en cours.",
    faults_caption="Les plus anciens d’abord. Un défaut d’armoire ou de circuit est dit une fois, non pour chaque lampe.",
    what="Défaut",
    where="Où",
    figures="Mesuré",
    lamp="point lumineux {name}",
    circuit="circuit {number}",
    whole="toute l’armoire",
    watts="{seen} W au lieu de {expected} W",
    lamps="{lamps} lampes sur {of_lamps}",
    kinds={
        FaultKind.LAMP_FAILURE.name: "lampe éteinte qui devrait éclairer",
        FaultKind.DIMMING_FAILURE.name: "ne gradue pas",
        FaultKind.UNEXPECTED_ON.name: "allumée alors qu’elle devrait être éteinte",
        FaultKind.POWER_HIGH.name: "puissance trop forte",
        FaultKind.POWER_LOW.name: "puissance trop faible",
        FaultKind.CYCLING.name: "s’éteint et se rallume sans cesse",
        FaultKind.COMMUNICATION.name: "ne répond pas",
        FaultKind.SUPPLY.name: "pas de tension",
        FaultKind.CIRCUIT.name: "circuit coupé",
        FaultKind.CONTACTOR.name: "contacteur collé : les lampes brûlent",
        FaultKind.ORDER_LOST.name: "a perdu son ordre et suit son horloge",
        FaultKind.DOOR.name: "porte ouverte",
        FaultKind.BLACKOUT.name: "presque toutes les lampes éteintes",
    },
    energy="Énergie prévue et mesurée",
)
ENGLISH = FieldWords(
    heading="Cabinets",
    nothing="No cabinet has a gateway: all follow their clocks, and nobody tells them anything.",
    all_follow="Cabinets that follow the published plan: all ({cabinets}).",
    some_follow="Cabinets that follow the published plan: {confirmed} of {cabinets}.",
    waiting="Without power by day: {count}. They confirm at dusk, which is no fault.",
    silent="With power and without answer: {count}.",
    refused="Order refused: {count}.",
    on_the_way="Being told: {count}.",
    caption="The order in force and what was reported, by cabinet",
    table="The cabinets as a table",
    cabinet="Cabinet",
    state="State of the order",
    since="Since",
    heard="Last heard",
    never="never",
    states={
        DeliveryState.WAITING.name: "waits for the link",
        DeliveryState.SENT.name: "sent, not answered yet",
        DeliveryState.DELIVERED.name: "stored by the gateway",
        DeliveryState.CONFIRMED.name: "followed",
        DeliveryState.REFUSED.name: "refused",
        DeliveryState.WAITING_FOR_POWER.name: "without power until dusk",
        DeliveryState.SILENT.name: "does not answer",
    },
    faults="Open faults: {count}",
    no_faults="No open fault.",
    faults_caption="The oldest first. A fault of a cabinet or circuit is told once, not for each lamp.",
    what="Fault",
    where="Where",
    figures="Measured",
    lamp="luminaire {name}",
    circuit="circuit {number}",
    whole="the whole cabinet",
    watts="{seen} W instead of {expected} W",
    lamps="{lamps} of {of_lamps} lamps",
    kinds={
        FaultKind.LAMP_FAILURE.name: "dark and should be lit",
        FaultKind.DIMMING_FAILURE.name: "does not dim",
        FaultKind.UNEXPECTED_ON.name: "lit and should be dark",
        FaultKind.POWER_HIGH.name: "draws too much",
        FaultKind.POWER_LOW.name: "draws too little",
        FaultKind.CYCLING.name: "goes out and comes back again and again",
        FaultKind.COMMUNICATION.name: "does not answer",
        FaultKind.SUPPLY.name: "no voltage",
        FaultKind.CIRCUIT.name: "circuit dead",
        FaultKind.CONTACTOR.name: "contactor stuck: lamps burn",
        FaultKind.ORDER_LOST.name: "lost its order and follows its clock",
        FaultKind.DOOR.name: "door open",
        FaultKind.BLACKOUT.name: "nearly all lamps dark",
    },
    energy="Planned and metered energy",
)
WORDS = {"fr": FRENCH, "en": ENGLISH}
