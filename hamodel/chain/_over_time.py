"""A chain's answers for a time, by the kernels of `markov`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable

import numpy as np
from numpy.typing import ArrayLike

from hamodel import markov
from hamodel._types import FloatArray, Quantity, Sparse, State
from hamodel.chain._pieces import Cut, Piece

Kernel = Callable[[Sparse, FloatArray, Piece], FloatArray]


class OverTime:
    """What a chain answers for a time; `Chain` has its states.

    Times, horizons and downtimes are in s.  One of them gives a number, k of them an
    array whose last axis has them; the axes of a sweep come first.
    """

    states: tuple[Hashable, ...]
    _cut: Cut
    _up_numbers: frozenset[int]

    @property
    def down(self) -> frozenset[Hashable]:
        """The states in which the service does not work."""
        return frozenset(self.states[k] for k in self._down_numbers)

    @property
    def _down_numbers(self) -> list[int]:
        return [k for k in range(len(self.states)) if k not in self._up_numbers]

    def transient(self, times: ArrayLike) -> dict[Hashable, FloatArray]:
        """Return the probability of each state at given times.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 0.1, ("down", "up"): 1.0}, {"up"})
        >>> node.transient([0, 1])["down"]
        array([0.      , 0.060648])
        """
        return dict(zip(self.states, self._transient(times), strict=True))

    def unavailability_at(self, times: ArrayLike) -> Quantity:
        """Return the probability to be down at given times.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 0.1, ("down", "up"): 1.0}, {"up"})
        >>> node.unavailability_at([0, 1, 100])
        array([0.      , 0.060648, 0.090909])
        """
        total = self._transient(times)[self._down_numbers].sum(axis=0)
        return total if np.ndim(total) else float(total)

    def interval_unavailability(self, times: ArrayLike) -> Quantity:
        """Return the expected share of the time from the start to t spent down.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 0.001, ("down", "up"): 0.25}, {"up"})
        >>> node.interval_unavailability(24.0)
        0.003324...
        """
        t, down = np.asarray(times, dtype=float), self._down_numbers

        def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
            return markov.interval_unavailability(rates, start, _places(piece, down), t)

        return _shaped(self._cut, kernel, t)

    def accumulated_reward(
        self, value: Callable[[State], float], times: ArrayLike
    ) -> Quantity:
        """Return the expected reward up to t; a second earns `value(state)`.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 0.001, ("down", "up"): 0.25}, {"up"})
        >>> node.accumulated_reward(lambda state: state == "down", 24.0)
        0.0797...
        """
        t = np.asarray(times, dtype=float)
        reward = [float(value(state)) for state in self.states]

        def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
            own = [reward[k] for k in piece.states]
            return markov.accumulated_reward(rates, start, own, t)

        return _shaped(self._cut, kernel, t)

    def first_passage_cdf(
        self, times: ArrayLike, targets: Collection[Hashable] | None = None
    ) -> Quantity:
        """Return the probability that a target (by default: down) was entered by t.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 0.1, ("down", "up"): 1.0}, {"up"})
        >>> node.first_passage_cdf([0, 10])
        array([0.      , 0.632121])
        """
        goal = self.down if targets is None else targets
        numbers = [k for k, state in enumerate(self.states) if state in goal]
        t = np.asarray(times, dtype=float)

        def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
            return markov.first_passage_cdf(rates, start, _places(piece, numbers), t)

        return _shaped(self._cut, kernel, t)

    def downtime_cdf(self, horizon: float, downtimes: ArrayLike) -> Quantity:
        """Return the probability that the downtime up to a horizon is at most x.

        Examples
        --------
        How likely is a year with 99.99 %, if one year is like another?

        >>> from hamodel import Chain
        >>> from hamodel.units import HOUR, MINUTE, YEAR
        >>> rates = {("up", "down"): 1 / (2000 * HOUR), ("down", "up"): 2 / HOUR}
        >>> Chain(rates, {"up"}).downtime_cdf(YEAR, 52.56 * MINUTE)
        0.1920...
        """
        return self._downtime(markov.downtime_cdf, horizon, downtimes)

    def downtime_sf(self, horizon: float, downtimes: ArrayLike) -> Quantity:
        """Return the probability that the downtime up to a horizon is more than x.

        Examples
        --------
        >>> from hamodel import Chain
        >>> node = Chain({("up", "down"): 1e-9, ("down", "up"): 1e-3}, {"up"})
        >>> node.downtime_sf(365 * 86400, [0, 900])
        array([0.031044, 0.012...])
        """
        return self._downtime(markov.downtime_sf, horizon, downtimes)

    def _transient(self, times: ArrayLike) -> FloatArray:
        """Return the probabilities at the times, states on the first axis."""
        t, states = np.asarray(times, dtype=float), len(self.states)

        def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
            found = markov.transient(rates, start, t)
            whole = np.zeros((*found.shape[:-1], states))
            whole[..., list(piece.states)] = found
            return whole

        found = np.moveaxis(_each(self._cut, kernel, (t.size, states)), -1, 0)
        return found.reshape(states, *(self._cut.shape or ()), *t.shape)

    def _downtime(
        self, question: Callable[..., FloatArray], horizon: float, downtimes: ArrayLike
    ) -> Quantity:
        x = np.asarray(downtimes, dtype=float)

        def kernel(rates: Sparse, start: FloatArray, piece: Piece) -> FloatArray:
            dense = rates.toarray() if hasattr(rates, "toarray") else rates
            return question(
                dense, start, _places(piece, self._down_numbers), horizon, x
            )

        return _shaped(self._cut, kernel, x)


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
