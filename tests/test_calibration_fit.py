"""Laws fitted to samples: peers, published data, and how often intervals hold."""

import math

import numpy as np
import pytest
from scipy import stats

from hamodel import duration
from hamodel.calibration import LAWS, _goodness, effective_size, fit, lag, latency
from hamodel.calibration._drills import whole
from hamodel.calibration._fit import USUAL, About, of_sample
from hamodel.calibration._laws import Point

#: Gehan (1965), Biometrika 52, 203-223: remission in weeks under 6-MP.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


@pytest.mark.parametrize("name", [n for n, f in LAWS.items() if not f.shifted])
@pytest.mark.parametrize("cv", [0.35, 1.0, 2.5])
def test_densities_and_tails_are_those_of_the_durations(name, cv):
    family = LAWS[name]
    cv = 1.0 if name == "exponential" else cv
    law = family.law(3.0, cv)
    x = np.array([0.05, 0.5, 1.5, 3.0, 7.0, 20.0])
    assert law.mean == pytest.approx(3)
    assert law.cv == pytest.approx(cv)
    assert np.exp(family.tail(x, 3.0, cv)) == pytest.approx(law.sf(x), rel=1e-7)
    step = 1e-5 * x
    slope = (law.cdf(x + step) - law.cdf(x - step)) / (2 * step)
    density = np.exp(family.density(x, 3.0, cv))
    assert density == pytest.approx(slope, rel=2e-4, abs=1e-8)


def sample(law, n, seed):
    return law.sample(n, np.random.default_rng(seed))


def test_complete_samples_are_fitted_as_scipy_fits_them():
    x = sample(duration.gamma(mean=40, cv=0.6), 60, 1)
    ours = fit(x, families=["gamma"], draws=0)
    shape, _, scale = stats.gamma.fit(x, floc=0)
    assert ours.mean == pytest.approx(shape * scale, rel=1e-3)
    assert ours.cv == pytest.approx(shape**-0.5, rel=1e-3)
    ours = fit(x, families=["lognormal"], draws=0)
    spread, _, middle = stats.lognorm.fit(x, floc=0)
    assert ours.mean == pytest.approx(middle * math.exp(spread**2 / 2), rel=1e-3)
    ours = fit(x, families=["shifted exponential"], draws=0)
    assert ours.law.support[0] == pytest.approx(x.min(), rel=1e-4)


def test_open_values_are_fitted_as_scipy_fits_them():
    data = stats.CensoredData(uncensored=WEEKS, right=STILL)
    ours = fit(WEEKS, still=STILL, families=["lognormal"], draws=0)
    spread, _, middle = stats.lognorm.fit(data, floc=0)
    assert ours.mean == pytest.approx(middle * math.exp(spread**2 / 2), rel=2e-3)
    ours = fit(WEEKS, still=STILL, families=["gamma"], draws=0)
    shape, _, scale = stats.gamma.fit(data, floc=0)
    assert ours.mean == pytest.approx(shape * scale, rel=2e-3)
    assert ours.cv == pytest.approx(shape**-0.5, rel=2e-3)


def test_published_remissions():
    """Lawless (2003), examples 1.1.7 and 3.2.1: 9 events in 359 weeks."""
    found = fit(WEEKS, still=STILL, families=["exponential"], draws=0)
    assert found.mean == pytest.approx(359 / 9)
    at, share, low, high = found.observed
    assert at.tolist() == [6, 7, 10, 13, 16, 22, 23]
    kaplan = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert 1 - share == pytest.approx(kaplan, abs=6e-4)
    peer = stats.ecdf(stats.CensoredData(uncensored=WEEKS, right=STILL))
    ends = peer.sf.confidence_interval(method="log-log")
    own = [np.searchsorted(peer.sf.quantiles, t) for t in at]
    assert 1 - high == pytest.approx(ends.low.probabilities[own], abs=1e-9)
    assert 1 - low == pytest.approx(ends.high.probabilities[own], abs=1e-9)


def test_the_most_likely_parameters_are_a_summit():
    x, rng = sample(duration.erlang(3, 5.0), 40, 4), np.random.default_rng(0)
    for name in ("phase-type", "gamma", "lognormal"):
        family = LAWS[name]
        found = fit(x, families=[name], draws=0)
        top = family.density(x, found.mean, found.cv).sum()
        for _ in range(20):
            mean, cv = np.array([found.mean, found.cv]) * rng.uniform(0.9, 1.1, 2)
            assert family.density(x, mean, cv).sum() <= top + 1e-3


def held(law, n, families, runs, seed):
    rng = np.random.default_rng(seed)
    about = About(name="x", draws=0)
    inside = 0
    for _ in range(runs):
        found = of_sample(whole(law.sample(n, rng)), families=families, about=about)
        inside += found.low <= law.mean <= found.high
    return inside / runs


