"""A map of two parameters: cells with their numbers, or lines of equal value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel._types import FloatArray, Value
from hamodel.plots._style import INK, PAPER, PLAIN, Style, contrast
from hamodel.plots._values import head, steps, title, unit_of, wide, worded

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.text import Text

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


def draw_map(ax: Axes, values: xr.DataArray) -> SweepMap:
    """Draw values of two dimensions, the first upwards."""
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
    head(ax, f"{title(values)}, bluer is more")
    numbers, levels = _written(ax, cells, unit_of(values), mesh)
    return SweepMap(mesh=mesh, numbers=numbers, levels=levels, text=_map_text(values))


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
    at = {float(scale(level)): worded(level, unit) for level in levels}
    look: Style = {"colors": INK, "linewidths": 0.8, "linestyles": "solid"}
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
    norm: Value = mesh.norm
    shade = PAPER if infinite else mesh.cmap(norm(value))
    fill = to_hex(shade)
    ink = INK if contrast(fill, INK) >= contrast(fill, PAPER) else PAPER
    words = "∞" if infinite else worded(value, unit)
    centred: Style = {"ha": "center", "va": "center", "fontsize": 8}
    return ax.text(column + 0.5, row + 0.5, words, color=ink, **centred, **PLAIN)


def _colours() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    made = LinearSegmentedColormap.from_list("little to much", _COLOURS)
    return made.with_extremes(bad=PAPER)


def _norm(cells: FloatArray) -> Normalize:
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


def _cell_ticks(axis: Axis, values: xr.DataArray, most: int) -> None:
    places = _places(len(values), most)
    words = [worded(values.values[k], unit_of(values)) for k in places]
    axis.set_ticks([k + 0.5 for k in places], words)
    axis.set_label_text(title(values), **PLAIN)


def _map_text(values: xr.DataArray) -> str:
    y, x = (values[dim] for dim in values.dims)
    cells = np.asarray(values, float)
    words = f"{title(values)} by {title(x)}, and {title(y)}."
    for name, find in (("Least", np.argmin), ("Most", np.argmax)):
        row, column = np.unravel_index(find(cells), cells.shape)
        value = worded(cells[row, column], unit_of(values))
        places = (x.values[column], unit_of(x)), (y.values[row], unit_of(y))
        words += f" {name}: {value} at {' and '.join(worded(*at) for at in places)}."
    return words[:1].upper() + words[1:]
