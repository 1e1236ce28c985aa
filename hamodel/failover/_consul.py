"""The election of a leader in HashiCorp's Raft: Consul, Nomad, Vault."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hamodel import fields
from hamodel._types import FloatArray
from hamodel.duration import Duration, empirical, order_statistic, uniform
from hamodel.failover._parts import SAME, check_majority


@fields.specification
class ConsulElection:
    """The election of a leader as Consul, Nomad and Vault hold it.

    Parameters
    ----------
    multiplier : float
        Factor on the timeouts (raft_multiplier): 5 as delivered, 1 as advised for
        production.
    pre_vote : bool
        Whether a server asks first if it could win, as from Consul 1.20 on.

    Raises
    ------
    ValueError
        If the multiplier is not above zero, or no majority is left.

    Notes
    -----
    Rules of HashiCorp's raft library (raft.go, replication.go).  The leader writes to
    each follower after one to two tenths of the heartbeat timeout, 1 s times the
    multiplier.  A follower's timer runs from once to twice that timeout, again and
    again; messages do not reset it.  When it fires and the last message is older than
    the timeout, the follower stands.  Whoever has not stood yet takes the old leader
    for alive, and refuses: so a majority must have stood before one of them can win.
    With pre-votes the last of that majority wins at once.  Without them it has voted
    for itself, as all the others have, and the first whose election timeout, again once
    to twice 1 s times the multiplier, runs out wins in the next term.  Messages take no
    time.

    Examples
    --------
    >>> quick = ConsulElection(multiplier=1)
    >>> round(float(quick.duration.mean), 1)
    2.0
    >>> older = ConsulElection(multiplier=1, pre_vote=False)
    >>> round(float(older.duration.mean), 1)
    2.9
    """

    multiplier: float = fields.number("Raft multiplier", above=True, default=5.0)
    nodes: int = fields.whole("servers", default=3)
    failed: int = fields.whole("servers that are down", default=1)
    pre_vote: bool = fields.flag("asks before it votes", default=True)

    def __post_init__(self) -> None:
        fields.check(self)
        check_majority(self.nodes, self.failed)

    @property
    def stands(self) -> Duration:
        """Time in s from the failure until one follower stands."""
        age, left = (
            law.residual().quantile((np.arange(points) + 0.5) / points)
            for law, points in ((uniform(0.1, 0.2), 32), (uniform(1, 2), 256))
        )  # of the last message, and of the timer's run
        return empirical(self.multiplier * np.add.outer(1 - age, left).ravel())

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until there is a leader."""
        majority = self.nodes // 2 + 1
        left = self.nodes - self.failed
        if self.pre_vote:
            return order_statistic(self.stands, majority, left)
        return _tied(self.multiplier, majority, left)

    detection = SAME  # who sees the leader missing stands for election


_PLAYED, _SEED = 8192, 20130616  # elections behind a law, and where they begin


@lru_cache(maxsize=64)
def _tied(multiplier: float, majority: int, left: int) -> Duration:
    """Return the law of an election without pre-votes, played.

    Each that stands tries again whenever its own timeout is over, in a term of its own
    that is one more; it wins when a majority of those that have stood is behind it in
    terms.
    """
    rng = np.random.default_rng(_SEED)
    law = ConsulElection(multiplier=1).stands
    stands = law.sample(_PLAYED * left, rng).reshape(_PLAYED, left)
    found = [_ballot(each, majority, rng) for each in stands]
    return empirical(multiplier * np.array(found))


def _ballot(stands: FloatArray, majority: int, rng: np.random.Generator) -> float:
    """Return when one of those that stand at some times has a majority."""
    when = stands.copy()
    terms = np.zeros(len(stands), int)
    while True:
        now = float(when.min())
        one = int(when.argmin())
        terms[one] += 1
        there = stands <= now  # the others refuse
        follow = there & (terms < terms[one])
        if follow.sum() + 1 >= majority:
            return now
        terms[follow] = terms[one]  # they vote, and wait for another timeout
        terms[one] = terms[there].max()  # it hears of later terms
        again = follow | (np.arange(len(when)) == one)
        when[again] = now + rng.uniform(1, 2, int(again.sum()))
