"""Wait and response of M/M/c: with some probability an exponential wait, a service."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial
from typing import NamedTuple

import numpy as np

from hamodel._types import FloatArray, Quantity
from hamodel.duration import integrals


class Parts(NamedTuple):
    """A wait (with probability `waits`, at rate `spare`) before a service (`rate`)."""

    waits: FloatArray
    rate: FloatArray
    spare: FloatArray


@dataclass(frozen=True, eq=False)
class Delay(integrals.Usual):
    """The wait, or wait and service, as a law in closed form (arrays of one shape)."""

    waits: FloatArray
    rate: FloatArray
    spare: FloatArray
    served: bool
    closed = True

    @property
    def shape(self) -> tuple[int, ...]:
        return self.waits.shape

    @property
    def name(self) -> str:
        return f"M/M/c {'response' if self.served else 'wait'}"

    @property
    def phases(self) -> tuple[FloatArray, FloatArray]:
        """Start probabilities and rates of its phase-type form."""
        size = 1 + self.served
        rates = np.zeros((*self.shape, size, size))
        rates[..., 0, 0] = -self.spare
        start = self.waits[..., None]
        if self.served:
            rates[..., 0, 1], rates[..., 1, 1] = self.spare, -self.rate
            start = np.concatenate([start, 1 - start], axis=-1)
        return start, rates

    @property
    def mean(self) -> Quantity:
        return self.moment(1)

    @property
    def var(self) -> Quantity:
        own = self.served / self.rate**2
        return (self.waits * (2 - self.waits) / self.spare**2 + own)[()]

    @property
    def knots(self) -> tuple[Quantity, ...]:
        return () if self.served else (0.0,)

    def moment(self, order: int) -> Quantity:
        total = 0.0 * self.waits
        for k in range(order + 1) if self.served else (order,):
            wait = self.waits * factorial(k) / self.spare**k if k else 1.0
            work = factorial(order - k) / self.rate ** (order - k)
            total = total + comb(order, k) * wait * work
        return total[()]

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        at = np.maximum(t, 0.0)
        if self.served:
            both = _both_done(self._parts, at)
            found = (1 - self.waits) * -np.expm1(-self.rate * at) + self.waits * both
        else:
            found = (1 - self.waits) - self.waits * np.expm1(-self.spare * at)
        return np.where(t <= 0 if left else t < 0, 0.0, found)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        at = np.maximum(t, 0.0)
        found = self.waits * np.exp(-self.spare * at)
        if self.served:
            found = response(self._parts, at)[0]
        return np.where(t <= 0 if left else t < 0, 1.0, found)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            goal = np.where(q < 0.5, np.log(q), np.log1p(-p))
        if self.served:
            return response_quantile(self._parts, goal)
        with np.errstate(divide="ignore", invalid="ignore"):
            late = (np.log(self.waits) - goal) / self.spare
        return np.where(self.waits > 0, np.maximum(late, 0.0), 0.0)

    def excess(self, t: FloatArray) -> FloatArray:
        at = np.maximum(t, 0.0)
        waiting = self.waits * np.exp(-self.spare * at)
        found = waiting / self.spare
        if self.served:  # whoever still waits has a service ahead
            found = found + response(self._parts, at)[0] / self.rate
        return np.asarray(found + np.maximum(-np.asarray(t), 0.0))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        late = rng.random(size) < self.waits
        drawn = late * rng.standard_exponential(size) / self.spare
        own = rng.standard_exponential(size) / self.rate if self.served else 0.0
        return np.asarray(drawn + own)

    def lst(self, s: Quantity) -> Quantity:
        wait = 1 - self.waits + self.waits * self.spare / (self.spare + s)
        return wait * self.rate / (self.rate + s) if self.served else wait

    @property
    def _parts(self) -> Parts:
        return Parts(self.waits, self.rate, self.spare)


def _both_done(parts: Parts, t: FloatArray) -> FloatArray:
    """P(wait + service <= t) of those who wait: a series while it is small."""
    _, rate, spare = parts
    slow, fast = np.minimum(rate, spare), np.maximum(rate, spare)
    whole = 1 - response(parts._replace(waits=np.ones_like(rate)), t)[0]
    x, y = slow * t, fast * t
    sums = [sum(x**i * y ** (n - i) for i in range(n + 1)) for n in range(5)]
    terms = (sums[n] * (-1) ** n * 2 / factorial(n + 2) for n in range(5))
    return np.where(y < 0.02, x * y / 2 * sum(terms), whole)


def response(parts: Parts, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Survival function and density of the response time.

    Written with the smaller of the two rates in front and (1 - e^-x)/x behind, so
    that equal rates are no special case and nothing overflows.
    """
    from scipy.special import exprel

    waits, rate, spare = parts
    slow = np.minimum(rate, spare)
    gap = exprel(-np.abs(spare - rate) * t)
    quick, late = np.exp(-rate * t), np.exp(-slow * t)
    sf = (1 - waits) * quick + waits * late * (1 + slow * t * gap)
    density = (1 - waits) * rate * quick + waits * rate * spare * t * late * gap
    return sf, density


def response_quantile(parts: Parts, goal: FloatArray) -> FloatArray:
    """Safeguarded Newton steps to a goal of log sf, all scenarios at once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = (np.log(parts.waits) - goal) / parts.spare
    inner = np.isfinite(goal) & (goal < 0)
    aim = np.where(inner, goal, -1.0)
    low = np.maximum(-aim / parts.rate, np.where(inner, np.maximum(wait, 0.0), 0.0))
    high = np.full(low.shape, np.inf)
    t = low
    for _ in range(60):
        sf, density = response(parts, t)
        above = np.log(sf) - aim
        new = t + above * sf / np.where(density > 0, density, 1.0)
        low, high = np.where(above >= 0, t, low), np.where(above <= 0, t, high)
        if np.any(out := (new < low) | (new > high)):
            middle = np.where(high < np.inf, (low + high) / 2, 2 * t)
            new = np.where(out, middle, new)
        # convergence is quadratic: after a step of 1e-9 the error is at rounding
        done = not np.any(np.abs(new - t) > 1e-9 * new) and not np.any(out)
        t = new
        if done:
            break
    return np.where(inner, t, np.where(goal < 0, np.inf, 0.0))
