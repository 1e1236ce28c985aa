"""Many small laws asked as one: phase-types of one size become a stack.

A mixture over situations has dozens of parts, each a few exponential stages with a
shift of its own; asked one by one they cost a Python call each, stacked they cost one.
So do shifts of one and the same law, whatever it is: it is asked at all their times.

Many mixtures of the same parts are asked as one too.  Between two knots a tail is
smooth, so each part is told there as a polynomial, once; that of a mixture has the
coefficients of its parts, weighted, and is solved for its quantile.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev

from hamodel.duration._change import Affine
from hamodel.duration._phase import PhaseType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration.law import Law

    Rows = NDArray[np.intp]

_NODES = 24  # of a polynomial: its degree and 1
_NEAR = 1e-13  # what a polynomial may miss of the level that is looked for
_PANELS = 400  # polynomials before the rest is searched for


@dataclass(frozen=True, eq=False)
class Lot:
    """Phase-types of one size, or one law, with k shifts and weights of a mixture."""

    law: Law  # a stack of k, or one
    shifts: FloatArray  # (k,)
    weights: FloatArray  # (k,)

    def total(self, of: str, t: FloatArray) -> FloatArray:
        """Return the weighted tails, or distribution functions."""
        each = np.asarray(getattr(self.law, of)(np.asarray(t)[..., None] - self.shifts))
        return np.asarray(each @ self.weights)

    def ends(self, p: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest quantile of the parts."""
        found = self.law.quantile(p[..., None], q[..., None]) + self.shifts
        return found.min(axis=-1), found.max(axis=-1)


def lots(
    weights: Sequence[Quantity], parts: Sequence[Law]
) -> tuple[list[Lot], list[tuple[Quantity, Law]]]:
    """Return the parts that can be asked together, and the others."""
    sizes: dict[int, list[tuple[float, float, PhaseType]]] = defaultdict(list)
    moved: dict[int, list[tuple[float, float, Law, Law]]] = defaultdict(list)
    rest: list[tuple[Quantity, Law]] = []
    for weight, part in zip(weights, parts, strict=True):
        inner, shift = _core(part)
        if inner.shape or np.ndim(weight):
            rest.append((weight, part))
        elif isinstance(inner, PhaseType):
            sizes[inner.alpha.shape[-1]].append((float(weight), shift, inner))
        else:
            moved[id(inner)].append((float(weight), shift, inner, part))
    found = [_stacked(members) for members in sizes.values()]
    for alike in moved.values():
        shares, shifts, laws, whole = zip(*alike, strict=True)
        if len(alike) == 1:
            rest.append((shares[0], whole[0]))
        else:
            found.append(Lot(laws[0], np.array(shifts), np.array(shares)))
    return found, rest


def _core(part: Law) -> tuple[Law, float]:
    """Return the law that a part is a shift of, and the shift."""
    if isinstance(part, Affine):
        plain = np.ndim(part.factor) == np.ndim(part.shift) == 0
        if plain and part.factor == 1:
            return part.law, float(part.shift)
    return part, 0.0


def _stacked(members: Sequence[tuple[float, float, PhaseType]]) -> Lot:
    weights, shifts, laws = zip(*members, strict=True)
    stack = PhaseType(
        np.stack([law.alpha for law in laws]), np.stack([law.T for law in laws])
    )
    return Lot(stack, np.array(shifts), np.array(weights))


@dataclass(eq=False)
class Alike:
    """Mixtures of the same k single parts, asked for a quantile each.

    `levels` are P(X > t), or -P(X <= t) if not `upper`: what is looked for falls.
    """

    parts: Sequence[Law]
    weights: FloatArray  # (k, n)
    levels: FloatArray  # (n,)
    upper: bool

    def quantiles(
        self, low: float, high: float
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return quantiles in [low, high], (n,), and where none was found so."""
        found = np.full(self.levels.shape, np.nan)
        cells = list(self._cells(self._knots(low, high), np.arange(found.size), found))
        tried = 0
        while cells and tried < _PANELS:
            start, stop, rows = cells.pop()
            tried += 1
            left = self._solved(start, stop, rows, found)
            if left.size:
                ends = np.array([start, (start + stop) / 2, stop])
                cells += self._cells(ends, left, found)
        return found, np.isnan(found)

    def _knots(self, low: float, high: float) -> FloatArray:
        knots = [float(k) for part in self.parts for k in (*part.knots, *part.support)]
        return np.unique([low, *(k for k in knots if low < k < high), high])

    def _tails(self, times: ArrayLike, *, left: bool = False) -> FloatArray:
        """Return the tails of all parts, (k, times)."""
        t = np.asarray(times)
        asked = [p.sf(t, left) if self.upper else -p.cdf(t, left) for p in self.parts]
        return np.array(asked, dtype=float)

    def _cells(
        self, ends: FloatArray, rows: Rows, found: FloatArray
    ) -> Iterator[tuple[float, float, Rows]]:
        """Yield the cells that hold quantiles, and whose; a jump is one."""
        weights, level = self.weights[:, rows].T, self.levels[rows, None]
        slack = 2.3e-16 * (self.upper & (level > 1e-4))  # 1 - p is rounded
        there = weights @ self._tails(ends) <= level + slack
        there[:, -1] = True
        first = np.argmax(there, axis=1)
        before = weights @ self._tails(ends, left=True)
        jumps = np.take_along_axis(before > level + slack, first[:, None], 1)[:, 0]
        jumps |= first == 0
        found[rows[jumps]] = ends[first[jumps]]
        for cell in np.unique(first[~jumps]):
            here = rows[~jumps & (first == cell)]
            yield float(ends[cell - 1]), float(ends[cell]), here

    def _solved(self, start: float, stop: float, rows: Rows, found: FloatArray) -> Rows:
        """Solve for the quantiles within a cell; return whose it was too wide for.

        A tail that falls before the first node looks flat: the ends are held as well.
        """
        nodes = chebyshev.chebpts1(_NODES)
        values = self._tails(start + (stop - start) * (nodes + 1) / 2)
        fit = chebyshev.chebvander(nodes, _NODES - 1) * (2 / _NODES)
        fit[:, 0] /= 2
        series = (values @ fit).T @ self.weights[:, rows]
        level = self.levels[rows]
        series[0] -= level
        ends = np.hstack([self._tails([start]), self._tails([stop], left=True)])
        missed = chebyshev.chebval([[-1], [1]], series[:, None], tensor=False)
        missed -= ends.T @ self.weights[:, rows] - level
        error = np.abs(np.vstack([series[-3:], missed])).max(axis=0)
        good: NDArray[np.bool_] = error <= _NEAR * np.abs(level)
        low, high = -np.ones(good.sum()), np.ones(good.sum())
        for _ in range(52):
            middle = (low + high) / 2
            above = chebyshev.chebval(middle, series[:, good], tensor=False) > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        found[rows[good]] = start + (stop - start) * (high + 1) / 2
        return rows[~good]
