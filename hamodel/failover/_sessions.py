"""Members missed by their silence: sessions, gossip, ticks, advertisements."""

from __future__ import annotations

import warnings

import numpy as np

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.duration import Duration, constant, uniform
from hamodel.failover._parts import SAME


@fields.specification
class Session:
    """A session that a server ends if its client is silent: ZooKeeper, Kafka, Consul.

    Parameters
    ----------
    multiple : Quantity
        Times the timeout that the server really waits: 2 in Consul.

    Raises
    ------
    ValueError
        If a time is not above zero, or `heartbeat` is above `timeout`.

    Notes
    -----
    ZooKeeper: a client pings when a third of the timeout has passed without another
    message, and the leader looks once a tick (tickTime, 2 s).  Kafka in KRaft mode:
    broker.session.timeout.ms 9 s, broker.heartbeat.interval.ms 2 s.  Consul: the time
    to live of a session is a lower bound, and the server waits twice as long
    (`sessionTTLMultiplier`).

    Examples
    --------
    >>> Session(timeout=9, heartbeat=2).duration.support  # Kafka
    (7.0, 9.0)
    """

    timeout: float = fields.span("session timeout")
    heartbeat: Quantity = fields.span("time between heartbeats")
    tick: float = fields.time("tick of the server", default=0.0)
    multiple: Quantity = fields.number(
        "sessions' timeout over the tick", least=1, most=10, default=1.0
    )

    def __post_init__(self) -> None:
        fields.check(self)
        _check.between(0, self.timeout, heartbeat=self.heartbeat)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the session is over."""
        most = self.multiple * self.timeout
        silent = uniform(most - self.heartbeat, most)
        return silent + uniform(0, self.tick) if self.tick else silent

    detection = SAME


@fields.specification
class Vrrp:
    """A router or balancer that takes over when advertisements stay out (keepalived).

    Parameters
    ----------
    priority : int
        Priority of the backup, 1 to 254; a low one waits longer.
    version : int
        Of the protocol: 2 as keepalived is delivered, or 3.

    Notes
    -----
    The backup waits three intervals and a skew; the last advertisement was up to one
    interval before.  The skew is (256 - priority)/256 seconds in version 2 (RFC 3768,
    section 6.1), and as many intervals in version 3 (RFC 5798, section 6.1).  A master
    that stops in good order says so by a priority of 0, and the backup waits for the
    skew alone.

    Examples
    --------
    >>> Vrrp(interval=1, priority=192).duration.support
    (2.25, 3.25)
    >>> Vrrp(interval=2, priority=192, version=3).duration.support
    (4.5, 6.5)
    """

    interval: Quantity = fields.span("time between advertisements", default=1.0)
    priority: int = fields.whole("priority of the backup", most=254, default=100)
    version: int = fields.whole("version of the protocol", 2, most=3, default=2)
    stopped: bool = fields.flag("the master stops in good order", default=False)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the backup is master."""
        skew = (256 - self.priority) / 256
        if self.version == 3:
            skew = skew * self.interval
        if self.stopped:
            return constant(skew)
        most = 3 * self.interval + skew
        return uniform(most - self.interval, most)

    redirection = SAME  # the address moves with the mastership

    detection = SAME


