"""Checks of input, worded once.

Every message names the field, its limit and the value that broke it.  A value may
be a number, an array of numbers (the first offender is named) or a SymPy
expression, which passes unless it is a plain number.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamodel._types import Quantity

_LONG = 60  # letters of a value in a message


def positive(**fields: object) -> None:
    """Raise unless every field is a finite number above zero."""
    _each(fields, "> 0 and finite", lambda x: np.isfinite(x) & (x > 0))


def mean_time(**fields: object) -> None:
    """Raise unless every field is above zero; infinity means `never`."""
    _each(fields, "> 0 (inf for never)", lambda x: x > 0)


def non_negative(**fields: object) -> None:
    """Raise unless every field is a finite number of at least zero."""
    _each(fields, ">= 0 and finite", lambda x: np.isfinite(x) & (x >= 0))


def finite(**fields: object) -> None:
    """Raise unless every field is a finite number."""
    _each(fields, "finite", np.isfinite)


def probability(**fields: object) -> None:
    """Raise unless every field lies in [0, 1]."""
    between(0, 1, **fields)


def share_below_one(**fields: object) -> None:
    """Raise unless every field lies in [0, 1)."""
    _each(fields, "in [0, 1)", lambda x: (x >= 0) & (x < 1))


def between(low: float, high: float, /, **fields: object) -> None:
    """Raise unless every field lies in [low, high]."""
    _each(fields, f"in [{low:g}, {high:g}]", lambda x: (x >= low) & (x <= high))


def whole(at_least: int, /, **fields: object) -> None:
    """Raise unless every field is a whole number of at least `at_least`."""
    limit = f"a whole number >= {at_least}"
    _each(fields, limit, lambda x: (x >= at_least) & (x == np.floor(x)))


def one_of(choices: Iterable[str], /, **fields: object) -> None:
    """Raise unless every field is one of the choices; suggest the nearest."""
    choices = tuple(choices)
    for name, value in fields.items():
        if value not in choices:
            listed = ", ".join(map(_shown, choices))
            said = f"must be one of {listed}, got {_shown(value)}"
            raise ValueError(f"{name} {said}{hint(str(value), choices)}")


def hint(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a question after the nearest of some words, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {_shown(near[0])}?" if near else ""


def _shown(value: object) -> str:
    """Write a value as code has it, a long one with its middle left out."""
    said = repr(value)
    return said if len(said) <= _LONG else f"{said[: _LONG - 10]}...{said[-7:]}"


def instance(kind: type | tuple[type, ...], /, **fields: object) -> None:
    """Raise unless every field is an instance of `kind`."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for name, value in fields.items():
        if not isinstance(value, kinds):
            wanted = " or ".join(k.__name__ for k in kinds)
            raise ValueError(f"{name} must be a {wanted}, got {value!r}")


def alone(what: str, /, **fields: Quantity) -> None:
    """Raise if a field, or the mean of a law, is an array: `what` takes none."""
    for name, value in fields.items():
        mean = getattr(value, "mean", None) if hasattr(value, "lst") else value
        if np.ndim(0.0 if mean is None else mean):
            raise ValueError(
                f"{what} need single numbers, got arrays: {name}; one setting at a "
                "time (ha.sweep takes them point by point)"
            )


def is_symbolic(value: object) -> bool:
    """Tell whether a value is a SymPy expression, without importing SymPy."""
    return hasattr(value, "free_symbols")


def _each(
    fields: dict[str, object], limit: str, holds: Callable[[Any], NDArray[np.generic]]
) -> None:
    for name, value in fields.items():
        if is_symbolic(value) and not getattr(value, "is_number", False):
            continue
        numbers_ = _numbers(name, limit, value)
        bad = ~np.asarray(holds(numbers_), dtype=bool)
        if np.any(bad):
            hint = _percent(limit, numbers_[bad].flat[0])
            got = _first(numbers_, bad)
            raise ValueError(f"{name} must be {limit}, got {got}{hint}")


def _percent(limit: str, value: float) -> str:
    """Offer the share that was meant, where a percentage was given for one."""
    meant = limit.startswith("in [0, 1") and 1 < value <= 100
    return f"; {value:g} % is written {value / 100:g}" if meant else ""


def _numbers(name: str, limit: str, value: Quantity) -> NDArray[np.generic]:
    """Return the value as real numbers (of a complex step, the real part)."""
    if is_symbolic(value):
        value = float(value)
    if value is None or isinstance(value, (str, bytes, bool)):
        raise _refused(name, limit, value)
    try:
        array = np.asarray(value)
        if array.dtype == object:
            if not all(isinstance(v, numbers.Number) for v in array.flat):
                raise _refused(name, limit, value)
            array = array.astype(float)
        elif array.dtype.kind not in "iufc":
            raise _refused(name, limit, value)
    except (TypeError, ValueError):
        raise _refused(name, limit, value) from None
    return np.asarray(array.real)


def _refused(name: str, limit: str, value: object) -> ValueError:
    """Return what to raise; written only when needed, for an array is slow to write."""
    hint = ": a number, not text" if isinstance(value, str) else ""
    return ValueError(f"{name} must be {limit}, got {_shown(value)}{hint}")


def _first(values: NDArray[np.generic], bad: NDArray[np.generic]) -> str:
    """Name the first offender, and where it stands if there are several."""
    if values.ndim == 0:
        return f"{values[()]:g}"
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    place = where[0] if len(where) == 1 else where
    return f"{values[where]:g} at index {place}"
