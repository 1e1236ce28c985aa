"""Lag, exposure and age: closed forms, chains, followed writes and SimPy."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import expm

from hamodel import duration
from hamodel.replication import CatchUp, Stream, WriteStage, with_outages
from tests.support.queues import interval
from tests.support.reference import cases
from tests.support.replicas import fact, followed, oldest_missing, replica_by_simpy

REPLAY = WriteStage(service=0.001)
loads = st.floats(0.05, 0.97)


# the numbers of the lesson


def test_a_tenth_more_load_is_ten_times_the_lag():
    before, after = (Stream(writes=w, apply=REPLAY) for w in (900, 990))
    assert after.mean_lag / before.mean_lag == pytest.approx(10, rel=1e-12)
    assert before.lag.quantile(0.99) / 0.001 == pytest.approx(46.0517, abs=1e-4)
    assert after.lag.quantile(0.99) / 0.001 == pytest.approx(460.517, abs=1e-3)
    assert before.lag.quantile(0.999) == pytest.approx(np.log(1000) / 100, rel=1e-12)


@pytest.mark.parametrize("case", cases("replication"))
def test_reference(case):
    given_ = case["params"]
    link = WriteStage(service=1 / given_["mu"])
    value = Stream(writes=given_["lam"], send=link).exposure.quantile(given_["q"])
    assert value == pytest.approx(case["value"], rel=case["rtol"])


def test_lag_measured_at_tao_is_not_a_queue_alone():
    # below 1 s, 3 s and 10 s; Bronson et al. (2013), TAO, USENIX ATC
    shares = [1 - fact(f"LAG-00{k}") / 100 for k in (5, 6, 7)]
    queue = duration.exponential(-1 / np.log(shares[0]))
    assert queue.sf(3) == pytest.approx(0.15**3, rel=1e-9)
    assert queue.sf(10) < shares[2] / 1e5
    # three numbers fit three parameters: hiccups of 5.5 s on 1.25 % of the time
    hiccups, usual = duration.exponential(5.4587), duration.exponential(0.51114)
    rate = 0.0124919 * (1 - 0.6) / 5.4587
    lag = with_outages(usual, rate=rate, load=0.6, length=hiccups)
    assert lag.sf([1, 3, 10]) == pytest.approx(shares, rel=1e-4)


# three readings of one model


def test_formulas_equal_numbers():
    writes, speed, delay, t, k = sympy.symbols("lambda mu D t k", positive=True)
    formula = Stream(writes=writes, delay=delay, apply=WriteStage(service=1 / speed))
    at = {writes: 90, speed: 100, delay: 0.02, t: 0.3, k: 2.5}
    number = Stream(writes=90, delay=0.02, apply=WriteStage(service=0.01))
    pairs = [
        (formula.mean_lag, number.mean_lag),
        (formula.utilisation, number.utilisation),
        (formula.unapplied, number.unapplied),
        (formula.lag.sf(t), number.lag.sf(0.3)),
        (formula.lag.quantile(t), number.lag.quantile(0.3)),
        (formula.stale_probability(k), number.stale_probability(2.5)),
    ]
    for symbolic, numeric in pairs:
        assert float(symbolic.subs(at)) == pytest.approx(numeric, rel=1e-12)
    assert number.unapplied == pytest.approx(90 * (0.02 + 0.1))


def test_arrays_equal_numbers_and_cross_the_wall():
    stages = [
        REPLAY,
        WriteStage(service=0.004, workers=4),
        WriteStage(service=0.004, workers=4, in_order=False),
        WriteStage(service=duration.constant(0.001)),
        WriteStage(service=0.001, sizes=[0.5, 0.5]),
    ]
    rates = np.array([300.0, 900.0, 1000.0, 1100.0])
    for stage in stages:
        many = Stream(writes=rates, delay=0.01, apply=stage)
        assert np.all(many.mean_lag[2:] == np.inf)
        assert np.all(many.lag.quantile(0.9)[2:] == np.inf)
        assert np.all(many.lag.sf(0.1)[2:] == 1)
        for i in (0, 1):
            one = Stream(writes=rates[i], delay=0.01, apply=stage)
            assert many.mean_lag[i] == pytest.approx(one.lag.mean, rel=1e-9)
            assert many.lag.sf(0.02)[i] == pytest.approx(one.lag.sf(0.02), rel=1e-6)
            quantile = one.lag.quantile(0.9)
            assert many.lag.quantile(0.9)[i] == pytest.approx(quantile, rel=1e-6)
        assert np.all(many.lag.mean[2:] == np.inf)


def test_stack_of_exposures_equals_one_by_one():
    rates = np.array([300.0, 900.0])
    many = Stream(writes=rates, delay=0.005, send=REPLAY).exposure
    at = np.array([[0.0], [0.004], [0.02]])
    for i, rate in enumerate(rates):
        one = Stream(writes=rate, delay=0.005, send=REPLAY).exposure
        assert many.sf(at)[:, i] == pytest.approx(one.sf(at[:, 0]), rel=1e-12)
        assert many.mean[i] == pytest.approx(one.mean, rel=1e-12)
        assert many.var[i] == pytest.approx(one.var, rel=1e-12)
        assert (many + 1.0).quantile(0.9)[i] == pytest.approx(
            1 + one.quantile(0.9), rel=1e-9
        )
    rng = np.random.default_rng(5)
    drawn = many.sample(40_000, rng)
    assert drawn.mean(axis=0) == pytest.approx(many.mean, rel=0.03)


@pytest.mark.parametrize(
    "law",
    [
        Stream(writes=0.7, delay=1.5, send=WriteStage(service=1.0)).exposure,
        CatchUp(writes=0.7, service=1.0, outage=3.0).time,
    ],
    ids=["exposure", "catch-up"],
)
def test_laws_of_this_room_answer_like_any_other(law):
    rng = np.random.default_rng(9)
    drawn = law.sample(200_000, rng)
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(law.mean - drawn.mean()) < 4 * error
    cubes = drawn**3
    assert abs(law.moment(3) - cubes.mean()) < 4 * cubes.std() / np.sqrt(len(drawn))
    for s in (0.1, 2.0):
        damped = np.exp(-s * drawn)
        assert abs(law.lst(s) - damped.mean()) < 4 * damped.std() / np.sqrt(len(drawn))
    assert (law + duration.constant(1.0)).mean == pytest.approx(law.mean + 1)
    both = law + duration.exponential(0.5)
    summed = drawn + rng.exponential(0.5, len(drawn))
    assert both.quantile(0.9) == pytest.approx(np.quantile(summed, 0.9), rel=0.02)
    low, high = law.support
    assert low == 0
    assert high == np.inf
    at_least = law.law.sf(np.array([0.0, 1.0]), left=True)
    assert at_least == pytest.approx([1.0, law.sf(1.0)])
    below = law.law.cdf(np.array([0.0, 1.0]), left=True)
    assert below == pytest.approx([0.0, law.cdf(1.0)])


def test_stack_of_exposures_adds_to_a_stack():
    rates, delays = np.array([0.3, 0.8]), np.array([0.5, 2.0])
    stage = WriteStage(service=1.0)
    later = duration.exponential(np.array([1.0, 3.0]))
    many = Stream(writes=rates, delay=delays, send=stage).exposure + later
    for i in range(2):
        one = Stream(writes=rates[i], delay=delays[i], send=stage).exposure
        alone = one + duration.exponential(1.0 + 2 * i)
        assert many.quantile(0.9)[i] == pytest.approx(alone.quantile(0.9), rel=1e-6)
    grid = Stream(writes=0.8, delay=np.array([[0.0], [2.0]]), send=stage).exposure
    drawn = grid.sample(50_000, np.random.default_rng(10))
    assert drawn.mean(axis=0) == pytest.approx(grid.mean, rel=0.05)


# parallel workers that keep the order


def visible(rate, service, workers, t, *, arriving):
    """P(all that is there is not done by t), from the pure death chain."""
    n = 400
    offered = rate * service
    steps = [offered / min(j, workers) for j in range(1, n)]
    weight = np.cumprod([1.0, *steps])
    p = weight / weight.sum()
    if arriving:
        p = np.concatenate([[0.0], p[:-1]])
    death = np.minimum(np.arange(n), workers) / service
    chain = np.diag(-death) + np.diag(death[1:], -1)
    return 1 - (p @ expm(chain * t))[0]


@pytest.mark.parametrize(("workers", "rate"), [(1, 0.7), (2, 1.5), (5, 3.9)])
def test_ordered_workers_equal_the_death_chain(workers, rate):
    stage = WriteStage(service=1.0, workers=workers)
    for t in (0.2, 1.0, 4.0, 9.0):
        seen = visible(rate, 1.0, workers, t, arriving=True)
        assert stage.time(rate).sf(t) == pytest.approx(seen, rel=1e-9)
        clear = visible(rate, 1.0, workers, t, arriving=False)
        assert stage.clearing(rate).sf(t) == pytest.approx(clear, rel=1e-9)
    empty = 1 - stage.clearing(rate).sf(0.0)
    assert stage.empty(rate) == pytest.approx(empty, rel=1e-12)


def test_ordered_workers_equal_followed_writes():
    rng = np.random.default_rng(1)
    stage = WriteStage(service=1.0, workers=3)
    commit, _, seen = followed(
        rng, 120_000, 2.4, apply=lambda n: rng.exponential(1.0, n), workers=3
    )
    mean, width = interval(seen - commit)
    assert abs(stage.mean_time(2.4) - mean) < width
    assert stage.mean_time(2.4) > stage.queue(2.4).mean_response + 3 * width


# exposure


@given(loads, st.floats(0.0, 5.0), st.floats(0.0, 12.0))
def test_exposure_is_the_lag_less_the_quiet_time(load, delay, x):
    """max(L - A, 0): a derivation that shares nothing with the clearing time."""
    stream = Stream(writes=load, delay=delay, send=WriteStage(service=1.0))
    rate = 1 - load

    def lag_sf(t):
        return np.exp(-rate * max(t - delay, 0.0))

    kink = max(delay - x, 0.0)
    first = 1 - np.exp(-load * kink)
    later = quad(lambda a: load * np.exp(-load * a) * lag_sf(x + a), kink, np.inf)[0]
    assert stream.exposure.sf(x) == pytest.approx(first + later, rel=1e-7)


@pytest.mark.parametrize(
    "service",
    [duration.constant(1.0), duration.hyperexponential([0.9, 0.1], [0.5, 5.5])],
)
def test_exposure_of_any_service_equals_followed_writes(service):
    rng = np.random.default_rng(2)
    stream = Stream(writes=0.7, delay=2.0, send=WriteStage(service=service))
    commit, received, _ = followed(
        rng, 400_000, 0.7, send=lambda n: service.sample(n, rng), delay=2.0
    )
    moments = rng.uniform(commit[1000], commit[-1000], 200_000)
    age, missing = oldest_missing(commit, received, np.sort(moments))
    for x in (0.0, 1.0, 2.0, 4.0, 10.0):
        share, width = interval(age > x)
        assert abs(stream.exposure.sf(x) - share) < width + 1e-9
    mean, width = interval(age)
    assert abs(stream.exposure.mean - mean) < width
    mean, width = interval(missing)
    assert abs(stream.missing - mean) < width
    spread, width = interval((age - stream.exposure.mean) ** 2)
    assert abs(stream.exposure.var - spread) < width


def test_exposure_of_batches_equals_followed_writes():
    rng = np.random.default_rng(3)
    link = WriteStage(service=1.0, sizes=[0.5, 0.25, 0.25])
    stream = Stream(writes=0.7, delay=1.5, send=link)
    sizes = rng.choice([1, 2, 3], 200_000, p=[0.5, 0.25, 0.25])
    batch = np.cumsum(rng.exponential(1.75 / 0.7, len(sizes)))
    commit, received, _ = _through(rng, np.repeat(batch, sizes), 1.5)
    moments = np.sort(rng.uniform(commit[1000], commit[-1000], 200_000))
    age, _ = oldest_missing(commit, received, moments)
    for x in (0.0, 1.0, 3.0, 10.0):
        share, width = interval(age > x)
        assert abs(stream.exposure.sf(x) - share) < width
    mean, width = interval(received - commit)
    assert abs(stream.mean_lag + 0 - mean) < width


def _through(rng, commit, delay):
    from tests.support.replicas import served

    received = served(commit, rng.exponential(1.0, len(commit))) + delay
    return commit, received, received


def test_exposure_of_a_random_delay_is_an_average():
    delay = duration.lognormal(mean=2.0, cv=0.6)
    stream = Stream(writes=0.7, delay=delay, send=WriteStage(service=1.0))
    drawn = delay.sample(4000, np.random.default_rng(4))
    for x in (0.5, 2.0, 6.0):
        each = [
            Stream(writes=0.7, delay=d, send=WriteStage(service=1.0)).exposure.sf(x)
            for d in drawn[:400]
        ]
        mean, spread = np.mean(each), np.std(each) / 20
        assert abs(stream.exposure.sf(x) - mean) < 4 * spread
    rng = np.random.default_rng(6)
    sampled = stream.exposure.sample(100_000, rng)
    assert sampled.mean() == pytest.approx(stream.exposure.mean, rel=0.02)


@given(loads, st.floats(0.001, 30.0))
def test_nothing_depends_on_the_unit_of_time(load, unit):
    one = Stream(writes=load, delay=0.5, send=WriteStage(service=1.0))
    other = Stream(writes=load / unit, delay=0.5 * unit, send=WriteStage(service=unit))
    assert other.exposure.mean == pytest.approx(unit * one.exposure.mean, rel=1e-9)
    assert other.exposure.var == pytest.approx(unit**2 * one.exposure.var, rel=1e-9)
    assert other.mean_lag == pytest.approx(unit * one.mean_lag, rel=1e-9)
    assert other.exposure.sf(3 * unit) == pytest.approx(one.exposure.sf(3), rel=1e-9)
    assert other.missing == pytest.approx(one.missing, rel=1e-9)


@pytest.mark.parametrize("rate", [0.005, 0.5, 3.0])
def test_exposure_of_a_delay_alone_is_the_age_of_its_first_write(rate):
    law = Stream(writes=rate, delay=1.0, send=WriteStage(service=1e-9)).exposure
    for order in (1, 2):
        age = quad(lambda t, n=order: (1 - t) ** n * rate * np.exp(-rate * t), 0, 1)
        assert law.moment(order) == pytest.approx(age[0], rel=1e-7)


@settings(max_examples=12)
@given(loads, st.floats(0.0, 3.0))
def test_exposure_hangs_together(load, delay):
    law = Stream(writes=load, delay=delay, send=WriteStage(service=1.0)).exposure
    t, step = np.linspace(0, 60 / (1 - load) + delay, 12_001, retstep=True)
    sf = law.sf(t)
    assert np.all(np.diff(sf) <= 1e-12)
    middle = (t[1:] + t[:-1]) / 2
    assert law.mean == pytest.approx(law.sf(middle).sum() * step, rel=1e-4)
    second = (2 * middle * law.sf(middle)).sum() * step
    assert law.moment(2) == pytest.approx(second, rel=1e-4)
    p = np.array([0.2, 0.7, 0.99])
    reached = law.quantile(p)
    assert np.all(law.cdf(reached) >= p - 1e-9)
    assert law.mean_excess(delay) > 0


# the whole path in SimPy


def test_lag_and_missing_writes_equal_simpy():
    rng = np.random.default_rng(7)
    lags, missing = replica_by_simpy(rng, 8.0, 0.1, 0.3, 3000.0)
    stream = Stream(writes=8.0, delay=0.3, send=WriteStage(service=0.1))
    mean, width = interval(lags[500:])
    assert abs(stream.mean_lag - mean) < width
    share, width = interval(lags[500:] > 1.0)
    assert abs(stream.lag.sf(1.0) - share) < width
    mean, width = interval(missing[30:])
    assert abs(stream.missing - mean) < width


# what is refused


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (WriteStage, {"service": 0}, "service must be > 0"),
        (WriteStage, {"service": 1.0, "workers": 1.5}, "workers must be a whole"),
        (WriteStage, {"service": 1.0, "workers": [1, 2]}, "one number"),
        (
            WriteStage,
            {"service": duration.constant(1.0), "workers": 2},
            "keep the order",
        ),
        (WriteStage, {"service": 1.0, "workers": 2, "sizes": [1.0]}, "sizes must be"),
        (Stream, {"writes": -1}, "writes must be >= 0"),
        (Stream, {"writes": 1, "delay": -1}, "delay must be >= 0"),
        (Stream, {"writes": 1, "apply": 0.001}, "apply must be a WriteStage"),
        (Stream, {"writes": float("nan")}, "writes must be >= 0"),
    ],
)
def test_impossible_input_is_named(kind, fields, words):
    with pytest.raises(ValueError, match=words):
        kind(**fields)


def test_no_formula_no_number_but_a_reason():
    w = sympy.Symbol("w", positive=True)
    two = Stream(writes=w, send=REPLAY, apply=REPLAY)
    with pytest.raises(ValueError, match="formula needs one stage"):
        two.lag.sf(1.0)
    with pytest.raises(ValueError, match="below the capacity"):
        Stream(writes=[900, 1100], apply=REPLAY).stale_probability(1.0)
    general = WriteStage(service=duration.constant(0.001), workers=2, in_order=False)
    with pytest.raises(ValueError, match="general service"):
        general.clearing(100)


def test_results_read_well():
    stream = Stream(writes=900, delay=0.01, apply=REPLAY)
    assert "20 ms" in stream._repr_html_()
    assert "Stream" in Stream(writes=[1, 2], apply=REPLAY)._repr_html_()
    assert Stream(writes=5.0).utilisation == 0
    assert Stream(writes=5.0, delay=duration.exponential(1.0)).mean_lag == 1.0
    twice = Stream(writes=900, delay=0.01, send=REPLAY, apply=REPLAY)
    assert twice.lag.sf(0.03) == pytest.approx(np.exp(-2) * 3, rel=1e-9)
