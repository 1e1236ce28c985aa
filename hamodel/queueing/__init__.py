"""Queues: how long a request waits, and how much load a service can carry.

The surprising idea: a server at 49 % load looks half idle, and when its twin dies the
survivor answers not twice but fifty times as slowly.  Waiting grows like one over the
spare capacity, and the spare capacity is what a failure takes away.  So every queue
here answers across that wall: from load 1 on the waits are infinite, not an error.

The queues, by what is known of them:

- `MMc`: exponential service, c servers, with or without limited room; `BatchQueue`
  for requests that come in batches.
- `MG1`, `MGc`: any service time (a `hamodel.duration.Duration`), served in order.
- `Network`: open, by routing matrix.
- `erlang_b`, `erlang_c`: the two classical formulas.

Assumptions, unless a class says otherwise: Poisson arrivals at a constant rate,
service times independent of each other and of the arrivals, the steady state, and
service in order of arrival.  Bursts, daily peaks and retries make matters worse than
any number given here; see `hamodel.overload` for retries.
"""

from hamodel.queueing._batch import BatchQueue
from hamodel.queueing._erlang import erlang_b, erlang_c
from hamodel.queueing._errors import OverloadError
from hamodel.queueing._mg1 import MG1
from hamodel.queueing._mgc import MGc
from hamodel.queueing._mmc import MMc
from hamodel.queueing._network import Network

__all__ = [
    "MG1",
    "BatchQueue",
    "MGc",
    "MMc",
    "Network",
    "OverloadError",
    "erlang_b",
    "erlang_c",
]
