"""Leaderless: copies that answer for themselves; R of N read, W of N write.

The surprise is that there is nothing to fail over.  A lost copy costs no outage at
all, only the slack that R and W leave; what is paid instead are stale answers (where
R + W <= N) and conflicts.

Assumptions
- Copies fail independently, with exponential times; a copy is back when it has caught
  up.  Sites fail as a whole, and their copies are back with them.
- Any reachable copy counts for the quorum, whatever its site; whoever coordinates a
  request knows at once which copies answer.
- No sloppy quorum: copies outside the N do not stand in.
- The clients of a lost site are led to another as `failover` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._copies import check_copies, sites_and_copies
from hamodel.architectures._diagram import checked, drawn, entrances, quorum
from hamodel.architectures._front import Seen, absorb, entrance
from hamodel.architectures._model import Model, Verdict, everywhere
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.failover import Failover

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel.structure import Structure


def _default_copies() -> Mapping[str, int]:
    return {"DC-1": 3}


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaderless:
    """Copies of which R answer a read and W take a write.

    Attributes
    ----------
    database : Node
        How one copy fails and is repaired.
    failover : Failover
        How clients of a lost site reach another.
    copies : mapping
        How many copies each site holds; together N.
    read_quorum, write_quorum : int
        R and W.
    site : Site
        Each site, with its load balancers and app servers.
    everywhere : Node or None
        What strikes everything at once.
    maintenance : Maintenance or None
        Planned work; it goes from node to node without downtime, so it is kept for
        comparison with architectures that have to stop for it.

    Raises
    ------
    ValueError
        If a number is not a whole number, or a quorum exceeds the copies.
    """

    database: Node
    failover: Failover = field(default_factory=Failover)
    copies: Mapping[str, int] = field(default_factory=_default_copies)
    read_quorum: int = 2
    write_quorum: int = 2
    site: Site = field(default_factory=Site)
    everywhere: Node | None = None
    maintenance: Maintenance | None = None

    def __post_init__(self) -> None:
        check_copies(self)
        total = sum(self.copies.values())
        for name in ("read_quorum", "write_quorum"):
            value = getattr(self, name)
            _check.whole(1, **{name: value})
            if value > total:
                raise ValueError(f"{name} must be <= {total} copies, got {value}")

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.copies)

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, as a structure.

        Parameters
        ----------
        operation : str
            "read" or "write".

        Returns
        -------
        Structure
            Of the sites, their servers and copies, and `everywhere`.

        Examples
        --------
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> store = Leaderless(database=node, copies={"DC-1": 2, "DC-2": 1})
        >>> store.diagram("read").single_points_of_failure()
        ('DC-1',)
        """
        reading = checked(operation) == "read"
        needed = self.read_quorum if reading else self.write_quorum
        return drawn(
            self, entrances(self.site, self.sites), quorum(self.copies, needed)
        )

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                "Any copy in reach counts, whatever its site.",
                "Who coordinates a request knows at once which copies answer.",
                "A copy that was repaired has caught up; no other stands in for it.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Returns
        -------
        Model
            For each site the part of its name (site and servers) and `... copies`;
            and `everywhere` if given.
        """
        parts = sites_and_copies(self, self.sites)
        return Model(
            parts=(*parts, *everywhere(self.everywhere)),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell what a client finds.

        Parameters
        ----------
        seen : Seen
            What clients of the site know.
        site : str
            Where the client is.
        operation : str
            "read" or "write".

        Returns
        -------
        Verdict
            The cause of the outage, or who serves.
        """
        found = entrance(seen, site)
        if found.cause:
            return found
        needed = self.read_quorum if operation == "read" else self.write_quorum
        if seen.copies < needed:
            return Verdict("no quorum")
        overlap = self.read_quorum + self.write_quorum > sum(self.copies.values())
        return found._replace(stale=not overlap)
