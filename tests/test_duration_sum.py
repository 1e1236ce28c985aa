"""Sums, races and quorums against closed forms, quadrature and algebra."""

import time
from math import comb, factorial

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from hamodel import duration as du
from hamodel.duration import _sum

P = np.array([0.5, 0.95, 0.99, 0.999, 0.9999])


def exact_target_tail(t):
    """P(U(0, 5) + LN(3, 0.8) + Exp(1) > t) by quadrature of 30 digits."""
    sigma = mpmath.sqrt(mpmath.log(mpmath.mpf("1.64")))
    mu = mpmath.log(3) - sigma**2 / 2

    def rest(x):  # P(U + Exp > x)
        if x < 5:
            return 1 - (x - (1 - mpmath.exp(-x))) / 5
        return (mpmath.exp(5 - x) - mpmath.exp(-x)) / 5

    def density(y):
        z = (mpmath.log(y) - mu) / sigma
        return mpmath.npdf(z) / (sigma * y)

    ends = [0, 0.5, 1, 2, 3, 5, 8, t - 20, t - 10, t - 5, t - 3, t - 1, t]
    ends = sorted({e for e in ends if 0 <= e <= t})
    inner = mpmath.quad(lambda y: density(y) * rest(t - y), ends)
    return inner + mpmath.ncdf(-(mpmath.log(t) - mu) / sigma)


@pytest.fixture(scope="module")
def target():
    stages = du.uniform(0, 5) + du.lognormal(mean=3, cv=0.8) + du.exponential(1)
    return stages + du.constant(30)


@pytest.mark.parametrize("p", P)
def test_recovery_percentiles_against_quadrature(target, p):
    t = target.quantile(p)
    tail = float(exact_target_tail(mpmath.mpf(t) - 30))
    assert tail == pytest.approx(1 - p, rel=1e-8)
    slope = float(exact_target_tail(mpmath.mpf(t) * (1 + 1e-6) - 30)) - tail
    error = (tail - (1 - p)) / (slope / (t * 1e-6)) / t
    assert abs(error) < 1e-9  # the bar is 1e-5


def test_the_quadrature_would_see_a_wrong_stage(target):
    wrong = target + du.constant(1e-4)
    tail = float(exact_target_tail(mpmath.mpf(wrong.quantile(0.99)) - 30))
    assert tail != pytest.approx(0.01, rel=1e-8)


def test_a_quarter_of_the_cells_is_still_good(target, monkeypatch):
    monkeypatch.setattr(_sum, "_CELLS", 1024)
    t = (target + du.constant(0)).quantile(0.999)
    monkeypatch.undo()
    assert t == pytest.approx(target.quantile(0.999), rel=1e-7)  # the bar is 1e-4


@pytest.mark.parametrize("tail", [1e-6, 1e-12, 1e-40])
def test_far_tails_keep_their_relative_accuracy(tail):
    # exponential and Erlang by the lattice (a gamma is not merged) and by the chain
    lattice = du.gamma(mean=2, cv=0.5**0.5) + du.exponential(3)
    chain = du.erlang(2, 2) + du.exponential(3)
    t = chain.upper_quantile(tail)
    assert chain.sf(t) == pytest.approx(tail, rel=1e-9)
    assert lattice.sf(t) == pytest.approx(tail, rel=1e-4)
    assert lattice.upper_quantile(tail) == pytest.approx(t, rel=1e-5)


def test_heavy_tails_follow_the_longest_part():
    # P(S > t) = P(X > t) (1 + alpha E Y / t + ...): one big jump
    d = du.pareto(1, 1.5) + du.uniform(0, 10)
    t = d.quantile(0.99999)
    y = np.linspace(0, 10, 20_001)
    exact = np.trapezoid((1 / (t - y)) ** 1.5, y) / 10
    assert exact == pytest.approx(1e-5, rel=1e-6)
    assert d.mean == 8
    assert d.var == np.inf


def hypoexponential_sf(rates, t):
    return sum(
        np.exp(-r * t) * np.prod([s / (s - r) for s in rates if s != r]) for r in rates
    )


