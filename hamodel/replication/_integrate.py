"""Means over a law, by Gauss rules in its quantiles or along its tail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamodel._quadrature import edges_of, panels
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration

#: Tail levels between which the panels lie, three to a decade: a quantile is about the
#: logarithm of its level, and 12 nodes follow a logarithm over half a decade exactly.
_TAILS = np.array([1, 0.999, 0.99, 0.9, 0.7, *(10.0 ** (-np.arange(1, 49) / 3)), 0])


def nodes(
    law: Duration, cuts: Sequence[Quantity] = ()
) -> tuple[FloatArray, FloatArray]:
    """Return values of one law and their weights: E f(X) is the weighted sum of f.

    `cuts` are times at which f jumps or bends.
    """
    single(law)
    if law.var == 0:
        return np.array([law.mean], float), np.ones(1)
    inside = np.asarray(law.sf(np.asarray([*cuts, *law.law.knots], float)))
    tails = edges_of(np.concatenate([_TAILS, np.ravel(inside)]))
    at, weights = panels(tails, 12)
    return np.asarray(law.upper_quantile(at[::-1])), weights[::-1]


def along(law: Duration, start: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return times and weights for an integral beyond start of what P(X > t) bounds."""
    single(law)
    ends = np.asarray(law.upper_quantile(_TAILS[1:-1]))
    far = law.upper_quantile(1e-18)
    known = np.concatenate([ends, [far, *law.support, *law.law.knots, start]])
    top = max(float(far), start)
    return panels(edges_of(np.minimum(np.maximum(known, start), top)), 12)


def single(law: Duration) -> None:
    """Raise unless it is one law."""
    if law.shape:
        raise ValueError(f"one law is needed here, got a stack of shape {law.shape}")
