"""Queues: how long a request waits, and how much load a service can carry.

The surprising idea: a server at 49 % load looks half idle, and when its twin dies the
survivor answers not twice but fifty times as slowly.  Waiting grows like one over the
spare capacity, and the spare capacity is what a failure takes away.  So every queue
here answers across that wall: from load 1 on the waits are infinite, not an error.

The queues, by what is known of them:

- `MMc`: exponential service, c servers, with or without limited room; `MMcImpatient`
  with clients that give up; `BatchQueue` for requests that come in batches.
- `MG1`, `MGc`: any service time (a `hamodel.duration.Duration`), served in order;
  `ProcessorSharing`: all at once.
- `BreakdownQueue`: the server itself fails and is repaired; `MAPM1`: bursty arrivals.
- `Network`: open, by routing matrix; `ClosedNetwork`: a fixed number of clients or
  pooled connections; `MachineRepair`: few units, fewer repair crews.
- `Fluid`, `catch_up_time`: what piles up while a service stands still.
- `erlang_b`, `erlang_c` and their inverses: the two classical formulas.

Assumptions, unless a class says otherwise: Poisson arrivals at a constant rate,
service times independent of each other and of the arrivals, the steady state, and
service in order of arrival.  Bursts, daily peaks and retries make matters worse than
any number given here; see `hamodel.overload` for retries.
"""

from hamodel.queueing._batch import BatchQueue
from hamodel.queueing._breakdown import BreakdownQueue
from hamodel.queueing._closed import ClosedNetwork
from hamodel.queueing._erlang import (
    erlang_b,
    erlang_c,
    log_erlang_b,
    offered_load,
    servers_for_blocking,
)
from hamodel.queueing._errors import OverloadError
from hamodel.queueing._fluid import Fluid, catch_up_time
from hamodel.queueing._impatience import MMcImpatient
from hamodel.queueing._mg1 import MG1
from hamodel.queueing._mgc import MGc
from hamodel.queueing._mmc import MMc, servers_for_response
from hamodel.queueing._modulated import MAPM1
from hamodel.queueing._network import Network
from hamodel.queueing._ps import ProcessorSharing
from hamodel.queueing._repair import MachineRepair

__all__ = [
    "MAPM1",
    "MG1",
    "BatchQueue",
    "BreakdownQueue",
    "ClosedNetwork",
    "Fluid",
    "MGc",
    "MMc",
    "MMcImpatient",
    "MachineRepair",
    "Network",
    "OverloadError",
    "ProcessorSharing",
    "catch_up_time",
    "erlang_b",
    "erlang_c",
    "log_erlang_b",
    "offered_load",
    "servers_for_blocking",
    "servers_for_response",
]
