"""Database nodes that are alike: what the architectures made of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Protocol

import numpy as np

from hamodel import _check
from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._events import Event
from hamodel.architectures._front import Data, Front, place, witness
from hamodel.architectures._seen import SiteView
from hamodel.architectures._specs import Maintenance, Node, Site, Tier
from hamodel.architectures.base import Group, Part
from hamodel.architectures.behaviour import (
    NO_WAIT,
    Known,
    Waits,
    Work,
    popularity,
    reads_left,
    repair,
)
from hamodel.architectures.writes import Conflicts, LostWrites
from hamodel.conflicts import last_write_wins
from hamodel.duration import Duration, constant
from hamodel.failover import Failover
from hamodel.quorum import latency
from hamodel.workload import Workload


class Stored(Protocol):
    """An architecture with databases at sites."""

    @property
    def database(self) -> Node: ...
    @property
    def sites(self) -> tuple[str, ...]: ...
    @property
    def site(self) -> Site: ...


#: Copies of a site that are told apart where repairs have a law.
_APART = 5


class Copies(Stored, Protocol):
    """An architecture that keeps copies at sites."""

    @property
    def failover(self) -> Failover: ...
    @property
    def copies(self) -> Mapping[str, int]: ...
    @property
    def everywhere(self) -> Node | None: ...
    @property
    def maintenance(self) -> Maintenance | None: ...


def sites_and_copies(
    spec: Copies, serving: Sequence[str], ring: Mapping[str, int] | None = None
) -> list[Part | Group]:
    """Return one part a site: the site itself, its servers and its copies.

    With a ring of so many nodes at each site, the copies are those of the key that has
    fewest left.
    """
    redirect = spec.failover if len(serving) > 1 else None
    whole = Data(site=spec.site, database=None, redirect=redirect)
    apart = Data(site=spec.site, database=None, redirect=None)
    front = Front(site=spec.site, redirect=redirect)
    nodes = spec.copies if ring is None else ring
    held = {
        (n, nodes[name]): _held(spec, n, nodes[name]) for name, n in spec.copies.items()
    }
    parts: list[Part | Group] = []
    for name, count in spec.copies.items():
        copies = [h.part(f"{name} {h.name}") for h in held[count, nodes[name]]]
        if name in serving:
            servers = front.part(f"{name} servers")
            parts.append(place(name, whole.part(f"{name} site"), *copies, servers))
        else:
            parts.append(witness(name, apart.part(f"{name} site"), *copies))
    return parts


def _held(spec: Copies, copies: int, count: int) -> list[Held]:
    """Return the nodes of one site; apart from them the one that is worked on.

    A few nodes whose repair has a law are counted one by one, so that each keeps it.
    """
    one = Held(node=spec.database, count=1, copies=1)
    in_turn = [] if spec.maintenance is None else [replace(one, in_turn=True)]
    others = count - len(in_turn)
    if count > copies:  # a key that has it not loses none with others
        spare = [replace(each, copies=0) for each in in_turn]
        return [replace(one, count=others, copies=copies), *spare]
    if hasattr(spec.database.mttr, "sample") and 1 < others <= _APART:
        apart = [replace(one, number=k + 1) for k in range(others)]
    else:
        apart = [replace(one, count=others, copies=others)] if others else []
    return [*apart, *in_turn]


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """The copies that one site holds."""

    node: Node
    count: int
    copies: int  # of a key; with more nodes, of the key that has fewest left
    in_turn: bool = False  # whether planned work takes them out, one site at a time
    number: int = 0  # of a copy by itself

    @property
    def name(self) -> str:
        """What they are called."""
        if self.number:
            return f"copy {self.number}"
        return "copy in turn" if self.in_turn else "copies"

    def part(self, name: str) -> Part:
        """Return the part under a name."""
        return Part(name=name, start=0, events=self.events, view=self.view)

    def events(self, failed: int) -> Iterator[Event]:
        """Yield what can happen."""
        tier = Tier(node=self.node, servers=self.count)
        for what, after, to in tier.changes(failed):
            yield Event(f"copy {what}", after, to)

    def view(self, failed: int) -> SiteView:
        """Return what clients notice."""
        up = self.copies - min(failed, max(self.copies, 1))
        return SiteView("home", copies=up, in_turn=1 - failed if self.in_turn else 0)


def answered_by(
    copies: Mapping[str, int],
    at: str,
    needed: int,
    workload: Workload,
    votes: Mapping[str, int] | None = None,
) -> Duration:
    """Return the time until so many copies, the one at hand included, have answered.

    With the votes of each copy, by site, so many votes are waited for.
    """
    weight = dict.fromkeys(copies, 1) if votes is None else votes
    missing = needed - weight[at]
    if missing <= 0:
        return constant(0.0)
    near, far = workload.within_site, workload.between_sites
    others = [(n - (name == at), name) for name, n in copies.items()]
    replies = [near if name == at else far for n, name in others for _ in range(n)]
    cast = [weight[name] for n, name in others for _ in range(n)]
    if near.var == 0 and far.var == 0:
        means = {id(near): mean_of(workload.hop), id(far): mean_of(workload.round_trip)}
        times = sorted(
            means[id(reply)]
            for reply, vote in zip(replies, cast, strict=True)
            for _ in range(vote)
        )
        return constant(times[missing - 1])
    return latency(replies, missing, votes=cast)


@dataclass(frozen=True, kw_only=True, eq=False)
class AtWork:
    """An architecture under a workload: a `Behaviour`, by default of one database.

    Each architecture says what differs.
    """

    spec: Stored
    workload: Workload

    @property
    def cores(self) -> int:
        return self.spec.database.cores

    @property
    def databases(self) -> int:
        """How many database nodes there are."""
        return 1

    @property
    def database_cost(self) -> Quantity:
        return self.databases * self.spec.database.cost

    @property
    def rto(self) -> Duration:
        return repair(self.spec.database.mttr)

    @property
    def outage(self) -> Duration:
        return self.rto

    @property
    def lag(self) -> Duration:
        return constant(0.0)

    @property
    def rpo(self) -> Duration:
        return constant(0.0)

    @property
    def lost_writes(self) -> LostWrites:
        return LostWrites()

    @property
    def stale(self) -> Quantity:
        return 0.0

    @property
    def conflicts(self) -> Conflicts:
        return Conflicts()

    @property
    def transfers(self) -> Quantity:
        return 0.0

    def serving(self, known: Known) -> int:
        count: int = known.serving
        return count

    def waits(self, operation: str, at: str) -> Waits:
        del operation, at
        return NO_WAIT

    def work_of(self, share: Quantity) -> Work:
        """Return the work of a database that takes a share of the reads."""
        reads = share * reads_left(self.spec.site, self.workload)
        return Work(reads, self.workload.writes)

    def overwritten(
        self,
        rates: Sequence[Quantity],
        delays: Sequence[Sequence[Quantity | Duration]],
        ahead: Sequence[Quantity] | None = None,
    ) -> Quantity:
        """Return the writes in 1/s that last write wins throws away, over all keys."""

        def wide(x: Quantity) -> Quantity:  # or a law
            return np.asarray(x)[..., None] if np.ndim(x) else x

        rows = [[wide(delay) for delay in row] for row in delays]
        leads = None if ahead is None else [wide(lead) for lead in ahead]

        def thrown(share: FloatArray) -> Quantity:
            each = [np.asarray(rate)[..., None] * share for rate in rates]
            return last_write_wins(each, rows, leads).lost / share

        return popularity(self.workload).mean(thrown)


@dataclass(frozen=True, kw_only=True, eq=False)
class CopiesAtWork(AtWork):
    """Copies over sites under a workload."""

    spec: Copies

    @property
    def databases(self) -> int:
        return sum(self.spec.copies.values())

    @property
    def apart(self) -> bool:
        """Whether the copies are at several sites."""
        return len(self.spec.copies) > 1

    @property
    def senders(self) -> Mapping[str, Quantity]:
        """Share of the writes that each site sends to the copies."""
        raise NotImplementedError

    @property
    def transfers(self) -> Quantity:
        """Writes in 1/s that leave the site that sends them."""
        total, copies = self.databases, self.spec.copies
        away = sum(p * (total - copies[name]) for name, p in self.senders.items())
        return self.workload.writes * away

    def reads_at(
        self, at: str, shares: Mapping[str, Quantity], copies: Mapping[str, int]
    ) -> Quantity:
        """Return the share of the reads that a copy of a site works on.

        `shares` are those of the clients that enter at each site, `copies` what is
        left at each.
        """
        raise NotImplementedError

    def work_at(self, at: str, reads: Quantity) -> Work:
        """Return the work of a copy at a site that takes a share of the reads."""
        del at
        return self.work_of(reads)

    @cached_property
    def entering(self) -> Mapping[str, Quantity]:
        """Share of the requests that enters at each site, all well."""
        return self.workload.shares(self.spec.sites)

    def times_the_reads(self, other: str, at: str) -> float:
        """Return the reads of a copy at another site over those of one at a site."""
        one, more = (
            np.asarray(self.reads_at(site, self.entering, self.spec.copies))
            for site in (at, other)
        )
        single = one.ndim == more.ndim == 0 and one.dtype.kind == more.dtype.kind == "f"
        return float(more / one) if single and one > 0 else 1.0

    def work(self, known: Known, at: str) -> Work:
        """Return the work of a copy; which other sites are lost is not known."""
        up = known.copies or self.databases
        others = [site for site in self.spec.sites if site != at]
        lost = min(max(len(self.spec.sites) - known.serving, 0), len(others))
        each = []
        for gone in combinations(others, lost):
            shares, copies = self._without(gone)
            if up > sum(copies.values()):  # they have lost their servers only
                copies = self.spec.copies
            left = sum(copies.values())
            each.append(self.reads_at(at, shares, copies) * max(left / up, 1.0))
        mean = sum(each) / len(each)
        whole = mean if _check.is_symbolic(mean) else np.minimum(mean, 1.0)[()]
        return self.work_at(at, whole)

    def work_without(self, site: str) -> tuple[Quantity, Work]:
        shares, copies = self._without((site,))
        if not shares:
            return 1.0, self.work_of(1.0)
        works = [self.work_at(at, self.reads_at(at, shares, copies)) for at in shares]
        most: Quantity = np.maximum.reduce(np.broadcast_arrays(*shares.values()))[()]
        return most, max(works, key=lambda work: np.max(work.reads))

    def _without(
        self, gone: Sequence[str]
    ) -> tuple[dict[str, Quantity], Mapping[str, int]]:
        """Return who enters where, and which copies there are, without some sites."""
        shares = {s: share for s, share in self.entering.items() if s not in gone}
        led = sum(self.entering[site] for site in gone) / max(len(shares), 1)
        copies = {site: n for site, n in self.spec.copies.items() if site not in gone}
        return {site: share + led for site, share in shares.items()}, copies
