"""Sites, their copies and the election of a leader as one chain, by arrays.

An election that begins as a site is lost runs beside its clients' way to another site,
so these notice only what is left of it then; so many begin, and all notice the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hamodel import _check
from hamodel._quantity import mean_of, rate_of
from hamodel._types import Quantity, Value
from hamodel.architectures._copies import Copies
from hamodel.architectures._events import Event, added, is_never
from hamodel.architectures._first import Both, Left
from hamodel.architectures._seen import BESIDE, Seen
from hamodel.architectures.base import Along, Part
from hamodel.duration import Duration

_AFTER, _STUCK = "after ", "stuck "  # a way that led out of a site, or did not
_BESIDE = 256  # states of a chain that is asked how elections follow one another
_LEAST = 1e-9  # share of the elections that come alone: where there are none


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
    def leaderless(self, seen: Seen) -> bool: ...
    def able(self, seen: Seen) -> int: ...


class Voters:
    """The chain of a `Majority`, by arrays over its states.

    Each site has two axes: whether it is lost, and how many of its copies are down;
    the last axes are those of the numbers.  What happens to sites and copies does not
    depend on the leader, so their law is a product, and what is sought is the chance
    that an election runs in each state.  A formula counts an election that a further
    loss interrupts as another one: 1e-8 of the downtime too much where elections take
    2 s, 1e-5 where they take a minute, 2e-4 where sites are mended in ten of them.
    """

    def __init__(self, spec: Electing) -> None:
        every = rate_of(spec.database.mttf)
        self.common = every * spec.common_cause
        self.fail, self.mend = every - self.common, rate_of(mean_of(spec.database.mttr))
        self.gone, self.back = rate_of(spec.site.mttf), rate_of(mean_of(spec.site.mttr))
        self.elect = rate_of(mean_of(spec.election))
        self.repair = spec.database.mttr
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

    def elections(self) -> tuple[Quantity, dict[str, Quantity]]:
        """Return how often one ends, and how often one begins with a lost site.

        Both are in 1/s of the time with a leader; the second answer is by site.
        """
        law, moves = self.law(), list(self.moves())
        out = sum(rate for _, _, rate, _ in moves)
        ended: Value = 0 * law  # 1/s
        for _ in range(1 if self.symbolic else 1000):
            runs = ended / self.elect
            leads = self.most * law - runs
            flow = leads * self.common
            for axis, step, rate, led in moves:
                begun = leads * led + runs + (1 - self.most) * law
                flow = flow + _moved(begun * rate, axis, step)
            lasts = 1 if self.symbolic else 1 + out / self.elect
            before, ended = ended, self.most * flow / lasts
            if not self.symbolic and np.allclose(ended, before, rtol=1e-15, atol=0):
                break
        begins = {}
        for axis, step, rate, led in moves:
            if axis % 2 == 0 and step > 0 and self.shape[axis] > 1:
                lost = self.most * _moved(self.most * law * rate * led, axis, step)
                begins[self.names[axis // 2]] = self._whole(lost, self.most * law)
        leads = self.most * law - ended / self.elect
        return self._whole(ended, leads), begins

    def _whole(self, flow: Value, time: Value) -> Quantity:
        states = tuple(range(len(self.shape)))
        return np.asarray(flow.sum(axis=states) / time.sum(axis=states))[()]

    def along(
        self, elections: float, begins: Mapping[str, float]
    ) -> tuple[float, dict[str, float]]:
        """Return how often one comes with no other outage, and the chance with a site.

        The others follow a majority that was lost, or what strikes all, or begin when a
        site is lost with the leader, with a chance given that it is lost.
        What is given is the answer of `elections`.
        """
        law, beside = self.law(), 0.0
        for axis, step, rate, _ in self.moves():
            after = (1 - self.most) * law * rate
            beside += float(np.sum(self.most * _moved(after, axis, step)))
        time = float(np.sum(self.most * law))
        beside += (float(self.common) + sum(begins.values())) * time
        lost = float(self.gone / (1 + self.gone / self.back) * law.sum())
        chances = {name: rate * time / lost for name, rate in begins.items()}
        return max(elections - beside / time, 0.0), chances

    def following(self) -> tuple[float, float] | None:
        """Return how many more elections follow one another than by chance.

        They are those that begin as a copy fails: of three copies none does while one
        is away.  The first number is in 1/s, less than 0 if they are fewer, the second
        for how long that holds, in s, as long as a repair that has begun; None if none
        begins, or there are too many states.
        """
        n = int(np.prod(self.shape))
        if n > _BESIDE:
            return None
        at, most = np.arange(n).reshape(self.shape), self.most.ravel()
        moves, begun = np.zeros((n, n)), np.zeros((n, n))  # 1/s
        for axis, step, rate, led in self.moves():
            last = np.moveaxis(at, axis, 0)
            of, to = (last[:-1], last[1:]) if step > 0 else (last[1:], last[:-1])
            rates = np.broadcast_to(rate, self.shape).ravel()[of]
            moves[of, to] += rates
            if axis % 2 and step > 0:
                leads = np.broadcast_to(led, self.shape).ravel()[of]
                begun[of, to] += rates * leads * most[of] * most[to]
        law = np.broadcast_to(self.law(), self.shape).ravel()
        law, often = law / law.sum(), begun.sum(axis=1)
        if not np.any(often):
            return None
        inner = np.diag(moves.sum(axis=1)) - moves + law
        after = np.linalg.solve(inner, often - law @ often)
        later = np.linalg.solve(inner, after)
        more, lasts = law @ begun @ np.column_stack([after, later])
        fades = float(lasts / more) if lasts * more > 0 else 1.0  # of nearly none, 1 s
        return float(more), fades * _varies(self.repair)


@dataclass(frozen=True, kw_only=True, eq=False)
class Leader:
    """Whether there is a leader, and whose clients wait for another site meanwhile."""

    spec: Electing

    def part(self) -> Part:
        """Return it as a part."""
        return Part(
            name="leader",
            start="leads",
            events=self.events,
            view=self.view,
            along=self._along,
        )

    def view(self, state: str) -> str:
        """Return what clients notice."""
        if state.startswith(_STUCK):
            return BESIDE + state.removeprefix(_STUCK)
        return "electing" if state.startswith(_AFTER) else state

    def events(self, state: str) -> Iterator[Event]:
        """Yield what can happen."""
        if state == "leads":
            yield from self._losses()
        elif state.startswith(BESIDE) and len(self.spec.sites) > 1:
            yield from self._beside(state.removeprefix(BESIDE))
        elif state.startswith((_AFTER, _STUCK)):
            yield Event("the rest of an election", Left(race=self._race), "leads")
        else:
            yield Event("elected", self.spec.election, "leads")

    def _losses(self) -> Iterator[Event]:
        every, begins = self._often
        rest = every
        for name in self.spec.sites:
            rate = begins.get(name, 0)
            if np.any(rate):
                rest = rest - rate
                yield Event(f"lost with {name}", rate_of(rate), f"{BESIDE}{name}")
        if not _check.is_symbolic(rest):
            rest = np.maximum(rest, 0.0)[()]
        yield Event("leader lost", rate_of(rest), "electing")

    def _beside(self, name: str) -> Iterator[Event]:
        """Yield how an election races the way of the clients of a lost site."""
        clock, race, works = "elected or led", self._race, self.spec.failover.coverage
        yield Event(clock, race, "leads", race.won)
        yield Event(clock, race, f"{_AFTER}{name}", (1 - race.won) * works)
        yield Event(clock, race, f"{_STUCK}{name}", (1 - race.won) * (1 - works))

    @cached_property
    def _race(self) -> Both:
        led = self.spec.failover
        way = added((led.detection, led.redirection))
        return Both(one=self.spec.election, other=way)

    @cached_property
    def _often(self) -> tuple[Quantity, dict[str, Quantity]]:
        return Voters(self.spec).elections()

    def _along(self) -> Along:
        every, begins = self._often
        alone, chances = Voters(self.spec).along(every, begins)
        rate = max(alone, _LEAST * every)

        def events(state: str) -> Iterator[Event]:
            if state == "leads":
                yield Event("leader lost", rate_of(rate), "electing")
            else:
                yield Event("elected", self.spec.election, "leads")

        at = {f"{name} site": chance for name, chance in chances.items()}
        part = Part(name="leader", start="leads", events=events, view=str)
        return Along(
            alone=part,
            begins=at,
            after=self.spec.leaderless,
            voters=self.spec.able,
            again=Voters(self.spec).following(),
        )


def _varies(time: Quantity | Duration) -> float:
    """Return how long a time goes on, seen as it begins, beside an exponential one.

    It is E X^2 / 2 (E X)^2: 1/2 for a constant.
    """
    if not hasattr(time, "sample") or not np.isfinite(time.var):
        return 1.0
    return float(1 + time.var / time.mean**2) / 2


def _moved(flow: Value, axis: int, step: int) -> Value:
    """Return what flows into each state from its neighbour on an axis."""
    found = np.zeros_like(flow)
    last = [slice(None)] * axis
    to, of = slice(1, None), slice(None, -1)
    to, of = (to, of) if step > 0 else (of, to)
    found[(*last, to)] = flow[(*last, of)]
    return found
