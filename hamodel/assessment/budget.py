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
An election that begins as a site is lost, or as a majority is back, is a part of that
visit.

Visits of one stream come by chance, or after one another: how many more pairs of them
begin than by chance follows from the laws of a part, or from the chain of the same
means of several (`hamodel.assessment._following`).

A visit to two parts lies within an outage of either, whose own visits come with it:
`Cluster`.

What streams leave out: that while one visit lasts no other stream can begin one, how
visits that share a part come together, how planned work goes from copy to copy of a
site, and combinations of more than six parts.  These are bounded: `Chance.error`, of
many visits that add up by what one may be off, for the mean is right.  What
more than two visits do that follow each other is estimated there: of a pair that fails
every 300 h and fails back within two, more than two of them in a day were 10 % too
likely, and 20 % are said.  It is no bound of what shapes of times do: what is left of a
clock that runs on is nearly right only (of an election that begins with a lost site it
is known whether the way of that site's clients outlasts it, not what is left of a way
that is not exponential: of uniform ways a month is within 7 %, 24 % far in its tail).

A law that jumps takes thousands of terms to invert.  Visits that last constant times
or throughout the period, and work by the calendar, are counted: of sums of them that
are near what is asked the transform has the others only, at what these leave.  Other
laws are smoothed by 3 %, or by what they vary, and what a visit alone lacks by that is
added.  Left smooth are a constant repair that is behind a way out of another law
(within 5 % of what it costs a day was missed up to 40 % too often), and the end of what
one part alone can cost a short period (two equal sites are both away for half of a
minute: within 4 % beyond it 5 % of the chance before it are left).

