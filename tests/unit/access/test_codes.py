"""Codes on paper."""

import math
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from access.domain.code import ALPHABET, LENGTH, OccupancyCodeTriesExhausted, check_tries, new_code, normalised

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_the_alphabet_has_no_look_alikes_and_enough_signs() -> None:
    for pair in ("0O", "1I", "1L", "2Z", "5S", "6G", "8B", "UV", "OQ", "DO"):
        assert not set(pair) <= set(ALPHABET), pair
    assert math.log2(len(ALPHABET)) * LENGTH >= 45
    assert all(len(ALPHABET) % divisor for divisor in range(2, len(ALPHABET)))


def test_a_new_code_has_ten_drawn_signs_and_a_check_sign() -> None:
    draws = cycle([0, 22, 5, 7, 1])
    code = new_code(lambda below: next(draws) % below)
    assert [ALPHABET.index(sign) for sign in code[:LENGTH]] == [0, 22, 5, 7, 1] * 2
    assert normalised(code) == code


@pytest.mark.parametrize("typed", ["{}", " {} ", "{}\n", "\u00a0{}"])
def test_spaces_hyphens_and_case_do_not_matter(typed: str) -> None:
    code = new_code(lambda below: 3 % below)
    spelled = "-".join((code[:4], code[4:8], code[8:])).lower()
    assert normalised(typed.format(spelled)) == code


@pytest.mark.parametrize("text", ["", "A", "A" * 12, "0" * 11, "ÉÉÉÉÉÉÉÉÉÉÉ"])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert normalised(text) is None


def test_the_sixth_try_of_an_hour_waits_until_the_first_is_an_hour_old() -> None:
    tries = [NOW - timedelta(minutes=minutes) for minutes in (50, 40, 30, 20, 10)]
    with pytest.raises(OccupancyCodeTriesExhausted) as raised:
        check_tries(tries, NOW)
    assert raised.value.metadata["retry_delay_s"] == "600"
    check_tries(tries, NOW + timedelta(minutes=10))
    check_tries(tries[1:], NOW)
