"""Overload: fixed points by mpmath, event simulation, arithmetic, published figures."""

import heapq
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel import overload
from hamodel.overload import Retries
from hamodel.queueing import MMc

LESSON = Retries(arrival=0.5, service=1.0, timeout=20.0, retries=3)


def simulate(model, until, rng, spike=(0.0, 0.0), initial=0):
    """Play every attempt: in order, no one leaves the queue, late ones come again."""
    events, extra, length = [], *spike
    clock = 0.0
    while clock < until:
        rate = model.arrival + (extra if clock < length else 0.0)
        clock += rng.exponential(1 / rate)
        events.append((clock, 0))
    heapq.heapify(events)
    free = initial * model.service
    sent, good = [], []
    while events and events[0][0] < until:
        now, attempt = heapq.heappop(events)
        free = max(free, now) + rng.exponential(model.service)
        sent.append(now)
        if free - now <= model.timeout:
            good.append(now)
        elif attempt < model.retries:
            heapq.heappush(events, (now + model.timeout, attempt + 1))
    return np.array(sent), np.array(good)


def test_two_stable_states_at_the_same_load():
    """Lesson 11: half load, three retries, timeout of twenty services: 1x or 4x."""
    low, middle, high = LESSON.states
    assert [low.stable, middle.stable, high.stable] == [True, False, True]
    assert low.amplification == pytest.approx(1.0, abs=1e-4)
    assert high.amplification == pytest.approx(4.0, rel=1e-9)
    assert (high.goodput, high.failure) == (0.0, 1.0)
    assert LESSON.bistable
    assert LESSON.trouble


def test_fixed_points_equal_the_roots_in_30_digits():
    with mpmath.workdps(30):

        def balance(x):
            f = mpmath.exp(-(1 - x) * 20)
            return mpmath.mpf("0.5") * (1 + f + f**2 + f**3) - x

        roots = [mpmath.findroot(balance, guess) for guess in (0.5, 0.967)]
    for state, root in zip(LESSON.states, roots, strict=False):
        assert state.offered == pytest.approx(float(root), rel=1e-10)
    assert LESSON.tipping_point == LESSON.states[1].offered


@pytest.mark.parametrize(("backlog", "expected"), [(0, 1.0), (300, 4.0)])
def test_simulation_stays_in_either_state(backlog, expected):
    sent, good = simulate(LESSON, 3000.0, np.random.default_rng(1), initial=backlog)
    late = np.count_nonzero(sent > 1000) / 2000 / LESSON.arrival
    assert late == pytest.approx(expected, rel=0.1)
    answered = np.count_nonzero(good > 1000) / 2000
    assert answered == pytest.approx(0.5 if expected == 1 else 0.0, abs=0.05)


@pytest.mark.parametrize("budget", [0.0, 0.1, 0.5, 0.93])
def test_a_budget_below_the_critical_one_removes_the_upper_state(budget):
    assert LESSON.critical_budget == pytest.approx(0.93487, abs=1e-4)
    assert not replace(LESSON, budget=budget).bistable
    assert not replace(LESSON, budget=budget).trouble


def test_a_budget_above_the_critical_one_does_not():
    above = replace(LESSON, budget=0.96)
    assert above.bistable
    assert above.states[-1].amplification == pytest.approx(1.96)
    assert above.critical_budget == LESSON.critical_budget


def test_loads_between_which_both_states_exist():
    assert LESSON.critical_load == pytest.approx(0.25, rel=1e-12)  # 4 x a quarter is 1
    assert LESSON.collapse_load == pytest.approx(0.80796, abs=1e-4)
    for load, count in ((0.249, 1), (0.26, 3), (0.80, 3), (0.81, 1)):
        assert len(replace(LESSON, arrival=load).states) == count
    alone = replace(LESSON, arrival=0.9).states
    assert [s.amplification for s in alone] == [4.0]
    assert replace(LESSON, arrival=0.9).tipping_point == 0.9
    assert replace(LESSON, arrival=0.9).critical_budget == 0.0


