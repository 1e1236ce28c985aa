"""Which share of the requests fails, by what all parts show."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from hamodel._types import FloatArray, State
from hamodel.architectures import HOME, Along, Group, Model, Part, Viewed
from hamodel.assessment._lumping import numbered
from hamodel.assessment._visits import Process, Views, process_of
from hamodel.assessment.availability import Found, failing
from hamodel.assessment.latency import Paths


@dataclass(frozen=True, eq=False)
class Shares:
    """Which share of the requests fails, by what the parts show."""

    model: Model
    clients: Mapping[str, float]
    fails: Callable[[State, str], float]  # of what a client knows, and its site
    leaves: tuple[Part, ...]
    views: tuple[Views, ...]  # of each leaf, that of all well first
    laws: tuple[FloatArray, ...]  # share of time of each view
    known: dict[tuple[str, tuple[int, ...]], State]  # what clients know, so far
    along: tuple[int, Along] | None  # of the leaf whose outages come with others
    made: dict[Hashable, float] = field(default_factory=dict)

    def of(self, shown: dict[int, int]) -> float:
        """Return the share where some leaves show another view, by its number.

        Where a key has its home does not change with time: it is averaged.
        """
        for i, leaf in enumerate(self.leaves):
            if leaf.name == HOME and i not in shown:
                each = [self.of({**shown, i: k}) for k in range(len(self.views[i]))]
                return float(self.laws[i] @ each)
        numbers = tuple(shown.get(i, 0) for i in range(len(self.leaves)))
        total = 0.0
        for client, share in self.clients.items():
            total += share * self._failing(self._seen(client, numbers), client)
        return total

    def leads_on(self, shown: dict[int, int]) -> bool:
        """Tell whether another outage follows what some leaves show."""
        numbers = tuple(shown.get(i, 0) for i in range(len(self.leaves)))
        return self.along is not None and any(
            self.along[1].after(self._seen(client, numbers)) for client in self.clients
        )

    def voters(self, shown: dict[int, int]) -> int:
        """Return how many copies could lead, by what some leaves show."""
        numbers = tuple(shown.get(i, 0) for i in range(len(self.leaves)))
        if self.along is None:
            return 0
        return self.along[1].voters(self._seen(next(iter(self.clients)), numbers))

    def again(self, leaves: tuple[int, ...]) -> tuple[float, float] | None:
        """Return how outages of a leaf that come with others follow one another."""
        if self.along is None or leaves != (self.along[0],):
            return None
        return self.along[1].again

    def _seen(self, client: str, numbers: tuple[int, ...]) -> State:
        """Return what a client knows; combinations that begin alike share that part."""
        seen, end = self.model.nothing, 0
        for part in self.model.parts:
            first, end = end, end + len(getattr(part, "parts", (part,)))
            key = client, numbers[:end]
            if key not in self.known:
                views = {
                    self.leaves[i].name: self.views[i][numbers[i]]
                    for i in range(first, end)
                }
                view = _view(part, views)
                self.known[key] = self.model.absorb(seen, client, part.name, view)
            seen = self.known[key]
        return seen

    def _failing(self, seen: Hashable, client: str) -> float:
        key = seen, client
        if key not in self.made:
            self.made[key] = self.fails(seen, client)
        return self.made[key]


def known(model: Model, client: str) -> State:
    """Return what a client knows when all is well."""
    views = {leaf.name: leaf.view(leaf.start) for leaf in model.leaves()}
    seen = model.nothing
    for part in model.parts:
        seen = model.absorb(seen, client, part.name, _view(part, views))
    return seen


def _view(part: Viewed, views: dict[str, Hashable]) -> Hashable:
    if isinstance(part, Group):
        return part.combine(*(views[leaf.name] for leaf in part.parts))
    return views[part.name]


def shares_by_operation(
    paths: Paths, model: Model, operation: str
) -> tuple[Shares, list[Process]]:
    """Return which share of an operation fails, and how the parts move."""

    def fails(seen: Hashable, client: str) -> float:
        case = Found(client, seen, 1.0, model.verdict(seen, client, operation))
        return float(sum(part for _, part in failing(paths, case, operation)))

    return shares_of(model, asked(paths, model), fails)


def asked(paths: Paths, model: Model) -> dict[str, float]:
    """Return the share of the requests of each site that has clients."""
    found = paths.behaviour.workload.shares(model.sites)
    return {site: float(share) for site, share in found.items() if share > 0}


def shares_of(
    model: Model, clients: Mapping[str, float], fails: Callable[[State, str], float]
) -> tuple[Shares, list[Process]]:
    """Return which share fails by what the parts show, and how the parts move."""
    leaves, processes, views, along = _moving(model)
    laws = tuple(
        np.bincount(numbered(v, p), weights=p.law).astype(float)
        for v, p in zip(views, processes, strict=True)
    )
    combining = tuple(
        (p.name, getattr(p, "combine", None), len(getattr(p, "parts", ())))
        for p in model.parts
    )
    known = _known(model.absorb, model.nothing, combining, views)
    shares = Shares(model, clients, fails, leaves, views, laws, known, along)
    return shares, [*processes]


@lru_cache(maxsize=16)
def _known(*shape: Hashable) -> dict[tuple[str, tuple[int, ...]], State]:
    """Return the place for what clients know: models of one shape share it."""
    del shape
    return {}


@lru_cache(maxsize=16)
def _moving(
    model: Model,
) -> tuple[
    tuple[Part, ...],
    tuple[Process, ...],
    tuple[Views, ...],
    tuple[int, Along] | None,
]:
    """Return all leaves, the process of each and its views, that of all well first.

    Equal kinds are read once, and once for reads and writes.  Of a leaf whose outages
    come with others, the last answer, the process has those that come alone.
    """
    made: dict[Hashable, Process] = {}
    leaves, along = model.leaves(), None
    for i, leaf in enumerate(leaves):
        if leaf.along is not None:
            along = i, leaf.along()
            made[leaf.kind] = process_of(along[1].alone)
        elif leaf.kind not in made:
            made[leaf.kind] = process_of(leaf)
    processes = tuple(made[leaf.kind] for leaf in leaves)
    firsts = [leaf.view(leaf.start) for leaf in leaves]
    views = [
        tuple(dict.fromkeys((first, *p.views)))
        for first, p in zip(firsts, processes, strict=True)
    ]
    return leaves, processes, tuple(views), along


def moves(leaf: Part, process: Process) -> bool:
    return len(process.views) > 1 and leaf.name != HOME
