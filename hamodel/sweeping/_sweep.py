"""The public question: what if these parameters had those values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel._types import Value
from hamodel.architectures.base import Architecture
from hamodel.assessment import assess
from hamodel.sweeping._evaluate import BUDGETS, chosen, measure_of
from hamodel.sweeping._parameters import Case, check, read
from hamodel.sweeping._work import Grid, answered, gathered
from hamodel.workload import Workload, unpacked

if TYPE_CHECKING:
    import xarray as xr

_CAUSE = "cause"
_MOST = 4e9  # bytes of an answer
_MEMORY = 256e6  # bytes to work in


def sweep(
    architecture: Architecture,
    workload: Workload | None = None,
    /,
    *,
    quantities: Iterable[str] | str | None = None,
    client: Value = None,
    progress: bool | None = None,
    memory: float = _MEMORY,
    **grids: object,
) -> xr.Dataset:
    """Answer an architecture and a workload over a grid of parameters.

    Parameters
    ----------
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        What is run.
    workload : Workload, optional
        What is asked of it; by default that of `assess`.
    quantities : str or iterable of str, optional
        Names out of `hamodel.assessment.MEASURES`, "write_downtime_by_cause" and
        "read_downtime_by_cause".  By default all that take whole arrays, which are
        those of availability, lost writes, load and cost; percentiles are to be
        named, and are quick along what does not change the load of a tier.
    client : dask.distributed.Client, optional
        A cluster to work on; by default this process does it.
    progress : bool, optional
        Whether to show a bar; by default on a terminal, after two seconds.
    memory : float
        Bytes to work in, beside the answers themselves: 8 for each point and measure.
    **grids : iterable
        Parameters by their paths, `failover__promotion=[10, 20]`; levels may be left
        out where one field fits, and `workload__writes` names one of the workload.
        `mtbf` is understood as mttf + mttr.  Numbers, or choices of any kind
        (`replication__mode=["async", "sync"]`).  An `xarray.DataArray` with a
        dimension of another name varies along that: two such with the dimension
        "draw" vary together.

    Returns
    -------
    xarray.Dataset
        A dimension for each parameter, in their order, and `cause` where downtime is
        given by cause; a variable for each measure.  All have `long_name` and
        `units` (1 for shares and plain numbers).

    Raises
    ------
    ValueError
        If a parameter is unknown (the nearest is named), a grid is empty, or a value
        is beyond its limits.

    Notes
    -----
    Whether a measure may be asked for a dimension at once is not assumed but tried: at
    its two ends the answer to an array must be that to single numbers.  Where it is
    not, as with the number of repair crews, its values are taken one by one.  Blocks
    are as large as the memory allows, by a measurement on the first 1024 points.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.units import HOUR
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR), failover=Failover()
    ... )
    >>> found = sweep(pair, promotion=[10, 30], failover__coverage=[0.9, 0.99, 1])
    >>> dict(found.sizes)
    {'promotion': 2, 'failover__coverage': 3, 'cause': 3}
    >>> found.write_minutes_per_year.round(1).values
    array([[109.5,  15.4,   4.9],
           [110.8,  16.8,   6.4]])
    >>> found.write_minutes_per_year.units, found.promotion.units
    ('min', 's')
    >>> float(found.write_minutes_per_year.sel(promotion=30, failover__coverage=1))
    6.36...
    """
    _check.positive(memory=memory)
    if client is not None and not (
        hasattr(client, "submit") and hasattr(client, "gather")
    ):
        raise ValueError(f"client must be a dask.distributed.Client, got {client!r}")
    grid = _grid(architecture, workload, quantities, grids)
    blocks = grid.blocks(memory, _processes(client))
    return _labelled(grid, gathered(grid, answered(blocks, client, progress)))


def answers(
    architecture: Architecture,
    workload: Workload | None = None,
    /,
    *,
    quantities: Iterable[str] | str,
    **grids: object,
) -> tuple[Grid, dict[str, Value]]:
    """Answer a grid as `sweep` does, without labels, and so without xarray.

    Parameters
    ----------
    architecture, workload, quantities, **grids
        As `sweep` has them; what varies together along one dimension is a `Column`.

    Returns
    -------
    (Grid, dict of str to ndarray)
        What was asked, and the numbers by measure: an axis for each dimension.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> pair = ActivePassive(database=Node(mttf=2e6, mttr=2e3), failover=Failover())
    >>> grid, found = answers(pair, quantities="cost", failover__promotion=[1, 9])
    >>> grid.sizes, found["cost"].shape
    ({'failover__promotion': 2}, (2,))
    """
    grid = _grid(architecture, workload, quantities, grids)
    blocks = grid.blocks(_MEMORY)
    return grid, gathered(grid, answered(blocks, None, progress=False))


def _grid(
    architecture: Architecture,
    workload: Workload | None,
    quantities: Iterable[str] | str | None,
    grids: Mapping[str, object],
) -> Grid:
    """Return the grid that is asked for, or raise where it cannot be."""
    architecture, workload = unpacked(architecture, workload)
    workload = Workload() if workload is None else workload
    assess(architecture, workload)  # says what is no architecture or no workload
    if not grids:
        raise ValueError("grids must name at least one parameter, got none")
    question = Case(architecture=architecture, workload=workload)
    parameters = tuple(read(question, name, given) for name, given in grids.items())
    grid = Grid(question=question, parameters=parameters, quantities=chosen(quantities))
    _check_names(grid)
    _check_size(grid)
    check(question, list(parameters))
    return grid


def _processes(client: Value) -> int:
    """Return how many processes a cluster has; a client that does not say has one."""
    if client is None:
        return 0
    return len(client.nthreads()) if hasattr(client, "nthreads") else 1


def _check_names(grid: Grid) -> None:
    """Raise where two names would mean one thing, or one name two."""
    paths: dict[str, str] = {}
    for p in grid.parameters:
        if p.path in paths:
            raise ValueError(f"{p.name} and {paths[p.path]} both mean {p.path}")
        paths[p.path] = p.name
        if len(p.values) != grid.sizes[p.dim]:
            raise ValueError(
                f"{p.name} must have {grid.sizes[p.dim]} values along {p.dim},"
                f" got {len(p.values)}"
            )
        for name in (p.name, p.dim):
            if name in (_CAUSE, *grid.quantities):
                raise ValueError(
                    f"{name} is also the name of a quantity; write the whole path of"
                    f" the parameter, {p.path.replace('.', '__')}"
                )
    for path, name in paths.items():
        owner, _, last = path.rpartition(".")
        if last == "mtbf" and (other := paths.get(f"{owner}.mttf")):
            raise ValueError(f"{name} and {other} cannot both be given: mtbf sets mttf")


def _check_size(grid: Grid) -> None:
    """Raise where the answer would be too large to hold."""
    points = math.prod(grid.sizes.values())
    size = 8 * points * len(grid.quantities)
    if size > _MOST:
        shape = " x ".join(f"{n:,}" for n in grid.sizes.values())
        raise ValueError(
            f"grids must make an answer of <= {_MOST / 1e9:g} GB, got {shape} = "
            f"{points:,} points of {len(grid.quantities)} quantities, "
            f"{text.number(size / 1e9)} GB"
        )


def _labelled(grid: Grid, found: Mapping[str, Value]) -> xr.Dataset:
    import xarray as xr

    dims = tuple(grid.sizes)
    causes = list(dict.fromkeys(c for name in BUDGETS for c in found.get(name, {})))
    variables = {}
    for name in grid.quantities:
        measure = measure_of(name)
        said = {"long_name": measure.label, "units": measure.unit or "1"}
        values, along = found[name], dims
        if name in BUDGETS:
            nothing = np.zeros(tuple(grid.sizes.values()))
            parts = [values.get(cause, nothing) for cause in causes]
            values = np.stack(parts, axis=-1) if parts else nothing[..., None][..., :0]
            along = (*dims, _CAUSE)
        variables[name] = xr.Variable(along, values, said)
    coordinates = {p.name: _coordinate(grid, p) for p in grid.parameters}
    if set(BUDGETS) & set(grid.quantities):
        said = {"long_name": "cause of the downtime"}
        coordinates[_CAUSE] = xr.Variable((_CAUSE,), np.array(causes, dtype=str), said)
    return xr.Dataset(variables, coordinates, _provenance(grid))


def _coordinate(grid: Grid, parameter: Value) -> xr.Variable:
    import xarray as xr

    label, unit = grid.question.words(parameter.path)
    said = {"long_name": label} | ({"units": unit} if parameter.numeric else {})
    return xr.Variable((parameter.dim,), parameter.coordinate, said)


def _provenance(grid: Grid) -> dict[str, str]:
    """Return what was the same at every point, as plain text."""
    kind = type(grid.question.architecture).__name__
    varied = ", ".join(parameter.path for parameter in grid.parameters)
    return {
        "title": f"{kind} over {varied}",
        "source": "hamodel",
        "fixed": "; ".join(f"{path} = {value}" for path, value in grid.fixed().items()),
    }
