"""Lesson 08 shows what the package computes, and what was worked out on paper."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import assess, catalogue
from hamodel.units import HOUR, MS
from lessons import latency_of_the_passive_side as lesson
from lessons import two_sites

ONCE, EVERY = two_sites.ONCE, two_sites.EVERY


@pytest.fixture
def explorer():
    return lesson.lesson.explore()


# ---- the model, against paper and against dice -------------------------------------


def test_the_numbers_of_the_question_on_paper():
    said = lesson.truth()
    assert said["mean"] == pytest.approx(1 + 0.2 * 80)
    assert said["half"] == pytest.approx(0.5 + 0.5 * math.log(0.8 / 0.3), rel=1e-6)
    assert said["late"] == pytest.approx(80.5 + 0.5 * math.log(20), rel=1e-6)
    assert catalogue.fact("RTT-096").value == two_sites.TRIP


@given(
    st.floats(0, 300),
    st.floats(0, 100),
    st.integers(1, 20),
    st.sampled_from(two_sites.WAYS),
)
def test_means_add_up(trip, writes, calls, way):
    crossings = calls if way == EVERY else 1
    found = two_sites.model(trip, writes, calls, way).shown
    assert found["DC-1"][0] == pytest.approx(calls)
    far = calls + writes / 100 * crossings * trip
    assert found["DC-2"][0] == pytest.approx(far)


@pytest.mark.parametrize("way", two_sites.WAYS)
def test_requests_one_by_one(way):
    """Throw dice for 200,000 requests of DC-2: which kind, how long each call takes."""
    rng, n, calls = np.random.default_rng(8), 200_000, 4
    home = 0.5 * calls + rng.exponential(0.5, (n, calls)).sum(axis=1)
    journey = 80 * (calls if way == EVERY else 1)
    took = home + journey * (rng.random(n) < 0.2)
    mean, *points = two_sites.model(calls=calls, way=way).shown["DC-2"]
    assert mean == pytest.approx(took.mean(), rel=0.02)
    assert points == pytest.approx(np.quantile(took, [0.5, 0.95, 0.99]), rel=0.01)


def test_a_percentile_where_the_law_is_flat():
    """Exactly one in a hundred writes: the 99th is the first instant of the journey."""
    assert two_sites.model(writes=1).shown["DC-2"][3] == pytest.approx(80.5, rel=1e-4)
    assert two_sites.model(writes=50).shown["DC-2"][1] == pytest.approx(80.5, rel=1e-4)


def test_it_mirrors_when_the_primary_moves():
    here, there = (
        assess(two_sites.pair(site), two_sites.asked()).latency
        for site in ("DC-1", "DC-2")
    )
    for kind in ("read", "write"):
        for one, other in (("DC-1", "DC-2"), ("DC-2", "DC-1")):
            mean = there[other, kind].mean
            assert here[one, kind].mean == pytest.approx(mean)


def test_over_the_years_both_sites_wait_alike():
    """Nobody moves it back, and the nodes are alike: each leads half of the time."""
    pair = two_sites.pair(mttf=2000 * HOUR)
    law = assess(pair, two_sites.asked()).latency["DC-1", "write"]
    assert law.mean / MS == pytest.approx((1 + 81) / 2, rel=1e-3)
    assert law.sf(50 * MS) == pytest.approx(0.5, rel=1e-2)


# ---- explorer and picture ----------------------------------------------------------


def test_what_to_try_is_what_happens(explorer):
    explorer.apply("Few writes")
    mean, _, _, late = explorer.result.shown["DC-2"]
    assert (mean, late) == pytest.approx((1.4, 3.14), rel=1e-2)
    explorer.set(writes=2)
    mean, _, _, late = explorer.result.shown["DC-2"]
    assert (mean, late) == pytest.approx((2.6, 80.85), rel=1e-3)
    explorer.reset()
    explorer.apply("Chatty: 8 calls")
    far, near = explorer.result.write.mean / MS, explorer.result.read.mean / MS
    assert (near, far) == pytest.approx((8, 648))
    assert "648 ms" in explorer.svg
    explorer.apply("Cross once")
    assert explorer.values["calls"] == 8
    assert explorer.result.write.mean / MS == pytest.approx(88)
    assert "88.0 ms" in explorer.svg


def test_objectives_can_be_reached(explorer):
    first, second = explorer.objectives
    explorer.set(calls=8, way=ONCE)
    assert explorer.reached == {first}
    explorer.set(calls=1, way=EVERY, writes=2)
    assert explorer.reached == {first, second}


def test_the_bars_are_as_long_as_the_requests(explorer):
    """The length of each bar, in ms of its scale, is the mean that the package says."""
    for way in two_sites.WAYS:
        for calls in (1, 8):
            explorer.set(calls=calls, way=way)
            found = explorer.result
            ms = sum(time for _, time in two_sites.visits(found)[1])
            assert ms == pytest.approx(found.write.mean / MS)
            read = sum(time for _, time in two_sites.visits(found)[0])
            assert read == pytest.approx(found.read.mean / MS)


def test_a_request_plays_hop_by_hop(explorer):
    explorer.reset()
    still = explorer.svg
    explorer.step()
    explorer.step()
    explorer.step()
    assert explorer.svg != still
    explorer.play()
    assert explorer.svg.count("@keyframes") == 2


def test_own_numbers():
    found = lesson.own(120, 10, 1)
    assert found["mean ms"] == pytest.approx(13)
    assert "writes in 0..100" in lesson.lesson.mine(trip=1, writes=120, calls=1).words


def test_exercises_on_paper():
    mean, blind, chatty, _, moved = (x.reference() for x in lesson.EXERCISES)
    assert (mean, blind, chatty, moved) == pytest.approx((13, 5, 560, 3.2))
    for share in (0.04, 0.06):  # below and above what the second exercise asks for
        far = two_sites.model(writes=100 * share).shown["DC-2"][2] > two_sites.TRIP
        assert far == (share >= blind / 100)
    late = 80.5 + 0.5 * math.log(5)
    assert lesson.slowest(0.05, 80) == pytest.approx(late, rel=1e-6)


def test_percentiles_do_not_average():
    averaged = lesson.averaged(0.2, 80)
    assert averaged == pytest.approx(18.8, abs=0.05)  # of 2.8 and 82.8, by their shares
    assert lesson.slowest(0.2, 80) > 4 * averaged


def test_ten_requests_at_once():
    """A page waits for the slowest of ten: 9.6 in 100 meet one of the slowest."""
    rng = np.random.default_rng(10)
    met = (rng.random((100_000, 10)) < 0.01).any(axis=1).mean()
    assert met == pytest.approx(1 - 0.99**10, abs=0.004)
