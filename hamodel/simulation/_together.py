"""All parts run on one clock, and every moment judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Hashable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hamodel.architectures import OPERATIONS, Group, Model, Part, Viewed
from hamodel.simulation._life import Costs, Outage, life, recovery

if TYPE_CHECKING:
    from simpy import Event


def together(
    model: Model, length: float, rng: np.random.Generator, clients: Mapping[str, float]
) -> tuple[dict[str, Costs], list[Outage]]:
    """Run all parts on one clock and judge every moment."""
    watch = watched(model, length, rng, clients)
    unseen = 2 * max(map(recovery, model.leaves()))
    return {
        operation: Costs({cause: sum(row) for cause, row in each.items()}, each, unseen)
        for operation, each in watch.costs.items()
    }, watch.outages


def watched(
    model: Model, length: float, rng: np.random.Generator, clients: Mapping[str, float]
) -> Watch:
    """Run all parts on one clock and return what was noted."""
    import simpy

    env = simpy.Environment()
    watch = Watch(model, length, clients)

    def live(part: Part) -> Generator[Event, None, None]:
        watch.now(part, part.start, 0.0)
        for wait, after in life(env, part, rng):
            yield wait
            if env.now < length:
                watch.now(part, after, env.now)

    for part in model.leaves():
        env.process(live(part))
    env.run(until=length)
    watch.close()
    return watch


class Watch:
    """What clients find as the views of the parts change."""

    def __init__(
        self, model: Model, length: float, clients: Mapping[str, float]
    ) -> None:
        self.model, self.length, self.clients = model, length, clients
        self.views: dict[str, Hashable] = {}
        self.expected = len(model.leaves())
        self.down: dict[tuple[str, str], tuple[str, float, float, str]] = {}
        self.verdicts: dict[Hashable, dict[tuple[str, str], str]] = {}
        self.outages: list[Outage] = []
        self.costs: dict[str, dict[str, list[float]]] = {
            o: {"": []} for o in OPERATIONS
        }
        self.open: dict[str, dict[str, float]] = {}  # cost so far, by cause
        self.moves: list[tuple[float, str, Hashable]] = []  # when, which part, its view

    def now(self, part: Part, state: Hashable, time: float) -> None:
        """Take note that a part has come into a state."""
        view = part.view(state)
        if self.views.get(part.name) == view:
            return
        self.views[part.name] = view
        self.moves.append((time, part.name, view))
        if len(self.views) == self.expected:
            for who, cause in self._judged().items():
                self._note(who, cause, time)

    def _judged(self) -> dict[tuple[str, str], str]:
        key = tuple(self.views.items())
        if key not in self.verdicts:
            self.verdicts[key] = self._judge()
        return self.verdicts[key]

    def _judge(self) -> dict[tuple[str, str], str]:
        found = {}
        for site in self.clients:
            seen = self.model.nothing
            for part in self.model.parts:
                seen = self.model.absorb(seen, site, part.name, self._view(part))
            for operation in OPERATIONS:
                cause = self.model.verdict(seen, site, operation).cause
                found[site, operation] = cause
        return found

    def _view(self, part: Viewed) -> Hashable:
        if isinstance(part, Group):
            return part.combine(*(self.views[leaf.name] for leaf in part.parts))
        return self.views[part.name]

    def _note(self, who: tuple[str, str], cause: str, time: float) -> None:
        before = self.down.get(who)
        if before is not None:
            if before[0] == cause:
                return
            self._charge(who, before[0], before[1], time)
        if cause and before is not None:
            self.down[who] = cause, time, before[2], before[3]
        elif cause:
            self.down[who] = cause, time, time, cause
        elif before is not None:
            del self.down[who]
            site, operation = who
            self.outages.append(
                Outage(before[2], time - before[2], site, operation, before[3])
            )
            if not any(other == operation for _, other in self.down):
                self._shut(operation)

    def _charge(
        self, who: tuple[str, str], cause: str, since: float, until: float
    ) -> None:
        site, operation = who
        cluster = self.open.setdefault(operation, defaultdict(float))
        cluster[cause] += (until - since) * self.clients[site]

    def _shut(self, operation: str) -> None:
        """End a cluster: everybody is served."""
        cluster = self.open.pop(operation, {})
        if cluster:
            self.costs[operation][""].append(sum(cluster.values()))
        for cause, cost in cluster.items():
            self.costs[operation].setdefault(cause, []).append(cost)

    def close(self) -> None:
        """Charge what is still down at the end."""
        for who, (cause, since, _, _) in self.down.items():
            self._charge(who, cause, since, self.length)
        for operation in OPERATIONS:
            self._shut(operation)
