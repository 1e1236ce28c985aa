"""Derivatives, answers for a time, identical units, products and other tools."""

import importlib.util
import re

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import Chain, markov
from hamodel.chain import k_of_n, sensitivity_to
from hamodel.units import HOUR
from tests.support.chains import after, nearly_decomposable, stiff


def chain_of(rates, up):
    return Chain({(int(i), int(j)): rates[i, j] for i, j in np.argwhere(rates)}, up)


SETS = {
    "stiff 8": (lambda rng: stiff((1, 1, 1), rng), {0, 1, 2}),
    "stiff 20": (lambda rng: stiff((9, 1), rng), {0, 1, 2}),
    "stiff 50": (lambda rng: stiff((9, 4), rng), {0, 1, 2, 5}),
    "nearly decomposable 8": (lambda rng: nearly_decomposable(8, rng), {0, 1, 5}),
}


@pytest.mark.parametrize("name", SETS)
def test_derivatives_agree_with_the_complex_step(name):
    """At most 1e-12 of the largest elasticity off, for every rate."""
    make, up = SETS[name]
    rates = make(np.random.default_rng(17))
    chain = chain_of(rates, up)
    slopes = chain.sensitivity()
    scale = max(abs(slopes[pair] * rate) for pair, rate in chain.rates.items())
    assert scale > 0
    for pair, rate in list(chain.rates.items())[:: max(1, len(slopes) // 20)]:
        stepped = dict(chain.rates) | {pair: complex(rate, rate * 1e-25)}
        step = Chain(stepped, up, start=0).unavailability.imag / 1e-25
        assert abs(slopes[pair] * rate - step) <= 1e-12 * scale


def test_elasticities_of_rates_sum_to_nothing():
    """A change of the unit of time changes no probability (Euler's theorem)."""
    chain = chain_of(stiff((9, 1), np.random.default_rng(2)), {0, 1, 2})
    shares = [s * chain.rates[p] for p, s in chain.sensitivity().items()]
    assert abs(sum(shares)) <= 1e-12 * max(map(abs, shares))


def test_derivatives_of_a_sweep_are_those_of_its_scenarios():
    fail, repair = np.array([1e-6, 1e-3, 0.0]), np.array([[1e-2], [1.0]])
    rates = {(2, 1): 2 * fail, (1, 2): repair, (1, 0): fail, (0, 1): 2 * repair}
    slopes = Chain(rates, {2, 1}).sensitivity()
    for where in np.ndindex(2, 2):
        f, r = fail[where[1]], repair[where[0], 0]
        one = {(2, 1): 2 * f, (1, 2): r, (1, 0): f, (0, 1): 2 * r}
        for pair, slope in Chain(one, {2, 1}).sensitivity().items():
            assert slopes[pair][where] == pytest.approx(slope, rel=1e-12, abs=0)


def test_the_derivative_at_zero_is_the_one_from_above():
    """At coverage 1 an uncovered failure costs its whole repair."""

    def build(uncovered):
        rates = {("up", "stuck"): uncovered, ("stuck", "up"): np.array(0.01) + 0.0}
        rates |= {("up", "short"): 1e-3, ("short", "up"): 1.0}
        return Chain(rates, {"up"})

    slope = build(np.array([0.0, 1e-12])).sensitivity()["up", "stuck"]
    assert slope[0] == pytest.approx(slope[1], rel=1e-8)
    assert slope[0] == pytest.approx(100 / (1.001) ** 2, rel=1e-12)


def test_transient_states_have_no_influence():
    rates = {("x", "a"): 1.0, ("a", "b"): 1.0, ("b", "a"): 1.0}
    slopes = Chain(rates, {"a"}).sensitivity()
    assert slopes["x", "a"] == 0.0
    assert slopes["a", "b"] == pytest.approx(0.25)


def model(fail, repair, outage, coverage):
    rates = {
        ("both", "switching"): fail * coverage,
        ("both", "stuck"): fail * (1 - coverage),
        ("switching", "one"): after(outage),
        ("stuck", "one"): 1 / 3000.0,
        ("one", "both"): repair,
        ("one", "none"): fail,
        ("none", "one"): repair,
    }
    return Chain(rates, {"both", "one"}, start="both")


def test_parameters_agree_with_the_rates_by_the_chain_rule():
    point = {"fail": 1e-6, "repair": 1e-3, "outage": 30.0, "coverage": 0.9}
    found = sensitivity_to(model, point)
    slopes = model(**point).sensitivity()
    by_fail = 0.9 * slopes["both", "switching"] + 0.1 * slopes["both", "stuck"]
    assert found.derivative["fail"] == pytest.approx(
        by_fail + slopes["one", "none"], rel=1e-12
    )
    by_coverage = slopes["both", "switching"] - slopes["both", "stuck"]
    assert found.derivative["coverage"] == pytest.approx(1e-6 * by_coverage, rel=1e-12)
    assert found.value == model(**point).unavailability
    assert next(iter(found.elasticity)) == "coverage"
    assert "coverage" in repr(found)
    assert "<td>" in found._repr_html_()


def test_parameters_of_another_answer_and_of_a_sweep():
    point = {"fail": 1e-6, "repair": 1e-3, "outage": 30.0, "coverage": 1.0}
    life = sensitivity_to(model, point, lambda chain: chain.mttf)
    assert life.elasticity["fail"] == pytest.approx(-1.0)
    assert life.derivative["repair"] == 0.0
    at_one = sensitivity_to(model, point).derivative["coverage"]
    nearly = sensitivity_to(model, point | {"coverage": 1 - 1e-9})
    assert at_one == pytest.approx(nearly.derivative["coverage"], rel=1e-6)
    grid = np.array([1e-6, 1e-5])
    sweep = sensitivity_to(model, point | {"fail": grid})
    assert sweep.elasticity["fail"].shape == (2,)
    one = sensitivity_to(model, point | {"fail": 1e-5})
    assert sweep.elasticity["fail"][1] == pytest.approx(one.elasticity["fail"])
    still = sensitivity_to(model, point | {"fail": 0.0})
    assert still.elasticity["repair"] == 0.0
    assert ".." in repr(sweep)


def test_answers_for_a_time_are_the_kernels():
    rates = np.array([[0, 0.2, 0], [1.0, 0, 0.1], [0, 0.7, 0]])
    chain = chain_of(rates, {0, 1})
    t, x, start = [0.0, 1.0, 5.0], [0.0, 0.5, 2.0], [1, 0, 0]
    now = markov.transient(rates, start, t)
    for state, values in chain.transient(t).items():
        assert values == pytest.approx(now[:, state], rel=1e-14)
    assert chain.unavailability_at(t) == pytest.approx(now[:, 2])
    assert chain.first_passage_cdf(t) == pytest.approx(
        markov.first_passage_cdf(rates, start, [2], t)
    )
    assert chain.first_passage_cdf(t, {1}) == pytest.approx(
        -np.expm1(-0.2 * np.array(t))
    )
    assert chain.interval_unavailability(t) == pytest.approx(
        markov.interval_unavailability(rates, start, [2], t)
    )
    assert chain.accumulated_reward(lambda s: s, t) == pytest.approx(
        markov.accumulated_reward(rates, start, [0, 1, 2], t)
    )
    assert chain.downtime_cdf(20.0, x) + chain.downtime_sf(20.0, x) == pytest.approx(1)
    assert chain.downtime_cdf(20.0, 2.0) == pytest.approx(
        markov.downtime_cdf(rates, start, [2], 20.0, [2.0])[0]
    )
    for value in (chain.unavailability_at(1.0), chain.downtime_sf(20.0, 1.0)):
        assert type(value) is float


def test_a_sweep_at_a_time_is_its_scenarios_also_where_states_vanish():
    outage, coverage = np.array([0.0, 2.0])[:, None], np.array([0.5, 1.0])
    sweep = model(0.01, 0.2, outage + np.zeros(2), coverage)
    t = [1.0, 9.0]
    found = sweep.unavailability_at(t)
    shares = sweep.transient(t)
    years = sweep.downtime_sf(50.0, [0.0, 3.0])
    assert found.shape == years.shape == (2, 2, 2)
    assert shares["stuck"].shape == (2, 2, 2)
    for i, j in ((1, 0), (1, 1)):
        one = model(0.01, 0.2, float(outage[i, 0]), float(coverage[j]))
        assert found[i, j] == pytest.approx(one.unavailability_at(t), rel=1e-12)
        assert years[i, j] == pytest.approx(one.downtime_sf(50.0, [0.0, 3.0]), rel=1e-9)
    assert np.all(shares["switching"][0] == 0)


def test_answers_for_a_time_need_numbers():
    symbol = sympy.Symbol("f")
    with pytest.raises(ValueError, match="rates must be real numbers"):
        Chain({("a", "b"): symbol, ("b", "a"): 1}, {"a"}).transient([1.0])


def test_the_year_of_a_large_chain():
    chain = k_of_n(400, 398, fail=1e-7, repair=1e-2, crews=4)
    assert chain.interval_unavailability(1e4) == pytest.approx(
        chain.unavailability, rel=0.05
    )


def test_identical_units_are_lumped():
    """Against all 2^4 states, named by hand."""
    fail, repair, crews = 0.01, 0.3, 2

    def moves(state):
        broken = [k for k in range(4) if not state[k]]
        for k in range(4):
            flipped = (*state[:k], not state[k], *state[k + 1 :])
            if state[k]:
                yield flipped, fail
            else:
                yield flipped, repair * min(crews, len(broken)) / len(broken)

    full = Chain.explore((True,) * 4, moves, up=lambda s: sum(s) >= 3)
    lumped = k_of_n(4, 3, fail=fail, repair=repair, crews=crews)
    assert len(full.states) == 16
    assert len(lumped.states) == 5
    for name in ("unavailability", "mttf", "failure_frequency", "mean_downtime"):
        assert getattr(full, name) == pytest.approx(getattr(lumped, name), rel=1e-12)


@given(st.integers(1, 6), st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.data())
def test_units_with_their_own_crews_are_binomial(n, fail, repair, data):
    from scipy.stats import binom

    k = data.draw(st.integers(1, n))
    chain = k_of_n(n, k, fail=fail, repair=repair, crews=n)
    wanted = binom.cdf(k - 1, n, repair / (fail + repair))
    assert chain.unavailability == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0, "k": 1}, "n must be a whole number >= 1, got 0"),
        ({"n": 3, "k": 4}, r"k must be in \[1, 3\], got 4"),
        ({"n": 3, "k": 2, "crews": 0}, "crews must be a whole number >= 1, got 0"),
    ],
)
def test_impossible_numbers_of_units_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        k_of_n(**arguments, fail=1.0, repair=1.0)


