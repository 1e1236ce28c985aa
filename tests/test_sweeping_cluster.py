"""The same sweep on a cluster: the same numbers, also when workers die on the way."""

import os
import signal

import numpy as np
import pytest
import xarray as xr

from hamodel import sweep
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover, Heartbeat
from hamodel.units import HOUR

distributed = pytest.importorskip("distributed")

PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(detection=Heartbeat(interval=1), promotion=20, coverage=0.99),
)
GRID = {
    "promotion": np.linspace(0, 60, 400),
    "misses": list(range(2, 12)),
    "crews": [1, 2],
    "quantities": ["write_unavailability", "write_downtime_by_cause", "rto_p95"],
    "memory": 1e5,  # many small blocks
}


class Deadly:
    """A client that kills workers: one while work goes out, one that holds results."""

    def __init__(self, client, at):
        self.client, self.at = client, at
        self.handed_out, self.killed, self.lost = 0, [], 0

    def submit(self, *arguments, **options):
        future = self.client.submit(*arguments, **options)
        self.handed_out += 1
        if self.handed_out == self.at:
            self.kill()
        return future

    def gather(self, futures):
        """Kill once all is done, so that what the dead held has to be made again."""
        held = self.client.who_has(futures)
        address = next(iter(held.values()))[0]
        self.lost = sum(tuple(places) == (address,) for places in held.values())
        self.kill(address)
        return self.client.gather(futures)

    def kill(self, address=None):
        alive = self.client.run(os.getpid)
        pid = alive[address] if address else next(iter(alive.values()))
        os.kill(pid, signal.SIGKILL)  # its nanny starts another
        self.killed.append(pid)


@pytest.fixture(scope="module")
def client():
    """Start two processes on this machine, without a dashboard."""
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as made:
        yield made


def test_a_cluster_finds_the_same_though_its_workers_die(client):
    here = sweep(PAIR, **GRID)
    xr.testing.assert_identical(sweep(PAIR, client=client, **GRID), here)
    deadly = Deadly(client, at=15)
    xr.testing.assert_identical(sweep(PAIR, client=deadly, **GRID), here)
    assert deadly.handed_out > 30
    assert len(set(deadly.killed)) == 2
    assert deadly.lost > 0


def test_an_error_on_the_cluster_is_told_here(client):
    with pytest.raises(ValueError, match="coverage must be in"):
        sweep(PAIR, client=client, promotion=[1], coverage=[2])
    node = {"database__mttr": [1.0, 1e6], "database__mtbf": [1e5]}
    with pytest.raises(ValueError, match=r"mtbf must be > mttr \(1e\+06\), got 100000"):
        sweep(PAIR, client=client, **node)
