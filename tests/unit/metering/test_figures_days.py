"""What a place used, added up from kept days: the same as from its readings, and forgotten when readings come."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.day_desk import DayDesk
from metering.domain.consumption.disclosure import Asker
from metering.domain.consumption.places import PointPlace
from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, answered
from metering.domain.figures.daily import DailyFigures
from metering.domain.figures.place_days import OF_DAYS, answered_from_days
from metering.domain.figures.point_use import ReadChannel
from metering.domain.figures.scene import Member, Scene
from metering.domain.registry.points import Channel, MeteringPoint
from metering.domain.registry.points import PointPlace as PlaceOfPoint
from metering.domain.series.batch import SeriesEvent
from metering.domain.series.columns import Int32, ReadingKind, SeriesName, Versions, columns_of, joined_versions
from vocabulary.civil import Granularity, local_midnight
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId

PARIS = ZoneInfo("Europe/Paris")
TOWN, HOUSE = TerritoryId("town"), PlaceId("house")
SERVICE = Asker(roles=frozenset({"service"}))
START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
JOINED = local_midnight(datetime(2026, 3, 29).date(), PARIS)  # noqa: DTZ001  # a civil day: the one of 23 hours


class Readings:
    """Hourly litres of any point, but for a hole, with a weekly rhythm; `factor` is what a correction changes."""

    def __init__(self) -> None:
        self.factor = 1
        self.asked = 0

    def of(self, point: PointId) -> ReadChannel:
        seconds = np.arange(int(START.timestamp()), int(END.timestamp()), 3_600)
        hole = (seconds > START.timestamp() + 20 * 86_400) & (seconds < START.timestamp() + 21 * 86_400)
        rows = [(0, at, 3_600, self.factor * (1_000 + at // 3_600 % 168 + len(point)), 2) for at in seconds[~hole].tolist()]
        columns = columns_of(rows)

        def read(_channel: str, kind: ReadingKind, during: Interval) -> Versions:
            self.asked += 1
            if kind is not ReadingKind.INTERVAL:
                return joined_versions(())
            inside = (columns.time >= during.start.timestamp()) & (columns.time < during.end.timestamp())
            return Versions(columns=columns.take(inside), sequence=np.ones(int(inside.sum()), np.int64))

        return read


def member(own_id: str, validity: Validity | None = None) -> Member:
    point = PointId(own_id)
    channel = Channel(channel_id="volume", quantity=Quantity.VOLUME, direction=Direction.IMPORT)
    measured = MeteringPoint(point_id=point, flux=Flux.WATER, places=(PlaceOfPoint(place=HOUSE),), channels=(channel,))
    return Member(point=measured, places=(PointPlace(point=point, place=HOUSE, validity=validity or Validity()),))


def scene(*members: Member) -> Scene:
    return Scene(
        territory=TOWN,
        zone=PARIS,
        simulated=False,
        resource="places/house",
        place=HOUSE,
        members=members,
        homes=frozenset(),
        coefficients=(),
    )


def question(by: Granularity) -> ConsumptionQuestion:
    return ConsumptionQuestion(
        territory=TOWN,
        resource="places/house",
        flux=Flux.WATER,
        quantity=None,
        direction=Direction.IMPORT,
        during=Interval(start=START + timedelta(days=3), end=END - timedelta(days=3)),
        granularity=by,
        profile_allowed=True,
    )


def figures(answer: ConsumptionAnswer | None) -> dict[str, list[float]]:
    assert answer is not None
    slots = answer.slots
    return {
        name: np.round(getattr(slots, name).astype(np.float64), 9).tolist()
        for name in ("start", "end", "value", "known", "coverage", "estimated", "quality")
    }


@pytest.mark.parametrize("by", [one for one in Granularity if one in OF_DAYS])
def test_days_and_readings_give_the_same_answer(by: Granularity) -> None:
    joined = JOINED + timedelta(hours=5) if by is Granularity.GAS_DAY else JOINED
    readings, place = Readings(), scene(member("a"), member("bb", Validity(start=joined)))
    from_days = answered_from_days(question(by), place, HOUSE, DailyFigures(), readings.of)
    from_readings = answered(question(by), place, SERVICE, readings.of)
    assert figures(from_days) == figures(from_readings)
    assert from_days is not None
    assert {share.point: round(share.coverage, 6) for share in from_days.points}.keys() == {"a", "bb"}


def test_a_point_that_joins_within_a_day_is_left_to_the_readings() -> None:
    place = scene(member("a", Validity(start=JOINED + timedelta(hours=5))))
    assert answered_from_days(question(Granularity.DAY), place, HOUSE, DailyFigures(), Readings().of) is None


class Store:
    """A store that says what changed."""

    def __init__(self) -> None:
        self.told: list[SeriesEvent] = []

    def sequence(self) -> int:
        return len(self.told)

    def events(self, *, after: int, limit: int = 100) -> list[SeriesEvent]:
        return self.told[after : after + limit]

    def store_id(self) -> str:
        return "0" * 32

    def numbers(self, names: list[SeriesName]) -> Int32:
        return np.zeros(len(names), np.int32)

    def find(self, names: list[SeriesName]) -> Int32:
        return self.numbers(names)

    def names(self, numbers: Int32) -> list[SeriesName]:
        return [SeriesName(territory=TOWN, meter=PointId("a"), channel="volume", kind=ReadingKind.INTERVAL) for _ in numbers]


def test_days_are_computed_once_and_again_after_readings_that_bear_on_them() -> None:
    readings, store, place = Readings(), Store(), scene(member("a"))
    desk = DayDesk(store)  # pyright: ignore[reportArgumentType]  # lists where sequences are asked
    asked = question(Granularity.MONTH)
    first = figures(desk.answer(asked, place, readings.of, cut=False))
    before = readings.asked
    assert figures(desk.answer(asked, place, readings.of, cut=False)) == first
    assert readings.asked == before
    readings.factor = 2
    corrected = int((START + timedelta(days=10)).timestamp())
    event = SeriesEvent(
        sequence=1, forgotten=False, corrected=True, start=corrected, end=corrected + 1, series=np.zeros(1, np.int32), occurred=0
    )
    store.told.append(event)
    again = figures(desk.answer(asked, place, readings.of, cut=False))
    assert again["value"][0] > first["value"][0]
    assert again["value"][-1] == first["value"][-1], "April lies beyond the margin of a correction in February"
