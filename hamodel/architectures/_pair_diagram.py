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
    servers,
)
from hamodel.architectures._two_sites import waits_for_ever

if TYPE_CHECKING:
    from hamodel.architectures.active_passive import ActivePassive
    from hamodel.structure import Structure


def diagram_of(spec: ActivePassive, operation: str) -> Structure:
    """Return the boxes that a request to a pair passes.

    A write that waits for the standby without end needs both nodes.
    """
    both = checked(operation) == "write" and waits_for_ever(spec)
    needed = 2 if both else 1
    if len(spec.sites) == 1:
        (name,) = spec.sites
        nodes = copies(name, 2, "database")
        return drawn(spec, *servers(spec.site, name), atleast(needed, nodes))
    nodes = [way for name in spec.sites for way in copies(name, 1, "database")]
    return drawn(spec, entrances(spec.site, spec.sites), atleast(needed, nodes))


def assumptions_of(spec: ActivePassive) -> tuple[Assumption, ...]:
    """Return what the numbers of a pair assume."""
    return (
        *shared_by_all(spec),
        perfect_fencing(spec),
        instant_client(spec),
        *fixed(
            "A failover that does not work leaves no usable node until one is "
            "repaired, or a person makes the standby serve.",
            "The repair of a failed primary begins when the service is back.",
            "While the failover runs nothing else happens, unless "
            "`Standby.takeover_mttf` says so.",
            "No failover happens without a failure, and failing back costs nothing.",
        ),
    )
