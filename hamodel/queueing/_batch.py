"""Requests that come in batches: M^X/M/1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.queueing import _numeric, _phases, _report


@dataclass(frozen=True, eq=False)
class BatchQueue:
    """Poisson batches of requests, exponential service, one server: M^X/M/1.

    Parameters
    ----------
    arrival : float, array_like or sympy.Expr
        Batches per second.
    service : float, array_like or sympy.Expr
        Mean service time in s of one request.
    sizes : array_like, shape (k,)
        Probabilities of batches of 1, 2, ..., k requests; they add up to 1.

    Raises
    ------
    ValueError
        If a field is out of range or sizes do not add up to 1.

    Notes
    -----
    A batch waits as one customer of an M/G/1 queue, then its members for one another:
    even at no load the last of ten waits for nine.  Gross, Shortle, Thompson and
    Harris (2008), section 3.1.  The response is of phase type, exactly.

    Examples
    --------
    A replica that gets its writes one by one, or in tens; the same 80 % load:

    >>> tens = [0.0] * 9 + [1.0]
    >>> one, ten = BatchQueue(800, 0.001, [1.0]), BatchQueue(80, 0.001, tens)
    >>> round(one.mean_response, 5), round(ten.mean_response, 5)
    (0.005, 0.0275)
    """

    arrival: Quantity
    service: Quantity
    sizes: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "service", "sizes")
        _check.non_negative(arrival=self.arrival)
        _check.positive(service=self.service)
        _check.probability(sizes=self.sizes)
        if np.ndim(self.sizes) != 1 or abs(np.sum(self.sizes) - 1) > 1e-9:
            raise ValueError(f"sizes must be a row that adds up to 1, got {self.sizes}")

    @property
    def mean_size(self) -> float:
        """Mean number of requests in a batch."""
        return float(self.sizes @ np.arange(1, len(self.sizes) + 1))

    @property
    def utilisation(self) -> Quantity:
        """Load; 1 or more means overload."""
        return _numeric.product(self.arrival, self.service) * self.mean_size

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure of a request, in s."""
        j = np.arange(1, len(self.sizes) + 1)
        spread = float(self.sizes @ (j * (j + 1))) / (2 * self.mean_size)
        work = _numeric.number(self.service) * spread
        return _numeric.per_spare(work, self.utilisation)

    @property
    def mean_wait(self) -> Quantity:
        """Mean time before the service of a request begins, in s."""
        return self.mean_response - _numeric.number(self.service)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure, of phase type; endless in overload."""

        def member(arrival: float, service: float) -> Duration:
            return _response(arrival, service, self.sizes)

        return _phases.each(member, [self.arrival, self.service], self.utilisation)

    def _repr_html_(self) -> str:
        return _report.html(self, ["mean_size", "utilisation", "mean_response"])


def _response(arrival: float, service: float, sizes: FloatArray) -> Duration:
    """Wait of the batch in M/PH/1, then of the requests before this one."""
    n = len(sizes)
    at_least = np.cumsum(sizes[::-1])[::-1]  # P(X >= j)
    stages = (np.eye(n, k=-1) - np.eye(n)) / service  # j requests still to do
    wait = _phases.wait(arrival, sizes, stages)
    return duration.phase_type(
        *_phases.chain(wait, (at_least / at_least.sum(), stages))
    )
