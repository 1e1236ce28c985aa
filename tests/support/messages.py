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

from hamodel.duration import Duration


def served(arrivals, services, cores, blocks=400, warm=3000):
    """When each request leaves one queue with some cores: first come, first served.

    Of many requests blocks are played side by side, each from an empty queue `warm`
    requests before it: by then it has forgotten that it began empty.
    """
    n = len(arrivals)
    if n < 20 * warm:
        blocks, warm = 1, 0
    size = -(-n // blocks)
    order = np.arange(-warm, size)[:, None] + size * np.arange(blocks)
    real = (order >= 0) & (order < n)
    order = np.clip(order, 0, n - 1)
    at, takes = arrivals[order], np.where(real, services[order], 0.0)
    if blocks == 1:
        return _one_by_one(at[:, 0], takes[:, 0], cores)
    free, ends = np.full((blocks, cores), -np.inf), np.empty(order.shape)
    for k in range(warm + size):
        done = np.maximum(at[k], free[:, 0]) + takes[k]
        ends[k] = free[:, 0] = done
        free.sort(axis=1)
    return ends[warm:].T.ravel()[:n]


def _one_by_one(arrivals, services, cores):
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
    uneven = None if w.clients is None else list(w.clients.values())
    sites = rng.integers(0, shop.sites, n) if uneven is None else None
    return Played(
        at=at,
        site=rng.choice(shop.sites, n, p=uneven) if sites is None else sites,
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


@dataclass
class Copied:
    """Requests at copies: columns are copies, NaN where one is not asked."""

    run: Played
    copies: np.ndarray  # the site of each
    asked: np.ndarray  # s, when the coordinator asks
    begun: np.ndarray  # s, when the work begins
    done: np.ndarray  # s, when it is done, and a write is shown
    back: np.ndarray  # s, when the coordinator has the answer


def play_copies(shop, copies, asked, needed, seconds, rng):
    """Play requests at copies, given by their sites: `asked` work, `needed` answer.

    Both are (reads, writes).  Whoever coordinates is a copy of the client's site and
    asks itself first, then those beside it, then those at other sites.
    """
    run = requests(shop, seconds, rng)
    w, n, copies = shop.workload, len(run.at), np.asarray(copies)
    left = entered(shop, run, rng)
    here = copies == run.site[:, None]
    order = np.argsort(rng.random((n, len(copies))) - here, axis=1)
    rank = np.argsort(order, axis=1)
    wanted = np.where(run.write, asked[1], asked[0])[:, None] > rank
    trip = w.round_trip
    if isinstance(trip, Duration):
        trip = trip.sample(rank.size, rng).reshape(rank.shape)
    away = np.where(here, w.hop / 2, trip / 2)
    away[rank == 0] = 0.0
    request, copy = np.nonzero(wanted)
    takes = rng.exponential(1, len(request))
    takes *= np.where(run.write, w.write_time, w.read_time)[request]
    when = left[request] + away[request, copy]
    begun, done = np.full(rank.shape, np.nan), np.full(rank.shape, np.nan)
    done[wanted] = worked(shop, run, (copy, request, when, takes))
    begun[wanted] = done[wanted] - takes
    back = done + away
    ranked = np.sort(back, axis=1)  # NaN last
    answered = ranked[np.arange(n), np.where(run.write, needed[1], needed[0]) - 1]
    run.where, run.committed = order[:, 0], answered
    run.latency = answered + w.hop - run.at
    return Copied(run, copies, left, begun, done, back)


def unread(played):
    """Share of the reads none of whose copies shows the key's last answered write."""
    run = played.run
    reads = np.flatnonzero(~run.write)[run.first :]
    writes = np.flatnonzero(run.write)
    writes = writes[np.lexsort((run.committed[writes], run.key[writes]))]
    stamp = run.key[writes] * 1e7 + run.committed[writes]
    last = np.searchsorted(stamp, run.key[reads] * 1e7 + played.asked[reads]) - 1
    last = writes[np.maximum(last, 0)]
    known = run.key[last] == run.key[reads]
    late = ~(played.done[last] <= played.begun[reads])  # true where it is not asked
    return known & (run.committed[last] < played.asked[reads]) & late.all(axis=1)


def lost_with(played, gone, moments):
    """Answered writes that only lost copies show, and the oldest one's age."""
    run = played.run
    answered, done = run.committed[run.write], played.done[run.write]
    elsewhere = np.min(done[:, ~gone], axis=1)
    order = np.argsort(answered)
    answered, elsewhere = answered[order], elsewhere[order]
    at_risk = np.flatnonzero(elsewhere > answered)
    answered, elsewhere = answered[at_risk], elsewhere[at_risk]
    lost, oldest = np.zeros(len(moments), int), np.zeros(len(moments))
    longest = (elsewhere - answered).max(initial=0)
    for i, now in enumerate(moments):
        some = slice(*np.searchsorted(answered, [now - longest, now]))
        missing = answered[some][elsewhere[some] > now]
        lost[i] = len(missing)
        oldest[i] = now - missing[0] if len(missing) else 0.0
    return lost, oldest


def clashes_of_copies(played):
    """Pairs of writes in 1/s neither of whose coordinators showed the other's.

    Beside them the share of the writes in one, and in 1/s those that came first.
    """
    run = played.run
    writes = np.flatnonzero(run.write)[run.first // 5 :]
    writes = writes[np.lexsort((played.asked[writes], run.key[writes]))]
    made, key = played.asked[writes], run.key[writes]
    copy, done = run.where[writes], played.done[writes]
    rival, lost = np.zeros(len(writes), bool), np.zeros(len(writes), bool)
    pairs, step, longest = 0, 1, np.max(done - made[:, None])
    while True:
        near = (key[step:] == key[:-step]) & (made[step:] - made[:-step] < longest)
        if not near.any():
            span = np.ptp(made)
            return pairs / span, float(rival.mean()), float(lost.sum() / span)
        first = np.flatnonzero(near & (copy[step:] != copy[:-step]))
        first = first[done[first, copy[first + step]] > made[first + step]]
        pairs += len(first)
        rival[first] = rival[first + step] = lost[first] = True
        step += 1


# ---- what becomes of writes --------------------------------------------------------


def fate(run, lag, moments):
    """For each crash: how many committed writes a copy lacks, and the oldest's age.

    What is under way at a crash is all as late: the way changes slowly.
    """
    sent = np.sort(run.committed[run.write])
    have = np.searchsorted(sent, moments - lag(len(moments)), side="right")
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
    Each write has one delay to all other sites, or one to each of them (n, sites).
    """
    order = np.lexsort((at, key))
    delay = np.reshape(delay, (-1, 1)) if np.ndim(delay) < 2 else delay
    delay = np.broadcast_to(delay, (len(at), len(ahead)))[order]
    at, site, key = at[order], site[order], key[order]
    stamp = at + ahead[site]
    rival, lost = np.zeros(len(at), bool), np.zeros(len(at), bool)
    pairs, step = 0, 1
    reach = delay.max() + ahead.max()
    while True:
        near = (key[step:] == key[:-step]) & (at[step:] - at[:-step] < reach)
        if not near.any():
            return pairs, float(rival.mean()), int(lost.sum())
        first = np.flatnonzero(near & (site[step:] != site[:-step]))
        second = first + step
        both = at[second] - at[first] < delay[first, site[second]]
        pairs += int(both.sum())
        rival[first[both]] = rival[second[both]] = True
        behind = stamp[second] < stamp[first]  # the later one has the older stamp
        lost[second[behind]] = True
        lost[first[both & ~behind]] = True
        step += 1
