"""A write's race to the copies of a quorum, and a read's race after it.

All copies work on a write, and it is answered when enough of them have.  A copy shows
it once its work is done, so the others show it later; a copy that reads ask meanwhile
does not know of it.  At one copy, work is begun in the order in which it comes: a read
that comes after a write by less than the work on it misses it, whatever the queue was.

All its cores may be taken when the read comes: then it misses the write only if another
core is free before that of the write.

Laws are tables over one grid: a sum of independent times is a convolution, what is left
of one when another is over a correlation of theirs.  Queues are long together, since
all copies work on a write: a row of a table for each level of what they share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import comb, prod
from typing import NamedTuple, TypeAlias

import numpy as np

from hamodel._types import FloatArray
from hamodel.architectures.behaviour import alike
from hamodel.conflicts import Zipf
from hamodel.duration import Duration, constant, integrals, tabulated

Rivals: TypeAlias = Sequence[tuple[int, float, Duration]]

_NO_WAY = constant(0.0)
CELLS = 512
_POINTS = 129  # of a smooth function
_RARE = 1e-10  # tail at which the grid ends


Groups: TypeAlias = tuple[tuple[tuple[Duration, ...], int], ...]


class Alone(NamedTuple):
    """How long answered writes are where a failure takes them.

    All of it; what queues make of it, which are as long for one write as for the next;
    and the mean of the work on a write in s, exponential and of each write its own.
    """

    window: Duration
    queues: Duration
    work: float


class Copy(NamedTuple):
    """Which copy it is to a write: where, and whether it is the write's coordinator."""

    site: str
    first: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Race:
    """Copies that write and read, when all is well."""

    copies: Mapping[str, int]  # how many copies each site holds
    write: tuple[int, str]  # how many answers are needed, and whose count
    read: tuple[int, str]
    near: Duration  # there and back, within a site and between two
    far: Duration
    wait: Duration  # time in the queue of a copy, and of the work on a write
    own: Duration
    shared: float  # correlation of the work that comes to two copies
    # probability that a read which finds a write in work begins before it is over
    overtakes: float
    made: dict[Hashable, FloatArray] = field(default_factory=dict, repr=False)
    alone: dict[Hashable, Alone] = field(default_factory=dict, repr=False)

    @cached_property
    def times(self) -> FloatArray:
        """Ends of the cells in s, (n + 1,)."""
        ways = [self.near, self.far] if len(self.copies) > 1 else [self.near]
        top = max(float(way.upper_quantile(_RARE)) for way in ways)
        top += float((self.wait + self.own).upper_quantile(_RARE))
        return np.linspace(0.0, top * (1 + 1e-6), CELLS + 1)

    @cached_property
    def late(self) -> int:
        """How many copies a write does not wait for."""
        needed, scope = self.write
        waited = needed * (len(self.copies) if scope == "each" else 1)
        return sum(self.copies.values()) - waited

    def lag(self, shares: Mapping[str, float]) -> Duration:
        """Return the time from a write's answer until a copy not waited for shows it.

        `shares` are those of the writes that enter at each site.
        """
        if not self.late or not self.times[-1]:
            return constant(0.0)
        total: FloatArray = np.zeros(CELLS + 1)
        for at, share in shares.items():
            for copy, number in self._all(at).items():
                answered = self._answered(at, Counter([copy]))
                if answered is not None:
                    shown = self._shown(self._way(at, copy))
                    total += share * number * self._left(answered, shown)
        return tabulated(self.times, np.minimum(total / self.late, 1.0))

    def only_at(self, site: str) -> Alone:
        """Return how long an answered write of a site is at its copies alone."""
        held = self._group(
            site, Counter({c: n for c, n in self._all(site).items() if c.site == site})
        )
        elsewhere = sum(self.copies.values()) - self.copies[site]
        key = tuple(sorted(map(id, held))), elsewhere  # of sites that are alike
        if key not in self.alone:
            answers = ((held, self.write[0]),)
            self.alone[key] = self._alone(answers, Counter({self.far: elsewhere}))
        return self.alone[key]

    def only_on(self, at: str, copy: Copy) -> Alone:
        """Return how long a write that one copy suffices for is at that copy alone."""
        others: Counter[Duration] = Counter()
        for other, number in (self._all(at) - Counter([copy])).items():
            others[self._way(at, other)] += number
        return self._alone((((self._way(at, copy),), 1),), others)

    def _alone(self, answers: Groups, others: Counter[Duration]) -> Alone:
        window, queues = (
            tabulated(self.times, self._left(race._law(answers), race._first(others)))
            for race in (self, self._begun)
        )
        return Alone(window, queues, float(self.own.mean))

    def _first(self, others: Counter[Duration]) -> FloatArray:
        """Return P(none of the others shows a write by t), from when it was made."""
        late = [self._shown(way) ** number for way, number in others.items()]
        return np.asarray(prod(late))

    @cached_property
    def _begun(self) -> Race:
        """The same race to the begin of the work."""
        begun = replace(self, own=_NO_WAY, made={})
        begun.__dict__.update(times=self.times, _together=self._together)
        return begun

    def every(self, at: str) -> Iterator[tuple[Copy, int]]:
        """Yield the copies as a write at a site sees them, and how many are alike."""
        yield from self._all(at).items()

    def stale(self, shares: Mapping[str, float], keys: Zipf, writes: float) -> float:
        """Return P(no copy that a read asks knows the key's last answered write).

        The read counts from the moment at which it asks.
        """
        if not self.times[-1]:
            return 0.0
        middles = (self.times[1:] + self.times[:-1]) / 2

        def younger(times: FloatArray) -> FloatArray:
            """Return P(the last write of the key that is read is so young)."""
            ages = keys.mean(lambda share: -np.expm1(-writes * np.outer(times, share)))
            return np.asarray(ages)[None]

        age = _drawn(younger, middles[0], middles[-1])(middles)[0]
        total = 0.0
        for written, asking in product(self.copies, repeat=2):
            weight = shares[written] * shares[asking]
            for chance, asked in self._asked(written, asking) if weight else ():
                total += weight * chance * self._missed(written, asked, age)
        return float(total)

    def clashes(
        self, shares: Mapping[str, float], keys: Zipf, writes: float
    ) -> dict[str, float]:
        """Return pairs in 1/s, the share of the writes in one, and lost ones in 1/s.

        Each copy coordinates as many writes as the others of its site; of two of which
        neither coordinator shows the other's when it makes its own, the first is lost.
        """
        laws = {
            way.mean: 0.5 * way + self.wait + self.own for way in (self.near, self.far)
        }
        rates = {site: writes * shares[site] / n for site, n in self.copies.items()}
        found = dict.fromkeys(("pairs", "share", "lost"), 0.0)
        for here, mine in shares.items():
            rivals = [
                (
                    n - (site == here),
                    rates[site],
                    laws[self._way(here, Copy(site)).mean],
                )
                for site, n in self.copies.items()
            ]
            window = sum(n * rate * float(law.mean) for n, rate, law in rivals)

            def clash(share: FloatArray, rivals: Rivals = rivals) -> FloatArray:
                """Return P(a rival comes before it is shown), and P(any rival)."""
                none = [np.maximum(law.lst(r * share), 1e-300) for _, r, law in rivals]
                each = [
                    n * np.log(no) for (n, *_), no in zip(rivals, none, strict=True)
                ]
                later = -np.asarray(sum(each))
                before = sum(n * rate * float(law.mean) for n, rate, law in rivals)
                both = np.stack([later, later + before * share])
                return np.asarray(-np.expm1(-both))

            own = writes * mine
            found["pairs"] += own * window * float(keys.mean(lambda share: share))
            least = float(keys.keys) ** -(
                1 + max(keys.exponent, 1.0)
            )  # or less, of a key
            lost, rival = keys.mean(_drawn(clash, least, 1.0))
            found["share"] += mine * float(rival)
            found["lost"] += own * float(lost)
        return found

    def _missed(
        self, at: str, asked: Mapping[tuple[Copy, float], int], age: FloatArray
    ) -> float:
        """Return P(all asked copies are late), over the age of the last write."""
        gone: Counter[Copy] = Counter()
        for (copy, _), number in asked.items():
            gone[copy] += number
        answered = self._answered(at, gone)
        if answered is None:
            return 0.0
        late = prod(
            self._unread(self._way(at, copy), after) ** number
            for (copy, after), number in asked.items()
        )
        over = self._levels @ answered
        spread = np.convolve(np.diff(over), age)[:CELLS]
        before = np.concatenate([[0.0], spread])  # answered, and as old, by then
        falls = -np.diff(np.asarray(late))
        return float(falls @ (over[0] * age + (before[1:] + before[:-1]) / 2))

    def _all(self, at: str) -> Counter[Copy]:
        """Return the copies as a write at a site sees them."""
        found = Counter({Copy(name): n for name, n in self.copies.items()})
        found[Copy(at)] -= 1
        found[Copy(at, first=True)] = 1
        return +found

    def _way(self, at: str, copy: Copy) -> Duration:
        if copy.first:
            return _NO_WAY
        return self.near if copy.site == at else self.far

    def _group(self, at: str, held: Counter[Copy]) -> tuple[Duration, ...]:
        return tuple(self._way(at, copy) for copy, n in held.items() for _ in range(n))

    def _answered(self, at: str, gone: Counter[Copy]) -> FloatArray | None:
        """Return P(enough of the others have answered by t); None if never."""
        left = self._all(at) - gone
        needed, scope = self.write
        every = tuple(self.copies)
        places: dict[str, list[tuple[str, ...]]]
        places = {"any": [every], "local": [(at,)], "each": [(s,) for s in every]}
        groups = []
        for place in places[scope]:
            held = Counter({c: n for c, n in left.items() if c.site in place})
            if held.total() < needed:
                return None
            groups.append((self._group(at, held), needed))
        return self._law(tuple(groups))

    def _law(self, groups: Groups) -> FloatArray:
        """Return P(answered by t), level by level; alike questions are asked once."""
        key = tuple((tuple(sorted(map(id, ways))), needed) for ways, needed in groups)
        if key not in self.made:
            found = [
                _enough([1 - self._late(way) for way in ways], needed)
                for ways, needed in groups
            ]
            self.made[key] = np.asarray(prod(found))
        return self.made[key]

    def _shown(self, way: Duration) -> FloatArray:
        """Return P(a copy does not show a write by t), from when it was made."""
        return self._late(0.5 * way)

    @cached_property
    def _together(self) -> float:
        return alike(self.shared, self.wait, self.own)

    @property
    def _levels(self) -> FloatArray:
        """Weights of the levels of what all queues share."""
        return integrals.LEVELS if self._together else np.ones(1)

    def _late(self, way: Duration) -> FloatArray:
        """Return P(a copy so far away is not done by t), level by level."""
        key = "late", way.mean
        if key not in self.made:
            law = way + self.wait + self.own
            done, late = np.asarray(law.cdf(self.times)), np.asarray(law.sf(self.times))
            if self._together:
                late = integrals.at_levels(done, late, self._together)[1].T
            self.made[key] = np.atleast_2d(late)
        return self.made[key]

    def _unread(self, way: Duration, after: float) -> FloatArray:
        """Return P(a read begins before a write is shown), of as long a wait as it.

        The read comes t + `after` after the write was made.
        """
        at, law = self.times + after, 0.5 * way + self.own
        ahead = np.asarray((0.5 * way).sf(at))  # it comes before the write
        return (1 - self.overtakes) * ahead + self.overtakes * np.asarray(law.sf(at))

    def _left(self, over: FloatArray, late: FloatArray) -> FloatArray:
        """Return P(late > over + t) of times that are independent at each level."""
        found: FloatArray = np.zeros(CELLS + 1)
        for weight, gone, here in zip(self._levels, over, late, strict=True):
            middles = np.append((here[1:] + here[:-1]) / 2, np.zeros(CELLS))
            found += weight * (gone[0] * here + np.correlate(middles, np.diff(gone)))
        return np.minimum.accumulate(np.clip(found, 0.0, 1.0))

    def _asked(
        self, written: str, asking: str
    ) -> Iterator[tuple[float, Counter[tuple[Copy, float]]]]:
        """Yield which copies a read asks, each with its way, and how likely it is."""
        near, far = (0.5 * float(way.mean) for way in (self.near, self.far))
        needed, scope = self.read
        copies = self._all(written)
        here = Counter({c: n for c, n in copies.items() if c.site == asking})
        merged: dict[frozenset[tuple[tuple[Copy, float], int]], float]
        merged = defaultdict(float)
        for own, number in here.items():
            rest = here - Counter([own])
            beside = min(needed, here.total()) - 1
            pools = [(rest, beside, near)]
            others = copies - here
            if scope == "any":
                pools.append((others, needed - 1 - beside, far))
            elif scope == "each":
                apart: dict[str, Counter[Copy]] = defaultdict(Counter)
                for copy, n in others.items():
                    apart[copy.site][copy] = n
                pools += [(pool, needed, far) for pool in apart.values()]
            for chance, picked in _picked(pools):
                picked[own, 0.0] += 1
                merged[frozenset(picked.items())] += chance * number / here.total()
        for picks, chance in merged.items():
            yield chance, Counter(dict(picks))


