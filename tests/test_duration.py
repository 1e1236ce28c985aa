"""Every law against its own samples, its transform, and mpmath."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import stats

import hamodel as ha
from hamodel import duration as du
from hamodel.duration import integrals
from tests.support.reference import answer

FAMILIES = {
    "constant": du.constant(3),
    "uniform": du.uniform(2, 5),
    "exponential": du.exponential(4),
    "erlang": du.erlang(5, 20),
    "gamma": du.gamma(mean=3, cv=1.7),
    "hyperexponential": du.hyperexponential([0.7, 0.3], [1, 9]),
    "lognormal": du.lognormal(mean=3, cv=0.8),
    "weibull, easing": du.weibull(scale=2, shape=0.7),
    "weibull, pressing": du.weibull(scale=2, shape=3),
    "pareto": du.pareto(scale=2, alpha=6),
    "empirical": du.empirical([1, 2, 2, 7, 30]),
    "tabulated": du.tabulated([1, 2, 4, 9], [0.9, 0.5, 0.5, 0]),
    "phase_type": du.phase_type([0.3, 0.6], [[-3, 1], [0.5, -1]]),
    "mixture": du.mixture([0.2, 0.8], [du.uniform(0, 1), du.lognormal(mean=9, cv=1)]),
    "mixture with jumps": du.mixture(
        [0.5, 0.3, 0.2], [du.constant(2), du.exponential(1), du.constant(60)]
    ),
    "minimum": du.minimum(du.uniform(1, 9), du.lognormal(mean=5, cv=0.5)),
    "maximum": du.maximum(du.constant(5), du.exponential(4), du.uniform(0, 8)),
    "order of copies": du.order_statistic(du.weibull(3, 2), 2, 5),
    "order of several": du.order_statistic(
        [du.exponential(1), du.uniform(0, 3), du.erlang(3, 2), du.constant(1)], 3
    ),
    "scaled": 2.5 * du.weibull(scale=2, shape=1.5),
    "shifted": du.lognormal(mean=3, cv=0.8) + 10,
    "residual": du.lognormal(mean=3, cv=0.8).residual(),
    "sum": du.uniform(0, 5) + du.lognormal(mean=3, cv=0.8) + du.exponential(1),
    "phase-type sum": du.erlang(3, 4) + du.exponential(2),
    "sum with jumps": du.mixture([0.9, 0.1], [du.constant(2), du.constant(60)])
    + du.uniform(0, 4),
}
every_law = pytest.mark.parametrize("d", FAMILIES.values(), ids=FAMILIES)


@every_law
def test_samples_agree_with_the_law(d):
    n = 40_000
    x = d.sample(n, np.random.default_rng(1))
    assert x.shape == (n,)
    assert x.min() >= 0
    assert abs(x.mean() - d.mean) <= 4.5 * d.std / np.sqrt(n) + 1e-12
    # DKW: a uniform deviation beyond this has probability 1e-6
    points = np.unique(
        np.concatenate([d.quantile(np.linspace(0.01, 0.99, 25)), x[:50]])
    )
    share = np.searchsorted(np.sort(x), points, "right") / n
    assert np.abs(share - d.cdf(points)).max() <= np.sqrt(np.log(2e6) / (2 * n))
    fourth = ((x - x.mean()) ** 4).mean()
    tolerance = 5 * np.sqrt(max(fourth - d.var**2, 0) / n) + 1e-9
    assert abs(x.var() - d.var) <= tolerance


@every_law
def test_the_quantile_is_the_least_time_that_reaches_p(d):
    p = np.array([0.001, 0.03, 0.25, 0.5, 0.8, 0.95, 0.999])
    t = d.quantile(p)
    assert np.all(np.diff(t) >= 0)
    assert np.all(d.cdf(t) >= p * (1 - 1e-9) - 1e-9)
    width = np.maximum(t, 1e-9) * 1e-7
    assert np.all(d.cdf(t - width) <= p * (1 + 1e-6))


@every_law
def test_both_tails_add_up_to_one(d):
    t = np.sort(np.append(d.quantile(np.linspace(0.02, 0.98, 17)), [0, 1e-3, 1e4]))
    assert d.cdf(t) + d.sf(t) == pytest.approx(1, abs=2e-9)
    assert np.all(np.diff(d.sf(t)) <= 1e-15)
    assert d.sf(-1) == 1
    assert d.cdf(-1) == 0


@every_law
def test_moments_are_integrals_of_the_tail(d):
    # the trapezium rule on a fine grid, against formulas and panels
    top = d.upper_quantile(1e-13)
    t = np.unique(
        np.concatenate([np.linspace(0, top, 400_001), np.geomspace(1e-6, top, 40_001)])
    )
    tail = d.sf(t)
    assert np.trapezoid(tail, t) == pytest.approx(d.mean, rel=1e-4)
    assert np.trapezoid(2 * t * tail, t) == pytest.approx(d.moment(2), rel=1e-4)
    assert d.moment(2) - d.mean**2 == pytest.approx(d.var, rel=1e-6, abs=1e-9)
    assert d.moment(0) == 1


@every_law
def test_the_transform_has_the_mean_as_its_slope(d):
    s = 1e-4 / d.mean
    assert (1 - d.lst(s)) / s == pytest.approx(d.mean, rel=1e-3)
    x = d.sample(40_000, np.random.default_rng(3))
    for s in (0.3 / d.mean, 2 / d.mean, (0.5 + 2j) / d.mean):
        z = np.exp(-s * x)
        assert abs(z.mean() - d.lst(s)) <= 6 / np.sqrt(len(x))
    assert d.lst(0) == 1


@every_law
def test_the_time_unit_does_not_matter(d):
    minutes = (1 / 60) * d
    p = np.array([0.1, 0.5, 0.99])
    assert minutes.mean * 60 == pytest.approx(d.mean, rel=1e-9)
    assert minutes.std * 60 == pytest.approx(d.std, rel=1e-7, abs=1e-9)
    assert minutes.quantile(p) * 60 == pytest.approx(d.quantile(p), rel=1e-7)


@every_law
def test_mean_excess_is_what_the_rest_takes(d):
    t = d.quantile(0.6)
    if d.sf(t) == 0:
        assert d.mean_excess(t) == 0
        return
    beyond = d.upper_quantile((np.arange(3000) + 0.5) / 3000 * d.sf(t))
    assert d.mean_excess(t) == pytest.approx(np.mean(beyond - t), rel=2e-3)
    assert d.mean_excess(0) * d.sf(0) == pytest.approx(d.mean, rel=1e-7)


@every_law
def test_the_residual_has_the_length_biased_mean(d):
    rest = d.residual()
    assert rest.mean == pytest.approx(d.moment(2) / (2 * d.mean), rel=1e-9)
    t = d.quantile(np.array([0.2, 0.7]))
    slope = (rest.sf(t * (1 - 1e-5)) - rest.sf(t * (1 + 1e-5))) / (2e-5 * t)
    assert slope == pytest.approx(
        (d.sf(t * (1 - 1e-5)) + d.sf(t)) / 2 / d.mean, rel=0.2
    )


@every_law
def test_a_duration_reads_well(d):
    assert repr(d).startswith("<Duration ")
    assert "mean" in repr(d)
    assert "<table>" in d._repr_html_()
    assert isinstance(d, ha.duration.Duration)


PEERS = {
    "uniform": (du.uniform(2, 5), stats.uniform(2, 3)),
    "erlang": (du.erlang(5, 20), stats.gamma(5, scale=4)),
    "gamma": (du.gamma(mean=3, cv=1.7), stats.gamma(1 / 1.7**2, scale=3 * 1.7**2)),
    "lognormal": (
        du.lognormal(mean=3, cv=0.8),
        stats.lognorm(np.sqrt(np.log(1.64)), scale=3 / np.sqrt(1.64)),
    ),
    "weibull": (du.weibull(2, 0.7), stats.weibull_min(0.7, scale=2)),
    "pareto": (du.pareto(2, 2.5), stats.pareto(2.5, scale=2)),
    "exponential": (du.exponential(4), stats.expon(scale=4)),
}


@pytest.mark.parametrize(("d", "peer"), PEERS.values(), ids=PEERS)
def test_families_agree_with_scipy(d, peer):
    p = np.array([1e-6, 0.01, 0.4, 0.6, 0.99, 1 - 1e-6])
    assert d.quantile(p) == pytest.approx(peer.ppf(p), rel=1e-9)
    t = peer.ppf(p)
    assert d.cdf(t) == pytest.approx(peer.cdf(t), rel=1e-9)
    assert d.sf(t) == pytest.approx(peer.sf(t), rel=1e-9)
    assert d.mean == pytest.approx(peer.mean(), rel=1e-12)
    assert d.var == pytest.approx(peer.var(), rel=1e-10)
    assert d.moment(2) == pytest.approx(peer.moment(2), rel=1e-10)
    assert d.upper_quantile(1e-30) == pytest.approx(peer.isf(1e-30), rel=1e-9)


def test_lognormal_transform_against_mpmath():
    d = du.lognormal(mean=3, cv=0.8)
    sigma = mpmath.sqrt(mpmath.log(mpmath.mpf("1.64")))
    mu = mpmath.log(3) - sigma**2 / 2
    for s in (0.1, 1, 7):
        exact = mpmath.quad(
            lambda z, s=s: mpmath.npdf(z) * mpmath.exp(-s * mpmath.exp(mu + sigma * z)),
            [-12, -6, -3, 0, 3, 6, 12],
        )
        assert d.lst(s) == pytest.approx(float(exact), rel=1e-10)


def test_a_transform_falls_to_nothing():
    """Where exp(-st) has died before anything happens; it once came back to 1."""
    scale, alpha = mpmath.mpf("0.01"), mpmath.mpf("1.5")
    law = du.pareto(scale=float(scale), alpha=float(alpha))
    sharp = du.lognormal(mean=0.05, cv=0.2)
    sigma = mpmath.sqrt(mpmath.log(mpmath.mpf("1.04")))
    mu = mpmath.log(mpmath.mpf("0.05")) - sigma**2 / 2
    for s in (300, 1000, 3000, 1e6):
        cuts = [scale + k / mpmath.mpf(s) for k in (0, 1, 5, 50)]
        exact = mpmath.quad(
            lambda t, s=s: mpmath.exp(-s * t) * alpha * scale**alpha / t ** (alpha + 1),
            [*cuts, mpmath.inf],
        )
        assert law.lst(s) == pytest.approx(float(exact), rel=1e-4, abs=1e-200)
        exact = mpmath.quad(
            lambda z, s=s: mpmath.npdf(z) * mpmath.exp(-s * mpmath.exp(mu + sigma * z)),
            mpmath.linspace(-16, 10, 40),
        )
        assert sharp.lst(s) == pytest.approx(float(exact), rel=1e-4, abs=1e-200)


def test_third_moment_of_a_phase_type_law():
    case = answer("duration", "pub-ph-01")
    d = du.phase_type(case["params"]["alpha"], case["params"]["T"])
    assert d.moment(3) == pytest.approx(case["value"], rel=case["rtol"])


def test_infinite_moments_of_heavy_tails():
    assert du.pareto(1, 0.9).mean == np.inf
    assert du.pareto(1, 1.5).var == np.inf
    first = du.minimum(du.pareto(1, 0.6), du.pareto(1, 0.6))
    assert first.mean == pytest.approx(1.2 / 0.2, rel=1e-6)
    assert first.var == np.inf
    assert du.minimum(du.pareto(1, 0.4), du.pareto(1, 0.4)).mean == np.inf


def test_a_steady_erlang_keeps_its_variance():
    assert du.erlang(10_000, 5).cv == pytest.approx(0.01, rel=1e-12)
    assert du.fit_phase_type(5, 0.1).cv == pytest.approx(0.1, rel=1e-10)


@pytest.mark.parametrize("cv", [0.08, 0.3, 0.5, 0.71, 0.99, 1, 1.01, 2, 10])
def test_fitted_phase_type_has_its_two_moments(cv):
    d = du.fit_phase_type(30, cv)
    assert d.mean == pytest.approx(30, rel=1e-10)
    assert d.cv == pytest.approx(cv, rel=1e-7)


def test_zero_length_constants_change_nothing():
    d = du.exponential(2)
    assert (d + du.constant(0)).quantile(0.9) == d.quantile(0.9)
    assert (du.constant(0) + du.constant(0)).mean == 0
    assert du.constant(0).sf(0) == 0
    assert du.maximum(d, du.constant(0)).mean == pytest.approx(2)
    assert (0 * d).mean == 0


def test_symbols_pass_through_means_and_variances():
    import sympy

    m = sympy.Symbol("m", positive=True)
    total = du.exponential(m) + du.constant(3) + du.constant(m)
    assert sympy.simplify(total.mean - (2 * m + 3)) == 0
    assert sympy.simplify(total.var - m**2) == 0
    assert "m" in repr(total)


STACKS = {
    "exponential": lambda m: du.exponential(m),
    "erlang": lambda m: du.erlang(3, m),
    "lognormal": lambda m: du.lognormal(mean=m, cv=0.8),
    "gamma": lambda m: du.gamma(mean=m, cv=0.6),
    "weibull": lambda m: du.weibull(m, 1.5),
    "pareto": lambda m: du.pareto(m, 3),
    "uniform": lambda m: du.uniform(1, 1 + m),
    "constant": lambda m: du.constant(m),
    "hyper": lambda m: du.hyperexponential([0.5, 0.5], [m, 7]),
    "sum": lambda m: du.uniform(0, 2) + du.lognormal(mean=m, cv=0.5) + 3,
    "phase sum": lambda m: du.exponential(m) + du.erlang(2, 5),
    "maximum": lambda m: du.maximum(du.exponential(m), du.uniform(0, 4)),
    "copies": lambda m: du.order_statistic(du.lognormal(mean=m, cv=1), 2, 3),
    "residual": lambda m: du.lognormal(mean=m, cv=0.8).residual(),
    "spread": lambda m: (
        du.mixture([0.9, 0.1], [du.constant(2), du.constant(m)])
        + du.lognormal(mean=2, cv=0.5)
    ),
}


@pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)
def test_a_stack_is_its_elements_one_by_one(make):
    means = np.array([[1.0, 2.5, 4.0], [5.0, 0.5, 30.0]])
    stack = make(means)
    assert stack.shape == (2, 3)
    t = np.array([0.7, 2.2, 9.0])[:, None, None]
    answers = {
        "mean": stack.mean,
        "var": stack.var,
        "median": stack.quantile(0.5),
        "lst": stack.lst(0.3),
        "excess": stack.mean_excess(1.0),
    }
    whole = stack.cdf(t)
    assert whole.shape == (3, 2, 3)
    for index in np.ndindex(2, 3):
        one = make(float(means[index]))
        alone = {
            "mean": one.mean,
            "var": one.var,
            "median": one.quantile(0.5),
            "lst": one.lst(0.3),
            "excess": one.mean_excess(1.0),
        }
        for name, value in alone.items():
            got = np.broadcast_to(answers[name], (2, 3))[index]
            assert got == pytest.approx(value, rel=1e-8, abs=1e-12), name
        assert whole[(slice(None), *index)] == pytest.approx(
            one.cdf(t.ravel()), abs=1e-10
        )
    assert stack.sample(5, np.random.default_rng(1)).shape == (5, 2, 3)
    assert "shape (2, 3)" in repr(stack)
    assert "<table>" in stack._repr_html_()


def test_laws_side_by_side_answer_as_they_do_alone():
    alone = [du.uniform(1, 9), du.erlang(2, 3), du.lognormal(mean=3, cv=1) + 2]
    both = du.stack([*alone, *alone], (2, 3))
    assert both.shape == (2, 3)
    for ask in (
        lambda d: d.mean,
        lambda d: d.var,
        lambda d: d.moment(3),
        lambda d: d.sf(4.0),
        lambda d: d.cdf(4.0),
        lambda d: d.quantile(0.9),
        lambda d: d.mean_excess(2.0),
        lambda d: d.lst(0.3),
        lambda d: (d + du.exponential(2)).quantile(0.99),
        lambda d: (2 * d + 1).mean,
    ):
        one = [ask(d) for d in alone]
        assert np.asarray(ask(both)) == pytest.approx(np.array([one, one]), rel=1e-9)
    rng = np.random.default_rng(5)
    means = both.sample(40_000, rng).mean(axis=0)
    assert means == pytest.approx(both.mean, rel=0.03)
    same = du.stack([du.erlang(2, 3), du.erlang(2, 5)])
    assert same.quantile(0.9)[1] == du.erlang(2, 5).quantile(0.9)
    assert same.phases is None or same.phases[0].shape == (2, 2)


def test_what_is_never_over_stays_so():
    d = du.endless(du.exponential([1.0, 2.0]), [False, True])
    for law in (d, d + 3, 2 * d, d + du.uniform(0, 1)):
        assert np.isfinite(law.mean).tolist() == [True, False]
        assert (law.sf(1e6)[1], law.cdf(1e6)[1], law.lst(2.0)[1]) == (1, 0, 0)
        assert np.isinf(law.quantile(0.01)).tolist() == [False, True]
        assert np.isinf(law.var).tolist() == [False, True]
    assert (d + 3).quantile(0.5)[0] == du.exponential(1.0).quantile(0.5) + 3
    assert du.endless(du.uniform(0, 1), False).mean == 0.5
    drawn = d.sample(100, np.random.default_rng(1))
    assert np.isinf(drawn).all(axis=0).tolist() == [False, True]


REFUSED = {
    "constant": (lambda: du.constant(-1), "value must be >= 0 and finite, got -1"),
    "uniform": (
        lambda: du.uniform(3, 2),
        "low must be <= high, got low=3.0 and high=2.0",
    ),
    "uniform stack": (lambda: du.uniform([1, 2], [1, 3]), "got equal ends"),
    "exponential": (lambda: du.exponential(0), "mean must be > 0 and finite, got 0"),
    "erlang": (lambda: du.erlang(1.5, 2), "k must be a whole number >= 1, got 1.5"),
    "gamma": (lambda: du.gamma(mean=1, cv=0), "cv must be > 0 and finite, got 0"),
    "lognormal": (
        lambda: du.lognormal(mean=1, cv=-2),
        "cv must be > 0 and finite, got -2",
    ),
    "weibull": (lambda: du.weibull(1, 0), "shape must be > 0 and finite, got 0"),
    "pareto": (lambda: du.pareto(0, 1), "scale must be > 0 and finite, got 0"),
    "no sample": (
        lambda: du.empirical([]),
        "samples must hold at least 1 value, got 0",
    ),
    "bad sample": (lambda: du.empirical([1, np.nan]), "got nan at index 1"),
    "weights": (
        lambda: du.mixture([0.5], [du.constant(1)]),
        "weights must sum to 1, got 0.5",
    ),
    "counts": (lambda: du.mixture([1], []), "got 1 and 0"),
    "parts": (lambda: du.mixture([1], [3]), r"parts\[0\] must be a Duration, got 3"),
    "k": (
        lambda: du.order_statistic(du.exponential(1), 4, 3),
        r"k must be in \[1, 3\], got 4",
    ),
    "n": (lambda: du.order_statistic([du.exponential(1)], 1, 2), "durations 1, got 2"),
    "none": (lambda: du.minimum(), "at least 1 duration, got 0"),
    "not a duration": (
        lambda: du.maximum(du.constant(1), 2),
        r"d\[1\] must be a Duration",
    ),
    "alpha": (
        lambda: du.phase_type([0.8, 0.8], -np.eye(2)),
        "alpha must sum to <= 1, got 1.6",
    ),
    "T shape": (lambda: du.phase_type([1], -np.eye(2)), "T must have shape"),
    "T off": (
        lambda: du.phase_type([1, 0], [[-1, -1], [0, -1]]),
        "off the diagonal, got -1",
    ),
    "T rows": (lambda: du.phase_type([1, 0], [[-1, 2], [0, -1]]), "sum to <= 0, got 1"),
    "T ends": (
        lambda: du.phase_type([1, 0], [[-1, 1], [1, -1]]),
        "no way out of phase 0",
    ),
    "p": (lambda: du.constant(1).quantile(1.2), r"p must be in \[0, 1\], got 1.2"),
    "q": (lambda: du.constant(1).upper_quantile(-1), r"q must be in \[0, 1\], got -1"),
    "t": (lambda: du.constant(1).cdf(np.nan), "t must be a number, got nan"),
    "s": (lambda: du.constant(1).lst(-1), "s must be >= 0 and finite, got -1"),
    "n draws": (
        lambda: du.constant(1).sample(-1, np.random.default_rng()),
        "n must be a whole",
    ),
    "rng": (lambda: du.constant(1).sample(1, 7), "rng must be a Generator, got 7"),
    "shift": (lambda: du.constant(1) + -1, "shift must be >= 0 and finite, got -1"),
    "factor": (lambda: du.constant(1) * -1, "factor must be >= 0 and finite, got -1"),
    "order": (lambda: du.constant(1).moment(-1), "order must be a whole number >= 0"),
    "residual": (
        lambda: du.pareto(1, 1).residual(),
        "mean must be > 0 and finite, got inf",
    ),
    "stack": (lambda: du.stack([du.constant(1)], (2,)), "parts must be 2 single"),
    "fit": (lambda: du.fit_phase_type(1, 0.01), "cv must be in"),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED)
def test_impossible_input_is_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_a_duration_adds_only_to_times():
    with pytest.raises(TypeError):
        du.constant(1) + "2"
    with pytest.raises(TypeError):
        du.constant(1) * du.constant(2)


@pytest.mark.parametrize("load", [0.2, 0.4616891582679187, 0.7, 0.95])
@pytest.mark.parametrize("phases", [1, 2, 5])
def test_phase_type_quantiles_are_exact_from_both_ends(load, phases):
    """A Newton step that lands on a bound has arrived; a halving step has not."""
    rates = np.diag(np.full(phases, -1.0)) + np.diag(np.full(phases - 1, load), 1)
    law = du.phase_type(np.eye(phases)[0] * 0.9 + 0.1 / phases, rates)
    p = np.concatenate([np.linspace(0.01, 0.99, 99), [0.999, 1 - 1e-9]])
    assert np.abs(law.sf(law.upper_quantile(1 - p)) / (1 - p) - 1).max() < 1e-10
    tail = law.sf(law.quantile(p[:-1])) / (1 - p[:-1])
    assert np.abs(tail - 1).max() < 1e-10
    assert np.abs(law.cdf(law.quantile(p)) / p - 1).max() < 1e-10


@pytest.mark.parametrize(
    ("law", "bound"),
    [
        (du.gamma(mean=1, cv=2**0.5), 1e-12),  # its tail bends like a root at 0
        (du.gamma(mean=1, cv=0.5), 1e-11),
        (du.uniform(0, 2), 1e-11),
        (du.gamma(mean=np.array([1.0, 3.0]), cv=0.5), 1e-11),
    ],
)
@pytest.mark.parametrize("real", [0.0, 1.0, 100.0])
def test_integrated_transforms_follow_every_turn(law, bound, real):
    """Against the closed forms, also where exp(-st) turns hundreds of times."""
    for imaginary in (0.0, 1.0, 30.0, 300.0, 1000.0):
        s = complex(real, imaginary)
        if s == 0:
            continue
        assert np.abs(integrals.transform(law.law, s) - law.lst(s)).max() < bound


def test_a_transform_that_cannot_be_integrated_is_refused():
    law = du.lognormal(mean=1, cv=1.5)
    assert abs(law.lst(1228 + 1e5j)) < 1e-12
    with pytest.raises(ValueError, match="s must have an imaginary part below"):
        law.lst(1 + 1e6j)
    with pytest.raises(ValueError, match="s must have an imaginary part below"):
        du.pareto(scale=2, alpha=1.1).lst(1e4j)  # a tail too long to count its turns


@pytest.mark.parametrize("correlation", [0.2, 0.6])
def test_an_order_statistic_of_times_that_are_late_together(correlation):
    """Normal scores drawn together, turned into times, against the integral."""
    rng = np.random.default_rng(8)
    cov = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    scores = rng.multivariate_normal(np.zeros(3), cov, 400_000)
    means = np.array([1.0, 1.0, 2.0])
    second = np.sort(-means * np.log(stats.norm.sf(scores)), axis=1)[:, 1]
    parts = [du.exponential(m) for m in means]
    law = du.order_statistic(parts, 2, correlation=correlation)
    alone = du.order_statistic(parts, 2)
    for p in (0.1, 0.5, 0.99):
        played = np.quantile(second, p)
        assert law.quantile(p) == pytest.approx(played, rel=0.015)
    assert alone.quantile(0.99) < 0.9 * played  # as if they were independent
    drawn = law.sample(200_000, rng)
    assert np.quantile(drawn, 0.9) == pytest.approx(law.quantile(0.9), rel=0.02)


def test_a_correlation_of_nothing_and_of_all():
    parts = [du.exponential(1)] * 3
    free = du.order_statistic(parts, 3)
    assert du.order_statistic(parts, 3, correlation=1e-9).mean == pytest.approx(
        free.mean
    )
    with pytest.raises(ValueError, match=r"correlation must be .*, got 1"):
        du.order_statistic(parts, 2, correlation=1.0)


def _least(weights, means, starts, p):
    """The least time by which shifted exponential parts reach p, in many digits."""
    with mpmath.workdps(1500):
        parts = list(zip(weights, means, starts, strict=True))
        q = sum(weights) * (1 - mpmath.mpf(p.numerator) / p.denominator)

        def short(t):  # of p
            late = [w * mpmath.exp(-max(t - s, 0) / m) for w, m, s in parts]
            return sum(late) - q

        low, high = mpmath.mpf(0), mpmath.mpf(max(starts) + 300 * max(means))
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if short(middle) > 0 else (low, middle)
        return float(high)


@pytest.mark.parametrize(
    ("weights", "means", "starts"),
    [
        ([99, 1], [5, 20], [5, 805]),  # 1 % writes, far away: P(X <= t) rounds to 0.99
        ([99, 1], [5, 20], [0, 300]),
        ([90, 9, 1], [1, 1, 1], [0, 1000, 2000]),
        ([1, 1, 1], [10, 1, 3], [0, 400, 401]),
        ([1, 7], [1, 4], [0, 100]),
    ],
)
def test_a_mixture_is_flat_where_its_parts_are_apart(weights, means, starts):
    parts = [
        du.exponential(m) + s if s else du.exponential(m)
        for m, s in zip(means, starts, strict=True)
    ]
    law = du.mixture([w / sum(weights) for w in weights], parts)
    for over in range(1, len(weights)):
        p = sum(weights[:over]) / sum(weights)
        at = _least(weights, means, starts, Fraction(sum(weights[:over]), sum(weights)))
        assert law.quantile(p) == pytest.approx(at, rel=1e-9)
        assert law.quantile([0.01, p])[1] == law.quantile(p)
        for near in (p - 1e-9, p + 1e-9):
            at = _least(weights, means, starts, Fraction(near))
            assert law.quantile(near) == pytest.approx(at, rel=1e-6)


def test_a_mixture_of_times_with_an_end_is_over_at_the_end():
    """Nothing is left of a part that is over: the least time is where it was."""
    for far in (du.constant(80), du.exponential(1) + 80):
        for near, end in ((du.constant(1), 1.0), (du.uniform(0, 2), 2.0)):
            law = du.mixture([0.99, 0.01], [near, far])
            assert law.quantile(0.99) == pytest.approx(end, rel=1e-9)
            stack = du.mixture(
                [np.array([0.99, 0.9]), np.array([0.01, 0.1])], [near, far]
            )
            assert stack.quantile([0.99, 0.9]) == pytest.approx([end, end], rel=1e-9)


def test_a_table_is_a_mixture_of_uniform_times():
    times, tail = [1, 2, 4, 9], [0.9, 0.5, 0.5, 0]
    parts = [du.constant(1), du.uniform(1, 2), du.uniform(4, 9)]
    same, law = du.mixture([0.1, 0.4, 0.5], parts), du.tabulated(times, tail)
    at = np.array([0, 0.5, 1, 1.7, 2, 3, 4, 5, 9, 12])
    assert law.sf(at) == pytest.approx(same.sf(at), abs=1e-15)
    assert law.mean_excess(at[:-2]) == pytest.approx(same.mean_excess(at[:-2]))
    for order in (1, 2, 3):
        assert law.moment(order) == pytest.approx(same.moment(order), rel=1e-12)
    assert law.var == pytest.approx(same.var, rel=1e-12)
    assert law.lst([0.3, 2.0]) == pytest.approx(same.lst([0.3, 2.0]), rel=1e-12)
    p = [0.05, 0.1, 0.3, 0.5, 0.8, 1]
    assert law.quantile(p) == pytest.approx(same.quantile(p), rel=1e-12)
    for ask, words in (
        (lambda: du.tabulated([1, 1], [1, 0]), "times must rise"),
        (lambda: du.tabulated([1, 2], [0.5, 0.6]), "tail must fall"),
        (lambda: du.tabulated([1], [0.5]), "at least 2 times"),
    ):
        with pytest.raises(ValueError, match=words):
            ask()


@pytest.mark.parametrize("p", [0.02, 0.6, 0.999, 1 - 1e-9])
def test_many_mixtures_of_the_same_parts_are_each_their_own(p):
    """Jumps, bends and tails: what one asks together is what each says alone."""
    rng = np.random.default_rng(5)
    parts = [du.exponential(0.002) + 0.0005, du.exponential(0.01) + 0.08]
    parts += [du.constant(0.2), du.lognormal(mean=0.05, cv=0.8), du.uniform(0, 0.3)]
    weights = rng.dirichlet([50, 3, 2, 1, 1], 200)
    many = du.mixture(list(weights.T), parts)
    alone = [du.mixture(row, parts).quantile(p) for row in weights[:40]]
    assert many.quantile(p)[:40] == pytest.approx(alone, rel=1e-11)
    pair = many.quantile(np.array([[p], [0.5]]))
    assert pair[0] == pytest.approx(many.quantile(p), rel=1e-12)


def test_many_quantiles_of_a_heavy_mixture_are_found_over_sixteen_decades():
    """A tail that falls before a cell's first node is not taken for a flat one."""
    parts = [du.pareto(scale=1.05e-3, alpha=1.51), du.exponential(5.46e-3)]
    q = np.geomspace(1e-16, 0.5, 100)
    many = du.mixture([np.full(100, 0.38), np.full(100, 0.62)], parts)
    alone = du.mixture([0.38, 0.62], parts).upper_quantile(q)
    assert many.upper_quantile(q) == pytest.approx(alone, rel=1e-10)
