"""Active-active: every site takes writes and tells the others later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel._quantity import mean_of, rate_of
from hamodel.assessment._behaviour import NO_WAIT, Conflicts, Loss, LostWrites, Waits
from hamodel.assessment._loads import Loads, app_load, entering, reads_left
from hamodel.assessment._pair import either, with_way
from hamodel.assessment._popularity import popularity, stale_reads
from hamodel.assessment._single import repair
from hamodel.conflicts import concurrency_over_keys, last_write_wins, mean_siblings
from hamodel.duration import Duration, constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity
    from hamodel.architectures import ActiveActive
    from hamodel.architectures._front import Seen
    from hamodel.assessment._workload import Workload
    from hamodel.replication import Stream

HOME = "home site"


@dataclass(frozen=True, kw_only=True, eq=False)
class Active:
    """An `ActiveActive` under a workload."""

    spec: ActiveActive
    workload: Workload

    @property
    def databases(self) -> int:
        return len(self.spec.sites)

    @property
    def rto(self) -> Duration:
        return redirected(self.spec)

    @property
    def outage(self) -> Duration:
        failover = self.spec.failover
        by_hand = failover.manual
        rest = repair(self.spec.database.mttr if by_hand is None else by_hand)
        return either(failover.coverage, self.rto, self.rto + rest)

    @cached_property
    def stream(self) -> Stream:
        """Writes on their way to another site."""
        way = with_way(self.spec.replication, self.workload.round_trip)
        return way.stream(self.workload.writes)

    @property
    def lag(self) -> Duration:
        return self.stream.lag if len(self.spec.sites) > 1 else constant(0.0)

    @property
    def rpo(self) -> Duration:
        """Age of the oldest write of a lost site that no other site has."""
        if len(self.spec.sites) == 1:
            return constant(0.0)
        way = with_way(self.spec.replication, self.workload.round_trip)
        return way.stream(self.workload.writes / len(self.spec.sites)).exposure

    @property
    def lost_writes(self) -> LostWrites:
        count = len(self.spec.sites)
        if count == 1:
            return LostWrites()
        each = self.stream.missing / count
        return LostWrites(
            by_failure={
                "database": Loss(
                    events=count * rate_of(mean_of(self.spec.database.mttf)),
                    writes=each,
                    kept=True,
                ),
                "site": Loss(
                    events=count * rate_of(self.spec.site.mttf), writes=each, kept=True
                ),
            }
        )

    @cached_property
    def stale(self) -> Quantity:
        count = len(self.spec.sites)
        foreign = self.workload.writes * (count - 1) / count
        return stale_reads(self.stream, self.workload, foreign)

    @cached_property
    def conflicts(self) -> Conflicts:
        spec, count = self.spec, len(self.spec.sites)
        if count == 1 or spec.resolution == HOME:
            return Conflicts(resolution=spec.resolution if count > 1 else "")
        return self._clashes(spec.resolution)

    def _clashes(self, resolution: str) -> Conflicts:
        w = self.workload
        rates = [w.writes * share for share in w.shares(self.spec.sites).values()]
        delay = mean_of(self.stream.delay)
        keys = popularity(w)
        found = concurrency_over_keys(keys, rates, delay)
        lost: Quantity = 0.0
        siblings: Quantity = 1.0
        if resolution == "last write wins":
            ahead = [self.spec.clock_skew * (i % 2) for i in range(len(rates))]

            def thrown(share: FloatArray) -> Quantity:
                each = [np.asarray(rate)[..., None] * share for rate in rates]
                return last_write_wins(each, delay, ahead).lost / share

            lost = keys.mean(thrown)
        elif resolution == "vector clocks" and all(np.all(r > 0) for r in rates):
            siblings = mean_siblings([rate * keys.head(1) for rate in rates], delay)
        return Conflicts(
            resolution=resolution,
            pairs=found.pairs,
            share=found.share,
            lost=lost,
            siblings=siblings,
        )

    @property
    def transfers(self) -> Quantity:
        return self.workload.writes * (len(self.spec.sites) - 1)

    def seen(self, known: Seen) -> Seen:
        return known

    def database_load(self, known: Seen, at: str) -> Quantity:
        shares = self.workload.shares(self.spec.sites)
        return self._load(entering(shares, at, at, known.serving))

    def _load(self, share: Quantity) -> Quantity:
        w = self.workload
        reads = share * reads_left(self.spec.site, w) * w.read_time
        return (reads + w.writes * w.write_time) / self.spec.database.cores

    def waits(self, operation: str, at: str) -> Waits:
        """Return the way to the home of a write's key, if keys have one."""
        del at
        count = len(self.spec.sites)
        if operation == "read" or self.spec.resolution != HOME or count == 1:
            return NO_WAIT
        return [
            (1 / count, constant(0.0)),
            (1 - 1 / count, self.workload.between_sites),
        ]

    def loads_without(self, site: str) -> Loads:
        shares = self.workload.shares(self.spec.sites)
        left = [name for name in shares if name != site] or [site]
        share = max(shares[name] + shares[site] / len(left) for name in left)
        share = 1.0 if left == [site] else share
        return Loads(
            app_load(self.spec.site, self.workload, share, 0), self._load(share)
        )


def redirected(spec: Any) -> Duration:  # noqa: ANN401  any architecture with a failover
    """Return the time until clients of a lost site are served by another."""
    stages: Mapping[str, Duration] = spec.failover.by_stage
    return stages["detection"] + stages["redirection"]
