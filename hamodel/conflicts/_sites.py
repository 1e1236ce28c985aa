"""What every question about several sites begins with: write rates and delays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

import numpy as np

from hamodel import _check
from hamodel._types import Quantity
from hamodel.duration import Duration

#: One delay for all pairs of sites, or a square of them.
Delays: TypeAlias = "Quantity | Duration | Sequence[Sequence[Quantity | Duration]]"


def rates_of(rates: Sequence[Quantity] | Quantity) -> tuple[Quantity, ...]:
    """Return the checked write rate of each site."""
    if not isinstance(rates, (Sequence, np.ndarray)) or isinstance(rates, str):
        raise ValueError(f"rates must hold one rate per site, got {rates!r}")
    if len(rates) < 2:
        raise ValueError(f"rates must name 2 sites or more, got {len(rates)}")
    _check.non_negative(**{f"rates[{i}]": rate for i, rate in enumerate(rates)})
    return tuple(rates)


def delays_between(delays: Delays, sites: int) -> list[list[Quantity]]:
    """Return the one-way delay from site i to site j as rows; 0 from a site to itself.

    One delay for all pairs, or a square of them; each a number, an array, an
    expression or a `Duration`.
    """
    if not _is_square(delays, sites):
        rows = [[0 if i == j else delays for j in range(sites)] for i in range(sites)]
    else:
        rows = [
            [0 if i == j else d for j, d in enumerate(r)] for i, r in enumerate(delays)
        ]
    for i, row in enumerate(rows):
        for j, delay in enumerate(row):
            if not hasattr(delay, "lst"):
                _check.non_negative(**{f"delays[{i}][{j}]": delay})
    return rows


def _is_square(delays: Delays, sites: int) -> TypeGuard[Sequence[Sequence[Quantity]]]:
    """Tell whether delays are given pair by pair."""
    if not isinstance(delays, (Sequence, np.ndarray)) or isinstance(delays, Mapping):
        return False
    shape = [
        len(row) if isinstance(row, (Sequence, np.ndarray)) else 0 for row in delays
    ]
    if shape == [sites] * sites:
        return True
    if isinstance(delays, np.ndarray):
        return False  # a sweep of one delay
    raise ValueError(
        f"delays must be one delay or {sites} rows of {sites}, got {delays}"
    )


def mean_of(delay: Quantity) -> Quantity:
    """Return the mean of a delay, random or not."""
    return delay.mean if hasattr(delay, "lst") else delay


def exp(x: Quantity) -> Quantity:
    """Return e to the x, for numbers, arrays and expressions."""
    if _check.is_symbolic(x):
        import sympy

        return sympy.exp(x)
    return plain(np.exp(x))


def chance(mean: Quantity) -> Quantity:
    """Return P(at least one) of a Poisson number, exact when it is small."""
    if _check.is_symbolic(mean):
        return 1 - exp(-mean)
    return plain(-np.expm1(-np.asarray(mean)))


def at_least_zero(x: Quantity) -> Quantity:
    """Return x, or 0 below zero."""
    return larger(x, 0)


def larger(a: Quantity, b: Quantity) -> Quantity:
    """Return the larger of two quantities."""
    if _check.is_symbolic(a) or _check.is_symbolic(b):
        import sympy

        return sympy.Max(a, b)
    return plain(np.maximum(a, b))


def plain(x: Quantity) -> Quantity:
    """Return a Python number for a single one."""
    return x.item() if isinstance(x, (np.ndarray, np.generic)) and x.ndim == 0 else x
