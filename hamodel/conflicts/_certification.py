"""Commits that every node must order first, and those that come too late (Galera)."""

from __future__ import annotations

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration, constant


def total_order_latency(
    one_way: Duration | float, *, local: Duration | float = 0.0, nodes: int = 3
) -> Duration:
    """Return how long a commit takes that all nodes must receive and order.

    Parameters
    ----------
    one_way : float or Duration
        Time in s of a message between two nodes.
    local : float or Duration
        Time in s of the rest of a commit, as on a network without delay.
    nodes : int
        Nodes of the group.

    Returns
    -------
    Duration
        Time in s.

    Raises
    ------
    ValueError
        If a time is negative or there are fewer than two nodes.

    Notes
    -----
    Galera delivers a message once every node is known to have received it.  With two
    nodes the other's answer says so.  With three or more, a node can say that it has
    *all* messages of a number only after the others' answers have reached it too, so
    its word arrives after a third delay (evs_proto.cpp of Galera 26.4: the answer that
    completes a number carries what its sender had received in full by then).

    Examples
    --------
    >>> round(total_order_latency(0.020, local=0.004).mean, 6)
    0.064
    """
    _check.whole(2, nodes=nodes)
    found = local if isinstance(local, Duration) else constant(local)
    delay = one_way if isinstance(one_way, Duration) else constant(one_way)
    for _ in range(2 if nodes == 2 else 3):
        found = found + delay
    return found


def certification_aborts(
    others: Quantity, latency: Duration | Quantity, *, keys: Quantity = 1
) -> Quantity:
    """Return the share of commits that certification refuses.

    Parameters
    ----------
    others : float or array
        Commits in 1/s of all other nodes.
    latency : float, array or Duration
        Time in s that a commit takes, from its request to its answer.
    keys : int or array
        Keys that are written, all alike.

    Returns
    -------
    float or ndarray
        Probability that another node's commit to the same key was ordered before, and
        was not applied here when this one began.

    Raises
    ------
    ValueError
        If a value is negative or `keys` is below 1.

    Notes
    -----
    A rival counts if it began within one *commit latency* before: it is ordered first,
    and its write is not visible yet.  So the share is 1 - E exp(-rate latency / keys).
    The delay of the link alone would say a third of it.

    Examples
    --------
    >>> round(certification_aborts(5.12, 0.0634), 3)
    0.277
    """
    _check.non_negative(others=others)
    _check.whole(1, keys=keys)
    rate: FloatArray = np.asarray(others, float) / np.asarray(keys, float)
    if isinstance(latency, Duration):
        return 1 - latency.lst(rate)
    _check.non_negative(latency=latency)
    found = -np.expm1(-rate * latency)
    return found if np.ndim(found) else float(found)
