"""A database pair over two sites: where it serves, and what is dark.

It widens the four states of the pair in one site (`active_passive`) by the place of
the active node and by what has become of each site's clients.

Assumptions, beside those of the pair
- A site that is lost takes its node with it; when it returns, its node has caught up.
- While the pair fails over, or no node is left, no further site is lost.
- After a failover the service stays where it is until the next one.
- While semi-synchronous writes wait out their timeout nothing else happens; a new
  primary without a standby does not wait, one that waits for ever does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamodel.architectures._front import (
    Front,
    Seen,
    SiteView,
    absorb,
    combined,
    entrance,
    everywhere,
    planned,
    undisturbed,
)
from hamodel.architectures._specs import check_maintenance
from hamodel.architectures.base import Cause, Event, Model, Part, Stages, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import Quantity
    from hamodel.architectures.active_passive import ActivePassive
    from hamodel.duration import Duration


class TwoSiteState(NamedTuple):
    """Which nodes serve, at which site the active one is, and each site's clients."""

    nodes: str = "both"  # both, unseen, one, stalled_..., switching, manual or none
    active: int = 0
    clients: tuple[str, str] = ("home", "home")  # of a dark site: waiting, stuck, moved
    cause: str = ""  # why no node serves

    def dark(self, site: int) -> bool:
        """Tell whether a site is lost."""
        return self.clients[site] != "home"

    def lose(self, site: int) -> TwoSiteState:
        """Return the state with a site gone dark."""
        return self._with_clients(site, "waiting")

    def regain(self, site: int) -> TwoSiteState:
        """Return the state with a site back."""
        return self._with_clients(site, "home")

    def _with_clients(self, site: int, where: str) -> TwoSiteState:
        pair = (where, self.clients[1]) if site == 0 else (self.clients[0], where)
        return self._replace(clients=pair)


