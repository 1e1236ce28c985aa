"""Leaderless: copies that answer for themselves; R of N read, W of N write.

The surprise is that there is nothing to fail over.  A lost copy costs no outage at
all, only the slack that R and W leave; what is paid instead are stale answers (where
R + W <= N) and conflicts.

Assumptions
- Copies fail independently, with exponential times; a copy is back when it has caught
  up.  Sites fail as a whole, and their copies are back with them.
- What strikes all databases at once is counted apart from what they do by themselves.
  That leaves out a share of the downtime no larger than the share of the time in which
  some database is down.
- Any reachable copy counts for the quorum, whatever its site, unless `read_from` or
  `write_to` say otherwise; whoever coordinates a request knows at once which copies
  answer.
- Planned work takes copies out, one at a time, whatever else has failed.
- All copies work on a write, and a copy shows it when its work is done; they are asked
  all at once, and a request is coordinated by any copy of the site where it enters.
  Their queues count as alike, and as long together as far as they share work.
- No sloppy quorum: copies outside the N do not stand in.
- In a ring of more nodes than copies any nodes of a site can hold the copies of some
  key (virtual nodes), so "every" key has its quorum while fewer nodes than that of any
  key's copies are down; of "one" key only its own copies count.
- A copy that was down for longer than hints are kept lacks what was written after
  that, until the next repair of all copies; that counts where a read asks one copy.
- The clients of a lost site are led to another as `failover` says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, fields
from hamodel._quantity import mean_of, rate_of
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._common import alone, common_cause
from hamodel.architectures._copies import CopiesAtWork, sites_and_copies
from hamodel.architectures._diagram import (
    checked,
    drawn,
    entrances,
    local_quorums,
    quorum,
)
from hamodel.architectures._events import Cause
from hamodel.architectures._front import (
    Seen,
    absorb,
    absorb_by_site,
    entrance,
    everywhere,
    rolling,
    struck,
)
from hamodel.architectures._races import Race, oldest
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun, Model, Verdict
from hamodel.architectures.behaviour import (
    Answers,
    Behaviour,
    Waits,
    Work,
    led_away,
    mixed,
    overtaken,
    popularity,
    queued,
    redirected,
    repair,
)
from hamodel.architectures.writes import Conflicts, Loss, LostWrites, Resolution
from hamodel.duration import Duration, constant, endless, exponential
from hamodel.failover import Failover
from hamodel.queueing import erlang_c
from hamodel.quorum import Quorum, older_than
from hamodel.units import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity
    from hamodel.structure import Structure
    from hamodel.workload import Workload


#: Whose answers count for a quorum.
SCOPES = ("any", "local", "each")
#: Whose requests are counted.
KEYS = ("one", "every")
_SLICES = (np.arange(512) + 0.5) / 512  # of a law of repair
_ALIKE = 0.42, 0.46  # how much of the work's correlation queues have: a + b load


def _default_copies() -> Mapping[str, int]:
    return {"DC-1": 3}


@fields.specification
class Leaderless(LongRun):
    """Copies of which R answer a read and W take a write.

    Attributes
    ----------
    copies : mapping
        How many copies each site holds; together N.
    read_from, write_to : {"any", "local", "each"}
        Whose answers count: R (or W) of all copies; of those at the site where the
        request enters (LOCAL_QUORUM with R = 2 of 3); of those at each site
        (EACH_QUORUM), so that it takes all sites.
    maintenance : Maintenance or None
        Planned work; it goes from node to node, each out for as long as it takes.
    common_cause : float, array or SymPy expression
        Share of the failures of a database that take all databases at once (the beta of
        the beta-factor model); by default 0, which is kind to every redundant system.
    ring : mapping or None
        How many nodes each site has, over which the copies of all keys are spread;
        None: as many as a key has copies.
    keys : {"one", "every"}
        Whose requests are counted: those for one key, or a time as down as soon as
        some key has no quorum.
    hints : float, array, SymPy expression or None
        How long in s writes are kept for a copy that is down; None: until it is back.

    Raises
    ------
    ValueError
        If a number is not a whole number, or a quorum exceeds the copies.
    """

    database: Node = fields.spec(Node, "one database")
    failover: Failover = fields.spec(Failover, "failover", default_factory=Failover)
    copies: Mapping[str, int] = fields.whole(
        "copies by site", by_site=True, single=False, default_factory=_default_copies
    )
    read_quorum: int = fields.whole("copies that a read asks", default=2)
    write_quorum: int = fields.whole("copies that a write waits for", default=2)
    read_from: str = fields.word("copies that a read counts", *SCOPES, default="any")
    write_to: str = fields.word("copies that a write counts", *SCOPES, default="any")
    site: Site = fields.spec(Site, "each site", default_factory=Site)
    everywhere: Node | None = fields.strike(
        Node, "what strikes everything", default=None
    )
    maintenance: Maintenance | None = fields.spec(
        Maintenance, "planned work", default=None
    )
    common_cause: Quantity = fields.share(
        "failures that strike all databases", default=0.0
    )
    ring: Mapping[str, int] | None = fields.whole(
        "nodes by site", by_site=True, single=False, default=None
    )
    keys: str = fields.word("keys that count", *KEYS, default="one")
    hints: Quantity | None = fields.time("time that hints are kept", default=None)
    repair_every: Quantity = fields.span(
        "time between repairs of all copies", default=7 * DAY
    )

    def __post_init__(self) -> None:
        fields.check(self)
        if self.ring is not None and set(self.ring) != set(self.copies):
            raise ValueError(
                f"ring must name the sites {list(self.copies)}, got {list(self.ring)}"
            )
        for site, count in self.nodes.items():
            if count < self.copies[site]:
                raise ValueError(
                    f"ring must be >= {self.copies[site]} copies at {site}, got {count}"
                )
        scopes = {"read_quorum": self.read_from, "write_quorum": self.write_to}
        for name, scope in scopes.items():
            value, held = getattr(self, name), self.copies.values()
            most = sum(held) if scope == "any" else min(held)
            if value > most:
                at = "" if scope == "any" else " at a site"
                raise ValueError(f"{name} must be <= {most} copies{at}, got {value}")

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.copies)

    @property
    def nodes(self) -> Mapping[str, int]:
        """How many nodes each site has."""
        return self.copies if self.ring is None else self.ring

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, "read" or "write".

        They are sites, servers, the copies of one key and `everywhere`.

        Examples
        --------
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> store = Leaderless(database=node, copies={"DC-1": 2, "DC-2": 1})
        >>> store.diagram("read").single_points_of_failure()
        ('DC-1',)
        """
        needed, scope = self._asked(checked(operation))
        if scope == "local":
            return drawn(self, local_quorums(self.site, self.copies, needed))
        enter = entrances(self.site, self.sites)
        if scope == "any":
            return drawn(self, enter, quorum(self.copies, needed))
        each = (quorum({name: n}, needed) for name, n in self.copies.items())
        return drawn(self, enter, *each)

    def _asked(self, operation: str) -> tuple[int, str]:
        """Return how many answers an operation needs, and of whom."""
        if operation == "read":
            return self.read_quorum, self.read_from
        return self.write_quorum, self.write_to

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                *(("Any copy in reach counts, whatever its site.",) * self._anyone),
                "Who coordinates a request knows at once which copies answer.",
                "A copy that was repaired has caught up; no other stands in for it."
                if self.hints is None
                else "No other copy stands in for one that is down.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        For each site the part of its name (site and servers) and `... copies`; and
        `everywhere` if given.
        """
        every = self.nodes if self.keys == "every" else None
        counted = self.copies if every is None else every
        others = sum(self.nodes.values()) - sum(counted.values())
        apart = replace(self, database=alone(self.database, self.common_cause))
        parts = sites_and_copies(apart, self.sites, every)
        return Model(
            parts=(
                *rolling(self.maintenance, counted, self.sites, others=others),
                *parts,
                *everywhere(self.everywhere),
                *common_cause(
                    self.database, self.common_cause, self.copies, self._served
                ),
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb if self._anyone else absorb_by_site,
            verdict=self.verdict,
        )

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload."""
        return _Behaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        found = struck(seen, entrance(seen, site), operation)
        if found.cause:
            return found
        if not self._enough(seen, found.through, operation):
            return Verdict(Cause.NO_QUORUM)
        return found._replace(stale=self._may_miss)

    @property
    def _anyone(self) -> bool:
        return self.read_from == self.write_to == "any"

    def _served(self, up: Mapping[str, int], site: str, operation: str) -> bool:
        """Tell whether the copies that are up serve clients who have entered a site."""
        seen = Seen(copies=sum(up.values()), by_site=tuple(up.items()))
        return self._enough(seen, site, operation)

    def _enough(self, seen: Seen, through: str, operation: str) -> bool:
        needed, scope = self._asked(operation)
        if scope == "any":
            return seen.copies >= needed
        held = dict(seen.by_site)
        places = [through] if scope == "local" else list(self.copies)
        return all(held[name] >= needed for name in places)

    @cached_property
    def _may_miss(self) -> bool:
        """Whether the copies that a read asks may all lack a write."""
        return any(
            _missed(self, read, write) > 0
            for read in self.copies
            for write in self.copies
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Behaviour(CopiesAtWork):
    """A `Leaderless` under a workload."""

    spec: Leaderless

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
        if any(np.ndim(x) for x in (w.reads, w.writes, w.read_time, w.write_time)):
            raise ValueError(
                "lag, losses, staleness and conflicts of copies need single numbers, "
                "got arrays; ha.sweep takes them point by point"
            )
        work = self.work_of(self.share(self.databases))
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
        w, others = self.workload, self.cores - 1
        offered = work.reads * w.read_time + work.writes * w.write_time
        if not others or not offered:
            return float(others > 0)
        full = erlang_c(others, offered) if offered < others else 1.0
        sooner = others * (work.reads + work.writes) / offered  # 1/s
        return float(1 - full / (1 + sooner * w.write_time))

    @property
    def _shares(self) -> dict[str, Quantity]:
        return self.workload.shares(self.spec.sites)

    @property
    def _overloaded(self) -> bool:
        """Whether copies are told of writes ever later."""
        w, work = self.workload, self.work_of(self.share(self.databases))
        busy = work.reads * w.read_time + work.writes * w.write_time
        return bool(np.any(overtaken(busy / self.cores)))

    @cached_property
    def lag(self) -> Duration:
        """Time from a write's answer until a copy it did not wait for shows it."""
        if self.databases == 1:
            return constant(0.0)
        if self._overloaded:
            return endless(constant(0.0), np.asarray(True))
        return self._race.lag(self._shares)

    @cached_property
    def _on_one_node(self) -> list[tuple[Quantity, Duration]]:
        """How long writes are on one node alone: 1/s that it answers, and the law."""
        spec, race, w = self.spec, self._race, self.workload
        if spec.write_quorum > 1 or (self.apart and spec.write_to == "each"):
            return []
        return [
            (w.writes * share * number / self.databases, race.only_on(at, copy))
            for at, share in self._shares.items()
            for copy, number in race.every(at)
            if spec.write_to == "any" or copy.site == at
        ]

    @cached_property
    def _at_one_site(self) -> list[tuple[Quantity, Duration]]:
        """How long writes are at one site alone: 1/s of each site, and the law."""
        spec, race, w = self.spec, self._race, self.workload
        if not self.apart or spec.write_to == "each":
            return []
        return [
            (w.writes * share, race.only_at(at))
            for at, share in self._shares.items()
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
        kinds = {"site": (len(spec.sites), spec.site.mttf)} if self.apart else {}
        if spec.write_quorum == 1:
            kinds["database"] = (self.databases, mean_of(spec.database.mttf))
        found = {}
        for kind, (count, mttf) in sorted(kinds.items()):
            writes: Quantity = np.inf
            if not self._overloaded:
                lone = self._at_one_site if kind == "site" else self._on_one_node
                writes = sum(rate * law.mean for rate, law in lone)
                writes = writes / (count if kind == "site" else 1)
            found[kind] = Loss(events=count * rate_of(mttf), writes=writes, kept=True)
        return LostWrites(by_failure=found)

    @property
    def database_cost(self) -> Quantity:
        return sum(self.spec.nodes.values()) * self.spec.database.cost

    def work_of(self, share: Quantity, at: str | None = None) -> Work:
        """Return the work of a node, at a site or anywhere, which holds some keys."""
        copies, nodes = self.spec.copies, self.spec.nodes
        spread = self.databases / sum(nodes.values())
        if at is not None:
            spread = copies[at] / nodes[at]
        reads, writes = super().work_of(share)
        return Work(reads * spread, writes * spread)

    @cached_property
    def stale(self) -> Quantity:
        """P(none of the R copies asked has the key's last write) at a random moment."""
        w = self.workload
        if not self.spec._may_miss:
            return 0.0
        if self._overloaded:
            return 1.0
        late = self._race.stale(self._shares, popularity(w), w.writes)
        return late + self._unhinted

    @property
    def _unhinted(self) -> Quantity:
        """P(the one copy asked lacks a key's last write, for no hint was kept so long).

        In the time u since it is back, the key was not written again; before, it was
        written after hints had expired; and the copies were not repaired meanwhile.
        """
        spec, w = self.spec, self.workload
        asked = spec.read_quorum * (len(spec.sites) if spec.read_from == "each" else 1)
        if spec.hints is None or asked > 1 or self.databases == 1:
            return 0.0
        node, every = spec.database, spec.repair_every
        law = repair(node.mttr)
        downs = law.quantile(_SLICES.reshape(-1, *(1 for _ in law.shape)))
        gone = np.maximum(downs - spec.hints, 0.0)
        often = 1 / (mean_of(node.mttf) + mean_of(node.mttr))

        def lacks(share: FloatArray) -> Quantity:
            rate = np.asarray(w.writes)[..., None] * share
            written = np.mean(-np.expm1(-rate * gone[..., None]), axis=0)
            x = rate * np.asarray(every)[..., None]
            small = x < 1e-4
            fresh = np.where(small, 1.0, x)
            since = np.where(small, 0.5 - x / 6, (fresh + np.expm1(-fresh)) / fresh**2)
            return written * since

        return often * every * popularity(w).mean(lacks)

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
        found = self._race.clashes(self._shares, popularity(w), w.writes)
        return Conflicts(resolution=resolution, **found)

    def share(self, copies: int) -> Quantity:
        """Return the share of the reads that ask one of so many copies."""
        each = len(self.spec.copies) if self.spec.read_from == "each" else 1
        return min(self.spec.read_quorum * each, copies) / copies

    def work(self, known: Seen, at: str) -> Work:
        """Return the work of a copy at a site: reads ask those that are nearest."""
        total = self.databases
        fewer = self.share(known.copies or total) / self.share(total)
        share = self._asked_at(at) * fewer
        whole = share if _check.is_symbolic(share) else np.minimum(share, 1.0)
        return self.work_of(whole, at)

    def _asked_at(self, at: str) -> Quantity:
        """Return the share of the reads that ask a copy of a site when all is well."""
        needed, scope = self.spec._asked("read")
        copies, shares, total = self.spec.copies, self._shares, self.databases
        if scope == "each":
            return needed / copies[at]
        asked = shares[at] * min(needed, copies[at]) / copies[at]
        if scope == "local":
            return asked
        for site, count in copies.items():
            if site != at and needed > count:
                asked = asked + shares[site] * (needed - count) / (total - count)
        return asked

    def waits(self, operation: str, at: str) -> Waits:
        """Return the copies that are asked, and how many must answer."""
        (needed, scope), copies = self.spec._asked(operation), self.spec.copies
        near, far = self.workload.within_site, self.workload.between_sites
        own = (constant(0.0), *[near] * (copies[at] - 1))
        others = [(far,) * count for name, count in copies.items() if name != at]
        if scope == "any":
            groups = [sum(others, own)]
        else:
            groups = [own, *others] if scope == "each" else [own]
        if operation == "read":  # it asks the nearest, and as many as it needs
            groups = [ways[:needed] for ways in groups]
        asked = tuple((ways, needed) for ways in groups)
        return [(1.0, Answers(groups=asked, shared=self._shared))]

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
        work = self.work_of(self.share(self.databases))
        reads, writes = float(work.reads), float(work.writes)
        r, m = float(w.read_time) ** 2, float(w.write_time) ** 2
        each = 2 * (reads * r + writes * m)
        busy = (reads * r**0.5 + writes * m**0.5) / self.cores
        alike = _ALIKE[0] + _ALIKE[1] * min(float(busy), 1.0)
        return alike * (reads * both * r + writes * m) / each if each else 0.0


def _missed(spec: Leaderless, read: str, write: str) -> float:
    """Return P(the copies that a read asks are none of those that answered a write).

    `read` and `write` are the sites where they enter; all copies that count are asked
    alike.
    """
    copies, total = spec.copies, sum(spec.copies.values())
    r, w, sites = spec.read_quorum, spec.write_quorum, len(spec.copies)
    pair = spec.read_from, spec.write_to
    if pair == ("each", "each"):
        return prod(_avoided(count, r, w) for count in copies.values())
    if pair == ("local", "local"):
        return _avoided(copies[read], r, w) if read == write else 1.0
    if pair == ("local", "each"):
        return _avoided(copies[read], r, w)
    if pair == ("each", "local"):
        return _avoided(copies[write], r, w)
    many = {"any": 1, "local": 1, "each": sites}
    return _avoided(total, r * many[pair[0]], w * many[pair[1]])


def _avoided(copies: int, read: int, write: int) -> float:
    """Return P(a random read quorum misses a random write quorum)."""
    quorum_ = Quorum(replicas=copies, read=read, write=write)
    return 0.0 if quorum_.overlaps else float(older_than(quorum_))
