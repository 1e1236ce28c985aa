"""The picture of lesson 03: downtime against the number of replicas, and its floor."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

from hamodel import plots, text
from hamodel.units import MINUTE, YEAR
from lessons.what_redundancy_cannot_buy._group import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lessons.what_redundancy_cannot_buy._group import Group

_WASH = 0.4  # lines must read on the ground
DEPTH = 10  # powers of ten, and so nines, on the scale
_SHARED = plots.LOOKS["site down"]  # what strikes all at once wears this everywhere
_TRUE: dict[str, Any] = {
    "color": plots.PALETTE["vermilion"],
    "marker": "o",
    "markersize": 6,
}
_NAIVE: dict[str, Any] = {
    "color": plots.INK,
    "marker": "s",
    "markersize": 5,
    "linestyle": ":",
    "linewidth": 1.6,
    "markerfacecolor": plots.PAPER,
}
#: What a learner guesses: the number of replicas, and on which side the label stands.
GHOSTS = {"two": (2, "right"), "three": (3, "left")}


class FloorPicture:
    """Downtime on a scale of nines; made once, then only changed."""

    def __init__(self) -> None:
        self.figure: Figure = plots.figure(7.2, 4.5)
        with plots.styled():
            axes = _scale(self.figure)
            self._floor = _Floor(axes)
            (self._gap,) = axes.plot([2, 2], [-6, -5], color=plots.INK, linewidth=3)
            (self._naive,) = axes.plot([], [], **_NAIVE)
            (self._true,) = axes.plot([], [], **_TRUE, linewidth=1.8)
            (self._ring,) = axes.plot([], [], "o", color=plots.INK, markersize=13)
            self._ring.set(markerfacecolor="none", markeredgewidth=1.8, clip_on=False)
            self._head = self.figure.text(0.012, 0.945, "", weight="bold", fontsize=11)
            self._ghosts = {name: _Ghost(axes, *at) for name, at in GHOSTS.items()}
            _key(self.figure)

    def update(
        self,
        values: Mapping[str, Any],  # noqa: ARG002
        result: Group,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a group of replicas.

        Parameters
        ----------
        values : mapping
            The controls' values.
        result : Group
            The replicas.
        guess : mapping or None
            The committed prediction: nines of two and of three replicas.
        """
        numbers = range(1, MOST + 1)
        curve = [result.with_number(n) for n in numbers]
        self._true.set_data(numbers, [place(g.unavailability) for g in curve])
        self._naive.set_data(numbers, [place(g.naive) for g in curve])
        here = place(result.unavailability)
        self._ring.set_data([result.number], [here])
        self._gap.set_data([result.number] * 2, [here, place(result.naive)])
        self._gap.set_visible(result.shared > 0 and result.enough)
        self._floor.update(result.floor)
        self._head.set_text(heading(result))
        for name, ghost in self._ghosts.items():
            ghost.update((guess or {}).get(name))


def place(unavailability: float) -> float:
    """Return where an unavailability stands on the scale; far below it, one place."""
    return max(log10(unavailability), -3.0 * DEPTH) if unavailability else -3.0 * DEPTH


def heading(group: Group) -> str:
    """Return what stands over the picture."""
    if not group.enough:
        return f"{group.number} cannot carry what needs {group.needed}: always down"
    ratio = group.unavailability / group.naive if group.naive else 1.0
    said = f"Down {text.short(group.minutes)} min a year"
    if ratio < 1.05:
        return said
    times = f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"
    if ratio >= 1e6:
        times = "over a million"
    return f"{said}, {times} times what failures that come alone would cost"


