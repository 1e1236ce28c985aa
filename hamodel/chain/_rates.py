"""Reading the rates of a chain: checked, alike in kind, flat if they are arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hamodel._types import Quantity

Pair = tuple[Hashable, Hashable]

#: The rate of what takes no time.  In proportion to others of the same state it
#: still says how likely this way is: `0.9 * INSTANT` against `0.1 * INSTANT`.
INSTANT = 1e200
#: From this rate on a state counts as left at once.
AT_ONCE = 1e150


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates by transition, as given; flattened; and which of them are odd.

    An odd rate is, somewhere in the sweep, 0 or instant; most chains have none.
    """

    given: dict[Pair, Quantity]
    flat: tuple[Quantity, ...]
    shape: tuple[int, ...] | None
    odd: tuple[int, ...]


def read(given: Mapping[Pair, Quantity]) -> Rates:
    """Check the rates; drop those of 0 and of a state to itself."""
    kept: dict[Pair, Quantity] = {}
    odd = []
    endless: set[Hashable] = set()
    plain_arrays: set[int] = set()
    for pair, rate in given.items():
        if pair[0] == pair[1]:
            continue
        if type(rate) is float and 0 < rate < AT_ONCE:
            kept[pair] = rate
            continue
        if id(rate) in plain_arrays:
            kept[pair] = rate
            continue
        value, plain = _checked(pair, rate)
        if is_zero(value):
            continue
        if not plain:
            odd.append(len(kept))
            _refuse_second_infinity(pair, rate, endless)
        elif value is rate:
            plain_arrays.add(id(rate))
        kept[pair] = value
    flat, shape = _flat(_alike(list(kept.values())))
    return Rates(kept, flat, shape, tuple(odd))


def is_zero(rate: Quantity) -> bool:
    """Tell whether a rate is 0 in every scenario."""
    if isinstance(rate, np.ndarray):
        return not rate.any()
    return bool(rate == 0)


def brief(value: Quantity) -> str:
    """Return a number in a few digits; of an array its range."""
    if np.ndim(value):
        return f"{np.min(value):.3g} .. {np.max(value):.3g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def code(rate: Quantity) -> Quantity:
    """Return 0 for a rate of 0, 2 for an instant one, 1 for all between."""
    if isinstance(rate, np.ndarray):
        return np.where(np.abs(rate) >= AT_ONCE, 2, np.where(rate == 0, 0, 1))
    if hasattr(rate, "free_symbols"):
        return 2 if rate.is_number and rate >= AT_ONCE else 1
    return 2 if abs(rate) >= AT_ONCE else 1


def _checked(pair: Pair, rate: Quantity) -> tuple[Quantity, bool]:
    """Return a rate ready for arithmetic, and whether it is surely not odd."""
    if isinstance(rate, np.ndarray | np.generic | list):
        return _checked_array(pair, rate)
    if hasattr(rate, "free_symbols"):
        if rate.is_number and not rate >= 0:
            raise _refusal(pair, rate)
        return (int(INSTANT), False) if rate.is_infinite else (rate, not rate.is_number)
    if isinstance(rate, str | bytes | bool) or not hasattr(rate, "real"):
        raise _refusal(pair, rate)
    if not rate.real >= 0:
        raise _refusal(pair, rate)
    if rate.real == float("inf"):
        return INSTANT, False
    return rate, rate.real < AT_ONCE


def _checked_array(pair: Pair, rate: Quantity) -> tuple[Quantity, bool]:
    array = np.asarray(rate)
    if array.dtype.kind not in "iufc" or not array.size:
        raise _refusal(pair, rate)
    if not array.ndim:
        return _checked(pair, array.item())
    real = array.real
    low, high = real.min(), real.max()
    if not low >= 0:
        raise _refusal(pair, real[~(real >= 0)].flat[0])
    if high == float("inf"):
        array = np.where(np.isinf(real), INSTANT, array)
    return array, bool(low > 0 and high < AT_ONCE)


def _refusal(pair: Pair, rate: object) -> ValueError:
    a, b = pair
    return ValueError(f"the rate from {a!r} to {b!r} must be >= 0, got {rate}")


def _refuse_second_infinity(pair: Pair, rate: Quantity, endless: set[Hashable]) -> None:
    """Raise if a state has two infinite rates: which one wins cannot be told."""
    if isinstance(rate, np.ndarray | list) or rate != float("inf"):
        return
    if pair[0] in endless:
        raise ValueError(
            f"state {pair[0]!r} has two infinite rates, so which way it goes is open;"
            " give shares, as in 0.9 * chain.INSTANT and 0.1 * chain.INSTANT"
        )
    endless.add(pair[0])


def _alike(values: list[Quantity]) -> list[Quantity]:
    """Return whole numbers as floats, unless the others are exact."""
    if all(isinstance(v, int | float | complex | np.ndarray) for v in values):
        return [float(v) if isinstance(v, int) else v for v in values]
    return [Fraction(v) if isinstance(v, int) else v for v in values]


def _flat(
    values: list[Quantity],
) -> tuple[tuple[Quantity, ...], tuple[int, ...] | None]:
    """Return arrays broadcast and flattened (equal ones once), and their shape."""
    arrays = {id(v): v for v in values if isinstance(v, np.ndarray)}
    if not arrays:
        return tuple(values), None
    shape = np.broadcast_shapes(*(a.shape for a in arrays.values()))
    flat = {
        k: np.ascontiguousarray(np.broadcast_to(a, shape)).reshape(-1)
        for k, a in arrays.items()
    }
    return tuple(flat.get(id(v), v) for v in values), shape
