"""Each part run alone: shares of time multiply, so that rare combinations are seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hamodel.architectures import OPERATIONS, Group, Model, Part
from hamodel.simulation._life import Costs, Outage, life, recovery

if TYPE_CHECKING:
    from simpy import Event


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measured:
    """A part whose share of time in each view has been measured."""

    name: str
    shares: Mapping[Hashable, float]

    def views(self) -> Mapping[Hashable, float]:
        return self.shares


def apart(
    model: Model, length: float, rng: np.random.Generator, clients: Mapping[str, float]
) -> tuple[dict[str, Costs], list[Outage]]:
    """Run each part alone and multiply.

    A cluster is a time in which one part is away; it costs what it adds while the
    others are as they were measured to be.  A part that never was away counts in the
    costs of others as if it had been once.
    """
    stays = {part.name: _stays(part, length, rng) for part in model.leaves()}
    shares = {name: _shares(found, length) for name, found in stays.items()}
    padded = {
        part.name: _padded(part, shares[part.name], length) for part in model.leaves()
    }
    each: dict[str, dict[str, list[float]]] = {o: defaultdict(list) for o in OPERATIONS}
    unseen = dict.fromkeys(OPERATIONS, 0.0)
    for part in model.leaves():
        well = part.view(part.start)
        at = {
            view: _downtime(model, {**padded, part.name: {view: 1.0}}, clients)
            for view in {well, *part.views()}
        }
        for operation in OPERATIONS:
            more = {v: _more(at[v][operation], at[well][operation]) for v in at}
            worst = max(causes[""] for causes in more.values())
            unseen[operation] = max(unseen[operation], 2 * recovery(part) * worst)
            for cluster in _clusters(stays[part.name], more):
                for cause, cost in cluster.items():
                    each[operation][cause].append(cost)
    found = _downtime(model, shares, clients)
    return {
        operation: Costs(_totals(found[operation], length), rows, unseen[operation])
        for operation, rows in each.items()
    }, []


def _totals(causes: Mapping[str, float], length: float) -> dict[str, float]:
    totals = {cause: share * length for cause, share in causes.items()}
    return {"": sum(totals.values()), **totals}


def _more(causes: Mapping[str, float], well: Mapping[str, float]) -> dict[str, float]:
    """Return by how much more often requests fail, by cause."""
    every = {*causes, *well}
    more = {cause: causes.get(cause, 0.0) - well.get(cause, 0.0) for cause in every}
    return {"": sum(more.values()), **more}


def _clusters(
    stays: list[tuple[Hashable, float]], more: Mapping[Hashable, Mapping[str, float]]
) -> Iterator[dict[str, float]]:
    """Yield what each time costs in which a part hurts anybody, by cause."""
    worst = {
        view: max(map(abs, causes.values()), default=0.0)
        for view, causes in more.items()
    }
    least = 1e-6 * max(worst.values())
    cluster: dict[str, float] = {}
    for view, time in stays:
        if worst[view] <= least:
            if cluster:
                yield cluster
            cluster = {}
            continue
        for cause, extra in more[view].items():
            cluster[cause] = cluster.get(cause, 0.0) + extra * time
    if cluster:
        yield cluster


def _downtime(
    model: Model,
    shares: Mapping[str, Mapping[Hashable, float]],
    clients: Mapping[str, float],
) -> dict[str, dict[str, float]]:
    """Return the unavailability by cause if parts show views for these shares."""
    seen = {name: _Measured(name=name, shares=s) for name, s in shares.items()}
    parts = tuple(
        replace(part, parts=tuple(seen[leaf.name] for leaf in part.parts))
        if isinstance(part, Group)
        else seen[part.name]
        for part in model.parts
    )
    return replace(model, parts=parts).downtime(clients)


def _shares(
    stays: list[tuple[Hashable, float]], length: float
) -> dict[Hashable, float]:
    found: dict[Hashable, float] = defaultdict(float)
    for view, time in stays:
        found[view] += time / length
    return dict(found)


def _padded(
    part: Part, shares: Mapping[Hashable, float], length: float
) -> dict[Hashable, float]:
    """Return shares of time in which each view has been met once at least."""
    padded = {view: recovery(part) / length for view in part.views()}
    padded.update({view: share for view, share in shares.items() if share > 0})
    total = sum(padded.values())
    return {view: share / total for view, share in padded.items()}


def _stays(
    part: Part, length: float, rng: np.random.Generator
) -> list[tuple[Hashable, float]]:
    """Return the views that a part shows, one after the other, and for how long."""
    import simpy

    env = simpy.Environment()
    found: list[tuple[Hashable, float]] = []

    def live() -> Generator[Event, None, None]:
        state, since = part.start, 0.0
        for wait, after in life(env, part, rng):
            yield wait
            found.append((part.view(state), min(env.now, length) - since))
            state, since = after, env.now
        found.append((part.view(state), length - since))

    env.process(live())
    env.run(until=length * (1 + 1e-9))
    missing = length - sum(time for _, time in found)
    found.append((part.view(part.start), missing))
    return found
