"""Answers that are kept for a short while."""

from datetime import UTC, datetime, timedelta

import pytest

from comparison.adapters.kept import Kept

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_an_answer_is_kept_for_its_life_and_a_failure_never() -> None:
    asked = list[str]()

    async def ask() -> str:
        asked.append("asked")
        if len(asked) == 1:
            raise OSError("away")
        return f"answer {len(asked)}"

    kept = Kept[str](timedelta(minutes=5))
    with pytest.raises(OSError, match="away"):
        await kept.get("question", NOW, ask)
    for minutes, answer in ((0, "answer 2"), (4, "answer 2"), (5, "answer 3"), (9, "answer 3"), (1, "answer 4")):
        assert await kept.get("question", NOW + timedelta(minutes=minutes), ask) == answer
    assert await kept.get("another", NOW + timedelta(minutes=1), ask) == "answer 5"


async def test_only_the_latest_thousand_answers_are_kept() -> None:
    asked = list[int]()

    async def ask(number: int) -> int:
        asked.append(number)
        return number

    kept = Kept[int](timedelta(minutes=5))
    for number in range(1_001):
        await kept.get(number, NOW, lambda number=number: ask(number))
    await kept.get(1_000, NOW, lambda: ask(1_000))
    assert len(asked) == 1_001
    await kept.get(0, NOW, lambda: ask(0))
    assert len(asked) == 1_002