def _enough(each: Sequence[FloatArray], needed: int) -> FloatArray:
    """Return P(at least so many happen) of independent events."""
    fewer = [
        np.ones_like(each[0]),
        *(np.zeros_like(each[0]) for _ in range(needed - 1)),
    ]
    enough = np.zeros_like(each[0])
    for p in each:
        enough += fewer[-1] * p
        fewer = [
            some * (1 - p) + (fewer[k - 1] * p if k else 0.0)
            for k, some in enumerate(fewer)
        ]
    return enough


def _drawn(
    function: Callable[[FloatArray], FloatArray], low: float, high: float
) -> Callable[[FloatArray], FloatArray]:
    """Return a smooth function (k, m) of positive numbers as a table of powers."""
    at = np.geomspace(low * (1 - 1e-9), high * (1 + 1e-9), _POINTS)
    values = np.log(np.maximum(function(at), 1e-300))

    def read(x: FloatArray) -> FloatArray:
        rows = [np.interp(np.log(x), np.log(at), row) for row in values]
        return np.asarray(np.exp(np.stack(rows)))

    return read


def _picked(
    pools: list[tuple[Counter[Copy], int, float]],
) -> Iterator[tuple[float, Counter[tuple[Copy, float]]]]:
    """Yield what is picked at random of each pool, each pick with the pool's way."""
    if not pools:
        yield 1.0, Counter()
        return
    (pool, number, way), *rest = pools
    total = comb(pool.total(), number)
    kinds = list(pool.items())
    for taken in product(*(range(min(n, number) + 1) for _, n in kinds)):
        if sum(taken) != number:
            continue
        ways = prod(comb(n, k) for (_, n), k in zip(kinds, taken, strict=True))
        chosen = {
            (copy, way): k for (copy, _), k in zip(kinds, taken, strict=True) if k
        }
        for chance, others in _picked(rest):
            yield chance * ways / total, Counter(chosen) + others
