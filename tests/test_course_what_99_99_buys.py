"""Lesson 01 shows what the package computes, and what was worked out on paper."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel import assess
from hamodel.architectures import Node, SinglePrimary
from hamodel.units import HOUR, MINUTE, YEAR
from lessons import what_99_99_buys as lesson
from lessons.what_99_99_buys._node import SHOWN
from lessons.what_99_99_buys._picture import YearsPicture, heading, up

PLACES = [(40_000, 4, "a year"), (2000, 0.2, "a year"), (200, 0.02, "a month")]


@pytest.fixture(autouse=True)
def _progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


# ---- the model ---------------------------------------------------------------------


def test_the_numbers_of_the_lesson():
    today = lesson.node()
    assert today.mean == pytest.approx(4 / 40_004 * YEAR / MINUTE)
    assert today.budget == pytest.approx(52.56)
    truth = lesson.truth()
    assert truth["seldom"] == pytest.approx(truth["quick"], rel=1e-12)
    assert truth["minutes"] == pytest.approx(2 * truth["quick"], rel=1e-4)


@pytest.mark.parametrize(("mttf", "mttr", "window"), PLACES)
def test_the_curve_is_the_chain_s(mttf, mttr, window):
    """A sum of Poisson failures and gamma repairs against the chain's own kernel."""
    node = lesson.node(mttf=mttf, mttr=mttr, window=window)
    minutes = np.array([0.5, 1, 2, 4]) * node.mean
    starts_up = node.chain.downtime_cdf(node.length, minutes * MINUTE)
    assert node.cdf(minutes) == pytest.approx(starts_up, abs=3 * node.unavailability)


@pytest.mark.parametrize(("mttf", "mttr", "window"), PLACES)
def test_years_kept_are_the_assessment_s(mttf, mttr, window):
    node = lesson.node(mttf=mttf, mttr=mttr, window=window)
    shop = SinglePrimary(database=Node(mttf=mttf * HOUR, mttr=mttr * HOUR))
    found = assess(shop)
    kept = found.probability_of_meeting(0.9999, node.length)
    assert node.within == pytest.approx(kept, abs=2e-3)
    none = found.probability_of_meeting(1.0, node.length)
    assert node.none == pytest.approx(none, abs=2e-3)
    assert node.unavailability == pytest.approx(found.write.unavailability)


def test_samples_are_years_of_the_same_node():
    """Mean, and share without an outage, over three hundred samples of ten years."""
    nodes = [lesson.node(sample=k) for k in range(300)]
    shown = np.array([node.shown for node in nodes])
    error = shown.std() / math.sqrt(shown.size)
    assert abs(shown.mean() - nodes[0].mean) < 4 * error
    free = (shown == 0).mean()
    assert free == pytest.approx(nodes[0].none, abs=0.03)
    assert (shown <= nodes[0].budget).mean() == pytest.approx(nodes[0].within, abs=0.03)


def test_an_outage_over_midnight_counts_on_both_days():
    nodes = [lesson.node(mttf=100, mttr=48, window="a day", sample=k) for k in range(9)]
    days = [day for node in nodes for day in node.windows if day]
    assert nodes[0].length in [day[-1].end for day in days]
    assert 0.0 in [day[0].start for day in days]
    assert all(0 <= t <= 24 * 60 + 1e-9 for node in nodes for t in node.shown)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(100, 100_000),
    st.floats(0.02, 48),
    st.sampled_from(sorted(lesson.WINDOWS)),
)
def test_the_curve_is_a_distribution(mttf, mttr, window):
    node = lesson.node(mttf=mttf, mttr=mttr, window=window)
    x = np.geomspace(0.01, node.length / MINUTE * 0.99, 40)
    shares = node.cdf(x)
    assert np.all(np.diff(shares) >= -1e-9)
    assert np.all((shares >= node.none - 1e-9) & (shares <= 1 + 1e-9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mttf": 0}, "mttf must be > 0 and finite, got 0"),
        ({"mttr": -1}, "mttr must be > 0 and finite, got -1"),
        ({"target": 101}, r"target must be in \[0, 100\], got 101"),
        ({"window": "a week"}, "window must be one of"),
    ],
)
def test_impossible_nodes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        lesson.node(**change)


# ---- the picture -------------------------------------------------------------------


def test_the_picture_shows_the_windows_and_the_guess():
    picture, node = YearsPicture(), lesson.node(mttf=2000, mttr=3)
    picture.update({}, node, {"minutes": 120.0})
    totals = [label.get_text() for label in picture._totals]
    assert len(totals) == SHOWN
    over = [total > node.budget for total in node.shown]
    bold = [label.get_weight() == "bold" for label in picture._totals]
    assert bold == over
    assert picture._ghost._label.get_text() == "you: 120 min"
    picture.update({}, lesson.node(window="a day"), {"minutes": 120.0})
    assert not picture._ghost._label.get_visible()


def test_the_heading_has_as_many_nines_as_the_node():
    assert "99.990 %" in heading(lesson.node())
    assert up(lesson.node(mttf=99, mttr=1)) == "99"
    assert up(lesson.node(mttf=100_000, mttr=0.1)) == "99.99990"


# ---- prediction and exercises ------------------------------------------------------


def test_the_comment_knows_who_saw_it():
    prediction = lesson.prediction()
    truth = lesson.truth()
    said = prediction.comment({"minutes": 50, "seldom": 25, "quick": 25}, truth)
    assert said.startswith("You know your nines. You saw that the two levers are one")
    said = prediction.comment({"minutes": 5, "seldom": 3, "quick": 1}, truth)
    assert "Few of us" in said
    assert "26.3 minutes either way" in said


def test_exercises_by_hand():
    assert lesson.month_exercise.reference() == pytest.approx(0.0005 * 730 * 60)
    assert lesson.repair_exercise.reference() == pytest.approx(12.0, rel=1e-3)
    assert lesson.peak_exercise.reference() == pytest.approx(103.256 / 5256, rel=1e-9)
    down = 1 - (1 - 4 / 40_004) * (1 - 0.5 / (730 + 0.5))
    planned = lesson.window_exercise.reference() / (YEAR / MINUTE)
    assert planned == pytest.approx(down, rel=2e-3)
    assert lesson.incident_exercise.reference() == pytest.approx(2.87 * 60 / 52.56)
    chance = lesson.code_exercise.reference()
    assert chance(2000, 0.2) == pytest.approx(
        lesson.node(mttf=2000, mttr=0.2).within, abs=2e-3
    )