@fields.specification
class NetTick:
    """A peer that Erlang's kernel gives up for dead, as RabbitMQ does.

    Parameters
    ----------
    ticktime : Quantity
        Time in s of silence after which a peer is down (net_ticktime).

    Notes
    -----
    A node writes and looks every quarter of the time, and gives up at the fifth look
    without data.  So the failure is noticed between 3/4 and 5/4 of the time, as the
    documentation of net_kernel says.

    Examples
    --------
    >>> NetTick().duration.support, NetTick().duration.mean
    ((45.0, 75.0), 60.0)
    """

    ticktime: Quantity = fields.span("net tick time", default=60.0)

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the peer is down."""
        quarter = self.ticktime / 4
        return uniform(3 * quarter, 4 * quarter) + uniform(0, quarter)

    detection = SAME


@fields.specification
class PhiAccrual:
    """Suspicion that grows with silence, up to a threshold: Cassandra, Akka.

    Parameters
    ----------
    threshold : float
        Suspicion phi = -log10 of the probability of so long a silence that counts as a
        failure: 8 in both products.
    deviation : float or None
        Standard deviation in s of that time, for the normal law of Akka (which takes
        0.1 s at least); None for the exponential law of Cassandra.
    pause : float
        Further silence in s that is accepted (Akka's acceptable-heartbeat-pause).

    Notes
    -----
    Hayashibara and others, The phi accrual failure detector (SRDS 2004).  With an
    exponential law the silence is threshold x ln 10 intervals, 18.4 s at Cassandra's
    defaults.  Akka takes P(X > x) = 1 / (1 + exp(y (1.5976 + 0.070566 y^2))) for the
    normal law, y deviations above the mean (PhiAccrualFailureDetector.scala): 5.2
    deviations for a phi of 8, where the normal law itself has 5.6.

    Examples
    --------
    >>> PhiAccrual().duration.mean
    18.42...
    >>> akka = PhiAccrual(deviation=0.1, pause=3)
    >>> round(akka.duration.mean, 2)
    4.52
    """

    threshold: float = fields.number("threshold of phi", above=True, default=8.0)
    interval: float = fields.span("time between heartbeats", default=1.0)
    deviation: float | None = fields.span(
        "standard deviation of the heartbeats", default=None
    )
    pause: float = fields.time("acceptable pause", default=0.0)
    check: float = fields.time("time between looks", default=1.0)

    @property
    def silence(self) -> float:
        """Silence in s after which a member is suspected."""
        if self.deviation is None:
            return self.pause + self.interval * self.threshold * float(np.log(10))
        from scipy.optimize import brentq

        odds = float(np.log(10.0**self.threshold - 1))
        beyond = brentq(lambda y: y * (1.5976 + 0.070566 * y * y) - odds, -9, 99)
        return self.pause + self.interval + beyond * self.deviation

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the suspicion reaches the threshold."""
        first = max(0.0, self.silence - self.interval)
        found = uniform(first, self.silence)
        return found + uniform(0, self.check) if self.check else found

    detection = SAME


@fields.specification
class GroupChange:
    """Galera: a group goes on without a member, and nobody commits until it does.

    Parameters
    ----------
    suspect_timeout : float
        Time in s of silence after which a member is suspected (evs.suspect_timeout).
    check : float
        Time in s between two looks for silent members (evs.inactive_check_period).
    join_retrans : float
        Time in s after which a member repeats what it knows of the others
        (evs.join_retrans_period).
    contact : float
        Longest time in s between two messages of a member: short where it writes, and
        evs.keepalive_period, 1 s, where it does not.

    Raises
    ------
    ValueError
        If a time is not above zero, or `contact` is above `suspect_timeout`.

    Warns
    -----
    UserWarning
        If `suspect_timeout` is not above `join_retrans`: while they agree, survivors
        send nothing else, so that they may take each other for dead.  In 4 of 12
        recorded outages both then stayed without a primary component.

    Notes
    -----
    Galera 26.4 (evs_proto.cpp).  The looks of all members begin anew with every change
    of the group, so that they come together.  The first survivor to suspect the silent
    member stops the group.  The others find it silent at their own next look, one
    `check` later, but say so only when they repeat what they know, every `join_retrans`
    after the stop.  So the *survivors* stop as well, some 6.2 s as delivered, and even
    if the member's process only died: its closed connections change nothing.

    Examples
    --------
    >>> GroupChange().duration.mean, GroupChange().duration.support
    (6.25, (6.0, 6.5))
    """

    suspect_timeout: float = fields.span("silence that makes a suspect", default=5.0)
    check: float = fields.span("time between looks", default=0.5)
    join_retrans: float = fields.span("time between join messages", default=1.0)
    contact: float = fields.time("time between a member's messages", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        _check.between(0, self.suspect_timeout, contact=self.contact)
        if self.suspect_timeout <= self.join_retrans:
            warnings.warn(
                f"suspect_timeout should be > join_retrans = {self.join_retrans:g}, got"
                f" {self.suspect_timeout:g}: survivors may take each other for dead",
                stacklevel=3,
            )

    @property
    def duration(self) -> Duration:
        """Time in s from the failure until the survivors commit again."""
        repeats = max(1, int(np.ceil(self.check / self.join_retrans - 1e-9)))
        last = self.suspect_timeout + repeats * self.join_retrans
        looks = uniform(0, self.check)
        if not self.contact:
            return looks + last
        return looks + uniform(last - self.contact, last)

    detection = SAME
