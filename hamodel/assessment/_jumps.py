"""Downtimes of one length: a law that jumps, known where its transform is smooth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Atom, Stream
from hamodel.assessment._laws import NARROW

_RATHER, _UNLIKELY = 1e-6, 1e-9  # chances that are looked at first, and at all
_NEARBY, _APART = 1.3, 0.25  # sums of visits, and the calendar's, as shares of x
_SPREAD = 6.0  # standard deviations by which a smoothed jump is wide
_KINDS, _SUMS = 6, 400  # of constant costs that are looked at
_SLIGHT = 1e-5  # of all sums that are near: what may be left to the transform
_FEWER = 0.5  # pairs of them fewer than by chance: of more none is told
_FAINT = 1e-3  # of all sums: the likeliest is a jump that is not seen
_CROWD = 400.0  # visits of one cost, whose number is a jump of no more than 2 %


def _added(
    sure: Mapping[float, float], more: Iterable[tuple[float, float]]
) -> dict[float, float]:
    found = defaultdict[float, float](float)
    for cost, p in sure.items():
        for other, q in more:
            found[cost + other] += p * q
    return found


class Sums(NamedTuple):
    """Downtimes of constant costs alone, and how likely each is."""

    costs: FloatArray  # (m,)
    likely: FloatArray  # (m,)
    # (m, 1 + kinds) which of the calendar's, and how many visits, the last kind first
    counts: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Jumps:
    """What is constant of a downtime: work by the calendar, and visits of one cost."""

    fixed: tuple[tuple[Stream, int], ...]  # streams of the calendar
    sure: FloatArray  # (j, 2) downtimes of the calendar, and how likely each is
    costs: FloatArray  # (n,)
    often: FloatArray  # (n,) visits of a period
    kinds: tuple[tuple[tuple[int, Atom], ...], ...]  # the same, with their numbers

    def near(self, x: float) -> Sums:
        """Return the sums whose jump the transform would smooth over x."""
        found = self._likelier(_RATHER, x)
        if len(found.costs) < _SUMS:
            found = self._likelier(_UNLIKELY, x)
        left = np.cumsum(np.abs(found.likely)[::-1])[::-1]
        kept = np.flatnonzero(left[:_SUMS] > _SLIGHT * left[:1])
        return Sums(found.costs[kept], found.likely[kept], found.counts[kept])

    def _likelier(self, least: float, x: float) -> Sums:
        """Return the near sums that are likelier than so, the likeliest first."""
        many = np.abs(self.often)
        most = np.minimum(_NEARBY * x / self.costs + 2, many + 8 * many**0.5 + 12)
        total, p = self.sure.T
        spread, counts = np.zeros(len(p)), np.arange(len(p))[:, None]
        # kind by kind, the commonest last: of that only what leads to x
        for k in range(len(self.costs))[::-1]:
            cost, ways = self.costs[k], _poisson(float(self.often[k]), int(most[k]))
            n = np.flatnonzero(np.abs(ways) > least)
            if not len(n):
                none = np.zeros((0, 1 + len(self.costs)), int)
                return Sums(np.zeros(0), np.zeros(0), none)
            wide = _SPREAD * (spread + n[-1] * cost**2 / NARROW) ** 0.5
            wide = np.maximum(wide, _APART * x)
            first = n[0] if k else np.maximum((x - total - wide) // cost, n[0])
            last = np.minimum((x - total + wide) // cost, n[-1])
            much = np.maximum(last - first + 1, 0).astype(int)
            row = np.repeat(np.arange(len(p)), much)
            begins = np.repeat(first - np.cumsum(much) + much, much)
            more = (begins + np.arange(len(row))).astype(int)
            kept = np.abs(p[row] * ways[more]) > least
            row, more = row[kept], more[kept]
            counts = np.column_stack([counts[row], more])
            total, p = total[row] + more * cost, p[row] * ways[more]
            spread = spread[row] + more * cost**2 / NARROW
        alone = (total > 0) & (spread == 0)
        near = np.abs(total - x) < np.where(alone, _APART * x, _SPREAD * spread**0.5)
        chosen = np.flatnonzero(near)
        chosen = chosen[np.argsort(-np.abs(p[chosen]))]
        return Sums(total[chosen], p[chosen], counts[chosen])

    def rest(self, s: Numbers, total: Numbers, horizon: float) -> Numbers:
        """Return the exponent of all that is not constant."""
        for stream, count in self.fixed:
            total = total - count * stream.exponent(s[:, None] * stream.fails, horizon)
        for often, smooth in zip(self.often, self._smooth(s), strict=True):
            total = total - (often - smooth)
        return total

    def smoothed(self, s: Numbers, rest: Numbers, near: Sums) -> Numbers:
        """Return what the transform has of sums that are near: times s, (k,)."""
        which, *counts = near.counts.T
        first, p = self.sure.T
        ways = (p[:, None] * np.exp(-np.multiply.outer(first, s)))[which]
        for n, often, come in zip(
            counts[::-1], self.often, self._smooth(s), strict=True
        ):
            steps = come / np.arange(1, n.max() + 1)[:, None]
            none = math.exp(-often) * np.ones_like(s)
            ways = ways * np.cumprod([none, *steps], axis=0)[n]
        return np.asarray(near.likely.sum() - np.exp(-rest) * ways.sum(axis=0))

    def _smooth(self, s: Numbers) -> list[Numbers]:
        return [
            np.asarray(sum(count * atom.smooth(s) for count, atom in kind))
            for kind in self.kinds
        ]


def _poisson(mean: float, most: int) -> FloatArray:
    """Return how likely each number is, up to the most; a mean may be negative."""
    steps = np.append(1.0, mean / np.arange(1, most + 1))
    found: FloatArray = math.exp(-mean) * np.cumprod(steps)
    return found


def jumps_of(streams: Sequence[tuple[Stream, int]], horizon: float) -> Jumps:
    """Return what is constant of a downtime."""
    sure, fixed = {0.0: 1.0}, []
    alike: dict[str, list[tuple[int, Atom]]] = defaultdict(list)
    for stream, count in streams:
        atoms = stream.atoms(horizon)
        if atoms.sure:
            fixed.append((stream, count))
            for _ in range(count):
                sure = _added(sure, atoms.sure)
        for atom in atoms.visits:
            alike[f"{atom.cost:.9g}"].append((count, atom))
    found = []
    for kind in alike.values():
        often = [count * atom.smooth(np.zeros(1))[0] for count, atom in kind]
        found.append((float(sum(often)), tuple(kind)))
    seen = (-_FEWER, -_UNLIKELY), (_UNLIKELY, _CROWD)
    found = [e for e in found if any(low < e[0] < high for low, high in seen)]
    found = sorted(found, key=lambda each: -abs(each[0]))[:_KINDS]
    while math.prod(1 + 2 * math.pi * abs(each) for each, _ in found) > _FAINT**-2:
        del found[0]
    likely = [each for each in sure.items() if each[1] > _UNLIKELY]
    return Jumps(
        fixed=tuple(fixed),
        sure=np.array(likely).reshape(-1, 2),
        costs=np.array([kind[0][1].cost for _, kind in found]),
        often=np.array([often for often, _ in found]),
        kinds=tuple(kind for _, kind in found),
    )