def test_sum_of_different_exponentials():
    rates = [0.1, 0.5, 2.0, 7.0]
    d = sum((du.exponential(1 / r) for r in rates), start=du.constant(0))
    t = np.array([0.5, 3.0, 10.0, 60.0, 200.0])
    assert d.sf(t) == pytest.approx(hypoexponential_sf(rates, t), rel=1e-12)
    p = np.array([1e-6, 0.1, 0.5, 0.99, 1 - 1e-9])
    q = d.quantile(p)
    assert d.cdf(q[:2]) == pytest.approx(p[:2], rel=1e-11)
    assert hypoexponential_sf(rates, q[2:]) == pytest.approx(1 - p[2:], rel=1e-7)


def test_sum_of_equal_exponentials_is_erlang():
    d = sum((du.exponential(2.0) for _ in range(5)), start=du.constant(0))
    e = du.erlang(5, 10)
    t = np.array([0.01, 2.0, 10.0, 50.0, 300.0])
    assert d.sf(t) == pytest.approx(e.sf(t), rel=1e-12)
    assert d.cdf(t) == pytest.approx(e.cdf(t), rel=1e-11)
    assert d.quantile(P) == pytest.approx(e.quantile(P), rel=1e-11)
    assert d.upper_quantile(1e-100) == pytest.approx(
        e.upper_quantile(1e-100), rel=1e-10
    )


def test_a_stiff_chain_keeps_its_digits():
    # a stage of a millisecond before one of a month
    d = du.exponential(1e-3) + du.exponential(2.6e6)
    t = np.array([1e-3, 60.0, 1e7])
    assert d.sf(t) == pytest.approx(hypoexponential_sf([1e3, 1 / 2.6e6], t), rel=1e-10)
    assert d.cdf(1e-3) == pytest.approx(np.exp(-1) * 1e-3 / 2.6e6, rel=1e-6)


def irwin_hall_cdf(n, x):
    terms = ((-1) ** k * comb(n, k) * (x - k) ** n for k in range(int(x) + 1))
    return sum(terms) / factorial(n)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_sum_of_uniforms_is_irwin_hall(n):
    d = sum((du.uniform(0, 1) for _ in range(n)), start=du.constant(0))
    x = np.array([0.3, 0.9, 1.21, n / 2, n - 0.4])
    exact = [irwin_hall_cdf(n, v) for v in x]
    assert d.cdf(x) == pytest.approx(exact, abs=2e-7)


def test_jumps_stay_jumps_in_a_sum():
    d = du.mixture([0.9, 0.1], [du.constant(2), du.constant(60)]) + du.uniform(0, 4)
    assert d.quantile(0.9) == pytest.approx(6, rel=1e-12)
    assert d.quantile(0.45) == pytest.approx(4, rel=1e-12)
    assert d.sf([5.9, 6.0, 59, 62, 64]) == pytest.approx([0.1225, 0.1, 0.1, 0.05, 0])
    twice = du.mixture([0.5, 0.5], [du.constant(0), du.constant(5)])
    both = twice + twice
    assert both.cdf([0, 4.99, 5, 9.99, 10]) == pytest.approx(
        [0.25, 0.25, 0.75, 0.75, 1]
    )


def test_jump_in_a_maximum_goes_into_a_sum():
    # max(5, Exp(4)) + U(0, 1): condition on which of the two it is
    d = du.maximum(du.constant(5), du.exponential(4)) + du.uniform(0, 1)
    early = du.exponential(4).cdf(5)
    late = (du.exponential(4) + 5) + du.uniform(0, 1)
    t = np.array([5.3, 5.8, 7.0, 20.0])
    exact = early * du.uniform(5, 6).sf(t) + (1 - early) * late.sf(t)
    assert d.sf(t) == pytest.approx(exact, abs=3e-5)
    assert d.mean == pytest.approx(5.5 + 4 * np.exp(-5 / 4), rel=1e-9)


