"""Presets that serve, request by request: what stands beside their downtime.

Where each copy stands and who answers what is written from the documentation of the
architectures; the requests themselves are those of `messages`.  All sites send alike,
and whoever may lead leads as long as the others.
"""

from dataclasses import dataclass, replace

import numpy as np

from hamodel.architectures import ActiveActive, ActivePassive, Leaderless, Majority
from hamodel.assessment import assess
from hamodel.duration import Duration, constant
from hamodel.workload import Workload
from tests.support import messages

FREQUENT, RARE = 0.05, 0.20
LEVELS = (0.25, 0.75, 0.95, 0.99)
PARTS, RUNS = 10, 3
#: Requests of a run: a part is to see many busy times, which last long under load.
COUNT = {0.7: 600_000, 0.9: 2_400_000}


@dataclass(frozen=True)
class Number:
    """One number of an assessment, and the same number in each part of a run."""

    name: str
    said: float
    parts: list
    width: float


def workload(spec, load):
    """Requests that keep the busiest copy busy for a share of its time."""
    one = Workload(
        reads=8, writes=2, read_time=0.001, write_time=0.003, round_trip=0.03, keys=5000
    )
    more = load / float(assess(spec, one).utilisation["database"])
    return replace(one, reads=8 * more, writes=2 * more)


@dataclass(frozen=True)
class Places:
    """Where copies stand: the number of the site of each."""

    sites: np.ndarray
    trip: float
    hop: float
    own: Duration  # delay of the replication beside the way

    def way(self, one, other):
        """There and back between two copies, in s."""
        beside = self.sites[one] == self.sites[other]
        return self.hop if beside else self.trip

    def ways(self, one):
        return [self.way(one, k) for k in range(len(self.sites)) if k != one]


def placed(spec, w):
    """Where the copies of a preset stand."""
    named = getattr(spec, "sites", ())
    way = getattr(spec, "replication", None)
    own = way.delays[0] if way else 0.0
    own = own if isinstance(own, Duration) else constant(own)
    if isinstance(spec, ActivePassive):
        sites = [named.index(node.site) for node in spec.nodes]
    elif isinstance(spec, (Majority, Leaderless)):
        sites = [k for k, n in enumerate(spec.copies.values()) for _ in range(n)]
    else:
        sites = range(len(named))
    return Places(np.array(sites), float(w.round_trip), float(w.hop), own)


