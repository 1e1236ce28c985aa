"""Long-run probabilities and mean times: exact to the last digit, or a named error."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import block_diag, csr_array, diags_array

from hamodel import markov
from hamodel.markov import _sparse
from hamodel.markov._dense import fold
from tests.support.chains import (
    cluster,
    dense_random,
    exact,
    generator,
    matrix_of,
    nearly_decomposable,
    ones_row_solve,
    quality,
    stiff,
    worst,
)

SETS = {
    "stiff 3": lambda rng: stiff((2,), rng),
    "stiff 8": lambda rng: stiff((1, 1, 1), rng),
    "stiff 20": lambda rng: stiff((9, 1), rng),
    "stiff 50": lambda rng: stiff((9, 4), rng),
    "dense random 3": lambda rng: dense_random(3, rng),
    "dense random 8": lambda rng: dense_random(8, rng),
    "nearly decomposable 4": lambda rng: nearly_decomposable(4, rng),
    "nearly decomposable 8": lambda rng: nearly_decomposable(8, rng),
    "nearly decomposable 20": lambda rng: nearly_decomposable(20, rng),
}


def some(name, count=4):
    rng = np.random.default_rng(20261123)
    return np.stack([SETS[name](rng) for _ in range(count)])


@pytest.mark.parametrize("name", SETS)
def test_every_component_has_its_digits(name):
    """At most 2e-14 off, one by one (dense) and stacked (planned), against mpmath."""
    stack = some(name)
    wanted = [exact(rates, 60 if "stiff" not in name else 320) for rates in stack]
    stacked = markov.steady_state(stack)
    for rates, row, truth in zip(stack, stacked, wanted, strict=True):
        assert worst(row, truth) <= 2e-14
        assert worst(markov.steady_state(rates), truth) <= 2e-14
        assert np.all(row > 0)


def test_the_textbook_solve_loses_the_main_digits_of_a_flapping_chain():
    rng = np.random.default_rng(4)
    stack = np.stack([nearly_decomposable(8, rng) for _ in range(20)])
    wanted = [exact(rates) for rates in stack]
    loss = [
        worst(ones_row_solve(rates), truth)
        for rates, truth in zip(stack, wanted, strict=True)
    ]
    assert max(loss) > 1e-7
    found = markov.steady_state(stack)
    assert max(map(worst, found, wanted)) <= 2e-14


def test_the_textbook_solve_makes_rare_states_up():
    stack = some("stiff 20", 10)
    theirs = np.stack([ones_row_solve(rates) for rates in stack])
    loss = max(worst(t, exact(r, 320)) for t, r in zip(theirs, stack, strict=True))
    assert theirs.min() < 0 or loss > 1e10
    assert markov.steady_state(stack).min() > 0


def test_unavailability_is_summed_not_subtracted():
    """At 1e-11, one minus the availability has lost a third of its digits."""
    rates = stiff((2,), np.random.default_rng(0), fail=(-7, -6), repair=(-1, 0))
    p, truth = markov.steady_state(rates), exact(rates)
    assert 1e-13 < p[2] < 1e-10
    assert worst([p[2]], truth[2:]) < 2e-15
    assert abs((1 - (p[0] + p[1])) / p[2] - 1) > 1e-8


def test_a_probability_of_1e_30_is_as_exact():
    rates = stiff((3,), np.random.default_rng(9), fail=(-12, -11), repair=(0, 0.5))
    assert markov.steady_state(rates)[3] < 1e-30
    assert worst(markov.steady_state(rates), exact(rates, 120)) < 2e-15


@given(
    hnp.arrays(
        float,
        st.tuples(st.integers(1, 5), st.just(4), st.just(4)),
        elements=st.sampled_from([0.0, 1e-9, 0.3, 1.0, 7e5]),
    )
)
def test_stacked_equals_one_by_one(stack):
    """Whatever is zero: the same answers, or the same error."""
    before = stack.copy()
    single = []
    for rates in stack:
        try:
            single.append(markov.steady_state(rates))
        except markov.ReducibleChainError:
            single.append(None)
    if any(row is None for row in single):
        with pytest.raises(markov.ReducibleChainError):
            markov.steady_state(stack)
    else:
        found = markov.steady_state(stack)
        assert found == pytest.approx(np.stack(single), rel=1e-13, abs=0)
        assert np.all(found >= 0)
        assert found.sum(axis=-1) == pytest.approx(1)
    assert np.array_equal(stack, before)


@given(st.integers(0, 10_000), st.permutations(range(8)))
def test_the_order_of_states_and_the_unit_of_time_do_not_matter(seed, order):
    rates = dense_random(8, np.random.default_rng(seed))
    order = list(order)
    p = markov.steady_state(rates)
    assert markov.steady_state(rates[np.ix_(order, order)]) == pytest.approx(
        p[order], rel=1e-14, abs=0
    )
    assert np.array_equal(markov.steady_state(rates * 1024.0), p)
    assert markov.steady_state(rates * 3600.0) == pytest.approx(p, rel=1e-14, abs=0)


def test_the_diagonal_is_ignored_and_nothing_is_modified():
    rates = dense_random(5, np.random.default_rng(2))
    q = generator(rates)
    q.setflags(write=False)
    assert np.array_equal(markov.steady_state(q), markov.steady_state(rates))


def test_a_chain_in_discrete_time_is_answered_too():
    assert markov.steady_state([[0.5, 0.5], [0.25, 0.75]]) == pytest.approx(
        [1 / 3, 2 / 3]
    )


def test_leading_axes_pass_through():
    stack = np.stack([dense_random(3, np.random.default_rng(k)) for k in range(6)])
    assert markov.steady_state(stack.reshape(2, 3, 3, 3)).shape == (2, 3, 3)
    assert markov.steady_state(np.zeros((0, 3, 3))).shape == (0, 3)
    assert markov.steady_state([[0.0]]) == pytest.approx([1.0])


def test_transient_states_have_no_probability():
    rates = [[0, 1, 1], [0, 0, 2], [0, 3, 0]]
    assert markov.steady_state(rates) == pytest.approx([0, 0.6, 0.4])


def test_several_closed_classes_are_named():
    rates = np.zeros((5, 5))
    rates[0, 1] = rates[0, 3] = rates[1, 2] = rates[2, 1] = 1
    with pytest.raises(markov.ReducibleChainError, match="3 closed classes") as caught:
        markov.steady_state(rates)
    assert caught.value.classes == ((1, 2), (3,), (4,))
    with pytest.raises(markov.ReducibleChainError) as caught:
        markov.steady_state(csr_array(rates))
    assert caught.value.classes == ((1, 2), (3,), (4,))


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([[0, -1], [1, 0]], "rates must be >= 0 and finite, got -1 from state 0 to 1"),
        ([[0, np.nan], [1, 0]], "rates must be >= 0 and finite, got nan"),
        ([[0, np.inf], [1, 0]], "rates must be >= 0 and finite, got inf"),
        ([[0, 1, 2], [1, 0, 2]], r"rates must have shape \(..., n, n\), got \(2, 3\)"),
        ([["a", "b"], ["c", "d"]], "rates must be numbers"),
        (csr_array([[0.0, -1.0], [1.0, 0.0]]), "got -1 from state 0 to 1"),
        (csr_array([[0.0, 1.0, 1.0]]), r"shape \(n, n\), got \(1, 3\)"),
    ],
)
def test_impossible_rates_are_refused(rates, message):
    with pytest.raises(ValueError, match=message):
        markov.steady_state(rates)


def test_weights_beyond_the_range_of_floats_are_scaled():
    """The first of 60 states is 1e700 times rarer than the last."""
    rates = np.zeros((60, 60))
    for k in range(59):
        rates[k, k + 1], rates[k + 1, k] = 1e12, 1.0
    found = markov.steady_state(np.stack([rates, rates.T]))
    assert found[0, -3:] == pytest.approx([1e-24, 1e-12, 1], rel=1e-11)
    assert found[1, :3] == pytest.approx([1, 1e-12, 1e-24], rel=1e-11)
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize("n", [2, 47, 48, 49, 97, 150])
def test_panels_do_not_show(n):
    rates = dense_random(n, np.random.default_rng(n))
    q = generator(rates)
    p = fold(rates)
    flow = p @ np.maximum(q, 0)
    assert flow == pytest.approx(p * rates.sum(axis=1), rel=1e-12, abs=0)


def test_complex_rates_carry_a_derivative():
    rates = stiff((2,), np.random.default_rng(1)).astype(complex)
    rates[0, 1] *= 1 + 1e-20j
    p = markov.steady_state(rates)
    assert p.real == pytest.approx(markov.steady_state(rates.real), rel=1e-14, abs=0)
    assert p[2].imag / 1e-20 == pytest.approx(p[2].real, rel=1e-3)


@pytest.fixture(scope="module")
def workstations():
    states, rates = matrix_of(*cluster(8))
    up = np.array([quality(8)(s) for s in states])
    return csr_array(rates), up


def test_levels_and_iteration_agree_on_every_component(workstations):
    rates, up = workstations
    assert rates.shape[0] > _sparse.DENSE
    by_levels = markov.steady_state(rates)
    iterated = _sparse.gauss_seidel(rates)
    assert by_levels.min() < 1e-30
    assert iterated == pytest.approx(by_levels, rel=1e-12, abs=0)
    wrong = rates.copy()
    wrong.data[3] *= 1.001
    assert markov.steady_state(wrong)[~up].sum() != pytest.approx(
        by_levels[~up].sum(), rel=1e-9
    )


def joined(rates, there, back):
    """Two copies of a chain, the second twice as quick, that hardly ever meet."""
    n = rates.shape[0]
    both = block_diag([rates, 2 * rates]).tolil()
    both[0, n], both[n, 0] = there, back
    return csr_array(both)


def test_levels_are_exact_where_iteration_sees_no_movement(workstations):
    """At 1e-15 per hour a sweep changes nothing, yet the parts are not in balance."""
    rates, _ = workstations
    alone = markov.steady_state(rates)
    slow = joined(rates, 1e-15, 3e-15)
    wanted = np.concatenate([0.75 * alone, 0.25 * alone])
    assert markov.steady_state(slow) == pytest.approx(wanted, rel=1e-11, abs=0)
    with pytest.raises(_sparse.ConvergenceError, match="hardly ever meet") as caught:
        _sparse.gauss_seidel(slow)
    with pytest.raises(_sparse.ConvergenceError):
        _sparse.by_factors(slow, caught.value)


def test_factors_answer_where_iteration_is_slow(workstations):
    rates, _ = workstations
    alone = markov.steady_state(rates)
    slow = joined(rates, 1e-5, 3e-5)
    with pytest.raises(_sparse.ConvergenceError, match="after 50 sweeps") as caught:
        _sparse.gauss_seidel(slow, sweeps=50)
    assert caught.value.estimate.shape == (2 * len(alone),)
    assert caught.value.change > 0
    found = _sparse.by_factors(slow, caught.value)
    exactly = markov.steady_state(slow)
    assert found == pytest.approx(exactly, rel=1e-9, abs=0)


def test_wide_levels_are_left_to_iteration(workstations, monkeypatch):
    rates, _ = workstations
    by_levels = markov.steady_state(rates)
    monkeypatch.setattr(_sparse, "_WORK", 0.0)
    assert markov.steady_state(rates) == pytest.approx(by_levels, rel=1e-12, abs=0)
    monkeypatch.setattr(_sparse, "_SWEEPS", 20)
    monkeypatch.setitem(_sparse.gauss_seidel.__kwdefaults__, "sweeps", 20)
    assert markov.steady_state(rates) == pytest.approx(by_levels, rel=1e-9, abs=0)


def test_a_large_product_has_its_product_form():
    """Two pools of 40 and 50 units: 2091 states against binomials."""
    sizes, fails = (40, 50), (1e-4, 3e-4)
    parts = []
    for n, fail in zip(sizes, fails, strict=True):
        k = np.arange(n)
        parts.append(diags_array([(n - k) * fail, k + 1.0], offsets=[1, -1]))
    eyes = [diags_array(np.ones(n + 1)) for n in sizes]
    from scipy.sparse import kron

    rates = csr_array(kron(parts[0], eyes[1]) + kron(eyes[0], parts[1]))
    found = markov.steady_state(rates)
    with mpmath.workdps(60):
        pools = [
            [mpmath.binomial(n, j) * mpmath.mpf(f) ** j for j in range(n + 1)]
            for n, f in zip(sizes, fails, strict=True)
        ]
        total = sum(pools[0]) * sum(pools[1])
        wanted = [a * b / total for a in pools[0] for b in pools[1]]
        rare = [k for k, w in enumerate(wanted) if w > 1e-290][:: len(wanted) // 300]
        assert worst(found[rare], [wanted[k] for k in rare]) < 1e-11


def test_a_sparse_chain_may_have_transient_states(workstations):
    rates, _ = workstations
    n = rates.shape[0]
    longer = block_diag([csr_array((1, 1)), rates]).tolil()
    longer[0, 5] = 1.0
    found = markov.steady_state(csr_array(longer))
    assert found[0] == 0
    assert found[1:] == pytest.approx(markov.steady_state(rates), rel=1e-11)
    assert len(found) == n + 1


def test_mean_time_to_has_a_closed_form():
    """A pair with one crew: (3 f + r) / (2 f^2) from both, less 1 / (2 f) from one."""
    f, r = np.array([1e-3, 1e-9, 0.5]), np.array([0.1, 1e3, 0.0])
    rates = np.zeros((3, 3, 3))
    rates[:, 2, 1], rates[:, 1, 2], rates[:, 1, 0] = 2 * f, r, f
    rates[:, 0, 1] = 77.0  # from the target: must not matter
    found = markov.mean_time_to(rates, [0])
    both = (3 * f + r) / (2 * f**2)
    assert found[:, 2] == pytest.approx(both, rel=1e-15)
    assert found[:, 1] == pytest.approx((2 * f + r) / (2 * f**2), rel=1e-15)
    assert np.all(found[:, 0] == 0)


@given(st.integers(0, 10_000))
def test_mean_times_have_their_digits(seed):
    rng = np.random.default_rng(seed)
    rates = nearly_decomposable(6, rng) if seed % 2 else dense_random(6, rng)
    targets = [5, 2]
    found = markov.mean_time_to(rates, targets)
    inner = [0, 1, 3, 4]
    with mpmath.workdps(60):
        a = mpmath.matrix(4, 4)
        for x, i in enumerate(inner):
            for y, j in enumerate(inner):
                a[x, y] = -mpmath.mpf(rates[i, j])
            a[x, x] = sum(mpmath.mpf(r) for k, r in enumerate(rates[i]) if k != i)
        wanted = list(mpmath.lu_solve(a, mpmath.ones(4, 1)))
    assert worst(found[inner], wanted) < 2e-14
    assert np.all(found[targets] == 0)


def test_what_may_never_be_reached_takes_for_ever():
    rates = np.zeros((4, 4))
    rates[0, 1] = rates[1, 0] = rates[1, 2] = rates[1, 3] = 1.0
    for given_rates in (rates, csr_array(rates)):
        assert markov.mean_time_to(given_rates, [2]).tolist() == [
            *(np.inf, np.inf, 0.0, np.inf)
        ]
        assert markov.mean_time_to(given_rates, [2, 3]) == pytest.approx([2, 1, 0, 0])
        assert np.all(markov.mean_time_to(given_rates, []) == np.inf)


def test_mean_times_of_sparse_and_stacked_agree():
    states, rates = matrix_of(*cluster(2))
    down = [k for k, s in enumerate(states) if not quality(1)(s)]
    dense = markov.mean_time_to(np.stack([rates, 2 * rates]), down)
    assert dense[0] == pytest.approx(2 * dense[1], rel=1e-13)
    found = markov.mean_time_to(csr_array(rates), down)
    assert found == pytest.approx(dense[0], rel=1e-11)


@pytest.mark.parametrize("targets", [[3], [-1], [0.5]])
def test_targets_are_states(targets):
    with pytest.raises(ValueError, match="targets must be states 0 to 1, got"):
        markov.mean_time_to([[0, 1], [1, 0]], targets)
