"""What adds downtime: visits at random moments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import product

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Atom, Atoms
from hamodel.assessment._following import Pairs, beside
from hamodel.assessment._inversion import killed, over_time
from hamodel.assessment._laws import ends_of, is_constant, law_of, smoothed, transform
from hamodel.assessment._visits import Moves
from hamodel.assessment._whole import lasting, throughout

Plan = tuple[tuple[int, list[int], list[int]], ...]
Ends = tuple[Numbers, Numbers]

_LONG = 10.0  # mean visits that make up a period without ends
_LONGER = 40.0  # the same where the ends are known exactly
_STAGES = 3  # of a visit made up of constant times


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits to joint states that fail requests, at random moments."""

    moves: Moves  # of the n states of a visit; the last column leads out
    begins: FloatArray  # (n,) how often visits begin in each state, in 1/s
    entries: FloatArray  # (n,) how often each state is entered, in 1/s
    fails: FloatArray  # (n,) share of the requests that fails
    pairs: Pairs | None = None

    @property
    def mean(self) -> float:
        """Long-run share of the requests that it fails."""
        return float((self.entries * self.moves.means) @ self.fails)

    def never(self, horizon: float) -> float:
        """Return - log P(D = 0): visits begun before, and within, the period."""
        law = float((self.entries * self.moves.means).sum())
        within = float(self.begins.sum() * horizon)
        if self.pairs is not None:
            within -= float(self._beside(horizon).sum())
        return within - math.log1p(-min(law, 1 - 1e-16))

    def _beside(self, horizon: float) -> FloatArray:
        return beside(self.pairs, tuple(self.begins.tolist()), horizon)

    def unsure(self, horizon: float) -> float:
        """Return an estimate of what visits do that follow more than one other.

        It is relative, of a rate: the share of visits that come with another, times the
        chance, about, that one comes beside these.
        """
        together = float(np.maximum(self._beside(horizon), 0.0).sum())
        return 2 * together / (1 + float(self.begins.sum()) * horizon) ** 2

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
            longer, begun = smoothed(clock.law, (*least.tolist(),))
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
        both = self._beside(horizon)
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
        whole = throughout(self.moves.rates, law, self.fails, horizon)
        if self.is_short(horizon):
            costs, lasts = self.fails * horizon, _outlasting(self, horizon)
            whole += tuple(
                Atom(
                    float(costs[k]), partial(lasting, float(lasts[k]), float(costs[k]))
                )
                for k in self.moves.clocks
                if costs[k]
            )
        return Atoms(visits=(*(atom for _, atom in found), *twice, *whole))

    def each_second(self) -> tuple[Atom, ...]:
        """Return visits made up of constant times, as many as begin in a second."""
        ways = (
            w for k in np.flatnonzero(self.begins).tolist() for w in self._ways_of(k)
        )
        return tuple(
            Atom(float(self.fails[[*way]] @ self._lasts(way)), partial(self._once, way))
            for way in ways
        )

    def _once(self, way: tuple[int, ...], s: Numbers) -> Numbers:
        return np.asarray(self.begins[way[0]] * self._passes(way, s)[0])

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

    def _passes(self, way: tuple[int, ...], s: Numbers) -> Ends:
        """Return the transform of a visit that goes so, and its derivative in time.

        Single visits, and pairs of them, ask for the same at the same points.
        """
        points, known = self._asked[0]
        if points is not s:
            known = {}
            self._asked[0] = s, known
        if way not in known:
            known[way] = self._passing(way, s)
        return known[way]

    @cached_property
    def _asked(self) -> list[tuple[Numbers, dict[tuple[int, ...], Ends]]]:
        """Return the points that were asked for last, and what was found at them."""
        return [(np.zeros(0), {})]

    def _passing(self, way: tuple[int, ...], s: Numbers) -> Ends:
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
            pairs = self._beside(horizon) @ each
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
            through = np.exp(-kill * horizon) @ _outlasting(self, horizon)
            return before - through, within, self._killed_each(kill)
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
        """Return the transforms of both in the horizon, at pairs of points, (2, k).

        Of visits begun before without those that stay where they are throughout: the
        longer the horizon the more their transform turns round.
        """
        z = kill.T + alpha
        move, ring, _, _ = self.moves.kernel(z)
        dead, share = self._lost(move, ring), kill.T / (z * alpha)
        d = self._within(self._ways(move, ring), dead * share)
        ended, rung = self._onward(d)
        onward = (self._inner @ d - move * ended - ring * rung) / z
        means = self.moves.means[:, None]
        going = (means - dead / z) * share + onward + (means - move) / z
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


@lru_cache(maxsize=64)
def _outlasting(visits: Visits, horizon: float) -> FloatArray:
    """Return how likely each state is one that a whole period is spent in, (n,)."""
    moves = visits.moves

    def transform(alpha: Numbers, kill: Numbers) -> Numbers:
        z = alpha + kill.T
        return np.asarray((moves.means[:, None] - moves.kernel(z)[0]) / z)

    none = np.zeros((1, len(visits.fails)), complex)
    lasts: FloatArray = over_time(transform, none, horizon)[:, 0].real
    return visits.entries * lasts


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
