"""Sweeps as pictures: a map of two parameters, or lines with bands along one.

The map places the values of a grid side by side, each as wide as the next, and writes
either the number into every cell or lines of equal value across them: colour only
helps the eye.  Lines have their names at their ends, and where a sweep has the
dimension `draw` they are medians within a band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import _check
from hamodel.plots._style import INK, PALETTE, PAPER, contrast
from hamodel.plots._values import (
    numeric,
    said,
    steps,
    time_steps,
    title,
    unit_of,
    wide,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection, QuadMesh
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from hamodel._types import FloatArray

_PLAIN: Any = {"parse_math": False}
_DRAW = "draw"
_STYLES = (
    (PALETTE["blue"], "-"),
    (PALETTE["vermilion"], "--"),
    (PALETTE["green"], ":"),
    (PALETTE["purple"], "-."),
)
_COLOURS = ("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b")  # light is little
_CELLS = 84  # cells into which numbers still fit
_SIDE = 32  # cells along one side of a map


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SweepMap:
    """A drawn map of two parameters.

    Attributes
    ----------
    mesh : QuadMesh
        The cells.
    numbers : tuple of Text
        What is written into the cells; none where there are too many.
    levels : tuple of float
        Values of the lines across the map; none where numbers are written.
    text : str
        What the picture says, in words and numbers.
    """

    mesh: QuadMesh
    numbers: tuple[Text, ...]
    levels: tuple[float, ...]
    text: str


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


def draw_sweep(
    ax: Axes,
    found: xr.Dataset,
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
    found : xarray.Dataset
        What `hamodel.sweep` returned; further dimensions must have been chosen from
        (`found.sel(...)`).
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

    Returns
    -------
    SweepMap or SweepLines
        The artists, and the picture in words.

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
    values = _chosen(found, quantity)
    dims = [str(dim) for dim in values.dims]
    _check.one_of(dims, x=x)
    if y is None:
        return _lines(ax, values.squeeze(_single(values, x)), x, level)
    _check.one_of([dim for dim in dims if dim != x], y=y)
    if _DRAW in values.dims:
        values = values.median(_DRAW, keep_attrs=True)
    values = values.squeeze([d for d in _single(values, x) if d != y])
    _no_others(values, (x, y))
    return _map(ax, values.transpose(y, x))


def _chosen(found: xr.Dataset, quantity: str | None) -> xr.DataArray:
    names = [str(name) for name in found.data_vars]
    if quantity is None:
        quantity = next((n for n in names if "cause" not in found[n].dims), names[0])
    _check.one_of(names, quantity=quantity)
    return found[quantity]


def _single(values: xr.DataArray, x: str) -> list[Any]:
    return [d for d, n in values.sizes.items() if n == 1 and d not in (x, _DRAW)]


def _no_others(values: xr.DataArray, wanted: Sequence[str]) -> None:
    others = [str(dim) for dim in values.dims if dim not in wanted]
    if others:
        raise ValueError(
            f"found must vary along {' and '.join(wanted)} only, got also"
            f" {', '.join(others)}: choose with found.sel(...)"
        )


# ---- maps --------------------------------------------------------------------------


def _map(ax: Axes, values: xr.DataArray) -> SweepMap:
    cells = np.asarray(values, float)
    down, across = (_places(n, _SIDE) for n in cells.shape)
    shown = np.ma.masked_invalid(cells[np.ix_(down, across)])
    edges = _edges(across), _edges(down)
    mesh = ax.pcolormesh(*edges, shown, norm=_norm(cells), cmap=_colours(), linewidth=0)
    mesh.set_edgecolor("face")
    for dim, axis, count in zip(values.dims, (ax.yaxis, ax.xaxis), (8, 6), strict=True):
        _cell_ticks(axis, values[dim], count)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    _head(ax, f"{title(values)}, darker is more")
    numbers, levels = _written(ax, cells, unit_of(values), mesh)
    return SweepMap(mesh=mesh, numbers=numbers, levels=levels, text=_map_text(values))


def _head(ax: Axes, words: str) -> None:
    ax.set_title(words, loc="left", fontsize=9, color=INK, **_PLAIN)


def _written(
    ax: Axes, cells: FloatArray, unit: str, mesh: QuadMesh
) -> tuple[tuple[Text, ...], tuple[float, ...]]:
    """Write the numbers into the cells, or lines of equal value across them."""
    if cells.size <= _CELLS and max(cells.shape) <= 12:
        made = [
            _cell_text(ax, place, value, unit, mesh)
            for place, value in np.ndenumerate(cells)
        ]
        return tuple(made), ()
    kept = cells[np.isfinite(cells)]
    if not kept.size or min(cells.shape) < 2:
        return (), ()
    levels = steps(float(kept.min()), float(kept.max()), most=7)
    levels = [level for level in levels if kept.min() < level < kept.max()]
    if not levels:
        return (), ()
    middles = [np.arange(n) + 0.5 for n in cells.shape[::-1]]
    shown = np.ma.masked_invalid(cells)
    scale = np.log if wide(kept) else np.asarray  # as the cells are coloured
    at = {float(scale(level)): said(level, unit) for level in levels}
    look: Any = {"colors": INK, "linewidths": 0.8, "linestyles": "solid"}
    lines = ax.contour(*middles, scale(shown), levels=sorted(at), **look)
    words = ax.clabel(lines, fmt=at, fontsize=8, colors=INK)
    for word in words:
        word.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 1.0})
        inside = np.array(cells.shape[::-1]) * [[0.05], [0.95]]  # not cut at the edge
        word.set_position(tuple(np.clip(word.get_position(), *inside)))
    return (), tuple(levels)


def _cell_text(
    ax: Axes, place: tuple[int, ...], value: float, unit: str, mesh: QuadMesh
) -> Text:
    from matplotlib.colors import to_hex

    row, column = place
    infinite = not np.isfinite(value)
    norm: Any = mesh.norm
    shade: Any = PAPER if infinite else mesh.cmap(norm(value))
    fill = to_hex(shade)
    ink = INK if contrast(fill, INK) >= contrast(fill, PAPER) else PAPER
    words = "∞" if infinite else said(value, unit)
    centred: Any = {"ha": "center", "va": "center", "fontsize": 8}
    return ax.text(column + 0.5, row + 0.5, words, color=ink, **centred, **_PLAIN)


def _colours() -> Any:  # noqa: ANN401
    from matplotlib.colors import LinearSegmentedColormap

    made = LinearSegmentedColormap.from_list("little to much", _COLOURS)
    return made.with_extremes(bad=PAPER)


def _norm(cells: FloatArray) -> Any:  # noqa: ANN401
    from matplotlib.colors import LogNorm, Normalize

    kept = cells[np.isfinite(cells)]
    if not kept.size:
        return Normalize(0, 1)
    low, high = float(kept.min()), float(kept.max())
    if wide(kept):
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + 1)


def _places(count: int, most: int) -> list[int]:
    """Return places spread evenly over a length, ends included, at most so many."""
    if count <= most:
        return list(range(count))
    return sorted({round(k) for k in np.linspace(0, count - 1, most)})


def _edges(places: list[int]) -> FloatArray:
    """Return where cells begin and end, those between places shared out."""
    at = np.array(places, float)
    return np.concatenate([[0.0], (at[:-1] + at[1:] + 1) / 2, [at[-1] + 1]])


def _cell_ticks(axis: Any, values: xr.DataArray, most: int) -> None:  # noqa: ANN401
    places = _places(len(values), most)
    words = [said(values.values[k], unit_of(values)) for k in places]
    axis.set_ticks([k + 0.5 for k in places], words)
    axis.set_label_text(title(values), **_PLAIN)


def _map_text(values: xr.DataArray) -> str:
    y, x = (values[dim] for dim in values.dims)
    cells = np.asarray(values, float)
    words = f"{title(values)} by {title(x)}, and {title(y)}."
    for name, find in (("Least", np.argmin), ("Most", np.argmax)):
        row, column = np.unravel_index(find(cells), cells.shape)
        value = said(cells[row, column], unit_of(values))
        places = (x.values[column], unit_of(x)), (y.values[row], unit_of(y))
        words += f" {name}: {value} at {' and '.join(said(*at) for at in places)}."
    return words[:1].upper() + words[1:]


# ---- lines -------------------------------------------------------------------------


def _lines(ax: Axes, values: xr.DataArray, x: str, level: float) -> SweepLines:
    others = [str(dim) for dim in values.dims if dim not in (x, _DRAW)]
    if len(others) > 1:
        _no_others(values, (x, others[0]))
    rows = _rows(values, others)
    along = np.arange(len(values[x])) if not numeric(values[x]) else values[x].values
    lines, bands, labels, words = [], [], [], []
    for (name, row), (colour, dashes) in zip(rows, _STYLES, strict=False):
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
            f" {name}", (along[-1], middle[-1]), color=INK, va="center", **_PLAIN
        )
        lines.append(line)
        labels.append(label)
        words.append(_line_text(name, values[x], (low, middle, high), unit_of(values)))
    _scales(ax, values, x)
    if others:
        _head(ax, f"lines: {title(values[others[0]])}")
    _apart(ax, labels)
    head = f"{title(values)} by {title(values[x])}"
    if bands:
        head += f", median and {100 * level:.3g} % of the draws"
    text = " ".join([f"{head[:1].upper()}{head[1:]}.", *words])
    return SweepLines(
        lines=tuple(lines), bands=tuple(bands), labels=tuple(labels), text=text
    )


def _rows(values: xr.DataArray, others: list[str]) -> list[tuple[str, xr.DataArray]]:
    if not others:
        return [("", values)]
    (other,) = others
    count = values.sizes[other]
    if count > len(_STYLES):
        raise ValueError(
            f"{other} must have at most {len(_STYLES)} values to be drawn as lines,"
            f" got {count}: choose some, or draw a map with y={other!r}"
        )
    unit = unit_of(values[other])
    return [
        (said(values[other].values[k], unit), values.isel({other: k}))
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
        ax.set_xticks(range(len(values[x])), [said(v) for v in values[x].values])
        ax.set_xlim(-0.3, len(values[x]) - 0.4)
        ax.set_xlabel(title(values[x]), **_PLAIN)


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
    axis.set_ticks(ticks, [said(tick, unit) for tick in ticks])
    axis.set_ticks([], minor=True)
    axis.set_label_text(title(labelled), **_PLAIN)


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
            band = f" ({said(low[k], unit)} to {said(high[k], unit)})"
        where = said(x.values[k], unit_of(x))
        parts.append(f"{said(middle[k], unit)}{band} at {where}")
    head = f"{name}: " if name else ""
    return f"{head}{', '.join(parts)}."
