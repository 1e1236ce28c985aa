"""Assessments: how long one takes, and against simulating to the same accuracy."""

from dataclasses import replace

import numpy as np

from benchmarks.harness import fastest, row
from hamodel import Leaderless, Majority, assess
from hamodel.architectures import Node
from hamodel.decision import classic_case

CASE = classic_case()
SPEC = CASE.active.architecture
WORKLOAD = CASE.active.workload
FOUR = (
    CASE.passive.architecture,
    SPEC,
    Majority(database=SPEC.database, failover=SPEC.failover, site=SPEC.site),
    Leaderless(
        database=SPEC.database,
        failover=SPEC.failover,
        copies={"DC-1": 1, "DC-2": 1, "DC-3": 1},
        site=SPEC.site,
    ),
)


def answers(architecture):
    """Ask one assessment for all but percentiles of latency."""
    found = assess(architecture, WORKLOAD)
    return (
        found.write.unavailability,
        found.read.unavailability,
        found.rto.quantile(0.95),
        found.rpo.quantile(0.99),
        found.lost_writes.per_year,
        found.replication_lag.quantile(0.99),
        found.stale_read_probability,
        found.conflicts,
        found.utilisation,
        found.survives_site_loss,
        found.single_points_of_failure,
        found.cost.total,
    )


@row("all answers but latency, slowest of four architectures, ms of CPU", at_most=20)
def slowest() -> float:
    return 1e3 * max(fastest(lambda a=a: answers(a), rounds=5)[0] for a in FOUR)


@row("the same for four architectures together, ms of CPU", at_most=60)
def together() -> float:
    return 1e3 * fastest(lambda: [answers(a) for a in FOUR], rounds=5)[0]


@row("percentiles of latency of a pair over two sites, ms of CPU")
def latency() -> float:
    def ask():
        found = assess(CASE.passive.architecture, WORKLOAD)
        return [law.quantile(0.99) for _, law in found.latency.items()]

    return 1e3 * fastest(ask, rounds=3)[0]


@row("1e5 scenarios of a pair over two sites that can fail, s of CPU", at_most=1)
def sweep() -> float:
    pair = CASE.passive.architecture
    node = Node(mttf=np.geomspace(1e6, 1e8, 100_000), mttr=pair.database.mttr)
    swept = replace(pair, database=node)
    return fastest(lambda: assess(swept, WORKLOAD).write.unavailability, rounds=2)[0]
