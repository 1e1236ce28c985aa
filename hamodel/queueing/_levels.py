"""Quasi-birth-death chains: a small environment moves while a level rises and falls.

The levels (so many requests in the system) form a geometric row; its ratio is a matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamodel import markov

if TYPE_CHECKING:
    from hamodel._types import FloatArray


def rate_matrix(up: FloatArray, moves: FloatArray, down: FloatArray) -> FloatArray:
    """R: time in a phase one level up, for each unit of time in a phase here."""
    answer: FloatArray = up @ np.linalg.inv(drain(up, moves, down))
    return answer


def drain(up: FloatArray, moves: FloatArray, down: FloatArray) -> FloatArray:
    """-(A1 + A0 G), with G the phase on first reaching one level down.

    Logarithmic reduction: each round doubles the heights that excursions may reach.
    """
    local = off_diagonal(moves)
    local = local - np.diag((local + up + down).sum(axis=1))
    size = np.eye(len(up))
    high, low = np.linalg.solve(-local, up), np.linalg.solve(-local, down)
    first, path = low, high
    for _ in range(64):
        stay = size - high @ low - low @ high
        high, low = np.linalg.solve(stay, high @ high), np.linalg.solve(stay, low @ low)
        step = path @ low
        first = first + step
        path = path @ high
        if np.max(step) <= 1e-17:  # squared in each round: nothing is left
            break
    answer: FloatArray = -local - up @ first
    return answer


def stationary(rates: FloatArray) -> FloatArray:
    return np.asarray(markov.steady_state(rates))


def off_diagonal(rates: FloatArray) -> FloatArray:
    return rates * (1 - np.eye(len(rates)))
