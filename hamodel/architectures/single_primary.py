"""Single primary: the classic diagram, one site with one database.

The surprise is that the database is not the only box that takes the service down
alone: the one load balancer does so too, and so does the site around both.

Assumptions
- Servers, database and site fail independently, with exponential times; while the
  site is down its database neither fails nor is repaired.
- Nothing is replicated: a repair brings the database back with all its data.  A
  database that is lost for good is `rpo`'s matter, by the age of its last backup.
- `everywhere` (a bad deploy, a configuration, an operator) strikes all at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from hamodel import fields
from hamodel._types import Quantity
from hamodel.architectures._assumptions import Assumption, exponential_repair, fixed
from hamodel.architectures._copies import AtWork
from hamodel.architectures._diagram import checked, drawn, quoted, servers
from hamodel.architectures._front import Data, Front, everywhere, place, planned
from hamodel.architectures._seen import Seen, absorb, entrance, undisturbed
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun, Model, Verdict
from hamodel.architectures.behaviour import Behaviour, Work, failures
from hamodel.architectures.writes import Loss, LostWrites
from hamodel.duration import Duration, uniform
from hamodel.structure import Structure
from hamodel.units import DAY
from hamodel.workload import Workload


@fields.specification
class SinglePrimary(LongRun):
    """One site, one database: the diagram that every text begins with.

    Attributes
    ----------
    everywhere : Node or None
        What strikes everything at once; None: nothing does.
    maintenance : Maintenance or None
        Planned work on the database; nothing serves meanwhile.
    destroyed : float, array or SymPy expression
        Share of the database's failures that destroy its data, so that a backup is
        all there is.

    Examples
    --------
    >>> from hamodel.units import HOUR, MINUTE, YEAR
    >>> node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    >>> shop = SinglePrimary(database=node)
    >>> down = shop.model().downtime()["write"]
    >>> {cause: round(share * YEAR / MINUTE) for cause, share in down.items()}
    {'database down': 1049}
    """

    database: Node = fields.spec(Node, "one database")
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    name: str = fields.word("site", default="DC-1")
    backup: Quantity = fields.span("time between backups", default=DAY)
    destroyed: Quantity = fields.share("failures that destroy the data", default=0.0)
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return (self.name,)

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        return True

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes: site, servers and database.

        `operation` is "read" or "write", which pass the same.

        Examples
        --------
        >>> shop = SinglePrimary(database=Node(mttf=7.2e6, mttr=14400))
        >>> shop.diagram().single_points_of_failure()
        ('DC-1', 'DC-1 database')
        """
        checked(operation)
        stages = (*servers(self.site, self.name), quoted(f"{self.name} database"))
        return drawn(self, *stages)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            exponential_repair(self),
            *fixed(
                "Servers, database and site fail independently of each other.",
                "While the site is down its database neither fails nor is repaired.",
                "A repair brings the database back with all its data, but for the "
                "share of failures that destroys them.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Parts `DC-1` (servers, database and site) and, if given, `everywhere`.
        """
        front = Front(site=self.site, redirect=None)
        data = Data(site=self.site, database=self.database, redirect=None)
        home = place(
            self.name,
            front.part(f"{self.name} servers"),
            data.part(f"{self.name} data"),
        )
        work = self.maintenance
        return Model(
            parts=(
                home,
                *(planned(work, work.takes) if work else ()),
                *everywhere(self.everywhere),
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return _Behaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        del operation  # reads and writes fare alike
        return undisturbed(seen, entrance(seen, site))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Behaviour(AtWork):
    """A `SinglePrimary` under a workload."""

    spec: SinglePrimary

    @property
    def rpo(self) -> Duration:
        """Age of the last backup, if the data are lost."""
        return uniform(0.0, self.spec.backup)

    @property
    def lost_writes(self) -> LostWrites:
        writes = self.workload.writes * self.spec.backup / 2
        events = failures(self.spec.database, self.spec.site) * self.spec.destroyed
        return LostWrites(
            by_failure={"database destroyed": Loss(events=events, writes=writes)}
        )

    def work(self, known: Seen, at: str) -> Work:
        del known, at
        return self.work_of(1.0)

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        return 1.0, self.work(Seen(), site)
