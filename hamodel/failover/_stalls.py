"""Pauses of a healthy primary, and how often a detector takes one for a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import fields
from hamodel.failover._detection import Heartbeat, Lease
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration


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

    rate: float = fields.rate("stalls")
    length: Duration | float = fields.time("length of a stall", law=True)

    def false_alarm_rate(self, detector: Heartbeat | Lease | Duration | float) -> float:
        """Return how often, in 1/s, a pause outlasts the detector.

        Exact for a heartbeat; otherwise by the mid-points of 1024 slices of equal
        probability of the time that it takes.
        """
        length = as_duration("length", self.length)
        if isinstance(detector, Heartbeat):
            pieces = detector.pieces()
            return self.rate * sum(w * _outlasts(length, *ends) for w, ends in pieces)
        noticed = as_duration("detector", detector)
        slices: FloatArray = (np.arange(1024) + 0.5) / 1024
        return float(self.rate * np.mean(length.sf(noticed.quantile(slices))))


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
