"""How long it takes to get somewhere, from every state at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import ArrayLike

from hamodel._graph import reached, successors
from hamodel._types import FloatArray, Sparse
from hamodel.markov._checks import patterns, rate_stack, sparse_rates, state_numbers


def mean_time_to(rates: ArrayLike, targets: Collection[int]) -> FloatArray:
    """Return the mean time until a target state is entered, from each state.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    targets : collection of int
        State numbers.

    Returns
    -------
    ndarray, shape (..., n)
        Times in s: 0 from a target; inf if the targets may never be reached.

    Raises
    ------
    ValueError
        If a rate is negative or not finite, or a target is no state.

    Notes
    -----
    States are folded as in :func:`steady_state`, each handing the time spent in it
    to those that lead to it, so nothing is subtracted.  A sparse matrix is factored
    instead.  Source: Grassmann, Taksar and Heyman (1985); C. A. O'Cinneide (1996),
    Relative-error bounds for the LU decomposition via the GTH algorithm, Numerische
    Mathematik 73, 507-519.

    Examples
    --------
    >>> mean_time_to([[0, 2 / 1000, 0], [1 / 10, 0, 1 / 1000], [0, 0, 0]], [2])
    array([51500., 51000.,     0.])
    """
    if hasattr(rates, "tocsr"):
        matrix = sparse_rates(rates)
        return _of_sparse(matrix, state_numbers(targets, matrix.shape[0], "targets"))
    stack, lead = rate_stack(rates)
    n = stack.shape[-1]
    ends = state_numbers(targets, n, "targets")
    result = np.zeros((len(stack), n), stack.dtype)
    for members, there in patterns(stack):
        sure, lost = _certain(n, zip(*np.nonzero(there), strict=True), ends)
        result[np.ix_(members, np.array(lost, dtype=int))] = np.inf
        part = stack[members]
        inner = part[:, sure][:, :, sure]
        direct = part[:, sure][:, :, ends].sum(axis=-1)
        result[np.ix_(members, np.array(sure, dtype=int))] = _fold_times(inner, direct)
    return result.reshape(*lead, n)


def _certain(
    states: int, edges: Iterable[tuple[int, int]], ends: Collection[int]
) -> tuple[list[int], list[int]]:
    """Return the states that surely reach the ends, and those that may not."""
    ends = set(ends)
    backwards = successors(states, [(j, i) for i, j in edges if i not in ends])
    hopeless = set(range(states)) - reached(backwards, ends)
    lost = reached(backwards, hopeless)
    return sorted(set(range(states)) - lost - ends), sorted(lost - ends)


def _fold_times(inner: FloatArray, direct: FloatArray) -> FloatArray:
    """Return mean times (b, m), given rates among m states and to the end."""
    a = np.moveaxis(inner, 0, -1).copy()
    end = direct.T.copy()
    spent = np.ones_like(end)
    m = len(end)
    out = np.empty_like(end)
    for k in range(m - 1, -1, -1):
        out[k] = a[k, :k].sum(axis=0) + end[k]
        share = a[:k, k] / out[k]
        a[:k, :k] += share[:, None] * a[k, None, :k]
        end[:k] += share * end[k]
        spent[:k] += share * spent[k]
    for k in range(m):
        spent[k] = (spent[k] + (a[k, :k] * spent[:k]).sum(axis=0)) / out[k]
    return spent.T


def _of_sparse(matrix: Sparse, ends: list[int]) -> FloatArray:
    from scipy.sparse import csc_array, diags_array
    from scipy.sparse.linalg import splu

    n = matrix.shape[0]
    edges = zip(*(part.tolist() for part in matrix.nonzero()), strict=True)
    sure, lost = _certain(n, edges, ends)
    result = np.zeros(n)
    result[lost] = np.inf
    if len(sure):
        out = np.asarray(matrix.sum(axis=1)).reshape(-1)
        system = csc_array(diags_array(out[sure]) - matrix[sure][:, sure])
        solver = splu(
            system,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        result[sure] = solver.solve(np.ones(len(sure)))
    return result
