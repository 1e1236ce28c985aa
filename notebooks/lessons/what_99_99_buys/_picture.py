"""The picture of lesson 01: ten windows as they may come, all of them as a curve."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import plots, text
from hamodel.units import MINUTE
from lessons.what_99_99_buys._node import SHOWN, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from lessons.what_99_99_buys._node import Node

_DOWN = plots.PALETTE["vermilion"]
_WIDTH = 0.004  # of the window: an outage must be seen
_LOW, _HIGH = -1.0, 5.0  # powers of ten of minutes
_TICKS = (0.1, 1, 10, 60, 600, 5_760, 57_600)
_MOST = 400  # bars drawn; further ones would cover each other


class YearsPicture:
    """Strips of windows above, the share of windows below; made once, then changed."""

    def __init__(self) -> None:
        from matplotlib.collections import PolyCollection

        self.figure = plots.figure(7.2, 4.9)
        with plots.styled():
            self._strips = _strip_axes(self.figure)
            self._bars = PolyCollection([], facecolor=_DOWN, edgecolor="none")
            self._strips.add_collection(self._bars)
            self._totals = [
                self._strips.text(1.015, k, "", va="center", fontsize=8.5)
                for k in range(SHOWN)
            ]
            self._head = self.figure.text(0.012, 0.95, "", weight="bold", fontsize=11)
            self._unit = self.figure.text(0.985, 0.905, "", ha="right", fontsize=8.5)
            self._curve_axes = _curve_axes(self.figure)
            (self._curve,) = self._curve_axes.plot([], [], color=plots.INK, linewidth=2)
            self._budget = _Mark(self._curve_axes, plots.PALETTE["blue"], "-", 0.16)
            self._mean = _Mark(self._curve_axes, _DOWN, ":", 0.36)
            self._ghost = _Mark(self._curve_axes, plots.INK, (0, (4, 2)), 0.56)

    def update(
        self,
        values: Mapping[str, Any],  # noqa: ARG002
        result: Node,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a node.

        Parameters
        ----------
        values : mapping
            The controls' values.
        result : Node
            The node.
        guess : mapping or None
            The committed prediction; its minutes are drawn where a year is shown.
        """
        self._bars.set_verts(_boxes(result))
        for label, total in zip(self._totals, result.shown, strict=True):
            over = total > result.budget
            label.set_text(text.short(total))
            label.set(weight="bold" if over else "normal", color=_ink(over=over))
        self._head.set_text(heading(result))
        self._unit.set_text("min down; bold: over the budget")
        x = np.geomspace(10**_LOW, result.length / MINUTE * 0.999, 90)
        self._curve.set_data(np.log10(x), 100 * result.cdf(x))
        self._budget.put(result.budget, f"budget {text.short(result.budget)} min")
        self._mean.put(result.mean, f"mean {text.short(result.mean)} min")
        year = result.length == WINDOWS["a year"]
        mine = (guess or {}).get("minutes") if year else None
        self._ghost.put(mine, "" if mine is None else f"you: {mine:g} min")


def heading(node: Node) -> str:
    """Return what stands over the picture."""
    word = node.window.removeprefix("a ")
    return f"Ten {word}s in a row, of a node that is up {up(node)} % of the time"


def up(node: Node) -> str:
    """Return the availability in percent, with as many digits as it has nines."""
    down = node.unavailability
    digits = max(0, -int(np.floor(log10(down))) - 2)
    return f"{100 * (1 - down):.{digits}f}"


def _ink(*, over: bool) -> str:
    return str(_DOWN if over else plots.INK)


def _boxes(node: Node) -> list[list[tuple[float, float]]]:
    """Return the outages as boxes, each wide enough to be seen."""
    found = []
    for k, outages in enumerate(node.windows):
        for start, end in outages[: _MOST // SHOWN]:
            left = start / node.length
            right = max(end / node.length, left + _WIDTH)
            if right > 1:
                left, right = min(left, 1 - _WIDTH), 1.0
            found.append(
                [
                    (left, k - 0.36),
                    (right, k - 0.36),
                    (right, k + 0.36),
                    (left, k + 0.36),
                ]
            )
    return found


def _strip_axes(figure: Any) -> Axes:
    axes: Axes = figure.add_axes((0.035, 0.485, 0.86, 0.41))
    axes.set(xlim=(0, 1), ylim=(SHOWN - 0.4, -0.6), xticks=[], yticks=range(SHOWN))
    axes.set_yticklabels([str(k + 1) for k in range(SHOWN)])
    axes.tick_params(length=0)
    for k in range(SHOWN):
        axes.axhspan(k - 0.36, k + 0.36, color=plots.FAINT, linewidth=0, zorder=0)
    return axes


def _curve_axes(figure: Any) -> Axes:
    axes: Axes = figure.add_axes((0.075, 0.115, 0.82, 0.285))
    axes.set(xlim=(_LOW, log10(WINDOWS["a year"] / MINUTE)), ylim=(0, 100))
    axes.set(xticks=[log10(t) for t in _TICKS], yticks=[0, 25, 50, 75, 100])
    axes.set_xticklabels([text.time(t * MINUTE, 2) for t in _TICKS])
    axes.set_yticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
    figure.text(0.075, 0.42, "share of the windows with at most so much downtime")
    return axes


class _Mark:
    """An upright line at a number of minutes, with its label."""

    def __init__(self, axes: Axes, color: str, style: Any, height: float) -> None:
        (self._line,) = axes.plot([0, 0], [0, 100], color=color, linewidth=1.6)
        self._line.set_linestyle(style)
        self._label = axes.text(0, 100 * height, "", fontsize=8.5, va="center")
        self._label.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 1})

    def put(self, at: float | None, words: str) -> None:
        """Move it to a number of minutes, or hide it."""
        shown = at is not None and at > 0
        self._line.set_visible(shown)
        self._label.set_visible(shown)
        if not shown or at is None:
            return
        x = max(log10(at), _LOW)
        self._line.set_xdata([x, x])
        left = x > 3.4
        self._label.set(x=x + (-0.06 if left else 0.06), text=words)
        self._label.set_horizontalalignment("right" if left else "left")