Source: Abate, Choudhury and Whitt (2000), An introduction to numerical transform
inversion, in Computational Probability, 257-323; for the visits: Daley and Vere-Jones,
An Introduction to the Theory of Point Processes I, section 6.3 (Poisson clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Cluster, Stream, seldom
from hamodel.assessment._inversion import AGREE, FINE, tail, tails
from hamodel.assessment._jumps import Jumps, Sums, jumps_of
from hamodel.assessment._lumping import rounded

_SLIGHT = 3e-6  # of the chance that is asked for: what may be left out
_STEP = 2.0  # longest step of a search, in log shares
_NEAR, _NEWTON = 1e-5, 2e-4  # last steps: halving, and Newton's, which squares errors
_ROUGH, _FAR = 1e-2, 0.2  # how well a place is known that is left by a longer step
_EDGE = 0.05  # of a bracket: how near its ends it is cut
_PLACES = 48  # at which a law is asked: between them it is a line
_BESIDE = 1e-4  # in log shares: how far a slope looks
_OFTEN = 1e-4  # a chance that quick inversions are good for, to 1e-6
_CROWDED = 20.0  # visits, of which hardly ever one comes alone
_NONE = 1e-300  # a chance that has a logarithm
_EXACT = 1e-9  # of what is asked: a sum that is equal to it
_MOST, _FEWEST = 400, 104  # blocks of an inversion, of long and of short periods


class Chance(NamedTuple):
    """A probability and a bound of its relative error."""

    probability: float
    error: float


class Place(NamedTuple):
    """What is found at one downtime."""

    over: float  # log of P(D > x)
    slope: float  # of that over log x; 0 where there is none
    settled: bool
    jump: float = 0.0  # P(D = x), of constant costs
    jumps: tuple[float, ...] = ()  # logarithms of shares near it


@dataclass(frozen=True, kw_only=True, eq=False)
class Downtime:
    """The law of the downtime of a period.

    Attributes
    ----------
    base : float
        Share of the requests that fails although all is well.
    streams : tuple of (stream, count)
        What adds downtime, independently; alike streams are counted.
    error, beside : float
        Relative error of the rates of the streams, and what adds to it where several
        parts may fail together.
    missed : float
        How often, in 1/s, combinations occur that no stream stands for.
    clusters : tuple of Cluster
        Streams whose visits do not come by chance alone.
    """

    base: float
    streams: tuple[tuple[Stream, int], ...]
    error: float = 0.0
    beside: float = 0.0
    missed: float = 0.0
    clusters: tuple[Cluster, ...] = ()

    def miss(self, budget: float, horizon: float) -> Chance:
        """Return P(share of failed requests > budget) over a period from anywhere."""
        left = (budget - self.base) * horizon
        if left < 0 or budget >= 1 or not self.streams:
            return Chance(float(left < 0 and budget < 1), 0.0)
        if left <= horizon * 1e-12:
            never = np.array([n * stream.never(horizon) for stream, n in self.streams])
            wrong = np.array([self._wrong(each, horizon) for each, _ in self.streams])
            often = never.sum() + np.array([0.0, *never @ wrong])
            found, off = -np.expm1(-often), 0.0
        else:
            found, off = self._beyond(left, horizon)
        p, rates, more = np.clip(found, 0.0, 1.0)
        if p == 0:
            return Chance(0.0, math.inf if off or self.missed else 0.0)
        # however many of them add up: the mean is right
        apart = min(abs(rates / p - 1), self.error + self.beside)
        bound = max(apart + abs(more / p - 1), self.error)
        return Chance(float(p), 1e-6 + float(bound + (self.missed * horizon + off) / p))

    def _beyond(self, x: float, horizon: float) -> tuple[FloatArray, float]:
        """Return P(D > x), those with more frequent visits, and how far it settled.

        Streams that could add no more than `_SLIGHT` of it are left out: how many
        those are is known once it is known how great it is.
        """
        found, off, chance = np.zeros(3), 0.0, 1.0
        for _ in range(2):
            law, out = self._without(_SLIGHT * chance, horizon)
            if law.streams:
                found, (off, *_) = law._tail(x, horizon, chance)
            chance = float(found[0])
            if out <= _SLIGHT * chance:
                break
        return found, float(off) + out

    def _tail(
        self, x: float, horizon: float, chance: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return P(D > x), and those with visits as much more frequent as may be.

        Blocks of 1 take a third of the time, and are good for a chance that is not
        small if they settle; they are not tried if it is less, as far as is known.
        """
        chance = min(chance, sum(n * s.never(horizon) for s, n in self.streams))
        near = _jumps(self, horizon).near(x)

        def transform(s: Numbers) -> Numbers:
            return self._less(s, near, horizon) / s

        more = self._alone(np.array([x]), horizon) + self._stepped(x, near, horizon)[0]
        most = self._most(horizon)
        if chance > _OFTEN:
            found, off = tail(transform, x, most, block=1)
            if found[0] > _OFTEN and np.all(off <= AGREE * found):
                return found + more, off
        found, off = tail(transform, x, most)
        return found + more, off

    def _less(self, s: Numbers, near: Sums, horizon: float) -> Numbers:
        """Return 1 - E exp(-s D), and those of more frequent visits, without some sums.

        Sums of constant costs that are near what is asked are known as they are: the
        transform would smooth them by 3 %.
        """
        found, *more = self._exponents(s, horizon)
        less = np.asarray(-np.expm1(-found - np.stack([np.zeros_like(found), *more])))
        if len(near.costs):
            jumps = _jumps(self, horizon)
            less = less - jumps.smoothed(s, jumps.rest(s, found, horizon), near)
        return less

    def _stepped(self, x: float, near: Sums, horizon: float) -> FloatArray:
        """Return P(D > x) with some sums of constant costs, its density, P(D = x)."""
        jumps = _jumps(self, horizon)
        costs, alike = np.unique(rounded(near.costs), return_inverse=True)
        likely, left = np.bincount(alike, weights=near.likely), x - costs
        found = np.zeros((3, len(left)))
        found[0] = left < 0
        here, after = np.abs(left) <= _EXACT * x, left > _EXACT * x
        if np.any(here):
            never = -float(jumps.often.sum())
            for stream, count in self.streams:
                if (stream, count) not in jumps.fixed:
                    never += count * stream.never(horizon)
            found[0, here], found[2, here] = -math.expm1(-never), math.exp(-never)

        def transform(s: Numbers) -> Numbers:
            flat = s.ravel()
            rest = jumps.rest(flat, self._exponent(flat, horizon), horizon)
            less = -np.expm1(-rest)
            return np.stack([less / flat, -less]).reshape(2, *s.shape)

        if np.any(after):
            at = places = left[after]
            if len(places) > _PLACES:
                at = np.geomspace(places.min(), places.max(), _PLACES)
            rows = tails(transform, at, self._most(horizon))
            order = np.argsort(at)
            found[:2, after] = [np.interp(places, at[order], r[order]) for r in rows]
        stepped: FloatArray = found @ likely
        return stepped

    def _alone(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return what P(D > x) lacks where one visit costs as much alone, (x,).

        The transform smooths a law that jumps by some per cent; of one visit alone the
        law is known.
        """
        often = sum(n * stream.never(horizon) for stream, n in self.streams)
        found = np.zeros(len(x))
        if often <= _CROWDED:
            for stream, count in self.streams:
                found += count * stream.lacks(x, horizon)
        return np.where(x < horizon, math.exp(-often) * found, 0.0)

    def _exponent(self, s: Numbers, horizon: float) -> Numbers:
        return np.asarray(self._exponents(s, horizon)[0])

    def _exponents(self, s: Numbers, horizon: float) -> Numbers:
        """Return it, and how much more it may be: of all rates, of what comes along."""
        total = np.zeros((3, len(s)), complex)
        killed: dict[int, Numbers] = {}
        for stream, count in self.streams:
            one, killed[id(stream)] = stream.killed(s[:, None] * stream.fails, horizon)
            total += np.outer([1.0, *self._wrong(stream, horizon)], count * one)
        for cluster in self.clusters:
            if id(cluster.stream) in killed:
                less, more = cluster.less(killed, horizon)
                total[[0, 2]] += np.stack([-less, more])
        return total

    def _wrong(self, stream: Stream, horizon: float) -> tuple[float, float]:
        """Return the relative errors of the rate of a stream: of all, and its own.

        Of what is exact a logarithm was taken: no multiple of it may be.
        """
        unsure = stream.unsure(horizon)
        return (0.0, 0.0) if unsure is None else (self.error + self.beside, unsure)

    def _most(self, horizon: float) -> int:
        short = any(stream.is_short(horizon) for stream, _ in self.streams)
        return _FEWEST if short else _MOST

    def _sloped(self, share: float, horizon: float, block: int, agree: float) -> Place:
        """Return what is found where a share of the requests fails beyond the base.

        The slope is from the same points of the transform.
        """
        left = share * horizon
        if self.base + share >= 1 or left <= horizon * 1e-12:
            p = self.miss(self.base + share, horizon).probability
            return Place(math.log(max(p, _NONE)), 0.0, True)

        near_by = _jumps(self, horizon).near(left)

        def transform(s: Numbers) -> Numbers:
            less = self._less(s, near_by, horizon)[0]
            return np.stack([less / s, -less])

        most = self._most(horizon)
        found, off = tail(transform, left, most, block, sure=1, agree=agree)
        p, density = found
        sure = bool(off[0] <= AGREE * p)
        more, steep, jump = self._stepped(left, near_by, horizon)
        p, density = p + more, density + steep
        near = left * np.exp([-_BESIDE, 0.0, _BESIDE])
        before, alone, after = self._alone(near, horizon)
        if p + alone <= _NONE:
            return Place(math.log(_NONE), 0.0, sure)
        falls = left * float(density) - (after - before) / (2 * _BESIDE)
        p += alone
        costs = near_by.costs[near_by.costs > 0]
        jumps = np.log(costs / horizon).tolist()
        return Place(math.log(p), -falls / p, sure, float(jump), (*jumps,))

    def quantile(self, p: float, horizon: float) -> float:
        """Return the share of failed requests that a period exceeds with 1 - p."""
        rare = 1 - p
        if self.base >= 1:
            return 1.0
        law = self.often(rare * _SLIGHT, horizon)
        if law.miss(self.base, horizon).probability <= rare:
            return self.base
        block = 1 if rare > _OFTEN else FINE
        share = math.exp(law._reached(rare, horizon, block))
        return min(self.base + share, 1.0)

    def often(self, chance: float, horizon: float) -> Downtime:
        """Return it without streams that all together come with this chance at most."""
        return self._without(chance, horizon)[0]

    def _without(self, chance: float, horizon: float) -> tuple[Downtime, float]:
        """Return the same, and a bound of the chance of what is left out."""
        rare = sorted(
            (seldom(*each, horizon), k) for k, each in enumerate(self.streams)
        )
        sums = np.cumsum([one for one, _ in rare])
        first = int(np.searchsorted(sums, chance, side="right"))
        kept = tuple(self.streams[k] for _, k in rare[first:])
        return replace(self, streams=kept), float(sums[first - 1]) if first else 0.0

    def _reached(self, rare: float, horizon: float, block: int) -> float:
        """Return the logarithm of the share beyond the base: Newton in a bracket."""
        top = math.log1p(-self.base)
        low, high, last = -math.inf, top, math.inf
        overs: dict[bool, float] = {}  # at both ends of the bracket
        half = True
        at = math.log(min(sum(n * s.mean for s, n in self.streams), 1.0) or 1e-12)
        most = self.often(rare * _ROUGH, horizon)
        whole = len(most.streams) == len(self.streams)
        while True:
            law, agree = (most, _ROUGH) if last > _FAR else (self, AGREE)
            place = law._sloped(math.exp(at), horizon, block, agree)
            over, slope = place.over - math.log(rare), place.slope
            known = agree == AGREE or (place.settled and whole)
            if not known and abs(over) < 10 * agree:
                last = _FAR  # too near to be looked at roughly
                continue
            if known and over <= 0 < math.exp(place.over) + place.jump - rare:
                return at
            if over > 0 and at >= top - _NEAR:
                return top
            low, high = (at, high) if over > 0 else (low, at)
            overs[over > 0] = over
            step = -over / slope if slope < 0 else math.copysign(_STEP, over)
            step = max(-_STEP, min(step, _STEP))
            sure = abs(step) <= last / 2 or len(overs) < 2
            if not (sure and low < at + step < high):
                if len(overs) < 2 and low > -math.inf:
                    at, last = top - _NEAR, math.inf  # does all of it fail so often?
                    continue
                share = 0.5 if half else overs[True] / (overs[True] - overs[False])
                share = min(max(share, _EDGE), 1 - _EDGE)
                to = low + share * (high - low) if low > -math.inf else high - _STEP
                near = min(place.jumps, key=lambda jump: abs(jump - to), default=to)
                wide = min(to - low, high - to) / 2
                to = near if _NEAR < abs(near - to) < wide else to
                sure, half, step = False, not half, to - at
            if abs(step) < (_NEWTON if sure else _NEAR):
                return at + step
            at, last = at + step, abs(step)


@lru_cache(maxsize=16)
def _jumps(law: Downtime, horizon: float) -> Jumps:
    """Return what is constant of a downtime: a search asks again and again."""
    return jumps_of(law.streams, horizon)
