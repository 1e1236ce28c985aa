"""Lesson 10 shows what the package computes, and what was worked out on paper."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.conflicts import concurrency, last_write_wins
from hamodel.units import DAY
from lessons import conflicts as ten
from lessons import replicas
from lessons.replicas import Seats, broken_laws, compare, merge, replay, sell_out

STATES = st.tuples(*[st.integers(0, 6)] * 3)
WRITES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=8, unique=True
)


@pytest.fixture
def explorer():
    return ten.lesson.explore()


# ---- the demonstration, against a reading by pairs ---------------------------------


def known(made, delay):
    """Return the pairs (i, j) of which the author of j had read i, or heard of it."""
    return {
        (i, j)
        for (i, (a, s)), (j, (b, t)) in itertools.permutations(enumerate(made), 2)
        if (s < t if a == b else s + delay <= t)
    }


@given(WRITES, st.integers(0, 15), st.lists(st.integers(-9, 9), min_size=3, max_size=3))
def test_history_by_pairs(writes, delay, ahead):
    made = sorted(writes, key=lambda w: w[1])
    moments = [time for _, time in made]
    if len(set(moments)) < len(moments):
        return  # which of two writes of one moment comes first is nobody's business
    history = replay(made, delay, ahead)
    seen = known(made, delay)
    clocks = [write.clock for write in history.writes]
    for i, j in itertools.permutations(range(len(made)), 2):
        assert (compare(clocks[i], clocks[j]) == "before") == ((i, j) in seen)
    last = {n for n in range(len(made)) if not any(i == n for i, _ in seen)}
    assert set(history.siblings) == last
    stamps = [(time + ahead[site], site) for site, time in made]
    assert not made or history.winner == stamps.index(max(stamps))
    for n in history.lost:  # somebody with a later stamp knew nothing of it
        assert any(
            stamps[j] > stamps[n] and (n, j) not in seen for j in range(len(made))
        )


def test_what_is_lost_by_simulation():
    """Streams of writes, replayed: the rates of the package, and a planted error."""
    rng = np.random.default_rng(10)
    for rate, delay, ahead in ((1.0, 0.04, 0.0), (5.0, 0.04, 0.1), (10.0, 0.04, 0.02)):
        times = [np.cumsum(rng.exponential(1 / rate, 8000)) for _ in range(2)]
        made = sorted((t, s) for s in (0, 1) for t in times[s])
        history = replay([(s, t) for t, s in made], delay, (0.0, ahead))
        share = last_write_wins([rate, rate], delay, [0, ahead]).lost / (2 * rate)
        error = 4 * math.sqrt(share / len(made))
        assert len(history.lost) / len(made) == pytest.approx(share, abs=error)
        assert len(history.lost) / len(made) != pytest.approx(2 * share, abs=error)
        rivals = sum(
            any(abs(t - u) < delay for u in near(times[1 - s], t, delay))
            for t, s in made
        )
        wanted = concurrency([rate, rate], delay).share
        assert rivals / len(made) == pytest.approx(wanted, abs=4 * error)


def near(times, t, delay):
    return times[np.searchsorted(times, t - delay) : np.searchsorted(times, t + delay)]


@given(STATES, STATES, STATES)
def test_laws_of_merging(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, b) == merge(b, a)
    assert merge(a, a) == a
    assert compare(merge(a, b), a) in {"equal", "after"}


def test_broken_laws_are_found():
    assert broken_laws(merge) == []
    assert broken_laws(lambda a, b: tuple(map(sum, zip(a, b, strict=True)))) == [
        "idempotent"
    ]
    assert broken_laws(lambda a, _: a) == ["commutative"]
    mean = broken_laws(
        lambda a, b: tuple((x + y) / 2 for x, y in zip(a, b, strict=True))
    )
    assert mean == ["associative"]
    assert set(replicas.LAWS) == {"associative", "commutative", "idempotent"}


@given(st.integers(0, 9), st.integers(1, 4))
def test_no_merge_keeps_a_balance_and_shares_do(total, sites):
    apart = sell_out(Seats(total=total, sold=(0,) * sites))
    assert sum(apart.sold) == total * sites
    rights = tuple(total // sites + (k < total % sites) for k in range(sites))
    shared = sell_out(Seats(total=total, sold=(0,) * sites, rights=rights))
    assert (sum(shared.sold), shared.left) == (total, 0)


# ---- the numbers -------------------------------------------------------------------


def test_the_answers_on_paper():
    truth = ten.truth()
    assert truth["busy"] == pytest.approx(100 * (1 - math.exp(-0.8)))
    assert truth["lost"] == pytest.approx(2 * DAY * (1 - math.exp(-0.04)))


def test_exercises_on_paper():
    references = [exercise.reference() for exercise in ten.EXERCISES]
    assert references[0] == ["after", "concurrent", "before", "concurrent"]
    assert references[1] == pytest.approx(DAY * (1 - math.exp(-0.14)))
    tea, gone = ({("tea", 1)}, set()), ({("tea", 1)}, {("tea", 1)})
    assert references[2](tea, gone) == references[2](gone, tea) == gone
    assert references[3] == sum(sell_out(Seats(total=10, sold=(0, 0, 0))).sold)
    home = references[4]
    assert home * 1 + (1 - home) * 81 == pytest.approx(10)


def test_a_cart_that_merges_wrongly_is_told_why():
    third = ten.EXERCISES[2]
    assert "returns nothing" in third.check(lambda *_: None).words
    assert "stops" in third.check(lambda a: a).words
    assert third.check(lambda a, _: a).verdict == "wrong"
    assert third.check(7).verdict == "unreadable"
    assert "none of before" in ten.EXERCISES[0].check(["later"] * 4).words


def test_own_numbers():
    found = ten.own(1, 80)
    assert found["% with a rival"] == pytest.approx(100 * (1 - math.exp(-0.08)))
    assert found["lost a day"] == pytest.approx(6775.58, abs=0.01)
    with pytest.raises(ValueError, match="above 0"):
        ten.own(0, 80)


# ---- explorer and picture ----------------------------------------------------------


def test_what_to_try_is_what_happens(explorer):
    explorer.apply("Two rivals")
    assert explorer.result.history.lost == (0,)
    explorer.apply("B has read A")
    assert explorer.result.history.lost == ()
    explorer.apply("Two rivals")
    explorer.apply("DC-2 50 ms behind")
    history = explorer.result.history
    assert (history.winner, history.lost) == (0, (1,))
    assert [round(w.stamp * 1000) for w in history.writes] == [60, 40]
    explorer.reset()
    explorer.apply("B has read A")
    explorer.apply("DC-2 100 ms behind")
    history = explorer.result.history
    assert (history.winner, history.lost) == (0, (1,))
    assert compare(history.writes[0].clock, history.writes[1].clock) == "before"
    assert [round(w.stamp * 1000) for w in history.writes] == [0, -10]
    explorer.reset()
    explorer.apply("Vector clocks")
    assert "2 siblings left, A, B; nothing is lost" in explorer.sentence
    explorer.apply("Counter")
    assert "the count is 2 at both sites" in explorer.sentence


def test_objectives_can_be_reached(explorer):
    explorer.apply("DC-2 50 ms behind")
    explorer.set(writes=tuple(ten.SLOTS), ahead=0, delay=20)
    assert explorer.reached == set(explorer.objectives)


def test_every_write_is_drawn_and_every_loss_is_red(explorer):
    for chosen in ((), ten.RIVALS, tuple(ten.SLOTS)):
        explorer.set(writes=chosen)
        lost = len(explorer.result.history.lost)
        assert explorer.svg.count('r="11"') == len(chosen)
        assert explorer.svg.count(", lost</text>") == lost
        assert explorer.svg.count('r="11" fill="#ffffff" stroke="#d55e00"') == lost


def test_the_veil_hides_what_becomes_of_the_writes():
    prediction = ten.lesson.predict()
    veiled = ten.lesson.explore(prediction)
    assert "lost" not in veiled.svg.replace("lost by last write wins", "")
    assert "stays" not in veiled.svg
