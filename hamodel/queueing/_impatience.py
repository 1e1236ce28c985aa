"""M/M/c+M: requests that give up waiting (clients with a timeout, callers who hang up).

Impatience makes every load stable: the queue grows only until those who leave balance
those who come.  A little of it shortens the waits of all the others a great deal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel.queueing import _numeric, _report
from hamodel.queueing._erlang import log_erlang_b

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, eq=False)
class MMcImpatient:
    """M/M/c in which each waiting request gives up after an exponential patience.

    Parameters
    ----------
    arrival : array_like
        Arrival rate in 1/s.
    service : array_like
        Mean service time in s.
    servers : array_like
        Number of servers; need not be whole.
    patience : array_like
        Mean time in s after which a waiting request gives up; service is completed
        once begun.

    Raises
    ------
    ValueError
        If a field is out of range.

    Notes
    -----
    Palm's model, now called Erlang-A.  In states above the servers the probabilities
    sum to an incomplete gamma function; Garnett, Mandelbaum and Reiman (2002),
    Designing a call center with impatient customers, Manufacturing and
    Service Operations Management 4(3), 208-227.

    Examples
    --------
    At 110 % load, with clients that give up after two service times on average:

    >>> queue = MMcImpatient(arrival=11, service=1.0, servers=10, patience=2.0)
    >>> round(queue.abandonment, 4), round(queue.mean_wait, 4)
    (0.1477, 0.2955)
    """

    arrival: Quantity
    service: Quantity
    servers: Quantity
    patience: Quantity

    def __post_init__(self) -> None:
        hold(self, "arrival", "service", "servers", "patience")
        _check.non_negative(arrival=self.arrival)
        _check.positive(
            service=self.service, servers=self.servers, patience=self.patience
        )

    @property
    def offered(self) -> Quantity:
        """Offered load in Erlang."""
        return _numeric.plain(np.asarray(self.arrival, float) * self.service)

    @property
    def utilisation(self) -> Quantity:
        """Fraction of the servers that is busy."""
        offered = np.asarray(self.offered)
        return _numeric.plain(offered * (1 - self.abandonment) / self.servers)

    @property
    def wait_probability(self) -> Quantity:
        """Probability that a request has to wait."""
        return _numeric.plain(np.exp(_log_waits(self._row)))

    @property
    def abandonment(self) -> Quantity:
        """Probability that a request gives up before its service starts."""
        row = self._row
        # lost work balances: everyone waiting leaves at rate 1/patience
        log_full = _log_waits(row) - row.log_sum
        given_up = log_full + _log_weighted(row) - np.log(row.x + 1)
        return _numeric.plain(np.where(row.y > 0, np.exp(given_up), 0.0))

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in the queue in s, until served or given up."""
        return _numeric.plain(np.asarray(self.abandonment) * self.patience)

    @property
    def mean_queue(self) -> Quantity:
        """Mean number waiting."""
        return _numeric.plain(np.asarray(self.arrival, float) * self.mean_wait)

    @property
    def throughput(self) -> Quantity:
        """Requests served, in 1/s."""
        return _numeric.plain(
            np.asarray(self.arrival, float) * (1 - np.asarray(self.abandonment))
        )

    def wait_sf(self, t: Quantity) -> Quantity:
        """Probability of being in the queue longer than t, served later or not.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Probability.

        Examples
        --------
        >>> queue = MMcImpatient(arrival=11, service=1.0, servers=10, patience=2.0)
        >>> round(queue.wait_sf(1.0), 4)
        0.0346
        """
        _check.non_negative(t=t)
        left = np.exp(-np.asarray(t, float) / self.patience)
        return _numeric.plain(self._offered_wait_sf(t) * left)

    def served_wait_sf(self, t: Quantity) -> Quantity:
        """Probability of waiting longer than t, among requests that get served.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Probability.

        Examples
        --------
        >>> queue = MMcImpatient(arrival=11, service=1.0, servers=10, patience=2.0)
        >>> round(queue.served_wait_sf(1.0), 4)
        0.0365
        """
        _check.non_negative(t=t)
        row, t = self._row, np.asarray(t, float)
        away = np.exp(-t / self.patience)
        late = row.y * away
        # P(V > t, patience > V): the same integral with one more power of u
        power = _numeric.log_gamma_ratio(row.x + 1, late)
        share = np.log(row.x / (row.x + 1)) - t / self.patience
        sf = _log_waits(row) + self._tilt(t) + power + share - row.log_sum
        return _numeric.plain(np.exp(sf) / (1 - np.asarray(self.abandonment)))

    def wait_quantile(self, p: Quantity) -> Quantity:
        """Time in the queue that a fraction p of all requests does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s.

        Examples
        --------
        >>> queue = MMcImpatient(arrival=11, service=1.0, servers=10, patience=2.0)
        >>> round(queue.wait_quantile(0.95), 4)
        0.9161
        """
        return _numeric.quantile(self.wait_sf, p, self._scale)

    def served_wait_quantile(self, p: Quantity) -> Quantity:
        """Return the wait that a fraction p of the served requests does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s.

        Examples
        --------
        >>> queue = MMcImpatient(arrival=11, service=1.0, servers=10, patience=2.0)
        >>> round(queue.served_wait_quantile(0.95), 4)
        0.9277
        """
        return _numeric.quantile(self.served_wait_sf, p, self._scale)

    def _repr_html_(self) -> str:
        names = ["utilisation", "wait_probability", "abandonment", "mean_wait"]
        return _report.html(self, [*names, "throughput"])

    def _offered_wait_sf(self, t: Quantity) -> FloatArray:
        """P(V > t) for the wait V of a request that would never give up."""
        row, t = self._row, np.asarray(t, float)
        late = _numeric.log_gamma_ratio(row.x, row.y * np.exp(-t / self.patience))
        log_sf = _log_waits(row) + self._tilt(t) + late - row.log_sum
        return np.asarray(np.exp(log_sf))

    def _tilt(self, t: FloatArray) -> FloatArray:
        """-c mu t + (lambda/theta)(1 - e^(-theta t))."""
        turns = t / np.asarray(self.patience, float)
        return np.asarray(-self._row.x * turns - self._row.y * np.expm1(-turns))

    @property
    def _row(self) -> Row:
        fields = (self.arrival, self.service, self.servers, self.patience)
        rate, mean, servers, patience = (np.asarray(f, float) for f in fields)
        x, y = np.broadcast_arrays(servers * patience / mean, rate * patience)
        log_b = np.broadcast_to(log_erlang_b(servers, rate * mean), x.shape)
        return Row(x, y, _numeric.log_gamma_ratio(x, y), log_b)

    @property
    def _scale(self) -> FloatArray:
        return np.asarray(self.patience, float) + np.zeros(self._row.x.shape)


