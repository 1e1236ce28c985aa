"""Sweeps as pictures: a map of two parameters, or lines with bands along one.

The map places the values of a grid side by side, each as wide as the next, and writes
either the number into every cell or lines of equal value across them: colour only
helps the eye.  Lines have their names at their ends, and where a sweep has the
dimension `draw` they are medians within a band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel import _check
from hamodel.plots._sweep_lines import SweepLines, draw_lines
from hamodel.plots._sweep_map import SweepMap, draw_map
from hamodel.plots._values import only

if TYPE_CHECKING:
    from collections.abc import Hashable

    import xarray as xr
    from matplotlib.axes import Axes

_DRAW = "draw"

__all__ = ["SweepLines", "SweepMap", "draw_sweep"]


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
        return draw_lines(ax, values.squeeze(_single(values, x)), x, level)
    _check.one_of([dim for dim in dims if dim != x], y=y)
    if _DRAW in values.dims:
        values = values.median(_DRAW, keep_attrs=True)
    values = values.squeeze([d for d in _single(values, x) if d != y])
    only(values, (x, y))
    return draw_map(ax, values.transpose(y, x))


def _chosen(found: xr.Dataset, quantity: str | None) -> xr.DataArray:
    names = [str(name) for name in found.data_vars]
    if quantity is None:
        quantity = next((n for n in names if "cause" not in found[n].dims), names[0])
    _check.one_of(names, quantity=quantity)
    return found[quantity]


def _single(values: xr.DataArray, x: str) -> list[Hashable]:
    return [d for d, n in values.sizes.items() if n == 1 and d not in (x, _DRAW)]
