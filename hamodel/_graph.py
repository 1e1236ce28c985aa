"""What a chain's graph alone decides: who reaches whom, and where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def successors(states: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return, for each state, the states that its edges lead to."""
    after: list[list[int]] = [[] for _ in range(states)]
    for i, j in edges:
        after[i].append(j)
    return after


def reached(after: Sequence[Sequence[int]], start: Iterable[int]) -> set[int]:
    """Return the states that can be reached from `start`, themselves included."""
    seen = set(start)
    waiting = list(seen)
    while waiting:
        for j in after[waiting.pop()]:
            if j not in seen:
                seen.add(j)
                waiting.append(j)
    return seen


def components(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components, successors before predecessors.

    Tarjan's algorithm (1972), with an explicit stack.
    """
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    waiting: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(after)):
        path = [] if root in number else [(root, iter(after[root]))]
        if path:
            number[root] = low[root] = len(number)
            stack.append(root)
            waiting.add(root)
        while path:
            i, rest = path[-1]
            for j in rest:
                if j not in number:
                    number[j] = low[j] = len(number)
                    stack.append(j)
                    waiting.add(j)
                    path.append((j, iter(after[j])))
                    break
                if j in waiting:
                    low[i] = min(low[i], number[j])
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    low[parent] = min(low[parent], low[i])
                if low[i] == number[i]:
                    found.append(_unwind(stack, waiting, i))
    return found


def _unwind(stack: list[int], waiting: set[int], root: int) -> list[int]:
    component = []
    while True:
        i = stack.pop()
        waiting.remove(i)
        component.append(i)
        if i == root:
            return sorted(component)


def closed_classes(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the classes of states that, once entered, are never left."""
    home = {}
    found = components(after)
    for number, component in enumerate(found):
        for i in component:
            home[i] = number
    closed = [
        component
        for number, component in enumerate(found)
        if all(home[j] == number for i in component for j in after[i])
    ]
    return sorted(closed)
