"""Long-run probabilities: which states count, and which elimination finds them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel._elimination import Edges, in_blocks, plan
from hamodel._graph import closed_classes, successors
from hamodel.markov._checks import rate_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from scipy.sparse import sparray, spmatrix

    from hamodel._types import FloatArray, Quantity

#: From here on a single dense matrix is folded in panels, by matrix products.
_PANEL = 48


class ReducibleChainError(ValueError):
    """The long-run probabilities depend on where the chain starts.

    Attributes
    ----------
    classes : tuple of tuple of int
        The closed classes: sets of states that, once entered, are never left.
    """

    def __init__(self, classes: Sequence[Sequence[int]]) -> None:
        self.classes = tuple(tuple(c) for c in classes)
        shown = ", ".join(str(list(c)) for c in self.classes[:4])
        more = ", ..." if len(self.classes) > 4 else ""
        super().__init__(
            f"the chain has {len(self.classes)} closed classes of states ({shown}{more}),"
            " so where it ends up depends on where it starts; give each a way back,"
            " ask for one class alone, or use Chain, which knows its start"
        )


def steady_state(rates: ArrayLike | sparray | spmatrix) -> FloatArray:
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
    ValueError
        If a rate is negative, infinite or not a number.

    Notes
    -----
    GTH elimination never subtracts, so 1e-40 is as exact as 0.5.  Source: Grassmann,
    Taksar and Heyman (1985), Operations Research 33(5), 1107-1116.  Sparse input is
    solved as :func:`hamodel.markov.sparse_steady_state` says.

    Examples
    --------
    >>> steady_state([[0, 1 / 1000], [1 / 2, 0]])  # fails every 1000 s, back in 2 s
    array([0.998004, 0.001996])
    """
    stack, lead = rate_stack(rates)
    n = stack.shape[-1]
    result = np.zeros((len(stack), n), stack.dtype)
    for members, edges in _patterns(stack):
        (*others, recurrent) = classes = closed_classes(successors(n, edges))
        if others:
            raise ReducibleChainError(classes)
        part = stack[np.ix_(members, recurrent, recurrent)]
        result[np.ix_(members, recurrent)] = _irreducible(part)
    return result.reshape(*lead, n)


def _patterns(stack: FloatArray) -> list[tuple[FloatArray, Edges]]:
    """Group the matrices by which of their rates are not zero."""
    n = stack.shape[-1]
    there = (stack != 0) & ~np.eye(n, dtype=bool)
    if not len(stack):
        return []
    if np.all(there == there[0]):
        groups = [np.arange(len(stack))]
    else:
        packed = np.packbits(there.reshape(len(stack), -1), axis=1)
        _, number = np.unique(packed, axis=0, return_inverse=True)
        number = number.reshape(-1)
        groups = [np.flatnonzero(number == g) for g in range(number.max() + 1)]
    return [(g, _edges(there[g[0]])) for g in groups]


def _edges(there: np.ndarray[Any, np.dtype[np.bool_]]) -> Edges:
    return tuple((int(i), int(j)) for i, j in zip(*np.nonzero(there), strict=True))


def _irreducible(stack: FloatArray) -> FloatArray:
    """Solve a stack of irreducible chains of one graph, shape (b, n, n)."""
    n = stack.shape[-1]
    edges = _edges((stack[0] != 0) & ~np.eye(n, dtype=bool))
    if len(stack) == 1 and stack.dtype == float:
        return fold(stack[0])[None]
    flat = [np.ascontiguousarray(stack[:, i, j]) for i, j in edges]
    return np.stack(long_run(n, edges, flat), axis=-1)


def long_run(
    states: int, edges: Edges, rates: Sequence[Quantity], keep: int = 0
) -> list[Quantity]:
    """Return the long-run probabilities of one irreducible graph.

    The rates are numbers of any kind, or flat arrays of one length.
    """
    numeric = any(isinstance(r, np.ndarray) for r in rates)
    if numeric:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return _long_run_of_arrays(states, edges, rates, keep)
    chosen = plan(states, edges, keep) if states <= 400 else None
    simple = all(isinstance(r, float) for r in rates)
    if chosen is None:
        return list(_fold_edges(states, edges, rates))
    found = chosen.solve(rates)
    if simple and not found[keep] > 0:  # weights overflowed: `keep` is too rare
        return list(_fold_edges(states, edges, rates))
    return found


def _long_run_of_arrays(
    states: int, edges: Edges, rates: Sequence[Quantity], keep: int
) -> list[Quantity]:
    chosen = plan(states, edges, keep) if states <= 400 else None
    size = next(r.size for r in rates if isinstance(r, np.ndarray))
    if chosen is None:
        block = max(1, 2**16 // states**2)
        return in_blocks(lambda r: _fold_stack(states, edges, r), rates, block)
    found = [np.broadcast_to(p, size) for p in chosen.solve(rates)]
    poor = np.flatnonzero(~(np.abs(found[keep]) > 0))
    if poor.size:
        found = [np.array(p) for p in found]
        for b in poor:
            one = [r[b] if isinstance(r, np.ndarray) else r for r in rates]
            for p, value in zip(found, _fold_edges(states, edges, one), strict=True):
                p[b] = value
    return found


def _fold_edges(states: int, edges: Edges, rates: Sequence[Quantity]) -> list[float]:
    matrix = np.zeros((states, states), np.result_type(*map(np.asarray, rates)))
    for (i, j), rate in zip(edges, rates, strict=True):
        matrix[i, j] = rate
    return [p.item() for p in fold(matrix)]


@lru_cache(maxsize=64)
def _positions(edges: Edges) -> tuple[Any, Any]:
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


def fold(rates: FloatArray) -> FloatArray:
    """Return the long-run probabilities of one irreducible matrix.

    Folds panels of states at a time: within a panel one by one, into the rest by
    one product of non-negative matrices, which cannot cancel either.
    """
    a = rates.copy()
    n = len(a)
    for high in range(n, 1, -_PANEL):
        low = max(high - _PANEL, 1)
        for k in range(high - 1, low - 1, -1):
            a[:k, k] /= a[k, :k].sum()
            a[low:k, :k] += a[low:k, k, None] * a[k, None, :k]
            a[:low, low:k] += a[:low, k, None] * a[k, None, low:k]
        a[:low, :low] += a[:low, low:high] @ a[low:high, :low]
    p = np.ones(n, a.dtype)
    for k in range(1, n):
        p[k] = p[:k] @ a[:k, k]
        if abs(p[k]) > 1e200:  # the first state is rare: underflow is harmless
            p[: k + 1] /= p[k]
    total: FloatArray = p / p.sum()
    return total
