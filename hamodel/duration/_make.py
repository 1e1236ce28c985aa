"""The functions that make durations of one family each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check
from hamodel._check import is_symbolic
from hamodel._types import Quantity
from hamodel.duration import _algebra, _families, _tails
from hamodel.duration._duration import Duration


def constant(value: Quantity) -> Duration:
    """Return the duration that is always the same.

    Parameters
    ----------
    value : float, array or SymPy expression
        Time in s; may be 0.

    Raises
    ------
    ValueError
        If the value is negative or infinite.

    Examples
    --------
    >>> constant(30).quantile(0.99)
    30.0
    """
    _check.non_negative(value=value)
    return Duration(_families.Constant(_algebra.plain(value)))


def uniform(low: Quantity, high: Quantity) -> Duration:
    """Return the duration that is equally likely anywhere between two times.

    The phase of a heartbeat at the moment of a crash is uniform over the interval.

    Parameters
    ----------
    low, high : float or array
        Least and greatest time in s.

    Raises
    ------
    ValueError
        If a time is negative or infinite, or `low` is above `high`.

    Examples
    --------
    >>> uniform(0, 10).mean, uniform(0, 10).cdf(4)
    (5.0, 0.4)
    """
    _check.non_negative(low=low, high=high)
    low, high = _algebra.plain(low), _algebra.plain(high)
    if is_symbolic(low) or is_symbolic(high):
        return Duration(_families.Uniform(low, high))
    if np.any(np.asarray(low) > np.asarray(high)):
        raise ValueError(f"low must be <= high, got low={low} and high={high}")
    if np.ndim(low) == np.ndim(high) == 0 and low == high:
        return constant(low)
    if np.any(np.asarray(low) == np.asarray(high)):
        raise ValueError(
            "low must be < high in every element of a stack, got equal ends"
        )
    return Duration(_families.Uniform(low, high))


def exponential(mean: Quantity) -> Duration:
    """Return the duration without memory.

    Parameters
    ----------
    mean : float, array or SymPy expression
        Mean in s.

    Raises
    ------
    ValueError
        If the mean is not positive and finite.

    Examples
    --------
    >>> round(exponential(10).sf(30), 6)
    0.049787
    """
    _check.positive(mean=mean)
    return Duration(_families.Exponential(_algebra.plain(mean)))


def erlang(k: int, mean: Quantity) -> Duration:
    """Return the sum of k equal exponential stages, of cv 1 / sqrt(k).

    Parameters
    ----------
    k : int
        Number of stages.
    mean : float or array
        Mean of the whole, in s.

    Raises
    ------
    ValueError
        If k is not a whole number >= 1 or the mean is not positive and finite.

    Examples
    --------
    >>> erlang(4, 20).cv
    0.5
    """
    _check.whole(1, k=k)
    _check.positive(mean=mean)
    if int(k) == 1:
        return exponential(mean)
    return Duration(_families.Gamma(int(k), _algebra.plain(mean) / int(k)))


def gamma(*, mean: Quantity, cv: Quantity) -> Duration:
    """Return a gamma law, of shape 1 / cv^2, by its mean and coefficient of variation.

    Parameters
    ----------
    mean : float or array
        Mean in s.
    cv : float or array
        Standard deviation over mean.

    Examples
    --------
    >>> gamma(mean=5, cv=0.5).var
    6.25
    """
    _check.positive(mean=mean, cv=cv)
    squared = _algebra.plain(cv) ** 2
    return Duration(_families.Gamma(1 / squared, _algebra.plain(mean) * squared))


def lognormal(*, mean: Quantity, cv: Quantity) -> Duration:
    """Return a lognormal law by its mean and coefficient of variation.

    Parameters
    ----------
    mean : float or array
        Mean in s (of the time itself, not of its logarithm).
    cv : float or array
        Standard deviation over mean.

    Examples
    --------
    >>> d = lognormal(mean=3, cv=0.8)
    >>> round(d.quantile(0.5), 4), round(d.quantile(0.99), 4)
    (2.3426, 12.0311)
    """
    _check.positive(mean=mean, cv=cv)
    return Duration(_families.Lognormal(_algebra.plain(mean), _algebra.plain(cv)))


def weibull(scale: Quantity, shape: Quantity) -> Duration:
    """Return Weibull's law, P(X > t) = exp(-(t / scale)^shape).

    Parameters
    ----------
    scale : float or array
        Time in s that is exceeded with probability 1/e.
    shape : float or array
        Below 1 it eases with age, above 1 it presses.

    Examples
    --------
    >>> round(weibull(scale=10, shape=2).sf(10), 6)
    0.367879
    """
    _check.positive(scale=scale, shape=shape)
    return Duration(_tails.Weibull(_algebra.plain(shape), _algebra.plain(scale)))


def pareto(scale: Quantity, alpha: Quantity) -> Duration:
    """Return Pareto's law, P(X > t) = (scale / t)^alpha for t >= scale.

    Parameters
    ----------
    scale : float or array
        Least time in s.
    alpha : float or array
        Tail index.  The mean is infinite for alpha <= 1, the variance for alpha <= 2.

    Examples
    --------
    >>> pareto(2, 3).mean, pareto(2, 3).sf(4)
    (3.0, 0.125)
    """
    _check.positive(scale=scale, alpha=alpha)
    return Duration(_tails.Pareto(_algebra.plain(scale), _algebra.plain(alpha)))


def empirical(samples: ArrayLike) -> Duration:
    """Return the law of a sample: each value equally likely.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Measured times in s.

    Raises
    ------
    ValueError
        If there is no sample, or one is negative or not finite.

    Examples
    --------
    >>> d = empirical([12, 14, 14, 60])
    >>> d.mean, d.quantile(0.75), d.sf(14)
    (25.0, 14.0, 0.25)
    """
    _check.non_negative(samples=samples)
    values = np.sort(np.array(samples, float).ravel())
    if not len(values):
        raise ValueError("samples must hold at least 1 value, got 0")
    values.setflags(write=False)
    return Duration(_tails.Empirical(values))


def tabulated(times: ArrayLike, tail: ArrayLike) -> Duration:
    """Return the law whose tail P(X > t) is known at some times.

    Parameters
    ----------
    times : array_like, shape (n,)
        Rising times in s, at least two.
    tail : array_like, shape (n,)
        P(X > t) at each, falling; straight between them, and 0 from the last on.

    Returns
    -------
    Duration
        The law; what the tail lacks to 1 at the first time is the probability of it.

    Raises
    ------
    ValueError
        If the times do not rise, or the tail is no probability or rises.

    Examples
    --------
    >>> law = tabulated([0, 1, 3], [1, 0.5, 0])
    >>> law.mean, law.quantile(0.75)
    (1.25, 2.0)
    """
    at, beyond = np.asarray(times, float), np.array(tail, float)
    _check.probability(tail=beyond)
    if at.ndim != 1 or at.shape != beyond.shape or len(at) < 2:
        raise ValueError(
            "tail must hold one value for each of at least 2 times, "
            f"got {beyond.shape} and {at.shape}"
        )
    _check.non_negative(times=at)
    for name, steps in (
        ("times must rise", np.diff(at)),
        ("tail must fall", -np.diff(beyond)),
    ):
        wrong = steps <= 0 if name.startswith("times") else steps < 0
        if np.any(wrong):
            raise ValueError(f"{name}, got a step of {steps[wrong][0]:g} the other way")
    beyond[-1] = 0.0
    return Duration(_tails.Tabulated(at, beyond))
