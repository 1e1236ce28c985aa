"""Active-active: every site serves, and clients of a lost site go to another.

The surprise is that zero downtime is not on offer.  A client whose site is lost waits
until somebody notices and leads it away, so a site loss costs its share of clients
just that; and what strikes all sites at once costs everybody.

Assumptions
- Sites are alike and independent; `everywhere` is what strikes all of them.  Two sites
  with databases that fail every 2000 h for 4 h, and 30 s to lead clients away, are down
  13 times as long if 5 % of the failures have a common cause.  The shape of repairs
  does not matter: shares of time of independent sites multiply.
- Any site can take any request, and the survivors can carry the load; `assess` tells
  where they cannot.
- Clients that were led away come back, at no cost, as soon as their site serves again;
  a database that returns has caught up.
- Replication between sites is asynchronous, so no site waits for another.
- With "home site", keys are spread evenly over the sites, and a site that leads its
  clients away has its keys moved at the same time.
- Planned work goes from site to site and stops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel._quantity import hold
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._diagram import (
    atleast,
    checked,
    drawn,
    path,
    quoted,
    servers,
)
from hamodel.architectures._front import (
    Data,
    Front,
    Seen,
    absorb,
    entrance,
    home,
    kept_out,
    place,
)
from hamodel.architectures._model import Model, Part, Verdict, everywhere
from hamodel.architectures._specs import (
    Maintenance,
    Node,
    Site,
    check_maintenance,
    names,
)
from hamodel.failover import Failover
from hamodel.replication import Replication

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.structure import Structure

HOME_SITE = "home site"
#: What can become of concurrent writes.
RESOLUTIONS = ("last write wins", "vector clocks", "crdt", HOME_SITE)


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveActive:
    """Sites that all read and write.

    Attributes
    ----------
    database : Node
        How the database of a site fails and is repaired.
    failover : Failover
        How clients of a lost site reach another: its detection, redirection and
        coverage.
    sites : tuple of str
        Names of the sites.
    site : Site
        Each site, with its load balancers and app servers.
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    maintenance : Maintenance or None
        Planned work; it goes from node to node without downtime, so it is kept for
        comparison with architectures that have to stop for it.
    replication : Replication
        How writes reach the other sites; asynchronous, its delay on top of the way
        between them, which is the workload's.
    resolution : str
        What becomes of concurrent writes: "last write wins", "vector clocks", "crdt",
        or "home site", where each key is written at one site only, and its writes
        wait when that site is lost until its keys have been given another home, which
        takes as long as leading its clients away.
    clock_skew : float or array
        How far the clock of every second site is ahead, in s.

    Raises
    ------
    ValueError
        If a part is not of its kind, or a name of a site occurs twice.

    Examples
    --------
    >>> from hamodel.units import DAY, HOUR, MINUTE, YEAR
    >>> shop = ActiveActive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    ...     failover=Failover(detection=10, redirection=20),
    ... )
    >>> down = shop.model().downtime()["write"]
    >>> {cause: round(share * YEAR / MINUTE, 1) for cause, share in down.items()}
    {'failing over': 2.2, 'all sites down': 2.1}
    """

    database: Node
    failover: Failover
    sites: tuple[str, ...] = ("DC-1", "DC-2")
    site: Site = field(default_factory=Site)
    everywhere: Node | None = None
    replication: Replication = field(default_factory=Replication)
    resolution: str = "last write wins"
    clock_skew: Quantity = 0.01
    maintenance: Maintenance | None = None

    def __post_init__(self) -> None:
        _check.instance(Node, database=self.database)
        _check.instance(Failover, failover=self.failover)
        _check.instance(Site, site=self.site)
        _check.instance(Replication, replication=self.replication)
        _check.one_of(("async",), replication=self.replication.mode)
        _check.one_of(RESOLUTIONS, resolution=self.resolution)
        hold(self, "clock_skew")
        _check.non_negative(clock_skew=self.clock_skew)
        check_maintenance(self.maintenance)
        if self.everywhere is not None:
            _check.instance(Node, everywhere=self.everywhere)
        object.__setattr__(self, "sites", names(sites=self.sites))
        if not self.sites:
            raise ValueError("sites must be at least 1 name, got ()")

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, as a structure.

        Parameters
        ----------
        operation : str
            "read" or "write"; here they take the same way.

        Returns
        -------
        Structure
            Of the sites, their servers and databases, and `everywhere`.

        Examples
        --------
        >>> shop = ActiveActive(
        ...     database=Node(mttf=7.2e6, mttr=14400),
        ...     failover=Failover(),
        ...     everywhere=Node(mttf=3e7, mttr=3600),
        ... )
        >>> shop.diagram().single_points_of_failure()
        ('everywhere',)
        """
        checked(operation)
        ways = [
            path(*servers(self.site, name), quoted(f"{name} database"))
            for name in self.sites
        ]
        return drawn(self, atleast(1, ways))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                "Sites are alike, and any of them can take any request.",
                "Clients that were led away come back at no cost as soon as their site "
                "serves again.",
                "A database that returns has caught up.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Returns
        -------
        Model
            A part for each site; `everywhere` if given; and for "home site" the part
            `home`, which tells where the key of a write has its home.
        """
        redirect = self.failover if len(self.sites) > 1 else None
        front = Front(site=self.site, redirect=redirect)
        data = Data(site=self.site, database=self.database, redirect=redirect)
        parts = [
            place(name, front.part(f"{name} servers"), data.part(f"{name} data"))
            for name in self.sites
        ]
        return Model(
            parts=(*self._homes, *parts, *everywhere(self.everywhere)),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    @property
    def _homes(self) -> tuple[Part, ...]:
        if self.resolution != HOME_SITE or len(self.sites) == 1:
            return ()
        return (home(self.sites),)

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
        stale = operation == "read" and len(self.sites) > 1
        found = entrance(seen, site)._replace(stale=stale)
        if operation == "write" and not found.cause and seen.home:
            return found._replace(cause=kept_out(seen.home_clients))
        return found
