"""Keeps the day figures of points in step with the store, and computed ahead of the first question."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion
from metering.domain.figures.daily import DailyFigures
from metering.domain.figures.place_days import OF_DAYS, answered_from_days
from metering.domain.figures.point_use import ReadChannel
from metering.domain.figures.scene import Scene
from metering.domain.series.failures import CursorExpired
from metering.domain.series.ports import SeriesNumbers, SeriesOutbox
from vocabulary.names import PointId, TerritoryId

_EVENTS = 1_000


class EventSource(SeriesNumbers, SeriesOutbox, Protocol):
    """What says which readings changed."""

    def sequence(self) -> int:
        """Return the receive sequence of the last durable batch."""
        ...


class DayDesk:
    """Answers questions about whole days of a place from kept figures of its points."""

    def __init__(self, store: EventSource) -> None:
        """Forget what the events of `store` bear on."""
        self._store = store
        self._kept = DailyFigures()
        self._seen = store.sequence()
        self._lock = threading.Lock()

    def answer(
        self, question: ConsumptionQuestion, scene: Scene, read_of: Callable[[PointId], ReadChannel], *, cut: bool
    ) -> ConsumptionAnswer | None:
        """Return the answer, None when days cannot give it: then it is to be computed from readings."""
        plain = not (question.known_sequence or question.register_set or question.tariff_slot or cut)
        if scene.place is None or not plain or not question.profile_allowed or question.granularity not in OF_DAYS:
            return None
        self._catch_up()
        return answered_from_days(question, scene, scene.place, self._kept, read_of)

    def _catch_up(self) -> None:
        """Forget all that has changed since the last time."""
        with self._lock:
            newest = self._store.sequence()
            if self._kept.empty:
                self._seen = newest
            try:
                while self._seen < newest and (events := self._store.events(after=self._seen, limit=_EVENTS)):
                    for event in events:
                        touched: dict[TerritoryId, set[PointId]] = defaultdict(set)
                        for name in self._store.names(event.series):
                            touched[name.territory].add(name.meter)
                        for territory, points in touched.items():
                            self._kept.forget(territory, points, event.start, event.end)
                    self._seen = events[-1].sequence
            except CursorExpired:
                self._kept.forget_all()
                self._seen = newest
