"""What a chain's graph alone decides: who reaches whom, and where it ends."""

from __future__ import annotations

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
    """Return the strongly connected components (Kosaraju's two searches)."""
    before: list[list[int]] = [[] for _ in after]
    for i, goals in enumerate(after):
        for j in goals:
            before[j].append(i)
    seen: set[int] = set()
    found = []
    for root in reversed(_finished(after)):
        if root not in seen:
            component = {root}
            waiting = [root]
            seen.add(root)
            while waiting:
                new = [i for i in before[waiting.pop()] if i not in seen]
                seen.update(new)
                component.update(new)
                waiting += new
            found.append(sorted(component))
    return found


def _finished(after: Sequence[Sequence[int]]) -> list[int]:
    """Return the states in the order in which a depth-first search leaves them."""
    seen: set[int] = set()
    order = []
    for root in range(len(after)):
        path = [] if root in seen else [(root, iter(after[root]))]
        seen.add(root)
        while path:
            i, goals = path[-1]
            j = next((j for j in goals if j not in seen), None)
            if j is None:
                order.append(i)
                path.pop()
            else:
                seen.add(j)
                path.append((j, iter(after[j])))
    return order


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
