"""What clients notice of a primary and its standbys, and who serves them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamodel._quantity import rate_of
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
from hamodel.architectures._nodes import IN_PLACE, Failure
from hamodel.architectures._replicas import (
    ALIVE,
    NEVER,
    Alike,
    Kind,
    Nodes,
    Policy,
    is_never,
)
from hamodel.architectures._replicated import Rules
from hamodel.architectures.base import Cause, Event, Model, Part, Verdict
from hamodel.failover import false_alarm_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel._types import Quantity
    from hamodel.architectures._nodes import Dependency, Replica
    from hamodel.architectures._replicas import State
    from hamodel.architectures.active_passive import ActivePassive


class PairView(NamedTuple):
    """What clients notice of the primary and its standbys."""

    active: int  # the site of the node that takes writes
    cause: str  # why there is none
    readable: tuple[bool, ...]  # which sites hold a copy that can be read
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
        readable = [False] * len(rules.sites)
        for group, nodes in zip(rules.groups, state.nodes, strict=True):
            if nodes[0] and group.reads:
                readable[group.site] = True
        if state.phase in ALIVE:
            readable[home] = True
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


@dataclass(frozen=True)
class PairAbsorb:
    """What clients of a site know once they have seen one more part.

    Of a site that is not theirs they need to know only whether it serves.
    """

    sites: tuple[str, ...]
    stops: tuple[str, ...]  # names of the parts without which nothing is served

    def __call__(
        self, known: PairSeen, site: str, name: str, view: PairView | SiteView | str
    ) -> PairSeen:
        """Add the view of one part."""
        if known.stopped:
            return known
        if isinstance(view, PairView):
            return known._replace(pair=view)
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
    spec: ActivePassive, *, together: bool = False, watched: int | None = None
) -> Part:
    """Return the primary, its standbys and their sites as a part of a model.

    `together`: as if at one site that stays; `watched`: the site whose clients are
    followed, or -1 for none.  Where clients of a lost site are changes nothing for
    the nodes, so who does not ask need not know.
    """
    rules = rules_of(spec, together=together, watched=watched)
    start = rules.nodes.start
    whole = watched is None and len(spec.sites) > 1 and not is_never(spec.site.mttf)

    def seen_from(site: str) -> Part:
        """Return the part with the clients of one site only."""
        return part_of(spec, watched=spec.sites.index(site))

    return Part(
        name="pair",
        start=start,
        events=rules.events,
        view=Shown(rules),
        seen_from=seen_from if whole else None,
    )


def model_of(spec: ActivePassive) -> Model:
    """Return the parts of a primary and its standbys over some sites.

    Parts are `pair` (all nodes and their sites), the servers of each site, what all
    hangs on, and `maintenance` and `everywhere` if given.
    """
    redirect = spec.failover if len(spec.sites) > 1 else None
    front = Front(site=spec.site, redirect=redirect)
    fronts = [front.part(name) for name in spec.sites]
    work = spec.maintenance
    promotion, redirection = spec.failover.promotion, spec.failover.redirection
    stopping = [_stopping(one) for one in spec.stopping]

    def verdict(known: PairSeen, site: str, operation: str) -> Verdict:
        if known.stopped:
            return Verdict(known.stopped)
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
            *(planned(work, promotion, redirection) if work else ()),
            *everywhere(spec.everywhere),
            *stopping,
        ),
        sites=spec.sites,
        nothing=PairSeen(),
        absorb=PairAbsorb(spec.sites, tuple(part.name for part in stopping)),
        verdict=verdict,
    )


def _stopping(one: Dependency | Failure) -> Part:
    """Return the part without which nothing is served."""

    def events(state: str) -> Iterator[Event]:
        if state == "up":
            yield Event(f"{one.name} fails", one.mttf, "down")
        else:
            yield Event(f"{one.name} back", one.mttr, "up")

    return Part(name=one.name, start="up", events=events, view=str)


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
        copy = pair.readable.index(True) if pair.cause else pair.active
    behind = bool(pair.cause) or copy != pair.active or planned
    return found._replace(at=sites[copy], stale=behind)


# ---- from the specification to the rules -------------------------------------------


def rules_of(
    spec: ActivePassive, *, together: bool = False, watched: int | None = None
) -> Rules:
    """Return the rules of a specification; for the options see `part_of`."""
    sites = ("",) if together else spec.sites
    kinds, repairs = _kinds(spec)
    standby, site = spec.standby, spec.site
    return Rules(
        nodes=Nodes(
            groups=_groups(spec, sites),
            sites=sites,
            laws=len(repairs),
            watched=watched,
        ),
        kinds=kinds,
        repairs=repairs,
        failover=spec.failover,
        policy=_policy(spec),
        crews=spec.crews,
        restore=spec.restore,
        probe=standby.probe,
        takeover_mttf=standby.takeover_mttf,
        site_mttf=NEVER if together and len(spec.sites) > 1 else site.mttf,
        site_mttr=site.mttr,
        failback=spec.failback,
        false_failovers=_false_failovers(spec),
        holds=next((d for d in spec.depends_on if d.effect != "stops"), None),
    )


def _groups(spec: ActivePassive, sites: tuple[str, ...]) -> tuple[Alike, ...]:
    """Count the nodes that are alike."""
    found: dict[tuple[Any, ...], int] = {}
    waits = spec.replication.mode != "async"
    for node in spec.nodes:
        site = sites.index(node.site) if len(sites) > 1 else 0
        rank = (node.sync or not waits, node.priority)
        key = (site, node.promotable, rank, node.sync, node.reads == "local")
        found[key] = found.get(key, 0) + 1
    return tuple(
        Alike(site, count, promotable, rank, sync, reads)
        for (site, promotable, rank, sync, reads), count in found.items()
    )


def _kinds(
    spec: ActivePassive,
) -> tuple[tuple[Kind, ...], tuple[tuple[Any, bool], ...]]:
    """Return the kinds of failure of a node, and the different laws of repair."""
    database, failover, share = spec.database, spec.failover, spec.common_cause
    plain = Failure(mttf=database.mttf, mttr=database.mttr, name="node")
    given = [kind for kind in spec.failures if kind.kind != "everywhere"]
    all_kinds = [plain, *given]
    if given and is_never(database.mttf) and spec.standby.mttf is None:
        all_kinds = given
    repairs: list[tuple[Any, bool]] = []
    made: list[Kind] = []
    for one in all_kinds:
        in_place = one.kind in IN_PLACE
        law = _place(repairs, (one.mttr, not in_place))
        standby = spec.standby.mttf if one is plain else None
        coverage = failover.coverage if one.coverage is None else one.coverage
        handled = (law, in_place, one.detection, coverage)
        mode = next(
            (k for k, other in enumerate(made) if _same(_handled(other), handled)),
            len(made),
        )
        found = Kind(
            name=one.name,
            kind=one.kind,
            primary=_apart(one.mttf, share),
            standby=_apart(one.mttf if standby is None else standby, share),
            common=_common(one.mttf, share),
            law=law,
            mode=mode,
            in_place=in_place,
            detection=one.detection,
            coverage=coverage,
        )
        made.append(found)
    if failover.manual is not None and len(repairs) > 1:
        made = [_unmarked(kind, failover.coverage) for kind in made]
    return tuple(made), tuple(repairs)


def _unmarked(kind: Kind, coverage: Quantity) -> Kind:
    """Return a kind that is failed over as the loss of a site is, if it is so."""
    usual = not kind.in_place and kind.detection is None and kind.coverage is coverage
    return replace(kind, mode=-1) if usual else kind


def _handled(kind: Kind) -> tuple[Any, ...]:
    return kind.law, kind.in_place, kind.detection, kind.coverage


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Tell whether fields are equal: numbers by value, arrays and laws if the same."""
    pairs = zip(one, other, strict=True)
    return all(a is b or (_plain(a) and _plain(b) and a == b) for a, b in pairs)


