"""Copies that answer for themselves, under a workload: lag, losses and conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Protocol

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._copies import Copies, CopiesAtWork
from hamodel.architectures._hints import unhinted
from hamodel.architectures._races import CELLS, Alone, Race
from hamodel.architectures._specs import Node, Site
from hamodel.architectures.behaviour import (
    Answers,
    Asked,
    Waits,
    Work,
    failures,
    led_away,
    mixed,
    overtaken,
    popularity,
    queued,
    redirected,
)
from hamodel.architectures.writes import Conflicts, Loss, LostWrites, Resolution
from hamodel.duration import Duration, constant, endless, exponential, tabulated
from hamodel.queueing import erlang_c

_EDGES = np.r_[np.linspace(1, 0.02, 129), np.geomspace(0.02, 1e-7, 129)[1:], 0.0]
_TAILS, _SHARES = (_EDGES[1:] + _EDGES[:-1]) / 2, -np.diff(_EDGES)  # of long queues
_ALIKE = 0.42, 0.46  # how much of the work's correlation queues have: a + b load


class Quorums(Copies, Protocol):
    """Copies of which some are asked: what a `Leaderless` says."""

    @property
    def read_quorum(self) -> int: ...
    @property
    def read_from(self) -> str: ...
    @property
    def write_quorum(self) -> int: ...
    @property
    def write_to(self) -> str: ...
    @property
    def nodes(self) -> Mapping[str, int]: ...
    @property
    def hints(self) -> Quantity | None: ...
    @property
    def repair_every(self) -> Quantity: ...
    @property
    def may_miss(self) -> bool: ...
    def asked(self, operation: str) -> tuple[int, str]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class LeaderlessBehaviour(CopiesAtWork):
    """A `Leaderless` under a workload."""

    spec: Quorums

    @property
    def rto(self) -> Duration:
        """Nothing fails over; clients of a lost site are led away."""
        return (
            redirected(self.spec.failover)
            if len(self.spec.sites) > 1
            else constant(0.0)
        )

    @property
    def outage(self) -> Duration:
        if len(self.spec.sites) == 1:
            return self.rto
        return led_away(self.spec.failover, self.spec.site.mttr)

    @cached_property
    def _race(self) -> Race:
        w, spec = self.workload, self.spec
        cache = spec.site.cache
        hit_ratio = 0.0 if cache is None else cache.hit_ratio
        rates = {"reads": w.reads, "writes": w.writes, "hit_ratio": hit_ratio}
        times = {"read_time": w.read_time, "write_time": w.write_time}
        what = "lag, losses, staleness and conflicts of copies"
        _check.alone(what, **rates, **times)
        work = self.work_of(self._share)
        return Race(
            copies=spec.copies,
            write=(spec.write_quorum, spec.write_to),
            read=(spec.read_quorum, spec.read_from),
            near=w.within_site,
            far=w.between_sites,
            wait=queued(work, w, self.cores),
            own=exponential(w.write_time) if w.write_time else constant(0.0),
            shared=self._shared,
            overtakes=self._overtakes(work),
        )

    def _overtakes(self, work: Work) -> float:
        """P(a read that finds a write in work begins before that is over).

        The other cores are all taken as often as if they were alone; then one of them
        has to be free first.
        """
        w, others, offered = self.workload, self.cores - 1, self._offered(work)
        if not others or not offered:  # or nothing takes time
            return 0.0
        full = erlang_c(others, offered) if offered < others else 1.0
        sooner = others * (work.reads + work.writes) / offered  # 1/s
        return float(1 - full / (1 + sooner * w.write_time))

    def _offered(self, work: Work) -> Quantity:
        """Return how many cores the work of a copy takes."""
        w = self.workload
        return work.reads * w.read_time + work.writes * w.write_time

    @property
    def senders(self) -> Mapping[str, Quantity]:
        return self.entering

    @property
    def _overloaded(self) -> bool:
        """Whether copies are told of writes ever later."""
        work = self.work_of(self._share)
        return bool(np.any(overtaken(self._offered(work) / self.cores)))

    @cached_property
    def lag(self) -> Duration:
        """Time from a write's answer until a copy it did not wait for shows it."""
        if self.databases == 1:
            return constant(0.0)
        if self._overloaded:
            return endless(constant(0.0), np.asarray(True))
        return self._race.lag(self.entering)

    @cached_property
    def _on_one_node(self) -> list[tuple[Quantity, Alone]]:
        """How long writes are on one node alone: 1/s that it answers, and the law."""
        spec, race, w = self.spec, self._race, self.workload
        if spec.write_quorum > 1 or (self.apart and spec.write_to == "each"):
            return []
        return [
            (w.writes * share * number / self._nodes, race.only_on(at, copy))
            for at, share in self.entering.items()
            for copy, number in race.every(at)
            if spec.write_to == "any" or copy.site == at
        ]

    @cached_property
    def _at_one_site(self) -> list[tuple[Quantity, Alone]]:
        """How long writes are at one site alone: 1/s of each site, and the law."""
        spec, race, w = self.spec, self._race, self.workload
        if not self.apart or spec.write_to == "each":
            return []
        return [
            (w.writes * share, race.only_at(at))
            for at, share in self.entering.items()
            if spec.copies[at] >= spec.write_quorum
        ]

    @cached_property
    def rpo(self) -> Duration:
        """Age of what only the lost copies have: those that the worst failure takes."""
        if self.databases == 1:
            return constant(0.0)
        if self._overloaded:
            return self.lag if self._exposed else constant(0.0)
        each = [oldest([one]) for one in self._at_one_site]
        if not each:
            lone = self._on_one_node
            return oldest(lone) if lone else constant(0.0)
        safe = len(self.spec.sites) - len(each)
        return mixed([1.0] * len(each) + [float(safe)], [*each, constant(0.0)])

    @property
    def _exposed(self) -> bool:
        """Whether one site, or one node, can hold all copies that answered."""
        if self.databases == 1 or (self.apart and self.spec.write_to == "each"):
            return False
        biggest = max(self.spec.copies.values()) if self.apart else 1
        return biggest >= self.spec.write_quorum

    @cached_property
    def lost_writes(self) -> LostWrites:
        spec = self.spec
        if not self._exposed:
            return LostWrites()
        kinds: dict[str, tuple[int, Node | Site]] = {}
        if self.apart:
            kinds["site"] = len(spec.sites), spec.site
        if spec.write_quorum == 1:
            kinds["database"] = self._nodes, spec.database
        found = {}
        for kind, (count, one) in sorted(kinds.items()):
            writes: Quantity = np.inf
            if not self._overloaded:
                lone = self._at_one_site if kind == "site" else self._on_one_node
                writes = sum(rate * alone.window.mean for rate, alone in lone)
                writes = writes / (count if kind == "site" else 1)
            found[kind] = Loss(events=count * failures(one), writes=writes, kept=True)
        return LostWrites(by_failure=found)

    @property
    def database_cost(self) -> Quantity:
        return self._nodes * self.spec.database.cost

    @property
    def _nodes(self) -> int:
        return sum(self.spec.nodes.values())

    def work_of(self, share: Quantity) -> Work:
        """Return the work of a node that holds as many keys as others do."""
        return self._held(share, self.databases / self._nodes)

    def work_at(self, at: str, reads: Quantity) -> Work:
        return self._held(reads, self.spec.copies[at] / self.spec.nodes[at])

    def _held(self, share: Quantity, spread: float) -> Work:
        """Return the work of a node which holds some of the keys."""
        reads, writes = super().work_of(share)
        return Work(reads * spread, writes * spread)

    @cached_property
    def stale(self) -> Quantity:
        """P(none of the R copies asked has the key's last write) at a random moment."""
        w = self.workload
        if not self.spec.may_miss:
            return 0.0
        if self._overloaded:
            return 1.0
        late = self._race.stale(self.entering, popularity(w), w.writes)
        each = len(self.spec.sites) if self.spec.read_from == "each" else 1
        if self.spec.read_quorum * each > 1 or self.databases == 1:
            return late
        return late + unhinted(self.spec, w, self.entering)

    @cached_property
    def conflicts(self) -> Conflicts:
        """Two writes clash if neither's coordinator shows the other's."""
        if self.databases == 1:
            return Conflicts()
        w = self.workload
        resolution = Resolution.LAST_WRITE
        if self._overloaded:
            return Conflicts(
                resolution=resolution, pairs=np.inf, share=1.0, lost=w.writes
            )
        found = self._race.clashes(self.entering, popularity(w), w.writes)
        return Conflicts(resolution=resolution, **found)

    @property
    def _share(self) -> Quantity:
        """Share of the reads that ask a copy, over all copies."""
        each = len(self.spec.copies) if self.spec.read_from == "each" else 1
        return min(self.spec.read_quorum * each, self.databases) / self.databases

    def reads_at(
        self, at: str, shares: Mapping[str, Quantity], copies: Mapping[str, int]
    ) -> Quantity:
        """Return the share of the reads that ask a copy: they ask the nearest."""
        needed, scope = self.spec.asked("read")
        if scope == "each":
            return min(needed / copies[at], 1.0)
        asked = shares.get(at, 0.0) * min(needed, copies[at]) / copies[at]
        if scope == "local":
            return asked
        total = sum(copies.values())
        for site, share in shares.items():
            far = min(needed, total) - copies.get(site, 0)
            if site != at and far > 0:
                asked = asked + share * far / (total - copies.get(site, 0))
        return asked

    def waits(self, operation: str, at: str) -> Waits:
        """Return the copies that are asked, and how many must answer."""
        (needed, scope), copies = self.spec.asked(operation), self.spec.copies
        near, far = self.workload.within_site, self.workload.between_sites
        own = (Asked(constant(0.0)), *[Asked(near)] * (copies[at] - 1))
        others = [
            (Asked(far, self.times_the_reads(name, at)),) * count
            for name, count in copies.items()
            if name != at
        ]
        groups = [own, *others] if scope == "each" else [own]
        if operation == "read":  # it asks the nearest, and as many as it needs
            groups = [held[:needed] for held in groups]
        away = sum(others, ()) if scope == "any" else ()
        further = max(needed - len(own), 0) if operation == "read" else len(away)
        alike = len(set(away)) < 2
        picks = Counter([away[:further]] if alike else combinations(away, further))
        return [
            (
                number / picks.total(),
                Answers(
                    groups=tuple((held + pick, needed) for held in groups),
                    shared=self._shared,
                ),
            )
            for pick, number in picks.items()
        ]

    @cached_property
    def _shared(self) -> float:
        """Correlation of the queues of two copies, if requests are spread evenly.

        It is less than that of the work that comes to them: of two queues that get the
        same requests half, a mean maximum of (12 - load) / 8 times one's mean (Nelson
        and Tantawi 1988, IEEE Transactions on Computers 37(6), 739-743, equation 6)
        asks for normal scores that are alike by 0.65 of it at a load of 0.5, by 0.83 at
        0.9.
        """
        spec, w = self.spec, self.workload
        asked, among = spec.read_quorum, self.databases
        if spec.read_from == "each":
            asked *= len(spec.copies)
        elif spec.read_from == "local":
            among = max(spec.copies.values())
        both = (asked - 1) / max(among - 1, 1)
        work = self.work_of(self._share)
        reads, writes = float(work.reads), float(work.writes)
        r, m = float(w.read_time) ** 2, float(w.write_time) ** 2
        each = 2 * (reads * r + writes * m)
        busy = float(self._offered(work)) / self.cores
        alike = _ALIKE[0] + _ALIKE[1] * min(busy, 1.0)
        return alike * (reads * both * r + writes * m) / each if each else 0.0


