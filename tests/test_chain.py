"""Chains with named states: number, sweep and formula agree, also at the limits."""

from fractions import Fraction
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel import Chain, markov
from hamodel.chain import INSTANT, ImmediateLoopError
from tests.support.chains import after, exact, matrix_of


def pair(fail, repair, outage=30.0, coverage=0.9, stuck=1800.0):
    """A primary and a standby; a failover works with the coverage, or gets stuck."""

    def moves(state):
        match state:
            case "both":
                yield "switching", fail * coverage
                yield "stuck", fail * (1 - coverage)
                yield "one", fail
            case "switching":
                yield "one", after(outage)
            case "stuck":
                yield "one", 1 / stuck
            case "one":
                yield "both", repair
                yield "none", fail
            case "none":
                yield "one", repair

    return Chain.explore("both", moves, up={"both", "one"})


MEASURES = ("unavailability", "availability", "mttf", "failure_frequency")
MEASURES += ("mean_downtime",)


def measures(chain):
    return {name: getattr(chain, name) for name in MEASURES}


def test_states_come_in_the_order_in_which_they_are_found():
    chain = pair(1e-6, 1e-3)
    assert chain.states == ("both", "switching", "stuck", "one", "none")
    assert chain.rates["both", "one"] == 1e-6
    assert chain.down == {"switching", "stuck", "none"}
    assert list(chain.steady_state()) == list(chain.states)


def test_a_number_is_right_by_linear_algebra():
    chain = pair(1e-6, 1e-3)
    rates = np.zeros((5, 5))
    for (a, b), rate in chain.rates.items():
        rates[chain.states.index(a), chain.states.index(b)] = rate
    p = exact(rates)
    found = list(chain.steady_state().values())
    assert max(abs(float(f / w - 1)) for f, w in zip(found, p, strict=True)) < 2e-15
    assert chain.unavailability == pytest.approx(float(p[1] + p[2] + p[4]), rel=2e-15)
    often = float(p[0]) * 1e-6 + float(p[3]) * 1e-6
    assert chain.failure_frequency == pytest.approx(often, rel=1e-14)
    assert chain.mean_downtime == pytest.approx(chain.unavailability / often, rel=1e-14)


def test_time_to_failure_is_the_kernels():
    chain = pair(1e-6, 1e-3)
    states, rates = matrix_of(
        "both", lambda s: [(b, r) for (a, b), r in chain.rates.items() if a == s]
    )
    down = [k for k, s in enumerate(states) if s in chain.down]
    assert chain.mttf == pytest.approx(markov.mean_time_to(rates, down)[0], rel=1e-14)
    assert chain.mean_time_to({"none"}) == pytest.approx(
        markov.mean_time_to(rates, [states.index("none")])[0], rel=1e-14
    )


def test_a_sweep_is_its_scenarios_one_by_one():
    """All zeros and ones at once: 0 repair, coverage 0 and 1, no outage."""
    fail = np.array([1e-6, 0.0])[:, None, None, None]
    repair = np.array([0.0, 1e-3])[:, None, None]
    outage = np.array([0.0, 30.0])[:, None]
    coverage = np.array([0.0, 0.9, 1.0])
    sweep = pair(fail, repair, outage, coverage)
    whole = measures(sweep)
    shares = sweep.steady_state()
    for where in np.ndindex(2, 2, 2, 3):
        args = [
            np.broadcast_to(x, (2, 2, 2, 3))[where]
            for x in (fail, repair, outage, coverage)
        ]
        one = pair(*(float(a) for a in args))
        for name, value in measures(one).items():
            assert whole[name][where] == pytest.approx(value, rel=1e-13, abs=0), name
        for state, p in one.steady_state().items():
            assert shares[state][where] == pytest.approx(p, rel=1e-13, abs=0)


