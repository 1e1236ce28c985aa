"""A sweep of two parameters, drawn as a map for a lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel import plots

if TYPE_CHECKING:
    import xarray as xr


def sweep_map(
    found: xr.Dataset, quantity: str = "write_minutes_per_year"
) -> plots.Shown:
    """Draw a sweep over two parameters as a map.

    Parameters
    ----------
    found : xarray.Dataset
        What `hamodel.sweep` returned for two parameters.
    quantity : str
        Which of its measures.

    Returns
    -------
    Shown
        The map, with what it says in words and numbers.
    """
    across, down = (str(name) for name in found[quantity].dims)
    figure = plots.figure(7.2, 3.0)
    with plots.styled():
        axes = figure.add_axes((0.12, 0.17, 0.86, 0.72))
        drawn = plots.draw_sweep(axes, found, x=across, y=down, quantity=quantity)
    return plots.show(figure, alt=drawn.text)
