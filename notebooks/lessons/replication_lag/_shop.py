"""The whole shop, to sweep: the pair of lesson 04 with a replica that applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel import plots
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import HOUR
from lessons.replication_lag._copy import CAPACITY

if TYPE_CHECKING:
    import xarray as xr


def shop() -> ActivePassive:
    """Return the pair of lesson 04 in two sites, with the replica of this lesson.

    Returns
    -------
    ActivePassive
        Asynchronous; the replica's queue stands in its replay.

    Examples
    --------
    >>> round(shop().minutes_per_year, 1)
    16.8
    """
    return ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=Failover(promotion=30, coverage=0.99),
        replication=Replication(apply=WriteStage(service=1 / CAPACITY)),
    )


def draw(found: xr.Dataset, quantity: str) -> plots.Shown:
    """Draw a sweep over writes and distance as a map.

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

    Raises
    ------
    ValueError
        If there is no such measure, or the sweep has not two parameters.
    """
    across, down = (str(name) for name in found[quantity].dims)
    found = found.copy()
    if across == "workload__writes":
        found[across].attrs["long_name"] = "writes"  # not all requests are
    figure = plots.figure(7.2, 3.2)
    with plots.styled():
        axes = figure.add_axes((0.12, 0.16, 0.86, 0.74))
        drawn = plots.draw_sweep(axes, found, x=across, y=down, quantity=quantity)
    return plots.show(figure, alt=drawn.text)
