"""Leaderless: copies that answer for themselves; R of N read, W of N write.

The surprise is that there is nothing to fail over.  A lost copy costs no outage at
all, only the slack that R and W leave; what is paid instead are stale answers (where
R + W <= N) and conflicts.

Assumptions
- Copies fail independently, after exponential times; a copy is back when it has caught
  up.  Repairs keep their law up to five copies at a site, and are exponential beyond,
  with planned work and in a ring of more nodes.  A site that is lost takes its copies
  with it, which go on failing and being repaired meanwhile.
- What strikes all databases at once is counted apart from what they do by themselves.
  That leaves out a share of the downtime no larger than the share of the time in which
  some database is down.
- Any reachable copy counts for the quorum, whatever its site, unless `read_from` or
  `write_to` say otherwise; whoever coordinates a request knows at once which copies
  answer.
- Planned work takes copies out, one at a time, whatever else has failed.
- All copies work on a write, and a copy shows it when its work is done; they are asked
  all at once, and a request is coordinated by any copy of the site where it enters.
  A read asks no more than it needs: the coordinator, then others of its site, then any
  elsewhere.  Queues are as long as their own copies' work makes them in latencies, all
  alike in lag, stale reads and conflicts, and long together as far as they share work.
  Latencies were within 5 % of requests played one by one at loads up to 0.9, and within
  7 % at the 99 % point where one core of each copy works on everything.  Where one
  answer is enough, at a load of 0.9, the share of writes in a conflict was 5 % too
  high, and the age of the oldest write that only a lost copy has up to 10 %.
- No sloppy quorum: copies outside the N do not stand in.
- In a ring of more nodes than copies any nodes of a site can hold the copies of some
  key (virtual nodes), so "every" key has its quorum while fewer nodes than that of any
  key's copies are down; of "one" key only its own copies count.
- A copy that was down for longer than hints are kept, by itself or with its site, lacks
  what was written after that, until the next repair of all copies; that counts where a
  read asks one copy.
- The clients of a lost site are led to another as `failover` says: where a local quorum
  counts, to the first of the others that serves, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from math import prod

from hamodel import fields
from hamodel._types import Quantity
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._common import alone, common_cause
from hamodel.architectures._copies import sites_and_copies
from hamodel.architectures._diagram import (
    checked,
    drawn,
    entrances,
    local_quorums,
    quorum,
)
from hamodel.architectures._events import Cause
from hamodel.architectures._front import everywhere, rolling
from hamodel.architectures._leaderless_behaviour import LeaderlessBehaviour
from hamodel.architectures._seen import Seen, absorb, absorb_by_site, entrance, struck
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import LongRun, Model, Verdict
from hamodel.architectures.behaviour import Behaviour
from hamodel.failover import Failover
from hamodel.quorum import Quorum, older_than
from hamodel.structure import Structure
from hamodel.units import DAY
from hamodel.workload import Workload

#: Whose answers count for a quorum.
SCOPES = ("any", "local", "each")
#: Whose requests are counted.
KEYS = ("one", "every")


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
    failover: Failover = fields.redirects(
        Failover, "failover", default_factory=Failover
    )
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
        needed, scope = self.asked(checked(operation))
        if scope == "local":
            return drawn(self, local_quorums(self.site, self.copies, needed))
        enter = entrances(self.site, self.sites)
        if scope == "any":
            return drawn(self, enter, quorum(self.copies, needed))
        each = (quorum({name: n}, needed) for name, n in self.copies.items())
        return drawn(self, enter, *each)

    def asked(self, operation: str) -> tuple[int, str]:
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
        return LeaderlessBehaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell a client of a site the cause of the outage, or who serves."""
        found = struck(seen, entrance(seen, site), operation)
        if found.cause:
            return found
        if not self._enough(seen, found.through, operation):
            return Verdict(Cause.NO_QUORUM)
        return found._replace(stale=self.may_miss)

    @property
    def _anyone(self) -> bool:
        return self.read_from == self.write_to == "any"

    def _served(self, up: Mapping[str, int], site: str, operation: str) -> bool:
        """Tell whether the copies that are up serve clients who have entered a site."""
        seen = Seen(copies=sum(up.values()), by_site=tuple(up.items()))
        return self._enough(seen, site, operation)

    def _enough(self, seen: Seen, through: str, operation: str) -> bool:
        needed, scope = self.asked(operation)
        if scope == "any":
            return seen.copies >= needed
        held = dict(seen.by_site)
        places = [through] if scope == "local" else list(self.copies)
        return all(held[name] >= needed for name in places)

    @cached_property
    def may_miss(self) -> bool:
        """Whether the copies that a read asks may all lack a write."""
        return any(
            _missed(self, read, write) > 0
            for read in self.copies
            for write in self.copies
        )


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
