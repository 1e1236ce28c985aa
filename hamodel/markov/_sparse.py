"""Chains of a thousand to a million states: fold level by level, or iterate.

States are sorted by how many jumps they are from the first one.  A jump goes at most
one level up, so the last level folds into the one before it, as a panel of dense
algebra: the same elimination, still without a subtraction.  Where the levels are too
wide for that, Gauss-Seidel iteration takes over, which has no subtraction either, and
stops when no component moves any more, however small it is.

Source: W. J. Stewart (1994), Introduction to the Numerical Solution of Markov Chains,
chapters 2 (block elimination) and 3 (Gauss-Seidel).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hamodel._types import FloatArray, Sparse
from hamodel.markov._dense import fold, fold_panel

#: Up to here a matrix is folded whole.
DENSE = 1200
_WORK = 2e11  # multiplications that folding by levels may take
_STORE = 1.5e8  # numbers that it may keep
_SWEEPS = 5_000
_SETTLED = 1e-13  # estimated relative error of a component that counts as none
_NOISE = 1e-15  # relative change of a component by a sweep that is mere rounding
_SAME = 1e-11  # two settled answers may differ by so much


class ConvergenceError(ValueError):
    """An iteration was stopped before every component had settled.

    Attributes
    ----------
    change : float
        The largest relative change of a component in the last sweep.
    estimate : ndarray
        The probabilities so far, for those who insist.
    """

    def __init__(self, sweeps: int, change: float, estimate: FloatArray) -> None:
        self.change = change
        self.estimate = estimate
        super().__init__(
            f"after {sweeps} sweeps some probability still changes by {change:.1e} of"
            " itself; the chain has parts that hardly ever meet: solve them apart, or"
            " take the field `estimate` of this error"
        )


def sparse_stationary(rates: Sparse) -> FloatArray:
    """Return the long-run probabilities of one irreducible chain.

    Rates are in CSR form, the diagonal empty; the first state should be a likely one.
    """
    if rates.shape[0] <= DENSE:
        return fold(rates.toarray())
    levels = _levels(rates)
    own = np.array([len(level) for level in levels], dtype=float)
    outer = np.concatenate([[0], own[:-1]])
    work = np.sum(own * (own + outer) * (own + 2 * outer))
    if work <= _WORK and np.sum(own * (own + outer)) <= _STORE:
        return _fold_levels(rates, levels)
    try:
        return gauss_seidel(rates)
    except ConvergenceError as error:
        return by_factors(rates, error)


def by_factors(rates: Sparse, error: ConvergenceError) -> FloatArray:
    """Return the long-run probabilities by sparse LU, where iteration has failed.

    One state is fixed, which leaves a diagonally dominant matrix whose factors keep
    their signs without pivoting.  But its diagonal is a sum made beforehand, so parts
    that hardly ever meet lose digits.  Fixing a state of another part tells.

    The estimate of the failed iteration says which states are likely.
    """
    first = int(np.argmax(error.estimate))
    p = _with_fixed(rates, first)
    ratio = p / np.maximum(error.estimate, 1e-300)
    likely = p > p.max() / 100
    gap = np.where(likely, np.abs(np.log(ratio / ratio[first])), 0.0)
    other = _with_fixed(rates, int(np.argmax(gap)))
    seen = p > 1e-290
    if p.min() < 0 or np.max(np.abs(other[seen] / p[seen] - 1)) > 1e-9:
        raise error
    return p


def _with_fixed(rates: Sparse, fixed: int) -> FloatArray:
    from scipy.sparse import csc_array, diags_array
    from scipy.sparse.linalg import splu

    rest = np.delete(np.arange(rates.shape[0]), fixed)
    out = np.asarray(rates.sum(axis=1)).reshape(-1)
    into = csc_array(rates.T)
    solver = splu(
        csc_array(diags_array(out[rest]) - into[rest][:, rest]),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    p = np.ones(len(out))
    p[rest] = solver.solve(into[rest][:, [fixed]].toarray()[:, 0])
    total: FloatArray = p / p.sum()
    return total


def _levels(rates: Sparse) -> list[NDArray[np.intp]]:
    """Return the states by their distance from the first."""
    from scipy.sparse.csgraph import breadth_first_order

    order, parents = breadth_first_order(rates, 0)
    distance = np.zeros(rates.shape[0], dtype=int)
    for state in order[1:].tolist():
        distance[state] = distance[parents[state]] + 1
    by_distance = np.argsort(distance, kind="stable")
    ends = np.cumsum(np.bincount(distance))
    return np.split(by_distance, ends[:-1])


def _fold_levels(rates: Sparse, levels: list[NDArray[np.intp]]) -> FloatArray:
    """Fold the last level into the one before, and so on; then unfold.

    What a level inherits from those folded into it is a dense matrix over a few
    columns, for only the level before it leads up to a level.
    """
    height = np.empty(rates.shape[0], dtype=int)
    for number, level in enumerate(levels):
        height[level] = number
    visits = []
    heirs = np.array([], dtype=int)
    inherited = np.zeros((len(levels[-1]), 0))
    for number in range(len(levels) - 1, 0, -1):
        level, outer = levels[number], levels[number - 1]
        own = rates[level]
        goals = np.union1d(own.indices, heirs)
        rest = goals[height[goals] < number]
        columns = np.concatenate([rest, level])
        place = np.empty(rates.shape[0], dtype=int)
        place[columns] = np.arange(len(columns))
        a = np.zeros((len(outer) + len(level), len(columns)))
        a[len(outer) :] = own[:, columns].toarray()
        a[len(outer) :, place[heirs]] += inherited
        a[: len(outer), len(rest) :] = rates[outer][:, level].toarray()
        fold_panel(a, len(outer), len(rest))
        heirs, inherited = rest, a[: len(outer), : len(rest)]
        visits.append(a[:, len(rest) :].copy())
    return _unfold(levels, visits[::-1], rates.shape[0])


def _unfold(
    levels: list[NDArray[np.intp]], visits: list[FloatArray], states: int
) -> FloatArray:
    p = np.zeros(states)
    p[levels[0]] = 1.0
    for outer, level, flow in zip(levels[:-1], levels[1:], visits, strict=True):
        known = np.concatenate([p[outer], np.zeros(len(level))])
        for k in range(len(level)):
            known[len(outer) + k] = known[: len(outer) + k] @ flow[: len(outer) + k, k]
        p[level] = known[len(outer) :]
        if p[level].max() > 1e100:
            p /= p[level].max()
    total: FloatArray = p / p.sum()
    return total


def gauss_seidel(rates: Sparse, *, sweeps: int = _SWEEPS) -> FloatArray:
    """Return the long-run probabilities by Gauss-Seidel iteration.

    A sweep solves a triangular system whose entries off the diagonal are not
    positive, so it only adds.  When it has settled, it is shaken and must settle
    on the same answer: parts of the chain that hardly ever meet look settled long
    before they are.
    """
    sweep = _sweeper(rates)
    n = rates.shape[0]
    p, used = _settled(sweep, np.full(n, 1 / n), sweeps)
    shaken = p * np.random.default_rng(0).uniform(0.5, 1.5, n)
    again, _ = _settled(sweep, shaken / shaken.sum(), sweeps)
    seen = p > 1e-300
    change = float(np.max(np.abs(again[seen] / p[seen] - 1)))
    if change > _SAME:
        raise ConvergenceError(used, change, p)
    return again


def _settled(
    sweep: Callable[[FloatArray], FloatArray], p: FloatArray, sweeps: int
) -> tuple[FloatArray, int]:
    """Sweep until the estimated error of every component is below rounding."""
    change, stride = float("inf"), 10
    for done in range(stride, sweeps + stride, stride):
        for _ in range(stride):
            old, p = p, sweep(p)
        seen = p > 1e-300
        last, change = change, float(np.max(np.abs(p[seen] / old[seen] - 1)))
        slowing = done > stride and change < last
        speed = (change / last) ** (1 / stride) if slowing else 1.0
        if change <= _NOISE or change * speed <= _SETTLED * (1 - speed):
            return p, done
    raise ConvergenceError(sweeps, change, p)


def _sweeper(rates: Sparse) -> Callable[[FloatArray], FloatArray]:
    from scipy.sparse import csc_array, csr_array, diags_array, tril, triu
    from scipy.sparse.linalg import splu

    into = csc_array(rates.T)
    out = np.asarray(rates.sum(axis=1)).reshape(-1)
    upper = csr_array(triu(into, 1))
    solver = splu(
        csc_array(diags_array(out) - tril(into, -1)),
        permc_spec="NATURAL",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )

    def sweep(p: FloatArray) -> FloatArray:
        new: FloatArray = solver.solve(upper @ p)
        new /= new.sum()
        return new

    return sweep
