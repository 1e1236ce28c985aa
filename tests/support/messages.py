"""Requests played one by one: the second road to what is said beside downtime.

Written from the documentation of the architectures alone, it shares no code with them:
clients send requests, these cross the network, wait for a core of an app server and of
a database, writes are committed, sent to the other copies and applied there, and then
something fails at a random moment and each write is looked for.

All is well while requests are played; how often something fails is the business of
`lives`.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np


def served(arrivals, services, cores):
    """When each request leaves one queue with some cores: first come, first served."""
    free = [0.0] * cores
    leaves = np.empty(len(arrivals))
    for i, (at, takes) in enumerate(
        zip(arrivals.tolist(), services.tolist(), strict=True)
    ):
        done = max(at, free[0]) + takes
        heapq.heapreplace(free, done)
        leaves[i] = done
    return leaves


@dataclass
class Played:
    """What a run has shown, in arrays with one entry for each request."""

    at: np.ndarray  # s, when the client sent it
    site: np.ndarray  # number of the client's site
    write: np.ndarray  # whether it writes
    key: np.ndarray
    latency: np.ndarray  # s
    committed: np.ndarray  # s, when it was durable where it was made
    where: np.ndarray  # number of the copy that did the work
    busy: dict = field(default_factory=dict)  # share of capacity by tier
    first: int = 0  # requests before it warm the queues up

    def latencies(self, site, write):
        mine = (self.site == site) & (self.write == write)
        mine[: self.first] = False
        return self.latency[mine]


@dataclass(frozen=True)
class Shop:
    """What it takes to play requests: a workload, sites, and what a write waits for."""

    workload: object
    sites: int
    apps: object  # the tier of app servers of a site, or None
    cores: int  # of each database


def popularity(workload):
    """How often each key is asked for: Zipf."""
    weight = np.arange(1, workload.keys + 1) ** -float(workload.exponent)
    return weight / weight.sum()


def requests(shop, seconds, rng):
    """Arrivals of all clients, with what they ask for."""
    w = shop.workload
    rate = w.reads + w.writes
    n = rng.poisson(rate * seconds)
    at = np.sort(rng.uniform(0, seconds, n))
    shares = np.cumsum(popularity(w))
    return Played(
        at=at,
        site=rng.integers(0, shop.sites, n),
        write=rng.random(n) < w.writes / rate,
        key=np.searchsorted(shares, rng.random(n)),
        latency=np.zeros(n),
        committed=np.zeros(n),
        where=np.zeros(n, int),
        first=n // 20,
    )


def entered(shop, run, rng):
    """When each request has left the app servers of its site."""
    w = shop.workload
    if shop.apps is None:
        return run.at
    takes = rng.exponential(1, len(run.at)) * w.app_time
    cores = shop.apps.servers * shop.apps.node.cores
    left = np.empty(len(run.at))
    for site in range(shop.sites):
        mine = run.site == site
        left[mine] = served(run.at[mine], takes[mine], cores)
    run.busy["app"] = takes.sum() / run.at[-1] / (cores * shop.sites)
    return left


def worked(shop, run, jobs):
    """Let databases work: `jobs` are (copy, request, when, how long); return the ends.

    A copy works in the order in which jobs come to it, whatever they are.
    """
    copy, request, when, takes = jobs
    ends = np.empty(len(copy))
    load = []
    for c in np.unique(copy):
        mine = np.flatnonzero(copy == c)
        order = mine[np.argsort(when[mine], kind="stable")]
        ends[order] = served(when[order], takes[order], shop.cores)
        load.append(takes[mine].sum() / run.at[-1] / shop.cores)
    run.busy["database"] = max(load)
    del request
    return ends


def play(shop, rule, seconds, rng):
    """Play requests: `rule` tells which copies work on each, and what it waits for.

    The rule returns, for all requests at once, the copy that answers, the time to
    reach it after the app server, the copies that apply a write with the time until it
    reaches them, and what the answer waits for after the work.
    """
    run = requests(shop, seconds, rng)
    w = shop.workload
    left = entered(shop, run, rng)
    copy, trip, replicas, waits = rule(run, rng)
    n = len(run.at)
    mean = np.where(run.write, w.write_time, w.read_time)
    arrive = left + trip / 2
    copies, who = [copy], [np.arange(n)]
    when, takes = [arrive], [rng.exponential(1, n) * mean]
    for other, delay in replicas:
        applies = run.write & (other != copy)
        copies.append(np.broadcast_to(other, n)[applies])
        who.append(np.flatnonzero(applies))
        when.append((arrive + delay)[applies])
        takes.append(rng.exponential(1, int(applies.sum())) * w.write_time)
    ends = worked(shop, run, tuple(map(np.concatenate, (copies, who, when, takes))))[:n]
    run.where, run.committed = copy, ends
    run.latency = ends + waits + trip / 2 + w.hop - run.at
    return run


def play_quorum(shop, copies, asked, needed, seconds, rng):
    """Play requests at copies in one site: `asked` of them work, `needed` must answer.

    Both are (reads, writes).  Whoever coordinates is one of the copies and asks itself
    first; the others are a hop away.
    """
    run = requests(shop, seconds, rng)
    w, n = shop.workload, len(run.at)
    left = entered(shop, run, rng)
    order = rng.permuted(np.tile(np.arange(copies), (n, 1)), axis=1)
    wanted = np.where(run.write, asked[1], asked[0])[:, None] > np.arange(copies)
    request, rank = np.nonzero(wanted)
    mean = np.where(run.write, w.write_time, w.read_time)[request]
    away = np.where(rank > 0, w.hop / 2, 0.0)
    jobs = (
        order[request, rank],
        request,
        left[request] + away,
        rng.exponential(1, len(request)) * mean,
    )
    back = np.full((n, copies), np.inf)
    back[request, rank] = worked(shop, run, jobs) + away
    back.sort(axis=1)
    answered = back[np.arange(n), np.where(run.write, needed[1], needed[0]) - 1]
    run.where, run.committed = order[:, 0], answered
    run.latency = answered + w.hop - run.at
    return run


# ---- what becomes of writes --------------------------------------------------------


def fate(run, lag, moments):
    """For each crash: how many committed writes a copy lacks, and the oldest's age."""
    sent = np.sort(run.committed[run.write])
    late = lag(len(sent))
    reached = np.maximum.accumulate(sent + late)  # the stream stays in order
    have = np.searchsorted(reached, moments, side="right")
    made = np.searchsorted(sent, moments, side="right")
    lost = made - have
    oldest = np.where(lost > 0, moments - sent[np.minimum(have, len(sent) - 1)], 0.0)
    return lost, oldest