def waited(spec, places, leader):
    """How long a write waits for other copies."""
    ways = sorted(places.ways(leader))
    steady = places.own.mean
    assert places.own.var == 0 or spec.replication.mode == "async"
    if isinstance(spec, Majority):
        return ways[len(places.sites) // 2 - 1] + 2 * steady
    if isinstance(spec, ActivePassive) and spec.replication.mode != "async":
        all_of_them = spec.replication.mode == "in-sync"
        return (ways[-1] if all_of_them else ways[0]) + 2 * steady
    return 0.0


def reading(spec, places, leader, site, rng):
    """Which copy answers reads at each site: one there, or the leader."""
    near, nodes = np.full(len(site), leader), getattr(spec, "nodes", ())
    for k in range(len(spec.sites)):
        here = np.flatnonzero(places.sites == k)
        local = any(nodes[i].reads == "local" for i in here if nodes)
        if isinstance(spec, Majority):
            local = spec.local_reads
        leads = places.sites[leader] == k and not isinstance(spec, Majority)
        if local and len(here) and not leads:
            mine = site == k
            near[mine] = rng.choice(here, mine.sum())
    return near


def ruled(spec, places, leader):
    """How one copy that leads works with the others."""

    def rule(run, rng):
        if isinstance(spec, ActiveActive):
            copy, away = run.site, np.zeros(len(run.at))
        else:
            near = reading(spec, places, leader, run.site, rng)
            copy = np.where(run.write, leader, near)
            away = np.where(places.sites[copy] == run.site, 0.0, places.trip)
        half = places.trip / 2
        others = [
            (k, half + places.own.sample(len(copy), rng))
            for k in range(len(places.sites))
        ]
        wait = 0.0 if isinstance(spec, ActiveActive) else waited(spec, places, leader)
        return copy, away, others, np.where(run.write, wait, 0.0)

    return rule


def well(spec):
    """A preset whose nodes hardly ever fail: else some reads of a pair go far."""
    whole = replace(spec, database=replace(spec.database, mttf=1e12))
    return replace(whole, failures=()) if isinstance(spec, ActivePassive) else whole


def merged(runs):
    """Yield each number of runs that are alike: none is kept, for its memory."""
    for alike in zip(*map(list, runs), strict=True):
        parts = np.concatenate([number.parts for number in alike])
        yield replace(alike[0], parts=parts)


def again(spec, load, rng):
    """Yield each number of several runs of a preset."""
    count = COUNT.get(load, 400_000)
    yield from merged(numbers(spec, load, count, rng) for _ in range(RUNS))


def numbers(spec, load, count, rng):
    """Yield each number of a preset at a load, said and played."""
    spec = well(spec)
    w = workload(spec, load)
    places, found = placed(spec, w), assess(spec, w)
    shop = messages.Shop(w, len(spec.sites), None, spec.database.cores)
    seconds = count / (w.reads + w.writes)
    if isinstance(spec, Leaderless):
        needed, total = (spec.read_quorum, spec.write_quorum), len(places.sites)
        asked = spec.read_quorum, total
        played = messages.play_copies(shop, places.sites, asked, needed, seconds, rng)
        runs = [played.run]
    else:
        leads = range(1 if isinstance(spec, ActiveActive) else len(places.sites))
        part = seconds / len(leads)
        runs = [messages.play(shop, ruled(spec, places, k), part, rng) for k in leads]
    busy = [run.busy["database"] for run in runs]
    yield Number("utilisation", found.utilisation["database"], busy, FREQUENT)
    for site, name in enumerate(found.sites):
        for write, operation in enumerate(("read", "write")):
            law = found.latency[name, operation]
            seen = [run.latencies(site, bool(write)) for run in runs]
            cut = [np.array_split(times, PARTS) for times in seen]
            mixed = [np.concatenate(part) for part in zip(*cut, strict=True)]
            for p in LEVELS:
                parts = [np.quantile(part, p) for part in mixed]
                label = f"{operation} at {name}, {p:.0%}"
                yield Number(label, law.quantile(p), parts, FREQUENT)
    if isinstance(spec, Leaderless):
        yield from _of_copies(found, played)
    else:
        yield from _copied(spec, places, found, runs[0], rng)
        yield from _read_late(spec, places, found, runs, rng)


def _copied(spec, places, found, run, rng):
    """Yield what copies lack that hear of writes later: lag, losses, conflicts."""
    far = places.way(0, len(places.sites) - 1) / 2 if len(places.sites) > 1 else 0.0

    def late(count):
        return far + places.own.sample(count, rng)

    yield from _lag(spec, places, found, late)
    if not isinstance(spec, ActiveActive):
        every = found.conflicts.pairs, found.conflicts.share, found.conflicts.lost
        yield Number("conflicts in 1/s", sum(every), [0.0], RARE)
    if isinstance(spec, ActivePassive):
        yield from _lost(spec, found, run, late, rng)
    if isinstance(spec, Majority):
        taken = found.lost_writes.per_year + found.rpo.quantile(0.99)
        yield Number("writes lost at a crash", taken, [0.0], RARE)
    if isinstance(spec, ActiveActive):
        mine = replace(run, write=run.write & (run.site == 0))  # others have theirs
        yield from _lost(spec, found, mine, late, rng)
        names = ("conflicts in 1/s", "writes in conflict", "writes thrown away in 1/s")
        every = np.flatnonzero(run.write)
        ahead = float(spec.clock_skew) * (np.arange(len(spec.sites)) % 2)
        args = run.committed[every], run.site[every], run.key[every]
        pairs, share, lost = messages.clashes(*args, late(len(every)), ahead)
        said, span = found.conflicts, np.ptp(run.committed[every])
        ours = said.pairs, said.share, said.lost
        for name, mine, row in zip(
            names, ours, (pairs / span, share, lost / span), strict=True
        ):
            yield Number(name, mine, [row], RARE)


def _lag(spec, places, found, late):
    """Yield how far copies are behind."""
    if isinstance(spec, Majority):
        ways = [way / 2 for k in range(len(places.sites)) for way in places.ways(k)]
        yield Number("lag, mean", found.replication_lag.mean, [np.mean(ways)], FREQUENT)
    else:
        lags = late(1_000_000)
        for p in (0.5, 0.95, 0.999):  # a level without a gap of the law beside it
            ours = found.replication_lag.quantile(p)
            yield Number(f"lag, {p:.1%}", ours, [np.quantile(lags, p)], FREQUENT)


def _lost(spec, found, run, late, rng):
    """Yield what a crash of the leader takes, where a commit waits for nobody."""
    if spec.replication.mode != "async":
        assert found.rpo.quantile(0.99) == 0
        yield Number("writes lost at a crash", found.lost_writes.per_year, [0.0], RARE)
        return
    end = run.at[-1]
    moments = rng.uniform(0.1 * end, 0.9 * end, 400_000)
    lost, oldest = messages.fate(run, late, moments)
    loss = found.lost_writes.by_failure["database"].writes
    parts = [part.mean() for part in np.array_split(lost, PARTS)]
    yield Number("writes lost at a crash", loss, parts, RARE)
    site = found.lost_writes.by_failure["site"].writes
    yield Number("writes lost with a site", site, parts, RARE)
    for p in (0.9, 0.99):
        parts = [np.quantile(part, p) for part in np.array_split(oldest, PARTS)]
        yield Number(f"rpo, {p:.0%}", found.rpo.quantile(p), parts, FREQUENT)


def _read_late(spec, places, found, runs, rng):
    """Yield the reads whose copy has not heard of their key's last write."""
    shares = []
    for leader, run in enumerate(runs):
        order = np.flatnonzero(run.write)
        order = order[np.lexsort((run.committed[order], run.key[order]))]
        wait = 0.0  # a client of a pair is answered when its standbys have answered
        if isinstance(spec, ActivePassive):
            wait = waited(spec, places, leader)
        stamp = run.key[order] * 1e7 + run.committed[order] + wait
        reads = np.flatnonzero(~run.write)[run.first :]
        moments = run.at[reads] + run.latency[reads] / 2
        last = np.searchsorted(stamp, run.key[reads] * 1e7 + moments) - 1
        write = order[np.maximum(last, 0)]
        known = (last >= 0) & (run.key[write] == run.key[reads])
        by = run.where[write] if isinstance(spec, ActiveActive) else leader
        ways = np.array(
            [
                [places.way(i, j) for j in range(len(places.sites))]
                for i in range(len(places.sites))
            ]
        )
        copy = run.where[reads]
        lag = (
            ways[by, copy] / 2 + places.own.sample(len(order), rng)[np.maximum(last, 0)]
        )
        late = known & (copy != by) & (moments - run.committed[write] < lag)
        shares.append(late)
    parts = [
        np.mean([x.mean() for x in part])
        for part in zip(*(np.array_split(x, PARTS) for x in shares), strict=True)
    ]
    yield Number("stale reads", found.stale_read_probability, parts, RARE)


def _of_copies(found, played):
    """Yield lag, stale reads, losses and conflicts of copies that overlap."""
    run = played.run
    answered = run.committed[run.write][:, None]
    late = played.back[run.write] > answered
    lag = np.maximum((played.done[run.write] - answered)[late], 0)
    parts = [x.mean() for x in np.array_split(lag, PARTS)]
    yield Number("lag, mean", found.replication_lag.mean, parts, RARE)
    stale = found.stale_read_probability
    yield Number("stale reads", stale, [messages.unread(played).mean()], RARE)
    taken = found.lost_writes.per_year + found.rpo.quantile(0.99)
    yield Number("writes lost at a crash", taken, [0.0], RARE)
    names = ("conflicts in 1/s", "writes in conflict", "writes thrown away in 1/s")
    said = found.conflicts.pairs, found.conflicts.share, found.conflicts.lost
    for name, ours, one in zip(
        names, said, messages.clashes_of_copies(played), strict=True
    ):
        yield Number(name, ours, [one], RARE)
