"""Beliefs, draws and intervals: closed forms beside sampling."""

import mpmath
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from hamodel.architectures import ActivePassive, Node, SinglePrimary
from hamodel.calibration import Estimate
from hamodel.failover import Failover
from hamodel.uncertainty import (
    Belief,
    beta,
    draws,
    gamma,
    interval,
    lognormal,
    pert,
    probability_of_meeting,
    triangular,
    uniform,
)
from hamodel.uncertainty import _beliefs as beliefs_
from hamodel.uncertainty._beta import beta_quantile
from hamodel.uncertainty._draws import quantiles
from hamodel.units import HOUR, MONTH, YEAR

ONE = SinglePrimary(database=Node(mttf=2000 * HOUR, mttr=4 * HOUR))
PAIR = ActivePassive(
    database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    failover=Failover(detection=10, promotion=20, coverage=0.99),
)
KNOWN = {
    "database.mttf": gamma(events=3, during=26 * MONTH),
    "failover.coverage": beta(11, 12),
    "database.mttr": lognormal(low=HOUR, high=16 * HOUR),
}
P = np.array([0.025, 0.05, 0.5, 0.9, 0.99])


# ---- beliefs -----------------------------------------------------------------------


@pytest.mark.parametrize("events", [0, 1, 3, 40])
def test_gamma_is_the_posterior_of_a_rate(events):
    """The posterior density in proportion to prior times likelihood, integrated."""
    during = 2.5

    def density(rate):
        return rate ** (events - 0.5) * mpmath.exp(-rate * during)

    belief = gamma(events=events, during=during)
    split = [0, (events + 0.5) / during, mpmath.inf]
    whole = mpmath.quad(density, split)
    for p in (0.05, 0.5, 0.95):
        mean_time = float(belief.quantile(p))
        # a mean time below x is a rate above 1 / x
        above = mpmath.quad(density, [1 / mean_time, 10 / mean_time, mpmath.inf])
        assert float(above / whole) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (12, 12), (3, 10), (0, 5)])
def test_beta_is_the_posterior_of_a_probability(successes, trials):
    belief = beta(successes, trials)
    a, b = successes + 0.5, trials - successes + 0.5
    for p in (0.05, 0.5, 0.95):
        x = float(belief.quantile(p))
        below = mpmath.betainc(a, b, 0, x, regularized=True)
        assert float(below) == pytest.approx(p, abs=1e-9)
    assert belief.mean == pytest.approx(a / (a + b))


def test_a_wrong_prior_would_be_noticed(monkeypatch):
    monkeypatch.setattr(beliefs_, "_JEFFREYS", 1.0)
    with pytest.raises(AssertionError):
        test_gamma_is_the_posterior_of_a_rate(3)
    with pytest.raises(AssertionError):
        test_beta_is_the_posterior_of_a_probability(3, 10)


ALL = (
    gamma(events=4, during=YEAR),
    beta(3, 7),
    lognormal(30, 0.6),
    lognormal(low=10, high=90, level=0.8),
    uniform(-2, 5),
    triangular(1, 2, 7),
    triangular(1, 1, 7),
    pert(1, 2, 7),
)


@pytest.mark.parametrize("belief", ALL, ids=lambda belief: belief.label)
def test_draws_follow_the_quantiles_and_the_mean(belief):
    n = 40_000
    drawn = belief.sample(n, np.random.default_rng(3))
    for p in P:
        share = np.mean(drawn <= belief.quantile(p))
        assert share == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / n))
    # the mean by the integral of the quantile function
    middles = (np.arange(400_000) + 0.5) / 400_000
    assert np.mean(belief.quantile(middles)) == pytest.approx(belief.mean, rel=2e-3)
    assert belief.median == pytest.approx(float(belief.quantile(0.5)))
    assert belief.label in repr(belief)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-3, 1e6), st.floats(1.01, 1e4), st.floats(0.01, 0.99), st.floats(0, 1)
)
def test_intervals_come_back(low, ratio, level, place):
    high = low * ratio
    tails = [(1 - level) / 2, (1 + level) / 2]
    ends = lognormal(low=low, high=high, level=level).quantile(tails)
    assert ends == pytest.approx([low, high], rel=1e-6)
    mode = low + place * (high - low)
    for made in (triangular(low, mode, high), pert(low, mode, high)):
        values = made.quantile(np.linspace(0, 1, 9))
        assert np.all(np.diff(values) >= 0)
        assert values[[0, -1]] == pytest.approx([low, high])


