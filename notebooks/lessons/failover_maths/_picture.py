"""The picture of lesson 04: where a year of a database pair goes, and its downtime."""

from __future__ import annotations

from math import atan2, ceil, cos, log10, sin
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import plots, text
from hamodel.architectures import PairState
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

    from hamodel.architectures import ActivePassive

    Point = tuple[float, float]

CAUSES = ("failing over", "failover did not work", "both nodes down")
SCALES = {"0 to 20 min": 20, "0 to 200 min": 200, "0 to 2,000 min": 2000}

_RING = 0.105  # radius for each factor of ten, in units of the diagram
_STATES: dict[str, tuple[Point, str, str]] = {  # centre, words, look
    "both": ((1.3, 1.9), "both nodes up", "up"),
    "switching": ((5.2, 3.0), "failing over", "failing over"),
    "manual": ((5.2, 0.65), "waiting for a person", "failover did not work"),
    "one": ((9.1, 1.9), "one node up", "degraded"),
    "none": ((12.5, 1.9), "no node up", "both nodes down"),
}
_EITHER = plots.Look("#8c8c8c", "")  # no node up, for either of two causes
_SMALL = {"switching", "manual", "none"}  # never long enough for a large circle
_ARROWS: tuple[tuple[str, str, float, str], ...] = (  # from, to, bend, label
    ("both", "switching", 0.0, "c λ"),
    ("switching", "one", 0.0, "1 / T"),
    ("one", "both", 0.08, "μ  repaired"),
    ("both", "one", 0.08, "λ  standby fails"),
    ("one", "none", -0.2, "λ"),
    ("none", "one", -0.2, "μ"),
)
_STRANDED = ("both", "none", 0.31, "(1 - c) λ")
_BY_HAND = (
    ("both", "manual", 0.0, "(1 - c) λ"),
    ("manual", "one", 0.0, "by hand"),
)


class PairPicture:
    """A state diagram over a bar of downtime; made once, then only changed."""

    def __init__(self) -> None:
        self.figure: Figure = plots.figure(7.2, 4.5)
        with plots.styled():
            self._diagram = _Diagram(self.figure)
            self._bar = _Bar(self.figure)
        for artist in self.figure.findobj():
            artist.set_clip_on(False)  # nothing leaves its axes, and clipping costs

    def update(
        self,
        values: Mapping[str, Any],
        result: ActivePassive,
        guess: Mapping[str, float] | None,
    ) -> None:
        """Show a pair.

        Parameters
        ----------
        values : mapping
            The controls' values; "scale" is the bar's.
        result : ActivePassive
            The pair.
        guess : mapping or None
            The committed prediction in minutes a year, by case.
        """
        self._diagram.update(result)
        self._bar.update(result, SCALES[values["scale"]], guess or {})


class _Diagram:
    """Circles whose rings count the powers of ten of the time in a state."""

    def __init__(self, figure: Figure) -> None:
        axes = figure.add_axes((0.005, 0.4, 0.99, 0.595))
        axes.set(xlim=(0, 13.8), ylim=(-0.75, 4.55), aspect="equal")
        axes.set_axis_off()
        heading = "Where a year goes. Each ring is ten times longer; the first is 1 s."
        axes.text(0.1, 4.25, heading)
        self._shown = {name: _State(axes, name) for name in _STATES}
        for arrow in _ARROWS:
            _draw_arrow(axes, *arrow)
        self._stranded = _draw_arrow(axes, *_STRANDED)
        self._by_hand = [a for arrow in _BY_HAND for a in _draw_arrow(axes, *arrow)]

    def update(self, pair: ActivePassive) -> None:
        by_hand = pair.failover.manual is not None
        share = pair.chain().steady_state()
        for name, state in self._shown.items():
            seconds = share.get(PairState(name), 0.0) * YEAR
            state.update(seconds, visible=by_hand or name != "manual")
        self._shown["none"].wear(plots.LOOKS["both nodes down"] if by_hand else _EITHER)
        for artist in self._by_hand:
            artist.set_visible(by_hand)
        for artist in self._stranded:
            artist.set_visible(not by_hand)


