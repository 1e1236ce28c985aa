"""What it takes for an active-passive pair to serve, and what is assumed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    perfect_fencing,
    shared_by_all,
)
from hamodel.architectures._diagram import (
    atleast,
    checked,
    copies,
    drawn,
    entrances,
    quoted,
    servers,
)
from hamodel.architectures._pair_model import placed

if TYPE_CHECKING:
    from hamodel.architectures.active_passive import ActivePassive
    from hamodel.structure import Structure


def diagram_of(spec: ActivePassive, operation: str) -> Structure:
    """Return the boxes that a request to a primary and its standbys passes.

    A write that waits for standbys without end needs these nodes too.
    """
    needed = nodes_needed(spec) if checked(operation) == "write" else 1
    held = placed(spec.nodes)
    nodes = [
        way for name, count in held.items() for way in copies(name, count, "database")
    ]
    stops = [quoted(one.name) for one in spec.stopping]
    if len(spec.sites) == 1:
        (name,) = spec.sites
        return drawn(spec, *servers(spec.site, name), atleast(needed, nodes), *stops)
    return drawn(spec, entrances(spec.site, spec.sites), atleast(needed, nodes), *stops)


def nodes_needed(spec: ActivePassive) -> int:
    """Return how many nodes it takes for a write."""
    replication = spec.replication
    if replication.mode in {"quorum", "in-sync"}:
        return 1 + int(replication.acknowledgements)
    if replication.mode == "sync":
        return sum(node.acknowledges for node in spec.nodes)
    return 1


def assumptions_of(spec: ActivePassive) -> tuple[Assumption, ...]:
    """Return what the numbers of a primary and its standbys assume."""
    fenced = (perfect_fencing(spec),) if spec.old_primary is None else ()
    stays = (
        () if spec.failback else ("After a failover the service stays where it is.",)
    )
    real = () if spec.false_failovers else ("No failover happens without a failure.",)
    return (
        *shared_by_all(spec),
        *fenced,
        instant_client(spec),
        *fixed(
            "A failover that does not work, that is not tried again and that nobody "
            "finishes, leaves its candidate in need of a repair too.",
            "The repair of a failed primary begins when the service is back.",
            "While the failover runs nothing else happens, but for a process that "
            "restarts, unless `Standby.takeover_mttf` says so.",
            *real,
            *(() if spec.failback else stays),
        ),
    )
