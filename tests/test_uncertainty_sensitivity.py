"""Tornado, elasticities and shares of the variance, each beside what is known."""

import sys

import numpy as np
import pytest
import sympy

from hamodel._fields import replaced, value_at
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    Node,
    SinglePrimary,
    Site,
)
from hamodel.assessment import Measure, assess
from hamodel.failover import Failover
from hamodel.uncertainty import (
    _tornado,
    beta,
    draws,
    elasticities,
    gamma,
    indices,
    lognormal,
    sobol,
    tornado,
    uniform,
)
from hamodel.units import HOUR, MONTH
from hamodel.workload import Workload

NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
FAST = Failover(detection=10, promotion=20, redirection=5, coverage=0.99)
PAIR = ActivePassive(database=NODE, failover=FAST)
FAMILY = (
    SinglePrimary(database=NODE),
    PAIR,
    ActivePassive(database=NODE, failover=FAST, site=Site(mttf=1e8, mttr=1e4)),
    ActiveActive(database=NODE, failover=FAST),
    Majority(database=NODE, failover=FAST, site=Site(mttf=1e8, mttr=1e4)),
    Leaderless(database=NODE, failover=FAST),
)
KNOWN = {
    "failover.promotion": uniform(10, 60),
    "database.mttf": gamma(events=3, during=26 * MONTH),
    "failover.coverage": beta(12, 12),
}


# ---- elasticities ------------------------------------------------------------------


def _down(spec):
    return assess(spec).write.unavailability


def test_elasticities_are_those_of_the_formula():
    """The same architecture, read as a formula and differentiated by SymPy."""
    names = [
        "database.mttf",
        "database.mttr",
        "failover.promotion",
        "failover.coverage",
    ]
    symbols = sympy.symbols("f r t c", positive=True)
    formula = _down(replaced(PAIR, dict(zip(names, symbols, strict=True))))
    point = [value_at(PAIR, name) for name in names]
    at = {s: sympy.Rational(str(x)) for s, x in zip(symbols, point, strict=True)}
    found = elasticities(PAIR, None, names)
    for name, symbol in zip(names, symbols, strict=True):
        exact = float((formula.diff(symbol) * symbol / formula).subs(at))
        assert found.elasticity[name] == pytest.approx(exact, rel=1e-11), name
        slope = float(formula.diff(symbol).subs(at))
        assert found.derivative[name] == pytest.approx(slope, rel=1e-11), name
    order = [abs(e) for e in found.elasticity.values()]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("spec", FAMILY, ids=lambda spec: type(spec).__name__)
def test_elasticities_agree_with_differences_everywhere(spec):
    names = ["database.mttf", "database.mttr", "site.mttr"]
    if not isinstance(spec, SinglePrimary):
        names += ["failover.detection", "failover.coverage"]
    found = elasticities(spec, None, names)
    for name in names:
        x, h = value_at(spec, name), 1e-4
        up, down = (_down(replaced(spec, {name: x * (1 + s * h)})) for s in (1, -1))
        rough = (up - down) / (2 * h * _down(spec))
        assert found.elasticity[name] == pytest.approx(rough, rel=1e-3, abs=1e-6), name


def test_the_workload_has_elasticities_too():
    load = Workload(transfer_price=0.01)
    names = ["database.cost", "workload.transfer_price"]
    found = elasticities(PAIR, load, names, quantity="cost")
    free = assess(PAIR, Workload()).cost.total
    assert found.elasticity["database.cost"] == pytest.approx(free / found.value)
    assert sum(found.elasticity.values()) == pytest.approx(1)  # nothing else costs


def _cast(of):
    return float(np.asarray(of.write.unavailability)[()])


def test_a_derivative_that_was_cut_off_is_not_read_as_none(monkeypatch):
    """Casting to a real number would leave a slope of 0; NumPy only warns of it."""
    bad = Measure(name="bad", unit="", label="bad", of=_cast, arrays=True)
    monkeypatch.setattr(_tornado, "MEASURES", {"bad": bad})
    with pytest.raises(ValueError, match="that of bad has none"):
        elasticities(PAIR, None, ["promotion"], quantity="bad")


@pytest.mark.parametrize(
    ("names", "quantity", "words"),
    [
        ([], "write_unavailability", "names must name at least one parameter"),
        (["promotoin"], "write_unavailability", "did you mean 'failover.promotion'"),
        (["sites"], "write_unavailability", "sites must be a number to be varied"),
        (["site.mttf"], "write_unavailability", "site.mttf must be finite, got inf"),
        (["promotion"], "rto_p95", "that of rto_p95 has none"),
        (["promotion"], "rto_p59", "quantity must be one of"),
    ],
)
def test_slopes_that_cannot_be(names, quantity, words):
    with pytest.raises(ValueError, match=words):
        elasticities(PAIR, None, names, quantity=quantity)


