"""What every architecture is made of: independent parts, and who is served when.

An architecture describes itself once, as parts.  A part is a start state and the
events that can happen in each state: what it is called, how long it takes, where it
leads.  Read with the means alone the events are a Markov chain; read with the whole
distributions they are a simulation.  Parts fail independently, so their joint
probabilities are products and no joint chain is ever built.

Assumptions: parts are independent; what couples them (a site that takes its database
and its servers down) belongs into one part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import getitem, mul
from typing import NamedTuple, Protocol, TypeAlias, cast

import numpy as np

from hamodel._types import Quantity, State
from hamodel.architectures._assumptions import Assumption
from hamodel.architectures._events import Event, rate_among
from hamodel.architectures._shape import Shaped
from hamodel.architectures._specs import Site
from hamodel.architectures._sums import absorption, grouping, plus
from hamodel.architectures.behaviour import Behaviour, Known
from hamodel.chain import Chain
from hamodel.structure import Structure
from hamodel.units import MINUTE, YEAR
from hamodel.workload import Workload

#: What can be known at each site, with its probability.
Situations: TypeAlias = "Mapping[str, Mapping[Known, Quantity]]"

#: What clients do.
OPERATIONS = ("read", "write")


@dataclass(frozen=True, kw_only=True, eq=False)
class Along:
    """How the outages of a part come with those of other parts.

    Attributes
    ----------
    alone : Part
        The part of which only those outages come that come by themselves.
    begins : mapping
        By the name of another part: the chance that one begins when that is lost.
    after : callable
        `after(known)`, whether one follows what the clients know to be lost.
    voters : callable
        `voters(known)`, how many copies could lead: it may be any that is lost.
    again : tuple of float, or None
        How many more, in 1/s, of those that come by themselves follow one another than
        by chance, fewer if less than 0; and for how long that holds, in s.
    """

    alone: Part
    begins: Mapping[str, float]
    after: Callable[[State], bool]
    voters: Callable[[State], int]
    again: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A part of an architecture that fails independently of the others.

    Attributes
    ----------
    name : str
        What it is.
    start : hashable
        The state in which all is well.
    events : callable
        `events(state)` yields the `Event`s that can happen there.
    view : callable
        `view(state)`, all that the clients of the architecture can notice.  States
        with the same view are counted together.
    seen_from : callable or None
        `seen_from(site)`, the same part with what clients of that site notice only:
        fewer states, and the same law of what they do.  None: there is no such.
    shaped : callable or None
        `shaped()`, the states and moves that the events lead to, where they are known
        already from a part with other numbers.  None: they are found each time.
    along : callable or None
        `along()`, how its outages begin with those of other parts, or follow them,
        though the long run counts them as independent.  None: they do not.
    turns : int
        How many nodes a state of it takes out one after another, at most, though it
        shows them as one.
    """

    name: str
    start: Hashable
    events: Callable[[State], Iterable[Event]]
    view: Callable[[State], Hashable]
    seen_from: Callable[[str], Part] | None = None
    shaped: Callable[[], Shaped] | None = None
    along: Callable[[], Along] | None = None
    turns: int = 1

    def moves(self, state: Hashable) -> Iterator[tuple[Hashable, Quantity]]:
        """Yield the next states and their rates in 1/s."""
        for event, rate in self.timed(state):
            yield event.to, event.share * rate

    def timed(self, state: Hashable) -> Iterator[tuple[Event, Quantity]]:
        """Yield the events that can happen and the rates of their clocks in 1/s."""
        events = [
            event
            for event in self.events(state)
            if np.any(event.share != 0)  # else never, however quick
        ]
        for event in events:
            yield event, rate_among(event, events)

    def chain(self, up: Callable[[State], object] = bool) -> Chain:
        """Return the chain of this part; `up` judges a view."""
        if self.shaped is not None:
            return self.shaped().chain(up)
        return Chain.explore(self.start, self.moves, up=lambda s: up(self.view(s)))

    @property
    def kind(self) -> Hashable:
        """What the views depend on: equal for parts that differ by name only."""
        return self.start, self.events, self.view

    def views(self) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each view."""
        if self.shaped is not None:
            return self.shaped().views()
        found: dict[Hashable, Quantity] = defaultdict(int)
        for state, probability in self.chain().steady_state().items():
            found[self.view(state)] += probability
        return dict(found)


class Viewed(Protocol):
    """Anything that shows views, each for some share of the time."""

    @property
    def name(self) -> str:
        """What it is."""
        ...

    def views(self) -> Mapping[Hashable, Quantity]:
        """Return the long-run probability of each view."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Independent parts that clients see as one.

    Attributes
    ----------
    name : str
        What it is.
    parts : tuple of Part
        What it is made of.
    combine : callable
        `combine(*views)`, the one view that they make.
    """

    name: str
    parts: tuple[Viewed, ...]
    combine: Callable[..., Hashable]

    @property
    def kind(self) -> Hashable:
        """What the views depend on: equal for groups that differ by name only."""
        return self.combine, tuple(_kind(part) for part in self.parts)

    def views(self) -> dict[Hashable, Quantity]:
        """Return the long-run probability of each combined view."""
        shown = [part.views() for part in self.parts]
        views, rows = grouping(self.combine, tuple(tuple(s) for s in shown))
        shares = [list(s.values()) for s in shown]
        found: list[Quantity] = [None] * len(views)
        for to, row in rows:
            term = reduce(mul, map(getitem, shares, row), 1)
            found[to] = plus(found[to], term)
        return dict(zip(views, found, strict=True))


def _local(part: Viewed, site: str) -> Viewed:
    """Return a part as clients of a site see it."""
    if isinstance(part, Part) and part.seen_from is not None:
        return part.seen_from(site)
    return part


def _kind(part: Viewed) -> Hashable:
    """Return what the views of a part depend on, or the part itself."""
    return part.kind if isinstance(part, Part | Group) else id(part)


class Verdict(NamedTuple):
    """What a client finds: the cause of not being served, or who serves."""

    cause: str = ""  # why the operation fails; empty where it does not
    through: str = ""  # the site whose servers take the request
    at: str = ""  # the site whose database does the work
    stale: bool = False  # the answer may be behind the last write


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Independent parts, and a judgement of what they mean to a client.

    Attributes
    ----------
    parts : tuple of Part or Group
        What fails.
    sites : tuple of str
        Where clients come from.
    nothing : hashable
        What is known before any part was looked at.
    absorb : callable
        `absorb(seen, site, name, view)`: what a client of the site has seen when it
        has also seen that the part of this name shows this view.
    verdict : callable
        `verdict(seen, site, operation)`, with the operation "read" or "write".
    """

    parts: tuple[Viewed, ...]
    sites: tuple[str, ...]
    nothing: Known
    absorb: Callable[[Known, str, str, State], Known]
    verdict: Callable[[Known, str, str], Verdict]

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"sites must not be named like another part, got {twice}")

    def leaves(self) -> tuple[Part, ...]:
        """Return the parts with those of groups one by one."""
        found: list[Viewed] = []
        for part in self.parts:
            found.extend(part.parts if isinstance(part, Group) else [part])
        return tuple(part for part in found if isinstance(part, Part))

    def situations(self) -> dict[str, dict[Known, Quantity]]:
        """Return what clients of each site can see, with long-run probabilities.

        Parts are looked at one by one, and what looks alike is added up on the way:
        a few hundred sums where the joint chain has millions of states.  Computed
        once for each model; parts that differ by name only are solved once, and
        which sums it takes is remembered for all models of the same shape.
        """
        return {site: dict(seen) for site, seen in self._situations.items()}

    @cached_property
    def _situations(self) -> dict[str, dict[Known, Quantity]]:
        solved: dict[Hashable, Mapping[Hashable, Quantity]] = {}
        found = {}
        for site in self.sites:
            views = {}
            for part in self.parts:
                local = _local(part, site)
                kind = _kind(local)
                if kind not in solved:
                    solved[kind] = local.views()
                views[part.name] = solved[kind]
            found[site] = self._seen(site, views)
        return found

    def _seen(
        self, site: str, views: Mapping[str, Mapping[Hashable, Quantity]]
    ) -> dict[Known, Quantity]:
        shown = tuple((name, tuple(shares)) for name, shares in views.items())
        situations, stages = absorption(self.absorb, self.nothing, site, shown)
        seen: list[Quantity] = [1]
        for (count, steps), shares in zip(stages, views.values(), strict=True):
            known, after = list(shares.values()), [None] * count
            for before, view, to in steps:
                after[to] = plus(after[to], seen[before] * known[view])
            seen = after
        return dict(zip(situations, seen, strict=True))

    def downtime(
        self, clients: Mapping[str, Quantity] | None = None
    ) -> dict[str, dict[str, Quantity]]:
        """Return the unavailability by operation and cause, over weighted clients.

        Parameters
        ----------
        clients : mapping, optional
            Share of the requests that come from each site; by default alike.
        """
        shares = clients or dict.fromkeys(self.sites, 1 / len(self.sites))
        situations = self._situations
        return {
            operation: self._budget(situations, shares, operation)
            for operation in OPERATIONS
        }

    def _budget(
        self, situations: Situations, clients: Mapping[str, Quantity], operation: str
    ) -> dict[str, Quantity]:
        budget: dict[str, Quantity] = defaultdict(int)
        for site, share in clients.items():
            for seen, probability in situations[site].items():
                cause = self.verdict(seen, site, operation).cause
                if cause:
                    budget[cause] = budget[cause] + share * probability
        return dict(budget)


