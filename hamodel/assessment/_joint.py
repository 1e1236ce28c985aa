"""The joint states of a few independent parts that fail requests, as visits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity
from hamodel.assessment._adding import Stream
from hamodel.assessment._calendar import calendar_of
from hamodel.assessment._following import Pairs, pairs_of
from hamodel.assessment._kinds import Visits
from hamodel.assessment._laws import (
    flat,
    is_exponential,
    left_of,
    outlasted,
    outlasting,
)
from hamodel.assessment._lumping import members, numbered, rounded
from hamodel.assessment._visits import (
    FRESH,
    Clock,
    Moves,
    Other,
    Process,
    Views,
    first_of,
)
from hamodel.assessment._whole import Whole
from hamodel.duration import (
    Duration,
    mixture,
    order_statistic,
)

SMALL = 24  # states of a joint chain that is taken as it is
_NEVER = 1e-9  # a share that is none
_HARDLY = 1e-8  # of a stream's downtime, or moves: of states that are left out


def _alone(part: Process, states: dict[tuple[int, ...], float]) -> Whole:
    """Return a part as it is, if its times are exponential."""
    fails = np.zeros(len(part.views))
    for (state,), more in states.items():
        fails[state] = more
    return Whole(rates=part.moves.rates, law=part.law, fails=fails)


@lru_cache(maxsize=32)
def stream_of(
    shown_by: tuple[tuple[Process, Views], ...],
    failing_views: tuple[tuple[tuple[int, ...], float], ...],
    other: Other | None,
    again: tuple[float, float] | None = None,
    *,
    visits: bool,
) -> Stream:
    """Return the stream of visits to the joint states that fail more.

    A small chain is taken as it is, unless visits are asked for, or `again` tells of
    those to one state how they follow one another: how many more in 1/s than by chance,
    and for how long.  Made once for reads and writes, and for systems that differ
    elsewhere.
    """
    parts, fails = [part for part, _ in shown_by], dict(failing_views)
    numbers = [numbered(views, part) for part, views in shown_by]
    states, after = {}, set()
    for state in product(*(range(len(p.views)) for p in parts)):
        shown = tuple(n[s] for n, s in zip(numbers, state, strict=True))
        if shown in fails:
            states[state] = fails[shown]
            if other is not None and shown in other.after:
                after.add(state)
    if len(parts) == 1:
        calendar = calendar_of(parts[0], states, other, after)
        if calendar is not None:
            return calendar
        small = len(parts[0].views) <= SMALL and not visits
        small &= other is None and again is None
        if small and parts[0].moves.is_markov:
            return _alone(parts[0], states)
    states = _frequent(parts, states)
    found = _visits(parts, states)
    if other is not None:
        found = _with_other(found, other, np.array([s in after for s in states]))
    return _fused(_merged(_following(found, again)))


def _following(visits: Visits, again: tuple[float, float] | None) -> Visits:
    """Return visits to one state that follow one another as is told."""
    if again is None:
        return visits
    more, lasts = again
    return replace(visits, pairs=Pairs(np.array([[more]]), lasts))


def _frequent(
    parts: Sequence[Process], states: dict[tuple[int, ...], float]
) -> dict[tuple[int, ...], float]:
    """Return the states without those that hardly fail requests, or lead to others.

    By Markov's inequality the chance of a downtime changes by no more than what they
    take of the expected one, as a share of that downtime.
    """
    law, pace = np.array(list(states.values())), np.zeros(len(states))
    for part, at in zip(parts, np.array(list(states)).T, strict=True):
        law *= part.law[at]
        pace += 1 / part.moves.means[at]
    kept = np.zeros(len(law), bool)
    for each in (law, law * pace):
        order = np.argsort(each)
        kept[order] |= np.cumsum(each[order]) >= _HARDLY * each.sum()
    return {s: fails for (s, fails), k in zip(states.items(), kept, strict=True) if k}


def _visits(parts: Sequence[Process], states: dict[tuple[int, ...], float]) -> Visits:
    """Return the visits of independent parts to some of their joint states."""
    index = {state: k for k, state in enumerate(states)}
    n = len(index)
    rates = np.zeros((n, n + 1))
    clocks: dict[int, Clock] = {}
    begins, entries = np.zeros(n), np.zeros(n)

    @cache
    def leads(p: int, before: tuple[int, ...], after: tuple[int, ...]) -> FloatArray:
        near = [(*before, i, *after) for i in range(len(parts[p].views))]
        found = np.zeros((len(near), n + 1))
        found[range(len(near)), [index.get(other, n) for other in near]] = 1.0
        return found

    for state, k in index.items():
        laws = [float(part.law[s]) for part, s in zip(parts, state, strict=True)]
        timers: list[tuple[float, Clock]] = []
        for p, part in enumerate(parts):
            goals = leads(p, state[:p], state[p + 1 :])
            others = math.prod(laws[:p] + laws[p + 1 :])
            flows = part.entries * part.moves.jumps[:, state[p]] * others
            entries[k] += flows.sum()
            begins[k] += flows @ goals[:, n]
            rates[k] += part.moves.rates[state[p]] @ goals
            if (clock := part.moves.clocks.get(state[p])) is not None:
                timer = replace(clock, goals=clock.goals @ goals)
                timers.append((flows.sum(), timer))
        _wind(k, timers, entries[k], rates, clocks)
    fails = np.array(list(states.values()))
    moves = Moves(rates=rates, clocks=clocks)
    return Visits(
        moves=moves,
        begins=begins,
        entries=entries,
        fails=fails,
        pairs=pairs_of(parts, tuple(states)),
    )


def _with_other(visits: Visits, other: Other, after: NDArray[np.bool_]) -> Visits:
    """Return visits with the outage that begins with them, or follows.

    The last state is one that follows.  For each state in which one may begin there are
    three more: one that the state outlasts, what is left of it then, and one that is
    longer than the state.
    """
    n, moves = len(after), visits.moves
    both = np.flatnonzero(~after & (visits.begins * other.begins > 0)).tolist()
    last = n + 3 * len(both)
    to = np.eye(n + 1, last + 2)  # where the old states are among the new ones
    to[n] = np.eye(last + 2)[-1]
    follows = to.copy()
    follows[n] = np.eye(last + 2)[last]
    rates = np.zeros((last + 1, last + 2))
    rates[:n] = np.where(after[:, None], moves.rates @ follows, moves.rates @ to)
    clocks = {
        k: replace(clock, goals=clock.goals @ (follows if after[k] else to))
        for k, clock in moves.clocks.items()
    }
    fails = np.append(visits.fails, np.full(last + 1 - n, other.fails))
    entries = np.append(visits.entries, np.zeros(last + 1 - n))
    begins = np.eye(n, last + 1)
    for k, now in zip(both, range(n, last, 3), strict=True):
        left, late = now + 1, now + 2
        stays, rest = outlasting(moves.lasts(k), other.law)
        shorter, longer = outlasted(other.law, moves.lasts(k))
        _take(shorter, now, np.eye(last + 2)[left], rates, clocks)
        _take(longer, late, moves.jumps[k] @ to, rates, clocks)
        rates[left], fails[left] = rates[k], fails[k]
        if k in clocks:
            clocks[left] = replace(clocks[k], law=rest)
        which = other.begins * np.array([stays, 1 - stays])
        begins[k, [k, now, late]] = 1 - other.begins, *which
        entries[[now, late]] = visits.begins[k] * which
        entries[left] = entries[now]
        entries[k] -= entries[now] + entries[late]
    _take(other.law, last, np.eye(last + 2)[-1], rates, clocks)
    found = Moves(rates=rates, clocks=clocks)
    entries[last] = entries[:last] @ found.jumps[:last, last]
    pairs = visits.pairs
    return Visits(
        moves=found,
        begins=visits.begins @ begins,
        entries=entries,
        fails=fails,
        pairs=pairs and pairs.onto(begins),
    )


def _take(
    law: Quantity,
    k: int,
    goals: FloatArray,
    rates: FloatArray,
    clocks: dict[int, Clock],
) -> None:
    """Let a state last as long as a law says, and lead to some goals."""
    rate = 1 / float(mean_of(law))
    if is_exponential(law):
        rates[k] = rate * goals
    else:
        clocks[k] = Clock(law=law, rate=rate, goals=goals)


def _wind(
    k: int,
    timers: list[tuple[float, Clock]],
    entries: float,
    rates: FloatArray,
    clocks: dict[int, Clock],
) -> None:
    """Keep the clock that starts with a state, if one does; others are exponential.

    If some run before it, the first of all is kept.
    """
    kept = next((clock for flow, clock in timers if flow >= FRESH * entries), None)
    if kept is None and timers:
        # systems of like parts come here in any order of theirs
        timers = sorted(timers, key=lambda timer: (timer[1].rate, timer[0]))
        shares = tuple(round(flow / entries, 12) for flow, _ in timers)
        law, firsts = _first(shares, tuple(clock.law for _, clock in timers))
        goals = sum(
            p * clock.goals for p, (_, clock) in zip(firsts, timers, strict=True)
        )
        rate = sum(clock.rate for _, clock in timers)
        clocks[k] = Clock(law=law, rate=rate, goals=goals)
        return
    for _, clock in timers:
        if clock is kept:
            clocks[k] = clock
        else:
            rates[k] += clock.goals * clock.rate


@lru_cache(maxsize=256)
def _first(
    shares: tuple[float, ...], times: tuple[Quantity, ...]
) -> tuple[Duration, FloatArray]:
    """Return the first of times that run already, but for one, and how often each is.

    `shares` tell how often each of them is the one that begins.  Those that run are
    seen at a random moment.
    """
    left = [left_of(time, float(mean_of(time))) for time in times]
    ways: dict[tuple[Quantity, ...], float] = defaultdict(float)
    for i, share in enumerate((*shares, max(1 - sum(shares), 0.0))):
        if share > _NEVER:
            ways[*left[:i], *times[i : i + 1], *left[i + 1 :]] += share
    weights = np.array(list(ways.values())) / sum(ways.values())
    laws, firsts = zip(*map(first_of, ways), strict=True)
    law = flat(mixture(weights.tolist(), laws), min(float(law.mean) for law in laws))
    return law, weights @ np.array(firsts)


def _merged(visits: Visits) -> Visits:
    """Return visits with states that are alike as one."""
    n, moves = len(visits.fails), visits.moves
    laws: list[Quantity] = []
    clock, goals = np.zeros(n), np.zeros((n, n + 1))
    for k, timer in moves.clocks.items():
        if timer.law not in laws:
            laws.append(timer.law)
        clock[k], goals[k] = 1 + laws.index(timer.law), timer.goals
    blocks = np.unique(
        np.column_stack([rounded(visits.fails), clock]), axis=0, return_inverse=True
    )[1].ravel()
    while True:
        member = members(np.append(blocks, blocks.max() + 1))
        into = moves.rates @ member
        into[np.arange(n), blocks] = 0.0
        signs = np.column_stack([blocks, rounded(into), rounded(goals @ member)])
        finer = np.unique(signs, axis=0, return_inverse=True)[1].ravel()
        if finer.max() == blocks.max():
            break
        blocks = finer
    first = np.unique(blocks, return_index=True)[1]
    into[np.arange(n), blocks] = 0.0
    inner = member[:n, :-1]
    merged = Moves(
        rates=into[first],
        clocks={
            b: replace(moves.clocks[k], goals=goals[k] @ member)
            for b, k in enumerate(first)
            if k in moves.clocks
        },
    )
    law = (visits.entries * moves.means) @ inner
    return Visits(
        moves=merged,
        begins=visits.begins @ inner,
        entries=law / merged.means,  # moves within a state are none
        fails=visits.fails[first],
        pairs=visits.pairs and visits.pairs.onto(inner),
    )


def _fused(visits: Visits) -> Visits:
    """Return visits in which repairs that began together are waited for at once.

    Times between them are not independent: where one leads to the next, and as much
    fails, the state that they begin in lasts until the later one.
    """
    moves, entries = visits.moves, visits.entries.copy()
    clocks, n = dict(moves.clocks), len(entries)
    for k in np.flatnonzero(visits.begins).tolist():
        while (now := clocks.get(k)) is not None:
            onto = np.flatnonzero(now.goals).tolist()
            nexts = [clocks[j] for j in onto if j in clocks]
            alone = not moves.rates[[k, *(j for j in onto if j < n)]].any()
            if not alone or len(nexts) < len(onto) or np.ptp(visits.fails[[k, *onto]]):
                break
            nth, *others = {getattr(each.law, "nth", 0) for each in nexts}
            if others or getattr(now.law, "nth", n + nth) + 1 != nth:
                break
            law = replace(
                now.law, of=(_until(now.law.law, nth, now.law.count),), nth=nth
            )
            goals = sum(now.goals[j] * clocks[j].goals for j in onto)
            entries -= visits.begins[k] * now.goals[:n]
            clocks[k] = replace(now, law=law, goals=goals)
    return replace(
        visits, moves=replace(moves, clocks=clocks), entries=np.maximum(entries, 0.0)
    )


@lru_cache(maxsize=64)
def _until(law: Duration, nth: int, count: int) -> Duration:
    """Return when so many of some times are over."""
    return order_statistic(law, nth, count)
