"""Latency: the lessons' numbers, sampling, closed forms, simulation, a cited figure."""

from collections import OrderedDict

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.latency import (
    Cache,
    Mix,
    Service,
    Stage,
    WorkQueue,
    cross_site_commit,
    fan_out,
    forwarded,
    hedged,
    in_parallel,
    in_sequence,
    lru_hit_ratio,
    slow_share,
    warm_hit_ratio,
)
from hamodel.queueing import MMc, OverloadError
from tests.support.queues import lindley
from tests.support.reference import answer

LOCAL = duration.constant(0.001)
FAR = duration.constant(0.080)


def passive_site():
    """Lesson 7: 20 % writes, 80 ms between the sites, 1 ms at home."""
    return Mix(kinds={"read": (0.8, LOCAL), "write": (0.2, forwarded(LOCAL, FAR))})


def test_the_mean_that_no_request_takes():
    users = passive_site()
    assert users.mean == pytest.approx(0.017, rel=1e-12)
    assert users.quantile([0.5, 0.79, 0.81, 0.99]) == pytest.approx(
        [0.001, 0.001, 0.081, 0.081], rel=1e-12
    )
    assert forwarded(LOCAL, FAR, calls=8).mean == pytest.approx(0.641, rel=1e-12)
    assert users.slow_by(0.01) == {"read": 0.0, "write": 1.0}
    assert users.slow_by(1.0) == {"read": 0.0, "write": 0.0}


def test_percentiles_do_not_add():
    one = duration.lognormal(mean=0.01, cv=1.0)
    both = in_sequence(one, one)
    assert both.quantile(0.99) < 0.85 * 2 * one.quantile(0.99)
    assert both.mean == pytest.approx(2 * one.mean, rel=1e-9)
    slow = duration.lognormal(mean=0.05, cv=1.0)
    users = Mix(kinds={"a": (0.9, one), "b": (0.1, slow)})
    blend = 0.9 * one.quantile(0.99) + 0.1 * slow.quantile(0.99)
    assert users.quantile(0.99) > 1.3 * blend


def test_a_mixture_equals_its_samples():
    rng = np.random.default_rng(1)
    fast, slow = duration.lognormal(mean=0.002, cv=0.7), duration.exponential(0.03)
    users = Mix(kinds={"near": (3.0, fast), "far": (1.0, slow)})
    n = 200_000
    far = rng.random(n) < 0.25
    draws = np.where(far, slow.sample(n, rng), fast.sample(n, rng))
    for p in (0.5, 0.9, 0.99):
        spread = 4 * np.sqrt(p * (1 - p) / n)
        assert np.mean(draws <= users.quantile(p)) == pytest.approx(p, abs=spread)
    t = 0.01
    assert users.slow_by(t)["far"] == pytest.approx(np.mean(far[draws > t]), abs=0.01)


def test_the_tail_at_scale():
    case = answer("latency", "pub-comp-02")
    p = case["params"]
    assert slow_share(p["p"], p["n"]) == pytest.approx(case["value"], rel=case["rtol"])
    leaf = duration.mixture([0.99, 0.01], [LOCAL, duration.constant(1.5)])
    assert fan_out(leaf, p["n"]).sf(1.0) == pytest.approx(case["value"], rel=1e-12)


@given(st.floats(1e-300, 1), st.integers(0, 1000))
def test_slow_share_keeps_small_numbers(share, servers):
    with np.errstate(divide="ignore"):
        exact = (
            float(-np.expm1(servers * np.log1p(-np.longdouble(share))))
            if servers
            else 0
        )
    assert slow_share(share, servers) == pytest.approx(exact, rel=1e-12, abs=1e-320)
    p, n = sympy.symbols("p n")
    assert slow_share(p, n) == 1 - (1 - p) ** n


@given(st.integers(1, 30), st.integers(1, 30))
def test_fan_out_of_exponentials_has_harmonic_means(servers, needed):
    needed = min(needed, servers)
    exact = sum(1 / (servers - i) for i in range(needed))
    found = fan_out(duration.exponential(1.0), servers, needed).mean
    assert found == pytest.approx(exact, rel=1e-6)


def test_hedging_is_a_race_with_a_late_start():
    one = duration.exponential(1.0)
    twice = hedged(one, after=2.0)
    t = np.array([0.5, 2.0, 3.0, 5.0])
    exact = np.exp(-t) * np.where(t > 2, np.exp(-(t - 2)), 1.0)
    assert twice.sf(t) == pytest.approx(exact, rel=1e-12)


