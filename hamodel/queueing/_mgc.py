"""M/G/c: several servers; exact for phase-type service, else with a stated error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel.duration import Duration
from hamodel.queueing import _mphc, _phases, _report
from hamodel.queueing._mmc import MMc

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, eq=False)
class MGc:
    """Poisson arrivals, c servers, service times of any distribution, in order.

    Exact for service of phase type, such as reads and writes of unequal exponential
    times, on so many servers that there are at most 100 ways to be busy: 99 servers
    with two kinds of requests, 12 with three.  For other service no closed form is
    known.  The mean wait lies between those of exponential and of constant service,
    weighted by the squared coefficient of variation; the delay probability is that of
    M/M/c, and a wait that is not zero is taken as exponential.

    Parameters
    ----------
    arrival : array_like
        Arrival rate in 1/s.
    service : Duration
        Service time.
    servers : array_like
        Number of servers.

    Raises
    ------
    ValueError
        If a field is out of range or service no duration.

    Notes
    -----
    Beyond phase-type service the mean is exact for one server.  Held against exact
    chains (cv 0.7 to 2, 2 to 8 servers, load 50 to 95 %) it is within 5 %.  The 99th
    percentile of the wait, against 600 000 simulated requests of constant, uniform and
    lognormal service on the same servers and loads, is within 20 % up to cv 1 and
    within 30 % up to cv 2, where it is more often too low than too high.  Heavier tails
    may err by much more: two moments do not determine the wait (Gupta, Harchol-Balter,
    Dai and Zwart 2010, Queueing Systems 64).
    Kimura (1986), J. Appl. Prob. 23, 688-696, equation for M/G/s, with the M/D/s of
    Cosmetatos (1975), Operational Research Quarterly 26, 615-620.

    Examples
    --------
    >>> from hamodel import duration
    >>> steady = MGc(arrival=9, service=duration.constant(1.0), servers=10)
    >>> round(steady.mean_wait, 3), round(MMc(9, 1.0, 10).mean_wait, 3)
    (0.346, 0.669)
    """

    arrival: Quantity
    service: Duration
    servers: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "servers")
        _check.non_negative(arrival=self.arrival)
        _check.positive(servers=self.servers)
        _check.instance(Duration, service=self.service)
        _check.positive(service=self.service.mean)

    @property
    def utilisation(self) -> Quantity:
        """Load per server; 1 or more means overload."""
        return self._markov.utilisation

    @property
    def wait_probability(self) -> Quantity:
        """Probability of having to wait; that of M/M/c where there is no exact form."""
        return self.wait.sf(0.0)

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in the queue, in s."""
        return self.wait.mean

    @property
    def mean_response(self) -> Quantity:
        """Mean time from arrival to departure, in s."""
        return self.mean_wait + self.service.mean

    @property
    def wait(self) -> Duration:
        """Time in the queue; endless in overload."""
        fields = [self.arrival, self.servers]
        return _phases.each(self._wait, fields, self.utilisation)

    @property
    def response(self) -> Duration:
        """Time from arrival to departure; endless in overload."""
        fields = [self.arrival, self.servers]
        return _phases.each(self._response, fields, self.utilisation)

    def _repr_html_(self) -> str:
        names = ["utilisation", "wait_probability", "mean_wait", "mean_response"]
        return _report.html(self, names)

    @property
    def _markov(self) -> MMc:
        return MMc(self.arrival, self.service.mean, self.servers)

    def _factor(self, load: float, servers: float) -> float:
        """Mean wait over that of exponential service."""
        spread = float(self.service.cv) ** 2
        steady = _steady_factor(load, servers)
        return (1 + spread) / (2 * spread + (1 - spread) / steady)

    def _wait(self, arrival: float, servers: float) -> Duration:
        phases = self.service.phases
        if arrival and phases is not None and _exact(phases[0], servers):
            return duration.phase_type(*_mphc.wait(arrival, *phases, int(servers)))
        queue = MMc(arrival, self.service.mean, servers)
        late = float(queue.wait_probability)
        if late == 0:
            return duration.constant(0.0)
        mean = float(queue.mean_wait) * self._factor(queue.utilisation, servers) / late
        return duration.phase_type([late], [[-1 / mean]])

    def _response(self, arrival: float, servers: float) -> Duration:
        return self._wait(arrival, servers) + self.service


def _exact(start: FloatArray, servers: float) -> bool:
    """Tell whether there is an exact form; one phase is M/M/c, exact by itself."""
    some = len(start) > 1 and servers % 1 == 0 and start.sum() > 1 - 1e-12
    return some and _mphc.ways(len(start), int(servers)) <= _mphc.MOST


def _steady_factor(load: float, servers: float) -> float:
    """Mean wait of M/D/c over that of M/M/c (Cosmetatos), within its light-load limit.

    It grows as the load falls, where its limit is c/(c + 1).
    """
    gain = (1 - load) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2)
    limit = (servers - 1) / (servers + 1)
    return 1 / 2 + min(max(gain / (16 * servers * load), 0.0), max(limit, 0.0)) / 2
