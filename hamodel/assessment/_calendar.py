"""What adds downtime: work by the calendar."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers, Quantity
from hamodel.assessment._adding import Atoms
from hamodel.assessment._laws import is_exponential, law_of, transform
from hamodel.assessment._visits import Other, Process
from hamodel.duration import exponential

_TINY = 1e-280  # a transform that is taken for 0
_SLICES = 64  # of a law that stands in a calendar
_HARDLY = 0.01  # of a cycle: random times that a calendar may have


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

    def unsure(self, horizon: float) -> None:
        """Return nothing: it is known as it is."""

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


def calendar_of(
    part: Process,
    states: dict[tuple[int, ...], float],
    other: Other | None,
    after: Collection[tuple[int, ...]],
) -> Calendar | None:
    """Return work that comes by the calendar, if that is what a part does.

    Its states follow each other in a ring, and hardly any of its time is random.
    """
    n, moves = len(part.views), part.moves
    if len(moves.clocks) < n - 1 or not np.all(moves.jumps.max(axis=1) > 1 - 1e-9):
        return None
    laws = [moves.lasts(k) for k in range(n)]
    random = [moves.means[k] for k in range(n) if _varies(laws[k])]
    if sum(random) > _HARDLY * moves.means.sum():
        return None
    stages: list[tuple[float, float, float, Quantity | None]] = []
    state, at, longest, middle = 0, 0.0, 0.0, 0.0

    def add(law: Quantity, fails: float) -> None:
        lasts = float(mean_of(law))
        stages.append((at, lasts, fails, law if _varies(law) else None))

    for _ in range(n):
        before, state = state, int(moves.jumps[state].argmax())
        if (before,) in states:
            add(laws[before], states[before,])
        if moves.means[before] > longest:
            longest = float(moves.means[before])
            middle = at + longest / 2
        at += float(moves.means[before])
        if other and (before,) in after and (state,) not in after:
            add(other.law, other.fails)
    starts, lengths, fails = np.array([stage[:3] for stage in stages]).T
    return Calendar(
        cycle=at,
        starts=(starts - middle) % at,  # work does not run on into the next cycle
        lengths=lengths,
        fails=fails,
        laws=tuple(law for *_, law in stages),
    )


def _varies(law: Quantity) -> bool:
    stages = getattr(law, "of", (law,))
    return is_exponential(law) or any(
        hasattr(stage, "sample") and stage.var > 0 for stage in stages
    )
