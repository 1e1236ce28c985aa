"""Sites, their copies and the election of a leader as one chain, by arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import comb
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hamodel import _check
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity, Value
from hamodel.architectures._copies import Copies
from hamodel.architectures._events import is_never
from hamodel.duration import Duration


class Electing(Copies, Protocol):
    """Copies that elect a leader."""

    @property
    def election(self) -> Quantity | Duration: ...
    @property
    def common_cause(self) -> Quantity: ...
    @property
    def weight(self) -> Mapping[str, int]: ...
    @property
    def majority(self) -> int: ...


class Voters:
    """The chain of a `Majority`, by arrays over its states.

    Each site has two axes: whether it is lost, and how many of its copies are down;
    the last axes are those of the numbers.  What happens to sites and copies does not
    depend on the leader, so their law is a product, and what is sought is the chance
    that an election runs in each state.
    """

    def __init__(self, spec: Electing) -> None:
        every = rate_of(spec.database.mttf)
        self.common = every * spec.common_cause
        self.fail, self.mend = every - self.common, rate_of(mean_of(spec.database.mttr))
        self.gone, self.back = rate_of(spec.site.mttf), rate_of(mean_of(spec.site.mttr))
        self.elect = rate_of(mean_of(spec.election))
        given = self.fail, self.mend, self.gone, self.back, self.elect
        self.symbolic = any(map(_check.is_symbolic, given))
        self.deep = max(map(np.ndim, given))
        self.names, self.copies = tuple(spec.copies), tuple(spec.copies.values())
        lost = 1 if is_never(spec.site.mttf) else 2
        self.shape = [n for count in self.copies for n in (lost, count + 1)]
        self.lost = [self._along(2 * k) for k in range(len(self.copies))]
        self.down = [self._along(2 * k + 1) for k in range(len(self.copies))]
        weights = [spec.weight[name] for name in spec.copies]
        #: copies in reach at each site that vote
        self.there = [
            (count - down) * (1 - lost) * bool(weight)
            for count, down, lost, weight in zip(
                self.copies, self.down, self.lost, weights, strict=True
            )
        ]
        cast = [w * n for w, n in zip(weights, self.there, strict=True)]
        votes: NDArray[np.intp] = np.asarray(sum(cast))
        self.most = (votes >= spec.majority).astype(int)

    def _along(self, axis: int) -> NDArray[np.intp]:
        """Return the place on one axis, to broadcast against all states."""
        size = [n if k == axis else 1 for k, n in enumerate(self.shape)]
        return np.arange(self.shape[axis]).reshape(*size, *(1,) * self.deep)

    def law(self) -> Value:
        """Return numbers in proportion to the probability of each state."""
        broken = np.asarray(self.fail / self.mend)
        dark = np.asarray(self.gone / self.back)
        total: Value = 1
        for count, down, lost in zip(self.copies, self.down, self.lost, strict=True):
            ways = np.array([comb(count, n) for n in range(count + 1)])
            ways = ways.reshape(down.shape)
            total = total * ways * broken**down * dark**lost
        return total

    def moves(self) -> Iterator[tuple[int, int, Value, Value]]:
        """Yield axis, step, rate of what can happen, and how likely it is the leader's.

        A rate is that in each state that is left.
        """
        voters = np.maximum(sum(self.there), 1)
        for k, there in enumerate(self.there):
            up = self.copies[k] - self.down[k]
            yield 2 * k + 1, 1, up * self.fail, (there > 0) / voters
            yield 2 * k + 1, -1, self.down[k] * self.mend, 0
            yield 2 * k, 1, (1 - self.lost[k]) * self.gone, there / voters
            yield 2 * k, -1, self.lost[k] * self.back, 0

    def elections(self) -> Quantity:
        """Return how often one ends in 1/s of the time with a leader."""
        law, moves = self.law(), list(self.moves())
        out = sum(rate for _, _, rate, _ in moves)
        ended: Value = 0 * law  # 1/s
        for _ in range(3 if self.symbolic else 1000):
            runs = ended / self.elect
            leads = self.most * law - runs
            flow = leads * self.common
            for axis, step, rate, led in moves:
                begun = leads * led + runs + (1 - self.most) * law
                flow = flow + _moved(begun * rate, axis, step)
            before, ended = ended, self.most * flow / (1 + out / self.elect)
            if not self.symbolic and np.allclose(ended, before, rtol=1e-15, atol=0):
                break
        states = tuple(range(len(self.shape)))
        time = (self.most * law - ended / self.elect).sum(axis=states)
        return np.asarray(ended.sum(axis=states) / time)[()]

    def along(self, elections: float) -> tuple[float, dict[str, float]]:
        """Return the share of the elections that come with no other outage.

        The others follow a majority that was lost, or what strikes all, or begin when a
        site is lost with the leader: the second answer is how likely that is by site.
        `elections` is how often one ends in 1/s of the time with a leader.
        """
        law, beside, begins = self.law(), 0.0, {}
        led_by = self.most * law
        for axis, step, rate, led in self.moves():
            after = (1 - self.most) * law * rate
            beside += float(np.sum(self.most * _moved(after, axis, step)))
            if axis % 2 == 0 and step > 0 and np.any(rate):
                lost = self.most * _moved(led_by * rate * led, axis, step)
                beside += float(np.sum(lost))
                begins[self.names[axis // 2]] = float(np.sum(lost) / np.sum(law * rate))
        time = float(np.sum(led_by))
        beside += float(self.common) * time
        every = elections * time
        return max(1 - beside / every, 0.0) if every else 1.0, begins


def _moved(flow: Value, axis: int, step: int) -> Value:
    """Return what flows into each state from its neighbour on an axis."""
    found = np.zeros_like(flow)
    last = [slice(None)] * axis
    to, of = slice(1, None), slice(None, -1)
    to, of = (to, of) if step > 0 else (of, to)
    found[(*last, to)] = flow[(*last, of)]
    return found