@pytest.mark.parametrize(
    ("law", "n", "families"),
    [
        (duration.exponential(5), 10, ("exponential",)),
        (duration.lognormal(mean=5, cv=0.5), 10, ("lognormal",)),
        (duration.lognormal(mean=5, cv=1.5), 25, ("lognormal",)),
        (duration.gamma(mean=5, cv=0.7), 15, ("gamma",)),
    ],
    ids=["exponential", "steady lognormal", "wild lognormal", "gamma"],
)
def test_intervals_of_means_hold_as_often_as_they_say(law, n, families):
    runs = 400 if families == ("exponential",) else 250
    assert 0.93 <= held(law, n, families, runs, 1) <= 0.97


def test_intervals_hold_where_the_law_was_chosen_too():
    wild, steady = (duration.lognormal(mean=5, cv=cv) for cv in (1.5, 0.5))
    assert 0.92 <= held(wild, 20, USUAL, 150, 2) <= 0.98
    assert held(steady, 20, USUAL, 60, 2) >= 0.94
    assert 0.93 <= held(duration.exponential(5), 15, USUAL, 120, 3) <= 0.99


def test_the_right_law_is_chosen_where_there_are_values_enough():
    for law, name in (
        (duration.lognormal(mean=5, cv=1.5), "lognormal"),
        (duration.exponential(5.0), "exponential"),
        (duration.erlang(4, 5.0), "phase-type"),
    ):
        found = fit(sample(law, 300, 6), draws=0)
        assert found.family == name
        assert max(found.criterion.values()) > found.criterion[name] + 5


def test_the_statistic_is_that_of_anderson_and_darling():
    x = sample(duration.exponential(2.0), 25, 6)
    unit = x / x.mean()
    ours = _goodness.distance(
        LAWS["exponential"], Point(mean=1.0, cv=1.0), whole(unit), plain=True
    )
    share = np.sort(-np.expm1(-unit))
    k = np.arange(1, 26)
    log = np.log(share) + np.log(1 - share[::-1])
    assert ours == pytest.approx(-25 - np.sum((2 * k - 1) * log) / 25)
    flat = _goodness.distance(
        LAWS["exponential"], Point(mean=1.0, cv=1.0), whole(unit), plain=False
    )
    assert flat == pytest.approx(stats.kstest(unit, "expon").statistic)


def test_fitted_parameters_bring_the_published_critical_value():
    """Stephens (1986), table 4.14: A^2 (1 + 0.6 / n) exceeds 1.321 once in 20 times."""
    rng = np.random.default_rng(8)
    family, n = LAWS["exponential"], 20
    found = []
    for x in rng.exponential(size=(4000, n)):
        point = Point(mean=float(x.mean()), cv=1.0)
        found.append(_goodness.distance(family, point, whole(x), plain=True))
    beyond = np.mean(np.array(found) * (1 + 0.6 / n) > 1.321)
    assert beyond == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("name", ["exponential", "lognormal"])
def test_a_true_law_is_called_bad_once_in_twenty_times(name):
    law = LAWS[name].law(5.0, 1.0)
    rng = np.random.default_rng(9)
    chances = [
        of_sample(
            whole(law.sample(15, rng)),
            families=(name,),
            about=About(name=f"x{k}", draws=39),  # other draws each time
        ).chance
        for k in range(120)
    ]
    assert np.mean(np.array(chances) <= 0.05) == pytest.approx(0.05, abs=0.045)
    assert np.mean(chances) == pytest.approx(0.5, abs=0.08)


def test_a_law_that_is_none_of_them_is_called_bad():
    two = np.concatenate([np.linspace(9, 10, 30), np.linspace(99, 110, 30)])
    found = fit(two, name="promotion")
    assert found.bad
    assert "fits badly (Anderson-Darling" in found.text
    cut = fit(two[:-10], still=[100.0] * 10, name="promotion")
    assert cut.test == "Kolmogorov-Smirnov"
    assert cut.bad


def test_the_same_data_give_the_same_answer_in_any_unit():
    x = sample(duration.lognormal(mean=5, cv=1.0), 20, 3)
    first, again, hours = fit(x), fit(x), fit(x * 3600)
    assert first.chance == again.chance
    assert hours.mean == pytest.approx(3600 * first.mean, rel=1e-9)
    assert hours.low == pytest.approx(3600 * first.low, rel=1e-6)
    assert hours.chance == first.chance