def test_no_retries_no_second_state():
    plain = replace(LESSON, retries=0)
    (state,) = plain.states
    assert state.offered == 0.5
    assert state.failure == pytest.approx(MMc(0.5, 1.0).response.sf(20.0), rel=1e-12)
    assert plain.critical_load == plain.collapse_load == plain.critical_budget == np.inf
    assert plain.tipping_point == np.inf


def test_a_short_queue_keeps_its_promises():
    (state,) = replace(LESSON, capacity=15).states
    assert state.goodput == pytest.approx(0.5, rel=1e-4)
    assert replace(LESSON, capacity=100).trouble
    crowd = replace(LESSON, arrival=2.0, capacity=15)
    assert crowd.states[-1].goodput == pytest.approx(1.0, rel=0.1)
    assert replace(LESSON, arrival=2.0).states[-1].goodput == 0.0


def test_shedding_after_the_tip():
    assert not replace(
        LESSON, shed=0.501
    ).trouble  # four attempts of 0.5/s: 1/s is left
    assert replace(LESSON, shed=0.499).trouble


@settings(max_examples=20)
@given(
    st.floats(0.02, 3),
    st.integers(0, 5),
    st.floats(0.5, 60),
    st.integers(1, 8),
    st.one_of(st.none(), st.floats(0, 4)),
    st.one_of(st.none(), st.integers(8, 60)),
)
def test_states_are_steady_and_alternate(load, retries, timeout, servers, budget, room):
    model = Retries(
        arrival=load * servers,
        service=1.0,
        timeout=timeout,
        retries=retries,
        servers=servers,
        budget=budget,
        capacity=room,
    )
    states = model.states
    assert len(states) % 2 == 1
    assert [s.stable for s in states] == [k % 2 == 0 for k in range(len(states))]
    for state in states:
        assert model.demand(state.offered) == pytest.approx(state.offered, rel=1e-6)
        assert 0 <= state.goodput <= model.arrival * (1 + 1e-9)
        assert 1 <= state.amplification <= retries + 1 + 1e-12


@settings(max_examples=10)
@given(st.floats(1e-3, 1e3))
def test_the_unit_of_time_does_not_matter(unit):
    other = Retries(arrival=0.5 / unit, service=unit, timeout=20.0 * unit)
    assert other.critical_budget == pytest.approx(LESSON.critical_budget, rel=1e-8)
    assert other.critical_load == pytest.approx(0.25, rel=1e-9)


FAST = Retries(arrival=500.0, service=0.001, timeout=0.020)


def test_published_amplification():
    """Site Reliability Engineering, chapter 22: 4^3 = 64; chapter 21: 10 % is 1.1x."""
    assert overload.amplification(1.0, 3) ** 3 == 64
    tenth = replace(FAST, budget=0.1, arrival=2000.0)
    assert tenth.states[-1].amplification == pytest.approx(1.1, rel=1e-12)


@given(st.floats(0, 1), st.integers(0, 30))
def test_amplification_is_the_geometric_sum(failure, retries):
    total = sum(failure**k for k in range(retries + 1))
    assert overload.amplification(failure, retries) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replace(LESSON, arrival=-1.0), "arrival must be > 0"),
        (lambda: replace(LESSON, timeout=0.0), "timeout must be > 0"),
        (lambda: replace(LESSON, retries=1.5), "retries must be a whole number"),
        (lambda: replace(LESSON, budget=-0.1), "budget must be >= 0"),
        (lambda: replace(LESSON, shed=1.5), r"shed must be in \[0, 1\]"),
        (lambda: replace(LESSON, servers=3, capacity=2), "capacity must be >= servers"),
        (lambda: LESSON.failure(-1.0), "offered must be >= 0"),
        (lambda: overload.amplification(1.2, 3), r"failure must be in \[0, 1\]"),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_notebook_tables():
    assert "4x" in LESSON._repr_html_()
