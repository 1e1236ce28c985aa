"""The picture of lesson 05: twenty failovers in time, and what haste costs a year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import plots, text
from hamodel.failover import STAGES, Heartbeat, vigilance
from lessons.anatomy_of_a_failover._watch import MTTF, ROWS, TRIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

    from hamodel._types import FloatArray
    from lessons.anatomy_of_a_failover._watch import Watch

_LAST = 90  # end of the time axis in s
_TIMES = np.linspace(0, _LAST, 181)
_SPAN = (0.1, 1e6)  # minutes a year
_LOOKS = {
    "detection": plots.Look(plots.PALETTE["orange"], "///"),
    "fencing": plots.Look(plots.PALETTE["purple"], "xxx"),
    "promotion": plots.Look(plots.PALETTE["sky blue"], ""),
    "redirection": plots.Look(plots.PALETTE["green"], "\\\\\\"),
}
#: Misses at which a learner guesses.
GUESSED = (10, 5, 3, 2)


class WatchPicture:
    """Failovers over a valley; made once, then only changed."""

    def __init__(self) -> None:
        self.figure: Figure = plots.figure(7.2, 5.4)
        with plots.styled():
            self._stack = _Stack(self.figure)
            self._valley = _Valley(self.figure)

    def update(
        self,
        values: Mapping[str, Any],  # noqa: ARG002  a picture is given all there is
        result: Watch,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a watchdog.

        Parameters
        ----------
        values : mapping
            The controls' values.
        result : Watch
            The watchdog with its failover.
        guess : mapping or None
            The committed prediction in minutes a year, by number of misses.
        """
        self._stack.update(result)
        self._valley.update(result, guess)


class _Stack:
    """Failovers under each other, the quickest lowest; the curve is all there are."""

    def __init__(self, figure: Figure) -> None:
        from matplotlib.patches import PathPatch, Rectangle

        axes = figure.add_axes((0.115, 0.56, 0.86, 0.305))
        axes.set(xlim=(0, _LAST), ylim=(0, ROWS))
        _ticks(axes, "y", {0: "none", ROWS / 2: "half", ROWS: "all"})
        ticks = range(0, _LAST + 1, 15)
        _ticks(axes, "x", {t: f"{t} s" if t == _LAST else str(t) for t in ticks})
        axes.text(0, 1.03, "served again", transform=axes.transAxes, color=plots.GREY)
        nothing = _rectangles(np.zeros(ROWS), np.zeros(ROWS))
        self._parts = [PathPatch(nothing, **_LOOKS[s].patch) for s in STAGES]
        for part in self._parts:
            part.set_linewidth(0.4)
            axes.add_patch(part)
        axes.plot(_TIMES, _TIMES, color=plots.PAPER, linewidth=4.5, zorder=4)
        axes.plot(_TIMES, _TIMES, color=plots.INK, linewidth=1.8, zorder=5)
        self._curves = axes.lines[-2:]
        self._head = figure.text(0.015, 0.967, "", weight="bold")
        self._keys = []
        for stage, x in zip(STAGES, (0.225, 0.405, 0.56, 0.745), strict=True):
            key = Rectangle((x, 0.911), 0.022, 0.026, **_LOOKS[stage].patch)
            key.set_transform(figure.transFigure)
            figure.add_artist(key)
            self._keys.append(figure.text(x + 0.029, 0.915, ""))
        figure.text(0.015, 0.915, "means of the stages:", color=plots.GREY)

    def update(self, watch: Watch) -> None:
        ends = np.minimum(watch.drawn.cumsum(axis=1), 2 * _LAST)
        begins = np.hstack([np.zeros((ROWS, 1)), ends[:, :-1]])
        for k, part in enumerate(self._parts):
            part.set_path(_rectangles(begins[:, k], ends[:, k]))
        share = np.asarray(watch.rto.cdf(_TIMES))
        for line in self._curves:
            line.set_ydata(ROWS * share)
        for key, stage in zip(self._keys, STAGES, strict=True):
            key.set_text(f"{stage} {text.time(float(watch.failover.stages[stage]))}")
        self._head.set_text(
            f"Twenty failovers, and the law they follow: {watch.mean:.1f} s on average,"
            f" 95 % within {watch.late:.1f} s"
        )


