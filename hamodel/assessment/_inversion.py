"""Numbers back from transforms: tails of a downtime, and what grows with a horizon.

Fourier's formula along a line of complex s turns a transform into a function; its terms
alternate, and their partial sums, averaged with binomial weights, settle quickly where
the function is smooth.  More terms are taken until two averages agree.

Source: Abate, Choudhury and Whitt (2000), An introduction to numerical transform
inversion and its application to probability models, in Computational Probability,
257-323, section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb

import numpy as np

from hamodel._types import FloatArray, Numbers

_ALIAS = 25.0  # echoes are damped by exp(-25) = 1e-11
FINE = 3  # Abate's l: rounding errors are raised by exp(25 / 6) only
_TERMS = 14  # blocks of the alternating series before the averaged ones
_AVERAGED = 11
_FIRST = _TERMS + _AVERAGED + 1  # blocks of the first round
_BINOMIAL = np.array([comb(_AVERAGED, k) for k in range(_AVERAGED + 1)]) / 2**_AVERAGED
AGREE = 3e-6  # two averages, relative to the function
_JOINT_ALIAS = 15.0  # the same where there are several places
_TERMS_OF_PLACES = {2: 20, 3: 8}
_ECHO, _EARLY = 18.0, 12  # the same for functions of the horizon, which are smooth


def tail(
    transform: Callable[[Numbers], Numbers],
    x: float,
    most: int,
    block: int = FINE,
    sure: int | None = None,
    agree: float = AGREE,
) -> tuple[FloatArray, FloatArray]:
    """Return f(x) of transforms at complex s, a row for each f, and how far it settled.

    f is real; `most` blocks are taken at most, fewer once the first `sure` rows (all
    by default) settle to a share `agree` of f.  Blocks of 1 are quicker by their
    length, and good to 1e-10.
    """
    terms: FloatArray | None = None
    # as many points of either length: they cost less than a round, and a peaked law
    # can seem to have settled early
    first = min(_FIRST * FINE // block, most // 4)
    while True:
        terms = _further(transform, np.array(x), terms, block, first)
        found, off = _settling(terms)
        settled = off <= agree * np.abs(found) + 1e-11
        if np.all(settled[:sure]) or terms.shape[-1] >= most:
            return found, off


def tails(
    transform: Callable[[Numbers], Numbers], x: FloatArray, most: int
) -> FloatArray:
    """Return what `tail` finds at several x, (functions, x): quicker than one by one.

    s has a row for each x that is not settled yet.
    """
    done: FloatArray | None = None
    terms: FloatArray | None = None
    left = np.arange(len(x))
    while True:
        terms = _further(transform, x[left], terms, FINE)
        found, off = _settling(terms)
        done = found.copy() if done is None else done
        done[:, left] = found
        open_ = ~np.all(off <= AGREE * np.abs(found) + 1e-11, axis=0)
        if not np.any(open_) or terms.shape[-1] >= most:
            return done
        left, terms = left[open_], terms[:, open_]


def _further(
    transform: Callable[[Numbers], Numbers],
    x: FloatArray,
    terms: FloatArray | None,
    block: int,
    first: int = _FIRST,
) -> FloatArray:
    """Return the first terms of the series, or twice as many as there are."""
    done = 0 if terms is None else terms.shape[-1]
    more = done or first
    s, weight = _line(x[..., None], done, done + more, block)
    new = (transform(s) * weight).real
    new = new.reshape(*new.shape[:-1], more, block).sum(axis=-1)
    return new if terms is None else np.concatenate([terms, new], axis=-1)


def _settling(terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums of series, and how far the last terms moved them."""
    found, other = (_averaged(terms[..., : terms.shape[-1] - k]) for k in (0, 4))
    return found, np.abs(found - other)


def joint_tail(
    exponent: Callable[[Numbers], Numbers], x: Sequence[float]
) -> tuple[float, float]:
    """Return P(D > x in any place) of a random vector, and how far it is settled.

    `exponent(s)` is - log E exp(-s D) at points s, (points, places).  Where two places
    grow together the law has an edge, and what few terms miss falls with their number:
    two numbers of terms tell what is missed.
    """
    few = _TERMS_OF_PLACES[len(x)]
    found = [_joint_sum(exponent, x, terms) for terms in (few, 2 * few)]
    missed = (found[1] - found[0]) * (few + _AVERAGED / 2) / few
    return found[1] + missed, abs(missed)


