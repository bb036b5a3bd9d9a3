"""Draws figures with OpenDP, where it is installed (the extra `privacy`)."""

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from comparison.domain.privacy import EPSILON, Draw

_RHO = EPSILON**2 / 8


def draws() -> Draw | None:
    """Return what draws figures; None: OpenDP is not installed, and there are none."""
    return drawn if find_spec("opendp") else None


def drawn(values: Sequence[float], level: float, candidates: tuple[float, ...]) -> float:
    """Return a candidate near the quantile of `level`, by the exponential mechanism, with noise from the system's own source."""
    return float(_mechanism(level, candidates)(np.asarray(values, np.float64)))


@lru_cache(maxsize=8)
def _mechanism(level: float, candidates: tuple[float, ...]) -> Any:
    # OpenDP is untyped, takes a third of a second to load, and only the process that closes months needs it.
    dp: Any = import_module("opendp.prelude")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.symmetric_distance()

    def with_noise(scale: float) -> Any:
        # Under zero-concentrated privacy the noise is Gumbel's, which makes it the exponential mechanism.
        measure = dp.zero_concentrated_divergence()
        return dp.m.make_private_quantile(*space, measure, candidates=list(candidates), alpha=level, scale=scale)

    return dp.binary_search_chain(with_noise, d_in=1, d_out=_RHO)
