"""The race between a write, its acknowledgements, a read and its answers.

Given who commits the write, at c, and which answer is the first not used, at y, the
replicas are independent: one is `late and stale` when its read arrives within y and
before the write.  So the probability is a double integral over c and y of products,
and the read's own delay makes each factor an integral of its own: a matrix product.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from hamodel import _check
from hamodel._quadrature import panels
from hamodel.duration import Duration, uniform
from hamodel.quorum._latency import NoQuorumError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hamodel._types import FloatArray
    from hamodel.quorum._availability import Quorum

# A replica's part in the race: got the write and answers, got it only, answers only.
_BOTH, _WRITTEN, _READ, _NEITHER = range(4)
_Member: TypeAlias = tuple[int, int]  # kind of delays, part in the race
_Group: TypeAlias = tuple[_Member, ...]
_Roles: TypeAlias = tuple[_Member, _Group, _Group]  # commits, earlier, answers used
_TIE = 1e-7  # of a delay: how far apart equal moments are put

_TAIL = 10.0 ** -np.array(
    [14, 12, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.75, 2.5, 2.25, 2, 1.75, 1.5, 1.25, 1]
)
_BODY = np.linspace(0.2, 0.5, 4)


class Nodes(NamedTuple):
    """Times that carry weights: an integral over a law is a sum over them."""

    times: FloatArray
    weights: FloatArray


def nodes(law: Duration) -> Nodes:
    """Return quantiles at Gauss nodes of panels that end where the law bends."""
    knots = [float(k) for k in law.law.knots if np.isfinite(k)]
    levels, weights = [], []
    for side in (law.cdf, law.sf):
        bends = [float(side(k)) for k in knots]
        inner = [x for x in bends if 1e-12 < x < 0.5]
        ends = np.unique([0.0, *_TAIL, *_BODY, *inner])
        points, shares = panels(ends, 8)
        levels.append(points)
        weights.append(shares)
    times = np.concatenate([law.quantile(levels[0]), law.upper_quantile(levels[1])])
    return Nodes(times, np.concatenate(weights))


class Sum:
    """The sum of two delays, with nodes of its own and of its second part."""

    def __init__(self, first: Duration, second: Duration, *, fine: bool) -> None:
        self.law = first + second
        self.inner = nodes(second)
        self.nodes = _summed(nodes(first), self.inner, _cells(80 if fine else 40))

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return P(sum <= t)."""
        return self.law.cdf(t)

    def sf(self, t: FloatArray) -> FloatArray:
        """Return P(sum > t)."""
        return np.asarray(self.law.sf(t))


def _cells(number: int) -> FloatArray:
    """Return levels that cut a law into cells, of one ratio in the tails."""
    tail = 10.0 ** -np.linspace(14, 1, 3 * number)
    return np.concatenate([tail, np.linspace(0.1, 0.5, 4 * number)])


def _summed(first: Nodes, second: Nodes, cells: FloatArray) -> Nodes:
    """Return nodes of a sum: all pairs, gathered into cells of two nodes each.

    The two nodes of a cell keep its first four moments (Gauss), so the error is of
    fourth order in the cell's width.
    """
    times = (first.times[:, None] + second.times).ravel()
    weights = np.outer(first.weights, second.weights).ravel()
    rank = np.argsort(times)
    times, weights = times[rank], weights[rank]
    below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    low, high = np.searchsorted(cells, below), np.searchsorted(cells, above)
    cell = np.where(below < 0.5, low, 2 * len(cells) - high)
    start = np.flatnonzero(np.diff(cell, prepend=-1))
    return _gathered(times, weights, start)


def _gathered(times: FloatArray, weights: FloatArray, start: NDArray[np.intp]) -> Nodes:
    """Return two nodes for each run of sorted times, from its moments."""
    mass = np.add.reduceat(weights, start)
    size = np.diff(start, append=len(times))
    mean = np.add.reduceat(weights * times, start) / mass
    off = times - np.repeat(mean, size)
    spread = np.sqrt(np.add.reduceat(weights * off**2, start) / mass)
    cubes = np.add.reduceat(weights * off**3, start) / mass
    with np.errstate(all="ignore"):
        skew = np.where(spread > 1e-12 * mean, cubes / spread**3, 0.0)
    root = np.sqrt(skew**2 + 4)
    right, left = (skew + root) / 2, (skew - root) / 2
    low, high = mean + left * spread, mean + right * spread
    share = right / root  # of the left node
    return Nodes(
        np.concatenate([low, high]), np.concatenate([mass * share, mass * (1 - share)])
    )


