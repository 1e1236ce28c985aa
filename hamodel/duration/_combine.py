"""Laws made of laws: mixtures, first and last of several, the k-th of n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._lots import Alike, Lot, lots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration.law import Law


_ROUNDED = 4e-16  # what weights, and 1 - p, are rounded by
_SOME = 1e-300  # a tail that is too small for a number is not nothing
_MANY = 64  # quantiles of one set of laws that are better asked together


def _knots(parts: tuple[Law, ...]) -> tuple[Quantity, ...]:
    return tuple(knot for part in parts for knot in part.knots)


def _listed(parts: tuple[Law, ...]) -> str:
    names = [part.name for part in parts]
    if len(names) > 1 and len(set(names)) == 1:
        return f"{len(names)} x {names[0]}"
    return ", ".join(names)


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
        return _knots(self.parts)

    def moment(self, order: int) -> Quantity:
        return self._blend([part.moment(order) for part in self.parts])

    @cached_property
    def _grouped(self) -> tuple[list[Lot], list[tuple[Quantity, Law]]]:
        """The parts that can be asked together, and the others."""
        return lots(self.weights, self.parts)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            total = self._blend([part.cdf(t, left) for part in self.parts])
        else:
            together, others = self._grouped
            total = sum(lot.cdf(t) for lot in together)
            total = total + sum(_times(weight, part.cdf(t)) for weight, part in others)
        return np.asarray(np.minimum(total, 1))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        if left:
            total = self._blend([part.sf(t, left) for part in self.parts])
        else:
            together, others = self._grouped
            total = sum(lot.sf(t) for lot in together)
            total = total + sum(_times(weight, part.sf(t)) for weight, part in others)
        return np.asarray(np.minimum(total, 1))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        shape = np.broadcast_shapes(np.shape(p), self.shape)
        if math.prod(shape) < _MANY or any(part.shape for part in self.parts):
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
        apart = _Apart(self.weights, self.parts, answer)
        flat = np.abs(apart.share - q) < np.minimum(_ROUNDED, 1e-3 * np.minimum(p, q))
        if not np.any(flat):
            return answer
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
        #: weight of the parts that are not over
        self.share = sum(
            np.where(o, 0.0, w) for w, o in zip(weights, over, strict=True)
        )

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
        return (
            weight * value
            if weight != 0
            else 0 * np.where(np.isfinite(value), value, 0)
        )
    return np.where(
        weight == 0,
        0.0,
        weight * np.where((weight == 0) & ~np.isfinite(value), 0, value),
    )


@dataclass(frozen=True, eq=False)
class KthOf(integrals.Usual):
    """The k-th to finish of several parts; all alike, or each its own.

    `repeat` is the number of copies of a single part; of several parts it is 1.  With
    `votes`, parts count as many times, and k votes are waited for.  With a
    `correlation` of normal scores, parts are late together.
    """

    k: int
    parts: tuple[Law, ...]
    repeat: int
    votes: tuple[int, ...] = ()
    correlation: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(*self.parts)

    @property
    def name(self) -> str:
        n = len(self.parts) * self.repeat
        inside = self.parts[0].name if self.repeat > 1 else _listed(self.parts)
        if self.k in (1, n):
            copies = f"{n} x " if self.repeat > 1 else ""
            return f"{'minimum' if self.k == 1 else 'maximum'}({copies}{inside})"
        return f"order_statistic({inside}, k={self.k}, n={n})"

    @property
    def mean(self) -> Quantity:
        return integrals.raw_moment(self, 1)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        lows, highs = zip(*(part.support for part in self.parts), strict=True)
        if self.repeat > 1:
            return lows[0], highs[0]
        if self.votes:
            return self._when(lows), self._when(highs)
        at = self.k - 1
        low = np.sort(np.stack(np.broadcast_arrays(*lows)), axis=0)[at]
        return low, np.sort(np.stack(np.broadcast_arrays(*highs)), axis=0)[at]

    def _when(self, times: tuple[Quantity, ...]) -> Quantity:
        """Return when k votes are there, if parts finish at these times."""
        stack = np.stack(np.broadcast_arrays(*times))
        order = np.argsort(stack, axis=0)
        cast = np.cumsum(np.asarray(self.votes)[order], axis=0)
        first = np.argmax(cast >= self.k, axis=0)[None]
        return np.take_along_axis(np.sort(stack, axis=0), first, 0)[0]

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return _knots(self.parts)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self._count(t, left)[0]

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self._count(t, left)[1]

    def _count(self, t: FloatArray, left: bool) -> tuple[FloatArray, FloatArray]:
        """Return P(at least k are done) and P(fewer than k are done)."""
        if self.correlation:
            return self._together(t, left)
        if self.repeat > 1:
            return _alike(self.k, self.repeat, self.parts[0], t, left)
        lots = [
            (number, votes, part.cdf(t, left), part.sf(t, left))
            for part, votes, number in self._kinds
        ]
        if len(lots) == 1 and lots[0][0] == 1:
            return lots[0][2:]
        every = sum(number * votes for number, votes, *_ in lots)
        if not self.votes and self.k in (1, every):
            done = [lot[2] for lot in lots for _ in range(lot[0])]
            open_ = [lot[3] for lot in lots for _ in range(lot[0])]
            return _none(done, open_) if self.k == 1 else _none(open_, done)[::-1]
        return _poisson_binomial(self.k, lots)

    @cached_property
    def _kinds(self) -> list[tuple[Law, int, int]]:
        """Each law with its votes, and how many parts are like that."""
        votes = self.votes or (1,) * len(self.parts)
        found: dict[tuple[int, int], list[Law]] = {}
        for part, cast in zip(self.parts, votes, strict=True):
            if cast:
                found.setdefault((id(part), cast), []).append(part)
        return [(alike[0], cast, len(alike)) for (_, cast), alike in found.items()]

    def _together(self, t: FloatArray, left: bool) -> tuple[FloatArray, FloatArray]:
        """Return the same of parts that are late together, over what they share."""
        lots = []
        for part, votes, number in self._kinds:
            done, open_ = part.cdf(t, left), part.sf(t, left)
            lots.append(
                (number, votes, *integrals.at_levels(done, open_, self.correlation))
            )
        both = _poisson_binomial(self.k, lots)
        return both[0] @ integrals.LEVELS, both[1] @ integrals.LEVELS

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return self._found(p, q, 2e-16)

    def nearly(self, p: FloatArray, q: FloatArray) -> FloatArray:
        """Return quantiles that are right to a hundredth."""
        return self._found(p, q, 0.01)

    def _found(self, p: FloatArray, q: FloatArray, near: float) -> FloatArray:
        # between the first at p / n and the last at q / n (union bound)
        n = len(self.parts) * self.repeat
        low = [part.quantile(p / n, 1 - p / n) for part in self.parts]
        high = [part.quantile(1 - q / n, q / n) for part in self.parts]
        least = np.minimum.reduce(np.broadcast_arrays(*low))
        most = np.maximum.reduce(np.broadcast_arrays(*high))
        return laws.search(self, p, q, least, most, near=near)

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        drawn = [p.sample(size, rng) for p in self.parts for _ in range(self.repeat)]
        if self.correlation:
            drawn = self._drawn(size, rng)
        return np.asarray(np.partition(np.stack(drawn), self.k - 1, axis=0)[self.k - 1])

    def _drawn(
        self, size: tuple[int, ...], rng: np.random.Generator
    ) -> list[FloatArray]:
        from scipy.special import ndtr

        lift, own = self.correlation**0.5, (1 - self.correlation) ** 0.5
        shared = lift * rng.standard_normal(size)
        scores = [shared + own * rng.standard_normal(size) for _ in self.parts]
        pairs = zip(self.parts, scores, strict=True)
        return [part.quantile(ndtr(z), ndtr(-z)) for part, z in pairs]


def _none(
    done: list[FloatArray], open_: list[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return P(any done) and P(none done), both without cancellation."""
    none = np.asarray(np.prod(np.broadcast_arrays(*open_), axis=0))
    with np.errstate(divide="ignore"):
        logs = sum(np.log1p(-np.asarray(f)) for f in done)
    few = np.asarray(-np.expm1(logs))
    return np.where(none < 0.5, 1 - none, few), none


