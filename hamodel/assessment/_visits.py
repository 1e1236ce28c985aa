"""Parts as processes of visits: where they stay, how long, and where they go next.

Each part of a model is read with the whole laws of its times, not their means.  A state
is left by exponential clocks, and by at most one clock of another law (a failover, a
timeout, a repair that was given as a law), which starts when the state is entered; such
a process is semi-Markov, and the transforms of its sojourns are known.

Assumptions: of a clock that runs on from state to state what is left counts as if it
had run for an exponential time, of the mean that the chain of its part says; the first
of several clocks of a state is any of them, however late it comes; and clocks that are
much longer than another of their state count as exponential.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers, Quantity
from hamodel.architectures import Part
from hamodel.assessment._laws import flat, is_exponential, law_of, left_of, transform
from hamodel.duration import Duration, exponential, minimum
from hamodel.markov import steady_state

#: Where an event leads, with probabilities; and events by their clocks.
Outcomes: TypeAlias = list[tuple[Hashable, float]]
Events: TypeAlias = dict[str, tuple[Quantity, float, Outcomes]]

#: What a part shows, a view for each number.
Views: TypeAlias = tuple[Hashable, ...]

FRESH = 0.9  # share of the entries at which a clock must start anew
_LIKE = 100.0  # times as long: of two clocks the longer counts as exponential
_SLICES = 1024  # of a law


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """A time that is not exponential, and where it leads."""

    law: Quantity  # a Duration, or Stages of an event
    rate: float  # in 1/s, where it counts as exponential
    goals: FloatArray  # (n,) share of the outcomes by next state


@dataclass(frozen=True, kw_only=True, eq=False)
class Moves:
    """How n states are left, for each other or for what lies beyond them."""

    rates: FloatArray  # (n, m) exponential moves in 1/s, m >= n, diagonal 0
    clocks: Mapping[int, Clock] = field(default_factory=dict)  # by state

    @property
    def is_markov(self) -> bool:
        """Whether all times are exponential."""
        return not self.clocks

    @cached_property
    def goals(self) -> FloatArray:
        """Where the clocks lead, (n, m)."""
        found = np.zeros_like(self.rates)
        for i, clock in self.clocks.items():
            found[i] = clock.goals
        return found

    @cached_property
    def jumps(self) -> FloatArray:
        """Probabilities of the next state, (n, m)."""
        z = np.zeros((len(self.rates), 1))
        move, ring, _, _ = self.kernel(z)
        return np.asarray(move * self.rates + ring * self.goals)

    @cached_property
    def means(self) -> FloatArray:
        """Mean stay in s, (n,)."""
        out = self.rates.sum(axis=1)
        with np.errstate(divide="ignore"):
            found = np.asarray(1 / out)
        for i, clock in self.clocks.items():
            rings = transform(clock.law, out[i : i + 1])[0][0]
            mean = float(mean_of(clock.law))
            found[i] = (1 - rings) / out[i] if out[i] * mean > 1e-9 else mean
        return found

    @cached_property
    def pace(self) -> FloatArray:
        """Rates in 1/s of the chain of the same means, (n, m)."""
        if self.is_markov:
            return self.rates
        found: FloatArray = self.jumps / self.means[:, None]
        np.fill_diagonal(found, 0.0)
        return found

    def lasts(self, state: int) -> Quantity:
        """Return how long a state lasts, as its clock alone says if it has one."""
        if state in self.clocks:
            return self.clocks[state].law
        return _exponential(float(self.means[state]))

    def kernel(self, z: Numbers) -> tuple[Numbers, ...]:
        """Return what makes up the transforms of the moves, and their derivatives in z.

        `z` has the shape (n, k), and so have all answers.  The transforms are
        move * rates + ring * goals.  Clocks that are alike are transformed once.
        """
        out = self.rates.sum(axis=1)[:, None] + z
        ring, ring_slope = np.zeros_like(out), np.zeros_like(out)
        alike: dict[Hashable, dict[bytes, list[int]]] = {}
        for i, clock in self.clocks.items():
            law = getattr(clock.law, "of", (clock.law,))
            alike.setdefault(law, {}).setdefault(out[i].tobytes(), []).append(i)
        for rows in alike.values():
            first = [row[0] for row in rows.values()]
            found = transform(self.clocks[first[0]].law, out[first])
            for row, value, slope in zip(rows.values(), *found, strict=True):
                ring[row], ring_slope[row] = value, slope
        out[out == 0] = 1.0
        move = (1 - ring) / out
        return move, ring, -(move + ring_slope) / out, ring_slope


class Other(NamedTuple):
    """An outage of another part that begins with a visit, or follows it."""

    law: Quantity
    fails: float  # share of the requests
    begins: float  # chance that one begins with a visit
    after: frozenset[tuple[int, ...]]  # views that it follows


@lru_cache(maxsize=256)
def _exponential(mean: float) -> Duration:
    """Return the law, the same one for the same mean: laws are equal by identity."""
    return exponential(mean)


@dataclass(frozen=True, kw_only=True, eq=False)
class Process:
    """A part that moves between states for ever; equal if it moves and shows alike."""

    moves: Moves
    views: tuple[Hashable, ...]

    def __hash__(self) -> int:
        return hash(self._kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and self._kind == other._kind

    @cached_property
    def _kind(self) -> Hashable:
        m = self.moves
        laws = tuple((i, clock.law, clock.rate) for i, clock in m.clocks.items())
        return self.views, laws, m.rates.tobytes(), m.goals.tobytes()

    @cached_property
    def law(self) -> FloatArray:
        """Share of time in each state, (n,)."""
        if len(self.views) == 1:
            return np.ones(1)
        return self.entries * self.moves.means

    @cached_property
    def entries(self) -> FloatArray:
        """How often each state is entered, in 1/s, (n,)."""
        if len(self.views) == 1:
            return np.zeros(1)
        visits = np.asarray(steady_state(self.moves.jumps))  # back to itself, too
        shares: FloatArray = visits / (visits @ self.moves.means)
        return shares


def process_of(part: Part) -> Process:
    """Return a part as a process with the laws of its events."""
    states, happenings = _explored(part)
    index = {state: i for i, state in enumerate(states)}
    n = len(states)
    rates = np.zeros((n, n))
    timers: list[dict[str, Clock]] = [{} for _ in states]
    for i, events in enumerate(happenings):
        for name, (after, rate, outcomes) in events.items():
            goals = np.zeros(n)
            for to, share in outcomes:
                goals[index[to]] += share
            timers[i][name] = Clock(law=after, rate=rate, goals=goals)
            rates[i] += goals * rate
    views = tuple(part.view(state) for state in states)
    np.fill_diagonal(rates, 0.0)
    law = Process(moves=Moves(rates=rates), views=views).law
    names = {
        name
        for each in timers
        for name, clock in each.items()
        if not is_exponential(clock.law)
    }
    ages = {name: _ages(name, timers, rates, law) for name in sorted(names)}
    clocks, left = {}, rates.copy()
    for i in range(n):
        own = {name: clock for name, clock in timers[i].items() if name in names}
        if kept := _kept(own, {name: float(ages[name][i]) for name in own}):
            for name in kept:
                left[i] -= own[name].goals * own[name].rate
            clocks[i] = _race(list(kept.values()))
    np.fill_diagonal(left, 0.0)
    moves = Moves(rates=np.maximum(left, 0.0), clocks=clocks)
    return Process(moves=moves, views=views)


def _kept(clocks: Mapping[str, Clock], ages: Mapping[str, float]) -> dict[str, Clock]:
    """Return what is left of the clocks of a state: the shortest and those like it."""
    found = {
        name: replace(clock, law=left_of(clock.law, float(f"{ages[name]:.9g}")))
        for name, clock in clocks.items()
        if not is_exponential(clock.law)
    }
    means = {name: float(mean_of(clock.law)) for name, clock in found.items()}
    least = min(means.values(), default=0.0)
    return {k: clock for k, clock in found.items() if means[k] < _LIKE * least}


def _ages(
    name: str, timers: Sequence[Mapping[str, Clock]], rates: FloatArray, law: FloatArray
) -> FloatArray:
    """Return how long a clock has run on average when each state is entered, in s.

    It runs on where another event leads from a state in which it runs to another.
    """
    own = np.zeros_like(rates)
    for i, clocks in enumerate(timers):
        if name in clocks:
            own[i] = clocks[name].goals * clocks[name].rate
    laws = [clocks[name].law if name in clocks else None for clocks in timers]
    alike = [[one is not None and one == other for other in laws] for one in laws]
    flow = law[:, None] * rates
    onward = np.where(alike, flow - law[:, None] * own, 0.0)
    share = onward.T / np.maximum(flow.sum(axis=0), 1e-300)[:, None]
    stays = 1 / np.maximum(rates.sum(axis=1), 1e-300)
    ages: FloatArray = np.linalg.solve(np.eye(len(laws)) - share, share @ stays)
    return ages


def _race(clocks: Sequence[Clock]) -> Clock:
    """Return the first of some clocks as one, whichever of them it is."""
    if len(clocks) == 1:
        return clocks[0]
    law, shares = first_of(tuple(clock.law for clock in clocks))
    goals = sum(p * clock.goals for p, clock in zip(shares, clocks, strict=True))
    return Clock(law=law, rate=sum(clock.rate for clock in clocks), goals=goals)


@lru_cache(maxsize=256)
def first_of(times: tuple[Quantity, ...]) -> tuple[Duration, FloatArray]:
    """Return the law of the first of some times, and how often each is."""
    laws = [law_of(time) or exponential(mean_of(time)) for time in times]
    if len(laws) == 1:
        return laws[0], np.ones(1)
    shares, left = np.zeros(len(laws)), 1.0
    order = sorted(range(len(laws)), key=lambda k: float(laws[k].mean))
    for k in order[:-1]:
        shares[k] = min(_outlive(laws[k], laws[:k] + laws[k + 1 :]), left)
        left -= shares[k]
    shares[order[-1]] = left
    return flat(minimum(*laws), float(laws[order[0]].mean)), shares


def _outlive(law: Duration, others: Sequence[Duration]) -> float:
    """Return how often all others are longer."""
    at = _slices(law)
    return float(np.mean(math.prod(np.asarray(other.sf(at)) for other in others)))


@lru_cache(maxsize=256)
def _slices(law: Duration) -> FloatArray:
    """Return times that are as likely as each other."""
    return np.asarray(law.quantile((np.arange(_SLICES) + 0.5) / _SLICES))


def _explored(part: Part) -> tuple[list[Hashable], list[Events]]:
    """Return the states that last, and their events with instants passed through."""
    known: dict[Hashable, Events] = {}
    waiting = [part.start]
    while waiting:
        state = waiting.pop()
        if state in known:
            continue
        known[state] = _events(part, state)
        waiting += [
            to for _, _, outcomes in known[state].values() for to, _ in outcomes
        ]
    through = {s: _at_once(events) for s, events in known.items()}
    lasting = [s for s, goals in through.items() if goals is None]
    return lasting, [
        {
            name: (after, rate, _followed(outcomes, through))
            for name, (after, rate, outcomes) in known[s].items()
        }
        for s in lasting
    ]


def _events(part: Part, state: Hashable) -> Events:
    found: Events = {}
    for event, rate in part.timed(state):
        mean = mean_of(event.after)
        if np.ndim(mean) or np.ndim(event.share):
            raise ValueError("the downtime of one period needs single numbers")
        if not np.isfinite(mean):
            continue
        if event.clock not in found:
            found[event.clock] = _plain(event.after), float(rate), []
        found[event.clock][-1].append((event.to, float(event.share)))
    return found


def _plain(after: Quantity) -> Quantity:
    """Return the one random stage of stages of which all others take no time."""
    stages = [s for s in getattr(after, "of", ()) if mean_of(s) != 0]
    alone = len(stages) == 1 and hasattr(stages[0], "sample")
    alone &= not hasattr(after, "nth")  # which has more to say
    return stages[0] if alone else after


def _at_once(events: Events) -> Outcomes | None:
    """Return where a state that takes no time leads, or None if it lasts."""
    for after, _, outcomes in events.values():
        if mean_of(after) == 0:
            return list(outcomes)
    return None


def _followed(
    outcomes: Outcomes, through: Mapping[Hashable, Outcomes | None]
) -> Outcomes:
    found: Outcomes = []
    for to, share in outcomes:
        further = through[to]
        if further is None:
            found.append((to, share))
        else:
            found += [(s, share * p) for s, p in _followed(further, through)]
    return found
