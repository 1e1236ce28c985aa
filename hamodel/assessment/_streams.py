"""What adds downtime: streams of visits to what parts do alone and together.

Which requests fail depends on what all parts show.  Starting from all well, parts are
let show something else: one, then two, up to four at a time.  A combination counts
where it fails more requests than the combinations within it do: it is minimal.

Assumption: a combination adds what it fails beyond those within it, and never takes
away from them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity, State
from hamodel.architectures import HOME, Group, Model, Part, Viewed
from hamodel.assessment._joint import lumped, members, product_chain, rounded
from hamodel.assessment._kinds import Calendar, Pairs, Visits, Whole
from hamodel.assessment._visits import FRESH, Clock, Moves, Process, law_of, process_of
from hamodel.assessment.availability import Found, failing
from hamodel.assessment.budget import Downtime, Later, Stream
from hamodel.assessment.latency import Paths
from hamodel.duration import Duration, constant, minimum, mixture
from hamodel.units import YEAR

Views = tuple[Hashable, ...]

_DEEPEST = 4  # parts in a combination
_SMALL = 24  # states of a joint chain that is taken as it is
_JOINT = 4096  # states of a joint chain that is looked at for states that are alike
_BESIDE = 512  # states of a joint chain that is asked how visits follow each other
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
    leaves, processes, views = _moving(model)
    laws = tuple(
        np.bincount(_numbers(v, p), weights=p.law).astype(float)
        for v, p in zip(views, processes, strict=True)
    )
    combining = tuple(
        (p.name, getattr(p, "combine", None), len(getattr(p, "parts", ())))
        for p in model.parts
    )
    known = _known(model.absorb, model.nothing, combining, views)
    return Shares(model, clients, fails, leaves, views, laws, known), [*processes]


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
) -> tuple[tuple[Part, ...], tuple[Process, ...], tuple[Views, ...]]:
    """Return all leaves, the process of each and its views, that of all well first.

    Equal kinds are read once, and once for reads and writes.
    """
    made: dict[Hashable, Process] = {}
    leaves = model.leaves()
    for leaf in leaves:
        if leaf.kind not in made:
            made[leaf.kind] = process_of(leaf)
    processes = tuple(made[leaf.kind] for leaf in leaves)
    firsts = [leaf.view(leaf.start) for leaf in leaves]
    views = [
        tuple(dict.fromkeys((first, *p.views)))
        for first, p in zip(firsts, processes, strict=True)
    ]
    return leaves, processes, tuple(views)


def _moves(leaf: Part, process: Process) -> bool:
    return len(process.views) > 1 and leaf.name != HOME


def _numbers(views: Sequence[Hashable], process: Process) -> list[int]:
    """Return the number of the view of each state."""
    index = {view: k for k, view in enumerate(views)}
    return [index[view] for view in process.views]


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
    numbers = [_numbers(shares.views[i], processes[i]) for i in moving]
    fails = np.array(
        [
            shares.of({i: n[s] for i, n, s in zip(moving, numbers, state, strict=True)})
            for state in product(*map(range, sizes))
        ]
    )
    rates, law = product_chain([processes[i] for i in moving])
    blocks = lumped(rates, np.maximum(fails - base, 0.0), _SMALL)
    if blocks is None:
        return None, set()
    first = np.array([np.flatnonzero(blocks == b)[0] for b in range(blocks.max() + 1)])
    member = members(blocks)
    merged = np.asarray(rates[first] @ member)
    np.fill_diagonal(merged, 0.0)
    more = np.maximum(fails[first] - base, 0.0)
    return Whole(rates=merged, law=law @ member, fails=more), set(moving)


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
    excess = {
        combination: more
        for combination, more in excess_of(shares, seen, base).items()
        if not done.issuperset(item.leaf for item in combination)
    }
    found = streams_of(shares, processes, excess)
    if whole is not None and whole.mean > 0:
        found = ((whole, 1), *found)
    if len(found) == 1 and found[0] == (whole, 1):
        return Downtime(base=base, streams=found)
    mean = sum(count * stream.mean for stream, count in found)
    error = 4 * mean + 2 * beside_of(excess)
    return Downtime(base=base, streams=found, error=error, missed=deeper(seen))


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
) -> tuple[tuple[Stream, int], ...]:
    """Return a stream for each set of leaves that combine; alike ones are counted."""
    together: dict[tuple[int, ...], list[tuple[Item, ...]]] = defaultdict(list)
    for combination in excess:
        together[tuple(item.leaf for item in combination)].append(combination)
    streams: Counter[Hashable] = Counter()
    made: dict[Hashable, Stream] = {}
    for leaves, alike in together.items():
        parts = tuple((processes[i], shares.views[i]) for i in leaves)
        fails = {tuple(item.view for item in c): excess[c] for c in alike}
        key = parts, tuple(sorted((v, round(f, 12)) for v, f in fails.items()))
        if key not in made:
            make = partial(_stream, parts, tuple(fails.items()), visits=visits)
            late = len(leaves) > 1 and not visits
            made[key] = _later(make, {c: excess[c] for c in alike}) if late else make()
        streams[key] += 1
    return tuple((made[key], count) for key, count in streams.items())


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
        numbers = np.array(_numbers(shares.views[i], process))
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


@lru_cache(maxsize=32)
def _stream(
    shown_by: tuple[tuple[Process, Views], ...],
    failing_views: tuple[tuple[tuple[int, ...], float], ...],
    *,
    visits: bool,
) -> Stream:
    """Return the stream of visits to the joint states that fail more.

    A small chain is taken as it is, unless visits are asked for.  Made once for reads
    and writes, and for systems that differ elsewhere.
    """
    parts, fails = [part for part, _ in shown_by], dict(failing_views)
    numbers = [_numbers(views, part) for part, views in shown_by]
    states = {}
    for state in product(*(range(len(p.views)) for p in parts)):
        shown = tuple(n[s] for n, s in zip(numbers, state, strict=True))
        if shown in fails:
            states[state] = fails[shown]
    if len(parts) == 1 and (calendar := _calendar(parts[0], states)) is not None:
        return calendar
    small = len(parts) == 1 and len(parts[0].views) <= _SMALL and not visits
    if small and parts[0].moves.is_markov:
        fails_in = np.zeros(len(parts[0].views))
        for state, more in states.items():
            fails_in[state[0]] = more
        part = parts[0]
        return Whole(rates=part.moves.rates, law=part.law, fails=fails_in)
    return _merged(_visits(parts, states))


def _calendar(part: Process, states: dict[tuple[int, ...], float]) -> Calendar | None:
    """Return work that comes by the calendar, if that is what a part does."""
    clocks = part.moves.clocks
    if len(part.views) != 2 or len(clocks) != 2 or len(states) != 1:
        return None
    ((down,),) = states
    up, means = 1 - down, part.moves.means
    if getattr(clocks[up].law, "of", (None,))[0] != means[up]:
        return None
    return Calendar(every=means[up], takes=means[down], fails=states[down,])


def _visits(parts: Sequence[Process], states: dict[tuple[int, ...], float]) -> Visits:
    """Return the visits of independent parts to some of their joint states."""
    index = {state: k for k, state in enumerate(states)}
    n = len(index)
    rates = np.zeros((n, n + 1))
    clocks: dict[int, Clock] = {}
    begins, entries = np.zeros(n), np.zeros(n)

    @cache
    def leads(p: int, before: tuple[int, ...], after: tuple[int, ...]) -> FloatArray:
        near = [(*before, i, *after) for i in range(len(parts[p].views))]
        return np.eye(n + 1)[[index.get(other, n) for other in near]]

    for state, k in index.items():
        laws = [float(part.law[s]) for part, s in zip(parts, state, strict=True)]
        timers: list[tuple[float, Clock]] = []
        for p, part in enumerate(parts):
            goals = leads(p, state[:p], state[p + 1 :])
            others = math.prod(laws[:p] + laws[p + 1 :])
            flows = part.entries * part.moves.jumps[:, state[p]] * others
            entries[k] += flows.sum()
            begins[k] += flows @ goals[:, n]
            rates[k] += part.moves.rates[state[p]] @ goals
            if (clock := part.moves.clocks.get(state[p])) is not None:
                timer = replace(clock, goals=clock.goals @ goals)
                timers.append((flows.sum(), timer))
        _wind(k, timers, entries[k], rates, clocks)
    fails = np.array(list(states.values()))
    moves = Moves(rates=rates, clocks=clocks)
    return Visits(
        moves=moves,
        begins=begins,
        entries=entries,
        fails=fails,
        pairs=_pairs(parts, states),
    )


def _pairs(parts: Sequence[Process], states: Iterable[tuple[int, ...]]) -> Pairs | None:
    """Return how visits to some joint states follow each other.

    A chain of the same means tells: where it is after a visit has begun, beyond where
    it is in the long run, is summed up over time (the deviation matrix).
    """
    sizes = [len(part.views) for part in parts]
    if math.prod(sizes) > _BESIDE:
        return None
    rates: FloatArray = np.zeros((1, 1))
    law: FloatArray = np.ones(1)
    for part in parts:
        here, there = np.eye(len(part.views)), np.eye(len(rates))
        own = part.moves.jumps / part.moves.means[:, None]
        np.fill_diagonal(own, 0.0)
        rates = np.kron(rates, here) + np.kron(there, own)
        law = np.kron(law, part.law)
    at = np.ravel_multi_index(np.array(list(states)).T, sizes)
    enters = rates[:, at].copy()  # by where from, and where a visit begins
    enters[at] = 0.0
    begins = law @ enters
    if not begins.sum():
        return None
    inner = np.diag(rates.sum(axis=1)) - rates + law
    after = np.linalg.solve(inner, enters - begins)  # law @ after = 0
    later = np.linalg.solve(inner, after)
    rates = begins[:, None] * after[at]
    total = float(np.abs(rates).sum())
    lasts = float(np.abs(begins[:, None] * later[at]).sum())
    return Pairs(rates, lasts / total) if total and lasts else None


def _wind(
    k: int,
    timers: list[tuple[float, Clock]],
    entries: float,
    rates: FloatArray,
    clocks: dict[int, Clock],
) -> None:
    """Keep the clock that starts with a state, if one does; others are exponential.

    If some clocks run before it, and each ends the visit, the first of all is kept.
    """
    kept = next((clock for flow, clock in timers if flow >= FRESH * entries), None)
    if kept is None and len(timers) > 1:
        shares = tuple(round(flow / entries, 12) for flow, _ in timers)
        if all(clock.goals[-1] >= FRESH for _, clock in timers) and sum(shares) > FRESH:
            law = _first(shares, tuple(clock.law for _, clock in timers))
            clocks[k] = replace(timers[0][1], law=law)
            return
    for _, clock in timers:
        if clock is kept:
            clocks[k] = clock
        else:
            rates[k] += clock.goals * clock.rate


@lru_cache(maxsize=64)
def _first(shares: tuple[float, ...], times: tuple[Quantity, ...]) -> Duration:
    """Return the first of times of which one begins and the others run already.

    `shares` tell how often each of them is the one that begins; the others are seen at
    a random moment.
    """
    laws = [law_of(time) or constant(float(mean_of(time))) for time in times]
    alike = all(time == times[0] for time in times)
    parts = [
        minimum(law, *(other.residual() for j, other in enumerate(laws) if j != i))
        for i, law in enumerate(laws[:1] if alike else laws)
    ]
    return parts[0] if alike else mixture(shares, parts)


def _merged(visits: Visits) -> Visits:
    """Return visits with states that are alike as one."""
    n, moves = len(visits.fails), visits.moves
    laws: list[Quantity] = []
    clock, goals = np.zeros(n), np.zeros((n, n + 1))
    for k, timer in moves.clocks.items():
        if timer.law not in laws:
            laws.append(timer.law)
        clock[k], goals[k] = 1 + laws.index(timer.law), timer.goals
    blocks = np.unique(
        np.column_stack([rounded(visits.fails), clock]), axis=0, return_inverse=True
    )[1].ravel()
    while True:
        member = members(np.append(blocks, blocks.max() + 1))
        into = moves.rates @ member
        into[np.arange(n), blocks] = 0.0
        signs = np.column_stack([blocks, rounded(into), rounded(goals @ member)])
        finer = np.unique(signs, axis=0, return_inverse=True)[1].ravel()
        if finer.max() == blocks.max():
            break
        blocks = finer
    first = np.unique(blocks, return_index=True)[1]
    into[np.arange(n), blocks] = 0.0
    inner = member[:n, :-1]
    return Visits(
        moves=Moves(
            rates=into[first],
            clocks={
                b: replace(moves.clocks[k], goals=goals[k] @ member)
                for b, k in enumerate(first)
                if k in moves.clocks
            },
        ),
        begins=visits.begins @ inner,
        entries=visits.entries @ inner,
        fails=visits.fails[first],
        pairs=visits.pairs
        and visits.pairs._replace(rates=inner.T @ visits.pairs.rates @ inner),
    )
