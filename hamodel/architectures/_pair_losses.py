"""Which acknowledged writes of a primary its failures take, and how often.

Each state in which writes are taken tells who would be promoted, from where the writes
come to that node, and whether commits have waited for enough of those that are left.
So the losses of a year are a sum over states; those "when all is well" are of one.

Assumptions: of the candidates, which the rules name, the one is promoted that has most;
what is on its way to one of them takes its own time there, what waits to be sent waits
alike.  Of standbys that commits wait for, one that has all is promoted, or all but what
the timeout of a commit let go (that of symbols is longer than any way).  A healthy
primary that is replaced takes nothing along: what it has sent arrives.  What a node has
missed that serves first after all were lost is lost for good where elections may be
unclean (`Replication.unclean`), and missing in other modes until the last primary is
back; how much that is no formula of symbols says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from hamodel import _check, duration
from hamodel._quantity import rate_of
from hamodel._types import Quantity
from hamodel.architectures._absence import Absence
from hamodel.architectures._events import added, is_never, stage_law
from hamodel.architectures._nodes import Replica
from hamodel.architectures._pair_model import part_of, shaped_of
from hamodel.architectures._pair_recovery import Recovery
from hamodel.architectures._pair_rules import members_of
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures._replicas import State
from hamodel.architectures.behaviour import missing, with_way
from hamodel.architectures.writes import Loss, LostWrites
from hamodel.duration import Duration
from hamodel.failover import SplitBrain
from hamodel.replication import Replication, Stream
from hamodel.workload import Workload

#: Whose writes may be missing at whom: the group of the primary, how many of which
#: groups may be promoted, if any, and whether commits wait for one of them until a
#: timeout; None where one of them has all writes.
Way = tuple[int, tuple[tuple[int, int], ...], bool] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Losses:
    """What failures take of the writes of a primary and its standbys."""

    spec: PairSpec
    workload: Workload
    recovery: Recovery
    _made: dict[Way, Stream] = field(default_factory=dict, init=False)

    # ---- the ways of the writes ----------------------------------------------------

    @cached_property
    def nodes(self) -> tuple[Replica, ...]:
        """The nodes, made once: they are told apart by what they are."""
        return self.spec.nodes

    @cached_property
    def members(self) -> list[list[Replica]]:
        """The nodes of each group of the rules."""
        return members_of(self.spec, self.nodes)

    @property
    def home(self) -> Replica:
        """The node that is primary when all is well."""
        return self.members[self.start.primary][0]

    def delays(self, primary: Replica) -> list[tuple[Replica, Quantity]]:
        """Return the standbys of a primary, each with its delay beside the way."""
        others = [node for node in self.nodes if node is not primary]
        delays = self.spec.replication.delays * len(others)
        return list(zip(others, delays, strict=False))

    def ways(self, primary: Replica) -> list[tuple[Replica, Replication]]:
        """Return the standbys of a primary, with the replication to each alone."""
        single, w = self.spec.replication, self.workload
        named = {one.name: one for one in self.nodes if one.name}
        found = []
        for node, delay in self.delays(primary):
            one = replace(single, delay=delay, standbys=1, acknowledgements=1)
            above = [*_above(node, primary, named)]
            places = node.site, *(n.site for n in above), primary.site
            for there, here in pairwise(places):
                one = with_way(one, w.hop if here == there else w.round_trip)
            for _ in above:  # each node that passes writes on sends them too
                laws = [one.delays[0], delay]
                if single.send is not None:
                    laws.append(single.send.time(w.writes))
                one = replace(one, delay=added(tuple(laws)))
            found.append((node, one))
        return found

    def stream(self, way: Way) -> Stream | None:
        """Return the writes on their way to the one of several that has most."""
        if way is None or not way[1]:
            return None
        if way not in self._made:
            self._made[way] = self._stream(*way[:2])
        found = self._made[way]
        return None if way[2] and _symbolic(found, self.waited(way)) else found

    def _stream(self, group: int, left: tuple[tuple[int, int], ...]) -> Stream:
        primary = self.members[group][0]
        pairs = self.ways(primary)
        delays = []
        for i, count in left:
            names = [id(node) for node in self.members[i] if node is not primary]
            delays += [
                one.delays[0] for node, one in pairs if id(node) in names[:count]
            ]
        single = replace(pairs[0][1], delay=_earliest(delays))
        return single.stream(self.workload.writes)

    # ---- what a failure takes, state by state --------------------------------------

    @cached_property
    def start(self) -> State:
        """The state in which all is well."""
        return self.recovery.rules.nodes.start

    def within(self, state: State) -> Way:
        """Return how the failure of the primary is survived."""
        return self._way(state, state)

    def beyond(self, state: State) -> Way:
        """Return how the loss of the primary's site is survived."""
        nodes = self.recovery.rules.nodes
        return self._way(state, nodes.lose(state, nodes.groups[state.primary].site))

    def _way(self, before: State, after: State) -> Way:
        nodes = self.recovery.rules.nodes
        left = [(i, after.nodes[i][0]) for i, _ in nodes.candidates(after)]
        waited = bool(left and self._has_all(before, after))
        if waited and self.spec.replication.mode != "semi-sync":
            return None
        return before.primary, tuple(left), waited

    def _has_all(self, before: State, after: State) -> bool:
        """Tell whether commits waited for one of those that are left, or wait now."""
        rules, mode = self.recovery.rules, self.spec.replication.mode
        if mode == "async":
            return False
        had, has = rules.nodes.in_sync(before), rules.nodes.in_sync(after)
        waited = int(self.spec.replication.acknowledgements)
        if mode == "in-sync":
            waited = max(waited, had)
        elif mode == "sync":
            waited = rules.nodes.counted(before)
        if had < waited:
            return mode != "semi-sync"  # they wait without end, or no more
        return waited > had - has

    @cached_property
    def _serving(self) -> list[tuple[State, Quantity]]:
        """The states in which the primary can fail, with their shares of all time."""
        nodes = self.recovery.rules.nodes
        lasting = len(self.spec.sites) == 1 or is_never(self.spec.site.mttf)
        shaped = shaped_of(part_of(self.spec, watched=None if lasting else -1))
        return [
            (shaped.shape.states[k], share)
            for k, share in shaped.probabilities
            if shaped.shape.states[k].phase == "serving"
            and not (nodes.shared and nodes.dark(shaped.shape.states[k], 0))
        ]

    def _shares(self, survived: Callable[[State], Way]) -> dict[Way, Quantity]:
        """Return the share of the time for each way that a failure is survived."""
        found: dict[Way, Quantity] = {}
        for state, share in self._serving:
            way = survived(state)
            if way is None or way[1]:
                found[way] = found.get(way, 0.0) + share
        return found

    @cached_property
    def _ways_within(self) -> dict[Way, Quantity]:
        return self._shares(self.within)

    def _taken(
        self, rate: Quantity, shares: dict[Way, Quantity], usual: Way, *, sent: bool
    ) -> Loss:
        """Return what failures of a rate take that are survived in some ways."""
        ready: Quantity = sum(shares.values())
        lost = {way: self._missing(way, sent=sent) for way in (usual, *shares)}
        writes = lost[usual]
        if any(way != usual for way in shares):
            total = sum(share * lost[way] for way, share in shares.items())
            writes = total / np.where(np.asarray(ready) == 0, 1.0, ready)
        return Loss(events=rate * ready, writes=writes)

    def waited(self, way: Way) -> Quantity:
        """Return how long clients have waited of whose writes some may be missing."""
        return self.spec.replication.timeout if way and way[2] else 0.0

    def _missing(self, way: Way, *, sent: bool) -> Quantity:
        """Return how many writes are missing; `sent`: what is under way arrives."""
        stream, waited = self.stream(way), self.waited(way)
        if stream is None:
            return 0.0
        return missing(replace(stream, delay=0.0) if sent else stream, waited)

    # ---- the answer ----------------------------------------------------------------

    @property
    def lost(self) -> LostWrites:
        """Acknowledged writes that failures take, by kind of failure."""
        found: dict[str, Loss] = {}
        for kind, rate in self.recovery.kinds():
            name = "database" if kind.name == "node" else kind.name
            sent = kind.in_place and kind.kind == "process"
            often = rate * self.recovery.promoted(kind)
            usual = self.within(self.start)
            loss = self._taken(often, self._ways_within, usual, sent=sent)
            found[name] = loss
            if kind.backup is not None:
                struck = (rate + rate_of(kind.common)) * self._alive
                found[f"{name}, from backup"] = Loss(
                    events=struck - loss.events,
                    writes=self.workload.writes * kind.backup / 2,
                )
        if len(self.spec.sites) > 1:
            found["site"] = self._with_a_site
        return LostWrites(by_failure=found | self._first_back | self._split_brain)

    @property
    def _first_back(self) -> dict[str, Loss]:
        """What a node lacks that serves first after all were lost.

        Where it may be any, the last primary brings it back; of symbols it is left out.
        """
        clean = not self.spec.replication.unclean
        if clean and self.spec.replication.mode in {"in-sync", "sync"}:
            return {}
        absence = Absence(
            self.recovery.rules, shaped_of(part_of(self.spec, watched=-1))
        )
        if clean and absence.symbolic:
            return {}
        missed = absence.missed()
        taken = self.workload.writes * missed.time
        if not clean:
            return {"unclean election": Loss(events=missed.events, writes=taken)}
        often = missed.standbys
        under_way = self._missing(self.within(self.start), sent=False)
        taken = under_way + taken * missed.events / np.where(often == 0, 1.0, often)
        return {"all nodes lost": Loss(events=often, writes=taken, kept=True)}

    @property
    def _alive(self) -> Quantity:
        """Share of the time in which the primary can fail."""
        return sum(share for _, share in self._serving)

    @property
    def _with_a_site(self) -> Loss:
        chance = self.recovery.chance(self.spec.failover.coverage)
        often, usual = rate_of(self.spec.site.mttf) * chance, self.beyond(self.start)
        return self._taken(often, self._shares(self.beyond), usual, sent=False)

    @property
    def _split_brain(self) -> dict[str, Loss]:
        """Two primaries at once, if the old one may live on."""
        old = self.spec.old_primary
        if old is None:
            return {}
        replaced = self.recovery.rules.false_failovers
        for kind, rate in self.recovery.kinds():
            if kind.kind == "network":
                replaced = replaced + rate * self.recovery.promoted(kind)
        split = SplitBrain(
            false_failovers=replaced * sum(self._ways_within.values()),
            fencing=old.fenced,
            write_rate=self.workload.writes,
            astray=old.astray,
            mean_length=old.stops,
        )
        return {"split brain": Loss(events=split.rate, writes=split.writes_lost)}


def _above(
    node: Replica, primary: Replica, named: dict[str, Replica]
) -> Iterator[Replica]:
    """Yield the nodes between the primary and one that follows another."""
    while node.follows and node.follows != primary.name:
        node = named[node.follows]
        yield node


def _earliest(delays: list[Quantity]) -> Quantity:
    """Return the first of several delays; each law is drawn for each."""
    laws = [delay for delay in delays if isinstance(delay, Duration)]
    numbers = [delay for delay in delays if not isinstance(delay, Duration)]
    if numbers:
        least = numbers[0]
        for one in numbers[1:]:
            least = least if one is least else np.minimum(least, one)
        if not laws:
            return least
        laws.append(stage_law(least))
    return laws[0] if len(laws) == 1 else duration.minimum(*laws)


def _symbolic(stream: Stream, waited: Quantity) -> bool:
    stages = (stream.send, stream.apply)
    times = (stream.delay, waited, *(s.service for s in stages if s is not None))
    return any(_check.is_symbolic(time) for time in times)
