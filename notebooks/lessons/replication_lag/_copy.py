"""The lesson's replica in the units of its controls, and what each mode makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hamodel.replication import Replication, Stream, WriteStage
from hamodel.units import HOUR, MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity

#: Where the writes queue up.
QUEUES = ("in the replay, at the replica", "in the sender, at the primary")
REPLAY, SENDER = QUEUES
#: The three modes, and the third once more with a longer wait.
PLANS: Mapping[str, Mapping[str, Any]] = {
    "async": {"mode": "async"},
    "semi-sync": {"mode": "semi-sync"},
    "sync": {"mode": "sync"},
    "sync, applied": {"mode": "sync", "wait_for": "applied"},
}
CAPACITY = 1000.0  # writes per second that the lesson's replica applies
NEAR = 0.5  # round trip in ms within a zone; the mean of fact RTT-001 is 0.52
AWAY = {"mttf": 1000 * HOUR, "mttr": 4 * HOUR}  # a standby, in s


def replication(
    plan: str = "async",
    *,
    capacity: float = CAPACITY,
    trip: float = NEAR,
    queue: str = REPLAY,
) -> Replication:
    """Return the lesson's replication, in the units of its controls.

    Parameters
    ----------
    plan : str
        One of `PLANS`.
    capacity : float
        Writes per second that the queue's stage can do.
    trip : float
        Round trip to the replica in ms.
    queue : str
        Where writes wait: one of `QUEUES`.

    Returns
    -------
    Replication
        One standby with one queue.

    Raises
    ------
    ValueError
        If a value is impossible.

    Examples
    --------
    >>> round(replication(trip=82.8).stream(900).mean_lag, 4)
    0.0514
    """
    for name, known, given in (("plan", PLANS, plan), ("queue", QUEUES, queue)):
        if given not in known:
            raise ValueError(f"{name} must be one of {'; '.join(known)}, got {given!r}")
    stage = WriteStage(service=1 / capacity)
    place: dict[str, Any] = {"apply" if queue == REPLAY else "send": stage}
    return Replication(delay=trip * MS / 2, **PLANS[plan], **place)


def stream(writes: Quantity, **where: Any) -> Stream:
    """Return the writes on their way to the replica.

    Parameters
    ----------
    writes : float or array
        Writes per second.
    **where : float or str
        As `replication` takes them.

    Returns
    -------
    Stream
        With lag, stale reads and exposure.

    Examples
    --------
    >>> (stream([900, 990]).mean_lag * 1000).round(2)
    array([ 10.25, 100.25])
    """
    return replication(**where).stream(writes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bill:
    """What one mode costs and what it leaves, with a replica that is up.

    Attributes
    ----------
    wait : float
        Mean time in s that replication adds to a commit.
    missed : float
        Share of the reads a while after the commit that do not see the write.
    lost : float
        Mean number of acknowledged writes that go with the primary and its link.
    stopped, unprotected : float
        Shares of time in which no commit returns, or returns without a second copy,
        because the standby is away.
    """

    wait: float
    missed: float
    lost: float
    stopped: float
    unprotected: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Copy:
    """A replica under load, and the bill of every mode.

    Attributes
    ----------
    writes, capacity : float
        Writes per second that come, and that the queue's stage can do.
    trip : float
        Round trip in s.
    pause : float
        Time in s from a commit to the read.
    queue : str
        Where writes wait: one of `QUEUES`.
    """

    writes: float
    capacity: float
    trip: float
    pause: float
    queue: str

    @property
    def stream(self) -> Stream:
        """The writes on their way."""
        return self.plan("async").stream(self.writes)

    @property
    def overloaded(self) -> bool:
        """Whether the lag has no steady state."""
        return self.writes >= self.capacity

    @property
    def growth(self) -> float:
        """Seconds of lag that every second adds, at least, under overload."""
        return max(self.writes / self.capacity - 1, 0.0)

    def plan(self, name: str) -> Replication:
        """Return the replication of a mode: one of `PLANS`."""
        return replication(
            name, capacity=self.capacity, trip=self.trip / MS, queue=self.queue
        )

    def missed(self, name: str, pause: FloatArray | float) -> Quantity:
        """Return the share of reads that miss a write `pause` after its commit.

        The clock starts when the client hears of the commit.  A client that waits
        hears of it half a round trip after the replica has received the write, or at
        the timeout, whichever is first.
        """
        if name == "async":
            found = self.stream.lag.sf(pause)
        elif name == "sync, applied":
            found = 0.0 * pause
        elif self.queue == REPLAY:
            replay = Stream(writes=self.writes, apply=self.plan(name).apply)
            found = replay.lag.sf(pause + self.trip / 2)
        elif name == "sync":
            found = 0.0 * pause
        else:
            found = self.stream.lag.sf(pause + self.plan(name).timeout)
        return found

    def bill(self, name: str) -> Bill:
        """Return the bill of a mode: one of `PLANS`."""
        plan = self.plan(name)
        stopped, unprotected = absence(name)
        return Bill(
            wait=self._wait(plan),
            missed=float(self.missed(name, self.pause)),
            lost=self._lost(plan),
            stopped=stopped,
            unprotected=unprotected,
        )

    def _wait(self, plan: Replication) -> float:
        passed = plan.send is not None or plan.wait_for == "applied"
        if not plan.needed or not (passed and self.overloaded):
            return float(plan.commit_delay(self.writes).mean)
        return float(plan.timeout) if plan.mode == "semi-sync" else math.inf

    def _lost(self, plan: Replication) -> float:
        if plan.mode == "sync":
            return 0.0
        if plan.mode == "async":
            return float(self.stream.missing)
        if plan.send is None:  # received long before the timeout
            return 0.0
        if self.overloaded:
            return math.inf
        # Little's law for writes that were acknowledged at the timeout, unreceived
        lag = self.stream.lag
        late = lag.sf(plan.timeout)
        return float(self.writes * late * lag.mean_excess(plan.timeout)) if late else 0


@cache
def absence(name: str) -> tuple[float, float]:
    """Return what it costs that the standby is away now and then.

    Parameters
    ----------
    name : str
        One of `PLANS`.

    Returns
    -------
    tuple of float
        Shares of time in which no commit returns, and in which commits return with
        one copy only.

    Examples
    --------
    >>> [round(100 * share, 3) for share in absence("sync")]
    [0.398, 0.0]
    """
    plan = replication(name)
    price = plan.protection(**AWAY)
    if plan.needed:
        return float(price.blocked), float(price.unprotected)
    return 0.0, AWAY["mttr"] / (AWAY["mttf"] + AWAY["mttr"])


def model(
    *, writes: float, capacity: float, trip: float, pause: float, queue: str
) -> Copy:
    """Return the replica of the controls.

    Parameters
    ----------
    writes, capacity : float
        Writes per second that come and that can be done.
    trip, pause : float
        Round trip, and time from commit to read, in ms.
    queue : str
        One of `QUEUES`.

    Returns
    -------
    Copy
        The replica and its bills.
    """
    return Copy(
        writes=writes,
        capacity=capacity,
        trip=trip * MS,
        pause=pause * MS,
        queue=queue,
    )
