"""The laws of wait and response in M/G/1, in order of arrival.

Phase-type service gives a phase-type wait, constant service a sum of positive terms;
every other law is inverted numerically from the transform of Pollaczek and Khinchine.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hamodel import duration
from hamodel.duration import law as laws
from hamodel.queueing import _md1, _numeric, _phases, _transform

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration
    from hamodel.duration.law import Law


def wait(arrival: float, service: Duration) -> Duration:
    """Return the wait at this arrival rate, below saturation."""
    phases = service.phases
    if phases is None or phases[0].sum() < 1 - 1e-12:
        return duration.Duration(InOrder(arrival, service.law, served=False))
    return duration.phase_type(*_phases.wait(arrival, *phases))


def response(arrival: float, service: Duration) -> Duration:
    """Return the response at this arrival rate, below saturation."""
    phases = service.phases
    if phases is None or phases[0].sum() < 1 - 1e-12:
        return duration.Duration(InOrder(arrival, service.law, served=True))
    return duration.phase_type(*_phases.chain(_phases.wait(arrival, *phases), phases))


@dataclass(frozen=True, eq=False)
class InOrder(laws.Usual):
    """Wait, or wait and service, of M/G/1 (a law as `hamodel.duration` asks for)."""

    arrival: float
    service: Law
    served: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    @property
    def name(self) -> str:
        kind = "response" if self.served else "wait"
        return f"{kind} of M/G/1({self.arrival:.4g}/s, {self.service.name})"

    @property
    def load(self) -> float:
        return self.arrival * float(self.service.mean)

    @property
    def mean(self) -> float:
        return self.moment(1)

    @property
    def var(self) -> float:
        own = float(self.service.var) if self.served else 0.0
        third = self.arrival * self.service.moment(3) / (3 * (1 - self.load))
        return own + float(third) + self._wait_moments(1)[1] ** 2

    @property
    def support(self) -> tuple[float, float]:
        return (float(self.service.support[0]) if self.served else 0.0), np.inf

    @property
    def knots(self) -> tuple[float, ...]:
        """Where the law jumps or bends: after steady services, after no wait."""
        low, high = (float(x) for x in self.service.support)
        if low == high:
            return tuple((k + self.served) * low for k in range(3))
        return tuple(float(k) for k in self.service.knots) if self.served else (0.0,)

    def moment(self, order: int) -> float:
        waits = self._wait_moments(order)
        if not self.served:
            return waits[order]
        works = [1.0, *(float(self.service.moment(k)) for k in range(1, order + 1))]
        return sum(
            comb(order, k) * waits[order - k] * works[k] for k in range(order + 1)
        )

    def _wait_moments(self, order: int) -> list[float]:
        """Takacs's recursion (Kleinrock 1975, equation 5.112)."""
        waits = [1.0]
        for n in range(1, order + 1):
            more = (
                comb(n, i) * float(self.service.moment(i + 1)) / (i + 1) * waits[n - i]
                for i in range(1, n + 1)
            )
            waits.append(self.arrival / (1 - self.load) * sum(more))
        return waits

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        return np.where(np.asarray(t) < 0, 0.0, 1 - self.sf(t, left))

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        t = np.asarray(t, float)
        low, high = (float(x) for x in self.service.support)
        start = low if self.served else 0.0
        since = np.maximum(t - start, 0.0)
        if low == high:
            tail = _md1.wait_sf(self.load, np.where(np.isinf(since), 0, since) / high)
        else:
            tail = self._behind(since)
            if self.served:  # found nobody: the service alone, with its jumps
                tail = tail + (1 - self.load) * self.service.sf(t, left)
        before = t <= 0 if left and not self.served else t < start
        inside = np.where(np.isinf(t), 0.0, np.minimum(tail, 1))
        return np.asarray(np.where(before, 1.0, inside))

    def _behind(self, since: FloatArray) -> FloatArray:
        """P(waits, X - least value > since), by Euler inversion."""
        at = np.where(np.isfinite(since) & (since > 0), since, 1.0)

        def tail(s: FloatArray) -> Quantity:
            rest, shift = _transform.split(self.service, s)
            late = self._waits(s, rest * np.exp(-shift)) - (1 - self.load)
            return (self.load - (late * rest if self.served else late)) / s

        found = np.clip(_numeric.invert(tail, at), 0.0, self.load)
        return np.asarray(np.where(since > 0, found, self.load))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        p, q = np.broadcast_arrays(p, q)
        answer = _numeric.upper_quantile(self.sf, q, np.full(q.shape, self.mean))
        return np.asarray(np.maximum(np.asarray(answer), self.support[0]))

    def excess(self, t: FloatArray) -> FloatArray:
        """E max(X - t, 0): the integral of the tail, inverted in the same way."""
        t = np.asarray(t, float)
        at = np.where(np.isfinite(t) & (t > 0), t, 1.0)
        mean = self.mean

        def more(s: FloatArray) -> Quantity:
            rest, shift = _transform.split(self.service, s)
            work = rest * np.exp(-shift)
            waits = self._waits(s, work)
            return (mean - (1 - (waits * work if self.served else waits)) / s) / s

        inside = _numeric.invert(more, at)
        inside = np.clip(inside, 0.0, mean)
        inside = np.where(t > 0, inside, mean - t)
        return np.asarray(np.where(np.isinf(t), 0.0, inside))

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Geometrically many residual services, and then one's own."""
        count = rng.geometric(1 - self.load, size) - 1
        found = duration.Duration(self.service).residual()
        parts = found.sample(int(count.sum()), rng)
        ends = np.cumsum(count.ravel())
        total = np.concatenate([[0.0], np.cumsum(parts)])
        waits = (total[ends] - total[ends - count.ravel()]).reshape(size)
        own = self.service.sample(size, rng) if self.served else 0.0
        return np.asarray(waits + own)

    def lst(self, s: Quantity) -> Quantity:
        work = self.service.lst(s)
        waits = self._waits(s, work)
        return waits * work if self.served else waits

    def _waits(self, s: Quantity, work: Quantity) -> Quantity:
        """Transform of the wait: geometrically many residual services."""
        residual = (1 - work) / (s * self.service.mean)
        return (1 - self.load) / (1 - self.load * residual)