def stale_share(run, reads, lag):
    """Share of some reads whose key was written within the lag before."""
    order = np.lexsort((run.committed, run.key))
    order = order[run.write[order]]
    stamp = run.key[order] * 1e7 + run.committed[order]
    moment = run.at[reads] + (run.latency[reads] / 2)
    asked = run.key[reads] * 1e7 + moment
    last = np.searchsorted(stamp, asked) - 1
    age = np.where(last >= 0, asked - stamp[np.maximum(last, 0)], np.inf)
    return float(np.mean(age < lag(len(age))))


def clashes(at, site, key, delay, ahead):
    """Concurrent pairs of writes, share of the writes in one, and writes thrown away.

    Two writes to a key at different sites are concurrent if neither had reached the
    other's site.  A write is thrown away if one with a later stamp did not know of it.
    """
    order = np.lexsort((at, key))
    at, site, key = at[order], site[order], key[order]
    stamp = at + ahead[site]
    rival, lost = np.zeros(len(at), bool), np.zeros(len(at), bool)
    pairs, step = 0, 1
    reach = delay + ahead.max()
    while True:
        near = (key[step:] == key[:-step]) & (at[step:] - at[:-step] < reach)
        if not near.any():
            return pairs, float(rival.mean()), int(lost.sum())
        first = np.flatnonzero(near & (site[step:] != site[:-step]))
        second = first + step
        both = at[second] - at[first] < delay
        pairs += int(both.sum())
        rival[first[both]] = rival[second[both]] = True
        behind = stamp[second] < stamp[first]  # the later one has the older stamp
        lost[second[behind]] = True
        lost[first[both & ~behind]] = True
        step += 1
