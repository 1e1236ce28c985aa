"""Laws of whole milliseconds, for products whose clocks count them.

A law is the least number of milliseconds and the probabilities from there on, so that
sums are convolutions and nothing is rounded before the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel.duration import empirical

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.duration import Duration

_POINTS = 4096  # equally probable points that stand for a law


@dataclass(frozen=True, eq=False)
class Lattice:
    """Probabilities of whole milliseconds from `start` on."""

    start: int
    weights: FloatArray

    def __add__(self, other: Lattice) -> Lattice:
        from scipy.signal import fftconvolve

        both = np.clip(fftconvolve(self.weights, other.weights), 0, None)
        return Lattice(self.start + other.start, both / both.sum())

    def order(self, k: int, n: int) -> Lattice:
        """Return the law of the k-th of n independent times."""
        from scipy.stats import binom

        reached = binom.sf(k - 1, n, np.minimum(np.cumsum(self.weights), 1.0))
        return Lattice(self.start, np.diff(reached, prepend=0.0))

    def residual(self) -> Lattice:
        """Return the time to the next event, from a random moment on."""
        beyond = 1 - np.cumsum(np.concatenate([np.zeros(self.start), self.weights]))
        left = np.clip(beyond, 0, None)
        return Lattice(0, left / left.sum())

    def first_beyond(self, limit: int) -> Lattice:
        """Return the first event later than a limit, if there was one at time zero."""
        from scipy.signal import lfilter

        steps = np.concatenate([np.zeros(self.start), self.weights])
        unit = np.zeros(limit + 1)
        unit[0] = 1.0
        events = lfilter([1.0], np.concatenate([[1.0], -steps[1:]]), unit)
        after = np.convolve(events, steps)[limit + 1 :]
        return Lattice(limit + 1, after / after.sum())

    @property
    def duration(self) -> Duration:
        """The law in s, by points of equal probability."""
        shares = (np.arange(_POINTS) + 0.5) / _POINTS
        found = np.searchsorted(np.cumsum(self.weights), shares)
        return empirical((self.start + np.minimum(found, len(self.weights) - 1)) / 1e3)


def mixed(weights: tuple[float, ...], parts: tuple[Lattice, ...]) -> Lattice:
    """Return a mixture."""
    start = min(part.start for part in parts)
    end = max(part.start + len(part.weights) for part in parts)
    total = np.zeros(end - start)
    for weight, part in zip(weights, parts, strict=True):
        at = part.start - start
        total[at : at + len(part.weights)] += weight * part.weights
    return Lattice(start, total)
