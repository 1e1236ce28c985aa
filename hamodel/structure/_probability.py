"""Sums over the paths of a decision diagram.

Every sum is of products of non-negative numbers, so nothing cancels: an
unavailability of 1e-30 comes out to the same digits as one of 0.3.  The values may be
floats, arrays, fractions, `mpmath` numbers or SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hamodel._types import Quantity
from hamodel.structure._bdd import DOWN, WORKS, Diagram, nodes


def plus(a: Quantity, b: Quantity) -> Quantity:
    """Add, leaving out plain zeros: formulas stay short."""
    if isinstance(a, int) and a == 0:
        return b
    return a if isinstance(b, int) and b == 0 else a + b


def times(a: Quantity, b: Quantity) -> Quantity:
    """Multiply, leaving out plain zeros and ones."""
    for x, other in ((a, b), (b, a)):
        if isinstance(x, int):
            return other if x == 1 else 0
    return a * b


def down(diagram: Diagram, q: Mapping[str, Quantity]) -> list[Quantity]:
    """Return for every node the probability of `down` below it.

    The relative error stays at rounding: `q` times the worse answer is never the
    smaller term when `1 - q` is the inexact one.
    """
    return _summed(diagram, q, [0, 1])


def _summed(
    diagram: Diagram, q: Mapping[str, Quantity], value: list[Quantity]
) -> list[Quantity]:
    """Return for every node the probability to end where the value is 1."""
    failed = [q[name] for name in diagram.order]
    works = [1 - x for x in failed]
    for node in nodes(diagram):
        level = diagram.level[node]
        worse = times(failed[level], value[diagram.high[node]])
        value.append(plus(worse, times(works[level], value[diagram.low[node]])))
    return value


def reached(diagram: Diagram, q: Mapping[str, Quantity]) -> list[Quantity]:
    """Return for every node the probability that the questions lead to it."""
    value: list[Quantity] = [0] * len(diagram)
    value[diagram.root] = 1
    failed = [q[name] for name in diagram.order]
    works = [1 - x for x in failed]
    for node in reversed(range(2, len(diagram))):
        level, low, high = diagram.level[node], diagram.low[node], diagram.high[node]
        value[low] = plus(value[low], times(works[level], value[node]))
        value[high] = plus(value[high], times(failed[level], value[node]))
    return value


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """What one part decides: the service's unavailability in each of its states."""

    failed: Quantity  # if the part has failed
    works: Quantity  # if it works
    critical: Quantity  # chance that the part alone makes the difference


def splits(diagram: Diagram, q: Mapping[str, Quantity]) -> dict[str, Split]:
    """Return for every part the unavailability with it failed and with it working.

    One sweep up and one down answer for all parts.  Paths that never ask a part pass
    it by; they are added over intervals of levels, again without a subtraction.
    """
    below, above = down(diagram, q), reached(diagram, q)
    size = len(diagram.order)
    apart = _Differences(diagram, q, below)
    passing = _Intervals(size)
    asked: list[list[Quantity]] = [[0, 0, 0] for _ in range(size)]
    passing.add(0, diagram.level[diagram.root], below[diagram.root])
    for node in nodes(diagram):
        level = diagram.level[node]
        low, high = diagram.low[node], diagram.high[node]
        chance = q[diagram.order[level]]
        here = (below[high], below[low], apart.of(high, low))
        for i, value in enumerate(here):
            asked[level][i] = plus(asked[level][i], times(above[node], value))
        for end, weight in ((high, chance), (low, 1 - chance)):
            share = times(times(weight, above[node]), below[end])
            passing.add(level + 1, min(diagram.level[end], size), share)
    return {
        name: Split(
            failed=plus(passing.at(i), asked[i][0]),
            works=plus(passing.at(i), asked[i][1]),
            critical=asked[i][2],
        )
        for i, name in enumerate(diagram.order)
    }


class _Differences:
    """P(one answer is down and another works), for answers that only get worse."""

    def __init__(
        self, diagram: Diagram, q: Mapping[str, Quantity], below: Sequence[Quantity]
    ) -> None:
        self.diagram, self.below = diagram, below
        self.failed = [q[name] for name in diagram.order]
        self.works = [1 - x for x in self.failed]
        self.up = _summed(diagram, q, [1, 0])  # availability, over working paths
        self.done: dict[tuple[int, int], Quantity] = {}

    def of(self, worse: int, better: int) -> Quantity:
        """Return the chance that `worse` is down while `better` works."""
        todo = [(worse, better)]
        while todo:
            key = todo[-1]
            if self._known(key) is not None:
                todo.pop()
                continue
            level = min(self.diagram.level[i] for i in key)
            answers = []
            for side in (self.diagram.high, self.diagram.low):
                a, b = (side[i] if self.diagram.level[i] == level else i for i in key)
                answer = self._known((a, b))
                if answer is None:
                    todo.append((a, b))
                answers.append(answer)
            if all(answer is not None for answer in answers):
                high = times(self.failed[level], answers[0])
                self.done[key] = plus(high, times(self.works[level], answers[1]))
                todo.pop()
        return self._known((worse, better))

    def _known(self, key: tuple[int, int]) -> Quantity:
        worse, better = key
        if worse in (better, WORKS) or better == DOWN:
            return 0
        if better == WORKS:
            return self.below[worse]
        return self.up[better] if worse == DOWN else self.done.get(key)


class _Intervals:
    """Adds values over ranges of places and reads a place; it only ever adds."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tree: list[Quantity] = [0] * (2 * size)

    def add(self, start: int, stop: int, value: Quantity) -> None:
        """Add to the places from `start` up to before `stop`."""
        a, b = start + self.size, stop + self.size
        while a < b:
            if a & 1:
                self.tree[a] = plus(self.tree[a], value)
                a += 1
            if b & 1:
                b -= 1
                self.tree[b] = plus(self.tree[b], value)
            a, b = a // 2, b // 2

    def at(self, place: int) -> Quantity:
        """Return the sum at a place."""
        total: Quantity = 0
        i = place + self.size
        while i:
            total = plus(total, self.tree[i])
            i //= 2
        return total
