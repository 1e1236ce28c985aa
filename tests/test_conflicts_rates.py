"""How often writes clash and what is lost: formulas against runs of real replicas."""

import heapq
import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.conflicts import (
    Zipf,
    certification_aborts,
    concurrency,
    concurrency_over_keys,
    last_write_wins,
    mean_siblings,
    total_order_latency,
)
from hamodel.units import DAY

LOPSIDED = [[0, 0.01, 0.04], [0.07, 0, 0.05], [0.03, 0.02, 0]]


def writes_of(rates, horizon, rng):
    return [np.sort(rng.uniform(0, horizon, rng.poisson(r * horizon))) for r in rates]


def rivals(mine, theirs, before, after):
    """Count the rival writes in a window around each write."""
    low = np.searchsorted(theirs, mine - before)
    return np.searchsorted(theirs, mine + after) - low


def test_concurrency_by_counting():
    rng = np.random.default_rng(11)
    rates, horizon = [3.0, 5.0, 2.0], 4000.0
    times = writes_of(rates, horizon, rng)
    found = concurrency(rates, LOPSIDED)
    pairs, hit = 0, []
    for i, mine in enumerate(times):
        total = np.zeros(len(mine), int)
        for j, theirs in enumerate(times):
            if i != j:
                total += rivals(mine, theirs, LOPSIDED[j][i], LOPSIDED[i][j])
        pairs += total.sum() / 2
        hit.append(total > 0)
        expected = found.shares[i]
        assert hit[-1].mean() == pytest.approx(expected, abs=4 * 0.5 / len(mine) ** 0.5)
    assert pairs / horizon == pytest.approx(found.pairs, rel=0.03)
    assert np.concatenate(hit).mean() == pytest.approx(found.share, abs=0.01)


def test_random_delays_by_counting():
    # the write's own delay is one draw; every rival brings a draw of its own
    rng = np.random.default_rng(12)
    slow = duration.hyperexponential([0.9, 0.1], [0.02, 0.5])
    rates, horizon = [4.0, 6.0], 10_000.0
    mine, theirs = writes_of(rates, horizon, rng)
    out, back = slow.sample(len(mine), rng), slow.sample(len(theirs), rng)
    after = np.searchsorted(theirs, mine + out) > np.searchsorted(theirs, mine)
    before = np.zeros(len(mine), bool)
    arrived = theirs + back
    for k in range(400):  # rivals up to 400 writes earlier
        at = np.searchsorted(theirs, mine) - 1 - k
        before |= (at >= 0) & (arrived[np.maximum(at, 0)] > mine)
    found = concurrency(rates, slow)
    assert found.pairs == pytest.approx(2 * 4.0 * 6.0 * slow.mean, rel=1e-12)
    assert (after | before).mean() == pytest.approx(found.shares[0], abs=0.012)
    # for one mean, delays that vary more clash less often
    steady = concurrency(rates, slow.mean)
    assert found.shares[0] < steady.shares[0] - 0.05
    constant = concurrency(rates, duration.constant(0.03))
    assert constant.share == pytest.approx(concurrency(rates, 0.03).share, rel=1e-12)


def test_concurrency_as_formula_and_sweep():
    rate, delay = sympy.symbols("lambda d", positive=True)
    found = concurrency([rate, rate], delay)
    assert sympy.simplify(found.share - (1 - sympy.exp(-2 * rate * delay))) == 0
    assert sympy.expand(found.pairs - 2 * rate**2 * delay) == 0
    grid = np.array([1e-12, 1.0, 10.0])
    many = concurrency([grid, 2 * grid], 0.04)
    for i, r in enumerate(grid):
        one = concurrency([float(r), 2 * float(r)], 0.04)
        assert many.share[i] == pytest.approx(one.share, rel=1e-14)
    assert many.share[0] == pytest.approx(0.08 * 4e-12 / 3, rel=1e-10)
    for rates, out in itertools.product(([1.0, 3.0], [rate, 3.0]), (0.02, delay)):
        shown = sympy.sympify(concurrency(rates, out).share)  # any of them a symbol
        one = concurrency([1.0, 3.0], 0.02).share
        assert float(shown.subs({rate: 1, delay: 0.02})) == pytest.approx(one)
    assert concurrency([0, 0], 0.1).share == 0
    only = concurrency([0, 1], 0.1)  # nobody rivals the one who writes alone
    assert only.share == 0


