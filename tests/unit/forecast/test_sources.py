"""What a lighting plan draws, put on the slots of a forecast."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import numpy as np
import pytest

from forecast.adapters.sources import Sources
from forecast.domain.columns import Floats, Int64s
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from vocabulary.civil import Granularity, slots
from vocabulary.interval import Interval
from vocabulary.names import PointId

PARIS = ZoneInfo("Europe/Paris")
TOWN = Territory(display_name="Town")
AROUND_THE_CHANGE = Interval(start=datetime(2026, 3, 26, 23, tzinfo=UTC), end=datetime(2026, 3, 30, 22, tzinfo=UTC))


def starts_of(granularity: Granularity) -> Int64s:
    return np.array([int(slot.start.timestamp()) for slot in slots(AROUND_THE_CHANGE, granularity, PARIS)], np.int64)


async def planned(granularity: Granularity, *, away: bool = False) -> dict[int, Floats]:
    async def metered_cabinets() -> dict[PointId, str]:
        if away:
            raise RemoteFailure("away", code=grpc.StatusCode.UNAVAILABLE)
        return {PointId("lamps"): "cabinets/c"}

    async def planned_power_w(resource: str, during: Interval, step_s: int) -> tuple[float, ...]:
        assert (resource, step_s) == ("cabinets/c", 3_600)
        return (100.0,) * (during.duration // timedelta(seconds=step_s))

    lighting: Any = SimpleNamespace(metered_cabinets=metered_cabinets, planned_power_w=planned_power_w)
    clients: Any = SimpleNamespace(lighting=lighting)
    sources: Any = Sources(lambda _: clients, lambda _: clients, 2.0)
    return await sources._planned(TOWN, ["meters/home", "meters/lamps"], starts_of(granularity), granularity)


async def test_a_plan_is_cut_into_hours_and_into_days_of_23_and_24() -> None:
    hours, days = await planned(Granularity.HOUR), await planned(Granularity.DAY)
    assert (list(hours), list(days)) == ([1], [1])
    assert set(hours[1].tolist()) == {360_000.0}
    assert (days[1] / 360_000).tolist() == [24, 24, 23, 24]


@pytest.mark.parametrize("granularity", [Granularity.GAS_DAY, Granularity.MONTH])
async def test_other_slots_have_no_plan(granularity: Granularity) -> None:
    assert await planned(granularity) == {}


async def test_without_lighting_points_are_forecast_as_all_others() -> None:
    assert await planned(Granularity.HOUR, away=True) == {}
