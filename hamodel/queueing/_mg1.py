"""M/G/1: Poisson arrivals, one server, any service time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.queueing import _inorder, _numeric, _phases, _report


@dataclass(frozen=True, eq=False)
class MG1:
    """Poisson arrivals, one server, service times of any distribution, in order.

    Parameters
    ----------
    arrival : float, array_like or sympy.Expr
        Arrival rate in 1/s.
    service : Duration
        Service time.

    Raises
    ------
    ValueError
        If arrival is negative or service no duration.

    Notes
    -----
    Means by Pollaczek and Khinchine, the variance by Takacs (Gross, Shortle, Thompson
    and Harris 2008, section 5.1).  Percentiles are exact for phase-type service (the
    wait is then of phase type too) and for constant service (sums of positive terms);
    else by numerical inversion of the transform, to 1e-6 of tails down to 1e-9 but for
    the neighbourhood of jumps.

    Examples
    --------
    The same 80 % load, steady or erratic service:

    >>> from hamodel import duration
    >>> steady = MG1(arrival=0.8, service=duration.constant(1.0))
    >>> erratic = MG1(0.8, duration.hyperexponential([0.9, 0.1], [0.5, 4.0]))
    >>> round(steady.mean_response, 4), round(steady.response.quantile(0.99), 2)
    (3.0, 11.36)
    """

    arrival: Quantity
    service: Duration

    def __post_init__(self) -> None:
        hold(self, "arrival")
        _check.non_negative(arrival=self.arrival)
        _check.instance(Duration, service=self.service)
        _check.positive(service=self.service.mean)

    @property
    def utilisation(self) -> Quantity:
        """Load; 1 or more means overload."""
        return _numeric.product(self.arrival, self.service.mean)

    @property
    def wait_probability(self) -> Quantity:
        """Probability of having to wait: the load, whatever the service is like."""
        if _numeric.symbolic(self.arrival):
            return self.utilisation
        return _numeric.plain(np.minimum(self.utilisation, 1.0))

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in the queue, in s."""
        second = self.service.var + self.service.mean**2
        work = _numeric.product(self.arrival, second) / 2
        return _numeric.per_spare(work, self.utilisation)

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        return self.mean_wait + self.service.mean

    @property
    def wait(self) -> Duration:
        """Time in the queue; endless in overload."""
        return self._law(_inorder.wait)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure; endless in overload."""
        return self._law(_inorder.response)

    def _repr_html_(self) -> str:
        return _report.html(self, ["utilisation", "mean_wait", "mean_response"])

    def _law(self, make: Callable[[float, Duration], Duration]) -> Duration:
        """Return one law for each arrival rate."""
        return _phases.each(
            lambda rate: make(rate, self.service), [self.arrival], self.utilisation
        )
