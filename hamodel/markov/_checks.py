"""What the kernels accept: stacks of rates, a start, times and sets of states."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
