"""What stands in the simulated town."""

from collections import Counter
from dataclasses import fields
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from simulation.homes import NEVER, is_vacant
from simulation.people import Purpose
from simulation.registry import Dwelling, DwellingType, EnergySource, PublicSite, SiteUse
from simulation.town import Town, TownTooShort, build_town
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux
from vocabulary.interval import Validity
from vocabulary.names import checked_id
from vocabulary.place import PlaceLevel

START, END = date(2025, 4, 1), date(2026, 5, 1)


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(7, START, END)


def test_there_are_1200_dwellings_in_two_communes_and_five_neighbourhoods(town: Town) -> None:
    levels = Counter(place.level for place in town.places)
    assert levels[PlaceLevel.TERRITORY] == 1
    assert levels[PlaceLevel.COMMUNE] == 2
    assert levels[PlaceLevel.NEIGHBOURHOOD] == 5
    assert sum(isinstance(place.premise, Dwelling) for place in town.places) == 1_200


def test_every_public_site_of_the_plan_is_there(town: Town) -> None:
    uses = Counter(place.premise.use for place in town.places if isinstance(place.premise, PublicSite))
    assert uses[SiteUse.SCHOOL] == 2
    assert uses[SiteUse.LIGHTING] == 9  # the tenth cabinet is the church's
    for use in SiteUse:
        assert uses[use] >= 1


def test_names_are_ids_and_no_two_are_alike(town: Town) -> None:
    for names in ([place.id for place in town.places], [point.id for point in town.points], [person.id for person in town.people]):
        assert len(set(names)) == len(names)
        for name in names:
            checked_id(name)
    for consent in town.consents:
        checked_id(consent.id)
    identifiers = [(one.scheme, one.value) for point in town.points for one in point.identifiers]
    assert len(set(identifiers)) == len(identifiers)


def test_every_place_lies_in_an_earlier_and_larger_one(town: Town) -> None:
    levels: dict[str, PlaceLevel] = {}
    for place in town.places:
        assert len(place.parents) == (place.level is not PlaceLevel.TERRITORY)
        assert all(levels[parent.parent] < place.level for parent in place.parents)
        assert 47.9 < place.position.latitude_degrees < 48.1
        assert 1.9 < place.position.longitude_degrees < 2.1
        levels[place.id] = place.level


def test_siblings_have_an_order_without_ties(town: Town) -> None:
    ordered = [(place.parents[0].parent, place.level, place.position_in_parent) for place in town.places if place.position_in_parent]
    assert len(set(ordered)) == len(ordered)
    assert all(place.position_in_parent for place in town.places if place.level in (PlaceLevel.STREET, PlaceLevel.BUILDING))


def test_towers_hold_40_to_80_homes_and_one_block_shares_a_boiler(town: Town) -> None:
    sizes = Counter(place.parents[0].parent for place in town.places if isinstance(place.premise, Dwelling))
    towers = [place for place in town.places if place.display_name.startswith("Tour ")]
    assert sorted(sizes[tower.id] for tower in towers) == [40, 48, 56, 64, 72, 80]
    shared = {place.parents[0].parent for place in town.places if isinstance(place.premise, Dwelling) and place.premise.heating_collective}
    assert len(shared) == 1
    gas_places = {point.places[0].place for point in town.points if point.flux is Flux.GAS}
    assert shared <= gas_places
    assert not any(place.id in gas_places for place in town.places if place.parents and place.parents[0].parent in shared)


def test_a_home_has_gas_exactly_when_it_is_heated_by_gas_of_its_own(town: Town) -> None:
    gas_places = {point.places[0].place for point in town.points if point.flux is Flux.GAS}
    for place in town.places:
        if isinstance(place.premise, Dwelling):
            assert (place.id in gas_places) == (place.premise.heating is EnergySource.GAS and not place.premise.heating_collective)


def test_points_measure_at_known_places_behind_known_points_with_one_device_at_a_time(town: Town) -> None:
    places, fluxes = {place.id for place in town.places}, dict[str, Flux]()
    for point in town.points:
        assert all(one.place in places for one in point.places)
        assert all(fluxes[one.parent] is point.flux for one in point.parents)
        assert not any(one.validity.overlaps(other.validity) for one, other in pairwise(point.devices))
        assert len({channel.id for channel in point.channels}) == len(point.channels) > 0
        fluxes[point.id] = point.flux


def test_only_homes_with_panels_inject_and_produce(town: Town) -> None:
    panels = {place.id for place in town.places if isinstance(place.premise, Dwelling) and place.premise.solar_panels}
    directions = {
        point.places[0].place: {channel.direction for channel in point.channels} for point in town.points if point.flux is Flux.ELECTRICITY
    }
    assert len(panels) > 15
    for place, found in directions.items():
        assert (found == set(Direction)) == (place in panels)


def test_off_peak_windows_last_eight_hours_and_go_with_a_tariff_of_two_slots(town: Town) -> None:
    for point in town.points:
        for contract in point.contracts:
            assert bool(contract.off_peak_windows) == contract.tariff.startswith("trv-hphc")
            if contract.off_peak_windows:
                assert sum((window.end_minute - window.start_minute) % 1_440 for window in contract.off_peak_windows) in (480, 500)


