"""What waiting costs (latency, availability), and what stale reads there are."""

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from hamodel import Chain, duration
from hamodel.replication import (
    ClientSession,
    Replication,
    Stream,
    WriteStage,
    stale_after,
)
from hamodel.replication._exposure import _window
from hamodel.replication._protection import Standbys
from hamodel.replication._stale import missed
from hamodel.units import HOUR, MINUTE, YEAR
from tests.support.queues import interval
from tests.support.replicas import fact, followed

mttfs = st.floats(50.0, 1e5)


# commit latency


def test_sync_waits_one_round_trip():
    # medians in a zone, across zones, across the continent, in ms
    for trip in (fact(f"RTT-0{k}") / 1000 for k in ("02", "05", "11")):
        pair = Replication(mode="sync", delay=trip / 2)
        assert pair.commit_delay().mean == pytest.approx(trip, rel=1e-12)
        assert pair.dependent_writes() == pytest.approx(1 / trip, rel=1e-12)
        assert Replication(delay=trip / 2).commit_delay().mean == 0
    assert Replication(delay=1.0).dependent_writes() == np.inf


@pytest.mark.parametrize(("k", "n"), [(1, 2), (2, 3), (3, 3), (2, 5)])
def test_quorum_waits_for_the_kth_answer(k, n):
    trip = Replication(
        mode="quorum",
        delay=0.0,
        flush=duration.exponential(1.0),
        standbys=n,
        acknowledgements=k,
    )
    mean = sum(1 / (n - j) for j in range(k))
    assert trip.commit_delay().mean == pytest.approx(mean, rel=1e-9)
    every = Replication(mode="sync", flush=duration.exponential(1.0), standbys=n)
    assert every.needed == n
    mean = sum(1 / (n - j) for j in range(n))
    assert every.commit_delay().mean == pytest.approx(mean, rel=1e-9)


def test_quorum_of_different_sites_equals_drawn_answers():
    rng = np.random.default_rng(21)
    delays = (
        0.001,
        duration.lognormal(mean=0.04, cv=0.5),
        duration.uniform(0.02, 0.06),
    )
    system = Replication(
        mode="quorum",
        delay=delays,
        acknowledgements=2,
        flush=0.002,
        send=WriteStage(service=0.001),
    )
    n = 300_000
    answers = [0.002 + np.full(n, 0.002)]
    answers += [d.sample(n, rng) + d.sample(n, rng) + 0.002 for d in delays[1:]]
    drawn = np.sort([a + rng.exponential(0.002, n) for a in answers], axis=0)[1]
    law = system.commit_delay(500)
    assert law.mean == pytest.approx(drawn.mean(), rel=0.005)
    assert law.quantile(0.99) == pytest.approx(np.quantile(drawn, 0.99), rel=0.01)


def test_waiting_for_apply_adds_the_lag():
    replay = WriteStage(service=0.001)
    received = Replication(mode="sync", delay=0.01, apply=replay)
    applied = Replication(mode="sync", delay=0.01, apply=replay, wait_for="applied")
    assert received.commit_delay(900).mean == pytest.approx(0.02)
    assert applied.commit_delay(900).mean == pytest.approx(0.03)
    back = applied.commit_delay(900).mean - applied.stream(900).mean_lag
    assert back == pytest.approx(0.01)


def test_semi_sync_waits_no_longer_than_its_timeout():
    slow = duration.lognormal(mean=0.05, cv=1.5)
    semi = Replication(mode="semi-sync", flush=slow, timeout=0.2)
    strict = Replication(mode="sync", flush=slow)
    assert semi.commit_delay().quantile(0.9999) == pytest.approx(0.2)
    assert strict.commit_delay().quantile(0.9999) > 0.4
    short = quad(slow.sf, 0, 0.2)[0]
    assert semi.commit_delay().mean == pytest.approx(short, rel=1e-6)


# availability


