"""What can happen in a state, how long it takes, and what it is blamed for.

The surprise is in `race`: where a restart races the detection of a failure, the chance
of either and the mean of the first are all that a long-run share of time needs.  So the
chain takes them from the laws that are given, exactly, and needs no stages for it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import mul
from typing import NamedTuple

import numpy as np

from hamodel import duration
from hamodel._check import is_symbolic
from hamodel._quantity import mean_of, rate_of
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._shape import is_term, made
from hamodel.chain import INSTANT
from hamodel.duration import Duration

NEVER = float("inf")
_HARDLY = 1e-5  # of a chance: what is left out is its square
AT_ONCE = 1e9  # 1/s: of no time in an array, where endless rates would have no shares


class Cause(StrEnum):
    """Why an operation fails; an architecture of one's own may say other words."""

    FAILING_OVER = "failing over"
    FAILOVER_FAILED = "failover did not work"
    BOTH_NODES_DOWN = "both nodes down"
    ALL_NODES_DOWN = "all nodes down"
    COMMON = "common cause"
    FALSE_FAILOVER = "false failover"
    FAILING_BACK = "failing back"
    STANDBY_UNSEEN = "standby failed unseen"
    STANDBY_BEHIND = "standby behind"
    SITE_DOWN = "site down"
    STANDBY_DOWN = "standby down"
    WAITING = "waiting for the standby"
    DATABASE_DOWN = "database down"
    BALANCER_DOWN = "load balancer down"
    APPS_DOWN = "app servers down"
    ALL_SITES_DOWN = "all sites down"
    NO_MAJORITY = "no majority"
    NO_QUORUM = "no quorum"
    EVERYWHERE = "everywhere"
    PLANNED = "planned maintenance"
    OVERLOAD = "overload"
    FULL = "queue full"
    SLOW = "too slow"
    RETRIES = "kept down by retries"

    def __repr__(self) -> str:
        return repr(self.value)


class Event(NamedTuple):
    """Something that can happen in a state.

    The clock is its identity: while an event of the same clock stays possible, it
    runs on through changes of state.  Events of one clock in one state are the
    possible outcomes of one event, each with its share.
    """

    clock: str
    after: Quantity | Duration | Stages  # s, from when it first became possible
    to: Hashable
    share: Quantity = 1


@dataclass(frozen=True)
class Stages:
    """Times that follow each other: numbers are constant, distributions are drawn."""

    of: tuple[Quantity | Duration, ...]

    @property
    def mean(self) -> Quantity:
        """Sum of the means in s."""
        return sum(mean_of(stage) for stage in self.of)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n sums in s."""
        total: FloatArray = np.zeros(n)
        for stage in self.of:
            drawn: Quantity = (
                stage.sample(n, rng) if hasattr(stage, "sample") else stage
            )
            total = total + drawn
        return total


@dataclass(frozen=True)
class Nth(Stages):
    """The time between two of some repairs that began together, as those end."""

    law: Duration  # of each
    nth: int  # which one ends it
    count: int


@dataclass(frozen=True)
class Raced(Stages):
    """Stages whose race with failures and repairs a chain takes exactly.

    Against rivals of a constant rate r, a time T comes first with probability
    L = E exp(-r T), and the first of all comes after (1 - L) / r on average: that is an
    exponential clock of rate r L / (1 - L) against them.  Rivals of other laws count by
    their means.
    """

    def rate(self, rivals: Quantity) -> Quantity:
        """Return the rate in 1/s that the stages have against rivals of some rate."""
        mean = self.mean
        if is_symbolic(mean) or is_symbolic(rivals):
            import sympy

            fixed = not any(hasattr(stage, "sample") for stage in self.of)
            return rivals / (sympy.exp(rivals * mean) - 1) if fixed else rate_of(mean)
        laws = [stage if hasattr(stage, "sample") else None for stage in self.of]
        rivals = np.asarray(rivals, dtype=np.result_type(rivals, float))
        small = np.real(rivals * mean) < _HARDLY  # they may be complex, for a slope
        r = np.where(small, 1.0, rivals)  # then the transform has no digits left
        constant = sum(s for s, law in zip(self.of, laws, strict=True) if law is None)
        first = np.exp(-r * constant) * reduce(mul, (x.lst(r) for x in laws if x), 1.0)
        second = mean**2 + sum(law.var for law in laws if law)
        second = np.where(np.isfinite(second), second, 2 * mean**2)  # of a long tail
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = r * first / (1 - first)
            nearly = (1 - rivals * (mean - second / (2 * mean))) / mean
        found = np.where(small, nearly, exact)
        return np.where(np.equal(mean, 0), AT_ONCE, found)[()]


@dataclass(frozen=True)
class Paced(Raced):
    """Stages whose rate against a rival of another law is known."""

    pace: Quantity = 0.0

    def rate(self, rivals: Quantity) -> Quantity:
        """Return the rate in 1/s that the stages have."""
        del rivals
        return self.pace


def rate_among(event: Event, events: list[Event]) -> Quantity:
    """Return the rate in 1/s of an event among all that are possible."""
    own = _alone(event.after)
    if not isinstance(event.after, Raced) or own is INSTANT:
        return own
    rivals = [other for other in events if other.clock != event.clock]
    return event.after.rate(sum(other.share * _alone(other.after) for other in rivals))


def _alone(time: Quantity) -> Quantity:
    """Return the rate in 1/s of an exponential time of the same mean."""
    mean = mean_of(time)
    return INSTANT if np.all(mean == 0) else rate_of(mean)


def repair_law(time: Quantity) -> Duration:  # a number or a law
    """Return a repair as a law: a number is the mean of an exponential one."""
    return time if hasattr(time, "sample") else duration.exponential(time)


def stage_law(time: Quantity) -> Duration:
    """Return a stage as a law: a number is constant."""
    return time if hasattr(time, "sample") else duration.constant(time)


def is_exponential(law: Duration) -> bool:
    """Tell whether a law is the exponential one."""
    return law.phases is not None and len(law.phases[0]) == 1


def added(stages: tuple[Quantity, ...]) -> Quantity:  # a number or a law
    """Return the sum of stages: a number if all are."""
    if is_term(*stages):
        return made(_added, *stages, law=True)
    if not any(hasattr(stage, "sample") for stage in stages):
        return sum(stages)
    laws = [stage_law(stage) for stage in stages]
    total = laws[0]
    for law in laws[1:]:
        total = total + law
    return total


def _added(*stages: Quantity) -> Quantity:
    return added(stages)


def is_never(time: Quantity) -> bool:  # a number, an array or a symbol
    """Tell whether a mean time is one infinity."""
    return np.ndim(time) == 0 and not hasattr(time, "free_symbols") and time == NEVER


def sooner(time: Quantity, many: Quantity) -> Quantity:  # a number or a law
    """Return the time to the first of several that run at once."""
    return time if many == 1 else mean_of(time) / many


def first_of(law: Quantity, begun: int, running: int) -> Duration:
    """Return the first of times of one law: some begin now, some run for a while.

    What is left of those that run is the law's at a random moment.
    """
    if is_term(law):
        found: Duration = made(first_of, law, begun, running, law=True)
        return found
    return _first_of(law, begun, running)


@lru_cache(maxsize=64)
def _first_of(law: Duration, begun: int, running: int) -> Duration:
    parts = [law] * begun + ([law.residual()] * running if running else [])
    return duration.minimum(*parts) if len(parts) > 1 else parts[0]
