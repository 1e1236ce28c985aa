"""One of several laws, chosen by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._lots import Alike, Lot, lots

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.duration.law import Law

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
        finite = value if weight != 0 else np.where(np.isfinite(value), value, 0)
        return weight * finite
    never = weight == 0
    finite = np.where(never & ~np.isfinite(value), 0, value)
    return np.where(never, 0.0, weight * finite)
