"""What clients notice of a primary and its standbys, and who serves them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import NamedTuple

from hamodel.architectures._events import Cause, is_never
from hamodel.architectures._front import Front, everywhere, planned, switched
from hamodel.architectures._nodes import Replica
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._pair_spec import PairSpec
from hamodel.architectures._replicas import ALIVE, Nodes, State
from hamodel.architectures._replicated import Rules
from hamodel.architectures._seen import (
    Seen,
    SiteView,
    absorb,
    combined,
    entrance,
    undisturbed,
)
from hamodel.architectures._shape import Names, Shape, Shaped
from hamodel.architectures.base import Model, Part, Verdict


class PairView(NamedTuple):
    """What clients notice of the primary and its standbys."""

    active: int  # the site of the node that takes writes
    cause: str  # why there is none
    readable: tuple[int, ...]  # how many nodes answer reads at each site
    sites: tuple[SiteView, ...]
    blocked: str = ""  # why its writes wait, although it works

    @property
    def stopped(self) -> str:
        """Why it takes no writes; empty where it does."""
        shared = self.sites[0].cause if len(self.sites) == 1 else ""
        return shared or self.cause or self.blocked


@dataclass(frozen=True, eq=False)
class Shown:
    """What a state of the rules shows to clients."""

    rules: Rules

    def __call__(self, state: State) -> PairView:
        """Return the view of a state."""
        rules = self.rules.nodes
        home = rules.groups[state.primary].site
        readable = [0] * len(rules.sites)
        for group, nodes in zip(rules.groups, state.nodes, strict=True):
            if nodes[0] and group.reads:
                readable[group.site] += 1 if len(readable) == 1 else nodes[0]
        if state.phase in ALIVE:
            readable[home] = 1  # the primary
        sites = tuple(self._site(where) for where in state.clients)
        active = 0 if state.cause else home
        return PairView(
            active, state.cause, tuple(readable), sites, self._blocked(state)
        )

    def _site(self, clients: str) -> SiteView:
        shared = self.rules.nodes.shared and clients != "home"
        return SiteView(clients, Cause.SITE_DOWN if shared else "")

    def _blocked(self, state: State) -> str:
        """Return why writes wait at a primary that works."""
        if state.phase == "stalled":
            return Cause.WAITING
        waits = state.phase == "serving" and self.rules.blocked(state)
        return Cause.STANDBY_DOWN if waits else ""


class PairSeen(NamedTuple):
    """What the clients of a site know of the primary, its standbys and all sites."""

    pair: PairView | None = None
    seen: Seen = Seen()
    stopped: str = ""  # what stops everything
    read_only: str = ""  # what stops writes alone


@dataclass(frozen=True)
class PairAbsorb:
    """What clients of a site know once they have seen one more part.

    Of a site that is not theirs they need to know only whether it serves.
    """

    sites: tuple[str, ...]
    stops: tuple[str, ...]  # names of the parts without which nothing is served
    read_only: tuple[str, ...]  # and of those without which no writes are

    def __call__(
        self, known: PairSeen, site: str, name: str, view: PairView | SiteView | str
    ) -> PairSeen:
        """Add the view of one part."""
        if known.stopped:
            return known
        if isinstance(view, PairView):
            return known._replace(pair=view)
        if isinstance(view, str) and name in self.read_only:
            return known._replace(read_only=name) if view == "down" else known
        if isinstance(view, str) and name in self.stops:
            return PairSeen(stopped=name) if view == "down" else known
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


def part_of(
    spec: PairSpec, *, together: bool = False, watched: int | None = None
) -> Part:
    """Return the primary, its standbys and their sites as a part of a model.

    `together`: as if at one site that stays; `watched`: the site whose clients are
    followed, or -1 for none.  Where clients of a lost site are changes nothing for
    the nodes, so who does not ask need not know.
    """
    rules = rules_of(spec, together=together, watched=watched)
    start = rules.nodes.start
    whole = watched is None and len(spec.sites) > 1 and not is_never(spec.site.mttf)

    first = part_of(spec, watched=0) if whole and _alike(rules.nodes) else None

    def seen_from(site: str) -> Part:
        """Return the part with the clients of one site only."""
        place = spec.sites.index(site)
        part = part_of(spec, watched=place)
        if first is None or place == 0:
            return first or part
        return replace(part, shaped=lambda: _seen_alike(first, part, place))

    return Part(
        name="pair",
        start=start,
        events=rules.events,
        view=Shown(rules),
        seen_from=seen_from if whole else None,
        shaped=cache(partial(_shaped, rules)),
    )


def _alike(nodes: Nodes) -> bool:
    """Tell whether each site holds one node, and no site differs from another."""
    kinds = {group._replace(site=0) for group in nodes.groups}
    return len(kinds) == 1 and nodes.size == len(nodes.sites)


def _seen_alike(first: Part, part: Part, place: int) -> Shaped:
    """Return a part of sites that are alike: its shares are those of the first site."""
    known, own = shaped_of(first), shaped_of(part)
    if not known.connected:  # then it matters where the primary was at first
        return own
    swapped = {
        _swapped(view, place): share
        for view, share in known.shares.items()
        if isinstance(view, PairView)
    }
    own.__dict__["shares"] = swapped
    return own


def shaped_of(part: Part) -> Shaped:
    """Return the states and moves of a part that has a shape."""
    if part.shaped is None:
        raise TypeError(f"{part.name} must have a shape")
    return part.shaped()


def _swapped(view: PairView, place: int) -> PairView:
    """Return a view with the first site and another in each other's place."""
    order = list(range(len(view.sites)))
    order[0], order[place] = place, 0
    return view._replace(
        active=0 if view.cause else order[view.active],
        readable=tuple(view.readable[i] for i in order),
        sites=tuple(view.sites[i] for i in order),
    )


