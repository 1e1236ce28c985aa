"""What the kernels accept: stacks of rates, a start, times and sets of states."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamodel._types import FloatArray, Sparse


def rate_stack(rates: ArrayLike) -> tuple[FloatArray, tuple[int, ...]]:
    """Return rates as a stack (b, n, n) of its own, and the leading shape.

    The diagonal is set to 0.  Complex rates (a derivative by complex step) pass.
    """
    given = np.asarray(rates)
    if given.ndim < 2 or given.shape[-1] != given.shape[-2] or not given.shape[-1]:
        raise ValueError(f"rates must have shape (..., n, n), got {given.shape}")
    if given.dtype.kind not in "iufcb":
        try:
            given = given.astype(float)
        except (TypeError, ValueError):
            raise ValueError(f"rates must be numbers, got {rates!r}") from None
    kind = complex if given.dtype.kind == "c" else float
    n = given.shape[-1]
    stack = np.array(given, dtype=kind).reshape(-1, n, n)
    stack[:, np.arange(n), np.arange(n)] = 0
    bad = ~(np.isfinite(stack) & (stack.real >= 0))
    if bad.any():
        *_, i, j = where = tuple(np.argwhere(bad)[0])
        raise ValueError(
            f"rates must be >= 0 and finite, got {stack[where]:g} from state {i} to {j}"
        )
    return stack, given.shape[:-2]


def patterns(stack: FloatArray) -> list[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group matrices by which of their rates are not zero."""
    if not len(stack):
        return []
    there = stack != 0
    if np.all(there == there[0]):
        return [(np.arange(len(stack)), there[0])]
    packed = np.packbits(there.reshape(len(stack), -1), axis=1)
    _, first, number = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return [
        (np.flatnonzero(number.reshape(-1) == g), there[k]) for g, k in enumerate(first)
    ]


def sparse_rates(rates: Sparse) -> Sparse:
    """Return sparse rates in CSR form, without diagonal or stored zeros."""
    from scipy.sparse import csr_array

    given: Sparse = csr_array(rates, dtype=float)
    if given.shape[0] != given.shape[1] or not given.shape[0]:
        raise ValueError(f"rates must have shape (n, n), got {given.shape}")
    entries = given.tocoo()
    bad = ~(np.isfinite(entries.data) & (entries.data >= 0))
    bad &= entries.row != entries.col
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(
            f"rates must be >= 0 and finite, got {entries.data[k]:g} from state"
            f" {entries.row[k]} to {entries.col[k]}"
        )
    kept = (entries.row != entries.col) & (entries.data != 0)
    place = entries.row[kept], entries.col[kept]
    return csr_array((entries.data[kept], place), shape=given.shape)


def starting(start: ArrayLike, states: int) -> FloatArray:
    """Return the probabilities at time 0, checked and scaled to sum to 1."""
    given = np.array(start, dtype=float)
    if given.shape != (states,):
        raise ValueError(f"start must have shape ({states},), got {given.shape}")
    total = given.sum()
    if not (np.all(given >= 0) and abs(total - 1) < 1e-9):
        raise ValueError(f"start must be >= 0 and sum to 1, got {given} of sum {total}")
    given /= total
    return given


def moments(times: ArrayLike) -> FloatArray:
    """Return times as a flat array, checked."""
    given = np.array(times, dtype=float)
    if given.ndim > 1:
        raise ValueError(f"times must have shape (k,), got {given.shape}")
    if not np.all(np.isfinite(given) & (given >= 0)):
        bad = given[~(np.isfinite(given) & (given >= 0))].flat[0]
        raise ValueError(f"times must be >= 0 and finite, got {bad:g}")
    return given.reshape(-1)


def state_numbers(numbers: Collection[int], states: int, name: str) -> list[int]:
    """Return state numbers, sorted and checked."""
    found = sorted(set(numbers))
    for k in found:
        if k != int(k) or not 0 <= k < states:
            raise ValueError(f"{name} must be states 0 to {states - 1}, got {k!r}")
    return [int(k) for k in found]
