"""Phase-type forms that the queues build: waits, and one duration after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel.queueing import _numeric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


@dataclass(frozen=True, eq=False)
class Each:
    """A duration for every scenario of a broadcast; none where overloaded."""

    make: Callable[..., Duration]
    fields: Sequence[Quantity]
    load: Quantity

    def sf(self, t: Quantity) -> Quantity:
        """Survival function at t; 1 in overload."""
        return self._ask(lambda d, x: d.sf(x), t, lambda x: np.ones(x.shape))

    @property
    def mean(self) -> Quantity:
        """Mean; infinite in overload."""
        return self._ask(
            lambda d, x: d.mean + 0 * x, 0.0, lambda x: np.full(x.shape, np.inf)
        )

    def quantile(self, p: Quantity) -> Quantity:
        """Quantile at p; infinite in overload."""
        return self._ask(
            lambda d, x: d.quantile(x), p, lambda x: np.where(x > 0, np.inf, 0.0)
        )

    def _ask(
        self,
        ask: Callable[[Duration, FloatArray], Quantity],
        argument: Quantity,
        overload: Callable[[FloatArray], FloatArray],
    ) -> Quantity:
        lead = np.broadcast_shapes(*(np.shape(f) for f in self.fields))
        shape = np.broadcast_shapes(lead, np.shape(argument))
        rows = [np.broadcast_to(np.asarray(f, float), shape) for f in self.fields]
        load = np.broadcast_to(self.load, shape)
        x = np.broadcast_to(np.asarray(argument, float), shape)
        answer = np.empty(shape)
        table = np.stack([row.ravel() for row in rows], axis=-1)
        kinds, which = np.unique(table, axis=0, return_inverse=True)
        which = which.reshape(shape)
        for k, values in enumerate(kinds):
            here = which == k
            if load[here][0] >= 1:
                answer[here] = overload(x[here])
            else:
                answer[here] = ask(self.make(*values.tolist()), x[here])
        return _numeric.plain(answer)
