"""Lag as a curve, what a failure takes, and the price of a lag gate.

The lag curve says how likely a read is stale by the time that has passed since the
write.  The loss picture sets failures side by side.  The gate curve shows that limits
of lag trade loss for downtime, and that no point of it is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel.plots._style import FAINT, GREY, INK, LINES, PALETTE, PLAIN
from hamodel.units import YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from hamodel.duration import Duration
    from hamodel.replication import LagGate, LossByFailure

_FLOOR = 1e-5  # the least probability that a logarithmic picture shows


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LagCurve:
    """A drawn distribution of the lag, read as the chance of a stale read.

    Attributes
    ----------
    line : Line2D
        Probability that a write is not yet visible, against the time since.
    mark : Line2D
        Where that falls to `goal`.
    goal : float
        Share of stale reads that is looked for.
    caption : Text
        When it is reached.
    """

    line: Line2D
    mark: Line2D
    goal: float
    caption: Text

    def show(self, lag: Duration) -> None:
        """Show another lag."""
        times = np.asarray(self.line.get_xdata(), dtype=float)
        self.line.set_ydata(np.maximum(lag.sf(times), _FLOOR / 10))
        wait = float(lag.upper_quantile(self.goal))
        self.mark.set_data([wait, wait], [self.goal, _FLOOR / 10])
        half = float(lag.quantile(0.5))
        words = f"half of the writes visible within {text.time(half)}, "
        self.caption.set_text(
            f"{words}all but {text.number(self.goal)} within {text.time(wait)}"
        )

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        return f"Replication lag: {self.caption.get_text()}."


def draw_lag_cdf(
    ax: Axes, lag: Duration, *, goal: float = 0.001, most: float | None = None
) -> LagCurve:
    """Draw how likely a read is stale, by the time since the write.

    Parameters
    ----------
    ax : Axes
        Where to draw; the probability is on a logarithmic axis.
    lag : Duration
        Lag of a write, such as `Stream.lag`.
    goal : float
        Share of stale reads to look for, in (0, 1).
    most : float or None
        End of the axis in s.  None: where one read in 10 000 is stale.

    Raises
    ------
    ValueError
        If `goal` is not in (0, 1) or `most` is not above zero.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.replication import Stream, WriteStage
    >>> lag = Stream(writes=900, apply=WriteStage(service=0.001)).lag
    >>> print(draw_lag_cdf(Figure().subplots(), lag).text)
    Replication lag: half of the writes visible within 6.93 ms, all but 0.001 within
    69.1 ms.
    """
    _check.between(_FLOOR, 0.9, goal=goal)
    if most is not None:
        _check.positive(most=most)
    end = most or float(lag.upper_quantile(1e-4)) or 1.0
    _probability_axis(ax, "not visible yet")
    ax.set_xlim(0, end)
    ax.set_xlabel("seconds since the write", **PLAIN)
    ax.axhline(goal, color=FAINT, linewidth=0.8)
    times = np.linspace(0, end, 241)
    (line,) = ax.plot(times, np.ones(241), color=PALETTE["blue"])
    (mark,) = ax.plot([0, 0], [goal, goal], color=GREY, dashes=(4, 2))
    caption = ax.text(0.02, 0.94, "", transform=ax.transAxes, color=INK, **PLAIN)
    drawn = LagCurve(line=line, mark=mark, goal=goal, caption=caption)
    drawn.show(lag)
    return drawn


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LossCurves:
    """What failures take, drawn side by side.

    Attributes
    ----------
    lines : tuple of Line2D
        For each failure the probability that more than a given age is lost.
    labels : tuple of Text
        What each line is and its 99th percentile.
    """

    lines: tuple[Line2D, ...]
    labels: tuple[Text, ...]

    def show(self, losses: Sequence[LossByFailure]) -> None:
        """Show other losses, as many as there are lines."""
        for line, label, loss in zip(self.lines, self.labels, losses, strict=True):
            times = np.asarray(line.get_xdata(), dtype=float)
            line.set_ydata(np.maximum(loss.time.sf(times), _FLOOR / 10))
            worst = text.time(float(loss.time.quantile(0.99)))
            label.set_text(f"{loss.failure}: 99 % lose at most {worst}")

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        parts = "; ".join(label.get_text() for label in self.labels)
        return f"Writes lost when the primary fails, by failure. {parts}."


def draw_loss(
    ax: Axes, losses: Sequence[LossByFailure], *, most: float | None = None
) -> LossCurves:
    """Draw what failures take: the age of the oldest write that is lost.

    Parameters
    ----------
    ax : Axes
        Where to draw; the probability is on a logarithmic axis.
    losses : sequence of LossByFailure
        One to four, such as `Replication.loss` returns.
    most : float or None
        End of the axis in s.  None: where the worst of them is one in 10 000.

    Raises
    ------
    ValueError
        If there is no loss or more than four, or `most` is not above zero.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.replication import Replication, WriteStage
    >>> far = Replication(delay=0.0414, send=WriteStage(service=0.001))
    >>> losses = [far.loss(kind, writes=900) for kind in ("process", "network")]
    >>> print(draw_loss(Figure().subplots(), losses).text)
    Writes lost when the primary fails, by failure. process: 99 % lose at most 45 ms;
    network: 99 % lose at most 86.4 ms.
    """
    if not 1 <= len(losses) <= len(LINES):
        raise ValueError(f"losses must be one to four, got {len(losses)}")
    if most is not None:
        _check.positive(most=most)
    ends = [float(loss.time.upper_quantile(1e-4)) for loss in losses]
    end = most or max(ends) or 1.0
    _probability_axis(ax, "more is lost")
    ax.set_ylim(_FLOOR, 10 ** (0.4 + 0.6 * len(losses)))  # room for the labels
    ax.set_xlim(0, end)
    ax.set_xlabel("age of the oldest lost write in seconds", **PLAIN)
    lines, labels = [], []
    for k, (colour, dashes) in enumerate(LINES[: len(losses)]):
        times = np.linspace(0, end, 241)
        (line,) = ax.plot(times, np.ones(241), color=colour, linestyle=dashes)
        ax.plot(
            [0.40, 0.46],
            [0.955 - 0.08 * k] * 2,
            transform=ax.transAxes,
            color=colour,
            linestyle=dashes,
        )
        place = (0.475, 0.93 - 0.08 * k)
        labels.append(ax.text(*place, "", transform=ax.transAxes, color=INK, **PLAIN))
        lines.append(line)
    drawn = LossCurves(lines=tuple(lines), labels=tuple(labels))
    drawn.show(losses)
    return drawn


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GateCurve:
    """A drawn trade between loss and downtime.

    Attributes
    ----------
    line : Line2D
        Downtime against the mean loss, one point for each limit.
    ends : tuple of Text
        The least and the greatest limit, at the ends of the line.
    caption : Text
        What the ends cost.
    """

    line: Line2D
    ends: tuple[Text, Text]
    caption: Text

    def show(self, gate: LagGate) -> None:
        """Show another gate."""
        limits = np.asarray(gate.limit, float)
        down = np.asarray(gate.downtime_per_year) / 60
        lost = np.asarray(gate.mean_loss)
        self.line.set_data(lost, down)
        places = ((lost[0], down[0]), (lost[-1], down[-1]))
        for label, limit, place in zip(self.ends, limits[[0, -1]], places, strict=True):
            label.set_position(place)
            label.set_text(f" limit {text.time(float(limit))}")
        first, last = (
            f"{text.time(float(d) * 60)} down a year and {text.time(float(x))} lost"
            for x, d in places
        )
        self.caption.set_text(f"strictest: {first}; widest: {last}")

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        return f"Lag gate, {self.caption.get_text()} per failure of the primary."


def draw_lag_gate(ax: Axes, gate: LagGate) -> GateCurve:
    """Draw downtime against loss as the limit of a lag gate moves.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    gate : LagGate
        With two limits or more, in rising order.

    Raises
    ------
    ValueError
        If there are fewer than two limits, or they do not rise.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import duration
    >>> from hamodel.replication import LagGate
    >>> from hamodel.units import HOUR, YEAR
    >>> gate = LagGate(exposure=duration.exponential(0.5), limit=[0.0, 1.0, 3.0],
    ...                failures=4 / YEAR, failover=30.0, repair=4 * HOUR)
    >>> print(draw_lag_gate(Figure().subplots(), gate).text)
    Lag gate, strictest: 16 h down a year and 0 s lost; widest: 4.37 min down a year
    and 491 ms lost per failure of the primary.
    """
    limits = np.asarray(gate.limit, float)
    if limits.ndim != 1 or len(limits) < 2 or np.any(np.diff(limits) <= 0):
        raise ValueError(f"limit must be a rising row of two or more, got {gate.limit}")
    top = float(np.max(gate.failures * max(gate.failover, gate.repair) * YEAR / 60))
    far = float(np.max(gate.mean_loss)) or 1.0
    ax.set_xlim(0, 1.25 * far)
    ax.set_ylim(0, 1.2 * (top or 1.0))
    ax.set_xlabel("mean seconds of writes lost per failure", **PLAIN)
    ax.set_ylabel("minutes down a year", **PLAIN)
    (line,) = ax.plot([], [], color=PALETTE["blue"], marker="o", markersize=3)
    ends = tuple(ax.text(0, 0, "", color=INK, va="bottom", **PLAIN) for _ in range(2))
    caption = ax.text(0.02, 0.94, "", transform=ax.transAxes, color=INK, **PLAIN)
    drawn = GateCurve(line=line, ends=(ends[0], ends[1]), caption=caption)
    drawn.show(gate)
    return drawn


def _probability_axis(ax: Axes, name: str) -> None:
    """Set a logarithmic axis with plain labels, which draw ten times as quickly."""
    ax.set_yscale("log")
    ax.set_ylim(_FLOOR, 4)
    ax.minorticks_off()
    ticks = (1, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
    shown = ("1", "1 in 10", "1 in 100", "1 in 1000", "1 in 10⁴", "1 in 10⁵")
    ax.set_yticks(ticks, shown)
    ax.set_ylabel(name, **PLAIN)
