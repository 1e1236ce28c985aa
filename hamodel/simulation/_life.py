"""One part lived through, event by event, and what is recorded of it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import Quantity
from hamodel.architectures import Part

if TYPE_CHECKING:
    from simpy import Environment, Event


class Costs(NamedTuple):
    """What one operation costs in a run, by cause; "" is all causes together."""

    total: Mapping[str, float]  # s
    each: Mapping[str, list[float]]  # of the clusters that make it vary, s
    unseen: float  # what a cluster that was not seen may cost, s


class Outage(NamedTuple):
    """A time in which clients of a site could not do something."""

    start: float  # s since the start of the run
    length: float  # s
    site: str
    operation: str
    cause: str  # at its start


class _Clock(NamedTuple):
    rings: float  # when
    after: Quantity  # the time that it measures


def life(
    env: Environment, part: Part, rng: np.random.Generator
) -> Iterator[tuple[Event, Hashable]]:
    """Live through the events of a part: yield what to wait for, then the new state."""
    state = part.start
    known: dict[Hashable, dict[str, tuple[Quantity, list[Hashable], list[float]]]] = {}
    clocks: dict[str, _Clock] = {}
    while True:
        if state not in known:
            known[state] = _possible(part, state)
        events = known[state]
        running: dict[str, _Clock] = {}
        for name, (after, _, _) in events.items():
            clock = clocks.get(name)
            if clock is None or clock.after != after:
                clock = _Clock(env.now + _draw(after, rng), after)
            running[name] = clock
        if not running:
            return
        name = min(running, key=lambda n: running[n].rings)
        wait = running[name].rings - env.now
        if math.isinf(wait):
            return
        _, goals, shares = events[name]
        pick = 0 if len(goals) == 1 else int(rng.choice(len(goals), p=shares))
        yield env.timeout(max(wait, 0.0)), goals[pick]
        clocks = {n: c for n, c in running.items() if n != name}
        state = goals[pick]


def _possible(
    part: Part, state: Hashable
) -> dict[str, tuple[Quantity, list[Hashable], list[float]]]:
    """Return the clocks that run in a state, each with its outcomes and shares."""
    found: dict[str, tuple[Quantity, list[Hashable], list[float]]] = {}
    for event in part.events(state):
        if event.share == 0:
            continue
        _, goals, shares = found.setdefault(event.clock, (event.after, [], []))
        goals.append(event.to)
        shares.append(float(event.share))
    return found


def _draw(after: Quantity, rng: np.random.Generator) -> float:  # a number or a Duration
    if hasattr(after, "sample"):
        return float(after.sample(1, rng)[0])
    mean = float(after)
    return mean if mean in {0.0, math.inf} else float(rng.exponential(mean))


def recovery(part: Part) -> float:
    """Return the mean of the longest wait of a part for what mends it, in s.

    What cannot happen where all is well, and comes sooner than a failure does, mends.
    """
    failures = {event.clock for event in part.events(part.start)}
    chain = part.chain()
    start = sum(
        float(rate) for (state, _), rate in chain.rates.items() if state == part.start
    )
    waits = [
        float(mean_of(event.after))
        for state in chain.states
        for event in part.events(state)
        if event.clock not in failures and event.share
    ]
    return max((wait for wait in waits if wait * start < 1), default=0.0)
