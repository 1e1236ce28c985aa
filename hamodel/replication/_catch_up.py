"""After an outage or a burst: how long a replica needs to be up to date again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hamodel import _check, _html, duration, fields, text
from hamodel._quadrature import edges_of, unit
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, integrals
from hamodel.replication._stage import number, plain


@fields.specification
class CatchUp:
    """A replica that received nothing for a while, and then everything.

    Notes
    -----
    While the replica catches up, the lag falls in a straight line from `outage` to
    zero, at (1 - load) / load seconds per second; so the outage is felt for
    outage / (1 - load) altogether.  Chance hardly matters: what has piled up is many
    writes.  Its law, for writes that pile up on an idle replica: the work of the
    time u = outage + t is a compound Poisson sum Y(u), and the replica is done at t
    with density outage / u times the density of Y(u) at t (Kendall's identity; Takacs
    1967, Combinatorial Methods in the Theory of Stochastic Processes, section 12).

    Examples
    --------
    Ten minutes without replication, at 900 of 1000 writes/s, are felt for 90 more:

    >>> pause = CatchUp(writes=900, service=0.001, outage=600.0)
    >>> round(pause.mean / 60, 6), round(pause.std / 60, 2)
    (90.0, 0.55)
    >>> pause.lag([0.0, 2700.0, 5400.0]).round(9)
    array([600., 300.,   0.])
    >>> round(pause.time.quantile(0.99) / 60, 2)
    91.28
    """

    writes: Quantity = fields.rate("writes, a Poisson stream that never stops")
    service: Quantity = fields.span("mean time, exponential, to apply one write")
    outage: Quantity = fields.time("time for which nothing arrived")

    @property
    def backlog(self) -> Quantity:
        """Mean number of writes that wait when the link is back."""
        return number(self.writes) * self.outage

    @property
    def mean(self) -> Quantity:
        """Mean time in s until nothing waits; infinite from load 1 on."""
        load = number(self.writes) * self.service
        if _check.is_symbolic(load) or _check.is_symbolic(self.outage):
            return load * self.outage / (1 - load)
        rho, pause = np.asarray(load), np.asarray(self.outage)
        spare = np.where(rho < 1, 1 - rho, 1.0)
        endless = (rho >= 1) & (pause > 0)
        return plain(np.where(endless, np.inf, rho * pause / spare))

    @property
    def var(self) -> Quantity:
        """Variance in s^2 of that time; infinite from load 1 on.

        As many independent busy periods follow each other as writes have piled up.
        """
        load = number(self.writes) * self.service
        work = 2 * number(self.writes) * self.service**2 * self.outage
        if _check.is_symbolic(work):
            return work / (1 - load) ** 3
        spare = np.where(np.asarray(load) < 1, 1 - np.asarray(load), 1.0)
        return plain(np.where(np.asarray(load) < 1, work / spare**3, np.inf))

    @property
    def std(self) -> Quantity:
        """Standard deviation in s of that time."""
        return self.var**0.5

    @property
    def felt(self) -> Quantity:
        """Mean time in s from the start of the outage until nothing waits."""
        return self.mean + self.outage

    def lag(self, t: Quantity) -> Quantity:
        """Return the lag t after the link came back, as of a fluid.

        Parameters
        ----------
        t : array_like
            Times in s.

        Returns
        -------
        float or ndarray
            Lag in s of what is being applied; it grows without end from load 1 on.
        """
        _check.non_negative(t=t)
        load = np.asarray(number(self.writes) * self.service, float)
        at = np.asarray(t, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            lag = self.outage - at * (1 - load) / load
        return plain(np.where(load > 0, np.maximum(lag, 0.0), 0.0))

    @property
    def time(self) -> Duration:
        """Time until nothing waits, as a law (OverloadError from load 1 on)."""
        from hamodel.queueing import OverloadError

        given = (self.writes, self.service, self.outage)
        rate, mean, outage = map(float, given)
        if rate * mean >= 1:
            raise OverloadError(rate * mean)
        if rate * outage == 0:
            return duration.constant(0.0)
        return Duration(Drain(rate, mean, outage))

    def _repr_html_(self) -> str:
        if np.ndim(self.mean) or _check.is_symbolic(self.mean):
            return _html.table([("mean", self.mean)], caption="CatchUp")
        rows = [
            ("backlog", f"{text.number(self.backlog, 4)} writes"),
            ("mean time to catch up", text.time(self.mean)),
            ("standard deviation", text.time(self.std)),
            ("felt", text.time(self.felt)),
        ]
        return _html.table(rows, caption="CatchUp")


@dataclass(frozen=True, eq=False)
class Drain:
    """Law of the time to apply what a Poisson stream piled up, and what comes then."""

    rate: float
    service: float
    outage: float
    closed = False
    shape = ()
    name = "catch-up"

    @property
    def none(self) -> float:
        """Probability that nothing piled up."""
        return float(np.exp(-self.rate * self.outage))

    @property
    def mean(self) -> float:
        return self.rate * self.service * self.outage / (1 - self.rate * self.service)

    @property
    def var(self) -> float:
        work = 2 * self.rate * self.service**2 * self.outage
        return work / (1 - self.rate * self.service) ** 3

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, np.inf

    @property
    def knots(self) -> tuple[float, ...]:
        return (0.0,)

    def moment(self, order: int) -> Quantity:
        if order == 1:
            return self.mean
        if order == 2:
            return self.var + self.mean**2
        return integrals.raw_moment(self, order)

    def density(self, t: FloatArray) -> FloatArray:
        """Density at t > 0, without the mass at 0."""
        from scipy.special import ive

        total, speed = self.outage + t, 1 / self.service
        z = 2 * np.sqrt(self.rate * speed * total * t)
        # exp(-(a - b)^2) and the scaled Bessel function: nothing overflows
        gap = np.sqrt(self.rate * total) - np.sqrt(speed * t)
        root = np.sqrt(self.rate * speed / (total * t))
        return np.asarray(self.outage * root * np.exp(-(gap**2)) * ive(1, z))

    @cached_property
    def _table(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Ends of panels, and the probability below and above each."""
        spread = self.var**0.5
        fine = np.linspace(-9, 12, 127) * spread + self.mean
        slow = self.service / (1 - (self.rate * self.service) ** 0.5) ** 2  # the tail's
        far = max(self.mean, 0.0) + 12 * spread + slow * np.geomspace(0.5, 700, 60)
        near = np.geomspace(1e-9, 1, 60) * min(self.mean, 30 * slow)
        ends = edges_of(np.concatenate([[0.0], near, fine[fine > 0], far]))
        mass = self._mass(ends[:-1], ends[1:])
        below = self.none + np.concatenate([[0.0], np.cumsum(mass)])
        above = np.concatenate([np.cumsum(mass[::-1])[::-1], [0.0]])
        return ends, below, above

    def _mass(self, low: FloatArray, high: FloatArray) -> FloatArray:
        points, weights = unit(16)
        at = low[..., None] + (high - low)[..., None] * points
        values = self.density(np.maximum(at, 1e-300))
        return np.asarray((values @ weights) * (high - low))

    def _cell(self, t: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
        """Return the panel in which each time lies, and the time within the table."""
        ends, _, _ = self._table
        at = np.clip(t, 0, ends[-1])
        k = np.searchsorted(ends, at, side="right") - 1
        return np.clip(k, 0, len(ends) - 2), at

    def cdf(self, t: FloatArray, left: bool = False) -> FloatArray:
        (ends, below, _), (k, at) = self._table, self._cell(t)
        share = np.minimum(below[k] + self._mass(ends[k], at), 1)
        return np.where(t <= 0 if left else t < 0, 0.0, share)

    def sf(self, t: FloatArray, left: bool = False) -> FloatArray:
        (ends, _, above), (k, at) = self._table, self._cell(t)
        share = np.minimum(above[k + 1] + self._mass(at, ends[k + 1]), 1)
        return np.where(t <= 0 if left else t < 0, 1.0, share)

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        ends, below, above = self._table
        p, q = np.broadcast_arrays(p, q)
        k = np.where(
            p < 0.5,
            np.searchsorted(below, p) - 1,
            len(ends) - 1 - np.searchsorted(above[::-1], q, side="right"),
        )
        k = np.clip(k, 0, len(ends) - 2)
        inside = np.where(p < 0.5, p - below[k], above[k] - q)  # mass from the panel on
        low, high = ends[k], ends[k + 1]
        t = (low + high) / 2
        for _ in range(60):  # Newton's steps, halved where they would leave the panel
            over = self._mass(ends[k], t) - inside
            low, high = np.where(over < 0, t, low), np.where(over < 0, high, t)
            with np.errstate(divide="ignore", invalid="ignore"):
                new = t - over / self.density(np.maximum(t, 1e-300))
            new = np.where((new > low) & (new < high), new, (low + high) / 2)
            done = np.abs(new - t) <= 4e-16 * new
            t = new
            if np.all(done):
                break
        return np.where(p <= self.none, 0.0, np.where(q <= 0, np.inf, t))

    def excess(self, t: FloatArray) -> FloatArray:
        return integrals.excess(self, t) + np.maximum(-np.asarray(t), 0)

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        total = np.zeros(size)
        length = np.full(size, self.outage)
        while np.any(length > 0):  # what comes while the rest is done
            length = self.service * rng.standard_gamma(rng.poisson(self.rate * length))
            total += length
        return total

    def lst(self, s: Quantity) -> Quantity:
        """Return exp(-rate outage (1 - B)), B the transform of a busy period."""
        s = np.asarray(s)
        speed, spare = 1 / self.service, 1 / self.service - self.rate
        more = s * (s + 2 * (self.rate + speed))
        root = np.sqrt(spare**2 + more)  # written so that 1 - B does not cancel
        rest = (s + more / (root + spare)) / (s + self.rate + speed + root)
        return np.exp(-self.rate * self.outage * rest)
