"""What is seldom asked of architectures: settings of one, of two, and none."""

from dataclasses import replace

import pytest

import hamodel as ha
from hamodel.architectures import Failure, Replica
from hamodel.failover import Heartbeat
from hamodel.replication import Replication
from hamodel.units import DAY, HOUR

NODE = ha.Node(mttf=60 * DAY, mttr=4 * HOUR)


def test_a_kind_of_failure_is_noticed_by_a_mechanism_as_by_its_law():
    beats = Heartbeat(interval=2, misses=4)
    kind = Failure(kind="process", mttf=DAY, mttr=60.0, detection=beats)
    for p in (0.1, 0.9):
        assert kind.detection.quantile(p) == beats.duration.quantile(p)
    assert kind.mechanisms == {"detection": beats}


@pytest.mark.parametrize("sync", [(True, True), (True, False), (False, False)])
def test_a_commit_waits_for_no_more_standbys_than_acknowledge(sync):
    def of(acknowledgements):
        return ha.ActivePassive(
            database=NODE,
            failover=ha.Failover(promotion=30),
            replicas=(
                Replica(site="A", priority=1),
                *(Replica(site="A", sync=one) for one in sync),
            ),
            replication=Replication(
                mode="quorum", standbys=2, acknowledgements=acknowledgements
            ),
        )

    for count in (1, 2):
        if count <= sum(sync):
            assert of(count).replication.acknowledgements == count
        else:
            with pytest.raises(ValueError, match=rf"wait for \({sum(sync)}\), got"):
                of(count)


@pytest.mark.parametrize("read", [1, 2])
def test_hints_that_expired_are_missed_by_reads_of_one_copy_only(read):
    """Of two copies that are asked, one at least was there all the time."""
    copies = {"copies": {"A": 3}, "read_quorum": read, "write_quorum": 1}
    kept = ha.Leaderless(database=NODE, **copies)
    load = ha.Workload(reads=90.0, writes=10.0, keys=1000)
    missed = [
        float(ha.assess(spec, load).stale_read_probability)
        for spec in (kept, replace(kept, hints=HOUR))
    ]
    assert (missed[0] < missed[1]) == (read == 1)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7, 0.9])
def test_a_write_that_two_queues_must_answer_waits_as_published(load):
    """A mean of (12 - load) / 8 times that of one: Nelson and Tantawi (1988)."""
    twice = ha.Leaderless(
        database=replace(NODE, mttf=1e15, cores=1),
        copies={"A": 2},
        read_quorum=1,
        write_quorum=2,
    )
    w = ha.Workload(reads=0, writes=100 * load, write_time=0.01, hop=0, app_time=0)
    law = ha.assess(twice, w).latency["A", "write"]
    assert law.mean == pytest.approx((12 - load) / 8 * 0.01 / (1 - load), rel=0.005)
