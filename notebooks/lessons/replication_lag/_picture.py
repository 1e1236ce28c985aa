"""The picture of lesson 06: stale reads over time, and four bills side by side."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hamodel import plots, text
from hamodel.units import HOUR, MS, YEAR
from lessons.replication_lag._copy import PLANS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lessons.replication_lag._copy import Bill, Copy

_FIRST, _LAST = 1e-4, 10.0  # ends of the time axis in s
_FLOOR = 1e-4  # least share that shows
_NEVER = 1e-12  # what is rarer is not worth a word
_TIMES = np.geomspace(_FIRST, _LAST, 161)
_ASYNC = plots.Look(plots.PALETTE["vermilion"], "///")
_WAITS = plots.Look(plots.PALETTE["blue"], "\\\\\\")
_LINES = {"async": _ASYNC, "sync": _WAITS}
_WORDS = {"async": "async", "sync": "semi-sync and sync"}
_DASHES: Mapping[str, Any] = {"async": "-", "sync": (0, (5, 2.5))}
_TICKS = ("0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s")
_SHARES = ("1 in 10,000", "1 in 1,000", "1 in 100", "1 in 10", "all")
#: What a learner guesses, and how the ghost is labelled.
GHOSTS = {"mean": "you: mean at 990/s", "tail": "you: 99 % at 990/s"}


class CopyPicture:
    """A curve of stale reads over a table with bars; made once, then only changed."""

    def __init__(self) -> None:
        self.figure: Figure = plots.figure(7.2, 5.3)
        with plots.styled():
            self._curves = _Curves(self.figure)
            self._table = _Table(self.figure)

    def update(
        self,
        values: Mapping[str, Any],  # noqa: ARG002  a picture is given all there is
        result: Copy,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a replica.

        Parameters
        ----------
        values : mapping
            The controls' values.
        result : Copy
            The replica.
        guess : mapping or None
            The committed prediction in ms, by case.
        """
        self._curves.update(result, guess or {})
        self._table.update(result)


class _Curves:
    """Share of reads that miss a write, against the time since its commit."""

    def __init__(self, figure: Figure) -> None:
        axes = figure.add_axes((0.12, 0.53, 0.855, 0.325))
        axes.set(xscale="log", yscale="log", xlim=(_FIRST, _LAST), ylim=(_FLOOR, 1.5))
        axes.minorticks_off()
        axes.set_xticks(np.geomspace(_FIRST, _LAST, len(_TICKS)), [""] * len(_TICKS))
        axes.set_yticks([], [])
        for name, at in zip(
            _TICKS, np.geomspace(_FIRST, _LAST, len(_TICKS)), strict=True
        ):
            axes.text(at, _FLOOR / 2, name, ha="center", va="top")
        for name, at in zip(
            _SHARES, np.geomspace(_FLOOR, 1, len(_SHARES)), strict=True
        ):
            axes.text(_FIRST * 0.9, at, name, ha="right", va="center")
        levels = np.geomspace(_FLOOR, 1, len(_SHARES))
        axes.hlines(levels, _FIRST, _LAST, color=plots.FAINT, linewidth=0.6, zorder=0)
        figure.text(
            0.015, 0.962, "Reads that miss the write, by the time since its commit"
        )
        self._lines, self._keys = {}, {}
        for name, x in (("async", 0.02), ("sync", 0.46)):
            style = {"color": _LINES[name].colour, "linestyle": _DASHES[name]}
            (self._lines[name],) = axes.plot(_TIMES, _TIMES, linewidth=1.8, **style)
            key = figure.text(x + 0.055, 0.912, "")
            self._keys[name] = key
            swatch = axes.plot(
                [x, x + 0.045], [0.92, 0.92], transform=figure.transFigure, **style
            )
            swatch[0].set_clip_on(False)
        self._marks = {
            name: _Mark(axes, name, marker) for name, marker in _MARKERS.items()
        }
        self._pause = axes.axvline(1, color=plots.GREY, linewidth=1, zorder=1)
        self._said = axes.text(1, 1.0, "", va="bottom")
        self._said.set_transform(axes.get_xaxis_transform())
        self._ghosts = {case: _Ghost(axes, k, case) for k, case in enumerate(GHOSTS)}

    def update(self, copy: Copy, guess: Mapping[str, float]) -> None:
        for name, line in self._lines.items():
            share = np.asarray(copy.missed(name, _TIMES))
            line.set_ydata(np.maximum(share, _FLOOR / 10))
            line.set_visible(bool(share.max() > 0))
            self._keys[name].set_text(_key(copy, name))
        for name, mark in self._marks.items():
            mark.update(copy, name)
        place = min(max(copy.pause, _FIRST), _LAST)
        self._pause.set_xdata([place, place])
        self._said.set_text(f"read after {text.time(copy.pause)}")
        self._said.set_x(place)
        self._said.set_horizontalalignment(_side(place))
        for case, ghost in self._ghosts.items():
            ghost.update(guess.get(case))


def _key(copy: Copy, name: str) -> str:
    """Name a line, and say when one read in a hundred still misses the write."""
    if float(copy.missed(name, 0.0)) <= 0:
        stuck = copy.overloaded  # then semi-sync goes on at its timeout
        return "sync: no commit returns" if stuck else f"{_WORDS[name]}: all are fresh"
    if copy.overloaded:
        return f"{_WORDS[name]}: later and later"
    wait = float(copy.stream.lag.quantile(0.99))
    if name != "async":  # the client has waited for that much of it
        wait = max(wait - copy.trip, 0.0)
    when = f"after {text.time(wait)}" if wait else "at once"
    return f"{_WORDS[name]}: 99 % fresh {when}"


