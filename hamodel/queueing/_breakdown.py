"""A server that breaks down: M/M/1 with interruptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel.queueing import _levels, _numeric, _phases, _report
from hamodel.queueing._errors import OverloadError

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.duration import Duration


@dataclass(frozen=True, eq=False)
class BreakdownQueue:
    """M/M/1 whose server breaks down, busy or idle, and takes up its work again.

    Parameters
    ----------
    arrival : float, array_like or sympy.Expr
        Arrival rate in 1/s, also while the server is down.
    service : float, array_like or sympy.Expr
        Mean service time in s without interruption.
    uptime : float, array_like or sympy.Expr
        Mean time in s from repair to breakdown.
    repair : float, array_like or sympy.Expr
        Mean repair time in s.

    Raises
    ------
    ValueError
        If a field is out of range.
    hamodel.queueing.OverloadError
        From `response`, if the load is 1 or more.

    Notes
    -----
    A rare outage weighs on the mean response by what piles up while it lasts: here one
    of 10 s in 110 s more than doubles it.  White and Christie (1958), Operations
    Research 6(1), 79-95; Mitrani and Avi-Itzhak (1968), Operations Research 16(3).
    Percentiles: the response is of phase type, found from the number that an arrival
    finds and the environment together.

    Examples
    --------
    >>> queue = BreakdownQueue(arrival=0.5, service=1.0, uptime=100.0, repair=10.0)
    >>> round(queue.mean_response, 4), round(queue.response_quantile(0.99), 2)
    (4.4646, 38.06)
    """

    arrival: Quantity
    service: Quantity
    uptime: Quantity
    repair: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "service", "uptime", "repair")
        _check.non_negative(arrival=self.arrival)
        _check.positive(service=self.service, uptime=self.uptime, repair=self.repair)

    @property
    def unavailability(self) -> Quantity:
        """Fraction of time that the server is down."""
        return _numeric.ratio(self.repair, self._sum(self.uptime, self.repair))

    @property
    def utilisation(self) -> Quantity:
        """Load over the time that the server is up; 1 or more means overload."""
        share = _numeric.ratio(self._sum(self.uptime, self.repair), self.uptime)
        return _numeric.product(_numeric.product(self.arrival, self.service), share)

    @property
    def mean_number(self) -> Quantity:
        """Mean number in the system."""
        return _numeric.little(self.arrival, self.mean_response)

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        fail, fix = 1 / _numeric.number(self.uptime), 1 / _numeric.number(self.repair)
        pace, arrival = 1 / _numeric.number(self.service), _numeric.number(self.arrival)
        above = (fail + fix) ** 2 + pace * fail
        below = (fail + fix) * (fix * (pace - arrival) - arrival * fail)
        if _numeric.symbolic(above, below):
            return _numeric.ratio(above, below)
        with np.errstate(divide="ignore"):
            return _numeric.plain(
                np.where(np.asarray(below) > 0, above / below, np.inf)
            )

    @property
    def response(self) -> Duration:
        """Time from arrival to departure, a phase-type duration (scalar fields)."""
        if np.any(np.asarray(self.utilisation) >= 1):
            raise OverloadError(float(np.max(self.utilisation)))
        fields = self.arrival, self.service, self.uptime, self.repair
        return _breakdown_response(*(float(f) for f in fields))

    def response_sf(self, t: Quantity) -> Quantity:
        """Probability that a response takes longer than t.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Probability, of the broadcast shape of t and the fields; 1 in overload.

        Examples
        --------
        >>> queue = BreakdownQueue(arrival=0.5, service=1.0, uptime=100.0, repair=10.0)
        >>> round(queue.response_sf(10.0), 4)
        0.1151
        """
        _check.non_negative(t=t)
        return self._each.sf(t)

    def response_quantile(self, p: Quantity) -> Quantity:
        """Return the response time that a fraction p of the requests does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s; infinite in overload.

        Examples
        --------
        >>> queue = BreakdownQueue(0.5, 1.0, [100.0, 1e9], 10.0)
        >>> queue.response_quantile(0.99).round(2)
        array([38.06,  9.21])
        """
        _check.probability(p=p)
        return self._each.quantile(p)

    def _repr_html_(self) -> str:
        return _report.html(self, ["utilisation", "unavailability", "mean_response"])

    @property
    def _each(self) -> _phases.Each:
        fields = self.arrival, self.service, self.uptime, self.repair
        return _phases.Each(_breakdown_response, fields, self.utilisation)

    def _sum(self, first: Quantity, second: Quantity) -> Quantity:
        return _numeric.number(first) + _numeric.number(second)


def _breakdown_response(
    arrival: float, service: float, uptime: float, repair: float
) -> Duration:
    """Response as a phase-type duration over pairs (what was found, environment).

    With S0, S1 the moves of the environment without and with a departure, the chance
    that n or fewer depart by t, summed over the geometric number n that an arrival
    finds, solves a linear equation in matrices: M' = M S0 + R M S1.
    """
    moves = np.array([[0.0, 1 / uptime], [1 / repair, 0.0]])
    depart = np.diag([1 / service, 0.0])
    up = arrival * np.eye(2)
    ratio = _levels.rate_matrix(up, moves, depart)
    zero = _levels.stationary(
        moves + up @ np.linalg.solve(_levels.drain(up, moves, depart), depart)
    )
    zero = zero / (zero @ np.linalg.solve(np.eye(2) - ratio, np.ones(2)))
    found = np.linalg.solve((np.eye(2) - ratio).T, zero)
    still = moves - np.diag(moves.sum(axis=1) + depart.sum(axis=1))
    whole = np.kron(np.eye(2), still) + np.kron(ratio.T, depart)
    lift = np.repeat(found, 2)
    start = np.eye(2).ravel() * lift
    return duration.phase_type(start / start.sum(), whole * lift / lift[:, None])
