"""A cache in front: what it saves while warm, and what it costs when it is lost.

A cache that answers 95 % turns a database away from nineteen requests in twenty.  After
a failover to a cold copy they all come back: twenty times the load, at the worst time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, duration
from hamodel.duration import Duration

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Cache:
    """A cache, and what stands behind it.

    Parameters
    ----------
    hit_ratio : float
        Share of the requests that the cache answers.
    hit : Duration
        Latency of an answer from the cache.
    miss : Duration
        Latency of the rest, the look in the cache not included.

    Raises
    ------
    ValueError
        If hit_ratio is no probability or a latency no duration.

    Examples
    --------
    Half a millisecond for either store (fact LAT-008), 20 ms for a page to compute:

    >>> cache = Cache(
    ...     hit_ratio=0.95, hit=duration.constant(0.0005), miss=duration.constant(0.020)
    ... )
    >>> round(cache.latency.mean, 6), round(cache.latency.quantile(0.99), 6)
    (0.0015, 0.0205)
    >>> round(cache.surge, 6), round(cache.cold.latency.mean, 6)
    (20.0, 0.0205)
    """

    hit_ratio: float
    hit: Duration
    miss: Duration

    def __post_init__(self) -> None:
        _check.probability(hit_ratio=self.hit_ratio)
        _check.instance(Duration, hit=self.hit, miss=self.miss)

    @property
    def latency(self) -> Duration:
        """Latency of a request; one that misses has looked in vain first."""
        share = self.hit_ratio
        return duration.mixture([share, 1 - share], [self.hit, self.hit + self.miss])

    @property
    def cold(self) -> Cache:
        """The same cache with nothing in it."""
        return replace(self, hit_ratio=0.0)

    @property
    def surge(self) -> float:
        """Load behind a cold cache over that behind a warm one; infinite at ratio 1."""
        return 1 / (1 - self.hit_ratio) if self.hit_ratio < 1 else float("inf")

    def behind(self, arrival: Quantity) -> Quantity:
        """Return the requests that reach what stands behind.

        Parameters
        ----------
        arrival : array_like
            Requests in 1/s.

        Returns
        -------
        float or ndarray
            Misses in 1/s.
        """
        _check.non_negative(arrival=arrival)
        return np.asarray(arrival, float)[()] * (1 - self.hit_ratio)


def warm_hit_ratio(popularity: Quantity, arrival: float, t: Quantity) -> Quantity:
    """Share of hits a time after a cold start, with room for everything.

    Parameters
    ----------
    popularity : array_like, shape (k,)
        How often each key is asked for; scaled to add up to 1.
    arrival : float
        Requests in 1/s, a Poisson stream.
    t : array_like
        Time in s since the cache was empty.

    Returns
    -------
    float or ndarray
        Probability that the next request finds its key.

    Raises
    ------
    ValueError
        If a number is negative or popularity all 0.

    Notes
    -----
    A key is there if it was asked for before: the sum of p (1 - exp(-p arrival t)).

    Examples
    --------
    >>> even = np.ones(1000)
    >>> warm_hit_ratio(even, arrival=100.0, t=[0.0, 10.0, 60.0]).round(3)
    array([0.   , 0.632, 0.998])
    """
    share = _shares(popularity)
    _check.non_negative(arrival=arrival, t=t)
    asked = arrival * np.asarray(t, float)[..., None] * share
    ratio = np.asarray(-np.expm1(-asked) @ share)
    return ratio.item() if ratio.ndim == 0 else ratio


def lru_hit_ratio(popularity: Quantity, size: int) -> float:
    """Share of hits of a least-recently-used cache of limited size.

    Parameters
    ----------
    popularity : array_like, shape (k,)
        How often each key is asked for, independently; scaled to add up to 1.
    size : int
        Keys that fit.

    Returns
    -------
    float
        Hit ratio in the steady state, within about 1 %.

    Raises
    ------
    ValueError
        If a popularity is negative or size no whole number.

    Notes
    -----
    A key stays for a time T since its last use, the same for all: Che et al. (2002),
    IEEE J. Selected Areas in Communications 20(7), 1305-1314; why that is so exact:
    Fricker, Robert and Roberts (2012), International Teletraffic Congress 24.

    Examples
    --------
    Keys by Zipf's law, one in ten cached:

    >>> round(lru_hit_ratio(1 / np.arange(1, 10_001), size=1000), 3)
    0.676
    """
    share = _shares(popularity)
    _check.whole(0, size=size)
    if size >= np.count_nonzero(share):
        return 1.0
    if size == 0:
        return 0.0
    low, high = 0.0, 1.0
    while np.sum(-np.expm1(-share * high)) < size:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        if np.sum(-np.expm1(-share * middle)) < size:
            low = middle
        else:
            high = middle
    return float(-np.expm1(-share * high) @ share)


def _shares(popularity: Quantity) -> FloatArray:
    _check.non_negative(popularity=popularity)
    weights = np.asarray(popularity, float)
    if weights.ndim != 1 or weights.sum() == 0:
        raise ValueError(f"popularity must be a row with a sum > 0, got {popularity}")
    return np.asarray(weights / weights.sum())
