"""The request path as boxes and wires, with what has failed.

A box is white while it works, vermilion and hatched when it has failed, yellow and
dotted when something that it needs has failed.  A heavy frame marks a single point of
failure; hidden dependencies stand below, with dotted lines to what needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel.plots._style import GREY, INK, PALETTE, PAPER, Look, Style, box
from hamodel.plots.layout import HIGH, WIDE, Layout, Point, layout_of
from hamodel.structure import Structure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

_LOOKS = {
    "works": Look(PAPER, ""),
    "failed": Look(PALETTE["vermilion"], "////"),
    "stopped": Look(PALETTE["yellow"], "...."),
}
_BACKED: Style = {
    "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
    "parse_math": False,
    "zorder": 4,
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Drawing:
    """A drawn structure whose parts can fail and come back without a new drawing.

    Attributes
    ----------
    structure : Structure
        What is drawn.
    boxes : mapping of str to tuple of Rectangle
        The boxes of each part; more than one where its name stands more than once.
    wires : tuple of Line2D
        One line for each wire of the layout.
    status : Text
        The verdict at the end of the path.
    layout : Layout
        Where everything stands.
    """

    structure: Structure
    boxes: Mapping[str, tuple[Rectangle, ...]]
    wires: tuple[Line2D, ...]
    status: Text
    layout: Layout

    def mark(self, failed: Iterable[str] = ()) -> None:
        """Show these parts as failed, and what follows from it.

        Raises
        ------
        UnknownPartError
            If there is no part of a name.
        """
        gone = frozenset(failed)
        up = self.structure.works(gone)
        stopped = stopped_parts(self.structure, gone)
        for name, patches in self.boxes.items():
            state = "failed" if name in gone else "works"
            look = _LOOKS["stopped" if name in stopped else state]
            for patch in patches:
                patch.set_facecolor(look.colour)
                patch.set_hatch(look.hatch)
        dead = self.layout.dead(gone | stopped)
        for line, wire in zip(self.wires, self.layout.wires, strict=True):
            line.set_linestyle("-" if dead.isdisjoint(wire.follows) else ":")
        self.status.set_text("service up" if up else "service down")


def draw_diagram(ax: Axes, structure: Structure, failed: Iterable[str] = ()) -> Drawing:
    """Draw the request path with what has failed.

    Parameters
    ----------
    ax : Axes
        Where to draw; its axis is switched off.
    structure : Structure
        From `hamodel.structure`.
    failed : iterable of str
        Names of the failed parts.

    Raises
    ------
    ValueError
        If a name is unknown, or there are more than 300 blocks to draw.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import structure
    >>> service = structure.parse("client > lb > any(app1, app2, app3) > db")
    >>> drawing = draw_diagram(Figure().subplots(), service, failed={"app2"})
    >>> drawing.status.get_text()
    'service up'
    >>> drawing.mark({"lb"})
    >>> drawing.status.get_text()
    'service down'
    """
    layout = layout_of(structure)
    hidden = hidden_places(structure, layout)
    boxes = {}
    alone = structure.single_points_of_failure()
    for name, places in (dict(layout.boxes) | hidden).items():
        dashed = name in hidden
        width = 3.0 if name in alone else 1.2
        boxes[name] = tuple(_box(ax, p, name, width, dashed=dashed) for p in places)
    wires = tuple(_line(ax, wire.points) for wire in layout.wires)
    for name, (below, *_) in hidden.items():
        _tie(ax, layout, below, structure.hidden[name])
    for (x, y), label in layout.labels:
        ax.text(x, y, label, ha="center", va="bottom", color=GREY, **_BACKED)
    status = _finish(ax, layout, room=2.4 * HIGH if hidden else 0.0)
    drawing = Drawing(
        structure=structure, boxes=boxes, wires=wires, status=status, layout=layout
    )
    drawing.mark(failed)
    return drawing


def diagram_text(structure: Structure, failed: Iterable[str] = ()) -> str:
    """Say in words what the drawing shows: its alternative text.

    Parameters
    ----------
    structure : Structure
        From `hamodel.structure`.
    failed : iterable of str
        Names of the failed parts.

    Raises
    ------
    UnknownPartError
        If there is no part of a name.

    Examples
    --------
    >>> from hamodel import structure
    >>> service = structure.parse("client > lb > any(app1, app2, app3) > db")
    >>> diagram_text(service, {"app1"})
    'Service up; failed: app1. Single points of failure: lb, db.'
    """
    gone = frozenset(failed)
    up = structure.works(gone)
    stopped = sorted(stopped_parts(structure, gone))
    parts = [f"Service {'up' if up else 'down'}"]
    parts.append(f"failed: {', '.join(sorted(gone)) or 'nothing'}")
    if stopped:
        parts.append(f"stopped for want of it: {', '.join(stopped)}")
    alone = ", ".join(structure.single_points_of_failure()) or "none"
    return f"{'; '.join(parts)}. Single points of failure: {alone}."


def hidden_places(structure: Structure, layout: Layout) -> dict[str, tuple[Point, ...]]:
    """Put the hidden dependencies in a row below all that is drawn."""
    left, right, bottom, _ = layout.extent
    names = list(structure.hidden)
    step = max((right - left) / max(len(names), 1), WIDE * 1.15)
    first = (left + right - step * (len(names) - 1)) / 2
    y = bottom - 1.5 * HIGH
    return {name: ((first + i * step, y),) for i, name in enumerate(names)}


def _box(
    ax: Axes, centre: Point, name: str, width: float, *, dashed: bool
) -> Rectangle:
    x, y = centre
    corner = (x - WIDE / 2, y - HIGH / 2)
    edge: Style = {"edgecolor": INK, "linewidth": width}
    dashes = "--" if dashed else "-"
    patch = box(ax, corner, WIDE, HIGH, zorder=3, linestyle=dashes, **edge)
    ax.text(x, y, name, ha="center", va="center", color=INK, **_BACKED)
    return patch


def _line(ax: Axes, points: tuple[Point, ...]) -> Line2D:
    xs, ys = zip(*points, strict=True)
    (line,) = ax.plot(xs, ys, color=GREY, linewidth=1.5, zorder=1)
    return line


def _tie(ax: Axes, layout: Layout, below: Point, users: Iterable[str]) -> None:
    """Draw faint lines from a hidden dependency to what needs it."""
    for user in users:
        for place in layout.boxes.get(user, ()):
            xs, ys = zip(below, place, strict=True)
            ax.plot(xs, ys, color=GREY, linewidth=0.8, linestyle=(0, (1, 3)), zorder=0)


def _finish(ax: Axes, layout: Layout, room: float) -> Text:
    """Fit the axes, switch them off, and return the verdict's text."""
    left, right, bottom, top = layout.extent
    ax.update_datalim([(left, bottom - room), (right, top)])
    ax.autoscale_view()
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_axis_off()
    return ax.text(
        1.0,
        1.0,
        "",
        transform=ax.transAxes,
        ha="right",
        va="bottom",
        weight="bold",
        color=INK,
    )


def stopped_parts(structure: Structure, failed: frozenset[str]) -> frozenset[str]:
    """Return the parts that have not failed themselves but need one that has.

    Parameters
    ----------
    structure : Structure
        The structure with its shared dependencies.
    failed : frozenset of str
        Names of the failed parts.

    Examples
    --------
    >>> from hamodel import structure
    >>> twins = structure.parse("any(app1, app2)", shared={"dns": ["app1", "app2"]})
    >>> sorted(stopped_parts(twins, frozenset({"dns"})))
    ['app1', 'app2']
    """
    down = set(failed)
    # what needs another was added before it, so the causes come last
    for name, dependents in reversed(structure.needs):
        if name in down:
            down |= set(dependents)
    return frozenset(down - failed)
