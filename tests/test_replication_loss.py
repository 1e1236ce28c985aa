"""Loss by failure mode, the number of lost writes, catch-up and the lag gate."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import geom, poisson

from hamodel import duration
from hamodel.duration import integrals
from hamodel.queueing import OverloadError
from hamodel.replication import (
    CatchUp,
    LagGate,
    Link,
    LostCount,
    Replication,
    Stream,
    WriteStage,
    with_outages,
)
from hamodel.units import HOUR, YEAR
from tests.support.queues import interval
from tests.support.replicas import fact, followed, oldest_missing, served

LINK = WriteStage(service=0.001)
LINK_OF_TEN = WriteStage(service=duration.constant(0.01))
loads = st.floats(0.05, 0.95)


# how many writes


@given(st.floats(0.05, 0.98), st.integers(0, 300))
def test_behind_a_queue_the_number_is_geometric(load, n):
    lost = LostCount(rate=load, lag=duration.exponential(1 / (1 - load)))
    assert lost.sf(n) == pytest.approx(load ** (n + 1), rel=1e-8, abs=1e-14)
    assert lost.mean == pytest.approx(load / (1 - load), rel=1e-12)
    assert lost.var == pytest.approx(load / (1 - load) ** 2, rel=1e-9)


def test_in_a_network_alone_it_is_poisson():
    lost = LostCount(rate=900, lag=duration.constant(0.0414))
    counts = np.arange(0, 80)
    assert lost.sf(counts) == pytest.approx(poisson.sf(counts, 37.26), rel=1e-10)
    assert lost.quantile(0.99) == poisson.ppf(0.99, 37.26)


def test_queue_and_network_add():
    stream = Stream(writes=900, delay=0.0414, send=LINK)
    lost = LostCount(rate=900, lag=stream.lag)
    n = np.arange(400)
    both = np.convolve(poisson.pmf(n, 37.26), geom.pmf(n + 1, 0.1))[:400]
    tail = 1 - np.cumsum(both)
    for k in (0, 20, 46, 90, 150):
        assert lost.sf(k) == pytest.approx(tail[k], rel=1e-6, abs=1e-12)
    assert lost.quantile(0.99) == np.searchsorted(np.cumsum(both), 0.99)


def test_many_writes_keep_their_digits():
    assert LostCount(rate=0.0, lag=duration.exponential(1.0)).sf([0, 1]).tolist() == [
        0,
        0,
    ]
    lost = LostCount(rate=1e5, lag=duration.exponential(1.0))
    exact = (1e5 / (1e5 + 1)) ** (100_001)
    assert lost.sf(100_000) == pytest.approx(exact, rel=1e-6)


# by failure mode


@pytest.mark.parametrize("failure", ["process", "network", "site"])
def test_each_failure_equals_followed_writes(failure):
    rng = np.random.default_rng(11)
    replay = WriteStage(service=0.0009)
    system = Replication(delay=0.02, send=LINK, apply=replay)
    keeps = "applied" if failure == "site" else "received"
    loss = system.loss(failure, writes=800, keeps=keeps)
    commit, received, seen = followed(
        rng,
        600_000,
        800,
        send=lambda n: rng.exponential(0.001, n),
        delay=0.02,
        apply=lambda n: rng.exponential(0.0009, n),
    )
    safe = {"process": received - 0.02, "network": received, "site": seen}[failure]
    moments = np.sort(rng.uniform(commit[2000], commit[-2000], 200_000))
    age, missing = oldest_missing(commit, safe, moments)
    mean, width = interval(age)
    assert abs(loss.time.mean - mean) < width
    for x in (0.0, 0.005, 0.025, 0.05):
        share, width = interval(age > x)
        assert abs(loss.time.sf(x) - share) < width + 2e-4
    mean, width = interval(missing)
    assert abs(loss.writes.mean - mean) < width
    for n in (0, 10, 40):
        share, width = interval(missing > n)
        assert abs(loss.writes.sf(n) - share) < width + 2e-4


def test_each_failure_takes_more_than_the_one_before():
    system = Replication(delay=0.02, send=LINK, apply=LINK)
    kinds = [
        system.loss("process", writes=800),
        system.loss("network", writes=800),
        system.loss("site", writes=800, keeps="applied"),
    ]
    means = [k.time.mean for k in kinds]
    assert means == sorted(means)
    assert len(set(means)) == 3
    received = system.loss("site", writes=800)
    assert received.time.mean == pytest.approx(means[1], rel=1e-12)


def test_received_and_applied_of_one_stage():
    only = Replication(delay=0.02, apply=LINK)
    early = only.loss("site", writes=800)
    late = only.loss("site", writes=800, keeps="applied")
    assert early.writes.mean == pytest.approx(16)
    assert late.writes.mean == pytest.approx(16 + 4)
    assert late.time.sf(0.03) == pytest.approx(0.8 * np.exp(-2), rel=1e-9)


def test_a_killed_process_that_sends_at_once_loses_nothing():
    loss = Replication(delay=0.02).loss("process", writes=800)
    assert loss.probability == 0
    assert loss.time.mean == 0
    assert loss.given == 0
    assert "0" in repr(loss)


def test_a_cut_network_takes_at_most_the_delay():
    loss = Replication(delay=0.02).loss("network", writes=800)
    assert loss.time.sf(0.02) == 0
    assert loss.time.quantile(1.0) == pytest.approx(0.02)
    assert loss.probability == pytest.approx(1 - np.exp(-16), rel=1e-12)
    rare = Replication(delay=0.02).loss("network", writes=1e-3)
    assert rare.probability == pytest.approx(2e-5, rel=1e-4)
    assert rare.given == pytest.approx(0.01, rel=1e-4)


def test_a_slow_link_loses_the_age_of_its_backlog():
    slow = Replication(delay=0.02, send=WriteStage(service=0.99e-3))
    loss = slow.loss("network", writes=1000)
    assert loss.time.mean == pytest.approx(0.02 + 0.099 - 1e-3, rel=0.01)
    with pytest.raises(OverloadError):
        slow.loss("network", writes=1020)


@pytest.mark.parametrize("mode", ["semi-sync", "sync", "quorum"])
def test_modes_that_wait_lose_nothing(mode):
    loss = Replication(mode=mode, delay=0.02, send=LINK).loss("site", writes=800)
    assert (loss.probability, loss.writes.mean, loss.writes.sf(0)) == (0, 0, 0)


def test_what_a_timeout_lets_go_is_lost():
    """Of 0.3 s of writes on their way the last 0.1 s were answered already."""
    timed = Replication(mode="semi-sync", delay=0.3, timeout=0.2)
    loss = timed.loss("network", writes=100)
    assert loss.writes.mean == pytest.approx(10, rel=1e-6)
    assert loss.probability == pytest.approx(1 - np.exp(-10), rel=1e-9)
    assert loss.time.mean == pytest.approx(0.3 - 0.01, rel=1e-3)
    assert timed.loss("process", writes=100).writes.mean == 0


def test_without_a_standby_the_modes_part():
    gone = duration.exponential(4 * HOUR)
    losses = {
        mode: Replication(mode=mode).loss_without_standby(writes=900, gone=gone)
        for mode in ("async", "semi-sync", "sync", "quorum")
    }
    assert losses["async"].time.mean == losses["semi-sync"].time.mean == 4 * HOUR
    assert losses["sync"].probability == losses["quorum"].probability == 0
    with pytest.raises(ValueError, match="gone must be a Duration"):
        Replication().loss_without_standby(writes=900, gone=3.0)


def test_what_is_refused():
    with pytest.raises(ValueError, match="did you mean 'site'"):
        Replication().loss("sit", writes=1)
    with pytest.raises(ValueError, match="keeps must be"):
        Replication().loss("site", writes=1, keeps="all")
    batches = Replication(send=WriteStage(service=0.1, sizes=[0.5, 0.5]))
    with pytest.raises(ValueError, match="counted one by one"):
        batches.loss("site", writes=1)
    general = WriteStage(service=duration.lognormal(mean=0.001, cv=2.0))
    system = Replication(send=general, apply=LINK)
    with pytest.raises(ValueError, match="joint exposure"):
        system.loss("site", writes=100, keeps="applied")
    with pytest.raises(ValueError, match="p must be < 1"):
        LostCount(rate=1.0, lag=duration.constant(1.0)).quantile(1.0)
    assert "lost writes" in LostCount(rate=9, lag=LINK.time(900))._repr_html_()
    assert "loss by" in Replication(delay=0.1).loss("site", writes=9)._repr_html_()


# catching up


def test_ten_minutes_are_felt_for_a_hundred():
    pause = CatchUp(writes=900, service=0.001, outage=600)
    assert pause.backlog == 540_000
    assert pause.mean == pytest.approx(540_000 / (1000 - 900), rel=1e-12)
    assert pause.felt == pytest.approx(6000, rel=1e-12)
    assert pause.time.mean == pytest.approx(pause.mean, rel=1e-12)


@pytest.mark.parametrize(("rate", "outage"), [(0.8, 3.0), (0.8, 40.0), (0.3, 0.5)])
def test_catch_up_law_equals_simulation(rate, outage):
    rng = np.random.default_rng(12)
    pause = CatchUp(writes=rate, service=1.0, outage=outage)
    law = pause.time
    times = np.array([_drain(rng, rate, outage) for _ in range(8000)])
    error = times.std() / np.sqrt(len(times))
    assert abs(law.mean - times.mean()) < 4 * error
    for x in np.quantile(times, [0.3, 0.6, 0.9, 0.98]):
        share = np.mean(times > x)
        assert abs(law.sf(x) - share) < 4 * np.sqrt(share * (1 - share) / 8000) + 1e-3
    assert law.sf(0) == pytest.approx(1 - np.exp(-rate * outage), rel=1e-9)


def _drain(rng, rate, outage):
    work = rng.exponential(1.0, rng.poisson(rate * outage)).sum()
    total = 0.0
    while work > 0:  # what comes while the rest is done
        total += work
        work = rng.exponential(1.0, rng.poisson(rate * work)).sum()
    return total


@given(st.floats(0.05, 0.95), st.floats(0.05, 300.0))
def test_catch_up_law_hangs_together(load, outage):
    pause = CatchUp(writes=load, service=1.0, outage=outage)
    law = pause.time
    assert integrals.variance(law.law) == pytest.approx(pause.var, rel=1e-8)
    assert law.var == pytest.approx(pause.var, rel=1e-12)
    t = np.linspace(0, 3, 7) * law.mean
    assert law.cdf(t) + law.sf(t) == pytest.approx(np.ones(7), abs=1e-12)
    assert law.cdf(1e9 * (law.mean + 1)) == pytest.approx(1.0, abs=1e-12)
    assert law.mean_excess(0.0) * law.sf(0.0) == pytest.approx(law.mean, rel=1e-9)
    for p in (0.4, 0.9, 0.999):
        t = law.quantile(p)
        assert law.cdf(t) >= p - 1e-10
        if t > 0:
            assert law.cdf(t * (1 - 1e-6)) <= p


@pytest.mark.parametrize("unit", [1e-3, 60.0])
def test_catch_up_in_another_unit_of_time(unit):
    """Far into the tail, where nothing but its own slope is left."""
    law = CatchUp(writes=0.9, service=1.0, outage=200.0).time
    other = CatchUp(writes=0.9 / unit, service=unit, outage=200.0 * unit).time
    far = [0.999, 0.5, 1e-3, 1e-12, 1e-30]
    times = law.upper_quantile(far)
    assert other.upper_quantile(far) / unit == pytest.approx(times, rel=1e-9)
    assert other.var / unit**2 == pytest.approx(law.var, rel=1e-12)
    assert law.sf(times) == pytest.approx(far, rel=1e-7)
    assert (law.sf(1e9), law.cdf(1e9)) == (0.0, pytest.approx(1.0, abs=1e-12))


def test_what_is_left_before_the_beginning_is_the_whole():
    law = CatchUp(writes=0.5, service=1.0, outage=3.0).time
    assert law.mean_excess(-2.0) == pytest.approx(law.mean + 2.0, rel=1e-9)


def test_catch_up_law_equals_its_transform():
    law = CatchUp(writes=900, service=0.001, outage=2.0).time
    with mpmath.workdps(40):
        for s in (0.01, 0.05, 1.0):
            whole = mpmath.mpf(s) + 1900
            busy = (whole - mpmath.sqrt(whole**2 - 4 * 900 * 1000)) / (2 * 900)
            exact = float(mpmath.exp(-1800 * (1 - busy)))
            assert law.lst(s) == pytest.approx(exact, rel=1e-12)
            assert integrals.transform(law.law, s) == pytest.approx(exact, rel=1e-8)


def test_the_lag_falls_in_a_straight_line():
    rng = np.random.default_rng(13)
    pause = CatchUp(writes=900, service=0.001, outage=20.0)
    commit = np.cumsum(rng.exponential(1 / 900, 250_000))
    arrive = np.where(commit < 20.0, 20.0, commit)
    gaps = np.diff(arrive, prepend=0.0)
    del gaps
    seen = served(arrive, rng.exponential(0.001, len(commit)))
    for t in (0.0, 50.0, 100.0, 150.0):
        last = np.searchsorted(seen, 20.0 + t)
        assert pause.lag(t) == pytest.approx(20 + t - commit[last], abs=1.5)


def test_catch_up_formulas_and_walls():
    w, s, T = sympy.symbols("w s T", positive=True)
    formula = CatchUp(writes=w, service=s, outage=T)
    number = CatchUp(writes=0.5, service=1.5, outage=7.0)
    at = {w: 0.5, s: 1.5, T: 7.0}
    for symbolic, numeric in [
        (formula.mean, number.mean),
        (formula.var, number.var),
        (formula.felt, number.felt),
    ]:
        assert float(symbolic.subs(at)) == pytest.approx(numeric, rel=1e-12)
    wall = CatchUp(writes=[900, 1000, 1100], service=0.001, outage=10.0)
    assert np.all(wall.mean[1:] == np.inf)
    assert np.all(wall.var[1:] == np.inf)
    assert wall.lag(10.0) == pytest.approx([10 - 10 / 9, 10, 10 + 10 / 11])
    with pytest.raises(OverloadError):
        _ = CatchUp(writes=1100, service=0.001, outage=10.0).time
    assert CatchUp(writes=0.0, service=0.001, outage=10.0).time.mean == 0
    assert CatchUp(writes=0.0, service=0.001, outage=10.0).lag(1.0) == 0
    assert "CatchUp" in wall._repr_html_()
    assert "backlog" in number._repr_html_()


# outages and the gate


def test_outages_equal_a_long_history():
    rng = np.random.default_rng(14)
    lag = with_outages(
        duration.constant(0.0), rate=1e-3, length=duration.uniform(10, 50), load=0.5
    )
    starts = np.cumsum(rng.exponential(1000, 4000))
    lengths = rng.uniform(10, 50, 4000)
    moments = rng.uniform(0, starts[-1], 300_000)
    last = np.searchsorted(starts, moments) - 1
    since = np.where(last >= 0, moments - starts[last], np.inf)
    length = lengths[last]
    # rises with the clock, then falls at (1 - load) / load
    behind = np.where(since < length, since, 2 * length - since)
    for x in (1.0, 10.0, 30.0):
        # overlapping outages are the only difference: one in thirty
        share = np.mean(np.maximum(behind, 0) > x)
        assert lag.sf(x) == pytest.approx(share, rel=0.08)


def test_outages_that_leave_no_time_are_refused():
    with pytest.raises(ValueError, match="rate x mean length"):
        with_outages(
            duration.constant(0), rate=0.1, length=duration.constant(6), load=0.5
        )
    with pytest.raises(ValueError, match="length must be a Duration"):
        with_outages(duration.constant(0), rate=0.1, length=6)
    usual = duration.constant(1.0)
    assert with_outages(usual, rate=0.0, length=usual) is usual


@pytest.mark.parametrize("poll", [0.0, 10.0])
def test_gate_equals_drawn_failovers(poll):
    rng = np.random.default_rng(15)
    lag = duration.mixture(
        [0.9, 0.1], [duration.exponential(0.5), duration.exponential(60.0)]
    )
    gate = LagGate(
        exposure=lag,
        limit=np.array([0.0, 1.0, 30.0]),
        failures=5 / YEAR,
        failover=30.0,
        repair=4 * HOUR,
        poll=poll,
    )
    drawn = lag.sample(400_000, rng)
    known = np.maximum(drawn - rng.uniform(0, poll, len(drawn)), 0)
    for i, limit in enumerate(gate.limit):
        promoted = known <= limit
        assert gate.refusal[i] == pytest.approx(1 - promoted.mean(), rel=0.02, abs=1e-3)
        loss = np.where(promoted, drawn, 0.0)
        error = loss.std() / np.sqrt(len(loss))
        assert abs(gate.mean_loss[i] - loss.mean()) < 4 * error + 1e-12
        outage = np.where(promoted, 30.0, 4 * HOUR).mean()
        assert gate.outage[i] == pytest.approx(outage, rel=0.02)
        assert np.all(loss <= gate.worst_loss[i] + 1e-9)


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=6), st.floats(0, 60))
def test_a_wider_gate_trades_loss_for_downtime(limits, poll):
    lag = with_outages(
        duration.exponential(0.5), rate=12 / YEAR, length=duration.exponential(HOUR)
    )
    gate = LagGate(
        exposure=lag,
        limit=np.sort(limits),
        failures=4 / YEAR,
        failover=30,
        repair=4 * HOUR,
        poll=poll,
    )
    assert np.all(np.diff(gate.unavailability) <= 1e-15)
    assert np.all(np.diff(gate.mean_loss) >= -1e-12)
    assert np.all(gate.mean_loss <= lag.mean * (1 + 1e-12))


def test_gate_in_bytes_and_words():
    assert fact("FO-006") == 2**20
    assert fact("FO-002") == 10  # seconds that the known position may be old
    gate = LagGate(
        exposure=duration.exponential(0.5),
        limit=1.0,
        failures=1 / YEAR,
        failover=30,
        repair=HOUR,
    )
    assert "refused" in gate._repr_html_()
    assert gate.downtime_per_year == pytest.approx(30 + np.exp(-2) * 3570)
    with pytest.raises(ValueError, match="limit must be >= 0"):
        LagGate(exposure=gate.exposure, limit=-1.0, failures=1, failover=1, repair=1)
    with pytest.raises(ValueError, match="exposure must be a Duration"):
        LagGate(exposure=1.0, limit=1.0, failures=1, failover=1, repair=1)


def test_bursts_spread_the_writes_that_are_lost():
    """Batches of a logarithmic size, played: a negative binomial count."""
    rng = np.random.default_rng(4)
    lost = LostCount(rate=20, lag=duration.exponential(0.5), dispersion=6)
    lags = rng.exponential(0.5, 200_000)
    drawn = rng.poisson(rng.gamma(20 * lags / 5 + 1e-12, 5))
    assert lost.mean == pytest.approx(drawn.mean(), rel=0.02)
    assert lost.var == pytest.approx(drawn.var(), rel=0.03)
    for n in (0, 3, 10, 40):
        assert lost.sf(n) == pytest.approx(np.mean(drawn > n), abs=0.004)
    plain = LostCount(rate=20, lag=duration.exponential(0.5))
    near = LostCount(rate=20, lag=duration.exponential(0.5), dispersion=1 + 1e-6)
    assert near.sf([0, 5, 30]) == pytest.approx(plain.sf([0, 5, 30]), rel=1e-4)
    with pytest.raises(ValueError, match=r"dispersion must be in \[1, 1e\+06\], got 0"):
        LostCount(rate=1, lag=duration.constant(1), dispersion=0)


def test_a_growing_backlog_has_an_age():
    """Play a link that takes 100 writes/s and is asked for 125."""
    stream = Stream(writes=125, delay=0.01, send=LINK_OF_TEN)
    sent = np.arange(200_000) / 125
    done = np.maximum.accumulate(sent - 0.01 * np.arange(200_000)) + 0.01 * (
        np.arange(200_000) + 1
    )
    for t in (60, 600):
        newest = sent[np.searchsorted(done + 0.01, t) - 1]
        assert stream.age_after(t) == pytest.approx(t - newest, abs=0.03)
    with pytest.raises(ValueError, match=r"a load of at least 1, got 0\.5"):
        Stream(writes=[50, 125], send=LINK_OF_TEN).age_after(60)


def test_a_link_of_bytes_is_a_queue():
    link = Link(bandwidth=1e5, size=900, cv=0.5, overhead=100)
    assert link.stage.capacity == pytest.approx(100)
    assert link.service.std == pytest.approx(0.5 * 0.009)
    assert Link(bandwidth=1e5, size=900).service.support == (0.009, 0.009)
    rng = np.random.default_rng(3)
    arrive = np.cumsum(rng.exponential(1 / 80, 400_000))
    takes = 0.001 + rng.gamma(4, 0.009 / 4, 400_000)
    wait = lindley(np.diff(arrive), takes)
    lag = Stream(writes=80, delay=0.005, send=link.stage).mean_lag
    assert lag == pytest.approx(wait.mean() + 0.01 + 0.005, rel=0.04)
    with pytest.raises(ValueError, match="bandwidth must be > 0"):
        Link(bandwidth=0, size=1)


def lindley(between, takes):
    """Return the waits of a queue of one server, by Lindley's recursion."""
    walk = np.concatenate([[0], np.cumsum(takes[:-1] - between)])
    return walk - np.minimum.accumulate(walk)


