"""A primary and its standbys under a workload: one takes the writes, others follow.

Assumptions: lag, recovery and the age of the oldest lost write are those of the service
at home, on the first of the best nodes, with all standbys ready; `lag` is that of the
slowest.  A commit waits for the standbys as they stand to the site where the primary
is.  What failures take: `hamodel.architectures._pair_losses`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity
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
    overtaken,
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
        found = [
            (s, losses.waited(way))
            for way in (losses.within(start), losses.beyond(start))
            if (s := losses.stream(way)) is not None
        ]
        if not found:
            return constant(0.0)
        # what nobody has waited for first: its age is not cut
        worst = max(found, key=lambda each: (not np.any(each[1]), _slowness(each[0])))
        return exposure(*worst)

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
        shares = self.workload.shares(self.spec.sites)
        nodes = [node for node in self._losses.nodes if node.reads == "local"]
        several = isinstance(self.spec.replication.delay, tuple)
        slowest = self._streams.index(self.stream)
        if not several and all(n.acknowledges for n in nodes):
            return self._late(slowest)  # far ones are alike
        late: Quantity = 0.0
        total: Quantity = 0.0
        ways = self._losses.ways(self._losses.home)
        for place, (node, _) in enumerate(ways):
            if node in nodes and node.site != self._losses.home.site:
                beside = sum(other.site == node.site for other in nodes)
                share = shares[node.site] / beside
                late = late + share * self._late(place)
                total = total + share
        if np.all(np.asarray(total) == 0):  # it is read in a failover alone
            return self._late(slowest)
        return late / total

    def _late(self, place: int) -> Quantity:
        """Return the share of the reads of a standby that are stale."""
        w, stream = self.workload, self._streams[place]
        if self.spec.replication.mode == "async":
            return stale_reads(stream, w, w.writes)
        if np.ndim(self.commit[self._losses.home.site].mean):
            raise ValueError(
                "stale_read_probability needs a single wait of a commit, got arrays"
            )
        behind = overtaken(stream.utilisation).any()
        known = None if behind else self._known(place)
        return stale_reads(stream, w, w.writes, known)

    def _known(self, place: int) -> FloatArray:
        """Return for how long a standby has had a write when its client is answered.

        One time, or 64 that are equally likely where ways have laws.
        """
        joint, pairs = self.spec.replication, self._losses.delays(self._losses.home)
        received = self._drawn[place][0]
        answers = [
            # who answers once a write is applied shows each one that waits for it
            np.inf if joint.wait_for == "applied" and i == place else answered
            for i, (_, answered) in enumerate(self._drawn)
            if pairs[i][0].acknowledges
        ]
        everyone = joint.mode in {"sync", "in-sync"}
        needed = len(answers) if everyone else min(joint.needed, len(answers))
        when = np.sort(np.broadcast_arrays(*answers), axis=0)[needed - 1]
        if joint.mode == "semi-sync":
            when = np.minimum(when, joint.timeout)
        known = np.sort(np.ravel(when - received))
        return known if known.size == 1 else known.reshape(64, -1).mean(axis=1)

    @cached_property
    def _drawn(self) -> list[tuple[FloatArray, FloatArray]]:
        """When each standby has received a write, and when its answer is back."""
        losses, w, joint = self._losses, self.workload, self.spec.replication
        rng, none = np.random.default_rng(1), constant(0.0)
        sending = none if joint.send is None else joint.send.time(w.writes)
        applied = joint.wait_for == "applied" and joint.apply is not None
        replay = joint.apply.time(w.writes) if applied and joint.apply else none
        found = []
        pairs = zip(losses.delays(losses.home), losses.ways(losses.home), strict=True)
        for (node, delay), (_, alone) in pairs:
            near = node.site == losses.home.site
            trip = _draws(w.within_site if near else w.between_sites, rng)
            there = _draws(delay, rng) + trip / 2
            if node.follows:
                there = _draws(alone.delays[0], rng)
            there = there + _draws(sending, rng)
            back = trip / 2 + sum(_draws(x, rng) for x in (delay, joint.flush, replay))
            found.append((there, there + back))
        return found

    @property
    def transfers(self) -> Quantity:
        nodes, home = self._losses.nodes, self._losses.home
        sites = {node.name: node.site for node in nodes if node.name}
        sites[""] = home.site  # who follows nobody takes them from the primary
        away = [node for node in nodes if node.site != sites[node.follows]]
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
        most: Quantity = max(enters.values(), key=lambda share: np.max(share))
        homes = self._homes_without(site)
        asked = [x for home in homes for x in self._asked(enters, home)]
        return most, self.work_of(max(asked, key=lambda share: np.max(share)))

    def _asked(self, enters: Mapping[str, Quantity], home: str) -> Iterator[Quantity]:
        """Yield the share of the reads of each node, with the primary at a site."""
        copies = Counter(n.site for n in self._losses.nodes if n.reads == "local")
        own = [name for name in enters if name == home or not copies[name]]
        yield sum(enters[name] for name in own)
        yield from (enters[s] / copies[s] for s in enters if s not in own)

    def _homes_without(self, site: str) -> set[str]:
        """Return the sites where the primary may be once a site is lost."""
        losses, sites = self._losses, self.spec.sites
        if site != losses.home.site or len(sites) == 1:
            return {losses.home.site}
        nodes = losses.recovery.rules.nodes
        left = nodes.candidates(nodes.lose(losses.start, sites.index(site)))
        return {sites[nodes.groups[i].site] for i, _ in left} or set(sites) - {site}


def _draws(time: Quantity, rng: np.random.Generator) -> FloatArray:
    """Return draws of a time; one of a number."""
    if not isinstance(time, Duration) or time.var == 0:
        return np.array([mean_of(time)], float)
    return time.sample(64 * 256, rng)


def _slowness(stream: Stream) -> float:
    return float(np.max(np.asarray(mean_of(stream.mean_lag), dtype=float)))


def _equal(one: Quantity, other: Quantity) -> bool:
    """Tell whether two plain numbers are the same."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and one == other
