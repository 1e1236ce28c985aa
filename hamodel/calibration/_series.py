"""Series of samples: how they are read, and how many independent ones they make."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check
from hamodel._types import FloatArray
from hamodel.units import MS

_SUFFIXES = {"_ms": MS, "_s": 1.0, "_us": 1e-6}


def effective_size(samples: ArrayLike) -> float:
    """Return how many independent samples a series is worth.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Values in the order in which they came.

    Returns
    -------
    float
        n / (1 + 2 x the sum of the autocorrelations), at most n and at least 1.

    Raises
    ------
    ValueError
        If there is no sample or one is not finite.

    Notes
    -----
    The sum ends where two neighbours together are no longer positive.  Source: Geyer
    (1992), Statistical Science 7, 473-483, section 3.3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> walk = [0.0]
    >>> for step in rng.normal(size=19_000):  # autocorrelation 0.9: worth 1/19
    ...     walk.append(0.9 * walk[-1] + step)
    >>> 800 < effective_size(walk) < 1200
    True
    """
    values = np.asarray(samples, float).ravel()
    if not len(values):
        raise ValueError("samples must hold at least 1 value, got 0")
    _check.finite(samples=values)
    count = len(values)
    off = values - values.mean()
    if count < 4 or not np.any(off):
        return float(count if count < 4 else 1)
    power = np.abs(np.fft.rfft(off, 2 * count)) ** 2
    alike = np.fft.irfft(power)[:count]
    alike /= alike[0]
    pairs = alike[: count // 2 * 2].reshape(-1, 2).sum(axis=1)
    end = int(np.argmax(pairs <= 0)) if np.any(pairs <= 0) else len(pairs)
    length = max(1.0, 2 * float(np.minimum.accumulate(pairs[:end]).sum()) - 1)
    return max(1.0, count / length)


def samples(path: str | Path, column: str | None = None) -> FloatArray:
    """Return the samples in one column of a CSV file, in s.

    Parameters
    ----------
    path : str or Path
        The file; its first line names the columns.
    column : str or None
        Which column; None: the only one.  One that ends in `_ms` or `_us` is read in
        that unit, any other in s.

    Returns
    -------
    ndarray, shape (n,)
        In the order of the file; empty cells are left out.

    Raises
    ------
    ValueError
        If there is no such file or column, or a cell is not a number of at least 0:
        with file, line, column, value, limit.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"path must be a file, there is none at {file}")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        names = list(reader.fieldnames or ())
        if column is None and len(names) != 1:
            listed = ", ".join(names) or "none"
            raise ValueError(f"column must be given: {file.name} has {listed}")
        name = names[0] if column is None else column
        _check.one_of(names, column=name)
        size = next((u for end, u in _SUFFIXES.items() if name.endswith(end)), 1.0)
        cells = [(reader.line_num, row[name]) for row in reader]
    found = [
        _number(f"{file.name}, line {line}, column {name}", cell)
        for line, cell in cells
        if cell and cell.strip()
    ]
    return np.array(found) * size


def _number(place: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{place}: must be a number >= 0, got {cell!r}")
    return value