class Row(NamedTuple):
    """The states above the servers: x = c mu/theta, y = lambda/theta.

    `log_sum` is the log of A(x, y), their total over that of the first of them.
    """

    x: FloatArray
    y: FloatArray
    log_sum: FloatArray
    log_b: FloatArray


def _log_waits(row: Row) -> FloatArray:
    """Log of A B / (1 + (A - 1) B), the probability of waiting."""
    below = np.log1p(-np.exp(np.minimum(row.log_b, 0.0)))
    above = row.log_sum + row.log_b
    with np.errstate(invalid="ignore"):
        answer = above - np.logaddexp(below, above)
    return np.where(np.isneginf(row.log_b), -np.inf, answer)


def _log_weighted(row: Row) -> FloatArray:
    """Log of (x+1)/y times the sum of j y^j / ((x+1)...(x+j)).

    The sum is x + (y - x) A; below saturation that cancels, and the series of positive
    terms takes over.
    """
    x, y = row.x, row.y
    series = _numeric.rare(x, y)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # log(x + (y - x) A) with A possibly huge
        scaled = x * np.exp(-row.log_sum) + (y - x)
        answer = np.asarray(np.log(scaled) + row.log_sum + np.log((x + 1) / y))
    if np.any(series):
        answer[series] = np.log(_weighted_sum(x[series], y[series]))
    return answer


def _weighted_sum(x: FloatArray, y: FloatArray) -> FloatArray:
    """Sum over j >= 1 of j y^(j-1) / ((x+2)...(x+j))."""
    total, term, j = np.ones_like(y), np.ones_like(y), 1
    while np.any((j + 1) * term > 1e-17 * total):
        j += 1
        term = term * y / (x + j)
        total = total + j * term
    return total