THREE = {("ok", "slow"): 1e-7, ("slow", "ok"): 0.25, ("slow", "down"): 0.5}
PRISM = Chain(THREE | {("down", "ok"): 2}, {"ok", "slow"})


def test_prism_text_can_be_read_back():
    """A small reader of our own rebuilds the matrix and finds the same answer."""
    text = PRISM.to_prism()
    rates = np.zeros((3, 3))
    pattern = r"\[\] s=(\d+) -> (\S+) : \(s'=(\d+)\);"
    for here, rate, goal in re.findall(pattern, text):
        rates[int(here), int(goal)] += float(rate)
    assert 'label "down" = s=2;' in text
    assert markov.steady_state(rates)[2] == PRISM.unavailability


def test_prism_knows_no_instant():
    with pytest.raises(ValueError, match="ordinary size for PRISM"):
        model(1e-6, 1e-3, 0.0, 0.9).to_prism()


def test_prism_text_with_symbols_and_without_numbers():
    f, r = sympy.symbols("fail repair", positive=True)
    text = Chain({("a", "b"): f**2 + f, ("b", "a"): r / 2}, {"a"}).to_prism()
    assert "const double fail;\nconst double repair;" in text
    assert "(pow(fail, 2) + fail)" in text
    assert "((1.0/2.0)*repair)" in text
    with pytest.raises(ValueError, match="rates must be numbers or expressions"):
        Chain({("a", "b"): np.array([1.0, 2.0]), ("b", "a"): 1.0}, {"a"}).to_prism()
    with pytest.raises(ValueError, match="a symbol must be a PRISM identifier"):
        Chain({("a", "b"): sympy.Symbol("x y"), ("b", "a"): 1}, {"a"}).to_prism()


@pytest.mark.skipif(
    importlib.util.find_spec("stormpy") is None, reason="stormpy is not installed"
)
def test_storm_agrees(tmp_path):
    import stormpy

    path = tmp_path / "chain.prism"
    path.write_text(PRISM.to_prism())
    program = stormpy.parse_prism_program(str(path), prism_compatibility=True)
    (formula,) = stormpy.parse_properties('LRA=? ["down"]', program)
    built = stormpy.build_model(program, [formula])
    found = stormpy.model_checking(built, formula)
    found = found.get_value(built.initial_states[0])
    assert found == pytest.approx(PRISM.unavailability, rel=1e-5)


def test_the_distribution_of_a_year_of_8766_hours():
    """Figures computed elsewhere from the series of Poisson and gamma terms."""
    node = Chain({("up", "down"): 1 / (2000 * HOUR), ("down", "up"): 2 / HOUR}, {"up"})
    found = node.downtime_cdf(8766 * HOUR, [0.0, 900.0, 3156.0, 7200.0, 20_000.0])
    assert found == pytest.approx(
        [0.012488, 0.047737, 0.191919, 0.517734, 0.970529], abs=6e-7
    )