class PairView(NamedTuple):
    """What clients notice of the pair."""

    active: int  # the site of the node that takes writes
    cause: str  # why there is none
    readable: tuple[bool, ...]  # which sites hold a copy that can be read
    sites: tuple[SiteView, ...]
    blocked: str = ""  # why its writes wait, although it works

    @property
    def stopped(self) -> str:
        """Why the pair takes no writes; empty where it does."""
        shared = self.sites[0].cause if len(self.sites) == 1 else ""
        return shared or self.cause or self.blocked


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoSitePair:
    """The pair of an `ActivePassive` over two sites, as a part of a model."""

    of: ActivePassive

    @property
    def shared(self) -> bool:
        """Whether both nodes are in one site."""
        return len(self.of.sites) == 1

    @property
    def _site_mttf(self) -> Quantity:
        """Mean time until the site of one node alone is lost, in s."""
        return float("inf") if self.shared else self.of.site.mttf

    def part(self, name: str) -> Part:
        """Return the part under a name."""
        return Part(name=name, start=TwoSiteState(), events=self.events, view=self.view)

    def view(self, state: TwoSiteState) -> PairView:
        """Return what clients notice."""
        active, standby = state.active, 1 - state.active
        copies = {
            "both": {active, standby},
            "stalled_unseen": {active},
            "stalled_one": {active},
            "unseen": {active},
            "one": {active},
            "switching": {standby},
            "manual": {standby},
            "none": set[int](),
        }[state.nodes]
        if self.shared:
            sites = (SiteView(state.clients[0], _why(state.clients[0])),)
            return PairView(
                0, state.cause, (bool(copies),), sites, self._blocked(state)
            )
        return PairView(
            0 if state.cause else active,
            state.cause,
            (0 in copies, 1 in copies),
            tuple(SiteView(clients) for clients in state.clients),
            self._blocked(state),
        )

    def _blocked(self, state: TwoSiteState) -> str:
        """Return why writes wait at a node that serves."""
        if state.nodes.startswith("stalled"):
            return Cause.WAITING
        alone = state.nodes in {"one", "unseen"}
        return Cause.STANDBY_DOWN if alone and waits_for_ever(self.of) else ""

    def events(self, state: TwoSiteState) -> Iterator[Event]:
        """Yield what can happen."""
        if self.shared and state.dark(0):
            yield Event("site back", self.of.site.mttr, state.regain(0))
            return
        yield from getattr(self, f"_{state.nodes}")(state)
        if self.shared:
            lost = state._with_clients(0, "lost")
            yield Event("site lost", self.of.site.mttf, lost)
            return
        for site in (0, 1):
            yield from self._redirection(state, site)

    def _both(self, state: TwoSiteState) -> Iterator[Event]:
        a, s = state.active, 1 - state.active
        yield from self._failover(state, f"node {a} fails", self.of.database.mttf)
        yield from self._failover(state.lose(a), f"site {a} lost", self._site_mttf)
        probe = self.of.standby.probe
        seen = np.ndim(probe) == 0 and probe == 0
        to = state._replace(nodes=self._alone("one" if seen else "unseen"))
        yield Event(f"node {s} fails", self._standby_mttf, to)
        dark = state.lose(s)._replace(nodes=self._alone("one"))
        yield Event(f"site {s} lost", self._site_mttf, dark)

    def _alone(self, nodes: str) -> str:
        """Return what follows when the standby goes: perhaps a wait for it first."""
        waits = self.of.replication.mode == "semi-sync"
        return f"stalled_{nodes}" if waits else nodes

    def _stalled_one(self, state: TwoSiteState) -> Iterator[Event]:
        timeout = Stages((self.of.replication.timeout,))
        yield Event("timeout", timeout, state._replace(nodes="one"))

    def _stalled_unseen(self, state: TwoSiteState) -> Iterator[Event]:
        timeout = Stages((self.of.replication.timeout,))
        yield Event("timeout", timeout, state._replace(nodes="unseen"))

    def _failover(
        self, state: TwoSiteState, clock: str, after: Quantity
    ) -> Iterator[Event]:
        failover = self.of.failover
        went = state._replace(nodes="switching", cause=Cause.FAILING_OVER)
        astray = "none" if failover.manual is None else "manual"
        failed = state._replace(nodes=astray, cause=Cause.FAILOVER_FAILED)
        yield Event(clock, after, went, failover.coverage)
        yield Event(clock, after, failed, 1 - failover.coverage)

    def _unseen(self, state: TwoSiteState) -> Iterator[Event]:
        a, s = state.active, 1 - state.active
        one = state._replace(nodes="one")
        none = state._replace(nodes="none", cause=Cause.STANDBY_UNSEEN)
        yield Event("probe", self.of.standby.probe, one)
        yield Event(f"node {a} fails", self.of.database.mttf, none)
        yield Event(f"site {a} lost", self._site_mttf, none.lose(a))
        yield Event(f"site {s} lost", self._site_mttf, one.lose(s))

    def _one(self, state: TwoSiteState) -> Iterator[Event]:
        a, s = state.active, 1 - state.active
        none = state._replace(nodes="none", cause=Cause.BOTH_NODES_DOWN)
        yield Event(f"node {a} fails", self.of.database.mttf, none)
        yield Event(f"site {a} lost", self._site_mttf, none.lose(a))
        both = state._replace(nodes="both")
        if state.dark(s):
            yield Event(f"site {s} back", self.of.site.mttr, both.regain(s))
        else:
            yield Event(f"node {s} repaired", self.of.database.mttr, both)
            yield Event(f"site {s} lost", self._site_mttf, state.lose(s))

    def _switching(self, state: TwoSiteState) -> Iterator[Event]:
        yield from self._takeover(state, self._stages)

    def _manual(self, state: TwoSiteState) -> Iterator[Event]:
        yield from self._takeover(state, (*self._stages, self.of.failover.manual))

    @property
    def _stages(self) -> tuple[Quantity | Duration, ...]:
        failover = self.of.failover
        return (
            failover.detection,
            failover.fencing,
            failover.promotion,
            failover.redirection,
        )

    def _takeover(
        self, state: TwoSiteState, stages: tuple[Quantity | Duration, ...]
    ) -> Iterator[Event]:
        done = state._replace(nodes="one", active=1 - state.active, cause="")
        yield Event("takeover", Stages(stages), done)
        lost = state._replace(nodes="none", cause=Cause.BOTH_NODES_DOWN)
        yield Event("takeover lost", self.of.standby.takeover_mttf, lost)

    def _none(self, state: TwoSiteState) -> Iterator[Event]:
        dark = [site for site in (0, 1) if state.dark(site)]
        for site in dark:
            back = state.regain(site)._replace(nodes="one", active=site, cause="")
            yield Event(f"site {site} back", self.of.site.mttr, back)
        if not dark and self.of.restore is not None:
            both = state._replace(nodes="both", cause="")
            yield Event("restored", self.of.restore, both)
            return
        lit = [site for site in (0, 1) if site not in dark]
        if self.of.crews < len(lit):  # one crew goes on with the node that failed first
            lit = [1 - state.active]
        for site in lit:
            one = state._replace(nodes="one", active=site, cause="")
            yield Event(f"node {site} repaired", self.of.database.mttr, one)

    def _redirection(self, state: TwoSiteState, site: int) -> Iterator[Event]:
        failover = self.of.failover
        clock, where = f"clients of {site}", state.clients[site]
        moved = state._with_clients(site, "moved")
        if where == "waiting":
            after = Stages((failover.detection, failover.redirection))
            yield Event(clock, after, moved, failover.coverage)
            stuck = state._with_clients(site, "stuck")
            yield Event(clock, after, stuck, 1 - failover.coverage)
        elif where == "stuck" and failover.manual is not None:
            yield Event(f"{clock} by hand", failover.manual, moved)

    @property
    def _standby_mttf(self) -> Quantity:
        standby = self.of.standby.mttf
        return self.of.database.mttf if standby is None else standby


