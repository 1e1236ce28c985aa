"""What follows the decision: promotion of the standby, and the way there for clients.

Each class has a `duration`, so that it can stand for a stage of a `Failover`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check
from hamodel._quantity import hold
from hamodel.duration import Duration, constant, maximum, mixture, uniform
from hamodel.failover._detection import Heartbeat
from hamodel.failover._parts import as_duration

if TYPE_CHECKING:
    from hamodel._types import Quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Promotion:
    """A standby becomes primary: usually quick, after replaying its log, rarely slow.

    Parameters
    ----------
    usual : float or Duration
        Time in s once the log is replayed.
    lag : float or Duration
        Log in s of the primary's writing that the standby has received, not replayed.
    replay_speed : float
        Seconds of the primary's writing replayed in one second.
    slow : float or Duration
        Time in s of the rare slow mode, such as a crash recovery, in place of the
        usual one.
    slow_probability : float
        How often the slow mode is met.

    Raises
    ------
    ValueError
        If a time is negative, the speed is zero or the probability outside [0, 1].

    Examples
    --------
    >>> promotion = Promotion(usual=2, lag=30, replay_speed=5, slow=300,
    ...                       slow_probability=0.01)
    >>> promotion.duration.mean
    10.98
    """

    usual: Duration | float
    lag: Duration | float = 0
    replay_speed: float = 1.0
    slow: Duration | float = 0
    slow_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("usual", "lag", "slow"):
            as_duration(name, getattr(self, name))
        _check.positive(replay_speed=self.replay_speed)
        _check.probability(slow_probability=self.slow_probability)

    @property
    def duration(self) -> Duration:
        """Time in s from the decision until the standby takes writes."""
        replay = (1 / self.replay_speed) * as_duration("lag", self.lag)
        usual = as_duration("usual", self.usual) + replay
        if self.slow_probability == 0:
            return usual
        slow = as_duration("slow", self.slow) + replay
        return mixture(
            [1 - self.slow_probability, self.slow_probability], [usual, slow]
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class VirtualIp:
    """An address that moves to the new primary.

    Parameters
    ----------
    takeover : float or Duration
        Time in s until the new owner announces the address.
    stale : float
        Share of neighbours that miss the announcement.
    cache : float
        Time in s after which those ask anew; when the address moves, their entries are
        of any age.

    Raises
    ------
    ValueError
        If a time is negative or the share outside [0, 1].

    Examples
    --------
    >>> round(VirtualIp(takeover=0.5, stale=0.1, cache=60).duration.mean, 9)
    3.5
    """

    takeover: Duration | float
    stale: float = 0.0
    cache: float = 60.0

    def __post_init__(self) -> None:
        as_duration("takeover", self.takeover)
        _check.probability(stale=self.stale)
        _check.positive(cache=self.cache)

    @property
    def duration(self) -> Duration:
        """Time in s until a client reaches the new owner."""
        moved = as_duration("takeover", self.takeover)
        if self.stale == 0:
            return moved
        parts = [moved, moved + uniform(0, self.cache)]
        return mixture([1 - self.stale, self.stale], parts)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProxyCheck:
    """A proxy that asks every server, in turn, whether it is the primary.

    Parameters
    ----------
    interval : float, array or SymPy expression
        Time in s from check to check.
    rise : int, array or SymPy expression
        Checks in a row that succeed before a server is used.
    fall : int, array or SymPy expression
        Checks in a row that fail before it is not.
    timeout : float, array or SymPy expression
        Time in s after which a check has failed.

    Raises
    ------
    ValueError
        If a time is negative, the interval zero, or a count not a whole number from 1.

    Notes
    -----
    The new primary answers from some moment between two checks on, so `rise` checks
    take between rise - 1 and rise intervals.  The old primary is marked down meanwhile;
    that has no share in the recovery time unless it takes longer.

    Examples
    --------
    >>> ProxyCheck(interval=1, rise=2).duration.support
    (1.0, 2.0)
    """

    interval: Quantity = 2
    rise: Quantity = 2
    fall: Quantity = 3
    timeout: Quantity = 0

    def __post_init__(self) -> None:
        hold(self, "interval", "rise", "fall", "timeout")
        _check.positive(interval=self.interval)
        _check.whole(1, rise=self.rise, fall=self.fall)
        _check.non_negative(timeout=self.timeout)

    @property
    def duration(self) -> Duration:
        """Time in s from the promotion until clients are sent to the new primary."""
        return uniform((self.rise - 1) * self.interval, self.rise * self.interval)

    @property
    def marks_down(self) -> Duration:
        """Time in s from the failure until the old primary is no longer used."""
        return Heartbeat(
            interval=self.interval, misses=self.fall, timeout=self.timeout
        ).duration


@dataclass(frozen=True, kw_only=True, eq=False)
class Dns:
    """A name that is pointed elsewhere, by a health check of its own.

    Parameters
    ----------
    interval, threshold, timeout : float, int, float
        The health check: time in s from check to check, failures in a row that count,
        and time in s after which one has failed.
    ttl : float
        Time in s for which a resolver may keep the old address.
    ignoring : float
        Share of clients behind resolvers that keep it longer.
    kept : float
        How long in s those keep it.

    Raises
    ------
    ValueError
        If a time is negative or the share is outside [0, 1].

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

    interval: float = 30.0
    threshold: int = 3
    timeout: float = 0.0
    ttl: float = 60.0
    ignoring: float = 0.0
    kept: float = 1800.0

    def __post_init__(self) -> None:
        _check.positive(interval=self.interval, ttl=self.ttl, kept=self.kept)
        _check.whole(1, threshold=self.threshold)
        _check.non_negative(timeout=self.timeout)
        _check.probability(ignoring=self.ignoring)

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Driver:
    """A client's database driver: how it lets go of the old primary and finds the new.

    Parameters
    ----------
    tcp_user_timeout : float
        Time in s after which a connection without an answer is given up.
    reset : float
        Probability that the old host says at once that the connection is gone, as it
        does when only the process has died.
    connect_timeout : float
        Time in s after which an attempt to connect is given up.
    dead_first : float
        Probability that the list of hosts has the dead one before the new primary.
    retry : float
        Time in s between rounds over the list of hosts.

    Raises
    ------
    ValueError
        If a time is negative or a probability outside [0, 1].

    Notes
    -----
    Noticing that the connection is dead takes place while the servers fail over; the
    client is served when both are done and it has connected again.

    Examples
    --------
    >>> driver = Driver(tcp_user_timeout=30, reset=0, connect_timeout=2, dead_first=0.5)
    >>> driver.after(constant(12)).mean  # ready after 12 s, noticed after 30 s
    31.0
    """

    tcp_user_timeout: float
    reset: float = 0.0
    connect_timeout: float = 2.0
    dead_first: float = 0.5
    retry: float = 0.0

    def __post_init__(self) -> None:
        _check.non_negative(
            tcp_user_timeout=self.tcp_user_timeout,
            connect_timeout=self.connect_timeout,
            retry=self.retry,
        )
        _check.probability(reset=self.reset, dead_first=self.dead_first)

    def after(self, ready: Duration) -> Duration:
        """Return the time from the failure until this client is served again.

        Parameters
        ----------
        ready : Duration
            Time in s from the failure until the new primary can be reached.

        Returns
        -------
        Duration
            Time in s: the later of being ready and of noticing, and the way there.
        """
        hung = maximum(ready, constant(self.tcp_user_timeout))
        served = hung
        if self.reset:
            served = mixture([1 - self.reset, self.reset], [hung, ready])
        return served + self.reconnect

    @property
    def reconnect(self) -> Duration:
        """Time in s to find the new primary in the list of hosts."""
        wait = uniform(0, self.retry) if self.retry else constant(0)
        if self.dead_first == 0:
            return wait
        parts = [wait, wait + constant(self.connect_timeout)]
        return mixture([1 - self.dead_first, self.dead_first], parts)