@given(mttfs, st.floats(0.1, 40.0), st.integers(1, 4), st.data())
def test_shortage_equals_a_chain(mttf, mttr, n, data):
    k = data.draw(st.integers(1, n))

    def moves(up):
        if up:
            yield up - 1, up / mttf
        if up < n:
            yield up + 1, (n - up) / mttr

    chain = Chain.explore(n, moves, up=lambda up: up >= k)
    strict = Replication(mode="quorum", standbys=n, acknowledgements=k)
    price = strict.protection(mttf=mttf, mttr=mttr)
    assert price.blocked == pytest.approx(chain.unavailability, rel=1e-12)
    assert price.stalls == pytest.approx(chain.failure_frequency, rel=1e-12)
    assert price.unprotected == 0
    for timeout in (0.01, 1.0, 30.0):
        semi = Replication(
            mode="semi-sync", standbys=n, acknowledgements=k, timeout=timeout
        ).protection(mttf=mttf, mttr=mttr)
        both = semi.blocked + semi.unprotected
        assert both == pytest.approx(price.blocked, rel=1e-8)
        assert semi.stall <= min(timeout, price.stall) * (1 + 1e-12)
        assert semi.blocked == pytest.approx(semi.stalls * semi.stall, rel=1e-12)


def test_stalls_equal_simulated_standbys():
    rng = np.random.default_rng(22)
    up, now, stall, alone, stalls = 2, 0.0, 0.0, 0.0, 0
    since = None
    for _ in range(120_000):
        rate = up / 20.0 + (2 - up) / 2.0
        step = rng.exponential(1 / rate)
        now += step
        down = rng.random() < up / 20.0 / rate
        up += -1 if down else 1
        if down and up == 1:
            since, stalls = now, stalls + 1
        elif not down and up == 2:
            stall += min(now - since, 1.5)
            alone += max(now - since - 1.5, 0.0)
    semi = Replication(mode="semi-sync", standbys=2, acknowledgements=2, timeout=1.5)
    price = semi.protection(mttf=20.0, mttr=2.0)
    assert price.blocked == pytest.approx(stall / now, rel=0.02)
    assert price.unprotected == pytest.approx(alone / now, rel=0.03)
    assert price.stalls == pytest.approx(stalls / now, rel=0.02)


def test_price_of_one_standby():
    assert Replication().timeout == fact("FO-035")
    strict = Replication(mode="sync").protection(mttf=1000 * HOUR, mttr=4 * HOUR)
    assert strict.blocked == pytest.approx(4 / 1004, rel=1e-12)
    semi = Replication(mode="semi-sync").protection(mttf=1000 * HOUR, mttr=4 * HOUR)
    expected = (1 - np.exp(-10 / 14400)) * 4 / 1004
    assert semi.blocked == pytest.approx(expected, rel=1e-9)
    assert strict.blocked * YEAR / MINUTE == pytest.approx(2094.02, abs=0.01)
    assert Replication().protection(mttf=1.0, mttr=1.0).blocked == 0
    for price in (strict, semi):
        assert "a year" in price._repr_html_()


