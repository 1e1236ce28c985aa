"""Staleness of partial quorums: the published table, and runs of the race itself."""

from fractions import Fraction
from itertools import combinations, product
from math import comb, prod

import numpy as np
import pytest

from hamodel import duration
from hamodel.quorum import (
    Delays,
    NoQuorumError,
    Quorum,
    latency,
    older_than,
    stale_probability,
)
from hamodel.units import MS


def mixed(weight, scale, alpha, rate):
    """Return a fit of Bailis et al. (2012), given in ms, in s."""
    parts = [duration.pareto(scale * MS, alpha), duration.exponential(MS / rate)]
    return duration.mixture([weight, 1 - weight], parts)


# The fits of LinkedIn's stores and Yammer's Riak (facts PBS-001 to PBS-020)
SSD = mixed(0.9122, 0.235, 10, 1.66)
DISK = mixed(0.38, 1.05, 1.51, 0.183)
RIAK = mixed(0.982, 1.5, 3.8, 0.0217)
FITS = {
    "LNKD-SSD": Delays(write=SSD, ack=SSD, read=SSD, response=SSD),
    "LNKD-DISK": Delays(write=DISK, ack=SSD, read=SSD, response=SSD),
    "YMMR": Delays(
        write=mixed(0.939, 3, 3.35, 0.0028), ack=RIAK, read=RIAK, response=RIAK
    ),
}
# Bailis et al. (2014), "Quantifying eventual consistency with PBS", Communications of
# the ACM 57(8), 93-102: N = 3; R, W, 99.9 % read latency, 99.9 % write latency, time to
# 99.9 % fresh reads, all in ms (facts PBS-022 to PBS-075).
TABLE = [
    ("LNKD-SSD", 1, 1, 0.66, 0.66, 1.85),
    ("LNKD-SSD", 1, 2, 0.66, 1.63, 1.79),
    ("LNKD-SSD", 2, 1, 1.63, 0.65, 0),
    ("LNKD-SSD", 2, 2, 1.62, 1.64, 0),
    ("LNKD-SSD", 3, 1, 4.14, 0.65, 0),
    ("LNKD-SSD", 1, 3, 0.65, 4.09, 0),
    ("LNKD-DISK", 1, 1, 0.66, 10.99, 45.5),
    ("LNKD-DISK", 1, 2, 0.65, 20.97, 43.3),
    ("LNKD-DISK", 2, 1, 1.63, 10.9, 13.6),
    ("LNKD-DISK", 2, 2, 1.64, 20.96, 0),
    ("LNKD-DISK", 3, 1, 4.12, 10.89, 0),
    ("LNKD-DISK", 1, 3, 0.65, 112.65, 0),
    ("YMMR", 1, 1, 5.58, 10.83, 1364),
    ("YMMR", 1, 2, 5.61, 427.12, 1352),
    ("YMMR", 2, 1, 32.6, 10.73, 202),
    ("YMMR", 2, 2, 33.18, 428.11, 0),
    ("YMMR", 3, 1, 219.27, 10.79, 0),
    ("YMMR", 1, 3, 5.63, 1870.86, 0),
]


def consistent_after(delays, fresh, *, quorum):
    """Return when reads are that fresh, between times that are 11 % apart."""
    times = np.concatenate([[0.0], np.geomspace(0.1 * MS, 3, 100)])
    fall = np.log(stale_probability(delays, times, quorum=quorum) + 1e-300)
    return np.interp(-np.log(1 - fresh), -fall, times)


@pytest.mark.parametrize(("system", "read", "write", "reads", "writes", "fresh"), TABLE)
def test_published_table(system, read, write, reads, writes, fresh):
    delays = FITS[system]
    found = latency([delays.read + delays.response] * 3, read).quantile(0.999)
    assert found / MS == pytest.approx(reads, rel=0.02)
    found = latency([delays.write + delays.ack] * 3, write).quantile(0.999)
    assert found / MS == pytest.approx(writes, rel=0.04)
    # The authors' times come from a simulation, at 1 stale read in 1000: 4 to 15 %
    # below ours, and the runs below side with ours.
    quorum = Quorum(replicas=3, read=read, write=write)
    after = consistent_after(delays, 0.999, quorum=quorum) / MS
    assert after == pytest.approx(fresh, rel=0.16, abs=1e-9)


