"""How busy the busiest node is, and what a power cut takes from random placements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable


def transversals(
    quorums: Iterable[Collection[Hashable]],
) -> tuple[frozenset[Hashable], ...]:
    """Return the smallest sets that meet every quorum: reads give the writes.

    Parameters
    ----------
    quorums : iterable of collection of hashable
        Read quorums, or write quorums.

    Returns
    -------
    tuple of frozenset
        The smallest sets that share a node with each of them.

    Raises
    ------
    ValueError
        If there is no quorum, or an empty one.

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
) -> float:
    """Return the least share of requests that the busiest node must take.

    Parameters
    ----------
    reads : iterable of collection of hashable
        Read quorums.
    read_fraction : float
        Share of requests that read.
    writes : iterable of collection of hashable, optional
        Write quorums; the smallest sets that meet every read quorum if not given.

    Returns
    -------
    float
        Requests that touch the busiest node, over all, when quorums are picked best.

    Raises
    ------
    ValueError
        If there is no quorum, a read misses a write, or the fraction is not in [0, 1].

    Notes
    -----
    A linear program over how often each quorum is picked.  Source: Naor and Wool
    (1998), SIAM J. Computing 27(2), 423-447; Whittaker et al. (2021), PaPoC.

    Examples
    --------
    A grid of two rows of three, read by row:

    >>> round(load(["abc", "def"], read_fraction=0.5), 6)
    0.416667
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
    weight = [read_fraction] * len(asked) + [1 - read_fraction] * len(kept)
    touched = [
        [
            w * (node in quorum)
            for w, quorum in zip(weight, (*asked, *kept), strict=True)
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
