"""The functions that make durations of durations, and of chains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check
from hamodel._check import is_symbolic
from hamodel._types import Quantity
from hamodel.duration import _algebra, _families, _phase
from hamodel.duration._combine import KthOf
from hamodel.duration._duration import Duration
from hamodel.duration._make import exponential
from hamodel.duration._stack import Endless
from hamodel.duration.law import Law


def hyperexponential(probs: Sequence[Quantity], means: Sequence[Quantity]) -> Duration:
    """Return a mixture of exponentials: mostly short, sometimes long.

    Parameters
    ----------
    probs : sequence of float or array
        Probability of each branch; they add up to 1.
    means : sequence of float or array
        Mean of each branch in s.

    Raises
    ------
    ValueError
        If the probabilities do not add up to 1 or a mean is not positive.

    Examples
    --------
    >>> hyperexponential([0.9, 0.1], [1, 21]).mean
    3.0
    """
    return mixture(probs, [exponential(mean) for mean in means])


def phase_type(alpha: ArrayLike, T: ArrayLike) -> Duration:
    """Return the time until a Markov chain is absorbed.

    Parameters
    ----------
    alpha : array_like, shape (..., n)
        Start probabilities; what is missing from 1 is the probability of no time.
    T : array_like, shape (..., n, n)
        Rates between the phases in 1/s; on the diagonal minus the rate of leaving.

    Raises
    ------
    ValueError
        If the shapes do not fit, `alpha` is no (sub)distribution, `T` is no
        sub-generator, or some phase never leads to absorption.

    Notes
    -----
    Source: Neuts (1981), Matrix-Geometric Solutions in Stochastic Models, chapter 2.

    Examples
    --------
    >>> d = phase_type([1, 0], [[-2, 2], [0, -2]])  # two stages of 0.5 s
    >>> round(d.mean, 12), round(d.cv**2, 12)
    (1.0, 0.5)
    """
    start, rates = np.array(alpha, float), np.array(T, float)
    _check_phases(start, rates)
    start.setflags(write=False)
    rates.setflags(write=False)
    return Duration(_phase.PhaseType(start, rates))


def _check_phases(start: np.ndarray, rates: np.ndarray) -> None:
    n = start.shape[-1] if start.ndim else 0
    if n == 0 or rates.ndim < 2 or rates.shape[-2:] != (n, n):
        raise ValueError(
            f"T must have shape (..., n, n) for alpha of shape (..., n), "
            f"got alpha {start.shape} and T {rates.shape}"
        )
    _check.probability(alpha=start)
    _check.finite(T=rates)
    if np.any(start.sum(axis=-1) > 1 + 1e-9):
        raise ValueError(f"alpha must sum to <= 1, got {start.sum(axis=-1).max():g}")
    off = rates * (1 - np.eye(n))
    if np.any(off < 0):
        raise ValueError(f"T must be >= 0 off the diagonal, got {off.min():g}")
    excess = rates.sum(axis=-1)
    size = np.abs(rates).max(axis=-1)
    if np.any(excess > 1e-9 * size):
        raise ValueError(f"rows of T must sum to <= 0, got {excess.max():g}")
    leaves = (excess < -1e-12 * size).astype(float)
    for _ in range(n):  # a phase is fine if it leads to one that is
        leaves = np.maximum(leaves, ((off > 0) @ leaves[..., None])[..., 0] > 0)
    if not leaves.all():
        phase = int(np.argwhere(leaves == 0)[0][-1])
        raise ValueError(f"T must lead to absorption, got no way out of phase {phase}")


def mixture(weights: Sequence[Quantity], parts: Sequence[Duration]) -> Duration:
    """Return one of several durations, chosen at random.

    Parameters
    ----------
    weights : sequence of float or array
        Probability of each part; they add up to 1.
    parts : sequence of Duration
        The parts.

    Returns
    -------
    Duration
        The mixture.  Constants among the parts stay exact jumps, also in sums.

    Raises
    ------
    ValueError
        If the weights do not add up to 1 or their number is not that of the parts.

    Examples
    --------
    >>> from hamodel.duration import constant
    >>> d = mixture([0.9, 0.1], [constant(2), constant(60)])
    >>> [round(x, 12) for x in (d.quantile(0.9), d.quantile(0.91), d.mean)]
    [2.0, 60.0, 7.8]
    """
    parts = tuple(parts)
    weights = [_algebra.plain(w) for w in weights]
    if not parts or len(weights) != len(parts):
        raise ValueError(
            f"weights must be as many as the parts, got {len(weights)} and {len(parts)}"
        )
    _check.instance(Duration, **{f"parts[{k}]": part for k, part in enumerate(parts)})
    _check.probability(**{f"weights[{k}]": w for k, w in enumerate(weights)})
    total = sum(weights)
    if not is_symbolic(total) and np.any(np.abs(np.asarray(total) - 1) > 1e-9):
        raise ValueError(f"weights must sum to 1, got {np.max(total):g}")
    return Duration(_algebra.mixture(weights, [part.law for part in parts]))


def stack(parts: Sequence[Duration], shape: tuple[int, ...] | None = None) -> Duration:
    """Return durations side by side, as one duration with a shape.

    Parameters
    ----------
    parts : sequence of Duration
        The durations, in the order of the array's elements.
    shape : tuple of int, optional
        Shape of the array; a row if not given.

    Raises
    ------
    ValueError
        If their number does not fit the shape, or one of them is a stack already.

    Examples
    --------
    >>> stack([exponential(1), exponential(2) + 3]).mean
    array([1., 5.])
    """
    parts = tuple(parts)
    _check.instance(Duration, **{f"parts[{k}]": part for k, part in enumerate(parts)})
    sizes = (len(parts),) if shape is None else tuple(shape)
    if not parts or len(parts) != math.prod(sizes) or any(p.shape for p in parts):
        raise ValueError(
            f"parts must be {math.prod(sizes)} single durations, got {len(parts)}"
        )
    return Duration(_algebra.stack([part.law for part in parts], sizes))


def endless(d: Duration, never: ArrayLike = True) -> Duration:
    """Return a duration that is never over where a condition holds.

    Parameters
    ----------
    d : Duration
        The duration where it does not hold.
    never : bool or array of bool
        The condition; true if not given.

    Returns
    -------
    Duration
        Mean and percentiles are infinite where the condition holds.

    Examples
    --------
    A queue whose load crosses 1 on the way:

    >>> endless(exponential([1.0, 2.0]), [False, True]).quantile(0.5).round(3)
    array([0.693,   inf])
    """
    _check.instance(Duration, d=d)
    if not np.any(never):
        return d
    return Duration(Endless(d.law, np.asarray(never, bool)))


def minimum(*durations: Duration) -> Duration:
    """Return the first to finish of independent durations.

    Parameters
    ----------
    *durations : Duration
        The racers.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> round(minimum(exponential(6), exponential(3)).mean, 9)
    2.0
    """
    return order_statistic(durations, 1)


def maximum(*durations: Duration) -> Duration:
    """Return the last to finish of independent durations.

    Parameters
    ----------
    *durations : Duration
        What is waited for.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> round(maximum(exponential(2), exponential(2)).mean, 9)
    3.0
    """
    return order_statistic(durations, len(durations) or 1)


def order_statistic(
    d: Duration | Sequence[Duration],
    k: int,
    n: int | None = None,
    *,
    votes: Sequence[int] | None = None,
    correlation: float | Sequence[float] = 0.0,
) -> Duration:
    """Return the k-th to finish of n: a quorum's waiting time.

    Parameters
    ----------
    d : Duration or sequence of Duration
        The law of each of n copies, or the n laws themselves.
    k : int
        Which one to wait for, from 1.
    n : int, optional
        Number of copies; of a sequence, its length.
    votes : sequence of int, optional
        As how many each of a sequence counts; then k votes are waited for.
    correlation : float or sequence of float
        Of the normal scores of any two, in [0, 1): how much they are late together.
        Of a sequence, a number for each; two have the root of the product of theirs.

    Raises
    ------
    ValueError
        If k is outside 1..n, n does not fit the sequence, or the correlation is
        outside [0, 1).

    Notes
    -----
    Copies: P(at least k of n are done) is an incomplete beta function of the tail.
    Different laws: the Poisson-binomial recursion, all of whose terms are positive.
    Source: David and Nagaraja (2003), Order Statistics, equations 2.1.3 and 5.2.1.
    Correlated: the same given a normal variable that all share (a Gaussian copula with
    one factor), integrated over it; the relative error is below 1e-6 up to
    0.5 and about 1e-3 at 0.8.

    Examples
    --------
    >>> second = order_statistic(exponential(1), k=2, n=3)
    >>> round(second.mean, 9)  # 1/3 + 1/2
    0.833333333
    """
    if isinstance(d, Duration):
        _check.whole(1, n=1 if n is None else n)
        laws: tuple[Law, ...] = (d.law,)
        copies = 1 if n is None else int(n)
    else:
        _check.instance(Duration, **{f"d[{i}]": part for i, part in enumerate(d)})
        laws, copies = tuple(part.law for part in d), 1
        if not laws:
            raise ValueError("d must hold at least 1 duration, got 0")
        if n is not None and n != len(laws):
            raise ValueError(f"n must be the number of durations {len(laws)}, got {n}")
    _check.whole(1, k=k)
    weights = _votes(votes, len(laws)) if isinstance(d, Sequence) else ()
    together = np.broadcast_to(correlation, len(laws))
    for each in together:
        _check.share_below_one(correlation=each)
    total = sum(weights) if weights else len(laws) * copies
    if k > total:
        raise ValueError(f"k must be in [1, {total}], got {k}")
    if weights or (np.any(together) and total > 1):
        late = tuple(map(float, together)) * copies if np.any(together) else ()
        return Duration(KthOf(int(k), laws * copies, 1, weights, late))
    return Duration(_kth(int(k), laws, copies))


def _votes(votes: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Return the votes of each, or nothing if all count as one."""
    if votes is None:
        return ()
    if len(votes) != count:
        raise ValueError(f"votes must hold {count} numbers, got {len(votes)}")
    _check.whole(0, **{f"votes[{i}]": v for i, v in enumerate(votes)})
    return () if all(v == 1 for v in votes) else tuple(int(v) for v in votes)


def _kth(k: int, laws: tuple[Law, ...], copies: int) -> Law:
    if len(laws) * copies == 1:
        return laws[0]
    if k == 1 and all(isinstance(law, _families.Exponential) for law in laws):
        rate = sum(1 / law.mean for law in laws) * copies
        return _families.Exponential(1 / rate)
    return KthOf(k, laws, copies)
