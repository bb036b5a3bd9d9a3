"""Gas energy: the distributor's, or volume times a dated coefficient."""

from datetime import UTC, datetime

import pytest

from metering.domain.consumption.gas import CalorificBasis, Coefficient, ContradictoryCoefficients, gas_energy
from metering.domain.consumption.pieces import NOTHING, Method, Pieces, pieces
from vocabulary.interval import Validity
from vocabulary.quality import Quality

DAY, CUBIC_METRE, KWH = 86_400, 1_000_000, 3_600_000


def days(first: int, values: list[int]) -> Pieces:
    start = [(first + at) * DAY for at in range(len(values))]
    return pieces(start, [at + DAY for at in start], values)


def coefficient(watt_hours: int, first: int | None = None, last: int | None = None, *, corrected: bool = False) -> Coefficient:
    start = None if first is None else datetime.fromtimestamp(first * DAY, UTC)
    end = None if last is None else datetime.fromtimestamp(last * DAY, UTC)
    validity = Validity(start=start, end=end)
    return Coefficient(
        watt_hours_per_cubic_metre=watt_hours, basis=CalorificBasis.PCS, corrected=corrected, validity=validity, source="test"
    )


def test_the_distributors_energy_wins_and_the_rest_is_converted() -> None:
    volume = days(0, [CUBIC_METRE] * 4)
    energy = gas_energy(volume, days(1, [11 * KWH, 12 * KWH]), [coefficient(11_200)], corrected=False)
    assert energy.pieces.value.tolist() == [11_200 * 3_600, 11 * KWH, 12 * KWH, 11_200 * 3_600]
    assert energy.pieces.method.tolist() == [Method.COEFFICIENT, Method.METERED, Method.METERED, Method.COEFFICIENT]
    assert energy.pieces.quality.tolist() == [Quality.ESTIMATED, Quality.MEASURED, Quality.MEASURED, Quality.ESTIMATED]


def test_each_coefficient_holds_for_its_time_and_is_named() -> None:
    coefficients = [coefficient(11_000, 0, 2), coefficient(10_000, 2, None)]
    energy = gas_energy(days(0, [CUBIC_METRE] * 4), NOTHING, coefficients, corrected=False)
    assert energy.pieces.value.tolist() == [11_000 * 3_600] * 2 + [10_000 * 3_600] * 2
    assert [one.coefficient.watt_hours_per_cubic_metre for one in energy.converted] == [11_000, 10_000]
    assert energy.converted[1].during.start == datetime.fromtimestamp(2 * DAY, UTC)


def test_volume_without_a_coefficient_has_no_energy() -> None:
    energy = gas_energy(days(0, [CUBIC_METRE] * 4), NOTHING, [coefficient(11_000, 2, 3)], corrected=False)
    assert energy.pieces.start.tolist() == [2 * DAY]


def test_a_coefficient_of_corrected_volume_does_not_serve_raw_volume() -> None:
    energy = gas_energy(days(0, [CUBIC_METRE]), NOTHING, [coefficient(11_000, corrected=True)], corrected=False)
    assert len(energy.pieces) == 0
    assert energy.converted == ()


def test_litres_are_converted_so_that_the_sum_is_exact() -> None:
    energy = gas_energy(days(0, [333] * 3_000), NOTHING, [coefficient(11_111)], corrected=False)
    assert energy.pieces.total == 333 * 3_000 * 11_111 * 3_600 // CUBIC_METRE


def test_a_large_boiler_for_ten_years_does_not_overflow() -> None:
    energy = gas_energy(days(0, [10_000 * CUBIC_METRE] * 3_650), NOTHING, [coefficient(11_200)], corrected=False)
    assert energy.pieces.total == 36_500_000 * 11_200 * 3_600


def test_two_coefficients_at_once_are_refused() -> None:
    with pytest.raises(ContradictoryCoefficients):
        gas_energy(days(0, [1]), NOTHING, [coefficient(11_000, 0, 3), coefficient(10_000, 2, 5)], corrected=False)
