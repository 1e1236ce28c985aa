"""Two times that race: a restart with a stage, a way back with a way out.

The chance of either and the mean of the first are all that a long-run share of time
needs.  So the chain takes them from the laws that are given, exactly, and needs no
stages for it; a simulation and the law of an outage draw them.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from operator import getitem

import numpy as np

from hamodel import duration
from hamodel._check import is_symbolic
from hamodel._quadrature import edges_of
from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._events import repair_law, stage_law
from hamodel.architectures._shape import is_term, made
from hamodel.chain import INSTANT
from hamodel.duration import Duration

_FEW = 512  # values of a law that is as quick to ask
_FAR = 10.0 ** -np.arange(1, 10, 1 / 16)  # of a tail


class Derived:
    """A time of an event that a law is made for only when one is asked."""

    @property
    @abstractmethod
    def law(self) -> Duration:
        """The time as a distribution, where all it is made of are single."""

    @property
    def var(self) -> float:
        """Variance in s^2."""
        return float(self.law.var)

    def sf(self, times: FloatArray) -> FloatArray:
        """Return the probability that it takes longer."""
        found: FloatArray = self.law.sf(times)
        return found

    def quantile(self, p: FloatArray) -> FloatArray:
        """Return the time in s within which a share p is over."""
        found: FloatArray = self.law.quantile(p)
        return found

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n of them in s."""
        return self.law.sample(n, rng)


