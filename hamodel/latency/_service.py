"""A service as queues in a row: load of each tier, response now and after a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, _html
from hamodel.duration import Duration
from hamodel.latency._paths import in_sequence
from hamodel.queueing import MMc
from hamodel.units import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel._types import Quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """A tier of equal servers that every request visits.

    Parameters
    ----------
    name : str
        What the tier is called.
    service : float
        Mean time in s that one visit keeps a server busy.
    servers : int
        Servers (or nodes, cores, connections) of the tier at a site.
    visits : int
        Visits of one request, one after another: the queries of a page.

    Raises
    ------
    ValueError
        If a field is out of range.
    """

    name: str
    service: float
    servers: int = 1
    visits: int = 1

    def __post_init__(self) -> None:
        _check.positive(service=self.service)
        _check.whole(1, servers=self.servers, visits=self.visits)

    def queue(self, arrival: Quantity) -> MMc:
        """Return the tier as a queue under so many requests per second.

        Parameters
        ----------
        arrival : array_like
            Requests in 1/s.

        Returns
        -------
        MMc
            The queue of visits.
        """
        return MMc(
            np.asarray(arrival, float)[()] * self.visits, self.service, self.servers
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """Tiers in a row at one site, and what is added without queueing.

    Parameters
    ----------
    arrival : float
        Requests in 1/s at this site.
    stages : sequence of Stage
        Tiers that each request visits.
    network : Duration, optional
        Time on the way, in all; none by default.

    Raises
    ------
    ValueError
        If arrival is negative, there is no stage, or two have one name.

    Notes
    -----
    Each tier is an M/M/c of its own (Jackson's theorem); the response adds independent
    visits, which is exact for one visit each to single servers in a row.

    Examples
    --------
    Two active sites at 49 % each.  One dies, and the other answers not twice but fifty
    times as slowly as the service takes:

    >>> site = Service(arrival=49.0, stages=[Stage(name="db", service=0.010)])
    >>> round(site.mean_response / 0.010, 2)
    1.96
    >>> survivor = site.taking_over(sites=2)
    >>> survivor.utilisation, round(survivor.mean_response / 0.010, 6)
    ({'db': 0.98}, 50.0)
    """

    arrival: float
    stages: Sequence[Stage]
    network: Duration | None = None

    def __post_init__(self) -> None:
        _check.non_negative(arrival=self.arrival)
        object.__setattr__(self, "stages", tuple(self.stages))
        names = [s.name for s in self.stages]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"stages must have different names, got {names}")
        if self.network is not None:
            _check.instance(Duration, network=self.network)

    @property
    def utilisation(self) -> dict[str, float]:
        """Load of each tier; 1 or more means overload."""
        return {s.name: s.queue(self.arrival).utilisation for s in self.stages}

    @property
    def bottleneck(self) -> str:
        """Tier with the highest load."""
        loads = self.utilisation
        return max(loads, key=loads.__getitem__)

    @property
    def capacity(self) -> float:
        """Requests in 1/s at which the first tier saturates."""
        return min(s.servers / (s.service * s.visits) for s in self.stages)

    @property
    def mean_response(self) -> float:
        """Mean time of a request in s; infinite in overload."""
        times = (s.visits * s.queue(self.arrival).mean_response for s in self.stages)
        return float(sum(times)) + (float(self.network.mean) if self.network else 0.0)

    @property
    def response(self) -> Duration:
        """Time of a request; an OverloadError if a tier is overloaded."""
        parts = [
            in_sequence(s.queue(self.arrival).response, times=s.visits)
            for s in self.stages
        ]
        return in_sequence(*parts, *([self.network] if self.network else []))

    def response_quantile(self, p: Quantity) -> Quantity:
        """Return the time that a fraction p of the requests does not exceed.

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
        >>> one = Service(arrival=50.0, stages=[Stage(name="db", service=0.010)])
        >>> round(one.response_quantile(0.99), 6)  # log(100) of 20 ms
        0.092103
        """
        _check.probability(p=p)
        if max(self.utilisation.values()) >= 1:
            endless = np.where(np.asarray(p) > 0, np.inf, 0.0)
            return endless.item() if endless.ndim == 0 else endless
        return self.response.quantile(p)

    def taking_over(self, sites: int, lost: int = 1) -> Service:
        """Return this site after others like it have failed.

        Parameters
        ----------
        sites : int
            Sites that shared the traffic evenly.
        lost : int
            How many of them are gone.

        Returns
        -------
        Service
            The same tiers under the traffic of the lost sites too.

        Raises
        ------
        ValueError
            If nobody survives.
        """
        _check.whole(1, sites=sites)
        _check.whole(0, lost=lost)
        if lost >= sites:
            raise ValueError(f"lost must be < sites ({sites}), got {lost}")
        return replace(self, arrival=self.arrival * sites / (sites - lost))

    def losing(self, stage: str, servers: int = 1) -> Service:
        """Return this site with fewer servers in one tier.

        Parameters
        ----------
        stage : str
            Name of the tier.
        servers : int
            Servers lost.

        Returns
        -------
        Service
            The same traffic on what is left.

        Raises
        ------
        ValueError
            If there is no such tier or no server is left.

        Examples
        --------
        >>> tiers = [Stage(name="app", service=0.05, servers=3)]
        >>> Service(arrival=30.0, stages=tiers).losing("app").utilisation
        {'app': 0.75}
        """
        _check.one_of([s.name for s in self.stages], stage=stage)
        _check.whole(0, servers=servers)
        kept = []
        for s in self.stages:
            if s.name == stage and servers >= s.servers:
                raise ValueError(f"servers must be < {s.servers}, got {servers}")
            left = s.servers - servers if s.name == stage else s.servers
            kept.append(replace(s, servers=left))
        return replace(self, stages=kept)

    def _repr_html_(self) -> str:
        rows = [(name, f"{load:.3g}") for name, load in self.utilisation.items()]
        rows.append(("mean response", text(self.mean_response)))
        rows.append(("99 %", text(float(self.response_quantile(0.99)))))
        return _html.table(rows, caption=f"Service at {self.arrival:g}/s")
