"""What is said of the nodes of a replicated primary, and of what it hangs on."""

from __future__ import annotations

from typing import TypeVar

from hamodel import fields
from hamodel._types import Quantity
from hamodel.failover import as_stage

#: Kinds of failure of a node, and `everywhere`, which strikes all nodes at once.
KINDS = ("host", "process", "hang", "network", "disk", "everywhere")

#: Kinds that end by themselves, without a crew, and so race the failover.
IN_PLACE = frozenset({"process", "network"})

#: What the failure of a dependency does: stop the service, or keep it from failing
#: over.
EFFECTS = ("stops", "read-only", "no failover")

READS = ("local", "never")

Spec = TypeVar("Spec")


@fields.specification
class Replica:
    """One node of a replicated primary.

    Attributes
    ----------
    priority : int
        The highest of those that work is promoted; of equal ones one at the site of
        the last primary, if there is one, else each as likely.
    reads : str
        "local": it answers the reads of its site while the primary is elsewhere, each
        of several there as many; "never": it answers none unless it is the primary.
    cost : float, array, SymPy expression or None
        What it costs; None: as `Node.cost` says.
    name : str
        What others call it; empty where none follows it.
    follows : str
        The name of the node from which it takes the writes (a cascade); empty: from
        the primary.  It acknowledges no commits and is behind the others; while what
        it follows is down it falls behind, and is not promoted by itself.
    """

    site: str = fields.word("site")
    promotable: bool = fields.flag("may become primary", default=True)
    priority: int = fields.whole("priority in a promotion", 0, default=0)
    reads: str = fields.word("reads that it serves", *READS, default="local")
    sync: bool = fields.flag("acknowledges commits", default=True)
    cost: Quantity | None = fields.number("cost of this node", default=None)
    name: str = fields.word("name", empty=True, default="")
    follows: str = fields.word("node that it follows", empty=True, default="")

    @property
    def acknowledges(self) -> bool:
        """Whether commits that wait for standbys count it."""
        return self.sync and not self.follows


@fields.specification
class Failure:
    """One kind of failure: how often, how long, how it is noticed.

    Attributes
    ----------
    kind : str
        "host": the machine is gone until a crew has repaired it.  "process": it
        restarts in place, and may be back before the failover is decided.  "hang": it
        stands still; like a host, but slower to notice if `detection` says so.
        "network": it is cut off and comes back by itself; meanwhile an old primary may
        go on taking writes.  "disk": its data are gone; its repair is the copy from
        another node or from a backup, see `backup`.  "everywhere": a bad deploy or an
        operator, all nodes at once.
    mttf : float, array or SymPy expression
        Mean time in s between such failures of one node; `inf` for never.
    detection : float, array, SymPy expression, Duration or None
        Time in s from the failure of a primary to the decision to fail over; None: as
        the failover says.
    coverage : float, array, SymPy expression or None
        Probability that the failover works after it; None: as the failover says.
    backup : float, array, SymPy expression or None
        Time in s between backups, of a disk: where no standby is promoted, the primary
        comes back from the last one, without what was written since.  None: with all.
    restore : float, array, SymPy expression, Duration or None
        Time in s to restore the data of a disk from a backup, where no other node is
        left to copy them from; None: as `mttr`.
    name : str
        How it is called in answers; empty: as its kind.

    Raises
    ------
    ValueError
        If a field is beyond its limits, or one is given that its kind has no use for.
    """

    kind: str = fields.word("kind of failure", *KINDS, default="host")
    mttf: Quantity = fields.mean_time("mean time to such a failure")
    mttr: Quantity = fields.mean_time("time until it is over", law=True)
    detection: Quantity | None = fields.time(
        "time to detect it", law=True, stage=True, default=None
    )
    coverage: Quantity | None = fields.share(
        "such failures whose failover works", default=None
    )
    backup: Quantity | None = fields.span("time between backups", default=None)
    restore: Quantity | None = fields.span(
        "time to restore from a backup", law=True, default=None
    )
    name: str = fields.word("name", empty=True, default="")

    def __post_init__(self) -> None:
        fields.check(self)
        for name in ("backup", "restore"):
            value = getattr(self, name)
            if value is not None and self.kind != "disk":
                raise ValueError(
                    f"{name} must be None for a failure of kind {self.kind}, which "
                    f"leaves the data, got {value}"
                )
        failed_over = self.detection is not None or self.coverage is not None
        if self.kind == "everywhere" and failed_over:
            raise ValueError(
                "detection and coverage must be None for a failure everywhere: there "
                "is no failover from it"
            )
        given = self.detection
        if hasattr(given, "duration"):
            object.__setattr__(self, "mechanisms", {"detection": given})
            object.__setattr__(self, "detection", as_stage("detection", given))
        object.__setattr__(self, "name", self.name or self.kind)


@fields.specification
class Dependency:
    """Something that the service hangs on: a lock store, DNS, identity, shared power.

    Attributes
    ----------
    name : str
        What it is; it is named so among the causes of downtime.
    mttf : float, array or SymPy expression
        Mean time to its failure in s; `inf` for never.
    effect : str
        "stops": nothing is served meanwhile (power, DNS, identity).  "read-only": no
        writes, while reads go on (a lock store without which the primary demotes
        itself).  "no failover": the primary goes on, but failovers wait until it is
        back (a lock store with a fail-safe mode, an orchestrator, a witness).

    Notes
    -----
    Assumed: once it is back the service goes on at once.  Where a primary that demoted
    itself must be promoted again, `mttr` is to hold that time too.  A failover that
    waits for it comes at a random moment of its repair, and waits for what is left.
    """

    name: str = fields.word("name")
    mttf: Quantity = fields.mean_time("mean time to failure")
    mttr: Quantity = fields.span("time until it is back", law=True)
    effect: str = fields.word("effect of its loss", *EFFECTS, default="stops")


@fields.specification
class OldPrimary:
    """A primary that lives on after another was promoted, and takes writes still.

    Attributes
    ----------
    stops : float, array or SymPy expression
        Mean time in s until it stops where it was not fenced: by its lease, a watchdog,
        the loss of its standbys, or somebody's hand.
    astray : float, array or SymPy expression
        Share of the writes that it takes meanwhile; they are lost.
    """

    fenced: Quantity = fields.share("probability that fencing stops it", default=1.0)
    stops: Quantity = fields.time("mean time until it stops by itself", default=600.0)
    astray: Quantity = fields.share("writes that it takes meanwhile", default=0.5)


@fields.specification
class Standby:
    """How the standby fails, and how soon that is known.

    Attributes
    ----------
    mttf : float, array, SymPy expression or None
        Mean time to failure in s while it stands by: `inf` for a cold one that does
        not age.  None: as the primary.
    probe : float, array or SymPy expression
        Mean time in s until a failure of the standby is found.  0: at once.
    takeover_mttf : float, array or SymPy expression
        Mean time to failure in s while it takes over; `inf` leaves that out.
    """

    mttf: Quantity | None = fields.mean_time(
        "mean time to failure while standing by", default=None
    )
    probe: Quantity = fields.time("mean time until its failure is found", default=0)
    takeover_mttf: Quantity = fields.mean_time(
        "mean time to failure while taking over", default=float("inf")
    )