def _scale(figure: Figure) -> Axes:
    """Return axes with downtime at the left and nines at the right."""
    axes = figure.add_axes((0.105, 0.115, 0.8, 0.715))
    axes.set(xlim=(0.5, MOST + 0.5), ylim=(-DEPTH, 0.25))
    axes.set(xticks=range(1, MOST + 1), yticks=range(-DEPTH, 1))
    axes.set_xticklabels([str(n) for n in range(1, MOST + 1)])
    axes.set_yticklabels([text.time(YEAR * 10.0**k, 2) for k in range(-DEPTH, 1)])
    axes.tick_params(length=0)
    for k in range(-DEPTH, 1):
        axes.axhline(k, color=plots.FAINT, linewidth=0.6, zorder=0)
    for k in range(0, DEPTH + 1, 2):
        words = f"{k} nines"
        axes.text(MOST + 0.56, -k, words, va="center", color=plots.GREY)
    figure.text(0.105, 0.845, "down in a year", ha="center", color=plots.GREY)
    figure.text(0.505, 0.018, "replicas", ha="center", color=plots.GREY)
    return axes


class _Floor:
    """What no replica removes, as a hatched ground with its height."""

    def __init__(self, axes: Axes) -> None:
        from matplotlib.patches import Rectangle

        self._ground = Rectangle((0.5, -DEPTH), MOST, 1, **_SHARED.patch)
        self._ground.set(alpha=_WASH, zorder=0.5)
        axes.add_patch(self._ground)
        self._label = axes.text(MOST + 0.35, 0, "", ha="right", va="top")
        self._label.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 2})

    def update(self, floor: float) -> None:
        top = place(floor)
        shown = top > -DEPTH
        self._ground.set_height(max(top + DEPTH, 0.0))
        self._ground.set_visible(shown)
        self._label.set_visible(shown)
        self._label.set_y(max(top, -DEPTH + 0.9) - 0.34)
        self._label.set_text(f"floor: {text.short(floor * YEAR / MINUTE)} min a year")


class _Ghost:
    """A dashed line where the learner has predicted a number of replicas to be."""

    def __init__(self, axes: Axes, number: int, side: str) -> None:
        ends = [number - 0.3, number + 0.3]
        (self._line,) = axes.plot(ends, [0, 0], color=plots.INK, linewidth=1.8)
        self._line.set(linestyle=(0, (4, 2)), zorder=5, clip_on=False)
        x = ends[1] + 0.06 if side == "left" else ends[0] - 0.06
        self._label = axes.text(x, 0, "", ha=side, va="center", fontsize=8, zorder=6)
        self._label.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 1})

    def update(self, guess: float | None) -> None:
        self._line.set_visible(guess is not None)
        self._label.set_visible(guess is not None)
        if guess is not None:
            self._line.set_ydata([-guess, -guess])
            self._label.set(y=-guess, text=f"you: {guess:g}")


def _key(figure: Figure) -> None:
    """Say what the lines and the ground mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    y = 0.905
    for x, words, look in (
        (0.012, "with what they share", _TRUE),
        (0.285, "if failures came alone", _NAIVE),
    ):
        line = Line2D((x + 0.008, x + 0.042), (y, y), **look)
        line.set_transform(figure.transFigure)
        figure.add_artist(line)
        figure.text(x + 0.057, y - 0.014, words)
    swatch = Rectangle((0.565, y - 0.018), 0.035, 0.036, **_SHARED.patch)
    swatch.set(alpha=_WASH, transform=figure.transFigure)
    figure.add_artist(swatch)
    figure.text(0.61, y - 0.014, "what takes all: no replica helps")


def draw(found: xr.Dataset) -> plots.Shown:
    """Draw a sweep over sites and what strikes all of them as a map.

    Parameters
    ----------
    found : xarray.Dataset
        What `hamodel.sweep` returned for two parameters.

    Returns
    -------
    Shown
        The map, with what it says in words and numbers.

    Raises
    ------
    ValueError
        If the sweep has not two parameters.
    """
    if len(found.sizes) != 2:
        raise ValueError(f"found must have two dimensions, got {tuple(found.sizes)}")
    across, down = (str(name) for name in found.sizes)
    if across == "sites":
        count = [len(str(names).split(", ")) for names in found["sites"].values]
        found = found.assign_coords(sites=("sites", count, {"long_name": "sites"}))
    figure = plots.figure(7.2, 3.2)
    with plots.styled():
        axes = figure.add_axes((0.12, 0.16, 0.86, 0.74))
        drawn = plots.draw_sweep(axes, found, x=across, y=down)
    return plots.show(figure, alt=drawn.text)
