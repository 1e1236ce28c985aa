"""Numbers beside availability, each by a second road that shares no code with it."""

import numpy as np
import pytest

import hamodel as ha
from hamodel.queueing import MMc

NODE = ha.Node(mttf=7.2e6, mttr=14400, cores=4)


def played(kinds, cores, rng, queues=400, steps=16_000, warm=4_000):
    """Play FIFO queues side by side; return the response times of each kind.

    A queue is what each core still has to do, least first (Kiefer and Wolfowitz).
    """
    rates = np.array([rate for rate, _ in kinds])
    means = np.array([mean for _, mean in kinds])
    left = np.zeros((queues, cores))
    seen, took = [], []
    for step in range(steps):
        kind = rng.choice(len(kinds), size=queues, p=rates / rates.sum())
        work = rng.exponential(means[kind])
        if step >= warm:
            seen.append(kind)
            took.append(left[:, 0] + work)
        left[:, 0] += work
        left = np.maximum(left - rng.exponential(1 / rates.sum(), (queues, 1)), 0)
        left.sort(axis=1)
    seen, took = np.concatenate(seen), np.concatenate(took)
    return [took[seen == k] for k in range(len(kinds))]


@pytest.mark.parametrize("load", [0.3, 0.75, 0.9])
def test_reads_wait_behind_writes_that_take_ten_times_as_long(load):
    reads, writes = load * 1600, load * 240  # 40 % and 60 % of the work
    w = ha.Workload(
        reads=reads, writes=writes, read_time=0.001, write_time=0.01, hop=0, app_time=0
    )
    found = ha.assess(ha.SinglePrimary(database=NODE), w)
    assert found.utilisation["database"] == pytest.approx(load)
    kinds = [(reads, 0.001), (writes, 0.01)]
    seen = played(kinds, NODE.cores, np.random.default_rng(7))
    for operation, times in zip(("read", "write"), seen, strict=True):
        law = found.latency["DC-1", operation]
        for p in (0.5, 0.95, 0.99):
            assert law.quantile(p) == pytest.approx(np.quantile(times, p), rel=0.05)
    # the mean service time alone, as if all were alike, is far from it
    alike = MMc(reads + writes, load * 4 / (reads + writes), 4).response
    if load > 0.5:
        assert alike.quantile(0.99) < 0.8 * np.quantile(seen[0], 0.99)
