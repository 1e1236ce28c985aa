"""What a replicated primary is made of: its states, groups of nodes, kinds of failure.

The surprise is in `race`: where a restart races the detection of a failure, the chance
of either and the mean of the first are all that a long-run share of time needs.  So the
chain takes them from the laws that are given, exactly, and needs no stages for it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from operator import getitem
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel import duration
from hamodel._check import is_symbolic
from hamodel._quantity import mean_of
from hamodel.architectures._events import Cause, Event, Stages
from hamodel.architectures._shape import is_term, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import FloatArray, Quantity
    from hamodel.duration import Duration
    from hamodel.failover import Failover

#: Phases in which the primary is alive.
ALIVE = frozenset({"serving", "stalled", "demoting", "returning"})

NEVER = float("inf")


class State(NamedTuple):
    """State of a replicated primary: see the module."""

    phase: str
    primary: int  # the group of the primary, or of the last one
    nodes: tuple[tuple[int, ...], ...]  # of each group: ready, down by law, unseen
    clients: tuple[str, ...]  # of each site: home, or waiting, stuck, moved, lost
    cause: str = ""  # why nobody serves
    mode: int = -1  # which kind of failure it is about; -1: the loss of a site
    tries: int = 0  # attempts that did not work
    held: bool = False  # what failovers hang on is down


class Alike(NamedTuple):
    """Nodes that are alike."""

    site: int
    size: int
    promotable: bool
    rank: tuple[bool, int, bool]  # the highest is promoted first
    sync: bool
    reads: bool  # whether a standby answers reads
    follows: int = -1  # the group whose one node it follows; -1: the primary


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """All nodes and their sites: what a state says of them, and steps to others."""

    groups: tuple[Alike, ...]
    sites: tuple[str, ...]
    laws: int  # how many different laws of repair there are
    clean: bool = False  # whether none is promoted that was out of sync
    watched: int | None = None  # the site whose clients are followed; None: all, -1: no

    @cached_property
    def first(self) -> int:
        """The group of the primary when all is well: the first of the best."""
        last = (False, -1, False)
        ranks = [g.rank if g.promotable else last for g in self.groups]
        return ranks.index(max(ranks))

    @cached_property
    def start(self) -> State:
        """The state in which all nodes are ready."""
        rest = 2 * self.laws * (0,)
        nodes = tuple(
            (group.size - (i == self.first), *rest)
            for i, group in enumerate(self.groups)
        )
        return State("serving", self.first, nodes, ("home",) * len(self.sites))

    @property
    def shared(self) -> bool:
        """Whether all nodes are at one site."""
        return len(self.sites) == 1

    @cached_property
    def size(self) -> int:
        """Number of nodes."""
        return sum(group.size for group in self.groups)

    # ---- what a state says ---------------------------------------------------------

    def dark(self, state: State, site: int) -> bool:
        """Tell whether a site is lost."""
        return state.clients[site] != "home"

    def in_sync(self, state: State) -> int:
        """Return how many standbys are ready that commits wait for."""
        pairs = zip(self.groups, state.nodes, strict=True)
        return sum(nodes[0] for group, nodes in pairs if group.sync)

    def counted(self, state: State) -> int:
        """Return how many standbys there are that commits wait for."""
        synchronous = sum(group.size for group in self.groups if group.sync)
        return synchronous - self.groups[state.primary].sync

    def behind(self, state: State, i: int) -> bool:
        """Tell whether what a group follows is down, so that it falls behind."""
        above = self.groups[i].follows
        fed = above in {-1, state.primary} or state.nodes[above][0] > 0
        return not fed and state.phase != "lost"

    def candidates(self, state: State) -> list[tuple[int, Quantity]]:
        """Return the groups whose nodes may become primary, each with its share."""
        ready = [
            (group.rank, i, nodes[0])
            for i, (group, nodes) in enumerate(
                zip(self.groups, state.nodes, strict=True)
            )
            if nodes[0] and self._may_lead(group) and not self.behind(state, i)
        ]
        if not ready:
            return []
        best = max(rank for rank, _, _ in ready)
        among = [(i, count) for rank, i, count in ready if rank == best]
        total = sum(count for _, count in among)
        return [(i, 1 if n == total else n / total) for i, n in among]

    def _may_lead(self, group: Alike) -> bool:
        return group.promotable and (group.sync or not self.clean)

    def waits_for_the_last(self, state: State) -> bool:
        """Tell whether none but the last primary has all that was acknowledged."""
        struck = state.cause in {Cause.COMMON, Cause.FAILOVER_FAILED}
        return self.clean and state.phase == "lost" and not struck

    # ---- steps from state to state -------------------------------------------------

    def moved(self, state: State, group: int, *steps: tuple[int, int]) -> State:
        """Return the state with counts of one group changed."""
        counts = list(state.nodes[group])
        for slot, by in steps:
            counts[slot] += by
        nodes = (*state.nodes[:group], tuple(counts), *state.nodes[group + 1 :])
        return state._replace(nodes=nodes)

    def sent(self, state: State, site: int, where: str) -> State:
        """Return the state with the clients of a site somewhere else."""
        clients = (*state.clients[:site], where, *state.clients[site + 1 :])
        return state._replace(clients=clients)

    def lose(self, state: State, site: int) -> State:
        """Return the state with a site gone dark."""
        gone = 0 * state.nodes[0][0], *(0 for _ in state.nodes[0][1:])
        nodes = tuple(
            gone if group.site == site else counts
            for group, counts in zip(self.groups, state.nodes, strict=True)
        )
        followed = self.watched is None or site == self.watched
        where = "waiting" if followed else "moved"
        return self.sent(state._replace(nodes=nodes), site, where)

    def regain(self, state: State, site: int) -> State:
        """Return the state with a site back and its nodes ready."""
        rest = tuple(0 for _ in state.nodes[0][1:])
        nodes = tuple(
            (group.size, *rest) if group.site == site else counts
            for group, counts in zip(self.groups, state.nodes, strict=True)
        )
        return self.sent(state._replace(nodes=nodes), site, "home")

    def serve(self, state: State, group: int) -> State:
        """Return the state with a ready node of a group as primary."""
        found = self.moved(state, group, (0, -1))
        return found._replace(
            phase="serving", primary=group, cause="", mode=-1, tries=0
        )

    def give_up(self, state: State, cause: str) -> State:
        """Return the state in which the service waits for a repair."""
        laws = self.laws
        nodes = tuple(
            (n[0], *(n[1 + k] + n[1 + laws + k] for k in range(laws)), *(0,) * laws)
            for n in state.nodes
        )
        lost = state._replace(phase="lost", nodes=nodes, cause=cause, tries=0)
        kept = laws == 1 or self.waits_for_the_last(lost)
        return lost if kept else lost._replace(mode=-1, primary=self.first)

    def exhausted(self, state: State) -> State:
        """Return the state in which no candidate is left."""
        if any(
            nodes[0] and self._may_lead(group)
            for group, nodes in zip(self.groups, state.nodes, strict=True)
        ):
            return self.give_up(state, Cause.STANDBY_BEHIND)
        unseen = any(any(n[1 + self.laws :]) for n in state.nodes)
        all_down = Cause.BOTH_NODES_DOWN if self.size == 2 else Cause.ALL_NODES_DOWN
        cause = Cause.STANDBY_UNSEEN if unseen else all_down
        return self.give_up(state, cause)

    def all_ready(self, state: State) -> State:
        """Return the state with all nodes ready and the last primary back."""
        rest = tuple(0 for _ in state.nodes[0][1:])
        nodes = tuple((group.size, *rest) for group in self.groups)
        return self.serve(state._replace(nodes=nodes), state.primary)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of failure of a node."""

    name: str
    kind: str
    primary: Quantity  # mean time to it in s, of the primary and of a standby
    standby: Quantity
    common: Quantity  # mean time in s to one that takes all nodes
    law: int  # which law of repair
    mode: int  # the first kind that is handled like it
    in_place: bool  # whether it ends by itself
    detection: Quantity | None
    coverage: Quantity
    backup: Quantity | None  # s between backups, of what destroys the data


