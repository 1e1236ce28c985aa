"""Response of M/M/c: with some probability an exponential wait, then a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hamodel._types import FloatArray


class Parts(NamedTuple):
    """A wait (with probability `waits`, at rate `spare`) before a service (`rate`)."""

    waits: FloatArray
    rate: FloatArray
    spare: FloatArray


def response(parts: Parts, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Survival function and density of the response time.

    Written with the smaller of the two rates in front and (1 - e^-x)/x behind, so
    that equal rates are no special case and nothing overflows.
    """
    from scipy.special import exprel

    waits, rate, spare = parts
    slow = np.minimum(rate, spare)
    gap = exprel(-np.abs(spare - rate) * t)
    quick, late = np.exp(-rate * t), np.exp(-slow * t)
    sf = (1 - waits) * quick + waits * late * (1 + slow * t * gap)
    density = (1 - waits) * rate * quick + waits * rate * spare * t * late * gap
    return sf, density


def response_quantile(parts: Parts, p: FloatArray) -> FloatArray:
    """Safeguarded Newton steps on log sf, all scenarios at once."""
    stable = parts.spare > 0
    spare = np.where(stable, parts.spare, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        goal = np.log1p(-p)
        wait = (np.log(parts.waits) - goal) / spare
    inner = stable & np.isfinite(goal)
    parts = Parts(parts.waits, parts.rate, spare)
    aim = np.where(inner, goal, -1.0)
    low = np.maximum(-aim / parts.rate, np.where(inner, np.maximum(wait, 0.0), 0.0))
    high = np.full(low.shape, np.inf)
    t = low
    for _ in range(60):
        sf, density = response(parts, t)
        above = np.log(sf) - aim
        new = t + above * sf / np.where(density > 0, density, 1.0)
        low, high = np.where(above >= 0, t, low), np.where(above <= 0, t, high)
        if np.any(out := (new < low) | (new > high)):
            middle = np.where(high < np.inf, (low + high) / 2, 2 * t)
            new = np.where(out, middle, new)
        # convergence is quadratic: after a step of 1e-9 the error is at rounding
        done = not np.any(np.abs(new - t) > 1e-9 * new) and not np.any(out)
        t = new
        if done:
            break
    return np.where(inner, t, np.where(p == 0, 0.0, np.inf))
