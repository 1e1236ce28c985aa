"""Binary decision diagrams: the structure as one graph of questions.

Each node asks whether one part has failed and leads to two answers; the two ends are
0 (the service works) and 1 (it is down).  Parts are asked in one fixed order, equal
questions are asked once (Bryant 1986, IEEE Trans. Computers C-35(8), 677-691).

Nothing here recurses: children are numbered before their parents, so every sweep is
a loop over the numbers, and a chain of ten thousand parts is as safe as one of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hamodel.structure._errors import StructureTooLargeError

WORKS, DOWN = 0, 1
_END = 2**62  # the level of both ends: below every part


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Diagram:
    """A finished diagram; node i asks part `order[level[i]]`.

    Nodes 0 and 1 are the ends, and the last node is the root.
    """

    order: tuple[str, ...]
    level: tuple[int, ...]
    low: tuple[int, ...]  # where to go if the part works
    high: tuple[int, ...]  # where to go if it has failed

    def __len__(self) -> int:
        return len(self.level)

    @property
    def root(self) -> int:
        """The number of the first question."""
        return len(self.level) - 1

    def down(self, failed: frozenset[str]) -> bool:
        """Tell whether the service is down with exactly these parts failed."""
        node = self.root
        while node > DOWN:
            gone = self.order[self.level[node]] in failed
            node = self.high[node] if gone else self.low[node]
        return node == DOWN


class Builder:
    """Makes diagrams over one order of parts."""

    def __init__(self, order: Sequence[str], limit: int = 1_500_000) -> None:
        self.order = tuple(order)
        self.limit = limit
        self.level, self.low, self.high = [_END, _END], [0, 1], [0, 1]
        self._place = {name: i for i, name in enumerate(self.order)}
        self._same: dict[tuple[int, int, int], int] = {}
        self._done: dict[tuple[int, int, int], int] = {}

    def part(self, name: str) -> int:
        """Return the node that is down when this part is."""
        return self.node(self._place[name], WORKS, DOWN)

    def node(self, level: int, low: int, high: int) -> int:
        """Return the node that asks `level`, made once."""
        if low == high:
            return low
        key = (level, low, high)
        found = self._same.get(key)
        if found is None:
            found = self._same[key] = len(self.level)
            if found > self.limit:
                raise StructureTooLargeError(len(self.order), self.limit)
            self.level.append(level)
            self.low.append(low)
            self.high.append(high)
        return found

    def ite(self, f: int, g: int, h: int) -> int:
        """Return `g` where `f` is down and `h` where it works."""
        first = _reduced(f, g, h)
        if isinstance(first, int):
            return first
        todo, done = [first], self._done
        while todo:
            key = todo[-1]
            if key in done:
                todo.pop()
                continue
            level = min(self.level[i] for i in key)
            answers = []
            for side in (self.low, self.high):
                f, g, h = (side[i] if self.level[i] == level else i for i in key)
                inner = _reduced(f, g, h)
                answer = inner if isinstance(inner, int) else done.get(inner)
                if answer is None:
                    todo.append(inner)  # type: ignore[arg-type]
                else:
                    answers.append(answer)
            if len(answers) == 2:
                done[key] = self.node(level, answers[0], answers[1])
                todo.pop()
        return done[first]

    def at_least(self, count: int, items: Iterable[int]) -> int:
        """Return the node that is down when `count` of the items are."""
        # From the lowest item upwards, each step stands above what it joins and so
        # costs no more than its own size.
        rows = sorted(items, key=lambda i: (-self.level[i], -i))
        need = [DOWN] + [WORKS] * count  # need[j]: at least j of the items so far
        for done, item in enumerate(rows, start=1):
            fewest = max(1, count - (len(rows) - done))
            for j in range(min(done, count), fewest - 1, -1):
                need[j] = self.ite(item, need[j - 1], need[j])
        return need[count]

    def finish(self, root: int) -> Diagram:
        """Return what `root` reaches, renumbered."""
        if root <= DOWN:
            return self._constant(root)
        reached, todo = {WORKS, DOWN}, [root]
        while todo:
            node = todo.pop()
            if node not in reached:
                reached.add(node)
                todo += [self.low[node], self.high[node]]
        kept = sorted(reached)
        new = {node: i for i, node in enumerate(kept)}
        return Diagram(
            order=self.order,
            level=tuple(self.level[i] for i in kept),
            low=tuple(new[self.low[i]] for i in kept),
            high=tuple(new[self.high[i]] for i in kept),
        )

    def everything(self) -> Diagram:
        """Return all nodes with the numbers they have here."""
        low, high = tuple(self.low), tuple(self.high)
        return Diagram(order=self.order, level=tuple(self.level), low=low, high=high)

    def _constant(self, end: int) -> Diagram:
        """Return a diagram that no part can change, still with a root of its own."""
        return Diagram(
            order=self.order, level=(_END, _END, 0), low=(0, 1, end), high=(0, 1, end)
        )


def _reduced(f: int, g: int, h: int) -> int | tuple[int, int, int]:
    """Return the answer of an obvious if-then-else, or its standard form."""
    if f <= DOWN:
        return g if f == DOWN else h
    if g == f:
        g = DOWN
    if h == f:
        h = WORKS
    if g == h:
        return g
    if g == DOWN and h == WORKS:
        return f
    if (g == DOWN and h < f) or (h == WORKS and g < f):  # f or h, f and g: either way
        return (h, g, f) if g == DOWN else (g, f, h)
    return (f, g, h)


def substituted(
    diagram: Diagram, order: Sequence[str], formula: Callable[[Builder, str], int]
) -> Diagram:
    """Return the diagram with each part replaced by a formula over a new order.

    `formula(builder, name)` gives the node that stands for the old part.
    """
    builder = Builder(order)
    fresh = [WORKS, DOWN]
    made = {name: formula(builder, name) for name in diagram.order}
    for node in nodes(diagram):
        asked = made[diagram.order[diagram.level[node]]]
        up, down = fresh[diagram.low[node]], fresh[diagram.high[node]]
        fresh.append(builder.ite(asked, down, up))
    return builder.finish(fresh[-1])


def dual(diagram: Diagram) -> Diagram:
    """Return the diagram read the other way: 1 is `works`, asked `does it work`."""
    swap = {WORKS: DOWN, DOWN: WORKS}
    return Diagram(
        order=diagram.order,
        level=diagram.level,
        low=tuple(swap.get(i, i) for i in diagram.high),
        high=tuple(swap.get(i, i) for i in diagram.low),
    )


def nodes(diagram: Diagram) -> Iterator[int]:
    """Iterate over the questions, children before parents."""
    return iter(range(2, len(diagram)))