def raced(each, quorum, times, n, seed, missed=0.0, down=0.0):
    """Run the race n times; return the share of stale reads at each time."""
    rng = np.random.default_rng(seed)
    size = (len(each), n)

    def draw(field):
        return np.array([getattr(d, field).sample(n, rng) for d in each])

    write, ack, read, response = (draw(f) for f in ("write", "ack", "read", "response"))
    write[rng.random(size) < missed] = np.inf
    response[rng.random(size) < down] = np.inf
    commit = np.sort(write + ack, axis=0)[quorum.write - 1]
    answers = read + response
    used = np.argsort(answers, axis=0)[: quorum.read]
    last = np.take_along_axis(answers, used, 0)[-1]
    valid = np.isfinite(commit) & np.isfinite(last)
    shares = []
    for t in times:
        behind = np.where(np.isfinite(commit), commit, 0) + t + read < write
        stale = np.take_along_axis(behind, used, 0).all(axis=0)
        shares.append(float(stale[valid].mean()))
    return np.array(shares), int(valid.sum())


def agree(each, quorum, times, *, missed=0.0, down=0.0, n=120_000, seed=1):
    seen, count = raced(each, quorum, times, n, seed, missed, down)
    found = stale_probability(each, times, quorum=quorum, missed=missed, down=down)
    error = np.sqrt(np.maximum(found * (1 - found), 1e-9) / count)
    assert np.all(np.abs(seen - found) < 4.5 * error + 1e-12), (seen, found)


@pytest.mark.parametrize("system", ["LNKD-DISK", "YMMR"])
def test_the_published_times_by_running_the_race(system):
    quorum = Quorum(replicas=3, read=1, write=1)
    after = consistent_after(FITS[system], 0.999, quorum=quorum)
    agree([FITS[system]] * 3, quorum, [0.0, after / 3, after], n=300_000)


STEP = {k: duration.exponential(k * MS) for k in (1, 2, 5)}
NEAR = Delays(write=STEP[5], ack=STEP[1], read=STEP[1], response=STEP[2])
FAR = Delays(
    write=STEP[2] + duration.constant(20 * MS),
    ack=STEP[1] + duration.constant(20 * MS),
    read=STEP[1] + duration.constant(20 * MS),
    response=STEP[1] + duration.constant(20 * MS),
)


@pytest.mark.parametrize(
    ("each", "read", "write"),
    [
        ([NEAR] * 3, 1, 2),
        ([NEAR] * 3, 2, 1),
        ([NEAR] * 5, 2, 2),
        ([NEAR] * 5, 1, 1),
        ([NEAR, FAR, FAR], 1, 1),
        ([NEAR, FAR, FAR], 2, 1),
        ([NEAR, NEAR, FAR], 1, 2),
    ],
)
def test_any_quorum_by_running_the_race(each, read, write):
    quorum = Quorum(replicas=len(each), read=read, write=write)
    agree(each, quorum, [0.0, 3 * MS, 15 * MS])


@pytest.mark.parametrize(
    ("each", "read", "write", "missed", "down"),
    [
        ([NEAR] * 3, 1, 1, 0.1, 0.0),
        ([NEAR] * 3, 1, 1, 0.0, 0.2),
        ([NEAR] * 3, 2, 1, 0.2, 0.1),
        ([NEAR] * 3, 2, 2, 0.3, 0.1),
        ([NEAR, FAR, FAR], 1, 1, 0.1, 0.3),
    ],
)
def test_crashed_replicas_by_running_the_race(each, read, write, missed, down):
    quorum = Quorum(replicas=len(each), read=read, write=write)
    agree(each, quorum, [0.0, 5 * MS, 1.0], missed=missed, down=down)