def test_sum_of_samples():
    x, y = np.array([1.0, 2.0, 4.0]), np.array([10.0, 30.0])
    d = du.empirical(x) + du.empirical(y)
    every = np.sort(np.add.outer(x, y).ravel())
    smooth = d + du.uniform(0, 2)
    assert smooth.cdf(14) == pytest.approx(np.clip((14 - every) / 2, 0, 1).mean())
    for p in (0.1, 0.3, 0.5, 0.6, 0.8, 0.99):
        assert d.quantile(p) == pytest.approx(every[int(np.ceil(p * 6 - 1e-12)) - 1])


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_last_and_first_of_equal_exponentials(n):
    last = du.order_statistic(du.exponential(3), n, n)
    assert last.mean == pytest.approx(
        3 * sum(1 / k for k in range(1, n + 1)), rel=1e-10
    )
    assert last.var == pytest.approx(
        9 * sum(1 / k**2 for k in range(1, n + 1)), rel=1e-9
    )
    assert du.order_statistic(du.exponential(3), 1, n).mean == pytest.approx(3 / n)


def test_kth_of_uniforms_is_beta():
    d = du.order_statistic(du.uniform(0, 1), 3, 5)
    assert d.quantile(0.9) == pytest.approx(special.betaincinv(3, 3, 0.9), rel=1e-12)
    assert d.mean == pytest.approx(0.5, rel=1e-12)


def test_kth_of_different_laws_by_counting():
    parts = [du.exponential(1), du.uniform(0, 3), du.lognormal(mean=2, cv=1)]
    t = np.array([0.4, 1.5, 2.8])
    f = [part.cdf(t) for part in parts]
    two = sum(
        np.prod([f[i] if (pattern >> i) & 1 else 1 - f[i] for i in range(3)], axis=0)
        for pattern in range(8)
        if bin(pattern).count("1") >= 2
    )
    assert du.order_statistic(parts, 2).cdf(t) == pytest.approx(two, rel=1e-12)
    orders = [du.order_statistic(parts, k).mean for k in (1, 2, 3)]
    assert sum(orders) == pytest.approx(sum(part.mean for part in parts), rel=1e-9)


def test_equal_parts_given_one_by_one_or_as_copies():
    d = du.lognormal(mean=3, cv=0.8)
    listed = du.order_statistic([d, d, d, d, d], 3)
    copies = du.order_statistic(d, 3, 5)
    assert listed.quantile(P) == pytest.approx(copies.quantile(P), rel=1e-11)


def test_quorum_of_sums():
    reply = du.uniform(0.001, 0.002) + du.lognormal(mean=0.004, cv=1)
    second = du.order_statistic(reply, 2, 3)
    q = second.quantile(0.99)
    s = reply.sf(q)
    assert 3 * s**2 - 2 * s**3 == pytest.approx(0.01, rel=1e-8)
    x = second.sample(40_000, np.random.default_rng(5))
    assert x.mean() == pytest.approx(second.mean, rel=5 * second.cv / 200)


def test_minimum_of_far_tails_multiplies():
    d = du.minimum(du.weibull(2, 1.5), du.lognormal(mean=3, cv=0.8))
    t = np.array([1.0, 20.0, 60.0])
    product = du.weibull(2, 1.5).sf(t) * du.lognormal(mean=3, cv=0.8).sf(t)
    assert d.sf(t) == pytest.approx(product, rel=1e-13)
    last = du.maximum(du.weibull(2, 1.5), du.exponential(1))
    far = du.weibull(2, 1.5).sf(60.0) + du.exponential(1).sf(60.0)
    assert last.sf(60.0) == pytest.approx(far, rel=1e-12)


def test_residual_forms_agree():
    erlang = du.erlang(3, 6)
    by_chain = erlang.residual()
    by_formula = du.gamma(mean=6, cv=3**-0.5).residual()
    t = np.array([0.1, 2.0, 6.0, 15.0])
    assert by_chain.sf(t) == pytest.approx(by_formula.sf(t), rel=1e-10)
    assert by_chain.var == pytest.approx(by_formula.var, rel=1e-10)
    assert by_chain.lst(0.4) == pytest.approx(by_formula.lst(0.4), rel=1e-10)


laws = st.one_of(
    st.builds(lambda a, w: du.uniform(a, a + w), st.floats(0, 5), st.floats(0.1, 9)),
    st.builds(du.exponential, st.floats(0.1, 20)),
    st.builds(
        lambda m, c: du.lognormal(mean=m, cv=c), st.floats(0.1, 9), st.floats(0.2, 2)
    ),
    st.builds(du.erlang, st.integers(1, 6), st.floats(0.1, 9)),
    st.builds(du.constant, st.floats(0, 9)),
    st.builds(lambda s, k: du.weibull(s, k), st.floats(0.1, 9), st.floats(0.6, 4)),
)


