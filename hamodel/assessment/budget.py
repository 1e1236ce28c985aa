"""The probability that one month, or one year, stays within its downtime budget.

Over a period of length T the downtime D is what fails of the requests, summed over
time; the period begins anywhere, perhaps in the middle of an outage.  What is inverted
is the transform of the probability to miss, (1 - E exp(-s D)) / s, and 1 - E exp(-s D)
is computed without a difference, so that misses of one in a million keep their digits.

If the joint chain of all parts is small once states that are alike are lumped, it is
taken as it is: E exp(-s D) = p exp((Q - s diag(r)) T) 1, r the share of the requests
that fails in each state.  Otherwise D is a sum over streams of visits.  A stream
belongs to a minimal combination of parts that fails requests together (one database;
two sites): its visits are the joint states of these parts, they begin as often and at
the states that the long run says, last as long as the laws of the parts say, and are
cut off at both ends of the period.  With visits that begin at random,

    log E exp(-s D) = - sum over visits begun before T of E(1 - exp(-s C)),

C the cost of a visit within the period.  Work by the calendar is a stream of its own.

What streams leave out: that while one visit lasts no other can begin, and combinations
of more than four parts.  Both are bounded: `Chance.error`.

Source: Abate, Choudhury and Whitt (2000), An introduction to numerical transform
inversion, in Computational Probability, 257-323; for the visits: Daley and Vere-Jones,
An Introduction to the Theory of Point Processes I, section 6.3 (Poisson clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from hamodel.assessment._inversion import FINE, killed, over_time, tail

if TYPE_CHECKING:
    from hamodel._types import FloatArray, Numbers
    from hamodel.assessment._visits import Moves

_LONG = 10.0  # mean visits that make up a period without ends
_LONGER = 40.0  # the same where the ends are known exactly
_SLIGHT = 1e-6  # of the chance that is asked for: what a search may leave out
_STEP = 2.0  # longest step of a search, in log shares
_NEAR, _NEWTON = 1e-5, 3e-4  # last steps: halving, and Newton's, which squares errors
_MOST, _FEWEST = 400, 104  # blocks of an inversion, of long and of short periods


class Chance(NamedTuple):
    """A probability and a bound of its relative error."""

    probability: float
    error: float


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

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        ...

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Downtime:
    """The law of the downtime of a period.

    Attributes
    ----------
    base : float
        Share of the requests that fails although all is well.
    streams : tuple of (stream, count)
        What adds downtime, independently; alike streams are counted.
    error : float
        Relative error of the rates of the streams.
    missed : float
        How often, in 1/s, combinations occur that no stream stands for.
    """

    base: float
    streams: tuple[tuple[Stream, int], ...]
    error: float = 0.0
    missed: float = 0.0

    def miss(self, budget: float, horizon: float, block: int = FINE) -> Chance:
        """Return P(share of failed requests > budget) over a period from anywhere.

        A block of 1 is quicker, and good where it is no smaller than a thousandth.
        """
        left = (budget - self.base) * horizon
        if left < 0 or budget >= 1 or not self.streams:
            return Chance(float(left < 0 and budget < 1), 0.0)
        if left <= horizon * 1e-12:
            never = sum(n * stream.never(horizon) for stream, n in self.streams)
            p, more = -np.expm1(-np.array([1.0, 1 + self.error]) * never)
            off = 0.0
        else:
            (p, more), (off, _) = self._tail(left, horizon, block)
        p, more = np.clip([p, more], 0.0, 1.0)
        if p == 0:
            return Chance(0.0, math.inf if off else 0.0)
        bound = max(abs(more / p - 1), self.error) + (self.missed * horizon + off) / p
        return Chance(float(p), 1e-6 + float(bound))

    def _tail(
        self, x: float, horizon: float, block: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return P(D > x), and that with visits as much more frequent as may be."""

        def transform(s: Numbers) -> Numbers:
            total = self._exponent(s, horizon)
            both: Numbers = np.stack([total, (1 + self.error) * total])
            return np.asarray(-np.expm1(-both) / s)

        return tail(transform, x, self._most(horizon), block)

    def _exponent(self, s: Numbers, horizon: float) -> Numbers:
        total = np.zeros(len(s), complex)
        for stream, count in self.streams:
            total += count * stream.exponent(s[:, None] * stream.fails, horizon)
        return total

    def _most(self, horizon: float) -> int:
        short = any(stream.is_short(horizon) for stream, _ in self.streams)
        return _FEWEST if short else _MOST

    def _sloped(self, share: float, horizon: float, block: int) -> tuple[float, float]:
        """Return log P(share of failed requests > base + share), and its slope.

        The slope is that over the logarithm of the share, from the same points of the
        transform; 0 where there is none.
        """
        left = share * horizon
        if self.base + share >= 1 or left <= horizon * 1e-12:
            p = self.miss(self.base + share, horizon).probability
            return math.log(max(p, 1e-300)), 0.0

        def transform(s: Numbers) -> Numbers:
            less = np.expm1(-self._exponent(s, horizon))
            return np.stack([-less / s, less])

        (p, density), _ = tail(transform, left, self._most(horizon), block, sure=1)
        if p <= 1e-300:
            return math.log(1e-300), 0.0
        return math.log(p), -left * float(density) / p

    def quantile(self, p: float, horizon: float) -> float:
        """Return the share of failed requests that a period exceeds with 1 - p."""
        rare = 1 - p
        if self.base >= 1:
            return 1.0
        if self.miss(self.base, horizon).probability <= rare:
            return self.base
        block = 1 if rare > 1e-3 else FINE
        share = math.exp(
            self.often(rare * _SLIGHT, horizon)._reached(rare, horizon, block)
        )
        return min(self.base + share, 1.0)

    def often(self, chance: float, horizon: float) -> Downtime:
        """Return it without streams that all together come with this chance at most."""
        kept, left = [], chance
        for stream, count in sorted(
            self.streams, key=lambda each: each[1] * each[0].never(horizon)
        ):
            left -= count * stream.never(horizon)
            if left < 0:
                kept.append((stream, count))
        return replace(self, streams=tuple(kept))

    def _reached(self, rare: float, horizon: float, block: int) -> float:
        """Return the logarithm of the share beyond the base: Newton in a bracket."""
        low, high, last = -math.inf, 0.0, math.inf
        at = math.log(min(sum(n * s.mean for s, n in self.streams), 1.0) or 1e-12)
        while True:
            log_p, slope = self._sloped(math.exp(at), horizon, block)
            over = log_p - math.log(rare)
            low, high = (at, high) if over > 0 else (low, at)
            step = -over / slope if slope < 0 else math.copysign(_STEP, over)
            step = max(-_STEP, min(step, _STEP))
            sure = abs(step) <= last / 2 or low == -math.inf
            if not (sure and low < at + step < high):
                middle = (low + high) / 2 if low > -math.inf else high - _STEP
                sure, step = False, middle - at
            if abs(step) < (_NEWTON if sure else _NEAR):
                return at + step
            at, last = at + step, abs(step)


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole:
    """A small chain, taken as it is."""

    rates: FloatArray  # (n, n), diagonal 0
    law: FloatArray  # (n,)
    fails: FloatArray  # (n,) share of the requests

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float(self.law @ self.fails)

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of the chance to survive killing rates, by state and case."""
        dead = killed(self.rates, kill, horizon) @ self.law
        return -np.log1p(-np.where(dead == 1, 1 - 1e-16, dead))

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        del horizon
        return False

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        up = self.fails == 0
        inside = np.where(up[:, None] & up, self.rates, 0.0)
        lost = np.where(up, self.rates[:, ~up].sum(axis=1), 0.0)
        dead = killed(inside, lost[None] + 0j, horizon)[0].real
        ever = float(np.where(up, dead, 1.0) @ self.law)
        return -math.log1p(-ever) if ever < 1 else math.inf


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits to joint states that fail requests, at random moments."""

    moves: Moves  # of the n states of a visit; the last column leads out
    begins: FloatArray  # (n,) how often visits begin in each state, in 1/s
    entries: FloatArray  # (n,) how often each state is entered, in 1/s
    fails: FloatArray  # (n,) share of the requests that fails

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float((self.entries * self.moves.means) @ self.fails)

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0): visits begun before, and within, the period."""
        law = self.entries * self.moves.means
        return float(self.begins.sum() * horizon + law.sum())

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return the expected number of visits that are killed."""
        if self.moves.is_markov:
            return self._of_exponentials(kill, horizon)
        if self.is_short(horizon):
            return over_time(self._over_horizons, kill, horizon)
        return self._without_ends(kill, horizon)

    def killed_per_second(self, kill: Numbers) -> Numbers:
        """Return how often, in 1/s, visits begin that are killed before they end."""
        if not self.moves.is_markov:
            move, ring, _, _ = self.moves.kernel(kill.T)
            return np.asarray(_solved(*self._system(move, ring)) @ self.begins)
        n = len(self.fails)
        k = np.tile(self.moves.rates[:, :n] + 0j, (len(kill), 1, 1))
        k[:, range(n), range(n)] -= self.moves.rates.sum(axis=1) + kill
        return np.asarray(_solved(k, -kill) @ self.begins)

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        long = _LONGER if self.moves.is_markov else _LONG
        return horizon < long * self._longest

    @cached_property
    def _longest(self) -> float:
        """Return the mean length of a visit from its slowest state, in s."""
        inner = np.eye(len(self.fails)) - self._inner
        return float(np.linalg.solve(inner, self.moves.means).max())

    def _of_exponentials(self, kill: Numbers, horizon: float) -> Numbers:
        n = len(self.fails)
        k = np.tile(self.moves.rates[:, :n] + 0j, (len(kill), 1, 1))
        k[:, range(n), range(n)] -= self.moves.rates.sum(axis=1) + kill
        v = _solved(k, -kill)
        ends = v
        if horizon < _LONGER * self._longest:
            closed = np.vstack([self.moves.rates, np.zeros(n + 1)])
            ends = killed(closed, np.pad(kill, ((0, 0), (0, 1))), horizon)[:, :n]
        law = self.entries * self.moves.means
        return np.asarray((horizon * v + _solved(k, ends)) @ self.begins + ends @ law)

    def _without_ends(self, kill: Numbers, horizon: float) -> Numbers:
        """Return it for a period so long that it is a line in the horizon."""
        z = kill.T
        (move, ring, *slopes), z = self.moves.kernel(z), z.T
        system, dead = self._system(move, ring)
        v = _solved(system, dead)
        (ended, rung), (out, to) = self._onward(v), self._beyond
        rest = slopes[0] * (out - ended) + slopes[1] * (to - rung) + dead / z
        late = _solved(system, rest)
        onward = v @ self._inner.T - move * ended - ring * rung
        going = self.moves.means + (onward - dead) / z
        return np.asarray((horizon * v - late) @ self.begins + going @ self.entries)

    def _over_horizons(self, alpha: Numbers, kill: Numbers) -> Numbers:
        """Return its transform in the horizon, at pairs of points."""
        z = kill.T + alpha
        (move, ring, _, _), z = self.moves.kernel(z), z.T
        alpha = alpha[:, None]
        share = kill / (z * alpha)
        system, dead = self._system(move, ring)
        d = _solved(system, dead * share)
        ended, rung = self._onward(d)
        onward = (d @ self._inner.T - move * ended - ring * rung) / z
        going = (self.moves.means - dead / z) * share + onward
        found: Numbers = (d / alpha) @ self.begins + going @ self.entries
        return found

    def _system(self, move: Numbers, ring: Numbers) -> tuple[Numbers, Numbers]:
        """Return 1 - the transforms of the moves within a visit, and what they lack."""
        n, (out, to) = len(self.fails), self._beyond
        system = -move[..., None] * self.moves.rates[:, :n]
        rings = list(self.moves.clocks)
        system[:, rings] -= ring[:, rings, None] * self.moves.goals[rings, :n]
        system[:, range(n), range(n)] += 1
        return system, 1 - move * out - ring * to

    def _onward(self, values: Numbers) -> tuple[Numbers, Numbers]:
        """Return values of the next states, weighted by the rates and by the goals."""
        n = len(self.fails)
        return values @ self.moves.rates[:, :n].T, values @ self.moves.goals[:, :n].T

    @cached_property
    def _inner(self) -> FloatArray:
        """Return the probabilities of the next state within a visit."""
        return np.asarray(self.moves.jumps[:, : len(self.fails)])

    @cached_property
    def _beyond(self) -> tuple[FloatArray, FloatArray]:
        """Return the sums over all moves: of the rates, and of the goals."""
        return self.moves.rates.sum(axis=1), self.moves.goals.sum(axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calendar:
    """Work that comes by the calendar: every so often, for so long."""

    every: float  # from one end to the next beginning, in s
    takes: float
    fails: float  # share of the requests

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return self.fails * self.takes / (self.every + self.takes)

    def _parts(self, horizon: float) -> tuple[float, float, FloatArray]:
        """Return the least and the most, and P(least), P(most), P(between)."""
        cycle = self.every + self.takes
        whole, rest = divmod(horizon, cycle)
        least, most = max(rest - self.every, 0.0), min(rest, self.takes)
        between = 2 * (most - least) / cycle
        mean = rest * self.takes / cycle - between * (least + most) / 2
        top = (mean - (1 - between) * least) / (most - least) if most > least else 0.0
        shares = np.array([1 - between - top, top, between])
        return whole * self.takes + least, whole * self.takes + most, shares

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        least, _, (low, _, _) = self._parts(horizon)
        return math.inf if least > 0 or low <= 0 else -math.log(low)

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        del horizon
        return False

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of survival: uniform between its least and its most."""
        least, most, (low, top, between) = self._parts(horizon)
        c, span = kill[:, 0], most - least
        even = -np.expm1(-c * span) / (c * span) if span > 0 else 1.0
        mixed = -np.log(low + top * np.exp(-c * span) + between * even)
        return np.asarray(c * least + mixed)


def _solved(system: Numbers, right: Numbers) -> Numbers:
    found: Numbers = np.linalg.solve(system, right[..., None])[..., 0]
    return found
