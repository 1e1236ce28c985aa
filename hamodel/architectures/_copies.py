"""Copies of a database over sites: what majorities and quorums have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hamodel._quantity import mean_of
from hamodel.architectures._front import Data, Front, SiteView, place, witness
from hamodel.architectures._specs import (
    Maintenance,
    Node,
    Site,
    Tier,
)
from hamodel.architectures.base import Event, Group, Part
from hamodel.duration import Duration, constant
from hamodel.quorum import latency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hamodel._types import Quantity
    from hamodel.failover import Failover
    from hamodel.workload import Workload


class Copies(Protocol):
    """An architecture that keeps copies at sites."""

    @property
    def database(self) -> Node: ...
    @property
    def failover(self) -> Failover: ...
    @property
    def copies(self) -> Mapping[str, int]: ...
    @property
    def site(self) -> Site: ...
    @property
    def everywhere(self) -> Node | None: ...
    @property
    def maintenance(self) -> Maintenance | None: ...


def sites_and_copies(spec: Copies, serving: Sequence[str]) -> list[Part | Group]:
    """Return one part a site: the site itself, its servers and its copies."""
    redirect = spec.failover if len(serving) > 1 else None
    whole = Data(site=spec.site, database=None, redirect=redirect)
    apart = Data(site=spec.site, database=None, redirect=None)
    front = Front(site=spec.site, redirect=redirect)
    held = {n: _held(spec, n) for n in spec.copies.values()}
    parts: list[Part | Group] = []
    for name, count in spec.copies.items():
        copies = [h.part(f"{name} {h.name}") for h in held[count]]
        if name in serving:
            servers = front.part(f"{name} servers")
            parts.append(place(name, whole.part(f"{name} site"), *copies, servers))
        else:
            parts.append(witness(name, apart.part(f"{name} site"), *copies))
    return parts


def _held(spec: Copies, count: int) -> list[Held]:
    """Return the copies of one site; apart from them the one that is worked on."""
    if spec.maintenance is None:
        return [Held(node=spec.database, count=count)]
    in_turn = Held(node=spec.database, count=1, in_turn=True)
    others = Held(node=spec.database, count=count - 1)
    return [others, in_turn] if count > 1 else [in_turn]


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """The copies that one site holds."""

    node: Node
    count: int
    in_turn: bool = False  # whether planned work takes them out, one site at a time

    @property
    def name(self) -> str:
        """What they are called."""
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
        up = self.count - failed
        return SiteView("home", copies=up, in_turn=up if self.in_turn else 0)


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


def sent(copies: Mapping[str, int], writes: Quantity) -> Quantity:
    """Return the writes in 1/s that leave the site where they were made, on average."""
    total = sum(copies.values())
    away = sum(count / total * (total - count) for count in copies.values())
    return writes * away
