"""Bursty arrivals: a Markovian arrival process before one exponential server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel.queueing import _levels, _numeric, _report
from hamodel.queueing._errors import OverloadError

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration


@dataclass(frozen=True, eq=False)
class MAPM1:
    """Bursty arrivals (a Markovian arrival process), exponential service, one server.

    Parameters
    ----------
    d0 : array_like, shape (n, n)
        Rates in 1/s of the environment's moves without an arrival; the diagonal is
        ignored.
    d1 : array_like, shape (n, n)
        Rates in 1/s of moves that bring an arrival, staying put included.
    service : float
        Mean service time in s.

    Raises
    ------
    ValueError
        If a rate is negative, the shapes differ, or service is not above 0.
    hamodel.queueing.OverloadError
        From `response` and `wait`, if the load is 1 or more.

    Notes
    -----
    Logarithmic reduction after Latouche and Ramaswami (1993), J. Appl. Prob. 30(3),
    650-674.  The response is of phase type, exactly: Ozawa (2006), Stochastic Models
    22(3), for the general case.

    Examples
    --------
    Ten times the traffic for a while, little in between, 50 % load on average:

    >>> queue = MAPM1.bursts(
    ...     quiet=0.1, busy=1.0, to_busy=25.0, to_quiet=50.0, service=0.8
    ... )
    >>> round(queue.mean_number, 4), round(queue.response_quantile(0.99), 2)
    (2.2333, 15.0)
    """

    d0: Quantity
    d1: Quantity
    service: float

    def __post_init__(self) -> None:
        for name in ("d0", "d1"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), float))
        hold(self, "d0", "d1")
        _check.positive(service=self.service)
        if self.d0.ndim != 2 or len({*self.d0.shape, *self.d1.shape}) != 1:
            shapes = f"{self.d0.shape} and {self.d1.shape}"
            raise ValueError(f"d0 and d1 must be square and alike, got shapes {shapes}")
        _check.non_negative(d0=_levels.off_diagonal(self.d0), d1=self.d1)

    @classmethod
    def bursts(
        cls,
        *,
        quiet: float,
        busy: float,
        to_busy: float,
        to_quiet: float,
        service: float,
    ) -> MAPM1:
        """Poisson arrivals that change between a quiet and a busy rate.

        Parameters
        ----------
        quiet, busy : float
            Arrival rates in 1/s.
        to_busy, to_quiet : float
            Mean time in s that quiet lasts until busy, and busy until quiet.
        service : float
            Mean service time in s.

        Returns
        -------
        MAPM1
            The queue.

        Examples
        --------
        >>> queue = MAPM1.bursts(quiet=1, busy=1, to_busy=5, to_quiet=5, service=0.5)
        >>> round(queue.mean_number, 9)
        1.0
        """
        _check.positive(to_busy=to_busy, to_quiet=to_quiet)
        moves = [[0.0, 1 / to_busy], [1 / to_quiet, 0.0]]
        return cls(d0=moves, d1=np.diag([quiet, busy]), service=service)

    @property
    def arrival(self) -> float:
        """Mean arrival rate in 1/s."""
        return float(_levels.stationary(self.d0 + self.d1) @ self.d1.sum(axis=1))

    @property
    def utilisation(self) -> float:
        """Mean load; 1 or more means overload."""
        return self.arrival * self.service

    @property
    def mean_number(self) -> float:
        """Mean number in the system."""
        return self.arrival * self.mean_response

    @property
    def mean_response(self) -> float:
        """Mean time from arrival to departure, in s."""
        return float("inf") if self.utilisation >= 1 else float(self.response.mean)

    @property
    def mean_wait(self) -> float:
        """Mean time in the queue, in s."""
        return self.mean_response - self.service

    @property
    def wait_probability(self) -> float:
        """Probability that an arrival waits; in bursts, above the load."""
        if self.utilisation >= 1:
            return 1.0
        return float(1 - self._level_zero @ self.d1.sum(axis=1) / self.arrival)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure, a phase-type duration."""
        ratio, zero = self._ratio, self._level_zero
        lift = np.linalg.solve(
            np.eye(len(zero)) - ratio, self.d1.sum(axis=1) / self.arrival
        )
        return _geometric(zero * lift, ratio, lift, 1 / self.service)

    @property
    def wait(self) -> Duration:
        """Time from arrival to the begin of service; 0 with positive probability."""
        ratio, zero = self._ratio, self._level_zero
        lift = np.linalg.solve(
            np.eye(len(zero)) - ratio, self.d1.sum(axis=1) / self.arrival
        )
        start = (zero @ ratio) * lift
        late = float(start.sum())
        if late == 0:
            return duration.constant(0.0)
        delayed = _geometric(start / late, ratio, lift, 1 / self.service)
        return duration.mixture([1 - late, late], [duration.constant(0.0), delayed])

    def response_sf(self, t: Quantity) -> Quantity:
        """Probability that a response takes longer than t.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Probability; 1 in overload.

        Examples
        --------
        >>> queue = MAPM1.bursts(quiet=1, busy=1, to_busy=5, to_quiet=5, service=0.5)
        >>> round(queue.response_sf(1.0), 6)  # M/M/1: exp(-1)
        0.367879
        """
        _check.non_negative(t=t)
        if self.utilisation >= 1:
            return _numeric.plain(np.ones(np.shape(t)))
        return _numeric.plain(self.response.sf(t))

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
        >>> queue = MAPM1.bursts(quiet=1, busy=1, to_busy=5, to_quiet=5, service=0.5)
        >>> round(queue.response_quantile(0.99), 4)  # M/M/1: log 100
        4.6052
        """
        _check.probability(p=p)
        if self.utilisation >= 1:
            return _numeric.plain(np.where(np.asarray(p) > 0, np.inf, 0.0))
        return _numeric.plain(self.response.quantile(p))

    def wait_quantile(self, p: Quantity) -> Quantity:
        """Return the waiting time that a fraction p of the requests does not exceed.

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
        >>> queue = MAPM1.bursts(quiet=1, busy=1, to_busy=5, to_quiet=5, service=0.5)
        >>> round(queue.wait_quantile(0.99), 4)  # M/M/1: log 50
        3.912
        """
        _check.probability(p=p)
        if self.utilisation >= 1:
            return _numeric.plain(np.where(np.asarray(p) > 0, np.inf, 0.0))
        return _numeric.plain(self.wait.quantile(p))

    def _repr_html_(self) -> str:
        names = ["arrival", "utilisation", "wait_probability", "mean_wait"]
        return _report.html(self, [*names, "mean_response"])

    @property
    def _ratio(self) -> FloatArray:
        if self.utilisation >= 1:
            raise OverloadError(self.utilisation)
        down = np.eye(len(self.d0)) / self.service
        return _levels.rate_matrix(self.d1, self.d0, down)

    @property
    def _level_zero(self) -> FloatArray:
        """Probabilities of the environment with nobody in the system."""
        ratio = self._ratio
        zero = _levels.stationary(self.d0 + ratio / self.service)
        total = np.linalg.solve(np.eye(len(zero)) - ratio, np.ones(len(zero)))
        level: FloatArray = zero / (zero @ total)
        return level


def _geometric(
    start: FloatArray, ratio: FloatArray, lift: FloatArray, pace: float
) -> Duration:
    """Duration with sf(t) = (start / lift) exp(-pace (I - R) t) lift."""
    rates = pace * (ratio - np.eye(len(ratio))) * lift / lift[:, None]
    return duration.phase_type(start / start.sum(), rates)
