"""Laws made of laws: first and last of several, the k-th of n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._mixture import knots_of
from hamodel.duration._normal import ndtr
from hamodel.duration.law import Law


def _listed(parts: tuple[Law, ...]) -> str:
    names = [part.name for part in parts]
    if len(names) > 1 and len(set(names)) == 1:
        return f"{len(names)} x {names[0]}"
    return ", ".join(names)


@dataclass(frozen=True, eq=False)
class KthOf(integrals.Usual):
    """The k-th to finish of several parts; all alike, or each its own.

    `repeat` is the number of copies of a single part; of several parts it is 1.  With
    `votes`, parts count as many times, and k votes are waited for.  With a
    `correlation` of normal scores, one for each part, they are late together.
    """

    k: int
    parts: tuple[Law, ...]
    repeat: int
    votes: tuple[int, ...] = ()
    correlation: tuple[float, ...] = ()

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
        return knots_of(self.parts)

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
            for part, votes, _, number in self._kinds
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
    def _kinds(self) -> list[tuple[Law, int, float, int]]:
        """Each law, its votes, its correlation, and how many parts are like that."""
        votes = self.votes or (1,) * len(self.parts)
        late = self.correlation or (0.0,) * len(self.parts)
        found: dict[tuple[int, int, float], list[Law]] = {}
        for part, cast, own in zip(self.parts, votes, late, strict=True):
            if cast:
                found.setdefault((id(part), cast, own), []).append(part)
        return [(alike[0], *key[1:], len(alike)) for key, alike in found.items()]

    def _together(self, t: FloatArray, left: bool) -> tuple[FloatArray, FloatArray]:
        """Return the same of parts that are late together, over what they share."""
        lots = []
        for part, votes, late, number in self._kinds:
            done, open_ = part.cdf(t, left), part.sf(t, left)
            lots.append((number, votes, *integrals.at_levels(done, open_, late)))
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
        shared = rng.standard_normal(size)
        scores = [
            late**0.5 * shared + (1 - late) ** 0.5 * rng.standard_normal(size)
            for late in self.correlation
        ]
        pairs = zip(self.parts, scores, strict=True)
        return [part.quantile(ndtr(z), ndtr(-z)) for part, z in pairs]


def _none(
    done: list[FloatArray], open_: list[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return P(any done) and P(none done), both without cancellation."""
    none = np.asarray(np.prod(np.broadcast_arrays(*open_), axis=0))
    with np.errstate(divide="ignore"):
        logs = sum(np.log1p(-np.minimum(f, 1)) for f in done)
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
