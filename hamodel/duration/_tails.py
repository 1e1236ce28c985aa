"""Laws for what formulas of the mean do not describe: heavy tails and samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel.duration import law as laws
from hamodel.duration._families import minus_log, plain, show

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, eq=False)
class Weibull:
    """Weibull's law: P(X > t) = exp(-(t / scale)^k)."""

    k: Quantity
    scale: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.k, self.scale)

    @property
    def name(self) -> str:
        return f"weibull(shape={plain(self.k)}, scale={show(self.scale)})"

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        from scipy.special import gammaln

        # E X^2 / (E X)^2 - 1 through expm1: no difference of squares.
        k = np.asarray(self.k, float)
        excess = np.expm1(gammaln(1 + 2 / k) - 2 * gammaln(1 + 1 / k))
        return self.moment(1) ** 2 * excess

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return 0.0, np.inf

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return ()

    def moment(self, order: int) -> Quantity:
        from scipy.special import gamma

        return self.scale**order * gamma(1 + order / np.asarray(self.k, float))

    def _x(self, t: FloatArray) -> FloatArray:
        return np.asarray((np.maximum(t, 0) / self.scale) ** self.k)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(-np.expm1(-self._x(t)))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(np.exp(-self._x(t)))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self.scale * minus_log(p, q) ** (1 / np.asarray(self.k)))

    def excess(self, t: FloatArray) -> FloatArray:
        from scipy.special import gammaincc

        first = self.mean * gammaincc(1 + 1 / np.asarray(self.k, float), self._x(t))
        second = np.where(np.isinf(t), 0, np.maximum(t, 0)) * self.sf(t)
        return np.asarray(np.maximum(first - second, 0) + np.maximum(-t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(self.scale * rng.weibull(self.k, size))

    def lst(self, s: Quantity) -> Quantity:
        return laws.transform(self, s)


@dataclass(frozen=True, eq=False)
class Pareto:
    """Pareto's law: P(X > t) = (scale / t)^alpha above the scale."""

    scale: Quantity
    alpha: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.scale, self.alpha)

    @property
    def name(self) -> str:
        return f"pareto(scale={show(self.scale)}, alpha={plain(self.alpha)})"

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        alpha = np.asarray(self.alpha, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.scale**2 * alpha / ((alpha - 1) ** 2 * (alpha - 2))
        return np.where(alpha > 2, value, np.inf)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return self.scale, np.inf

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return (self.scale,)

    def moment(self, order: int) -> Quantity:
        alpha = np.asarray(self.alpha, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = alpha * np.asarray(self.scale) ** order / (alpha - order)
        return np.where(alpha > order, value, np.inf)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        beyond = np.log(np.maximum(t, self.scale) / self.scale)
        return np.asarray(-np.expm1(-self.alpha * beyond))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray((self.scale / np.maximum(t, self.scale)) ** self.alpha)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self.scale * np.exp(minus_log(p, q) / self.alpha))

    def excess(self, t: FloatArray) -> FloatArray:
        u = np.maximum(t, self.scale)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            alpha = np.asarray(self.alpha, float)
            tail = u * (self.scale / u) ** alpha / (alpha - 1)
        tail = np.where(np.isinf(u), 0, tail)
        return np.where(alpha > 1, tail + np.maximum(self.scale - t, 0), np.inf)

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(self.scale * np.exp(rng.exponential(size=size) / self.alpha))

    def lst(self, s: Quantity) -> Quantity:
        return laws.transform(self, s)


@dataclass(frozen=True, eq=False)
class Empirical:
    """The law of a sample: each of n sorted values has mass 1/n."""

    values: FloatArray
    closed = True

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Empirical:
        """Return itself: a sample is never a stack."""
        del index, shape
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    @property
    def name(self) -> str:
        return f"empirical({len(self.values)} samples, mean={show(self.mean)})"

    @property
    def mean(self) -> Quantity:
        return float(self.values.mean())

    @property
    def var(self) -> Quantity:
        return float(self.values.var())

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return float(self.values[0]), float(self.values[-1])

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return tuple(float(v) for v in np.unique(self.values))

    def moment(self, order: int) -> Quantity:
        return float((self.values**order).mean())

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        below = np.searchsorted(self.values, t, "left" if left else "right")
        return np.asarray(below / len(self.values))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        n = len(self.values)
        below = np.searchsorted(self.values, t, "left" if left else "right")
        return np.asarray((n - below) / n)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        n = len(self.values)
        # the count that must lie at or below, from the side that is exact
        count = np.where(
            p < 0.5, np.ceil(p * n * (1 - 1e-15)), n - np.floor(q * n * (1 + 1e-15))
        )
        return np.asarray(self.values[np.clip(count.astype(int), 1, n) - 1])

    def excess(self, t: FloatArray) -> FloatArray:
        n = len(self.values)
        above = np.append(np.cumsum(self.values[::-1])[::-1], 0.0) / n
        first = np.searchsorted(self.values, t, "right")
        share = (n - first) / n
        with np.errstate(invalid="ignore"):
            less = np.where(share > 0, share * t, 0)
        return np.asarray(np.maximum(above[first] - less, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.choice(self.values, size))

    def lst(self, s: Quantity) -> Quantity:
        return np.exp(-np.multiply.outer(s, self.values)).mean(axis=-1)