@pytest.mark.parametrize("exponent", [0.0, 0.7, 0.99, 1.0, 1.21, 1.88])
@pytest.mark.parametrize("keys", [50, 200_000])
def test_zipf_by_direct_sums(keys, exponent):
    share = np.arange(1, keys + 1, dtype=float) ** -exponent
    share /= share.sum()
    law = Zipf(keys=keys, exponent=exponent)
    assert law.mean(lambda p: np.ones_like(p)) == pytest.approx(1, rel=1e-9)
    assert law.mean(lambda p: p) == pytest.approx((share**2).sum(), rel=1e-8)
    assert law.head(10) == pytest.approx(share[:10].sum(), rel=1e-8)
    assert law.head(40_000) == pytest.approx(share[:40_000].sum(), rel=1e-8)
    rates, window = [3.0, 4.0], 0.08
    found = concurrency_over_keys(law, rates, window / 2)
    by_key = [1 - np.exp(-rates[1 - i] * share * window) for i in (0, 1)]
    for i in (0, 1):
        assert found.shares[i] == pytest.approx((share * by_key[i]).sum(), rel=1e-8)
    pairs = rates[0] * rates[1] * window * (share**2).sum()
    assert found.pairs == pytest.approx(pairs, rel=1e-8)


def test_keys_from_none_to_more_than_there_are():
    law = Zipf(keys=6)  # YCSB's exponent
    heads = np.cumsum([0, *np.arange(1, 7) ** -0.99]) / sum(np.arange(1, 7) ** -0.99)
    assert [law.head(k) for k in range(8)] == pytest.approx([*heads, 1], rel=1e-12)


def test_many_keys_do_not_save_a_popular_one():
    # a hundred times the keys, and more than half of the conflicts remain
    few = concurrency_over_keys(Zipf(keys=10**6), [500, 500], 0.04)
    many = concurrency_over_keys(Zipf(keys=10**8), [500, 500], 0.04)
    assert 0.5 < many.pairs / few.pairs < 1
    sweep = concurrency_over_keys(
        Zipf(keys=1000), [np.array([1.0, 2.0]), 3.0], np.array([[0.01], [0.02]])
    )
    one = concurrency_over_keys(Zipf(keys=1000), [2.0, 3.0], 0.01)
    assert sweep.share.shape == (2, 2)
    assert sweep.share[0, 1] == pytest.approx(one.share, rel=1e-12)


def replicas(rates, delays, offsets, horizon, seed, hybrid=False):
    """Run replicas that keep one register by last write wins.

    Returns how many writes were made, how many were beaten by a write whose author had
    not seen them or were refused at once, and how many of them were refused.
    """
    rng = np.random.default_rng(seed)
    sites = range(len(rates))
    times = writes_of(rates, horizon, rng)
    queue = [(t, "write", i, None) for i in sites for t in times[i]]
    heapq.heapify(queue)
    seen = [frozenset() for _ in sites]  # ids known at each site, recent ones
    register = [(-math.inf, None) for _ in sites]
    author_saw = {}
    lost, refused, number = set(), set(), itertools.count()
    while queue:
        t, kind, i, payload = heapq.heappop(queue)
        if kind == "write":
            name = next(number)
            stamp = t + offsets[i]
            if hybrid:
                stamp = max(stamp, register[i][0] + 1e-9)
            author_saw[name] = seen[i]
            seen[i] = frozenset([*sorted(seen[i])[-200:], name])
            if stamp < register[i][0]:
                lost.add(name)
                refused.add(name)
                continue
            register[i] = (stamp, name)
            for j in sites:
                if j != i:
                    heapq.heappush(queue, (t + delays[i][j], "news", j, (stamp, name)))
            continue
        stamp, name = payload
        seen[i] = seen[i] | {name}
        (low, loser), high = sorted([register[i], payload], key=lambda v: v[0])
        if loser is not None and loser not in author_saw[high[1]]:
            lost.add(loser)
        register[i] = high
        assert low <= high[0]
    return next(number), len(lost), len(refused)


@pytest.mark.parametrize(
    ("offsets", "hybrid"),
    [
        ([0, 0], False),
        ([0, 0.02], False),
        ([0, 0.15], False),
        ([0.15, 0], False),
        ([0, 0.15], True),
    ],
)
def test_last_write_wins_by_running_replicas(offsets, hybrid):
    rates, delays, horizon = [6.0, 4.0], [[0, 0.03], [0.06, 0]], 1200.0
    count, lost, refused = replicas(rates, delays, offsets, horizon, 5, hybrid)
    found = last_write_wins(rates, delays, offsets, hybrid=hybrid)
    error = 4 * (found.lost / horizon) ** 0.5
    assert lost / horizon == pytest.approx(found.lost, abs=error)
    error = 4 * (found.silent / horizon) ** 0.5
    assert refused / horizon == pytest.approx(found.silent, abs=error)
    assert count / horizon == pytest.approx(10, rel=0.05)


