"""What adds downtime: small chains, taken as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Atom, Atoms
from hamodel.assessment._inversion import killed

_GONE = 25.0  # mean times that hardly any lasts


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole:
    """A small chain, taken as it is."""

    rates: FloatArray  # (n, n), diagonal 0
    law: FloatArray  # (n,)
    fails: FloatArray  # (n,) share of the requests

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

    def unsure(self, horizon: float) -> None:
        """Return nothing: it is known as it is."""

    def lacks(self, x: FloatArray, horizon: float) -> FloatArray:
        """Return 0: its law is as it is."""
        del horizon
        return np.zeros(len(x))

    def atoms(self, horizon: float) -> Atoms:
        """Return a period throughout which as much fails."""
        return Atoms(visits=throughout(self.rates, self.law, self.fails, horizon))

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


def throughout(
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
        found.append(Atom(cost, partial(lasting, left, cost)))
    return tuple(found)


def lasting(often: float, cost: float, s: Numbers) -> Numbers:
    return np.asarray(often * np.exp(-s * cost))
