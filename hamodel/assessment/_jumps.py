"""Downtimes of one length: a law that jumps, known where its transform is smooth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Atom, Stream
from hamodel.assessment._laws import NARROW

_UNLIKELY = 1e-9  # a chance that is not looked at
_NEARBY, _APART = 1.3, 0.25  # sums of visits, and the calendar's, as shares of x
_SPREAD = 6.0  # standard deviations by which a smoothed jump is wide
_KINDS, _SUMS = 4, 24  # of constant costs that are looked at
_CROWD = 400.0  # visits of one cost, whose number is a jump of no more than 2 %


def _added(
    sure: Mapping[float, float], more: Iterable[tuple[float, float]]
) -> dict[float, float]:
    found = defaultdict[float, float](float)
    for cost, p in sure.items():
        for other, q in more:
            found[cost + other] += p * q
    return found


class Sum(NamedTuple):
    """A downtime of constant costs alone, and how likely it is."""

    cost: float
    likely: float
    sure: int  # which of those of the calendar
    counts: tuple[int, ...]  # of visits, by kind


@dataclass(frozen=True, kw_only=True, eq=False)
class Jumps:
    """What is constant of a downtime: work by the calendar, and visits of one cost."""

    fixed: tuple[tuple[Stream, int], ...]  # streams of the calendar
    sure: FloatArray  # (j, 2) downtimes of the calendar, and how likely each is
    costs: FloatArray  # (n,)
    often: FloatArray  # (n,) visits of a period
    kinds: tuple[tuple[tuple[int, Atom], ...], ...]  # the same, with their numbers

    def near(self, x: float) -> list[Sum]:
        """Return the sums whose jump the transform would smooth over x."""
        many = np.abs(self.often)
        most = np.minimum(_NEARBY * x / self.costs + 2, many + 8 * many**0.5 + 12)
        axes = [np.arange(len(self.sure)), *map(np.arange, most.astype(int) + 1)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
        first, p = self.sure[grid[:, 0]].T
        counts = grid[:, 1:]
        total, spread = counts @ self.costs + first, counts @ self.costs**2 / NARROW
        alone = (first > 0) & (spread == 0)
        near = np.abs(total - x) < np.where(alone, _APART * x, _SPREAD * spread**0.5)
        for k, each in enumerate(self.often):
            p = p * _poisson(float(each), int(most[k]))[counts[:, k]]
        chosen = np.flatnonzero(near & (np.abs(p) > _UNLIKELY))
        chosen = chosen[np.argsort(-np.abs(p[chosen]))][:_SUMS]
        return [
            Sum(float(total[k]), float(p[k]), int(grid[k, 0]), tuple(counts[k]))
            for k in chosen
        ]

    def rest(self, s: Numbers, total: Numbers, horizon: float) -> Numbers:
        """Return the exponent of all that is not constant."""
        for stream, count in self.fixed:
            total = total - count * stream.exponent(s[:, None] * stream.fails, horizon)
        for often, smooth in zip(self.often, self._smooth(s), strict=True):
            total = total - (often - smooth)
        return total

    def smoothed(self, s: Numbers, rest: Numbers, near: Sequence[Sum]) -> Numbers:
        """Return what the transform has of sums that are near: times s, (k,)."""
        alive, smooth = np.exp(-rest - self.often.sum()), self._smooth(s)
        found = np.zeros(len(s), complex)
        for each in near:
            first, p = self.sure[each.sure]
            ways = p * np.exp(-s * first) * alive
            for n, come in zip(each.counts, smooth, strict=True):
                ways = ways * come**n / math.factorial(n)
            found += each.likely - ways
        return found

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
    found = [each for each in found if _UNLIKELY < abs(each[0]) < _CROWD]
    found = sorted(found, key=lambda each: -abs(each[0]))[:_KINDS]
    likely = [each for each in sure.items() if each[1] > _UNLIKELY]
    return Jumps(
        fixed=tuple(fixed),
        sure=np.array(likely).reshape(-1, 2),
        costs=np.array([kind[0][1].cost for _, kind in found]),
        often=np.array([often for often, _ in found]),
        kinds=tuple(kind for _, kind in found),
    )
