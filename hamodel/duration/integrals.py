"""Moments, variances and transforms of laws that have no formulas of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hamodel._quadrature import edges_of, unit
from hamodel._types import FloatArray, Quantity
from hamodel.duration._normal import ndtr, ndtri
from hamodel.duration.law import Law, column, element, search

#: Tail levels between which integrals over a whole law are split into panels.
_LEVELS = np.array(
    [1 - 1e-12, 1 - 1e-8, 1 - 1e-5, 0.999, 0.99, 0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.01]
    + [10.0**-k for k in (3, 4, 5, 6, 8, 10, 13, 16, 22, 32)]
)
_HEAVY = 1e3  # from 1e-16 to 1e-32 of the tail: a power of 16/3 or less
_DEEP = np.array([10.0**-k for k in (40, 50, 64, 80, 100, 128, 160, 200, 256)])
_TURN = np.pi  # radians that exp(-st) may turn within a panel
_DEAD = 45.0  # exp of minus this is nothing beside 1
_RARE = 1e-18  # tail that is nothing beside 1
_MOST = 100_000  # panels of an integral


def edges(law: Law) -> FloatArray:
    """Return the ends of panels for integrals over the support, along axis 0.

    A law keeps them; where they lie need not be exact.
    """
    kept = vars(law)
    if "panels" not in kept:
        kept["panels"] = _edges(law)
    found: FloatArray = kept["panels"]
    return found


def _edges(law: Law) -> FloatArray:
    def reached(levels: FloatArray) -> FloatArray:
        levels = column(levels, law)
        with np.errstate(all="ignore"):
            return np.asarray(nearly(law)(1 - levels, levels))

    ends = reached(_LEVELS)
    # only a power tail moves that far between these levels: follow it to the end
    if np.any(ends[-1] > _HEAVY * ends[-3]):
        ends = np.concatenate([ends, reached(_DEEP)])
    rows = [np.zeros((1, *law.shape)), ends]
    low = np.asarray(law.support[0], float)  # where the tail begins to fall
    rows.append(np.broadcast_to(np.where(np.isfinite(low), low, 0), law.shape)[None])
    rows += [np.broadcast_to(np.asarray(k, float), law.shape)[None] for k in law.knots]
    ends = np.concatenate([np.broadcast_to(r, (len(r), *law.shape)) for r in rows])
    finite = np.isfinite(ends)
    top = np.max(np.where(finite, ends, 0), axis=0)
    answer: FloatArray = np.sort(np.where(finite, ends, top), axis=0)
    return answer


def nearly(law: Law) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Return the law's quantiles, only near them where that is much quicker."""
    found: Callable[[FloatArray, FloatArray], FloatArray]
    found = getattr(law, "nearly", law.quantile)
    return found


_SHARED, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
LEVELS = _WEIGHTS / _WEIGHTS.sum()  # of what laws share that are late together


def at_levels(
    done: FloatArray, open_: FloatArray, correlation: float
) -> tuple[FloatArray, FloatArray]:
    """Return P(X <= t) and P(X > t) at each level of what X shares with others.

    The levels are the last axis, `LEVELS` their weights: a Gaussian copula with one
    factor, given its factor.
    """
    lift, own = correlation**0.5, (1 - correlation) ** 0.5
    score = np.where(done < 0.5, ndtri(done), -ndtri(open_))[..., None]
    z = (score - lift * _SHARED) / own
    return ndtr(z), ndtr(-z)


