"""Failover: how long it takes, what it costs, and how often it does not work.

A failover is a chain of stages.  Somebody must notice that the primary is gone, make
sure that it stays gone, promote the standby, and lead the clients there.  Each stage
has the knobs that operators know, and a whole distribution, from the settings and the
constants in a product's source alone: `MECHANISMS` lists them by the names that files
give them.  `Failover` puts them together, and takes of each the law of the stage that
it stands for.

Two surprises.  The recovery itself is seldom most of the downtime: the rare failover
that does not work waits for a person, and hours of that outweigh years of working
failovers.  And quicker detection can cost far more than it saves: each miss less makes
false failovers more frequent by one over the loss, which `vigilance` weighs.

Assumptions: the stages follow each other and are independent; beats are lost
independently of each other; whether the failover works does not depend on how long it
takes.  All times are in seconds.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from hamodel.failover._aftermath import Failback, SplitBrain, Switchover
from hamodel.failover._client import Driver, PgBouncer
from hamodel.failover._consul import ConsulElection
from hamodel.failover._detection import Heartbeat, Lease, SequentialProbe
from hamodel.failover._election import Election, RaftElection
from hamodel.failover._eviction import Eviction
from hamodel.failover._parts import STAGES, as_stage, stands_for
from hamodel.failover._recovery import (
    Dns,
    HealthCheckers,
    Promotion,
    ProxyCheck,
    VirtualIp,
)
from hamodel.failover._sentinel import Attempts, Sentinel
from hamodel.failover._sessions import GroupChange, NetTick, PhiAccrual, Session, Vrrp
from hamodel.failover._spec import Failover, Span
from hamodel.failover._vigilance import (
    Stalls,
    Vigilance,
    best_misses,
    false_alarm_rate,
    vigilance,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Mechanisms that may stand for a stage, by the names that files give them.
MECHANISMS: Mapping[str, type] = MappingProxyType(
    {
        "attempts": Attempts,
        "consul election": ConsulElection,
        "dns": Dns,
        "election": Election,
        "eviction": Eviction,
        "group change": GroupChange,
        "health checkers": HealthCheckers,
        "heartbeat": Heartbeat,
        "lease": Lease,
        "net tick": NetTick,
        "pgbouncer": PgBouncer,
        "phi accrual": PhiAccrual,
        "promotion": Promotion,
        "proxy check": ProxyCheck,
        "raft election": RaftElection,
        "sentinel": Sentinel,
        "sequential probe": SequentialProbe,
        "session": Session,
        "virtual ip": VirtualIp,
        "vrrp": Vrrp,
    }
)

_ASKED = ("interval", "threshold", "timeout")
#: Fields of a mechanism that change nothing of the law that it has of a stage.
UNUSED: Mapping[type, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        Dns: {"detection": ("ttl", "ignoring", "kept"), "redirection": _ASKED},
        HealthCheckers: {
            "detection": ("ttl",),
            "redirection": (*_ASKED, "checkers", "healthy"),
        },
        ProxyCheck: {"detection": ("rise",), "redirection": ("fall", "timeout")},
        Sentinel: {
            "promotion": ("sentinels", "quorum", "failover_timeout", "failed"),
        },
    }
)

__all__ = [
    "MECHANISMS",
    "STAGES",
    "UNUSED",
    "Attempts",
    "ConsulElection",
    "Dns",
    "Driver",
    "Election",
    "Eviction",
    "Failback",
    "Failover",
    "GroupChange",
    "HealthCheckers",
    "Heartbeat",
    "Lease",
    "NetTick",
    "PgBouncer",
    "PhiAccrual",
    "Promotion",
    "ProxyCheck",
    "RaftElection",
    "Sentinel",
    "SequentialProbe",
    "Session",
    "Span",
    "SplitBrain",
    "Stalls",
    "Switchover",
    "Vigilance",
    "VirtualIp",
    "Vrrp",
    "as_stage",
    "best_misses",
    "false_alarm_rate",
    "stands_for",
    "vigilance",
]