def test_no_event_is_an_answer():
    never = gamma(events=0, during=YEAR)
    assert never.mean == float("inf")
    assert never.median == pytest.approx(YEAR / 0.2274682, rel=1e-6)  # chi2(1)/2 median
    assert gamma(events=1, during=YEAR).label == "1 event in 1 yr"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gamma(events=-1, during=1), "events must be >= 0 and finite, got -1"),
        (lambda: gamma(events=1, during=0), "during must be > 0 and finite, got 0"),
        (lambda: beta(3, 2), r"successes must be in \[0, 2\], got 3"),
        (lambda: lognormal(3), "needs mean and cv, or low and high"),
        (lambda: lognormal(3, 1, low=1, high=2), "needs mean and cv, or low and high"),
        (lambda: lognormal(3, 0), "cv must be > 0"),
        (lambda: lognormal(low=2, high=1), r"high must be > low \(2\), got 1"),
        (lambda: lognormal(low=1, high=2, level=1), "level must be in"),
        (lambda: uniform(2, 2), r"high must be > low \(2\), got 2"),
        (lambda: triangular(1, 3, 2), r"mode must be in \[1, 2\], got 3"),
        (lambda: pert(1, np.nan, 2), "mode must be finite, got nan"),
        (lambda: uniform(0, 1).quantile(1.5), r"p must be in \[0, 1\], got 1.5"),
        (lambda: uniform(0, 1).sample(0, np.random.default_rng()), "n must be a whole"),
    ],
)
def test_beliefs_that_cannot_be(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# ---- draws -------------------------------------------------------------------------


def test_draws_are_a_sweep_along_draw():
    found = draws(PAIR, None, KNOWN, 50, np.random.default_rng(5))
    assert found.write_unavailability.dims == ("draw",)
    assert set(found.coords) == {
        "database__mttf",
        "failover__coverage",
        "database__mttr",
        "cause",
    }
    again = draws(PAIR, None, KNOWN, 50, np.random.default_rng(5))
    xr.testing.assert_identical(found, again)
    grid = draws(PAIR, None, KNOWN, 50, np.random.default_rng(5), promotion=[20, 60])
    np.testing.assert_allclose(
        grid.write_unavailability.sel(promotion=20), found.write_unavailability
    )


def test_intervals_of_a_monotone_answer_are_those_of_its_parameter():
    """Closed form: the answer falls with the mean time, so its quantiles are known."""
    belief, n = gamma(events=3, during=26 * MONTH), 60_000
    found = draws(ONE, None, {"database.mttf": belief}, n, np.random.default_rng(2))
    low, middle, high = interval(found, 0.9).write_unavailability.values
    mttr = ONE.database.mttr
    exact = mttr / (mttr + belief.quantile([0.95, 0.5, 0.05]))
    assert [low, middle, high] == pytest.approx(exact, rel=0.03)
    # and so is the chance of meeting a target
    target = float(mttr / (mttr + belief.quantile(0.3)))
    met = probability_of_meeting(found, "write_unavailability", at_most=target)
    assert float(met) == pytest.approx(0.7, abs=5 * np.sqrt(0.21 / n))
    missed = probability_of_meeting(found, "write_unavailability", at_least=target)
    assert float(met + missed) == pytest.approx(1)
    assert "probability that unavailability of writes is at most" in met.long_name


def test_intervals_keep_names_and_other_dimensions():
    found = draws(PAIR, None, KNOWN, 200, np.random.default_rng(5), crews=[1, 2])
    bands = interval(found, 0.8)
    assert bands.bound.values.tolist() == ["low", "median", "high"]
    assert bands.write_unavailability.dims == ("bound", "crews")
    assert bands.write_minutes_per_year.units == "min"
    assert bands.attrs["level"] == "0.8"
    values = bands.write_unavailability.values
    assert np.all(np.diff(values, axis=0) > 0)
    expected = np.quantile(found.write_unavailability, [0.1, 0.5, 0.9], axis=0)
    np.testing.assert_allclose(values, expected)
    assert "cause" in bands.write_downtime_by_cause.dims
    met = probability_of_meeting(found, "write_minutes_per_year", at_most=30)
    assert met.dims == ("crews",)


def test_quantiles_with_infinite_answers_are_not_made_up():
    values = np.array([1.0, 2.0, np.inf, np.inf])
    assert quantiles(values, [0.25, 0.5, 0.9]).tolist() == [1, 2, np.inf]
    assert quantiles(np.array([1.0, 2.0]), [0.5]).tolist() == [1.5]


def test_estimates_bring_their_evidence():
    def estimate(**evidence):
        return Estimate(
            value=1, low=0, high=2, n=3, unit="s", how="", evidence=evidence
        )

    given_ = {
        "database.mttf": estimate(events=3, exposure=26 * MONTH),
        "failover.coverage": estimate(successes=11, trials=12),
        "database.mttr": estimate(mean=4 * HOUR, cv=0.3),
    }
    same = {**KNOWN, "database.mttr": lognormal(4 * HOUR, 0.3)}
    first = draws(PAIR, None, given_, 20, np.random.default_rng(1))
    second = draws(PAIR, None, same, 20, np.random.default_rng(1))
    xr.testing.assert_identical(first, second)
    with pytest.raises(ValueError, match=r"must be an estimate with evidence, got \["):
        draws(PAIR, None, {"promotion": estimate(a=1)}, 2, np.random.default_rng())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda rng: draws(PAIR, None, {}, 5, rng), "beliefs must name at least one"),
        (lambda rng: draws(PAIR, None, KNOWN, 0, rng), "n must be a whole number >= 1"),
        (lambda _: draws(PAIR, None, KNOWN, 5, 7), "rng must be a Generator, got 7"),
        (
            lambda rng: draws(PAIR, None, {"promotion": 3}, 5, rng),
            "promotion must be a Belief or an estimate, got 3",
        ),
        (
            lambda rng: draws(PAIR, None, {"promotoin": uniform(0, 1)}, 5, rng),
            "did you mean 'failover.promotion'",
        ),
        (
            lambda rng: draws(PAIR, None, {"coverage": uniform(1, 2)}, 5, rng),
            r"coverage must be in \[0, 1\]",
        ),
        (lambda _: interval(xr.Dataset()), "dataset must have the dimension 'draw'"),
        (lambda rng: interval(_some(rng), 1.0), "level must be in"),
        (
            lambda rng: probability_of_meeting(_some(rng), "write_nines"),
            "at_most or at_least must be given, got neither",
        ),
        (
            lambda rng: probability_of_meeting(_some(rng), "nines", at_most=1),
            "quantity must be one of",
        ),
    ],
)
def test_questions_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.random.default_rng(0))


def _some(rng):
    return draws(PAIR, None, KNOWN, 3, rng)


def test_a_belief_may_be_one_s_own():
    own = Belief(label="known", mean=5.0, inverse=lambda p: 5.0 + 0 * p)
    found = draws(PAIR, None, {"promotion": own}, 3, np.random.default_rng(0))
    assert found.promotion.values.tolist() == [5, 5, 5]
    assert found.sizes["draw"] == 3


@pytest.mark.parametrize(
    ("a", "b"),
    [(39.5, 1.5), (12.5, 0.5), (0.5, 12.5), (0.5, 0.5), (5, 3), (990.5, 2.5), (1, 1)],
)
def test_the_quantiles_of_a_beta_law_are_those_of_scipy(a, b):
    """Two roads: a continued fraction here, Boost's inverse there."""
    p = np.array([0, 1e-12, 2**-40, 0.01, 0.3, 0.5, 0.500001, 0.99, 1 - 2**-40, 1])
    theirs = special.betaincinv(a, b, p)
    np.testing.assert_allclose(beta_quantile(a, b, p), theirs, rtol=1e-12)
