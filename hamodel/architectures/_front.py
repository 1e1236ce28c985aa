"""The parts that a site is made of, and where its clients are.

The servers of a site hold no data, so losing them costs their clients only the time
until these are led to another site; what counts is the redirection, not the repair.

Assumptions: servers fail independently of each other and of the database; clients
that were led away come back as soon as their own site serves again, at no cost.  They
are led away once for the servers and once for the database and the site, whichever is
first; where both are down that is a second chance, which changes the downtime by less
than the share of the time in which servers keep a site from serving.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hamodel import _check
from hamodel._types import Quantity
from hamodel.architectures._away import Ways, settled
from hamodel.architectures._events import Cause, Event, Stages
from hamodel.architectures._seen import (
    COPY,
    EVERYWHERE,
    HOME,
    MAINTENANCE,
    WHOLE,
    SiteView,
    combined,
)
from hamodel.architectures._specs import Maintenance, Node, Site, Tier
from hamodel.architectures.base import Group, Part
from hamodel.duration import Duration
from hamodel.failover import Failover
from hamodel.units import DAY

_UNSEEN = 1e-17  # of the time: lost in the rounding of a share
_DWELL = 30 * DAY  # long against an outage, short against a simulated run


class FrontState(NamedTuple):
    """How many servers of each tier have failed, and where the clients are."""

    balancers: int = 0
    apps: int = 0
    clients: str = "home"
    late: int = 0  # ways out, taken or tried in vain, that the repair has outlasted


class DataState(NamedTuple):
    """Whether the whole site and its database are up, and where the clients are."""

    site: str = "up"
    database: str = "up"
    clients: str = "home"
    late: int = 0  # as above


@dataclass(frozen=True, kw_only=True, eq=False)
class Front:
    """Load balancers and app servers of one site."""

    site: Site
    redirect: Failover | None  # None: there is nowhere to go

    def part(self, name: str) -> Part:
        """Return the part under a name."""
        return Part(name=name, start=FrontState(), events=self.events, view=self.view)

    def view(self, state: FrontState) -> SiteView:
        """Return what clients notice."""
        if self.redirect is not None:  # what counts is where the clients are
            return SiteView(state.clients)
        return SiteView(state.clients, self._broken(state))

    def _broken(self, state: FrontState) -> str:
        if not _enough(self.site.balancers, state.balancers):
            return Cause.BALANCER_DOWN
        return "" if _enough(self.site.apps, state.apps) else Cause.APPS_DOWN

    def events(self, state: FrontState) -> Iterator[Event]:
        """Yield what can happen."""
        broken = self._broken(state)
        ways = self._ways.get(broken, Ways(None, self.redirect))
        for what, after, count in _counted(self.site.balancers, state.balancers):
            to = self._settled(state._replace(balancers=count, late=0))
            mends = broken == Cause.BALANCER_DOWN and what == "repaired"
            event = Event(f"load balancer {what}", after, to)
            yield from ways.mended(event, state) if mends else (event,)
        for what, after, count in _counted(self.site.apps, state.apps):
            to = self._settled(state._replace(apps=count, late=0))
            mends = broken == Cause.APPS_DOWN and what == "repaired"
            event = Event(f"app server {what}", after, to)
            yield from ways.mended(event, state) if mends else (event,)
        yield from ways.out(state)

    @cached_property
    def _ways(self) -> dict[str, Ways]:
        """The ways out by what is broken, where a single server's repair is raced."""
        tiers = {
            Cause.BALANCER_DOWN: self.site.balancers,
            Cause.APPS_DOWN: self.site.apps,
        }
        return {
            cause: Ways(tier.node.mttr, self.redirect)
            for cause, tier in tiers.items()
            if tier is not None and tier.servers == 1
        }

    def _settled(self, state: FrontState) -> FrontState:
        broken = bool(self._broken(state))
        return settled(state, broken=broken, redirect=self.redirect)


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """One site's database, and the site as a whole, which takes it down with it."""

    site: Site
    database: Node | None
    redirect: Failover | None

    def part(self, name: str) -> Part:
        """Return the part under a name."""
        return Part(name=name, start=DataState(), events=self.events, view=self.view)

    def view(self, state: DataState) -> SiteView:
        """Return what clients notice."""
        cause = ""
        if state.site == "down":
            cause = Cause.SITE_DOWN
        elif state.database == "down":
            cause = Cause.DATABASE_DOWN
        return SiteView(state.clients, cause)

    def events(self, state: DataState) -> Iterator[Event]:
        """Yield what can happen."""
        if state.site == "down":
            ways, back = self._whole, state._replace(site="up", late=0)
            event = Event("site back", self.site.mttr, self._settled(back))
            yield from ways.mended(event, state)
        else:
            ways, lost = self._single, state._replace(site="down", late=0)
            yield Event("site fails", self.site.mttf, self._settled(lost))
            yield from self._database(state)
        yield from ways.out(state)

    def _database(self, state: DataState) -> Iterator[Event]:
        if self.database is None:
            return
        up = state.database == "up"
        to = state._replace(database="down" if up else "up", late=0)
        if up:
            yield Event("database fails", self.database.mttf, self._settled(to))
        else:
            back = Event("database repaired", self.database.mttr, self._settled(to))
            yield from self._single.mended(back, state)

    @cached_property
    def _whole(self) -> Ways:
        return Ways(self.site.mttr, self.redirect)

    @cached_property
    def _single(self) -> Ways:
        repair = None if self.database is None else self.database.mttr
        return Ways(repair, self.redirect)

    def _settled(self, state: DataState) -> DataState:
        broken = bool(self.view(state).cause)
        return settled(state, broken=broken, redirect=self.redirect)


