"""The inside of a chain: states by number, rates in the order of the edges.

A sweep may hold scenarios in which some rate is 0, or so large that its state is
left at once.  Their graphs differ, so a chain is first cut into pieces of one graph
each; within a piece every rate is positive, finite and of ordinary size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hamodel._elimination import Edges
from hamodel._graph import closed_classes, reached, successors
from hamodel._types import Quantity
from hamodel.chain._rates import Rates, code
from hamodel.markov import long_run

#: Values of a state that need no multiplication.
ONE, NONE = 1, 0

Members: TypeAlias = Any  # positions of scenarios, or None for all


class ImmediateLoopError(ValueError):
    """States that are all left at once lead to each other only.

    Attributes
    ----------
    states : tuple
        The states of the loop.
    """

    def __init__(self, states: Sequence[object]) -> None:
        self.states = tuple(states)
        super().__init__(
            f"the states {list(self.states)} are left at once, only for each other:"
            " time would stand still; give one of them a finite rate"
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """Scenarios of one graph: the states reached (start first), edges and rates.

    `members` are the positions of the scenarios in the flattened sweep, or None if
    the piece is the whole chain.
    """

    members: Members
    states: tuple[int, ...]
    edges: Edges
    rates: Sequence[Quantity]

    @cached_property
    def probabilities(self) -> list[Quantity]:
        """The long-run probability of each state of the piece."""
        ending = fate(len(self.states), self.edges)
        rates = self.rates
        if ending.whole:
            return long_run(len(self.states), self.edges, rates)
        zero = 0 * self.rates[0] if self.rates else 0.0
        result: list[Quantity] = [zero] * len(self.states)
        ends = self._endings(ending)
        for share, (members, edges, numbers) in zip(ends, ending.classes, strict=True):
            inside = long_run(len(members), edges, [rates[e] for e in numbers])
            for i, p in zip(members, inside, strict=True):
                result[i] = share * p
        return result

    def _endings(self, ending: Fate) -> list[Quantity]:
        """Return the probability of ending in each of the closed classes."""
        if len(ending.classes) == 1:
            return [1]
        everywhere = frozenset(i for members, *_ in ending.classes for i in members)
        flows, total = self._flows(everywhere)
        return [
            sum((f for j, f in flows if j in members), start=0 * total) / total
            for members, *_ in ending.classes
        ]

    def mean_time_to(self, ends: frozenset[int]) -> Quantity:
        """Return the mean time from the start until one of `ends` is entered."""
        if 0 in ends:
            return 0.0
        if not _passage(len(self.states), self.edges, ends).certain:
            return float("inf")
        _, total = self._flows(ends)
        return reciprocal(total)

    def mean(self, values: Sequence[Quantity]) -> Quantity:
        """Return the long-run mean of a value per state (of the whole chain)."""
        terms = [
            p if value is ONE else p * value
            for p, k in zip(self.probabilities, self.states, strict=True)
            if (value := values[k]) is not NONE
        ]
        return _sum(terms) if terms else 0 * self.probabilities[0]

    def flow(self, up: Collection[int]) -> Quantity:
        """Return how often, per second, the chain goes from up to down."""
        inside = [k in up for k in self.states]
        terms = [
            self.probabilities[i] * rate
            for (i, j), rate in zip(self.edges, self.rates, strict=True)
            if inside[i] and not inside[j]
        ]
        return _sum(terms) if terms else 0 * self.probabilities[0]

    def _flows(
        self, ends: frozenset[int]
    ) -> tuple[list[tuple[int, Quantity]], Quantity]:
        """Return how often each end is met if every end begins again at the start.

        The mean of a cycle is one over the sum of these flows, and their shares are
        the probabilities of the ends: absorption, answered by the long run of a
        chain that begins again (Smith's renewal argument), without a subtraction.
        """
        passage = _passage(len(self.states), self.edges, ends)
        rates = [_sum([self.rates[e] for e in feed]) for feed in passage.feeds]
        found = long_run(len(passage.inside), passage.edges, rates)
        flows = [(self.edges[e][1], found[i] * self.rates[e]) for i, e in passage.exits]
        return flows, _sum([f for _, f in flows])


@dataclass(frozen=True)
class Fate:
    """Where a graph ends: per closed class its states, edges and their numbers."""

    classes: tuple[tuple[tuple[int, ...], Edges, tuple[int, ...]], ...]
    whole: bool


@lru_cache(maxsize=1024)
def fate(states: int, edges: Edges) -> Fate:
    classes = [tuple(c) for c in closed_classes(successors(states, edges))]
    found = tuple((c, *_inside(edges, c)) for c in classes)
    return Fate(found, whole=len(classes[0]) == states)


def _inside(edges: Edges, members: Sequence[int]) -> tuple[Edges, tuple[int, ...]]:
    """Return the edges among `members`, renumbered, and which edges they were."""
    place = {state: k for k, state in enumerate(members)}
    numbers = tuple(e for e, (i, j) in enumerate(edges) if i in place and j in place)
    return tuple((place[edges[e][0]], place[edges[e][1]]) for e in numbers), numbers


@dataclass(frozen=True)
class _Passage:
    """A graph that begins again at state 0 whenever it would meet an end."""

    inside: tuple[int, ...]
    edges: Edges
    feeds: tuple[tuple[int, ...], ...]  # per edge, the original edges it sums
    exits: tuple[tuple[int, int], ...]  # (place of the state, original edge)
    certain: bool


@lru_cache(maxsize=1024)
def _passage(states: int, edges: Edges, ends: frozenset[int]) -> _Passage:
    after = successors(states, [e for e in edges if e[0] not in ends])
    inside = sorted(reached(after, [0]) - ends)
    place = {state: k for k, state in enumerate(inside)}
    feeds: dict[tuple[int, int], list[int]] = defaultdict(list)
    exits = []
    for e, (i, j) in enumerate(edges):
        if i not in place:
            continue
        if j in ends:
            exits.append((place[i], e))
        if i != (goal := 0 if j in ends else j):
            feeds[place[i], place[goal]].append(e)
    before = successors(states, [(j, i) for i, j in edges if i in place])
    certain = set(inside) <= reached(before, ends)
    return _Passage(
        tuple(inside),
        tuple(feeds),
        tuple(tuple(f) for f in feeds.values()),
        tuple(exits),
        certain,
    )


def _sum(values: Sequence[Quantity]) -> Quantity:
    """Return the sum, without a new array for each term."""
    total = values[0]
    own = False
    for value in values[1:]:
        if own and getattr(value, "dtype", None) == total.dtype:
            total += value
        else:
            total = total + value
            own = isinstance(total, np.ndarray)
    return total


def reciprocal(flow: Quantity) -> Quantity:
    """Return 1 / flow, infinite where the flow has underflowed to nothing."""
    if isinstance(flow, np.ndarray):
        with np.errstate(divide="ignore"):
            return 1 / flow
    return 1 / flow if flow else float("inf")


@dataclass(frozen=True, eq=False)
class Cut:
    """The pieces of a chain, and how their answers make one answer."""

    pieces: tuple[Piece, ...]
    shape: tuple[int, ...] | None  # of the sweep; None for a single scenario
    finish: Callable[[Quantity], Quantity] | None = None

    def answer(self, question: Callable[[Piece], Quantity]) -> Quantity:
        """Answer piece by piece; put the answers where their scenarios stand."""
        if self.pieces[0].members is None:
            return self.shaped(question(self.pieces[0]))
        values = [np.asarray(question(piece)) for piece in self.pieces]
        size = sum(piece.members.size for piece in self.pieces)
        result = np.empty(size, np.result_type(*values))
        for piece, value in zip(self.pieces, values, strict=True):
            result[piece.members] = value
        return self.shaped(result)

    def shaped(self, value: Quantity) -> Quantity:
        """Return an answer in the shape of the sweep, or as an expression."""
        if self.shape is None:
            return self.finish(value) if self.finish else value
        flat = np.asarray(value)
        whole = flat if flat.ndim else np.full(int(np.prod(self.shape)), flat)
        return whole.reshape(self.shape)


def cut(states: int, edges: Edges, rates: Rates) -> Cut:
    """Cut rates into pieces of one graph each, and clear away what vanishes."""
    pieces = []
    for members, present, swift in _patterns(rates):
        chosen: Sequence[tuple[int, int]] = edges
        values: Sequence[Quantity] = rates.flat
        if len(present) < len(edges):
            chosen = tuple(edges[e] for e in present)
            values = [values[e] for e in present]
        if members is not None:
            values = [r[members] if isinstance(r, np.ndarray) else r for r in values]
        if swift:
            fast = {edges[e] for e in swift}
            chosen, values = _without_vanishing(states, chosen, values, fast)
        pieces.append(_reached_piece(members, states, tuple(chosen), values))
    shape = rates.shape
    if any(hasattr(rate, "free_symbols") for rate in pieces[0].rates):
        fractions, finish = _as_fractions(pieces[0].rates)
        return Cut((replace(pieces[0], rates=fractions),), shape, finish)
    return Cut(tuple(pieces), shape)


def _as_fractions(
    rates: Sequence[Quantity],
) -> tuple[Sequence[Quantity], Callable[[Quantity], Quantity]]:
    """Return expressions as elements of a field of fractions, and the way back.

    There a sum of fractions is a fraction in lowest terms, so that the closed form
    does not swell on the way.
    """
    import sympy
    from sympy.polys.fields import sfield

    _, elements = sfield([sympy.sympify(rate) for rate in rates])

    def finish(value: Quantity) -> Quantity:
        expression = value.as_expr() if hasattr(value, "as_expr") else value
        return sympy.factor(sympy.sympify(expression))

    return elements, finish


def _patterns(rates: Rates) -> list[tuple[Members, list[int], set[int]]]:
    """Group scenarios by graph: (members, edges with a rate, edges left at once)."""
    everything = range(len(rates.flat))
    codes = {e: code(rates.flat[e]) for e in rates.odd}
    varied = [e for e, c in codes.items() if np.ndim(c)]
    if not varied:
        return [(None, list(everything), {e for e, c in codes.items() if c == 2})]
    first, number = _numbered([codes[e] for e in varied])
    found: list[tuple[Members, list[int], set[int]]] = []
    for k, scenario in enumerate(first):
        members = np.flatnonzero(number == k)
        fixed = codes | {e: int(codes[e][scenario]) for e in varied}
        present = [e for e in everything if fixed.get(e, 1) != 0]
        found.append((members, present, {e for e in present if fixed.get(e, 1) == 2}))
    return found


def _numbered(
    codes: Sequence[NDArray[np.intp]],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return one scenario of each pattern of codes (0 to 2), and the pattern of each.

    Twenty codes make one whole number, which sorts far quicker than a row of them.
    """
    key = np.zeros(len(codes[0]), np.int64)
    first, number = np.zeros(1, int), key
    for start in range(0, len(codes), 20):
        for code_ in codes[start : start + 20]:
            key = 3 * key + code_
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        key = number.reshape(-1).astype(np.int64)
    return first, number.reshape(-1)


def _without_vanishing(
    states: int,
    edges: Sequence[tuple[int, int]],
    rates: Sequence[Quantity],
    fast: set[tuple[int, int]],
) -> tuple[list[tuple[int, int]], list[Quantity]]:
    """Lead the flow into states that are left at once on to where they lead."""
    gone = {i for i, _ in fast}
    if 0 in gone:
        raise ValueError(
            "the start state is left at once; start in the state where it leads"
        )
    out: list[dict[int, Quantity]] = [{} for _ in range(states)]
    for edge, rate in zip(edges, rates, strict=True):
        if edge[0] not in gone or edge in fast:
            out[edge[0]][edge[1]] = rate
    for k in sorted(gone):
        if not out[k]:
            raise ImmediateLoopError([k])
        for i, leaving in enumerate(out):
            if k in leaving:
                _lead_on(leaving, i, leaving.pop(k), out[k])
        out[k] = {}
    pairs = [(i, j, r) for i, ways in enumerate(out) for j, r in ways.items()]
    return [(i, j) for i, j, _ in pairs], [r for *_, r in pairs]


def _lead_on(
    leaving: dict[int, Quantity], i: int, inflow: Quantity, ways: dict[int, Quantity]
) -> None:
    """Add a flow out of state `i` to where it is led on, except back to `i`."""
    total = _sum(list(ways.values()))
    for j, rate in ways.items():
        if j != i:
            leaving[j] = leaving.get(j, 0) + inflow * (rate / total)


def _reached_piece(
    members: Members, states: int, edges: Edges, rates: Sequence[Quantity]
) -> Piece:
    inside, kept, numbers = _reachable(states, edges)
    if len(numbers) < len(edges):
        rates = [rates[e] for e in numbers]
    return Piece(members, inside, kept, rates)


@lru_cache(maxsize=1024)
def _reachable(
    states: int, edges: Edges
) -> tuple[tuple[int, ...], Edges, tuple[int, ...]]:
    inside = tuple(sorted(reached(successors(states, edges), [0])))
    return (inside, *_inside(edges, inside))
