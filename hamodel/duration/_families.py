"""The classical laws, each with its formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel import text
from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals
from hamodel.duration import law as laws
from hamodel.duration._normal import ndtr, ndtri


def show(value: Quantity) -> str:
    """Write a time parameter; of an array, its shape."""
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    return text.time(value) if isinstance(value, (int, float)) else str(value)


def plain(value: Quantity) -> str:
    shown = isinstance(value, (int, float))
    return f"{value:.4g}" if shown else show(value)


@dataclass(frozen=True, eq=False)
class Constant(integrals.Usual):
    """Always the same time."""

    value: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def name(self) -> str:
        return f"constant({show(self.value)})"

    @property
    def mean(self) -> Quantity:
        return self.value

    @property
    def var(self) -> Quantity:
        return self.value * 0

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return self.value, self.value

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return (self.value,)

    def moment(self, order: int) -> Quantity:
        return self.value**order

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(t > self.value if left else t >= self.value, float)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.asarray(t <= self.value if left else t < self.value, float)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self.value + 0.0 * (p + q))

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(self.value - t, 0.0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        del rng
        return np.full(size, self.value, float)

    def lst(self, s: Quantity) -> Quantity:
        return np.exp(-s * self.value)


@dataclass(frozen=True, eq=False)
class Uniform(integrals.Usual):
    """Equally likely anywhere between two times."""

    low: Quantity
    high: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.low, self.high)

    @property
    def name(self) -> str:
        return f"uniform({show(self.low)}, {show(self.high)})"

    @property
    def mean(self) -> Quantity:
        return (self.low + self.high) / 2

    @property
    def var(self) -> Quantity:
        return (self.high - self.low) ** 2 / 12

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        return self.low, self.high

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return self.low, self.high

    def moment(self, order: int) -> Quantity:
        a, b = self.low, self.high
        return sum(a**i * b ** (order - i) for i in range(order + 1)) / (order + 1)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(np.clip((t - self.low) / (self.high - self.low), 0, 1))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(np.clip((self.high - t) / (self.high - self.low), 0, 1))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self.low * q + self.high * p)

    def excess(self, t: FloatArray) -> FloatArray:
        inside = np.clip(t, self.low, self.high)
        before = np.maximum(self.low - t, 0)
        area = (self.high - inside) ** 2 / (2 * (self.high - self.low))
        return np.asarray(before + area)

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.uniform(self.low, self.high, size))

    def lst(self, s: Quantity) -> Quantity:
        half = s * (self.high - self.low) / 2
        with np.errstate(all="ignore"):
            shape = np.where(
                np.abs(half) < 1e-5, 1 - half + 2 / 3 * half**2, _sinhc(half)
            )
            return np.exp(-s * self.low) * shape


def _sinhc(half: Quantity) -> Quantity:
    """Return exp(-h) sinh(h) / h, scaled so that it does not overflow."""
    return -np.expm1(-2 * half) / (2 * half)


@dataclass(frozen=True, eq=False)
class Exponential(integrals.Usual):
    """Without memory: what is left never depends on what has passed."""

    mean: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.mean)

    @property
    def name(self) -> str:
        return f"exponential({show(self.mean)})"

    @property
    def var(self) -> Quantity:
        return self.mean**2

    def moment(self, order: int) -> Quantity:
        return _factorial(order) * self.mean**order

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(-np.expm1(-np.maximum(t, 0) / self.mean))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(np.exp(-np.maximum(t, 0) / self.mean))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return np.asarray(self.mean * minus_log(p, q))

    def excess(self, t: FloatArray) -> FloatArray:
        return np.asarray(self.mean * self.sf(t) + np.maximum(-t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.exponential(self.mean, size))

    def lst(self, s: Quantity) -> Quantity:
        return 1 / (1 + s * self.mean)


def _factorial(n: int) -> int:
    return 1 if n < 2 else n * _factorial(n - 1)


def minus_log(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return -log(q), from the smaller of p and q."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(p < 0.5, -np.log1p(-np.minimum(p, 0.5)), -np.log(q)))


@dataclass(frozen=True, eq=False)
class Gamma(integrals.Usual):
    """A gamma law; with a whole number of stages, Erlang's."""

    stages: Quantity
    scale: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.stages, self.scale)

    @property
    def name(self) -> str:
        whole = isinstance(self.stages, int)
        family = "erlang" if whole else "gamma"
        first = f"k={self.stages}" if whole else f"shape={plain(self.stages)}"
        return f"{family}({first}, mean={show(self.mean)})"

    @property
    def mean(self) -> Quantity:
        return self.stages * self.scale

    @property
    def var(self) -> Quantity:
        return self.stages * self.scale**2

    def moment(self, order: int) -> Quantity:
        answer = self.scale**order
        for i in range(order):
            answer = answer * (self.stages + i)
        return answer

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        from scipy.special import gammainc

        del left
        return np.asarray(gammainc(self.stages, np.maximum(t, 0) / self.scale))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        from scipy.special import gammaincc

        del left
        return np.asarray(gammaincc(self.stages, np.maximum(t, 0) / self.scale))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        from scipy.special import gammainccinv, gammaincinv

        lower, upper = gammaincinv(self.stages, p), gammainccinv(self.stages, q)
        return np.asarray(self.scale * np.where(p < 0.5, lower, upper))

    def excess(self, t: FloatArray) -> FloatArray:
        from scipy.special import gammaincc

        x = np.maximum(t, 0) / self.scale
        more = self.stages * gammaincc(self.stages + 1, x)
        inside = more - np.where(np.isinf(x), 0, x) * gammaincc(self.stages, x)
        return np.asarray(self.scale * np.maximum(inside, 0) + np.maximum(-t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.gamma(self.stages, self.scale, size))

    def lst(self, s: Quantity) -> Quantity:
        return (1 + s * self.scale) ** -self.stages


@dataclass(frozen=True, eq=False)
class Lognormal(integrals.Usual):
    """The exponential of a normal: products of many small factors."""

    mean: Quantity
    cv: Quantity
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return laws.stack_shape(self.mean, self.cv)

    @property
    def name(self) -> str:
        return f"lognormal(mean={show(self.mean)}, cv={plain(self.cv)})"

    @property
    def var(self) -> Quantity:
        return (self.cv * self.mean) ** 2

    @property
    def _sigma(self) -> FloatArray:
        return np.asarray(np.sqrt(np.log1p(np.square(self.cv))))

    def _z(self, t: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            log = np.log(np.maximum(t, 0) / self.mean)
        return np.asarray(log / self._sigma + self._sigma / 2)

    def moment(self, order: int) -> Quantity:
        return self.mean**order * (1 + self.cv**2) ** (order * (order - 1) // 2)

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(ndtr(self._z(t)))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        del left
        return np.asarray(ndtr(-self._z(t)))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        z = np.where(p < 0.5, ndtri(p), -ndtri(q))
        sigma = self._sigma
        return np.asarray(self.mean * np.exp(sigma * (z - sigma / 2)))

    def excess(self, t: FloatArray) -> FloatArray:
        z = self._z(t)
        first = self.mean * ndtr(self._sigma - z)
        second = np.where(np.isinf(t), 0, np.maximum(t, 0)) * ndtr(-z)
        return np.asarray(np.maximum(first - second, 0) + np.maximum(-t, 0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        sigma = self._sigma
        z = rng.standard_normal(size)
        return np.asarray(self.mean * np.exp(sigma * (z - sigma / 2)))
