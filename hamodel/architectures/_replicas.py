"""What a replicated primary is made of: states, groups of nodes, kinds of failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from hamodel._types import Quantity
from hamodel.architectures._events import Cause, Event, Stages
from hamodel.failover import Failover

#: Phases in which the primary is alive.
ALIVE = frozenset({"serving", "stalled", "demoting", "returning"})


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
        if state.phase != "lost":  # then nobody is left to be near
            home = self.groups[state.primary].site
            among = [one for one in among if self.groups[one[0]].site == home] or among
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
    told: int = 0  # attempts after which a restart is told apart from a new one


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

    least: int = 0  # standbys below which it waits without end, or all there are
    timeout: Quantity | None = None  # else it waits so long, and goes on without
    needed: int = 0  # standbys, of which it waits for the last; 0: for each that goes


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
