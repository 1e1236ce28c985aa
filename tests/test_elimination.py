"""The plan: one program for every kind of number, and its derivative."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel._elimination import LARGEST_PLAN, in_blocks, plan
from tests.support.chains import exact, nearly_decomposable, stiff, worst

PAIR = ((0, 1), (1, 0), (1, 2), (2, 1))  # two up, one up, none


def edges_of(rates):
    return tuple((int(i), int(j)) for i, j in np.argwhere(rates))


def values_of(rates):
    return [float(rates[i, j]) for i, j in edges_of(rates)]


@st.composite
def irreducible(draw, largest=7):
    """A ring through all states, and any other transitions."""
    n = draw(st.integers(2, largest))
    exponents = st.floats(-6, 6, allow_nan=False)
    rates = np.zeros((n, n))
    for i in range(n):
        rates[i, (i + 1) % n] = 10 ** draw(exponents)
        for j in draw(st.sets(st.integers(0, n - 1))):
            if j != i:
                rates[i, j] = 10 ** draw(exponents)
    return rates


def test_exact_fractions_give_the_textbook_answer():
    f, r = Fraction(1, 1000), Fraction(1, 2)
    found = plan(3, PAIR).stationary([2 * f, r, f, r])
    total = r * r + 2 * f * r + 2 * f * f
    assert found == (r * r / total, 2 * f * r / total, 2 * f * f / total)


def test_symbols_give_the_closed_form():
    f, r = sympy.symbols("f r", positive=True)
    found = plan(3, PAIR).stationary([2 * f, r, f, r])
    closed = 2 * f**2 / (r**2 + 2 * f * r + 2 * f**2)
    assert sympy.simplify(found[2] - closed) == 0


def test_mpmath_numbers_keep_their_digits():
    rates = stiff((4, 1), np.random.default_rng(3))
    with mpmath.workdps(50):
        values = [mpmath.mpf(v) for v in values_of(rates)]
        found = plan(len(rates), edges_of(rates)).stationary(values)
        wanted = exact(rates, 120)
        assert max(abs(f / w - 1) for f, w in zip(found, wanted, strict=True)) < 1e-45


def test_only_sums_products_and_quotients_are_planned():
    rates = np.ones((9, 9)) - np.eye(9)
    for statement in plan(9, edges_of(rates)).statements:
        assert set(statement.source()) <= set("pqrsf_0123456789 =+*/")
        assert "-" not in statement.source()


@given(irreducible())
def test_any_state_may_be_the_last_one(rates):
    edges, values = edges_of(rates), values_of(rates)
    wanted = plan(len(rates), edges, 0).stationary(values)
    for keep in range(1, len(rates)):
        found = plan(len(rates), edges, keep).stationary(values)
        assert found == pytest.approx(wanted, rel=1e-12, abs=0)


@given(irreducible())
def test_folding_agrees_with_many_digits(rates):
    found = plan(len(rates), edges_of(rates)).stationary(values_of(rates))
    assert worst(found, exact(rates, 100)) < 5e-15


@given(irreducible(5))
def test_the_reverse_sweep_agrees_with_the_complex_step(rates):
    """Pull back one weight at a time, against a step along the imaginary axis."""
    edges, values = edges_of(rates), values_of(rates)
    chosen = plan(len(rates), edges)
    weights, pullback = chosen.weights(values)
    for state in range(1, len(rates)):
        slopes = pullback([1.0 if k == state else 0.0 for k in range(len(rates))])
        for e, value in enumerate(values):
            stepped = list(values)
            stepped[e] = complex(value, 1e-30 * value)
            step = chosen.weights(stepped)[0][state].imag / 1e-30
            assert slopes[e] * value == pytest.approx(
                step, rel=1e-11, abs=1e-13 * abs(weights[state])
            )


def test_a_wrong_sweep_would_be_noticed():
    """The negative control of the test above: swap two derivatives."""
    rates = nearly_decomposable(4, np.random.default_rng(1))
    edges, values = edges_of(rates), values_of(rates)
    _, pullback = plan(4, edges).weights(values)
    slopes = list(pullback([0.0, 0.0, 1.0, 0.0]))
    swapped = [slopes[1], slopes[0], *slopes[2:]]
    assert swapped != pytest.approx(slopes, rel=1e-6, abs=0)


def test_a_sparse_graph_takes_few_operations():
    """The counts of a pair, a birth-death chain and two pools."""
    assert plan(3, PAIR).operations == 8  # 2 shares, 1 weight, 2 sums, 3 quotients
    ring = tuple((i, i + 1) for i in range(19)) + tuple((i + 1, i) for i in range(19))
    assert plan(20, ring).operations <= 5 * 20
    assert plan(20, edges_of(stiff((9, 1), np.random.default_rng(0)))).operations < 250


def test_too_dense_a_graph_is_left_to_others():
    rates = np.ones((60, 60)) - np.eye(60)
    assert plan(60, edges_of(rates)) is None
    assert LARGEST_PLAN < 60**3 / 3


def test_one_state_has_probability_one():
    assert plan(1, ()).stationary([]) == (1.0,)


def test_a_plan_is_made_once_per_graph():
    assert plan(3, PAIR) is plan(3, tuple(PAIR))


def test_blocks_do_not_show():
    rng = np.random.default_rng(5)
    f, r = rng.random(1000) + 0.1, 2.0
    program = plan(3, PAIR).stationary
    whole = in_blocks(program, [2 * f, r, f, r], 1000)
    parts = in_blocks(program, [2 * f, r, f, r], 64)
    assert np.array_equal(whole, parts)
