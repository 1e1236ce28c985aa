"""How many versions of a key nobody has merged yet: siblings, with vector clocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamodel import _check
from hamodel._types import Quantity
from hamodel.conflicts._sites import (
    Delays,
    delays_between,
    numbers_only,
    plain,
    rates_of,
)


def mean_siblings(rates: Sequence[Quantity], delays: Delays, at: int = 0) -> Quantity:
    """Return how many siblings of a key a site holds on average.

    Parameters
    ----------
    rates : sequence of float or array
        Writes to the key per second at each site (Poisson), above 0; each writer reads
        first and replaces what it has read.
    delays : float or square of them
        One-way delay from site i (row) to site j (column) in s; no detour may be
        shorter than the direct way.
    at : int
        Number of the site that looks, from 0.

    Returns
    -------
    float or ndarray
        Mean number of versions held; 1 without conflicts, at most the number of sites.

    Raises
    ------
    ValueError
        If a number is out of range or a detour is shorter.

    Notes
    -----
    Only the last write that has arrived from each site can be a sibling, and it is one
    unless the last of another site had seen it.  Looking back from now these last
    writes are independent exponentials, so that P(sibling) is an integral of a product
    of exponentials with corners.  For two sites and a round trip D:
    1 + λ_j / (λ_i + λ_j) (1 - exp(-λ_i D)).

    Examples
    --------
    >>> round(mean_siblings([10, 10], 0.040), 4)
    1.2753
    """
    rates = rates_of(rates)
    _check.positive(**{f"rates[{i}]": rate for i, rate in enumerate(rates)})
    rows = numbers_only(delays_between(delays, len(rates)))
    _check.whole(0, at=at)
    if at >= len(rates):
        raise ValueError(f"at must be < {len(rates)}, the number of sites, got {at}")
    _no_shortcut(rows)
    total: Quantity = 0
    for j in range(len(rates)):
        corners = [
            (rows[k][at] + rows[j][k] - rows[j][at], rates[k])
            for k in range(len(rates))
            if k != j
        ]
        total = total + _survives(rates[j], corners)
    return plain(total)


def _no_shortcut(rows: Sequence[Sequence[Quantity]]) -> None:
    n = range(len(rows))
    for i in n:
        for k in n:
            for j in n:
                detour = np.asarray(rows[i][k] + rows[k][j], float)
                if np.any(detour < np.asarray(rows[i][j], float) * (1 - 1e-12)):
                    raise ValueError(
                        f"delays[{i}][{j}] must be <= the detour by {k}, got "
                        f"{rows[i][j]} > {rows[i][k]} + {rows[k][j]}"
                    )


def _survives(rate: Quantity, corners: Sequence[tuple[Quantity, Quantity]]) -> Quantity:
    """Return the integral of λ e^(-λx) Π e^(-λ_k (x - c_k)⁺) over x > 0."""
    shape = np.broadcast_shapes(*(np.shape(c) for c, _ in corners))
    places = np.array(
        [np.broadcast_to(np.asarray(c, float), shape) for c, _ in corners]
    )
    speeds = np.array(
        [np.broadcast_to(np.asarray(r, float), shape) for _, r in corners]
    )
    order = np.argsort(places, axis=0)
    places = np.maximum(np.take_along_axis(places, order, axis=0), 0.0)
    speeds = np.take_along_axis(speeds, order, axis=0)
    slope = np.broadcast_to(np.asarray(rate, float), shape).copy()
    height = np.ones(shape)
    start = np.zeros(shape)
    total = np.zeros(shape)
    for place, speed in zip(places, speeds, strict=True):
        step = place - start
        total = total + height * rate * -np.expm1(-slope * step) / slope
        height = height * np.exp(-slope * step)
        start, slope = place, slope + speed
    return total + height * rate / slope
