"""What was measured on a real database: PostgreSQL with a standby 100 ms behind."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hamodel import catalogue, duration

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.duration import Duration

_DELAY = 0.1  # s that the standby was told to wait before it applied


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One key of the recording.

    Attributes
    ----------
    writes : float
        Writes to it per second.
    reads : int
        Reads of it from the standby, at random moments.
    stale : int
        How many of them did not show the last write.
    """

    writes: float
    reads: int
    stale: int

    @property
    def share(self) -> float:
        """Share of stale reads."""
        return self.stale / self.reads


@cache
def recorded() -> tuple[Asked, ...]:
    """Return what reads of the standby showed, key by key.

    Returns
    -------
    tuple of Asked
        Four keys, from the rarely to the often written.

    Examples
    --------
    >>> [key.stale for key in recorded()]
    [55, 193, 671, 1053]
    """
    return tuple(
        Asked(
            writes=row["writes_per_s"], reads=int(row["reads"]), stale=int(row["stale"])
        )
        for row in _rows("stale")
    )


@cache
def recorded_lags() -> FloatArray:
    """Return the measured lags of writes.

    Returns
    -------
    ndarray, shape (n,)
        Time in s from commit until the standby showed the write.

    Examples
    --------
    >>> lags = recorded_lags()
    >>> len(lags), round(float(lags.mean()), 3)
    (791, 0.1)
    """
    lags = np.array([row["lag_s"] for row in _rows("lag")])
    lags.setflags(write=False)
    return lags


def recorded_lag() -> Duration:
    """Return the measured lags as a law.

    Returns
    -------
    Duration
        Each measured lag is as likely as any other.
    """
    return duration.empirical(recorded_lags())


def _rows(name: str) -> list[dict[str, float]]:
    """Return the rows of a recording that were made with the set delay."""
    path = catalogue.folder() / "recordings" / f"postgresql_{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [row for row in rows if row["apply_delay_s"] == _DELAY]
