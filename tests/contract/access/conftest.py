"""The access service over both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from access_world import World, access_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    async with access_world(database_url, tmp_path, clock) as world:
        yield world