class _Race(Derived):
    """The first of two times, and the chance that it is the one named first."""

    @property
    @abstractmethod
    def _of(self) -> tuple[Quantity, Quantity]: ...

    @property
    def won(self) -> Quantity:
        """Probability that the one named first comes first."""
        return self._of[0]

    @property
    def mean(self) -> Quantity:
        """Mean in s of the first of the two."""
        return self._of[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class First(_Race):
    """The first of two times: a repair (a number is its mean) and a fixed stage.

    The stage begins when a repair of a law has not ended within the time `passed`.
    """

    repair: Quantity
    stage: Quantity
    passed: Quantity = 0

    @cached_property
    def _of(self) -> tuple[Quantity, Quantity]:
        return race(self.repair, self.stage, self.passed)

    @cached_property
    def law(self) -> Duration:
        """The first of the two as a law, where both are single numbers or laws."""
        repair = repair_law(self.repair)
        if not _is_zero(self.passed):
            repair = _left(repair, stage_law(self.passed))
        return duration.minimum(repair, stage_law(self.stage))


def race(
    repair: Quantity, stage: Quantity, passed: Quantity = 0
) -> tuple[Quantity, Quantity]:
    """Return the probability that a repair ends before a stage, and the mean of both.

    A number is the mean of an exponential repair, or the length of a constant stage;
    both may also be distributions.  The stage begins when a repair of a law has not
    ended within the time `passed`.
    """
    if is_term(repair, stage, passed):
        both = made(race, repair, stage, passed)
        never = not is_term(stage) and stage == 0
        return (0.0, 0.0) if never else (made(getitem, both, 0), made(getitem, both, 1))
    if not hasattr(repair, "sample"):
        return _race_of_an_exponential(repair, stage)
    if np.ndim(stage) or np.ndim(passed):
        return _races(repair, stage, passed)
    if not hasattr(stage, "sample"):
        if stage == 0:
            return 0.0, 0.0
        stage = duration.constant(stage)
    if not _is_zero(passed):
        return _race_of_the_rest(repair, stage, stage_law(passed))
    slices = (np.arange(4096) + 0.5) / 4096
    ends = np.unique(np.asarray(stage.quantile(slices)), return_counts=True)
    won = float(np.dot(repair.cdf(ends[0]), ends[1])) / len(slices)
    return won, duration.minimum(repair, stage).mean


def _races(
    repair: Duration, stage: Quantity, passed: Quantity
) -> tuple[Quantity, Quantity]:
    """Return what `race` does of each element of an array."""
    every = np.broadcast(stage, passed)
    won, mean = zip(*(race(repair, *one) for one in every), strict=True)
    least = np.maximum(mean, 1 / INSTANT)  # where the stage takes no time
    return np.reshape(won, every.shape), np.reshape(least, every.shape)


def _race_of_an_exponential(
    repair: Quantity, stage: Quantity
) -> tuple[Quantity, Quantity]:
    if hasattr(stage, "sample"):
        won: Quantity = 1 - stage.lst(1 / repair)
    elif hasattr(stage / repair, "free_symbols"):
        import sympy

        won = 1 - sympy.exp(-stage / repair)
    else:
        won = -np.expm1(-stage / repair)
    if np.ndim(won):  # where the stage takes no time, 0 * inf is no rate
        return won, np.where(won == 0, 1 / INSTANT, repair * won)
    return won, repair * won


def _is_zero(time: Quantity) -> bool:  # a number or a law
    return isinstance(time, int | float) and time == 0


def _race_of_the_rest(
    repair: Duration, stage: Duration, passed: Duration
) -> tuple[float, float]:
    """Return what `race` does of a repair that has not ended within a time."""
    begun = _parts(passed, 64)[:, np.newaxis]
    ends = begun + _parts(stage, 4096 if len(begun) == 1 else 1024)
    left = np.mean(repair.sf(begun))
    if left == 0:  # it has always ended: whatever is said, it never comes to that
        return race(repair, stage)
    more = repair.mean_excess(begun) * repair.sf(begun)
    after = repair.mean_excess(ends) * repair.sf(ends)
    won = 1 - np.mean(repair.sf(ends)) / left
    return float(won), float((np.mean(more) - np.mean(after)) / left)


def _parts(law: Duration, count: int) -> FloatArray:
    """Return times of a law that are each as likely; a constant is one."""
    levels = (np.arange(count if law.var else 1) + 0.5) / (count if law.var else 1)
    return np.asarray(law.quantile(levels))


def _left(repair: Duration, passed: Duration) -> Duration:
    """Return what is left of a repair that has not ended within a time."""
    begun = _parts(passed, 64)
    weights = repair.sf(begun)
    if not np.any(weights):
        return repair
    counts = np.rint(4096 * weights / np.sum(weights)).astype(int)
    rest = []
    for start, weight, count in zip(begun, weights, counts, strict=True):
        levels = weight * (np.arange(count) + 0.5) / max(count, 1)
        rest.append(repair.upper_quantile(levels) - start)
    return duration.empirical(np.maximum(np.concatenate(rest), 0.0))


def race_of_stages(one: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    """Return the probability that one stage ends before another, and the mean of both.

    A number is the length of a constant stage; both may be distributions.
    """
    laws = [hasattr(stage, "sample") for stage in (one, other)]
    if not any(laws):
        return _race_of_constants(one, other)
    first, second = stage_law(one), stage_law(other)
    mean = duration.minimum(first, second).mean
    if not laws[0]:
        return second.sf(one), mean
    if not laws[1]:
        return first.cdf(other), mean
    if first.phases is not None and second.phases is not None and not first.shape:
        return _race_of_phases(first.phases, second.phases), mean
    slices = (np.arange(4096) + 0.5) / 4096
    column = slices.reshape(-1, *(1 for _ in (first + second).shape))
    return np.mean(first.cdf(second.quantile(column)), axis=0), mean


def _race_of_constants(one: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    if is_symbolic(one) or is_symbolic(other):
        import sympy

        return sympy.Heaviside(other - one, 1), sympy.Min(one, other)
    won = np.asarray(np.asarray(one) <= np.asarray(other), dtype=float)
    return won[()], np.minimum(one, other)[()]


def _race_of_phases(
    one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]
) -> float:
    """Return the probability that one phase-type time ends before another."""
    (alpha, a), (beta, b) = one, other
    both = np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b)
    spent = np.linalg.solve(-both.T, np.kron(alpha, beta))
    ends = np.kron(-a.sum(axis=1), np.ones(len(b)))
    return float(spent @ ends + (1 - alpha.sum()))


@dataclass(frozen=True, kw_only=True, eq=False)
class Both(_Race):
    """The first of two times that begin together."""

    one: Quantity
    other: Quantity

    @cached_property
    def _of(self) -> tuple[Quantity, Quantity]:
        return race_of_stages(self.one, self.other)

    @cached_property
    def law(self) -> Duration:
        """The first of the two as a distribution."""
        return duration.minimum(stage_law(self.one), stage_law(self.other))


@dataclass(frozen=True, kw_only=True, eq=False)
class Left(Derived):
    """What is left of a stage when another time that began with it is over first."""

    race: Both  # of the stage, the one, with the other

    @property
    def mean(self) -> Quantity:
        """Mean in s."""
        both, whole = self.race, mean_of(self.race.one)
        lost = 1 - both.won
        if is_symbolic(lost):
            return (whole - both.mean) / lost
        never = np.asarray(lost) == 0  # then it does not matter
        left = (whole - both.mean) / np.where(never, 1.0, lost)
        return np.where(never, whole, left)[()]

    @cached_property
    def law(self) -> Duration:
        """What is left as a distribution, over 256 parts of the other time."""
        parts = (np.arange(256) + 0.5) / 256
        one, other = stage_law(self.race.one), stage_law(self.race.other)
        gone = np.asarray(other.quantile(parts))
        left = np.sort(np.subtract.outer(one.quantile(parts), gone).ravel())
        left = left[left > 0]
        if len(left) == 0:
            return one
        if np.count_nonzero(np.diff(left)) < _FEW:
            return duration.empirical(left)
        often = left[-np.geomspace(1, len(left), _FEW).astype(int)]
        far = np.asarray(one.quantile(1 - _FAR)) - gone[0]
        times = edges_of(np.concatenate([often, far[far > left[0]]]))
        tail = one.sf(times[:, None] + gone).mean(axis=1) / one.sf(gone).mean()
        return duration.tabulated(times, np.minimum.accumulate(np.minimum(tail, 1.0)))

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n of them in s."""
        found: FloatArray = np.empty(0)
        pair = (stage_law(self.race.one), stage_law(self.race.other))
        while len(found) < n:
            whole, gone = (law.sample(4 * n + 16, rng) for law in pair)
            found = np.concatenate([found, (whole - gone)[whole > gone]])
        return found[:n]
