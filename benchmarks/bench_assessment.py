"""Assessments: how long one takes, and against simulating to the same accuracy."""

from dataclasses import replace
from importlib import import_module
from time import process_time

import numpy as np

from benchmarks.harness import fastest, row, speedup
from hamodel import ActivePassive, Leaderless, Majority, assess
from hamodel import sweep as swept
from hamodel.architectures import Failure, Node, Site
from hamodel.assessment import MEASURES
from hamodel.decision import classic_case
from hamodel.failover import Failover
from hamodel.units import HOUR, YEAR

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


SPREAD = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(promotion=20, coverage=0.95, retry=60, manual=1800),
    sites=("DC-1", "DC-2", "DC-3"),
    site=Site(mttf=YEAR, mttr=4 * HOUR),
)
KINDS = (
    Failure(kind="process", mttf=1000 * HOUR, mttr=60),
    Failure(kind="network", mttf=1500 * HOUR, mttr=600),
    Failure(kind="hang", mttf=3000 * HOUR, mttr=HOUR, detection=60),
    Failure(kind="disk", mttf=9000 * HOUR, mttr=8 * HOUR),
    Failure(kind="everywhere", mttf=9000 * HOUR, mttr=HOUR),
)


def downtime(architecture):
    """Ask for the downtime of reads and writes by cause."""
    return architecture.model().downtime()


@row(
    "three nodes over three sites, all kinds of failure, against exploring them anew",
    at_least=4,
)
def known_shape() -> float:
    wide = replace(SPREAD, failures=KINDS, common_cause=0.02)
    (pair, *_) = wide.model().parts

    def anew():
        for site in wide.sites:
            replace(pair.seen_from(site), shaped=None).views()

    return speedup(anew, lambda: downtime(wide))


@row("the same, ms of CPU")
def all_kinds() -> float:
    wide = replace(SPREAD, failures=KINDS, common_cause=0.02)
    return 1e3 * fastest(lambda: downtime(wide), rounds=5)[0]


@row(
    "1e5 scenarios of three nodes over three sites: each, against one alone",
    at_least=50,
)
def many_at_once() -> float:
    alone = fastest(lambda: downtime(SPREAD), rounds=5)[0]
    return 1e5 * alone / _swept(downtime)


#: A hundred thousand scenarios: how often nodes and sites fail, how well that works.
GRID = {
    "database__mttf": np.geomspace(1e6, 1e8, 50),
    "failover__promotion": np.linspace(0, 300, 40),
    "failover__coverage": np.linspace(0.9, 0.999, 50),
}
EVERY = (*MEASURES, "write_downtime_by_cause", "read_downtime_by_cause")


@row(
    "all answers of 1e5 scenarios of three nodes over three sites, s of CPU",
    at_most=120,
)
def all_answers() -> float:
    return fastest(lambda: swept(SPREAD, quantities=EVERY, **GRID), rounds=1)[0]


@row("the same on two processes of Dask: CPU of both, to the busier", at_least=1.8)
def on_a_cluster() -> float:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        client.run(import_module, __name__)
        before = client.run(process_time)
        swept(SPREAD, quantities=EVERY, client=client, **GRID)
        spent = [now - before[at] for at, now in client.run(process_time).items()]
        return sum(spent) / max(spent)


def _swept(question) -> float:
    node = Node(mttf=np.geomspace(1e6, 1e8, 100_000), mttr=4 * HOUR)
    swept = replace(SPREAD, database=node)
    return fastest(lambda: question(swept), rounds=1)[0]
