"""How much downtime adds up within a year: a distribution, not a mean.

Let O be the time spent in down states up to the horizon T.  If a second of downtime
kills with rate w, the chain survives the horizon with probability E[exp(-w O)], and
that is one matrix exponential.  Fourier's formula along a line of complex w turns it
back into the distribution of O.

The surprising part: the classical algorithms follow every jump, some 3e7 of them for
a year at rates of 1/s; here the step is squared some 25 times, for about a hundred
values of w at once.  What makes it exact is that three things are not inverted but
known: P(O = 0), P(O = T), and that rows of survivors and killed sum to 1.

Sources: E. de Souza e Silva and H. R. Gail (1986), Calculating cumulative operational
time distributions of repairable computer systems, IEEE Trans. Computers 35(4),
322-332 (the question); J. Abate, G. L. Choudhury and W. Whitt (2000), An introduction
to numerical transform inversion and its application to probability models, in
Computational Probability, 257-323 (the inversion, with `l` to control rounding).
"""

from __future__ import annotations

from collections.abc import Collection
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamodel import _check
from hamodel._types import FloatArray
from hamodel.markov._checks import moments, rate_stack, starting, state_numbers
from hamodel.markov._transient import transient

_ALIAS = 30.0  # the distribution's echoes are damped by exp(-30) = 1e-13
_ROUND = 3  # Abate's l: rounding errors are raised by exp(30 / 6) only
_TERMS = 16  # of the alternating series, at least, before the averaged ones
_AVERAGED = 12  # partial sums more, averaged with binomial weights (Euler)
_AGREE = 2e-12  # two such averages, relative to the probability of any downtime
_MOST = 20_000  # terms, for a distribution as narrow as a step


def downtime_cdf(
    rates: ArrayLike,
    start: ArrayLike,
    down: Collection[int],
    horizon: float,
    downtimes: ArrayLike,
) -> FloatArray:
    """Return the probability that the downtime up to a horizon is at most so much.

    Parameters
    ----------
    rates : array_like, shape (..., n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    down : collection of int
        State numbers.
    horizon : float
        Length of the interval in s.
    downtimes : array_like, shape (k,)
        Downtimes in s.

    Returns
    -------
    ndarray, shape (..., k)
        Probabilities; at downtime 0 the probability never to be down.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite, or a down state is no state.

    Notes
    -----
    The error is about 1e-11 of the probability to be down at all.  Source: see the
    sources of this module.

    Examples
    --------
    A node that fails every 2000 h and takes 30 min to repair, over a year: how
    likely is it to meet 99.99 %, that is, at most 52.56 min?

    >>> HOUR, YEAR = 3600, 365 * 24 * 3600
    >>> rates = [[0, 1 / (2000 * HOUR)], [2 / HOUR, 0]]
    >>> downtime_cdf(rates, [1, 0], [1], YEAR, [0, 52.6 * 60])
    array([0.012525, 0.192...])
    """
    return _distribution(rates, start, down, horizon, downtimes)[0]


def downtime_sf(
    rates: ArrayLike,
    start: ArrayLike,
    down: Collection[int],
    horizon: float,
    downtimes: ArrayLike,
) -> FloatArray:
    """Return the probability that the downtime up to a horizon is more than so much.

    Parameters
    ----------
    rates : array_like, shape (..., n, n)
        Transition rates in 1/s.  The diagonal is ignored.
    start : array_like, shape (n,)
        Probabilities at time 0.
    down : collection of int
        State numbers.
    horizon : float
        Length of the interval in s.
    downtimes : array_like, shape (k,)
        Downtimes in s.

    Returns
    -------
    ndarray, shape (..., k)
        Probabilities; at downtime 0 the probability to be down at all.

    Raises
    ------
    ValueError
        If a rate or a time is negative or not finite, or a down state is no state.

    Examples
    --------
    >>> rates = [[0, 1e-9], [1e-3, 0]]  # once in thirty years, for a quarter hour
    >>> downtime_sf(rates, [1, 0], [1], 365 * 86400, [0, 900])
    array([0.031044, 0.012...])
    """
    return _distribution(rates, start, down, horizon, downtimes)[1]


