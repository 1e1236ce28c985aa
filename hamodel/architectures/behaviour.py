"""What an architecture does under a workload, and the answers' shapes.

What fails is the model's matter; here is what comes beside it: what a failure takes,
how far copies lag, what writes wait for, and which share of its capacity each tier
uses in every situation.

When sites are lost their clients go to the others, evenly; which of several other sites
are lost is not known to a client, so their shares of the traffic are averaged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hamodel import _check, duration
from hamodel._quantity import mean_of, rate_of
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._events import stage_law
from hamodel.architectures._specs import Node, Site
from hamodel.architectures.writes import Conflicts, LostWrites
from hamodel.conflicts import Zipf
from hamodel.duration import Duration, constant, exponential
from hamodel.failover import Failover
from hamodel.queueing import MGc, MMc
from hamodel.replication import Replication, Stream
from hamodel.workload import Workload, as_law

#: What clients know of the parts, as the `absorb` of a model makes it: its own matter.
Known: TypeAlias = Any


class Asked(NamedTuple):
    """A copy that is asked: the way to it and back, and how busy it is.

    Attributes
    ----------
    way : Duration
        There and back.
    reads : float
        The reads that it works on, as a multiple of those of a copy at the site where
        the request entered.
    """

    way: Duration
    reads: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Copies that all work on a request, of which some must answer.

    Attributes
    ----------
    groups : tuple of (tuple of Asked, int)
        The copies, and how many of them must answer; all groups are waited for.
    shared : float
        Correlation of the work that comes to two copies: requests that both work on
        make both queues long at once.
    """

    groups: tuple[tuple[tuple[Asked, ...], int], ...]
    shared: float = 0.0

    def law(self, queue: Callable[[float], Duration], own: Duration) -> Duration:
        """Return the time until enough have answered.

        Parameters
        ----------
        queue : callable
            `queue(reads)`: time in the queue of a copy with so many times the reads.
        own : Duration
            Time of the work itself.
        """
        distinct = {(id(a.way), a.reads): a for asked, _ in self.groups for a in asked}
        made = {}
        for key, asked in distinct.items():
            wait = queue(asked.reads)
            together = alike(self.shared, wait, own, asked.way)
            made[key] = wait + own + asked.way, together
        found, late = [], []
        for copies, needed in self.groups:
            each = [made[id(copy.way), copy.reads] for copy in copies]
            laws, own_late = zip(*each, strict=True)
            found.append(duration.order_statistic(laws, needed, correlation=own_late))
            late.append(min(own_late))
        if len(found) == 1:
            return found[0]
        return duration.order_statistic(found, len(found), correlation=late)


def alike(shared: float, wait: Duration, *others: Duration) -> float:
    """Return the correlation of the times that two copies take, of `shared` work.

    What a request takes by itself, and its ways, are independent; only the queues are
    alike.
    """
    spread = float(wait.var) if shared else 0.0
    own = sum(float(other.var) for other in others)
    return shared * spread / (spread + own) if spread else 0.0


#: Times that an operation may wait, or answers that it waits for, each with its
#: probability.
Waits: TypeAlias = "list[tuple[Quantity, Duration | Answers]]"

NO_WAIT: Waits = [(1.0, constant(0.0))]


class Work(NamedTuple):
    """Requests in 1/s that one database works on."""

    reads: Quantity
    writes: Quantity


