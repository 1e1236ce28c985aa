"""What adds downtime: streams of visits to what parts do alone and together.

Which requests fail depends on what all parts show.  Starting from all well, parts are
let show something else: one, then two, up to six at a time.  A combination counts
where it fails more requests than the combinations within it do: it is minimal.

Assumption: a combination adds what it fails beyond those within it, and never takes
away from them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain, combinations, product
from typing import NamedTuple

import numpy as np

from hamodel._types import FloatArray, Sparse, State
from hamodel.architectures import HOME, Along, Group, Model, Part, Viewed
from hamodel.assessment import _joint
from hamodel.assessment._joint import (
    Other,
    Views,
    lumped,
    members,
    numbered,
    product_chain,
    stream_of,
)
from hamodel.assessment._kinds import Whole
from hamodel.assessment._visits import Process, process_of
from hamodel.assessment.availability import Found, failing
from hamodel.assessment.budget import Cluster, Downtime, Later, Stream
from hamodel.assessment.latency import Paths
from hamodel.markov import steady_state
from hamodel.units import YEAR

_DEEPEST = 6  # parts in a combination
_JOINT = 4096  # states of a joint chain that is looked at for states that are alike
_SELDOM = 1e-10  # expected visits in ten years that are left out
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Shares:
    """Which share of the requests fails, by what the parts show."""

    model: Model
    clients: Mapping[str, float]
    fails: Callable[[State, str], float]  # of what a client knows, and its site
    leaves: tuple[Part, ...]
    views: tuple[Views, ...]  # of each leaf, that of all well first
    laws: tuple[FloatArray, ...]  # share of time of each view
    known: dict[tuple[str, tuple[int, ...]], State]  # what clients know, so far
    along: tuple[int, Along] | None  # of the leaf whose outages come with others
    made: dict[Hashable, float] = field(default_factory=dict)

    def of(self, shown: dict[int, int]) -> float:
        """Return the share where some leaves show another view, by its number.

        Where a key has its home does not change with time: it is averaged.
        """
        for i, leaf in enumerate(self.leaves):
            if leaf.name == HOME and i not in shown:
                each = [self.of({**shown, i: k}) for k in range(len(self.views[i]))]
                return float(self.laws[i] @ each)
        numbers = tuple(shown.get(i, 0) for i in range(len(self.leaves)))
        total = 0.0
        for client, share in self.clients.items():
            total += share * self._failing(self._seen(client, numbers), client)
        return total

    def leads_on(self, shown: dict[int, int]) -> bool:
        """Tell whether another outage follows what some leaves show."""
        numbers = tuple(shown.get(i, 0) for i in range(len(self.leaves)))
        return self.along is not None and any(
            self.along[1].after(self._seen(client, numbers)) for client in self.clients
        )

    def _seen(self, client: str, numbers: tuple[int, ...]) -> State:
        """Return what a client knows; combinations that begin alike share that part."""
        seen, end = self.model.nothing, 0
        for part in self.model.parts:
            first, end = end, end + len(getattr(part, "parts", (part,)))
            key = client, numbers[:end]
            if key not in self.known:
                views = {
                    self.leaves[i].name: self.views[i][numbers[i]]
                    for i in range(first, end)
                }
                view = _view(part, views)
                self.known[key] = self.model.absorb(seen, client, part.name, view)
            seen = self.known[key]
        return seen

    def _failing(self, seen: Hashable, client: str) -> float:
        key = seen, client
        if key not in self.made:
            self.made[key] = self.fails(seen, client)
        return self.made[key]


def known(model: Model, client: str) -> State:
    """Return what a client knows when all is well."""
    views = {leaf.name: leaf.view(leaf.start) for leaf in model.leaves()}
    seen = model.nothing
    for part in model.parts:
        seen = model.absorb(seen, client, part.name, _view(part, views))
    return seen


def _view(part: Viewed, views: dict[str, Hashable]) -> Hashable:
    if isinstance(part, Group):
        return part.combine(*(views[leaf.name] for leaf in part.parts))
    return views[part.name]


def downtime_of(paths: Paths, model: Model, operation: str) -> Downtime:
    """Return the law of the downtime of one operation."""
    return downtime_by(*shares_by_operation(paths, model, operation))


def visits_of(paths: Paths, model: Model, operation: str) -> list[tuple[Stream, int]]:
    """Return what adds to the downtime of one operation, as visits alone."""
    return visits_by(*shares_by_operation(paths, model, operation))


def shares_by_operation(
    paths: Paths, model: Model, operation: str
) -> tuple[Shares, list[Process]]:
    """Return which share of an operation fails, and how the parts move."""

    def fails(seen: Hashable, client: str) -> float:
        case = Found(client, seen, 1.0, model.verdict(seen, client, operation))
        return float(sum(part for _, part in failing(paths, case, operation)))

    return shares_of(model, asked(paths, model), fails)


def asked(paths: Paths, model: Model) -> dict[str, float]:
    """Return the share of the requests of each site that has clients."""
    found = paths.behaviour.workload.shares(model.sites)
    return {site: float(share) for site, share in found.items() if share > 0}


def shares_of(
    model: Model, clients: Mapping[str, float], fails: Callable[[State, str], float]
) -> tuple[Shares, list[Process]]:
    """Return which share fails by what the parts show, and how the parts move."""
    leaves, processes, views, along = _moving(model)
    laws = tuple(
        np.bincount(numbered(v, p), weights=p.law).astype(float)
        for v, p in zip(views, processes, strict=True)
    )
    combining = tuple(
        (p.name, getattr(p, "combine", None), len(getattr(p, "parts", ())))
        for p in model.parts
    )
    known = _known(model.absorb, model.nothing, combining, views)
    shares = Shares(model, clients, fails, leaves, views, laws, known, along)
    return shares, [*processes]


@lru_cache(maxsize=16)
def _known(*shape: Hashable) -> dict[tuple[str, tuple[int, ...]], State]:
    """Return the place for what clients know: models of one shape share it."""
    del shape
    return {}


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


@lru_cache(maxsize=16)
def _moving(
    model: Model,
) -> tuple[
    tuple[Part, ...],
    tuple[Process, ...],
    tuple[Views, ...],
    tuple[int, Along] | None,
]:
    """Return all leaves, the process of each and its views, that of all well first.

    Equal kinds are read once, and once for reads and writes.  Of a leaf whose outages
    come with others, the last answer, the process has those that come alone.
    """
    made: dict[Hashable, Process] = {}
    leaves, along = model.leaves(), None
    for i, leaf in enumerate(leaves):
        if leaf.along is not None:
            along = i, leaf.along()
            made[leaf.kind] = process_of(along[1].alone)
        elif leaf.kind not in made:
            made[leaf.kind] = process_of(leaf)
    processes = tuple(made[leaf.kind] for leaf in leaves)
    firsts = [leaf.view(leaf.start) for leaf in leaves]
    views = [
        tuple(dict.fromkeys((first, *p.views)))
        for first, p in zip(firsts, processes, strict=True)
    ]
    return leaves, processes, tuple(views), along


def _moves(leaf: Part, process: Process) -> bool:
    return len(process.views) > 1 and leaf.name != HOME


def _whole(
    shares: Shares, processes: list[Process], base: float
) -> tuple[Whole | None, set[int]]:
    """Return the joint chain of the leaves whose times are exponential, if it is small.

    The second answer are these leaves.
    """
    moving = [
        i
        for i, leaf in enumerate(shares.leaves)
        if _moves(leaf, processes[i]) and processes[i].moves.is_markov
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


class Item(NamedTuple):
    """A leaf that shows a view other than that of all well."""

    leaf: int
    view: int
    share: float  # of time
    often: float  # 1/s


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
    by_leaves = _by_leaves(shares, processes, excess, done=done)
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
        beside=2 * beside_of(c for c in excess if not done.issuperset(_leaves(c))),
        missed=deeper(seen),
        clusters=tuple(_clusters(shares, processes, excess, by_leaves)),
    )


def _clusters(
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
        often[_leaves(combination)] += _often(combination)
    for combination in excess:
        leaves = _leaves(combination)
        for k in range(2, len(leaves)):
            for part in combinations(combination, k):
                if part in excess:
                    share = _often(combination) / often[leaves]
                    inner[leaves][_leaves(part)] += share
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


def beside_of(combinations: Iterable[tuple[Item, ...]]) -> float:
    """Return the greatest share of time of the parts of a combination."""
    several = (c for c in combinations if len(c) > 1)
    return max((sum(item.share for item in c) for c in several), default=0.0)


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
    found = _by_leaves(shares, processes, excess, visits=visits, done=done)
    return tuple(Counter(found.values()).items())


def _by_leaves(
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
        if not all(leaf in done for leaf in _leaves(combination)):
            together[_leaves(combination)].append(combination)
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


def _leaves(combination: tuple[Item, ...]) -> tuple[int, ...]:
    return tuple(item.leaf for item in combination)


def _other(
    shares: Shares,
    processes: list[Process],
    excess: Mapping[tuple[Item, ...], float],
    alike: Sequence[tuple[Item, ...]],
) -> Other | None:
    """Return the outage that begins with combinations of the same leaves, or follows.

    It is that of the leaf whose outages come with others.
    """
    leaves = _leaves(alike[0])
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
        often=sum(map(_often, excess)),
        mean=sum(shares[c] * more for c, more in excess.items()),
        make=make,
    )


def items_of(shares: Shares, processes: list[Process]) -> Iterator[Item]:
    for i, process in enumerate(processes):
        if not _moves(shares.leaves[i], process):
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
            if _often(combination) * 10 * YEAR < _SELDOM:
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


def _often(combination: Sequence[Item]) -> float:
    """Return how often a combination begins, in 1/s."""
    share = math.prod(item.share for item in combination)
    return share * sum(item.often / item.share for item in combination if item.share)