def _side(place: float) -> Literal["left", "center", "right"]:
    share = log10(place / _FIRST) / log10(_LAST / _FIRST)
    return "left" if share < 0.12 else "right" if share > 0.88 else "center"


_MARKERS = {"mean": "o", "99 %": "s"}


class _Mark:
    """Where the mean and the 99th percentile of the lag lie on the curve."""

    def __init__(self, axes: Axes, name: str, marker: str) -> None:
        (self._dot,) = axes.plot([1], [1], marker=marker, markersize=6, zorder=4)
        self._dot.set_color(_ASYNC.colour)
        self._label = axes.text(1, 1, name, va="top", zorder=6)
        self._label.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 1})

    def update(self, copy: Copy, name: str) -> None:
        lag = copy.stream
        place = float(lag.mean_lag if name == "mean" else lag.lag.quantile(0.99))
        shown = _FIRST < place < _LAST
        self._dot.set_visible(shown)
        self._label.set_visible(shown)
        if shown:
            share = float(lag.lag.sf(place))
            near = place < 4 * _FIRST
            self._dot.set_data([place], [share])
            beside = (1.2, 1.1) if near else (0.85, 0.8)
            self._label.set_position((place * beside[0], share * beside[1]))
            self._label.set_horizontalalignment("left" if near else "right")
            self._label.set_verticalalignment("bottom" if near else "top")


class _Ghost:
    def __init__(self, axes: Axes, row: int, case: str) -> None:
        self._line = axes.axvline(1, color=plots.INK, linewidth=1.6, zorder=5)
        self._line.set_linestyle((0, (4, 2)))
        self._label = axes.text(1, 0.04 + 0.13 * row, GHOSTS[case], zorder=6)
        self._label.set_transform(axes.get_xaxis_transform())
        self._label.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 1})

    def update(self, guess: float | None) -> None:
        self._line.set_visible(guess is not None)
        self._label.set_visible(guess is not None)
        if guess is not None:
            place = min(max(guess * MS, _FIRST), _LAST)
            left = place < 0.3
            self._line.set_xdata([place, place])
            self._label.set_x(place * (1.06 if left else 1 / 1.06))
            self._label.set_horizontalalignment("left" if left else "right")


_HEADS = (
    (0.19, "a commit waits"),
    (0.395, "reads that miss it"),
    (0.60, "a crash loses"),
    (0.79, "standby away, a year"),
)
_WIDE = 0.165
_TOP, _STEP = 0.335, 0.083  # of the first row, and from row to row


class _Table:
    """A row for each mode: what it waits, misses and loses, in words and as bars."""

    def __init__(self, figure: Figure) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_axis_off()
        for x, head in _HEADS:
            axes.text(x, 0.41, head, color=plots.GREY)
        axes.plot([0.015, 0.985], [0.397, 0.397], color=plots.FAINT, linewidth=0.8)
        self._rows = {
            name: _Row(axes, name, _TOP - _STEP * k) for k, name in enumerate(PLANS)
        }

    def update(self, copy: Copy) -> None:
        for name, row in self._rows.items():
            row.update(copy.bill(name))


class _Row:
    def __init__(self, axes: Axes, name: str, y: float) -> None:
        from matplotlib.patches import Rectangle

        own = _ASYNC if name == "async" else _WAITS
        stops = plots.LOOKS[
            "both nodes down" if name.startswith("sync") else "degraded"
        ]
        looks = (own, own, own, stops)
        axes.text(0.015, y, name, weight="bold", va="center")
        self._words = [axes.text(x, y + 0.014, "", va="center") for x, _ in _HEADS]
        self._bars = [
            Rectangle((x, y - 0.028), 0, 0.019, **look.patch)
            for (x, _), look in zip(_HEADS, looks, strict=True)
        ]
        for bar in self._bars:
            axes.add_patch(bar)

    def update(self, bill: Bill) -> None:
        cells = _cells(bill)
        for words, bar, (said, share) in zip(
            self._words, self._bars, cells, strict=True
        ):
            words.set_text(said)
            bar.set_width(_WIDE * share)
            bar.set_visible(share > 0)


def _cells(bill: Bill) -> list[tuple[str, float]]:
    """Return words and the length of the bar for each column."""
    return [
        (_waiting(bill.wait), _decades(bill.wait, _FIRST, _LAST)),
        (_percent(bill.missed), bill.missed),
        (_writes(bill.lost), _decades(bill.lost, 0.1, 1e5)),
        _absence(bill),
    ]


def _waiting(seconds: float) -> str:
    if not seconds:
        return "for nobody"
    if seconds == float("inf"):
        return "for ever"
    return text.time(seconds) if seconds >= 1 else f"{text.short(seconds / MS)} ms"


def _percent(share: float) -> str:
    return f"{text.short(100 * share)} %" if share > _NEVER else "none"


def _writes(count: float) -> str:
    if count <= _NEVER:
        return "none"
    return "more and more" if count == float("inf") else f"{text.short(count)} writes"


def _absence(bill: Bill) -> tuple[str, float]:
    hours = max(bill.stopped, bill.unprotected) * YEAR / HOUR
    word = "stopped" if bill.stopped > bill.unprotected else "one copy"
    return f"{word} {hours:.0f} h", hours / 40


def _decades(value: float, low: float, high: float) -> float:
    """Return where a value lies between two, each factor of ten the same way."""
    if value <= low:
        return 0.02 if value > _NEVER else 0.0
    return min(log10(min(value, high) / low) / log10(high / low), 1.0)
