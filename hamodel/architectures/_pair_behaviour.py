"""A primary and its standbys under a workload: one takes the writes, others follow.

Assumptions: lag, loss and recovery are those of the service at home, on the first of
the best nodes; of several standbys the one that has most is promoted, and `lag` is that
of the slowest.  A commit waits for the standbys as they stand to the site where the
primary is.  What a node has missed that serves first after all were lost is counted
where elections may be unclean (`Replication.unclean`); in other modes the rest is taken
from the last primary once that is back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity
from hamodel.architectures._absence import Absence
from hamodel.architectures._copies import AtWork
from hamodel.architectures._events import added
from hamodel.architectures._nodes import Replica
from hamodel.architectures._pair_model import PairSeen, part_of, shaped_of
from hamodel.architectures._pair_recovery import Recovery
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Waits,
    Work,
    exposure,
    missing,
    stale_reads,
    with_way,
)
from hamodel.architectures.writes import Loss, LostWrites
from hamodel.duration import Duration, constant
from hamodel.failover import SplitBrain
from hamodel.replication import Replication, Stream


@dataclass(frozen=True, kw_only=True, eq=False)
class PairBehaviour(AtWork):
    """An `ActivePassive` under a workload."""

    spec: PairSpec

    @cached_property
    def _nodes(self) -> tuple[Replica, ...]:
        """The nodes, made once: they are told apart by what they are."""
        return self.spec.nodes

    @property
    def database_cost(self) -> Quantity:
        usual = self.spec.database.cost
        return sum(usual if n.cost is None else n.cost for n in self._nodes)

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
    def _home(self) -> Replica:
        """The node that is primary when all is well."""
        nodes = [node for node in self._nodes if node.promotable]
        if self.spec.replication.mode != "async" and any(n.acknowledges for n in nodes):
            nodes = [node for node in nodes if node.acknowledges]
        best = max(node.priority for node in nodes)
        return next(node for node in nodes if node.priority == best)

    def _others(self, primary: Replica) -> list[Replica]:
        """Return the standbys of a primary."""
        return [node for node in self._nodes if node is not primary]

    def _ways(self, primary: Replica) -> list[Replication]:
        """Return the replication to each standby alone, with the way to it."""
        spec, w = self.spec, self.workload
        single = spec.replication
        found = []
        pairs = zip(self._others(primary), self._delays(primary), strict=False)
        for node, delay in pairs:
            one = replace(single, delay=delay, standbys=1, acknowledgements=1)
            places = [node.site, *(n.site for n in self._above(node, primary))]
            for there, here in pairwise((*places, primary.site)):
                one = with_way(one, w.hop if here == there else w.round_trip)
            for _ in places[1:]:  # each node that passes writes on sends them too
                one = replace(one, delay=self._passed_on(one.delays[0], delay))
            found.append(one)
        return found

    def _delays(self, primary: Replica) -> tuple[Quantity, ...]:
        """Return the delay to each standby of a primary, beside the way to it."""
        return self.spec.replication.delays * len(self._others(primary))

    def _above(self, node: Replica, primary: Replica) -> Iterator[Replica]:
        """Yield the nodes between the primary and one that follows another."""
        named = {one.name: one for one in self._nodes if one.name}
        while node.follows and node.follows != primary.name:
            node = named[node.follows]
            yield node

    def _passed_on(self, so_far: Quantity, delay: Quantity) -> Quantity:
        """Return a delay with that of one more node that sends what it receives."""
        send, laws = self.spec.replication.send, [so_far, delay]
        if send is not None:
            laws.append(send.time(self.workload.writes))
        return added(tuple(laws))

    @cached_property
    def _streams(self) -> list[Stream]:
        return [way.stream(self.workload.writes) for way in self._ways(self._home)]

    @cached_property
    def stream(self) -> Stream:
        """The writes on their way to the slowest standby."""
        return max(self._streams, key=_slowness)

    @property
    def lag(self) -> Duration:
        return self.stream.lag if self._streams else constant(0.0)

    @property
    def rpo(self) -> Duration:
        found = [stream for stream in self._lossy if stream is not None]
        if not found:
            return constant(0.0)
        return exposure(max(found, key=_slowness))

    @property
    def _lossy(self) -> tuple[Stream | None, Stream | None]:
        """The stream whose writes a lost primary, and a lost site, take with them."""
        return self._left(within=True), self._left(within=False)

    def _left(self, *, within: bool) -> Stream | None:
        """Return the stream to the best standby left; None if it has all writes."""
        pairs = list(zip(self._others(self._home), self._streams, strict=True))
        home = self._home.site
        left = [(n, s) for n, s in pairs if within or n.site != home]
        if not left:
            return None
        needed = self.spec.acknowledgements
        gone = sum(n.acknowledges for n, _ in pairs)
        gone -= sum(n.acknowledges for n, _ in left)
        if needed > gone:
            return None
        return min((stream for _, stream in left), key=_slowness)

    @property
    def lost_writes(self) -> LostWrites:
        found: dict[str, Loss] = {}
        stream, beyond = self._lossy
        for kind, rate in self.recovery.kinds():
            name = "database" if kind.name == "node" else kind.name
            sent = kind.in_place and kind.kind == "process"
            events = rate * self.recovery.promoted(kind)
            found[name] = Loss(events=events, writes=_missing(stream, sent=sent))
            if kind.backup is not None:
                found[f"{name}, from backup"] = Loss(
                    events=rate - events, writes=self.workload.writes * kind.backup / 2
                )
        if len(self.spec.sites) > 1:
            lost = rate_of(self.spec.site.mttf) * self.recovery.chance(
                self.spec.failover.coverage
            )
            found["site"] = Loss(events=lost, writes=_missing(beyond))
        if self.spec.replication.unclean:
            part = part_of(self.spec, watched=-1)
            missed = Absence(self.recovery.rules, shaped_of(part)).missed()
            taken = self.workload.writes * missed.time
            found["unclean election"] = Loss(events=missed.events, writes=taken)
        split = self._split_brain
        if split is not None:
            found["split brain"] = Loss(events=split.rate, writes=split.writes_lost)
        return LostWrites(by_failure=found)

    @property
    def _split_brain(self) -> SplitBrain | None:
        """Two primaries at once, if the old one may live on."""
        old = self.spec.old_primary
        if old is None:
            return None
        alive = [
            rate * self.recovery.promoted(kind)
            for kind, rate in self.recovery.kinds()
            if kind.kind == "network"
        ]
        return SplitBrain(
            false_failovers=sum(alive) + self.recovery.rules.false_failovers,
            fencing=old.fenced,
            write_rate=self.workload.writes,
            astray=old.astray,
            mean_length=old.stops,
        )

    @cached_property
    def stale(self) -> Quantity:
        if not self._streams:
            return 0.0
        return stale_reads(self.stream, self.workload, self.workload.writes)

    @property
    def transfers(self) -> Quantity:
        away = [n for n in self._others(self._home) if n.site != self._home.site]
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
        for site in self.spec.sites:
            there = [n for n in self._nodes if n.site == site and n.promotable]
            primary = max(there, key=lambda n: n.priority) if there else self._home
            pairs = zip(self._others(primary), self._delays(primary), strict=False)
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
        held = {n.site for n in self._nodes if n.reads == "local"}
        bare = sum(share for name, share in enters.items() if name not in held)
        most: Quantity = max(enters.values(), key=lambda share: np.max(share))
        return most, self.work_of(most if most is bare else most + bare)


def _slowness(stream: Stream) -> float:
    return float(np.max(np.asarray(mean_of(stream.mean_lag), dtype=float)))


def _missing(stream: Stream | None, *, sent: bool = False) -> Quantity:
    """Return how many writes are missing; `sent`: what is under way arrives."""
    if stream is None:
        return 0.0
    return missing(replace(stream, delay=0.0) if sent else stream)


def _equal(one: Quantity, other: Quantity) -> bool:
    """Tell whether two plain numbers are the same."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and one == other
