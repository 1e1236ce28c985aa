"""Phase-type forms that the queues build: waits, and one duration after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hamodel import duration
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration

#: start probabilities (what they lack to 1 is a duration of 0) and sub-generator
Form = tuple[FloatArray, FloatArray]


def wait(arrival: float, start: FloatArray, rates: FloatArray) -> Form:
    """Wait in M/PH/1: a geometric number of residual services (Neuts 1981, 3.2)."""
    passed = np.linalg.solve(-rates.T, start)  # mean time in each phase
    residual = np.asarray(arrival * passed, float)  # adds up to the load
    again: FloatArray = rates + np.outer(-rates.sum(axis=1), residual)
    return residual, again


def chain(first: Form, second: Form) -> Form:
    """One phase-type duration and then another, which has no atom at 0."""
    (a, S), (b, T) = first, second
    corner = np.outer(-S.sum(axis=1), b)
    empty = np.zeros((len(b), len(a)))
    start = np.concatenate([a, (1 - a.sum()) * b])
    return start, np.block([[S, corner], [empty, T]])


def each(
    make: Callable[..., Duration], fields: Sequence[Quantity], load: Quantity
) -> Duration:
    """Return the duration of every scenario of a broadcast; endless where overloaded.

    Scenarios that are alike are made once.
    """
    shape = np.broadcast_shapes(*(np.shape(f) for f in fields), np.shape(load))
    rows = [np.broadcast_to(np.asarray(f, float), shape).ravel() for f in fields]
    wall = np.broadcast_to(np.asarray(load, float) >= 1, shape)
    table = list(zip(*(row.tolist() for row in rows), strict=True))
    stable = [row for row, over in zip(table, wall.ravel(), strict=True) if not over]
    made = {row: make(*row) for row in dict.fromkeys(stable)}
    spare = next(iter(made.values()), duration.constant(0.0))
    stack = duration.stack([made.get(row, spare) for row in table], shape)
    return duration.endless(stack, wall)
