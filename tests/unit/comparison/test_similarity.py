"""What is expected of a home, from what is declared of it."""

import numpy as np
import pytest

from comparison.domain.homes import Attributes, HomeType, Source
from comparison.domain.similarity import SHIPPED, comparable, fitted, shipped, terms
from vocabulary.flux import Flux

FLAT = Attributes(type=HomeType.FLAT, area=70, occupants=2)


@pytest.mark.parametrize("flux", [Flux.ELECTRICITY, Flux.GAS, Flux.WATER])
def test_the_reference_home_is_expected_to_use_what_the_reference_home_uses(flux: Flux) -> None:
    assert shipped(flux).factor(FLAT) == 1


def test_more_people_use_more_water_though_not_in_proportion() -> None:
    factor = shipped(Flux.WATER).factor(Attributes(type=HomeType.FLAT, area=70, occupants=4))
    assert factor is not None
    assert 1.4 < factor < 2


def test_a_home_heated_by_electricity_is_expected_to_use_several_times_as_much() -> None:
    factor = shipped(Flux.ELECTRICITY).factor(Attributes(type=HomeType.FLAT, area=70, occupants=2, heating=Source.ELECTRICITY))
    assert factor is not None
    assert 2 < factor < 5


def test_homes_whose_meter_does_not_show_what_they_use_are_left_out() -> None:
    boiler = Attributes(heating=Source.GAS, heating_collective=True)
    shared_water = Attributes(hot_water=Source.GAS, hot_water_collective=True)
    assert not comparable(Flux.GAS, boiler)
    assert comparable(Flux.ELECTRICITY, boiler)
    assert not comparable(Flux.WATER, shared_water)
    assert not comparable(Flux.ELECTRICITY, Attributes(solar_panels=True))
    assert shipped(Flux.WATER).factor(shared_water) is None


def test_what_is_not_known_is_taken_as_is_usual() -> None:
    assert shipped(Flux.WATER).factor(Attributes()) == 1


def homes(count: int, seed: int = 1) -> list[Attributes]:
    rng = np.random.default_rng(seed)
    return [
        Attributes(
            type=HomeType(int(rng.integers(1, 3))),
            area=int(rng.integers(25, 160)),
            occupants=int(rng.integers(1, 6)),
            garden=bool(rng.random() < 0.4),
        )
        for _ in range(count)
    ]


def amounts_of(some: list[Attributes], coefficients: dict[str, float], noise: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(2)
    logs = [sum(coefficients[name] * value for name, value in terms(Flux.WATER, home).items()) for home in some]
    return 90 * np.exp(np.array(logs) + rng.normal(0, noise, len(some)))


def test_a_fit_finds_what_the_towns_own_homes_bear_out_and_rounds_it() -> None:
    some, true = homes(2_000), {"occupants": 0.5, "house": 0.2, "garden": 0.4}
    found = fitted(Flux.WATER, some, amounts_of(some, true))
    assert (found.coefficients, found.homes) == (true, 2_000)


def test_one_home_does_not_move_what_all_are_measured_by() -> None:
    some, true = homes(600), {"occupants": 0.5, "house": 0.2, "garden": 0.4}
    amounts = amounts_of(some, true)
    before = fitted(Flux.WATER, some, amounts).coefficients
    amounts[0] *= 10_000
    assert fitted(Flux.WATER, some, amounts).coefficients == before


def test_too_few_homes_or_too_few_of_a_kind_keep_the_shipped_coefficients() -> None:
    few = homes(499)
    assert fitted(Flux.WATER, few, amounts_of(few, dict(SHIPPED[Flux.WATER]))).homes == 0
    gardenless = [
        Attributes(type=home.type, area=home.area, occupants=home.occupants, garden=at < 19) for at, home in enumerate(homes(900))
    ]
    assert fitted(Flux.WATER, gardenless, np.full(900, 50.0)).homes == 0
