"""Which sums it takes to put views together, worked out once for each shape.

What clients see of several parts depends on the views alone, not on how likely they
are.  So for each shape of a model the sums are planned once, as positions in lists,
and a plan then runs on numbers, arrays or symbols alike.  Plans know nothing of
probabilities, so they can be shared by all models of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from itertools import product
from typing import TypeAlias

import numpy as np

from hamodel._types import Quantity, State

#: How many situations a stage ends with, and its steps: (before, view, after).
Stage: TypeAlias = tuple[int, tuple[tuple[int, int, int], ...]]
Views: TypeAlias = "tuple[Hashable, ...]"


@lru_cache(maxsize=256)
def absorption(
    absorb: Callable[[State, str, str, State], State],
    nothing: Hashable,
    site: str,
    shown: tuple[tuple[str, Views], ...],
) -> tuple[tuple[State, ...], tuple[Stage, ...]]:
    """Return what clients of a site can know at last, and the sums that lead there."""
    known: tuple[State, ...] = (nothing,)
    stages = []
    for name, views in shown:
        places: dict[State, int] = {}
        steps = tuple(
            (b, v, places.setdefault(absorb(before, site, name, view), len(places)))
            for b, before in enumerate(known)
            for v, view in enumerate(views)
        )
        known = tuple(places)
        stages.append((len(known), steps))
    return known, tuple(stages)


@lru_cache(maxsize=256)
def grouping(
    combine: Callable[..., Hashable], shown: tuple[Views, ...]
) -> tuple[Views, tuple[tuple[int, tuple[int, ...]], ...]]:
    """Return the views that parts show together, and which rows each of them sums."""
    places: dict[Hashable, int] = {}
    rows = []
    for row in product(*(range(len(views)) for views in shown)):
        view = combine(*(views[i] for views, i in zip(shown, row, strict=True)))
        rows.append((places.setdefault(view, len(places)), row))
    return tuple(places), tuple(rows)


def plus(total: Quantity | None, term: Quantity) -> Quantity:
    """Return a sum that may not have begun; a total that is an array is reused."""
    if total is None:
        return term
    if (
        isinstance(total, np.ndarray)
        and isinstance(term, np.ndarray)
        and total.shape == term.shape
    ):
        total += term
        return total
    return total + term
