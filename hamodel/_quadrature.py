"""Gauss-Legendre rules, for all integrals of the package."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from hamodel._types import FloatArray


@cache
def unit(count: int) -> tuple[FloatArray, FloatArray]:
    """Return so many points in (0, 1) and their weights, which add up to 1."""
    points, weights = np.polynomial.legendre.leggauss(count)
    found = (1 + points) / 2, weights / 2
    for part in found:
        part.setflags(write=False)
    return found


def panels(edges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return points and weights of a rule on each panel between edges, along axis 0."""
    shape = (-1, *(1,) * (edges.ndim - 1))
    points, weights = (part.reshape(shape) for part in unit(count))
    low, wide = edges[:-1, None], np.diff(edges, axis=0)[:, None]
    flat = (-1, *edges.shape[1:])
    return (low + wide * points).reshape(flat), (wide * weights).reshape(flat)


def edges_of(values: ArrayLike) -> FloatArray:
    """Return values in order, each once; `np.unique` alone would load `numpy.ma`."""
    return np.asarray(np.unique(values, return_index=True)[0])
