"""What happens within a time: transient, passage, interval and cumulative downtime."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.stats import norm, poisson

from hamodel import markov
from hamodel.units import DAY, HOUR, YEAR
from tests.support.chains import cluster, generator, matrix_of, quality, stiff


def exact_transient(rates, start, t):
    """The exponential series with enough digits that its cancelling does not show."""
    scale = float(np.max(rates.sum(axis=1)) * t)
    with mpmath.workdps(80 + int(1.2 * np.log10(scale + 10))):
        squarings = max(0, int(np.ceil(np.log2(scale + 1))) + 4)
        n = len(rates)
        q = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                if i != j:
                    q[i, j] = mpmath.mpf(float(rates[i, j]))
            q[i, i] = -sum(q[i, j] for j in range(n) if j != i)
        step = q * (mpmath.mpf(t) / 2**squarings)
        power = total = mpmath.eye(n)
        for k in range(1, 40):
            power = power * step / k
            total = total + power
        for _ in range(squarings):
            total = total * total
        return [sum(start[i] * total[i, j] for i in range(n)) for j in range(n)]


def worst(found, wanted):
    pairs = zip(found, wanted, strict=True)
    return max(abs(float(f / w - 1)) for f, w in pairs if abs(w) > 1e-290)


@pytest.mark.parametrize("t", [1e-3, 0.7, 1.0, 3600.0, 8760.0])
@pytest.mark.parametrize("counts", [(2,), (1, 1, 1), (9, 1)])
def test_every_component_at_a_time_has_its_digits(counts, t):
    """At most 1e-12 off for q t up to 1e8, where expm has lost seven digits."""
    rates = stiff(counts, np.random.default_rng(8))
    start = np.eye(len(rates))[0]
    found = markov.transient(rates, start, [t])[0]
    assert worst(found, exact_transient(rates, start, t)) <= 1e-12
    assert np.all(found > 0)


def test_a_wrong_rate_would_be_noticed():
    rates = stiff((2,), np.random.default_rng(8))
    start = np.array([1.0, 0, 0])
    wanted = exact_transient(rates, start, 1.0)
    rates[0, 1] *= 1 + 1e-9
    assert worst(markov.transient(rates, start, [1.0])[0], wanted) > 1e-10


@given(st.integers(0, 1000))
def test_stacks_and_times_do_not_show(seed):
    rng = np.random.default_rng(seed)
    stack = 10 ** rng.uniform(-3, 2, (3, 4, 4))
    start = rng.dirichlet(np.ones(4))
    times = [0.0, 1e-4, 0.3, 2.0, 50.0]
    found = markov.transient(stack, start, times)
    assert found.shape == (3, 5, 4)
    for rates, rows in zip(stack, found, strict=True):
        for t, row in zip(times, rows, strict=True):
            assert markov.transient(rates, start, [t])[0] == pytest.approx(row, 1e-13)
            wanted = start @ expm(generator(rates) * t)
            assert row == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert found.sum(axis=-1) == pytest.approx(np.ones((3, 5)), rel=1e-14)
    assert found[:, 0] == pytest.approx(np.broadcast_to(start, (3, 4)), rel=1e-14)


def test_after_long_it_is_the_long_run():
    rates = stiff((1, 1, 1), np.random.default_rng(1))
    found = markov.transient(rates, np.eye(8)[3], [1e12])[0]
    assert found == pytest.approx(markov.steady_state(rates), rel=1e-12, abs=0)


def test_jumps_one_by_one_agree_with_squaring():
    """A cluster of 276 states, dense by squaring and sparse jump by jump."""
    states, rates = matrix_of(*cluster(2))
    start = np.eye(len(states))[0]
    down = [k for k, s in enumerate(states) if not quality(2)(s)]
    times = [0.0, 0.1, 24.0, 300.0]
    sparse = csr_array(rates)
    now = markov.transient(sparse, start, times)
    assert now == pytest.approx(markov.transient(rates, start, times), 1e-11, 1e-290)
    for ask in (markov.interval_unavailability, markov.first_passage_cdf):
        assert ask(sparse, start, down, times) == pytest.approx(
            ask(rates, start, down, times), rel=1e-11
        )


def test_jumping_stops_when_nothing_moves():
    """1e6 s at a rate of 5/s would be 1e7 jumps; the mean stays exact."""
    rates = np.zeros((301, 301))
    for k in range(300):
        rates[k, k + 1], rates[k + 1, k] = 1.0, 4.0
    start = np.eye(301)[0]
    found = markov.interval_unavailability(rates, start, range(1, 301), [1e6])
    p = markov.steady_state(rates)
    assert found[0] == pytest.approx(p[1:].sum(), rel=1e-5)
    assert found[0] < p[1:].sum()


def test_passage_has_the_closed_form_of_a_pair():
    """Two real eigenvalues: P(T > t) of a parallel pair with repair."""
    f, r, t = 0.01, 0.5, np.array([0.0, 1.0, 100.0, 1e4])
    rates = [[0, 2 * f, 0], [r, 0, f], [9.0, 0, 0]]
    root = np.sqrt((3 * f + r) ** 2 - 8 * f * f)
    a, b = (3 * f + r + root) / 2, (3 * f + r - root) / 2
    survival = (a * np.exp(-b * t) - b * np.exp(-a * t)) / (a - b)
    found = markov.first_passage_cdf(rates, [1, 0, 0], [2], t)
    assert found == pytest.approx(1 - survival, rel=1e-9, abs=1e-15)


def test_a_tiny_passage_keeps_its_digits():
    """Three failures in a row within a second: (1e-5)^3, not 1 - 1."""
    rates = np.diag([1e-5, 1e-5, 1e-5], 1)
    found = markov.first_passage_cdf(rates, [1, 0, 0, 0], [3], [1.0])[0]
    x = mpmath.mpf(1e-5)
    wanted = float(mpmath.gammainc(3, 0, x, regularized=True))
    assert found == pytest.approx(wanted, rel=1e-13, abs=0)
    assert 1e-16 < found < 2e-16


def test_the_interval_has_the_closed_form_of_a_unit():
    f, r, t = 0.001, 0.25, np.array([1e-6, 1.0, 24.0, 1e7])
    found = markov.interval_unavailability([[0, f], [r, 0]], [1, 0], [1], t)
    with mpmath.workdps(40):
        s = mpmath.mpf(f) + mpmath.mpf(r)
        wanted = [
            float(f / s - f / s**2 / x * (1 - mpmath.exp(-s * x)))
            for x in map(float, t)
        ]
    assert found == pytest.approx(wanted, rel=1e-13, abs=0)


def test_no_rates_and_no_time():
    still = np.zeros((2, 2))
    assert markov.interval_unavailability(still, [0.3, 0.7], [1], [0, 5]) == (
        pytest.approx([0.7, 0.7])
    )
    assert markov.transient(still, [0.3, 0.7], []).shape == (0, 2)
    assert markov.accumulated_reward(still, [0.3, 0.7], [0, 1], [10]) == (
        pytest.approx([7.0])
    )


@pytest.mark.parametrize(
    ("start", "times", "message"),
    [
        ([1, 1], [1], "start must be >= 0 and sum to 1"),
        ([2, -1], [1], "start must be >= 0 and sum to 1"),
        ([1, 0, 0], [1], r"start must have shape \(2,\), got \(3,\)"),
        ([1, 0], [-1], "times must be >= 0 and finite, got -1"),
        ([1, 0], [np.inf], "times must be >= 0 and finite, got inf"),
        ([1, 0], [[1.0]], r"times must have shape \(k,\)"),
    ],
)
def test_impossible_starts_and_times_are_refused(start, times, message):
    with pytest.raises(ValueError, match=message):
        markov.transient([[0, 1], [1, 0]], start, times)


# --- cumulative downtime ---------------------------------------------------------


def series(fail, repair, horizon, x):
    """P(O <= x) of a unit: n failures in the uptime T - x, n repairs within x."""
    with mpmath.workdps(40):
        mean = mpmath.mpf(fail) * (mpmath.mpf(horizon) - mpmath.mpf(x))
        weight = total = mpmath.exp(-mean)
        n = 0
        while n < mean or weight > 1e-30:
            n += 1
            weight *= mean / n
            total += weight * mpmath.gammainc(n, 0, repair * x, regularized=True)
        return total


@pytest.mark.parametrize(
    ("fail", "repair", "horizon", "x"),
    [
        (1e-3, 0.5, 1000.0, 3.0),
        (1 / (2000 * HOUR), 2 / HOUR, YEAR, 0.0),
        (1 / (2000 * HOUR), 2 / HOUR, YEAR, 900.0),
        (1 / (2000 * HOUR), 2 / HOUR, YEAR, 3156.0),
        (1 / (2000 * HOUR), 2 / HOUR, YEAR, 20_000.0),
        (1e-4, 1.0, YEAR, 3100.0),  # stiff: 3e7 jumps, 3154 s of downtime expected
        (1e-12, 1e-3, YEAR, 900.0),
        (1.0, 1.0, 100.0, 30.0),
        (1.0, 1.0, 100.0, 70.0),
        (0.1, 0.2, 10.0, 9.99),
    ],
)
def test_downtime_of_a_unit_is_its_series(fail, repair, horizon, x):
    rates = [[0, fail], [repair, 0]]
    wanted = series(fail, repair, horizon, x)
    found = markov.downtime_cdf(rates, [1, 0], [1], horizon, [x])[0]
    more = markov.downtime_sf(rates, [1, 0], [1], horizon, [x])[0]
    ever = -np.expm1(-fail * horizon)
    assert abs(found - wanted) <= 1e-11 * ever
    assert abs(more - (1 - wanted)) <= 1e-11 * ever


def test_a_wrong_series_would_be_noticed():
    found = markov.downtime_cdf([[0, 1e-3], [0.5, 0]], [1, 0], [1], 1000.0, [3.0])[0]
    assert abs(found - series(1e-3, 0.5 * (1 + 1e-8), 1000.0, 3.0)) > 1e-10


def simulated(rates, down, horizon, runs, rng):
    """Total downtime of many histories, jump by jump."""
    out = rates.sum(axis=1)
    share = np.cumsum(rates / out[:, None], axis=1)
    state = np.zeros(runs, dtype=int)
    clock, total = np.zeros(runs), np.zeros(runs)
    while (running := np.flatnonzero(clock < horizon)).size:
        stay = rng.exponential(1 / out[state[running]])
        stay = np.minimum(stay, horizon - clock[running])
        total[running] += stay * down[state[running]]
        clock[running] += stay
        pick = rng.random(running.size)[:, None]
        state[running] = np.minimum(
            (pick > share[state[running]]).sum(axis=1), len(out) - 1
        )
    return total


def test_downtime_of_a_pair_is_what_simulation_sees():
    """Both, switching, one, none: within four standard errors at six places."""
    rates = np.zeros((4, 4))
    rates[0, 1], rates[0, 2], rates[1, 2] = 0.02, 0.03, 0.5
    rates[2, 0], rates[2, 3], rates[3, 2] = 0.4, 0.05, 0.3
    runs, x = 40_000, np.array([0.0, 0.5, 2.0, 5.0, 20.0, 60.0])
    down = np.array([False, True, False, True])
    total = simulated(rates, down, 100.0, runs, np.random.default_rng(11))
    found = markov.downtime_cdf(rates, [1, 0, 0, 0], [1, 3], 100.0, x)
    error = np.sqrt(found * (1 - found) / runs)
    assert np.all(np.abs((total[:, None] <= x).mean(axis=0) - found) < 4 * error + 1e-9)


def test_rare_failures_make_a_compound_poisson_law():
    """A year of a pair: outages arrive at the failure rate, each exponential."""
    f, r = 1 / (500 * HOUR), 1 / HOUR
    rates = [[0, 2 * f, 0], [r, 0, f], [0, 2 * r, 0]]
    p = markov.steady_state(rates)
    often = p[1] * f * YEAR
    x = np.array([60.0, 600.0, 1800.0])
    found = markov.downtime_sf(rates, [1, 0, 0], [2], YEAR, x)
    limit = -np.expm1(-often) * np.exp(-2 * r * x)
    assert often < 0.1
    assert found == pytest.approx(limit, rel=0.05)


def test_many_failures_make_a_normal_law():
    f, r, t = 1e-2, 1.0, 30 * DAY
    mean = f / (f + r) * t
    spread = np.sqrt(2 * f * r / (f + r) ** 3 * t)
    x = mean + spread * np.array([-2, -1, 0, 1, 2])
    found = markov.downtime_cdf([[0, f], [r, 0]], [1, 0], [1], t, x)
    assert found == pytest.approx(norm.cdf([-2, -1, 0, 1, 2]), abs=0.01)


def test_deterministic_outages_as_many_stages():
    """Repairs of 40 stages: P(no more than 2 outages' worth) is nearly Poisson."""
    stages, length, often = 40, 100.0, 3e-5
    n = stages + 1
    rates = np.zeros((n, n))
    rates[0, 1] = often
    for k in range(1, n):
        rates[k, (k + 1) % n] = stages / length
    found = markov.downtime_cdf(rates, np.eye(n)[0], range(1, n), 1e5, [250.0])[0]
    assert found == pytest.approx(poisson.cdf(2, often * 1e5), abs=0.02)


def test_the_mean_of_the_distribution_is_the_interval_unavailability():
    rates = [[0, 0.2, 0], [1.0, 0, 0.1], [0, 0.7, 0]]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x = 12.5 * (nodes + 1)
    sf = markov.downtime_sf(rates, [1, 0, 0], [2], 25.0, x)
    mean = markov.interval_unavailability(rates, [1, 0, 0], [2], [25.0])[0] * 25.0
    assert 12.5 * weights @ sf == pytest.approx(mean, rel=1e-8)


def test_downtime_at_the_ends():
    rates, year = [[0, 0.1], [1.0, 0]], 10.0
    cdf = markov.downtime_cdf(rates, [0.4, 0.6], [1], year, [0, year, 2 * year])
    assert cdf == pytest.approx([0.4 * np.exp(-1), 1, 1])
    sf = markov.downtime_sf(rates, [0.4, 0.6], [1], year, [year * (1 - 1e-9)])
    assert sf == pytest.approx([0.6 * np.exp(-10)], rel=1e-6)
    assert markov.downtime_cdf(rates, [1, 0], [1], 0.0, [0.0]) == pytest.approx([1])
    assert markov.downtime_cdf(rates, [1, 0], [], year, [0.0, 1]) == pytest.approx(
        [1, 1]
    )


def test_downtime_of_a_stack_is_one_by_one():
    stack = np.array([[[0, 0.1], [1.0, 0]], [[0, 0.02], [0.1, 0]]])
    x = [0.0, 1.0, 7.0]
    found = markov.downtime_cdf(stack[:, None], [1, 0], [1], 10.0, x)
    assert found.shape == (2, 1, 3)
    for rates, row in zip(stack, found[:, 0], strict=True):
        assert markov.downtime_cdf(rates, [1, 0], [1], 10.0, x) == pytest.approx(row)
    assert np.all(np.diff(found, axis=-1) > 0)


@pytest.mark.parametrize("horizon", [-1.0, np.inf, np.nan])
def test_impossible_horizons_are_refused(horizon):
    with pytest.raises(ValueError, match="horizon must be >= 0 and finite"):
        markov.downtime_cdf([[0, 1], [1, 0]], [1, 0], [1], horizon, [1.0])
