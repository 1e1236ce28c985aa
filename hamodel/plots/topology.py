"""An architecture as sites and servers, with what has failed and what follows.

Where `draw_diagram` shows which boxes a request must pass, this shows where they
stand: a site holds its load balancers, app servers and databases, so one glance tells
what falls with it.  Failed parts are vermilion and hatched, parts that stand in a site
that is lost are yellow, a path that carries nothing is dotted, and a single point of
failure has a heavy frame.

Assumption: failovers and redirections have been made, as in `hamodel.structure`.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel.plots._style import GREY, INK, PALETTE, PAPER, Look, Style, box
from hamodel.plots.diagram import diagram_text
from hamodel.plots.layout import Point
from hamodel.structure import Structure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import FancyArrowPatch, Rectangle

    from hamodel.architectures import Architecture

_LOOKS = {
    "works": Look(PAPER, ""),
    "failed": Look(PALETTE["vermilion"], "////"),
    "stopped": Look(PALETTE["yellow"], "---"),
}
_TIERS = (("load balancer", "LB"), ("app server", "app"))
_MOST = 6  # sites whose names can still be read side by side
_STEP, _WIDE, _HIGH, _ROW = 5.0, 4.2, 0.8, 1.5
_BACKED: Style = {
    "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
    "parse_math": False,
    "color": INK,
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Topology:
    """A drawn architecture.

    Attributes
    ----------
    boxes : mapping of str to Rectangle
        The box of each part, sites among them.
    states : mapping of str to str
        What each part does: "works", "failed" or "stopped".
    arrows : mapping of tuple to FancyArrowPatch
        Paths, by what they join; solid if they carry something, else dotted.
    text : str
        What the picture says, in words.
    """

    boxes: Mapping[str, Rectangle]
    states: Mapping[str, str]
    arrows: Mapping[tuple[str, str], FancyArrowPatch]
    text: str


def draw_topology(
    ax: Axes,
    architecture: Architecture,
    failed: Iterable[str] = (),
    *,
    operation: str = "write",
) -> Topology:
    """Draw the sites of an architecture, their servers, and what has failed.

    Parameters
    ----------
    ax : Axes
        Where to draw; its axis is switched off.
    architecture : Architecture
        What is drawn.
    failed : iterable of str
        Names of failed parts, as in `architecture.diagram().drawn`.
    operation : str
        "read" or "write": the requests whose paths are drawn.

    Raises
    ------
    ValueError
        If a part or the operation is unknown, or there are more than 6 sites.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import Failover, Node
    >>> from hamodel.architectures import ActivePassive
    >>> pair = ActivePassive(
    ...     database=Node(mttf=7.2e6, mttr=14400), failover=Failover()
    ... )
    >>> drawn = draw_topology(Figure().subplots(), pair, ["DC-1"])
    >>> drawn.states["DC-1 database"], drawn.states["DC-2 database"]
    ('stopped', 'works')
    """
    structure = architecture.diagram(operation)
    gone = frozenset(failed)
    said = diagram_text(structure, gone)
    places = tuple(architecture.all_sites)
    if len(places) > _MOST:
        raise ValueError(f"sites must be <= {_MOST} to be drawn, got {len(places)}")
    plan = _Plan(
        ax=ax,
        spec=architecture,
        parts=_sorted_parts(structure, places),
        states=_states(structure, places, gone),
        alone=frozenset(structure.single_points_of_failure()),
        boxes={},
        arrows={},
    )
    for k, name in enumerate(places):
        plan.site(k, name)
    plan.between(places, operation)
    plan.finish(places, up=structure.works(gone), operation=operation)
    stopped = [name for name, state in plan.states.items() if state == "stopped"]
    also = f" Stopped with their site: {', '.join(stopped)}." if stopped else ""
    return Topology(
        boxes=plan.boxes,
        states=plan.states,
        arrows=plan.arrows,
        text=f"{type(architecture).__name__}, {operation}s. {said}{also}",
    )


def _site_of(part: str, places: tuple[str, ...]) -> str | None:
    """Return the site that holds a part: of names that begin alike the longest."""
    plain = {place.replace('"', "'"): place for place in places}
    holds = [p for p in plain if part == p or part.startswith(f"{p} ")]
    return plain[max(holds, key=len)] if holds else None


def _sorted_parts(
    structure: Structure, places: tuple[str, ...]
) -> dict[str, list[str]]:
    """Return the parts in each site, without the site itself."""
    found: dict[str, list[str]] = {place: [] for place in places}
    for part in structure.drawn:
        site = _site_of(part, places)
        if site is not None and part != site.replace('"', "'"):
            found[site].append(part)
    return found


def _states(
    structure: Structure, places: tuple[str, ...], gone: frozenset[str]
) -> dict[str, str]:
    states = {}
    for part in structure.drawn:
        site = _site_of(part, places)
        lost = site is not None and site.replace('"', "'") in gone
        states[part] = "failed" if part in gone else "stopped" if lost else "works"
    return states


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What is being drawn."""

    ax: Axes
    spec: Architecture
    parts: Mapping[str, list[str]]
    states: Mapping[str, str]
    alone: frozenset[str]
    boxes: dict[str, Rectangle]
    arrows: dict[tuple[str, str], FancyArrowPatch]

    @property
    def shared(self) -> list[str]:
        """Parts outside the sites, on which all hang."""
        places = tuple(self.parts)
        outside = (part for part in self.states if _site_of(part, places) is None)
        return [part for part in outside if part != "client"]

    def rows(self, site: str) -> list[tuple[str, list[str], int]]:
        """Return the tiers of a site, top down: short name, parts, and how many."""
        found = []
        held = self.parts[site]
        for (kind, short), tier in zip(
            _TIERS, (self.spec.site.balancers, self.spec.site.apps), strict=True
        ):
            mine = [p for p in held if p[len(site) + 1 :].startswith(kind)]
            if mine and tier is not None:
                found.append((short, mine, tier.needed))
        known = {part for _, parts, _ in found for part in parts}
        found.append(("db", [p for p in held if p not in known], 1))
        return found

    def works(self, parts: list[str], needed: int) -> bool:
        """Tell whether enough of some parts work, and what all hang on does."""
        if "failed" in {self.states.get(p) for p in ("client", *self.shared)}:
            return False
        return sum(self.states[p] == "works" for p in parts) >= needed

    def site(self, k: int, site: str) -> None:
        """Draw a site, and the way of a request through it."""
        left, own = k * _STEP, site.replace('"', "'")
        self._box(own, (left, -3.1), (_WIDE, 6.0))
        middle = left + _WIDE / 2
        mark = " (lost)" if self.states.get(own) == "failed" else ""
        mark = mark if site in self.spec.sites else f" (votes only){mark}"
        name = _wrapped(site + mark, 15 if len(self.parts) <= 3 else 8)
        self.ax.text(left + 0.2, 2.1, name, va="center", zorder=5, **_BACKED)
        before, serving, y = "client", site in self.spec.sites, 4.0
        carries = self.works([], 0)
        for row, (short, parts, needed) in enumerate(self.rows(site)):
            below = -2.6 if short == "db" else 0.4 - row * _ROW
            for i, part in enumerate(parts):
                wide = (_WIDE - 0.4) / len(parts)
                corner = (left + 0.2 + i * wide + 0.05, below)
                self._box(part, corner, (wide - 0.1, _HIGH))
                self._label(short, i, len(parts), corner, wide - 0.1)
            carries = carries and self.works(parts, needed)
            if serving:
                x = left + _WIDE - 0.4 if before == "client" else middle
                start, end = (x, y), (x, below + _HIGH)
                self._arrow((before, parts[0]), start, end, carries=carries)
            before, y = parts[-1], below

    def _label(self, short: str, i: int, n: int, corner: Point, wide: float) -> None:
        """Write a short name into a box; where boxes are narrow, its number."""
        full = short if n == 1 else f"{short} {i + 1}"
        words = (
            full if n * max(len(self.parts), 3) <= 9 else (f"{i + 1}" if n <= 9 else "")
        )
        x, y = corner[0] + wide / 2, corner[1] + _HIGH / 2
        if words:
            self.ax.text(x, y, words, ha="center", va="center", zorder=5, **_BACKED)

    def _box(self, name: str, corner: Point, size: Point) -> None:
        look = _LOOKS[self.states.get(name, "works")].patch
        look["linewidth"] = 3.0 if name in self.alone else 1.0
        look["zorder"] = 3 if size[1] == _HIGH else 1
        self.boxes[name] = box(self.ax, corner, *size, **look)

    def _arrow(
        self,
        ends: tuple[str, str],
        a: Point,
        b: Point,
        *,
        carries: bool,
        style: str = "->",
    ) -> None:
        from matplotlib.patches import FancyArrowPatch

        reach: Style = {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
        patch = FancyArrowPatch(a, b, arrowstyle=style, zorder=4, **reach)
        patch.set(color=INK if carries else GREY, linewidth=1.2)
        patch.set_linestyle("-" if carries else ":")
        self.arrows[ends] = patch
        self.ax.add_patch(patch)

    def between(self, places: tuple[str, ...], operation: str) -> None:
        """Draw what runs between sites: replication, and forwarded writes."""
        pair = self.spec.one_writer
        stores = [self.rows(place)[-1][1] for place in places]
        alive = [self.works(store, 1) for store in stores]
        first = next((k for k, up in enumerate(alive) if up), 0)
        for k in range(len(places) - 1):
            a, b = (k * _STEP + _WIDE - 0.25, -2.2), ((k + 1) * _STEP + 0.25, -2.2)
            style = ("->" if first <= k else "<-") if pair else "<->"
            ends = (stores[k][-1], stores[k + 1][0])
            self._arrow(ends, a, b, carries=alive[k] and alive[k + 1], style=style)
            where = ((a[0] + b[0]) / 2, -3.25)
            self.ax.text(*where, "replication", ha="center", va="top", **_BACKED)
        up = [k for k, works in enumerate(alive) if works]
        for k, j in itertools.pairwise(up):
            if j > k + 1:  # past a store that has failed
                start, end = ((i * _STEP + _WIDE / 2, -2.6) for i in (k, j))
                self._arrow(
                    (stores[k][-1], stores[j][0]), start, end, carries=True, style="<->"
                )
                self.arrows[stores[k][-1], stores[j][0]].set_connectionstyle(
                    "arc3", rad=0.08
                )
        if not pair or operation != "write" or len(places) != 2:
            return
        servers = self.rows(places[1 - first])[:-1]
        entrance = all(self.works(parts, needed) for _, parts, needed in servers)
        lost = self.states.get(places[1 - first].replace('"', "'")) == "failed"
        start = (_STEP + 0.6, -0.95) if first == 0 else (_WIDE - 0.6, -0.95)
        end = (_WIDE - 0.6, -1.8) if first == 0 else (_STEP + 0.6, -1.8)
        ends = (places[1 - first], stores[first][0])
        carries = entrance and alive[first] and not lost
        self._arrow(ends, start, end, carries=carries)

    def finish(self, places: tuple[str, ...], *, up: bool, operation: str) -> None:
        """Draw clients, what strikes everything, and the verdict; fit the axes."""
        right = (len(places) - 1) * _STEP + _WIDE
        self.ax.plot([0, right], [4.0, 4.0], color=INK, linewidth=1.2)
        self.ax.text(0, 4.2, f"{operation}s of clients", va="bottom", **_BACKED)
        for i, part in enumerate(self.shared):
            wide = right / len(self.shared)
            self._box(part, (i * wide + 0.05, -5.0), (wide - 0.1, _HIGH))
            words = {"everywhere": "what strikes everywhere"}.get(part, part)
            name = _wrapped(words, int(3 * wide))
            place = ((i + 0.5) * wide, -5.0 + _HIGH / 2)
            self.ax.text(*place, name, ha="center", va="center", zorder=5, **_BACKED)
        words = f"service {'up' if up else 'down'}"
        top: Style = {"ha": "right", "va": "bottom", "weight": "bold"}
        self.ax.text(right, 4.2, words, **top, **_BACKED)
        self.ax.set(xlim=(-0.3, right + 0.3), ylim=(-5.3, 5.2))
        self.ax.set_axis_off()


def _wrapped(name: str, letters: int) -> str:
    """Return a name in two lines at most, shortened if need be."""
    lines = textwrap.wrap(name, letters) or [name]
    more = "..." if len(lines) > 2 else ""
    return "\n".join(lines[:2]) + more
