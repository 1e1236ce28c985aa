"""Is there a quorum: replicas that fail alone, and sites that fail as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamodel import _check
from hamodel._types import Quantity


def majority(votes: int) -> int:
    """Return the least number of votes that no other such number can avoid.

    Parameters
    ----------
    votes : int
        Votes altogether.

    Raises
    ------
    ValueError
        If there is no vote.

    Examples
    --------
    >>> majority(3), majority(4), majority(5)
    (2, 3, 3)
    """
    _check.whole(1, votes=votes)
    return int(votes) // 2 + 1


def unavailability(
    needed: int, nodes: Sequence[Quantity], *, votes: Sequence[int] | None = None
) -> Quantity:
    """Return the probability that too few votes are up.

    Parameters
    ----------
    needed : int
        Votes of a quorum.
    nodes : sequence of float, array or expression
        Unavailability of each node, independent of the others.
    votes : sequence of int, optional
        Votes of each node; 1 each if not given.

    Returns
    -------
    float, array or expression
        P(votes up < needed), summed over these cases: no digit is lost.

    Raises
    ------
    ValueError
        If a number is out of range, or there are not enough votes at all.

    Examples
    --------
    Four nodes of 99 % are worse than three, and two worse than one:

    >>> for n in (1, 2, 3, 4, 5):
    ...     print(n, f"{unavailability(majority(n), [0.01] * n):.6f}")
    1 0.010000
    2 0.019900
    3 0.000298
    4 0.000592
    5 0.000010
    """
    weights = [1] * len(nodes) if votes is None else list(votes)
    if len(weights) != len(nodes):
        raise ValueError(f"votes must hold {len(nodes)} numbers, got {len(weights)}")
    _check.whole(0, **{f"votes[{i}]": v for i, v in enumerate(weights)})
    _check.probability(**{f"nodes[{i}]": q for i, q in enumerate(nodes)})
    _enough("needed", needed, sum(weights))
    below: list[Quantity] = [1] + [0] * (
        needed - 1
    )  # P(exactly v votes up), v < needed
    for q, weight in zip(nodes, weights, strict=True):
        below = [
            q * p + ((1 - q) * below[v - weight] if v >= weight else 0)
            for v, p in enumerate(below)
        ]
    return _plain(sum(below))


def _enough(field_: str, needed: int, votes: int) -> None:
    _check.whole(1, **{field_: needed})
    if needed > votes:
        raise ValueError(
            f"{field_} must be <= {votes}, the votes there are, got {needed}"
        )


def _plain(x: Quantity) -> Quantity:
    if isinstance(x, int):
        return float(x)
    return x.item() if isinstance(x, (np.ndarray, np.generic)) and x.ndim == 0 else x


@dataclass(frozen=True, kw_only=True)
class Quorum:
    """Read and write quorums of N alike replicas (R, W of N).

    Attributes
    ----------
    replicas, read, write : int
        The letters N, R and W of Dynamo and its heirs.

    Examples
    --------
    >>> Quorum(replicas=3, read=2, write=2).overlaps
    True
    >>> Quorum(replicas=3, read=1, write=1).overlaps
    False
    """

    replicas: int
    read: int
    write: int

    def __post_init__(self) -> None:
        _check.whole(1, replicas=self.replicas)
        _enough("read", self.read, self.replicas)
        _enough("write", self.write, self.replicas)

    @property
    def overlaps(self) -> bool:
        """Whether every read meets the last write: R + W > N.

        Not yet linearizable: a write that fails half way, or a read during a write,
        may show a new value first and the old one after.
        """
        return self.read + self.write > self.replicas

    def read_unavailability(self, node: Quantity) -> Quantity:
        """Return P(fewer than R replicas up).

        Parameters
        ----------
        node : float, array or expression
            Unavailability of a replica.
        """
        return unavailability(self.read, [node] * self.replicas)

    def write_unavailability(self, node: Quantity) -> Quantity:
        """Return P(fewer than W replicas up).

        Parameters
        ----------
        node : float, array or expression
            Unavailability of a replica.
        """
        return unavailability(self.write, [node] * self.replicas)
