"""The page on which a household gives and withdraws its consents, each purpose and meter by itself, none chosen beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.figures import moment
from dashboard.gateway import Gateway
from dashboard.panels import css_class
from dashboard.words import Words
from multiflux_client.people import Consent, ConsentId, Purpose
from multiflux_client.points import MeteringPoint
from vocabulary.civil import Granularity
from vocabulary.failure import invalid
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, PointId


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One use of one meter's readings: what it says, and since when it is consented to."""

    point: PointId
    purpose: str
    text: str
    given: str
    proof: str
    consent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterChoices:
    """The choices of one meter."""

    css: str
    heading: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentsPage:
    """Everything that the template shows."""

    meters: tuple[MeterChoices, ...]
    simulated: bool


async def consents_page(gateway: Gateway, words: Words, homes: Sequence[PlaceId], now: datetime) -> ConsentsPage:
    """Ask for the meters of a household's homes, and for what it consents to."""
    territory = await gateway.registry.territory()
    zone = ZoneInfo(territory.time_zone)
    points = [point for home in homes async for point in gateway.registry.metering_points(within=home)]
    given = {(one.metering_point, one.purpose): one async for one in gateway.access.consents(hold_at=now)} if points else {}
    return ConsentsPage(meters=tuple(_meter(words, zone, point, given) for point in points), simulated=territory.simulated)


async def give(gateway: Gateway, words: Words, point: str, purpose: str) -> None:
    """Give a consent, of which the text that was shown is the proof; InvalidRequest, RemoteFailure."""
    chosen = _purpose(purpose)
    found = await gateway.registry.metering_point(PointId(point))
    consent = Consent(metering_point=found.id, purpose=chosen, granularity=_finest(chosen, found.flux), proof_text=_text(words, chosen))
    await gateway.access.give_consent(consent)


async def withdraw(gateway: Gateway, consent: str) -> None:
    """Withdraw a consent; RemoteFailure."""
    await gateway.access.withdraw_consent(ConsentId(consent))


def _meter(words: Words, zone: ZoneInfo, point: MeteringPoint, given: dict[tuple[PointId, Purpose], Consent]) -> MeterChoices:
    choices = tuple(_choice(words, zone, point, purpose, given.get((point.id, purpose))) for purpose in Purpose)
    return MeterChoices(css=css_class(point.flux), heading=point.display_name or words.fluxes[point.flux], choices=choices)


def _choice(words: Words, zone: ZoneInfo, point: MeteringPoint, purpose: Purpose, consent: Consent | None) -> Choice:
    since = consent.give_time if consent else None
    return Choice(
        point=point.id,
        purpose=purpose.name,
        text=_text(words, purpose),
        given=moment(since, zone, words.language) if since else "",
        proof=consent.proof_text if consent else "",
        consent=consent.id if consent else "",
    )


def _text(words: Words, purpose: Purpose) -> str:
    return words.consent_text.format(purpose=words.purposes[purpose.name])


def _purpose(name: str) -> Purpose:
    try:
        return Purpose[name]
    except KeyError:
        raise invalid("purpose", f"{name!r} is not a purpose") from None


def _finest(purpose: Purpose, flux: Flux) -> Granularity:
    """Return how fine readings a purpose needs."""
    match purpose:
        case Purpose.DISPLAY_SUBDAILY:
            return Granularity.THIRTY_MINUTES if flux is Flux.ELECTRICITY else Granularity.HOUR
        case Purpose.PEER_COMPARISON:
            return Granularity.MONTH
        case _:
            return Granularity.DAY
