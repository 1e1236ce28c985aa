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

PLACES = [(40_000, 4, "a year"), (2000, 0.2, "a year"), (200, 0.02, "a month")]


@pytest.fixture(autouse=True)
def _progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


# ---- the model ---------------------------------------------------------------------


def test_the_numbers_of_the_lesson():
    today = lesson.node()
    assert today.mean == pytest.approx(4 / 40_004 * YEAR / MINUTE)
    assert today.budget == pytest.approx(52.56)
    truth = lesson.lesson.predict().truth()
    assert truth["minutes"] == pytest.approx(52.6, abs=0.05)
    assert truth["none"] == pytest.approx(1000 * math.exp(-8760 / 40_000), rel=1e-3)


def test_the_headline_in_two_lines():
    """None, or one that is repaired in time: the share of the years that keep it."""
    x = 8760 / 40_000
    by_hand = math.exp(-x) * (1 + x * (1 - math.exp(-x)))
    assert lesson.node().within == pytest.approx(by_hand, abs=2e-3)


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
    """Mean, and share without an outage, over 750 samples of four years."""
    nodes = [lesson.node(sample=k) for k in range(750)]
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


# ---- the picture -------------------------------------------------------------------


def test_drawn_time_covers_stated_time_at_every_setting():
    """The red of a row is at least the minutes at its end, however many outages."""
    here = lesson.lesson.explore()
    for setting in (
        {},
        {"mttf": 100, "mttr": 0.02},
        {"mttf": 100, "mttr": 48},
        {"mttf": 300, "mttr": 10, "window": "a month"},
        {"mttf": 100, "mttr": 48, "window": "a day", "sample": 3},
    ):
        here.reset()
        here.set(**setting)
        node = here.result
        for outages, minutes in zip(node.windows, node.shown, strict=True):
            drawn = sum(b - a for a, b in lesson.merged(outages, node.length))
            assert drawn * node.length / MINUTE >= minutes - 1e-6
            ends = [b for _, b in lesson.merged(outages, node.length)]
            assert not outages or ends[-1] == outages[-1].end / node.length
    reds = here.svg.count('height="17" fill="#d55e00"')
    assert reds == sum(len(lesson.merged(o, node.length)) for o in node.windows)


def test_a_thousand_dots_are_the_shares():
    here = lesson.lesson.explore()
    node = here.result
    assert here.svg.count('r="1.6"') == round(1000 * node.none)
    assert here.svg.count('r="3"') == round(1000 * node.within) - round(
        1000 * node.none
    )


def test_what_to_try_is_what_happens():
    here = lesson.lesson.explore()
    some = []
    for _ in range(30):
        here.controls["sample"].widget.click()
        some += [minutes > 0 for minutes in here.result.shown]
    assert 0.1 < np.mean(some) < 0.3, "in one year of five"
    mean = here.result.mean
    here.apply("Often and short")
    assert here.result.mean == pytest.approx(mean, rel=1e-3)
    assert 0.45 < here.result.within < 0.6
    here.reset()
    here.apply("Held by the month")
    assert here.result.within > 0.98
    kept = []
    for preset in ("MTTF doubled", "MTTR halved"):
        here.reset()
        here.apply(preset)
        assert here.result.mean == pytest.approx(mean / 2, rel=1e-3)
        kept.append(here.result.within)
    assert kept[0] > kept[1] + 0.03


def test_own_outages():
    found = lesson.own([30, 90], 365)
    assert found["minutes a year"] == pytest.approx(120)
    assert (found["MTTF h"], found["MTTR h"]) == (365 * 12, 1)


# ---- prediction and exercises ------------------------------------------------------


def test_exercises_by_hand():
    assert lesson.ask_month.reference() == pytest.approx(0.0005 * 730 * 60)
    assert lesson.ask_repair.reference() == pytest.approx(12.0, rel=1e-3)
    assert lesson.ask_peak.reference() == pytest.approx(103.256 / 5256, rel=1e-9)
    down = 1 - (1 - 4 / 40_004) * (1 - 0.5 / (730 + 0.5))
    planned = lesson.ask_window.reference() / (YEAR / MINUTE)
    assert planned == pytest.approx(down, rel=2e-3)
    assert lesson.ask_incident.reference() == pytest.approx(2.87 * 60 / 52.56)
    chance = lesson.ask_code.reference()
    assert chance(2000, 0.2) == pytest.approx(
        lesson.node(mttf=2000, mttr=0.2).within, abs=2e-3
    )
