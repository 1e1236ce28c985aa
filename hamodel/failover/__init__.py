"""Failover: how long it takes, what it costs, and how often it does not work.

A failover is a chain of stages.  Somebody must notice that the primary is gone, make
sure that it stays gone, promote the standby, and lead the clients there.  Each stage
has the knobs that operators know, and a whole distribution: `Heartbeat`, `Lease` or
`Election`; `Promotion`; `VirtualIp`, `ProxyCheck`, `Dns` and, in the client, `Driver`.
`Failover` puts them together.

Two surprises.  The recovery itself is seldom most of the downtime: the rare failover
that does not work waits for a person, and hours of that outweigh years of working
failovers.  And quicker detection can cost far more than it saves: each miss less makes
false failovers more frequent by one over the loss, which `vigilance` weighs.

Assumptions: the stages follow each other and are independent; beats are lost
independently of each other; whether the failover works does not depend on how long it
takes.  All times are in seconds.
"""

from hamodel.failover._aftermath import Failback, SplitBrain, Switchover
from hamodel.failover._detection import Election, Heartbeat, Lease
from hamodel.failover._raft import simulate_elections
from hamodel.failover._recovery import Dns, Driver, Promotion, ProxyCheck, VirtualIp
from hamodel.failover._spec import STAGES, Failover, Span
from hamodel.failover._stalls import Stalls, false_alarm_rate
from hamodel.failover._vigilance import Vigilance, best_misses, vigilance

__all__ = [
    "STAGES",
    "Dns",
    "Driver",
    "Election",
    "Failback",
    "Failover",
    "Heartbeat",
    "Lease",
    "Promotion",
    "ProxyCheck",
    "Span",
    "SplitBrain",
    "Stalls",
    "Switchover",
    "Vigilance",
    "VirtualIp",
    "best_misses",
    "false_alarm_rate",
    "simulate_elections",
    "vigilance",
]
