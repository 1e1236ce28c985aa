"""What a chain does within a time: probabilities, and time spent.

A short step is a Poisson mixture of jumps; a long one is the short one squared again
and again.  All entries are sums of products of what is not negative, and each
squaring is followed by scaling the rows to 1, so that the error does not double with
the time.  A year at rates of 1/s takes 25 squarings.

Sources: A. Jensen (1953), Markoff chains as an aid in the study of Markoff processes
(uniformisation); A. Reibman and K. Trivedi (1988), Numerical transient analysis of
Markov models, Computers & Operations Research 15(1), 19-36.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike

from hamodel._types import FloatArray, Sparse
from hamodel.markov._checks import (
    moments,
    rate_stack,
    sparse_rates,
    starting,
    state_numbers,
)

#: More states than this step through the jumps one by one, with a sparse matrix.
_SQUARED = 300
_MORE_TERMS = 13  # after every state has been met; a step has half a jump at most
_STILL = 4e-16  # relative change of a component by a jump that counts as none


def transient(rates: ArrayLike, start: ArrayLike, times: ArrayLike) -> FloatArray:
    """Return the state probabilities at given times.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    times : array_like, shape (k,)
        Times in s.

    Returns
    -------
    ndarray, shape (..., k, n)
        Probabilities; the last axis sums to 1.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite, or `start` is no distribution.

    Notes
    -----
    Every component has its digits, however small.  Source: Reibman and Trivedi
    (1988), Computers & Operations Research 15(1), 19-36.

    Examples
    --------
    >>> transient([[0, 0.1], [1.0, 0]], [1, 0], [0, 1, 100])
    array([[1.      , 0.      ],
           [0.939352, 0.060648],
           [0.909091, 0.090909]])
    """
    return _run(rates, start, times, None)[0]


def first_passage_cdf(
    rates: ArrayLike, start: ArrayLike, targets: Collection[int], times: ArrayLike
) -> FloatArray:
    """Return the probability that some target state has been entered by a time.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    targets : collection of int
        State numbers.
    times : array_like, shape (k,)
        Times in s.

    Returns
    -------
    ndarray, shape (..., k)
        Probabilities.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite, or a target is no state.

    Examples
    --------
    >>> first_passage_cdf([[0, 0.1], [1.0, 0]], [1, 0], [1], [0, 10])
    array([0.      , 0.632121])
    """
    if hasattr(rates, "tocsr"):
        matrix = sparse_rates(rates).tolil()
        ends = state_numbers(targets, matrix.shape[0], "targets")
        matrix[ends] = 0
        now = transient(matrix.tocsr(), start, times)
        entered: FloatArray = np.sum(now[..., ends], axis=-1)
        return entered
    stack, lead = rate_stack(rates)
    ends = state_numbers(targets, stack.shape[-1], "targets")
    stack[:, ends] = 0
    now = transient(stack, start, times)
    found: FloatArray = np.sum(now[..., ends], axis=-1)
    return found.reshape(*lead, found.shape[-1])


def interval_unavailability(
    rates: ArrayLike, start: ArrayLike, down: Collection[int], times: ArrayLike
) -> FloatArray:
    """Return the expected share of the time from 0 to t spent in down states.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    down : collection of int
        State numbers.
    times : array_like, shape (k,)
        Ends t of the interval, in s.

    Returns
    -------
    ndarray, shape (..., k)
        Shares; at t = 0 the probability to be down at once.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite, or a down state is no state.

    Examples
    --------
    >>> interval_unavailability([[0, 0.001], [0.25, 0]], [1, 0], [1], [24])
    array([0.003324])
    """
    reward = np.zeros(np.shape(rates)[-1])
    reward[state_numbers(down, len(reward), "down")] = 1.0
    seconds = moments(times)
    now, spent = _run(rates, start, seconds, reward)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seconds > 0, spent / seconds, now @ reward)


def accumulated_reward(
    rates: ArrayLike, start: ArrayLike, reward: ArrayLike, times: ArrayLike
) -> FloatArray:
    """Return the expected reward earned from 0 to t, at a rate that states have.

    Parameters
    ----------
    rates : array_like, shape (..., n, n), or SciPy sparse array, shape (n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    reward : array_like, shape (n,)
        What each second spent in a state earns.
    times : array_like, shape (k,)
        Times in s.

    Returns
    -------
    ndarray, shape (..., k)
        Rewards.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite.

    Examples
    --------
    >>> accumulated_reward([[0, 0.1], [1.0, 0]], [1, 0], [0, 60.0], [10])
    array([49.58686])
    """
    return _run(rates, start, times, np.asarray(reward, dtype=float))[1]


def _run(
    rates: ArrayLike, start: ArrayLike, times: ArrayLike, reward: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return probabilities (..., k, n) and accumulated reward (..., k)."""
    seconds = moments(times)
    n = np.shape(rates)[-1] if np.ndim(rates) or hasattr(rates, "tocsr") else 0
    if hasattr(rates, "tocsr"):
        matrix = sparse_rates(rates)
        gain = np.zeros(n) if reward is None else reward
        return step_through(matrix, starting(start, n), seconds, gain)
    stack, lead = rate_stack(rates)
    first = starting(start, n)
    gain = np.zeros(n) if reward is None else reward
    if n > _SQUARED:
        runs = [step_through(sparse_rates(a), first, seconds, gain) for a in stack]
        now, spent = (np.stack(part) for part in zip(*runs, strict=True))
    else:
        now, spent = _squared(stack, first, seconds, gain)
    return now.reshape(*lead, *now.shape[1:]), spent.reshape(*lead, len(seconds))


def _squared(
    stack: FloatArray, start: FloatArray, times: FloatArray, gain: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compose each time of a rest and of steps h, 2h, 4h... by squaring.

    The step is a power of two, so that time is cut without rounding.
    """
    top = max(float(stack.sum(axis=-1).max(initial=0.0)), 1e-300)
    h = 2.0 ** np.floor(np.log2(0.25 / top))
    count = np.floor(times / h)
    poisson = _Poisson(stack, 2 * top)  # twice the fastest, so that 1 - p is exact
    first = np.broadcast_to(start, (len(stack), 1, len(start)))
    now, spent = (part[:, 0] for part in poisson.run(first, times - count * h, gain))
    unit = np.broadcast_to(np.eye(len(start)), stack.shape)
    step, earned = (part[:, :, 0] for part in poisson.run(unit, np.array([h]), gain))
    while count.any():
        odd = count % 2 == 1
        spent[:, odd] += np.einsum("bkn,bn->bk", now[:, odd], earned)
        now[:, odd] = now[:, odd] @ step
        count = count // 2
        earned = earned + np.einsum("bij,bj->bi", step, earned)
        step = step @ step
        step /= step.sum(axis=-1, keepdims=True)
    now /= now.sum(axis=-1, keepdims=True)
    return now, spent


class _Poisson:
    """A chain seen at the ticks of a Poisson clock (uniformisation)."""

    def __init__(self, stack: FloatArray, pace: float) -> None:
        self.pace = pace
        self.jump = stack / pace
        n = stack.shape[-1]
        self.jump[:, np.arange(n), np.arange(n)] = 1 - stack.sum(axis=-1) / pace

    def run(
        self, rows: FloatArray, times: FloatArray, gain: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return rows (b, r, n) after short times, (b, r, k, n), and what they earn.

        The sum ends a few terms after the last state has been met, so that states
        many jumps away have their digits too.
        """
        from scipy.special import gammainc

        mean = self.pace * times
        weight = np.exp(-mean)
        now = rows[:, :, None] * weight[:, None]
        spent = (rows @ gain)[..., None] * gammainc(1, mean)
        term, last = 0, _MORE_TERMS
        met = 0
        while term < last:
            term += 1
            rows = rows @ self.jump
            weight = weight * mean / term
            now = now + rows[:, :, None] * weight[:, None]
            spent = spent + (rows @ gain)[..., None] * gammainc(term + 1, mean)
            if (count := int(np.count_nonzero(rows))) > met:
                met, last = count, term + _MORE_TERMS
        now /= now.sum(axis=-1, keepdims=True)
        return now, spent / self.pace


def step_through(
    rates: Sparse, start: FloatArray, times: FloatArray, gain: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return probabilities (k, n) and reward (k,), jump by jump.

    For many states and moderate times: the work is the number of jumps times the
    number of transitions.  It ends early once the chain no longer moves.
    """
    from scipy.sparse import csr_array, diags_array
    from scipy.special import gammainc

    out = np.asarray(rates.sum(axis=1)).reshape(-1)
    pace = 2 * max(float(out.max(initial=0.0)), 1e-300)
    into = csr_array((rates / pace + diags_array(1 - out / pace)).T)
    mean = pace * times
    most = float(mean.max(initial=0.0))
    terms = int(most + 9 * most**0.5 + 40)
    now = np.zeros((len(times), len(start)))
    spent = np.zeros(len(times))
    v = start
    for term in range(terms + 1):
        weight = _poisson_weight(term, mean)
        now += weight[:, None] * v
        spent += (v @ gain) * gammainc(term + 1, mean)
        if term % 64 == 63 and np.all(np.abs(into @ v - v) <= _STILL * v):
            rest = gammainc(term + 1, mean)
            now += rest[:, None] * v
            spent += (v @ gain) * _mean_beyond(term + 1, mean)
            break
        v = into @ v
        v /= v.sum()
    now /= now.sum(axis=-1, keepdims=True)
    return now, spent / pace


def _poisson_weight(term: int, mean: FloatArray) -> FloatArray:
    from scipy.special import gammaln, xlogy

    weight: FloatArray = np.exp(xlogy(term, mean) - mean - gammaln(term + 1))
    return weight


def _mean_beyond(term: int, mean: FloatArray) -> FloatArray:
    """Return the mean number of Poisson events after the first `term`."""
    from scipy.special import gammainc

    above = mean * gammainc(term, mean) - term * gammainc(term + 1, mean)
    beyond: FloatArray = np.maximum(above, 0.0)
    return beyond