def test_constant_delays_that_tie():
    # one replica is 10 ms away, two tie at 30 ms: after 20 ms the others have it
    def at(ms):
        hop = duration.constant(ms * MS)
        return Delays(write=hop, ack=hop, read=hop, response=hop)

    quorum = Quorum(replicas=3, read=1, write=1)
    each = [at(10), at(30), at(30)]
    assert stale_probability(each, 0.0, quorum=quorum) == 0
    # the nearest is down when the write comes: any other commits, and it knows nothing
    agree([at(30)] * 3, quorum, [0.0], missed=0.4, n=200_000)
    slow = Delays(
        write=duration.constant(50 * MS),
        ack=duration.constant(1 * MS),
        read=duration.constant(1 * MS),
        response=duration.constant(1 * MS),
    )
    each = [at(10), slow, slow]
    # commit at 20 ms; slow replicas answer first, after 2 ms, and have the write at 50
    found = stale_probability(each, [0.0, 28 * MS, 30 * MS], quorum=quorum)
    assert found == pytest.approx([1, 1, 0], rel=1e-12)
    # a write may take any time, or just as long as a read behind the first commit
    hop = duration.constant(10 * MS)
    late = duration.mixture(
        [0.4, 0.4, 0.2],
        [hop, duration.constant(30 * MS), duration.uniform(32 * MS, 40 * MS)],
    )
    mixed = Delays(write=late, ack=hop, read=hop, response=hop)
    agree([mixed] * 3, quorum, [0.0], n=60_000)


# ---- to the last digits ------------------------------------------------------------

POINTS_IN_TIME = np.array([0.0, 0.2, 0.45, 0.9])
AT_ONCE = duration.constant(0.0)
EVENLY = duration.uniform(0, 1)
SLOWER = duration.mixture([0.5, 0.5], [AT_ONCE, duration.constant(0.25)])


def exactly(each, read, write, expected, times=POINTS_IN_TIME, down=0.0):
    """Also in another unit of time."""
    quorum = Quorum(replicas=len(each), read=read, write=write)
    for scale in (1.0, 1e-4):
        other = {
            d: Delays(
                write=d.write * scale,
                ack=d.ack * scale,
                read=d.read * scale,
                response=d.response * scale,
            )
            for d in set(each)
        }
        them = [other[d] for d in each]
        found = stale_probability(them, times * scale, quorum=quorum, down=down)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)


def ramp(t):
    """A random replica of three lacks a write of uniform delay, t after the first."""
    left = np.maximum(1 - t, 0)
    return 2 * (left**3 / 3 + t * left**2 / 2)


def both(t, s):
    """Two of three lack it, read t and s after the first has it."""
    far, near = np.maximum(t, s), np.minimum(t, s)
    left = np.maximum(1 - far, 0)
    return left**3 / 3 + (far - near) * left**2 / 2


def test_uniform_writes_by_integrals():
    """Kinks: the latest write, the read that is sent as late, answers that tie."""
    t = POINTS_IN_TIME
    way = Delays(write=EVENLY, ack=AT_ONCE, read=AT_ONCE, response=AT_ONCE)
    exactly([way] * 3, 1, 1, ramp(t))
    exactly([way] * 3, 2, 1, both(t, t))
    # half of the reads take 1/4: of those that tie each is as likely to be used
    way = Delays(write=EVENLY, ack=AT_ONCE, read=SLOWER, response=AT_ONCE)
    later = t + 0.25
    exactly([way] * 3, 1, 1, 7 / 8 * ramp(t) + 1 / 8 * ramp(later))
    pairs = both(t, t) / 2 + 3 / 8 * both(t, later) + both(later, later) / 8
    exactly([way] * 3, 2, 1, pairs)
    way = Delays(write=EVENLY, ack=AT_ONCE, read=EVENLY, response=AT_ONCE)
    left = 1 - t
    exactly([way] * 2, 1, 1, left**4 / 4 + t * left**3 / 3)
    exactly([way] * 3, 2, 1, 6 * (left**5 / 40 - 7 * left**6 / 720))

    # where one of the two does not answer, nobody is ahead of the other
    alone, two = left**3 / 6, left**4 / 4 + t * left**3 / 3
    down = 0.3
    expected = ((1 - down) * two + 2 * down * alone) / (1 - down + 2 * down)
    exactly([way] * 2, 1, 1, expected, down=down)


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize(
    ("replicas", "read", "written"),
    [(3, 1, 1), (3, 2, 1), (3, 1, 2), (4, 2, 1), (5, 2, 2), (5, 3, 1)],
)
def test_exponential_delays_by_formula(shift, replicas, read, written):
    """One read after the other comes before its write, while the others wait."""
    t, slow, quick = np.array([0.0, 0.2, 0.45, 0.9, 3.0, 6.0]), 2.0, 5.0
    way = Delays(
        write=duration.exponential(1 / slow),
        ack=AT_ONCE,
        read=duration.exponential(1 / quick) + shift,
        response=duration.constant(shift),
    )
    chance = comb(replicas - written, read) / comb(replicas, read)
    chance *= np.exp(-read * slow * (t + shift))
    for k in range(read):
        reads, writes = (replicas - k) * quick, (read - k) * slow
        chance *= reads / (reads + writes)
    sure = chance > 1e-6  # below it the error is told by itself
    exactly([way] * replicas, read, written, chance[sure], t[sure])


