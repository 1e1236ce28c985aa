"""A primary and its standbys under a workload: one takes the writes, others follow.

Assumptions: lag, recovery and the age of the oldest lost write are those of the service
at home, on the first of the best nodes, with all standbys ready; `lag` is that of the
slowest.  A commit waits for the standbys as they stand to the site where the primary
is.  What failures take: `hamodel.architectures._pair_losses`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import Quantity
from hamodel.architectures._copies import AtWork
from hamodel.architectures._pair_losses import Losses
from hamodel.architectures._pair_model import PairSeen
from hamodel.architectures._pair_recovery import Recovery
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Waits,
    Work,
    exposure,
    stale_reads,
)
from hamodel.architectures.writes import LostWrites
from hamodel.duration import Duration, constant
from hamodel.replication import Replication, Stream


@dataclass(frozen=True, kw_only=True, eq=False)
class PairBehaviour(AtWork):
    """An `ActivePassive` under a workload."""

    spec: PairSpec

    @property
    def database_cost(self) -> Quantity:
        usual = self.spec.database.cost
        return sum(usual if n.cost is None else n.cost for n in self._losses.nodes)

    @cached_property
    def recovery(self) -> Recovery:
        """How long it takes, and how often a standby is promoted."""
        return Recovery(spec=self.spec)

    @property
    def rto(self) -> Duration:
        return self.recovery.rto

    @property
    def rto_by_kind(self) -> dict[str, Duration]:
        return self.recovery.rto_by_kind

    @property
    def outage(self) -> Duration:
        return self.recovery.outage

    # ---- replication ---------------------------------------------------------------

    @cached_property
    def _streams(self) -> list[Stream]:
        ways = self._losses.ways(self._losses.home)
        return [way.stream(self.workload.writes) for _, way in ways]

    @cached_property
    def stream(self) -> Stream:
        """The writes on their way to the slowest standby."""
        return max(self._streams, key=_slowness)

    @property
    def lag(self) -> Duration:
        return self.stream.lag if self._streams else constant(0.0)

    @property
    def rpo(self) -> Duration:
        losses, start = self._losses, self._losses.start
        ways = losses.within(start), losses.beyond(start)
        found = [s for s in map(losses.stream, ways) if s is not None]
        if not found:
            return constant(0.0)
        return exposure(max(found, key=_slowness))

    @cached_property
    def _losses(self) -> Losses:
        recovery = self.recovery
        return Losses(spec=self.spec, workload=self.workload, recovery=recovery)

    @property
    def lost_writes(self) -> LostWrites:
        return self._losses.lost

    @cached_property
    def stale(self) -> Quantity:
        if not self._streams:
            return 0.0
        w, shares = self.workload, self.workload.shares(self.spec.sites)
        nodes = [node for node in self._losses.nodes if node.reads == "local"]
        several = isinstance(self.spec.replication.delay, tuple)
        if not several and not any(n.follows for n in nodes):
            return stale_reads(self.stream, w, w.writes)  # far ones are alike
        late: Quantity = 0.0
        total: Quantity = 0.0
        ways = self._losses.ways(self._losses.home)
        for (node, _), stream in zip(ways, self._streams, strict=True):
            if node in nodes and node.site != self._losses.home.site:
                beside = sum(other.site == node.site for other in nodes)
                share = shares[node.site] / beside
                late = late + share * stale_reads(stream, w, w.writes)
                total = total + share
        if np.all(np.asarray(total) == 0):  # it is read in a failover alone
            return stale_reads(self.stream, w, w.writes)
        return late / total

    @property
    def transfers(self) -> Quantity:
        away = [n for n in self._losses.nodes if n.site != self._losses.home.site]
        return self.workload.writes * len(away)

    # ---- load ----------------------------------------------------------------------

    def serving(self, known: PairSeen) -> int:
        return known.seen.serving

    def work(self, known: PairSeen, at: str) -> Work:
        return self.work_of(self._reads_at(known, self.spec.sites.index(at)))

    def _reads_at(self, known: PairSeen, copy: int) -> Quantity:
        """Return the share of the reads that each copy of a site answers."""
        pair, sites = known.pair, self.spec.sites
        if pair is None or len(sites) == 1:
            return 1.0
        shares = self.workload.shares(sites)
        answering = [i for i, readable in enumerate(pair.readable) if readable]
        else_ = answering[0] if pair.cause and answering else pair.active
        total: Quantity = 0.0
        for i, name in enumerate(sites):
            home = pair.sites[i].clients == "home" and i in answering
            if (i if home else else_) == copy or answering == [copy]:
                total = total + shares[name]
        return total / max(pair.readable[copy], 1)

    def waits(self, operation: str, at: str) -> Waits:
        """Return the wait of a commit for the standbys."""
        if operation == "read" or self.spec.replication.mode == "async":
            return NO_WAIT
        return [(1.0, self.commit[at])]

    @cached_property
    def commit(self) -> dict[str, Duration]:
        """What a commit waits for, by the site of the primary."""
        found = {}
        if self.spec.replication.mode == "async":
            return dict.fromkeys(self.spec.sites, constant(0.0))
        losses = self._losses
        for site in self.spec.sites:
            there = [n for n in losses.nodes if n.site == site and n.promotable]
            primary = max(there, key=lambda n: n.priority) if there else losses.home
            pairs = losses.delays(primary)
            answering = [(node, delay) for node, delay in pairs if node.acknowledges]
            near, far = self.workload.within_site, self.workload.between_sites
            found[site] = self._joint([delay for _, delay in answering]).commit_delay(
                self.workload.writes,
                [near if node.site == primary.site else far for node, _ in answering],
            )
        return found

    def _joint(self, delays: list[Quantity]) -> Replication:
        """Return the replication to several standbys, without the way to each."""
        alike = all(delay is delays[0] or _equal(delay, delays[0]) for delay in delays)
        single = self.spec.replication
        needed = min(int(single.acknowledgements), len(delays))
        return replace(
            single,
            delay=delays[0] if alike else tuple(delays),
            standbys=len(delays),
            acknowledgements=needed,
        )

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        sites = [name for name in self.spec.sites if name != site] or [site]
        shares = self.workload.shares(self.spec.sites)
        led = shares[site] / len(sites) if site not in sites else 0.0
        enters = {name: shares[name] + led for name in sites}
        held = {n.site for n in self._losses.nodes if n.reads == "local"}
        bare = sum(share for name, share in enters.items() if name not in held)
        most: Quantity = max(enters.values(), key=lambda share: np.max(share))
        return most, self.work_of(most if most is bare else most + bare)


def _slowness(stream: Stream) -> float:
    return float(np.max(np.asarray(mean_of(stream.mean_lag), dtype=float)))


def _equal(one: Quantity, other: Quantity) -> bool:
    """Tell whether two plain numbers are the same."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and one == other
