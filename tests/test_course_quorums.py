"""Lesson 11 shows what the package computes, and what was worked out on paper."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import failover, quorum
from hamodel.units import MINUTE, YEAR
from lessons import quorums as eleven
from lessons import votes
from lessons.votes import elections, stale_read


@pytest.fixture
def explorer():
    return eleven.lesson.explore()


def short_of(needed, nodes, down):
    """Return P(fewer than needed up) by all patterns of who is up."""
    return sum(
        math.prod(1 - down if up else down for up in pattern)
        for pattern in itertools.product((0, 1), repeat=nodes)
        if sum(pattern) < needed
    )


@given(st.integers(1, 7), st.floats(0.001, 0.5))
def test_minutes_by_every_pattern(nodes, down):
    wanted = short_of(nodes // 2 + 1, nodes, down) * YEAR / MINUTE
    assert eleven.minutes(nodes, down) == pytest.approx(wanted, rel=1e-9)


def test_answers_and_exercises_on_paper():
    assert eleven.truth()["four"] == pytest.approx(short_of(3, 4, 0.01) * 525_600)
    assert eleven.truth()["two"] == pytest.approx((1 - 0.99**2) * 525_600)
    found = [exercise.reference() for exercise in eleven.EXERCISES]
    assert all(set(r) & set(w) for r, w in _pairs(5, found[0], 4))
    assert not all(set(r) & set(w) for r, w in _pairs(5, found[0] - 1, 4))
    assert found[1] == pytest.approx(short_of(3, 5, 0.002) * 525_600)
    assert found[2] == pytest.approx(12 * 11 / 6, rel=1e-6)
    missed = [not set(r) & set(w) for r, w in _pairs(5, 2, 2)]
    assert found[3] == pytest.approx(sum(missed) / len(missed))
    assert [found[4](n) for n in range(1, 8)] == [0, 0, 1, 1, 2, 2, 3]


def _pairs(nodes, read, write):
    quorums = [itertools.combinations(range(nodes), k) for k in (read, write)]
    return list(itertools.product(*quorums))


def test_a_schedule_that_goes_back_in_time():
    reads = [("a1", "b1"), ("b1", "c1")]
    assert stale_read({"a1"}, reads) == ["new", "old"]
    for writes_to in itertools.combinations(("a1", "b1", "c1"), 2):  # it has finished
        assert stale_read(writes_to, reads) == ["new", "new"]


def test_split_votes_by_two_roads():
    for spread in (50, 150):
        raft = failover.RaftElection(
            low=0.15, high=0.15 + spread / 1000, nodes=5, failed=1, one_way=0.010
        )
        played = elections(spread, nodes=4, needed=3)
        assert played == pytest.approx(raft.split_probability, abs=0.02)


@given(st.sampled_from(list(votes.LAYOUTS)), st.sets(st.sampled_from(votes.NODES)))
def test_never_two_majorities(layout, cut):
    """Whoever is cut off, one side at most may decide: nodes vote once."""
    nodes = votes.members(layout)
    here = votes.model(layout, tuple(cut), 1, 1, 1)
    there = votes.model(layout, tuple(set(nodes) - cut), 1, 1, 1)
    assert len(here.left) + len(there.left) == len(nodes)
    assert min(len(here.left), len(there.left)) < here.majority


def test_what_to_try_is_what_happens(explorer):
    explorer.apply("Three")
    before = explorer.result.minutes(explorer.result.majority)
    explorer.apply("Four")
    after = explorer.result.minutes(explorer.result.majority)
    assert (round(before), round(after)) == (157, 311)
    explorer.reset()
    explorer.apply("Five, two sites")
    explorer.apply("Lose site a")
    assert "2 of 5 nodes left, and 3 must agree: nobody" in explorer.sentence
    explorer.reset()
    explorer.apply("Five, three sites")
    explorer.apply("Lose site a")
    assert len(explorer.result.left) == explorer.result.majority == 3
    explorer.reset()
    explorer.apply("R = W = 1")
    assert "may miss" in explorer.sentence
    assert explorer.result.minutes(1) == pytest.approx(0.5256)
    explorer.reset()
    explorer.apply("Four")
    explorer.set(gone=("a1",), sample=2)
    assert "too few" in explorer.sentence
    assert explorer.result.votes < explorer.result.majority


def test_more_nodes_than_there_are_never_answer(explorer):
    explorer.set(layout=votes.FOUR, read=5, write=2)
    assert "A read takes 5 of 4 and never ends." in explorer.sentence
    explorer.set(read=4, write=5)
    assert "A write takes 5 of 4 and never ends." in explorer.sentence


def test_objectives_can_be_reached(explorer):
    explorer.apply("Lose site a")
    explorer.set(gone=("a1",), layout="4 nodes, 2 sites", sample=2)
    assert explorer.reached == set(explorer.objectives)


def test_what_is_drawn_is_there(explorer):
    for layout in votes.LAYOUTS:
        explorer.set(layout=layout)
        assert explorer.svg.count('r="20"') == len(votes.members(layout))
        buttons = explorer.controls["gone"].buttons
        offered = {n for n, b in buttons.items() if b.layout.visibility != "hidden"}
        assert offered == {
            *votes.members(layout),
            *votes.SITES[: len(votes.LAYOUTS[layout])],
        }


def test_own_numbers():
    found = eleven.own(3, 5256)
    assert found["minutes a year"] == pytest.approx(short_of(2, 3, 0.01) * 525_600)
    assert found["with one more"] == pytest.approx(short_of(3, 4, 0.01) * 525_600)
    for bad in ((0, 100), (2.5, 100), (3, 0), (3, 600_000)):
        with pytest.raises(ValueError, match="must be"):
            eleven.own(*bad)


def test_an_even_number_is_worse_for_any_good_node():
    for q in (0.2, 0.01, 1e-4):
        assert quorum.unavailability(3, [q] * 4) > quorum.unavailability(2, [q] * 3)
