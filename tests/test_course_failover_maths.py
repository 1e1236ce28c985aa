"""Lesson 04 shows what the package computes, and what was worked out on paper."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, text
from hamodel.replication import Replication
from hamodel.units import HOUR, MINUTE, YEAR
from lessons import failover_maths as four
from lessons import shop

PER_YEAR = YEAR / MINUTE
ASYNC = Replication()


@pytest.fixture
def explorer():
    return four.lesson.explore()


def by_hand(mttf, mttr, failover, coverage):
    """Return the three causes in minutes a year, from balance equations on paper."""
    load, c = mttr / mttf, coverage / 100
    parts = c * failover / (mttf * HOUR), (1 - c) * load, 2 * load**2
    return [part / (1 + 2 * load + sum(parts)) * PER_YEAR for part in parts]


@given(st.floats(100, 1e5), st.floats(0.5, 48), st.floats(1, 600), st.floats(0, 100))
def test_the_model_is_what_paper_says(mttf, mttr, failover, coverage):
    found = four.pair(mttf=mttf, mttr=mttr, failover=failover, coverage=coverage)
    paper = by_hand(mttf, mttr, failover, coverage)
    assert four.causes(found) == pytest.approx(paper, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize(
    ("preset", "system"),
    [("Patroni", "postgresql-patroni"), ("Managed, if async", "managed-multi-zone")],
)
def test_products_come_from_the_catalogue(explorer, preset, system):
    explorer.apply(preset)
    product = replace(catalogue.system(system).architecture(), replication=ASYNC)
    shown, whole = explorer.result, product.minutes_per_year
    assert shown.failover.manual == product.failover.manual
    # The lesson leaves out how soon a failed standby is found, and how writes reach it.
    assert shown.minutes_per_year == pytest.approx(whole, rel=1e-3)


def drawn(explorer):
    """Return {words: (left, right) of the bar in the same row} of the picture."""
    rects = re.findall(
        r'<rect x="170" y="([\d.]+)" width="([\d.]+)" height="17"', explorer.svg
    )
    return [float(wide) for _, wide in rects]


def test_bars_end_where_their_minutes_are(explorer):
    for setting in ({}, {"mttf": 100, "mttr": 48, "coverage": 0}, {"coverage": 100}):
        explorer.reset()
        explorer.set(**setting)
        amounts = [*four.causes(explorer.result), explorer.result.minutes_per_year]
        ends = [four.MINUTES(a) - 170 for a in amounts if a > 0.01]
        assert drawn(explorer) == pytest.approx(ends, abs=0.06)
        assert max(amounts) < four.MINUTES.high, "the axis holds every setting"


def test_the_axis_holds_the_worst_corner(explorer):
    explorer.set(mttf=100, mttr=48, failover=600, coverage=0)
    assert explorer.result.minutes_per_year < four.MINUTES.high


def test_the_token_goes_where_the_chain_goes():
    found = four.pair()
    moves = {(a.nodes, b.nodes) for a, b in found.chain().rates}
    for year in range(1, 21):
        path = [name for name, *_ in four.played(found, year)]
        states = ["none" if name == "stuck" else name for name in path]
        assert set(itertools.pairwise(states)) <= moves


def test_played_years_have_the_shares_of_the_long_run():
    """A thousand years, stay by stay, against the balance on paper."""
    found = four.pair(failover=600, coverage=90)
    names = ("switching", "stuck", "none")
    spent = dict.fromkeys((*names, "both", "one"), 0.0)
    for year in range(1000):
        for name, begin, left in four.played(found, year):
            spent[name] += left - begin
    shares = [spent[name] / sum(spent.values()) * PER_YEAR for name in names]
    over, failed, both = by_hand(2000, 4, 600, 90)
    assert shares[0] == pytest.approx(over, rel=0.1)
    assert shares[1] == pytest.approx(failed, rel=0.15)
    assert shares[2] == pytest.approx(both, rel=0.5)


def piled(explorer):
    """Return {row: minutes} where the piles of the play end, read off the picture."""
    found = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="8"', explorer.svg
    )
    ends = {}
    for left, top, wide in found:
        row = round((float(top) - 176) / 22)
        ends[row] = max(ends.get(row, 0), float(left) + float(wide))
    return ends


def test_time_piles_up_in_the_bars_as_the_token_goes(explorer):
    explorer.set(coverage=99)
    spent = dict.fromkeys(range(4), 0.0)
    for name, begin, left in four.played(explorer.result, explorer.values["year"]):
        if name in ("switching", "stuck", "none"):
            for row in (("switching", "stuck", "none").index(name), 3):
                spent[row] += (left - begin) / MINUTE
    wanted = {row: four.MINUTES(total) for row, total in spent.items() if total}
    assert piled(explorer) == pytest.approx(wanted, abs=0.2)
    shown = []
    for _ in range(16):
        hidden = re.findall(r'<g [^>]*display="none"', explorer.svg)
        shown.append(len(hidden))
        explorer.step()
    assert shown == sorted(shown, reverse=True), "what has piled up stays"
    assert (shown[0] > 15, shown[-1] <= 2) == (True, True)


def test_the_same_year_with_a_surer_failover_has_nobody_stuck(explorer):
    """As *Try this* promises: the same failures, and one of them costs hours or not."""
    years = {}
    for coverage in (99, 99.9):
        explorer.set(coverage=coverage)
        names = [n for n, *_ in four.played(explorer.result, explorer.values["year"])]
        years[coverage] = [names.count(n) for n in ("switching", "stuck", "one")]
    assert years == {99: [4, 1, 7], 99.9: [5, 0, 7]}


def test_what_to_try_is_what_happens(explorer):
    """Each line of *Try this* in the notebook, done by its buttons."""
    today = four.causes(explorer.result)
    explorer.apply("Faster: 10 s")
    faster = four.causes(explorer.result)
    assert (faster[0] < 0.4 * today[0], faster[1] > 0.99 * today[1]) == (True, True)
    explorer.reset()
    explorer.apply("Surer: 99.9 %")
    surer = four.causes(explorer.result)
    assert surer[1] < 0.11 * today[1]
    assert surer[0] > 0.99 * today[0]
    explorer.apply("Perfect failover")
    over, failed, both = four.causes(explorer.result)
    assert (over < 0.1, failed) == (True, 0)
    assert text.short(both) == "4.2"
    explorer.reset()
    explorer.apply("Person on call")
    usual = explorer.result.minutes_per_year
    explorer.apply("Faster: 10 s")
    saved = usual - explorer.result.minutes_per_year
    explorer.set(failover=30)
    explorer.apply("Surer: 99.9 %")
    assert usual - explorer.result.minutes_per_year == pytest.approx(saved, rel=0.25)


def test_a_preset_leaves_the_others_alone(explorer):
    explorer.apply("Person on call")
    explorer.apply("Faster: 10 s")
    assert explorer.values["rescue"] == four.HALF_AN_HOUR


def test_generator_of_symbols_and_numbers():
    lam, mu, T, c = sympy.symbols("lambda mu T c", positive=True)
    pair = four.pair()
    node = type(pair.database)(mttf=1 / lam, mttr=1 / mu)
    failover = type(pair.failover)(promotion=T, coverage=c)
    chain = type(pair)(database=node, failover=failover).chain()
    wanted = sympy.Matrix(
        [
            [-2 * lam, c * lam, lam, (1 - c) * lam],
            [0, -1 / T, 1 / T, 0],
            [mu, 0, -lam - mu, lam],
            [0, 0, mu, -mu],
        ]
    )
    assert (four.generator(chain) - wanted).applyfunc(sympy.simplify).is_zero_matrix
    at = {lam: 1 / (2000 * HOUR), mu: 1 / (4 * HOUR), T: 30, c: 0.99}
    rates = np.array(four.generator(pair.chain()), float)
    np.testing.assert_allclose(rates, np.array(wanted.subs(at), float), rtol=1e-12)


def test_break_even_by_search():
    from scipy.optimize import brentq

    def gap(coverage):
        over, failed, _ = four.causes(four.pair(coverage=100 * coverage))
        return over - failed

    assert pytest.approx(brentq(gap, 0.5, 1.0, xtol=1e-14), rel=1e-10) == four.EVEN


def test_a_matrix_whose_row_does_not_add_up_is_told_which():
    rows = four.hourly()
    rows[2][3] += 1
    assert "Row 3 adds up to" in four.lesson.check(1, rows).words


def test_own_coverage_has_an_interval():
    """Nine of ten: Clopper and Pearson's lower limit, from a table of theirs."""
    found = four.own(9, 10)
    assert found["coverage"] == 0.9
    assert found["at least"] == pytest.approx(0.5550, abs=1e-4)
    assert "cannot" in four.lesson.mine(worked=3, rehearsals=2).words


def test_the_shop_adds_up():
    """The score, from box to box, by the structure of the shop."""
    from hamodel import structure

    def boxes(balancers):
        names = ", ".join(f"b{k}" for k in range(balancers))
        return structure.parse(f"any({names}) > any(a1, a2, a3) > d")

    alone = boxes(1)
    down = {n: 1e-3 if n.startswith("a") else 5e-4 for n in alone.components}
    exact = alone.unavailability(down) * PER_YEAR
    assert shop.minutes(1, 0) == pytest.approx(exact, rel=2e-3)
    two = boxes(2)
    down = {n: 1e-3 if n.startswith("a") else 5e-4 for n in two.components}
    common = {("b0", "b1"): 0.05, ("a1", "a2", "a3"): 0.05}
    exact = two.unavailability(down, common_cause=common) * PER_YEAR
    assert shop.minutes() == pytest.approx(exact, rel=2e-3)
    assert shop.STAND["04"][2] < shop.CONTRACT < shop.STAND["03"][2]