SHAKEN = [  # delays that vary, or are a law that does not
    duration.hyperexponential([0.9, 0.1], [0.02, 0.5]),
    duration.lognormal(mean=0.05, cv=1.5) + duration.constant(0.01),
    duration.constant(0.05),
]


@pytest.mark.parametrize("offsets", [[0, 0], [0, 0.03], [0.2, 0]])
@pytest.mark.parametrize("delay", SHAKEN, ids=repr)
def test_last_write_wins_by_counting_with_random_delays(delay, offsets):
    """Each write has a delay of its own; it is beaten by what is stamped later.

    That is what had not heard of it, or what it had heard of and was stamped behind.
    """
    rng = np.random.default_rng(8)
    rates, horizon = [6.0, 4.0], 8000.0
    times = writes_of(rates, horizon, rng)
    taken = [delay.sample(len(made), rng) for made in times]
    for hybrid in (False, True):
        found = last_write_wins(rates, delay, offsets, hybrid=hybrid)
        lost = silent = 0
        for i, j in ((0, 1), (1, 0)):
            made, other = times[i], times[j]
            beaten, mute = np.zeros(len(made), bool), np.zeros(len(made), bool)
            for k in range(-50, 50):
                at = np.searchsorted(other, made) + k
                there = (at >= 0) & (at < len(other))
                at = np.clip(at, 0, len(other) - 1)
                later = there & (other[at] + offsets[j] - offsets[i] > made)
                heard = other[at] + taken[j][at] < made
                beaten |= later & (other[at] < made + taken[i]) & ~(hybrid & heard)
                mute |= later & heard & (not hybrid)
            lost, silent = lost + beaten.sum(), silent + mute.sum()
        for said, count in ((found.lost, lost), (found.silent, silent)):
            assert count / horizon == pytest.approx(
                said, abs=4 * (said / horizon) ** 0.5
            )
    # the mean delay alone is far from it
    steady = last_write_wins(rates, delay.mean, offsets).lost
    varied = last_write_wins(rates, delay, offsets).lost
    assert varied < 0.97 * steady or delay is SHAKEN[-1] or offsets == [0.2, 0]


def test_a_law_that_does_not_vary_loses_what_its_time_does():
    for offsets in ([0, 0], [0, 0.03], [0.07, 0], [0.2, 0]):
        sure = last_write_wins([7, 9], 0.05, offsets)
        law = last_write_wins([7, 9], duration.constant(0.05), offsets)
        for name in ("lost", "silent", "reversed"):
            assert getattr(law, name) == pytest.approx(getattr(sure, name), rel=1e-13)
    quick = last_write_wins([1e7, 1e-6], duration.exponential(0.05))
    assert quick.shares == pytest.approx((5e-8, 1 - 2e-6), rel=1e-9)


def test_last_write_wins_loses_with_perfect_clocks():
    found = last_write_wins([1, 1], 0.040)
    assert found.silent == found.reversed == 0
    assert found.lost == pytest.approx(2 * (1 - math.exp(-0.04)), rel=1e-14)
    assert found.lost_per_day == found.lost * DAY
    assert "lost per day" in found._repr_html_()
    # moving all clocks alike changes nothing
    moved = last_write_wins([1, 1], 0.040, [5, 5])
    assert moved.lost == found.lost


