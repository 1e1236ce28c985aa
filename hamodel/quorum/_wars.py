"""The race between a write, its acknowledgements, a read and its answers.

Given who commits the write, at c, and which answers are used, all that the rest of the
race needs of c is x, when the read starts: a table over x, made once, holds the chance
that reads arrive before their writes and answer first.  So the probability at any time
after the commit is one integral over c.  Moments that are equal come in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import TypeAlias

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray
from hamodel.duration import Duration
from hamodel.quorum._availability import Quorum
from hamodel.quorum._cuts import (
    MOST,
    Nodes,
    Plain,
    Sum,
    Table,
    after,
    cut,
    differences,
    fitted,
    inside,
    joined,
    ranked,
    spread,
    sums,
)
from hamodel.quorum._latency import NoQuorumError

# A replica's part in the race: got the write and answers, got it only, answers only.
_BOTH, _WRITTEN, _READ, _NEITHER = range(4)
_Member: TypeAlias = tuple[int, int]  # kind of delays, part in the race
_Group: TypeAlias = tuple[_Member, ...]
_Counts: TypeAlias = tuple[tuple[int, int], ...]  # kinds, and how many of each
_Roles: TypeAlias = tuple[_Member, _Group, _Group]  # commits, earlier, answers used


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


class _Kind:
    """The laws of the delays of one kind of replica."""

    def __init__(self, delays: Delays) -> None:
        self.write, self.read = Plain(delays.write), Plain(delays.read)
        self.back = Plain(delays.response)
        self.commit = Sum(self.write, Plain(delays.ack))
        self.answer = Sum(self.read, self.back)

    def behind(self, arrives: FloatArray) -> FloatArray:
        """Return P(the write comes after a read that arrives then)."""
        return self.write.sf(after(arrives))


class Race:
    """The probability of a stale read, for one set of delays and quorums."""

    def __init__(
        self, each: Sequence[Delays], quorum: Quorum, missed: float, down: float
    ) -> None:
        self.quorum = quorum
        kinds = list({id(d): d for d in each}.values())
        self.kind = [kinds.index(d) for d in each]
        self.cases = self._cases(missed, down)
        self.kinds = [_Kind(d) for d in kinds]
        self._tables: dict[tuple[_Group, _Counts], Table] = {}
        self._first: dict[tuple[int, _Counts], tuple[Table | None, FloatArray]] = {}
        self._late: dict[tuple[bytes, int, int], FloatArray] = {}
        self._edges = [kind.read.edges for kind in self.kinds]
        self._shares: dict[tuple[int, bytes, bytes], FloatArray] = {}

    def stale(self, t: float) -> float:
        """Return P(stale) for a read that starts t after the commit."""
        found = sum(p * self._case(case, t) for case, p in self.cases.items())
        return max(0.0, float(found))  # in rounding, -1e-32

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

    def _case(self, case: _Group, t: float) -> float:
        """Sum over who commits, who was earlier, and whose answers are used."""
        total = 0.0
        for (first, early, used), ways in self._roles(case).items():
            rest = Counter(case) - Counter(used)
            waiting: Counter[int] = Counter()
            for (kind, part), number in rest.items():
                waiting[kind] += number * (part in (_BOTH, _READ))
            table = self._table(used, tuple(sorted((+waiting).items())))
            # late without being used: only that it is late matters
            late = rest - Counter([first, *early])
            total += ways * self._over_commits(first[0], early, late, table, t)
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
        self, first: int, early: _Group, late: Counter[_Member], table: Table, t: float
    ) -> float:
        """Integrate over the moment of the commit."""
        bends = [kind.commit.edges for kind in self.kinds]
        starts = table.edges - t if np.isfinite(t) else table.edges[:0]
        at = spread(
            self.kinds[first].commit, cut(*bends, starts[starts > 0]), ranks=True
        )
        value = at.weights * table(after(at.times + t))
        for kind, _ in early:
            value = value * ranked(self.kinds[kind].commit.cdf, at)
        for (kind, part), number in late.items():
            if part in (_BOTH, _WRITTEN):
                value = value * ranked(self.kinds[kind].commit.sf, at) ** number
        return float(value.sum())

    # ---- from the start of the read on ---------------------------------------------

    def _table(self, used: _Group, waiting: _Counts) -> Table:
        """Return P(all used answers are stale and come first) by the read's start."""
        key = used, waiting
        if key not in self._tables:
            ask = self._fastest if len(used) == 1 and waiting else self._all_first

            def of(starts: FloatArray) -> FloatArray:
                return np.array([ask(row, used, waiting) for row in starts])

            always = all(part == _READ for _, part in used)
            edges = np.array([0.0, 1.0]) if always else self._starts(used)
            beyond = float(ask(np.ones(1), used, waiting)[0]) if always else 0.0
            self._tables[key] = Table(edges, of, beyond)
        return self._tables[key]

    def _starts(self, used: _Group) -> FloatArray:
        """Return where the table may bend: differences of knots."""
        found = [np.zeros(1)]
        for mine in (self.kinds[kind] for kind, part in used if part != _READ):
            found += [
                differences(mine.write.knots, mine.read.knots),
                differences(mine.write.edges, mine.read.knots[:1]),
            ]
            if mine.read.bends:
                for other in self.kinds:
                    ahead = differences(other.answer.knots, mine.back.knots)
                    found.append(differences(mine.write.knots, ahead))
        found += [np.ones(1)] * (not any(map(len, found[1:])))  # never behind
        return cut(*found)

    def _fastest(self, x: FloatArray, used: _Group, waiting: _Counts) -> FloatArray:
        """Return it for one used answer: the fastest of all, and stale."""
        ((mine, part),) = used
        kind = self.kinds[mine]
        table, jumps = self._ahead(mine, waiting)
        bends = kind.write.edges - x[:, None]
        if table is not None:
            more = np.broadcast_to(table.edges, (len(x), len(table.edges)))
            bends = np.concatenate([bends, more], axis=1)
        at = spread(kind.read, bends)
        behind = 1.0 if part == _READ else kind.behind(x[:, None] + at.times)
        value = at.weights * behind
        smooth = value.shape[1] - len(jumps)
        total = value[:, smooth:] @ jumps
        if table is not None:
            total += (value[:, :smooth] * table(at.times[:, :smooth])).sum(axis=1)
        return np.asarray(total)

    def _ahead(self, mine: int, waiting: _Counts) -> tuple[Table | None, FloatArray]:
        """Return P(the first answer, of a read that took r), by r; and at its jumps."""
        key = mine, waiting
        if key not in self._first:
            kind = self.kinds[mine]
            others = [self.kinds[k].answer for k, _ in waiting]
            bends = cut(*(law.edges for law in others))

            def of(reads: FloatArray) -> FloatArray:
                cuts = bends - reads[..., None]
                back, weights, rank = spread(kind.back, cuts, ranks=True)
                at = Nodes(reads[..., None] + back, weights, rank)
                return np.asarray((weights * self._slower(waiting, at)).sum(axis=-1))

            edges = [kind.read.edges]
            edges += [differences(law.knots, kind.back.knots) for law in others]
            table = Table(cut(*edges), of) if kind.read.bends else None
            self._first[key] = table, of(kind.read.atoms)
        return self._first[key]

    def _slower(self, waiting: _Counts, at: Nodes) -> FloatArray:
        """Return P(none of those that wait has answered)."""
        value = np.ones_like(at.times)
        for other, count in waiting:
            value = value * ranked(self.kinds[other].answer.sf, at) ** count
        return value

    def _all_first(self, x: FloatArray, used: _Group, waiting: _Counts) -> FloatArray:
        """Return it for several used answers, over the first that is not used."""
        if not waiting:
            late = (self._behind(x, mine) for mine, part in used if part != _READ)
            return prod(late, start=np.ones(len(x)))
        if len(x) > 1 and self._bends(x, used):
            return np.concatenate(
                [self._all_first(one, used, waiting) for one in x[:, None]]
            )
        total = np.zeros(len(x))
        for kind, number in waiting:
            at = self._answers(x, kind)
            fewer = tuple((k, n - (k == kind)) for k, n in waiting)
            alone = number * at.weights * self._slower(fewer, at)
            value = np.broadcast_to(alone, (len(x), len(alone)))
            for mine, part in used:
                if part == _READ:
                    value = value * ranked(self.kinds[mine].answer.cdf, at)
                else:
                    value = value * self._answered(x, mine, kind)
            total += value.sum(axis=1)
        return total

    def _bends(self, x: FloatArray, used: _Group) -> bool:
        """Whether a write may jump or bend while reads that start then are sent."""
        kinds = (self.kinds[mine] for mine, part in used if part != _READ)
        return any(inside(k.write.knots - x[:, None], k.read).size for k in kinds)

    def _answers(self, x: FloatArray, kind: int) -> Nodes:
        """Return moments of the first answer that is not used."""
        law = self.kinds[kind].answer
        bends = [other.answer.edges for other in self.kinds]
        for other in self.kinds:
            late = inside(other.write.knots - x[:, None], other.read)
            bends.append(sums(late, other.back.knots))
        return spread(law, cut(*bends), ranks=True)

    def _behind(self, x: FloatArray, mine: int) -> FloatArray:
        """Return P(a read that starts at x arrives before the write)."""
        kind = self.kinds[mine]
        at = spread(kind.read, kind.write.edges - x[:, None])
        return np.asarray((at.weights * kind.behind(x[:, None] + at.times)).sum(axis=1))

    def _answered(self, x: FloatArray, mine: int, other: int) -> FloatArray:
        """Return P(the read arrives before the write, is answered before another)."""
        key = x.tobytes(), mine, other
        if key not in self._late:
            of = self._one_by_one if len(x) == 1 else self._together
            at = self._answers(x, other)
            self._late[key] = ranked(lambda late: of(x, mine, late), at).T
        return self._late[key]

    def _one_by_one(self, x: FloatArray, mine: int, late: FloatArray) -> FloatArray:
        """Return it for one start, whose panels end where its own write bends."""
        kind = self.kinds[mine]
        edges = cut(kind.read.edges, inside(kind.write.edges - x[:, None], kind.read))
        pieces = joined(kind.read, kind.back, late, edges)
        return pieces.total(kind.back.cdf, lambda at: kind.behind(x + at))[:, None]

    def _together(self, x: FloatArray, mine: int, late: FloatArray) -> FloatArray:
        """Return it for starts between which no write bends, by shared panels."""
        kind = self.kinds[mine]
        edges, values = self._panels(x, mine)
        key = mine, late.tobytes(), edges.tobytes()
        if key not in self._shares:
            pieces = joined(kind.read, kind.back, late, edges)
            self._shares[key] = pieces.shares(kind.back.cdf).reshape(len(late), -1)
        found = self._shares[key] @ values
        left = late[:, None] - kind.read.atoms
        back = np.where(left >= 0, kind.back.cdf(np.maximum(left, 0)), 0)
        jumps = kind.behind(kind.read.atoms[:, None] + x)
        return found + (back * kind.read.masses) @ jumps

    def _panels(self, x: FloatArray, mine: int) -> tuple[FloatArray, FloatArray]:
        """Return panels of reads that tell late writes, and those at their points.

        Panels once halved stay so: fewer sets of them are ever used.
        """
        kind = self.kinds[mine]
        while True:
            edges = self._edges[mine]
            values, good = fitted(
                lambda at: kind.behind(at[..., None] + x), edges[:-1], edges[1:]
            )
            if good.all() or len(edges) > MOST:
                return edges, values.reshape(-1, len(x))
            middle = (edges[:-1] + edges[1:]) / 2
            self._edges[mine] = cut(edges, middle[~good])
