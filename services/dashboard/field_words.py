"""What the page says of cabinets, their orders and what is seen of lamps, in French and English."""

from dataclasses import dataclass

from multiflux_client.lighting_records import DeliveryState


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
)
WORDS = {"fr": FRENCH, "en": ENGLISH}