class Behaviour(Protocol):
    """What an assessment asks of an architecture under a workload."""

    @property
    def workload(self) -> Workload:
        """The workload."""
        ...

    @property
    def cores(self) -> int:
        """How many requests one database works on at once."""
        ...

    @property
    def database_cost(self) -> Quantity:
        """What all database nodes cost, in the unit of `Node.cost`."""
        ...

    @property
    def rto(self) -> Duration:
        """Time from the loss of a database until its clients are served elsewhere."""
        ...

    @property
    def outage(self) -> Duration:
        """The same over all failures, those included whose failover does not work."""
        ...

    @property
    def lag(self) -> Duration:
        """Time from a write's commit until the other copies show it."""
        ...

    @property
    def rpo(self) -> Duration:
        """Age of the oldest acknowledged write that the worst single failure takes."""
        ...

    @property
    def lost_writes(self) -> LostWrites:
        """Acknowledged writes that failures take."""
        ...

    @property
    def stale(self) -> Quantity:
        """Probability that a copy which may be behind lacks the key's last write."""
        ...

    @property
    def conflicts(self) -> Conflicts:
        """Writes that did not know of each other."""
        ...

    @property
    def transfers(self) -> Quantity:
        """Writes sent to other sites in 1/s."""
        ...

    def serving(self, known: Known) -> int:
        """Return how many sites serve, as clients know it."""
        ...

    def work(self, known: Known, at: str) -> Work:
        """Return what the busiest database at a site works on."""
        ...

    def waits(self, operation: str, at: str) -> Waits:
        """Return what an operation waits for beside its database's own work."""
        ...

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        """Return what is left to do once a site is lost and its clients have moved.

        That is the share of all requests that the busiest other site takes, and the
        work of its database.
        """
        ...


def entering(
    shares: Mapping[str, Quantity], through: str, client: str, serving: int
) -> Quantity:
    """Return the share of all requests that enters a site.

    `client` is the site of a client that enters `through`; `serving` is how many sites
    serve.
    """
    away = client != through
    own, led = shares[through], shares[client] if away else 0.0
    others = len(shares) - 1 - away
    lost = len(shares) - serving - away  # of the others
    gone = (1 - own - led) * lost / others if others else 0.0
    return own + (led + gone) / max(serving, 1)


def queued(work: Work, workload: Workload, cores: int) -> Duration:
    """Return the wait for a core of a database: reads and writes form one queue."""
    kinds = (work.reads, workload.read_time), (work.writes, workload.write_time)
    busy = [(rate, mean) for rate, mean in kinds if rate * mean > 0]
    total = sum(rate for rate, _ in busy)
    if not busy:
        return constant(0.0)
    if len({mean for _, mean in busy}) == 1:
        return MMc(total, busy[0][1], cores).wait
    service = duration.mixture(
        [rate / total for rate, _ in busy], [exponential(mean) for _, mean in busy]
    )
    return MGc(total, service, cores).wait


def reads_left(site: Site, workload: Workload) -> Quantity:
    """Return the reads in 1/s that reach the databases: those a cache leaves."""
    if site.cache is None:
        return workload.reads
    return workload.reads * (1 - site.cache.hit_ratio)


def popularity(workload: Workload) -> Zipf:
    """Return how requests spread over keys."""
    _check.alone("stale reads and conflicts", exponent=workload.exponent)
    return Zipf(keys=workload.keys, exponent=workload.exponent)


def stale_reads(
    stream: Stream,
    workload: Workload,
    writes: Quantity,
    known: FloatArray | None = None,
) -> Quantity:
    """Return the probability that a read lacks its key's last write.

    Reads and writes prefer the same keys; `writes` is the rate in 1/s of those that
    the copy hears of late, `known` for how long it has had one when its client is
    answered.
    """
    if np.ndim(writes) or np.ndim(stream.mean_lag):
        raise ValueError(
            "stale_read_probability needs a single rate and lag, got arrays; "
            "ha.sweep takes them point by point"
        )
    return popularity(workload).mean(
        lambda share: stream.stale_probability(share * writes, known)
    )


def exposure(stream: Stream, waited: Quantity = 0.0) -> Duration:
    """Return the age of the oldest write that a crash takes.

    It is endless where the copy falls ever further behind: what it has not replayed is
    of no use to clients.  `waited`: for how long clients wait for the copy at most.
    """
    stream = replace(stream, apply=None) if np.any(waited) else stream
    behind = overtaken(stream.utilisation)
    if np.all(behind):
        return stream.lag
    law = stream.exposed(waited)
    return duration.endless(law, behind) if behind.any() else law