def _plain(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) or hasattr(value, "free_symbols")


def _place(known: list[tuple[Any, bool]], law: tuple[Any, bool]) -> int:
    """Return the number of a law of repair, a new one if need be."""
    for k, other in enumerate(known):
        if _same(other, law):
            return k
    known.append(law)
    return len(known) - 1


def _zero(share: Quantity) -> bool:
    return np.ndim(share) == 0 and not hasattr(share, "free_symbols") and share == 0


def _apart(mttf: Quantity, share: Quantity) -> Quantity:
    """Return the mean time to a failure of one node alone."""
    return mttf if _zero(share) else rate_of(rate_of(mttf) * (1 - share))


def _common(mttf: Quantity, share: Quantity) -> Quantity:
    """Return the mean time to a failure that all nodes share."""
    return NEVER if _zero(share) else rate_of(rate_of(mttf) * share)


def _policy(spec: ActivePassive) -> Policy:
    """Return what commits wait for."""
    replication = spec.replication
    count = int(replication.acknowledgements)
    match replication.mode:
        case "async":
            return Policy(0, 0, None, each=False)
        case "semi-sync":
            return Policy(count, 0, replication.timeout, each=False)
        case "sync":
            return Policy(-1, -1, None, each=False)
        case "quorum":
            return Policy(count, count, None, each=False)
        case _:
            raise ValueError(f"replication.mode is unknown, got {replication.mode!r}")


def _false_failovers(spec: ActivePassive) -> Quantity:
    """Return how often in 1/s a healthy primary is failed over."""
    detector: Any = spec.failover.mechanisms.get("detection", spec.failover.detection)
    if spec.stalls is None and not hasattr(detector, "false_alarm_rate"):
        return 0.0
    return false_alarm_rate(detector, spec.stalls)


def placed(nodes: tuple[Replica, ...]) -> dict[str, int]:
    """Return how many nodes each site holds."""
    found: dict[str, int] = {}
    for node in nodes:
        found[node.site] = found.get(node.site, 0) + 1
    return found
