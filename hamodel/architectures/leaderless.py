"""Leaderless: copies that answer for themselves; R of N read, W of N write.

The surprise is that there is nothing to fail over.  A lost copy costs no outage at
all, only the slack that R and W leave; what is paid instead are stale answers (where
R + W <= N) and conflicts.

Assumptions
- Copies fail independently, with exponential times; a copy is back when it has caught
  up.  Sites fail as a whole, and their copies are back with them.
- Any reachable copy counts for the quorum, whatever its site; whoever coordinates a
  request knows at once which copies answer.
- Planned work takes copies out, one at a time, whatever else has failed.
- No sloppy quorum: copies outside the N do not stand in.
- The clients of a lost site are led to another as `failover` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hamodel import fields
from hamodel._quantity import mean_of, rate_of
from hamodel.architectures._assumptions import (
    Assumption,
    fixed,
    instant_client,
    shared_by_all,
)
from hamodel.architectures._copies import (
    answered_by,
    sent,
    sites_and_copies,
)
from hamodel.architectures._diagram import checked, drawn, entrances, quorum
from hamodel.architectures._front import Seen, absorb, entrance, everywhere, rolling
from hamodel.architectures._specs import Maintenance, Node, Site
from hamodel.architectures.base import Cause, LongRun, Model, Verdict
from hamodel.architectures.behaviour import (
    Behaviour,
    Conflicts,
    Loss,
    LostWrites,
    Waits,
    Work,
    led_away,
    popularity,
    reads_left,
    redirected,
    stale_reads,
)
from hamodel.conflicts import concurrency_over_keys, last_write_wins
from hamodel.duration import Duration, constant
from hamodel.failover import Failover
from hamodel.replication import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hamodel._types import FloatArray, Quantity
    from hamodel.structure import Structure
    from hamodel.workload import Workload


def _default_copies() -> Mapping[str, int]:
    return {"DC-1": 3}


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaderless(LongRun):
    """Copies of which R answer a read and W take a write.

    Attributes
    ----------
    database : Node
        How one copy fails and is repaired.
    failover : Failover
        How clients of a lost site reach another.
    copies : mapping
        How many copies each site holds; together N.
    read_quorum, write_quorum : int
        R and W.
    site : Site
        Each site, with its load balancers and app servers.
    everywhere : Node or None
        What strikes everything at once.
    maintenance : Maintenance or None
        Planned work; it goes from node to node, each out for as long as it takes.

    Raises
    ------
    ValueError
        If a number is not a whole number, or a quorum exceeds the copies.
    """

    database: Node = field(metadata=fields.spec(Node, "one database"))
    failover: Failover = field(
        default_factory=Failover, metadata=fields.spec(Failover, "failover")
    )
    copies: Mapping[str, int] = field(
        default_factory=_default_copies,
        metadata=fields.whole("copies by site", by_site=True, single=False),
    )
    read_quorum: int = field(
        default=2, metadata=fields.whole("copies that a read asks")
    )
    write_quorum: int = field(
        default=2, metadata=fields.whole("copies that a write waits for")
    )
    site: Site = field(default_factory=Site, metadata=fields.spec(Site, "each site"))
    everywhere: Node | None = field(
        default=None,
        metadata=fields.spec(Node, "what strikes everything", optional=True),
    )
    maintenance: Maintenance | None = field(
        default=None, metadata=fields.spec(Maintenance, "planned work", optional=True)
    )

    def __post_init__(self) -> None:
        fields.check(self)
        total = sum(self.copies.values())
        for name in ("read_quorum", "write_quorum"):
            value = getattr(self, name)
            if value > total:
                raise ValueError(f"{name} must be <= {total} copies, got {value}")

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.copies)

    @property
    def all_sites(self) -> tuple[str, ...]:
        """Names of all sites, those included that serve no clients."""
        return self.sites

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        return False

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, as a structure.

        Parameters
        ----------
        operation : str
            "read" or "write".

        Returns
        -------
        Structure
            Of the sites, their servers and copies, and `everywhere`.

        Examples
        --------
        >>> node = Node(mttf=7.2e6, mttr=14400)
        >>> store = Leaderless(database=node, copies={"DC-1": 2, "DC-2": 1})
        >>> store.diagram("read").single_points_of_failure()
        ('DC-1',)
        """
        reading = checked(operation) == "read"
        needed = self.read_quorum if reading else self.write_quorum
        return drawn(
            self, entrances(self.site, self.sites), quorum(self.copies, needed)
        )

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        return (
            *shared_by_all(self),
            instant_client(self),
            *fixed(
                "Any copy in reach counts, whatever its site.",
                "Who coordinates a request knows at once which copies answer.",
                "A copy that was repaired has caught up; no other stands in for it.",
            ),
        )

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients.

        Returns
        -------
        Model
            For each site the part of its name (site and servers) and `... copies`;
            and `everywhere` if given.
        """
        parts = sites_and_copies(self, self.sites)
        return Model(
            parts=(
                *rolling(self.maintenance, self.copies, self.sites),
                *parts,
                *everywhere(self.everywhere),
            ),
            sites=self.sites,
            nothing=Seen(),
            absorb=absorb,
            verdict=self.verdict,
        )

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload.

        Parameters
        ----------
        workload : Workload
            What is asked of it.

        Returns
        -------
        Behaviour
            Its recovery, data, loads and waits.
        """
        return _Behaviour(spec=self, workload=workload)

    def verdict(self, seen: Seen, site: str, operation: str) -> Verdict:
        """Tell what a client finds.

        Parameters
        ----------
        seen : Seen
            What clients of the site know.
        site : str
            Where the client is.
        operation : str
            "read" or "write".

        Returns
        -------
        Verdict
            The cause of the outage, or who serves.
        """
        found = entrance(seen, site)
        if found.cause:
            return found
        needed = self.read_quorum if operation == "read" else self.write_quorum
        if seen.copies < needed:
            return Verdict(Cause.NO_QUORUM)
        overlap = self.read_quorum + self.write_quorum > sum(self.copies.values())
        return found._replace(stale=not overlap)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Behaviour:
    """A `Leaderless` under a workload."""

    spec: Leaderless
    workload: Workload

    @property
    def cores(self) -> int:
        return self.spec.database.cores

    @property
    def database_cost(self) -> Quantity:
        return self.databases * self.spec.database.cost

    @property
    def databases(self) -> int:
        """How many database nodes there are."""
        return sum(self.spec.copies.values())

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

    def serving(self, known: Seen) -> int:
        return known.serving

    def work(self, known: Seen, at: str) -> Work:
        del at
        return self._work(known.copies or self.databases)

    def _work(self, copies: int) -> Work:
        asked = min(self.spec.read_quorum, copies)
        reads = reads_left(self.spec.site, self.workload) * asked / copies
        return Work(reads, self.workload.writes)

    def waits(self, operation: str, at: str) -> Waits:
        """Return the coordinator's wait for the rest of the quorum."""
        reads = operation == "read"
        needed = self.spec.read_quorum if reads else self.spec.write_quorum
        return [(1.0, answered_by(self.spec.copies, at, needed, self.workload))]

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        copies = max(self.databases - self.spec.copies[site], 1)
        return 1 / max(len(self.spec.sites) - 1, 1), self._work(copies)

    @property
    def _apart(self) -> bool:
        return len(self.spec.copies) > 1


def missing_all(copies: int, read: int, write: int) -> float:
    """Return P(R copies picked at random are none of the W that answered a write)."""
    return comb(copies - write, read) / comb(copies, read)
