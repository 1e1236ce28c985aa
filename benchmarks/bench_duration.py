"""Durations: accuracy and speed of sums, and of phase-type percentiles."""

from itertools import pairwise

import numpy as np
from scipy.linalg import expm
from scipy.optimize import brentq
from scipy.special import ndtr

from benchmarks.harness import cost, row, speedup
from hamodel import duration as du
from hamodel.duration import _phase, _sum

SIGMA = np.sqrt(np.log(1.64))
MU = np.log(3) - SIGMA**2 / 2


def exact_tail(t):
    """P(U(0, 5) + LN(3, 0.8) + Exp(1) > t) by Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    total = ndtr(-(np.log(t) - MU) / SIGMA)
    ends = [0, 1, 3, 6, t - 40, t - 20, t - 10, t - 5, t - 1, t]
    ends = sorted({e for e in ends if 0 <= e <= t})
    for low, high in pairwise(ends):
        y = low + (high - low) * (nodes + 1) / 2
        x = t - y
        before = 1 - (x + np.expm1(-x)) / 5
        after = (np.exp(np.minimum(5 - x, 0)) - np.exp(-x)) / 5
        density = np.exp(-(((np.log(y) - MU) / SIGMA) ** 2) / 2)
        density /= y * SIGMA * np.sqrt(2 * np.pi)
        values = density * np.where(x < 5, before, after)
        total += weights @ values * (high - low) / 2
    return total


def error_with(cells):
    kept, _sum._CELLS = _sum._CELLS, cells
    try:
        total = du.uniform(0, 5) + du.lognormal(mean=3, cv=0.8) + du.exponential(1)
        t = total.quantile(0.999)
    finally:
        _sum._CELLS = kept
    exact = brentq(lambda x: exact_tail(x) - 0.001, 10, 100, xtol=1e-13, rtol=1e-14)
    return abs(t / exact - 1)


@row("p99.9 of a sum, relative error, 4096 cells", at_most=1e-5)
def sum_error():
    return error_with(4096)


@row("p99.9 of a sum, relative error, 1024 cells", at_most=1e-4)
def coarse_sum_error():
    return error_with(1024)


@row("three percentiles of a sum, one stage moved: against 1e6 samples", at_least=5)
def sum_against_samples():
    count = iter(range(10**9))
    still = du.uniform(0, 5) + du.constant(9) + du.lognormal(mean=3, cv=0.8)
    rng = np.random.default_rng(1)
    p = [0.5, 0.95, 0.99]

    def ours():
        return (still + du.exponential(1 + 1e-7 * next(count))).quantile(p)

    def samples():
        n = 10**6
        total = rng.uniform(0, 5, n) + 9 + rng.exponential(1, n)
        return np.quantile(total + rng.lognormal(MU, SIGMA, n), p)

    return speedup(samples, ours)


@row("a moved stage against moving all of them", at_most=1)
def cached_stages():
    count = iter(range(10**9))
    still = du.uniform(0, 5) + du.lognormal(mean=3, cv=0.8) + du.weibull(2, 1.5)

    def one():
        return (still + du.exponential(1 + 1e-7 * next(count))).quantile(0.99)

    def all_():
        e = 1 + 1e-7 * next(count)
        stages = du.uniform(0, 5 * e) + du.lognormal(mean=3 * e, cv=0.8)
        return (stages + du.weibull(2 * e, 1.5) + du.exponential(e)).quantile(0.99)

    return cost(one, all_)


def random_phases(stack, n):
    rng = np.random.default_rng(n)
    rates = rng.uniform(0.1, 2, (stack, n, n)) * (1 - np.eye(n))
    leave = rng.uniform(0.1, 1, (stack, n))
    T = rates - np.eye(n) * (rates.sum(axis=-1) + leave)[..., None]
    return rng.dirichlet(np.ones(n), stack), T


def phase_speed(n):
    alpha, T = random_phases(256, n)
    some = 16

    def ours():
        # a new law each time, with its tables

        _phase._powers_by_key.cache_clear()
        return du.phase_type(alpha, T).quantile(0.999)

    def theirs():
        for a, matrix in zip(alpha[:some], T[:some], strict=True):
            brentq(lambda t, a=a, m=matrix: (a @ expm(m * t)).sum() - 0.001, 0, 500)

    return speedup(theirs, ours, per=256 / some)


@row("phase-type p99.9, 4 phases, 256 laws: against brentq and expm", at_least=5)
def phase_speed_4():
    return phase_speed(4)


@row("phase-type p99.9, 10 phases, 256 laws: against brentq and expm", at_least=5)
def phase_speed_10():
    return phase_speed(10)


@row("phase-type quantile at 1 - 1e-9, relative error", at_most=1e-10)
def phase_error():
    rates = [0.1, 0.5, 2.0, 7.0]
    d = sum((du.exponential(1 / r) for r in rates), start=du.constant(0))
    t = d.upper_quantile(1e-9)
    terms = {
        r: np.prod([s / (s - r) for s in rates if s != r]) * np.exp(-r * t)
        for r in rates
    }
    return abs(sum(terms.values()) / 1e-9 - 1) / (rates[0] * t)
