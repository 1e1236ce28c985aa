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
        copies = _has_copies(shares, shown)
        if not copies and shares.along[1].again is not None:
            return None, set()
        rates = _together(shares, rates, shown, copies=copies)
    blocks = lumped(rates, fails, _joint.SMALL)
    if blocks is None:
        return None, set()
    first = np.array([np.flatnonzero(blocks == b)[0] for b in range(blocks.max() + 1)])
    member = members(blocks)
    merged = np.asarray(rates[first] @ member)
    np.fill_diagonal(merged, 0.0)
    more = np.maximum(fails[first] - base, 0.0)
    law = law @ member if shares.along is None else steady_state(merged)
    return Whole(rates=merged, law=law, fails=more), set(moving)


def _has_copies(shares: Shares, shown: list[dict[int, int]]) -> bool:
    """Tell whether copies are there whose failures lead to outages of a leaf."""
    assert shares.along is not None
    leaf, along = shares.along
    apart = {k for k in shown[0] if shares.leaves[k].name in along.begins} | {leaf}
    copies = (views for views in shown if not any(views[k] for k in apart))
    most = shares.voters(shown[0])
    return any(shares.voters(views) < most for views in copies)


def _together(
    shares: Shares, rates: Sparse, shown: list[dict[int, int]], *, copies: bool
) -> Sparse:
    """Return the rates of a joint chain where outages of a leaf come with others.

    `shown` are the views by leaf, state by state.  If copies that fail are among them
    none of its outages comes by itself.
    """
    assert shares.along is not None
    leaf = shares.along[0]
    after = [shares.leads_on(views) for views in shown]
    able = [max(shares.voters(views), 1) for views in shown]
    index = {tuple(views.values()): k for k, views in enumerate(shown)}
    other = [index[tuple((views | {leaf: 1}).values())] for views in shown]
    found = rates.tolil() if hasattr(rates, "tolil") else rates.copy()
    for i, j in zip(*(x.tolist() for x in rates.nonzero()), strict=True):
        if shown[i][leaf] or after[j]:
            continue
        if shown[j][leaf]:
            share = float(copies)
        else:
            share = 1.0 if after[i] else max(1 - able[j] / able[i], 0.0)
        found[i, j] -= share * rates[i, j]
        if not shown[j][leaf]:
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
        return Downtime(base=base, streams=found)
    mean = sum(count * stream.mean for stream, count in found)
    apart = (c for c in excess if not done.issuperset(leaves_of(c)))
    return Downtime(
        base=base,
        streams=found,
        error=4 * mean,
        beside=2 * max(beside_of(apart), _voters_away(shares, seen, done)),
        missed=deeper(seen),
        clusters=tuple(clusters_of(shares, processes, excess, by_leaves)),
    )


def _voters_away(shares: Shares, items: list[Item], done: set[int]) -> float:
    """Return for how long copies are away that could lead: what begins hangs on them.

    None where they, and the outages that come with theirs, are `done`.
    """
    if shares.along is None or shares.along[0] in done:
        return 0.0
    most = shares.voters({})
    away = (i.share for i in items if shares.voters({i.leaf: i.view}) < most)
    return max(away, default=0.0)


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
        again = shares.again(leaves)
        key = parts, shown, other, again
        if key not in made:
            given = parts, tuple(fails.items()), other, again
            make = partial(stream_of, *given, visits=visits)
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
