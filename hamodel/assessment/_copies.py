"""Majority and leaderless: copies of which some must answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel._quantity import mean_of, rate_of
from hamodel.assessment._active import redirected
from hamodel.assessment._behaviour import NO_WAIT, Conflicts, Loss, LostWrites, Waits
from hamodel.assessment._loads import Loads, app_load, reads_left
from hamodel.assessment._pair import either
from hamodel.assessment._popularity import popularity, stale_reads
from hamodel.assessment._single import repair
from hamodel.assessment._workload import as_law
from hamodel.conflicts import concurrency_over_keys, last_write_wins
from hamodel.duration import Duration, constant
from hamodel.quorum import latency
from hamodel.replication import Stream

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity
    from hamodel.architectures import Leaderless, Majority
    from hamodel.architectures._front import Seen
    from hamodel.assessment._workload import Workload


@dataclass(frozen=True, kw_only=True, eq=False)
class Voting:
    """A `Majority` under a workload."""

    spec: Majority
    workload: Workload

    @property
    def databases(self) -> int:
        return sum(self.spec.copies.values())

    @property
    def rto(self) -> Duration:
        return as_law(self.spec.election)

    @property
    def outage(self) -> Duration:
        return self.rto

    @cached_property
    def stream(self) -> Stream:
        """Committed writes on their way to a follower."""
        trip = self.workload.round_trip if self._apart else self.workload.hop
        return Stream(writes=self.workload.writes, delay=trip * 0.5)

    @property
    def lag(self) -> Duration:
        return self.stream.lag if self.databases > 1 else constant(0.0)

    @property
    def rpo(self) -> Duration:
        return constant(0.0)

    @property
    def lost_writes(self) -> LostWrites:
        return LostWrites()

    @cached_property
    def stale(self) -> Quantity:
        if not self.spec.local_reads or self.databases == 1:
            return 0.0
        return stale_reads(self.stream, self.workload, self.workload.writes)

    @property
    def conflicts(self) -> Conflicts:
        return Conflicts()

    @property
    def transfers(self) -> Quantity:
        return sent(self.spec.copies, self.workload.writes)

    def seen(self, known: Seen) -> Seen:
        return known

    def database_load(self, known: Seen, at: str) -> Quantity:
        """Load of the busiest node: the leader, which takes all that need order."""
        del at
        return self._load(known.copies or self.databases)

    def _load(self, copies: int) -> Quantity:
        w = self.workload
        share = 1 / copies if self.spec.local_reads else 1.0
        reads = share * reads_left(self.spec.site, w) * w.read_time
        return (reads + w.writes * w.write_time) / self.spec.database.cores

    def waits(self, operation: str, at: str) -> Waits:
        """Return the way to the leader, and its wait for the rest of a majority."""
        copies, w = self.spec.copies, self.workload
        if operation == "read" and self.spec.local_reads:
            return NO_WAIT
        needed = 1 if operation == "read" else self.spec.majority
        found = []
        for leader, count in copies.items():
            there = constant(0.0) if leader == at else w.between_sites
            law = there + quorum(copies, leader, needed, w)
            found.append((count / self.databases, law))
        return found

    def loads_without(self, site: str) -> Loads:
        copies = max(self.databases - self.spec.copies[site], 1)
        sites = max(len(self.spec.sites) - 1, 1)
        app = app_load(self.spec.site, self.workload, 1 / sites, 0)
        return Loads(app, self._load(copies))

    @property
    def _apart(self) -> bool:
        return len(self.spec.copies) > 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Quorums:
    """A `Leaderless` under a workload."""

    spec: Leaderless
    workload: Workload

    @property
    def databases(self) -> int:
        return sum(self.spec.copies.values())

    @property
    def rto(self) -> Duration:
        """Nothing fails over; clients of a lost site are led away."""
        return redirected(self.spec) if len(self.spec.sites) > 1 else constant(0.0)

    @property
    def outage(self) -> Duration:
        if len(self.spec.sites) == 1:
            return self.rto
        failover = self.spec.failover
        by_hand = failover.manual
        rest = repair(self.spec.site.mttr if by_hand is None else by_hand)
        return either(failover.coverage, self.rto, self.rto + rest)

    @cached_property
    def stream(self) -> Stream:
        """Writes on their way to the copies that were not waited for."""
        trip = self.workload.round_trip if self._apart else self.workload.hop
        return Stream(writes=self.workload.writes, delay=trip * 0.5)

    @property
    def lag(self) -> Duration:
        return self.stream.lag if self.databases > 1 else constant(0.0)

    @property
    def rpo(self) -> Duration:
        """Age of what only the lost copies have: those that one failure takes."""
        return self.stream.exposure if self._exposed else constant(0.0)

    @property
    def _exposed(self) -> bool:
        """Whether one site, or one node, can hold all copies that answered."""
        biggest = max(self.spec.copies.values()) if self._apart else 1
        return self.databases > 1 and biggest >= self.spec.write_quorum

    @property
    def lost_writes(self) -> LostWrites:
        spec = self.spec
        if not self._exposed:
            return LostWrites()
        writes = self.stream.missing
        found = {}
        if spec.write_quorum == 1:
            fails = self.databases * rate_of(mean_of(spec.database.mttf))
            each = writes / self.databases
            found["database"] = Loss(events=fails, writes=each, kept=True)
        if self._apart:
            count = len(spec.sites)
            fails = count * rate_of(spec.site.mttf)
            found["site"] = Loss(events=fails, writes=writes / count, kept=True)
        return LostWrites(by_failure=found)

    @cached_property
    def stale(self) -> Quantity:
        """P(none of the R copies asked has the key's last write) at a random moment."""
        spec, total = self.spec, self.databases
        if spec.read_quorum + spec.write_quorum > total:
            return 0.0
        late = stale_reads(self.stream, self.workload, self.workload.writes)
        return late * missing_all(total, spec.read_quorum, spec.write_quorum)

    @cached_property
    def conflicts(self) -> Conflicts:
        if self.databases == 1:
            return Conflicts()
        w = self.workload
        shares = list(w.shares(self.spec.sites).values())
        rates = [w.writes * share for share in shares]
        if len(rates) == 1:
            rates = [w.writes / 2, w.writes / 2]  # any two coordinators
        delay = mean_of(self.stream.delay)
        keys = popularity(w)
        found = concurrency_over_keys(keys, rates, delay)

        def thrown(share: FloatArray) -> Quantity:
            each = [np.asarray(rate)[..., None] * share for rate in rates]
            return last_write_wins(each, delay).lost / share

        return Conflicts(
            resolution="last write wins",
            pairs=found.pairs,
            share=found.share,
            lost=keys.mean(thrown),
        )

    @property
    def transfers(self) -> Quantity:
        return sent(self.spec.copies, self.workload.writes)

    def seen(self, known: Seen) -> Seen:
        return known

    def database_load(self, known: Seen, at: str) -> Quantity:
        del at
        return self._load(known.copies or self.databases)

    def _load(self, copies: int) -> Quantity:
        w, spec = self.workload, self.spec
        asked = min(spec.read_quorum, copies)
        reads = reads_left(spec.site, w) * w.read_time * asked / copies
        return (reads + w.writes * w.write_time) / spec.database.cores

    def waits(self, operation: str, at: str) -> Waits:
        """Return the coordinator's wait for the rest of the quorum."""
        reads = operation == "read"
        needed = self.spec.read_quorum if reads else self.spec.write_quorum
        return [(1.0, quorum(self.spec.copies, at, needed, self.workload))]

    def loads_without(self, site: str) -> Loads:
        copies = max(self.databases - self.spec.copies[site], 1)
        sites = max(len(self.spec.sites) - 1, 1)
        app = app_load(self.spec.site, self.workload, 1 / sites, 0)
        return Loads(app, self._load(copies))

    @property
    def _apart(self) -> bool:
        return len(self.spec.copies) > 1


def quorum(copies: Any, at: str, needed: int, workload: Workload) -> Duration:  # noqa: ANN401
    """Return the time until so many copies, the one at hand included, have answered."""
    if needed == 1:
        return constant(0.0)
    near, far = workload.within_site, workload.between_sites
    beside, away = copies[at] - 1, sum(copies.values()) - copies[at]
    times = sorted(
        [mean_of(workload.hop)] * beside + [mean_of(workload.round_trip)] * away
    )
    if near.var == 0 and far.var == 0:
        return constant(times[needed - 2])
    return latency([near] * beside + [far] * away, needed - 1)


def sent(copies: Any, writes: Quantity) -> Quantity:  # noqa: ANN401
    """Return the writes in 1/s that leave the site where they were made, on average."""
    total = sum(copies.values())
    away = sum(count / total * (total - count) for count in copies.values())
    return writes * away


def missing_all(copies: int, read: int, write: int) -> float:
    """Return P(R copies picked at random are none of the W that answered a write)."""
    from math import comb

    return comb(copies - write, read) / comb(copies, read)
