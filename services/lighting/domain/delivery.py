"""How orders reach cabinets: sent until they are answered, replaced by newer ones, never applied twice.

What is wanted and what is reported are kept apart. A cabinet has one order, its latest; its version rises with each change, and whoever
follows a version takes only newer ones. So an order may be sent as often as needed, by a service that was killed as by one that was not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from zoneinfo import ZoneInfo

from lighting.domain.inventory import Cabinet
from lighting.domain.levels import CabinetId
from lighting.domain.nights import night_of, nights_at
from lighting.domain.orders import NIGHTS_AHEAD, RENEWED_AFTER, Order
from lighting.domain.reports import Answer, Outcome, Report


class DeliveryState(Enum):
    """How far a cabinet's latest order has come."""

    WAITING = 1
    """It is sent as soon as a link is there."""
    SENT = 2
    """The gateway has not answered yet."""
    DELIVERED = 3
    """The gateway stored it."""
    CONFIRMED = 4
    """The cabinet follows it."""
    REFUSED = 5
    """The gateway says that it cannot be followed."""
    WAITING_FOR_POWER = 6
    """The cabinet has no power by day, and hears it at dusk: no fault."""
    SILENT = 7
    """It had power, was asked often, and says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How orders are repeated."""

    first: timedelta = timedelta(seconds=5)
    """Until the second time; doubles with each."""
    longest: timedelta = timedelta(minutes=5)
    silent_after: int = 5
    """Times after which a gateway that has power and does not answer counts as silent."""

    def after(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts."""
        return min(self.first * 2 ** min(attempts - 1, 30), self.longest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The latest order of a cabinet and how far it has come; instants in UTC, None: not yet."""

    cabinet: CabinetId
    version: int
    revision: int
    """Of the territory's lighting: everything that was changed up to it is in the order."""
    digest: str
    first_night: date
    made: datetime
    attempts: int = 0
    next_attempt: datetime | None = None
    """None: nothing is to be sent."""
    sent: datetime | None = None
    received: datetime | None = None
    followed: datetime | None = None
    refused: str = ""
    confirmed_version: int = 0
    confirmed_revision: int = 0
    confirmed_through: date | None = None
    """The last night of the order that was confirmed last."""
    heard: datetime | None = None
    """When the gateway said anything last."""

    @property
    def last_night(self) -> date:
        """The last night of the order."""
        return self.first_night + timedelta(days=NIGHTS_AHEAD - 1)

    def has(self, revision: int, night: date) -> bool:
        """Tell whether the gateway has what was changed at a revision for a night: as stored, or as followed before."""
        stored = self.received is not None and self.revision >= revision and self.last_night >= night
        return stored or self.follows(revision, night)

    def follows(self, revision: int, night: date) -> bool:
        """Tell whether the cabinet confirmed what was changed at a revision for a night."""
        return self.confirmed_revision >= revision and self.confirmed_through is not None and self.confirmed_through >= night


def digest_of(order: Order) -> str:
    """Return what tells one order from another."""
    return sha256(repr(order).encode()).hexdigest()


def first_night(before: Delivery | None, tonight: date) -> date:
    """Return the first night of a cabinet's next order: the same for a week, so that time alone changes no order."""
    if before is None or not 0 <= (tonight - before.first_night).days < RENEWED_AFTER:
        return tonight
    return before.first_night


def ordered(before: Delivery | None, order: Order, night: date, revision: int, now: datetime) -> Delivery:
    """Return the delivery of an order that was compiled anew at a revision: the same order goes on, another one begins."""
    digest = digest_of(order)
    if before is not None and before.digest == digest:
        confirmed = revision if before.followed is not None else before.confirmed_revision
        return replace(before, revision=revision, confirmed_revision=confirmed)
    new = Delivery(
        cabinet=order.cabinet, version=_version(0, now), revision=revision, digest=digest, first_night=night, made=now, next_attempt=now
    )
    if before is None:
        return new
    return replace(
        new,
        version=_version(before.version, now),
        confirmed_version=before.confirmed_version,
        confirmed_revision=before.confirmed_revision,
        confirmed_through=before.confirmed_through,
        heard=before.heard,
    )


def _version(before: int, now: datetime) -> int:
    """Return a version after another, and after every one given before now: also by an installation that was restored since."""
    return max(before + 1, int(now.timestamp() * 1_000))


def attempted(delivery: Delivery, *, sent: datetime | None, now: datetime, patience: Patience, dusk: datetime | None) -> Delivery:
    """Return the delivery after it was sent, or could not be (None); `dusk` is when a cabinet has power again (None: it has it)."""
    if delivery.followed is not None or delivery.refused:
        # The answer came first.
        return replace(delivery, sent=delivery.sent or sent)
    attempts = delivery.attempts + 1
    # A link that is away says nothing about the cabinet; one that has power is asked again soon, one that has none at dusk.
    wait = patience.after(attempts)
    again = max(now + wait, dusk) if sent is not None and dusk is not None else now + wait
    return replace(delivery, attempts=attempts, next_attempt=again, sent=delivery.sent or sent)


def answered(delivery: Delivery, answer: Answer) -> Delivery:
    """Return the delivery after a gateway's answer; one to a former order says no more than that the gateway lives."""
    heard = replace(delivery, heard=answer.at)
    if answer.version > delivery.version:
        return _begun_again(heard, _version(answer.version, answer.at), answer.at)
    if answer.version < delivery.version or delivery.followed is not None:
        return heard
    match answer.outcome:
        case Outcome.REFUSED:
            return replace(heard, refused=answer.reason or "no reason given", next_attempt=None)
        case Outcome.RECEIVED:
            return replace(heard, received=heard.received or answer.at)
        case Outcome.FOLLOWED:
            return _confirmed(heard, answer.at)


def reported(delivery: Delivery, report: Report) -> Delivery:
    """Return the delivery after a report: it tells which order is followed, also when an answer was lost or a gateway replaced."""
    heard = replace(delivery, heard=report.at)
    if report.version > delivery.version:
        return _begun_again(heard, _version(report.version, report.at), report.at)
    if report.version == delivery.version and delivery.followed is None and not delivery.refused:
        return _confirmed(heard, report.at)
    if report.version < delivery.version and delivery.followed is not None:
        # It followed the order and does not any more: it was replaced, or lost its memory.
        return _begun_again(heard, delivery.version, report.at)
    return heard


def _begun_again(delivery: Delivery, version: int, now: datetime) -> Delivery:
    """Return the delivery sent anew; under a higher version where the gateway follows one that this installation lost."""
    return replace(delivery, version=version, attempts=0, next_attempt=now, sent=None, received=None, followed=None, refused="")


def _confirmed(delivery: Delivery, at: datetime) -> Delivery:
    return replace(
        delivery,
        received=delivery.received or at,
        followed=at,
        next_attempt=None,
        confirmed_version=delivery.version,
        confirmed_revision=delivery.revision,
        confirmed_through=delivery.last_night,
    )


def state_of(delivery: Delivery, *, powered: bool, patience: Patience) -> DeliveryState:
    """Return how far a delivery has come, for a cabinet that has power now or has not."""
    if delivery.followed is not None:
        return DeliveryState.CONFIRMED
    if delivery.refused:
        return DeliveryState.REFUSED
    if not powered:
        return DeliveryState.WAITING_FOR_POWER
    if delivery.received is not None:
        return DeliveryState.DELIVERED
    if delivery.sent is None:
        return DeliveryState.WAITING
    return DeliveryState.SILENT if delivery.attempts >= patience.silent_after else DeliveryState.SENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How many of the cabinets that a change concerns have come how far."""

    cabinets: int
    """Those that have a gateway."""
    delivered: int
    """Those that have it, confirmed ones included."""
    confirmed: int
    refused: int
    waiting_for_power: int
    silent: int


def reach(deliveries: Iterable[tuple[Delivery | None, DeliveryState]], revision: int, night: date) -> Reach:
    """Return how far a change of a revision, for a night, has come at cabinets."""
    known = list(deliveries)
    open_states = [
        state
        for delivery, state in known
        if delivery is not None and delivery.revision >= revision and not delivery.follows(revision, night)
    ]
    return Reach(
        cabinets=len(known),
        delivered=sum(delivery is not None and delivery.has(revision, night) for delivery, _ in known),
        confirmed=sum(delivery is not None and delivery.follows(revision, night) for delivery, _ in known),
        refused=open_states.count(DeliveryState.REFUSED),
        waiting_for_power=open_states.count(DeliveryState.WAITING_FOR_POWER),
        silent=open_states.count(DeliveryState.SILENT),
    )


def next_power(cabinet: Cabinet, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a cabinet has power again that has none now; None: it has it, by its own clock or always."""
    if cabinet.powered_by_day:
        return None
    tonight = night_of(now, zone)
    night = nights_at([cabinet.clock], [tonight], zone)
    at, sunset, sunrise = now.timestamp(), float(night.sunset[0]), float(night.sunrise[0])
    if sunset <= at < sunrise:
        return None
    if at < sunset:
        return datetime.fromtimestamp(sunset, UTC)
    following = nights_at([cabinet.clock], [tonight + timedelta(days=1)], zone)
    return datetime.fromtimestamp(float(following.sunset[0]), UTC)
