"""Quantiles of a beta distribution without SciPy, so that a command loads quickly.

Importing any room of SciPy takes longer than the rest of a command, and the share of
the drills that worked is what most files believe in.

Source: Numerical Recipes, 3rd ed. (2007), section 6.4, for the continued fraction.
"""

from __future__ import annotations

import math

import numpy as np

from hamodel._types import FloatArray

_MOST = 1e3  # of both parameters together: beyond it the fraction gets long
_CLOSE = 1e-15  # relative; where the fraction's terms end
_LAST = 1e-7  # Newton's last step: each squares the error
_TINY = 1e-300  # stands for 0 in a denominator


def beta_quantile(a: float, b: float, p: FloatArray) -> FloatArray:
    """Return x with I(x; a, b) = p.

    Newton's steps on the logarithm of I over log x / (1 - x): a logarithm of a beta
    distribution function is concave there, so that they rise to x and never pass it.
    """
    if a + b > _MOST:
        from scipy.special import betaincinv

        return np.asarray(betaincinv(a, b, p))
    upper = p > 0.5  # from the nearer end, so that both keep their digits
    found = np.empty(np.shape(p))
    found[upper] = 1 - _lower(b, a, 1 - p[upper])
    found[~upper] = _lower(a, b, p[~upper])
    return found


def _lower(a: float, b: float, p: FloatArray) -> FloatArray:
    """Return the quantile for p of at most 1/2."""
    whole = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    goal = np.log(np.maximum(p, _TINY))
    low = np.minimum((goal + math.log(a) + whole) / a, -0.1)
    y = low - np.log(-np.expm1(low))
    for _ in range(100):
        share, slope = _share(a, b, y, whole)
        step = (goal - share) / slope
        y = y + step
        if np.all(np.abs(step) <= _LAST):
            break
    return np.where(p > 0, np.exp(-np.logaddexp(0, -y)), 0.0)


def _share(
    a: float, b: float, y: FloatArray, whole: float
) -> tuple[FloatArray, FloatArray]:
    """Return log I at x = 1 / (1 + exp(-y)), and its slope over y."""
    log_x, log_rest = -np.logaddexp(0, -y), -np.logaddexp(0, y)
    turned = y > math.log((a + 1) / (b + 1))
    one, two = np.where(turned, b, a), np.where(turned, a, b)
    x = np.exp(np.where(turned, log_rest, log_x))
    log_slope = a * log_x + b * log_rest - whole
    part = log_slope + np.log(_fraction(one, two, x) / one)
    share = np.where(turned, np.log1p(-np.exp(np.where(turned, part, -1))), part)
    return share, np.exp(log_slope - share)


def _fraction(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
    """Return the continued fraction of I, by Lentz's way."""
    c, d = np.ones_like(x), 1 / _nonzero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, 2000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _nonzero(1 + term * d), _nonzero(1 + term / c)
            found = found * d * c
        if np.all(np.abs(d * c - 1) <= _CLOSE):
            break
    return found


def _nonzero(x: FloatArray) -> FloatArray:
    return np.where(x == 0, _TINY, x)
