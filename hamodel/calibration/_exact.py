"""Intervals that hold exactly: for mean times, for shares and for percentiles."""

from __future__ import annotations

import bisect
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hamodel import _check

_MOST = 10**8  # events that are counted to
KINDS = ("clopper-pearson", "jeffreys")


def mean_time_interval(
    events: float, exposure: float, *, level: float = 0.95, last: bool = False
) -> tuple[float, float]:
    """Return the interval of a mean time between events, from a count of them.

    Parameters
    ----------
    events : float
        How many there were; 0 gives a lower end only.
    exposure : float
        Time in s that was watched, of all units together.
    level : float
        Confidence, in (0, 1).
    last : bool
        Whether the watch ended with the last event; by default it ended at a time
        that was set.

    Returns
    -------
    tuple of float
        Ends in s; the upper one is `inf` without an event.

    Raises
    ------
    ValueError
        If a number is beyond its limits, or `last` is set and there is no event.

    Notes
    -----
    2 exposure / chi-square, with 2 n + 2 degrees of freedom below (2 n if the watch
    ended with the last event) and 2 n above: exact for a Poisson process, and never
    too narrow.  Source: Garwood (1936), Biometrika 28, 437-442; MIL-HDBK-189C,
    section 6.2.4.

    Examples
    --------
    >>> low, high = mean_time_interval(3, 26)  # 3 outages in 26 months
    >>> round(low, 2), round(high, 2)
    (2.97, 42.03)
    """
    _check.positive(exposure=exposure)
    _check.non_negative(events=events)
    _check_level(level)
    if last and not events:
        raise ValueError("events must be >= 1 if the watch ended with one, got 0")
    tail = (1 - level) / 2
    below = special.gammainccinv(events + (not last), tail)
    above = special.gammaincinv(events, tail) if events else 0.0
    return float(exposure / below), float(exposure / above) if above else math.inf


def share_interval(
    successes: float,
    trials: float,
    *,
    level: float = 0.95,
    kind: str = "clopper-pearson",
) -> tuple[float, float]:
    """Return the interval of a probability, from successes in trials.

    Parameters
    ----------
    successes, trials : float
        Counts; effective ones need not be whole.
    level : float
        Confidence, in (0, 1).
    kind : {"clopper-pearson", "jeffreys"}
        Never too narrow, or right on average: Jeffreys' is the shorter.

    Raises
    ------
    ValueError
        If there is no trial, or more successes than trials.

    Notes
    -----
    Percentiles of beta laws.  Source: Clopper and Pearson (1934), Biometrika 26,
    404-413; Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133.

    Examples
    --------
    >>> low, high = share_interval(10, 10)
    >>> round(low, 4), high
    (0.6915, 1.0)
    """
    _check.positive(trials=trials)
    _check.between(0, float(trials), successes=successes)
    _check_level(level)
    _check.one_of(KINDS, kind=kind)
    tail = (1 - level) / 2
    misses = trials - successes
    half = 0.5 if kind == "jeffreys" else 0.0
    more = half or 1.0
    low = special.betaincinv(successes + half, misses + more, tail)
    high = special.betainccinv(successes + more, misses + half, tail)
    return float(low) if successes else 0.0, float(high) if misses else 1.0


def percentile_interval(
    samples: ArrayLike, p: float, *, level: float = 0.95, effective: float | None = None
) -> tuple[float, float]:
    """Return the interval of a percentile, whatever the distribution.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Measured values.
    p : float
        Which percentile, in (0, 1).
    level : float
        Confidence, in (0, 1).
    effective : float or None
        How many independent samples they are worth; None: all.

    Returns
    -------
    tuple of float
        Two of the samples; `inf` for the upper end, or 0 for the lower, where there
        are too few samples to bound it.

    Raises
    ------
    ValueError
        If there is no sample, or `p` or `level` is not within (0, 1).

    Notes
    -----
    The number of samples below the true percentile is binomial, so its own
    percentiles tell which order statistics enclose it.  Source: David and Nagaraja
    (2003), Order Statistics, section 7.1.

    Examples
    --------
    >>> percentile_interval(range(1, 101), 0.5)  # the 40th and the 61st of 100
    (40.0, 61.0)
    """
    values = np.sort(np.asarray(samples, float).ravel())
    if not len(values):
        raise ValueError("samples must hold at least 1 value, got 0")
    _check_level(p, name="p")
    _check_level(level)
    count = len(values)
    worth = max(1, int(min(effective or count, count)))
    tail = (1 - level) / 2
    below = special.bdtr(np.arange(worth + 1), worth, p)  # P(at most j samples below)
    first = int(np.searchsorted(below, tail, side="right"))
    last = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    spread = count / worth  # the j-th of the effective samples, among all of them
    low = values[math.floor((first - 1) * spread)] if first >= 1 else 0.0
    top = math.ceil(last * spread)
    return float(low), float(values[top - 1]) if last <= worth else math.inf


def samples_needed(p: float, *, level: float = 0.95) -> int:
    """Return how many independent samples a bounded percentile takes.

    Parameters
    ----------
    p : float
        Which percentile, in (0, 1).
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    int
        The least number with which `percentile_interval` is bounded on both sides.

    Examples
    --------
    >>> samples_needed(0.99)
    368
    """
    _check_level(p, name="p")
    _check_level(level)
    tail = (1 - level) / 2
    return math.ceil(math.log(tail) / math.log(max(p, 1 - p)))


def events_needed(factor: float = 2.0, *, level: float = 0.95) -> int:
    """Return how many events it takes for an interval that narrow.

    Parameters
    ----------
    factor : float
        Upper end over lower end of `mean_time_interval`, above 1.
    level : float
        Confidence, in (0, 1).

    Raises
    ------
    ValueError
        If the factor is not at least 1.01.

    Examples
    --------
    >>> events_needed(10), events_needed(2), events_needed(1.5)
    (4, 35, 99)
    """
    _check.between(1.01, math.inf, factor=factor)
    _check_level(level)

    def enough(events: int) -> bool:
        low, high = mean_time_interval(events, 1.0, level=level)
        return high / low <= factor

    return 1 + bisect.bisect_left(range(1, _MOST), True, key=enough)


def _check_level(value: float, *, name: str = "level") -> None:
    _check.between(1e-9, 1 - 1e-9, **{name: value})
