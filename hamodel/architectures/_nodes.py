"""What is said of the nodes of a replicated primary, and of what it hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hamodel import _check
from hamodel._quantity import hold, mean_of
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.failover import Failback, Failover, Stalls
from hamodel.replication import Replication

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.architectures.active_passive import ActivePassive

#: Kinds of failure of a node, and `everywhere`, which strikes all nodes at once.
KINDS = ("host", "process", "hang", "network", "disk", "everywhere")

#: Kinds that end by themselves, without a crew, and so race the failover.
IN_PLACE = frozenset({"process", "network"})

#: What the failure of a dependency does: stop the service, or keep it from failing
#: over.
EFFECTS = ("stops", "no failover")

READS = ("local", "never")

Spec = TypeVar("Spec")


@dataclass(frozen=True, kw_only=True, eq=False)
class Replica:
    """One node of a replicated primary.

    Attributes
    ----------
    site : str
        Where it is.
    promotable : bool
        Whether it may become primary.
    priority : int
        The highest of those that work is promoted; of equal ones each as likely.
    reads : str
        "local": it answers the reads of its site while the primary is elsewhere;
        "never": it answers none unless it is the primary.
    sync : bool
        Whether commits that wait for standbys count it.
    cost : float, array, SymPy expression or None
        What it costs; None: as `Node.cost` says.

    Raises
    ------
    ValueError
        If a field is beyond its limits.
    """

    site: str
    promotable: bool = True
    priority: int = 0
    reads: str = "local"
    sync: bool = True
    cost: Quantity | None = None

    def __post_init__(self) -> None:
        _named(site=self.site)
        _check.instance(bool, promotable=self.promotable, sync=self.sync)
        _check.whole(0, priority=self.priority)
        _check.one_of(READS, reads=self.reads)
        if self.cost is not None:
            hold(self, "cost")
            _check.non_negative(cost=self.cost)


@dataclass(frozen=True, kw_only=True, eq=False)
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
        another node or from a backup.  "everywhere": a bad deploy or an operator, all
        nodes at once.
    mttf : float, array or SymPy expression
        Mean time in s between such failures of one node; `inf` for never.
    mttr : float, array, SymPy expression or Duration
        Time in s until the node is back.
    detection : float, array, SymPy expression, Duration or None
        Time in s from the failure of a primary to the decision to fail over; None: as
        the failover says.
    coverage : float, array, SymPy expression or None
        Probability that the failover works after it; None: as the failover says.
    name : str
        How it is called in answers; empty: as its kind.

    Raises
    ------
    ValueError
        If a field is beyond its limits, or one is given that its kind has no use for.
    """

    kind: str = "host"
    mttf: Quantity
    mttr: Quantity
    detection: Quantity | None = None
    coverage: Quantity | None = None
    name: str = ""

    def __post_init__(self) -> None:
        _check.one_of(KINDS, kind=self.kind)
        hold(self, "mttf", "mttr", "detection", "coverage")
        _check.mean_time(mttf=self.mttf, mttr=mean_of(self.mttr))
        if self.detection is not None:
            _check.non_negative(detection=mean_of(self.detection))
        if self.coverage is not None:
            _check.probability(coverage=self.coverage)
        if self.kind == "everywhere" and (self.detection, self.coverage) != (None,) * 2:
            raise ValueError(
                "detection and coverage must be None for a failure everywhere: there "
                "is no failover from it"
            )
        _check.instance(str, name=self.name)
        object.__setattr__(self, "name", self.name or self.kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dependency:
    """Something that the service hangs on: a lock store, DNS, identity, shared power.

    Attributes
    ----------
    name : str
        What it is; it is named so among the causes of downtime.
    mttf : float, array or SymPy expression
        Mean time to its failure in s; `inf` for never.
    mttr : float, array, SymPy expression or Duration
        Time in s until it is back.
    effect : str
        "stops": nothing is served meanwhile (a lock store without which the primary
        demotes itself).  "no failover": the primary goes on, but failovers wait until
        it is back (a lock store with a fail-safe mode, an orchestrator, a witness).

    Raises
    ------
    ValueError
        If a field is beyond its limits.
    """

    name: str
    mttf: Quantity
    mttr: Quantity
    effect: str = "stops"

    def __post_init__(self) -> None:
        _named(name=self.name)
        hold(self, "mttf", "mttr")
        _check.mean_time(mttf=self.mttf)
        _check.positive(mttr=mean_of(self.mttr))
        _check.one_of(EFFECTS, effect=self.effect)


@dataclass(frozen=True, kw_only=True, eq=False)
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

    Raises
    ------
    ValueError
        If a mean time to failure is not above zero, or `probe` is negative.
    """

    mttf: Quantity | None = None
    probe: Quantity = 0
    takeover_mttf: Quantity = float("inf")

    def __post_init__(self) -> None:
        hold(self, "mttf", "probe", "takeover_mttf")
        if self.mttf is not None:
            _check.mean_time(mttf=self.mttf)
        _check.non_negative(probe=self.probe)
        _check.mean_time(takeover_mttf=self.takeover_mttf)


def _named(**fields: object) -> None:
    """Raise unless every field is a name."""
    for field, value in fields.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"{field} must be a name, got {value!r}")


def specs(kind: type[Spec], **fields: object) -> tuple[Spec, ...]:
    """Return a field that holds several specifications of one kind, as a tuple."""
    ((name, given),) = fields.items()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(f"{name} must be a sequence of {kind.__name__}, got {given!r}")
    found = tuple(given)
    for place, one in enumerate(found):
        _check.instance(kind, **{f"{name}[{place}]": one})
    return found


class Places(tuple[str, ...]):
    """Different sites in order, with the sequence of sites that they were taken from.

    A field that was given with repetitions is kept as different names; this keeps what
    was given, so that `dataclasses.replace` makes the same specification again.
    """

    given: tuple[str, ...] | None = None  # None: they follow from the replicas

    @classmethod
    def of(cls, given: Sequence[str], *, implied: bool = False) -> Places:
        """Return the different names of a sequence."""
        found = cls(dict.fromkeys(given))
        found.given = None if implied else tuple(given)
        return found


def site_names(given: object) -> tuple[str, ...]:
    """Return the sites of nodes: names, which may be the same."""
    refused = ValueError(f"sites must be a sequence of names, got {given!r}")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise refused
    found = tuple(given)
    if not found:
        raise ValueError("sites must be at least 1 name, got ()")
    if not all(isinstance(name, str) and name for name in found):
        raise refused
    return found


#: The sites of a pair that names none.
APART = Places.of(("DC-1", "DC-2"))


def check_kinds(spec: ActivePassive) -> None:
    """Check each field of a specification by itself."""
    _check.instance(Node, database=spec.database)
    _check.instance(Failover, failover=spec.failover)
    _check.instance(Standby, standby=spec.standby)
    _check.instance(Site, site=spec.site)
    _check.instance(Replication, replication=spec.replication)
    for name, kind in (
        ("everywhere", Node),
        ("maintenance", Maintenance),
        ("failback", Failback),
        ("stalls", Stalls),
    ):
        if getattr(spec, name) is not None:
            _check.instance(kind, **{name: getattr(spec, name)})
    for name, many in _SEVERAL.items():
        object.__setattr__(spec, name, specs(many, **{name: getattr(spec, name)}))
    hold(spec, "restore", "common_cause")
    _check.probability(common_cause=spec.common_cause)
    if spec.restore is not None:
        _check.positive(restore=spec.restore)


_SEVERAL: dict[str, type[Replica | Failure | Dependency]] = {
    "replicas": Replica,
    "failures": Failure,
    "depends_on": Dependency,
}


def place_nodes(spec: ActivePassive) -> None:
    """Keep the names of the sites as different ones, in order."""
    if spec.replicas:
        theirs = tuple(node.site for node in spec.replicas)
        implied = spec.sites is APART or getattr(spec.sites, "given", ()) is None
        different = ", ".join(dict.fromkeys(theirs))
        if not implied and set(spec.sites) != set(theirs):
            raise ValueError(
                f"sites must be those of the replicas ({different}), got "
                f"{tuple(spec.sites)!r}"
            )
        found = Places.of(theirs, implied=True)
    elif isinstance(spec.sites, Places):
        found = APART if spec.sites.given is None else spec.sites
    else:
        found = Places.of(site_names(spec.sites))
    object.__setattr__(spec, "sites", found)


def check_fit(spec: ActivePassive) -> None:
    """Check what fields must be to each other."""
    count = len(spec.nodes)
    _check.whole(1, crews=spec.crews)
    _check.between(1, count, crews=spec.crews)
    if not any(node.promotable for node in spec.nodes):
        raise ValueError("replicas must hold a promotable node, got none")
    _check_commits(spec, count)
    if spec.failback and len({node.priority for node in spec.nodes}) == 1:
        raise ValueError(
            "failback must be None where no node has a higher priority than another"
        )
    for name in ("failures", "depends_on"):
        called = [one.name for one in getattr(spec, name)]
        if len(set(called)) < len(called):
            raise ValueError(f"{name} must have different names, got {called}")
    if sum(one.effect != "stops" for one in spec.depends_on) > 1:
        raise ValueError(
            'depends_on must hold one dependency of effect "no failover" at most, got '
            f"{[one.name for one in spec.depends_on if one.effect != 'stops']}"
        )


def _check_commits(spec: ActivePassive, count: int) -> None:
    """Check what commits wait for against the standbys that there are."""
    replication = spec.replication
    if replication.count not in {1, count - 1}:
        raise ValueError(
            f"replication.standbys must be {count - 1}, one for each standby, got "
            f"{replication.count}"
        )
    if replication.mode == "async":
        return
    most = sum(node.sync for node in spec.nodes)
    most -= any(node.sync and node.promotable for node in spec.nodes)
    if replication.acknowledgements > most:
        raise ValueError(
            "replication.acknowledgements must be <= the standbys that commits wait "
            f"for ({most}), got {replication.acknowledgements}"
        )