def oldest(streams: Sequence[tuple[float, Alone]]) -> Duration:
    """Return the age of the oldest write that is still within its window.

    `streams` are writes in 1/s and how long each of them is.  Where a queue holds one
    of them back it does so with the next: given the queues, their number is Poisson.
    """
    ends = [float(alone.window.support[1]) for _, alone in streams]
    times = np.linspace(0.0, max(ends), CELLS)
    if not times[-1]:
        return constant(0.0)
    many = sum(rate * alone.window.law.excess(times) for rate, alone in streams)
    # writes that queues hold back: on average, and given them
    held, given = np.zeros(CELLS), np.zeros((len(_TAILS), CELLS))
    for rate, alone in streams:
        queues = np.asarray(alone.queues.upper_quantile(_TAILS))[:, None]
        older = rate * _beyond(times - queues, alone.work) * (queues > 0)
        held, given = held + _SHARES @ older, given + older
    part = np.minimum(1.0, many / np.maximum(held, 1e-300))
    none = np.exp(-np.maximum(many - held, 0.0)) * (_SHARES @ np.exp(-part * given))
    return tabulated(times, np.minimum.accumulate(1 - none))


def _beyond(x: FloatArray, work: float) -> FloatArray:
    """Return by how much the work there exceeds x and the work here, on average."""
    if not work:
        return np.maximum(-x, 0.0)
    return np.maximum(-x, 0.0) + work / 2 * np.exp(-np.abs(x) / work)
