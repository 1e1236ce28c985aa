"""A chain's answers for a time, by the kernels of `markov`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import markov

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import ArrayLike

    from hamodel._types import FloatArray, Quantity, Sparse
    from hamodel.chain._pieces import Cut, Piece

    Kernel = Callable[[Sparse, FloatArray, Piece], FloatArray]


def transient(cut: Cut, times: ArrayLike, states: int) -> FloatArray:
    """Return the probabilities of all states at the times, states on the first axis."""
    t = np.asarray(times, dtype=float)

    def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
        found = markov.transient(rates, start, t)
        whole = np.zeros((*found.shape[:-1], states))
        whole[..., list(piece.states)] = found
        return whole

    return np.moveaxis(_each(cut, kernel, (t.size, states)), -1, 0).reshape(
        states, *(cut.shape or ()), *t.shape
    )


def first_passage_cdf(cut: Cut, targets: Collection[int], times: ArrayLike) -> Quantity:
    """Return the probability to have entered a target by each time."""
    t = np.asarray(times, dtype=float)

    def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
        return markov.first_passage_cdf(rates, start, _places(piece, targets), t)

    return _shaped(cut, kernel, t)


def accumulated(cut: Cut, reward: Sequence[float], times: ArrayLike) -> Quantity:
    """Return the reward earned up to each time."""
    t = np.asarray(times, dtype=float)

    def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
        own = [reward[k] for k in piece.states]
        return markov.accumulated_reward(rates, start, own, t)

    return _shaped(cut, kernel, t)


def interval_unavailability(
    cut: Cut, down: Collection[int], times: ArrayLike
) -> Quantity:
    """Return the expected share of the time up to each time spent down."""
    t = np.asarray(times, dtype=float)

    def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
        return markov.interval_unavailability(rates, start, _places(piece, down), t)

    return _shaped(cut, kernel, t)


def downtime(
    cut: Cut, down: Collection[int], horizon: float, downtimes: ArrayLike, *, cdf: bool
) -> Quantity:
    """Return the distribution of the downtime up to a horizon."""
    x = np.asarray(downtimes, dtype=float)
    question = markov.downtime_cdf if cdf else markov.downtime_sf

    def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
        dense = rates.toarray() if hasattr(rates, "toarray") else rates
        return question(dense, start, _places(piece, down), horizon, x)

    return _shaped(cut, kernel, x)


def rate_matrix(piece: Piece) -> Sparse:
    """Return the rates of a piece as a stack (b, n, n), sparse if it is large."""
    n = len(piece.states)
    numeric = all(isinstance(r, int | float | np.ndarray) for r in piece.rates)
    if not numeric or any(np.iscomplexobj(r) for r in piece.rates):
        raise ValueError("rates must be real numbers for an answer at a time")
    arrays = [r for r in piece.rates if isinstance(r, np.ndarray)]
    if n > 300 and not arrays:
        from scipy.sparse import csr_array

        place = tuple(np.array(piece.edges).T)
        return csr_array((np.array(piece.rates), place), shape=(n, n))
    stack = np.zeros((arrays[0].size if arrays else 1, n, n))
    for (i, j), rate in zip(piece.edges, piece.rates, strict=True):
        stack[:, i, j] = rate
    return stack


def _places(piece: Piece, numbers: Collection[int]) -> list[int]:
    return [i for i, k in enumerate(piece.states) if k in numbers]


def _shaped(cut: Cut, kernel: Kernel, times: FloatArray) -> Quantity:
    found = _each(cut, kernel, (times.size,))
    shaped = found.reshape((*(cut.shape or ()), *times.shape))
    return shaped if shaped.ndim else shaped.item()


def _each(cut: Cut, kernel: Kernel, tail: tuple[int, ...]) -> FloatArray:
    """Run a kernel on each piece, and put the answers where the scenarios stand."""
    size = int(np.prod(cut.shape or ()))
    result = np.empty((size, *tail))
    for piece in cut.pieces:
        start = np.zeros(len(piece.states))
        start[0] = 1.0
        members = slice(None) if piece.members is None else piece.members
        result[members] = kernel(rate_matrix(piece), start, piece)
    return result
