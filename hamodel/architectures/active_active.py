"""Active-active: every site serves, and clients of a lost site go to another.

The surprise is that zero downtime is not on offer.  A client whose site is lost waits
until somebody notices and leads it away, so a site loss costs its share of clients
just that; and what strikes all sites at once costs everybody.

Assumptions
- Sites are alike and independent; `everywhere` is what strikes all of them.  Two sites
  with databases that fail every 2000 h for 4 h, and 30 s to lead clients away, are down
  7 times as long if 5 % of the failures strike both, and are repaired side by side
  (`common_cause`), 13 times if nothing serves until one repair is done (`assumptions`).
  A repair that has a law races the redirection, and further attempts or a hand, by
  both laws; eight attempts are told apart.  Where more fit into a repair (of 100 s, an
  attempt each 7 s, of which one in ten works) the wait is said 29 % too long if all
  repairs are alike, 4 % if they are uniform.  Only that of a node of a `region`, or of
  one of several servers of a tier, counts by its mean: it matters where it is about as
  short as the redirection.
- Any site can take any request, and the survivors can carry the load; `assess` tells
  where they cannot.
- Clients that were led away come back, at no cost, as soon as their site serves again;
  a database that returns has caught up.  Servers lead them away by themselves: where
  they and the database are down, that is a second chance.  It changes the downtime by
  less than the share of the time in which the servers keep a site from serving.
- What strikes all databases at once is counted apart from what they do by themselves.
  That leaves out a share of the downtime no larger than the share of the time in which
  some database is down.
- Replication between sites is asynchronous, so no site waits for another; each works
  on the writes of all, on those of others as long as on its own.
- With "home site", keys are spread evenly over the sites, and a site that leads its
  clients away has its keys moved at the same time.
- A site may itself be a replicated primary: see `region`.
- Planned work goes from site to site, whatever else has failed.  The clients of a site
  are led away before its turn, which costs them nothing as long as another site serves.
"""

from __future__ import annotations

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.architectures._active_active_behaviour import ActiveActiveBehaviour
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._common import alone, common_cause
from hamodel.architectures._diagram import (
    atleast,
    boxes,
    checked,
    drawn,
    path,
    quoted,
    servers,
)
from hamodel.architectures._events import Cause
from hamodel.architectures._front import Data, Front, everywhere, home, place, rolling
from hamodel.architectures._region import Region, Regional
from hamodel.architectures._seen import Seen, absorb, entrance, kept_out, struck
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun, Model, Part, Verdict
from hamodel.architectures.behaviour import Behaviour
from hamodel.architectures.writes import Resolution
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.structure import Structure
from hamodel.workload import Workload


@fields.specification
class ActiveActive(LongRun):
    """Sites that all read and write.

    Attributes
    ----------
    failover : Failover
        How clients of a lost site reach another: its detection, redirection and
        coverage.
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    maintenance : Maintenance or None
        Planned work; it goes from site to site, and what serves meanwhile has one
        site less.
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
    common_cause : float, array or SymPy expression
        Share of the failures of a database that take all databases at once (the beta of
        the beta-factor model); by default 0, which is kind to every redundant system.
    region : Region or None
        The nodes of a site, if each site is itself a replicated primary: failover
        inside, and `failover` between the sites.  None: one database a site.

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

    database: Node = fields.spec(Node, "one database")
    failover: Failover = fields.redirects(Failover, "failover")
    sites: tuple[str, ...] = fields.names("sites", default=("DC-1", "DC-2"))
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    replication: Replication = fields.spec(
        Replication, "replication", default_factory=Replication
    )
    resolution: str = fields.word(
        "resolution of conflicts",
        *map(str, Resolution),
        default=Resolution.LAST_WRITE.value,
    )
    clock_skew: Quantity = fields.time("difference of the clocks", default=0.01)
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )
    common_cause: Quantity = fields.share(
        "failures that strike all databases", default=0.0
    )
    region: Region | None = fields.spec(Region, "nodes of each site", default=None)

    def __post_init__(self) -> None:
        fields.check(self)
        _check.one_of(("async",), replication=self.replication.mode)
        if not self.sites:
            raise ValueError("sites must be at least 1 name, got ()")
        if self.region is not None:
            self.region.primary(self.database, self.site)

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes: sites, servers, databases and so on.

        `operation` is "read" or "write"; they differ where a region's commits wait.

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
            path(*servers(self.site, name), self._databases(name, operation))
            for name in self.sites
        ]
        return drawn(self, atleast(1, ways))

    def _databases(self, site: str, operation: str) -> str:
        """Return the path to the databases of one site."""
        if self.region is None:
            return quoted(f"{site} database")
        primary = self.region.primary(self.database, self.site)
        needed = primary.nodes_needed if operation == "write" else 1
        return atleast(needed, boxes(f"{site} database", self.region.nodes))

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

        A part for each site; `everywhere` if given; and for "home site" the part
        `home`, which tells where the key of a write has its home.
        """
        redirect = self.failover if len(self.sites) > 1 else None
        database = alone(self.database, self.common_cause)
        front = Front(site=self.site, redirect=redirect)
        data: Data | Regional = (
            Data(site=self.site, database=database, redirect=redirect)
            if self.region is None
            else Regional(
                primary=self.region.primary(database, self.site), redirect=redirect
            )
        )
        parts = [
            place(name, front.part(f"{name} servers"), data.part(f"{name} data"))
            for name in self.sites
        ]
        return Model(
            parts=(
                *self._homes,
                *rolling(self.maintenance, None, self.sites),
                *parts,
                *everywhere(self.everywhere),
                *self._common,
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    @property
    def _common(self) -> tuple[Part, ...]:
        nodes = 1 if self.region is None else self.region.nodes
        return common_cause(
            self.database,
            self.common_cause,
            dict.fromkeys(self.sites, nodes),
            lambda up, _site, _operation: any(up.values()),
            self.failover if len(self.sites) > 1 else None,
        )

    @property
    def _homes(self) -> tuple[Part, ...]:
        if self.resolution != Resolution.HOME_SITE or len(self.sites) == 1:
            return ()
        return (home(self.sites),)

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return ActiveActiveBehaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        stale = operation == "read" and len(self.sites) > 1
        here = seen.reads and seen.own != "moved" and not seen.everywhere
        if operation == "read" and here:
            return Verdict(through=site, at=site, stale=True)  # a standby answers
        found = struck(seen, entrance(seen, site), operation)
        if not found.cause:
            found = found._replace(stale=stale)
        if seen.worked_on and len(self.sites) == 1 and not seen.everywhere:
            return Verdict(Cause.PLANNED)
        if operation == "write" and not found.cause and seen.home:
            if (operation, seen.home) in seen.struck:
                return Verdict(Cause.COMMON)
            return found._replace(cause=kept_out(seen.home_clients))
        return found
