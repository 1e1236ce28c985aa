"""Exact intervals: tables, exact sums and how often they hold what they should."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hamodel as ha
from hamodel import calibration
from hamodel.calibration import (
    events_needed,
    mean_time_interval,
    percentile_interval,
    samples_needed,
    share_interval,
)

# NIST/SEMATECH e-Handbook of Statistical Methods, 8.4.5.1: factors by which the mean
# time is multiplied, two-sided; the same as in MIL-HDBK-781A, time-terminated tests.
NIST = [
    (1, 0.80, 0.2571, 9.4912),
    (2, 0.80, 0.3758, 3.7607),
    (3, 0.80, 0.4490, 2.7222),
    (5, 0.80, 0.5391, 2.0554),
    (1, 0.95, 0.1795, 39.4978),
    (2, 0.95, 0.2768, 8.2573),
    (3, 0.95, 0.3422, 4.8491),
    (5, 0.95, 0.4285, 3.0798),
]


@pytest.mark.parametrize(("events", "level", "low", "high"), NIST)
def test_mean_times_have_the_factors_of_the_handbook(events, level, low, high):
    found = mean_time_interval(events, 1000.0, level=level)
    mean = 1000.0 / events
    assert found == pytest.approx((low * mean, high * mean), rel=3e-4)


def poisson(most, mean):
    """Return P(at most `most` events), summed."""
    return math.fsum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
        for k in range(most + 1)
    )


@given(events=st.integers(0, 200), level=st.floats(0.5, 0.999))
def test_ends_leave_the_tails_that_poisson_sums_say(events, level):
    low, high = mean_time_interval(events, 1.0, level=level)
    tail = (1 - level) / 2
    assert poisson(events, 1 / low) == pytest.approx(tail, rel=1e-6)
    if events:
        assert 1 - poisson(events - 1, 1 / high) == pytest.approx(tail, rel=1e-6)
    else:
        assert high == math.inf


@pytest.mark.parametrize("expected", [0.3, 3.0, 25.0])
def test_the_interval_of_a_mean_time_is_never_too_narrow(expected):
    held = 0.0
    for k in range(120):
        low, high = mean_time_interval(k, 1.0)
        chance = math.exp(k * math.log(expected) - expected - math.lgamma(k + 1))
        held += chance * (low <= 1 / expected <= high)
    assert held + 1e-9 >= 0.95
    if expected == 25:
        assert held < 0.97


def test_no_event_gives_a_lower_end_only():
    low, high = mean_time_interval(0, 100.0)
    assert low == pytest.approx(2 * 100 / 7.3778, rel=1e-4)  # chi-square, 2 degrees
    assert high == math.inf
    with pytest.raises(ValueError, match=r"events must be >= 1 .* got 0"):
        mean_time_interval(0, 100.0, last=True)


def test_a_watch_that_ends_with_an_event_is_exact():
    # Davison and Hinkley (1997), Bootstrap Methods, p. 203: air conditioning, 12 times
    times = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]
    found = mean_time_interval(12, sum(times), last=True)
    assert found == pytest.approx((65.9, 209.2), abs=0.05)
    fitted = calibration.fit(times, families=["exponential"], draws=0)
    assert (fitted.low, fitted.high) == pytest.approx(found, rel=1e-9)


def binomial(low, high, n, p):
    return math.fsum(
        math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(low, high + 1)
    )


@given(trials=st.integers(1, 60), data=st.data())
def test_shares_leave_the_tails_that_binomial_sums_say(trials, data):
    good = data.draw(st.integers(0, trials))
    low, high = share_interval(good, trials)
    assert 0 <= low <= good / trials <= high <= 1
    if good:
        assert binomial(good, trials, trials, low) == pytest.approx(0.025, rel=1e-6)
    if good < trials:
        assert binomial(0, good, trials, high) == pytest.approx(0.025, rel=1e-6)
    within = share_interval(good, trials, kind="jeffreys")
    assert low - 1e-12 <= within[0] <= within[1] <= high + 1e-12


def test_shares_hold_as_often_as_they_say():
    def held(p, kind, n=30):
        ends = [share_interval(k, n, kind=kind) for k in range(n + 1)]
        chances = [binomial(k, k, n, p) for k in range(n + 1)]
        return sum(
            c for c, (low, high) in zip(chances, ends, strict=True) if low <= p <= high
        )

    grid = np.linspace(0.02, 0.98, 97)
    exact = [held(p, "clopper-pearson") for p in grid]
    fair = [held(p, "jeffreys") for p in grid]
    assert min(exact) >= 0.95
    assert np.mean(fair) == pytest.approx(0.95, abs=0.01)
    assert np.mean(exact) > np.mean(fair)


@pytest.mark.parametrize(("n", "p"), [(30, 0.5), (100, 0.95), (400, 0.99), (7, 0.1)])
def test_percentiles_are_held_whatever_the_law(n, p):
    ranks = percentile_interval(np.arange(1.0, n + 1), p)
    first = ranks[0] or 0
    last = min(ranks[1], n + 1)
    # P(first-th value <= percentile < last-th value)
    inside = binomial(int(first), int(last) - 1, n, p)
    assert inside >= 0.95
    if first > 0:
        assert binomial(0, int(first), n, p) > 0.025  # one rank on would be too far
    if last <= n:
        assert binomial(int(last) - 1, n, n, p) > 0.025


def test_fewer_independent_samples_widen_a_percentile():
    values = np.arange(1.0, 1001)
    narrow, wide = (percentile_interval(values, 0.5, effective=m) for m in (1000, 100))
    assert wide[0] < narrow[0] < 500 < narrow[1] < wide[1]
    assert wide == (391.0, 610.0)  # ten times the ranks 40 and 61 of 100, at most


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
def test_the_samples_needed_are_just_enough(p):
    need = samples_needed(p)
    assert percentile_interval(np.arange(1.0, need + 1), p)[1] < math.inf
    assert percentile_interval(np.arange(1.0, need), p)[1] == math.inf


@given(factor=st.floats(1.2, 50))
def test_the_events_needed_are_just_enough(factor):
    need = events_needed(factor)

    def width(n):
        low, high = mean_time_interval(n, 1.0)
        return high / low

    assert width(need) <= factor
    assert need == 1 or width(need - 1) > factor


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="exposure must be > 0 and finite, got 0"):
        mean_time_interval(1, 0)
    with pytest.raises(ValueError, match="trials must be > 0 and finite, got 0"):
        share_interval(0, 0)
    with pytest.raises(ValueError, match=r"successes must be in \[0, 3\], got 4"):
        share_interval(4, 3)
    with pytest.raises(ValueError, match="did you mean 'jeffreys'"):
        share_interval(1, 3, kind="jeffrey")
    with pytest.raises(ValueError, match="samples must hold at least 1 value"):
        percentile_interval([], 0.5)
    with pytest.raises(ValueError, match=r"p must be in .* got 1"):
        percentile_interval([1, 2], 1.0)
    with pytest.raises(ValueError, match="level must be in"):
        mean_time_interval(1, 1, level=1.0)
    with pytest.raises(ValueError, match="factor must be in"):
        events_needed(1.0)


PAIR = ha.ActivePassive(
    database=ha.Node(mttf=1e6, mttr=1e4), failover=ha.Failover(detection=10)
)


def test_estimates_are_put_into_an_architecture():
    found = ha.calibrate(drills=[40, 50, 60, 45, 52, 300], worked=[True] * 5 + [False])
    new = found.apply(PAIR).failover
    assert new.coverage == pytest.approx(5 / 6)
    assert new.manual == pytest.approx(300)
    law = found.fits["failover.outage"].law
    assert new.duration.quantile(0.95) == pytest.approx(law.quantile(0.95), rel=1e-6)
    assert new.promotion == new.redirection == 0
    stage = ha.calibrate(drills=[4, 5, 6], stage="promotion").apply(PAIR).failover
    assert stage.detection == 10
    assert stage.by_stage["promotion"].mean == pytest.approx(5)


def test_what_has_no_field_is_told():
    found = ha.calibrate(lag=np.linspace(0.001, 0.1, 50), writes=10.0)
    assert "lag.p95" in found.unused(PAIR)
    assert "replication.apply.service" not in found.unused(PAIR)
    stage = found.apply(PAIR).replication.apply
    assert stage.service == found["replication.apply.service"].value
    again = found.apply(found.apply(PAIR)).replication.apply
    assert again.service == stage.service
    latency = ha.calibrate(latency=np.linspace(0.001, 0.1, 50))
    with pytest.raises(ValueError, match="ActivePassive must have a field for one of"):
        latency.apply(PAIR)
    with pytest.raises(ValueError, match=r"path must be one of .* 'lag.p95'"):
        found["lag.p96"]


def test_a_workload_takes_the_law_of_its_round_trip():
    samples = 0.04 + np.random.default_rng(1).gamma(2, 0.01, 300)
    found = ha.calibrate(latency=samples, of="round_trip")
    trip = found.apply(ha.Workload()).round_trip
    assert trip.mean == pytest.approx(samples.mean(), rel=0.01)
    assert trip.quantile(0.99) > 1.3 * trip.mean


def test_draws_spread_as_the_intervals_say():
    found = ha.calibrate(
        incidents=[{"what": "database", "duration": f"{h} h"} for h in (1, 2, 3, 9)],
        nodes={"database": 2},
        during=ha.units.YEAR,
        drills=[40, 50, 60, 45, 52, 300],
        worked=[True] * 5 + [False],
    )
    rng = np.random.default_rng(0)
    for path in ("database.mttf", "failover.coverage", "database.mttr"):
        drawn = found.draws(path, 20_000, rng)
        e = found[path]
        inside = np.mean((e.low <= drawn) & (drawn <= e.high))
        assert 0.93 < inside <= 1, path
        assert np.all(drawn > 0)


def test_the_front_door_refuses_what_belongs_nowhere():
    with pytest.raises(ValueError, match="one of incidents, drills, lag, latency"):
        ha.calibrate()
    with pytest.raises(ValueError, match="during must be given with incidents"):
        ha.calibrate(incidents=[])
    with pytest.raises(ValueError, match="during must come with incidents"):
        ha.calibrate(drills=[1, 2], during=5)
    with pytest.raises(ValueError, match="did you mean 'worked'"):
        ha.calibrate(drills=[1, 2], work=[True, True])
    with pytest.raises(ValueError, match="option must be one of"):
        ha.calibrate(drills=[1, 2], writes=3.0)


def test_results_read_well():
    found = ha.calibrate(drills=[40, 50, 60, 45, 52, 300])
    words, page = repr(found), found._repr_html_()
    for part in ("failover.coverage", "warning", "6 of 6 drills worked", "exponential"):
        assert part in words.replace("phase-type", "exponential")
        assert part in page.replace("phase-type", "exponential") or part == "warning"
    assert "<caption>failover.outage" in found.fits["failover.outage"]._repr_html_()
    assert repr(found.fits["failover.outage"]).startswith("<Fit failover.outage: ")