class PairSeen(NamedTuple):
    """What the clients of a site know of the pair and of both sites."""

    pair: PairView | None = None
    seen: Seen = Seen()


@dataclass(frozen=True)
class PairAbsorb:
    """What clients of a site know once they have seen one more part.

    Of a site that is not theirs they need to know only whether it serves.
    """

    sites: tuple[str, ...]

    def __call__(
        self, known: PairSeen, site: str, name: str, view: PairView | SiteView | str
    ) -> PairSeen:
        """Add the view of one part."""
        if isinstance(view, PairView):
            return known._replace(pair=view)
        pair = known.pair
        if isinstance(view, str) or pair is None:
            seen = absorb(known.seen, site, name, view)
            return PairSeen(seen=seen) if seen.everywhere else known._replace(seen=seen)
        place = self.sites.index(name)
        view = combined(pair.sites[place], view)
        clients = "home" if view.clients == "home" else "away"
        shown = list(pair.sites)
        shown[place] = SiteView(clients)
        return PairSeen(
            pair._replace(sites=tuple(shown)), absorb(known.seen, site, name, view)
        )


def model_of(spec: ActivePassive) -> Model:
    """Return the parts of an active-passive pair over two sites.

    Parts are `pair` (both nodes and both sites), the servers of each site, and
    `maintenance` and `everywhere` if given.
    """
    redirect = spec.failover if len(spec.sites) > 1 else None
    front = Front(site=spec.site, redirect=redirect)
    fronts = [front.part(name) for name in spec.sites]
    work = spec.maintenance
    promotion, redirection = spec.failover.promotion, spec.failover.redirection

    def verdict(known: PairSeen, site: str, operation: str) -> Verdict:
        found = entrance(known.seen, site)
        if found.cause or known.pair is None:
            return found
        if operation == "write":
            return undisturbed(known.seen, _written(known.pair, found, spec.sites))
        return _read(known.pair, found, spec.sites, planned=known.seen.planned)

    return Model(
        parts=(
            TwoSitePair(of=spec).part("pair"),
            *fronts,
            *(planned(work, promotion, redirection) if work else ()),
            *everywhere(spec.everywhere),
        ),
        sites=spec.sites,
        nothing=PairSeen(),
        absorb=PairAbsorb(spec.sites),
        verdict=verdict,
    )


def _why(clients: str) -> str:
    return "" if clients == "home" else Cause.SITE_DOWN


def waits_for_ever(spec: ActivePassive) -> bool:
    """Tell whether writes wait for a standby, however long it is gone."""
    return spec.replication.mode in {"sync", "quorum"}


def check_pair(spec: ActivePassive) -> None:
    """Check the fields that only the wide reading of a pair uses."""
    if spec.replication.count != 1:
        raise ValueError(
            "replication.standbys must be 1, the standby of the pair, got "
            f"{spec.replication.count}"
        )
    check_maintenance(spec.maintenance)


def _written(pair: PairView, found: Verdict, sites: tuple[str, ...]) -> Verdict:
    """Find the node that takes the writes of clients who have entered a site."""
    if pair.cause or pair.blocked:
        return Verdict(pair.cause or pair.blocked)
    return found._replace(at=sites[pair.active])


def _read(
    pair: PairView, found: Verdict, sites: tuple[str, ...], *, planned: bool
) -> Verdict:
    """Find the copy that answers clients who have entered a site."""
    entered = sites.index(found.through)
    if not any(pair.readable):
        return Verdict(pair.cause)
    copy = entered if pair.readable[entered] else pair.readable.index(True)
    behind = bool(pair.cause) or copy != pair.active or planned
    return found._replace(at=sites[copy], stale=behind)