@given(st.floats(-1, 1), st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_skew_never_helps_the_slow_clock(lead, out, back):
    delays = [[0, out], [back, 0]]
    found = last_write_wins([2, 3], delays, [0, lead])
    fair = last_write_wins([2, 3], delays)
    ahead, behind = (0, 1) if lead < 0 else (1, 0)
    assert found.shares[behind] >= fair.shares[behind] * (1 - 1e-12)
    assert found.shares[ahead] <= fair.shares[ahead] * (1 + 1e-12)
    hybrid = last_write_wins([2, 3], delays, [0, lead], hybrid=True)
    assert hybrid.silent == 0
    assert hybrid.lost <= found.lost * (1 + 1e-12)
    assert found.reversed == pytest.approx(6 * abs(lead))


def test_last_write_wins_as_formula():
    rate, delay, skew = sympy.symbols("lambda d s", positive=True)
    found = last_write_wins([rate, rate], delay, [0, skew])
    point = {rate: 2.0, delay: 0.03, skew: 0.1}
    same = last_write_wins([2.0, 2.0], 0.03, [0, 0.1])
    for name in ("lost", "silent", "reversed"):
        value = float(sympy.sympify(getattr(found, name)).subs(point))
        assert value == pytest.approx(getattr(same, name), rel=1e-12)


def merged(one, other):
    (mine, here), (theirs, there) = one, other
    new = {v for v in here if v[1] > theirs[v[0]]}
    new |= {v for v in there if v[1] > mine[v[0]]}
    return tuple(map(max, mine, theirs)), frozenset(here & there | new)


def siblings_by_running(rates, delays, at, horizon, seed):
    """Return the time average of siblings held at one site: registers with clocks.

    A register holds a clock (writes seen of each site) and the versions not yet
    replaced; a write replaces what its author has read, a merge keeps what is new.
    """
    rng = np.random.default_rng(seed)
    sites = range(len(rates))
    queue = [(t, i, None) for i in sites for t in writes_of(rates, horizon, rng)[i]]
    heapq.heapify(queue)
    state = [((0,) * len(rates), frozenset()) for _ in sites]
    total, last = 0.0, 10.0
    while queue:
        t, i, news = heapq.heappop(queue)
        if t > horizon:
            break
        if i == at and t > last:
            total += len(state[at][1]) * (t - last)
            last = t
        if news is not None:
            state[i] = merged(state[i], news)
            continue
        clock = tuple(n + (k == i) for k, n in enumerate(state[i][0]))
        state[i] = clock, frozenset({(i, clock[i])})
        for j in sites:
            if j != i:
                late = delays[i][j]
                late = late(rng) if callable(late) else late
                heapq.heappush(queue, (t + late, j, state[i]))
    return total / (last - 10.0)


@pytest.mark.parametrize("at", [0, 2])
def test_siblings_by_running_registers(at):
    rates = [4.0, 9.0, 6.0]
    delays = [[0, 0.05, 0.06], [0.03, 0, 0.05], [0.06, 0.04, 0]]
    seen = siblings_by_running(rates, delays, at, 250.0, 3)
    assert seen == pytest.approx(mean_siblings(rates, delays, at), rel=0.03)


@pytest.mark.parametrize(
    ("rates", "law", "width"),
    [
        ([4.0, 9.0], duration.exponential(0.1), 0.015),
        ([4.0, 9.0, 6.0], 0.04 + duration.exponential(0.06), 0.02),
    ],
)
def test_siblings_by_running_registers_whose_news_take_random_times(rates, law, width):
    """Of means alone they would be 5 % more."""
    delays = [
        [law if i != j else 0 for j in range(len(rates))] for i in range(len(rates))
    ]
    drawn = [[lambda rng: float(law.sample(1, rng)[0])] * len(rates)] * len(rates)
    runs = [siblings_by_running(rates, drawn, 1, 100.0, k) for k in range(3)]
    found = mean_siblings(rates, delays, 1)
    assert found == pytest.approx(np.mean(runs), rel=width)
    assert mean_siblings(rates, law.mean, 1) > (1 + 2 * width) * found


def test_siblings_of_laws_are_those_of_constants_where_they_are_short():
    """And by hand of two sites: exponential news of a round trip."""
    rates, delay = [2.0, 3.0, 5.0], 0.1
    narrow = duration.uniform(delay * 0.999, delay * 1.001)
    assert mean_siblings(rates, narrow) == pytest.approx(
        mean_siblings(rates, delay), rel=1e-3
    )
    many = mean_siblings([np.array([2.0, 4.0]), 3.0], duration.exponential(0.1))
    for k, rate in enumerate((2.0, 4.0)):
        one = mean_siblings([rate, 3.0], duration.exponential(0.1))
        assert many[k] == pytest.approx(one, rel=1e-3)


def test_siblings_of_two_sites_in_closed_form():
    for mine, theirs, out, back in itertools.product(
        (0.5, 8), (1, 20), (0.01,), (0.2,)
    ):
        found = mean_siblings([mine, theirs], [[0, out], [back, 0]])
        share = theirs / (mine + theirs) * -math.expm1(-mine * (out + back))
        assert found == pytest.approx(1 + share, rel=1e-13)
    grid = np.array([0.001, 0.1, 5.0])
    many = mean_siblings([1.0, 2.0, 3.0], grid)
    for i, delay in enumerate(grid):
        one = mean_siblings([1.0, 2.0, 3.0], float(delay))
        assert many[i] == pytest.approx(one, rel=1e-13)
    # news that takes for ever: a site's own write has seen half of the others' last
    assert mean_siblings([1.0] * 4, 1e6) == pytest.approx(1 + 3 / 2, rel=1e-5)
    assert mean_siblings([1.0] * 4, 0.0) == 1


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: concurrency([1], 0.1), "2 sites or more, got 1"),
        (lambda: concurrency(5, 0.1), "one rate per site, got 5"),
        (lambda: concurrency([1, -2], 0.1), r"rates\[1\] must be >= 0"),
        (lambda: concurrency([1, 2], -0.1), r"delays\[0\]\[1\] must be >= 0"),
        (lambda: concurrency([1, 2], [[0, 1]]), "2 rows of 2"),
        (
            lambda: last_write_wins([1, 2], 0.1, [0]),
            "offsets must hold 2 values, got 1",
        ),
        (
            lambda: last_write_wins([1, 2], 0.1, [0, math.nan]),
            r"offsets\[1\] must be fin",
        ),
        (lambda: mean_siblings([1, 2], 0.1, 2), "at must be < 2"),
        (lambda: mean_siblings([1, 0], 0.1), r"rates\[1\] must be > 0"),
        (
            lambda: mean_siblings([1, 1, 1], [[0, 1, 9], [1, 0, 1], [1, 1, 0]]),
            r"delays\[0\]\[2\] must be <= the detour by 1, got 9 > 1 \+ 1",
        ),
        (
            lambda: mean_siblings(
                [1, 1, 1], [[0, 1, np.array([1, 9])], [1, 0, 1], [1, 1, 0]]
            ),
            r"delays\[0\]\[2\] must be <= the detour by 1",  # one of a sweep
        ),
        (lambda: Zipf(keys=0), "keys must be a whole number >= 1"),
        (lambda: Zipf(keys=5, exponent=-1), "exponent must be >= 0"),
    ],
)
def test_errors(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()


def test_certification_refuses_what_a_rival_has_overtaken():
    """Play two nodes: a commit is ordered when it is sent, and applied W later."""
    rng = np.random.default_rng(12)
    own, other = (np.cumsum(rng.exponential(1 / 5, 100_000)) for _ in range(2))
    latency = rng.gamma(4, 0.06 / 4, 100_000)
    applied = np.searchsorted(other, own) - 1  # the rival's last commit before
    seen = own - other[np.maximum(applied, 0)] < latency
    share = certification_aborts(5, duration.gamma(mean=0.06, cv=0.5))
    assert share == pytest.approx(seen.mean(), rel=0.03)
    assert certification_aborts([5, 50], 0.06, keys=[1, 10]).tolist() == pytest.approx(
        [1 - math.exp(-0.3)] * 2
    )
    with pytest.raises(ValueError, match="keys must be a whole number >= 1"):
        certification_aborts(5, 0.06, keys=0)


@pytest.mark.parametrize(("nodes", "delays"), [(2, 2), (3, 3), (5, 3)])
def test_a_commit_waits_until_all_are_known_to_have_it(nodes, delays):
    """Play the messages: each node tells all others what it has from everybody."""
    has = [{0} if i == 0 else set() for i in range(nodes)]
    told = [[set() for _ in range(nodes)] for _ in range(nodes)]
    complete = [set() for _ in range(nodes)]  # what each knows to be everywhere
    step = 0
    while len(complete[0] | {0}) < nodes:
        step += 1
        sent = [
            (set(has[i]), {k for k in has[i] if full(told[i], has[i], i)})
            for i in range(nodes)
        ]
        for i in range(nodes):
            for j in range(nodes):
                if i != j and (0 in sent[i][0]):
                    told[j][i] |= sent[i][0]
                    has[j] |= sent[i][0]
                    complete[j] |= {i} if sent[i][1] else set()
    assert total_order_latency(1.0, nodes=nodes).mean == step == delays


def full(told, own, me):
    """Tell whether a node has heard from every node but the sender and itself."""
    others = [heard for k, heard in enumerate(told) if k not in (me, 0)]
    return bool(own) and all(others)


def test_shares_of_sites_that_write_seldom_are_weighed_too():
    found = concurrency([0.3, 0.4], 2.0)
    mine, other = -np.expm1(-0.4 * 4), -np.expm1(-0.3 * 4)
    assert found.shares == pytest.approx((mine, other), rel=1e-12)
    assert found.share == pytest.approx((0.3 * mine + 0.4 * other) / 0.7, rel=1e-12)
    assert concurrency([0.0, 0.0], 2.0).share == 0


def test_a_day_of_silent_losses_is_shown():
    found = last_write_wins([1, 1], 0.040, [0, 0.100])
    shown = found._repr_html_()
    assert f"{found.silent * 86400:,.4g}".replace(",", "")[:3] in shown.replace(",", "")
