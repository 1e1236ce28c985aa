"""Replication: how late a replica is, what a failure takes, what waiting costs.

The surprising idea: lag is a queue, not a distance.  A replica that applies 1000
writes/s lags ten times as long at 990 as at 900, and its 99th percentile is nearly
five times its mean.  From the one law of the lag L all else follows:

- a read t after a write misses it with P(L > t), a read at a random moment with
  1 - E exp(-k L) for a key written k times a second (`Stream`, `ClientSession`);
- a failure takes max(L - A, 0), where A is the time since the last write, and as many
  writes as come during L (`Replication.loss`);
- an outage of the link of length T is felt for T / (1 - load) (`CatchUp`).

Replication modes are two numbers, how many standbys a commit waits for and how long
(`Replication`).  Strict waiting loses nothing and stops when a standby stops; waiting
with a timeout loses nothing or everything since the standby went.  `LagGate` is the
same choice at the moment of failover.

Assumptions, unless a class says otherwise: writes are a Poisson stream; each stage is
in its steady state; stages, delays and replicas are independent of each other; a
stream stays in order; what a standby has received survives there; the network is
either there or not, and only `CatchUp` and `with_outages` see it change.
Left out: clients that do not notice that their commit was lost, logs that are dropped
while a replica is away, and replays that conflict with long queries.
"""

from hamodel.replication._catch_up import CatchUp
from hamodel.replication._gate import LagGate, with_outages
from hamodel.replication._link import Link
from hamodel.replication._loss import LossByFailure, LostCount
from hamodel.replication._modes import FAILURES, MODES, Replication
from hamodel.replication._protection import Protection
from hamodel.replication._stage import WriteStage
from hamodel.replication._stale import ClientSession, Pinning, stale_after
from hamodel.replication._stream import Stream

__all__ = [
    "FAILURES",
    "MODES",
    "CatchUp",
    "ClientSession",
    "LagGate",
    "Link",
    "LossByFailure",
    "LostCount",
    "Pinning",
    "Protection",
    "Replication",
    "Stream",
    "WriteStage",
    "stale_after",
    "with_outages",
]
