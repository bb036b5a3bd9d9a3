"""Answers of other services that hardly ever change, kept for a short while."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

V = TypeVar("V")

_MOST = 1_000


class Kept(Generic[V]):
    """Keeps what was answered to a question for `life`, the latest thousand questions at most."""

    def __init__(self, life: timedelta) -> None:
        """Keep nothing yet."""
        self._life = life
        self._answers: OrderedDict[Hashable, tuple[datetime, V]] = OrderedDict()

    async def get(self, question: Hashable, now: datetime, ask: Callable[[], Awaitable[V]]) -> V:
        """Return the answer, from what is kept or by asking; what asking raises is not kept."""
        found = self._answers.get(question)
        if found is not None and found[0] <= now < found[0] + self._life:
            return found[1]
        answer = await ask()
        self._answers[question] = now, answer
        if len(self._answers) > _MOST:
            self._answers.popitem(last=False)
        return answer
