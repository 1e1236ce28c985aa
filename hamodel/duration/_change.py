"""Laws changed: scaled, shifted, cut, and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._families import plain, show
from hamodel.duration.law import Law


@dataclass(frozen=True, eq=False)
class Affine(integrals.Usual):
    """`factor` times the law, `shift` later.  The shift may be negative."""

    law: Law
    factor: Quantity
    shift: Quantity

    @property
    def closed(self) -> bool:
        return self.law.closed

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.law, self.factor, self.shift)

    @property
    def name(self) -> str:
        one = np.ndim(self.factor) == 0 and self.factor == 1
        core = self.law.name if one else f"{plain(self.factor)} * {self.law.name}"
        none = np.ndim(self.shift) == 0 and self.shift == 0
        return core if none else f"{core} + {show(self.shift)}"

    @property
    def mean(self) -> Quantity:
        return self.factor * self.law.mean + self.shift

    @property
    def var(self) -> Quantity:
        return self.factor**2 * self.law.var + 0 * self.shift

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        low, high = self.law.support
        return self._out(low), self._out(high)

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return tuple(self._out(knot) for knot in self.law.knots)

    def _out(self, x: Quantity) -> Quantity:
        return self.factor * x + self.shift

    def _in(self, t: Quantity) -> Quantity:
        return (t - self.shift) / self.factor

    def moment(self, order: int) -> Quantity:
        terms = (
            comb(order, i)
            * self.factor**i
            * self.law.moment(i)
            * self.shift ** (order - i)
            for i in range(1, order + 1)
        )
        return self.shift**order + sum(terms)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self.law.cdf(self._in(t), left)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return self.law.sf(self._in(t), left)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self._out(self.law.quantile(p, q)))

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self.factor * self.law.excess(self._in(t)))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(self._out(self.law.sample(size, rng)))

    def lst(self, s: Quantity) -> Quantity:
        return np.exp(-s * self.shift) * self.law.lst(s * self.factor)


@dataclass(frozen=True, eq=False)
class Residual(integrals.Usual):
    """What is left at a random moment: density P(X > t) / E X."""

    law: Law

    @property
    def shape(self) -> tuple[int, ...]:
        return self.law.shape

    @property
    def name(self) -> str:
        return f"residual({self.law.name})"

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        return self.moment(2) - self.moment(1) ** 2

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return 0.0, self.law.support[1]

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return self.law.knots

    def moment(self, order: int) -> Quantity:
        return self.law.moment(order + 1) / ((order + 1) * self.law.mean)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.maximum(1 - self.sf(t), 0)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        share = self.law.excess(np.maximum(t, 0)) / self.law.mean
        return np.asarray(np.minimum(share, 1))

    def lst(self, s: Quantity) -> Quantity:
        return (1 - self.law.lst(s)) / (s * self.law.mean)
