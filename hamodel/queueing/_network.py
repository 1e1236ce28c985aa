"""Open Jackson networks: stations, a routing matrix, Poisson arrivals from outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamodel import _check, duration
from hamodel._quantity import hold
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.queueing import _numeric, _report
from hamodel.queueing._mmc import MMc


@dataclass(frozen=True, eq=False)
class Network:
    """Stations of exponential servers between which requests wander.

    Parameters
    ----------
    arrivals : array_like, shape (..., n)
        Arrival rate in 1/s from outside at each station.
    service : array_like, shape (..., n)
        Mean service time in s per visit.
    routing : array_like, shape (..., n, n)
        `routing[i, j]` is the probability that a request goes on from i to j; what a
        row lacks to 1 leaves the network.
    servers : array_like, shape (n,)
        Servers at each station.

    Raises
    ------
    ValueError
        If a field is out of range, a row of routing exceeds 1, or some station never
        leads out of the network.

    Notes
    -----
    In the steady state each station looks like an M/M/c of its own, independent of the
    others, though its arrivals are not Poisson once there is feedback: Jackson (1957),
    Operations Research 5(4), 518-521.  Means are exact.  `response` adds
    independent visits: exact for single servers in a row and where no request can
    overtake another, an approximation otherwise (Walrand and Varaiya 1980).

    Examples
    --------
    >>> network = Network(
    ...     arrivals=[0, 0, 0, 4],
    ...     service=[1 / 25, 3 / 100, 3 / 50, 1 / 20],
    ...     routing=[[0, 0.5, 0.5, 0], [1, 0, 0, 0], [0.6, 0, 0, 0], [1, 0, 0, 0]],
    ... )
    >>> network.rates, round(network.mean_response, 4)
    (array([20., 10., 10.,  4.]), 1.5446)
    """

    arrivals: Quantity
    service: Quantity
    routing: Quantity
    servers: Quantity = 1

    def __post_init__(self) -> None:
        hold(self, "arrivals", "service", "routing", "servers")
        _check.non_negative(arrivals=self.arrivals)
        _check.positive(service=self.service, servers=self.servers)
        _check.probability(routing=self.routing)
        shape = np.shape(self.routing)
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(f"routing must be square, got shape {shape}")
        for name in ("arrivals", "service"):
            if np.shape(getattr(self, name))[-1:] != shape[-1:]:
                got = np.shape(getattr(self, name))
                raise ValueError(
                    f"{name} must have {shape[-1]} stations, got shape {got}"
                )
        if np.any(bad := self.routing.sum(axis=-1) > 1 + 1e-12):
            where = np.argwhere(bad)[0]
            raise ValueError(f"routing must have rows <= 1, row {where[-1]} exceeds it")
        self._check_exits()

    @property
    def rates(self) -> FloatArray:
        """Visits to each station in 1/s, shape (..., n): the traffic equations."""
        inward = np.swapaxes(np.asarray(self.routing, float), -1, -2)
        size = inward.shape[-1]
        lead = np.broadcast_shapes(inward.shape[:-2], np.shape(self.arrivals)[:-1])
        outside = np.broadcast_to(np.asarray(self.arrivals, float), (*lead, size))
        flow = np.linalg.solve(np.eye(size) - inward, outside[..., None])[..., 0]
        return np.maximum(flow, 0.0)

    @property
    def visits(self) -> FloatArray:
        """Mean number of visits that a request pays each station, shape (..., n)."""
        total = np.sum(np.asarray(self.arrivals, float), axis=-1, keepdims=True)
        if np.any(total == 0):
            raise ValueError("arrivals must be > 0 at some station, got none")
        visits: FloatArray = self.rates / total
        return visits

    @property
    def stations(self) -> MMc:
        """The stations as M/M/c queues, arrays of shape (..., n)."""
        return MMc(self.rates, self.service, self.servers)

    @property
    def utilisation(self) -> FloatArray:
        """Load of each station, shape (..., n)."""
        return np.asarray(self.stations.utilisation)

    @property
    def mean_number(self) -> Quantity:
        """Mean number of requests in the network."""
        return _numeric.plain(np.sum(self.stations.mean_number, axis=-1))

    @property
    def mean_response(self) -> Quantity:
        """Mean time in s from entering the network to leaving it."""
        with np.errstate(invalid="ignore"):
            spent = self.visits * np.asarray(self.stations.mean_response)
        return _numeric.plain(np.where(self.visits > 0, spent, 0.0).sum(axis=-1))

    @property
    def response(self) -> Duration:
        """Time in the network, of phase type (no leading axes); endless in overload."""
        if np.ndim(self.rates) != 1 or np.ndim(self.routing) != 2:
            raise ValueError("response needs fields without leading axes")
        used = np.flatnonzero(self.rates > 0)
        if np.any(self.utilisation[used] >= 1):
            return duration.endless(duration.constant(0.0))
        return self._walk(used)

    def _repr_html_(self) -> str:
        return _report.html(self, ["utilisation", "mean_number", "mean_response"])

    def _walk(self, used: NDArray[np.intp]) -> Duration:
        """Phases: waiting at a station (with Erlang's probability), being served."""
        n = len(used)
        routing = np.asarray(self.routing, float)[np.ix_(used, used)]
        fields = np.broadcast_arrays(self.rates, self.service, self.servers)
        rates, service, servers = (np.asarray(f, float)[used] for f in fields)
        waits = np.asarray(MMc(rates, service, servers).wait_probability)
        enter = np.hstack([np.diag(waits), np.diag(1 - waits)])
        moves = np.zeros((2 * n, 2 * n))
        moves[:n, n:] = np.diag((servers - rates * service) / service)
        moves[n:] = (routing / service[:, None]) @ enter
        leave = (1 - routing.sum(axis=1)) / service
        total = moves.sum(axis=1) + np.concatenate(
            [np.zeros(n), np.maximum(leave, 0.0)]
        )
        first = np.asarray(self.arrivals, float)[used] / np.sum(self.arrivals)
        return duration.phase_type(first @ enter, moves - np.diag(total))

    def _check_exits(self) -> None:
        """Every station must lead out, in however many steps."""
        routing = np.asarray(self.routing, float)
        out = routing.sum(axis=-1) < 1 - 1e-12
        for _ in range(routing.shape[-1]):
            out = out | np.any((routing > 0) & out[..., None, :], axis=-1)
        if not np.all(out):
            station = np.argwhere(~out)[0][-1]
            raise ValueError(
                f"routing must lead out of the network, station {station} never does"
            )
