"""What a page says of a night of street lighting."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.night import night_of, night_page, noon_to_noon
from dashboard.words import ENGLISH, FRENCH
from multiflux_client.lighting_records import (
    Burning,
    Cabinet,
    Clamp,
    Command,
    Delivery,
    DeliveryState,
    EnergyVerdict,
    Fault,
    FaultKind,
    Group,
    LuminairePlan,
    NightEnergy,
    Rank,
    Segment,
    Source,
)
from multiflux_client.places import Territory
from vocabulary.interval import Interval

PARIS = ZoneInfo("Europe/Paris")


def segment(start: datetime, end: datetime, level: float, clamp: Clamp | None = None) -> Segment:
    return Segment(
        start_time=start, end_time=end, start_level_percent=level, level_percent=level, source=Source(rank=Rank.CALENDAR), clamp=clamp
    )


@dataclass
class Town:
    """The registry and the lighting of a town with three luminaires, one of them at a crossing."""

    async def territory(self) -> Territory:
        return Territory(display_name="Town", time_zone="Europe/Paris", simulated=True)

    async def groups(self) -> AsyncIterator[Group]:
        yield Group(name="groups/a", display_name="Rue A", luminaires=tuple(f"luminaires/{n}" for n in range(3)))
        yield Group(name="groups/b", display_name="Empty")

    async def commands(self) -> AsyncIterator[Command]:
        for _ in ():
            yield _

    async def cabinets(self) -> AsyncIterator[Cabinet]:
        for number in (1, 2, 3):
            yield Cabinet(name=f"cabinets/c{number}", display_name=f"Armoire {number}", metering_point="meters/m" if number == 1 else "")

    async def night_energy(self, cabinet: str, first: date, last: date) -> tuple[NightEnergy, ...]:
        assert (cabinet, first) == ("cabinets/c1", last)
        by_day = Burning(lamps=3, hours=5.0)
        night = NightEnergy(night_date=first.isoformat(), verdict=EnergyVerdict.ABOVE, coverage_percent=100, by_day=by_day)
        return (replace(night, planned_joules=3.6e7, metered_joules=4.1e7, difference_percent=14.0),)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        made = datetime(2026, 1, 15, 9, tzinfo=UTC)
        yield Delivery(cabinet="cabinets/c1", version=2, state=DeliveryState.CONFIRMED, make_time=made, confirm_time=made)
        yield Delivery(cabinet="cabinets/c2", version=1, state=DeliveryState.WAITING_FOR_POWER, make_time=made)
        yield Delivery(cabinet="cabinets/c3", version=1, state=DeliveryState.REFUSED, make_time=made, refusal="no lamp l9 hangs here")

    async def faults(self) -> AsyncIterator[Fault]:
        start = datetime(2026, 1, 14, 22, tzinfo=UTC)
        lamp: dict[str, Any] = {"luminaire": "luminaires/l1", "expected_w": 38.4, "seen_w": 0.2, "lamps": 1, "of_lamps": 1}
        yield Fault(kind=FaultKind.LAMP_FAILURE, cabinet="cabinets/c1", start_time=start, see_time=start, **lamp)
        yield Fault(kind=FaultKind.CIRCUIT, cabinet="cabinets/c2", circuit=2, start_time=start, see_time=start, lamps=14, of_lamps=15)

    async def plans(self, luminaires: list[str], during: Interval) -> tuple[LuminairePlan, ...]:
        six, nine = during.start + timedelta(hours=6), during.start + timedelta(hours=9)
        dark, lit = segment(during.start, six, 0), segment(six, nine, 100)
        low, crossing = segment(nine, during.end, 50), segment(nine, during.end, 100, Clamp.NEVER_DIMMED)
        return tuple(LuminairePlan(luminaire=name, segments=(dark, lit, crossing if name.endswith("2") else low)) for name in luminaires)


class _Gateway:
    def __init__(self) -> None:
        self.registry = self.lighting = Town()


async def test_luminaires_that_do_alike_share_a_strip_and_clamps_are_told() -> None:
    gateway: Any = _Gateway()
    page = await night_page(gateway, FRENCH, date(2026, 1, 15))
    (group,) = page.groups
    common, crossing = group.strips
    assert (group.heading, common.finding, crossing.finding) == (
        "Rue A",
        "Points lumineux : 2, allumés 18,0 h",
        "Points lumineux : 1, allumés 18,0 h",
    )
    assert [(step.start, step.level, step.clamped) for step in common.steps] == [
        ("12:00", "0\u202f%", False),
        ("18:00", "100\u202f%", False),
        ("21:00", "50\u202f%", False),
    ]
    assert (crossing.steps[-1].rule, crossing.steps[-1].clamped) == ("calendrier · jamais abaissé", True)
    assert page.simulated


async def test_both_languages_name_every_rule_and_clamp() -> None:
    for words in (FRENCH, ENGLISH):
        assert set(words.ranks) == {rank.name for rank in Rank}
        assert set(words.clamps) == {clamp.name for clamp in Clamp}


def test_nights_are_23_24_or_25_hours_and_begin_at_noon() -> None:
    lasting = [noon_to_noon(day, PARIS).duration for day in (date(2026, 3, 28), date(2026, 1, 15), date(2026, 10, 24))]
    assert lasting == [timedelta(hours=hours) for hours in (23, 24, 25)]
    assert night_of(datetime(2026, 1, 15, 10, 59, tzinfo=UTC), PARIS) == date(2026, 1, 14)
    assert night_of(datetime(2026, 1, 15, 11, tzinfo=UTC), PARIS) == date(2026, 1, 15)


async def test_cabinets_tell_which_follow_and_that_no_power_is_no_fault() -> None:
    gateway: Any = _Gateway()
    for words, told in (
        (FRENCH, "Armoires qui suivent le plan publié : 1 sur 3."),
        (ENGLISH, "Cabinets that follow the published plan: 1 of 3."),
    ):
        field = (await night_page(gateway, words, date(2026, 1, 15))).field
        assert field.sentences[0] == told
        assert field.sentences[1] == field.words.waiting.format(count=1)
        assert field.sentences[2] == field.words.refused.format(count=1)
        assert [(row.name, row.css, row.refusal) for row in field.rows] == [
            ("Armoire 1", "confirmed", ""),
            ("Armoire 2", "waiting-for-power", ""),
            ("Armoire 3", "refused", "no lamp l9 hangs here"),
        ]


async def test_faults_say_what_is_wrong_where_and_what_was_measured() -> None:
    gateway: Any = _Gateway()
    field = (await night_page(gateway, FRENCH, date(2026, 1, 15))).field
    assert [(row.what, row.cabinet, row.where, row.figures) for row in field.faults] == [
        ("lampe éteinte qui devrait éclairer", "Armoire 1", "point lumineux l1", "0 W au lieu de 38 W"),
        ("circuit coupé", "Armoire 2", "circuit 2", "14 lampes sur 15"),
    ]


async def test_a_nights_energy_is_told_in_words_with_what_it_stands_on() -> None:
    gateway: Any = _Gateway()
    (row,) = (await night_page(gateway, ENGLISH, date(2026, 1, 15))).field.energy
    assert (row.cabinet, row.sentence) == ("Armoire 1", "14% above plan, about 3 lamps burning by day")
    assert "Night of January 15, 2026, noon to noon" in row.basis
