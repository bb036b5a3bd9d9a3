"""A browser before made-up services."""

from collections.abc import AsyncIterator

import httpx
import pytest
from dashboard_world import Services

from dashboard.app import build
from dashboard.gateway import Gateway
from dashboard.settings import DashboardSettings


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
async def browser(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(Gateway, "open", lambda _: services)
    site = httpx.ASGITransport(app=build(DashboardSettings.model_validate({})))
    async with httpx.AsyncClient(transport=site, base_url="http://town.example") as client:
        yield client
