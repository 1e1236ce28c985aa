"""Lesson 04 shows what the package computes, and what was worked out on paper."""

import re
from math import log10

import matplotlib.colors as mcolors
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, plots, text
from hamodel.architectures import PairState
from hamodel.units import HOUR, MINUTE, YEAR
from lessons import failover_maths as lesson
from lessons.failover_maths._picture import _RING, SCALES, PairPicture

PER_YEAR = YEAR / MINUTE


@pytest.fixture(scope="module")
def explorer():
    return lesson.explorer()


def by_hand(mttf, mttr, failover, coverage):
    """Return the three causes in minutes a year, from balance equations on paper."""
    load, c = mttr / mttf, coverage / 100
    parts = c * failover / (mttf * HOUR), (1 - c) * load, 2 * load**2
    return [part / (1 + 2 * load + sum(parts)) * PER_YEAR for part in parts]


def test_what_is_left_and_what_it_replaces():
    perfect = lesson.pair(failover=0, coverage=100)
    assert perfect.minutes_per_year == pytest.approx(4.2, abs=0.05)
    assert lesson.single() == pytest.approx(1050, rel=0.001)


@given(st.floats(100, 1e5), st.floats(0.5, 48), st.floats(1, 600), st.floats(0, 100))
def test_the_model_is_what_paper_says(mttf, mttr, failover, coverage):
    found = lesson.model(
        mttf=mttf,
        mttr=mttr,
        failover=failover,
        coverage=coverage,
        rescue=lesson.NOBODY,
        scale="0 to 20 min",
    )
    budget = [share * PER_YEAR for share in found.downtime_by_cause.values()][:3]
    paper = by_hand(mttf, mttr, failover, coverage)
    assert budget == pytest.approx(paper, rel=1e-10, abs=1e-12)


def test_sentence_says_the_causes(explorer):
    explorer.reset()
    parts = by_hand(2000, 4, 30, 99)
    wanted = [sum(parts), *parts, lesson.single()]
    said = re.findall(r"\d[\d,]*(?:\.\d+)?", explorer.sentence)
    assert said == [text.short(number) for number in wanted]


@pytest.mark.parametrize(
    ("preset", "system"),
    [("Patroni", "postgresql-patroni"), ("Managed database", "managed-multi-zone")],
)
def test_products_come_from_the_catalogue(explorer, preset, system):
    explorer.apply(preset)
    product = catalogue.system(system).architecture()
    shown, whole = explorer.result, product.minutes_per_year
    assert shown.failover.outage == product.failover.outage
    assert shown.failover.manual == product.failover.manual
    # The lesson leaves out how soon a failed standby is found.
    assert shown.minutes_per_year == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize("rescue", [lesson.HALF_AN_HOUR, lesson.FIVE_MINUTES])
def test_a_person_needs_as_long_as_the_option_says(rescue):
    said = float(re.search(r"(\d+) min", rescue)[1])
    assert lesson.pair(rescue=rescue).failover.manual == said * MINUTE


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="scale must be one of 0 to 20 min"):
        lesson.model(scale="wide")
    with pytest.raises(ValueError, match="coverage must be in"):
        lesson.pair(coverage=101)


# ---- the picture -------------------------------------------------------------------


def drawn(guess=None, scale="0 to 20 min", **values):
    picture, pair = PairPicture(), lesson.pair(**values)
    picture.update({"scale": scale}, pair, guess)
    return picture, pair


@pytest.mark.parametrize("rescue", lesson.RESCUE)
def test_circles_and_labels_are_the_steady_state(rescue):
    picture, pair = drawn(rescue=rescue)
    share = pair.chain().steady_state()
    for name, state in picture._diagram._shown.items():
        seconds = share.get(PairState(name), 0) * YEAR
        visible = name != "manual" or rescue != lesson.NOBODY
        assert state._label.get_visible() is state._disc.get_visible() is visible
        if visible:
            radius = np.ptp(state._disc.get_path().vertices[:, 0]) / 2
            assert radius == pytest.approx(_RING * (log10(seconds) + 1))
            assert state._label.get_text().endswith(f"\n{text.time(seconds)}")