def test_sequence_and_parallel_equal_samples():
    rng = np.random.default_rng(5)
    a, b = duration.lognormal(mean=1.0, cv=0.8), duration.uniform(0.0, 2.0)
    n = 200_000
    first, second, third = a.sample(n, rng), b.sample(n, rng), a.sample(n, rng)
    law = in_sequence(in_parallel(a, b), a)
    draws = np.maximum(first, second) + third
    for p in (0.5, 0.99):
        spread = 4 * np.sqrt(p * (1 - p) / n)
        assert np.mean(draws <= law.quantile(p)) == pytest.approx(p, abs=spread)


@pytest.mark.parametrize("times", [1, 2, 3, 7, 12])
def test_calls_in_a_row_are_an_erlang_law(times):
    law = in_sequence(duration.exponential(0.5), times=times)
    exact = duration.erlang(times, 0.5 * times)
    for p in (0.5, 0.99):
        assert law.quantile(p) == pytest.approx(exact.quantile(p), rel=1e-7)


def test_commit_waits_for_the_needed_site():
    disk = duration.exponential(1.0)
    none = duration.constant(0.0)
    means = [cross_site_commit(disk, [none, none], k).mean for k in (1, 2, 3)]
    assert means == pytest.approx([1 / 3, 5 / 6, 11 / 6], rel=1e-6)
    assert cross_site_commit(disk, []).mean == 1.0
    near, far = duration.constant(0.001), duration.constant(0.1)
    two = cross_site_commit(duration.constant(0.002), [near, far], needed=2)
    assert two.mean == pytest.approx(0.003, rel=1e-12)


def test_the_survivor_is_fifty_times_as_slow():
    """Lesson 8: two sites at 49 %; at 50 % the survivor never recovers."""
    site = Service(arrival=0.49, stages=[Stage(name="db", service=1.0)])
    assert site.mean_response == pytest.approx(1 / 0.51, rel=1e-12)
    assert site.taking_over(sites=2).mean_response == pytest.approx(50.0, rel=1e-9)
    half = Service(arrival=0.5, stages=site.stages).taking_over(sites=2)
    assert half.mean_response == half.response_quantile(0.5) == np.inf
    assert half.response_quantile([0.0, 0.5]).tolist() == [0.0, np.inf]
    with pytest.raises(OverloadError):
        _ = half.response
    third = Service(arrival=0.6, stages=site.stages).taking_over(sites=3)
    assert third.mean_response == pytest.approx(10.0, rel=1e-9)


def tiers():
    return [
        Stage(name="app", service=0.030, servers=3),
        Stage(name="db", service=0.004, servers=1, visits=2),
    ]


def test_tiers_add_up():
    site = Service(arrival=60.0, stages=tiers(), network=duration.constant(0.002))
    assert site.utilisation == {"app": pytest.approx(0.6), "db": pytest.approx(0.48)}
    assert site.bottleneck == "app"
    assert site.capacity == pytest.approx(100.0)
    app, db = MMc(60.0, 0.030, 3), MMc(120.0, 0.004)
    mean = app.mean_response + 2 * db.mean_response + 0.002
    assert site.mean_response == pytest.approx(mean, rel=1e-12)
    assert site.response.mean == pytest.approx(mean, rel=1e-9)
    fewer = site.losing("app")
    assert fewer.utilisation["app"] == pytest.approx(0.9)
    assert fewer.mean_response > 2 * site.mean_response
    assert site.losing("app", 2).response_quantile(0.5) == np.inf


def test_tiers_simulated():
    """Single servers in a row: responses are independent, and their sum exact."""
    rng = np.random.default_rng(9)
    n = 200_000
    arrive = np.cumsum(rng.exponential(1 / 60, n))
    app, db = rng.exponential(0.010, n), rng.exponential(0.008, n)
    left = arrive + lindley(np.diff(arrive, prepend=0.0), app) + app
    gone = left + lindley(np.diff(left, prepend=0.0), db) + db
    stages = [Stage(name="app", service=0.010), Stage(name="db", service=0.008)]
    site = Service(arrival=60.0, stages=stages)
    for p in (0.5, 0.95, 0.99):
        found = site.response_quantile(p)
        assert np.quantile(gone - arrive, p) == pytest.approx(found, rel=0.05)


def test_cache_warm_and_cold():
    cache = Cache(hit_ratio=0.95, hit=LOCAL, miss=FAR)
    assert cache.latency.mean == pytest.approx(0.001 + 0.05 * 0.08, rel=1e-12)
    assert cache.latency.quantile([0.94, 0.96]) == pytest.approx([0.001, 0.081])
    assert cache.behind(1000.0) == pytest.approx(50.0)
    assert cache.cold.behind(1000.0) == 1000.0
    assert cache.surge == pytest.approx(20.0)
    assert Cache(hit_ratio=1.0, hit=LOCAL, miss=FAR).surge == np.inf
    database = Stage(name="db", service=0.010)
    assert database.queue(cache.behind(1000.0)).utilisation == pytest.approx(0.5)
    assert database.queue(cache.cold.behind(1000.0)).mean_wait == np.inf


