"""The picture of lesson 02: the diagram as it stands now, and a year's bars beside it.

The diagram is drawn once with room for every app server; what the shop has not bought
is a faint outline, so that no box moves when one is bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import plots
from lessons.find_the_spof._shop import (
    APPS,
    CAUSED,
    DECIDES,
    MOST,
    SAVED,
    TIERS,
    path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from hamodel.structure import Structure
    from lessons.find_the_spof._shop import Shop

    Place = tuple[float, float, float, float]

_SIZE = (7.2, 3.45)
_HEADS = {
    CAUSED: "Share of the downtime that\neach box causes",
    SAVED: "Share of the downtime that\none more of each would save",
    DECIDES: "How often each box alone\ndecides (Birnbaum)",
}
_LOOKS = {
    CAUSED: plots.LOOKS["failover did not work"],
    SAVED: plots.LOOKS["up"],
    DECIDES: plots.LOOKS["degraded"],
}
_LIVE: dict[str, Any] = {"color": plots.PALETTE["green"], "linewidth": 2.6}
_DEAD: dict[str, Any] = {"color": plots.GREY, "linewidth": 1.4}


def hours(value: float) -> str:
    """Write hours with the digits that a reader can use.

    Parameters
    ----------
    value : float
        Hours, at least 0.

    Returns
    -------
    str
        The number without unit.

    Examples
    --------
    >>> [hours(h) for h in (123.4, 17.51, 8.757, 0.03, 0.0001, 0)]
    ['123', '17.5', '8.76', '0.03', 'under 0.01', '0']
    """
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    if value >= 0.005:
        return f"{value:.2f}"
    return "under 0.01" if value else "0"


def percent(share: float) -> str:
    """Write a share as percent, with two digits after the point.

    Parameters
    ----------
    share : float
        Between 0 and 1.

    Returns
    -------
    str
        The number without unit.

    Examples
    --------
    >>> [percent(s) for s in (1, 0.9995, 0.5, 1e-6, 0)]
    ['100.00', '99.95', '50.00', 'under 0.01', '0']
    """
    if share >= 5e-5:
        return f"{100 * share:.2f}"
    return "under 0.01" if share else "0"


class ShopPicture:
    """Draws a `Shop`."""

    def __init__(self) -> None:
        self.figure = plots.figure(*_SIZE)
        with plots.styled():
            self._diagram = _Diagram(self.figure)
            self._bars = _Bars(self.figure)

    @property
    def places(self) -> dict[str, Place]:
        """Left, top, width and height of each box in pixels."""
        return self._diagram.places

    def update(
        self,
        values: Mapping[str, Any],
        result: Shop,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a shop.

        Parameters
        ----------
        values : mapping
            The controls' values; "bars" says what the bars show.
        result : Shop
            The shop.
        guess : mapping or None
            The committed prediction: percent of the downtime by tier.
        """
        self._diagram.update(result)
        self._bars.update(result, values["bars"], guess or {})


class _Diagram:
    """The boxes and wires, which say what is the case now."""

    def __init__(self, figure: Figure) -> None:
        axes = figure.add_axes((0.005, 0.12, 0.66, 0.76))
        self._drawing = plots.draw_diagram(axes, path(MOST))
        left, right, bottom, top = self._drawing.layout.extent
        axes.set_aspect("equal", adjustable="box")
        axes.set(xlim=(left + 0.25, right - 0.25), ylim=(bottom - 0.1, top + 0.1))
        self._status = self._drawing.status
        self._status.set(position=(0.01, 1.09), ha="left", fontsize=11)
        self._live = _wires(self._drawing)
        self._frames = {
            name: patches[0]
            for name, patches in self._drawing.boxes.items()
            if name != "client"
        }
        self._names = {text.get_text(): text for text in axes.texts}
        _key(figure)
        axes.apply_aspect()
        self.places = {name: self._place(figure, name) for name in self._frames}

    def _place(self, figure: Figure, name: str) -> Place:
        box = self._frames[name].get_window_extent()
        high = figure.get_size_inches()[1] * figure.dpi
        scale = 100 / figure.dpi
        corner = box.x0 * scale, (high - box.y1) * scale
        size = box.width * scale, box.height * scale
        left, top, wide, tall = map(float, (*corner, *size))
        return left, top, wide, tall

    def update(self, shop: Shop) -> None:
        spare = frozenset(APPS[shop.servers :])
        self._drawing.mark(shop.failed | spare)
        self._status.set_text(f"Now: the shop is {'up' if shop.works else 'down'}")
        alone = shop.alone
        for name, frame in self._frames.items():
            frame.set_linewidth(3.0 if name in alone else 1.2)
            frame.set_linestyle("-")
            frame.set_edgecolor(plots.INK)
        for name in spare:
            _outline(self._frames[name])
        for name in APPS:
            self._names[name].set_visible(name not in spare)
        for line, owner in self._live:
            line.set(**(_LIVE if line.get_linestyle() == "-" else _DEAD))
            line.set_visible(owner not in spare)


def _outline(frame: Any) -> None:
    """Show a place that is empty."""
    frame.set_facecolor(plots.PAPER)
    frame.set_hatch("")
    frame.set_edgecolor(plots.FAINT)
    frame.set_linewidth(1.0)
    frame.set_linestyle(":")


