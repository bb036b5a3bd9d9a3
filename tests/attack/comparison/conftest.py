"""A town of more than two thousand homes, which attackers ask over a real channel: they know its answers, and what their own homes used."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from comparison_service import NOW, Sources, World, served
from comparison_world import Town, building, equal_town

Serve = Callable[[Sources], AbstractAsyncContextManager[World]]


def _serving(tmp_path: Path, clock: Any, burst: int) -> Serve:
    clock.advance(NOW - clock.now())

    def serving(sources: Sources) -> AbstractAsyncContextManager[World]:
        return served(f"sqlite:///{tmp_path / str(uuid4())}.db", tmp_path, clock, sources, burst=burst)

    return serving


@pytest.fixture
def serve(tmp_path: Path, clock: Any) -> Serve:
    """Return what serves a town, to attackers who may ask as often as they like; a second town has a database of its own."""
    return _serving(tmp_path, clock, 1_000_000)


@pytest.fixture
def serve_limited(tmp_path: Path, clock: Any) -> Serve:
    """Return what serves a town to those who get twenty answers at once."""
    return _serving(tmp_path, clock, 20)


@pytest.fixture
def many_homes() -> Town:
    """Eighty buildings of 22 to 31 flats, each a group of its own, and small houses."""
    flats = {building(street, 1, neighbourhood=1 + street // 10): 22 + street % 10 for street in range(80)}
    houses = {building(street, number, neighbourhood=1 + street // 10): 1 for street in range(80) for number in (2, 3)}
    return Town({**flats, **houses}, spread=0.6)


@pytest.fixture
def equal_buildings() -> Town:
    """More than ten thousand homes in buildings of the same size."""
    return equal_town()
