"""A few writes to one key at several sites: who had read what, and what is left.

The surprising part is how little it takes: a clock is a tuple of counts, to merge two
is to take the larger of each, and the same tuple is a counter that merges by itself.

Assumptions: every author reads what its site shows, then writes; news takes a fixed
time to each other site and none is lost; of equal times the higher site wins.
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np


def merge(a, b):
    """Return what somebody knows who knows both: the larger count of each site."""
    return tuple(map(max, a, b))


def compare(a, b):
    """Return how clock a stands to clock b: before, after, equal or concurrent."""
    if a == b:
        return "equal"
    return {a: "after", b: "before"}.get(merge(a, b), "concurrent")


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write: its site and true time (s), its site's time (s), and what it knew."""

    site: int
    time: float
    stamp: float
    clock: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class History:
    """What became of some writes, numbered in order of time.

    Lost is a write whose place was taken, by last write wins, by one that knew nothing
    of it, or that was refused since the value it had read has a later timestamp.
    """

    writes: tuple[Write, ...]
    lost: tuple[int, ...]

    @property
    def winner(self):
        """The write that last write wins keeps; -1 if there is none."""
        stamps = [(write.stamp, write.site) for write in self.writes]
        return stamps.index(max(stamps)) if stamps else -1

    @property
    def siblings(self):
        """The writes that no other has seen: what vector clocks keep side by side."""
        clocks = [write.clock for write in self.writes]
        return tuple(
            n
            for n, clock in enumerate(clocks)
            if not any(compare(clock, other) == "before" for other in clocks)
        )


def replay(writes, delay, ahead=(0.0, 0.0)):
    """Follow writes through all sites.

    Parameters
    ----------
    writes : iterable of (int, float)
        Site, from 0, and time in s of each.
    delay : float
        Time in s that news takes to another site.
    ahead : sequence of float
        How far each site's clock is ahead, in s.

    Returns
    -------
    History
        The writes, with what their authors knew.
    """
    events = [(time, 1, site, -1) for site, time in writes]  # news of that moment first
    heapq.heapify(events)
    held = [(-math.inf, -1, -1)] * len(ahead)  # stamp, site and number of the value
    clocks = [(0,) * len(ahead)] * len(ahead)
    made: list[Write] = []
    lost: set[int] = set()
    while events:
        time, writing, site, number = heapq.heappop(events)
        if writing:
            number, stamp, seen = len(made), time + ahead[site], clocks[site]
            clock = (*seen[:site], seen[site] + 1, *seen[site + 1 :])
            made.append(Write(site=site, time=time, stamp=stamp, clock=clock))
            for other in range(len(ahead)):
                if other != site:
                    heapq.heappush(events, (time + delay, 0, other, number))
        news = made[number]
        clocks[site] = merge(clocks[site], news.clock)
        loser, held[site] = sorted([held[site], (news.stamp, news.site, number)])
        if loser[2] >= 0 and _unseen(made, loser[2], held[site][2]):
            lost.add(loser[2])
    return History(writes=tuple(made), lost=tuple(sorted(lost)))


def _unseen(made, loser, winner):
    """Return whether the winner's author knew nothing of the loser."""
    return compare(made[loser].clock, made[winner].clock) != "before"


# ---- values that merge -------------------------------------------------------------

LAWS = {
    "associative": lambda f, a, b, c: f(f(a, b), c) == f(a, f(b, c)),
    "commutative": lambda f, a, b, _: f(a, b) == f(b, a),
    "idempotent": lambda f, a, *_: f(a, a) == a,
}


def broken_laws(rule, tries=300, seed=10):
    """Return the laws of merging that a rule breaks for some random counters."""
    rng = np.random.default_rng(seed)
    broken = set()
    for _ in range(tries):
        states = [tuple(map(int, rng.integers(0, 5, 3))) for _ in range(3)]
        broken |= {name for name, law in LAWS.items() if not law(rule, *states)}
    return sorted(broken)


@dataclass(frozen=True, kw_only=True)
class Seats:
    """Seats for sale at several sites, as sold there; `rights` if they were shared out.

    Without rights a site sells while it sees a seat left; with them, while it has a
    right left, and asks nobody (escrow).
    """

    total: int
    sold: tuple[int, ...]
    rights: tuple[int, ...] | None = None

    @property
    def left(self):
        """The seats left, as far as this copy knows."""
        return self.total - sum(self.sold)

    def sell(self, site):
        """Return this copy after a sale, or the copy itself if it must refuse."""
        mine = self.left if self.rights is None else self.rights[site] - self.sold[site]
        if mine <= 0:
            return self
        sold = (*self.sold[:site], self.sold[site] + 1, *self.sold[site + 1 :])
        return Seats(total=self.total, sold=sold, rights=self.rights)

    def merge(self, other):
        sold = merge(self.sold, other.sold)
        return Seats(total=self.total, sold=sold, rights=self.rights)


def sell_out(seats):
    """Let each site sell all it may, cut off from the others; merge the copies."""
    merged = seats
    for site in range(len(seats.sold)):
        here, before = seats, None
        while here is not before:
            here, before = here.sell(site), here
        merged = merged.merge(here)
    return merged
