"""Long-run probabilities: which states count, and which elimination finds them.

Chains most of whose states lie on no loop of their own: fold those all at once.

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

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamodel._elimination import Edges, in_blocks, plan
from hamodel._graph import closed_classes, successors
from hamodel._types import FloatArray, Quantity, Sparse
from hamodel.markov._checks import patterns, rate_stack, sparse_rates
from hamodel.markov._dense import fold
from hamodel.markov._sparse import DENSE, sparse_stationary

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


#: Graphs of more states are not worth planning.
_PLANNED = 400


class ReducibleChainError(ValueError):
    """The long-run probabilities depend on where the chain starts.

    Attributes
    ----------
    classes : tuple of tuple of int
        The closed classes: sets of states that, once entered, are never left.
    """

    def __init__(self, classes: Sequence[Sequence[int]]) -> None:
        self.classes = tuple(tuple(map(int, c)) for c in classes)
        shown = ", ".join(str(list(c)) for c in self.classes[:4])
        more = ", ..." if len(self.classes) > 4 else ""
        super().__init__(
            f"the chain has {len(self.classes)} closed classes of states"
            f" ({shown}{more}), so where it ends up depends on where it starts;"
            " give each a way back, ask for one class alone, or use Chain, which"
            " knows its start"
        )


def steady_state(rates: ArrayLike) -> FloatArray:
    """Return the long-run state probabilities of Markov chains.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s (or, of a chain in discrete time, probabilities).
        The diagonal is ignored.

    Returns
    -------
    ndarray, shape (..., n)
        Probabilities; the last axis sums to 1.  States that are left for ever
        have probability 0.

    Raises
    ------
    ReducibleChainError
        If several sets of states are never left, so that the answer depends on the
        start.
    ConvergenceError
        If a large sparse chain does not settle.
    ValueError
        If a rate is negative, infinite or not a number.

    Notes
    -----
    GTH elimination never subtracts, so 1e-40 is as exact as 0.5.  Source: Grassmann,
    Taksar and Heyman (1985), Operations Research 33(5), 1107-1116.  A sparse matrix
    of up to some ten thousand states is folded by levels, as exactly; a larger one
    is iterated until no component changes by more than 1e-13 of itself.

    Examples
    --------
    >>> steady_state([[0, 1 / 1000], [1 / 2, 0]])  # fails every 1000 s, back in 2 s
    array([0.998004, 0.001996])
    """
    if hasattr(rates, "tocsr"):
        return _steady_state_of_sparse(rates)
    stack, lead = rate_stack(rates)
    n = stack.shape[-1]
    result = np.zeros((len(stack), n), stack.dtype)
    for members, there in patterns(stack):
        classes = _closed_classes(there)
        if len(classes) > 1:
            raise ReducibleChainError(classes)
        inside = np.array(classes[0])
        part = stack[np.ix_(members, inside, inside)]
        result[np.ix_(members, inside)] = _irreducible(part)
    return result.reshape(*lead, n)


def _steady_state_of_sparse(rates: Sparse) -> FloatArray:
    from scipy.sparse.csgraph import connected_components

    matrix = sparse_rates(rates)
    n = matrix.shape[0]
    count, label = connected_components(matrix, connection="strong")
    rows, columns = matrix.nonzero()
    left = np.unique(label[rows[label[rows] != label[columns]]])
    closed = np.setdiff1d(np.arange(count), left)
    if len(closed) > 1:
        raise ReducibleChainError(
            sorted(np.flatnonzero(label == c).tolist() for c in closed)
        )
    inside = np.flatnonzero(label == closed[0])
    result = np.zeros(n)
    result[inside] = sparse_stationary(matrix[inside][:, inside])
    return result


def _closed_classes(there: NDArray[np.bool_]) -> list[list[int]]:
    n = len(there)
    if np.count_nonzero(there) == n * (n - 1):
        return [list(range(n))]
    return closed_classes(successors(n, _edges(there)))


def _edges(there: NDArray[np.bool_]) -> Edges:
    rows, columns = np.nonzero(there)
    return tuple(zip(rows.tolist(), columns.tolist(), strict=True))


def _irreducible(stack: FloatArray) -> FloatArray:
    """Solve a stack of irreducible chains of one graph, shape (b, n, n)."""
    n = stack.shape[-1]
    if len(stack) == 1:
        return fold(stack[0])[None]
    edges = _edges(stack[0] != 0)
    flat = [np.ascontiguousarray(stack[:, i, j]) for i, j in edges]
    return np.stack(long_run(n, edges, flat), axis=-1)


def long_run(
    states: int, edges: Edges, rates: Sequence[Quantity], keep: int = 0
) -> list[Quantity]:
    """Return the long-run probabilities of one irreducible graph.

    Parameters
    ----------
    states : int
        How many there are.
    edges : tuple of pair of int
        From which state to which.
    rates : sequence of float, array or expression
        Rate in 1/s of each edge: numbers of any kind, or flat arrays of one length.
    keep : int
        The state that is eliminated last; best one that is not rare.

    Examples
    --------
    >>> long_run(2, ((0, 1), (1, 0)), [1.0, 3.0])
    [0.75, 0.25]
    """
    numeric = any(isinstance(r, np.ndarray) for r in rates)
    if numeric:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return _long_run_of_arrays(states, edges, rates, keep)
    chosen = plan(states, edges, keep) if states <= _PLANNED else None
    simple = all(isinstance(r, float) for r in rates)
    if chosen is None:
        return list(_fold_edges(states, edges, rates, keep))
    found = chosen.solve(rates)
    if simple and not found[keep] > 0:  # weights overflowed: `keep` is too rare
        return list(_fold_edges(states, edges, rates, keep))
    return found


def _long_run_of_arrays(
    states: int, edges: Edges, rates: Sequence[Quantity], keep: int
) -> list[Quantity]:
    chosen = plan(states, edges, keep) if states <= _PLANNED else None
    size = next(r.size for r in rates if isinstance(r, np.ndarray))
    known = order(states, edges, keep) if chosen is None else None
    if known is not None and not any(map(np.iscomplexobj, rates)):
        scenarios = np.stack([np.broadcast_to(r, size) for r in rates], axis=1)
        return list(np.stack([known.solve(one) for one in scenarios], axis=1))
    if chosen is None:
        block = max(1, 2**16 // states**2)
        return in_blocks(lambda r: _fold_stack(states, edges, r), rates, block)
    found = [np.broadcast_to(p, size) for p in chosen.solve(rates)]
    poor = np.flatnonzero(~(np.abs(found[keep]) > 0))
    if poor.size:
        found = [np.array(p) for p in found]
        for b in poor:
            one = [r[b] if isinstance(r, np.ndarray) else r for r in rates]
            for p, value in zip(
                found, _fold_edges(states, edges, one, keep), strict=True
            ):
                p[b] = value
    return found


def _fold_edges(
    states: int, edges: Edges, rates: Sequence[Quantity], keep: int
) -> list[float]:
    kind = np.result_type(*map(np.asarray, rates))
    known = order(states, edges, keep) if kind.kind == "f" else None
    if known is not None:
        solved = known.solve(np.array(rates, dtype=float))
    elif states > DENSE and kind.kind == "f":
        from scipy.sparse import csr_array

        matrix = csr_array((list(rates), tuple(zip(*edges, strict=True))))
        solved = sparse_stationary(matrix)
    else:
        whole = np.zeros((states, states), kind)
        whole[_positions(edges)] = rates
        solved = fold(whole)
    return [p.item() for p in solved]


@lru_cache(maxsize=64)
def _positions(edges: Edges) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.array(edges).T
    return rows, columns


def _fold_stack(
    states: int, edges: Edges, rates: Sequence[Quantity]
) -> Sequence[FloatArray]:
    """Fold many chains at once, the scenarios on the last axis."""
    size = next(r.size for r in rates if isinstance(r, np.ndarray))
    a = np.zeros((states, states, size), np.result_type(*map(np.asarray, rates)))
    a[_positions(edges)] = np.stack([np.broadcast_to(r, size) for r in rates])
    for k in range(states - 1, 0, -1):
        a[:k, k] /= a[k, :k].sum(axis=0)
        a[:k, :k] += a[:k, k, None] * a[k, None, :k]
    p = np.ones((states, size), a.dtype)
    for k in range(1, states):
        p[k] = (p[:k] * a[:k, k]).sum(axis=0)
    rows: Sequence[FloatArray] = p / p.sum(axis=0)
    return rows
