"""Many small laws asked as one: phase-types of one size become a stack.

A mixture over situations has dozens of parts, each a few exponential stages with a
shift of its own; asked one by one they cost a Python call each, stacked they cost one.
So do shifts of one and the same law, whatever it is: it is asked at all their times.
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
    """Phase-types of one size, or one law, with k shifts and weights of a mixture."""

    law: Law  # a stack of k, or one
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
    moved: dict[int, list[tuple[float, float, Law, Law]]] = defaultdict(list)
    rest: list[tuple[Quantity, Law]] = []
    for weight, part in zip(weights, parts, strict=True):
        inner, shift = _core(part)
        if inner.shape or np.ndim(weight):
            rest.append((weight, part))
        elif isinstance(inner, PhaseType):
            sizes[inner.alpha.shape[-1]].append((float(weight), shift, inner))
        else:
            moved[id(inner)].append((float(weight), shift, inner, part))
    found = [_stacked(members) for members in sizes.values()]
    for alike in moved.values():
        shares, shifts, laws, whole = zip(*alike, strict=True)
        if len(alike) == 1:
            rest.append((shares[0], whole[0]))
        else:
            found.append(Lot(laws[0], np.array(shifts), np.array(shares)))
    return found, rest


def _core(part: Law) -> tuple[Law, float]:
    """Return the law that a part is a shift of, and the shift."""
    if isinstance(part, Affine):
        plain = np.ndim(part.factor) == np.ndim(part.shift) == 0
        if plain and part.factor == 1:
            return part.law, float(part.shift)
    return part, 0.0


def _stacked(members: Sequence[tuple[float, float, PhaseType]]) -> Lot:
    weights, shifts, laws = zip(*members, strict=True)
    stack = PhaseType(
        np.stack([law.alpha for law in laws]), np.stack([law.T for law in laws])
    )
    return Lot(stack, np.array(shifts), np.array(weights))
