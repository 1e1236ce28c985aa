"""Labelled values in words: numbers with their units, ticks, names of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel._types import FloatArray, Value
from hamodel.plots._style import INK
from hamodel.units import DAY, HOUR, MINUTE, YEAR

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_TIMES = (
    *(10.0**p for p in range(-6, 2)),
    *(n * MINUTE for n in (1, 10)),
    *(n * HOUR for n in (1, 6)),
    *(n * DAY for n in (1, 7, 30)),
    *(n * YEAR for n in (1, 10, 100, 1000, 1e4, 1e5)),
)
_LONG = 58  # letters of an axis' name that fit


def worded(value: Value, unit: str = "1", digits: int = 3) -> str:
    """Write a value with its unit as a reader would say it."""
    if isinstance(value, str | np.str_ | bool | np.bool_):
        return str(value)
    return text.measure(float(value), unit, digits)


def unit_of(values: xr.DataArray) -> str:
    """Return the unit that a labelled array states; 1 for none."""
    return str(values.attrs.get("units", "1"))


def title(values: xr.DataArray) -> str:
    """Return what an axis shows, cut to a length that fits."""
    name = str(values.attrs.get("long_name", values.name))
    return name if len(name) <= _LONG else f"{name[: _LONG - 3].rstrip()}..."


def numeric(values: xr.DataArray) -> bool:
    """Tell whether values are numbers."""
    return values.dtype.kind in "iuf"


def wide(values: FloatArray) -> bool:
    """Tell whether values span so much that only a logarithmic scale shows them."""
    kept = values[np.isfinite(values)]
    return bool(kept.size and kept.min() > 0 and kept.max() / kept.min() > 30)


def steps(low: float, high: float, *, most: int = 6) -> list[float]:
    """Return round numbers between two: 1, 2 and 5 times powers of ten, or fewer."""
    if not 0 < low < high or high / low < 8:
        return _even(low, high, most)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**p for p in powers for d in digits]
        found = [x for x in found if low <= x <= high]
        if len(found) <= most:
            return found
    return found[:: -(-len(found) // most)]


def _even(low: float, high: float, most: int) -> list[float]:
    if not high > low:
        return [low]
    raw = (high - low) / most
    size = 10.0 ** np.floor(np.log10(raw))
    step = next(d * size for d in (1, 2, 2.5, 5, 10) if d * size >= raw * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def time_steps(low: float, high: float) -> list[float]:
    """Return round times between two, in the units that read best."""
    if low > 0 and high / low >= 30:
        found = [time for time in _TIMES if low <= time <= high]
        return found[:: -(-len(found) // 6)]
    size = next((s for s in (YEAR, DAY, HOUR, MINUTE, 1, 1e-3) if high >= 2 * s), 1e-6)
    return [x * size for x in steps(low / size, high / size)]


def head(ax: Axes, words: str) -> None:
    """Write what a picture shows above it."""
    ax.set_title(words, loc="left", fontsize=9, color=INK, parse_math=False)


def only(values: xr.DataArray, wanted: Sequence[str]) -> None:
    """Raise ValueError where values vary along other dimensions too."""
    others = [str(dim) for dim in values.dims if dim not in wanted]
    if others:
        raise ValueError(
            f"dataset must vary along {' and '.join(wanted)} only, got also"
            f" {', '.join(others)}: choose with dataset.sel(...)"
        )
