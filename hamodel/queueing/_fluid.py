"""Fluid queues: what piles up while a service stands still, and when it is gone.

When thousands of requests wait, their number moves like water in a tank: it rises at
arrival minus capacity and drains at capacity minus arrival.  Chance matters little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel.queueing import _numeric, _report

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


def catch_up_time(arrival: Quantity, capacity: Quantity, outage: Quantity) -> Quantity:
    """Time that a backlog outlives the outage that made it.

    Parameters
    ----------
    arrival : array_like or sympy.Expr
        Arrival rate in 1/s, during the outage and after it.
    capacity : array_like or sympy.Expr
        Rate in 1/s at which work is done once service is back.
    outage : array_like or sympy.Expr
        Length of the outage in s.

    Returns
    -------
    float, ndarray or sympy.Expr
        Time in s from the end of the outage until nothing waits; infinite if capacity
        does not exceed arrival.

    Raises
    ------
    ValueError
        If a rate or the outage is negative or not finite.

    Notes
    -----
    At load rho it is the outage times rho/(1 - rho): at 90 % a pause of ten minutes
    is felt for ninety more.

    Examples
    --------
    >>> catch_up_time(900, 1000, 600.0)
    5400.0
    >>> catch_up_time([500, 900, 1000], 1000, 60.0)
    array([ 60., 540.,  inf])
    """
    _check.non_negative(arrival=arrival, capacity=capacity, outage=outage)
    if _numeric.symbolic(arrival, capacity, outage):
        return arrival * outage / (capacity - arrival)
    rate, most, length = (np.asarray(v, float) for v in (arrival, capacity, outage))
    piled, spare = rate * length, most - rate
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.where(spare > 0, piled / spare, np.inf)
    return _numeric.plain(np.where(piled > 0, time, 0.0))


@dataclass(frozen=True, eq=False)
class Fluid:
    """A backlog under rates that change at given moments.

    Parameters
    ----------
    times : array_like, shape (k,)
        Moments in s at which a new pair of rates begins; the first is 0.
    arrival : array_like, shape (k,)
        Arrival rate in 1/s from each moment on.
    capacity : array_like, shape (k,)
        Rate in 1/s at which waiting work can be done from each moment on.
    initial : float
        Backlog at time 0, in requests.

    Raises
    ------
    ValueError
        If times do not rise from 0, lengths differ, or a rate is negative.

    Notes
    -----
    Newell (1982), Applications of Queueing Theory, chapter 2.  The last pair of rates
    holds for ever.

    Examples
    --------
    Two sites of capacity 1000/s share 1400/s; one is away for a minute:

    >>> queue = Fluid(times=[0, 60], arrival=[1400, 1400], capacity=[1000, 2000])
    >>> queue.peak, queue.empty_at, queue.backlog([0.0, 30.0, 90.0])
    (24000.0, 100.0, array([    0., 12000.,  6000.]))
    """

    times: Quantity
    arrival: Quantity
    capacity: Quantity
    initial: float = 0.0

    def __post_init__(self) -> None:
        hold(self, "times", "arrival", "capacity")
        _check.non_negative(
            times=self.times,
            arrival=self.arrival,
            capacity=self.capacity,
            initial=self.initial,
        )
        shapes = {np.shape(v) for v in (self.times, self.arrival, self.capacity)}
        if len(shapes) > 1 or len(np.shape(self.times)) != 1 or not len(self.times):
            raise ValueError(
                "times, arrival and capacity must be rows of one length, got shapes "
                f"{sorted(shapes)}"
            )
        if self.times[0] != 0 or np.any(np.diff(self.times) <= 0):
            raise ValueError(f"times must rise from 0, got {self.times}")

    def backlog(self, t: Quantity) -> Quantity:
        """Count the requests that wait at time t.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Number of requests.

        Examples
        --------
        >>> Fluid(times=[0, 10], arrival=[5, 5], capacity=[0, 10]).backlog(12.0)
        40.0
        """
        _check.non_negative(t=t)
        t = np.asarray(t, float)
        piece = np.searchsorted(self.times, t, side="right") - 1
        slope = np.asarray(self.arrival - self.capacity, float)[piece]
        since = t - np.asarray(self.times, float)[piece]
        return _numeric.plain(np.maximum(self._knots[piece] + slope * since, 0.0))

    def delay(self, t: Quantity) -> Quantity:
        """Wait of a request that arrives at time t, first come first served.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Time in s until capacity has gone through what stood before it.

        Examples
        --------
        >>> queue = Fluid(times=[0, 10], arrival=[5, 5], capacity=[0, 10])
        >>> queue.delay([0.0, 5.0, 10.0, 20.0])
        array([10. ,  7.5,  5. ,  0. ])
        """
        _check.non_negative(t=t)
        t = np.asarray(t, float)
        goal = self._work(t) + np.asarray(self.backlog(t))
        times, rates = np.asarray(self.times, float), np.asarray(self.capacity, float)
        marks = self._work(times)
        # the first piece at whose end more is done than what stood before it
        ends = np.append(marks[1:], np.inf)
        piece = np.searchsorted(ends, goal, side="right").clip(max=len(times) - 1)
        rest, pace = goal - marks[piece], rates[piece]
        through = np.where(pace > 0, rest / np.where(pace > 0, pace, 1.0), np.inf)
        ready = times[piece] + through
        return _numeric.plain(np.maximum(ready - t, 0.0))

    @property
    def peak(self) -> float:
        """Largest backlog, in requests; infinite if it grows for ever."""
        if self.arrival[-1] > self.capacity[-1]:
            return float("inf")
        return float(self._knots.max())

    @property
    def empty_at(self) -> float:
        """Time in s after which nothing waits any more; infinite if never."""
        last = float(self._knots[-1])
        spare = float(self.capacity[-1] - self.arrival[-1])
        if last > 0 or spare < 0:
            return float(self.times[-1]) + last / spare if spare > 0 else float("inf")
        busy = np.flatnonzero(self._knots > 0)
        if len(busy) == 0:
            return 0.0
        k = int(busy[-1])
        spare = float(self.capacity[k] - self.arrival[k])
        return float(self.times[k] + self._knots[k] / spare)

    @property
    def waiting_time(self) -> float:
        """Waiting of all requests together, in request seconds."""
        end = self.empty_at
        if end == float("inf"):
            return end
        total = 0.0
        ends = [*self.times[1:], max(end, float(self.times[-1]))]
        for start, stop, level, slope in zip(
            self.times, ends, self._knots, self.arrival - self.capacity, strict=True
        ):
            length = float(stop - start)
            if slope < 0:
                length = min(length, level / -slope)
            total += (
                length * (level + slope * length / 2) if level or slope > 0 else 0.0
            )
        return float(total)

    def _repr_html_(self) -> str:
        return _report.html(self, ["peak", "empty_at", "waiting_time"])

    @property
    def _knots(self) -> FloatArray:
        """Backlog at the moments of change."""
        level = [float(self.initial)]
        lengths = np.diff(np.asarray(self.times, float))
        slopes = np.asarray(self.arrival - self.capacity, float)
        for length, slope in zip(lengths, slopes, strict=False):
            level.append(max(level[-1] + slope * length, 0.0))
        return np.array(level)

    def _work(self, t: FloatArray) -> FloatArray:
        """Capacity offered from 0 to t."""
        times, rates = np.asarray(self.times, float), np.asarray(self.capacity, float)
        marks = np.concatenate([[0.0], np.cumsum(rates[:-1] * np.diff(times))])
        piece = np.searchsorted(times, t, side="right") - 1
        done: FloatArray = marks[piece] + rates[piece] * (t - times[piece])
        return done
