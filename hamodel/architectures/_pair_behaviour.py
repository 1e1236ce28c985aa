"""Active-passive under a workload: one node takes the writes, the other follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hamodel._quantity import rate_of
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Conflicts,
    Loss,
    LostWrites,
    Waits,
    Work,
    either,
    reads_left,
    repair,
    stale_reads,
    with_way,
)
from hamodel.duration import Duration, constant

if TYPE_CHECKING:
    from hamodel._types import Quantity
    from hamodel.architectures._pair_model import PairSeen
    from hamodel.architectures.active_passive import ActivePassive
    from hamodel.replication import Replication, Stream
    from hamodel.workload import Workload


@dataclass(frozen=True, kw_only=True, eq=False)
class PairBehaviour:
    """An `ActivePassive` under a workload."""

    spec: ActivePassive
    workload: Workload

    @property
    def cores(self) -> int:
        return self.spec.database.cores

    @property
    def database_cost(self) -> Quantity:
        return 2 * self.spec.database.cost

    @property
    def rto(self) -> Duration:
        return self.spec.failover.duration

    @property
    def outage(self) -> Duration:
        failover = self.spec.failover
        by_hand = failover.manual
        rest = repair(self.spec.database.mttr if by_hand is None else by_hand)
        return either(failover.coverage, failover.duration, failover.duration + rest)

    @cached_property
    def replication(self) -> Replication:
        """The replication with the way between the nodes in its delays."""
        apart = len(self.spec.sites) > 1
        trip = self.workload.round_trip if apart else self.workload.hop
        return with_way(self.spec.replication, trip)

    @cached_property
    def stream(self) -> Stream:
        """The writes on their way to the standby."""
        return self.replication.stream(self.workload.writes)

    @property
    def lag(self) -> Duration:
        return self.stream.lag

    @property
    def rpo(self) -> Duration:
        return constant(0.0) if self.replication.needed else self.stream.exposure

    @property
    def lost_writes(self) -> LostWrites:
        writes = 0.0 if self.replication.needed else self.stream.missing
        works = self.spec.failover.coverage
        found = {
            "database": Loss(
                events=rate_of(self.spec.database.mttf) * works, writes=writes
            )
        }
        if len(self.spec.sites) > 1:
            lost = rate_of(self.spec.site.mttf) * works
            found["site"] = Loss(events=lost, writes=writes)
        return LostWrites(by_failure=found)

    @cached_property
    def stale(self) -> Quantity:
        return stale_reads(self.stream, self.workload, self.workload.writes)

    @property
    def conflicts(self) -> Conflicts:
        return Conflicts()

    @property
    def transfers(self) -> Quantity:
        return self.workload.writes if len(self.spec.sites) > 1 else 0.0

    def serving(self, known: PairSeen) -> int:
        return known.seen.serving

    def work(self, known: PairSeen, at: str) -> Work:
        here = self._reads_at(known, self.spec.sites.index(at))
        reads = here * reads_left(self.spec.site, self.workload)
        return Work(reads, self.workload.writes)

    def _reads_at(self, known: PairSeen, copy: int) -> Quantity:
        """Return the share of the reads that one copy answers."""
        pair, sites = known.pair, self.spec.sites
        if pair is None or len(sites) == 1:
            return 1.0
        shares = self.workload.shares(sites)
        answering = [i for i, readable in enumerate(pair.readable) if readable]
        total: Quantity = 0.0
        for i, name in enumerate(sites):
            home = pair.sites[i].clients == "home" and i in answering
            if (i if home else answering[0]) == copy or answering == [copy]:
                total = total + shares[name]
        return total

    def waits(self, operation: str, at: str) -> Waits:
        """Return the wait of a commit for the standby."""
        del at
        if operation == "read":
            return NO_WAIT
        return [(1.0, self.replication.commit_delay(self.workload.writes))]

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        del site
        reads = reads_left(self.spec.site, self.workload)
        return 1.0, Work(reads, self.workload.writes)
