"""The check sign finds every single slip and every two signs swapped."""

from hypothesis import given
from hypothesis import strategies as st

from access.domain.code import ALPHABET, LENGTH, new_code, normalised

drawn = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=LENGTH, max_size=LENGTH)


def code_of(signs: list[int]) -> str:
    source = iter(signs)
    return new_code(lambda _below: next(source))


@given(drawn)
def test_every_code_that_is_made_is_accepted(signs: list[int]) -> None:
    assert normalised(code_of(signs)) == code_of(signs)


@given(drawn, st.integers(0, LENGTH), st.sampled_from(ALPHABET))
def test_one_wrong_sign_is_found(signs: list[int], position: int, sign: str) -> None:
    code = code_of(signs)
    slipped = code[:position] + sign + code[position + 1 :]
    assert (normalised(slipped) is None) == (slipped != code)


@given(drawn, st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_two_swapped_signs_are_found(signs: list[int], one: int, other: int) -> None:
    code = list(code_of(signs))
    original = "".join(code)
    code[one], code[other] = code[other], code[one]
    swapped = "".join(code)
    assert (normalised(swapped) is None) == (swapped != original)