def _alike(
    k: int, n: int, part: Law, t: FloatArray, left: bool
) -> tuple[FloatArray, FloatArray]:
    from scipy.special import betainc

    done, open_ = part.cdf(t, left), part.sf(t, left)
    at_least = np.asarray(betainc(k, n - k + 1, np.minimum(done, 1)))
    return at_least, np.asarray(betainc(n - k + 1, k, np.minimum(open_, 1)))


def _poisson_binomial(
    k: int, lots: Sequence[tuple[int, int, FloatArray, FloatArray]]
) -> tuple[FloatArray, FloatArray]:
    """Return P(at least k votes) and P(fewer) of lots of alike independent voters.

    A lot is how many they are, the votes of each, and P(done) and P(open).
    """
    shape = np.broadcast_shapes(*(done.shape for _, _, done, _ in lots))
    some = [np.ones(shape), *(np.zeros(shape) for _ in range(k - 1))]  # of j votes
    enough = np.zeros(shape)
    for number, votes, done, open_ in lots:
        each = [
            comb(number, i) * done**i * open_ ** (number - i) for i in range(number + 1)
        ]
        least = [-(-(k - j) // votes) for j in range(k)]  # of the lot, to be enough
        for j, more in enumerate(least):
            if more <= number:
                enough = enough + some[j] * sum(each[more:])
        fits = [range(min(number, j // votes) + 1) for j in range(k)]
        some = [
            np.sum([some[j - i * votes] * each[i] for i in fits[j]], axis=0)
            for j in range(k)
        ]
    return enough, np.asarray(np.sum(some, axis=0))
