"""Draws of all parameters at once, and what they say of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray, Value
from hamodel.architectures.base import Architecture
from hamodel.sweeping import Column, sweep
from hamodel.uncertainty._beliefs import Belief, as_belief
from hamodel.workload import Workload

if TYPE_CHECKING:
    import xarray as xr

DRAW = "draw"


def draws(
    architecture: Architecture,
    workload: Workload | None,
    beliefs: Mapping[str, object],
    n: int,
    rng: np.random.Generator,
    /,
    **options: Value,  # as of `sweep`
) -> xr.Dataset:
    """Answer an architecture for draws of what its parameters may be.

    Parameters
    ----------
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        What is run.
    workload : Workload or None
        What is asked of it.
    beliefs : mapping of str to Belief or Estimate
        By path, such as "failover.coverage"; an estimate of `hamodel.calibration`
        brings its evidence.
    n : int
        How many draws.
    rng : numpy.random.Generator
        Source of randomness.
    **options : any
        As of `hamodel.sweep`: `quantities`, `client` and so on, and further grids, so
        that every one of their points sees the same draws.

    Returns
    -------
    xarray.Dataset
        A sweep along `draw`; the drawn parameters are coordinates.

    Raises
    ------
    ValueError
        If nothing is uncertain, a name is unknown, or a draw is beyond the limits of
        its parameter.

    Notes
    -----
    Parameters are drawn independently of each other.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.uncertainty import beta, gamma, interval
    >>> from hamodel.units import HOUR, MONTH
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    ...     failover=Failover(promotion=30),
    ... )
    >>> beliefs = {
    ...     "database.mttf": gamma(events=3, during=26 * MONTH),
    ...     "failover.coverage": beta(12, 12),
    ... }
    >>> found = draws(pair, None, beliefs, 2000, np.random.default_rng(1))
    >>> dict(found.sizes)["draw"]
    2000
    >>> interval(found, 0.9).write_minutes_per_year.round().values
    array([ 1.,  8., 62.])
    """
    _check.whole(1, n=n)
    _check.instance(np.random.Generator, rng=rng)
    grids = columns(
        {name: b.sample(n, rng) for name, b in believed(beliefs).items()}, DRAW
    )
    return sweep(architecture, workload, **grids, **options)


def believed(beliefs: Mapping[str, object]) -> dict[str, Belief]:
    """Return beliefs by names that are identifiers; raise if there are none."""
    if not beliefs:
        raise ValueError("beliefs must name at least one parameter, got none")
    return {
        name.replace(".", "__"): as_belief(name, given)
        for name, given in beliefs.items()
    }


def columns(values: Mapping[str, FloatArray], dim: str) -> dict[str, Value]:
    """Return grids that vary together along one dimension."""
    return {name: Column((dim,), column) for name, column in values.items()}


def interval(dataset: xr.Dataset, level: float = 0.9) -> xr.Dataset:
    """Return the credible interval of every variable.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `draws` returned.
    level : float
        Probability of the interval; as much lies beyond one end as beyond the other.

    Returns
    -------
    xarray.Dataset
        With a dimension `bound` ("low", "median", "high") instead of `draw`.

    Raises
    ------
    ValueError
        If there are no draws, or `level` is outside (0, 1).
    """
    _check.between(1e-9, 1 - 1e-9, level=level)
    _has_draws(dataset)
    kept = dataset.drop_vars([n for n, c in dataset.coords.items() if DRAW in c.dims])
    shares = [(1 - level) / 2, 0.5, (1 + level) / 2]
    made = kept.map(lambda values: _bounds(values, shares), keep_attrs=True)
    made = made.assign_coords(bound=["low", "median", "high"])
    made.attrs = {**dataset.attrs, "level": f"{level:g}"}
    return made


def _bounds(values: xr.DataArray, shares: list[float]) -> xr.DataArray:
    import xarray as xr

    if DRAW not in values.dims:
        return values
    dims = [dim for dim in values.dims if dim != DRAW]
    drawn = values.transpose(DRAW, *dims)
    cells = np.asarray(drawn, float)
    ends = quantiles(cells, shares)
    coords = {k: c for k, c in values.coords.items() if DRAW not in c.dims}
    return xr.DataArray(ends, coords, ("bound", *dims), attrs=values.attrs)


def quantiles(cells: FloatArray, shares: list[float]) -> FloatArray:
    """Return quantiles over the first axis; where some are infinite, of those drawn."""
    method: Literal["linear", "inverted_cdf"] = (
        "linear" if np.isfinite(cells).all() else "inverted_cdf"
    )
    found: FloatArray = np.quantile(cells, shares, axis=0, method=method)
    return found


def probability_of_meeting(
    dataset: xr.Dataset,
    quantity: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> xr.DataArray:
    """Return the share of the draws in which a target is met.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `draws` returned.
    quantity : str
        A variable of it, such as "write_minutes_per_year".
    at_most, at_least : float, optional
        The target, in the unit of the variable; one of them or both.

    Returns
    -------
    xarray.DataArray
        Probability, over what else varies; a number if nothing does.

    Raises
    ------
    ValueError
        If no target is given, there are no draws, or the variable is unknown.
    """
    _has_draws(dataset)
    _check.one_of([str(name) for name in dataset.data_vars], quantity=quantity)
    if at_most is None and at_least is None:
        raise ValueError("at_most or at_least must be given, got neither")
    values = dataset[quantity]
    met = (values <= (np.inf if at_most is None else at_most)) & (
        values >= (-np.inf if at_least is None else at_least)
    )
    made: xr.DataArray = met.mean(DRAW)
    sides = [
        f"{word} {limit:g}"
        for word, limit in (("at most", at_most), ("at least", at_least))
        if limit is not None
    ]
    name = values.attrs.get("long_name", quantity)
    made.attrs = {"long_name": f"probability that {name} is {' and '.join(sides)}"}
    made.attrs["units"] = "1"
    return made


def _has_draws(dataset: xr.Dataset) -> None:
    if DRAW not in dataset.dims:
        raise ValueError(
            f"dataset must have the dimension {DRAW!r}, got {list(dataset.dims)}"
        )
