"""Processor sharing: all requests at once, each with an equal share of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel.queueing import _numeric, _report

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, eq=False)
class ProcessorSharing:
    """M/G/1 processor sharing: a web server or a CPU that slices its time.

    Parameters
    ----------
    arrival : float, array_like or sympy.Expr
        Arrival rate in 1/s.
    service : float, array_like or sympy.Expr
        Mean time in s that a request needs when it is alone.

    Raises
    ------
    ValueError
        If a field is out of range.

    Notes
    -----
    Mean response and the number present do not depend on the distribution of the work,
    only on its mean: the heavy tail that ruins a queue in order costs nothing here.
    Kleinrock (1976), Queueing Systems II, section 4.4.  Percentiles of the response do
    depend on it; those here hold for exponential work, from the chain of the number of
    others that a request meets (Coffman, Muntz and Trotter 1970, J. ACM 17(1)).

    Examples
    --------
    >>> machine = ProcessorSharing(arrival=80, service=0.010)
    >>> round(machine.mean_response, 4), round(machine.response_of(0.1), 4)
    (0.05, 0.5)
    """

    arrival: Quantity
    service: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "service")
        _check.non_negative(arrival=self.arrival)
        _check.positive(service=self.service)

    @property
    def utilisation(self) -> Quantity:
        """Load; 1 or more means overload."""
        return _numeric.product(self.arrival, self.service)

    @property
    def slowdown(self) -> Quantity:
        """Mean response over the work, the same for small and large requests."""
        return _numeric.per_spare(1.0, self.utilisation)

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        return _numeric.per_spare(self.service, self.utilisation)

    @property
    def mean_number(self) -> Quantity:
        """Mean number of requests present."""
        return _numeric.little(self.arrival, self.mean_response)

    def response_of(self, work: Quantity) -> Quantity:
        """Mean response of a request with so much work.

        Parameters
        ----------
        work : array_like or sympy.Expr
            Time in s that it needs alone.

        Returns
        -------
        float, ndarray or sympy.Expr
            Time in s; infinite in overload.

        Examples
        --------
        >>> ProcessorSharing(arrival=0.5, service=1.0).response_of(3.0)
        6.0
        """
        _check.non_negative(work=work)
        return _numeric.per_spare(work, self.utilisation)

    def response_sf(self, t: Quantity) -> Quantity:
        """Probability that a response takes longer than t, for exponential work.

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
        >>> round(ProcessorSharing(arrival=0.8, service=1.0).response_sf(20.0), 4)
        0.044
        """
        _check.non_negative(t=t)
        fields = (t, self.service, self.utilisation)
        t, mean, load = np.broadcast_arrays(*(np.asarray(f, float) for f in fields))
        answer = np.ones(t.shape)
        for value in np.unique(load[load < 1]):
            here = load == value
            answer[here] = _shared_sf(float(value), (t / mean)[here])
        return _numeric.plain(answer)

    def response_quantile(self, p: Quantity) -> Quantity:
        """Return the response that a fraction p does not exceed, for exponential work.

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
        >>> round(ProcessorSharing(arrival=0.8, service=1.0).response_quantile(0.99), 2)
        36.94
        """
        scale = np.asarray(self.mean_response, float)
        return _numeric.quantile(self.response_sf, p, scale)

    def _repr_html_(self) -> str:
        return _report.html(self, ["utilisation", "slowdown", "mean_response"])


def _shared_sf(load: float, turns: FloatArray) -> FloatArray:
    """P(response > turns mean works), by randomisation of the number of others.

    With n others the request leaves at rate 1/(n + 1), another does at n/(n + 1), and
    arrivals come at the load.  Every term is positive.
    """
    from scipy.special import gammaincc

    most = 1 if load == 0 else int(np.ceil(-45 / np.log(load))) + 1
    n = np.arange(most + 1)
    state = (1 - load) * load**n
    pace = 1 + load
    up = np.where(n < most, load, 0.0) / pace
    down = n / (n + 1) / pace
    stay = np.where(n < most, 0.0, load) / pace
    mean = pace * turns
    steps = int(np.max(mean, initial=0) + 10 * np.sqrt(np.max(mean, initial=0)) + 30)
    alive = np.empty(steps + 1)
    for k in range(steps + 1):
        alive[k] = state.sum()
        moved = stay * state
        moved[1:] += (up * state)[:-1]
        moved[:-1] += (down * state)[1:]
        state = moved
    count = np.arange(steps + 1.0)
    weights = np.exp(_numeric.log_poisson(count, mean[..., None]))
    beyond = 1 - gammaincc(steps + 1, mean)
    return np.asarray(weights @ alive + beyond * alive[-1])
