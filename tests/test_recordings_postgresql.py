"""The models of replication against a recorded PostgreSQL primary and standby."""

import csv

import numpy as np
import pytest
from scipy.stats import poisson

from hamodel import duration
from hamodel.replication import LostWrites, Replication, Stream
from tests.support.replicas import DATA


def recorded(name):
    path = DATA / "recordings" / f"postgresql_{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def lags(delay):
    return [r["lag_s"] for r in recorded("lag") if r["apply_delay_s"] == delay]


@pytest.mark.parametrize("row", recorded("stale"), ids=lambda r: f"{r}"[:60])
def test_stale_reads_follow_from_the_measured_lag(row):
    lag = duration.empirical(lags(row["apply_delay_s"]))
    stream = Stream(writes=52.5, delay=lag)
    predicted = stream.stale_probability(row["writes_per_s"])
    measured = row["stale"] / row["reads"]
    error = np.sqrt(predicted * (1 - predicted) / row["reads"])
    # a lag of milliseconds is measured too long, by the polls that look for it; and a
    # writer that stalls leaves the standby up to date for longer than a Poisson stream
    assert measured < predicted + 3 * error + 0.01
    short = 0.1 if row["apply_delay_s"] == 0 else 0.01
    assert measured > predicted - 3 * error - short


def test_a_set_delay_is_the_lag():
    plain, delayed = np.median(lags(0.0)), np.median(lags(0.1))
    assert plain < 0.01
    assert delayed - plain == pytest.approx(0.1, abs=0.01)


def test_a_killed_process_loses_what_had_not_been_sent():
    crashes = [r for r in recorded("loss") if r["cut_s"] == 0]
    assert len(crashes) == 9
    model = Replication().loss("process", writes=50.0)
    assert model.writes.mean == 0
    # the kill itself took a moment, and nothing was under way for longer than that
    assert sum(r["lost"] for r in crashes) <= 1


def test_a_cut_network_loses_the_writes_of_the_cut():
    crashes = [r for r in recorded("loss") if r["cut_s"] > 0]
    assert len(crashes) == 18
    for r in crashes:
        gone = duration.constant(r["cut_measured_s"])
        loss = Replication().loss_without_standby(writes=r["writes_per_s"], gone=gone)
        assert isinstance(loss.writes, LostWrites)
        low, high = poisson.ppf([5e-4, 1 - 5e-4], loss.writes.mean)
        assert low <= r["lost"] <= high
    lost = sum(r["lost"] for r in crashes)
    expected = sum(r["cut_measured_s"] * r["writes_per_s"] for r in crashes)
    assert abs(lost - expected) < 4 * np.sqrt(expected)