def missing(stream: Stream, waited: Quantity = 0.0) -> Quantity:
    """Return the mean number of writes that a crash takes, endless alike."""
    if np.all(np.asarray(waited) == 0):
        found = stream.missing
    else:
        stream = replace(stream, apply=None)
        found = stream.writes * stream.lag.law.excess(np.asarray(waited, float))
    behind = overtaken(stream.utilisation)
    return np.where(behind, np.inf, found)[()] if behind.any() else found


def overtaken(load: Quantity) -> NDArray[np.bool_]:
    """Tell where writes come faster than a stage of this load can take them."""
    return np.asarray(False if _check.is_symbolic(load) else np.asarray(load) >= 1)


def failures(*of: Node | Site) -> Quantity:
    """Return how often the first of some fails, in 1/s of all time.

    Those that hold it, if any, must work as well.
    """
    rates = [rate_of(mean_of(one.mttf)) for one in of]
    found = rates[0]
    for one, rate in zip(of, rates, strict=True):
        found = found / (1 + rate * mean_of(one.mttr))
    return found


def repair(mttr: Quantity) -> Duration:
    """Return a repair time as a law: exponential, unless it is given as one."""
    return as_law(mttr) if isinstance(mttr, Duration) else exponential(mean_of(mttr))


def either(share: Quantity, one: Duration, other: Duration) -> Duration:
    """Return the law of one time with a probability, else of another."""
    return duration.mixture([share, 1 - share], [one, other])


def redirected(failover: Failover) -> Duration:
    """Return the time until clients of a lost site are served by another."""
    stages = failover.by_stage
    return stages["detection"] + stages["redirection"]


_RARE = 1e-9  # share of the redirections that further attempts leave out


def led_away(failover: Failover, mttr: Quantity) -> Duration:
    """Return the time without service of clients whose own place has failed.

    They are led to another, by the failover, by one of its further attempts or by a
    person's hand, unless the repair comes first.
    """
    led, back, share = redirected(failover), repair(mttr), failover.coverage
    parts, left = [(share, duration.minimum(led, back))], 1 - share
    while failover.retry is not None and np.any(np.asarray(left) > _RARE):
        led = led + stage_law(failover.retry)
        parts.append((left * share, duration.minimum(led, back)))
        left = left * (1 - share)
    late = back
    if failover.manual is not None:
        late = duration.minimum(led + repair(failover.manual), back)
    shares, laws = zip(*parts, (left, late), strict=True)
    return duration.mixture(shares, laws)


def mixed(weights: Sequence[Quantity], laws: Sequence[Duration]) -> Duration:
    """Return the law that is each of some with a weight; what is alike counts once."""
    total: dict[int, Quantity] = defaultdict(float)
    kept = {id(law): law for law in laws}
    for weight, law in zip(weights, laws, strict=True):
        total[id(law)] += weight
    parts = [(weight, kept[key]) for key, weight in total.items() if np.all(weight > 0)]
    if len(parts) == 1:
        return parts[0][1]
    whole = sum(weight for weight, _ in parts)
    return duration.mixture([w / whole for w, _ in parts], [law for _, law in parts])


def with_way(replication: Replication, round_trip: Quantity) -> Replication:
    """Return a replication whose delays include half a round trip."""
    half = round_trip * 0.5
    delays = tuple(_plus(delay, half) for delay in replication.delays)
    alike = not isinstance(replication.delay, tuple)
    return replace(
        replication, delay=delays[0] if alike else delays, standbys=replication.count
    )


def _plus(delay: Quantity, way: Quantity) -> Quantity:
    """Return the sum of two times, each a number or a law."""
    if isinstance(delay, Duration) or isinstance(way, Duration):
        return as_law(delay) + as_law(way)
    return delay + way
