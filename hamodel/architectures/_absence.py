"""What a node has missed that serves first after all were lost: an unclean election.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hamodel._check import is_symbolic
from hamodel._types import Quantity
from hamodel.architectures._replicas import State
from hamodel.architectures._replicated import Rules
from hamodel.architectures._shape import Shaped

#: A group of nodes and their condition: how they are down, or that their site is lost.
Slot = tuple[int, int]


class Missed(NamedTuple):
    """How often a node serves first after all were lost, and what it has missed."""

    events: Quantity  # 1/s
    time: Quantity  # mean in s, of time in which writes were taken


@dataclass(frozen=True, eq=False)
class Absence:
    """What absent nodes miss, state by state."""

    rules: Rules
    shaped: Shaped

    def missed(self) -> Missed:
        """Return how often a node serves first after all were lost, and its loss."""
        rates = self.shaped.rates
        if any(is_symbolic(rate) for rate in rates):
            raise ValueError("replication.unclean must be False in a formula, got True")
        shape = np.broadcast_shapes(*map(np.shape, rates))
        flat = np.array([np.broadcast_to(rate, shape).ravel() for rate in rates])
        found = np.array([self._solved(row) for row in flat.T.tolist()])
        events, lost = (column.reshape(shape) for column in found.T)
        time = lost / np.where(events == 0, 1.0, events)
        return Missed(events, time) if shape else Missed(float(events), float(time))

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

    def _solved(self, rates: Sequence[float]) -> tuple[float, float]:
        """Return the elections in 1/s, and the time missed at them, in s/s."""
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import spsolve

        shape = self.shaped.shape
        law = dict(shape.probabilities(rates))
        moves = [(*move, rate) for move, rate in zip(shape.moves, rates, strict=True)]
        events = sum(
            law.get(k, 0.0) * rate for k, j, rate in moves if self._elected(k, j)
        )
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
            return events, 0.0
        rows, columns = np.array(list(entries)).T
        values = np.array(list(entries.values()))
        balance = csc_array((values, (rows, columns)), shape=2 * (len(places),))
        return events, float(falls @ spsolve(balance, np.array(grows)))

    def _takes_writes(self, k: int) -> bool:
        state = self.shaped.shape.states[k]
        return state.phase == "serving" and not self.rules.blocked(state)

    def _elected(self, k: int, j: int) -> bool:
        states = self.shaped.shape.states
        return bool(states[k].phase == "lost" and states[j].phase == "serving")

    def _falls(self, k: int, j: int, slot: Slot, gone: float) -> bool:
        """Tell whether a node of a condition comes back and serves."""
        primary = self.shaped.shape.states[j].primary
        return gone > 0 and self._elected(k, j) and slot[0] == primary

    def _leaves(self, k: int, j: int, slot: Slot) -> tuple[float, Slot | None]:
        """Return the share of the nodes in a condition that leave it, and for which."""
        before, after = self._held[k], self._held[j]
        left = before[slot] - after.get(slot, 0)
        if left <= 0:
            return 0.0, None
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
