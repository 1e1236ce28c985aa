"""The laws of wait and response in M/G/1, in order of arrival.

Phase-type service gives a phase-type wait, constant service a sum of positive terms;
every other law is inverted numerically from the transform of Pollaczek and Khinchine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np

from hamodel import duration
from hamodel._quadrature import panels
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, integrals
from hamodel.duration.law import Law
from hamodel.queueing import _numeric, _phases


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
class InOrder(integrals.Usual):
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
            tail = constant_wait_sf(
                self.load, np.where(np.isinf(since), 0, since) / high
            )
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
            rest, shift = transform_of(self.service, s)
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
            rest, shift = transform_of(self.service, s)
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


# ---- constant service ---------------------------------------------------------------


_FAR = 1000  # service times after which only one exponential is left
_SMALLEST = 1e-290  # probability below which floats lose digits


def constant_wait_sf(load: float, turns: FloatArray) -> FloatArray:
    """P(wait > turns service times) in M/D/1 at this load, below 1.

    Erlang's sum of 1909 alternates and loses all digits a few service times out.
    Counting instead whom an arrival finds, and who of them is through, has no minus
    sign: Franx (2001), A simple solution for the M/D/c waiting time distribution,
    Operations Research Letters 29(5), 221-229, here for one server and the complement.
    """
    turns = np.asarray(turns, float)
    if load == 0:
        return np.zeros(turns.shape)
    near = np.minimum(turns, _FAR - 1 + turns % 1)
    answer = _near_sf(load, near)
    if np.any(beyond := turns > near):
        ends = _near_sf(load, np.array([_FAR - 1.0, _FAR]))
        steps = (turns - near)[beyond]
        fall = ends[1] / ends[0] if ends[0] else 0.0
        answer[beyond] *= fall**steps
    return answer


def _near_sf(load: float, turns: FloatArray) -> FloatArray:
    """Sum over the arrivals j in the last part of a service time.

    With k service times begun by then, the wait is over unless j or more of the k are
    needed for later arrivals: P(N > k - j found), or j >= k.
    """
    from scipy.special import gammainc

    begun = np.floor(turns).astype(int) + 1
    tail = number_tail(load, int(begun.max(initial=1)) + 1)
    answer = np.empty(turns.shape)
    for i in np.ndindex(turns.shape):
        k = int(begun[i])
        mean = load * (k - turns[i])
        j = np.arange(k)
        weights = np.exp(_numeric.log_poisson(j, mean))
        answer[i] = weights @ tail[k - j + 1] + gammainc(k, mean)
    return answer


def number_tail(load: float, most: int) -> FloatArray:
    """P(N >= n) for n = 0..most in M/D/1, each to relative accuracy.

    Ramaswami's recursion for M/G/1 chains (1988, Stochastic Models 4(1), 183-188):
    from one level to the next with positive terms only.  Beyond the last level kept
    the row is geometric.
    """
    from scipy.special import gammainc

    size = most + 60
    above = gammainc(np.arange(1.0, size + 2), load)  # P(at least v arrive), v = 1...
    states = np.empty(size + 1)
    states[0] = 1 - load
    for n in range(1, size + 1):
        rise = states[1:n] @ above[n - 1 : 0 : -1]
        states[n] = (states[0] * above[n - 1] + rise) * np.exp(load)
    if not states[-1] > _SMALLEST:  # too rare for a float: go on geometrically
        last = int(np.flatnonzero(states > _SMALLEST)[-1])
        ratio = states[last] / states[last - 1]
        states[last:] = states[last] * ratio ** np.arange(size + 1 - last)
    else:
        ratio = states[-1] / states[-2]
    rest = states[-1] * ratio / (1 - ratio)
    tail: FloatArray = np.cumsum(np.append(states, rest)[::-1])[::-1][: most + 1]
    return tail


# ---- transforms of a service time ---------------------------------------------------


def transform_of(law: Law, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return E exp(-s (X - low)) and s low, low being the least value of X.

    `s` is complex; its first axis runs over nodes of one real part.  The algorithm of
    Euler multiplies what it is given by 10^5, so that a transform good to five digits
    gives none back.  E exp(-s X) is 1 - s times the integral of exp(-s t) P(X > t);
    with y = t Re(s) the weight exp(-y) is gone at 40, and panels shorter than a turn of
    exp(-i y Im(s)/Re(s)) make the integral exact to rounding.  The panels suit nodes of
    Im(s)/Re(s) up to 10; for others ask the law's own `lst`.
    """
    low = float(law.support[0])
    knots = [float(k) - low for k in law.knots if low < float(k) < np.inf]
    flat = s.reshape(len(s), -1)
    pace = flat[0].real
    if knots:  # panels end where the law jumps, at other places for each pace
        columns = [
            _integral(law, flat[:, i : i + 1], _edges(tuple(k * p for k in knots)))
            for i, p in enumerate(pace)
        ]
        total = np.concatenate(columns, axis=1) if columns else flat * 0
    else:
        total = _integral(law, flat, _edges(()))
    return (1 - total).reshape(s.shape), s * low


@lru_cache(maxsize=64)
def _edges(knots: tuple[float, ...]) -> FloatArray:
    """Return ends of panels in y: narrow near 0, where tails may bend like a root."""
    fine = 0.4 * 4.0 ** -np.arange(20.0, 0.0, -1)
    even = np.arange(1, 101) * 0.4
    return np.unique(np.concatenate([[0.0], fine, even, [k for k in knots if k < 40]]))


def _integral(law: Law, s: FloatArray, edges: FloatArray) -> FloatArray:
    """S times the integral of exp(-s t) P(X - low > t), s of shape (nodes, n)."""
    y, weight = panels(edges, 10)
    pace = s[0].real
    tails = law.sf(float(law.support[0]) + y[:, None] / pace)
    turn = s[:, :1] / pace[:1]  # 1 + i Im/Re, the same for every pace
    kernel = np.exp(-turn * y) * weight
    answer: FloatArray = turn * (kernel @ tails)
    return answer