def place(name: str, *parts: Part) -> Group:
    """Return the parts of one site as one: home only if all are, moved if any is."""
    return Group(name=name, parts=parts, combine=combined)


def witness(name: str, *parts: Part) -> Group:
    """Return the parts of a site that holds copies but serves no clients."""
    return Group(name=name, parts=parts, combine=unvisited)


def unvisited(*views: SiteView) -> SiteView:
    """Return what a site without clients shows: the copies in reach there."""
    return combined(*views)._replace(clients="elsewhere", cause="")


def everywhere(outage: Node | None) -> tuple[Part, ...]:
    """Return the part that strikes all others at once, if there is such an outage."""
    if outage is None:
        return ()
    clocks = "strikes everywhere", "mended everywhere"
    return (switched(EVERYWHERE, clocks, outage.mttf, outage.mttr),)


def switched(
    name: str, clocks: tuple[str, str], up: Quantity | Stages, down: Quantity | Stages
) -> Part:
    """Return the part that is up for a time, then down for one; it shows which."""

    def events(state: str) -> Iterator[Event]:
        if state == "up":
            yield Event(clocks[0], up, "down")
        else:
            yield Event(clocks[1], down, "up")

    return Part(name=name, start="up", events=events, view=str)


def planned(work: Maintenance, *stages: Quantity) -> tuple[Part, ...]:
    """Return the part that stands for planned work, which comes by the calendar.

    `stages` are the times in s for which it keeps clients out.
    """
    clocks = "work begins", "work is done"
    return (switched(MAINTENANCE, clocks, Stages((work.every,)), Stages(stages)),)


def rolling(
    work: Maintenance | None,
    nodes: Mapping[str, int] | None,
    sites: tuple[str, ...],
    handover: Quantity | Duration | None = None,
    others: int = 0,
) -> tuple[Part, ...]:
    """Return the part that stands for planned work which goes from node to node.

    `nodes` says how many copies there are at each of the sites; None: a site is taken
    out as a whole.  `handover` is a time in s at which nobody serves, once a round.
    `others` are further nodes, which hold nothing that is asked for.
    """
    if work is None:
        return ()
    kind = WHOLE if nodes is None else COPY
    takes = {f"{kind}{name}": 1 if nodes is None else nodes[name] for name in sites}
    if others:
        takes["elsewhere"] = others
    order = ["up", *(["down"] if handover is not None else []), *takes]

    def events(state: str) -> Iterator[Event]:
        after = order[(order.index(state) + 1) % len(order)]
        if state == "up":
            yield Event("work begins", Stages((work.every,)), after)
        elif state == "down":
            yield Event("handed over", Stages((handover,)), after)
        else:
            yield Event("work goes on", Stages((work.takes * takes[state],)), after)

    turns = max(takes.values())
    part = Part(name=MAINTENANCE, start="up", events=events, view=str, turns=turns)
    return (part,)


def home(sites: tuple[str, ...]) -> Part:
    """Return the part that tells at which site a write's key has its home.

    Nothing fails in it.  It dwells at each site for equally long, so that a share of
    its time is a share of the keys, and whoever reads parts can read it too.
    """

    def events(state: str) -> Iterator[Event]:
        after = sites[(sites.index(state) + 1) % len(sites)]
        yield Event("next key", Stages((_DWELL,)), after)

    return Part(name=HOME, start=sites[0], events=events, view=str)


def _counted(tier: Tier | None, failed: int) -> Iterator[tuple[str, Quantity, int]]:
    """Yield what can happen in a tier, up to the most failed servers that matter."""
    if tier is not None:
        changes = tier.changes(failed)
        yield from (change for change in changes if change[2] <= tier.counted)


def _enough(tier: Tier | None, failed: int) -> bool:
    return tier is None or tier.serves(failed)


def failed_apps(site: Site) -> dict[int, Quantity]:
    """Return how many app servers have failed while enough are left, with shares.

    Parameters
    ----------
    site : Site
        The site with its servers.

    Returns
    -------
    dict of int to float, array or SymPy expression
        Share of the time in which enough servers work, by how many have failed; shares
        below 1e-17 are left out.
    """
    apps = site.apps
    if apps is None or apps.servers == apps.needed:
        return {0: 1.0}
    law = apps.failed()[: apps.servers - apps.needed + 1]
    total = sum(law)
    shares = {failed: share / total for failed, share in enumerate(law)}
    return {
        failed: share
        for failed, share in shares.items()
        if _check.is_symbolic(share) or np.any(np.asarray(share) > _UNSEEN)
    }
