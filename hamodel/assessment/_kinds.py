"""What adds downtime: small chains, visits at random moments, work by the calendar.

Each is a `Stream` of `hamodel.assessment.budget`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import product
from typing import NamedTuple

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers, Quantity
from hamodel.assessment._inversion import killed, over_time, tails
from hamodel.assessment._laws import ends_of, is_constant, law_of, transform
from hamodel.assessment._visits import Moves
from hamodel.assessment.budget import Atom, Atoms
from hamodel.duration import exponential

Plan = tuple[tuple[int, list[int], list[int]], ...]

_LONG = 10.0  # mean visits that make up a period without ends
_LONGER = 40.0  # the same where the ends are known exactly
_MOST = 400  # blocks of an inversion
_TINY = 1e-280  # a transform that is taken for 0
_SLICES = 64  # of a law that stands in a calendar
_GONE = 25.0  # mean times that hardly any lasts
_STAGES = 3  # of a visit made up of constant times


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole:
    """A small chain, taken as it is."""

    rates: FloatArray  # (n, n), diagonal 0
    law: FloatArray  # (n,)
    fails: FloatArray  # (n,) share of the requests
    exact: bool = True

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float(self.law @ self.fails)

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of the chance to survive killing rates, by state and case."""
        dead = killed(self.rates, kill, horizon) @ self.law
        return -np.log1p(-np.where(dead == 1, 1 - 1e-16, dead))

    def killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, Numbers]:
        """Return the same, and 0: its visits come as they come."""
        return self.exponent(kill, horizon), np.zeros(len(kill))

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return 0: its law is as it is."""
        del horizon
        return np.zeros(len(x))

    def atoms(self, horizon: float) -> Atoms:
        """Return a period throughout which as much fails."""
        return Atoms(visits=_throughout(self.rates, self.law, self.fails, horizon))

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        del horizon
        return False

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        return _never(self, horizon)


@lru_cache(maxsize=64)
def _never(chain: Whole, horizon: float) -> float:
    """Return - log P(D = 0) of a chain; a search asks again and again."""
    up = chain.fails == 0
    inside = np.where(up[:, None] & up, chain.rates, 0.0)
    lost = np.where(up, chain.rates[:, ~up].sum(axis=1), 0.0)
    dead = killed(inside, lost[None] + 0j, horizon)[0].real
    ever = float(np.where(up, dead, 1.0) @ chain.law)
    return -math.log1p(-ever) if ever < 1 else math.inf


def _throughout(
    rates: FloatArray, law: FloatArray, fails: FloatArray, horizon: float
) -> tuple[Atom, ...]:
    """Return periods throughout which the same share fails, of exponential times."""
    found, out = [], rates.sum(axis=1)
    for share in sorted(set(fails[(fails > 0) & (law * out > 0)].tolist())):
        here = (fails == share) & (law > 0)
        if out[here].min() * horizon > _GONE:
            continue
        within = rates[:, : len(law)][np.ix_(here, here)]
        lost = out[here] - within.sum(axis=1)
        left = float(law[here] @ (1 - killed(within, lost[None] + 0j, horizon)[0].real))
        cost = float(share) * horizon
        found.append(Atom(cost, partial(_lasting, left, cost)))
    return tuple(found)


def _lasting(often: float, cost: float, s: Numbers) -> Numbers:
    return np.asarray(often * np.exp(-s * cost))


class Pairs(NamedTuple):
    """Visits that begin after one another otherwise than by chance."""

    rates: FloatArray  # (n, n) how often, in 1/s, by where both begin; less by chance
    lasts: float  # for how long that holds, in s

    def within(self, horizon: float) -> FloatArray:
        """Return how many more begin both in a period."""
        x = horizon / self.lasts
        return self.rates * (horizon + self.lasts * math.expm1(-x))


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits to joint states that fail requests, at random moments."""

    moves: Moves  # of the n states of a visit; the last column leads out
    begins: FloatArray  # (n,) how often visits begin in each state, in 1/s
    entries: FloatArray  # (n,) how often each state is entered, in 1/s
    fails: FloatArray  # (n,) share of the requests that fails
    pairs: Pairs | None = None
    exact: bool = False

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float((self.entries * self.moves.means) @ self.fails)

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0): visits begun before, and within, the period."""
        law = float((self.entries * self.moves.means).sum())
        within = float(self.begins.sum() * horizon)
        if self.pairs is not None:
            within -= float(self.pairs.within(horizon).sum())
        return within - math.log1p(-min(law, 1 - 1e-16))

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return how many more visits cost more than x than the transform has, (x,).

        Of visits that end with the state in which they begin: of length L, those are
        begun in a time of T - 2 x + L.
        """
        total = np.zeros(len(x))
        for k, clock in self.moves.clocks.items():
            often, law = self.begins[k] * clock.goals[-1], law_of(clock.law)
            within = x < self.fails[k] * horizon
            if not often or law is None or not np.any(within):
                continue
            least = x[within] / self.fails[k]
            longer, begun = _smoothed(clock.law, (*least.tolist(),))
            others = np.exp(-self.moves.rates[k].sum() * least)
            known = self._counted((k,), horizon)  # but for those that are cut off
            more = 2 * begun if known else longer * (horizon - least) + begun
            total[within] += often * others * more
        return total

    def atoms(self, horizon: float) -> Atoms:
        """Return visits made up of constant times, pairs of them, and whole periods.

        `pairs` make single ones fewer.
        """
        ways = [
            way
            for k in np.flatnonzero(self.begins).tolist()
            for way in self._ways_of(k)
            if self._counted(way, horizon)
        ]
        both = np.zeros((len(self.fails), len(self.fails)))
        if self.pairs is not None:
            both = self.pairs.within(horizon)
        found = []
        for way in ways:
            smooth = partial(
                self._one, way, horizon, both[way[0]].sum() + both[:, way[0]].sum()
            )
            found.append(
                (way, Atom(float(self.fails[[*way]] @ self._lasts(way)), smooth))
            )
        twice = [
            Atom(
                one.cost + two.cost,
                partial(self._two, way, other, both[way[0], other[0]]),
            )
            for (way, one), (other, two) in product(found, repeat=2)
            if both[way[0], other[0]]
        ]
        law = self.entries * self.moves.means
        law[[*self.moves.clocks]] = 0.0
        whole = _throughout(self.moves.rates, law, self.fails, horizon)
        return Atoms(visits=(*(atom for _, atom in found), *twice, *whole))

    def _ways_of(
        self, k: int, before: tuple[int, ...] = ()
    ) -> Iterator[tuple[int, ...]]:
        """Yield how visits go on through states that last constant times."""
        clock = self.moves.clocks.get(k)
        if clock is None or len(before) == _STAGES or not is_constant(clock.law):
            return
        for j in np.flatnonzero(clock.goals).tolist():
            if j == len(self.fails):
                yield (*before, k)
            else:
                yield from self._ways_of(j, (*before, k))

    def _lasts(self, way: tuple[int, ...]) -> FloatArray:
        return np.array([float(mean_of(self.moves.clocks[k].law)) for k in way])

    def _counted(self, way: tuple[int, ...], horizon: float) -> bool:
        """Tell whether visits of constant times that go so are counted in a period."""
        constant = all(is_constant(self.moves.clocks[k].law) for k in way)
        return constant and float(self._lasts(way).sum()) * ends_of(1.0)[1] < horizon

    def _passes(self, way: tuple[int, ...], s: Numbers) -> tuple[Numbers, Numbers]:
        """Return the transform of a visit that goes so, and its derivative in time."""
        value, slope = np.ones_like(s), np.zeros_like(s)
        for k, to in zip(way, (*way[1:], len(self.fails)), strict=True):
            clock, out = self.moves.clocks[k], self.moves.rates[k].sum()
            each, change = transform(clock.law, out + s * self.fails[k])
            slope = clock.goals[to] * (slope * each + value * change)
            value = clock.goals[to] * value * each
        return value, slope

    def _one(
        self, way: tuple[int, ...], horizon: float, less: float, s: Numbers
    ) -> Numbers:
        value, slope = self._passes(way, s)
        return np.asarray(
            self.begins[way[0]] * (horizon * value + slope) - less * value
        )

    def _two(
        self, way: tuple[int, ...], other: tuple[int, ...], often: float, s: Numbers
    ) -> Numbers:
        return np.asarray(often * self._passes(way, s)[0] * self._passes(other, s)[0])

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of survival: of visits begun before, and within, the period."""
        return self.killed(kill, horizon)[0]

    def killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, Numbers]:
        """Return the same, and the chance that one visit is killed, (k,).

        Of visits begun before there is one at most; of the others pairs count, as far
        as they are more or fewer than by chance.
        """
        before, within, each = self._killed(kill, horizon)
        if self.pairs is not None:
            pairs = self.pairs.within(horizon) @ each
            within = within - np.einsum("nk,nk->k", each, pairs)
        one = self.begins @ each / self.begins.sum()
        return np.asarray(within - np.log1p(-before)), one

    def _killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, ...]:
        """Return how many visits begun before, and within, a period are killed.

        The third answer is the chance that a visit is, whenever it ends: (n, k).
        """
        if self.moves.is_markov:
            return self._of_exponentials(kill, horizon)
        if self.is_short(horizon):
            before, within = over_time(self._over_horizons, kill, horizon)
            return before, within, self._killed_each(kill)
        return self._without_ends(kill, horizon)

    def killed_per_second(self, kill: Numbers) -> Numbers:
        """Return how often, in 1/s, visits begin that are killed before they end."""
        return np.asarray(self.begins @ self._killed_each(kill))

    def _killed_each(self, kill: Numbers) -> Numbers:
        """Return the chance that a visit is killed, by where it begins, (n, k)."""
        if self.moves.is_markov:
            return self._exponential(kill, kill).T
        move, ring, _, _ = self.moves.kernel(kill.T)
        return self._within(self._ways(move, ring), self._lost(move, ring))

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        long = _LONGER if self.moves.is_markov else _LONG
        return horizon < long * self._longest

    @cached_property
    def _longest(self) -> float:
        """Return the mean length of a visit from its slowest state, in s."""
        inner = np.eye(len(self.fails)) - self._inner
        return float(np.linalg.solve(inner, self.moves.means).max())

    def _of_exponentials(self, kill: Numbers, horizon: float) -> tuple[Numbers, ...]:
        n = len(self.fails)
        ends = v = self._exponential(kill, kill)
        if horizon < _LONGER * self._longest:
            closed = np.vstack([self.moves.rates, np.zeros(n + 1)])
            ends = killed(closed, np.pad(kill, ((0, 0), (0, 1))), horizon)[:, :n]
        law = self.entries * self.moves.means
        late = self._exponential(kill, ends)
        return ends @ law, (horizon * v - late) @ self.begins, v.T

    def _exponential(self, kill: Numbers, right: Numbers) -> Numbers:
        """Return the solution of (out + kill - rates) v = right, row by row."""
        out = self.moves.rates.sum(axis=1) + kill
        move, right = (1 / out).T, (right / out).T
        return self._within(self._ways(move, np.zeros_like(move)), right).T

    def _without_ends(self, kill: Numbers, horizon: float) -> tuple[Numbers, ...]:
        """Return it for a period so long that it is a line in the horizon."""
        z = kill.T
        move, ring, *slopes = self.moves.kernel(z)
        dead, (out, to) = self._lost(move, ring), self._beyond
        way = self._ways(move, ring)
        v = self._within(way, dead)
        ended, rung = self._onward(v)
        rest = slopes[0] * (out - ended) + slopes[1] * (to - rung) + dead / z
        late = self._within(way, rest)
        onward = self._inner @ v - move * ended - ring * rung
        going = self.moves.means[:, None] + (onward - dead) / z
        return self.entries @ going, self.begins @ (horizon * v - late), v

    def _over_horizons(self, alpha: Numbers, kill: Numbers) -> Numbers:
        """Return the transforms of both in the horizon, at pairs of points, (2, k)."""
        z = kill.T + alpha
        move, ring, _, _ = self.moves.kernel(z)
        dead, share = self._lost(move, ring), kill.T / (z * alpha)
        d = self._within(self._ways(move, ring), dead * share)
        ended, rung = self._onward(d)
        onward = (self._inner @ d - move * ended - ring * rung) / z
        going = (self.moves.means[:, None] - dead / z) * share + onward
        return np.stack([self.entries @ going, self.begins @ d / alpha])

    def _lost(self, move: Numbers, ring: Numbers) -> Numbers:
        """Return what the transforms of all moves from a state lack."""
        out, to = self._beyond
        return 1 - move * out - ring * to

    def _ways(self, move: Numbers, ring: Numbers) -> dict[tuple[int, int], Numbers]:
        """Return the transforms of the moves within a visit, by state and next, (k,).

        States are put into those before them, one by one; numbers of a state lie side
        by side, which is quicker than one small system for each of k.  A state's own
        entry is how often it is seen for each time that it is come to.
        """
        rates, goals = self._onto
        i, j = np.nonzero(self._inner)
        moves = move[i] * rates[i, j, None] + ring[i] * goals[i, j, None]
        way = dict(zip(zip(i.tolist(), j.tolist(), strict=True), moves, strict=True))
        for k, before, after in self._plan:
            if (k, k) in way:
                way[k, k] = again = 1 / (1 - way[k, k])
                way |= {(k, j): way[k, j] * again for j in after}
            for here, to in product(before, after):
                onward = way[here, k] * way[k, to]
                way[here, to] = way.get((here, to), 0.0) + onward
        return way

    def _within(self, way: dict[tuple[int, int], Numbers], right: Numbers) -> Numbers:
        """Return v = right + (transforms of the moves within a visit) v, (n, k)."""
        found = [*right]
        for k, before, _ in self._plan:
            if (k, k) in way:
                found[k] = found[k] * way[k, k]
            for i in before:
                found[i] = found[i] + way[i, k] * found[k]
        for k, _, after in reversed(self._plan):
            found[k] = sum((way[k, j] * found[j] for j in after), start=found[k])
        return np.stack(found)

    def _onward(self, values: Numbers) -> tuple[Numbers, Numbers]:
        """Return values of the next states, weighted by the rates and by the goals."""
        rates, goals = self._onto
        return rates @ values, goals @ values

    @cached_property
    def _onto(self) -> tuple[FloatArray, FloatArray]:
        """Return rates and goals within a visit, as blocks: views multiply slowly."""
        n, moves = len(self.fails), self.moves
        return moves.rates[:, :n].copy(), moves.goals[:, :n].copy()

    @cached_property
    def _plan(self) -> Plan:
        return _plan((self._inner > 0).tobytes(), len(self.fails))

    @cached_property
    def _inner(self) -> FloatArray:
        """Return the probabilities of the next state within a visit."""
        return self.moves.jumps[:, : len(self.fails)].copy()

    @cached_property
    def _beyond(self) -> tuple[FloatArray, FloatArray]:
        """Return the sums over all moves: of the rates, and of the goals, (n, 1)."""
        sums = self.moves.rates, self.moves.goals
        rates, goals = (each.sum(axis=1, keepdims=True) for each in sums)
        return rates, goals


@lru_cache(maxsize=256)
def _plan(leads: bytes, n: int) -> Plan:
    """Return an order of n states, and which of those left are beside each.

    It hangs on which leads to which only: parameters that move ask for it once.
    """
    beside = np.frombuffer(leads, bool).reshape(n, n) & ~np.eye(n, dtype=bool)
    left, plan = np.ones(n, bool), []
    for _ in range(n):
        fill = np.where(left, beside.sum(axis=0) * beside.sum(axis=1), n * n)
        k = int(np.argmin(fill))
        before, after = np.flatnonzero(beside[:, k]), np.flatnonzero(beside[k])
        beside[np.ix_(before, after)] = True
        left[k] = beside[k] = beside[:, k] = False
        np.fill_diagonal(beside, val=False)
        plan.append((k, before.tolist(), after.tolist()))
    return tuple(plan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calendar:
    """Work that comes by the calendar: in each cycle, for so long at such times.

    Assumption: that a random stage is longer or shorter delays nothing else.
    """

    cycle: float  # in s
    starts: FloatArray  # (n,) of the stages that fail requests, in s
    lengths: FloatArray  # (n,) in s, of random ones the mean
    fails: FloatArray  # (n,) share of the requests
    laws: tuple[Quantity | None, ...]  # of the random ones
    exact: bool = True

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float(self.fails @ self.lengths / self.cycle)

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0)."""
        shares, whole, ends = self._pieces(horizon)
        none = (whole == 0).all(axis=1) & (ends == 0).all(axis=(0, 2))
        low = float(shares[none].sum())
        return -math.log(low) if low > 0 else math.inf

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return 0: its law is as it is."""
        del horizon
        return np.zeros(len(x))

    def is_short(self, horizon: float) -> bool:
        """Tell whether each point of the transform takes long."""
        del horizon
        return False

    def atoms(self, horizon: float) -> Atoms:
        """Return what it adds where that does not hang on when the period begins."""
        shares, whole, (first, last) = self._pieces(horizon)
        flat = (whole == 0).all(axis=1) & (first == last).all(axis=1)
        costs = (first[flat] @ self.fails).tolist()
        return Atoms(tuple(zip(costs, shares[flat].tolist(), strict=True)))

    def exponent(self, kill: Numbers, horizon: float) -> Numbers:
        """Return - log of survival: by piece uniform between two ends."""
        shares, whole, ends = self._pieces(horizon)
        sure: Numbers = np.zeros(1)
        for k, law in enumerate(self.laws):
            if law is not None:
                each = transform(law, kill[:, k, None])[0]
                each = np.log(np.where(np.abs(each) > _TINY, each, _TINY))
                sure = sure - each * whole[:, k]
        first, last = (sure + kill @ end.T for end in ends)
        span = np.where(last.real < first.real, first - last, last - first)
        first = np.where(last.real < first.real, last, first)
        near = np.abs(span) < 1e-9
        even = np.where(near, 1.0, -np.expm1(-span) / np.where(near, 1.0, span))
        least = first.real.min(axis=1)
        alive = (np.exp(least[:, None] - first) * even) @ shares
        return np.asarray(least - np.log(alive))

    def killed(self, kill: Numbers, horizon: float) -> tuple[Numbers, Numbers]:
        """Return the same, and 0: its visits come as they come."""
        return self.exponent(kill, horizon), np.zeros(len(kill))

    def above(self, x: float, burn: float) -> float:
        """Return how often, in 1/s, a run of stages that fail more costs more than x.

        Of several random stages in a run the first is as its law says.
        """
        often, sure, law, share = 0.0, 0.0, None, 1.0
        for k, fails in enumerate(self.fails):
            if fails <= burn:
                continue
            if self.laws[k] is None or law is not None:
                sure += fails * self.lengths[k]
            else:
                law, share = self.laws[k], fails
            ends = self.starts[k] + self.lengths[k]
            joined = k + 1 < len(self.fails) and self.fails[k + 1] > burn
            if joined and math.isclose(ends, self.starts[k + 1]):
                continue
            lasts = (
                law_of(law) or exponential(mean_of(law)) if law is not None else None
            )
            rest = (x - sure) / share
            often += float(lasts.sf(rest)) if lasts else float(rest < 0)
            sure, law, share = 0.0, None, 1.0
        return often / self.cycle

    def _pieces(self, horizon: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return how likely it begins in which piece of the cycle, and what that costs.

        That is how many random stages of each kind are whole, (pieces, n), and for how
        long all others last where a piece begins and where it ends, (2, pieces, n): in
        between that is a line.
        """
        return _pieces(self, horizon)