@settings(max_examples=20)
@given(
    st.floats(1e-9, 1e3), st.floats(1e-9, 1e3), st.floats(1e-3, 1e6), st.floats(0, 1)
)
def test_the_formula_is_the_number(fail, repair, outage, coverage):
    values = dict(zip(FORMULA_SYMBOLS, (fail, repair, outage, coverage), strict=True))
    chain = pair(fail, repair, outage, coverage)
    exactly = {s: sympy.Rational(Fraction(v)) for s, v in values.items()}
    for name in ("unavailability", "mttf", "failure_frequency"):
        wanted = getattr(FORMULA, name).subs(exactly).evalf(30)
        assert getattr(chain, name) == pytest.approx(float(wanted), rel=1e-11)


FORMULA_SYMBOLS = sympy.symbols("fail repair outage coverage", positive=True)
FORMULA = pair(*FORMULA_SYMBOLS, stuck=sympy.Integer(1800))


def test_the_formula_is_factored():
    f, r = sympy.symbols("f r", positive=True)
    chain = Chain({(2, 1): 2 * f, (1, 2): r, (1, 0): f, (0, 1): r}, {2, 1})
    assert chain.unavailability == 2 * f**2 / (2 * f**2 + 2 * f * r + r**2)
    assert chain.mttf == (3 * f + r) / (2 * f**2)
    assert chain.mean_downtime == 1 / r
    assert chain.steady_state()[2] == r**2 / (2 * f**2 + 2 * f * r + r**2)
    assert chain.reward(lambda state: state) == sympy.factor(
        (2 * r**2 + 2 * f * r) / (2 * f**2 + 2 * f * r + r**2)
    )
    assert sympy.simplify(chain.sensitivity()[1, 2] - _slope(f, r)) == 0


def _slope(f, r):
    """Derivative by the repair rate of one edge, with the other held."""
    x = sympy.Symbol("x", positive=True)
    other = 2 * f**2 / (2 * f**2 + 2 * f * r + x * r)
    return sympy.diff(other, x).subs(x, r)


def test_exact_fractions_and_many_digits_pass_through():
    exactly = pair(Fraction(1, 10**6), Fraction(1, 1000), 30, Fraction(9, 10), 1800)
    floats = pair(1e-6, 1e-3)
    assert isinstance(exactly.unavailability, Fraction | float)
    assert float(exactly.unavailability) == pytest.approx(floats.unavailability, 1e-14)
    with mpmath.workdps(40):
        many = pair(mpmath.mpf("1e-6"), mpmath.mpf("1e-3"), mpmath.mpf(30))
        assert float(many.unavailability) == pytest.approx(floats.unavailability, 1e-14)


def test_perfect_and_useless_coverage_are_limits():
    always = pair(1e-6, 1e-3, coverage=1.0)
    assert "stuck" not in always.states
    assert always.unavailability == pytest.approx(
        pair(1e-6, 1e-3, coverage=1 - 1e-14).unavailability, rel=1e-10
    )
    never = pair(1e-6, 1e-3, coverage=0.0)
    assert "switching" not in never.states
    assert never.mttf == pytest.approx(1e6)


def test_an_instant_certain_failover_is_the_parallel_pair():
    """Nobody is seen in `switching`; what remains is two units, one crew."""
    chain = pair(1e-6, 1e-3, outage=0.0, coverage=1.0)
    f, r = 1e-6, 1e-3
    both = r * r + 2 * f * r + 2 * f * f
    assert chain.unavailability == pytest.approx(2 * f * f / both, rel=1e-14)
    assert chain.mttf == pytest.approx((3 * f + r) / (2 * f * f), rel=1e-14)
    assert chain.mean_downtime == pytest.approx(1 / r, rel=1e-14)
    assert chain.steady_state()["switching"] == 0.0
    nearly = pair(1e-6, 1e-3, outage=1e-9, coverage=1.0)
    assert nearly.unavailability == pytest.approx(chain.unavailability, rel=1e-6)


