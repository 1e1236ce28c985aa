"""Sites that all write under a workload: lag, losses, stale reads and conflicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hamodel import duration
from hamodel._types import Quantity
from hamodel.architectures._copies import AtWork, Stored
from hamodel.architectures._pair_behaviour import PairBehaviour
from hamodel.architectures._region import HERE, Region
from hamodel.architectures._seen import Seen
from hamodel.architectures._specs import Node, Site
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Answers,
    Asked,
    Waits,
    Work,
    entering,
    failures,
    led_away,
    mixed,
    overtaken,
    popularity,
    redirected,
    stale_reads,
    with_way,
)
from hamodel.architectures.writes import Conflicts, Loss, LostWrites, Resolution
from hamodel.conflicts import concurrency_over_keys, mean_siblings
from hamodel.duration import Duration, constant
from hamodel.failover import Failover
from hamodel.replication import Replication, Stream


class Writers(Stored, Protocol):
    """Sites that all write: what an `ActiveActive` says."""

    @property
    def failover(self) -> Failover: ...
    @property
    def replication(self) -> Replication: ...
    @property
    def resolution(self) -> str: ...
    @property
    def clock_skew(self) -> Quantity: ...
    @property
    def region(self) -> Region | None: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveActiveBehaviour(AtWork):
    """An `ActiveActive` under a workload."""

    spec: Writers

    @property
    def databases(self) -> int:
        region = self.spec.region
        return len(self.spec.sites) * (1 if region is None else region.nodes)

    @cached_property
    def _inside(self) -> PairBehaviour | None:
        """What a site does inside, if it is a replicated primary."""
        spec = self.spec
        if spec.region is None:
            return None
        own = self.workload.writes / len(spec.sites)
        alone = replace(self.workload, writes=own, clients=None)
        primary = spec.region.primary(spec.database, spec.site)
        return PairBehaviour(spec=primary, workload=alone)

    @property
    def rto(self) -> Duration:
        led = redirected(self.spec.failover)
        inside = self._inside
        return led if inside is None else duration.minimum(inside.rto, led)

    @property
    def outage(self) -> Duration:
        inside, mttr = self._inside, self.spec.database.mttr
        return led_away(self.spec.failover, mttr if inside is None else inside.outage)

    @cached_property
    def _origins(self) -> dict[str, Quantity]:
        """Share of the writes that are made at each site."""
        sites = self.spec.sites
        if self.spec.resolution == Resolution.HOME_SITE:
            return dict.fromkeys(sites, 1 / len(sites))
        return self._clients

    @cached_property
    def _way(self) -> Replication:
        """The replication with the way between two sites in its delays."""
        return with_way(self.spec.replication, self.workload.round_trip)

    def _sent(self, share: Quantity) -> Stream:
        """Return a site's share of the writes, until another has received them."""
        way = replace(self._way, apply=None)
        return way.stream(self.workload.writes * share)

    @cached_property
    def _lags(self) -> dict[tuple[str, str], Duration]:
        """Lag of the writes of one site at another.

        What a site sends are its own writes; what it replays are those of all others.
        """
        made: dict[tuple[Quantity, Quantity], Duration] = {}
        found = {}
        for here, there in permutations(self.spec.sites, 2):
            key = self._origins[here], self._origins[there]
            if np.ndim(key[0]) or key not in made:
                made[key] = self._lag(*key)
            found[here, there] = made[key]
        return found

    def _lag(self, sent: Quantity, own: Quantity) -> Duration:
        """Lag between sites that make these shares of the writes."""
        lag = self._sent(sent).lag
        if self._way.apply is None:
            return lag
        return lag + self._way.apply.time(self.workload.writes * (1 - own))

    @property
    def _behind(self) -> NDArray[np.bool_]:
        """Where writes are made faster than they can be sent, or replayed."""
        writes, stages = self.workload.writes, (self._way.send, self._way.apply)
        rates = [
            [writes * share for share in self._origins.values()],
            [writes * (1 - share) for share in self._origins.values()],
        ]
        found = [
            overtaken(stage.utilisation(rate))
            for stage, all_rates in zip(stages, rates, strict=True)
            if stage is not None
            for rate in all_rates
        ]
        return np.asarray(np.logical_or.reduce(np.broadcast_arrays(False, *found)))

    @property
    def _overtaken(self) -> bool:
        """Whether writes are made faster than that, in all elements of an array."""
        behind = self._behind
        if behind.any() and not behind.all():
            raise ValueError(
                "replication must keep up with the writes in all elements of an array "
                "or in none; ha.sweep takes them point by point"
            )
        return bool(behind.any())

    @property
    def lag(self) -> Duration:
        if len(self.spec.sites) == 1:
            return constant(0.0)
        weights = [self._origins[here] for here, _ in self._lags]
        return mixed(weights, list(self._lags.values()))

    @property
    def rpo(self) -> Duration:
        """Age of the oldest write of a lost site that no other site has."""
        if len(self.spec.sites) == 1:
            return constant(0.0)
        if self._overtaken:
            return self.lag
        shares = dict.fromkeys(
            self._origins.values()
        )  # sites that are alike count once
        laws = {share: self._sent(share).exposure for share in shares}
        found = [laws[share] for share in self._origins.values()]
        return mixed([1] * len(found), found)

    @property
    def lost_writes(self) -> LostWrites:
        sites = self.spec.sites
        if len(sites) == 1:
            return LostWrites()
        each = sum(self._sent(x).missing for x in self._origins.values()) / len(sites)
        if self._behind.any():
            each = np.where(self._behind, np.inf, each)[()]

        def lost(*of: Node | Site) -> Loss:
            return Loss(events=len(sites) * failures(*of), writes=each, kept=True)

        node, site = self.spec.database, self.spec.site
        if self._inside is None:
            found = {"database": lost(node, site), "site": lost(site)}
            return LostWrites(by_failure=found)
        inside = {
            name: Loss(
                events=len(sites) * loss.events,
                writes=np.minimum(loss.writes, each)[()],  # the other sites have more
            )
            for name, loss in self._inside.lost_writes.by_failure.items()
            if not loss.kept  # what a standby missed the other sites have
        }
        return LostWrites(by_failure={**inside, "site": lost(site)})

    @cached_property
    def stale(self) -> Quantity:
        """P(the last write of a key was made elsewhere, and is on its way)."""
        writes, total = self.workload.writes, 0.0
        late: dict[int, Quantity] = {}  # by the law: sites that are alike share one
        for (here, there), lag in self._lags.items():
            if id(lag) not in late:
                late[id(lag)] = 1.0
                if not self._overtaken:
                    stream = Stream(writes=writes, delay=lag)
                    late[id(lag)] = stale_reads(stream, self.workload, writes)
            total += self._clients[there] * self._origins[here] * late[id(lag)]
        return total

    @cached_property
    def conflicts(self) -> Conflicts:
        spec, count = self.spec, len(self.spec.sites)
        if count == 1 or spec.resolution == Resolution.HOME_SITE:
            return Conflicts(resolution=spec.resolution if count > 1 else "")
        return self._clashes(spec.resolution)

    def _clashes(self, resolution: str) -> Conflicts:
        """Two writes clash if neither site shows the other's: within the whole lag."""
        sites = self.spec.sites
        rates = [self.workload.writes * share for share in self._origins.values()]
        if self._overtaken:
            return self._never_told(resolution)
        lags = [
            [
                0.0 if here == there else _plain(self._lags[here, there])
                for there in sites
            ]
            for here in sites
        ]
        keys = popularity(self.workload)
        found = concurrency_over_keys(keys, rates, lags)
        lost: Quantity = 0.0
        siblings: Quantity = 1.0
        kept = resolution == Resolution.VECTOR_CLOCKS
        if resolution == Resolution.LAST_WRITE:
            ahead = [self.spec.clock_skew * (i % 2) for i in range(len(rates))]
            lost = self.overwritten(rates, lags, ahead)
        elif kept and all(np.all(rate > 0) for rate in rates):
            siblings = mean_siblings([rate * keys.head(1) for rate in rates], lags)
        return Conflicts(
            resolution=resolution,
            pairs=found.pairs,
            share=found.share,
            lost=lost,
            siblings=siblings,
        )

    def _never_told(self, resolution: str) -> Conflicts:
        """Return what becomes of writes that sites hear of ever later."""
        wins = resolution == Resolution.LAST_WRITE
        kept = resolution == Resolution.VECTOR_CLOCKS
        return Conflicts(
            resolution=resolution,
            pairs=np.inf,
            share=1.0,
            lost=self.workload.writes if wins else 0.0,
            siblings=len(self.spec.sites) if kept else 1.0,
        )

    @property
    def transfers(self) -> Quantity:
        return self.workload.writes * (len(self.spec.sites) - 1)

    def work(self, known: Seen, at: str) -> Work:
        return self.work_of(entering(self._clients, at, at, known.serving))

    @property
    def _clients(self) -> dict[str, Quantity]:
        return self.workload.shares(self.spec.sites)

    def waits(self, operation: str, at: str) -> Waits:
        """Return the way to the home of a write's key, and the wait for standbys."""
        if operation == "read":
            return NO_WAIT
        count, here = len(self.spec.sites), constant(0.0)
        if self._inside is not None:
            here = self._inside.commit[HERE]
        if self.spec.resolution != Resolution.HOME_SITE or count == 1:
            return [(1.0, here)]
        there, busy = self.workload.between_sites + here, Counter[float]()
        for home, share in self._clients.items():
            if home != at:
                busy[_times(share, self._clients[at])] += 1
        away: Waits = [
            (number / count, Answers(groups=(((Asked(there, reads),), 1),)))
            for reads, number in busy.items()
        ]
        return [(1 / count, here), *away]

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        shares = self._clients
        left = [name for name in shares if name != site]
        share = max((shares[n] + shares[site] / len(left) for n in left), default=1.0)
        return share, self.work_of(share)


def _times(share: Quantity, of: Quantity) -> float:
    """Return the reads of one site over those of another, where both are numbers."""
    single = isinstance(share, float) and isinstance(of, float)
    return share / of if single and of > 0 else 1.0


def _plain(lag: Duration) -> Quantity:
    """Return a lag that is always the same as a number."""
    return lag.mean if np.all(np.asarray(lag.var) == 0) else lag
