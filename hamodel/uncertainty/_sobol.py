"""Shares of the variance: Sobol indices, by SALib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel._extras import brought_by
from hamodel._types import FloatArray
from hamodel.architectures.base import Architecture
from hamodel.assessment import MEASURES
from hamodel.sweeping import answers
from hamodel.uncertainty._draws import DRAW, believed, columns
from hamodel.workload import Workload

if TYPE_CHECKING:
    from types import ModuleType

    import xarray as xr

_EDGE = 2.0**-40


def sobol(
    architecture: Architecture,
    workload: Workload | None,
    beliefs: Mapping[str, object],
    n: int,
    rng: np.random.Generator,
    /,
    *,
    quantity: str = "write_minutes_per_year",
) -> xr.Dataset:
    """Return which share of the answer's variance each parameter brings.

    Parameters
    ----------
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        What is run.
    workload : Workload or None
        What is asked of it.
    beliefs : mapping of str to Belief or Estimate
        By path.
    n : int
        Base points, a power of two; the answer is computed n (parameters + 2) times.
    rng : numpy.random.Generator
        Source of randomness.
    quantity : str
        A name out of `hamodel.assessment.MEASURES`.

    Returns
    -------
    xarray.Dataset
        Along `parameter`: `first`, the share of the variance that would go if the
        parameter were known; `total`, the share that would stay if all others were;
        `first_error` and `total_error`, half widths of their 95 % intervals.

    Raises
    ------
    ValueError
        If `n` is not a power of two, or the answer is infinite somewhere.
    ModuleNotFoundError
        If SALib is missing, naming the extra that brings it.

    Notes
    -----
    Saltelli's scheme on Sobol points; where the answer does not vary all are 0.
    Source: A. Saltelli et al. (2010), Variance based sensitivity analysis of model
    output, Computer Physics Communications 181(2), 259-270.
    """
    _check.one_of(MEASURES, quantity=quantity)
    known = believed(beliefs)

    def answer(p: FloatArray) -> FloatArray:
        drawn = {
            name: belief.quantile(column)
            for (name, belief), column in zip(known.items(), p.T, strict=True)
        }
        grids = columns(drawn, DRAW)
        found = answers(architecture, workload, quantities=quantity, **grids)[1]
        return np.asarray(found[quantity], float)

    made = indices(answer, list(known), n, rng)
    made.attrs = {"title": f"shares of the variance of {MEASURES[quantity].label}"}
    return made


def indices(
    answer: Callable[[FloatArray], FloatArray],
    names: list[str],
    n: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return the indices of any function of independent uniform numbers.

    Parameters
    ----------
    answer : callable
        `answer(p)` of points of shape (k, parameters) in (0, 1), one number for each.
    names : list of str
        Names of the parameters.
    n : int
        Base points, a power of two.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If `n` is not a power of two, or an answer is not finite.
    """
    import xarray as xr

    _check.whole(2, n=n)
    if n & (n - 1):
        raise ValueError(f"n must be a power of two, got {n}")
    _check.instance(np.random.Generator, rng=rng)
    sampler, analysis = _salib("sample.sobol"), _salib("analyze.sobol")
    problem = {
        "num_vars": len(names),
        "names": names,
        "bounds": [[0.0, 1.0]] * len(names),
    }
    seeds = [int(seed) for seed in rng.integers(2**31, size=2)]
    points = sampler.sample(problem, n, calc_second_order=False, seed=seeds[0])
    values = answer(np.clip(points, _EDGE, 1 - _EDGE))
    _check.finite(answer=values)
    columns_ = ("S1", "S1_conf", "ST", "ST_conf")
    if np.ptp(values) == 0:
        rows: Mapping[str, FloatArray] = dict.fromkeys(columns_, np.zeros(len(names)))
    else:
        rows = analysis.analyze(
            problem,
            values,
            calc_second_order=False,
            seed=seeds[1],
            print_to_console=False,
        )
    keys = ("first", "first_error", "total", "total_error")
    said = (
        "share of the variance by itself",
        "half width of its 95 % interval",
        "share of the variance with all its effects",
        "half width of its 95 % interval",
    )
    variables = {
        key: ("parameter", np.asarray(rows[column]), {"long_name": words, "units": "1"})
        for key, column, words in zip(keys, columns_, said, strict=True)
    }
    return xr.Dataset(variables, {"parameter": names})


def _salib(module: str) -> ModuleType:
    with brought_by("sobol"):
        return import_module(f"SALib.{module}")