def test_instant_ways_share_by_proportion():
    def moves(state):
        if state == "up":
            yield "deciding", 0.1
        elif state == "deciding":
            yield "restart", 0.75 * INSTANT
            yield "rebuild", 0.25 * INSTANT
            yield "up", 5.0  # never wins against no time at all
        else:
            yield "up", 1.0 if state == "restart" else 0.1

    chain = Chain.explore("up", moves, up={"up"})
    assert chain.unavailability == pytest.approx(
        (0.75 + 2.5) * 0.1 / (1 + (0.75 + 2.5) * 0.1)
    )
    assert chain.mttf == pytest.approx(10.0)
    assert chain.unavailability_at(1e6) == pytest.approx(chain.unavailability)
    assert chain.transient(3.0)["deciding"] == 0.0


def test_states_that_only_lead_to_each_other_at_once_are_refused():
    rates = {("a", "b"): 1.0, ("b", "c"): INSTANT, ("c", "b"): INSTANT}
    with pytest.raises(ImmediateLoopError, match="time would stand still"):
        Chain(rates, {"a"})
    with pytest.raises(ValueError, match="start state is left at once"):
        Chain({("a", "b"): INSTANT, ("b", "a"): 1.0}, {"a"})
    with pytest.raises(ValueError, match="two infinite rates"):
        Chain({("a", "b"): 1.0, ("b", "a"): np.inf, ("b", "c"): np.inf}, {"a"})


def test_one_infinite_rate_is_at_once():
    slow = {("a", "b"): 1.0, ("b", "c"): np.inf, ("b", "a"): 7.0, ("c", "a"): 2.0}
    chain = Chain(slow, {"a"})
    assert chain.unavailability == pytest.approx(1 / 3)
    array = Chain(slow | {("b", "c"): np.array([np.inf, 1.0])}, {"a"})
    assert array.unavailability[0] == pytest.approx(1 / 3)


def test_an_absorbing_chain_has_a_lifetime():
    chain = Chain({("new", "worn"): 0.1, ("worn", "dead"): 0.5}, {"new", "worn"})
    assert chain.mttf == pytest.approx(12.0)
    assert chain.unavailability == 1.0
    assert chain.availability == 0.0
    assert chain.failure_frequency == 0.0
    assert chain.mean_downtime == np.inf
    assert chain.steady_state() == {"new": 0.0, "worn": 0.0, "dead": 1.0}


def test_several_ends_are_weighed_by_their_probability():
    """A repair that may condemn the node, or keep it for good."""
    rates = {
        ("new", "broken"): 0.1,
        ("broken", "scrap"): 1.0,
        ("broken", "hardened"): 3.0,
        ("hardened", "pause"): 0.2,
        ("pause", "hardened"): 0.2,
    }
    chain = Chain(rates, {"new", "hardened"})
    shares = chain.steady_state()
    assert shares["scrap"] == pytest.approx(0.25)
    assert shares["hardened"] == shares["pause"] == pytest.approx(0.375)
    assert chain.unavailability == pytest.approx(0.625)
    with pytest.raises(ValueError, match="one closed class"):
        chain.sensitivity()


def test_what_never_fails():
    chain = Chain({("a", "b"): 1.0, ("b", "a"): 1.0}, {"a", "b"})
    assert measures(chain) == {
        "unavailability": 0.0,
        "availability": 1.0,
        "mttf": np.inf,
        "failure_frequency": 0.0,
        "mean_downtime": 0.0,
    }
    escape = Chain({("a", "safe"): 1.0, ("a", "down"): 1.0}, {"a", "safe"})
    assert escape.mttf == np.inf
    assert Chain({}, {"only"}, start="only").availability == 1.0
    assert Chain({("a", "b"): 1.0}, {"b"}).mttf == 0.0


class Node(NamedTuple):
    working: int
    waiting: bool


