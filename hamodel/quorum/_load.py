"""How busy the busiest node is, and what a power cut takes from random placements."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping

import numpy as np

from hamodel import _check


def transversals(
    quorums: Iterable[Collection[Hashable]],
) -> tuple[frozenset[Hashable], ...]:
    """Return the smallest sets that meet every quorum: reads give the writes.

    Examples
    --------
    >>> writes = transversals(["ab", "cd"])
    >>> sorted("".join(sorted(quorum)) for quorum in writes)
    ['ac', 'ad', 'bc', 'bd']
    """
    given = [frozenset(quorum) for quorum in quorums]
    if not given or not all(given):
        raise ValueError("quorums must hold 1 quorum or more, none of them empty")
    found: set[frozenset[Hashable]] = {frozenset()}
    for quorum in given:  # Berge's algorithm
        grown = {t if t & quorum else t | {n} for t in found for n in quorum}
        found = {t for t in grown if not any(other < t for other in grown)}
    return tuple(sorted(found, key=lambda t: (len(t), sorted(map(str, t)))))


def load(
    reads: Iterable[Collection[Hashable]],
    *,
    read_fraction: float,
    writes: Iterable[Collection[Hashable]] | None = None,
    capacities: Mapping[Hashable, float | tuple[float, float]] | None = None,
) -> float:
    """Return the least load of the busiest node for each request in 1/s.

    Parameters
    ----------
    reads : iterable of collection of hashable
        Read quorums.
    read_fraction : float
        Share of requests that read.
    writes : iterable of collection of hashable, optional
        Write quorums; the smallest sets that meet every read quorum if not given.
    capacities : mapping of hashable to float or (float, float), optional
        Requests in 1/s that each node can take, or of reads and of writes; 1 each if
        not given.

    Returns
    -------
    float
        Share of its capacity that the busiest node spends per request in 1/s, when
        quorums are picked best: one over what the whole system can take.  Without
        capacities, the share of the requests that touch that node.

    Raises
    ------
    ValueError
        If there is no quorum, a read misses a write, the fraction is not in [0, 1], or
        a node has no capacity.

    Notes
    -----
    A linear program over how often each quorum is picked.  Source: Naor and Wool
    (1998), SIAM J. Computing 27(2), 423-447; Whittaker et al. (2021), PaPoC.

    Examples
    --------
    A grid of two rows of three, read by row:

    >>> round(load(["abc", "def"], read_fraction=0.5), 6)
    0.416667

    Majorities of three, of which one node is ten times as fast: the other two share
    what it cannot take away from them.

    >>> each = {"a": 1000, "b": 100, "c": 100}
    >>> print(f"{1 / load(['ab', 'bc', 'ca'], read_fraction=1, capacities=each):.0f}/s")
    200/s
    """
    from scipy.optimize import linprog

    _check.probability(read_fraction=read_fraction)
    asked = [frozenset(quorum) for quorum in reads]
    kept = list(transversals(asked) if writes is None else map(frozenset, writes))
    for quorum in asked:
        for other in kept:
            if not quorum & other:
                raise ValueError(
                    f"writes must meet every read quorum, {sorted(map(str, other))} "
                    f"misses {sorted(map(str, quorum))}"
                )
    nodes = list(dict.fromkeys(node for quorum in (*asked, *kept) for node in quorum))
    most = _capacities(nodes, capacities)
    weight = [read_fraction] * len(asked) + [1 - read_fraction] * len(kept)
    touched = [
        [
            w * (node in quorum) / most[node][i >= len(asked)]
            for i, (w, quorum) in enumerate(zip(weight, (*asked, *kept), strict=True))
        ]
        for node in nodes
    ]
    upper = np.column_stack([np.array(touched), -np.ones(len(nodes))])
    picks = np.zeros((2, len(weight) + 1))
    picks[0, : len(asked)] = picks[1, len(asked) : -1] = 1
    cost = np.zeros(len(weight) + 1)
    cost[-1] = 1
    found = linprog(
        cost, A_ub=upper, b_ub=np.zeros(len(nodes)), A_eq=picks, b_eq=[1, 1]
    )
    return float(np.asarray(found.x)[-1])


def _capacities(
    nodes: Iterable[Hashable],
    given: Mapping[Hashable, float | tuple[float, float]] | None,
) -> dict[Hashable, tuple[float, float]]:
    """Return what each node can take of reads and of writes, in 1/s."""
    found: dict[Hashable, tuple[float, float]] = {}
    for node in nodes:
        if given is None:
            found[node] = (1.0, 1.0)
            continue
        if node not in given:
            raise ValueError(f"capacities must give {node!r}, got {list(given)}")
        value = given[node]
        pair = value if isinstance(value, tuple) else (value, value)
        _check.positive(**{f"capacity of {node}": np.asarray(pair)})
        found[node] = pair
    return found
