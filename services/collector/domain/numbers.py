"""Turns decimal texts into whole base units, exactly: the product of text and factor, rounded half to even once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import NDArray

from collector.domain.parsed import Flags, Ints, Reason

LARGEST_VALUE = 1 << 62
"""Values beyond are refused, so that sums of two stay within 64 bits."""

_EXACT_FLOAT = float(1 << 49)
_PLAIN = b"0123456789.-+\n"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)
_LONGEST_NUMBER = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberFormat:
    """How a number is written."""

    decimal_sign: str = "."
    thousands_sign: str = ""
    """Allowed, not required, before each group of three digits."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NumberColumn:
    """Whole values, and which of the texts gave none and why."""

    value: Ints
    ok: Flags
    reasons: dict[int, Reason]
    """Position → why that text is no value."""


def parse_numbers(texts: list[str], factor: int | Ints, form: NumberFormat) -> NumberColumn:
    """Return `text x factor` for each text, rounded half to even.

    `factor`: base units per written unit, the same for all or one each. Never raises: what is no finite number, or is beyond 2^62, has a
    reason instead of a value.
    """
    factors = np.broadcast_to(np.asarray(factor, np.int64), len(texts))
    floats = _plain_floats(texts, form)
    if floats is None:
        return _singly(texts, factors, form)
    return _rounded(floats, texts, factors, form)


def _plain_floats(texts: list[str], form: NumberFormat) -> NDArray[np.float64] | None:
    """Return the texts as floats when every one of them is a plain decimal number without thousands signs."""
    joined = "\n".join(texts)
    if form.decimal_sign == ",":
        if "." in joined:
            return None
        joined = joined.replace(",", ".")
        texts = joined.split("\n")
    if joined.encode("utf-8", "replace").translate(None, _PLAIN):
        return None
    try:
        floats = np.array(list(map(float, texts)), dtype=np.float64)
    except ValueError:
        return None
    return floats if len(floats) else np.zeros(0)


def _rounded(floats: NDArray[np.float64], texts: list[str], factors: Ints, form: NumberFormat) -> NumberColumn:
    """Round the products, and work out with exact decimals the few whose rounding the error of floats could turn."""
    products = floats * factors
    # Two roundings to 53 bits: the error is below |product| * 2^-52. Below 2^49 an exact whole product is found for certain.
    nearest = np.rint(products)
    doubtful = np.abs(products) >= _EXACT_FLOAT
    doubtful |= np.abs(np.abs(products - nearest) - 0.5) <= np.abs(products) * 2.0**-51
    value = np.where(doubtful, 0, nearest).astype(np.int64)
    ok = np.ones(len(texts), np.bool_)
    reasons: dict[int, Reason] = {}
    for at in np.flatnonzero(doubtful).tolist():
        _put(at, _exact(texts[at], int(factors[at]), form), value, ok, reasons)
    return NumberColumn(value=value, ok=ok, reasons=reasons)


def _singly(texts: list[str], factors: Ints, form: NumberFormat) -> NumberColumn:
    value, ok = np.zeros(len(texts), np.int64), np.ones(len(texts), np.bool_)
    reasons: dict[int, Reason] = {}
    known: dict[tuple[str, int], int | Reason] = {}
    for at, key in enumerate(zip(texts, factors.tolist(), strict=True)):
        found = known.get(key)
        if found is None:
            found = known[key] = _exact(*key, form)
        _put(at, found, value, ok, reasons)
    return NumberColumn(value=value, ok=ok, reasons=reasons)


def _put(at: int, found: int | Reason, value: Ints, ok: Flags, reasons: dict[int, Reason]) -> None:
    if isinstance(found, Reason):
        ok[at], reasons[at] = False, found
    else:
        value[at] = found


def _exact(text: str, factor: int, form: NumberFormat) -> int | Reason:
    plain = _plain(text.strip(), form)
    if plain is None:
        return Reason.NOT_A_NUMBER
    product = _EXACT.multiply(Decimal(plain), Decimal(factor))
    if product.adjusted() > len(str(LARGEST_VALUE)):
        return Reason.VALUE_OUT_OF_RANGE
    whole = int(product.to_integral_value(ROUND_HALF_EVEN, _EXACT))
    return whole if abs(whole) <= LARGEST_VALUE else Reason.VALUE_OUT_OF_RANGE


def _plain(text: str, form: NumberFormat) -> str | None:
    """Return the number with a decimal point and without thousands signs, None when it is not one."""
    if len(text) > _LONGEST_NUMBER:
        return None
    if form.thousands_sign and form.thousands_sign in text:
        text = _grouped(form)(text)
    if form.decimal_sign != ".":
        if "." in text:
            return None
        text = text.replace(form.decimal_sign, ".")
    return text if _NUMBER.fullmatch(text) else None


def _grouped(form: NumberFormat) -> Callable[[str], str]:
    """Return what takes the thousands signs out, or makes a text without digits of it when they do not part groups of three."""
    sign, point = re.escape(form.thousands_sign), re.escape(form.decimal_sign)
    pattern = re.compile(rf"[+-]?\d{{1,3}}(?:{sign}\d{{3}})+(?:{point}\d*)?", re.ASCII)
    return lambda text: text.replace(form.thousands_sign, "") if pattern.fullmatch(text) else ""


def marked(texts: list[str], markers: frozenset[str]) -> Flags:
    """Tell which texts are one of the markers, spaces at their ends put aside."""
    flags = np.fromiter(map(markers.__contains__, texts), np.bool_, len(texts))
    if " " in "".join(texts):
        for at in np.flatnonzero(~flags).tolist():
            flags[at] = texts[at].strip() in markers
    return flags


def negatives(column: NumberColumn) -> list[int]:
    """Return the positions of negative values; a quantity of one direction has none."""
    return np.flatnonzero(column.ok & (column.value < 0)).tolist()