def _rectangles(begins: FloatArray, ends: FloatArray) -> Path:
    """Return one path of a bar in each row."""
    from matplotlib.path import Path

    low = np.arange(ROWS) + 0.12
    high = low + 0.76
    across = np.stack([begins, ends, ends, begins, begins], axis=1)
    up = np.stack([low, low, high, high, low], axis=1)
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * ROWS
    return Path(np.stack([across, up], axis=2).reshape(-1, 2), codes)


class _Valley:
    """Downtime against misses, where we stand, and what the learner drew."""

    def __init__(self, figure: Figure) -> None:
        axes = figure.add_axes((0.115, 0.105, 0.86, 0.34))
        beat = Heartbeat(interval=1, loss=0.02)
        start = vigilance(beat, mttf=MTTF, recovery=20, misses=TRIED)
        self._drawn = plots.draw_vigilance(axes, start, span=_SPAN)
        self._drawn.said.set_fontweight("bold")
        _key(axes)
        axes.set(xlabel="", ylabel="")
        _ticks(axes, "x", {k: str(k) for k in TRIED})
        decades = [10.0**k for k in range(-1, 7)]
        _ticks(axes, "y", {d: f"{d:,g}" if d < 1e6 else "million" for d in decades})
        head = axes.text(0, 1.03, "minutes down a year", transform=axes.transAxes)
        head.set_color(plots.GREY)
        self._across = axes.text(0.5, -0.2, "", transform=axes.transAxes)
        self._across.set(ha="center", va="top")
        self._here = axes.axvline(3, color=plots.GREY, linewidth=1, zorder=1)
        self._now = axes.text(0.98, 1.03, "", transform=axes.transAxes, ha="right")
        (self._ghost,) = axes.plot(GUESSED, GUESSED, "D", color=plots.INK, zorder=6)
        self._ghost.set(linestyle=(0, (4, 2)), markersize=4.5, linewidth=1.4)
        self._ghost.set_markerfacecolor(plots.PAPER)
        self._you = axes.text(10, 1, "you", va="bottom", zorder=6)

    def update(self, watch: Watch, guess: Mapping[str, float] | None) -> None:
        self._drawn.show(watch.curve)
        best, least = watch.best
        self._drawn.said.set_text(
            f"best (ring): {best} misses, {text.short(least)} min a year"
        )
        beat, here = watch.beat, int(watch.beat.misses)
        self._across.set_text(
            f"misses that count as a failure, one beat in "
            f"{text.time(float(beat.interval))}"
        )
        self._here.set_xdata([here, here])
        self._now.set_text(
            f"now (line): {here} misses, {text.short(watch.minutes)} min a year"
        )
        for artist in (self._ghost, self._you):
            artist.set_visible(guess is not None)
        if guess is not None:
            drawn = [guess[str(misses)] for misses in GUESSED]
            self._ghost.set_data(GUESSED, drawn)
            self._you.set_position((GUESSED[0] + 0.2, drawn[0]))


def _key(axes: Axes) -> None:
    """Name the lines, in place of a legend, which is slow to draw."""
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()
    for k, line in enumerate(axes.lines[:3]):
        place = 0.83 - 0.1 * k
        axes.text(0.79, place, str(line.get_label()), transform=axes.transAxes)
        (sample,) = axes.plot([0.735, 0.775], [place + 0.03] * 2)
        sample.update_from(line)
        sample.set_transform(axes.transAxes)


def _ticks(axes: Axes, along: str, words: Mapping[float, str]) -> None:
    """Write an axis as one line and texts: Matplotlib's own are slow to redraw."""
    axis, at = axes.xaxis if along == "x" else axes.yaxis, list(words)
    axis.set_visible(False)
    zeros = [0.0] * len(at)
    if along == "x":
        (marks,) = axes.plot(at, zeros, transform=axes.get_xaxis_transform())
        place: dict[str, Any] = {"ha": "center", "va": "top"}
    else:
        (marks,) = axes.plot(zeros, at, transform=axes.get_yaxis_transform())
        place = {"ha": "right", "va": "center"}
    marks.set(linestyle="none", marker=0 if along == "y" else 3, color=plots.GREY)
    marks.set(markersize=3.5, clip_on=False)
    for value, said in words.items():
        x, y = (value, -0.05) if along == "x" else (-0.012, value)
        axes.text(x, y, said, transform=marks.get_transform(), **place)
