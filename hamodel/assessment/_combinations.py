"""Combinations of parts that fail requests together, beyond what each part does.

Which requests fail depends on what all parts show.  Starting from all well, parts are
let show something else: one, then two, up to six at a time.  A combination counts
where it fails more requests than the combinations within it do: it is minimal.

Assumption: a combination adds what it fails beyond those within it, and never takes
away from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hamodel.assessment._lumping import numbered
from hamodel.assessment._shares import Shares, moves
from hamodel.assessment._visits import Process
from hamodel.units import YEAR

_DEEPEST = 6  # parts in a combination
_SELDOM = 1e-10  # expected visits in ten years that are left out
_SAME = 1e-12


class Item(NamedTuple):
    """A leaf that shows a view other than that of all well."""

    leaf: int
    view: int
    share: float  # of time
    often: float  # 1/s


def items_of(shares: Shares, processes: list[Process]) -> Iterator[Item]:
    for i, process in enumerate(processes):
        if not moves(shares.leaves[i], process):
            continue
        numbers = np.array(numbered(shares.views[i], process))
        for view in range(1, len(shares.views[i])):
            here = numbers == view
            share = float(process.law[here].sum())
            yield Item(i, view, share, float(process.entries[here].sum()))


def excess_of(
    shares: Shares, items: list[Item], base: float
) -> dict[tuple[Item, ...], float]:
    """Return what combinations fail beyond those within them."""
    found: dict[tuple[Item, ...], float] = {}
    grown: list[tuple[Item, ...]] = [()]
    for size in range(1, _DEEPEST + 1):
        wider = [
            (*part, item)
            for part in grown
            for item in items
            if not part or item.leaf > part[-1].leaf
        ]
        grown = []
        for combination in wider:
            if often_of(combination) * 10 * YEAR < _SELDOM:
                continue
            fails = shares.of({item.leaf: item.view for item in combination}) - base
            within = sum(
                found.get(part, 0.0)
                for k in range(1, size)
                for part in combinations(combination, k)
            )
            if fails - within > _SAME:
                found[combination] = fails - within
            if fails < 1 - base - _SAME:
                grown.append(combination)
    return found


def deeper(items: list[Item]) -> float:
    """Return a bound of how often, in 1/s, more parts are away than are combined."""
    share, often = np.zeros(_DEEPEST + 2), np.zeros(_DEEPEST + 2)
    share[0] = 1.0
    for leaf in {item.leaf for item in items}:
        away = sum(item.share for item in items if item.leaf == leaf)
        goes = sum(item.often for item in items if item.leaf == leaf)
        often[1:] += often[:-1] * away + share[:-1] * goes
        share[1:] += share[:-1] * away
    return float(often[-1])


def often_of(combination: Sequence[Item]) -> float:
    """Return how often a combination begins, in 1/s."""
    share = math.prod(item.share for item in combination)
    return share * sum(item.often / item.share for item in combination if item.share)


def beside_of(combinations: Iterable[tuple[Item, ...]]) -> float:
    """Return the greatest share of time of the parts of a combination."""
    several = (c for c in combinations if len(c) > 1)
    return max((sum(item.share for item in c) for c in several), default=0.0)


def leaves_of(combination: tuple[Item, ...]) -> tuple[int, ...]:
    return tuple(item.leaf for item in combination)
