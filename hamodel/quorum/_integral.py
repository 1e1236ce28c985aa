"""Integrals over the law of a delay, or of the sum of two, fine in both tails."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel._quadrature import panels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hamodel._types import FloatArray
    from hamodel.duration import Duration

_TAIL = 10.0 ** -np.array(
    [14, 12, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.75, 2.5, 2.25, 2, 1.75, 1.5, 1.25, 1]
)
_BODY = np.linspace(0.2, 0.5, 4)


class Nodes(NamedTuple):
    """Times that carry weights: an integral over a law is a sum over them."""

    times: FloatArray
    weights: FloatArray


def nodes(law: Duration) -> Nodes:
    """Return quantiles at Gauss nodes of panels that end where the law bends."""
    knots = [float(k) for k in law.law.knots if np.isfinite(k)]
    levels, weights = [], []
    for side in (law.cdf, law.sf):
        bends = [float(side(k)) for k in knots]
        inner = [x for x in bends if 1e-12 < x < 0.5]
        ends = np.unique([0.0, *_TAIL, *_BODY, *inner])
        points, shares = panels(ends, 8)
        levels.append(points)
        weights.append(shares)
    times = np.concatenate([law.quantile(levels[0]), law.upper_quantile(levels[1])])
    return Nodes(times, np.concatenate(weights))


class Sum:
    """The sum of two delays, with nodes of its own and of its second part."""

    def __init__(self, first: Duration, second: Duration, *, fine: bool) -> None:
        self.law = first + second
        self.inner = nodes(second)
        self.nodes = _summed(nodes(first), self.inner, _cells(80 if fine else 40))

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return P(sum <= t)."""
        return self.law.cdf(t)

    def sf(self, t: FloatArray) -> FloatArray:
        """Return P(sum > t)."""
        return np.asarray(self.law.sf(t))


def _cells(number: int) -> FloatArray:
    """Return levels that cut a law into cells, of one ratio in the tails."""
    tail = 10.0 ** -np.linspace(14, 1, 3 * number)
    return np.concatenate([tail, np.linspace(0.1, 0.5, 4 * number)])


def _summed(first: Nodes, second: Nodes, cells: FloatArray) -> Nodes:
    """Return nodes of a sum: all pairs, gathered into cells of two nodes each.

    The two nodes of a cell keep its first four moments (Gauss), so the error is of
    fourth order in the cell's width.
    """
    times = (first.times[:, None] + second.times).ravel()
    weights = np.outer(first.weights, second.weights).ravel()
    rank = np.argsort(times)
    times, weights = times[rank], weights[rank]
    below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    low, high = np.searchsorted(cells, below), np.searchsorted(cells, above)
    cell = np.where(below < 0.5, low, 2 * len(cells) - high)
    start = np.flatnonzero(np.diff(cell, prepend=-1))
    return _gathered(times, weights, start)


def _gathered(times: FloatArray, weights: FloatArray, start: NDArray[np.intp]) -> Nodes:
    """Return two nodes for each run of sorted times, from its moments."""
    mass = np.add.reduceat(weights, start)
    size = np.diff(start, append=len(times))
    mean = np.add.reduceat(weights * times, start) / mass
    off = times - np.repeat(mean, size)
    spread = np.sqrt(np.add.reduceat(weights * off**2, start) / mass)
    cubes = np.add.reduceat(weights * off**3, start) / mass
    with np.errstate(all="ignore"):
        skew = np.where(spread > 1e-12 * mean, cubes / spread**3, 0.0)
    root = np.sqrt(skew**2 + 4)
    right, left = (skew + root) / 2, (skew - root) / 2
    low, high = mean + left * spread, mean + right * spread
    share = right / root  # of the left node
    return Nodes(
        np.concatenate([low, high]), np.concatenate([mass * share, mass * (1 - share)])
    )
