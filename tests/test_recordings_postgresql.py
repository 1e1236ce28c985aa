"""The models of replication against a recorded PostgreSQL primary and standby."""

import numpy as np
import pytest
from scipy.stats import poisson

from hamodel import duration
from hamodel.recordings import agreement, load
from hamodel.replication import Replication, Stream

STALE, LAG, LOSS = (load(f"postgresql_{n}") for n in ("stale", "lag", "loss"))


def lags(delay):
    return LAG.where(apply_delay_s=delay).column("lag_s")


def stale(delay, stretch=1.0):
    """Return stale reads as predicted from the lag, as measured, and all reads."""
    rows = STALE.where(apply_delay_s=delay)
    lag = stretch * duration.empirical(lags(delay))
    shares = [
        Stream(writes=52.5, delay=lag).stale_probability(writes)
        for writes in rows.column("writes_per_s")
    ]
    reads = rows.column("reads")
    return np.array(shares) * reads, rows.column("stale"), reads


def agrees(predicted, measured, reads):
    """Tell whether counts agree: each by chance, and all together to 4 %."""
    share = predicted / reads
    spread = np.sqrt(reads * share * (1 - share))
    each = np.all(np.abs(predicted - measured) < 3 * spread + 0.01 * reads)
    return bool(each) and abs(predicted.sum() / measured.sum() - 1) < 0.04


def test_stale_reads_follow_from_the_measured_lag():
    assert agrees(*stale(0.1))


@pytest.mark.parametrize("stretch", [0.7, 0.85, 1.15, 1.3])
def test_stale_reads_of_another_lag_are_told_apart(stretch):
    assert not agrees(*stale(0.1, stretch))


def test_few_reads_are_stale_without_a_set_delay():
    """A lag of milliseconds is measured too long, by the polls that look for it."""
    predicted, measured, reads = stale(0.0)
    spread = np.sqrt(predicted)
    assert np.all(measured < predicted + 3 * spread)
    assert measured.sum() < 0.06 * reads.sum()


@pytest.mark.parametrize("stretch", [1 / 1.15, 1.0, 1.15])
def test_a_set_delay_is_added_to_the_lag(stretch):
    """The lag with a delay of 100 ms, from that without: a shift of the median."""
    plain = duration.empirical(lags(0.0))
    law = Stream(writes=52.5, delay=stretch * (plain + 0.1)).lag
    found = agreement(law, lags(0.1))
    assert (abs(found.errors[0]) < 0.08) == (stretch == 1.0)


def rounds(cut):
    """Return length of the cut, writes per second and writes lost of each round."""
    kept = (LOSS.column("cut_s") > 0) == cut
    names = ("cut_measured_s", "writes_per_s", "lost")
    return np.array([LOSS.column(name)[kept] for name in names]).T


def lost_by_the_model(cut, stretch=1.0):
    """Return lost writes of each round by the model of that kind of failure."""
    found = []
    for length, writes, _ in rounds(cut):
        if cut:
            gone = duration.constant(stretch * length)
            loss = Replication().loss_without_standby(writes=writes, gone=gone)
        else:
            loss = Replication().loss("process", writes=writes)
        found.append(loss.writes.mean)
    return np.array(found)


def by_chance(predicted, measured):
    """Tell whether counts are Poisson with these means, each and together."""
    low, high = poisson.ppf([[5e-4], [1 - 5e-4]], predicted)
    low_all, high_all = poisson.ppf([0.025, 0.975], predicted.sum())
    each = np.all((low <= measured) & (measured <= high))
    return bool(each) and low_all <= measured.sum() <= high_all


def test_a_cut_network_loses_the_writes_of_the_cut():
    measured = rounds(cut=True)[:, 2]
    assert len(measured) == 18
    assert by_chance(lost_by_the_model(True), measured)


@pytest.mark.parametrize("stretch", [0.87, 0.9, 1.1, 1.15, 1.2])
def test_the_writes_of_another_cut_are_told_apart(stretch):
    measured = rounds(cut=True)[:, 2]
    assert not by_chance(lost_by_the_model(True, stretch), measured)


def test_a_killed_process_loses_what_had_not_been_sent():
    measured = rounds(cut=False)[:, 2]
    assert len(measured) == 9
    assert lost_by_the_model(False).sum() == 0
    # the kill itself took a moment, and nothing was under way for longer than that
    assert measured.sum() <= 1


def test_the_two_kinds_of_failure_are_told_apart():
    killed, cut = rounds(cut=False), rounds(cut=True)
    as_if_cut = np.array(
        [
            Replication()
            .loss_without_standby(writes=w, gone=duration.constant(length))
            .writes.mean
            for length, w, _ in killed
        ]
    )
    assert not by_chance(as_if_cut, killed[:, 2])
    none = np.array(
        [Replication().loss("process", writes=w).writes.mean for _, w, _ in cut]
    )
    assert not by_chance(none, cut[:, 2])
