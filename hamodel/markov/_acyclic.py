"""Chains most of whose states lie on no loop of their own: fold those all at once.

Between two states in which it works, a system walks through states of failing over and
being repaired, and hardly ever in circles.  Once a few states (here: the knots) are set
aside, the rest has an order.  So how each of the rest ends among the knots follows by
adding up along the order; the knots alone are folded as a dense matrix, and the rest
unfolds along the order.  Nothing is subtracted, so the smallest probability is as exact
as the largest.

Source: J. G. Kemeny and J. L. Snell (1960), Finite Markov Chains, section 6.1 (the
chain watched in a set of states).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from hamodel._graph import successors
from hamodel.markov._dense import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hamodel._elimination import Edges
    from hamodel._types import FloatArray, Sparse

#: With more knots than this share of the states nothing is won.
_KNOTTY = 0.4


@dataclass(frozen=True, eq=False)
class Order:
    """The knots of a graph, and its other states so that edges lead to lower ones.

    Edges are kept by where they begin and end; `place` numbers knots and others apart,
    and `levels` are the bounds of runs of others that do not lead to each other.
    """

    knots: NDArray[np.intp]
    others: NDArray[np.intp]
    levels: tuple[int, ...]
    sources: NDArray[np.intp]
    goals: NDArray[np.intp]
    tied: NDArray[np.bool_]  # by state: whether it is a knot
    place: NDArray[np.intp]

    def solve(self, rates: FloatArray) -> FloatArray:
        """Return the long-run probability of each state."""
        from scipy.sparse import csr_array

        k, n = len(self.knots), len(self.others)
        among = np.zeros((k, k))
        inner, ending, leaving = self._split(rates, among)
        out = np.bincount(self.sources, rates, minlength=k + n)[self.others]
        bounds = list(zip(self.levels[:-1], self.levels[1:], strict=True))
        ends = ending.toarray()
        for low, high in bounds:
            if low:
                ends[low:high] += inner[low:high] @ ends
            ends[low:high] /= out[low:high, None]
        among += leaving @ ends
        np.fill_diagonal(among, 0.0)
        found = np.empty(k + n)
        found[self.knots] = fold(among)
        flow = found[self.knots] @ leaving
        before = csr_array(inner.T)
        for low, high in reversed(bounds):
            flow[low:high] += before[low:high] @ flow
            flow[low:high] /= out[low:high]
        found[self.others] = flow
        total: FloatArray = found / found.sum()
        return total

    def _split(
        self, rates: FloatArray, among: FloatArray
    ) -> tuple[Sparse, Sparse, Sparse]:
        """Return rates among the others, from them to knots, and from knots to them."""
        from scipy.sparse import csr_array

        k, n = len(self.knots), len(self.others)
        shapes = {(False, False): (n, n), (False, True): (n, k), (True, False): (k, n)}
        begin, end = self.tied[self.sources], self.tied[self.goals]
        rows, columns = self.place[self.sources], self.place[self.goals]
        here = begin & end
        np.add.at(among, (rows[here], columns[here]), rates[here])
        found = []
        for (first, last), shape in shapes.items():
            some = (begin == first) & (end == last)
            found.append(
                csr_array((rates[some], (rows[some], columns[some])), shape=shape)
            )
        return found[0], found[1], found[2]


@lru_cache(maxsize=64)
def order(states: int, edges: Edges, keep: int) -> Order | None:
    """Return the order of a graph with few knots, `keep` the first; else None."""
    knots = [keep, *_knots(states, edges, keep)]
    if len(knots) > _KNOTTY * states:
        return None
    tied = np.zeros(states, dtype=bool)
    tied[knots] = True
    depth = _depths(states, edges, tied)
    others = np.argsort(np.where(tied, states, depth), kind="stable")
    others = others[: states - len(knots)]
    place = np.empty(states, dtype=int)
    place[knots], place[others] = np.arange(len(knots)), np.arange(len(others))
    ends = np.cumsum(np.bincount(depth[others])).tolist()
    sources, goals = np.array(edges).T
    return Order(np.array(knots), others, (0, *ends), sources, goals, tied, place)


def _knots(states: int, edges: Edges, keep: int) -> list[int]:
    """Return states without which, and without `keep`, a graph has no loop.

    What nothing leads to, or what leads nowhere, lies on no loop and is left out; when
    there is no such state, the one with most ways through it is taken for a knot.
    """
    after = [set(goals) for goals in successors(states, edges)]
    before = [set(goals) for goals in successors(states, [(j, i) for i, j in edges])]
    heap = [(_ways(after, before, i), i) for i in range(states) if i != keep]
    heap.append(((False, 0), keep))  # before all others
    found: list[int] = []
    left = set(range(states))
    heapify(heap)
    while heap:
        ways, i = heappop(heap)
        if i not in left or (i != keep and ways != _ways(after, before, i)):
            continue
        left.remove(i)
        if ways[0]:
            found.append(i)
        for one, other in ((after, before), (before, after)):
            for j in one[i]:
                other[j].discard(i)
                if j in left:
                    heappush(heap, (_ways(after, before, j), j))
    return found


def _ways(
    after: Sequence[set[int]], before: Sequence[set[int]], i: int
) -> tuple[bool, int]:
    """Return how soon a state is taken: of none or of many ways through it first."""
    ways = len(after[i]) * len(before[i])
    return ways > 0, -ways


def _depths(states: int, edges: Edges, tied: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each state off the knots its longest way to them."""
    free = [(i, j) for i, j in edges if not (tied[i] or tied[j])]
    before = successors(states, [(j, i) for i, j in free])
    open_ = np.bincount([i for i, _ in free], minlength=states)
    depth = np.zeros(states, dtype=int)
    waiting = [i for i in range(states) if not (tied[i] or open_[i])]
    while waiting:
        j = waiting.pop()
        for i in before[j]:
            depth[i] = max(depth[i], depth[j] + 1)
            open_[i] -= 1
            if not open_[i]:
                waiting.append(i)
    return depth
