"""Estimates with intervals that hold for many clusters, for few and for none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.simulation._life import Costs

_FEW = 5  # clusters of one cause from which on the longest of them is a guide


class Estimate(NamedTuple):
    """A simulated value and the interval that holds the true one 19 times in 20."""

    value: float
    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, float | int) and self.low <= value <= self.high


def estimates(costs: Costs, length: float) -> dict[str, Estimate]:
    """Return what each cause costs; "" is the whole, which may hold the unseen."""
    found = {}
    for cause, total in costs.total.items():
        row = np.array(costs.each.get(cause, ())) / length
        few = not cause or len(row) < _FEW
        unseen = costs.unseen / length if few else 1.5 * float(row.max())
        found[cause] = _estimate(total / length, row, unseen)
    return found


def _estimate(value: float, weights: FloatArray, unseen: float) -> Estimate:
    """Return a value that varies as a sum of random weights does, and its interval."""
    from scipy.special import gammaincinv

    def quantile(mean: float, square: float, p: float) -> float:
        return float(gammaincinv(mean**2 / square, p) * square / mean)

    square = float(weights @ weights)
    most = max(float(weights.max(initial=0.0)), unseen)
    if most == 0:
        return Estimate(value, value, value)  # nothing can fail
    low = quantile(value, square, 0.025) if value > 0 and square > 0 else 0.0
    high = quantile(value + most, square + most**2, 0.975)
    return Estimate(value, low, min(high, 1.0))