def test_lru_simulated():
    rng = np.random.default_rng(3)
    weights = 1 / np.arange(1, 501) ** 0.9
    keys = rng.choice(500, 150_000, p=weights / weights.sum())
    store, hits = OrderedDict(), 0
    for k, key in enumerate(keys.tolist()):
        if key in store:
            store.move_to_end(key)
            hits += k >= 20_000
        else:
            store[key] = None
            if len(store) > 60:
                store.popitem(last=False)
    assert lru_hit_ratio(weights, 60) == pytest.approx(hits / 130_000, abs=0.006)
    assert lru_hit_ratio(weights, 500) == 1.0
    assert lru_hit_ratio(weights, 0) == 0.0
    assert lru_hit_ratio(np.ones(100), 30) == pytest.approx(0.3, rel=1e-9)


def test_warming_simulated():
    rng = np.random.default_rng(4)
    weights = 1 / np.arange(1, 201)
    share = weights / weights.sum()
    hits = 0
    for _ in range(3000):
        count = rng.poisson(100.0 * 0.5)
        seen = set(rng.choice(200, count, p=share).tolist())
        hits += int(rng.choice(200, p=share)) in seen
    found = warm_hit_ratio(weights, arrival=100.0, t=0.5)
    assert found == pytest.approx(hits / 3000, abs=0.04)
    assert warm_hit_ratio(weights, 100.0, [0.0, 1e9]).tolist() == [
        0.0,
        pytest.approx(1),
    ]


def test_queue_in_front():
    workers = Stage(name="worker", service=0.1, servers=10)
    mail = WorkQueue(arrival=90.0, accept=LOCAL, workers=workers)
    mean = 0.001 + MMc(90.0, 0.1, 10).mean_response
    assert mail.done.mean == pytest.approx(mean, rel=1e-9)
    after = mail.after_outage(60.0)
    assert (after.peak, after.empty_at) == (5400.0, 600.0)
    assert after.delay(0.0) == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (in_sequence, "stages must be at least one duration"),
        (in_parallel, "stages must be at least one duration"),
        (lambda: in_sequence(LOCAL, times=0), "times must be a whole number >= 1"),
        (lambda: in_sequence(0.5), r"stages\[0\] must be a Duration, got 0.5"),
        (lambda: fan_out(LOCAL, 3, 4), r"needed must be <= servers \(3\), got 4"),
        (lambda: slow_share(1.2, 3), r"share must be in \[0, 1\]"),
        (lambda: hedged(LOCAL, -1.0), "after must be >= 0"),
        (
            lambda: cross_site_commit(LOCAL, [FAR], 3),
            "needed must be <= 2 sites, got 3",
        ),
        (lambda: Mix(kinds={}), "kinds must name at least one kind"),
        (lambda: Mix(kinds={"a": (0.0, LOCAL)}), "shares must not all be 0"),
        (lambda: Mix(kinds={"a": (-1.0, LOCAL)}), "share of a must be >= 0"),
        (lambda: Mix(kinds={"a": (1.0, 3.0)}), "latency of a must be a Duration"),
        (lambda: Stage(name="a", service=0.0), "service must be > 0"),
        (
            lambda: Stage(name="a", service=1.0, visits=0),
            "visits must be a whole number",
        ),
        (lambda: Service(arrival=1.0, stages=[]), "stages must have different names"),
        (
            lambda: Service(arrival=1.0, stages=tiers()).taking_over(2, lost=2),
            r"lost must be < sites \(2\), got 2",
        ),
        (
            lambda: Service(arrival=1.0, stages=tiers()).losing("ap"),
            "did you mean 'app'",
        ),
        (
            lambda: Service(arrival=1.0, stages=tiers()).losing("db"),
            "servers must be < 1, got 1",
        ),
        (lambda: Cache(hit_ratio=1.5, hit=LOCAL, miss=FAR), r"hit_ratio must be in"),
        (lambda: lru_hit_ratio([0.0], 1), "popularity must be a row with a sum > 0"),
        (lambda: warm_hit_ratio([1.0], 1.0, -1.0), "t must be >= 0"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables():
    assert "17 ms" in passive_site()._repr_html_()
    site = Service(arrival=60.0, stages=tiers())
    assert "mean response" in site._repr_html_()
    assert "never" in site.taking_over(sites=2)._repr_html_()
