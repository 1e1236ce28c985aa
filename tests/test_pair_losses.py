"""What failures of a primary take, against nodes that live and writes on their way.

The play knows the nodes one by one: who is up, who leads, and who would be promoted.
At each failure that finds a standby the way of the writes to each is drawn, and what
has not come to the one that has most is lost.
"""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from hamodel import Workload, assess, duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Node,
    Replica,
    SinglePrimary,
    Site,
)
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import HOUR, YEAR
from tests.support.first_back import FirstBack
from tests.test_joint_chains import explored, long_run

FAIL, MEND, WRITES, TRIP, HOP = 1 / (100 * HOUR), 1 / (10 * HOUR), 100.0, 0.08, 0.001
LOAD = Workload(reads=1, writes=WRITES, round_trip=TRIP, hop=HOP)
NODE = Node(mttf=1 / FAIL, mttr=1 / MEND)


def nodes(*said):
    """Each node: its site, its priority (None: it is never promoted)."""
    return tuple(
        Replica(site=site, promotable=p is not None, priority=p or 0)
        for site, p in said
    )


def played(replicas, crews, delay, waited, timeout, rng, failures=60_000):
    """Failures that find a standby, in 1/s, and the writes that each takes.

    Where commits have waited for one of those that are left, what was answered at the
    timeout and had not come there yet is lost.
    """
    all_of = range(len(replicas))
    ranks = [r.priority if r.promotable else -1 for r in replicas]
    up, primary, clock, events, lost = (
        [True] * len(replicas),
        int(np.argmax(ranks)),
        0.0,
        0,
        0.0,
    )
    for _ in range(failures):
        serving = up[primary]
        down = [i for i in all_of if not up[i]]
        mended = [i for i in down if serving or len(down) <= crews or i != primary]
        each = MEND * min(1, crews / max(len(mended), 1))
        ways = [(i, each) for i in mended] + [
            (i, FAIL) for i in all_of if up[i] and serving
        ]
        rates = np.array([rate for _, rate in ways])
        clock += rng.exponential(1 / rates.sum())
        i = ways[rng.choice(len(ways), p=rates / rates.sum())][0]
        up[i] = not up[i]
        if up[i] and not serving and replicas[i].promotable:
            primary = i
        left = [j for j in all_of if up[j] and replicas[j].promotable]
        if up[i] or i != primary or not left:
            continue
        best = [j for j in left if ranks[j] == max(ranks[k] for k in left)]
        here = [j for j in best if replicas[j].site == replicas[i].site]
        best = here or best
        near = [replicas[j].site == replicas[i].site for j in best]
        late = np.where(near, HOP, TRIP) / 2 + delay(len(best), rng)
        safe = waited and sum(up) >= waited
        least = timeout if safe else 0.0
        events, lost = events + 1, lost + WRITES * max(late.min() - least, 0.0)
        primary = best[rng.integers(len(best))]
    return events / clock, lost / events


def still(count, rng):
    del rng
    return np.zeros(count)


def slow(count, rng):
    return rng.exponential(0.05, count)