@given(laws, laws, laws)
def test_sums_commute_and_means_add(a, b, c):
    one, other = a + b + c, c + (b + a)
    assert one.mean == pytest.approx(a.mean + b.mean + c.mean, rel=1e-9)
    assert one.var == pytest.approx(a.var + b.var + c.var, rel=1e-7, abs=1e-9)
    p = np.array([0.3, 0.9, 0.999])
    assert one.quantile(p) == pytest.approx(other.quantile(p), rel=1e-9)


@given(laws, laws, st.floats(0.05, 0.999))
def test_the_quantile_of_a_sum_is_inverse_to_its_cdf(a, b, p):
    d = a + b
    t = d.quantile(p)
    if d.var > 0:
        assert d.cdf(t) == pytest.approx(p, abs=3e-4)
    assert d.cdf(t + 1e-9 + 1e-6 * t) >= p - 1e-9


@given(laws, laws, st.floats(1e-3, 1e3))
def test_the_unit_of_a_sum_does_not_matter(a, b, unit):
    p = np.array([0.2, 0.8, 0.99])
    scaled = (unit * a + unit * b).quantile(p)
    assert scaled == pytest.approx(unit * (a + b).quantile(p), rel=2e-4)


@given(laws, laws, st.floats(0.01, 30))
def test_races_bound_and_multiply(a, b, t):
    first, last = du.minimum(a, b), du.maximum(a, b)
    assert first.sf(t) == pytest.approx(a.sf(t) * b.sf(t), rel=1e-12)
    assert last.cdf(t) == pytest.approx(a.cdf(t) * b.cdf(t), rel=1e-12)
    assert first.mean + last.mean == pytest.approx(a.mean + b.mean, rel=1e-6)


@given(laws, laws, st.floats(0, 1), st.floats(0, 30))
def test_a_mixture_is_a_weighted_mean(a, b, w, t):
    d = du.mixture([w, 1 - w], [a, b])
    assert d.cdf(t) == pytest.approx(w * a.cdf(t) + (1 - w) * b.cdf(t), abs=1e-12)
    assert d.mean == pytest.approx(w * a.mean + (1 - w) * b.mean, rel=1e-9)
    total = d + du.uniform(0, 3)
    parts = w * (a + du.uniform(0, 3)).cdf(t) + (1 - w) * (b + du.uniform(0, 3)).cdf(t)
    assert total.cdf(t) == pytest.approx(parts, abs=3e-4)


def test_an_untouched_stage_is_not_transformed_again(monkeypatch):
    asked = []
    real = _sum._shared_out
    monkeypatch.setattr(
        _sum, "_shared_out", lambda *a: asked.append(a[0].name) or real(*a)
    )
    for mean in (1.01, 1.02, 1.03):
        stages = du.uniform(0, 5.5) + du.lognormal(mean=3.3, cv=0.8)
        (stages + du.exponential(mean)).quantile(0.99)
    assert sorted(n.partition("(")[0] for n in asked) == ["exponential"] * 3 + [
        "lognormal",
        "uniform",
    ]


def test_a_slider_move_takes_milliseconds():
    best = np.inf
    for k in range(8):
        before = time.process_time()
        d = du.uniform(0, 5) + du.constant(9) + du.lognormal(mean=3, cv=0.8)
        (d + du.exponential(2 + 0.001 * k)).quantile([0.5, 0.95, 0.99])
        best = min(best, time.process_time() - before)
    assert best < 0.05  # 2 ms on an idle machine


@pytest.mark.parametrize("power", [3, 20, 29, 31, 68, 300])
def test_a_time_that_is_next_to_nothing_moves_no_mean(power):
    both = du.constant(1.0), du.constant(10.0**-power)
    assert du.maximum(*both).mean == pytest.approx(1.0, rel=1e-9)
    assert du.minimum(*both).mean == pytest.approx(10.0**-power, rel=1e-9)