class _State:
    def __init__(self, axes: Axes, name: str) -> None:
        from matplotlib.patches import PathPatch

        (x, y), self._words, look = _STATES[name]
        self._centre = x, y
        patch = plots.LOOKS[look].patch
        nothing = _circles(x, y, [0.0])
        white = {"fill": False, "edgecolor": plots.PAPER, "linewidth": 0.7}
        self._disc = PathPatch(nothing, **patch, zorder=3)
        self._rings = PathPatch(nothing, **white, zorder=4)
        axes.add_patch(self._disc)
        axes.add_patch(self._rings)
        away, side = (0.45 if name in _SMALL else 0.95), "bottom"
        if name == "manual":  # an arrow passes above it
            away, side = -away, "top"
        self._label = axes.text(x, y + away, "", ha="center", va=side)

    def wear(self, look: plots.Look) -> None:
        self._disc.set_facecolor(look.colour)
        self._disc.set_hatch(look.hatch)

    def update(self, seconds: float, *, visible: bool) -> None:
        rings = log10(seconds) + 1 if seconds > 1 else 0.0
        inner = [k * _RING for k in range(1, ceil(rings))]
        self._disc.set_path(_circles(*self._centre, [rings * _RING]))
        self._rings.set_path(_circles(*self._centre, inner or [0.0]))
        self._disc.set_visible(visible and rings > 0)
        self._rings.set_visible(visible and bool(inner))
        self._label.set_text(
            f"{self._words}\n{text.time(seconds) if seconds else 'never'}"
        )
        self._label.set_visible(visible)


def _circles(x: float, y: float, radii: list[float]) -> Path:
    """Return circles around a point as one path, each of four curves."""
    from matplotlib.path import Path

    unit = np.array(_CIRCLE)
    corners = np.concatenate([unit * radius + (x, y) for radius in radii])
    return Path(corners, [Path.MOVETO, *[Path.CURVE4] * 12] * len(radii))


_K = 0.5523  # how far the handles of a quarter of a circle stand off
_CIRCLE = (
    (1, 0), (1, _K), (_K, 1), (0, 1), (-_K, 1), (-1, _K), (-1, 0),
    (-1, -_K), (-_K, -1), (0, -1), (_K, -1), (1, -_K), (1, 0),
)  # fmt: skip


class _Bar:
    """Downtime by cause on a fixed scale, with the learner's guesses."""

    def __init__(self, figure: Figure) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.add_axes((0.03, 0.15, 0.94, 0.11))
        axes.set(ylim=(0, 1), yticks=[], xlim=(0, 1), xticks=[k / 4 for k in range(5)])
        axes.set_xticklabels([""] * 5)
        axes.spines["left"].set_visible(False)
        sides = ("left", "center", "center", "center", "right")
        self._ticks = [
            axes.text(k / 4, -0.2, "", ha=side, va="top")
            for k, side in enumerate(sides)
        ]
        looks = [plots.LOOKS[cause].patch for cause in CAUSES]
        self._parts = [Rectangle((0, 0.1), 0, 0.8, **look) for look in looks]
        for part in self._parts:
            axes.add_patch(part)
        for k, look in enumerate(looks):
            key = Rectangle((_KEYS[k], 0.03), 0.022, 0.03, **look)
            key.set_transform(figure.transFigure)
            figure.add_artist(key)
        self._keys = [figure.text(x + 0.029, 0.034, "") for x in _KEYS]
        self._total = axes.text(0, 1.15, "", va="bottom", weight="bold")
        self._ghosts = {case: _Ghost(axes, k, case) for k, case in enumerate(GHOSTS)}

    def update(
        self, pair: ActivePassive, scale: float, guess: Mapping[str, float]
    ) -> None:
        budget = pair.downtime_by_cause
        parts = [budget[cause] * YEAR / MINUTE for cause in CAUSES]
        left = 0.0
        for patch, key, cause, part in zip(
            self._parts, self._keys, CAUSES, parts, strict=True
        ):
            right = min(left + part / scale, 1.0)
            patch.set_x(left)
            patch.set_width(right - left)
            patch.set_visible(right > left)
            key.set_text(f"{cause} {text.short(part)}")
            left = right
        total = pair.minutes_per_year
        beyond = f", beyond the scale of {scale:,g}" if total > scale else ""
        self._total.set_text(f"Down {text.short(total)} min a year{beyond}")
        for k, tick in enumerate(self._ticks):
            unit = " min" if k == 4 else ""
            tick.set_text(f"{scale * k / 4:,g}{unit}")
        for case, ghost in self._ghosts.items():
            ghost.update(guess.get(case), scale)