def test_price_reads_as_formula_and_array():
    a, b, T = sympy.symbols("a b T", positive=True)
    at = {a: 900.0, b: 4.0, T: 3.0}
    for fields in (
        {"mode": "sync", "standbys": 2},
        {"mode": "quorum", "standbys": 3, "acknowledgements": 2},
    ):
        formula = Replication(**fields).protection(mttf=a, mttr=b)
        number = Replication(**fields).protection(mttf=900.0, mttr=4.0)
        assert float(formula.blocked.subs(at)) == pytest.approx(number.blocked)
        assert float(formula.stall.subs(at)) == pytest.approx(number.stall)
    for mode in ("semi-sync", "in-sync"):
        pair = {"mode": mode, "standbys": 2, "acknowledgements": 1}
        number = Replication(timeout=3.0, **pair).protection(mttf=900.0, mttr=4.0)
        for up, down, wait in itertools.product((a, 900.0), (b, 4.0), (T, 3.0)):
            some = Replication(timeout=wait, **pair).protection(mttf=up, mttr=down)
            for name in ("blocked", "unprotected", "stalls", "stall"):
                value = sympy.sympify(getattr(some, name)).subs(at)
                assert float(value) == pytest.approx(getattr(number, name), rel=1e-9)
        formula = Replication(timeout=T, **pair).protection(mttf=a, mttr=b)
        assert "Protection" in formula._repr_html_()
    two = Replication(mode="semi-sync", standbys=3, acknowledgements=2, timeout=T)
    with pytest.raises(ValueError, match="acknowledgements = 1"):
        two.protection(mttf=a, mttr=b)
    grid = np.array([900.0, 90.0])
    many = Replication(
        mode="semi-sync", standbys=3, acknowledgements=2, timeout=3.0
    ).protection(mttf=grid, mttr=4.0)
    for i, mttf in enumerate(grid):
        one = Replication(
            mode="semi-sync", standbys=3, acknowledgements=2, timeout=3.0
        ).protection(mttf=mttf, mttr=4.0)
        assert many.blocked[i] == pytest.approx(one.blocked, rel=1e-12)
        assert many.unprotected[i] == pytest.approx(one.unprotected, rel=1e-9)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mode": "semisync"}, "did you mean 'semi-sync'"),
        ({"wait_for": "flushed"}, "wait_for must be"),
        ({"delay": (0.1, 0.2), "standbys": 3}, "number of delays"),
        ({"acknowledgements": 2}, "acknowledgements must be <= standbys"),
        ({"delay": (0.1, -0.2)}, r"delay\[1\] must be >= 0"),
        ({"timeout": -1}, "timeout must be >= 0"),
        ({"flush": -1}, "flush must be >= 0"),
        ({"send": 0.1}, "send must be a WriteStage"),
    ],
)
def test_impossible_replication_is_named(fields, words):
    with pytest.raises(ValueError, match=words):
        Replication(**fields)


def test_replication_reads_well():
    semi = Replication(mode="semi-sync", delay=[0.001, duration.constant(0.04)])
    assert "1 of 2" in semi._repr_html_()
    assert semi.stream(10.0, standby=1).mean_lag == 0.04
    assert Replication(delay=sympy.Symbol("D")).stream(1.0).mean_lag == sympy.Symbol(
        "D"
    )


# stale reads


@given(st.floats(0.1, 0.95), st.floats(1e-12, 50.0), st.floats(0.0, 2.0))
def test_stale_reads_of_a_key_equal_the_closed_form(load, k, delay):
    stream = Stream(writes=load, delay=delay, apply=WriteStage(service=1.0))
    spare = 1 - load
    exact = -np.expm1(-k * delay) + np.exp(-k * delay) * k / (k + spare)
    assert stream.stale_probability(k) == pytest.approx(exact, rel=1e-9)


def test_stale_reads_of_rare_keys_keep_their_digits():
    stream = Stream(writes=0.5, apply=WriteStage(service=1.0))
    k = np.array([1e-15, 1e-9, 1e-7, 4e-6, 6e-6, 1e-3])
    assert stream.stale_probability(k) == pytest.approx(k / (k + 0.5), rel=1e-10)


def test_stale_reads_equal_followed_writes():
    rng = np.random.default_rng(23)
    stage = WriteStage(service=duration.constant(1.0))
    stream = Stream(writes=0.8, delay=0.5, apply=stage)
    commit, _, seen = followed(rng, 600_000, 0.8, delay=0.5, apply=np.ones)
    for share in (0.02, 0.3):
        mine = rng.random(len(commit)) < share
        written, visible = commit[mine], seen[mine]
        reads = rng.uniform(written[50], written[-50], 200_000)
        last = np.searchsorted(written, reads) - 1
        mean, width = interval((visible[last] > reads)[np.argsort(reads)])
        assert abs(stream.stale_probability(0.8 * share) - mean) < width


def test_stale_reads_across_the_wall():
    over = Stream(writes=1200, apply=WriteStage(service=0.001))
    assert over.stale_probability([0.0, 1.0]) == pytest.approx([0.0, 1.0])


