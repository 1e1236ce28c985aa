"""Folding one dense matrix: panels of states, and products of what is not negative."""

from __future__ import annotations

import numpy as np

from hamodel._types import FloatArray

#: So many states are folded one by one before a matrix product does the rest.
_PANEL = 48


def fold(rates: FloatArray) -> FloatArray:
    """Return the long-run probabilities of one irreducible matrix of rates."""
    a = rates.copy()
    fold_panel(a, 1, 1)
    p = np.ones(len(a), a.dtype)
    for k in range(1, len(a)):
        p[k] = p[:k] @ a[:k, k]
        if abs(p[k]) > 1e200:  # the states before are rare: underflow is harmless
            p[: k + 1] /= p[k]
    total: FloatArray = p / p.sum()
    return total


def fold_panel(a: FloatArray, rows: int, columns: int) -> None:
    """Fold the last states of a matrix into the first, in place.

    The panel's states stand in the last rows and the last columns.  Afterwards the
    first `rows` and `columns` hold the rates among the states that remain, and the
    panel's columns hold, for the unfolding, the flow into a state for each visit.

    Within `_PANEL` states the folding goes one by one; what they give to all others
    is one product of two matrices that are not negative, so it cannot cancel.
    """
    for high in range(a.shape[1] - columns, 0, -_PANEL):
        low = max(high - _PANEL, 0)
        for k in range(high - 1, low - 1, -1):
            row, column = rows + k, columns + k
            out = a[row, :column]
            a[:row, column] /= out.sum()
            share = a[:row, column, None]
            first = rows + low
            a[first:row, :column] += share[first:] * out
            a[:first, columns + low : column] += share[:first] * out[columns + low :]
        r, c = rows + low, columns + low
        a[:r, :c] += a[:r, c : columns + high] @ a[r : rows + high, :c]
