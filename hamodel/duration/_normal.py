"""The normal law without SciPy, whose import takes longer than the rest of a command.

Only few points are worth it: beyond, or once it is there, SciPy is quicker.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from hamodel._types import FloatArray

_MANY = 20_000
_SOME = 100


def _many(x: FloatArray) -> bool:
    return np.size(x) > (_SOME if "scipy.special" in sys.modules else _MANY)


def ndtr(z: FloatArray) -> FloatArray:
    """Return the normal distribution function."""
    if _many(z):
        from scipy import special

        return np.asarray(special.ndtr(z))
    points = (np.asarray(z, float) / -math.sqrt(2)).ravel().tolist()
    found = np.fromiter(map(math.erfc, points), float, len(points))
    return found.reshape(np.shape(z)) / 2


def ndtri(p: FloatArray) -> FloatArray:
    """Return its quantiles, endless at 0 and at 1."""
    from statistics import NormalDist

    if _many(p):
        from scipy import special

        return np.asarray(special.ndtri(p))
    points = np.asarray(p, float).ravel().tolist()
    ends = {0.0: -math.inf, 1.0: math.inf}
    quantile = NormalDist().inv_cdf
    found = [quantile(x) if 0 < x < 1 else ends.get(x, math.nan) for x in points]
    return np.reshape(found, np.shape(p))
