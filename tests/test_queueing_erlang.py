"""Erlang's formulas: against the recursion in 50 digits and exact fractions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel.queueing import erlang_b, erlang_c
from tests.support.reference import answer

loads = st.floats(1e-3, 500)


def exact_b(servers, offered):
    """Recursion over the number of servers, 50 digits."""
    with mpmath.workdps(50):
        a, b = mpmath.mpf(offered), mpmath.mpf(1)
        for k in range(1, servers + 1):
            b = a * b / (k + a * b)
        return b


def exact_c(servers, offered):
    with mpmath.workdps(50):
        b = exact_b(servers, offered)
        return servers * b / (servers - mpmath.mpf(offered) * (1 - b))


SPREAD = [
    *[(2, 1.8), (10, 8.0), (14, 9.0), (15, 3.3), (5, 1e-3), (10, 1e4), (3, 1e9)],
    *[(50, 700.0), (100, 80.0), (200, 150.0), (1000, 950.0), (1000, 3000.0)],
    *[(1000, 1100.0), (10_000, 9999.9), (20_000, 20_500.0), (100_000, 99_900.0)],
]


@pytest.mark.parametrize(("servers", "offered"), SPREAD)
def test_b_equals_the_recursion_in_50_digits(servers, offered):
    exact = exact_b(servers, offered)
    assert abs(erlang_b(servers, offered) / exact - 1) < 2e-14


@pytest.mark.parametrize(("servers", "offered"), [s for s in SPREAD if s[1] < s[0]])
def test_c_equals_the_recursion_in_50_digits(servers, offered):
    assert abs(erlang_c(servers, offered) / exact_c(servers, offered) - 1) < 2e-14


@given(st.integers(1, 60), st.fractions(Fraction(1, 50), Fraction(80)))
def test_b_equals_exact_fractions(servers, offered):
    b = Fraction(1)
    for k in range(1, servers + 1):
        b = offered * b / (k + offered * b)
    # the load reaches the function as the nearest float, which costs some digits
    assert erlang_b(servers, float(offered)) == pytest.approx(float(b), rel=1e-12)


@given(st.floats(0.5, 400), loads)
def test_real_servers_satisfy_the_recursion(servers, offered):
    b = erlang_b(servers, offered)
    more = erlang_b(servers + 1, offered)
    assert more == pytest.approx(offered * b / (servers + 1 + offered * b), rel=1e-12)


@given(st.integers(1, 300), loads)
def test_probabilities_and_order(servers, offered):
    b, c = erlang_b(servers, offered), erlang_c(servers, offered)
    assert 0 <= b <= c <= 1
    assert erlang_b(servers + 1, offered) <= b


def test_stacked_equals_one_by_one():
    servers = np.array([[1], [7], [300]])
    offered = np.array([0.5, 6.9, 280.0, 5000.0])
    stacked = erlang_b(servers, offered), erlang_c(servers, offered)
    for i, j in np.ndindex(3, 4):
        for value, function in zip(stacked, (erlang_b, erlang_c), strict=True):
            one = function(int(servers[i, 0]), offered[j])
            assert value[i, j] == pytest.approx(one, rel=1e-14)


def test_edges():
    assert erlang_b(0, 3.0) == pytest.approx(1, rel=1e-15)
    assert erlang_b(3, 0.0) == erlang_c(3, 0.0) == 0
    assert erlang_c(2, 2.0) == erlang_c(2, 7.0) == 1
    assert isinstance(erlang_b(1, 1), float)


def test_symbols_give_the_formula():
    a = sympy.Symbol("a", positive=True)
    assert sympy.simplify(erlang_b(2, a) - a**2 / (a**2 + 2 * a + 2)) == 0
    assert sympy.simplify(erlang_c(1, a) - a) == 0
    for servers in (1, 3, 6):
        formula = erlang_c(servers, a).subs(a, sympy.Rational(9, 10))
        assert float(formula) == pytest.approx(erlang_c(servers, 0.9), rel=1e-13)


def test_published_load_has_the_published_blocking():
    case = answer("queueing", "pub-erlang-01")
    found = erlang_b(case["params"]["N"], case["value"])
    assert found == pytest.approx(case["params"]["B"], rel=1e-3)


@pytest.mark.parametrize("name", ["pub-erlang-02", "pub-erlang-03", "pub-mmc-02"])
def test_reference(name):
    case = answer("queueing", name)
    p = case["params"]
    if "N" in p:
        found = erlang_b(p["N"], p["A"])
    else:
        found = erlang_c(p["c"], p["lam"] / p["mu"])
    assert found == pytest.approx(case["value"], rel=case["rtol"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: erlang_b(-1, 2.0), "servers must be >= 0 and finite, got -1"),
        (lambda: erlang_b(3, [1.0, -2.0]), "offered must be .* got -2 at index 1"),
        (lambda: erlang_c(0, 2.0), "servers must be > 0 and finite, got 0"),
        (lambda: erlang_b(2.5, sympy.Symbol("a")), "servers must be a whole number"),
        (lambda: erlang_b(float("nan"), 1), "servers must be >= 0 and finite, got nan"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
