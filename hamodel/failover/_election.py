"""The election of a new leader: as etcd runs it, and as Raft's paper has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from math import comb

import numpy as np

from hamodel import _check, fields
from hamodel.duration import Duration, empirical, order_statistic, uniform
from hamodel.failover._ballots import Ballots, Rules
from hamodel.failover._parts import SAME, check_majority

_PLAYED = 8192  # elections behind a law: a standard error of 0.6 % of a probability
_SEED = 20140619  # so that the same settings always give the same law


@fields.specification
class Election:
    """The election of a new leader as etcd runs it, until a client is served again.

    Parameters
    ----------
    election_timeout : float
        Least time in s without a leader before a member stands; each draws a whole
        number of ticks from once to less than twice this time.
    heartbeat : float
        Time in s between the leader's messages, and the tick of every timer.
    contact : float or None
        Longest time in s between two messages of the leader; None for the heartbeat.
        Entries count as messages, so under writes it is shorter.
    pre_vote : bool
        Whether a member asks first if it could win (etcd's default from 3.5 on).
    retry : float
        Time in s after which a client sends again what got no answer; the default is
        assumed, and clients differ from 0.1 s to 5 s.
    paced : bool
        Whether a client is in a request at the failure, as those are that write without
        a pause: then its tries come at multiples of `retry` after it.  If not, they
        come at any moment.
    clients : int
        Clients, each of another member; the first that is served counts.
    copies : mapping or None
        Servers at each site, `nodes` in all: then messages take `one_way` between
        sites and `within` inside one, and each server is as likely to be the leader
        that fails.  None: all are as far from each other.

    Raises
    ------
    ValueError
        If a time is negative, the timeout is shorter than two ticks, or the members
        that are left are no majority.

    Notes
    -----
    Rules of the raft package of etcd 3.4 and 3.5.  A member counts ticks since it heard
    the leader, so that its timer fires at a tick; a timeout that is no whole number of
    ticks is cut down to one.  Check-quorum is always on: a member
    that has heard its leader within `election_timeout` ignores requests for its vote.
    The first to stand is often ahead of the other by less than a tick, then stays
    without an answer, and with votes for themselves both wait for another timeout: this
    is why about 1 election in 10 takes longer than twice the timeout.  With `pre_vote`
    the first asks in vain, but does not begin a term, and the second wins.

    A request that a member has passed on to the dead leader gets no answer, and nothing
    sends it again but the client.  A member that has stood knows of no leader, and
    keeps what it is asked until there is one (raft/node.go): so where an election takes
    a second round, the client of the member that stood first is served at its end.

    The law is that of 8,192 elections played by these rules.

    Examples
    --------
    >>> etcd = Election()
    >>> round(float(etcd.elected.quantile(0.5)), 1)
    1.2
    >>> round(float(etcd.elected.sf(2.0)), 2)  # later than twice the timeout
    0.08
    """

    election_timeout: float = fields.span("election timeout", default=1.0)
    heartbeat: float = fields.span("time between heartbeats", default=0.1)
    nodes: int = fields.whole("servers", default=3)
    failed: int = fields.whole("servers that are down", default=1)
    one_way: float = fields.time("time of a message", default=0.0005)
    contact: float | None = fields.time("age of the last contact", default=None)
    pre_vote: bool = fields.flag("asks before it votes", default=False)
    retry: float = fields.time("client's wait between tries", default=0.3)
    paced: bool = fields.flag("tries are counted from the failure", default=False)
    clients: int = fields.whole("clients of other members", default=1)
    copies: Mapping[str, int] | None = fields.whole(
        "servers by site", by_site=True, single=False, default=None
    )
    within: float = fields.time("time of a message within a site", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        if self.contact is not None:
            _check.between(0, self.heartbeat, contact=self.contact)
        if self._ticks < 2:
            raise ValueError(
                f"election_timeout must be >= 2 heartbeats = {2 * self.heartbeat:g},"
                f" got {self.election_timeout:g}"
            )
        check_majority(self.nodes, self.failed)
        _at_sites(self)
        _check.between(1, self.nodes - self.failed, clients=self.clients)

    @property
    def _ticks(self) -> int:
        """Ticks of the least timeout: etcd divides whole milliseconds."""
        return int(self.election_timeout / self.heartbeat + 1e-6)

    @property
    def _rules(self) -> Rules:
        rules = Rules(
            logs=(0,) * (self.nodes - self.failed),
            majority=self.nodes // 2 + 1,
            low=self._ticks * self.heartbeat,
            high=2 * self._ticks * self.heartbeat,
            tick=self.heartbeat,
            lease=True,
            pre_vote=self.pre_vote,
            one_way=self.one_way,
            contact=self.heartbeat if self.contact is None else self.contact,
        )
        return _placed(self, rules)

    @property
    def stands(self) -> Duration:
        """Time in s from the failure until the first member stands for election.

        A leader that only pauses loses its place if it pauses for longer.
        """
        return _first_call(self._rules)

    @property
    def elected(self) -> Duration:
        """Time in s from the failure until there is a leader."""
        return _played(self._rules)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until a client is served again."""
        if not self.retry:
            return self.elected
        return _served(self._rules, self.retry, self.clients, self.paced)

    detection = SAME  # who sees the leader missing stands for election


@fields.specification
class RaftElection:
    """The election of a new leader as the paper on Raft has it.

    Parameters
    ----------
    low, high : float
        Least and greatest election timeout in s; each server draws its own, uniformly,
        whenever it hears from a leader.
    copies : mapping or None
        Servers at each site, `nodes` in all: then messages take `one_way` between
        sites and `within` inside one, and each server is as likely to be the leader
        that fails.  None: all are as far from each other.

    Raises
    ------
    ValueError
        If a time is negative, `low` is not below `high`, the servers that are left are
        no majority, or messages are so slow that nearly every vote is split.

    Notes
    -----
    Rules of Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm
    (USENIX ATC 2014), section 5.2.  Timers run from when the leader's last message
    arrives, at all others at once.  The first timer to fire calls the vote, and its
    request needs `one_way` to reach the others; whoever fires before that votes for
    itself.  The law is exact where messages take no time (the first of some uniform
    timers), and else that of 8,192 elections played message by message.  Where servers
    stand at sites of two, two and one, 50 ms apart, each pair votes for its own, and
    timers of 1 to 2 s take 2.5 s in one of 20 elections; one delay for all says 1.7 s.

    Examples
    --------
    >>> raft = RaftElection(low=1, high=2, nodes=3, failed=1)
    >>> round(raft.first_timeout.mean, 6)
    1.333333
    >>> raft.split_probability
    0.0
    """

    low: float = fields.span("least election timeout", default=0.15)
    high: float = fields.span("greatest election timeout", default=0.3)
    nodes: int = fields.whole("servers", default=3)
    failed: int = fields.whole("servers that are down", default=1)
    one_way: float = fields.time("time of a message", default=0.0)
    heartbeat: float = fields.time("time between heartbeats", default=0.0)
    copies: Mapping[str, int] | None = fields.whole(
        "servers by site", by_site=True, single=False, default=None
    )
    within: float = fields.time("time of a message within a site", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        if not self.low < self.high:
            raise ValueError(f"low must be < high, got {self.low} and {self.high}")
        _check.between(0, self.low, heartbeat=self.heartbeat)
        check_majority(self.nodes, self.failed)
        _at_sites(self)
        if self.split_probability > 0.99:
            raise ValueError(
                "one_way must be well below high - low, or nearly every vote splits;"
                f" got {self.one_way} against {self.high - self.low:g}"
            )

    @property
    def _rules(self) -> Rules:
        rules = Rules(
            logs=(0,) * self.left,
            majority=self.majority,
            low=self.low,
            high=self.high,
            one_way=self.one_way,
            contact=self.heartbeat,
        )
        return _placed(self, rules)

    @property
    def left(self) -> int:
        """Servers that can still vote."""
        return self.nodes - self.failed

    @property
    def majority(self) -> int:
        """Votes that win."""
        return self.nodes // 2 + 1

    @property
    def first_timeout(self) -> Duration:
        """Time in s from the last message of the leader to the first call for votes."""
        return order_statistic(uniform(self.low, self.high), 1, self.left)

    @property
    def split_probability(self) -> float:
        """Probability that the first vote elects nobody.

        It is lost if so many others fire before they are asked that the rest is no
        majority: a sum of spacings of uniform times, which is a beta law (David and
        Nagaraja, Order Statistics, 3rd ed., section 6.4).  Over sites it is a share of
        the elections played.
        """
        if self.copies:
            return _first_votes(self._rules)
        rivals = self.left - self.majority + 1
        share = min(1.0, self.one_way / (self.high - self.low))
        return float(
            sum(
                comb(self.left, k) * share**k * (1 - share) ** (self.left - k)
                for k in range(rivals, self.left + 1)
            )
        )

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until there is a leader."""
        if self.one_way or self.copies:
            return _played(self._rules)
        if not self.heartbeat:
            return self.first_timeout
        # low - U(0, heartbeat) is again uniform, and independent of what the first
        # timer takes beyond `low`
        beyond = order_statistic(uniform(0, self.high - self.low), 1, self.left)
        return uniform(self.low - self.heartbeat, self.low) + beyond

    detection = SAME  # who sees the leader missing stands for election


def _placed(election: Election | RaftElection, rules: Rules) -> Rules:
    """Return rules of servers that stand at sites, if they do."""
    if election.copies is None:
        return rules
    held = enumerate(election.copies.values())
    sites = tuple(site for site, count in held for _ in range(count))
    return replace(
        rules,
        logs=(0,) * len(sites),
        sites=sites,
        within=election.within,
        failed=election.failed,
    )


def _at_sites(election: Election | RaftElection) -> None:
    """Raise unless sites and servers agree."""
    if election.copies is None:
        if election.within:
            raise ValueError(
                f"within needs copies, the servers by site, got {election.within:g}"
            )
        return
    held = sum(election.copies.values())
    if held != election.nodes:
        raise ValueError(f"copies must hold the {election.nodes} nodes, got {held}")
    _check.between(0, election.one_way, within=election.within)


@lru_cache(maxsize=256)
def _played(rules: Rules) -> Duration:
    return empirical(Ballots(rules, np.random.default_rng(_SEED), _PLAYED).play())


@lru_cache(maxsize=64)
def _first_votes(rules: Rules) -> float:
    """Return the share of elections that the first vote does not decide."""
    ballots = Ballots(rules, np.random.default_rng(_SEED), _PLAYED)
    ballots.play()
    return 1 - ballots.won_first / _PLAYED


@lru_cache(maxsize=64)
def _served(rules: Rules, retry: float, clients: int, paced: bool) -> Duration:
    """Return when the first of some clients is served that try again and again."""
    rng = np.random.default_rng(_SEED)
    ballots = Ballots(rules, rng, _PLAYED)
    stood, elected = ballots.first_calls(), ballots.play()
    phase = np.zeros((_PLAYED, clients))
    if not paced:
        phase = rng.uniform(0, retry, phase.shape)
    last = elected[:, None] - np.mod(elected[:, None] - phase, retry)
    kept = last[:, 0] >= stood  # by the member that stood first, if it has a client
    kept &= rng.uniform(0, 1, _PLAYED) < clients / (len(rules.logs) - rules.failed)
    return empirical(np.where(kept, elected, last.min(axis=1) + retry))


@lru_cache(maxsize=64)
def _first_call(rules: Rules) -> Duration:
    ballots = Ballots(rules, np.random.default_rng(_SEED), _PLAYED)
    return empirical(ballots.first_calls())
