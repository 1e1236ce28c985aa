"""Sweeps: one architecture at many values of its parameters, with names and units.

The surprising idea: there is no second model.  An architecture answers an array as it
answers a number, so a grid of a million scenarios is the same call with larger numbers;
the sweep only lays out the grid, writes the names on it and puts what does not take
arrays (percentiles, numbers of servers, kinds of replication) point by point beside it.

Ten lines from a pair to a picture of two of its parameters:

>>> import numpy as np
>>> import hamodel as ha
>>> from hamodel.units import HOUR
>>> pair = ha.ActivePassive(
...     database=ha.Node(mttf=2000 * HOUR, mttr=4 * HOUR), failover=ha.Failover()
... )
>>> found = ha.sweep(
...     pair,
...     failover__promotion=np.linspace(0, 300, 31),
...     failover__coverage=[0.9, 0.95, 0.99, 0.999, 1.0],
...     quantities=["write_minutes_per_year"],
... )
>>> with ha.plots.styled():
...     ax = ha.plots.figure().subplots()
...     drawn = ha.plots.draw_sweep(
...         ax, found, x="failover__promotion", y="failover__coverage"
...     )
>>> ha.plots.show(ax.figure, alt=drawn.text)
Downtime of writes a year by failover: time for the standby to become primary, and
failover: probability that the failover works. Least: 4.19 min at 0 s and 1. Most: 128
min at 5 min and 0.9.

The result is an `xarray.Dataset`: `found.sel(...)`, `found.to_netcdf("pair.nc")` and
`found.to_dataframe().to_csv("pair.csv")` are its own.  Where downtime is given by cause
every row is repeated for each cause; `found.drop_dims("cause")` leaves that out.

Assumptions: those of the architecture, of which each point is one steady state.
"""

from hamodel.sweeping._parameters import Case, Column
from hamodel.sweeping._sweep import answers, sweep
from hamodel.sweeping._work import Grid

__all__ = ["Case", "Column", "Grid", "answers", "sweep"]
