"""Diagrams of architectures: which boxes it takes to serve, as a structure.

The surprise of every such diagram is the box around the boxes: a site stands in the
path of all that it holds, so two databases in one site still fail together.

Assumptions: those of `hamodel.structure`; above all, failovers and redirections work
and take no time.  So a diagram tells what stops the service until it is repaired, and
`model()` what the way around it costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from hamodel import _check
from hamodel.architectures._seen import EVERYWHERE
from hamodel.architectures._specs import Node, Site, Tier
from hamodel.architectures.base import OPERATIONS
from hamodel.structure import Structure, parse


class Placed(Protocol):
    """An architecture with sites and what strikes them all."""

    @property
    def site(self) -> Site:
        """Each of the sites."""
        ...

    @property
    def everywhere(self) -> Node | None:
        """What strikes everything at once."""
        ...


def drawn(spec: Placed, *stages: str) -> Structure:
    """Return the structure of a request that passes some stages."""
    last = () if spec.everywhere is None else (EVERYWHERE,)
    return parse(path("client", *stages, *last))


def checked(operation: str) -> str:
    """Return the operation if there is one of that name."""
    _check.one_of(OPERATIONS, operation=operation)
    return operation


def servers(site: Site, name: str) -> Iterator[str]:
    """Yield what a request passes in a site before the database."""
    yield quoted(name)
    for tier, kind in ((site.balancers, "load balancer"), (site.apps, "app server")):
        if tier is not None:
            yield _servers_of(tier, f"{name} {kind}")


def copies(name: str, count: int, kind: str = "copy") -> list[str]:
    """Return paths to the copies that a site holds: each stands and falls with it."""
    return [path(quoted(name), box) for box in boxes(f"{name} {kind}", count)]


def entrances(site: Site, names: Iterable[str]) -> str:
    """Return the path through the servers of one of several sites."""
    return atleast(1, [path(*servers(site, name)) for name in names])


def local_quorums(site: Site, held: Mapping[str, int], needed: int) -> str:
    """Return the path to some of the copies of the site that is entered."""
    return atleast(
        1,
        [
            path(*servers(site, name), quorum({name: count}, needed))
            for name, count in held.items()
        ],
    )


def quorum(
    held: Mapping[str, int], needed: int, votes: Mapping[str, int] | None = None
) -> str:
    """Return the path to some of the copies that sites hold, or of their votes."""
    ways = [
        way
        for name, count in held.items()
        for way in copies(name, count)
        for _ in range(1 if votes is None else votes[name])
    ]
    return atleast(needed, ways)


def path(*stages: str) -> str:
    """Return the path through one stage after the other."""
    return " > ".join(stages)


def atleast(needed: int, ways: list[str]) -> str:
    """Return the path that needs some of several ways."""
    return ways[0] if len(ways) == 1 else f"atleast({needed}, {', '.join(ways)})"


def quoted(name: str) -> str:
    """Return a name as the language of paths writes it."""
    return '"' + name.replace('"', "'") + '"'


def _servers_of(tier: Tier, name: str) -> str:
    return atleast(tier.needed, boxes(name, tier.servers))


def boxes(name: str, count: int) -> list[str]:
    """Return the names of several boxes of a kind."""
    if count == 1:
        return [quoted(name)]
    return [quoted(f"{name} {k + 1}") for k in range(count)]