def _untied(second: Duration, first: Duration) -> Duration:
    """Return the second delay, set apart a little if both may be constant.

    Two moments that may coincide would have no first and second.
    """
    if not (_jumps(first) and _jumps(second)):
        return second
    size = float(first.quantile(0.5) + second.quantile(0.5))
    return second + uniform(0.0, max(size, 1e-9) * _TIE)


def _jumps(law: Duration) -> bool:
    knots = np.array([float(k) for k in law.law.knots if np.isfinite(k)])
    if not len(knots):
        return False
    return bool(np.any(law.law.cdf(knots) > law.law.cdf(knots, left=True)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Delays:
    """The four one-way delays between a coordinator and a replica.

    Attributes
    ----------
    write, ack : Duration
        The write to the replica, and its acknowledgement.
    read, response : Duration
        The read to the replica, and its answer.
    """

    write: Duration
    ack: Duration
    read: Duration
    response: Duration

    def __post_init__(self) -> None:
        _check.instance(
            Duration,
            write=self.write,
            ack=self.ack,
            read=self.read,
            response=self.response,
        )


class Race:
    """The probability of a stale read, for one set of delays and quorums."""

    def __init__(
        self, each: Sequence[Delays], quorum: Quorum, missed: float, down: float
    ) -> None:
        self.quorum = quorum
        self.kinds = list({id(d): d for d in each}.values())
        self.kind = [self.kinds.index(d) for d in each]
        fine = quorum.read == 1  # then there is no product of large matrices
        self.commit = [
            Sum(d.write, _untied(d.ack, d.write), fine=fine) for d in self.kinds
        ]
        self.back = [_untied(d.response, d.read) for d in self.kinds]
        both = zip(self.kinds, self.back, strict=True)
        self.answer = [Sum(back, d.read, fine=fine) for d, back in both]
        self._first: dict[tuple[int, _Group], FloatArray] = {}
        self.cases = self._cases(missed, down)
        self._kept: dict[tuple[int, int, int | None], FloatArray] = {}
        self._answered: dict[tuple[int, int], FloatArray] = {}
        self._time = -1.0

    @property
    def scale(self) -> float:
        """A time of the order of the delays in s."""
        return float(max(np.median(law.nodes.times) for law in self.commit))

    @property
    def floor(self) -> float:
        """P(stale) when all writes that ever arrive have arrived."""
        return self.stale(float("inf"))

    def stale(self, t: float) -> float:
        """Return P(stale) for a read that starts t after the commit."""
        self._time = t
        self._kept.clear()
        return float(sum(p * self._case(case) for case, p in self.cases.items()))

    def _cases(self, missed: float, down: float) -> dict[_Group, float]:
        """Return who takes part in what, conditional on both quorums."""
        chance = {
            _BOTH: (1 - missed) * (1 - down),
            _WRITTEN: (1 - missed) * down,
            _READ: missed * (1 - down),
            _NEITHER: missed * down,
        }
        parts = [part for part, p in chance.items() if p > 0]
        cases: dict[_Group, float] = {}
        for chosen in product(parts, repeat=len(self.kind)):
            written = sum(part in (_BOTH, _WRITTEN) for part in chosen)
            read = sum(part in (_BOTH, _READ) for part in chosen)
            if written >= self.quorum.write and read >= self.quorum.read:
                case = tuple(sorted(zip(self.kind, chosen, strict=True)))
                cases[case] = cases.get(case, 0.0) + prod(chance[p] for p in chosen)
        total = sum(cases.values())
        if not total:
            raise NoQuorumError(max(self.quorum.read, self.quorum.write), 0)
        return {case: p / total for case, p in cases.items()}

    def _case(self, case: _Group) -> float:
        """Sum over who commits, who was earlier, and whose answers are used."""
        total = 0.0
        for (first, early, used), times in self._roles(case).items():
            total += times * self._over_commits(case, first, early, used)
        return total

    def _roles(self, case: _Group) -> Counter[_Roles]:
        """Return roles of kinds, with the number of ways to give them to replicas."""
        ways: Counter[_Roles] = Counter()
        everyone = range(len(case))
        racing = [i for i in everyone if case[i][1] in (_BOTH, _WRITTEN)]
        for first in racing:
            others = [i for i in racing if i != first]
            for early in combinations(others, self.quorum.write - 1):
                fresh = {first, *early}
                able = [
                    i
                    for i in everyone
                    if i not in fresh and case[i][1] in (_BOTH, _READ)
                ]
                for used in combinations(able, self.quorum.read):
                    key = (
                        case[first],
                        tuple(sorted(case[i] for i in early)),
                        tuple(sorted(case[i] for i in used)),
                    )
                    ways[key] += 1
        return ways

    def _over_commits(
        self, case: _Group, first: _Member, early: _Group, used: _Group
    ) -> float:
        """Integrate over the moment of the commit."""
        times = self.commit[first[0]].nodes.times
        value = self.commit[first[0]].nodes.weights
        for kind, _ in early:
            value = value * self.commit[kind].cdf(times)
        # late without being used: only that it is late matters
        left = Counter(case) - Counter([first, *early, *used])
        for (kind, part), number in left.items():
            if part in (_BOTH, _WRITTEN):
                value = value * self.commit[kind].sf(times) ** number
        rest = Counter(case) - Counter(used)
        waiting = Counter({kind: 0 for kind, _ in case})
        for (kind, part), number in rest.items():
            if part in (_BOTH, _READ):
                waiting[kind] += number
        return float(value @ self._over_answers(first[0], used, +waiting))

    def _over_answers(
        self, first: int, used: _Group, waiting: Counter[int]
    ) -> FloatArray:
        """Return, for each commit, P(all used answers are stale and come first)."""
        if not waiting:
            return self._stale_within(first, used, None)
        if len(used) == 1:
            return self._fastest(first, used[0], waiting)
        total = np.zeros(len(self.commit[first].nodes.times))
        for kind, number in waiting.items():  # whose answer is the first not used
            times = self.answer[kind].nodes.times
            density = number * self.answer[kind].nodes.weights
            for other, count in waiting.items():
                slower = count - (other == kind)
                density = density * self.answer[other].sf(times) ** slower
            total += self._stale_within(first, used, kind) @ density
        return total

    def _fastest(self, first: int, used: _Member, waiting: Counter[int]) -> FloatArray:
        """Return the same for one used answer: the fastest of all, and stale."""
        mine, part = used
        reads, weights = self.answer[mine].inner
        key = (mine, tuple(sorted(waiting.items())))
        if key not in self._first:  # it does not depend on the time of the read
            back, chance = nodes(self.back[mine])
            alone = np.ones((len(reads), len(back)))
            for other, count in waiting.items():
                alone *= self.answer[other].sf(reads[:, None] + back) ** count
            self._first[key] = weights * (alone @ chance)
        ahead = self._first[key]
        if part == _READ:
            return np.full(len(self.commit[first].nodes.times), ahead.sum())
        return self._behind(mine, first) @ ahead

    def _behind(self, mine: int, first: int) -> FloatArray:
        """Return P(the write comes after the read), commits by read delays."""
        commits, reads = self.commit[first].nodes.times, self.answer[mine].inner.times
        if self._time == np.inf:
            return np.zeros((len(commits), len(reads)))
        start = commits[:, None] + self._time
        return np.asarray(self.kinds[mine].write.sf(start + reads))

    def _stale_within(self, first: int, used: _Group, kind: int | None) -> FloatArray:
        """Return the product over used answers, commits by answers (or by none)."""
        here = 1 if kind is None else len(self.answer[kind].nodes.times)
        value = np.ones((len(self.commit[first].nodes.times), here))
        for mine, part in used:
            if part != _READ:
                value *= self._late(mine, first, kind)
            elif kind is not None:
                value *= self._answer_cdf(mine, kind)
        return value[:, 0] if kind is None else value

    def _answer_cdf(self, mine: int, kind: int) -> FloatArray:
        key = (mine, kind)
        if key not in self._answered:
            self._answered[key] = np.asarray(
                self.answer[mine].cdf(self.answer[kind].nodes.times)
            )
        return self._answered[key]

    def _late(self, mine: int, first: int, kind: int | None) -> FloatArray:
        """Return P(read arrives before the write, answered within y), c by y."""
        key = (mine, first, kind)
        if key not in self._kept:
            behind, weights = self._behind(mine, first), self.answer[mine].inner.weights
            if kind is None:
                self._kept[key] = (behind @ weights)[:, None]
            else:
                back = self._back(mine, kind)
                self._kept[key] = (behind * weights) @ back
        return self._kept[key]

    def _back(self, mine: int, kind: int) -> FloatArray:
        """Return P(response within what is left of y after the read's delay)."""
        left = self.answer[kind].nodes.times - self.answer[mine].inner.times[:, None]
        inside = self.back[mine].cdf(np.maximum(left, 0.0))
        return np.asarray(np.where(left >= 0, inside, 0.0))
