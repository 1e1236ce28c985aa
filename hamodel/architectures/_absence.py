"""What a node has missed that serves first after all were lost.

A node that is down misses what is acknowledged meanwhile.  How long it has, in time in
which writes were taken, is not part of a state; its mean follows from a balance: what
nodes in some condition have missed together grows by a second for each of them in each
second, leaves with those that are mended, and goes with those whose condition changes.

Assumptions: nodes of one condition are as likely to be the next.  What is lost with one
election is still counted as missed by a node that stays down, which is then lost twice
if that node is the first in the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamodel._check import is_symbolic
from hamodel._types import Quantity
from hamodel.architectures._replicas import State
from hamodel.architectures._replicated import Rules
from hamodel.architectures._shape import Shaped
from hamodel.chain import INSTANT

_SMALL = 300  # unknowns; dense up to here
#: A group of nodes and their condition: how they are down, or that their site is lost.
Slot = tuple[int, int]


class Missed(NamedTuple):
    """How often a node serves first after all were lost, and what it has missed."""

    events: Quantity  # 1/s
    time: Quantity  # mean in s, of time in which writes were taken
    standbys: Quantity  # 1/s; of the events those in which it was not primary last


@dataclass(frozen=True, eq=False)
class Absence:
    """What absent nodes miss, state by state."""

    rules: Rules
    shaped: Shaped

    def missed(self) -> Missed:
        """Return how often a node serves first after all were lost, and its loss."""
        rates = self.shaped.rates
        if self.symbolic:
            raise ValueError("replication.unclean must be False in a formula, got True")
        if not rates:  # nothing ever fails
            return Missed(0.0, 0.0, 0.0)
        shape = np.broadcast_shapes(*map(np.shape, rates))
        flat = np.array([np.broadcast_to(rate, shape).ravel() for rate in rates])
        flat = np.minimum(flat, INSTANT)  # of several, as arrays of rates are taken
        found = np.array([self._solved(row) for row in flat.T.tolist()])
        events, lost, standbys = (column.reshape(shape)[()] for column in found.T)
        return Missed(events, lost / np.where(events == 0, 1.0, events)[()], standbys)

    @property
    def symbolic(self) -> bool:
        """Whether some number is a symbol: there is no formula."""
        return any(is_symbolic(rate) for rate in self.shaped.rates)

    @cached_property
    def _held(self) -> list[dict[Slot, int]]:
        """In each state, how many nodes are absent in each condition."""
        return [dict(self._absent(state)) for state in self.shaped.shape.states]

    def _absent(self, state: State) -> Iterator[tuple[Slot, int]]:
        nodes = self.rules.nodes
        for i, (group, counts) in enumerate(
            zip(nodes.groups, state.nodes, strict=True)
        ):
            if nodes.dark(state, group.site) and not nodes.shared:
                yield (i, 0), group.size
            for slot, count in enumerate(counts[1:], 1):
                if count:
                    yield (i, slot), count

    def _solved(self, rates: Sequence[float]) -> tuple[float, float, float]:
        """Return elections in 1/s, time missed at them in s/s, those of standbys."""
        shape = self.shaped.shape
        law = dict(shape.probabilities(rates))
        moves = [(*move, rate) for move, rate in zip(shape.moves, rates, strict=True)]
        elected = [
            (law.get(k, 0.0) * rate, self._standby(k, j))
            for k, j, rate in moves
            if self._elected(k, j)
        ]
        events = sum(often for often, _ in elected)
        standbys = sum(often * chance for often, chance in elected)
        places = [(k, slot) for k, held in enumerate(self._held) for slot in held]
        number = {place: n for n, place in enumerate(places)}
        entries: dict[tuple[int, int], float] = defaultdict(float)
        falls = np.zeros(len(places))
        for k, j, rate in moves:
            for slot, count in self._held[k].items():
                here, (gone, to) = number[k, slot], self._leaves(k, j, slot)
                entries[here, here] += rate
                if gone < 1:
                    entries[number[j, slot], here] -= rate * (1 - gone)
                if to is not None:
                    entries[number[j, to], here] -= rate * gone
                elif self._falls(k, j, slot, gone):
                    falls[here] += rate / self._next(k, slot, count)
        grows = [
            law.get(k, 0.0) * self._held[k][slot] * self._takes_writes(k)
            for k, slot in places
        ]
        if not places:
            return events, 0.0, standbys
        missed = _balanced(entries, np.array(grows))
        return events, float(falls @ missed), standbys

    def _takes_writes(self, k: int) -> bool:
        state = self.shaped.shape.states[k]
        return state.phase == "serving" and not self.rules.blocked(state)

    def _elected(self, k: int, j: int) -> bool:
        states = self.shaped.shape.states
        return bool(states[k].phase == "lost" and states[j].phase == "serving")

    def _standby(self, k: int, j: int) -> float:
        """Return the chance that who serves first was not the primary before."""
        shape, held = self.shaped.shape, self._held[k]
        before, after = shape.states[k], shape.states[j]
        if not self._held[j]:  # all are restored
            return 0.0
        if after.primary != before.primary:
            return 1.0
        slots = (s for s in held if s[0] == after.primary)
        slot = next((s for s in slots if self._leaves(k, j, s)[0]), None)
        if slot is None:  # it was up, and may lead now that what it follows is back
            return 1.0
        if not slot[1]:  # the primary is back with its site
            return 0.0
        count = self._next(k, slot, held[slot])
        return 1.0 if count < held[slot] else 1 - 1 / count

    def _falls(self, k: int, j: int, slot: Slot, gone: float) -> bool:
        """Tell whether a node of a condition comes back and serves."""
        primary = self.shaped.shape.states[j].primary
        together = not self._held[j]  # restored, what the last primary had with them
        return gone > 0 and self._elected(k, j) and slot[0] == primary and not together

    def _leaves(self, k: int, j: int, slot: Slot) -> tuple[float, Slot | None]:
        """Return the share of the nodes in a condition that leave it, and for which."""
        before, after = self._held[k], self._held[j]
        left = before[slot] - after.get(slot, 0)
        if left <= 0:
            return 0.0, None
        if not after:  # all are restored at once
            return 1.0, None
        group, condition = slot
        seen = (group, condition - self.rules.nodes.laws)
        to = None
        if condition and after.get((group, 0), 0) > before.get((group, 0), 0):
            to = (group, 0)
        elif after.get(seen, 0) >= before.get(seen, 0) + left:
            to = seen
        return left / self._next(k, slot, before[slot]), to

    def _next(self, k: int, slot: Slot, count: int) -> int:
        """Return how many of the nodes in a condition may be the next to be mended."""
        state, rules = self.shaped.shape.states[k], self.rules
        last = state.phase == "lost" and state.mode >= 0 and slot == (state.primary, 1)
        down = sum(
            sum(counts[1 + law] for counts in state.nodes)
            for law, repair in enumerate(rules.repairs)
            if repair.crew
        )
        return count - 1 if last and down > rules.crews else count


def _balanced(
    entries: Mapping[tuple[int, int], float], grows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the solution of a balance, of which most entries are 0."""
    values, (rows, columns) = list(entries.values()), zip(*entries, strict=True)
    if len(grows) <= _SMALL:  # loads no further library
        whole = np.zeros(2 * grows.shape)
        whole[rows, columns] = values
        return np.asarray(np.linalg.solve(whole, grows), float)
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import spsolve

    sparse = csc_array((values, (rows, columns)), shape=2 * grows.shape)
    return np.asarray(spsolve(sparse, grows))
