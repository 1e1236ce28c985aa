"""Rules of thumb that are arithmetic: amplification, headroom, limits, jitter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check

if TYPE_CHECKING:
    from hamodel._types import Quantity


def plain(value: Quantity) -> Quantity:
    """Return a float for a zero-dimensional array, anything else as it is."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array


def amplification(failure: Quantity, retries: int) -> Quantity:
    """Count the attempts per request when each attempt fails with the same probability.

    Parameters
    ----------
    failure : array_like or sympy.Expr
        Probability that an attempt fails.
    retries : int
        Attempts after the first one.

    Returns
    -------
    float, ndarray or sympy.Expr
        1 + f + f^2 + ... + f^retries.

    Raises
    ------
    ValueError
        If failure is no probability or retries no whole number.

    Examples
    --------
    >>> amplification(0.5, 3), amplification(1.0, 3)
    (1.875, 4.0)
    """
    _check.probability(failure=failure)
    _check.whole(0, retries=retries)
    if not _check.is_symbolic(failure):
        failure = np.asarray(failure, float)
    total: Quantity = 1.0 if isinstance(failure, np.ndarray) else 1
    for _ in range(int(retries)):
        total = 1 + failure * total
    return plain(total + 0 * failure)


def layered_attempts(retries: int, layers: int) -> int:
    """Count the attempts at the bottom if every layer of a call retries on its own.

    Parameters
    ----------
    retries : int
        Attempts after the first one, in each layer.
    layers : int
        Layers that retry.

    Returns
    -------
    int
        Most attempts that one request makes at the lowest service.

    Raises
    ------
    ValueError
        If a field is no whole number or negative.

    Notes
    -----
    Beyer et al. (2016), Site Reliability Engineering, chapter 22: three retries in
    each of three layers turn one action of a user into 64 attempts on the database.

    Examples
    --------
    >>> layered_attempts(retries=3, layers=3)
    64
    """
    _check.whole(0, retries=retries, layers=layers)
    return int((retries + 1) ** layers)


def safe_load(nodes: Quantity, lost: Quantity = 1, limit: Quantity = 1.0) -> Quantity:
    """Highest load per node at which the survivors of a loss stay within a limit.

    Parameters
    ----------
    nodes : array_like or sympy.Expr
        Equal nodes (or sites) that share the traffic.
    lost : array_like or sympy.Expr
        How many may fail.
    limit : array_like or sympy.Expr
        Load that a survivor may carry.

    Returns
    -------
    float, ndarray or sympy.Expr
        (nodes - lost)/nodes * limit; 0 if nobody survives.

    Raises
    ------
    ValueError
        If nodes is not above 0, or lost or limit is negative.

    Examples
    --------
    Two sites may each be half used, three two thirds:

    >>> safe_load([2, 3, 4]).round(3), safe_load(3, limit=0.8)
    (array([0.5  , 0.667, 0.75 ]), 0.5333333333333333)
    """
    _check.positive(nodes=nodes)
    _check.non_negative(lost=lost, limit=limit)
    if any(_check.is_symbolic(v) for v in (nodes, lost, limit)):
        return limit * (nodes - lost) / nodes
    n, k = np.asarray(nodes, float), np.asarray(lost, float)
    return plain(np.maximum(n - k, 0) / n * np.asarray(limit, float))


def load_after_loss(load: Quantity, nodes: Quantity, lost: Quantity = 1) -> Quantity:
    """Load per survivor after a loss, traffic unchanged.

    Parameters
    ----------
    load : array_like or sympy.Expr
        Load per node before.
    nodes : array_like or sympy.Expr
        Equal nodes that share the traffic.
    lost : array_like or sympy.Expr
        How many fail.

    Returns
    -------
    float, ndarray or sympy.Expr
        load * nodes/(nodes - lost); infinite if nobody survives a load.

    Raises
    ------
    ValueError
        If nodes is not above 0, or load or lost is negative.

    Examples
    --------
    >>> load_after_loss(0.49, nodes=2)
    0.98
    """
    _check.positive(nodes=nodes)
    _check.non_negative(load=load, lost=lost)
    if any(_check.is_symbolic(v) for v in (load, nodes, lost)):
        return load * nodes / (nodes - lost)
    work, n = np.asarray(load, float), np.asarray(nodes, float)
    left = n - np.asarray(lost, float)
    answer = np.where(left > 0, work * n / np.where(left > 0, left, 1.0), np.inf)
    return plain(np.where(work > 0, answer, 0.0))


def shed_share(load: Quantity, limit: Quantity = 1.0) -> Quantity:
    """Share of the traffic to turn away so that the rest stays within a limit.

    Parameters
    ----------
    load : array_like
        Offered load per server.
    limit : array_like
        Load that is to be carried at most.

    Returns
    -------
    float or ndarray
        Share in [0, 1].

    Raises
    ------
    ValueError
        If load or limit is negative.

    Examples
    --------
    >>> shed_share([0.5, 1.25, 4.0], limit=0.8)
    array([0.  , 0.36, 0.8 ])
    """
    _check.non_negative(load=load, limit=limit)
    work, most = np.asarray(load, float), np.asarray(limit, float)
    kept = np.where(work > most, most / np.where(work > most, work, 1.0), 1.0)
    return plain(1 - kept)


def queue_limit(
    timeout: Quantity, service: Quantity, servers: Quantity = 1
) -> Quantity:
    """Longest system that still answers its last arrival in time, on average.

    Parameters
    ----------
    timeout : array_like
        Time in s after which a client gives up.
    service : array_like
        Mean service time in s.
    servers : array_like
        Number of servers.

    Returns
    -------
    int or ndarray of int
        Requests in the system, at least the servers: a `capacity` for `Retries`.

    Raises
    ------
    ValueError
        If a field is not above 0.

    Notes
    -----
    The last of K requests waits for K - c departures of c/service per second each and
    then for its own service.

    Examples
    --------
    >>> queue_limit(timeout=1.0, service=0.05, servers=4)
    80
    """
    _check.positive(timeout=timeout, service=service, servers=servers)
    fields = (np.asarray(v, float) for v in (timeout, service, servers))
    limit, mean, c = fields
    waiting = np.floor(np.maximum(limit - mean, 0) * c / mean * (1 + 1e-12))
    answer = np.asarray(waiting + c).astype(int)
    return answer.item() if answer.ndim == 0 else answer


def jitter_needed(clients: Quantity, arrival: Quantity, capacity: Quantity) -> Quantity:
    """Width of a random delay that lets a herd of clients in without a queue.

    Parameters
    ----------
    clients : array_like or sympy.Expr
        Clients that would come back at the same moment.
    arrival : array_like or sympy.Expr
        Other traffic, in 1/s.
    capacity : array_like or sympy.Expr
        Requests that can be served, in 1/s.

    Returns
    -------
    float, ndarray or sympy.Expr
        Time in s over which to spread them evenly; infinite without spare capacity.

    Raises
    ------
    ValueError
        If a field is negative.

    Examples
    --------
    10 000 clients lose one connection each; the new primary has 200/s to spare:

    >>> jitter_needed(10_000, arrival=800, capacity=1000)
    50.0
    """
    _check.non_negative(clients=clients, arrival=arrival, capacity=capacity)
    if any(_check.is_symbolic(v) for v in (clients, arrival, capacity)):
        return clients / (capacity - arrival)
    n = np.asarray(clients, float)
    spare = np.asarray(capacity, float) - np.asarray(arrival, float)
    time = np.where(spare > 0, n / np.where(spare > 0, spare, 1.0), np.inf)
    return plain(np.where(n > 0, time, 0.0))