def test_the_exchange_campaign_replaces_every_water_meter_of_the_old_centre(town: Town) -> None:
    exchanged = [point for point in town.points if point.flux is Flux.WATER and len(point.devices) == 2]
    assert len(exchanged) == 250
    for point in exchanged:
        old, new = point.devices
        assert old.serial != new.serial
        assert old.validity.end == new.validity.start


def test_eight_per_cent_of_homes_are_vacant_on_the_mean_day(town: Town) -> None:
    vacant = is_vacant(town.homes, np.arange(START.toordinal(), END.toordinal()))
    assert abs(vacant.mean() - 0.08) < 0.006
    assert abs(vacant[:, 0].mean() - vacant[:, -1].mean()) < 0.02


def test_households_move_and_never_two_live_in_a_home(town: Town) -> None:
    homes = town.homes
    assert 80 < ((homes.leave_day > 0) & (homes.enter_day < NEVER)).sum() < 160
    by_home: dict[str, list[int]] = {}
    for number, occupancy in enumerate(town.occupancies):
        by_home.setdefault(occupancy.premise, []).append(number)
    for numbers in by_home.values():
        found = [town.occupancies[number].validity for number in numbers]
        assert not any(one.overlaps(other) for one, other in pairwise(found))


def test_a_dwelling_is_declared_vacant_exactly_when_nobody_occupies_it(town: Town) -> None:
    occupied: dict[str, list[Validity]] = {}
    for occupancy in town.occupancies:
        occupied.setdefault(occupancy.premise, []).append(occupancy.validity)
    for place in town.places:
        if isinstance(place.premise, Dwelling):
            for vacancy in place.premise.vacancies:
                assert not any(vacancy.overlaps(validity) for validity in occupied.get(place.id, []))
            assert place.premise.vacancies or place.id in occupied


def test_consents_stay_within_their_persons_occupancy_and_each_has_its_proof(town: Town) -> None:
    occupancies = {occupancy.person: occupancy for occupancy in town.occupancies}
    places = {point.id: point.places[0].place for point in town.points}
    for consent in town.consents:
        occupancy = occupancies[consent.person]
        assert places[consent.point] == occupancy.premise
        assert consent.validity.start is not None
        assert occupancy.validity.start is not None
        assert occupancy.validity.start <= consent.validity.start
        assert occupancy.validity.end is None or (consent.validity.end is not None and consent.validity.end <= occupancy.validity.end)
        assert consent.proof_text
    assert len({(consent.person, consent.point, consent.purpose) for consent in town.consents}) == len(town.consents)


def test_a_minority_consents_to_half_hours_and_a_majority_to_comparison(town: Town) -> None:
    people = len(town.people)
    fine = {
        one.person for one in town.consents if one.purpose is Purpose.DISPLAY_SUBDAILY and one.granularity is Granularity.THIRTY_MINUTES
    }
    peers = {one.person for one in town.consents if one.purpose is Purpose.PEER_COMPARISON}
    assert 0.35 < len(fine) / people < 0.5
    assert 0.6 < len(peers) / people < 0.8


def test_250_luminaires_hang_on_ten_cabinets_in_streets_that_exist(town: Town) -> None:
    places, points = {place.id: place.level for place in town.places}, {point.id for point in town.points}
    assert len(town.luminaires) == 250
    assert len({one.number for one in town.luminaires}) == 250
    assert len(town.cabinets) == 10
    assert {one.cabinet for one in town.luminaires} == {cabinet.id for cabinet in town.cabinets}
    assert all(places[one.street] is PlaceLevel.STREET for one in town.luminaires)
    assert all(cabinet.place in places and cabinet.point in points for cabinet in town.cabinets)
    assert {one.category for one in town.luminaires} == {"a", "b"}
    assert any(one.crossing for one in town.luminaires)
    assert any(one.light_head.cie_flux_code_3_percent is None for one in town.luminaires)


def test_the_same_arguments_give_the_same_town_and_another_seed_another(town: Town) -> None:
    again, other = build_town(7, START, END), build_town(8, START, END)
    for field in fields(Town):
        if field.name not in {"homes", "groups"}:
            assert getattr(again, field.name) == getattr(town, field.name)
    assert other.people != town.people
    assert other.faults != town.faults


@pytest.mark.parametrize("days", [1, 3, 30, 100])
def test_a_town_of_few_days_can_be_built(days: int) -> None:
    short = build_town(1, date(2026, 1, 5), date.fromordinal(date(2026, 1, 5).toordinal() + days))
    assert len(short.homes) == 1_200
    assert not any(fault.during.end <= fault.during.start for fault in short.faults)


def test_a_town_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(TownTooShort) as refused:
        build_town(1, END, START)
    assert refused.value.metadata == {"start": "2026-05-01", "end": "2025-04-01"}


def test_a_house_is_a_building_of_one_home(town: Town) -> None:
    sizes = Counter(place.parents[0].parent for place in town.places if isinstance(place.premise, Dwelling))
    for place in town.places:
        if isinstance(place.premise, Dwelling) and place.premise.type is DwellingType.HOUSE:
            assert sizes[place.parents[0].parent] == 1
