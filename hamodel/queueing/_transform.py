"""Transforms of a service time, sharp enough to be inverted.

The Euler algorithm multiplies what it is given by 10^5, so that a transform good to
five digits gives none back.  E exp(-s X) is 1 - s times the integral of
exp(-s t) P(X > t);
with y = t Re(s) the weight exp(-y) is gone at 40, and panels shorter than a turn of
exp(-i y Im(s)/Re(s)) make the integral exact to rounding.  The panels suit the nodes of
that algorithm, Im(s)/Re(s) up to 10; for other points ask the law's own `lst`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hamodel._quadrature import panels

if TYPE_CHECKING:
    from hamodel._types import FloatArray
    from hamodel.duration.law import Law


def split(law: Law, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return E exp(-s (X - low)) and s low, low being the least value of X.

    `s` is complex; its first axis runs over nodes of one real part.
    """
    low = float(law.support[0])
    knots = [float(k) - low for k in law.knots if low < float(k) < np.inf]
    flat = s.reshape(len(s), -1)
    pace = flat[0].real
    if knots:  # panels end where the law jumps, at other places for each pace
        columns = [
            _integral(law, flat[:, i : i + 1], _edges(tuple(k * p for k in knots)))
            for i, p in enumerate(pace)
        ]
        total = np.concatenate(columns, axis=1) if columns else flat * 0
    else:
        total = _integral(law, flat, _edges(()))
    return (1 - total).reshape(s.shape), s * low


@lru_cache(maxsize=64)
def _edges(knots: tuple[float, ...]) -> FloatArray:
    """Return ends of panels in y: narrow near 0, where tails may bend like a root."""
    fine = 0.4 * 4.0 ** -np.arange(20.0, 0.0, -1)
    even = np.arange(1, 101) * 0.4
    return np.unique(np.concatenate([[0.0], fine, even, [k for k in knots if k < 40]]))


def _integral(law: Law, s: FloatArray, edges: FloatArray) -> FloatArray:
    """S times the integral of exp(-s t) P(X - low > t), s of shape (nodes, n)."""
    y, weight = panels(edges, 10)
    pace = s[0].real
    tails = law.sf(float(law.support[0]) + y[:, None] / pace)
    turn = s[:, :1] / pace[:1]  # 1 + i Im/Re, the same for every pace
    kernel = np.exp(-turn * y) * weight
    answer: FloatArray = turn * (kernel @ tails)
    return answer
