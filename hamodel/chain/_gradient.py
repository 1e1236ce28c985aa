"""The derivative of the unavailability with respect to every rate at once.

Reverse mode: the elimination runs once forwards, and its statements once backwards;
all derivatives together cost two to four times the solution itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np

from hamodel._elimination import Edges, Plan, in_blocks, plan
from hamodel._types import Quantity
from hamodel.chain._pieces import fate

#: Stands for a rate of 0, so that its derivative is the one from above.
_BARELY = 1e-100


def gradient(
    edges: Edges, rates: Sequence[Quantity], up: Collection[int]
) -> list[Quantity]:
    """Return d unavailability / d rate of each edge, for a chain that starts in 0."""
    states = 1 + max((max(e) for e in edges), default=0)
    classes = fate(states, edges).classes
    if len(classes) > 1:
        raise ValueError(
            f"sensitivity needs one closed class of states, got {len(classes)}"
        )
    ((members, inside, numbers),) = classes
    chosen = [_above_zero(rates[e]) for e in numbers]
    down = [i not in up for i in members]
    result: list[Quantity] = [0.0 * rate for rate in rates]
    for e, slope in zip(numbers, _slopes(inside, chosen, down), strict=True):
        result[e] = slope
    return result


def _slopes(
    edges: Edges, rates: Sequence[Quantity], down: Sequence[bool]
) -> list[Quantity]:
    found: list[Quantity] = []
    for keep in range(len(down)):  # if one state is too rare, the next may not be
        chosen = plan(len(down), edges, keep)
        if chosen is None:
            raise ValueError(
                f"sensitivity needs a chain small enough to be planned, got"
                f" {len(down)} states and {len(edges)} transitions"
            )
        with np.errstate(all="ignore"):
            function = partial(_pulled, chosen, down=down)
            slopes = in_blocks(function, rates, chosen.block // 2)
        found = _merged(found, slopes)
        if not any(np.any(slope != slope) for slope in found):
            break
    return found


def _merged(old: list[Quantity], new: list[Quantity]) -> list[Quantity]:
    """Take the new slopes of the scenarios that the old ones do not answer."""
    if not old or not isinstance(new[0], np.ndarray):
        return new
    whole = np.isfinite(np.sum(old, axis=0))
    return [np.where(whole, a, b) for a, b in zip(old, new, strict=True)]


def _above_zero(rate: Quantity) -> Quantity:
    if isinstance(rate, np.ndarray):
        return np.where(rate == 0, _BARELY, rate)
    return rate


def _pulled(
    chosen: Plan, rates: Sequence[Quantity], *, down: Sequence[bool]
) -> Sequence[Quantity]:
    weights, pullback = chosen.weights(rates)
    below = sum(w for w, d in zip(weights, down, strict=True) if d)
    above = sum(w for w, d in zip(weights, down, strict=True) if not d)
    total = above + below
    if_up, if_down = -(below / total) / total, above / total / total
    slopes: Sequence[Quantity] = pullback([if_down if d else if_up for d in down])
    return slopes
