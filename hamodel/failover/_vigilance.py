"""The dilemma of detection: quick means false alarms, patient means long outages.

The real failures cost their detection; the false alarms cost a failover each, and they
become rarer by a factor of the loss with every miss that is waited for.  So the sum has
a minimum, and it is far steeper on the hasty side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hamodel import _check, fields, text
from hamodel._html import table
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.failover._detection import Heartbeat, Lease
from hamodel.failover._parts import as_duration
from hamodel.units import MINUTE, YEAR


@fields.specification
class Stalls:
    """Pauses of a healthy primary: garbage collection, a slow disk, a moved machine.

    Examples
    --------
    >>> from hamodel import duration
    >>> from hamodel.units import DAY, YEAR
    >>> stalls = Stalls(rate=1 / DAY, length=duration.exponential(1))
    >>> round(stalls.false_alarm_rate(Heartbeat(interval=1, misses=5)) * YEAR, 2)
    4.23
    """

    rate: Quantity = fields.rate("stalls")
    length: Duration | float = fields.time("length of a stall", law=True)

    def false_alarm_rate(
        self, detector: Heartbeat | Lease | Duration | Quantity
    ) -> Quantity:
        """Return how often, in 1/s, a pause outlasts the detector.

        Exact for a heartbeat; otherwise by the mid-points of 1024 slices of equal
        probability of the time that it takes.
        """
        length = as_duration("length", self.length)
        if isinstance(detector, Heartbeat):
            pieces = detector.pieces()
            return self.rate * sum(w * _outlasts(length, *ends) for w, ends in pieces)
        noticed = as_duration("detector", detector)
        column = (-1, *(1 for _ in noticed.shape))
        slices = ((np.arange(1024) + 0.5) / 1024).reshape(column)
        return self.rate * np.mean(length.sf(noticed.quantile(slices)), axis=0)


def _outlasts(length: Duration, low: float, high: float) -> float:
    """Return the probability that a time is longer than one uniform over a span.

    The mean of P(X > t) over the span is the difference of E(X - t)+ at its ends.
    """
    ends = np.array([low, high], dtype=float)
    beyond = length.mean_excess(ends) * length.sf(ends)
    return float((beyond[0] - beyond[1]) / (high - low))


def false_alarm_rate(
    detector: Heartbeat | Lease, stalls: Stalls | None = None
) -> Quantity:
    """Return how often, in 1/s, a detector fails over a healthy primary.

    Parameters
    ----------
    detector : Heartbeat or Lease
        What watches the primary.
    stalls : Stalls or None
        Pauses of the primary; None for none.

    Examples
    --------
    >>> false_alarm_rate(Lease())
    0.0
    """
    lost = detector.false_alarm_rate if isinstance(detector, Heartbeat) else 0.0
    return lost + (stalls.false_alarm_rate(detector) if stalls else 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Vigilance:
    """Downtime against the number of misses that count as a failure.

    Attributes
    ----------
    misses : ndarray
        Numbers of misses.
    detection : ndarray
        Mean time in s to notice a failure.
    false_alarms : ndarray
        Failovers of a healthy primary, in 1/s of service.
    real, false : ndarray
        Downtime in s for each second of service, from failures and from false alarms.
    """

    misses: FloatArray
    detection: FloatArray
    false_alarms: FloatArray
    real: FloatArray
    false: FloatArray

    @property
    def downtime(self) -> FloatArray:
        """Downtime in s for each second of service."""
        return self.real + self.false

    @property
    def unavailability(self) -> FloatArray:
        """Share of time down: failovers do not begin while one is running."""
        return self.downtime / (1 + self.downtime)

    @property
    def minutes_per_year(self) -> FloatArray:
        """Downtime in minutes for each year of service."""
        return self.downtime * (YEAR / MINUTE)

    @property
    def best(self) -> int:
        """The number of misses with the least downtime."""
        return int(self.misses[np.argmin(self.downtime)])

    def _repr_html_(self) -> str:
        rows = [
            (int(k), text.time(float(d)), text.number(f * YEAR), text.number(m))
            for k, d, f, m in zip(
                self.misses,
                self.detection,
                self.false_alarms,
                self.minutes_per_year,
                strict=True,
            )
        ]
        header = ("misses", "detection", "false failovers a year", "minutes a year")
        return table(rows, header=header)


def vigilance(
    heartbeat: Heartbeat,
    *,
    mttf: float,
    recovery: float,
    misses: Sequence[int] = range(1, 21),
    stalls: Stalls | None = None,
) -> Vigilance:
    """Weigh quick detection against false failovers.

    Parameters
    ----------
    heartbeat : Heartbeat
        Interval, timeout and loss; its own `misses` is not used.
    mttf : float
        Mean time between failures of the primary in s.
    recovery : float
        Mean time in s that a failover takes after the decision.
    misses : sequence of int
        Numbers of misses to try.
    stalls : Stalls or None
        Pauses of a healthy primary that look like failures if they last.

    Raises
    ------
    ValueError
        If a time is not above zero or a number of misses is not whole.

    Examples
    --------
    >>> curve = vigilance(
    ...     Heartbeat(interval=1, loss=0.02), mttf=2000 * 3600, recovery=20
    ... )
    >>> curve.best
    5
    >>> curve.minutes_per_year[[1, 4]].round(1)
    array([4123.9,    1.8])
    """
    _check.instance(Heartbeat, heartbeat=heartbeat)
    _check.mean_time(mttf=mttf)
    _check.non_negative(recovery=recovery)
    tried = [replace(heartbeat, misses=int(k)) for k in misses]
    detection = np.array([_mean_detection(h) for h in tried])
    false = np.array([false_alarm_rate(h, stalls) for h in tried], dtype=float)
    return Vigilance(
        misses=np.array(misses),
        detection=detection,
        false_alarms=false,
        real=(detection + recovery) / mttf,
        false=false * recovery,
    )


def _mean_detection(heartbeat: Heartbeat) -> float:
    return float(heartbeat.duration.mean)


def best_misses(
    *, interval: Quantity, loss: Quantity, mttf: Quantity, recovery: Quantity
) -> Quantity:
    """Return the number of misses of least downtime, as if it could be a fraction.

    Parameters
    ----------
    interval : float, array or SymPy expression
        Time in s from beat to beat.
    loss : float, array or SymPy expression
        Probability that a beat is lost.
    mttf : float, array or SymPy expression
        Mean time between failures in s.
    recovery : float, array or SymPy expression
        Mean time in s of a failover after the decision.

    Returns
    -------
    float, array or SymPy expression
        Where the derivative of k interval / mttf + (1 - p) p^k recovery / interval
        is zero.

    Raises
    ------
    ValueError
        If a time is not above zero, or the loss not strictly between 0 and 1.

    Examples
    --------
    >>> round(best_misses(interval=1, loss=0.02, mttf=2000 * 3600, recovery=20), 2)
    5.15
    """
    _check.positive(interval=interval, loss=loss, mttf=mttf, recovery=recovery)
    _check.probability(loss=loss)
    log = _logarithm(loss)
    weight = -log * (1 - loss) * recovery * mttf / interval**2
    return _logarithm(1 / weight) / log


def _logarithm(value: Quantity) -> Quantity:
    if _check.is_symbolic(value):
        import sympy

        return sympy.log(value)
    found = np.log(value)
    return found if np.ndim(found) else float(found)