@given(st.floats(0.05, 20.0), st.floats(0.05, 20.0), st.floats(0.0, 3.0))
def test_a_random_pause_is_a_race(mean, think, delay):
    lag = duration.constant(delay) + duration.exponential(mean)
    pause = duration.exponential(think)
    exact = 1 - np.exp(-delay / think) * think / (think + mean)
    assert stale_after(lag, pause) == pytest.approx(exact, rel=1e-7)
    fixed = stale_after(lag, duration.constant(delay + 1))
    assert fixed == pytest.approx(np.exp(-1 / mean), rel=1e-12)


# sessions


def test_primary_reads_mix_in():
    lag = duration.exponential(0.5)
    session = ClientSession(lag=lag, pause=0.2, primary_share=0.4)
    assert session.misses_own_write == pytest.approx(0.6 * np.exp(-0.4), rel=1e-12)


@given(st.floats(0.05, 3.0), st.floats(0.01, 3.0), st.floats(0.0, 5.0))
def test_pinning_equals_the_closed_form(mean, rate, hold):
    pinned = ClientSession(lag=duration.exponential(mean)).pinning(
        hold=hold, writes=rate
    )
    assert pinned.moved == pytest.approx(1 - np.exp(-rate * hold), abs=1e-15)
    whole = rate + 1 / mean
    exact = rate / whole * np.exp(-whole * hold)
    assert pinned.misses == pytest.approx(exact, rel=1e-9)
    grid = ClientSession(lag=duration.exponential(mean)).pinning(
        hold=np.array([0.0, hold]), writes=rate
    )
    assert grid.misses[1] == pytest.approx(exact, rel=1e-9)
    assert "Pinning" in pinned._repr_html_()
    assert "Pinning" in grid._repr_html_()


def test_waiting_for_the_position_costs_the_rest_of_the_lag():
    lag = duration.exponential(0.5)
    session = ClientSession(lag=lag, pause=1.0)
    assert session.waiting() == pytest.approx(0.5 * np.exp(-2), rel=1e-12)
    assert session.waiting(0.99) == pytest.approx(0.5 * np.log(100) - 1)
    assert session.waiting(0.5) == 0
    thinking = ClientSession(lag=lag, pause=duration.exponential(1.0))
    assert thinking.waiting() == pytest.approx(0.5 * 0.5 / 1.5, rel=1e-7)
    assert thinking.misses_own_write == pytest.approx(1 / 3, rel=1e-9)
    with pytest.raises(ValueError, match="p must be None"):
        thinking.waiting(0.9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ClientSession(lag=0.5), "lag must be a Duration"),
        (
            lambda: ClientSession(lag=duration.constant(1), pause=-1),
            "pause must be >= 0",
        ),
        (
            lambda: ClientSession(lag=duration.constant(1), primary_share=2),
            r"primary_share must be in \[0, 1",
        ),
        (
            lambda: stale_after(
                duration.exponential(np.ones(2)), duration.constant(1.0)
            ),
            "one law is needed",
        ),
    ],
)
def test_impossible_sessions_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(("n", "least"), [(1, 1), (2, 1), (3, 2), (4, 1)])
def test_standbys_in_sync_hold_commits_up_until_they_are_dropped(n, least):
    """Second road: each standby is up, waited for or dropped; all cases are listed."""
    mttf, mttr, timeout = 40.0, 5.0, 3.0
    wait = quad(lambda t: np.exp(-t / mttr), 0, timeout)[0]
    share = {"up": mttf, "waited for": wait, "dropped": mttr - wait}
    blocked = 0.0
    for case in itertools.product(share, repeat=n):
        if "waited for" in case or case.count("up") < least:
            blocked += np.prod([share[state] / (mttf + mttr) for state in case])
    mode = Replication(
        mode="in-sync", standbys=n, acknowledgements=least, timeout=timeout
    )
    found = mode.protection(mttf=mttf, mttr=mttr)
    assert found.blocked == pytest.approx(blocked, rel=1e-12)
    assert found.stalls * found.stall == pytest.approx(blocked, rel=1e-12)
    far = {"standbys": n, "delay": duration.exponential(0.02)}
    every, strict = (Replication(mode=m, **far) for m in ("in-sync", "sync"))
    assert every.commit_delay().mean == strict.commit_delay().mean
    a, b = sympy.symbols("a b", positive=True)
    formula = mode.protection(mttf=a, mttr=b).blocked
    assert float(formula.subs({a: mttf, b: mttr})) == pytest.approx(blocked, rel=1e-12)


