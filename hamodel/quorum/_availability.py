"""Is there a quorum: replicas that fail alone, and sites that fail as one."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hamodel._types import Quantity


def majority(votes: int) -> int:
    """Return the least number of votes that no other such number can avoid.

    Parameters
    ----------
    votes : int
        Votes altogether.

    Returns
    -------
    int
        More than half.

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

    @property
    def orders_writes(self) -> bool:
        """Whether two writes always meet: 2 W > N."""
        return 2 * self.write > self.replicas

    def read_unavailability(self, node: Quantity) -> Quantity:
        """Return P(fewer than R replicas up).

        Parameters
        ----------
        node : float, array or expression
            Unavailability of a replica.

        Returns
        -------
        float, array or expression
            Unavailability of reads.
        """
        return unavailability(self.read, [node] * self.replicas)

    def write_unavailability(self, node: Quantity) -> Quantity:
        """Return P(fewer than W replicas up).

        Parameters
        ----------
        node : float, array or expression
            Unavailability of a replica.

        Returns
        -------
        float, array or expression
            Unavailability of writes.
        """
        return unavailability(self.write, [node] * self.replicas)

    def partitioned(self, groups: Iterable[int]) -> tuple[tuple[int, bool, bool], ...]:
        """Return what each side of a network partition may do.

        Parameters
        ----------
        groups : iterable of int
            Replicas on each side; those of no group are down.

        Returns
        -------
        tuple of (int, bool, bool)
            Size, may it read, may it write.

        Raises
        ------
        ValueError
            If the groups have more replicas than there are.

        Examples
        --------
        >>> Quorum(replicas=5, read=3, write=3).partitioned([3, 2])
        ((3, True, True), (2, False, False))
        """
        sizes = tuple(groups)
        _check.whole(0, **{f"groups[{i}]": size for i, size in enumerate(sizes)})
        if sum(sizes) > self.replicas:
            raise ValueError(
                f"groups must add up to <= {self.replicas} replicas, got {sum(sizes)}"
            )
        return tuple((s, s >= self.read, s >= self.write) for s in sizes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """A place whose nodes share its fate.

    Attributes
    ----------
    replicas : int
        Nodes with a vote and the data.
    witnesses : int
        Nodes with a vote and no data.
    unavailability : float, array or expression
        Share of time that the whole site is away.
    """

    replicas: int
    witnesses: int = 0
    unavailability: Quantity = 0.0

    def __post_init__(self) -> None:
        _check.whole(0, replicas=self.replicas, witnesses=self.witnesses)
        _check.probability(unavailability=self.unavailability)

    @property
    def votes(self) -> int:
        """Votes of the site."""
        return self.replicas + self.witnesses


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Replicas and witnesses spread over sites.

    Attributes
    ----------
    sites : sequence of Site
        Where the nodes stand.
    node : float, array or expression
        Unavailability of a node while its site is there.

    Examples
    --------
    Two sites cannot elect when the larger one is away; a witness elsewhere helps:

    >>> two = Placement(sites=[Site(replicas=2), Site(replicas=1)], node=0.001)
    >>> two.survives_any_site
    False
    >>> witness = Site(replicas=0, witnesses=1)
    >>> sites = [Site(replicas=1), Site(replicas=1), witness]
    >>> three = Placement(sites=sites, node=0.001)
    >>> three.survives_any_site
    True
    """

    sites: Sequence[Site]
    node: Quantity

    def __post_init__(self) -> None:
        object.__setattr__(self, "sites", tuple(self.sites))
        for i, site in enumerate(self.sites):
            _check.instance(Site, **{f"sites[{i}]": site})
        _check.probability(node=self.node)
        if not self.votes:
            raise ValueError("sites must hold 1 vote or more, got 0")

    @property
    def votes(self) -> int:
        """Votes of all sites."""
        return sum(site.votes for site in self.sites)

    @property
    def majority(self) -> int:
        """Votes of a majority."""
        return majority(self.votes)

    @property
    def survives_any_site(self) -> bool:
        """Whether a majority with data is left when any one site is lost."""
        return all(self.survives([i]) for i in range(len(self.sites)))

    def survives(self, lost: Iterable[int]) -> bool:
        """Tell whether a majority with data is left without some sites.

        Parameters
        ----------
        lost : iterable of int
            Numbers of the sites that are away, from 0.

        Returns
        -------
        bool
            Whether the others can elect and have the data.

        Raises
        ------
        ValueError
            If there is no site of a number.
        """
        gone = set(lost)
        for i in gone:
            if i not in range(len(self.sites)):
                raise ValueError(
                    f"lost must be site numbers < {len(self.sites)}, got {i}"
                )
        left = [site for i, site in enumerate(self.sites) if i not in gone]
        enough = sum(site.votes for site in left) >= self.majority
        return enough and any(site.replicas for site in left)

    def unavailability(self, needed: int | None = None, copies: int = 1) -> Quantity:
        """Return the probability that there is no quorum with data.

        Parameters
        ----------
        needed : int, optional
            Votes of a quorum; a majority if not given.
        copies : int
            Replicas with data that must be up among them.

        Returns
        -------
        float, array or expression
            P(votes up < needed, or replicas up < copies).

        Raises
        ------
        ValueError
            If there are not so many votes or replicas.

        Examples
        --------
        Five nodes of 99.9 % in three sites, of which each is away 0.1 % of the time:

        >>> sites = [Site(replicas=n, unavailability=0.001) for n in (2, 2, 1)]
        >>> print(f"{Placement(sites=sites, node=0.001).unavailability():.3e}")
        8.996e-06
        """
        needed = self.majority if needed is None else needed
        _enough("needed", needed, self.votes)
        _enough("copies", copies, sum(site.replicas for site in self.sites))
        # state[v][d]: P(v votes and d replicas up so far), both counted up to enough
        state: list[list[Quantity]] = [[0] * (copies + 1) for _ in range(needed + 1)]
        state[0][0] = 1
        for site in self.sites:
            state = self._with_site(state, site)
        return _plain(
            sum(sum(row[:copies]) for row in state)
            + sum(row[copies] for row in state[:needed])
        )

    def _with_site(
        self, state: list[list[Quantity]], site: Site
    ) -> list[list[Quantity]]:
        needed, copies = len(state) - 1, len(state[0]) - 1
        fresh: list[list[Quantity]] = [[0] * (copies + 1) for _ in range(needed + 1)]
        for votes, data, chance in self._site_law(site):
            for v, row in enumerate(state):
                for d, p in enumerate(row):
                    if isinstance(p, int) and p == 0:
                        continue
                    to, kept = min(v + votes, needed), min(d + data, copies)
                    fresh[to][kept] = fresh[to][kept] + p * chance
        return fresh

    def _site_law(self, site: Site) -> list[tuple[int, int, Quantity]]:
        """Return (votes up, replicas up, probability) of one site."""
        up, down = 1 - self.node, self.node
        here = 1 - site.unavailability
        law = [(0, 0, site.unavailability)]
        for data in range(site.replicas + 1):
            for others in range(site.witnesses + 1):
                failed = site.votes - data - others
                ways = comb(site.replicas, data) * comb(site.witnesses, others)
                chance = ways * up ** (data + others) * down**failed
                law.append((data + others, data, here * chance))
        return law