def _shaped(rules: Rules) -> Shaped:
    """Return the states and moves of rules, with their numbers."""
    names = Names()
    return Shaped(_shape(rules.named(names)), names.numbers)


@lru_cache(maxsize=64)
def _shape(rules: Rules) -> Shape:
    """Return the states and moves of rules that know no numbers."""
    start, view = rules.nodes.start, Shown(rules)
    part = Part(name="pair", start=start, events=rules.events, view=view)
    return Shape.explore(start, part.moves, view)


def model_of(spec: PairSpec) -> Model:
    """Return the parts of a primary and its standbys over some sites.

    Parts are `pair` (all nodes and their sites), the servers of each site, what all
    hangs on, and `maintenance` and `everywhere` if given.
    """
    redirect = spec.failover if len(spec.sites) > 1 else None
    front = Front(site=spec.site, redirect=redirect)
    fronts = [front.part(name) for name in spec.sites]
    work, failover = spec.maintenance, spec.failover
    stages = [failover.promotion, failover.redirection]
    if work is not None and spec.indispensable:
        stages.append(spec.indispensable * work.takes)
    stopping = [
        switched(x.name, (f"{x.name} fails", f"{x.name} back"), x.mttf, x.mttr)
        for x in spec.stopping
    ]

    def verdict(known: PairSeen, site: str, operation: str) -> Verdict:
        stopped = known.stopped or (known.read_only if operation == "write" else "")
        if stopped:
            return Verdict(stopped)
        found = entrance(known.seen, site)
        if found.cause or known.pair is None:
            return found
        if operation == "write":
            return undisturbed(known.seen, _written(known.pair, found, spec.sites))
        return _read(known.pair, found, spec.sites, planned=known.seen.planned)

    return Model(
        parts=(
            part_of(spec),
            *fronts,
            *(planned(work, *stages) if work else ()),
            *everywhere(spec.everywhere),
            *stopping,
        ),
        sites=spec.sites,
        nothing=PairSeen(),
        absorb=PairAbsorb(
            spec.sites, tuple(part.name for part in stopping), spec.read_only
        ),
        verdict=verdict,
    )


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
    copy = entered
    if not pair.readable[entered]:
        first = next(i for i, count in enumerate(pair.readable) if count)
        copy = first if pair.cause else pair.active
    behind = bool(pair.cause) or copy != pair.active or planned
    return found._replace(at=sites[copy], stale=behind)


def placed(nodes: tuple[Replica, ...]) -> dict[str, int]:
    """Return how many nodes each site holds."""
    found: dict[str, int] = {}
    for node in nodes:
        found[node.site] = found.get(node.site, 0) + 1
    return found