SLOW = duration.exponential(0.05)
CASES = {  # nodes, crews, what is said of replication, delays, standbys waited for
    "a pair": (nodes(("A", 0), ("B", 0)), 1, {}, still, 0),
    "delays of their own": (nodes(*[("A", 0)] * 3), 1, {"delay": SLOW}, slow, 0),
    "one near and one far": (nodes(("A", 0), ("A", 0), ("B", 0)), 1, {}, still, 0),
    "the near one never leads": (
        nodes(("A", 1), ("A", None), ("B", 0)),
        1,
        {},
        still,
        0,
    ),
    "the far one comes first": (nodes(("A", 2), ("A", 0), ("B", 1)), 2, {}, still, 0),
    "one of two has gone": (
        nodes(("A", 0), ("B", 0), ("C", 0)),
        2,
        {"mode": "semi-sync", "standbys": 2, "acknowledgements": 2, "timeout": 1},
        still,
        2,
    ),
    "one of two has gone, or the timeout was short": (
        nodes(("A", 0), ("B", 0), ("C", 0)),
        2,
        {
            "mode": "semi-sync",
            "standbys": 2,
            "acknowledgements": 2,
            "timeout": 0.06,
            "delay": SLOW,
        },
        slow,
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_failures_take_what_the_one_that_is_promoted_lacks(name):
    replicas, crews, way, delay, waited = CASES[name]
    spec = ActivePassive(
        database=NODE,
        failover=Failover(detection=1e-3),
        replicas=replicas,
        crews=crews,
        replication=Replication(**way),
    )
    found = assess(spec, LOAD).lost_writes.by_failure["database"]
    timeout, rng = way.get("timeout", np.inf), np.random.default_rng(5)
    events, lost = played(replicas, crews, delay, waited, timeout, rng)
    assert found.events == pytest.approx(events, rel=0.02)
    assert found.writes == pytest.approx(lost, rel=0.05)


@pytest.mark.parametrize("timeout", [0.03, 0.07])
@pytest.mark.parametrize("law", [0.05, SLOW, duration.uniform(0, 0.2)], ids=str)
def test_what_a_timeout_lets_go_is_lost_before_it_is_received(law, timeout):
    """Each write of the last seconds is followed, at crashes of the primary."""
    way = Replication(mode="semi-sync", delay=law, timeout=timeout)
    pair = ActivePassive(database=NODE, failover=Failover(detection=1), replication=way)
    found, rng, count = assess(pair, LOAD), np.random.default_rng(8), 20_000
    there = TRIP / 2 + (law if law == 0.05 else law.sample(count, rng))
    there = np.broadcast_to(there, count)
    ages = np.cumsum(rng.exponential(1 / WRITES, (count, 400)), axis=1)  # in s
    lost = (ages >= timeout) & (ages < there[:, None])
    oldest = np.max(ages * lost, axis=1)
    assert oldest.mean() > 0.01
    writes = found.lost_writes.by_failure["database"].writes
    each = way.loss("network", writes=WRITES)
    assert writes == pytest.approx(lost.sum(axis=1).mean(), rel=0.04)
    assert found.rpo.mean == pytest.approx(oldest.mean(), rel=0.03)
    for p in (0.5, 0.9):
        assert found.rpo.quantile(p) == pytest.approx(np.quantile(oldest, p), rel=0.05)
    assert each.writes.mean < writes  # it knows the delay alone, not the way


def test_a_timeout_of_nothing_loses_what_nobody_waits_for():
    found = {
        mode: assess(
            ActivePassive(
                database=NODE,
                failover=Failover(),
                replication=Replication(mode=mode, delay=SLOW, **more),
            ),
            LOAD,
        )
        for mode, more in (("async", {}), ("semi-sync", {"timeout": 0.0}))
    }
    often, timed = found["async"], found["semi-sync"]
    assert timed.rpo.quantile(0.9) == often.rpo.quantile(0.9)
    for kind, loss in often.lost_writes.by_failure.items():
        same = timed.lost_writes.by_failure[kind]
        assert same.writes == pytest.approx(loss.writes, rel=1e-12)


def test_the_oldest_lost_write_is_of_those_that_may_be_promoted():
    never = nodes(("A", 1), ("A", None), ("B", 0))
    spec = ActivePassive(database=NODE, failover=Failover(), replicas=never)
    assert assess(spec, LOAD).rpo.quantile(0.99) == pytest.approx(TRIP / 2, rel=5e-3)
    alike = ActivePassive(
        database=NODE,
        failover=Failover(),
        sites=("A",) * 3,
        replication=Replication(delay=SLOW),
    )
    rng = np.random.default_rng(3)
    window = HOP / 2 + rng.exponential(0.05, (400_000, 2)).min(axis=1)
    oldest = np.maximum(window - rng.exponential(1 / WRITES, len(window)), 0)
    law = assess(alike, LOAD).rpo
    for p in (0.5, 0.9, 0.99):
        assert law.quantile(p) == pytest.approx(np.quantile(oldest, p), rel=0.02)


def test_each_site_reads_the_copy_that_it_has():
    """Writes and reads one by one: a copy that is farther behind is read by its own."""
    rng, count, lags = np.random.default_rng(6), 400_000, np.array([0.0, 0.04, 0.54])
    rank = np.arange(1, 201.0) ** -0.99
    key = rng.choice(200, 2 * count, p=rank / rank.sum())
    at = np.cumsum(rng.exponential(1 / (2 * WRITES), 2 * count))
    write, site = rng.random(2 * count) < 0.5, rng.integers(0, 3, 2 * count)
    order = np.lexsort((at, key))
    last = np.where(write[order], at[order], -np.inf)
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    for low, high in zip(starts, [*starts[1:], len(order)], strict=True):
        last[low:high] = np.maximum.accumulate(last[low:high])
    stale = at[order] - last < lags[site[order]]
    spec = ActivePassive(
        database=Node(mttf=1e7 * HOUR, mttr=HOUR),
        failover=Failover(),
        sites=("A", "B", "C"),
        replication=Replication(delay=(0.0, 0.5)),
    )
    found = assess(spec, replace(LOAD, reads=WRITES, keys=200))
    late = stale[~write[order]].mean()
    assert found.stale_read_probability == pytest.approx(late, rel=0.02)


def answered_late(sites, mode, wait_for, timeout, rng, *, way=0.01):
    """Share of reads of the last standby that lack the last answered write, played.

    A standby receives each write half a round trip after its commit, and replays them
    one by one; the client is answered when the last, or the first, has answered.
    """
    at = np.cumsum(rng.exponential(0.01, 1_000_000))
    answers = []
    for site in sites[1:]:
        takes = rng.exponential(0.008, len(at))
        trip = 0.0 if site == sites[0] else way
        busy = np.cumsum(takes)
        free = np.maximum.accumulate(at + trip - busy + takes)
        shown = busy + free
        answers.append(trip + (shown if wait_for == "applied" else at + trip))
    kth = np.max if mode == "sync" else np.min
    answered = np.minimum(kth(answers, axis=0), at + timeout)
    mine = rng.random(len(at)) < 0.05
    order = np.argsort(answered[mine], kind="stable")
    answered, shown = answered[mine][order], shown[mine][order]
    reads = rng.uniform(0.1 * at[-1], 0.9 * at[-1], 1_000_000)
    return np.mean(shown[np.searchsorted(answered, reads, side="right") - 1] > reads)


@pytest.mark.parametrize(
    ("sites", "mode", "wait_for", "timeout"),
    [
        ("AB", "semi-sync", "received", np.inf),
        ("AB", "semi-sync", "received", 0.004),
        ("AB", "semi-sync", "applied", 0.03),
        ("AB", "sync", "applied", np.inf),
        ("ABC", "sync", "received", np.inf),
        ("AAB", "quorum", "received", np.inf),
    ],
)
def test_a_read_is_stale_if_it_lacks_what_was_answered(sites, mode, wait_for, timeout):
    way = {"timeout": timeout} if np.isfinite(timeout) else {}
    spec = ActivePassive(
        database=Node(mttf=1e9 * HOUR, mttr=HOUR),
        failover=Failover(),
        replicas=[
            Replica(
                site=s,
                priority=int(s == "A"),
                reads="local" if s == sites[-1] else "never",
            )
            for s in sites
        ],
        replication=Replication(
            mode=mode,
            standbys=len(sites) - 1,
            wait_for=wait_for,
            apply=WriteStage(service=0.008),
            **way,
        ),
    )
    load = Workload(writes=100, reads=1, round_trip=0.02, hop=0, keys=20, exponent=0)
    found = assess(spec, load)
    played = answered_late(sites, mode, wait_for, timeout, np.random.default_rng(1))
    said = found.stale_read_probability / max(found.read.stale, 1e-9)
    assert said == pytest.approx(played, rel=0.03)


@pytest.mark.parametrize("wait_for", ["received", "applied"])
def test_what_is_answered_where_ways_have_laws(wait_for):
    """A quorum of one of two far standbys: draws of both ways and both replays."""
    rng, shape = np.random.default_rng(5), (2, 1_000_000)
    way = duration.lognormal(mean=0.01, cv=1.5)
    there, back = (way.sample(shape[0] * shape[1], rng).reshape(shape) for _ in "ab")
    replay = rng.exponential(1 / (1 / 0.006 - 100), shape)
    shown = there + 0.01 + replay
    known = shown if wait_for == "applied" else there + 0.01
    left = np.maximum(shown[1] - np.min(known + back + 0.01, axis=0), 0)
    spec = ActivePassive(
        database=Node(mttf=1e9 * HOUR, mttr=HOUR),
        failover=Failover(),
        sites=("A", "B", "C"),
        replication=Replication(
            mode="quorum",
            delay=way,
            standbys=2,
            wait_for=wait_for,
            apply=WriteStage(service=0.006),
        ),
    )
    load = Workload(writes=100, reads=1, round_trip=0.02, hop=0, keys=20, exponent=0)
    found = assess(spec, load)
    said = found.stale_read_probability / found.read.stale
    assert said == pytest.approx(np.mean(-np.expm1(-5 * left)), rel=0.02)


def test_what_is_down_does_not_fail():
    """A node fails once in the time it works and is mended, while its site works."""
    node, site = (
        Node(mttf=50 * HOUR, mttr=10 * HOUR),
        Site(mttf=400 * HOUR, mttr=40 * HOUR),
    )
    rng, count = np.random.default_rng(2), 60_000
    works, away = rng.exponential(400 * HOUR, count), rng.exponential(40 * HOUR, count)
    cycles = works / (60 * HOUR)
    often = cycles.sum() / (works + away).sum()
    both = ActiveActive(database=node, site=site, failover=Failover())
    lost = assess(both, LOAD).lost_writes.by_failure
    assert lost["database"].events == pytest.approx(2 * often, rel=0.02)
    assert lost["site"].events == pytest.approx(
        2 * count / (works + away).sum(), rel=0.02
    )
    alone = replace(SinglePrimary(database=node, site=site), destroyed=0.25)
    (taken,) = assess(alone, LOAD).lost_writes.by_failure.values()
    assert taken.events * YEAR == pytest.approx(often * YEAR / 4, rel=0.02)


# ---- all nodes lost ----------------------------------------------------------------


def lived(count, crews, works, rng, years=400):
    """Standbys that serve first after all were lost, in a year, and what each lacks."""
    up, primary, clock, taken, first, lacked = [True] * count, 0, 0.0, 0.0, 0, 0.0
    has = [0.0] * count  # of the time in which writes were taken; kept while down
    while clock < years * YEAR:
        serving, down = up[primary], [i for i in range(count) if not up[i]]
        mended = [i for i in down if serving or len(down) <= crews or i != primary]
        each = MEND * min(1, crews / max(len(mended), 1))
        ways = [(i, each) for i in mended]
        ways += [(i, FAIL) for i in range(count) if up[i] and serving]
        rates = np.array([rate for _, rate in ways])
        lasts = rng.exponential(1 / rates.sum())
        clock, taken = clock + lasts, taken + lasts * serving
        i = ways[rng.choice(len(ways), p=rates / rates.sum())][0]
        up[i] = not up[i]
        if up[i] and not serving:
            first, lacked = first + (i != primary), lacked + taken - has[i]
            primary = i
        elif not up[i]:
            has[i] = taken - HOP / 2 * (i != primary)
            left = [j for j in range(count) if up[j]]
            if i == primary and left:
                chosen = rng.choice(left)
                if rng.random() < works:
                    primary = chosen
                else:  # the candidate needs the same repair
                    up[chosen], has[chosen] = False, taken - HOP / 2
    return first / clock, WRITES * lacked / first


@pytest.mark.parametrize(
    ("count", "crews", "works"), [(2, 1, 1.0), (2, 2, 0.8), (3, 1, 1.0)]
)
def test_a_standby_that_is_back_first_lacks_what_it_missed(count, crews, works):
    spec = ActivePassive(
        database=NODE,
        failover=Failover(detection=1e-6, coverage=works),
        sites=("A",) * count,
        crews=crews,
    )
    lost = assess(spec, LOAD).lost_writes
    found = lost.by_failure["all nodes lost"]
    events, lacked = lived(count, crews, works, np.random.default_rng(8))
    assert found.events == pytest.approx(events, rel=0.05)
    assert found.writes == pytest.approx(lacked, rel=0.05)
    assert lost.missing_per_year == found.per_year  # the last primary has them


def test_a_standby_that_is_back_first_lacks_what_it_missed_by_hand():
    """With one crew it is always the one that was down when the primary failed."""
    pair = ActivePassive(database=NODE, failover=Failover(detection=1e-6))
    found = assess(pair, LOAD).lost_writes.by_failure["all nodes lost"]
    missed = WRITES * (1 / (MEND + FAIL) + TRIP / 2)
    assert found.writes == pytest.approx(missed, rel=1e-9)
    both = pair.model().downtime()["write"]["both nodes down"]
    assert found.events == pytest.approx(both * MEND, rel=1e-9)


def test_nothing_is_missing_where_commits_wait_or_all_are_restored():
    pair = ActivePassive(database=NODE, failover=Failover())
    for way in ({"mode": "sync"}, {"mode": "in-sync"}):
        other = replace(pair, replication=Replication(**way))
        assert assess(other, LOAD).lost_writes.missing_per_year == 0
    whole = replace(pair, restore=4 * HOUR)
    assert assess(whole, LOAD).lost_writes.missing_per_year == 0


@pytest.mark.parametrize(
    ("sites", "crews", "works"),
    [("AB", 1, 0.9), ("ABC", 2, 1.0), ("AAB", 1, 1.0), ("AAB", 2, 0.9)],
)
def test_standbys_serve_first_after_sites_and_nodes_were_lost(sites, crews, works):
    spec = ActivePassive(
        database=NODE,
        failover=Failover(detection=1e-6, coverage=works),
        sites=tuple(sites),
        crews=crews,
        site=Site(mttf=400 * HOUR, mttr=20 * HOUR),
    )
    found = assess(spec, LOAD).lost_writes.by_failure["all nodes lost"]
    rates = (FAIL, MEND, 1 / (400 * HOUR), 1 / (20 * HOUR))
    chain = FirstBack(tuple(sites), crews, works, *rates)
    states, edges = explored(chain.start, chain.follows)
    share = long_run(states, edges)
    events = sum(
        rate * share[k]
        for (k, j), rate in edges.items()
        if states[k][3] and not states[j][3] and states[j][0] != states[k][0]
    )
    assert found.events == pytest.approx(events, rel=1e-7)


def test_writes_lost_in_a_year_are_a_formula_of_the_rates():
    """A pair at one site: while both nodes are ready the primary fails."""
    m, r = sympy.symbols("m r", positive=True)
    pair = ActivePassive(
        database=Node(mttf=m, mttr=r),
        failover=Failover(promotion=30),
        replication=Replication(delay=0.25),
        sites=("a",),
    )
    found = assess(pair, LOAD).lost_writes.per_year
    assert found.free_symbols == {m, r}
    for life, mend in ((500 * HOUR, 4 * HOUR), (30 * HOUR, 9 * HOUR)):
        at = {m: life, r: mend}
        same = replace(pair, database=Node(mttf=life, mttr=mend))
        number = assess(same, LOAD).lost_writes.per_year
        assert float(found.subs(at)) == pytest.approx(number, rel=1e-9)
        f, g = 1 / life, 1 / mend
        moves = {
            "both": [("switching", f), ("one", f)],
            "switching": [("one", 1 / 30)],
            "one": [("both", g), ("none", f)],
            "none": [("one", g)],
        }
        states, edges = explored("both", moves.get)
        ready = long_run(states, edges)[states.index("both")]
        lost = ready / life * YEAR * WRITES * (0.25 + HOP / 2)
        assert number == pytest.approx(lost, rel=1e-6)
