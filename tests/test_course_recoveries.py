"""Lesson 12 shows what the package computes, and what was worked out on paper."""

import math

import numpy as np
import pytest

from hamodel.overload import Retries, amplification
from lessons import overloads
from lessons import recoveries as twelve
from lessons.overloads import CURES, EARLY, HORIZON, NONE, SHED, model, pool, trace


@pytest.fixture
def explorer():
    return twelve.lesson.explore()


# ---- the trace, against the steady states and against a queue ----------------------


def ends(load, retries, spike, cure, seeds=(1, 2, 3)):
    """Return attempts and answers in time, a second, at the end of some traces."""
    last = round(0.5 / overloads.BIN)
    traces = [trace(load, retries, spike, cure, seed=seed) for seed in seeds]
    return [np.mean([t[k][-last:] for t in traces]) for k in (0, 1)]


def test_the_trace_ends_where_the_states_are():
    half = Retries(arrival=500, service=0.001, timeout=0.020, retries=3)
    calm, _, trouble = half.states
    sent, answered = ends(50, 3, 0, NONE)
    assert sent == pytest.approx(calm.offered, rel=0.12)
    assert answered == pytest.approx(calm.goodput, rel=0.12)
    sent, answered = ends(50, 3, 150, NONE)
    assert sent == pytest.approx(trouble.offered, rel=0.12)
    assert answered == trouble.goodput == 0


def test_the_trace_without_retries_is_a_queue():
    """Late with probability e^-(μ - λ)T, once the start is forgotten."""
    late = math.exp(-(1000 - 900) * 0.020)
    traces = [trace(90, 0, 0, NONE, seed=seed) for seed in range(12)]
    sent, good = (np.sum([t[k][20:] for t in traces]) for k in (0, 1))
    assert 1 - good / sent == pytest.approx(late, abs=0.05)


def test_no_trap_below_a_quarter_of_the_load():
    assert twelve.truth()["load"] == pytest.approx(100 / 4)
    assert twelve.truth()["attempts"] == pytest.approx(4 * 500)
    assert not Retries(arrival=240, service=0.001, timeout=0.020, retries=3).bistable
    assert Retries(arrival=300, service=0.001, timeout=0.020, retries=3).bistable


def test_pool_by_hand():
    speeds = [80, 85, 90, 95, 100, 105, 110, 115, 120, 125]
    assert pool(700, speeds) == [10]
    # 90 each: two fail; 112.5 each of eight: three are left; 300 each: none
    assert pool(900, speeds) == [10, 8, 3, 0]
    assert pool(900, speeds, panic=0.5) == [10, 8, 10]


def test_a_client_asks_no_more_often_than_it_may():
    sent, _ = trace(50, 3, 150, NONE)
    fresh = 500 * HORIZON + 1000 * 0.15
    assert sent.sum() * overloads.BIN < 4 * fresh * 1.1
    once, _ = trace(50, 0, 150, NONE)
    assert once.sum() * overloads.BIN == pytest.approx(fresh, rel=0.1)
    assert trace(50, 3, 150, NONE)[0] is sent, "the same trace is played once"


# ---- answers, exercises, explorer --------------------------------------------------


def test_exercises_on_paper():
    found = [exercise.reference() for exercise in twelve.EXERCISES]
    assert found[0] == 3**5
    assert found[1] == pytest.approx(100 / 3)
    budget = found[2]
    for b, wanted in ((budget * 0.99, False), (budget * 1.01, True)):
        many = Retries(arrival=700, service=0.001, timeout=0.020, retries=3, budget=b)
        assert many.bistable is wanted
    assert found[3](0.5, 3) == sum(0.5**k for k in range(4)) == amplification(0.5, 3)
    assert found[4] == {"budget", "breaker", "short queue"}
    assert "none of" in twelve.EXERCISES[4].check(["prayer"]).words


def test_own_numbers():
    found = twelve.own(40, 2)
    assert found["% with all retries"] == 120
    assert found["safe below %"] == pytest.approx(100 / 3)
    for bad in ((0, 1), (50, -1), (50, 1.5)):
        with pytest.raises(ValueError, match="must be"):
            twelve.own(*bad)


def test_what_to_try_is_what_happens(explorer):
    explorer.apply("Short spike")
    assert explorer.result.recovers
    explorer.apply("Long spike")
    assert not explorer.result.recovers
    assert len(explorer.result.states) == 3
    explorer.apply("No retries")
    assert explorer.result.recovers
    assert len(explorer.result.states) == 1
    explorer.reset()
    explorer.apply("Jitter")
    assert not explorer.result.recovers
    assert explorer.result.attempts[-6:].mean() == pytest.approx(2000, rel=0.1)
    for cure in ("Budget", "Breaker", "Short queue", "Shedding"):
        explorer.apply(cure)
        assert explorer.result.recovers, cure
    explorer.reset()
    explorer.set(load=20)
    assert len(explorer.result.states) == 1


def test_objectives_can_be_reached(explorer):
    explorer.set(load=30)
    explorer.set(load=80, cure=EARLY)
    assert explorer.reached == set(explorer.objectives)


def test_what_is_drawn_is_within_its_axis():
    most = max(model(90, 5, 150, cure).attempts.max() for cure in (NONE, SHED))
    assert most < overloads.OUTS.high
    assert len(CURES) == 7


def test_cures_before_the_tip_let_nothing_tip():
    assert trace(50, 3, 150, EARLY)[0].max() < trace(50, 3, 150, NONE)[0].max() / 1.5
