"""Who notices that the primary is gone: a heartbeat, a lease, or an election."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel.duration import (
    Duration,
    constant,
    mixture,
    order_statistic,
    uniform,
)

if TYPE_CHECKING:
    from hamodel._types import Quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Heartbeat:
    """A watchdog that gives up after some missed beats.

    Parameters
    ----------
    interval : float, array or SymPy expression
        Time in s from beat to beat.
    misses : int, array or SymPy expression
        Missed beats in a row that count as a failure.
    timeout : float, array or SymPy expression
        Time in s after which a single beat counts as missed.
    loss : float
        Probability that a beat is lost while all is well.

    Raises
    ------
    ValueError
        If a time is negative, the interval is zero, `misses` is not a whole number
        from 1 on, or `loss` is not in [0, 1).

    Notes
    -----
    The failure falls anywhere between two beats, so the k-th miss comes between k - 1
    and k intervals later: detection is uniform over one interval, however many misses
    are asked for.  If beats are lost, some misses may have been counted before; their
    number is geometric, cut at k - 1, for at k the watchdog would have acted.

    Examples
    --------
    >>> watchdog = Heartbeat(interval=1, misses=5)
    >>> watchdog.duration.support
    (4.0, 5.0)
    >>> hasty = Heartbeat(interval=1, misses=2, loss=0.02)
    >>> round(hasty.false_alarm_rate * 365 * 86400)  # a year
    12367
    """

    interval: Quantity
    misses: Quantity = 3
    timeout: Quantity = 0
    loss: float = 0.0

    def __post_init__(self) -> None:
        hold(self, "interval", "misses", "timeout", "loss")
        _check.positive(interval=self.interval)
        _check.whole(1, misses=self.misses)
        _check.non_negative(timeout=self.timeout)
        _check.probability(loss=self.loss)
        if np.any(np.asarray(self.loss) == 1):
            raise ValueError("loss must be < 1, got 1: no beat would ever arrive")

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until it is noticed."""
        if not np.any(self.loss):
            return uniform(*self._after(0))
        _check.whole(1, misses=int(self.misses))
        weights, ends = zip(*self.pieces(), strict=True)
        return mixture(list(weights), [uniform(*pair) for pair in ends])

    def _after(self, counted: int) -> tuple[Quantity, Quantity]:
        """Return the span of the time to notice, some misses counted already."""
        last = self.misses - counted
        low, high = (last - 1) * self.interval, last * self.interval
        return low + self.timeout, high + self.timeout

    def pieces(self) -> list[tuple[float, tuple[float, float]]]:
        """Return the uniform pieces that the time to notice is mixed from.

        Returns
        -------
        list of tuple
            Weight, and least and greatest time in s; one piece for each number of
            misses that may have been counted before the failure.
        """
        counted = range(int(self.misses))
        weights = self.loss ** np.array(counted, dtype=float)
        shares = (weights / weights.sum()).tolist()
        return [(w, self._after(j)) for w, j in zip(shares, counted, strict=True)]

    @property
    def false_alarm_rate(self) -> Quantity:
        """How often, in 1/s, lost beats alone look like a failure.

        The mean number of beats up to the first run of k losses is
        (1 - p^k) / ((1 - p) p^k) (Feller, An Introduction to Probability Theory and
        Its Applications, vol. 1, ch. XIII.7); to first order the rate is
        (1 - p) p^k / interval.
        """
        run = self.loss**self.misses
        return (1 - self.loss) * run / ((1 - run) * self.interval)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lease:
    """A leader's lock that expires unless renewed, as Patroni holds it.

    Parameters
    ----------
    ttl : float, array or SymPy expression
        Time in s after which a lock that is not renewed expires.
    loop_wait : float, array or SymPy expression
        Time in s from one renewal to the next.
    retry_timeout : float, array or SymPy expression
        Time in s for which a leader retries a store that does not answer, before it
        steps down.
    watch : bool
        Whether the others are told when the lock expires; if not, they look once in
        every `loop_wait`.

    Raises
    ------
    ValueError
        If a time is not above zero, or `ttl` is below loop_wait + 2 retry_timeout: the
        leader could then lose its lock while it still retries.

    Notes
    -----
    The last renewal was anywhere up to `loop_wait` before the failure, so the lock
    expires uniformly between ttl - loop_wait and ttl.  Defaults and the rule are those
    of Patroni's documentation (facts FO-001 to FO-003).

    Examples
    --------
    >>> Lease().duration.support
    (20.0, 30.0)
    """

    ttl: Quantity = 30
    loop_wait: Quantity = 10
    retry_timeout: Quantity = 10
    watch: bool = True

    def __post_init__(self) -> None:
        hold(self, "ttl", "loop_wait", "retry_timeout")
        _check.positive(
            ttl=self.ttl, loop_wait=self.loop_wait, retry_timeout=self.retry_timeout
        )
        least = self.loop_wait + 2 * self.retry_timeout
        if not _check.is_symbolic(self.ttl - least) and np.any(self.ttl < least):
            rule = f">= loop_wait + 2 * retry_timeout = {least}"
            raise ValueError(f"ttl must be {rule}, got {self.ttl}")

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the others know that the lock is free."""
        expiry = uniform(self.ttl - self.loop_wait, self.ttl)
        return expiry if self.watch else expiry + uniform(0, self.loop_wait)

    @property
    def longest_pause(self) -> Quantity:
        """Pause of the leader in s that never costs it the lock."""
        return self.ttl - self.loop_wait


@dataclass(frozen=True, kw_only=True, eq=False)
class Election:
    """The election of a new leader by a majority, as Raft holds it.

    Parameters
    ----------
    low, high : float
        Least and greatest election timeout in s; each server draws its own, uniformly,
        whenever it hears from a leader.
    nodes : int
        Servers of the cluster.
    failed : int
        Servers that are down, the old leader among them.
    one_way : float
        Time in s for a message from one server to another.
    heartbeat : float
        Time in s between the leader's messages.

    Raises
    ------
    ValueError
        If a time is negative, `low` is not below `high`, or the servers that are left
        are no majority.

    Notes
    -----
    Timers run from the leader's last message.  The first timer to fire calls the vote,
    and its request needs `one_way` to reach the others; whoever fires before that votes
    for itself.  With s servers left of n and a majority of m, the vote is lost if
    s - m + 1 others fire in that time, a sum of as many spacings of uniform times,
    which is a beta law (David and Nagaraja, Order Statistics, 3rd ed., section 6.4).
    Then all draw anew.  Left out: that a split vote and an early first timer go
    together, and servers whose log is too short to win; `simulate_elections` has both.

    Examples
    --------
    >>> raft = Election(low=1, high=2, nodes=3, failed=1)
    >>> round(raft.first_timeout.mean, 6)
    1.333333
    >>> raft.split_probability
    0.0
    """

    low: float = 0.15
    high: float = 0.3
    nodes: int = 3
    failed: int = 1
    one_way: float = 0.0
    heartbeat: float = 0.0

    def __post_init__(self) -> None:
        _check.positive(low=self.low, high=self.high)
        if not self.low < self.high:
            raise ValueError(f"low must be < high, got {self.low} and {self.high}")
        _check.whole(1, nodes=self.nodes, failed=self.failed)
        _check.non_negative(one_way=self.one_way, heartbeat=self.heartbeat)
        _check.between(0, self.low, heartbeat=self.heartbeat)
        if self.left < self.majority:
            raise ValueError(
                f"failed must leave a majority of {self.majority} of {self.nodes},"
                f" got {self.failed}"
            )

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
        """Probability that a round elects nobody."""
        from scipy.special import betainc

        rivals = self.left - self.majority + 1
        if rivals >= self.left:  # nobody is needed beside the candidate
            return 0.0
        share = min(1.0, self.one_way / (self.high - self.low))
        return float(betainc(rivals, self.left + 1 - rivals, share))

    @property
    def mean_rounds(self) -> float:
        """Mean number of rounds; inf if every round splits."""
        lost = self.split_probability
        return float("inf") if lost == 1 else 1 / (1 - lost)

    @property
    def mean(self) -> float:
        """Mean time in s from the failure until there is a leader; inf if never."""
        again = (self.mean_rounds - 1) * float(self.first_timeout.mean)
        first = float(self.first_timeout.mean) - self.heartbeat / 2
        return first + 2 * self.one_way + (again if self.split_probability else 0.0)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until there is a leader.

        Raises
        ------
        ValueError
            If every round splits, because messages are slower than the range of the
            timeouts is wide.
        """
        lost = self.split_probability
        if lost > 0.99:
            raise ValueError(
                "one_way must be well below high - low, or nearly every vote splits;"
                f" got {self.one_way} against {self.high - self.low:g}"
            )
        first = self.first_timeout + constant(2 * self.one_way)
        if self.heartbeat:
            first = self._since_the_failure() + constant(2 * self.one_way)
        if not lost:
            return first
        rounds = int(np.ceil(np.log(1e-9) / np.log(lost)))
        parts, again = [first], self.first_timeout
        for _ in range(rounds):
            parts.append(parts[-1] + again)
        weights = lost ** np.arange(rounds + 1.0)
        return mixture(list(weights / weights.sum()), parts)

    def _since_the_failure(self) -> Duration:
        """Return the first timeout less the time since the last message.

        Both ends are uniform: low - U(0, h) is again uniform, and what the first timer
        takes beyond `low` is independent of it.
        """
        beyond = order_statistic(uniform(0, self.high - self.low), 1, self.left)
        return uniform(self.low - self.heartbeat, self.low) + beyond
