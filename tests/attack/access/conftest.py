"""The access service, attacked; over SQLite: the database makes no difference here."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from access_world import World, access_world


@pytest_asyncio.fixture
async def world(tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    async with access_world(f"sqlite:///{tmp_path}/access.sqlite", tmp_path, clock) as world:
        yield world
