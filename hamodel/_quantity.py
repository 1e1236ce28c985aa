"""What a specification does with a field that may be a number, an array or a symbol."""

from __future__ import annotations

import numpy as np

from hamodel._check import is_symbolic
from hamodel._types import Quantity


def hold(spec: object, *names: str) -> None:
    """Make fields of a frozen specification safe to keep.

    A list becomes an array, and an array is copied and made read-only; numbers and
    SymPy expressions stay as they are.
    """
    for name in names:
        value = getattr(spec, name)
        if isinstance(value, (list, tuple, np.ndarray)):
            array = np.array(value)
            array.setflags(write=False)
            object.__setattr__(spec, name, array)


def rate_of(time: Quantity) -> Quantity:
    """Return the rate of a mean time: `inf` where it is zero, 0 where it is `inf`."""
    if is_symbolic(time):
        return 1 / time
    if np.ndim(time) == 0:
        return 1 / time if time else float("inf")
    with np.errstate(divide="ignore", over="ignore"):
        return 1 / np.asarray(time, dtype=np.result_type(time, float))


def mean_of(time: Quantity) -> Quantity:
    """Return the mean of a time that may be a distribution."""
    return time.mean if hasattr(time, "sample") else time
