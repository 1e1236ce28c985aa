"""What follows the decision: promotion of the standby, and the way there for clients.

Each class has the law of the stage that it can stand for in a `Failover`.
"""

from __future__ import annotations

import numpy as np

from hamodel import fields
from hamodel._types import Quantity
from hamodel.duration import Duration, mixture, order_statistic, uniform
from hamodel.failover._detection import Heartbeat, SequentialProbe
from hamodel.failover._parts import SAME, as_duration


@fields.specification
class Promotion:
    """A standby becomes primary: usually quick, after replaying its log, rarely slow.

    Parameters
    ----------
    lag : float or Duration
        Log in s of the primary's writing that the standby has received, not replayed.
    slow : float or Duration
        Time in s of the rare slow mode, such as a crash recovery, in place of the
        usual one.

    Examples
    --------
    >>> promotion = Promotion(usual=2, lag=30, replay_speed=5, slow=300,
    ...                       slow_probability=0.01)
    >>> promotion.duration.mean
    10.98
    """

    usual: Duration | float = fields.time("usual time of a promotion", law=True)
    lag: Duration | float = fields.time("log to be replayed", law=True, default=0)
    replay_speed: Quantity = fields.number(
        "seconds of log replayed in one", above=True, default=1.0
    )
    slow: Duration | float = fields.time(
        "time of a slow promotion", law=True, default=0
    )
    slow_probability: float = fields.share("promotions that are slow", default=0.0)

    @property
    def duration(self) -> Duration:
        """Time in s from the decision until the standby takes writes."""
        replay: Duration = (1 / self.replay_speed) * as_duration("lag", self.lag)
        usual = as_duration("usual", self.usual) + replay
        if self.slow_probability == 0:
            return usual
        slow = as_duration("slow", self.slow) + replay
        return mixture(
            [1 - self.slow_probability, self.slow_probability], [usual, slow]
        )

    promotion = SAME


@fields.specification
class VirtualIp:
    """An address that moves to the new primary.

    Parameters
    ----------
    cache : Quantity
        Time in s after which those ask anew; when the address moves, their entries are
        of any age.

    Examples
    --------
    >>> round(VirtualIp(takeover=0.5, stale=0.1, cache=60).duration.mean, 9)
    3.5
    """

    takeover: Duration | float = fields.time(
        "time until the address is announced", law=True
    )
    stale: float = fields.share("neighbours that miss the announcement", default=0.0)
    cache: Quantity = fields.span("time until a neighbour asks anew", default=60.0)

    @property
    def duration(self) -> Duration:
        """Time in s until a client reaches the new owner."""
        moved = as_duration("takeover", self.takeover)
        if self.stale == 0:
            return moved
        parts = [moved, moved + uniform(0, self.cache)]
        return mixture([1 - self.stale, self.stale], parts)

    redirection = SAME


@fields.specification
class ProxyCheck:
    """A proxy that asks every server, in turn, whether it is the primary.

    Parameters
    ----------
    timeout : float, array or SymPy expression
        Time in s that a check takes to fail: none where the old host refuses, up to the
        interval where it is silent and HAProxy has no `timeout check`.

    Notes
    -----
    The new primary answers from some moment between two checks on, so `rise` checks
    take between rise - 1 and rise intervals.  The old primary is marked down meanwhile;
    that has no share in the recovery time unless it takes longer.  HAProxy counts the
    interval from the end of a check (check.c), so checks that wait for a silent host
    follow each other slower than others.

    Examples
    --------
    >>> ProxyCheck(interval=1, rise=2).duration.support
    (1.0, 2.0)
    >>> ProxyCheck(interval=1, fall=3, timeout=1).marks_down.support
    (5.0, 6.0)
    """

    interval: Quantity = fields.span("time from check to check", default=2)
    rise: Quantity = fields.whole("checks that must succeed", default=2)
    fall: Quantity = fields.whole("checks that must fail", default=3)
    timeout: Quantity = fields.time("longest time of a check", default=0)

    @property
    def duration(self) -> Duration:
        """Time in s from the promotion until clients are sent to the new primary."""
        return uniform((self.rise - 1) * self.interval, self.rise * self.interval)

    redirection = SAME

    @property
    def marks_down(self) -> Duration:
        """Time in s from the failure until the old primary is no longer used."""
        return SequentialProbe(
            pause=self.interval, tries=self.fall, timeout=self.timeout
        ).duration

    @property
    def detection(self) -> Duration:
        """The time to mark the old primary down, as the stage of a failover."""
        return self.marks_down


@fields.specification
class Dns:
    """A name that is pointed elsewhere, by a health check of its own.

    Notes
    -----
    When the name changes, entries are of any age, so a resolver keeps the old address
    for a time that is uniform up to its limit.

    Examples
    --------
    >>> slowest = Dns(interval=30, threshold=3, ttl=60)
    >>> (slowest.detection + slowest.duration).support[1]
    150.0
    >>> round(Dns(ttl=60, ignoring=0.05, kept=1800).duration.quantile(0.99))
    1440
    """

    interval: Quantity = fields.span("time from check to check", default=30.0)
    threshold: int = fields.whole("failed checks that count as a failure", default=3)
    timeout: Quantity = fields.time("longest time of a check", default=0.0)
    ttl: Quantity = fields.span("time to live of the name", default=60.0)
    ignoring: float = fields.share(
        "clients whose resolver ignores the TTL", default=0.0
    )
    kept: Quantity = fields.span("time for which those keep the name", default=1800.0)

    @property
    def detection(self) -> Duration:
        """Time in s from the failure until the name is pointed elsewhere."""
        return Heartbeat(
            interval=self.interval, misses=self.threshold, timeout=self.timeout
        ).duration

    @property
    def duration(self) -> Duration:
        """Time in s from that change until a client is led to the new address."""
        if self.ignoring == 0:
            return uniform(0, self.ttl)
        parts = [uniform(0, self.ttl), uniform(0, self.kept)]
        return mixture([1 - self.ignoring, self.ignoring], parts)

    redirection = SAME


@fields.specification
class HealthCheckers:
    """Many checkers all over the world, and a share of them that must find it healthy.

    Parameters
    ----------
    interval : Quantity
        Time in s between two checks of one checker: 30 s, or 10 s if paid for.
    threshold : int
        Checks in a row that fail before a checker changes its mind.
    healthy : float
        Share of them above which the endpoint counts as healthy: 18 % in Route 53.

    Notes
    -----
    The endpoint is unhealthy once at most a share of `healthy` of the checkers finds it
    healthy: an order statistic of as many independent clocks, so its spread is small.

    Examples
    --------
    >>> route53 = HealthCheckers()
    >>> round(route53.duration.mean, 1), round(route53.duration.std, 1)
    (84.7, 2.7)
    """

    interval: Quantity = fields.span("time from check to check", default=30.0)
    threshold: int = fields.whole("failed checks that count as a failure", default=3)
    timeout: Quantity = fields.time("longest time of a check", default=0.0)
    checkers: int = fields.whole("checkers", default=16)
    healthy: float = fields.share(
        "checkers that keep a name healthy", below=True, default=0.18
    )
    ttl: Quantity = fields.span("time to live of the name", default=60.0)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the endpoint counts as unhealthy."""
        each = Heartbeat(
            interval=self.interval, misses=self.threshold, timeout=self.timeout
        ).duration
        needed = self.checkers - int(np.floor(self.healthy * self.checkers + 1e-9))
        return order_statistic(each, needed, self.checkers)

    detection = SAME

    @property
    def redirection(self) -> Duration:
        """Time in s from that change until a client is led to the new address."""
        return uniform(0, self.ttl)
