"""Copies that vote or answer for themselves, played: what was never judged before.

A cluster by Raft's rules while its nodes fail; each write and read at copies of which
some count, by site; the clients of a lost site; hints that are kept for too short.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from hamodel import duration
from hamodel.architectures import Leaderless, Majority, Node, Site
from hamodel.assessment import assess
from hamodel.failover import Failover, RaftElection
from hamodel.units import DAY, HOUR
from hamodel.workload import Workload
from tests.support.replicated_logs import Cluster

FREQUENT, RARE = 0.05, 0.20

# ---- a majority --------------------------------------------------------------------

WAY, LIFE, GONE, SPAN = 0.05, 300.0, 6.0, 100_000.0
TIMERS = {"low": 1.0, "high": 2.0, "heartbeat": 0.3}


def cluster(sites, beside, **more):
    """Nodes that fail every 300 s, a write and a local read each other second."""
    rng = np.random.default_rng(4)
    made = Cluster(sites, WAY, beside, **TIMERS, mttf=LIFE, mttr=GONE, rng=rng, **more)
    return made.run(SPAN, 0.5, 0.5)


@pytest.mark.parametrize("copies", [(1, 1, 1), (2, 2, 1)])
def test_a_majority_by_its_messages(copies):
    """Downtime by cause, elections, losses, lag, stale reads, the wait of a write."""
    sites = tuple(k for k, n in enumerate(copies) for _ in range(n))
    beside = 0.0005
    held = {f"DC-{k + 1}": n for k, n in enumerate(copies)}
    seen = cluster(sites, beside)
    election = RaftElection(
        **TIMERS, nodes=len(sites), copies=held, one_way=WAY, within=beside
    )
    spec = Majority(
        database=Node(mttf=LIFE, mttr=GONE),
        failover=Failover(),
        election=election,
        copies=held,
        local_reads=True,
    )
    work = {"read_time": 1e-9, "write_time": 1e-9, "app_time": 0.0, "keys": 1}
    w = Workload(reads=0.5, writes=0.5, hop=2 * beside, round_trip=2 * WAY, **work)
    found, took = assess(spec, w), np.array(seen.recoveries)
    for law in (found.rto, found.outage):
        assert law.mean == pytest.approx(took.mean(), rel=FREQUENT)
        for p in (0.25, 0.5, 0.75):
            assert law.quantile(p) == pytest.approx(np.quantile(took, p), rel=FREQUENT)
        assert law.quantile(0.95) == pytest.approx(np.quantile(took, 0.95), rel=RARE)
    for cause, width in (("failing over", 2 * FREQUENT), ("no majority", RARE)):
        share, led = seen.down[cause] / SPAN, assess(replace(spec, local_reads=False))
        for operation in (found.write, led.read):
            said = operation.downtime_by_cause[cause]
            assert said == pytest.approx(share, rel=width) or share < 1e-4
    assert found.lost_writes.per_year == seen.lost() == 0
    assert found.rpo.quantile(0.99) == 0
    assert found.replication_lag.mean == pytest.approx(np.mean(seen.late), rel=FREQUENT)
    stale, reads = seen.unread
    share = found.stale_read_probability / found.read.stale
    assert share == pytest.approx(stale / reads, rel=RARE)
    law = duration.mixture(
        [1 / 3] * 3, [found.latency[name, "write"] for name in found.sites]
    )
    # half a trip there counts twice; whoever waits for two goes the long way
    assert law.mean == pytest.approx(np.mean(seen.latency) + w.hop, rel=0.02)


@pytest.mark.parametrize("careful", [True, False])
def test_voters_that_do_not_compare_logs_lose_what_was_answered(careful):
    """The play can lose writes: a rule that is broken shows."""
    rng = np.random.default_rng(4)
    own = {"low": 2.0, "high": 4.0, "heartbeat": 0.3, "mttf": LIFE, "mttr": 60.0}
    made = Cluster((0, 1, 2), 0.3, 0.3, **own, rng=rng, careful=careful)
    lost = made.run(15_000.0, 2.0, 0.0).lost()
    assert lost == 0 if careful else lost > 5


# ---- copies of which some answer, by site ------------------------------------------

HELD = {"DC-1": 3, "DC-2": 2}
CALM = Workload(
    reads=1,
    writes=20,
    read_time=0.001,
    write_time=0.005,
    round_trip=0.03,
    hop=0.002,
    keys=20,
    exponent=0,
    app_time=0,
)
QUIET = Node(mttf=1e12, mttr=14400.0, cores=32)  # nobody waits for a core


class Sample:
    """Requests at copies of two sites, one at a time: nothing but ways and work."""

    def __init__(self, count, rng):
        self.held = np.repeat(np.arange(len(HELD)), list(HELD.values()))
        self.count, self.rng = count, rng
        self.write = self.entered()
        self.done = self.write.away + rng.exponential(
            CALM.write_time, self.write.away.shape
        )
        self.back = self.done + self.write.away

    def entered(self):
        """Where a request enters, and how far each copy is from who coordinates it."""
        rng, many = self.rng, len(self.held)
        site = rng.integers(0, len(HELD), self.count)
        beside = self.held == site[:, None]
        liking = rng.random((self.count, many)) + 2 * ~beside
        liking[np.arange(self.count), liking.argmin(axis=1)] = -1
        away = np.where(beside, CALM.hop, CALM.round_trip) / 2
        away[liking < 0] = 0
        return Entered(beside, liking, away)

    def chosen(self, order, beside, needed, scope):
        """The first copies in an order that count: of all, here, or of each site."""

        def first(among):
            ranked = np.argsort(np.argsort(np.where(among, order, np.inf)))
            return among & (ranked < needed)

        if scope == "any":
            return first(np.ones_like(beside))
        if scope == "local":
            return first(beside)
        return first(beside) | first(~beside)


class Entered:
    def __init__(self, beside, liking, away):
        self.beside, self.liking, self.away = beside, liking, away


@pytest.fixture(scope="module")
def sample():
    return Sample(200_000, np.random.default_rng(5))


@pytest.mark.parametrize(
    ("read_from", "write_to"), [*product(("any", "local", "each"), repeat=2)]
)
@pytest.mark.parametrize(("read", "write"), [(1, 1), (2, 1), (1, 2)])
def test_whose_answers_count(sample, read, write, read_from, write_to):
    """Lag, stale reads and losses for each pair of scopes."""
    waited = sample.chosen(sample.back, sample.write.beside, write, write_to)
    answered = np.max(np.where(waited, sample.back, 0), axis=1)
    lag = np.maximum(sample.done - answered[:, None], 0)[~waited]
    spec = Leaderless(
        database=QUIET,
        copies=HELD,
        read_quorum=read,
        write_quorum=write,
        read_from=read_from,
        write_to=write_to,
    )
    found = assess(spec, CALM)
    assert found.replication_lag.mean == pytest.approx(lag.mean(), rel=FREQUENT)
    late = found.replication_lag.quantile(0.95)
    assert late == pytest.approx(np.quantile(lag, 0.95), rel=FREQUENT)
    asks = sample.entered()
    asked = sample.chosen(asks.liking, asks.beside, read, read_from)
    age = sample.rng.exponential(CALM.keys / CALM.writes, sample.count)
    fresh = asked & (age[:, None] + asks.away >= sample.done)
    stale = ((answered < age) & ~fresh.any(axis=1)).mean()
    if stale > 1e-3:
        assert found.stale_read_probability == pytest.approx(stale, rel=0.10)
    assert found.stale_read_probability < stale + 1e-3
    losses, lost = found.lost_writes.by_failure, {"site": [], "database": []}
    lost["site"] = [sample.held == k for k in range(len(HELD))]
    lost["database"] = [np.arange(5) == k for k in range(5)]
    for kind, places in lost.items():
        gone = [
            np.maximum(sample.done[:, ~place].min(axis=1) - answered, 0).mean()
            for place in places
        ]
        said = losses[kind].writes if kind in losses else 0.0
        assert said == pytest.approx(CALM.writes * np.mean(gone), rel=FREQUENT)


# ---- clients of a lost site, and hints ---------------------------------------------


@pytest.mark.parametrize("manual", [None, 1200.0])
def test_clients_of_a_lost_site(manual):
    rng, n, back, soon = np.random.default_rng(6), 400_000, 1800.0, 60.0
    failover = Failover(detection=40, redirection=20, coverage=0.9, manual=manual)
    spec = Leaderless(
        database=Node(mttf=1e7, mttr=5.0),
        copies=HELD,
        failover=failover,
        site=Site(mttf=1e8, mttr=back),
    )
    found, repaired = assess(spec), rng.exponential(back, n)
    hand = rng.exponential(manual, n) if manual else np.inf
    led = np.where(rng.random(n) < 0.9, soon, soon + hand)
    took = np.minimum(repaired, led)
    assert found.rto.quantile([0.01, 0.99]) == pytest.approx(soon)
    assert found.outage.mean == pytest.approx(took.mean(), rel=0.02)
    for p in (0.02, 0.95, 0.99):
        assert found.outage.quantile(p) == pytest.approx(np.quantile(took, p), rel=0.05)
    alone = assess(Leaderless(database=QUIET))
    assert alone.rto.mean == alone.outage.mean == 0  # a copy that is lost stops nobody


def lacked(w, kept, every, life, gone, rng):
    """One node, many lives: what it lacks of each key until it is written or repaired.

    Most reads that find nothing new are of keys that are hardly ever written.
    """
    n = 20_000
    up, away = rng.exponential(life, n), rng.exponential(gone, n)
    back = np.cumsum(up + away)
    until = np.minimum(every - back % every, np.append(up[1:], np.inf))
    share = np.arange(1, w.keys + 1) ** -w.exponent
    share /= share.sum()
    lacking = 0.0
    for popular in share:
        rate = w.writes * popular
        missed = rng.exponential(1 / rate, n) < away - kept
        lacks = np.minimum(rng.exponential(1 / rate, n), until)
        lacking += popular * (missed * lacks).sum()
    return lacking / back[-1]


@pytest.mark.parametrize(
    ("copies", "needed", "scope", "sites"),
    [
        ({"A": 3}, 2, "any", 0),
        ({"A": 3, "B": 2}, 2, "any", 1),
        ({"A": 3, "B": 2}, 2, "local", 1),
        ({"A": 3, "B": 2}, 2, "each", 0),  # nobody writes while a site is lost
        ({"A": 3, "B": 2}, 3, "any", 0.5),  # nor where too few are left of five
    ],
)
def test_hints_that_are_kept_for_too_short(copies, needed, scope, sites):
    """Lives of a node, and of its site while the others are written."""
    kept, every, life, gone = 1 * HOUR, 4 * DAY, 400 * HOUR, 3 * HOUR
    whole = Site(mttf=900 * HOUR, mttr=6 * HOUR)
    w = Workload(
        reads=1,
        writes=0.01,
        keys=200,
        round_trip=0,
        hop=0,
        read_time=1e-9,
        write_time=1e-9,
    )
    node = Node(mttf=life, mttr=gone)
    spec = Leaderless(
        database=node,
        copies=copies,
        site=whole,
        read_quorum=1,
        write_quorum=needed,
        write_to=scope,
        hints=kept,
        repair_every=every,
    )
    rng = np.random.default_rng(7)
    lacking = lacked(w, kept, every, life, gone, rng)
    lacking += sites * lacked(w, kept, every, whole.mttf, whole.mttr, rng)
    said = assess(spec, w).stale_read_probability
    assert said == pytest.approx(lacking, rel=FREQUENT)
    long = replace(spec, hints=None)
    assert assess(long, w).stale_read_probability < 1e-6


def test_a_read_that_asks_two_copies_over_ways_that_vary():
    """A write is answered by its coordinator; stale are too few, by what is said."""
    trip, takes, count = 0.04, 0.005, 500_000
    w = Workload(
        reads=20,
        writes=20,
        round_trip=duration.exponential(trip),
        hop=0.0,
        read_time=1e-7,
        write_time=takes,
        keys=1,
    )
    spec = Leaderless(
        database=Node(mttf=1e9, mttr=1.0, cores=64),
        copies={"a": 1, "b": 1, "c": 1},
        read_quorum=2,
        write_quorum=1,
    )
    rng = np.random.default_rng(4)
    age, found, known = np.zeros((3, count))
    stale, way = np.zeros(count), rng.exponential(trip / 2, count)
    for _ in range(12):  # the writes before a read: that of copy 0, and one other
        age = age + rng.exponential(1 / w.writes, count)
        first = rng.integers(0, 3, count)  # the copy where it is written
        shown = rng.exponential(trip / 2, (3, count)) + rng.exponential(
            takes, (3, count)
        )
        shown[first, np.arange(count)] = rng.exponential(takes, count)
        known = known + ((shown[0] <= age) | (shown[1] <= age + way))
        now = (shown[first, np.arange(count)] <= age) & (found == 0)
        stale += now & (known == 0)
        found = found + now
    said = assess(spec, w).stale_read_probability
    assert 0.7 < said / stale.mean() < 0.85  # as is said
