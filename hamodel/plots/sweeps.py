"""Sweeps as pictures: a map of two parameters, or lines with bands along one.

The map places the values of a grid side by side, each as wide as the next, and writes
either the number into every cell or lines of equal value across them: colour only
helps the eye.  Lines have their names at their ends, and where a sweep has the
dimension `draw` they are medians within a band.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel._types import FloatArray
from hamodel.plots._style import INK, LINES, PLAIN
from hamodel.plots._sweep_map import SweepMap, draw_map
from hamodel.plots._values import (
    head,
    numeric,
    only,
    steps,
    time_steps,
    title,
    unit_of,
    wide,
    worded,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

_DRAW = "draw"

__all__ = ["SweepLines", "SweepMap", "draw_sweep"]


def draw_sweep(
    ax: Axes,
    dataset: xr.Dataset,
    *,
    x: str,
    y: str | None = None,
    quantity: str | None = None,
    level: float = 0.9,
) -> SweepMap | SweepLines:
    """Draw a sweep: a map of two parameters, or lines along one.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    dataset : xarray.Dataset
        What `hamodel.sweep` returned; further dimensions must have been chosen from
        (`dataset.sel(...)`).
    x : str
        Dimension of the horizontal axis.
    y : str or None
        Dimension of the vertical axis of a map.  None: lines along x, one for each
        value of the other dimension if there is one, at most four.
    quantity : str or None
        Which variable.  None: the first that does not go by cause.
    level : float
        Share of the draws within a band, where there is a dimension `draw`; with a y
        the map shows their median.

    Raises
    ------
    ValueError
        If a name is unknown, or dimensions are left over.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import ActivePassive, Failover, Node, sweep
    >>> node = Node(mttf=2000 * 3600, mttr=4 * 3600)
    >>> pair = ActivePassive(database=node, failover=Failover())
    >>> found = sweep(
    ...     pair, promotion=[10, 300], coverage=[0.9, 1],
    ...     quantities="write_minutes_per_year",
    ... )
    >>> print(draw_sweep(Figure().subplots(), found, x="promotion").text)
    Downtime of writes a year by failover: time for the standby to become primary.
    0.9: 110 min at 10 s, 128 min at 5 min. 1: 4.92 min at 10 s, 26 min at 5 min.
    >>> print(draw_sweep(Figure().subplots(), found, x="promotion", y="coverage").text)
    Downtime of writes a year by failover: time for the standby to become primary, and
    failover: probability that the failover works. Least: 4.92 min at 10 s and 1.
    Most: 128 min at 5 min and 0.9.
    """
    _check.between(0, 1, level=level)
    values = _chosen(dataset, quantity)
    dims = [str(dim) for dim in values.dims]
    _check.one_of(dims, x=x)
    if y is None:
        return draw_lines(ax, values.squeeze(_single(values, x)), x, level)
    _check.one_of([dim for dim in dims if dim != x], y=y)
    if _DRAW in values.dims:
        values = values.median(_DRAW, keep_attrs=True)
    values = values.squeeze([d for d in _single(values, x) if d != y])
    only(values, (x, y))
    return draw_map(ax, values.transpose(y, x))


def _chosen(dataset: xr.Dataset, quantity: str | None) -> xr.DataArray:
    names = [str(name) for name in dataset.data_vars]
    if quantity is None:
        quantity = next((n for n in names if "cause" not in dataset[n].dims), names[0])
    _check.one_of(names, quantity=quantity)
    return dataset[quantity]


def _single(values: xr.DataArray, x: str) -> list[Hashable]:
    return [d for d, n in values.sizes.items() if n == 1 and d not in (x, _DRAW)]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SweepLines:
    """Drawn lines along one parameter.

    Attributes
    ----------
    lines : tuple of Line2D
        One for each value of the other parameter; medians where there are draws.
    bands : tuple of FillBetweenPolyCollection
        Their credible intervals; none without draws.
    labels : tuple of Text
        Their names.
    text : str
        What the picture says, in words and numbers.
    """

    lines: tuple[Line2D, ...]
    bands: tuple[FillBetweenPolyCollection, ...]
    labels: tuple[Text, ...]
    text: str


def draw_lines(ax: Axes, values: xr.DataArray, x: str, level: float) -> SweepLines:
    """Draw values along x, one line for each value of the other dimension."""
    others = [str(dim) for dim in values.dims if dim not in (x, _DRAW)]
    if len(others) > 1:
        only(values, (x, others[0]))
    rows = _rows(values, others)
    along = np.arange(len(values[x])) if not numeric(values[x]) else values[x].values
    lines, bands, labels, words = [], [], [], []
    for (name, row), (colour, dashes) in zip(rows, LINES, strict=False):
        low, middle, high = _spread(row, x, level)
        (line,) = ax.plot(along, middle, color=colour, linestyle=dashes)
        if len(along) < 12:
            line.set_marker("o")
            line.set_markersize(4)
        if _DRAW in row.dims:
            bands.append(
                ax.fill_between(along, low, high, color=colour, alpha=0.2, lw=0)
            )
        label = ax.annotate(
            f" {name}", (along[-1], middle[-1]), color=INK, va="center", **PLAIN
        )
        lines.append(line)
        labels.append(label)
        words.append(_line_text(name, values[x], (low, middle, high), unit_of(values)))
    _scales(ax, values, x)
    if others:
        head(ax, f"lines: {title(values[others[0]])}")
    _apart(ax, labels)
    whole = f"{title(values)} by {title(values[x])}"
    if bands:
        whole += f", median and {text.number(100 * level)} % of the draws"
    sentence = " ".join([f"{whole[:1].upper()}{whole[1:]}.", *words])
    return SweepLines(
        lines=tuple(lines), bands=tuple(bands), labels=tuple(labels), text=sentence
    )


def _rows(values: xr.DataArray, others: list[str]) -> list[tuple[str, xr.DataArray]]:
    if not others:
        return [("", values)]
    (other,) = others
    count = values.sizes[other]
    if count > len(LINES):
        raise ValueError(
            f"{other} must have at most {len(LINES)} values to be drawn as lines,"
            f" got {count}: choose some, or draw a map with y={other!r}"
        )
    unit = unit_of(values[other])
    return [
        (worded(values[other].values[k], unit), values.isel({other: k}))
        for k in range(count)
    ]


def _spread(
    row: xr.DataArray, x: str, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if _DRAW not in row.dims:
        values = np.asarray(row.transpose(x), float)
        return values, values, values
    draws = np.asarray(row.transpose(_DRAW, x), float)
    tail = (1 - level) / 2
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    return low, middle, high


def _scales(ax: Axes, values: xr.DataArray, x: str) -> None:
    """Set both scales with fixed plain ticks, and leave room for the names."""
    _scale(ax, "y", np.concatenate([_drawn(ax)]), values)
    if numeric(values[x]):
        _scale(ax, "x", values[x].values.astype(float), values[x])
    else:
        ax.set_xticks(range(len(values[x])), [worded(v) for v in values[x].values])
        ax.set_xlim(-0.3, len(values[x]) - 0.4)
        ax.set_xlabel(title(values[x]), **PLAIN)


def _drawn(ax: Axes) -> FloatArray:
    every = [np.asarray(line.get_ydata(), float) for line in ax.lines]
    bands = [path for held in ax.collections for path in held.get_paths()]
    every += [np.asarray(path.vertices, float)[:, 1] for path in bands]
    return np.concatenate(every)


def _scale(ax: Axes, side: str, values: FloatArray, labelled: xr.DataArray) -> None:
    kept = values[np.isfinite(values)]
    low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 1.0)
    unit = unit_of(labelled)
    curved = wide(kept)
    if not curved and side == "y":
        low = min(0.0, low)
    find = time_steps if unit == "s" else steps
    ticks = find(low, high) if high > low else [low]
    axis = ax.xaxis if side == "x" else ax.yaxis
    if curved:
        getattr(ax, f"set_{side}scale")("log")
        getattr(ax, f"set_{side}lim")(low / 1.1, high * 1.1)
    else:
        room = 0.04 * (high - low) or 0.5 * abs(high) or 1.0
        getattr(ax, f"set_{side}lim")(low - room * (low != 0), high + room)
    axis.set_ticks(ticks, [worded(tick, unit) for tick in ticks])
    axis.set_ticks([], minor=True)
    axis.set_label_text(title(labelled), **PLAIN)


def _apart(ax: Axes, labels: Sequence[Text]) -> None:
    """Move names that would cover each other, from the lowest up."""
    size = 1.35 * 9.0  # points of one line of text
    height = float(ax.get_window_extent().height) * 72 / ax.figure.dpi
    place = ax.transData.transform
    at = [
        (float(place(label.xy)[1]) * 72 / ax.figure.dpi, label)  # type: ignore[attr-defined]
        for label in labels
    ]
    at = [(y, label) for y, label in at if np.isfinite(y)]
    last = -np.inf
    for y, label in sorted(at, key=lambda pair: pair[0]):
        new = max(y, last + min(size, height / max(len(at), 1)))
        label.set_position((0.0, new - y))
        label.set_anncoords("offset points")  # type: ignore[attr-defined]
        last = new


def _line_text(
    name: str, x: xr.DataArray, spread: tuple[FloatArray, ...], unit: str
) -> str:
    low, middle, high = spread
    parts = []
    for k in dict.fromkeys((0, len(middle) - 1)):
        band = ""
        if low[k] < high[k]:
            band = f" ({worded(low[k], unit)} to {worded(high[k], unit)})"
        where = worded(x.values[k], unit_of(x))
        parts.append(f"{worded(middle[k], unit)}{band} at {where}")
    first = f"{name}: " if name else ""
    return f"{first}{', '.join(parts)}."
