"""Integrals over laws that may jump and bend: panels that end where anything does.

Between cuts a law is smooth.  There its weights at the Gauss points of a panel are the
derivative of the polynomial through its probabilities at these points and both ends,
so that no density is needed; what it jumps by is added at its place.  A panel whose
polynomial misses the law between the points is halved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hamodel._quadrature import unit
from hamodel._types import FloatArray
from hamodel.duration import Duration

POINTS = 16
_NEAR = 4e-15  # of a time: moments as near as that are one
_MISS = 1e-10  # of a probability, between the points of a panel
_SMALL = 1e-8  # a probability: below it the error is told by it alone
_REST = 1e-16  # beyond the last panel
MOST = 200  # panels of a law; one that is itself interpolated is never met


class Nodes(NamedTuple):
    """Times with weights; of times that are equal, `rank` in (0, 1) tells the order."""

    times: FloatArray
    weights: FloatArray
    rank: FloatArray


Ask: TypeAlias = Callable[[FloatArray], FloatArray]


class Law(Protocol):
    """What is integrated over: probabilities, and where panels end."""

    edges: FloatArray
    knots: FloatArray
    atoms: FloatArray
    masses: FloatArray
    bends: bool

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return P(X <= t)."""
        ...

    def sf(self, t: FloatArray) -> FloatArray:
        """Return P(X > t)."""
        ...


def after(t: FloatArray) -> FloatArray:
    """Return times a little later: what happens at them has happened."""
    return np.asarray(t + _NEAR * np.abs(t))


def cut(*places: FloatArray) -> FloatArray:
    """Return places in order, those of one moment once."""
    found = np.unique(np.concatenate([np.ravel(p) for p in places]))
    return np.asarray(found[np.diff(found, prepend=-1.0) > _NEAR * np.abs(found)])


def sums(these: FloatArray, those: FloatArray) -> FloatArray:
    """Return all sums of two."""
    return np.add.outer(these, those).ravel()


def differences(these: FloatArray, those: FloatArray) -> FloatArray:
    """Return all differences of two that are positive."""
    found = np.subtract.outer(these, those).ravel()
    return found[found > 0]


def inside(places: FloatArray, law: Law) -> FloatArray:
    """Return the places between the ends of a law."""
    low, high = law.edges[[0, -1]] if law.bends else (0.0, 0.0)
    return places[(places > low) & (places < high)]


class Plain:
    """The law of a `Duration`."""

    def __init__(self, duration: Duration) -> None:
        law = duration.law
        ends = np.array([*duration.support, *map(float, law.knots)], float)
        self.cdf, self.sf = law.cdf, law.sf
        self.knots = cut(ends[np.isfinite(ends)])
        jumps = law.cdf(self.knots) - law.cdf(self.knots, left=True)
        self.atoms, self.masses = self.knots[jumps > 0], jumps[jumps > 0]
        self.bends = bool(self.masses.sum() < 1 - 1e-13)
        self.edges = self.knots
        if self.bends:
            far = duration.upper_quantile([_REST])
            self.edges = Table(cut(self.knots, far), self._side).edges

    def _side(self, t: FloatArray) -> FloatArray:
        return side(self, t)