@pytest.mark.parametrize("t", [0.0, 1.0, 5.0])
def test_lognormal_delays_by_nested_integrals(t):
    """Two of three answer before the one that commits, each ahead of its write."""
    write, read = (duration.lognormal(mean=m, cv=0.8) for m in (5, 1))
    way = Delays(write=write, ack=AT_ONCE, read=read, response=AT_ONCE)
    z, share = np.polynomial.legendre.leggauss(200)
    z, share = 9 * z, 9 * share * np.exp(-40.5 * z**2) / np.sqrt(2 * np.pi)
    sigma = np.sqrt(np.log1p(0.8**2))
    commits = 5 * np.exp(sigma * (z - sigma / 2))
    u, weights = np.polynomial.legendre.leggauss(80)
    ends = np.linspace(-9, z, 4)  # panels from the first read to the last
    inner = (ends[:-1] + ends[1:])[..., None] / 2 + np.diff(ends, axis=0)[
        ..., None
    ] / 2 * u
    dense = np.diff(ends, axis=0)[..., None] / 2 * weights
    dense = dense * np.exp(-(inner**2) / 2) / np.sqrt(2 * np.pi)
    reads = np.exp(sigma * (inner - sigma / 2))
    both = [(write.sf(c + t + reads) * dense).sum(axis=(0, 2)) ** 2 for c in commits]
    expected = 3 * share @ np.array(both) @ share
    quorum = Quorum(replicas=3, read=2, write=1)
    found = stale_probability(way, t, quorum=quorum)
    assert found == pytest.approx(expected, rel=1e-11)


HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
STEPS = (  # write, ack, read, response: times in ms, with their chances
    (
        {1: HALF, 30: HALF},
        {2: HALF, 5: HALF},
        {1: HALF, 2: HALF},
        {1: QUARTER, 3: 3 * QUARTER},
    ),
    (
        {1: QUARTER, 10: QUARTER, 30: HALF},
        {2: HALF, 3: HALF},
        {1: 1},
        {1: QUARTER, 2: 3 * QUARTER},
    ),
)


def counted(kinds, read, write, times):
    """Count all that may happen, in whole numbers; those that tie come in any order."""
    found = [Fraction(0)] * len(times)
    ways = [[*product(*(law.items() for law in kind))] for kind in kinds]
    for case in product(*ways):
        chance = prod(p for way in case for _, p in way)
        delays = [[t for t, _ in way] for way in case]
        commit = sorted(w + a for w, a, _, _ in delays)[write - 1]
        answers = [r + s for _, _, r, s in delays]
        last = sorted(answers)[read - 1]
        sure = [i for i, t in enumerate(answers) if t < last]
        tied = [i for i, t in enumerate(answers) if t == last]
        chosen = [*combinations(tied, read - len(sure))]
        for k, t in enumerate(times):
            late = [commit + t + r < w for w, _, r, _ in delays]
            stale = sum(all(late[i] for i in (*sure, *some)) for some in chosen)
            found[k] += chance * Fraction(stale, len(chosen))
    return [float(x) for x in found]


