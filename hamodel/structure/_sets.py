"""Minimal sets out of a decision diagram, as one shared graph of families.

A family of sets is a diagram too: `low` holds the sets without a part, `high` those
with it (Minato 1993).  The minimal solutions of a monotone function follow Rauzy
(1993), Reliability Engineering & System Safety 40, 203-211: what fails with the part
and does not already fail without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from hamodel.structure._bdd import DOWN, WORKS, Builder, Diagram, nodes

_END = 2**62
NONE, EMPTY = 0, 1  # no set at all; only the empty set


class Families:
    """Families of sets of parts over one order; made once each."""

    def __init__(self, order: tuple[str, ...]) -> None:
        self.order = order
        self.level, self.low, self.high = [_END, _END], [0, 1], [0, 1]
        self._same: dict[tuple[int, int, int], int] = {}
        self._done: dict[tuple[int, int], int] = {}

    def node(self, level: int, low: int, high: int) -> int:
        """Return the family of `low` and of `high` with the part of `level`."""
        if high == NONE:
            return low
        key = (level, low, high)
        found = self._same.get(key)
        if found is None:
            found = self._same[key] = len(self.level)
            self.level.append(level)
            self.low.append(low)
            self.high.append(high)
        return found

    def without(self, a: int, b: int) -> int:
        """Return the sets of `a` that contain no set of `b`."""
        todo = [(a, b)]
        while todo:
            key = todo[-1]
            if self._known(key) is not None:
                todo.pop()
                continue
            missing = self._step(key)
            if missing is None:
                todo.pop()
            else:
                todo.append(missing)
        return self._known((a, b))  # type: ignore[return-value]

    def _known(self, key: tuple[int, int]) -> int | None:
        a, b = key
        if a in (b, NONE) or b == EMPTY:
            return NONE
        if b == NONE or a == EMPTY:
            return a
        return self._done.get(key)

    def _step(self, key: tuple[int, int]) -> tuple[int, int] | None:
        """Answer one question, or return the one that must be answered before."""
        a, b = key
        level, other = self.level[a], self.level[b]
        if level > other:  # no set of `a` has the part that the sets of `b.high` have
            inner = (a, self.low[b])
            answer = self._known(inner)
            if answer is None:
                return inner
            self._done[key] = answer
            return None
        below = self.low[b] if level == other else b
        low_key, high_key = (self.low[a], below), (self.high[a], below)
        if level == other:
            first = (self.high[a], self.high[b])
            answer = self._known(first)
            if answer is None:
                return first
            high_key = (answer, below)
        low, high = self._known(low_key), self._known(high_key)
        if low is None or high is None:
            return low_key if low is None else high_key
        self._done[key] = self.node(level, low, high)
        return None

    def count(self, family: int) -> int:
        """Return the number of sets."""
        number = [0, 1]
        for i in range(2, family + 1):
            number.append(number[self.low[i]] + number[self.high[i]])
        return number[family]

    def members(self, family: int) -> Iterator[frozenset[str]]:
        """Iterate over the sets."""
        todo: list[tuple[int, tuple[str, ...]]] = [(family, ())]
        while todo:
            node, chosen = todo.pop()
            if node == EMPTY:
                yield frozenset(chosen)
            elif node != NONE:
                todo.append((self.low[node], chosen))
                todo.append((self.high[node], (*chosen, self.order[self.level[node]])))

    def beside(self, family: int, level: int) -> int:
        """Return what stands beside the part of `level` in the sets that have it."""
        kept = {NONE: NONE, EMPTY: NONE}
        for i in self._reached(family):
            if self.level[i] >= level:
                kept[i] = self.high[i] if self.level[i] == level else NONE
            else:
                low, high = kept[self.low[i]], kept[self.high[i]]
                kept[i] = self.node(self.level[i], low, high)
        return kept[family]

    def _reached(self, family: int) -> list[int]:
        """Return the nodes under a family, the lowest first."""
        found, todo = set(), [family]
        while todo:
            i = todo.pop()
            if i > EMPTY and i not in found:
                found.add(i)
                todo += [self.low[i], self.high[i]]
        return sorted(found)

    def union(self, builder: Builder, family: int, made: dict[int, int]) -> int:
        """Return the diagram node that is down when all of some set has failed."""
        made.setdefault(NONE, WORKS)
        made.setdefault(EMPTY, DOWN)
        for i in self._reached(family):
            if i not in made:
                part = builder.part(self.order[self.level[i]])
                low = made[self.low[i]]
                high = builder.ite(made[self.high[i]], DOWN, low)
                made[i] = builder.ite(part, high, low)
        return made[family]


def minimal(
    diagram: Diagram,
    perfect: frozenset[str] = frozenset(),
    max_order: int | None = None,
) -> tuple[Families, int]:
    """Return the minimal sets of parts whose failure brings the service down.

    Parts in `perfect` never fail; sets larger than `max_order` are left out.
    """
    families = Families(diagram.order)
    if max_order is None:
        return families, _all_minimal(families, diagram, perfect)
    # small[i][k]: the minimal sets of node i with at most k parts
    small: list[list[int]] = [[NONE] * (max_order + 1), [EMPTY] * (max_order + 1)]
    for node in nodes(diagram):
        level = diagram.level[node]
        row = small[diagram.low[node]]
        if diagram.order[level] not in perfect:
            more = [NONE, *small[diagram.high[node]]]  # one part is spent here
            row = [
                families.node(level, few, families.without(many, few))
                for few, many in zip(row, more, strict=False)
            ]
        small.append(row)
    return families, small[-1][max_order]


def _all_minimal(families: Families, diagram: Diagram, perfect: frozenset[str]) -> int:
    made = [NONE, EMPTY]
    for node in nodes(diagram):
        level, low = diagram.level[node], made[diagram.low[node]]
        if diagram.order[level] in perfect:
            made.append(low)
        else:
            high = families.without(made[diagram.high[node]], low)
            made.append(families.node(level, low, high))
    return made[-1]