def _wires(drawing: plots.Drawing) -> list[tuple[Line2D, str]]:
    """Return each wire with the app server that it belongs to, or none."""
    row = {drawing.layout.boxes[name][0][1]: name for name in APPS}
    return [
        (line, row[wire.points[1][1]] if len(wire.points) == 3 else "")
        for line, wire in zip(drawing.wires, drawing.layout.wires, strict=True)
    ]


def _key(figure: Figure) -> None:
    """Say what frame, hatch and wires mean."""
    from matplotlib.patches import Rectangle

    failed = {"facecolor": plots.PALETTE["vermilion"], "hatch": "////"}
    looks = (
        (0.012, "failed", {**failed, "linewidth": 1.2}),
        (0.125, "would stop the shop alone", {"fill": False, "linewidth": 3.0}),
    )
    for x, words, look in looks:
        swatch = Rectangle((x, 0.03), 0.03, 0.045, edgecolor=plots.INK, **look)
        swatch.set_transform(figure.transFigure)
        figure.add_artist(swatch)
        figure.text(x + 0.042, 0.038, words)
    from matplotlib.lines import Line2D

    for x, words, look in (
        (0.44, "requests pass", {**_LIVE, "linestyle": "-"}),
        (0.625, "none pass", {**_DEAD, "linestyle": ":"}),
    ):
        line = Line2D((x, x + 0.03), (0.052, 0.052), **look)
        line.set_transform(figure.transFigure)
        figure.add_artist(line)
        figure.text(x + 0.042, 0.038, words)


class _Bars:
    """What each tier matters in a year, on a scale from 0 to 100 %."""

    def __init__(self, figure: Figure) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.add_axes((0.715, 0.185, 0.26, 0.56))
        axes.set(xlim=(0, 1), ylim=(0, 3), yticks=[], xticks=[0, 0.5, 1])
        axes.set_xticklabels([""] * 3)
        axes.spines["left"].set_visible(False)
        for k, words in enumerate(("0", "50", "100 %")):
            side = ("left", "center", "right")[k]
            axes.text(k / 2, -0.14, words, ha=side, va="top", color=plots.GREY)
        self._total = figure.text(0.715, 0.925, "", weight="bold", fontsize=11)
        self._head = figure.text(0.715, 0.77, "", color=plots.GREY)
        self._bars, self._words, self._ghosts = {}, {}, {}
        for row, name in enumerate(TIERS):
            low = 2 - row
            bar = Rectangle((0, low + 0.28), 0, 0.34, **_LOOKS[CAUSED].patch)
            axes.add_patch(bar)
            self._bars[name] = bar
            self._words[name] = axes.text(0.015, low + 0.66, "", va="bottom")
            self._ghosts[name] = _Ghost(axes, low)

    def update(self, shop: Shop, bars: str, guess: Mapping[str, float]) -> None:
        shares = shop.shares(bars)
        for name, bar in self._bars.items():
            share = shares[name]
            bar.set_width(share)
            bar.set_visible(share > 1e-3)
            bar.set_facecolor(_LOOKS[bars].colour)
            bar.set_hatch(_LOOKS[bars].hatch)
            amount = f"{percent(share)} %"
            if bars != DECIDES:
                amount = f"{hours(share * shop.hours)} h a year"
            self._words[name].set_text(f"{TIERS[name]}: {amount}")
            self._ghosts[name].update(guess.get(name) if bars == CAUSED else None)
        self._head.set_text(_HEADS[bars])
        self._total.set_text(f"Down {hours(shop.hours)} h a year")


class _Ghost:
    """A dashed line where the learner has predicted a bar to end."""

    def __init__(self, axes: Axes, low: float) -> None:
        (self._line,) = axes.plot([0, 0], [low + 0.18, low + 0.64], color=plots.INK)
        self._line.set(linestyle=(0, (4, 2)), linewidth=1.6, zorder=5, clip_on=False)
        self._label: Text = axes.text(0, low + 0.2, "", va="top", fontsize=8)

    def update(self, guess: float | None) -> None:
        self._line.set_visible(guess is not None)
        self._label.set_visible(guess is not None)
        if guess is not None:
            place = guess / 100
            self._line.set_xdata([place, place])
            side = "left" if place < 0.5 else "right"
            self._label.set(x=place, ha=side, text=f"you: {guess:g} %")


def draw_sites(whole: Structure) -> plots.Shown:
    """Draw two sites as their diagram shows them.

    Parameters
    ----------
    whole : Structure
        Both sites.

    Returns
    -------
    Shown
        The boxes, with nothing that is shared between them.
    """
    figure = plots.figure(7.2, 2.3)
    with plots.styled():
        axes = figure.add_axes((0.02, 0.08, 0.96, 0.8))
        drawing = plots.draw_diagram(axes, whole)
    drawing.status.set_visible(False)
    count = len(whole.single_points_of_failure())
    return plots.show(
        figure,
        alt=f"Two rows of three boxes side by side, {', '.join(whole.components)}; "
        f"either row is enough, so the diagram has {count or 'no'} single points of "
        "failure.",
    )
