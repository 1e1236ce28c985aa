"""Elections played one by one, message by message: the second road to the package's."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hamodel.failover._ballots import Ballots, Rules
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hamodel.duration import Duration


@dataclass(eq=False)
class _Server:
    """What a Raft server remembers: its term, its vote and its timer."""

    log: int
    term: int = 0
    vote: int | None = None
    timer: int = 0
    campaign: int = 0  # the term in which it asks for votes
    votes: set[int] = field(default_factory=set)


class _Cluster:
    """The servers that are left after the leader has failed."""

    def __init__(
        self,
        logs: Sequence[int],
        majority: int,
        timeout: tuple[float, float],
        one_way: Duration,
        rng: np.random.Generator,
        *,
        sites: Sequence[int] = (),
        within: float = 0.0,
        leader: int = -1,
    ) -> None:
        self.sites, self.within = sites, within
        self.servers = [_Server(log=log) for log in logs]
        self.majority, self.timeout, self.rng = majority, timeout, rng
        self.delays: Iterator[float] = iter(())
        self.one_way = one_way
        self.order = itertools.count()
        self.agenda: list[tuple[float, int, str, int, int, int, bool]] = []
        self.now = 0.0
        for i in range(len(logs)):
            beside = bool(sites) and sites[i] == leader
            self.wind(i, within if beside else one_way.mean)

    def post(
        self, after: float, what: str, i: int, j: int, term: int, yes: bool
    ) -> None:
        entry = (self.now + after, next(self.order), what, i, j, term, yes)
        heapq.heappush(self.agenda, entry)

    def delay(self, i: int, j: int) -> float:
        """Return the time of one message, drawn 256 at once."""
        if self.sites and self.sites[i] == self.sites[j]:
            return self.within
        found = next(self.delays, None)
        if found is None:
            self.delays = iter(self.one_way.sample(256, self.rng).tolist())
            found = next(self.delays)
        return float(found)

    def wind(self, i: int, later: float = 0.0) -> None:
        """Start the timer of a server anew, or when a message comes a little later."""
        self.servers[i].timer += 1
        due = later + self.rng.uniform(*self.timeout)
        self.post(due, "fires", i, i, self.servers[i].timer, True)

    def elected_after(self) -> float:
        """Play until a server has a majority; return when that was."""
        while True:
            self.now, _, what, i, j, term, yes = heapq.heappop(self.agenda)
            if what == "fires":
                self.fires(i, term)
            elif what == "asks":
                self.asked(i, j, term)
            elif self.answered(i, j, term, yes):
                return self.now

    def fires(self, i: int, timer: int) -> None:
        server = self.servers[i]
        if timer != server.timer:
            return
        server.term += 1
        server.vote, server.campaign, server.votes = i, server.term, {i}
        self.wind(i)
        for j in range(len(self.servers)):
            if j != i:
                self.post(self.delay(i, j), "asks", i, j, server.term, True)

    def asked(self, i: int, j: int, term: int) -> None:
        """Server j is asked for its vote by server i."""
        voter = self.servers[j]
        self.learn(voter, term)
        yes = term == voter.term and voter.vote in (None, i)
        yes = yes and self.servers[i].log >= voter.log
        if yes:
            voter.vote = i
            self.wind(j)
        self.post(
            self.delay(i, j), "answers", i, j, voter.term if not yes else term, yes
        )

    def answered(self, i: int, j: int, term: int, yes: bool) -> bool:
        """Server j answers server i; tell whether i is elected."""
        candidate = self.servers[i]
        self.learn(candidate, term)
        if yes and candidate.campaign == term == candidate.term:
            candidate.votes.add(j)
        return candidate.campaign > 0 and len(candidate.votes) >= self.majority

    @staticmethod
    def learn(server: _Server, term: int) -> None:
        if term > server.term:
            server.term, server.vote, server.campaign = term, None, 0
            server.votes = set()


class EtcdCluster(_Cluster):
    """The same with etcd's rules: whole ticks, and leases of the leader."""

    def __init__(self, servers, majority, ticks, tick, one_way, rng, **sites):
        self.phases = rng.uniform(0, tick, servers)
        self.tick, self.ticks = tick, ticks
        self.led = [True] * servers
        self.elapsed_from = [0.0] * servers
        super().__init__([0] * servers, majority, (0, 1), one_way, rng, **sites)

    def ticks_since(self, i):
        """Count the ticks of a server since it heard the leader or began a term."""

        def count(t):
            return math.floor((t - self.phases[i]) / self.tick + 1e-6)

        return count(self.now) - count(self.elapsed_from[i])

    def wind(self, i, later=0.0):
        server = self.servers[i]
        server.timer += 1
        self.elapsed_from[i] = self.now + later
        wait = int(self.rng.integers(self.ticks, 2 * self.ticks))
        into = (self.now + later - self.phases[i]) % self.tick
        if into > self.tick * (1 - 1e-6):  # it is at a tick
            into -= self.tick
        after = later + wait * self.tick - into
        self.post(after, "fires", i, i, server.timer, True)

    def fires(self, i, timer):
        if timer == self.servers[i].timer:
            self.led[i] = False
        super().fires(i, timer)

    def asked(self, i, j, term):
        voter = self.servers[j]
        if term > voter.term:
            if self.led[j] and self.ticks_since(j) < self.ticks:
                return
            self.led[j] = False
            self.learn(voter, term)
            self.wind(j)
        if term == voter.term:
            yes = voter.vote in (None, i)
            if yes:
                voter.vote = i
            self.post(self.delay(i, j), "answers", i, j, term, yes)


def etcd_elections(count, rng, *, servers, nodes, ticks=10, tick=0.1, one_way=0.0005):
    """Draw times without a leader, its last message just sent."""
    delay = as_duration("one_way", one_way)
    majority = nodes // 2 + 1
    return np.array(
        [
            EtcdCluster(servers, majority, ticks, tick, delay, rng).elected_after()
            for _ in range(count)
        ]
    )


def elections_over_sites(count, rng, *, sites, one_way, within, etcd, timeout=(1, 2)):
    """Draw times without a leader, one server at random, its last message just sent."""
    delay, majority = as_duration("one_way", one_way), len(sites) // 2 + 1
    times = []
    for _ in range(count):
        lost = int(rng.integers(len(sites)))
        left = sites[:lost] + sites[lost + 1 :]
        more = {"sites": left, "within": within, "leader": sites[lost]}
        if etcd:
            one = EtcdCluster(len(left), majority, 10, 0.1, delay, rng, **more)
        else:
            one = _Cluster([0] * len(left), majority, timeout, delay, rng, **more)
        times.append(one.elected_after())
    return np.array(times)


def simulate_elections(
    count, rng, *, logs, timeout=(0.15, 0.3), one_way=0.0075, heartbeat=0.075
):
    """Draw times without a leader by the rules of the paper on Raft."""
    left = [log for log in logs if log is not None]
    majority = (len(logs) + 1) // 2 + 1
    delay = as_duration("one_way", one_way)
    times = [
        _Cluster(left, majority, timeout, delay, rng).elected_after()
        for _ in range(count)
    ]
    return np.array(times) - rng.uniform(0, heartbeat, count)


def played(count, rng, *, logs, timeout, one_way, heartbeat):
    """Draw the same by the package's own play of messages."""
    left = tuple(log for log in logs if log is not None)
    majority = (len(logs) + 1) // 2 + 1
    low, high = timeout
    rules = Rules(
        logs=left,
        majority=majority,
        low=low,
        high=high,
        one_way=one_way,
        contact=heartbeat,
    )
    return Ballots(rules, rng, count).play()
