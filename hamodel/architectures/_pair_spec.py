"""What is said of a primary and its standbys: nodes, sites, failover, replication."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.architectures._nodes import (
    Dependency,
    Failure,
    OldPrimary,
    Replica,
    Standby,
)
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun
from hamodel.failover import Failback, Failover, Stalls
from hamodel.replication import Replication


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


#: The sites of a pair that names none.
APART = Places.of(("DC-1", "DC-2"))


@fields.specification
class PairSpec(LongRun):
    """The fields of an `ActivePassive`, where they are described."""

    database: Node = fields.spec(Node, "one database")
    failover: Failover = fields.spec(Failover, "failover")
    standby: Standby = fields.spec(Standby, "standbys", default_factory=Standby)
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    crews: int = fields.whole("repair crews", default=1)
    restore: Quantity | None = fields.span("time to restore all nodes", default=None)
    sites: tuple[str, ...] = fields.names(
        "sites of the nodes", repeat=True, default=APART
    )
    replicas: tuple[Replica, ...] = fields.specs(Replica, "nodes", default=())
    failures: tuple[Failure, ...] = fields.specs(
        Failure, "kinds of failure", default=()
    )
    common_cause: Quantity = fields.share("failures that strike all nodes", default=0.0)
    failback: Failback | None = fields.spec(Failback, "failback", default=None)
    stalls: Stalls | None = fields.spec(Stalls, "stalls of the primary", default=None)
    old_primary: OldPrimary | None = fields.spec(
        OldPrimary, "old primary", default=None
    )
    depends_on: tuple[Dependency, ...] = fields.specs(
        Dependency, "what it depends on", default=()
    )
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    replication: Replication = fields.spec(
        Replication, "replication", default_factory=Replication
    )
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )

    def __post_init__(self) -> None:
        fields.check(self)
        object.__setattr__(self, "sites", _places(self))
        _check_fit(self)

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        return True

    @property
    def nodes(self) -> tuple[Replica, ...]:
        """The nodes one by one."""
        if self.replicas:
            return self.replicas
        given = (isinstance(self.sites, Places) and self.sites.given) or self.sites
        alone = given * 2 if len(given) == 1 else given
        return tuple(Replica(site=site) for site in alone)

    @property
    def acknowledgements(self) -> int:
        """How many standbys a commit waits for, when the primary is at home."""
        if self.replication.mode in {"sync", "in-sync"}:
            return max(sum(node.acknowledges for node in self.nodes) - 1, 1)
        return 0 if self.replication.mode == "async" else self.replication.needed

    @property
    def nodes_needed(self) -> int:
        """How many nodes it takes for a write."""
        if self.replication.mode in {"quorum", "in-sync"}:
            return 1 + int(self.replication.acknowledgements)
        if self.replication.mode == "sync":
            return sum(node.acknowledges for node in self.nodes)
        return 1

    @property
    def indispensable(self) -> int:
        """How many nodes there are of which no commit does without any."""
        held = sum(node.acknowledges for node in self.nodes)
        return held if 1 < held <= self.nodes_needed else 0

    @property
    def clean_election(self) -> bool:
        """Whether none becomes primary that may lack an acknowledged write."""
        return self.replication.mode == "in-sync" and not self.replication.unclean

    @property
    def false_failovers(self) -> bool:
        """Whether a healthy primary may be failed over."""
        detector = self.failover.mechanisms.get("detection")
        rate = getattr(detector, "false_alarm_rate", 0.0)
        return self.stalls is not None or bool(np.any(np.asarray(rate) > 0))

    @property
    def leaves_primaries(self) -> bool:
        """Whether a failover may leave the old primary alive."""
        cut = any(kind.kind == "network" for kind in self.failures)
        return cut or self.false_failovers

    @property
    def stopping(self) -> tuple[Dependency | Failure, ...]:
        """What stops all writes: failures everywhere, and what they hang on."""
        return (
            *(kind for kind in self.failures if kind.kind == "everywhere"),
            *(one for one in self.depends_on if one.effect != "no failover"),
        )

    @property
    def read_only(self) -> tuple[str, ...]:
        """Names of those of them that leave reads alone."""
        return tuple(one.name for one in self.depends_on if one.effect == "read-only")


def _places(spec: PairSpec) -> Places:
    """Return the names of the sites as different ones, in order."""
    if spec.replicas:
        theirs = tuple(node.site for node in spec.replicas)
        implied = spec.sites is APART or getattr(spec.sites, "given", ()) is None
        different = ", ".join(dict.fromkeys(theirs))
        if not implied and set(spec.sites) != set(theirs):
            raise ValueError(
                f"sites must be those of the replicas ({different}), got "
                f"{tuple(spec.sites)!r}"
            )
        return Places.of(theirs, implied=True)
    if isinstance(spec.sites, Places):
        return APART if spec.sites.given is None else spec.sites
    if not spec.sites:
        raise ValueError("sites must be at least 1 name, got ()")
    return Places.of(spec.sites)


def _check_fit(spec: PairSpec) -> None:
    """Check what fields must be to each other."""
    count = len(spec.nodes)
    _check.whole(1, crews=spec.crews)
    _check.between(1, count, crews=spec.crews)
    if not any(node.promotable for node in spec.nodes):
        raise ValueError("replicas must hold a promotable node, got none")
    _check_cascades(spec.nodes)
    _check_commits(spec, count)
    if spec.failback and len({node.priority for node in spec.nodes}) == 1:
        raise ValueError(
            "failback must be None where no node has a higher priority than another"
        )
    if spec.old_primary and not spec.leaves_primaries:
        raise ValueError(
            "old_primary must be None where no failover leaves the old one alive: give "
            "failures of kind network, stalls, or a detector that loses beats"
        )
    for name in ("failures", "depends_on"):
        called = [one.name for one in getattr(spec, name)]
        if len(set(called)) < len(called):
            raise ValueError(f"{name} must have different names, got {called}")
    for place, kind in enumerate(spec.failures):
        name = f"failures[{place}].coverage"
        spec.failover.check_coverage(name, kind.coverage)
    holding = [one.name for one in spec.depends_on if one.effect == "no failover"]
    if len(holding) > 1:
        raise ValueError(
            'depends_on must hold one dependency of effect "no failover" at most, got '
            f"{holding}"
        )


def _check_cascades(nodes: Sequence[Replica]) -> None:
    """Check that each node that follows another follows one that there is."""
    names = [node.name for node in nodes if node.name]
    if len(set(names)) < len(names):
        raise ValueError(f"replicas must have different names, got {names}")
    above = {node.name: node.follows for node in nodes}
    for node in nodes:
        passed, name = {node.name} - {""}, node.follows
        while name:
            if name not in names or name in passed:
                raise ValueError(
                    "follows must be the name of another node that does not follow it "
                    f"in turn ({', '.join(names) or 'none has a name'}), got {name!r}"
                )
            passed.add(name)
            name = above[name]
    best = max(node.priority for node in nodes if node.promotable)
    if all(n.follows for n in nodes if n.promotable and n.priority == best):
        raise ValueError(
            "follows must be empty for a node of the highest priority, which is the "
            "primary when all is well"
        )


def _check_commits(spec: PairSpec, count: int) -> None:
    """Check what commits wait for against the standbys that there are."""
    replication = spec.replication
    if replication.count not in {1, count - 1}:
        raise ValueError(
            f"replication.standbys must be {count - 1}, one for each standby, got "
            f"{replication.count}"
        )
    if replication.mode == "async":
        return
    most = sum(node.acknowledges for node in spec.nodes)
    most -= any(node.acknowledges and node.promotable for node in spec.nodes)
    if replication.acknowledgements > most:
        raise ValueError(
            "replication.acknowledgements must be <= the standbys that commits wait "
            f"for ({most}), got {replication.acknowledgements}"
        )
