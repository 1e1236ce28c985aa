"""Elections played out message by message: the second road to `Election`."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hamodel._types import FloatArray
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
    ) -> None:
        self.servers = [_Server(log=log) for log in logs]
        self.majority, self.timeout, self.rng = majority, timeout, rng
        self.delays: Iterator[float] = iter(())
        self.one_way = one_way
        self.order = itertools.count()
        self.agenda: list[tuple[float, int, str, int, int, int, bool]] = []
        self.now = 0.0
        for i in range(len(logs)):
            self.wind(i)

    def post(
        self, after: float, what: str, i: int, j: int, term: int, yes: bool
    ) -> None:
        entry = (self.now + after, next(self.order), what, i, j, term, yes)
        heapq.heappush(self.agenda, entry)

    def delay(self) -> float:
        """Return the time of one message, drawn 256 at once."""
        found = next(self.delays, None)
        if found is None:
            self.delays = iter(self.one_way.sample(256, self.rng).tolist())
            found = next(self.delays)
        return float(found)

    def wind(self, i: int) -> None:
        """Start the timer of a server anew."""
        self.servers[i].timer += 1
        self.post(
            self.rng.uniform(*self.timeout), "fires", i, i, self.servers[i].timer, True
        )

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
                self.post(self.delay(), "asks", i, j, server.term, True)

    def asked(self, i: int, j: int, term: int) -> None:
        """Server j is asked for its vote by server i."""
        voter = self.servers[j]
        self.learn(voter, term)
        yes = term == voter.term and voter.vote in (None, i)
        yes = yes and self.servers[i].log >= voter.log
        if yes:
            voter.vote = i
            self.wind(j)
        self.post(self.delay(), "answers", i, j, voter.term if not yes else term, yes)

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


def simulate_elections(
    count: int,
    rng: np.random.Generator,
    *,
    logs: Sequence[int | None],
    timeout: tuple[float, float] = (0.15, 0.3),
    one_way: Duration | float = 0.0075,
    heartbeat: float = 0.075,
) -> FloatArray:
    """Draw times without a leader, by playing elections message by message.

    Parameters
    ----------
    count : int
        How many elections.
    rng : numpy.random.Generator
        Source of randomness.
    logs : sequence of int or None
        Length of the log of every server beside the failed leader; None for one that
        has failed too.  A server votes only for those whose log is at least as long as
        its own.
    timeout : tuple of float
        Least and greatest election timeout in s.
    one_way : Duration or float
        Time in s of a message.
    heartbeat : float
        Time in s between the messages of the leader, which fails at any moment between
        two.

    Returns
    -------
    ndarray, shape (count,)
        Times in s from the failure until a server has a majority of votes.

    Raises
    ------
    ValueError
        If a time is negative or a number is not whole.

    Notes
    -----
    Rules of Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm
    (USENIX ATC 2014), section 5.2 and 5.4.1.

    Examples
    --------
    >>> drawn = simulate_elections(
    ...     200, np.random.default_rng(1), logs=[7, 7], timeout=(1, 2), one_way=0,
    ...     heartbeat=0,
    ... )
    >>> round(float(drawn.mean()), 1)
    1.3
    """
    _check.whole(1, count=count)
    _check.non_negative(heartbeat=heartbeat)
    _check.positive(least_timeout=timeout[0])
    if not timeout[0] < timeout[1]:
        raise ValueError(f"timeout must be (low, high) with low < high, got {timeout}")
    left = [log for log in logs if log is not None]
    _check.whole((len(logs) + 1) // 2 + 1, servers_left=len(left))
    delay = as_duration("one_way", one_way)
    majority = (len(logs) + 1) // 2 + 1
    times = [
        _Cluster(left, majority, timeout, delay, rng).elected_after()
        for _ in range(count)
    ]
    return np.array(times) - rng.uniform(0, heartbeat, count)
