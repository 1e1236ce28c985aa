"""What the kernels accept: stacks of rates, a start, times and sets of states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hamodel._types import FloatArray


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


def sparse_rates(rates: Any) -> Any:  # noqa: ANN401
    """Return sparse rates in CSR form, without diagonal or stored zeros."""
    from scipy.sparse import csr_array

    given = csr_array(rates, dtype=float)
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
