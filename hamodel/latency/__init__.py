"""Latency: what a request waits for, stage by stage, and what its users feel.

A request is stages in sequence (they add) and in parallel (the slowest counts), over
hops between sites, queues and commits; a service is a mixture of such requests, by
operation and by site.  Every stage is a `hamodel.duration.Duration`, and a queue of
`hamodel.queueing` gives its own (`MMc(...).response`).

The surprising idea: averages hide the very users that complain.  Someone far from the
primary, with one write in five at 80 ms, sees a mean of 17 ms that no request ever
takes: most take 1 ms, the writes 81.  Percentiles do not add over stages, and those of
a mixture are not the mixture of percentiles; so whole laws are carried, and a
percentile is asked for at the very end.

Assumptions: the stages of one request are independent, and each queue is in its steady
state and sees Poisson arrivals.  Left out: connection set-up, retries (see
`hamodel.overload`), correlated slowness such as a pause of a whole machine.
"""

from hamodel.latency._buffer import WorkQueue
from hamodel.latency._cache import Cache, lru_hit_ratio, warm_hit_ratio
from hamodel.latency._paths import (
    Mix,
    cross_site_commit,
    fan_out,
    forwarded,
    hedged,
    in_parallel,
    in_sequence,
    slow_share,
)
from hamodel.latency._service import Service, Stage

__all__ = [
    "Cache",
    "Mix",
    "Service",
    "Stage",
    "WorkQueue",
    "cross_site_commit",
    "fan_out",
    "forwarded",
    "hedged",
    "in_parallel",
    "in_sequence",
    "lru_hit_ratio",
    "slow_share",
    "warm_hit_ratio",
]