def test_bursts_spread_the_loss_of_a_replication_and_keep_its_mean():
    """Poisson batches of a geometric size g: the dispersion is E g^2 / E g."""
    mode, size = Replication(delay=0.05), 4.0
    plain = mode.loss("network", writes=200).writes
    bursts = mode.loss("network", writes=200, dispersion=2 * size - 1).writes
    rng = np.random.default_rng(2)
    batches = rng.poisson(200 * 0.05 / size, 20_000)
    drawn = np.array([rng.geometric(1 / size, n).sum() for n in batches])
    assert bursts.mean == plain.mean == pytest.approx(drawn.mean(), rel=0.02)
    assert bursts.var == pytest.approx(drawn.var(), rel=0.05)
    assert plain.var == pytest.approx(10)
    gone = mode.loss_without_standby(
        writes=200, gone=duration.constant(0.05), dispersion=2 * size - 1
    )
    assert gone.writes.quantile(0.99) == bursts.quantile(0.99)


@pytest.mark.parametrize(("rate", "outage"), [(0.5, 1.0), (0.9, 0.2), (0.3, 40.0)])
def test_a_quantile_of_catching_up_is_where_its_law_has_it(rate, outage):
    law = CatchUp(writes=rate, service=1.0, outage=outage).time
    none = np.exp(-rate * outage)
    assert list(law.quantile([0.0, none / 2, none, 1.0])) == [0, 0, 0, np.inf]
    above = none + (1 - none) * np.array([1e-6, 0.01, 0.3, 0.5, 0.7, 0.99])
    times = law.quantile(above)
    assert np.all(np.diff(times) > 0)
    assert law.cdf(times) == pytest.approx(above, rel=1e-9)
    tails = np.array([0.6, 0.4, 0.01, 1e-9]) * (1 - none)
    assert law.sf(law.upper_quantile(tails)) == pytest.approx(tails, rel=1e-9)