def side(law: Law, t: FloatArray) -> FloatArray:
    """Return P(X <= t) on panels where it is small, on the others -P(X > t)."""
    low = np.broadcast_to(law.cdf(t[..., POINTS // 2, None]) < 0.5, t.shape)
    values = np.empty(t.shape)
    values[low] = law.cdf(t[low])
    values[~low] = -law.sf(t[~low])
    return values


class Table:
    """A function kept at the Gauss points of panels; from the last edge on, `beyond`.

    It is asked for (panels, points) times.
    """

    def __init__(
        self,
        edges: FloatArray,
        ask: Ask,
        beyond: float = 0.0,
    ) -> None:
        ready: list[tuple[FloatArray, FloatArray]] = []
        low, high = edges[:-1], edges[1:]
        for _ in range(60):
            values, good = fitted(ask, low, high)
            if len(ready) + len(low) > MOST:
                good[:] = True
            ready += zip(low[good], values[good], strict=True)
            if good.all():
                break
            low, high = low[~good], high[~good]
            middle = (low + high) / 2
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        ready.sort(key=lambda panel: panel[0])
        self.edges = np.array([*(start for start, _ in ready), edges[-1]])
        self.values = np.array([values for _, values in ready])
        self.beyond = beyond

    def __call__(self, t: FloatArray) -> FloatArray:
        """Return values, from the panel that begins with a time or holds it."""
        panel = np.searchsorted(self.edges, t, "right") - 1
        inside = np.clip(panel, 0, len(self.values) - 1)
        start, end = self.edges[inside], self.edges[inside + 1]
        at = np.clip((t - start) / (end - start), 0.0, 1.0)
        found = (_lagrange(at) * self.values[inside]).sum(axis=-1)
        return np.where(panel < len(self.values), found, self.beyond)


def fitted(
    ask: Ask, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return values at the points of panels, and whether they tell what is between.

    Of several functions at once: values are (panels, points, functions).
    """
    low, wide = low[:, None], (high - low)[:, None]
    points = unit(POINTS)[0]
    # near the ends, too: a short law is not to hide before the first point
    between = np.concatenate([[1e-9], (points[1:] + points[:-1]) / 2, [1 - 1e-9]])
    values = ask(low + wide * np.concatenate([points, between]))
    values, seen = values[:, :POINTS], values[:, POINTS:]
    found = np.tensordot(_lagrange(between), values, (1, 1)).swapaxes(0, 1)
    miss = np.abs(found - seen).max(axis=1)
    fine = _MISS * np.maximum(np.abs(values).max(axis=1), _SMALL) ** 0.75
    good = (miss <= fine).all(axis=tuple(range(1, miss.ndim)))
    return values, good | (wide[:, 0] <= 1e-9 * high)


class Sum:
    """The law of a sum of two laws; one that bends is kept by panels, as its `side`."""

    def __init__(self, first: Plain, second: Plain) -> None:
        self.parts = first, second
        self.bends = first.bends or second.bends
        self.knots = cut(sums(first.knots, second.knots))
        self.atoms, self.masses = self._jumps()
        self._below = np.concatenate([[0.0], np.cumsum(self.masses)])
        self._above = np.concatenate([np.cumsum(self.masses[::-1])[::-1], [0.0]])
        self.edges = self.knots
        if self.bends:
            ends = cut(self.knots, first.edges[-1:] + second.edges[-1:])
            self._table = Table(ends, self._side)
            self._upper = np.append(self._table.values[:, POINTS // 2] < 0, True)
            self.edges = self._table.edges

    def _jumps(self) -> tuple[FloatArray, FloatArray]:
        first, second = self.parts
        places = sums(first.atoms, second.atoms)
        if not len(places):
            return places, places
        atoms = cut(places)
        at = np.searchsorted(atoms, after(places), "right") - 1
        masses = np.outer(first.masses, second.masses).ravel()
        return atoms, np.bincount(at, masses).astype(float)

    def _side(self, t: FloatArray) -> FloatArray:
        first, second = self.parts
        middle = t[:, POINTS // 2]
        upper = joined(first, second, middle, first.edges).total(second.cdf) >= 0.5
        values = np.empty(t.shape)
        for some, ask in ((~upper, second.cdf), (upper, second.sf)):
            late = t[some].ravel()
            found = joined(first, second, late, first.edges).total(ask)
            if ask == second.sf:
                found = -(found + first.sf(late))
            values[some] = found.reshape(t[some].shape)
        return values

    def _kept(self, t: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        panel = np.searchsorted(self.edges, t, "right") - 1
        return self._table(t), self._upper[np.maximum(panel, 0)]

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return P(sum <= t)."""
        if not self.bends:
            return self._below[np.searchsorted(self.atoms, t, "right")]
        value, upper = self._kept(t)
        return np.where(t < self.edges[0], 0.0, upper + value)

    def sf(self, t: FloatArray) -> FloatArray:
        """Return P(sum > t)."""
        if not self.bends:
            return self._above[np.searchsorted(self.atoms, t, "right")]
        value, upper = self._kept(t)
        return np.where(t < self.edges[0], 1.0, np.where(upper, -value, 1 - value))


class Joined(NamedTuple):
    """Nodes of a first law up to moments at which a second begins to be awaited.

    Of each piece of a panel: the number of its moment, that of the panel, times and
    weights (pieces, points).
    """

    moment: NDArray[np.intp]
    panel: NDArray[np.intp]
    times: FloatArray
    weights: FloatArray
    late: FloatArray
    edges: FloatArray
    law: Plain

    def total(self, second: Ask, value: Ask | None = None) -> FloatArray:
        """Return the integrals of second(late - t) value(t) for each moment."""
        found = self.weights * second(self.late[self.moment, None] - self.times)
        if value is not None:
            found *= value(self.times)
        each = np.bincount(self.moment, found.sum(axis=1), len(self.late))
        total = each.astype(float)  # of no piece they would be whole numbers
        for atom, mass in zip(self.law.atoms, self.law.masses, strict=True):
            left = self.late - atom
            more = mass * np.where(left >= 0, second(np.maximum(left, 0)), 0.0)
            total += more if value is None else more * value(np.full(1, atom))
        return total

    def shares(self, second: Ask) -> FloatArray:
        """Return (moments, panels, points): weights of values at points of panels.

        Values that are a polynomial on each panel; atoms are left out.
        """
        low, high = self.edges[self.panel, None], self.edges[self.panel + 1, None]
        found = self.weights * second(self.late[self.moment, None] - self.times)
        place = (2 * self.times - low - high) / (high - low)
        panels = len(self.edges) - 1
        moments = np.empty((len(found), POINTS))
        one, two = np.ones_like(place), place
        for k in range(POINTS):
            moments[:, k] = np.einsum("ij,ij->i", found, one)
            one, two = two, ((2 * k + 3) * place * two - (k + 1) * one) / (k + 2)
        key = self.moment * panels + self.panel
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        total = np.zeros((len(self.late) * panels, POINTS))
        if len(starts):
            total[key[starts]] = np.add.reduceat(moments, starts)
        return (total @ _legendre()).reshape(len(self.late), panels, POINTS)


def joined(first: Plain, second: Plain, late: FloatArray, edges: FloatArray) -> Joined:
    """Return nodes of the first law whose panels end where the second's end, too."""
    ends = second.edges if second.edges[0] == 0 else np.append(0.0, second.edges)
    cuts = np.clip(late[:, None] - ends, edges[0], edges[-1])
    own = np.broadcast_to(edges, (len(late), len(edges)))
    every = np.sort(np.concatenate([own, cuts], axis=1), axis=1)
    some = (every[:, :-1] < every[:, 1:] * (1 - 3 * _NEAR)) & first.bends
    some &= every[:, :-1] < late[:, None]
    moment, piece = np.nonzero(some)
    low, high = every[moment, piece], every[moment, piece + 1]
    times, weights = _pieces(first, low[:, None], high[:, None])
    panel = np.searchsorted(edges, (low + high) / 2, "right") - 1
    return Joined(moment, panel, times, weights, late, edges, first)


@cache
def _legendre() -> FloatArray:
    """Return what moments with Legendre's polynomials give as weights of the points."""
    points, shares = unit(POINTS)
    degree = np.arange(POINTS)[:, None]
    values = np.polynomial.legendre.legvander(2 * points - 1, POINTS - 1).T
    return np.asarray((2 * degree + 1) * shares * values)


def ranked(ask: Ask, at: Nodes) -> FloatArray:
    """Return a probability at nodes, a jump shared as their rank says."""
    late = ask(after(at.times))
    tied = at.rank < 1
    if np.any(tied):
        early = ask(at.times[tied] * (1 - _NEAR) - 1e-300)  # 0 has a before, too
        share = at.rank[tied].reshape(-1, *(1,) * (early.ndim - 1))
        late[tied] = early + share * (late[tied] - early)
    return late


def spread(law: Law, cuts: FloatArray, *, ranks: bool = False) -> Nodes:
    """Return nodes of a law whose panels end at its own edges and at cuts, too."""
    times = weights = np.empty((*cuts.shape[:-1], 0))
    if law.bends:
        own = np.broadcast_to(law.edges, (*cuts.shape[:-1], len(law.edges)))
        inside = np.clip(cuts, law.edges[0], law.edges[-1])
        edges = np.sort(np.concatenate([own, inside], axis=-1), axis=-1)
        times, weights = _smooth(law, edges)
    rank = np.ones_like(times)
    atoms, masses, order = law.atoms, law.masses, np.ones(len(law.atoms))
    if ranks:
        points, shares = unit(POINTS)
        order = np.tile(points, len(atoms))
        atoms, masses = np.repeat(atoms, POINTS), np.outer(masses, shares).ravel()
    more = (
        np.broadcast_to(x, (*times.shape[:-1], len(x))) for x in (atoms, masses, order)
    )
    both = zip((times, weights, rank), more, strict=True)
    return Nodes(*(np.concatenate(pair, axis=-1) for pair in both))


def _smooth(law: Law, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes of what lies between edges."""
    low, high = edges[..., :-1, None], edges[..., 1:, None]
    times, weights = _pieces(law, low, high)
    flat = (*edges.shape[:-1], POINTS * (edges.shape[-1] - 1))
    return times.reshape(flat), weights.reshape(flat)


def _pieces(
    law: Law, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return nodes of pieces (..., 1) between low and high."""
    at = low + (high - low) * np.concatenate([[0.0], unit(POINTS)[0], [1.0]])
    at[..., 0], at[..., -1] = after(low[..., 0]), high[..., 0] * (1 - _NEAR)
    weights = side(law, at) @ _slopes()
    weights[(at[..., 0] >= at[..., -1])] = 0.0
    return at[..., 1:-1], weights


@cache
def _slopes() -> FloatArray:
    """Return what values at the ends and points give as weights of the points."""
    points, shares = unit(POINTS)
    x = np.concatenate([[0.0], points, [1.0]])
    scale, away = _barycentric(x)
    slopes = scale / scale[:, None] / away
    np.fill_diagonal(slopes, 0.0)
    np.fill_diagonal(slopes, -slopes.sum(axis=1))
    return np.asarray((slopes[1:-1] * shares[:, None]).T)


def _barycentric(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    away = x[:, None] - x
    np.fill_diagonal(away, 1.0)
    return 1 / away.prod(axis=1), away


@cache
def _scales() -> FloatArray:
    return _barycentric(unit(POINTS)[0])[0]


def _lagrange(at: FloatArray) -> FloatArray:
    """Return the weights of values at the points, for a place between 0 and 1."""
    away = at[..., None] - unit(POINTS)[0]
    ratio = _scales() / np.where(away == 0, 1e-30, away)
    return np.asarray(ratio / ratio.sum(axis=-1, keepdims=True))