@lru_cache(maxsize=64)
def _pieces(
    work: Calendar, horizon: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    random = np.array([law is not None for law in work.laws])
    slices = (np.arange(_SLICES) + 0.5) / _SLICES if random.any() else np.ones(1)
    lengths = np.tile(work.lengths, (len(slices), 1))
    for k in np.flatnonzero(random):
        law = law_of(work.laws[k]) or exponential(work.lengths[k])
        lengths[:, k] = np.asarray(law.quantile(slices))
        lengths[:, k] *= work.lengths[k] / lengths[:, k].mean()
    begins = np.tile(work.starts, (len(slices), 1))
    edges = np.concatenate([begins, begins + lengths], axis=1)
    edges = np.concatenate([edges, edges - horizon], axis=1) % work.cycle
    edges = np.sort(np.pad(edges, ((0, 0), (1, 1)), constant_values=(0, work.cycle)), 1)

    def since(t: FloatArray) -> FloatArray:
        """Return how long each stage lasted from the start of a cycle to a time."""
        cycles, rest = np.divmod(t[..., None], work.cycle)
        here = np.clip(rest - work.starts, 0.0, lengths[:, None])
        return np.asarray(cycles * lengths[:, None] + here)

    lasts = since(edges + horizon) - since(edges)
    ends = np.stack([lasts[:, :-1], lasts[:, 1:]]).reshape(2, -1, len(work.starts))
    shares = np.diff(edges, axis=1).ravel() / (work.cycle * len(slices))
    own = np.repeat(lengths, edges.shape[1] - 1, axis=0)
    whole = np.floor(ends.min(axis=0) / own + 1e-9) * random
    ends = np.maximum(ends - whole * own, 0.0)
    ends[ends < 1e-9 * own] = 0.0
    kept = shares > 0
    rows = np.concatenate([whole, *ends], axis=1)[kept]
    rows, back = np.unique(np.round(rows, 9), axis=0, return_inverse=True)
    whole, first, last = np.split(rows, 3, axis=1)
    each: FloatArray = np.bincount(back.ravel(), weights=shares[kept]).astype(float)
    return each, whole, np.stack([first, last])


@lru_cache(maxsize=64)
def _smoothed(time: Quantity, least: tuple[float, ...]) -> FloatArray:
    """Return what a transform takes off the tail of a law, and off its excess, (2, x).

    Streams whose visits last alike ask for the same.
    """
    law, mean = law_of(time), float(mean_of(time))
    assert law is not None

    def both(s: Numbers) -> Numbers:
        lasts = (1 - transform(time, s)[0]) / s
        return np.stack([lasts, (mean - lasts) / s])

    x, (low, high) = np.array(least), ends_of(time)
    early, near = x < low, (x >= low) & (x <= high)
    smooth = np.stack([early, early * (mean - x)])
    if np.any(near):
        smooth[:, near] = tails(both, x[near], _MOST)
    return np.array([law.law.sf(x), law.law.excess(x)]) - smooth
