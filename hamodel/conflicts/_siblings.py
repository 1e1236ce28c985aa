"""How many versions of a key nobody has merged yet: siblings, with vector clocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamodel import _check
from hamodel._quadrature import panels
from hamodel._types import FloatArray, Quantity
from hamodel.conflicts._sites import (
    Delays,
    delays_between,
    mean_of,
    plain,
    rates_of,
)
from hamodel.duration import Duration

_SLICES = (np.arange(256) + 0.5) / 256  # of a delay
_PANELS = 48  # of the age of a write


def mean_siblings(rates: Sequence[Quantity], delays: Delays, at: int = 0) -> Quantity:
    """Return how many siblings of a key a site holds on average.

    Parameters
    ----------
    rates : sequence of float or array
        Writes to the key per second at each site (Poisson), above 0; each writer reads
        first and replaces what it has read.
    delays : float, Duration or square of them
        One-way delay from site i (row) to site j (column) in s; no detour may be
        shorter than the direct way, on average where they are random.
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
    1 + λ_j / (λ_i + λ_j) (1 - exp(-λ_i D)).  Random delays are one draw each for a
    write and a site, and what has arrived is replaced by what was made later: the last
    write is older than a with exp(-λ_j E (a - d)⁺).  Integrated to 1e-3; a detour that
    happens to be quicker than the direct way is left out.

    Examples
    --------
    >>> round(mean_siblings([10, 10], 0.040), 4)
    1.2753
    """
    rates = rates_of(rates)
    _check.positive(**{f"rates[{i}]": rate for i, rate in enumerate(rates)})
    rows = delays_between(delays, len(rates))
    _check.whole(0, at=at)
    if at >= len(rates):
        raise ValueError(f"at must be < {len(rates)}, the number of sites, got {at}")
    _no_shortcut([[mean_of(delay) for delay in row] for row in rows])
    if any(isinstance(delay, Duration) for row in rows for delay in row):
        lasts = [_Last(rate, rows[k][at]) for k, rate in enumerate(rates)]
        return plain(sum(_outlives(j, at, rows[j], lasts) for j in range(len(rates))))
    total: Quantity = 0
    for j in range(len(rates)):
        corners = [
            (rows[k][at] + rows[j][k] - rows[j][at], rates[k])
            for k in range(len(rates))
            if k != j
        ]
        total = total + _survives(rates[j], corners)
    return plain(total)


@dataclass(frozen=True)
class _Last:
    """The last write of a site that has arrived where somebody looks."""

    rate: Quantity
    delay: Quantity | Duration

    def older(self, age: FloatArray) -> FloatArray:
        """Return P(it is older): none of those since then has arrived."""
        late = age - mean_of(self.delay)
        if isinstance(self.delay, Duration):
            late = late + self.delay.law.excess(np.maximum(age, 0.0))
        several = np.asarray(self.rate) * np.maximum(late, 0.0) * (age > 0)
        return np.asarray(np.exp(-several))


def _outlives(
    j: int, at: int, away: Sequence[Quantity], lasts: Sequence[_Last]
) -> Quantity:
    """Return P(no last write of another site had seen that of j)."""
    mine = lasts[j]
    shortest = _least(away, lasts)
    longest = 40 / np.asarray(mine.rate) + 2 * mean_of(mine.delay) + 0 * shortest
    least = np.minimum(longest, shortest) * 1e-3
    steps = np.linspace(0, 1, _PANELS).reshape(-1, *(1 for _ in np.shape(longest)))
    ends = [least * (longest / least) ** steps, np.zeros_like(longest)[None]]
    for delay in away:
        ends.append((0 * longest + mean_of(delay))[None])
    ages, weights = panels(np.sort(np.concatenate(ends), axis=0), 16)
    value = weights * np.asarray(mine.rate) * mine.older(ages)
    for k, other in enumerate(lasts):
        if k != j:
            since = ages[:, None] - _draws(away[k], ages.ndim)
            # it has arrived where somebody looks, and nothing was written there since
            counts = since >= 0 if k == at else 1.0
            value = value * (counts * other.older(since)).mean(axis=1)
    return np.sum(value, axis=0)


def _least(away: Sequence[Quantity], lasts: Sequence[_Last]) -> Quantity:
    """Return the shortest mean time that plays a part."""
    means = [np.asarray(mean_of(d), float) for d in (*away, *(x.delay for x in lasts))]
    times = [1 / np.asarray(x.rate, float) for x in lasts]
    found = np.broadcast_arrays(*[np.where(m > 0, m, np.inf) for m in means], *times)
    return np.min(found, axis=0)


def _draws(delay: Quantity | Duration, ndim: int) -> FloatArray:
    """Return equally likely values of a delay, as (1, n, ...)."""
    ones = (1,) * (ndim - 1)
    if isinstance(delay, Duration):
        return np.asarray(delay.quantile(_SLICES.reshape(-1, *ones)))[None]
    return np.asarray(delay, float).reshape(1, 1, *np.shape(delay))


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
