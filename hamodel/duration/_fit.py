"""A phase-type law of given mean and variability, for chains that need stages."""

from __future__ import annotations

import math

import numpy as np

from hamodel import _check
from hamodel.duration._duration import Duration
from hamodel.duration._join import hyperexponential, phase_type
from hamodel.duration._make import erlang, exponential


def fit_phase_type(mean: float, cv: float) -> Duration:
    """Return a phase-type law with the given mean and coefficient of variation.

    A chain knows exponential times only.  A time that is steadier, or wilder, is put
    into it as a few exponential stages.

    Parameters
    ----------
    mean : float
        Mean in s.
    cv : float
        Standard deviation over mean.  A cv of 0.1 needs 100 phases.

    Returns
    -------
    Duration
        cv = 1: exponential.  cv > 1: two branches with balanced means.  cv < 1: a
        mixture of k - 1 and k equal stages, k the least whole number >= 1 / cv^2.

    Raises
    ------
    ValueError
        If the mean is not positive and finite or the cv is below 0.05.

    Notes
    -----
    Source: Tijms (1994), Stochastic Models, appendix B; k = 1 / cv^2 gives Erlang's
    law.  Only two moments are fitted: the tail is that of the stages.

    Examples
    --------
    >>> for cv in (0.4, 1.0, 3.0):
    ...     d = fit_phase_type(30, cv)
    ...     print(round(d.mean, 9), round(d.cv, 9))
    30.0 0.4
    30.0 1.0
    30.0 3.0
    """
    _check.positive(mean=mean)
    _check.between(0.05, 1e6, cv=cv)
    squared = float(cv) ** 2
    if abs(squared - 1) < 1e-12:
        return exponential(mean)
    if squared > 1:
        # first probability 1/2 + 1/2 sqrt((c - 1) / (c + 1)); the other without loss
        second = 1 / ((squared + 1) * (1 + math.sqrt((squared - 1) / (squared + 1))))
        probs = (1 - second, second)
        return hyperexponential(probs, [mean / (2 * p) for p in probs])
    return _stages(float(mean), squared)


def _stages(mean: float, squared: float) -> Duration:
    k = math.ceil(1 / squared - 1e-9)
    if abs(k * squared - 1) < 1e-9:
        return erlang(k, mean)
    shorter = (k * squared - math.sqrt(k * (1 + squared) - k * k * squared)) / (
        1 + squared
    )
    rate = (k - shorter) / mean
    T = rate * (np.eye(k, k=1) - np.eye(k))
    start = np.zeros(k)
    start[0], start[1] = 1 - shorter, shorter
    return phase_type(start, T)
