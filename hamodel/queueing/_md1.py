"""Waiting in M/D/1 to full accuracy, in sums of positive terms.

Erlang's sum of 1909 alternates and loses all digits a few service times out.  Counting
instead whom an arrival finds, and who of them is through, has no minus sign: Franx
(2001), A simple solution for the M/D/c waiting time distribution, Operations Research
Letters 29(5), 221-229, here for one server and for the complement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel.queueing import _numeric

if TYPE_CHECKING:
    from hamodel._types import FloatArray

_FAR = 1000  # service times after which only one exponential is left
_SMALLEST = 1e-290  # probability below which floats lose digits


def wait_sf(load: float, turns: FloatArray) -> FloatArray:
    """P(wait > turns service times) in M/D/1 at this load, below 1."""
    turns = np.asarray(turns, float)
    if load == 0:
        return np.zeros(turns.shape)
    near = np.minimum(turns, _FAR - 1 + turns % 1)
    answer = _near_sf(load, near)
    if np.any(beyond := turns > near):
        ends = _near_sf(load, np.array([_FAR - 1.0, _FAR]))
        steps = (turns - near)[beyond]
        fall = ends[1] / ends[0] if ends[0] else 0.0
        answer[beyond] *= fall**steps
    return answer


def _near_sf(load: float, turns: FloatArray) -> FloatArray:
    """Sum over the arrivals j in the last part of a service time.

    With k service times begun by then, the wait is over unless j or more of the k are
    needed for later arrivals: P(N > k - j found), or j >= k.
    """
    from scipy.special import gammainc

    begun = np.floor(turns).astype(int) + 1
    tail = number_tail(load, int(begun.max(initial=1)) + 1)
    answer = np.empty(turns.shape)
    for i in np.ndindex(turns.shape):
        k = int(begun[i])
        mean = load * (k - turns[i])
        j = np.arange(k)
        weights = np.exp(_numeric.log_poisson(j, mean))
        answer[i] = weights @ tail[k - j + 1] + gammainc(k, mean)
    return answer


def number_tail(load: float, most: int) -> FloatArray:
    """P(N >= n) for n = 0..most in M/D/1, each to relative accuracy.

    Ramaswami's recursion for M/G/1 chains (1988, Stochastic Models 4(1), 183-188):
    from one level to the next with positive terms only.  Beyond the last level kept
    the row is geometric.
    """
    from scipy.special import gammainc

    size = most + 60
    above = gammainc(np.arange(1.0, size + 2), load)  # P(at least v arrive), v = 1...
    states = np.empty(size + 1)
    states[0] = 1 - load
    for n in range(1, size + 1):
        rise = states[1:n] @ above[n - 1 : 0 : -1]
        states[n] = (states[0] * above[n - 1] + rise) * np.exp(load)
    if not states[-1] > _SMALLEST:  # too rare for a float: go on geometrically
        last = int(np.flatnonzero(states > _SMALLEST)[-1])
        ratio = states[last] / states[last - 1]
        states[last:] = states[last] * ratio ** np.arange(size + 1 - last)
    else:
        ratio = states[-1] / states[-2]
    rest = states[-1] * ratio / (1 - ratio)
    tail: FloatArray = np.cumsum(np.append(states, rest)[::-1])[::-1][: most + 1]
    return tail
