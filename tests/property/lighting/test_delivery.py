"""Whatever is lost, repeated, late or killed on the way: a cabinet ends up with the latest order, and applies no version twice."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lighting.domain.delivery import Delivery, DeliveryState, Patience, answered, attempted, ordered, reported, state_of
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.orders import Course, Order, Stretch
from lighting.domain.reports import Answer, Outcome, Report
from vocabulary.names import TerritoryId

NIGHT = date(2026, 1, 15)
START = datetime(2026, 1, 15, 11, tzinfo=UTC)
GATEWAY = Gateway(protocol=GatewayProtocol.MQTT, address="g")
CABINET, TOWN = CabinetId("c"), TerritoryId("town")
PATIENCE = Patience()


def order(level: int) -> Order:
    stretch = Stretch(start=START, start_level=level, level=level)
    course = Course(luminaires=(LuminaireId("l"),), stretches=(stretch,))
    end = START + timedelta(days=14)
    return Order(cabinet=CABINET, gateway=GATEWAY, start=START, end=end, courses=(course,), holds=())


@dataclass
class Gate:
    """What a gateway is, as far as versions go."""

    version: int = 0
    level: int | None = None
    applied: list[int] = field(default_factory=list[int])

    def take(self, version: int, level: int) -> None:
        if version > self.version:
            self.version, self.level = version, level
            self.applied.append(version)


class Deliveries(RuleBasedStateMachine):
    """One cabinet, its service and the way between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.delivery: Delivery | None = None
        self.saved: Delivery | None = None
        self.level = 100
        self.revision = 0
        self.gate = Gate()
        self.out: list[tuple[int, int]] = []
        self.back: list[Answer | Report] = []

    @rule(level=st.integers(0, 3))
    def change(self, level: int) -> None:
        self.level, self.revision = level, self.revision + 1
        self.delivery = ordered(self.delivery, order(level), NIGHT, self.revision, self.now)

    @rule(seconds=st.integers(0, 400))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.delivery is not None)
    @rule(link=st.booleans(), killed=st.booleans())
    def send(self, link: bool, killed: bool) -> None:  # noqa: FBT001
        delivery = self.delivery
        assert delivery is not None
        if delivery.next_attempt is None or delivery.next_attempt > self.now:
            return
        if link:
            self.out.append((delivery.version, self.level))
        if not killed:
            self.delivery = attempted(delivery, sent=self.now if link else None, now=self.now, patience=PATIENCE, dusk=None)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), lost=st.booleans(), again=st.booleans())
    def arrive(self, data: st.DataObject, lost: bool, again: bool) -> None:  # noqa: FBT001
        number = data.draw(st.integers(0, len(self.out) - 1))
        version, level = self.out[number] if again else self.out.pop(number)
        if not lost:
            self.gate.take(version, level)
            self.back.append(
                Answer(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, version=version, outcome=Outcome.FOLLOWED, at=self.now)
            )

    @rule()
    def report(self) -> None:
        self.back.append(Report(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, version=self.gate.version, at=self.now))

    @precondition(lambda self: self.back and self.delivery is not None)
    @rule(lost=st.booleans(), again=st.booleans())
    def hear(self, lost: bool, again: bool) -> None:  # noqa: FBT001
        # One link keeps the order of messages; it may repeat the first one, or lose it.
        said = self.back[0] if again else self.back.pop(0)
        if not lost:
            self._take(said)

    @rule()
    def replace_controller(self) -> None:
        self.gate = Gate()
        self.out.clear()

    @precondition(lambda self: self.delivery is not None)
    @rule()
    def back_up(self) -> None:
        self.saved = self.delivery

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restore(self) -> None:
        self.now += timedelta(seconds=1)
        self.delivery = self.saved
        assert self.delivery is not None
        self.delivery = ordered(self.delivery, order(self.level), NIGHT, self.revision, self.now)

    def _followed(self, version: int) -> Answer:
        return Answer(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, version=version, outcome=Outcome.FOLLOWED, at=self.now)

    def _take(self, said: Answer | Report) -> None:
        assert self.delivery is not None
        self.delivery = answered(self.delivery, said) if isinstance(said, Answer) else reported(self.delivery, said)

    @invariant()
    def no_version_is_applied_twice(self) -> None:
        assert self.gate.applied == sorted(set(self.gate.applied))

    def teardown(self) -> None:
        """Let everything through: the cabinet follows the latest order, and the service knows it."""
        if self.delivery is None:
            return
        self.out.clear()
        self.back.clear()
        for _ in range(6):
            self.now += timedelta(hours=1)
            if self.delivery.next_attempt is not None:
                self.gate.take(self.delivery.version, self.level)
                self.delivery = attempted(self.delivery, sent=self.now, now=self.now, patience=PATIENCE, dusk=None)
                self._take(self._followed(self.gate.version))
            self._take(Report(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, version=self.gate.version, at=self.now))
        assert self.gate.level == self.level
        assert state_of(self.delivery, powered=True, patience=PATIENCE) is DeliveryState.CONFIRMED
        assert self.delivery.confirmed_revision == self.revision


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
