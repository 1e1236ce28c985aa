"""Regions of pairs: an active-active site whose database is itself a primary.

A lost node is replaced inside its site; only what the site cannot mend by itself leads
its clients to another.  The surprise is that the two race: a failover inside that takes
30 s is over before a name in DNS has changed, so nobody ever leaves; one of 3 min is
overtaken, and then costs its clients the time of the redirection alone.

Assumptions
- Both begin when the primary is lost, so the chain takes the chance of either and the
  mean of the first from their laws.  Clients that were led away come back when the
  failover inside is done.
- After a second attempt at a failover inside, or after a wait for a standby, the time
  until clients are led away counts from there.
- While a site fails over inside, its standbys answer reads.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from hamodel import fields
from hamodel._types import Quantity
from hamodel.architectures._away import redirections
from hamodel.architectures._events import (
    Event,
    Stages,
    added,
)
from hamodel.architectures._first import (
    Both,
    First,
    Left,
)
from hamodel.architectures._nodes import Failure, Standby
from hamodel.architectures._pair_model import Shown
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._replicas import State
from hamodel.architectures._seen import SiteView
from hamodel.architectures._specs import Node, Site
from hamodel.architectures.active_passive import ActivePassive
from hamodel.architectures.base import Part
from hamodel.failover import Failover
from hamodel.replication import Replication

#: The one site of the nodes of a region.
HERE = "here"


@fields.specification
class Region:
    """The nodes of an active-active site that is itself a replicated primary.

    Attributes
    ----------
    replication : Replication
        How writes reach the standbys of their site, and what a commit waits for.
    """

    failover: Failover = fields.spec(Failover, "failover inside the site")
    nodes: int = fields.whole("nodes of each site", 2, default=2)
    standby: Standby = fields.spec(
        Standby, "standbys of each site", default_factory=Standby
    )
    replication: Replication = fields.spec(
        Replication, "replication inside the site", default_factory=Replication
    )
    failures: tuple[Failure, ...] = fields.specs(
        Failure, "kinds of failure of a node", default=()
    )
    common_cause: Quantity = fields.share(
        "failures that strike all nodes of a site", default=0.0
    )
    crews: int = fields.whole("repair crews of each site", default=1)

    def __post_init__(self) -> None:
        fields.check(self)
        if any(kind.kind == "everywhere" for kind in self.failures):
            raise ValueError(
                "failures must be of single nodes, got one everywhere: say everywhere "
                "of the architecture"
            )

    def primary(self, database: Node, site: Site) -> ActivePassive:
        """Return the replicated primary that each site is."""
        return ActivePassive(
            database=database,
            site=site,
            sites=(HERE,) * self.nodes,
            failover=self.failover,
            standby=self.standby,
            replication=self.replication,
            failures=self.failures,
            common_cause=self.common_cause,
            crews=self.crews,
        )


class RegionState(NamedTuple):
    """State of the nodes of a site, and where its clients are."""

    nodes: State
    clients: str = "home"
    late: int = 0  # 1: clients were led away while a failover ran, which goes on


@dataclass(frozen=True, kw_only=True, eq=False)
class Regional:
    """The rules of a site that is a replicated primary, with its clients."""

    primary: ActivePassive
    redirect: Failover | None  # None: there is nowhere to go
    _races: dict[tuple[str, int], Both] = field(default_factory=dict, init=False)

    @cached_property
    def _shown(self) -> Shown:
        return Shown(rules_of(self.primary, watched=-1))

    def part(self, name: str) -> Part:
        """Return the part under a name."""
        start = RegionState(self._shown.rules.nodes.start)
        return Part(name=name, start=start, events=self.events, view=self.view)

    def view(self, state: RegionState) -> SiteView:
        """Return what clients notice."""
        found = self._shown(state.nodes)
        reads = any(found.readable) and not found.sites[0].cause
        return SiteView(state.clients, found.stopped, reads=reads)

    def events(self, state: RegionState) -> Iterator[Event]:
        """Yield what can happen."""
        known = list(self._shown.rules.events(state.nodes))
        staged = [event for event in known if _is_stage(event)]
        for event in known:
            if not _is_stage(event):
                yield event._replace(to=self._settled(state, event.to))
        if self.redirect is None or not staged:
            yield from self._unraced(state, staged)
            yield from redirections(self.redirect, state)
        elif state.clients == "waiting":
            yield from self._raced(state, staged)
        else:
            yield from self._unraced(state, staged)
            yield from redirections(self.redirect, state)

    def _unraced(self, state: RegionState, staged: list[Event]) -> Iterator[Event]:
        for event in staged:
            after = event.after
            if state.late:
                after = Left(race=self._race(state.nodes, after))
            yield event._replace(after=after, to=self._settled(state, event.to))

    def _raced(self, state: RegionState, staged: list[Event]) -> Iterator[Event]:
        """Yield how the failover inside races the clients' way to another site."""
        assert self.redirect is not None
        race = self._race(state.nodes, staged[0].after)
        clock, worked = "failover or redirection", self.redirect.coverage
        for event in staged:
            to = self._settled(state, event.to)
            yield Event(clock, race, to, event.share * race.won)
        for where, share in (("moved", worked), ("stuck", 1 - worked)):
            to = state._replace(clients=where, late=1)
            yield Event(clock, race, to, share * (1 - race.won))

    def _race(self, nodes: State, stage: Quantity) -> Both:
        """Return the race of a stage inside, which its phase and mode tell."""
        key = nodes.phase, nodes.mode
        if key not in self._races:
            self._races[key] = Both(one=_law(stage), other=self._leading(nodes))
        return self._races[key]

    def _leading(self, nodes: State) -> Quantity:
        """Return what is left of the time until clients are led away."""
        assert self.redirect is not None
        whole = added((self.redirect.detection, self.redirect.redirection))
        rules = self._shown.rules
        in_place = nodes.mode >= 0 and rules.kinds[nodes.mode].in_place
        if not (in_place and nodes.phase == "switching"):
            return whole
        gone = rules.kinds[nodes.mode].detection
        return _less(whole, rules.failover.detection if gone is None else gone)

    def _settled(self, state: RegionState, nodes: Hashable) -> RegionState:
        """Return the state with its clients home if writes are served, else waiting."""
        assert isinstance(nodes, State)
        if not self._shown(nodes).stopped:
            return RegionState(nodes)
        gone = "lost" if self.redirect is None else "waiting"
        where = gone if state.clients == "home" else state.clients
        return RegionState(nodes, where)


def _is_stage(event: Event) -> bool:
    """Tell whether an event is a step of a failover, not a failure or a repair."""
    return isinstance(event.after, Stages | First)


def _law(time: Quantity) -> Quantity:  # a number or a law
    """Return stages as one time: a number if all are."""
    if isinstance(time, Stages):
        return added(time.of)
    return time.law if isinstance(time, First) else time


def _less(whole: Quantity, gone: Quantity) -> Quantity:
    """Return what is left of a time; of a law, which may begin anew, the whole."""
    if hasattr(whole, "sample") or hasattr(gone, "sample"):
        return whole
    return (whole - gone + abs(whole - gone)) / 2
