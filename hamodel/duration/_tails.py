"""Laws for what formulas of the mean do not describe: heavy tails and samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._families import minus_log, plain, show


@dataclass(frozen=True, eq=False)
class Weibull(integrals.Usual):
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


@dataclass(frozen=True, eq=False)
class Pareto(integrals.Usual):
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


@dataclass(frozen=True, eq=False)
class Empirical(integrals.Usual):
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


@dataclass(frozen=True, eq=False)
class Tabulated(integrals.Usual):
    """A law whose tail is given at some times, and straight between them."""

    times: FloatArray  # rising
    tail: FloatArray  # falling to 0; P(X = first time) is what it lacks to 1 there
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    @property
    def name(self) -> str:
        return f"tabulated({len(self.times)} times, mean={show(self.mean)})"

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        low, high = self.times[:-1] - self.mean, self.times[1:] - self.mean
        inside = (low**2 + low * high + high**2) / 3
        first = (1 - self.tail[0]) * (self.times[0] - self.mean) ** 2
        return float(first - np.diff(self.tail) @ inside)

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return float(self.times[0]), float(self.times[-1])

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return (float(self.times[0]), float(self.times[-1]))

    def moment(self, order: int) -> Quantity:
        powers = np.stack(
            [
                self.times[:-1] ** k * self.times[1:] ** (order - k)
                for k in range(order + 1)
            ]
        )
        first = (1 - self.tail[0]) * self.times[0] ** order
        return float(first - np.diff(self.tail) @ powers.mean(axis=0))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        inside = np.interp(t, self.times, self.tail)
        before = np.asarray(t) <= self.times[0] if left else t < self.times[0]
        return np.asarray(np.where(before, 1.0, inside))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        q = np.asarray(q) + 0 * p
        at = np.searchsorted(-self.tail, -q, "left")  # the first that is as low
        k = np.clip(at, 1, len(self.times) - 1)
        high, low = self.tail[k - 1], self.tail[k]
        share = (high - q) / np.where(high > low, high - low, 1.0)
        inside = self.times[k - 1] + share * (self.times[k] - self.times[k - 1])
        return np.asarray(np.where(at == 0, self.times[0], inside))

    def excess(self, t: FloatArray) -> FloatArray:
        # the integral of the tail from t on: of a straight piece a trapezium
        steps = np.diff(self.times)
        pieces = steps * (self.tail[1:] + self.tail[:-1]) / 2
        beyond = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)
        at = np.clip(t, self.times[0], self.times[-1])
        k = np.clip(np.searchsorted(self.times, at, "right"), 1, len(self.times) - 1)
        part = (self.times[k] - at) * (self.tail[k] + self.sf(at)) / 2
        return np.asarray(beyond[k] + part + np.maximum(self.times[0] - t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        u = rng.random(size)
        return self.quantile(1 - u, u)

    def lst(self, s: Quantity) -> Quantity:
        s = np.asarray(s)[..., None]
        steps = s * np.diff(self.times)
        flat = np.where(steps == 0, 1.0, steps)
        even = np.where(steps == 0, 1.0, -np.expm1(-flat) / flat)
        inside = (np.exp(-s * self.times[:-1]) * even) @ -np.diff(self.tail)
        return inside + (1 - self.tail[0]) * np.exp(-s[..., 0] * self.times[0])
