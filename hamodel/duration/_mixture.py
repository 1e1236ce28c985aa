"""One of several laws, chosen by chance.

A mixture over situations has dozens of parts, each a few exponential stages with a
shift of its own; asked one by one they cost a Python call each, stacked they cost one.
So do shifts of one and the same law, whatever it is: it is asked at all their times.

Many mixtures of the same parts are asked as one too.  Between two knots a tail is
smooth, so each part is told there as a polynomial, once; that of a mixture has the
coefficients of its parts, weighted, and is solved for its quantile.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from hamodel._quadrature import edges_of
from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._change import Affine
from hamodel.duration._phase import PhaseType
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

    def unfinished(self, t: FloatArray) -> FloatArray:
        """Return the weight of the parts that are as likely as not to be over later."""
        each = np.asarray(self.law.sf(np.asarray(t)[..., None] - self.shifts))
        return np.asarray(np.where(each < 0.5, 0.0, self.weights).sum(axis=-1))

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
        return edges_of([low, *(k for k in knots if low < k < high), high])

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


_ROUNDED = 4e-16  # what weights, and 1 - p, are rounded by
_SOME = 1e-300  # a tail that is too small for a number is not nothing
_MANY = 64  # quantiles of one set of laws that are better asked together


def knots_of(parts: tuple[Law, ...]) -> tuple[Quantity, ...]:
    """Return the times at which any of some laws may jump or bend."""
    return tuple(knot for part in parts for knot in part.knots)


@dataclass(frozen=True, eq=False)
class Mixture(integrals.Usual):
    """One of the parts, chosen with the given probability."""

    weights: tuple[Quantity, ...]
    parts: tuple[Law, ...]

    @property
    def closed(self) -> bool:
        return all(part.closed for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(*self.weights, *self.parts)

    @property
    def name(self) -> str:
        pairs = zip(self.weights, self.parts, strict=True)
        shown = (f"{w if np.ndim(w) else format(w, '.4g')}: {p.name}" for w, p in pairs)
        return f"mixture({', '.join(shown)})"

    def _blend(self, values: Quantity) -> Quantity:
        # a part that never happens does not count, be it infinite
        pairs = zip(self.weights, values, strict=True)
        return sum(_times(weight, value) for weight, value in pairs)

    @property
    def mean(self) -> Quantity:
        return self._blend([part.mean for part in self.parts])

    @property
    def var(self) -> Quantity:
        mean = self.mean
        around = [p.var + (p.mean - mean) ** 2 for p in self.parts]
        return self._blend(around) if np.all(np.isfinite(mean)) else np.inf + 0 * mean

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        ends = [part.support for part in self.parts]
        low = np.minimum.reduce(np.broadcast_arrays(*(e[0] for e in ends)))
        return low, np.maximum.reduce(np.broadcast_arrays(*(e[1] for e in ends)))

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return knots_of(self.parts)

    def moment(self, order: int) -> Quantity:
        return self._blend([part.moment(order) for part in self.parts])

    @cached_property
    def _grouped(self) -> tuple[list[Lot], list[tuple[Quantity, Law]]]:
        """The parts that can be asked together, and the others."""
        return lots(self.weights, self.parts)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self._summed("cdf", t, left)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self._summed("sf", t, left)

    def _summed(self, of: str, t: FloatArray, left: bool) -> FloatArray:
        if left:
            total = self._blend([getattr(part, of)(t, left) for part in self.parts])
        else:
            together, others = self._grouped
            total = sum(lot.total(of, t) for lot in together)
            total = total + sum(_times(w, getattr(part, of)(t)) for w, part in others)
        return np.asarray(np.minimum(total, 1))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        shape = np.broadcast_shapes(np.shape(p), self.shape)
        many = self.shape and math.prod(shape) >= _MANY
        if not many or any(part.shape for part in self.parts):
            return self._searched(p, q)
        whole = [np.broadcast_to(x, shape).ravel() for x in (p, q, *self.weights)]
        return self._together(whole[0], whole[1], np.array(whole[2:])).reshape(shape)

    def _together(
        self, p: FloatArray, q: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Return a quantile of each of many mixtures of the same single laws."""
        medians = [part.quantile(np.array(0.5), np.array(0.5)) for part in self.parts]
        answer = np.empty(p.shape)
        answer[:] = np.where(q <= 0, *self.support[::-1])
        open_ = (p > 0) & (q > 0)
        for upper in (True, False):
            here = np.flatnonzero(open_ & ((p >= 0.5) == upper))
            if here.size:
                ends = [
                    float(part.quantile(p[k], q[k]))
                    for part in self.parts
                    for k in (here[np.argmin(p[here])], here[np.argmax(p[here])])
                ]
                levels = q[here] if upper else -p[here]
                alike = Alike(self.parts, weights[:, here], levels, upper)
                found, hard = alike.quantiles(min(ends), max(ends))
                late = found < np.array(medians)[:, None]  # parts that are not over
                share = np.sum(weights[:, here] * late, axis=0)
                rounded = np.minimum(_ROUNDED, 1e-3 * np.minimum(p, q)[here])
                hard |= np.abs(share - q[here]) < rounded
                if np.any(hard):
                    left = here[hard]
                    rest = Mixture(tuple(weights[:, left]), self.parts)
                    found[hard] = rest._searched(p[left], q[left])
                answer[here] = found
        return answer

    def _searched(self, p: FloatArray, q: FloatArray) -> FloatArray:
        # no part's weight matters for this: the mixture lies among its parts
        together, others = self._grouped
        found = [
            end for lot in together for end in lot.ends(*np.broadcast_arrays(p, q))
        ]
        found += [part.quantile(p, q) for _, part in others]
        ends = np.broadcast_arrays(*found)
        least, most = np.minimum.reduce(ends), np.maximum.reduce(ends)
        answer = laws.search(self, p, q, least, most)
        shares = [lot.unfinished(answer) for lot in together]
        shares += [np.where(law.sf(answer) < 0.5, 0.0, w) for w, law in others]
        left = np.sum(np.broadcast_arrays(*shares), axis=0)
        flat = np.abs(left - q) < np.minimum(_ROUNDED, 1e-3 * np.minimum(p, q))
        if not np.any(flat):
            return answer
        apart = _Apart(self.weights, self.parts, answer)
        return np.where(flat, laws.search(apart, p, q, least, most), answer)

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self._blend([part.excess(t) for part in self.parts]))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        u, below = rng.random(size), 0.0
        chosen = np.zeros(size, int)
        for weight in self.weights[:-1]:
            below = below + weight
            chosen += u >= below
        answer = np.zeros(size)
        for k, part in enumerate(self.parts):
            here = chosen == k
            if part.shape:
                answer = np.where(here, part.sample(size, rng), answer)
            else:
                answer[here] = part.sample((int(here.sum()),), rng)
        return answer

    def lst(self, s: Quantity) -> Quantity:
        return self._blend([part.lst(s) for part in self.parts])


