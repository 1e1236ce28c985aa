"""Copies of a database over sites: what majorities and quorums have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from hamodel import _check
from hamodel.architectures._front import Data, Front, SiteView, place, witness
from hamodel.architectures._model import Event, Group, Part
from hamodel.architectures._specs import Node, Site, Tier
from hamodel.failover import Failover

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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


def check_copies(spec: Copies) -> None:
    """Check the fields that such architectures share, and keep the mapping safe."""
    _check.instance(Node, database=spec.database)
    _check.instance(Failover, failover=spec.failover)
    _check.instance(Site, site=spec.site)
    if spec.everywhere is not None:
        _check.instance(Node, everywhere=spec.everywhere)
    _check.instance(Mapping, copies=spec.copies)
    if not spec.copies:
        raise ValueError("copies must name at least one site, got none")
    _check.whole(1, **{f"copies[{k!r}]": v for k, v in spec.copies.items()})
    object.__setattr__(spec, "copies", dict(spec.copies))


def sites_and_copies(spec: Copies, serving: Sequence[str]) -> list[Part | Group]:
    """Return one part a site: the site itself, its servers and its copies."""
    redirect = spec.failover if len(serving) > 1 else None
    parts: list[Part | Group] = []
    for name, count in spec.copies.items():
        onward = redirect if name in serving else None
        whole = Data(site=spec.site, database=None, redirect=onward)
        shown = [whole.part(f"{name} site"), _copies(spec.database, name, count)]
        if name not in serving:
            parts.append(witness(name, *shown))
            continue
        front = Front(site=spec.site, redirect=onward)
        parts.append(place(name, *shown, front.part(f"{name} servers")))
    return parts


def _copies(node: Node, name: str, count: int) -> Part:
    tier = Tier(node=node, servers=count)

    def events(failed: int) -> Iterator[Event]:
        for what, after, to in tier.changes(failed):
            yield Event(f"copy {what}", after, to)

    def view(failed: int) -> SiteView:
        return SiteView("home", copies=count - failed)

    return Part(name=f"{name} copies", start=0, events=events, view=view)
