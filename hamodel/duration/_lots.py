"""Many small laws asked as one: phase-types of one size become a stack.

A mixture over situations has dozens of parts, each a few exponential stages with a
shift of its own; asked one by one they cost a Python call each, stacked they cost one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel.duration._change import Affine
from hamodel.duration._phase import PhaseType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration.law import Law


@dataclass(frozen=True, eq=False)
class Lot:
    """Phase-types of one size, each with a shift, and the weights of a mixture."""

    law: PhaseType  # a stack of k
    shifts: FloatArray  # (k,)
    weights: FloatArray  # (k,)

    def sf(self, t: FloatArray) -> FloatArray:
        """Return the weighted tails."""
        tails = np.asarray(self.law.sf(np.asarray(t)[..., None] - self.shifts))
        return np.asarray(tails @ self.weights)

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return the weighted distribution functions."""
        shares = np.asarray(self.law.cdf(np.asarray(t)[..., None] - self.shifts))
        return np.asarray(shares @ self.weights)

    def ends(self, p: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest quantile of the parts."""
        found = self.law.quantile(p[..., None], q[..., None]) + self.shifts
        return found.min(axis=-1), found.max(axis=-1)


def lots(
    weights: Sequence[Quantity], parts: Sequence[Law]
) -> tuple[list[Lot], list[tuple[Quantity, Law]]]:
    """Return the parts that can be asked together, and the others."""
    sizes: dict[int, list[tuple[float, float, PhaseType]]] = defaultdict(list)
    rest: list[tuple[Quantity, Law]] = []
    for weight, part in zip(weights, parts, strict=True):
        inner, shift = _core(part)
        if inner is None or inner.shape or np.ndim(weight):
            rest.append((weight, part))
        else:
            sizes[inner.alpha.shape[-1]].append((float(weight), shift, inner))
    return [_stacked(members) for members in sizes.values()], rest


def _core(part: Law) -> tuple[PhaseType | None, float]:
    if isinstance(part, PhaseType):
        return part, 0.0
    if isinstance(part, Affine) and isinstance(part.law, PhaseType):
        plain = np.ndim(part.factor) == np.ndim(part.shift) == 0
        if plain and part.factor == 1:
            return part.law, float(part.shift)
    return None, 0.0


def _stacked(members: Sequence[tuple[float, float, PhaseType]]) -> Lot:
    weights, shifts, laws = zip(*members, strict=True)
    stack = PhaseType(
        np.stack([law.alpha for law in laws]), np.stack([law.T for law in laws])
    )
    return Lot(stack, np.array(shifts), np.array(weights))
