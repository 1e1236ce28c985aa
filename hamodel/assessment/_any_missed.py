"""The chance that any of several operations misses its budget over a period.

Each visit costs each of them; the transform of the vector of their downtimes is
inverted in as many places.  It takes visits to be independent and smooths what is
constant, so it tells only how the single chances overlap: as much as it has them too
great, so much is the whole, which lies between the greatest of them and their sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hamodel._types import FloatArray, Numbers
from hamodel.assessment._adding import Stream
from hamodel.assessment._combinations import (
    Item,
    beside_of,
    deeper,
    excess_of,
    items_of,
)
from hamodel.assessment._inversion import joint_tail, tail
from hamodel.assessment._streams import streams_of
from hamodel.assessment.alerts import Burning
from hamodel.assessment.budget import Chance

_NONE = 1e-6  # share that stands for none: a visit's transform is divided by it
_RARE = 0.01  # of the greatest chance: visits in a period that are left out
_BLOCKS = 104  # of an inversion of one place
_ROUNDED = 1e-5  # of a budget, so that budgets of round ratios share points
_CHUNK = 4096  # points
_MOST = 3  # places that are inverted together


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """What adds downtime to several operations at once."""

    # share of the requests of each operation that fails although all is well
    base: FloatArray
    # what fails together: the share of each operation; the first row is nothing
    kinds: FloatArray
    streams: tuple[tuple[Stream, int], ...]  # streams whose `fails` are rows of `kinds`
    error: float  # relative error of the rates of the streams
    missed: float  # how often, in 1/s, combinations occur that no stream stands for


def joint_of(ways: Sequence[Burning]) -> Joint:
    """Return the streams of several operations on one model together."""
    several, processes = [way.shares for way in ways], ways[0].processes
    items = list(items_of(several[0], processes))
    base = np.array([shares.of({}) for shares in several])
    vectors: dict[tuple[Item, ...], FloatArray] = {}
    for k, shares in enumerate(several):
        for combination, more in excess_of(shares, items, float(base[k])).items():
            vectors.setdefault(combination, np.zeros(len(several)))[k] = more
    kinds: dict[bytes, int] = {np.zeros(len(several)).tobytes(): 0}
    rows = [np.zeros(len(several))]
    numbers = {}
    for combination, vector in vectors.items():
        if vector.tobytes() not in kinds:
            kinds[vector.tobytes()] = len(rows)
            rows.append(vector)
        numbers[combination] = float(kinds[vector.tobytes()])
    mean = sum(math.prod(item.share for item in c) for c in vectors)
    return Joint(
        base=base,
        kinds=np.array(rows),
        streams=streams_of(several[0], processes, numbers, visits=True),
        error=4 * mean + 2 * beside_of(vectors),
        missed=deeper(items),
    )


def missed_any(
    joint: Joint, budgets: FloatArray, singles: Sequence[Chance], horizon: float
) -> Chance:
    """Return the chance that any share of failed requests is beyond its budget.

    `singles` are the chances of each alone.  What another implies is left out.  Up to
    three are inverted together; of more, three at a time tell a range.
    """
    if np.any(budgets < joint.base):
        return Chance(1.0, 0.0)
    kept = _needed(joint, budgets)
    if len(kept) == 1:
        return singles[kept[0]]
    if len(kept) <= _MOST:
        return _missed(joint, budgets, kept, singles, horizon)
    return _between(joint, budgets, {k: singles[k] for k in kept}, horizon)


def _needed(joint: Joint, budgets: FloatArray) -> list[int]:
    """Return the journeys that no other one implies."""
    kept: list[int] = []
    for k in range(len(budgets)):
        implied = any(
            np.all(joint.kinds[:, k] <= joint.kinds[:, j])
            and joint.base[k] <= joint.base[j]
            and budgets[k] >= budgets[j]
            and (j in kept or (j > k and not _alike(joint, budgets, j, k)))
            for j in range(len(budgets))
            if j != k
        )
        if not implied:
            kept.append(k)
    return kept


def _alike(joint: Joint, budgets: FloatArray, j: int, k: int) -> bool:
    same = np.array_equal(joint.kinds[:, j], joint.kinds[:, k])
    return bool(same and budgets[j] == budgets[k])


def _missed(
    joint: Joint,
    budgets: FloatArray,
    places: Sequence[int],
    singles: Sequence[Chance] | Mapping[int, Chance],
    horizon: float,
) -> Chance:
    """Return the chance that any of a few journeys misses."""
    chosen = list(places)
    kinds = joint.kinds[:, chosen]
    alone = np.array([singles[k].probability for k in chosen])
    acting, left_out = _acting(joint, kinds, _RARE * alone.max(), horizon)
    kinds = np.where(kinds == 0, _NONE, kinds)

    def exponent(s: Numbers) -> Numbers:
        total = np.zeros(len(s), complex)
        for stream, count, which in acting:
            total += count * _by_kinds(stream, kinds, which, s, horizon)
        return total

    left = (budgets - joint.base)[chosen]
    digit = 10.0 ** (np.floor(np.log10(left)) - 4)
    places_left = np.round(left / digit) * digit * horizon
    p, off = joint_tail(exponent, [float(x) for x in places_left])
    parts = sum(_alone(exponent, places_left, k) for k in range(len(chosen)))
    low, high = float(alone.max()), float(min(alone.sum(), 1.0))
    if not parts or not low:
        return Chance(low, 0.0 if low == high else high / max(low, 1e-300) - 1)
    ratio = float(alone.sum() / parts)
    whole = min(max(p * ratio, low), high)
    sure = max(singles[k].error for k in chosen)
    bound = joint.error + (joint.missed * horizon + left_out + 2 * off) / max(p, 1e-300)
    bound = min(bound + abs(ratio - 1), max(high / whole, whole / low) - 1)
    return Chance(whole, _ROUNDED + float(sure + bound))


def _alone(
    exponent: Callable[[Numbers], Numbers], left: FloatArray, place: int
) -> float:
    """Return the chance that one place is beyond what is left, of the same streams."""

    def transform(s: Numbers) -> Numbers:
        points = np.eye(len(left), dtype=complex)[place] * s[:, None]
        return np.asarray(-np.expm1(-exponent(points)) / s)[None]

    return float(tail(transform, float(left[place]), _BLOCKS, block=1)[0][0])


def _acting(
    joint: Joint, kinds: FloatArray, least: float, horizon: float
) -> tuple[list[tuple[Stream, int, Numbers]], float]:
    """Return the streams that cost some of it, and how many visits are left out.

    The rarest are left out while all of them together come no more often than `least`.
    """
    found = []
    for stream, count in joint.streams:
        which = np.atleast_1d(np.asarray(stream.fails)).astype(int)
        if kinds[which].any():
            found.append((stream, count, which))
    found.sort(key=lambda each: each[1] * each[0].never(horizon))
    rare = np.cumsum([count * stream.never(horizon) for stream, count, _ in found])
    first = int(np.searchsorted(rare, least)) if len(found) else 0
    return found[first:], float(rare[first - 1]) if first else 0.0


def _by_kinds(
    stream: Stream, kinds: FloatArray, which: Numbers, s: Numbers, horizon: float
) -> Numbers:
    """Return the exponent of a stream at points that are alike to it only once."""
    own, place = np.unique(kinds[which], axis=0, return_inverse=True)
    rates = s @ own.T
    fine = np.abs(rates).max() * 1e-12
    keys = np.column_stack([rates.real, rates.imag]) / fine
    _, first, back = np.unique(
        np.round(keys).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    once = rates[first][:, place.ravel()]
    parts = [
        stream.exponent(once[k : k + _CHUNK], horizon)
        for k in range(0, len(once), _CHUNK)
    ]
    return np.concatenate(parts)[back.ravel()]


def _between(
    joint: Joint, budgets: FloatArray, singles: Mapping[int, Chance], horizon: float
) -> Chance:
    """Return the middle of what three at a time tell of the chance that any misses.

    What one more adds is at most what it adds to two of those before it, and at least
    that less what it shares with each of the others.
    """

    def any_of(*places: int) -> Chance:
        return _missed(joint, budgets, sorted(places), singles, horizon)

    alone = {k: single.probability for k, single in singles.items()}
    order = sorted(alone, key=lambda k: -alone[k])
    known = order[:_MOST]
    first = any_of(*known)
    low = high = first.probability
    off = first.error
    for k in order[_MOST:]:
        pairs = {j: any_of(j, k) for j in known}
        shared = {j: alone[j] + alone[k] - p.probability for j, p in pairs.items()}
        near = sorted(known, key=lambda j: -shared[j])[: _MOST - 1]
        more = any_of(*near, k).probability - any_of(*near).probability
        high += max(more, 0.0)
        low += max(more - sum(shared[j] for j in known if j not in near), 0.0)
        off = max(off, *(p.error for p in pairs.values()))
        known.append(k)
    high = min(high, 1.0)
    middle = (low + high) / 2
    return Chance(middle, off + (high - low) / (2 * middle) if middle else 0.0)