def gauss(ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Gauss-Legendre nodes and weights of all panels, along axis 0.

    A panel over several octaves is divided evenly in log t, any other in t: one over
    thirty decades as well, which begins at nothing beside its end.
    """
    low, high = ends[:-1], ends[1:]
    wide = (low > 0) & (high > 4 * low) & (high < 1e30 * low)
    ratio = np.log(np.where(wide, high / np.where(wide, low, 1), 1))
    points, share = (x.reshape(-1, *(1,) * ends.ndim) for x in unit(24))
    nodes = np.where(wide, low * np.exp(ratio * points), low + (high - low) * points)
    weights = np.where(wide, ratio * nodes, high - low) * share
    flat = (-1, *ends.shape[1:])
    return nodes.reshape(flat), weights.reshape(flat)


def raw_moment(law: Law, order: int) -> FloatArray:
    """Return E X^k as the integral of k t^(k-1) P(X > t), inf where it diverges."""
    index = _index(law, order)
    with np.errstate(all="ignore"):
        ends = edges(law)
        t, weight = gauss(ends)
        total = (order * t ** (order - 1) * law.sf(t) * weight).sum(axis=0)
        last = ends[-1]
        rest = order * last**order * law.sf(last) / (index - order)
    total = total + np.where(np.isfinite(index) & (index > order), rest, 0)
    return np.where(index <= order * (1 + 1e-9), np.inf, total)


def _index(law: Law, order: int) -> FloatArray:
    """Return the power with which the tail falls, inf if moments do not tell it."""
    if order <= 5 and not np.any(edges(law)[-1] > _HEAVY * edges(law)[-3]):
        return np.full(law.shape, np.inf)
    with np.errstate(all="ignore"):
        near, far = (law.quantile(np.array(1.0), np.array(q)) for q in (1e-60, 1e-80))
        return np.asarray(np.log(1e20) / np.log(far / near))


def variance(law: Law) -> FloatArray:
    """Return the variance about the mean, without a difference of large squares."""
    mean = np.asarray(law.mean, float)
    with np.errstate(all="ignore"):
        middle = np.broadcast_to(np.where(np.isfinite(mean), mean, 0), law.shape)
        ends = np.sort(np.concatenate([edges(law), middle[None]]), axis=0)
        t, weight = gauss(ends)
        above = (t > mean).reshape(len(t), -1).all(axis=1)
        tail = np.empty(t.shape)
        tail[above] = law.sf(t[above])
        below = t[~above]
        tail[~above] = np.where(below > mean, law.sf(below), law.cdf(below))
        total = (2 * np.abs(t - mean) * tail * weight).sum(axis=0)
    return np.where(_index(law, 2) <= 2 * (1 + 1e-9), np.inf, total)


def excess(law: Law, t: FloatArray) -> FloatArray:
    """Return E max(X - t, 0), the integral of P(X > u) over u > t.

    A law keeps the integrals over its panels: each t asks for that of its own.
    """
    shape = np.broadcast_shapes(np.shape(t), law.shape)
    with np.errstate(all="ignore"):
        if law.shape:
            ends = edges(law)
            beside = (1,) * (len(shape) - ends.ndim + 1)
            ends = ends.reshape(len(ends), *beside, *law.shape)
            nodes, weight = gauss(np.maximum(ends, np.broadcast_to(t, shape)))
            beyond = (weight * law.sf(nodes)).sum(axis=0)
        else:
            ends, sums = _beyond(law)
            start = np.clip(t, ends[0], ends[-1])
            panel = np.searchsorted(ends, start)
            nodes, weight = gauss(np.stack([start, ends[panel]]))
            beyond = sums[panel] + (weight * law.sf(nodes)).sum(axis=0)
    return np.where(np.isfinite(np.asarray(law.mean, float)), beyond, np.inf)


def _beyond(law: Law) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the panels of one law, and its excess over each."""
    kept = vars(law)
    if "beyond" not in kept:
        ends = edges(law)
        nodes, weight = gauss(ends)
        panels = (weight * law.sf(nodes)).reshape(-1, len(ends) - 1).sum(axis=0)
        kept["beyond"] = ends, np.append(np.cumsum(panels[::-1])[::-1], 0.0)
    found: tuple[FloatArray, FloatArray] = kept["beyond"]
    return found


def transform(law: Law, s: Quantity) -> Quantity:
    """Return E exp(-sX) as 1 - s (integral of exp(-st) P(X > t)).

    Panels are cut until exp(-st) turns by less than half a circle in each, and left out
    where it has died away.  Where it dies within the first one it is the integral of
    s exp(-st) P(X <= t), to which what comes so soon adds next to nothing.
    """
    s = np.asarray(s)
    shape = np.broadcast_shapes(s.shape, law.shape)
    ends = edges(law)
    with np.errstate(all="ignore"):
        steady = _turns(ends, s) <= _TURN
    answer = np.empty(shape, np.result_type(s, float))
    if np.any(steady):
        answer[...] = _integrated(law, np.where(steady, s, 1.0), ends)
    for index in map(tuple, np.argwhere(np.broadcast_to(~steady, shape))):
        one = element(law, index, shape) if law.shape else law
        point = np.broadcast_to(s, shape)[index]
        answer[index] = _integrated(one, point, _cut(one, point))
    return answer


def _turns(ends: FloatArray, s: FloatArray) -> FloatArray:
    """Return the widest turn of exp(-st) within a panel, where it is still alive."""
    lead = (-1, *(1,) * (max(s.ndim, ends.ndim - 1) - (ends.ndim - 1)), *ends.shape[1:])
    low, width = ends[:-1].reshape(lead), np.diff(ends, axis=0).reshape(lead)
    alive = s.real * low < _DEAD
    turns: FloatArray = np.max(np.where(alive, width * np.abs(s.imag), 0), axis=0)
    return turns


def _cut(law: Law, s: complex) -> FloatArray:
    """Return the ends of panels, cut for one transform point."""
    ends = edges(law)
    reach = _DEAD / s.real if s.real > 0 else np.inf
    rare = ends[law.sf(ends) < _RARE]
    ends = edges_of(np.minimum(ends, np.min(rare, initial=reach)))
    parts = np.ceil(np.diff(ends) * abs(s.imag) / _TURN)
    if parts.sum() > _MOST:  # before they become whole numbers, which overflow
        limit = abs(s.imag) * _MOST / parts.sum()
        raise ValueError(
            f"s must have an imaginary part below {limit:.3g} for a law whose "
            f"transform is integrated, got {s:g}"
        )
    pieces = [
        np.linspace(low, high, max(int(n), 1), endpoint=False)
        for low, high, n in zip(ends[:-1], ends[1:], parts, strict=True)
    ]
    return np.concatenate([*pieces, ends[-1:]])


def _integrated(law: Law, s: Quantity, ends: FloatArray) -> Quantity:
    with np.errstate(all="ignore"):
        nodes, weight = gauss(ends)
        deep = max(np.ndim(s), len(law.shape)) - len(law.shape)
        lead = (len(nodes), *(1,) * deep, *law.shape)
        falls = np.exp(-s * nodes.reshape(lead))
        mass = np.broadcast_to(weight * law.sf(nodes), nodes.shape).reshape(lead)
        total = (falls * mass).sum(axis=0)
        first = np.where(ends > 0, ends, np.inf).min(axis=0).reshape(lead[1:])
        large = np.isrealobj(s) & (s * first > 1)
        if not np.any(large):
            return 1 - s * total
        mass = np.broadcast_to(weight * law.cdf(nodes), nodes.shape).reshape(lead)
        return np.where(large, s * (falls * mass).sum(axis=0), 1 - s * total)


class Usual:
    """What a law answers unless it says otherwise: any time from 0 on, by numbers.

    It tells its shape, name, mean and tail; all else is found from them.
    """

    @property
    def closed(self) -> bool:
        """Whether `excess` is a formula."""
        return False

    @property
    def var(self: Law) -> Quantity:
        """Variance in s^2."""
        return variance(self)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        """Least and greatest possible time in s."""
        return 0.0, np.inf

    @property
    def knots(self) -> tuple[Quantity, ...]:
        """Times in s at which it may jump or bend."""
        return ()

    def moment(self: Law, order: int) -> Quantity:
        """Return the raw moment of that order, from 1 on."""
        return raw_moment(self, order)

    def cdf(self: Law, t: FloatArray, left: bool = False) -> FloatArray:
        """Return P(X <= t), or P(X < t)."""
        return np.asarray(1 - self.sf(t, left))

    def quantile(self: Law, p: FloatArray, q: FloatArray) -> FloatArray:
        """Return the least t with P(X <= t) >= p; q is 1 - p, without its rounding."""
        return search(self, p, q)

    def excess(self: Law, t: FloatArray) -> FloatArray:
        """Return E max(X - t, 0)."""
        return excess(self, t) + np.maximum(-np.asarray(t), 0)

    def sample(
        self: Law, size: tuple[int, ...], rng: np.random.Generator
    ) -> FloatArray:
        """Return independent draws of that shape, the stack last."""
        u = rng.random(size)
        return self.quantile(u, 1 - u)

    def lst(self: Law, s: Quantity) -> Quantity:
        """Return E exp(-s X)."""
        return transform(self, s)