def test_no_node_up_wears_a_cause_only_if_there_is_one():
    """With nobody on call, a failover that did not work ends in the same state."""
    blue = mcolors.to_rgba(plots.LOOKS["both nodes down"].colour)
    for rescue in lesson.RESCUE:
        disc = drawn(rescue=rescue)[0]._diagram._shown["none"]._disc
        assert (disc.get_facecolor() == blue) is (rescue != lesson.NOBODY)


@pytest.mark.parametrize("scale", SCALES)
def test_bar_is_in_proportion(scale):
    picture, pair = drawn(scale=scale, failover=10, coverage=95)
    budget = list(pair.downtime_by_cause.values())[:3]
    left = 0.0
    for patch, share in zip(picture._bar._parts, budget, strict=True):
        right = min(left + share * PER_YEAR / SCALES[scale], 1.0)
        assert patch.get_x() == pytest.approx(left)
        assert patch.get_width() == pytest.approx(right - left)
        left = right


def test_a_bar_beyond_its_scale_says_so():
    picture, _ = drawn(coverage=0)
    assert "beyond the scale of 20" in picture._bar._total.get_text()
    picture, _ = drawn(coverage=0, scale="0 to 2,000 min")
    assert "beyond" not in picture._bar._total.get_text()


def test_ghosts_stand_where_the_learner_said():
    picture, _ = drawn(guess={"faster": 5, "surer": 15})
    places = [g._line.get_xdata()[0] for g in picture._bar._ghosts.values()]
    assert places == [0.25, 0.75]
    assert all(g._line.get_visible() for g in picture._bar._ghosts.values())
    assert all(g._line.get_linestyle() != "-" for g in picture._bar._ghosts.values())
    picture, _ = drawn()
    assert not any(g._line.get_visible() for g in picture._bar._ghosts.values())


# ---- prediction, derivation, exercises ---------------------------------------------


def test_generator_of_symbols_and_numbers():
    lam, mu, T, c = sympy.symbols("lambda mu T c", positive=True)
    node = lesson.pair().database.__class__(mttf=1 / lam, mttr=1 / mu)
    failover = lesson.pair().failover.__class__(promotion=T, coverage=c)
    chain = lesson.pair().__class__(database=node, failover=failover).chain()
    wanted = sympy.Matrix(
        [
            [-2 * lam, c * lam, lam, (1 - c) * lam],
            [0, -1 / T, 1 / T, 0],
            [mu, 0, -lam - mu, lam],
            [0, 0, mu, -mu],
        ]
    )
    assert (lesson.generator(chain) - wanted).applyfunc(sympy.simplify).is_zero_matrix
    at = {lam: 1 / (2000 * HOUR), mu: 1 / (4 * HOUR), T: 30, c: 0.99}
    rates = np.array(lesson.generator(lesson.pair().chain()), float)
    np.testing.assert_allclose(rates, np.array(wanted.subs(at), float), rtol=1e-12)


def test_break_even_by_search_and_on_paper():
    found = lesson.break_even_exercise.reference()
    assert found == pytest.approx(4 * HOUR / (4 * HOUR + 30), rel=1e-10)


def test_first_order_alone_is_not_taken_for_exact():
    exact = lesson.row_exercise.reference()
    short = by_hand(1000, 2, 60, 98)
    assert exact == pytest.approx(sum(short), rel=1e-10)
    rough = (0.98 * 60 / 3600 + 0.02 * 2) / 1000 * PER_YEAR
    assert "first-order" in lesson.row_exercise.check(rough).words


@pytest.mark.parametrize(
    ("value", "said"),
    [(99.96, "100"), (99.94, "99.9"), (0.1, "0.1"), (0.094, "0.09"), (0.0049, "under")],
)
def test_minutes_change_their_digits(value, said):
    assert text.short(value).split()[0] == said


@given(st.floats(0, 1e6))
def test_minutes_are_written_to_be_read(value):
    said = text.short(value)
    assert "e" not in said.replace("under", "")
    if value >= 0.005:
        assert float(said.replace(",", "")) == pytest.approx(value, rel=0.05, abs=0.005)
