"""How the clients of a site that is lost are led to another, and back.

A repair that has a law races the way out: which is first, and what is left of the
repair once clients were led away, follow from both laws.

Assumption: where something else fails while clients wait, both begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self, TypeVar

import numpy as np

from hamodel import _check
from hamodel._quantity import mean_of
from hamodel._types import Quantity
from hamodel.architectures._events import (
    AT_ONCE,
    Event,
    Paced,
    Raced,
    Stages,
    added,
    is_exponential,
    is_never,
    repair_law,
)
from hamodel.architectures._first import (
    Both,
    Left,
)
from hamodel.failover import Failover

_NOTHING = 1e-12  # of a time
_ATTEMPTS = 8  # that a repair is raced with; later ones are like the last


class Clients(Protocol):
    """A state that says where the clients of a site are."""

    @property
    def clients(self) -> str: ...
    @property
    def late(self) -> int: ...
    def __hash__(self) -> int: ...
    def _replace(self, *, clients: str, late: int = ...) -> Self: ...


State = TypeVar("State", bound="Clients")


def settled(state: State, *, broken: bool, redirect: Failover | None) -> State:
    """Return the state with its clients lost if it broke, home if it is mended."""
    if not broken:
        return state._replace(clients="home")
    if state.clients != "home":
        return state
    return state._replace(clients="lost" if redirect is None else "waiting")


def redirections(redirect: Failover | None, state: State) -> Iterator[Event]:
    """Yield how lost clients reach another site: soon, or by a person's hand."""
    if redirect is None:
        return
    moved, stuck = state._replace(clients="moved"), state._replace(clients="stuck")
    stages: tuple[Quantity, ...] = (redirect.detection, redirect.redirection)
    if state.clients == "waiting":
        clock = "redirection"
    elif state.clients == "stuck" and redirect.retry is not None:
        clock, stages = "redirection again", (redirect.retry,)
    else:
        if state.clients == "stuck" and redirect.manual is not None:
            by_hand = redirect.manual
            if hasattr(by_hand, "sample"):  # else the mean of an exponential time
                by_hand = Raced((by_hand,))
            yield Event("redirection by hand", by_hand, moved)
        return
    yield Event(clock, Raced(stages), moved, redirect.coverage)
    yield Event(clock, Raced(stages), stuck, 1 - redirect.coverage)


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways out of a site while it is repaired, and which of the two is first."""

    repair: Quantity | None  # a number or a law; None: not raced
    redirect: Failover | None

    def mended(self, event: Event, state: State) -> Iterator[Event]:
        """Yield the repair, or what is left of it."""
        late = state.late
        if not self._raced or (state.clients != "waiting" and not late):
            yield event  # it begins now
        elif state.clients == "moved" or late == len(self._stages):
            yield event._replace(after=self._left[late])
        else:
            yield from _paced(event, (self._left[late],), self._paces[late][0])

    def out(self, state: State) -> Iterator[Event]:
        """Yield how lost clients reach another site."""
        for event in redirections(self.redirect, state):
            if not self._raced or (state.clients == "stuck" and not state.late):
                yield event
                continue
            moved = state._replace(clients="moved", late=state.late + 1)
            tried = min(state.late + 1, max(len(self._stages) - 1, 1))
            failed = state._replace(clients="stuck", late=tried)
            to = moved if event.to == state._replace(clients="moved") else failed
            after, pace = self._stages[state.late], self._paces[state.late][1]
            yield from _paced(event._replace(to=to), after, pace)

    @cached_property
    def _raced(self) -> bool:
        """Whether the repair has a law of its own, and the way out takes time."""
        law, redirect = self.repair, self.redirect
        if redirect is None or law is None or not hasattr(law, "sample"):
            return False
        if is_exponential(law):
            return False
        first = mean_of(Stages((redirect.detection, redirect.redirection)))
        return not _check.is_symbolic(first) and bool(np.any(first != 0))

    @cached_property
    def _stages(self) -> list[tuple[Quantity, ...]]:
        """What clients wait for, one after the other."""
        assert self.redirect is not None
        retry, manual = self.redirect.retry, self.redirect.manual
        stages = [(self.redirect.detection, self.redirect.redirection)]
        if retry is not None:
            return stages + _ATTEMPTS * [(retry,)]
        if manual is None or is_never(mean_of(manual)):
            return stages
        return [*stages, (repair_law(manual),)]

    @cached_property
    def _races(self) -> list[Both]:
        """The repair with the stages, with one more of them each time."""
        ends = [
            added(tuple(stage for stages in self._stages[:k] for stage in stages))
            for k in range(1, len(self._stages) + 1)
        ]
        return [Both(one=self.repair, other=end) for end in ends]

    @cached_property
    def _left(self) -> list[Quantity]:
        """What is left of the repair after so many stages."""
        return [self.repair, *(Left(race=race) for race in self._races)]

    @cached_property
    def _paces(self) -> list[tuple[Quantity, Quantity]]:
        """Rates in 1/s of the repair and of the way out, in each stage."""
        found, won, mean = [], 0.0, 0.0
        for race in self._races:
            span = race.mean - mean
            short = np.asarray(span) <= _NOTHING * race.mean  # where nothing gets here
            span = np.where(short, 1.0, span)
            back = np.where(short, 0.0, np.maximum(race.won - won, 0.0) / span)[()]
            out = np.where(short, AT_ONCE, (1 - race.won) / span)[()]
            found.append((back, out))
            won, mean = race.won, race.mean
        return found


def _paced(
    event: Event, stages: tuple[Quantity, ...], pace: Quantity
) -> Iterator[Event]:
    """Yield an event whose rate is known, unless it is 0."""
    if np.any(pace):
        yield event._replace(after=Paced(stages, pace))