def test_dropping_at_once_leaves_the_quorum_and_never_leaves_all():
    parts = {"mttf": 90.0, "mttr": 4.0}
    given = {"standbys": 3, "acknowledgements": 2}
    quick = Replication(mode="in-sync", timeout=0.0, **given).protection(**parts)
    some = Replication(mode="quorum", **given).protection(**parts)
    assert quick.blocked == pytest.approx(some.blocked, rel=1e-12)
    slow = Replication(mode="in-sync", timeout=1e9, **given).protection(**parts)
    every = Replication(mode="sync", standbys=3).protection(**parts)
    assert slow.blocked == pytest.approx(every.blocked, rel=1e-12)


@pytest.mark.parametrize("x", [5e-4, 5e-3, 0.5])
def test_the_age_of_the_first_write_of_a_window(x):
    """max(L - E, 0) for an exponential E of which little falls into the window."""
    length = 2.0
    for order in (1, 2):

        def age(t, order=order):
            return (length - t) ** order * x / length * np.exp(-x / length * t)

        expected = quad(age, 0, length, epsabs=0, epsrel=1e-12)[0]
        found = _window(np.array([x / length]), np.array([length]), order)
        assert found[0] == pytest.approx(expected, rel=1e-9)


def test_a_read_that_comes_as_often_as_a_lag_is_long():
    assert missed(duration.exponential(1000.0), 0.001) == pytest.approx(0.5, rel=1e-12)
    assert missed(duration.exponential(0.01), 1e-9) == pytest.approx(1e-11, rel=1e-9)


def test_who_never_waits_pays_nothing_and_who_drops_is_never_unprotected():
    free = Replication(mode="async").protection(mttf=HOUR, mttr=MINUTE)
    assert (free.blocked, free.unprotected, free.stalls, free.stall) == (0, 0, 0, 0)
    drops = Standbys(count=2, needed=1, mttf=1000 * HOUR, mttr=HOUR)
    assert drops.dropped_after(10.0).unprotected == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_law_of_service_that_is_exponential_is_its_mean(workers):
    law = WriteStage(service=duration.exponential(0.5), workers=workers, in_order=False)
    mean = WriteStage(service=0.5, workers=workers, in_order=False)
    for writes in (0.2, 1.7 * workers):
        assert law.mean_time(writes) == pytest.approx(mean.mean_time(writes), rel=1e-6)
        assert law.time(writes).sf(1.0) == pytest.approx(
            mean.time(writes).sf(1.0), rel=1e-3
        )


def test_stale_reads_of_arrays_are_those_of_each_number():
    keys, loads = np.array([1e-12, 1e-6, 1e-4, 1.0, 80.0]), np.array([0.1, 0.5, 0.97])

    def late(writes, key):
        stage = WriteStage(service=1.0)
        return Stream(writes=writes, delay=0.2, apply=stage).stale_probability(key)

    every = late(loads[:, None], keys)
    each = [[late(writes, key) for key in keys] for writes in loads]
    assert every == pytest.approx(np.array(each), rel=1e-9)
    assert [late(w, 1e-12) for w in (1.0, 1.5)] == [1, 1]  # the backlog only grows
    assert late(1.0, 0.0) == 0
    with pytest.raises(ValueError, match=r"got load 1.5"):
        late(np.array([0.5, 1.5]), 1.0)


def test_an_answer_is_that_of_an_idle_sender_unless_writes_are_said():
    way = Replication(mode="sync", send=WriteStage(service=0.5))
    assert way.acknowledgement().mean == way.acknowledgement(0.0).mean
    assert way.acknowledgement().mean < way.acknowledgement(1.0).mean
