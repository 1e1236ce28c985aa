"""M/M/c with unlimited or limited room: the workhorse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.queueing import _delay, _finite, _numeric, _report
from hamodel.queueing._erlang import erlang_c


@dataclass(frozen=True, eq=False)
class MMc:
    """Poisson arrivals, exponential service, c servers, first come first served.

    Fields may be arrays, which broadcast, or SymPy symbols (for every answer that is
    not a percentile; the formula then holds below saturation).

    Parameters
    ----------
    arrival : float, array_like or sympy.Expr
        Arrival rate in 1/s.
    service : float, array_like or sympy.Expr
        Mean service time in s.
    servers : float or array_like
        Number of servers; need not be whole without `capacity`.
    capacity : int or array_like, optional
        Most requests in the system, those in service included; a request that finds
        it full is turned away.  Unlimited by default.

    Notes
    -----
    Without `capacity`, overload is an answer: waits are infinite.  With it, waits and
    percentiles are those of requests that were let in.  Gross, Shortle, Thompson and
    Harris (2008), Fundamentals of Queueing Theory, sections 2.3 to 2.5.

    Examples
    --------
    Three doctors, six patients an hour, twenty minutes each:

    >>> clinic = MMc(arrival=6 / 3600, service=1200, servers=3)
    >>> round(clinic.mean_wait / 60, 2), round(clinic.wait.quantile(0.95) / 60, 1)
    (8.89, 43.7)
    >>> MMc(arrival=np.array([0.5, 0.9, 0.99, 1.0]), service=1.0).mean_response
    array([  2.,  10., 100.,  inf])
    """

    arrival: Quantity
    service: Quantity
    servers: Quantity = 1
    capacity: Quantity = None

    def __post_init__(self) -> None:
        hold(self, "arrival", "service", "servers", "capacity")
        _check.non_negative(arrival=self.arrival)
        _check.positive(service=self.service, servers=self.servers)
        if self.capacity is not None:
            _check.whole(1, servers=self.servers, capacity=self.capacity)
            if np.any(np.asarray(self.capacity) < np.asarray(self.servers)):
                raise ValueError(
                    f"capacity must be >= servers ({self.servers}), got {self.capacity}"
                )

    @property
    def offered(self) -> Quantity:
        """Offered load in Erlang: servers that the traffic would keep busy."""
        return _numeric.product(self.arrival, self.service)

    @property
    def utilisation(self) -> Quantity:
        """Load carried per server; without `capacity`, above 1 means overload."""
        carried = self.offered
        if self.capacity is not None:
            carried = carried * (1 - self.blocking)
        servers = self.servers if self._symbolic else _numeric.number(self.servers)
        return carried / servers

    @property
    def blocking(self) -> Quantity:
        """Probability that a request is turned away; 0 without `capacity`."""
        if self.capacity is None:
            return _numeric.plain(np.zeros(self._shape)) if not self._symbolic else 0
        return self._room.blocking

    @property
    def throughput(self) -> Quantity:
        """Requests served, in 1/s."""
        if self.capacity is not None:
            return _numeric.product(self.arrival, 1 - self.blocking)
        if self._symbolic:
            return self.arrival
        most = np.asarray(self.servers, float) / np.asarray(self.service, float)
        return _numeric.plain(np.minimum(np.asarray(self.arrival, float), most))

    @property
    def wait_probability(self) -> Quantity:
        """Probability that a request (one let in) has to wait."""
        if self.capacity is not None:
            return self._room.delayed
        return erlang_c(self.servers, self.offered)

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in the queue before service, in s."""
        if self.capacity is not None:
            return _numeric.ratio(self._room.queue, self.throughput)
        if self._symbolic:
            spare = self.servers - self.offered
            return _numeric.ratio(self.wait_probability * self.service, spare)
        parts = self._parts
        with np.errstate(divide="ignore"):
            wait = np.where(parts.spare > 0, parts.waits / parts.spare, np.inf)
        return _numeric.plain(wait)

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        return self.mean_wait + _numeric.number(self.service)

    @property
    def mean_queue(self) -> Quantity:
        """Mean number waiting."""
        if self.capacity is not None:
            return self._room.queue
        return _numeric.little(self.arrival, self.mean_wait)

    @property
    def mean_number(self) -> Quantity:
        """Mean number in the system."""
        return self.mean_queue + _numeric.product(self.throughput, self.service)

    @property
    def wait(self) -> Duration:
        """Time in the queue, 0 with positive probability; endless in overload."""
        if self.capacity is not None:
            return _finite.wait(self._turns)
        return self._delay(served=False)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure, of phase type; endless in overload."""
        if self.capacity is not None:
            return _finite.response(self._turns)
        return self._delay(served=True)

    def _repr_html_(self) -> str:
        names = ["utilisation", "wait_probability", "mean_wait", "mean_response"]
        return _report.html(self, [*names, "blocking", "throughput"])

    @property
    def _symbolic(self) -> bool:
        return _numeric.symbolic(self.arrival, self.service, self.servers)

    @property
    def _shape(self) -> tuple[int, ...]:
        fields = (self.arrival, self.service, self.servers, self.capacity or 1)
        return np.broadcast_shapes(*(np.shape(f) for f in fields))

    @property
    def _load(self) -> _finite.Load:
        return _finite.Load(self.offered, self.servers, self.capacity)

    @property
    def _room(self) -> _finite.Room:
        return _finite.room(self._load)

    @property
    def _turns(self) -> _finite.Turns:
        return _finite.turns(self._load, self.service)

    @property
    def _parts(self) -> _delay.Parts:
        service = np.asarray(self.service, float)
        arrival, servers = np.asarray(self.arrival, float), np.asarray(self.servers)
        spare = (servers - arrival * service) / service
        return _delay.Parts(np.asarray(self.wait_probability), 1 / service, spare)

    def _delay(self, *, served: bool) -> Duration:
        waits, rate, spare = np.broadcast_arrays(*self._parts)
        stable = spare > 0
        parts = _delay.Parts(waits, rate, np.where(stable, spare, 1.0))
        law = duration.Duration(_delay.Delay(*parts, served=served))
        return duration.endless(law, ~stable)