class _Apart:
    """A mixture where p is the weight of the parts that are over at some time.

    Between these and the others it is flat but for their tails, which P(X <= t) loses
    to rounding.  There P(X > t) - q is what is left of the parts that are over, less
    what has come of the others, and these keep their digits.
    """

    def __init__(
        self, weights: tuple[Quantity, ...], parts: tuple[Law, ...], at: FloatArray
    ) -> None:
        self.shape: tuple[int, ...] = at.shape
        self.support: tuple[Quantity, Quantity] = (0.0, np.inf)
        over = [part.sf(at) < 0.5 for part in parts]
        self.terms = list(zip(weights, parts, over, strict=True))

    def _beyond(self, t: FloatArray) -> FloatArray:
        total: Quantity = 0.0
        for weight, part, over in self.terms:
            left = np.where(t < part.support[1], np.maximum(part.sf(t), _SOME), 0.0)
            total = total + _times(weight, np.where(over, left, -part.cdf(t)))
        return np.asarray(total)

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return 1 where p is reached, else 0."""
        return np.asarray(self._beyond(t) <= 0, float)

    def sf(self, t: FloatArray) -> FloatArray:
        """Return 0 where p is reached, else 1."""
        return np.asarray(self._beyond(t) > 0, float)


def _times(weight: Quantity, value: Quantity) -> Quantity:
    if not np.ndim(weight):
        finite = value if weight != 0 else np.where(np.isfinite(value), value, 0)
        return weight * finite
    never = weight == 0
    finite = np.where(never & ~np.isfinite(value), 0, value)
    return np.where(never, 0.0, weight * finite)