def _joint_sum(
    exponent: Callable[[Numbers], Numbers], x: Sequence[float], terms: int
) -> float:
    """Return the sum over the lines of all places, each Euler's.

    Source: Choudhury, Lucantoni and Whitt (1994), Multidimensional transform inversion
    with applications to the transient M/G/1 queue, Annals of Applied Probability 4(3),
    719-740, equations 2.2 to 2.4.
    """
    tails = np.cumsum(_BINOMIAL[::-1])[::-1]
    m = np.arange(-terms - _AVERAGED, terms + _AVERAGED + 1)
    weight = tails[np.maximum(np.abs(m) - terms, 0)] * (-1.0) ** m
    lines = [(_JOINT_ALIAS + 2j * np.pi * m) / (2 * each) for each in x]
    half = m >= 0  # of the first place: the others are complex conjugates
    lines[0] = lines[0][half]
    twice = np.where(m[half] == 0, 1.0, 2.0) * weight[half]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, len(x))
    shares = twice
    for _ in lines[1:]:
        shares = np.multiply.outer(shares, weight).ravel()
    less = -np.expm1(-exponent(points)) / np.prod(points, axis=1)
    scale = np.prod([np.exp(_JOINT_ALIAS / 2) / (2 * each) for each in x])
    return float((shares @ less).real * scale)


def over_time(
    transform: Callable[[Numbers, Numbers], Numbers], s: Numbers, time: float
) -> Numbers:
    """Return f_s(time) for each row s, of transforms at pairs (alpha, s), complex.

    There may be several, (functions, pairs).
    """
    m = np.arange(_EARLY + _AVERAGED + 1)
    line = (_ECHO / 2 + 1j * np.pi * m) / time
    weight = np.where(m == 0, 0.5, 1.0) * (-1.0) ** m * np.exp(_ECHO / 2) / (2 * time)
    alpha = np.concatenate([line, line.conj()])
    pairs = np.repeat(alpha, len(s)), np.tile(s, (len(alpha), 1))
    found = transform(*pairs)
    values = found.reshape(*found.shape[:-1], 2, len(m), len(s)).sum(axis=-3)
    return np.asarray(_averaged(np.swapaxes(values * weight[:, None], -1, -2)))


def grown(transform: Callable[[Numbers], Numbers], time: float) -> FloatArray:
    """Return f(time) of transforms at complex alpha, (points, ...), of real f."""
    m = np.arange(_EARLY + _AVERAGED + 1)
    found = transform((_ECHO / 2 + 1j * np.pi * m) / time).real
    weight = np.where(m == 0, 0.5, 1.0) * (-1.0) ** m * np.exp(_ECHO / 2) / time
    return _averaged(np.moveaxis(found, 0, -1) * weight)


def _averaged(terms: FloatArray) -> FloatArray:
    partial = np.cumsum(terms, axis=-1)[..., -len(_BINOMIAL) :]
    found: FloatArray = partial @ _BINOMIAL
    return found


def _line(x: FloatArray, first: int, last: int, block: int) -> tuple[Numbers, Numbers]:
    """Return points of the inversion and their weights; blocks alternate in sign."""
    m = np.arange(first * block, last * block)
    real = _ALIAS / (2 * block)
    s = (real + 1j * np.pi * m / block) / x
    share = np.where(m == 0, 0.5, 1.0) * np.exp(1j * np.pi * m / block)
    return s, np.exp(real) / (block * x) * share


def killed(rates: FloatArray, kill: Numbers, horizon: float) -> Numbers:
    """Return the probability to be killed within a horizon, by first state.

    `kill` holds complex rates, one row for each case.  A short step is squared;
    survivors and killed make up a row that sums to 1, and scaling it after each
    squaring keeps the error from doubling.
    """
    n = len(rates)
    pace = 2 * (rates.sum(axis=1).max() + np.abs(kill).max())
    squarings = max(0, int(np.ceil(np.log2(2 * pace * horizon))))
    mean = pace * horizon / 2**squarings
    shift = np.zeros((len(kill), n + 1, n + 1), complex)  # the last state is death
    shift[:, :n, :n] = rates / pace
    shift[:, range(n), range(n)] = -(rates.sum(axis=1) + kill) / pace
    shift[:, :n, n] = kill / pace
    one = np.eye(n + 1)
    step = np.tile(one + 0j, (len(kill), 1, 1))
    for term in range(20, 0, -1):  # Horner: exp(mean shift)
        step = one + mean / term * (shift @ step)
    for _ in range(squarings):
        step = step @ step
        step /= step.sum(axis=2, keepdims=True)
    return np.asarray(step[:, :n, n])