def test_slopes_and_draws_agree_where_little_is_unknown():
    """The delta method: variance is the sum of squared slopes times variances."""
    known = {
        "database.mttf": lognormal(2000 * HOUR, 0.01),
        "database.mttr": lognormal(4 * HOUR, 0.01),
        "failover.coverage": uniform(0.9899, 0.9901),
    }
    spreads = np.array([20 * HOUR, 0.04 * HOUR, 0.0002 / np.sqrt(12)])
    slopes = elasticities(PAIR, None, known).derivative
    delta = np.sqrt(np.sum((np.array([slopes[n] for n in known]) * spreads) ** 2))
    n = 20_000
    found = draws(PAIR, None, known, n, np.random.default_rng(4)).write_unavailability
    # five standard errors of a standard deviation, and the curvature
    assert float(found.std()) == pytest.approx(delta, rel=5 / np.sqrt(2 * n) + 0.005)


# ---- tornado -----------------------------------------------------------------------


def test_bars_are_assessments_at_the_quantiles():
    found = tornado(PAIR, None, KNOWN, level=0.8)
    middle = {name: belief.median for name, belief in KNOWN.items()}
    assert found.middle == pytest.approx(
        assess(replaced(PAIR, middle)).write.minutes_per_year
    )
    assert {bar.name for bar in found.bars} == {n.replace(".", "__") for n in KNOWN}
    for bar in found.bars:
        name = bar.name.replace("__", ".")
        low, high = KNOWN[name].quantile([0.1, 0.9])
        assert (bar.low, bar.high) == pytest.approx((low, high))
        for value, answer in ((low, bar.at_low), (high, bar.at_high)):
            alone = assess(replaced(PAIR, middle | {name: value}))
            assert answer == pytest.approx(alone.write.minutes_per_year)
    widths = [bar.width for bar in found.bars]
    assert widths == sorted(widths, reverse=True)
    assert found.bars[0].name == "failover__coverage"
    assert "failover__promotion" in repr(found)
    assert "failover__promotion" in found._repr_html_()


def test_tornado_of_a_percentile():
    found = tornado(PAIR, None, {"promotion": uniform(0, 100)}, quantity="rto_p95")
    (bar,) = found.bars
    assert (bar.at_low, bar.at_high) == pytest.approx((15 + 5, 15 + 95))
    assert (found.middle, found.unit, bar.unit) == (65, "s", "s")


def test_tornados_that_cannot_be():
    with pytest.raises(ValueError, match="beliefs must name at least one"):
        tornado(PAIR, None, {})
    with pytest.raises(ValueError, match="quantity must be one of"):
        tornado(PAIR, None, KNOWN, quantity="nines")
    with pytest.raises(ValueError, match="level must be in"):
        tornado(PAIR, None, KNOWN, level=1)


# ---- Sobol indices -----------------------------------------------------------------


def test_indices_of_the_ishigami_function():
    """Closed form: T. Ishigami and T. Homma (1990), with a = 7 and b = 0.1."""
    a, b = 7.0, 0.1

    def ishigami(p):
        x, y, z = (np.pi * (2 * p - 1)).T
        return np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)

    one = (1 + b * np.pi**4 / 5) ** 2 / 2
    two, both = a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole = one + two + both
    found = indices(ishigami, ["x", "y", "z"], 4096, np.random.default_rng(1))
    first, total = (one, two, 0), (one + both, two, both)
    assert found["first"].values == pytest.approx(np.array(first) / whole, abs=0.02)
    assert found["total"].values == pytest.approx(np.array(total) / whole, abs=0.02)
    assert np.all(found["first_error"].values < 0.1)


def test_indices_of_a_sum_are_shares_of_variances():
    weights = np.array([1.0, 2.0, 4.0])
    found = indices(lambda p: p @ weights, list("abc"), 1024, np.random.default_rng(2))
    expected = weights**2 / np.sum(weights**2)
    assert found["first"].values == pytest.approx(expected, abs=0.01)
    assert found["total"].values == pytest.approx(expected, abs=0.01)
    still = indices(lambda p: 0 * p[:, 0], ["a"], 8, np.random.default_rng(2))
    assert still["total"].values.tolist() == [0]


def test_indices_of_an_architecture():
    """Minutes are linear in the promotion: c / MTTF of its share, and nothing more."""
    known = {
        "failover.promotion": uniform(10, 60),
        "failover.detection": uniform(0, 25),
    }
    found = sobol(PAIR, None, known, 256, np.random.default_rng(3))
    squares = np.array([50.0**2, 25.0**2])
    expected = squares / squares.sum()
    assert found["first"].values == pytest.approx(expected, abs=0.02)
    assert found.parameter.values.tolist() == [
        "failover__promotion",
        "failover__detection",
    ]
    most = sobol(PAIR, None, KNOWN, 512, np.random.default_rng(3))
    assert float(most["total"].sum()) > 1  # what they do together counts for each
    assert most["total"].idxmax() == "failover__coverage"


def test_indices_that_cannot_be(monkeypatch):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n must be a power of two, got 100"):
        sobol(PAIR, None, KNOWN, 100, rng)
    with pytest.raises(ValueError, match="rng must be a Generator, got 1"):
        sobol(PAIR, None, KNOWN, 128, 1)
    with pytest.raises(ValueError, match="answer must be finite, got inf"):
        indices(lambda p: np.inf + p[:, 0], ["a"], 8, rng)
    monkeypatch.setitem(sys.modules, "SALib.sample.sobol", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'hamodel\[sobol\]'"):
        sobol(PAIR, None, KNOWN, 128, rng)
