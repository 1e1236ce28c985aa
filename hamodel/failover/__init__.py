"""Failover: how long it takes, and how often it does not work.

A failover is a chain of stages.  Somebody must notice that the primary is gone, make
sure that it stays gone, promote the standby, and lead the clients there.  All of that
is downtime, but it is seldom most of it: the rare failover that does not work waits
for a person, and hours of that outweigh years of working failovers.

Assumptions: the stages follow each other and are independent; whether the failover
works does not depend on how long it takes.
"""

from hamodel.failover._spec import Failover

__all__ = ["Failover"]