def test_states_may_be_named_tuples_and_up_a_function():
    def moves(node):
        if node.working:
            yield node._replace(working=node.working - 1, waiting=True), 0.1
        if node.waiting:
            yield Node(2, waiting=False), 1.0

    chain = Chain.explore(Node(2, waiting=False), moves, up=lambda n: n.working >= 1)
    assert chain.states[0].working == 2
    assert chain.reward(lambda n: n.working) < 2
    assert 0 < chain.unavailability < 0.01


def test_moves_to_the_same_state_add_up_and_to_itself_are_none():
    def moves(state):
        yield 1 - state, 0.25
        yield 1 - state, np.array([0.25, 0.75])
        yield state, 99.0

    chain = Chain.explore(0, moves, up={0})
    assert chain.rates[0, 1] == pytest.approx([0.5, 1.0])
    assert chain.unavailability == pytest.approx([0.5, 0.5])


def test_lists_are_arrays_and_nothing_given_is_modified():
    fail = np.array([0.1, 0.2])
    fail.setflags(write=False)
    chain = Chain({("a", "b"): fail, ("b", "a"): [1.0, 0.0]}, {"a"})
    chain.steady_state()
    chain.sensitivity()
    assert chain.unavailability == pytest.approx([0.1 / 1.1, 1.0])
    assert fail.tolist() == [0.1, 0.2]
    with pytest.raises(TypeError):
        chain.rates["a", "b"] = 1.0


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (-1.0, "got -1.0"),
        (float("nan"), "got nan"),
        (np.array([1.0, -2.0]), "got -2.0"),
        (np.array([1.0, np.nan]), "got nan"),
        (sympy.Integer(-3), "got -3"),
        ("fast", "got fast"),
        (None, "got None"),
        (True, "got True"),
        (np.array(["x"]), "got"),
        (np.array([]), "got"),
    ],
)
def test_an_impossible_rate_names_its_transition(rate, shown):
    with pytest.raises(ValueError, match="the rate from 'a' to 'b' must be >= 0") as e:
        Chain({("a", "b"): rate, ("b", "a"): 1.0}, {"a"})
    assert shown in str(e.value)


def test_impossible_chains_are_refused():
    with pytest.raises(ValueError, match="rates must name at least one transition"):
        Chain({}, {"a"})
    with pytest.raises(ValueError, match="start must be one of the states, got 'c'"):
        Chain({("a", "b"): 1.0}, {"a"}, start="c")
    with pytest.raises(ValueError, match="up must be a collection of states"):
        Chain({("a", "b"): 1.0}, "a")
    with pytest.raises(ValueError, match="limit must be at least the states, > 50"):
        Chain.explore(0, lambda k: [(k + 1, 1.0)], up={0}, limit=50)


def test_a_rare_start_is_no_danger():
    """The start is 1e500 times rarer than the end: weights would overflow."""
    rates = {(k, k + 1): 1e10 for k in range(50)} | {(k + 1, k): 1.0 for k in range(50)}
    chain = Chain(rates, {49, 50})
    assert chain.availability == pytest.approx(1.0)
    assert chain.steady_state()[48] == pytest.approx(1e-20, rel=1e-9)
    arrays = {p: np.array([r, r]) for p, r in rates.items()}
    assert Chain(arrays, {49, 50}).steady_state()[48] == pytest.approx(
        [1e-20] * 2, 1e-9
    )
    slopes = chain.sensitivity()
    assert all(np.isfinite(v) for v in slopes.values())


def test_text_for_people():
    chain = pair(1e-6, 1e-3)
    assert repr(chain) == ("Chain of 5 states (2 up) and 8 transitions, from 'both'")
    html = chain._repr_html_()
    assert "switching" in html
    assert "long-run probability" in html
    sweep = pair(np.array([1e-6, 1e-5]), 1e-3)
    assert "(2,) scenarios" in repr(sweep)
    assert ".." in sweep._repr_html_()
    assert "coverage" in FORMULA._repr_html_()
    large = Chain({(k, k + 1): 1.0 for k in range(40)} | {(40, 0): 1.0}, {0})
    assert "11 more" in large._repr_html_()