class Architecture(Protocol):
    """What can be assessed, simulated, swept and decided on.

    Five are given; one's own needs to follow this only.
    """

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that serve clients."""
        ...

    @property
    def all_sites(self) -> tuple[str, ...]:
        """Names of all sites, those included that serve no clients."""
        ...

    @property
    def site(self) -> Site:
        """Each site, with its servers before the database."""
        ...

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        ...

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the numbers assume; some of it can be given up with `flip`."""
        ...

    def model(self) -> Model:
        """Return the parts that fail and what that means to clients."""
        ...

    def diagram(self, operation: str = "write") -> Structure:
        """Return the boxes that a request passes, as a structure."""
        ...

    def behaviour(self, workload: Workload) -> Behaviour:
        """Return what it does under a workload: recovery, data, loads and waits."""
        ...


class LongRun:
    """What the five have in common, unless they say otherwise.

    Each tells what the long run costs writes, on its own account.  It equals the
    `write` of an assessment in which no tier is overloaded, no queue is full and no
    answer too slow, with clients alike at all sites.
    """

    @property
    def all_sites(self: Architecture) -> tuple[str, ...]:
        """Names of all sites, those included that serve no clients."""
        return self.sites

    @property
    def one_writer(self) -> bool:
        """Whether one site takes all writes and sends them on to the others."""
        return False

    @property
    def downtime_by_cause(self) -> dict[str, Quantity]:
        """Unavailability of writes by cause; the causes add up to the whole."""
        return cast("Architecture", self).model().downtime()["write"]

    @property
    def unavailability(self) -> Quantity:
        """Long-run share of the writes that fail."""
        return sum(self.downtime_by_cause.values())

    @property
    def availability(self) -> Quantity:
        """Long-run share of the writes that are answered."""
        return 1 - self.unavailability

    @property
    def minutes_per_year(self) -> Quantity:
        """Expected downtime in minutes in a year of 365 days."""
        return self.unavailability * (YEAR / MINUTE)
