"""How visits to some states follow each other: more often, or less, than by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._inversion import grown
from hamodel.assessment._lumping import dense
from hamodel.assessment._visits import Process

_BESIDE = 512  # states of a joint chain that is asked how visits follow each other
_ALONE = 96  # states of one part whose laws are asked


@dataclass(frozen=True, eq=False)
class Pairs:
    """Visits that begin after one another otherwise than by chance.

    They are those of one part, whose laws tell; or fade as an exponential time.
    """

    rates: FloatArray  # (n, n) how often, in 1/s, by where both begin; less by chance
    lasts: float  # for how long that holds, in s
    part: tuple[Process, tuple[int, ...]] | None = None  # and its states that fail
    to: FloatArray | None = None  # (states, n) where visits to those begin

    def onto(self, begins: FloatArray) -> Pairs:
        """Return it by other states, (n, m): where a visit that begins in one does."""
        to = begins if self.to is None else self.to @ begins
        return replace(self, rates=begins.T @ self.rates @ begins, to=to)

    def within(self, horizon: float) -> FloatArray:
        """Return how many more begin both in a period."""
        if self.part is None or horizon <= 0:
            x = horizon / self.lasts
            return self.rates * (horizon + self.lasts * math.expm1(-x))
        found = _within(*self.part, horizon)
        if self.to is not None:
            found = self.to.T @ found @ self.to
        return found


def pairs_of(
    parts: Sequence[Process], states: Sequence[tuple[int, ...]]
) -> Pairs | None:
    """Return how visits to some joint states follow each other.

    A chain of the same means tells: where it is after a visit has begun, beyond where
    it is in the long run, is summed up over time (the deviation matrix).
    """
    sizes = [len(part.views) for part in parts]
    if math.prod(sizes) > _BESIDE:
        return None
    rates, law = dense(parts)
    at = np.ravel_multi_index(np.array(states).T, sizes)
    enters = rates[:, at].copy()  # by where from, and where a visit begins
    enters[at] = 0.0
    begins = law @ enters
    if not begins.sum():
        return None
    inner = np.diag(rates.sum(axis=1)) - rates + law
    after = np.linalg.solve(inner, enters - begins)  # law @ after = 0
    later = np.linalg.solve(inner, after)
    rates = begins[:, None] * after[at]
    total = float(np.abs(rates).sum())
    lasts = float(np.abs(begins[:, None] * later[at]).sum())
    if not total or not lasts:
        return None
    pairs = Pairs(rates, lasts / total)
    if len(parts) > 1 or sizes[0] > _ALONE:
        return pairs
    return replace(pairs, part=(parts[0], tuple(at.tolist())))


@lru_cache(maxsize=64)
def _within(part: Process, states: tuple[int, ...], horizon: float) -> FloatArray:
    """Return how many more visits begin both in a period than by chance, by state.

    Transforms of when the second begins, from those of all stays (Markov renewal).
    """
    at, n = list(states), len(part.views)
    away = np.ones(n, bool)
    away[at] = False
    flows = part.entries[away, None] * part.moves.jumps[away][:, at]
    begins = flows.sum(axis=0)

    def transform(z: Numbers) -> Numbers:
        move, ring, _, _ = part.moves.kernel(np.tile(z, (n, 1)))
        steps = move.T[:, :, None] * part.moves.rates
        steps = steps + ring.T[:, :, None] * part.moves.goals
        enters = np.where(away[:, None], steps[:, :, at], 0.0)
        later = np.linalg.solve(np.eye(n) - steps, enters)[:, at]
        z = z[:, None, None]
        return np.asarray(begins[:, None] * (later / z**2 - begins / z**3))

    return grown(transform, horizon)


@lru_cache(maxsize=64)
def beside(
    pairs: Pairs | None, begins: tuple[float, ...], horizon: float
) -> FloatArray:
    """Return how many more pairs begin within a period than by chance, (n, n).

    No more visits come together than there are; and of visits that come alone there are
    no fewer pairs than none: what is short of that is taken off those that come
    together.
    """
    if pairs is None:
        return np.zeros((len(begins), len(begins)))
    more, come = pairs.within(horizon), np.array(begins) * horizon
    together, fewer = np.maximum(more, 0.0), np.minimum(more, 0.0)
    each = together.sum(axis=0) + together.sum(axis=1)
    together *= min(float((come[each > 0] / each[each > 0]).min(initial=1.0)), 1.0)
    alone = come - together.sum(axis=0) - together.sum(axis=1)
    kept = np.maximum(fewer, -np.multiply.outer(alone, alone) / 2)
    if (total := float(together.sum())) > 0:
        together *= 1 - min(float((kept - fewer).sum()) / total, 1.0)
    return np.asarray(together + kept)