@pytest.mark.parametrize(("read", "write"), [(1, 1), (2, 1), (1, 2)])
def test_discrete_delays_by_counting(read, write):
    laws = [
        Delays(
            **{
                name: duration.mixture(
                    [*map(float, law.values())],
                    [duration.constant(t * MS) for t in law],
                )
                for name, law in zip(
                    ("write", "ack", "read", "response"), kind, strict=True
                )
            }
        )
        for kind in STEPS
    ]
    times = [0, 7, 24, 26]  # at 7, 24 and 26 some reads arrive just with the write
    for chosen in ((0, 0, 0), (0, 0, 1)):
        expected = counted([STEPS[k] for k in chosen], read, write, times)
        at = np.array(times) * MS
        exactly([laws[k] for k in chosen], read, write, expected, at)


def test_floor_of_missed_writes():
    # long after: stale if the fastest answer comes from one that never got the write
    quorum = Quorum(replicas=3, read=1, write=1)
    missed = 0.1
    k = np.arange(1, 4)
    ways = np.array([3, 3, 1]) * (1 - missed) ** k * missed ** (3 - k)
    expected = (ways * (3 - k) / 3).sum() / ways.sum()
    for down in (0.0, 0.4):  # who answers has it no less often
        found = stale_probability(NEAR, 10.0, quorum=quorum, missed=missed, down=down)
        assert found == pytest.approx(expected, rel=1e-9)
    with pytest.raises(NoQuorumError):
        stale_probability(NEAR, 0.0, quorum=quorum, missed=1.0)


def test_overlapping_quorums_are_never_stale():
    for read, write in ((2, 2), (1, 3), (3, 1)):
        quorum = Quorum(replicas=3, read=read, write=write)
        assert stale_probability(NEAR, 0.0, quorum=quorum) == 0
        assert consistent_after(NEAR, 0.9999, quorum=quorum) == 0
        assert older_than(quorum) == 0
        # unless replicas come back without what they acknowledged: not modelled here
        lost = stale_probability(NEAR, 0.0, quorum=quorum, missed=0.2, down=0.0)
        assert lost == 0


def test_staleness_only_falls_with_time():
    quorum = Quorum(replicas=3, read=1, write=1)
    found = stale_probability(FITS["YMMR"], np.geomspace(1e-4, 10, 12), quorum=quorum)
    assert np.all(np.diff(found) <= 0)
    assert np.all((found >= 0) & (found <= 2 / 3))


def test_versions_by_drawing_quorums():
    rng = np.random.default_rng(6)
    quorum = Quorum(replicas=5, read=2, write=1)
    n, k = 200_000, 3
    # the last k writes went to random nodes; the read asks two others
    writes = rng.integers(0, 5, (n, k))
    reads = np.argsort(rng.random((n, 5)), axis=1)[:, :2]
    missed = ~(writes[:, :, None] == reads[:, None, :]).any(axis=(1, 2))
    assert missed.mean() == pytest.approx(older_than(quorum, k), abs=0.005)
    assert older_than(quorum, 1) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda q: stale_probability(NEAR, -1.0, quorum=q), "times must be >= 0"),
        (lambda q: stale_probability(NEAR, 0, quorum=q, missed=2), "missed must be in"),
        (lambda q: stale_probability([NEAR], 0, quorum=q), "delays must hold 3, got 1"),
        (lambda _: stale_probability(NEAR, 0, quorum=3), "quorum must be a Quorum"),
        (
            lambda q: stale_probability([1, 2, 3], 0, quorum=q),
            r"delays\[0\] must be a D",
        ),
        (
            lambda _: Delays(write=1, ack=STEP[1], read=STEP[1], response=STEP[1]),
            "write must be a Duration, got 1",
        ),
    ],
)
def test_errors(ask, words):
    with pytest.raises(ValueError, match=words):
        ask(Quorum(replicas=3, read=1, write=1))
