"""What a rehearsal finds odd, and what the law says."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from lighting.domain.calendars import Calendar
from lighting.domain.commands import Scope
from lighting.domain.conflicts import ConflictKind
from lighting.domain.estate import Content, Estate, SwitchOff
from lighting.domain.failures import Unfit
from lighting.domain.inventory import ActivityHours, Cabinet, Clock, LampType, LightHead, Limits, Luminaire, SelfDimming
from lighting.domain.legal import NATIONAL, Derogation, Latest, LegalRule, Verdict, checked
from lighting.domain.levels import CabinetId, CalendarId, Control, GroupId, LuminaireId, ProgrammeId
from lighting.domain.programmes import ActivePeriod, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.rates import Rate, Rates, Tariff
from lighting.domain.rehearsal import rehearsed
from lighting.domain.resolve import resolved
from vocabulary.names import PlaceId

CABINET, DAY = CabinetId("c"), date(2026, 1, 15)
ASTRO = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)
LAMP = LampType.of_led(power_w=40, standby_power_w=0.5, minimum_level=10)
HEAD = LightHead(
    upward_light_ratio_percent=0.5,
    cie_flux_code_3_percent=97,
    colour_temperature_kelvin=2_700,
    luminous_flux_lumens=4_000,
    installation_date=date(2020, 1, 1),
)


def luminaire(number: int, **fields: object) -> Luminaire:
    made = Luminaire(
        id=LuminaireId(f"l{number}"), number=f"{number:02}", cabinet=CABINET, street=PlaceId("s"), latitude_degrees=48.9,
        longitude_degrees=2.3, lamp=LAMP, control=Control.INDIVIDUAL, category="a", light_head=HEAD,
    )  # fmt: skip
    return replace(made, **fields)


def content(*luminaires: str, off_at: int | None = None, period: ActivePeriod = ASTRO, level: int = 0) -> Content:
    points = () if off_at is None else (SwitchPoint(reference=Reference.FIXED, minute=off_at, level=level),)
    programme = Programme(id=ProgrammeId("p"), display_name="p", periods=(period,), switch_points=points)
    calendar = Calendar(id=CalendarId("k"), display_name="k", default_programme=programme.id)
    return Content(luminaires=tuple(LuminaireId(one) for one in luminaires), calendar=calendar, programmes=(programme,))


def estate(*luminaires: Luminaire, **drafts: Content) -> Estate:
    clock = Clock(latitude_degrees=48.9, longitude_degrees=2.3)
    return Estate(
        zone=ZoneInfo("Europe/Paris"),
        cabinets={CABINET: Cabinet(id=CABINET, display_name="c", clock=clock, tariff="t")},
        luminaires={one.id: one for one in luminaires},
        drafts={GroupId(name): draft for name, draft in drafts.items()},
    )


def found(town: Estate) -> dict[ConflictKind, tuple[str, ...]]:
    return {one.kind: one.luminaires for one in rehearsed(town, list(town.luminaires), DAY, DAY, Rates()).conflicts}


def test_unassigned_luminaires_are_told_apart_from_those_that_are_dark_by_decision() -> None:
    dark = Content(luminaires=(LuminaireId("l1"),), switch_off=SwitchOff(decision="2026-3", decided=date(2026, 1, 2)))
    told = found(estate(luminaire(1), luminaire(2), dark=dark))
    assert (told[ConflictKind.SWITCHED_OFF], told[ConflictKind.UNASSIGNED]) == (("l1",), ("l2",))


def test_a_switch_off_needs_its_decision() -> None:
    with pytest.raises(Unfit):
        SwitchOff(decision=" ", decided=DAY)


def test_every_other_lamp_dark_is_told_and_all_dark_is_not() -> None:
    lamps = [luminaire(number) for number in range(1, 9)]
    half = estate(*lamps, on=content("l1", "l3", "l5", "l7"), off=content("l2", "l4", "l6", "l8", off_at=1_260))
    assert ConflictKind.ALTERNATE_LAMPS in found(half)
    assert ConflictKind.ALTERNATE_LAMPS not in found(estate(*lamps, off=content(*(one.id for one in lamps), off_at=1_260)))


def test_light_by_day_is_told() -> None:
    noon = ActivePeriod(kind=PeriodKind.ABSOLUTE, start_minute=780, end_minute=400)
    assert found(estate(luminaire(1), g=content("l1", period=noon)))[ConflictKind.BURNING_BY_DAY] == ("l1",)


def test_a_clamp_that_changes_the_plan_is_told() -> None:
    crossing = luminaire(1, limits=Limits(never_off=True))
    assert found(estate(crossing, g=content("l1", off_at=1_380)))[ConflictKind.CLAMPED] == ("l1",)


def test_luminaires_of_one_contactor_that_are_asked_different_things_are_told() -> None:
    lamps = [luminaire(number, control=Control.CIRCUIT) for number in (1, 2)]
    told = found(estate(*lamps, on=content("l1"), off=content("l2", off_at=1_260)))
    assert told[ConflictKind.CIRCUIT_DISAGREES] == ("l1", "l2")


def test_a_missing_price_is_named_and_not_taken_for_zero() -> None:
    town = estate(luminaire(1), g=content("l1"))
    assert rehearsed(town, [LuminaireId("l1")], DAY, DAY, Rates()).draft.cost_micros is None
    later = Rates(tariffs=(Tariff(name="t", rates=(Rate(first=date(2026, 1, 16), per_kwh=1.0),)),))
    figures = rehearsed(town, [LuminaireId("l1")], DAY, date(2026, 1, 16), later).draft
    assert (figures.cost_micros, figures.missing) == (None, ("price of t", "emission factor"))


def verdicts(town: Estate, *derogations: Derogation, local: tuple[LegalRule, ...] = ()) -> dict[str, tuple[Verdict, str, str]]:
    drafted = town.with_drafts(DAY)
    resolution = resolved(drafted, list(town.luminaires), DAY, DAY)
    checks = checked(drafted, resolution, (*NATIONAL, *local), derogations, (DAY, DAY))
    return {check.rule.id: (check.verdict, check.about, check.derogation) for check in checks}


def test_a_park_lit_after_one_is_a_finding_and_dark_at_one_is_compliant() -> None:
    park = luminaire(1, category="b")
    assert verdicts(estate(park, g=content("l1")))["fr-heritage"][:2] == (Verdict.FINDING, "switch_off")
    assert verdicts(estate(park, g=content("l1", off_at=60)))["fr-heritage"][0] is Verdict.COMPLIANT


def test_without_closing_hours_nobody_can_tell() -> None:
    car_park = luminaire(1, category="e")
    assert verdicts(estate(car_park, g=content("l1")))["fr-car-park"][:2] == (Verdict.CANNOT_TELL, "activity")
    known = replace(car_park, activity=ActivityHours(open_minute=480, close_minute=1_200))
    assert verdicts(estate(known, g=content("l1")))["fr-car-park"][0] is Verdict.FINDING
    assert verdicts(estate(known, g=content("l1", off_at=1_320)))["fr-car-park"][0] is Verdict.COMPLIANT


def test_public_roads_and_sports_have_no_national_hour() -> None:
    for category in ("a", "c", "f"):
        told = verdicts(estate(luminaire(1, category=category), g=content("l1")))
        assert all(verdict is Verdict.COMPLIANT for verdict, _, _ in told.values())


def test_missing_data_of_article_5_are_never_compliant() -> None:
    unknown = luminaire(1, light_head=LightHead())
    assert verdicts(estate(unknown, g=content("l1")))["fr-records"][0] is Verdict.CANNOT_TELL


def test_a_derogation_covers_its_dates_and_has_an_author() -> None:
    park = estate(luminaire(1, category="b"), g=content("l1"))
    scope = Scope(luminaires=(LuminaireId("l1"),))
    lifted = Derogation(id="d", rule="fr-heritage", scope=scope, author="Maire", reason="fête", first=DAY, last=DAY)
    assert verdicts(park, lifted)["fr-heritage"] == (Verdict.FINDING, "switch_off", "d")
    over = replace(lifted, first=date(2026, 1, 1), last=date(2026, 1, 14))
    assert verdicts(park, over)["fr-heritage"][2] == ""
    with pytest.raises(Unfit):
        replace(lifted, author="")


def test_a_local_rule_is_data() -> None:
    local = LegalRule(
        id="town", article="arrêté municipal 12", categories=("a",), latest=Latest.FIXED, minute=1_380, relight_minute=300, local=True
    )
    assert verdicts(estate(luminaire(1), g=content("l1")), local=(local,))["town"][0] is Verdict.FINDING
    assert verdicts(estate(luminaire(1), g=content("l1", off_at=1_380)), local=(local,))["town"][0] is Verdict.COMPLIANT


def test_self_dimming_drivers_are_in_the_energy_though_they_hear_nothing() -> None:
    own = luminaire(1, control=Control.SELF_DIMMING, self_dimming=SelfDimming(before_minutes=120, after_minutes=240, level=50))
    plain = rehearsed(estate(luminaire(1)), [LuminaireId("l1")], DAY, DAY, Rates()).draft
    dimmed = rehearsed(estate(own), [LuminaireId("l1")], DAY, DAY, Rates()).draft
    saved = 6 * 3_600 * (40 - (2.4 + 37.6 * 0.5))
    assert plain.energy_joules - dimmed.energy_joules == pytest.approx(saved)