_KEYS = (0.03, 0.31, 0.67)
#: What a learner guesses, and how the ghost is labelled.
GHOSTS = {"faster": "you: failover in 10 s", "surer": "you: 99.9 % work"}


class _Ghost:
    def __init__(self, axes: Axes, row: int, case: str) -> None:
        (self._line,) = axes.plot([0, 0], [0, 1], color=plots.INK, linewidth=1.6)
        self._line.set(linestyle=(0, (4, 2)), zorder=5, clip_on=False)
        self._height = 1.6 + 0.42 * row
        self._label = axes.text(0, self._height, GHOSTS[case], va="bottom")

    def update(self, guess: float | None, scale: float) -> None:
        self._line.set_visible(guess is not None)
        self._label.set_visible(guess is not None)
        if guess is not None:
            place = guess / scale
            self._line.set_data([place, place], [0, self._height + 0.32])
            self._label.set_x(place + (0.006 if place < 0.6 else -0.006))
            self._label.set_horizontalalignment("left" if place < 0.6 else "right")


def _draw_arrow(
    axes: Axes, start: str, goal: str, bend: float, label: str
) -> tuple[Artist, ...]:
    """Draw an arrow between two states once; its ends clear the largest circle."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = _STATES[start][0], _STATES[goal][0]
    mid = (x0 + x1) / 2 + bend * (y1 - y0), (y0 + y1) / 2 - bend * (x1 - x0)
    tail, tip = _off((x0, y0), mid, start), _off((x1, y1), mid, goal)
    curve = Path([tail, mid, tip], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    line = PathPatch(curve, fill=False, edgecolor=plots.GREY, linewidth=1.2)
    head = Polygon(_head(mid, tip), closed=True, facecolor=plots.GREY)
    axes.add_patch(line)
    axes.add_patch(head)
    x, y = (tail[0] + 2 * mid[0] + tip[0]) / 4, (tail[1] + 2 * mid[1] + tip[1]) / 4
    words = axes.text(x, y, label, ha="center", va="center", zorder=2)
    words.set_bbox({"facecolor": plots.PAPER, "edgecolor": "none", "pad": 1.5})
    return line, head, words


def _off(centre: Point, towards: Point, state: str) -> Point:
    """Return the point at which an arrow leaves a state."""
    clear = 0.5 if state in _SMALL else 0.95
    x, y = towards[0] - centre[0], towards[1] - centre[1]
    length = (x * x + y * y) ** 0.5
    return centre[0] + clear * x / length, centre[1] + clear * y / length


def _head(before: Point, tip: Point, size: float = 0.2) -> list[Point]:
    """Return the corners of an arrow's head."""
    angle = atan2(tip[1] - before[1], tip[0] - before[0])
    return [tip] + [
        (tip[0] - size * cos(angle + turn), tip[1] - size * sin(angle + turn))
        for turn in (0.4, -0.4)
    ]
