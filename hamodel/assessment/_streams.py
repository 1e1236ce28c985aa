"""What adds downtime: streams of visits to what parts do alone and together.

A joint chain of all parts whose times are exponential, if it is small; a stream for
each set of parts that fail requests together otherwise.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from itertools import product

import numpy as np

from hamodel._types import Sparse
from hamodel.assessment import _joint
from hamodel.assessment._adding import Later, Stream
from hamodel.assessment._clusters import clusters_of
from hamodel.assessment._combinations import (
    Item,
    beside_of,
    deeper,
    excess_of,
    items_of,
    leaves_of,
    often_of,
)
from hamodel.assessment._joint import stream_of
from hamodel.assessment._lumping import lumped, members, numbered, product_chain
from hamodel.assessment._shares import Shares, moves
from hamodel.assessment._visits import Other, Process
from hamodel.assessment._whole import Whole
from hamodel.assessment.budget import Downtime
from hamodel.markov import steady_state

_JOINT = 4096  # states of a joint chain that is looked at for states that are alike


def downtime_by(shares: Shares, processes: list[Process]) -> Downtime:
    """Return the law of the downtime that shares of failing requests make."""
    base = shares.of({})
    whole, rest = _whole(shares, processes, base)
    return _apart(shares, processes, base, whole, rest)


def visits_by(shares: Shares, processes: list[Process]) -> list[tuple[Stream, int]]:
    """Return the same as visits alone, no chain taken as a whole."""
    seen = list(items_of(shares, processes))
    excess = excess_of(shares, seen, shares.of({}))
    return list(streams_of(shares, processes, excess, visits=True))


def _whole(
    shares: Shares, processes: list[Process], base: float
) -> tuple[Whole | None, set[int]]:
    """Return the joint chain of the leaves whose times are exponential, if it is small.

    The second answer are these leaves.
    """
    moving = [
        i
        for i, leaf in enumerate(shares.leaves)
        if moves(leaf, processes[i]) and processes[i].moves.is_markov
    ]
    sizes = [len(processes[i].views) for i in moving]
    if math.prod(sizes) > _JOINT or not moving:
        return None, set()
    numbers = [numbered(shares.views[i], processes[i]) for i in moving]
    if shares.along is not None and shares.along[0] not in moving:
        return None, set()
    shown = [
        {i: n[s] for i, n, s in zip(moving, numbers, state, strict=True)}
        for state in product(*map(range, sizes))
    ]
    fails = np.array([shares.of(views) for views in shown])
    rates, law = product_chain([processes[i] for i in moving])
    if shares.along is not None:
        rates = _together(shares, rates, shown)
    blocks = lumped(rates, np.maximum(fails - base, 0.0), _joint.SMALL)
    if blocks is None:
        return None, set()
    first = np.array([np.flatnonzero(blocks == b)[0] for b in range(blocks.max() + 1)])
    member = members(blocks)
    merged = np.asarray(rates[first] @ member)
    np.fill_diagonal(merged, 0.0)
    more = np.maximum(fails[first] - base, 0.0)
    law = law @ member if shares.along is None else steady_state(merged)
    return Whole(rates=merged, law=law, fails=more), set(moving)


def _together(shares: Shares, rates: Sparse, shown: list[dict[int, int]]) -> Sparse:
    """Return the rates of a joint chain where outages of a leaf come with others.

    `shown` are the views by leaf, state by state.
    """
    assert shares.along is not None
    leaf, along = shares.along
    after = [shares.leads_on(views) for views in shown]
    index = {tuple(views.values()): k for k, views in enumerate(shown)}
    other = [index[tuple((views | {leaf: 1}).values())] for views in shown]
    named = {i: along.begins.get(shares.leaves[i].name, 0.0) for i in shown[0]}
    found = rates.tolil() if hasattr(rates, "tolil") else rates.copy()
    for i, j in zip(*(x.tolist() for x in rates.nonzero()), strict=True):
        if after[j] or shown[i][leaf] or shown[j][leaf]:
            continue
        if after[i]:
            share = 1.0
        else:
            lost = (named[k] for k in named if not shown[i][k] and shown[j][k])
            share = next(lost, 0.0)
        found[i, j] -= share * rates[i, j]
        found[i, other[j]] += share * rates[i, j]
    return found.tocsr() if hasattr(found, "tocsr") else found


def _apart(
    shares: Shares,
    processes: list[Process],
    base: float,
    whole: Whole | None,
    done: set[int],
) -> Downtime:
    """Return the streams of all combinations that the joint chain does not hold."""
    seen = list(items_of(shares, processes))
    excess = excess_of(shares, seen, base)
    by_leaves = _byleaves_of(shares, processes, excess, done=done)
    found = tuple(Counter(by_leaves.values()).items())
    if whole is not None and whole.mean > 0:
        found = ((whole, 1), *found)
    if len(found) == 1 and found[0] == (whole, 1):
        apart = beside_of(excess) if shares.along is not None else 0.0
        return Downtime(base=base, streams=found, error=apart)
    mean = sum(count * stream.mean for stream, count in found)
    return Downtime(
        base=base,
        streams=found,
        error=4 * mean,
        beside=2 * beside_of(c for c in excess if not done.issuperset(leaves_of(c))),
        missed=deeper(seen),
        clusters=tuple(clusters_of(shares, processes, excess, by_leaves)),
    )


def streams_of(
    shares: Shares,
    processes: list[Process],
    excess: Mapping[tuple[Item, ...], float],
    *,
    visits: bool = False,
    done: Collection[int] = frozenset(),
) -> tuple[tuple[Stream, int], ...]:
    """Return a stream for each set of leaves that combine; alike ones are counted.

    Those of which all leaves are `done` are left out.
    """
    found = _byleaves_of(shares, processes, excess, visits=visits, done=done)
    return tuple(Counter(found.values()).items())


def _byleaves_of(
    shares: Shares,
    processes: list[Process],
    excess: Mapping[tuple[Item, ...], float],
    *,
    visits: bool = False,
    done: Collection[int] = frozenset(),
) -> dict[tuple[int, ...], Stream]:
    """Return the stream of each set of leaves that combine; alike ones are the same."""
    together: dict[tuple[int, ...], list[tuple[Item, ...]]] = defaultdict(list)
    for combination in excess:
        if not all(leaf in done for leaf in leaves_of(combination)):
            together[leaves_of(combination)].append(combination)
    found: dict[tuple[int, ...], Stream] = {}
    made: dict[Hashable, Stream] = {}
    for leaves, alike in together.items():
        parts = tuple((processes[i], shares.views[i]) for i in leaves)
        fails = {tuple(item.view for item in c): excess[c] for c in alike}
        other = _other(shares, processes, excess, alike)
        shown = tuple(sorted((v, round(f, 12)) for v, f in fails.items()))
        key = parts, shown, other
        if key not in made:
            make = partial(stream_of, parts, tuple(fails.items()), other, visits=visits)
            late = len(leaves) > 1 and not visits
            made[key] = _later(make, {c: excess[c] for c in alike}) if late else make()
        found[leaves] = made[key]
    return found


def _other(
    shares: Shares,
    processes: list[Process],
    excess: Mapping[tuple[Item, ...], float],
    alike: Sequence[tuple[Item, ...]],
) -> Other | None:
    """Return the outage that begins with combinations of the same leaves, or follows.

    It is that of the leaf whose outages come with others.
    """
    leaves = leaves_of(alike[0])
    if shares.along is None or shares.along[0] in leaves:
        return None
    leaf, along = shares.along
    fails = [f for c, f in excess.items() if len(c) == 1 and c[0].leaf == leaf]
    if not fails:
        return None
    begins = along.begins.get(shares.leaves[leaves[0]].name, 0.0)
    after = (
        tuple(item.view for item in c)
        for c in alike
        if shares.leads_on({item.leaf: item.view for item in c})
    )
    state = numbered(shares.views[leaf], processes[leaf]).index(1)
    law = processes[leaf].moves.lasts(state)
    other = Other(law, fails[0], begins * (len(leaves) == 1), frozenset(after))
    return other if other.begins or other.after else None


def _later(
    make: Callable[[], Stream], excess: Mapping[tuple[Item, ...], float]
) -> Later:
    """Return the stream of combinations of the same leaves, made when needed."""
    shares = {c: math.prod(item.share for item in c) for c in excess}
    return Later(
        share=sum(shares.values()),
        often=sum(map(often_of, excess)),
        mean=sum(shares[c] * more for c, more in excess.items()),
        make=make,
    )
