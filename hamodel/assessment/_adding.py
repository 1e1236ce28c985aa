"""What adds downtime, and what is asked of it.

A stream of visits is asked for its transform, for what it does alone, and for downtimes
of one length; visits that come together are a cluster of streams.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from hamodel._types import FloatArray, Numbers


class Atom(NamedTuple):
    """Visits that all cost the same."""

    cost: float  # in s
    # by points of the transform: how many come in a period, each smoothed and killed
    smooth: Callable[[Numbers], Numbers]


class Atoms(NamedTuple):
    """Downtimes of one length that come often enough to be a jump of the law."""

    sure: tuple[tuple[float, float], ...] = ()  # what a period has, and how likely
    visits: tuple[Atom, ...] = ()


class Stream(Protocol):
    """Something that adds downtime."""

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        ...

    @property
    def fails(self) -> FloatArray | float:
        """Share of the requests that fails, state by state."""
        ...

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of the chance to survive killing rates, by state and case."""
        ...

    def killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, Numbers]:
        """Return the same, and the chance that one visit is killed, (2, cases)."""
        ...

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        ...

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        ...

    def unsure(self, horizon: float) -> float | None:
        """Return about how wrong its rate is; None if it is known as it is."""
        ...

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return how many more visits cost more than x than the transform has, (x,)."""
        ...

    def atoms(self, horizon: float) -> Atoms:
        """Return what it adds if it adds one of a few lengths."""
        ...


class Cluster(NamedTuple):
    """Visits that come while others are under way, or have just been."""

    stream: Stream
    often: float  # in 1/s, of all that are alike
    around: tuple[tuple[Stream, float], ...]  # how many of each come with one of it
    again: float  # how often, in 1/s, another of its kind comes with one of it
    parted: float  # how many more visits it may be, each so much shorter
    lasts: float  # for how long that holds, in s

    def less(
        self, killed: Mapping[int, Numbers], horizon: float
    ) -> tuple[Numbers, Numbers]:
        """Return by how much visits that come together make the exponent smaller.

        The second answer is by how much those of its kind may move it.
        """
        time = horizon + self.lasts * math.expm1(-horizon / self.lasts)
        one, none = killed[id(self.stream)], np.ones(1, complex)
        for stream, share in self.around:
            if id(stream) in killed:
                none = none * (1 - share * killed[id(stream)])
        together = self.often * time * one * (1 - none)
        unsure = self.again * (1 - (1 - one) ** 2) + self.parted * self.often * one
        return together, unsure * time


@dataclass(frozen=True, kw_only=True, eq=False)
class Later:
    """A stream of parts that fail together, made when it is first needed.

    Most of them come so seldom that a question can do without, and making one takes
    longer than all that is asked of the others.
    """

    share: float  # of time
    often: float  # a bound of how often it comes, in 1/s
    mean: float
    make: Callable[[], Stream]

    def seldom(self, horizon: float) -> float:
        """Return a bound of - log P(D = 0)."""
        return self.share + self.often * horizon

    @cached_property
    def made(self) -> Stream:
        """The stream itself."""
        return self.make()

    def killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, Numbers]:
        """Return the exponent, and the chance that one visit is killed, (k,)."""
        return self.made.killed(kill, horizon)

    @property
    def fails(self) -> FloatArray | float:
        """Share of the requests that fails, state by state."""
        return self.made.fails

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of the chance to survive killing rates, by state and case."""
        return self.made.exponent(kill, horizon)

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        return self.made.is_short(horizon)

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        return self.made.never(horizon)

    def unsure(self, horizon: float) -> float:
        """Return none: they hardly ever follow each other."""
        del horizon
        return 0.0

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return how many more visits cost more than x than the transform has, (x,)."""
        return self.made.lacks(x, horizon)

    def atoms(self, horizon: float) -> Atoms:
        """Return none: they come too seldom."""
        del horizon
        return Atoms()


def seldom(stream: Stream, count: int, horizon: float) -> float:
    """Return a bound of - log of the chance that no such stream adds anything."""
    one = stream.seldom if isinstance(stream, Later) else stream.never
    return count * one(horizon)
