"""Parts as processes of visits: where they stay, how long, and where they go next.

Each part of a model is read with the whole laws of its times, not their means.  A state
is left by exponential clocks, and by at most one clock of another law (a failover, a
timeout, a repair that was given as a law), which starts when the state is entered; such
a process is semi-Markov, and the transforms of its sojourns are known.

Assumption: a clock that runs on from state to state, or beside another of another law,
counts as exponential, at the rate that it has in the chain of its part; that is exact
where its law is exponential.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers, Quantity
from hamodel.architectures import Part
from hamodel.duration import Duration, constant
from hamodel.markov import steady_state

#: Where an event leads, with probabilities; and events by their clocks.
Outcomes: TypeAlias = list[tuple[Hashable, float]]
Events: TypeAlias = dict[str, tuple[Quantity, float, Outcomes]]

FRESH = 0.9  # share of the entries at which a clock must start anew
_NARROW = 1024  # stages of the gamma law that stands for a constant: it varies by 3 %
_BLUNT = 1024  # and of those whose mixture stands for another law
_CACHED = 4096  # complex numbers that stay near the processor
_LEVELS = np.concatenate(  # of a law's tail, between the parts of the mixture
    [np.linspace(1, 0.1, 31), 0.1 * 10 ** (-np.arange(1, 65) / 8)]
)


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
        jumps = self.moves.jumps
        visits = np.asarray(steady_state(jumps - np.diag(np.diag(jumps))))
        visits = visits / (1 - np.diag(jumps))
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
    flow = Process(moves=Moves(rates=rates), views=views).law[:, None] * rates
    clocks = {}
    for i in range(n):
        name = _general(i, timers, flow)
        if name:
            clock = clocks[i] = timers[i][name]
            rates[i] -= clock.goals * clock.rate
    np.fill_diagonal(rates, 0.0)
    moves = Moves(rates=np.maximum(rates, 0.0), clocks=clocks)
    return Process(moves=moves, views=views)


def _general(i: int, timers: Sequence[Mapping[str, Clock]], flow: FloatArray) -> str:
    """Return the clock of a state that keeps its law: the shortest of those anew."""
    found = []
    for name, clock in timers[i].items():
        if is_exponential(clock.law):
            continue
        running = [
            j != i and name in timers[j] and timers[j][name].law == clock.law
            for j in range(len(timers))
        ]
        if flow[running, i].sum() <= (1 - FRESH) * flow[:, i].sum():
            found.append((float(mean_of(clock.law)), name))
    return min(found)[1] if found else ""


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


def is_exponential(after: Quantity) -> bool:
    """Tell whether a time of an event is exponential: a plain number is a mean."""
    if not hasattr(after, "sample"):
        return True
    if not hasattr(after, "sf"):
        return False
    mean = float(after.mean)
    times = mean * np.array([0.5, 1.0, 3.0])
    return bool(np.allclose(after.sf(times), np.exp(-times / mean), rtol=1e-9))


def transform(law: Quantity, s: Numbers) -> tuple[Numbers, Numbers]:
    """Return E exp(-s X) of an event's time, and its derivative.

    A jump of a distribution takes thousands of terms to invert, so a constant is read
    as a gamma law that varies by 3 %, and others as mixtures of such laws.
    """
    points = np.atleast_1d(s).ravel()
    value = np.ones(points.shape, np.result_type(s, float))
    change = np.zeros_like(value)
    for part in getattr(law, "of", (law,)):
        times, weights, stages = _mixture(part)
        once, shares = times / stages, np.stack([weights, -weights * times], axis=1)
        rows = max(_CACHED // len(times), 1)
        for first in range(0, len(points), rows):
            here = slice(first, first + rows)
            shorter = np.reciprocal(1 + np.multiply.outer(points[here], once))
            each = _power(shorter.copy(), stages)
            own = each @ shares[:, 0]
            slope = np.multiply(each, shorter, out=each) @ shares[:, 1]
            change[here] = change[here] * own + value[here] * slope
            value[here] *= own
    return value.reshape(np.shape(s)), change.reshape(np.shape(s))


def _power(x: Numbers, n: int) -> Numbers:
    """Return x to the n, by squaring in place: quicker than by logarithms."""
    found = x.copy() if n & 1 else np.ones_like(x)
    while n := n >> 1:
        np.multiply(x, x, out=x)
        if n & 1:
            np.multiply(found, x, out=found)
    return found


@lru_cache(maxsize=256)
def _mixture(time: Quantity) -> tuple[FloatArray, FloatArray, int]:
    """Return the means and weights of gamma laws, and how many stages each has."""
    mean = float(mean_of(time))
    if not hasattr(time, "sample") or float(time.var) == 0:
        return np.array([mean]), np.ones(1), _NARROW
    if is_exponential(time):
        return np.array([mean]), np.ones(1), 1
    middle = (_LEVELS[:-1] + _LEVELS[1:]) / 2
    times = np.asarray(time.quantile(1 - np.append(middle, _LEVELS[-1] / 2)), float)
    weights = np.append(-np.diff(_LEVELS), _LEVELS[-1])
    alike = np.floor(np.log(np.maximum(times, 1e-9 * mean)) * _BLUNT**0.5)
    _, group = np.unique(alike, return_inverse=True)
    merged: FloatArray = np.bincount(group, weights=weights).astype(float)
    times = np.bincount(group, weights=weights * times) / merged
    times *= mean / float(times @ merged)
    # the gamma laws vary by themselves: their means vary by so much less
    spread, own = float(merged @ (times - mean) ** 2), float(merged @ times**2) / _BLUNT
    if own < time.var < np.inf and spread > 0:
        less = min(((time.var - own) / (spread + spread / _BLUNT)) ** 0.5, 1.0)
        times = mean + less * (times - mean)
    return times, merged, _BLUNT


@lru_cache(maxsize=256)
def law_of(time: Quantity) -> Duration | None:
    """Return an event's time as a law; None if its transform is exact."""
    if is_exponential(time):
        return None
    return sum(map(_as_law, getattr(time, "of", (time,))), start=constant(0.0))


def _as_law(stage: Quantity) -> Duration:
    """Return a stage as a law: a number is constant, a race is asked for its law."""
    if isinstance(stage, Duration):
        return stage
    if hasattr(stage, "sample"):
        law: Duration = stage.law
        return law
    return constant(float(mean_of(stage)))