def test_few_values_say_so():
    assert fit([5.0], name="x").verdict == "too few values to test the fit"
    assert fit([5.0, 5.0, 5.0, 5.0, 5.0, 5.0]).family == "exponential"
    assert fit([5.0, 6.0, 7.0]).family == "exponential"


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="values must hold at least 1 time, got 0"):
        fit([])
    with pytest.raises(ValueError, match="values must be > 0 and finite, got -1 at"):
        fit([1, -1])
    with pytest.raises(ValueError, match="still must be > 0 and finite, got 0"):
        fit([1], still=[0.0])
    with pytest.raises(ValueError, match="did you mean 'lognormal'"):
        fit([1, 2, 3], families=["log-normal"])


def queue(writes, service, count, seed):
    """Return the lag of each write: Lindley's recursion."""
    rng = np.random.default_rng(seed)
    gaps, work = rng.exponential(1 / writes, count), rng.exponential(service, count)
    lags, wait = np.empty(count), 0.0
    for k in range(count):
        wait = max(0.0, wait - gaps[k])
        wait += work[k]
        lags[k] = wait
    return lags[1000:]


def test_lag_tells_the_service_of_the_queue_that_made_it():
    x = queue(100.0, 0.006, 21_000, 2)
    found = lag(x, writes=100.0)
    service = found["replication.apply.service"]
    assert service.low < 0.006 < service.high
    assert (service.high - service.low) / 0.006 < 0.2
    assert found["replication.load"].value == pytest.approx(100 * service.value)
    assert found["lag.mean"].low < 1 / (1 / 0.006 - 100) < found["lag.mean"].high
    assert any("are worth" in said for said in found.warnings)


def test_a_delay_is_told_from_the_queue():
    x = 0.08 + np.random.default_rng(4).exponential(0.01, 300)
    found = lag(x, writes=50.0)
    delay = found["replication.delay"]
    assert delay.low < 0.08 < delay.high
    service = found["replication.apply.service"]
    assert service.low < 1 / 150 < service.high


def test_a_lag_of_another_kind_is_read_from_its_tail():
    rng = np.random.default_rng(5)
    x = rng.uniform(0.1, 0.2, 600) + (rng.random(600) < 0.25) * rng.exponential(
        0.05, 600
    )
    found = lag(x, writes=10.0)
    assert any("not that of one queue" in said for said in found.warnings)
    tail, service = found["lag.tail"], found["replication.apply.service"]
    assert service.value == pytest.approx(1 / (1 / tail.value + 10))
    assert "90th percentile" in service.how


def test_lag_without_the_rate_of_writes_tells_no_service():
    found = lag(np.random.default_rng(6).exponential(0.01, 100))
    assert "replication.apply.service" not in found.parameters
    assert any("give writes" in said for said in found.warnings)
    assert any(
        "lag.p99: not bounded above: that needs 368" in w for w in found.warnings
    )
    assert found["lag.p99"].high == math.inf


def test_zeros_are_below_the_clock():
    x = np.round(np.random.default_rng(7).exponential(0.01, 200), 2)
    found = lag(x, writes=5.0)
    assert found.fits["lag"].family == "exponential"
    assert any("samples of 0" in said for said in found.warnings)
    with pytest.raises(ValueError, match="samples must not all be 0"):
        lag(np.zeros(30))


def test_latency_is_told_with_its_percentiles():
    truth = duration.lognormal(mean=0.02, cv=0.7)
    found = latency(sample(truth, 1000, 8))
    assert found.fits["latency"].family in {"lognormal", "shifted lognormal"}
    for p in (50, 95, 99):
        e = found[f"latency.p{p}"]
        assert e.low < truth.quantile(p / 100) < e.high
    assert found["latency"].low < 0.02 < found["latency"].high
    assert not found.warnings


def test_alike_neighbours_are_worth_less():
    rng = np.random.default_rng(9)
    assert effective_size(rng.normal(size=2000)) > 1500
    walk = np.empty(40_000)
    walk[0] = 0
    for k, step in enumerate(rng.normal(size=len(walk) - 1)):
        walk[k + 1] = 0.8 * walk[k] + step
    # n (1 - r) / (1 + r) for a first-order walk
    assert effective_size(walk) == pytest.approx(40_000 / 9, rel=0.15)
    assert effective_size(np.ones(50)) == 1
    assert effective_size([1.0, 2.0]) == 2


def test_series_too_short_or_impossible_are_refused():
    for of in (lag, latency):
        with pytest.raises(ValueError, match="samples must hold at least 20, got 3"):
            of([1, 2, 3])
        with pytest.raises(ValueError, match="samples must be >= 0 and finite, got -1"):
            of([-1.0] * 30)
    with pytest.raises(ValueError, match="writes must be > 0 and finite, got 0"):
        lag(np.ones(30), writes=0)
