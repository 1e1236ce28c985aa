"""How visits come together, of combinations that share parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, combinations

import numpy as np

from hamodel._types import FloatArray
from hamodel.assessment._adding import Cluster, Stream
from hamodel.assessment._combinations import Item, leaves_of, often_of
from hamodel.assessment._lumping import numbered
from hamodel.assessment._shares import Shares
from hamodel.assessment._visits import Process


def clusters_of(
    shares: Shares,
    processes: list[Process],
    excess: Mapping[tuple[Item, ...], float],
    streams: Mapping[tuple[int, ...], Stream],
) -> Iterator[Cluster]:
    """Yield how visits come together, of combinations that share parts.

    A visit to two parts lies within an outage of either: what fails in that comes with
    it.  And while one of them is away others may join it, too.
    """
    often, inner = _within(excess)
    away = {i: _away(shares, processes, i) for i in set(chain(*streams))}
    found: dict[tuple[Stream, tuple[tuple[Stream, float], ...]], FloatArray] = (
        defaultdict(lambda: np.zeros(4))
    )
    for leaves, stream in streams.items():
        if len(leaves) == 1:
            continue
        whole = inner[leaves] | {(i,): often[i,] / away[i][0] for i in leaves}
        around = tuple(
            (streams[part], min(share, 1.0))
            for part, share in whole.items()
            if part in streams
        )
        lasts = max(away[i][1] for i in leaves)
        parted = max(shares.leaves[i].turns for i in leaves) - 1
        more = np.array([1.0, _joined(leaves, away, streams), parted, lasts])
        found[stream, around] += often[leaves] * more
    for (of, others), (one, again, parted, lasts) in found.items():
        yield Cluster(of, one, others, again, parted / one, lasts / one)


def _within(
    excess: Collection[tuple[Item, ...]],
) -> tuple[
    dict[tuple[int, ...], float], dict[tuple[int, ...], dict[tuple[int, ...], float]]
]:
    """Return how often sets of leaves combine, and which share of it in what others."""
    often: dict[tuple[int, ...], float] = defaultdict(float)
    inner: dict[tuple[int, ...], dict[tuple[int, ...], float]]
    inner = defaultdict(lambda: defaultdict(float))
    for combination in excess:
        often[leaves_of(combination)] += often_of(combination)
    for combination in excess:
        leaves = leaves_of(combination)
        for k in range(2, len(leaves)):
            for part in combinations(combination, k):
                if part in excess:
                    share = often_of(combination) / often[leaves]
                    inner[leaves][leaves_of(part)] += share
    return often, inner


def _joined(
    leaves: tuple[int, ...],
    away: Mapping[int, tuple[float, float]],
    streams: Collection[tuple[int, ...]],
) -> float:
    """Return how many visits with one other leaf come while all but one are away."""
    found = 0.0
    for i in leaves:
        rest = set(leaves) - {i}
        joins = sum(
            often
            for j, (often, _) in away.items()
            if j not in leaves and tuple(sorted(rest | {j})) in streams
        )
        found += joins / sum(1 / away[m][1] for m in rest)
    return found


def _away(shares: Shares, processes: list[Process], leaf: int) -> tuple[float, float]:
    """Return how often a leaf shows what is not all well, and for how long."""
    process = processes[leaf]
    well = np.array(numbered(shares.views[leaf], process)) == 0
    goes = process.entries[well] @ process.moves.jumps[well][:, ~well].sum(axis=1)
    return float(goes), float(process.law[~well].sum() / goes)
