"""Closed networks: a fixed number of clients (or pool connections) going round."""

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
class ClosedNetwork:
    """A fixed number of clients going round stations, product form, one class.

    The model of a connection pool: `customers` connections, each held while its
    request visits the stations, then idle for `think` until the next request.

    Parameters
    ----------
    customers : int or array_like of int
        Clients in the network, at least 1.
    demands : array_like, shape (..., k)
        Service demand in s at each station: visits times mean service time.
    think : array_like
        Mean time in s outside the stations, at least 0.
    servers : int or sequence of int, shape (k,)
        Servers of each station.

    Raises
    ------
    ValueError
        If a field is out of range.

    Notes
    -----
    Stations with one server by mean value analysis; with more, by Buzen's convolution,
    whose terms are all positive where the load-dependent recursion loses digits.
    Reiser and Lavenberg (1980), J. ACM 27(2), 313-322; Buzen (1973), Comm. ACM 16(9).
    Percentiles of one station with thinking clients: `MachineRepair`.

    Examples
    --------
    >>> pool = ClosedNetwork(customers=12, demands=[0.1, 0.04, 0.07], think=0.5)
    >>> round(pool.throughput, 6), round(pool.mean_response, 6)
    (9.502068, 0.762883)
    """

    customers: Quantity
    demands: Quantity
    think: Quantity = 0.0
    servers: Quantity = 1

    def __post_init__(self) -> None:
        hold(self, "customers", "demands", "think", "servers")
        _check.whole(1, customers=self.customers, servers=self.servers)
        _check.positive(demands=self.demands)
        _check.non_negative(think=self.think)
        if np.ndim(self.demands) < 1:
            raise ValueError(f"demands must be a sequence, got {self.demands}")

    @property
    def throughput(self) -> Quantity:
        """Round trips in 1/s."""
        return _numeric.plain(self._solved[0])

    @property
    def queue(self) -> FloatArray:
        """Mean number at each station, in service or waiting, shape (..., k)."""
        queue: FloatArray = self._solved[1]
        return queue

    @property
    def mean_response(self) -> Quantity:
        """Mean time in s at all stations together, per round trip."""
        rate = np.asarray(self.throughput)
        return _numeric.plain(self.queue.sum(axis=-1) / rate)

    @property
    def station_response(self) -> FloatArray:
        """Mean time in s at each station per round trip, shape (..., k)."""
        response: FloatArray = self.queue / np.asarray(self.throughput)[..., None]
        return response

    @property
    def utilisation(self) -> FloatArray:
        """Busy fraction of the servers of each station, shape (..., k)."""
        demands = np.asarray(self.demands, float)
        used: FloatArray = np.asarray(self.throughput)[..., None] * demands
        return np.asarray(used / np.asarray(self.servers))

    @property
    def bottleneck(self) -> Quantity:
        """Number of the station that saturates first."""
        per_server = np.asarray(self.demands, float) / self.servers
        return _numeric.plain(np.argmax(per_server, axis=-1))

    @property
    def knee(self) -> Quantity:
        """Number of clients from which on the bottleneck sets the pace.

        Where the two bounds of the throughput cross: one client's own pace, and the
        pace of the bottleneck.
        """
        demands = np.asarray(self.demands, float)
        slowest = np.max(demands / np.asarray(self.servers), axis=-1)
        return _numeric.plain((demands.sum(axis=-1) + self.think) / slowest)

    def _repr_html_(self) -> str:
        return _report.html(self, ["throughput", "mean_response", "knee"])

    @property
    def _solved(self) -> tuple[FloatArray, FloatArray]:
        """Throughput (...) and mean numbers (..., k) at the wanted populations."""
        demands = np.asarray(self.demands, float)
        think = np.asarray(self.think, float)
        count = np.asarray(self.customers)
        lead = np.broadcast_shapes(demands.shape[:-1], think.shape, count.shape)
        demands = np.broadcast_to(demands, (*lead, demands.shape[-1]))
        think, count = np.broadcast_to(think, lead), np.broadcast_to(count, lead)
        servers = np.broadcast_to(self.servers, demands.shape[-1:])
        if np.all(servers == 1):
            return _mean_values(count, demands, think)
        return _convolved(count, demands, think, servers)


def _mean_values(
    count: FloatArray, demands: FloatArray, think: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean value analysis: a client sees the network without itself."""
    queue = np.zeros(demands.shape)
    rate = np.zeros(count.shape)
    for n in range(1, int(count.max()) + 1):
        response = demands * (1 + queue)
        active = n <= count
        rate = np.where(active, n / (think + response.sum(axis=-1)), rate)
        queue = np.where(active[..., None], rate[..., None] * response, queue)
    return rate, queue


def _convolved(
    count: FloatArray, demands: FloatArray, think: FloatArray, servers: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Buzen's convolution, in units of the bottleneck's pace: nothing overflows."""
    most = int(count.max())
    pace = np.max(demands / servers, axis=-1)
    n = np.arange(1.0, most + 1)
    rows = [
        _weights(demands[..., i] / pace, np.minimum(n, servers[i]))
        for i in range(demands.shape[-1])
    ]
    with np.errstate(divide="ignore"):
        rows.append(_weights(think / pace, n))
    whole = rows[0]
    for row in rows[1:]:
        whole = _convolve(whole, row)
    pick = np.asarray(count, int)[..., None]
    norm = np.take_along_axis(whole, pick, axis=-1)[..., 0]
    rate = np.take_along_axis(whole, pick - 1, axis=-1)[..., 0] / norm / pace
    queues = []
    for i in range(demands.shape[-1]):
        others = rows[:i] + rows[i + 1 :]
        rest = others[0]
        for row in others[1:]:
            rest = _convolve(rest, row)
        ours = _convolve(rows[i] * np.arange(most + 1), rest)
        queues.append(np.take_along_axis(ours, pick, axis=-1)[..., 0] / norm)
    return rate, np.stack(queues, axis=-1)


def _weights(demand: FloatArray, paces: FloatArray) -> FloatArray:
    """Weights of 0..n at one station, the largest scaled to 1."""
    with np.errstate(divide="ignore"):
        steps = np.log(demand)[..., None] - np.log(paces)
    logs = np.concatenate([np.zeros((*demand.shape, 1)), np.cumsum(steps, -1)], -1)
    weights: FloatArray = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return weights


def _convolve(first: FloatArray, second: FloatArray) -> FloatArray:
    """Sum over j of first[j] second[n - j], for n up to the length of either."""
    size = first.shape[-1]
    answer = np.zeros(np.broadcast_shapes(first.shape, second.shape))
    for j in range(size):
        answer[..., j:] += first[..., j, None] * second[..., : size - j]
    return answer