def _distribution(
    rates: ArrayLike,
    start: ArrayLike,
    down: Collection[int],
    horizon: float,
    downtimes: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Return P(O <= x) and P(O > x), each of shape (..., k)."""
    _check.non_negative(horizon=horizon)
    stack, lead = rate_stack(rates)
    n = stack.shape[-1]
    first, below = starting(start, n), moments(downtimes)
    is_down = np.zeros(n, dtype=bool)
    is_down[state_numbers(down, n, "down")] = True
    if horizon == 0:
        below = np.full_like(below, np.inf)
    found = [_of_one(a, first, is_down, horizon, below) for a in stack]
    cdf, sf = (np.stack(part) for part in zip(*found, strict=True))
    return cdf.reshape(*lead, len(below)), sf.reshape(*lead, len(below))


def _of_one(
    rates: FloatArray,
    start: FloatArray,
    is_down: NDArray[np.bool_],
    horizon: float,
    downtimes: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    cdf, sf = np.ones_like(downtimes), np.zeros_like(downtimes)
    never, ever = _never(rates, start, is_down, horizon)
    always, _ = _never(rates, start, ~is_down, horizon)
    low = (downtimes > 0) & (downtimes <= horizon / 2)
    high = (downtimes > horizon / 2) & (downtimes < horizon)
    if low.any():
        part = _between(rates, start, is_down, horizon, downtimes[low], (ever, always))
        cdf[low], sf[low] = never + part, ever - part
    if high.any():  # so much downtime is little uptime: count that instead
        rest = horizon - downtimes[high]
        some = 1 - always
        part = _between(rates, start, ~is_down, horizon, rest, (some, never))
        cdf[high], sf[high] = some - part, always + part
    cdf[downtimes == 0], sf[downtimes == 0] = never, ever
    return np.clip(cdf, never, 1), np.clip(sf, 0, ever)


def _never(
    rates: FloatArray, start: FloatArray, down: NDArray[np.bool_], horizon: float
) -> tuple[float, float]:
    """Return the probability never to be down, and that of the contrary."""
    absorbing = np.where(down[:, None], 0.0, rates)
    p = transient(absorbing, start, [horizon])[0]
    return float(p[~down].sum()), float(p[down].sum())


def _between(
    rates: FloatArray,
    start: FloatArray,
    is_down: NDArray[np.bool_],
    horizon: float,
    downtimes: FloatArray,
    atoms: tuple[float, float],
) -> FloatArray:
    """Return P(0 < O <= x), O < T, by inverting its transform.

    The atoms are P(O > 0) and P(O = T), which are known.

    More terms are taken until two averages of the tail agree: a narrow distribution
    (many failures) needs many, for its transform reaches far.
    """
    ever, always = atoms
    terms = np.zeros((len(downtimes), 0))
    result = np.zeros_like(downtimes)
    open_ = np.arange(len(downtimes))
    blocks = 0
    while open_.size:
        more = max(_TERMS + _AVERAGED + 1, blocks)
        w, weight = _line(downtimes[open_], blocks, blocks + more)
        dead = _killed(rates, start, is_down, horizon, w.reshape(-1)).reshape(w.shape)
        transform = (ever - dead - always * np.exp(-w * horizon)) / w
        new = (transform * weight).real.reshape(*weight.shape[:1], more, -1).sum(-1)
        terms = np.concatenate([terms, new], axis=1)
        blocks += more
        found, other = _averaged(terms, 0), _averaged(terms, 5)
        settled = (np.abs(found - other) <= _AGREE * ever) | (blocks >= _MOST)
        result[open_[settled]] = found[settled]
        open_, terms = open_[~settled], terms[~settled]
    return result


def _averaged(terms: FloatArray, omitted: int) -> FloatArray:
    """Return the sum of an alternating series, its last partial sums averaged."""
    partial = np.cumsum(terms, axis=1)[:, : terms.shape[1] - omitted]
    binomial = np.array([comb(_AVERAGED, k) for k in range(_AVERAGED + 1)])
    mean: FloatArray = partial[:, -len(binomial) :] @ (binomial / 2.0**_AVERAGED)
    return mean


def _line(
    x: FloatArray, first: int, last: int
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return points of the inversion, shape (k, m), and their weights, by blocks.

    The trapezoidal rule along a line: Abate, Choudhury and Whitt (2000).  A block
    holds `_ROUND` points, and the signs of the blocks alternate.  The first block
    also holds the point on the real axis.
    """
    m = np.arange(first * _ROUND, last * _ROUND)
    share = np.where(m == 0, 0.5, 1.0) * np.exp(1j * np.pi * m / _ROUND)
    real = _ALIAS / (2 * _ROUND)
    w = np.asarray((real + 1j * np.pi * m / _ROUND) / x[:, None], dtype=complex)
    weight: NDArray[np.complex128] = np.exp(real) / (_ROUND * x[:, None]) * share
    return w, weight


def _killed(
    rates: FloatArray,
    start: FloatArray,
    is_down: NDArray[np.bool_],
    horizon: float,
    w: NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """Return E[1 - exp(-w O)] for each w, by squaring a short step.

    Survivors and killed make up a row that sums to 1, though their shares are
    complex; scaling it after each squaring keeps the error from doubling.
    """
    n = len(rates)
    pace = 2 * (rates.sum(axis=-1).max() + np.abs(w).max())
    squarings = max(0, int(np.ceil(np.log2(2 * pace * horizon))))
    mean = pace * horizon / 2**squarings
    diagonal = np.arange(n)
    jump = np.tile(rates / pace + 0j, (len(w), 1, 1))
    jump[:, diagonal, diagonal] = 1 - rates.sum(axis=-1) / pace
    kill = w[:, None] * is_down / pace
    jump[:, diagonal, diagonal] -= kill
    step, dead = _short(jump, kill, mean)
    for _ in range(squarings):
        dead = dead + (step @ dead[..., None])[..., 0]
        step = step @ step
        total = step.sum(axis=-1) + dead
        step /= total[..., None]
        dead /= total
    result: NDArray[np.complex128] = dead @ start
    return result


def _short(
    jump: NDArray[np.complex128], kill: NDArray[np.complex128], mean: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return survivors and killed after a step of `mean` <= 1/2 jumps."""
    from scipy.special import gammainc

    power = np.broadcast_to(np.eye(jump.shape[-1]) + 0j, jump.shape)
    weight = np.exp(-mean)
    step = weight * power
    dead = gammainc(1, mean) * kill
    met, term, last = 0, 0, 13
    while term < last:
        term += 1
        power = power @ jump
        weight *= mean / term
        step = step + weight * power
        dead = dead + gammainc(term + 1, mean) * (power @ kill[..., None])[..., 0]
        if (count := int(np.count_nonzero(power[0]))) > met:
            met, last = count, term + 13
    return step, dead
