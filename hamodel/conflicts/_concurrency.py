"""How often two sites write one key without knowing of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hamodel import _check, _html
from hamodel._quadrature import panels
from hamodel._types import FloatArray, Quantity
from hamodel.conflicts._sites import (
    Delays,
    chance,
    delays_between,
    mean_of,
    plain,
    rates_of,
)

_EXACT = 4000  # keys that are summed one by one; the rest as an integral


@dataclass(frozen=True, kw_only=True, eq=False)
class Concurrency:
    """Concurrent writes to one key, or to all keys together.

    Attributes
    ----------
    pairs : float, array or expression
        Concurrent pairs of writes per second.
    share : float, array or expression
        P(a write has at least one concurrent rival), over all writes.
    shares : tuple of float, array or expression
        The same for the writes of each site.
    """

    pairs: Quantity
    share: Quantity
    shares: tuple[Quantity, ...]

    def _repr_html_(self) -> str:
        rows = [("concurrent pairs per second", self.pairs), ("share", self.share)]
        rows += [(f"share of site {i}", s) for i, s in enumerate(self.shares)]
        return _html.table(rows)


def concurrency(rates: Sequence[Quantity], delays: Delays) -> Concurrency:
    """Return how often writes to one key are concurrent.

    Parameters
    ----------
    rates : sequence of float, array or expression
        Writes to the key per second at each site (Poisson).
    delays : float, Duration, or square of them
        One-way delay from site i (row) to site j (column) in s; one value for all.

    Returns
    -------
    Concurrency
        Rate of pairs, and P(rival) per write.

    Raises
    ------
    ValueError
        If there is one site only, or a number is negative.

    Notes
    -----
    A write at j is concurrent with one at i if neither had arrived when the other was
    made: it falls into the window from d_ji before to d_ij after.  Only the sum of both
    directions counts, so a slow link one way is a slow link.  With random delays the
    write's own delay is one draw, those of its rivals are many:
    P(no rival at j) = exp(-λ_j E d_ji) E exp(-λ_j d_ij).

    Examples
    --------
    Both sites write ten times a second, 80 ms apart there and back:

    >>> found = concurrency([10, 10], 0.040)
    >>> round(found.share, 3), round(found.pairs, 6)
    (0.551, 8.0)
    """
    rates = rates_of(rates)
    rows = delays_between(delays, len(rates))
    sites = range(len(rates))
    pairs: Quantity = 0
    shares = []
    for i in sites:
        alone: Quantity = 1
        mean: Quantity = 0
        for j in sites:
            if i == j:
                continue
            pairs = pairs + rates[i] * rates[j] * mean_of(rows[j][i])
            if hasattr(rows[i][j], "lst"):
                mean = mean + rates[j] * mean_of(rows[j][i])
                alone = alone * rows[i][j].lst(rates[j])
            else:
                mean = mean + rates[j] * (mean_of(rows[j][i]) + rows[i][j])
        # 1 - e^-m a = (1 - e^-m) a + (1 - a): each part keeps its digits
        shares.append(plain(chance(mean) * alone + (1 - alone)))
    return Concurrency(
        pairs=plain(pairs), share=_weighted(rates, shares), shares=tuple(shares)
    )


def _weighted(rates: Sequence[Quantity], shares: Sequence[Quantity]) -> Quantity:
    """Return the mean share of all writes; 0 if nobody writes."""
    total: Quantity = sum(rates)
    lost: Quantity = sum(r * s for r, s in zip(rates, shares, strict=True))
    if _check.is_symbolic(total) or _check.is_symbolic(lost):
        return lost / total
    a, b = np.broadcast_arrays(np.asarray(lost, float), np.asarray(total, float))
    return plain(np.divide(a, b, out=np.zeros(b.shape), where=b > 0))


@dataclass(frozen=True, kw_only=True)
class Zipf:
    """Popularity of keys: the k-th is asked for in proportion to k to the -s.

    Attributes
    ----------
    keys : int
        Number of keys.
    exponent : float
        The letter s; 0 makes all keys alike, YCSB takes 0.99 (fact WL-006).
    """

    keys: int
    exponent: float = 0.99

    def __post_init__(self) -> None:
        _check.whole(1, keys=self.keys)
        _check.non_negative(exponent=self.exponent)

    def _nodes(self) -> tuple[FloatArray, FloatArray]:
        """Return ranks and how many keys each stands for."""
        head = np.arange(1, min(self.keys, _EXACT) + 1, dtype=float)
        if self.keys <= _EXACT:
            return head, np.ones_like(head)
        # the sum over k is the integral from k - 1/2 to k + 1/2, to 1e-8 beyond 4000
        ends = np.log(np.array([_EXACT + 0.5, self.keys + 0.5]))
        logs, weights = panels(ends, 64)
        rank = np.exp(logs)
        width = rank * weights
        return np.concatenate([head, rank]), np.concatenate([np.ones_like(head), width])

    def mean(self, function: Callable[[FloatArray], Quantity]) -> Quantity:
        """Return the mean over requests of a function of the key's share.

        Parameters
        ----------
        function : callable
            Takes shares of all requests, shape (m,), and returns (..., m).

        Returns
        -------
        float or ndarray
            Sum over keys of share × function(share).

        Examples
        --------
        The chance that two requests are for the same key:

        >>> round(Zipf(keys=1_000_000).mean(lambda share: share), 6)
        0.007024
        """
        rank, count = self._nodes()
        weight = rank**-self.exponent
        total = (weight * count).sum()
        share = weight / total
        return plain(np.sum(function(share) * share * count, axis=-1))

    def head(self, keys: int) -> float:
        """Return the share of requests that the most popular keys get.

        Parameters
        ----------
        keys : int
            How many of the most popular.

        Examples
        --------
        >>> round(Zipf(keys=1000, exponent=1).head(10), 3)
        0.391
        """
        _check.whole(0, keys=keys)
        if keys > self.keys:
            return 1.0
        part = Zipf(keys=keys, exponent=self.exponent)._weight() if keys else 0.0
        return float(part / self._weight())

    def _weight(self) -> float:
        rank, count = self._nodes()
        return float((rank**-self.exponent * count).sum())


def concurrency_over_keys(
    popularity: Zipf, rates: Sequence[Quantity], delays: Delays
) -> Concurrency:
    """Return how often writes are concurrent when keys differ in popularity.

    Parameters
    ----------
    popularity : Zipf
        How writes spread over keys, alike at all sites.
    rates : sequence of float or array
        Writes per second at each site, over all keys.
    delays : float, Duration, or square of them
        One-way delays in s, as for `concurrency`.

    Returns
    -------
    Concurrency
        Totals over all keys; shares of all writes.

    Raises
    ------
    ValueError
        As for `concurrency`.

    Notes
    -----
    The rate of pairs is that of one key times Σ p_k²: it is the popular keys that
    clash, however many others there are.

    Examples
    --------
    A million keys and two sites with 500 writes/s each, 80 ms there and back:

    >>> found = concurrency_over_keys(Zipf(keys=1_000_000), [500, 500], 0.040)
    >>> round(found.share, 3)
    0.139
    """
    rates = [np.asarray(rate, float)[..., None] for rate in rates_of(rates)]
    rows = [
        [d[..., None] if isinstance(d, np.ndarray) else d for d in row]
        for row in delays_between(delays, len(rates))
    ]

    def one(share: FloatArray) -> Concurrency:
        return concurrency([rate * share for rate in rates], rows)

    shares = [
        popularity.mean(lambda p, i=i: one(p).shares[i])  # type: ignore[misc]
        for i in range(len(rates))
    ]
    return Concurrency(
        pairs=popularity.mean(lambda p: one(p).pairs / p),
        share=_weighted([plain(rate[..., 0]) for rate in rates], shares),
        shares=tuple(shares),
    )