class Handover(NamedTuple):
    """What the rules take from a `Failover`."""

    detection: Quantity
    fencing: Quantity
    promotion: Quantity
    redirection: Quantity
    coverage: Quantity
    manual: Quantity
    retry: Quantity
    tries: int | None

    @classmethod
    def of(cls, failover: Failover) -> Handover:
        """Return what a failover says."""
        return cls(*(getattr(failover, name) for name in cls._fields))


class Repair(NamedTuple):
    """A law of repair."""

    mttr: Quantity
    crew: bool  # whether it needs one
    restore: Quantity | None  # its time where no other node has the data


class WayBack(NamedTuple):
    """How long it is until a failback begins, and how long it takes, in s."""

    resync: Quantity
    change: Quantity


class Holding(NamedTuple):
    """What failovers hang on."""

    name: str
    mttf: Quantity
    mttr: Quantity


class Policy(NamedTuple):
    """What a commit waits for."""

    needed: int  # standbys; -1: all that there are
    least: int  # below which it waits without end; -1: all that there are
    timeout: Quantity | None  # else it waits so long, and goes on without
    each: bool  # whether it waits for each standby that goes, not only the last needed


class Derived:
    """A time of an event that a law is made for only when one is asked."""

    @property
    @abstractmethod
    def law(self) -> Duration:
        """The time as a distribution, where all it is made of are single."""

    @property
    def var(self) -> float:
        """Variance in s^2."""
        return float(self.law.var)

    def sf(self, times: FloatArray) -> FloatArray:
        """Return the probability that it takes longer."""
        found: FloatArray = self.law.sf(times)
        return found

    def quantile(self, p: FloatArray) -> FloatArray:
        """Return the time in s within which a share p is over."""
        found: FloatArray = self.law.quantile(p)
        return found

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n of them in s."""
        return self.law.sample(n, rng)


@dataclass(frozen=True, kw_only=True, eq=False)
class First(Derived):
    """The first of two times: a repair (a number is its mean) and a fixed stage."""

    repair: Quantity
    stage: Quantity

    @cached_property
    def _of(self) -> tuple[Quantity, Quantity]:
        return race(self.repair, self.stage)

    @property
    def won(self) -> Quantity:
        """Probability that the repair comes first."""
        return self._of[0]

    @property
    def mean(self) -> Quantity:
        """Mean in s of the first of the two."""
        return self._of[1]

    @cached_property
    def law(self) -> Duration:
        """The first of the two as a law, where both are single numbers or laws."""
        return duration.minimum(repair_law(self.repair), stage_law(self.stage))


def repair_law(time: Quantity) -> Duration:  # a number or a law
    """Return a repair as a law: a number is the mean of an exponential one."""
    return time if hasattr(time, "sample") else duration.exponential(time)


def stage_law(time: Quantity) -> Duration:
    """Return a stage as a law: a number is constant."""
    return time if hasattr(time, "sample") else duration.constant(time)


def race(repair: Quantity, stage: Quantity) -> tuple[Quantity, Quantity]:
    """Return the probability that a repair ends before a stage, and the mean of both.

    A number is the mean of an exponential repair, or the length of a constant stage;
    both may also be distributions.
    """
    if is_term(repair, stage):
        both = made(race, repair, stage)
        never = not is_term(stage) and stage == 0
        return (0.0, 0.0) if never else (made(getitem, both, 0), made(getitem, both, 1))
    if not hasattr(repair, "sample"):
        if hasattr(stage, "sample"):
            won: Quantity = 1 - stage.lst(1 / repair)
        elif hasattr(stage / repair, "free_symbols"):
            import sympy

            won = 1 - sympy.exp(-stage / repair)
        else:
            won = -np.expm1(-stage / repair)
        return won, repair * won
    if not hasattr(stage, "sample"):
        if stage == 0:
            return 0.0, 0.0
        stage = duration.constant(stage)
    slices = (np.arange(4096) + 0.5) / 4096
    ends = np.unique(np.asarray(stage.quantile(slices)), return_counts=True)
    won = float(np.dot(repair.cdf(ends[0]), ends[1])) / len(slices)
    return won, duration.minimum(repair, stage).mean


def race_of_stages(one: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    """Return the probability that one stage ends before another, and the mean of both.

    A number is the length of a constant stage; both may be distributions.
    """
    laws = [hasattr(stage, "sample") for stage in (one, other)]
    if not any(laws):
        return _race_of_constants(one, other)
    first, second = stage_law(one), stage_law(other)
    mean = duration.minimum(first, second).mean
    if not laws[0]:
        return second.sf(one), mean
    if not laws[1]:
        return first.cdf(other), mean
    if first.phases is not None and second.phases is not None and not first.shape:
        return _race_of_phases(first.phases, second.phases), mean
    slices = (np.arange(4096) + 0.5) / 4096
    column = slices.reshape(-1, *(1 for _ in (first + second).shape))
    return np.mean(first.cdf(second.quantile(column)), axis=0), mean


def _race_of_constants(one: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    if is_symbolic(one) or is_symbolic(other):
        import sympy

        return sympy.Heaviside(other - one, 1), sympy.Min(one, other)
    won = np.asarray(np.asarray(one) <= np.asarray(other), dtype=float)
    return won[()], np.minimum(one, other)[()]


def _race_of_phases(
    one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]
) -> float:
    """Return the probability that one phase-type time ends before another."""
    (alpha, a), (beta, b) = one, other
    both = np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b)
    spent = np.linalg.solve(-both.T, np.kron(alpha, beta))
    ends = np.kron(-a.sum(axis=1), np.ones(len(b)))
    return float(spent @ ends + (1 - alpha.sum()))


def added(stages: tuple[Quantity, ...]) -> Quantity:  # a number or a law
    """Return the sum of stages: a number if all are."""
    if is_term(*stages):
        return made(_added, *stages, law=True)
    if not any(hasattr(stage, "sample") for stage in stages):
        return sum(stages)
    laws = [stage_law(stage) for stage in stages]
    total = laws[0]
    for law in laws[1:]:
        total = total + law
    return total


def _added(*stages: Quantity) -> Quantity:
    return added(stages)


def is_never(time: Quantity) -> bool:  # a number, an array or a symbol
    """Tell whether a mean time is one infinity."""
    return np.ndim(time) == 0 and not hasattr(time, "free_symbols") and time == NEVER


def sooner(time: Quantity, many: Quantity) -> Quantity:  # a number or a law
    """Return the time to the first of several that run at once."""
    return time if many == 1 else mean_of(time) / many


def redirection(
    nodes: Nodes, failover: Handover, state: State, site: int
) -> Iterator[Event]:
    """Yield how the clients of a lost site reach another."""
    clock, where = f"clients of {site}", state.clients[site]
    moved, stuck = (nodes.sent(state, site, w) for w in ("moved", "stuck"))
    if where == "waiting":
        after = Stages((failover.detection, failover.redirection))
        yield Event(clock, after, moved, failover.coverage)
        yield Event(clock, after, stuck, 1 - failover.coverage)
    elif where == "stuck" and failover.retry is not None:
        after = Stages((failover.retry,))
        yield Event(f"{clock} again", after, moved, failover.coverage)
        yield Event(f"{clock} again", after, stuck, 1 - failover.coverage)
    elif where == "stuck" and failover.manual is not None:
        yield Event(f"{clock} by hand", failover.manual, moved)
