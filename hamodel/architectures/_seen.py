"""What the clients of a site know of all sites, and who serves them."""

from __future__ import annotations

from typing import NamedTuple

from hamodel.architectures._events import Cause
from hamodel.architectures.base import Verdict

#: Name of the part, and of the cause, that strikes all sites at once.
EVERYWHERE = "everywhere"
#: Name of the part that strikes all databases at once.
COMMON = "common cause"
#: Name of the part that stands for planned work.
MAINTENANCE = "maintenance"
COPY = "copy at "  # what is worked on, before its name
WHOLE = "site "
BESIDE = "beside "  # an election while the clients of this site wait for another site
_WHILE = {"waiting": Cause.FAILING_OVER, "stuck": Cause.FAILOVER_FAILED}
#: Name of the part that tells where a write's key has its home.
HOME = "home"


class SiteView(NamedTuple):
    """What a site shows.

    `clients` is home (served here), waiting (lost, redirection runs), stuck (lost,
    redirection did not work), moved (led to another site) or lost (nowhere to go).
    """

    clients: str
    cause: str = ""  # what broke, where clients are not home
    copies: int = 0  # copies of the database that can be reached
    in_turn: int = 0  # those of them that planned work takes out when it comes
    reads: bool = False  # whether reads are answered although clients are not home


class Seen(NamedTuple):
    """What the clients of a site know of all sites."""

    own: str = "home"  # where they are, as in `SiteView`
    cause: str = ""  # what broke at their site
    other: str = ""  # the first other site that serves
    serving: int = 0  # how many sites serve
    copies: int = 0  # how many copies can be reached
    leads: bool = True  # whether there is a leader
    everywhere: bool = False  # whether something strikes all at once
    planned: bool = False  # whether planned work stops everything
    worked_on: str = ""  # the copy or the site that planned work takes out
    home: str = ""  # the site at which the key of a write has its home
    home_clients: str = ""  # where the clients of that site are
    by_site: tuple[tuple[str, int], ...] = ()  # copies in reach, where sites count
    reads: bool = False  # whether their site answers reads although it takes no writes
    struck: frozenset[tuple[str, str]] = frozenset()  # what a common cause stops where


def combined(*views: SiteView) -> SiteView:
    """Return what several parts of one site show together."""
    order = ("moved", "waiting", "stuck", "lost", "home")
    worst = min(views, key=lambda view: order.index(view.clients))
    dark = any(view.cause == Cause.SITE_DOWN for view in views)
    copies = 0 if dark else max(sum(view.copies for view in views), 0)
    in_turn = 0 if dark else sum(view.in_turn for view in views)
    cause = worst.cause if worst.clients == "lost" else ""
    reads = worst.reads and sum(view.clients != "home" for view in views) == 1
    return SiteView(worst.clients, cause, copies, in_turn, reads)


def absorb(
    seen: Seen, site: str, name: str, view: SiteView | str | frozenset[tuple[str, str]]
) -> Seen:
    """Add the view of one more part to what the clients of a site know."""
    if isinstance(view, frozenset):
        return seen if seen.everywhere else seen._replace(struck=view)
    if isinstance(view, str):
        return _told(seen, site, name, view)
    if seen.worked_on in {f"{COPY}{name}", f"{WHOLE}{name}"}:
        view = _worked_on(view, whole=seen.worked_on.startswith(WHOLE))
    serves = view.clients == "home"
    seen = seen._replace(
        serving=seen.serving + serves, copies=seen.copies + view.copies
    )
    if name == seen.home:
        seen = seen._replace(home_clients=view.clients)
    if name == site:
        return seen._replace(own=view.clients, cause=view.cause, reads=view.reads)
    if serves and not seen.other:
        return seen._replace(other=name)
    return seen


def absorb_by_site(
    seen: Seen, site: str, name: str, view: SiteView | str | frozenset[tuple[str, str]]
) -> Seen:
    """Add the view of one more part, and remember whose copies can be reached."""
    after = absorb(seen, site, name, view)
    if isinstance(view, str | frozenset):
        return after
    held = (name, after.copies - seen.copies)
    return after._replace(by_site=(*after.by_site, held))


def _told(seen: Seen, site: str, name: str, view: str) -> Seen:
    """Add what is true of all sites, as clients of one notice it."""
    if name == EVERYWHERE:  # then nothing else matters
        return Seen(everywhere=True) if view == "down" else seen
    if name == MAINTENANCE:
        at = view if view.startswith((COPY, WHOLE)) else ""
        return seen._replace(planned=view == "down", worked_on=at)
    if name == HOME:
        return seen._replace(home=view)
    return seen._replace(leads=view in {"leads", f"{BESIDE}{site}"})


def _worked_on(view: SiteView, *, whole: bool) -> SiteView:
    """Return the view of a site while planned work takes it, or one copy, out."""
    if whole:  # its clients were led away before
        return view._replace(clients="moved", cause="", reads=False)
    return view._replace(copies=max(view.copies - view.in_turn, 0))


def entrance(seen: Seen, site: str) -> Verdict:
    """Return the cause that keeps clients of a site out, or the site they enter."""
    if seen.everywhere:
        return Verdict(Cause.EVERYWHERE)
    if seen.own == "home":
        return Verdict(through=site, at=site)
    if seen.own == "moved":
        cause = "" if seen.other else Cause.ALL_SITES_DOWN
        return Verdict(cause, through=seen.other, at=seen.other)
    return Verdict(_WHILE.get(seen.own, seen.cause))


def struck(seen: Seen, found: Verdict, operation: str) -> Verdict:
    """Return a verdict, unless a common cause stops the operation where one entered."""
    stops = not found.cause and (operation, found.through) in seen.struck
    return Verdict(Cause.COMMON) if stops else found


def kept_out(clients: str) -> str:
    """Return the cause that keeps those out whose clients are there; empty if none."""
    return "" if clients in {"home", "moved"} else _WHILE.get(clients, clients)


def undisturbed(seen: Seen, found: Verdict) -> Verdict:
    """Return a verdict, unless planned work stands in its way."""
    return Verdict(Cause.PLANNED) if seen.planned and not found.cause else found
