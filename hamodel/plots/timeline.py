"""A failover in time: one as it happens, all of them as a curve, and haste weighed.

The timeline shows a single failover, stage under stage.  The curve shows how likely a
failover is over by each moment.  The valley shows what waiting for more misses costs
and saves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel._types import FloatArray
from hamodel.duration import Duration
from hamodel.failover import STAGES, Span, Vigilance
from hamodel.plots._style import FAINT, GREY, INK, PALETTE, PAPER, Look, box
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

_LOOKS = {
    "detection": Look(PALETTE["orange"], "///"),
    "fencing": Look(PALETTE["purple"], "xxx"),
    "promotion": Look(PALETTE["sky blue"], "..."),
    "redirection": Look(PALETTE["green"], "\\\\\\"),
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Timeline:
    """A drawn failover that can show another without being drawn anew.

    Attributes
    ----------
    bars : mapping of str to Rectangle
        The bar of each stage.
    lines : mapping of str to Text
        The length of each stage.
    end : Line2D
        When the clients are served again.
    whole : Text
        The sentence above.
    """

    bars: Mapping[str, Rectangle]
    lines: Mapping[str, Text]
    end: Line2D
    whole: Text

    def show(self, spans: Sequence[Span]) -> None:
        """Show another failover.

        Raises
        ------
        ValueError
            If a stage is unknown.
        """
        for span in spans:
            _check.one_of(STAGES, stage=span.stage)
        at = {span.stage: span for span in spans}
        now = 0.0
        for stage, bar in self.bars.items():
            begin, now = (at[stage].begin, at[stage].end) if stage in at else (now, now)
            bar.set_x(begin)
            bar.set_width(now - begin)
            self.lines[stage].set_text(f"{stage}: {text.time(now - begin)}")
        self.end.set_xdata([now, now])
        self.whole.set_text(f"served again after {text.time(now)}")

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        stages = ", ".join(line.get_text() for line in self.lines.values())
        return f"One failover: {stages}; {self.whole.get_text()}."


def draw_timeline(
    ax: Axes, spans: Sequence[Span], *, most: float | None = None
) -> Timeline:
    """Draw one failover, stage under stage.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    spans : sequence of Span
        From `Failover.sample`.
    most : float or None
        End of the axis in s.  None: a little more than the failover takes.

    Raises
    ------
    ValueError
        If a stage is unknown or `most` is not above zero.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.failover import Failover
    >>> spans = Failover(detection=10, promotion=5).sample(np.random.default_rng(0))
    >>> draw_timeline(Figure().subplots(), spans).whole.get_text()
    'served again after 15 s'
    """
    if most is not None:
        _check.positive(most=most)
    last = max((span.end for span in spans), default=0.0)
    ax.set_xlim(0, most or 1.1 * last or 1.0)
    ax.set_ylim(len(STAGES) - 0.4, -1.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("seconds after the failure", parse_math=False)
    (end,) = ax.plot([last, last], [-0.55, len(STAGES) - 0.4], color=INK, dashes=(4, 2))
    across = ax.get_yaxis_transform()
    drawn = Timeline(
        bars={
            s: box(ax, (0, k), 0, 0.42, **_LOOKS[s].patch) for k, s in enumerate(STAGES)
        },
        lines={s: _label(ax, k) for k, s in enumerate(STAGES)},
        end=end,
        whole=ax.text(0, -0.75, "", transform=across, color=INK, weight="bold"),
    )
    drawn.show(spans)
    return drawn


def _label(ax: Axes, place: int) -> Text:
    return ax.text(
        0.005, place - 0.08, "", transform=ax.get_yaxis_transform(), color=INK
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RtoCurve:
    """A drawn distribution of the recovery time.

    Attributes
    ----------
    line : Line2D
        Probability of being served again, against time.
    objective : float or None
        Recovery time objective in s.
    caption : Text
        How likely the objective is met.
    """

    line: Line2D
    objective: float | None
    caption: Text

    def show(self, rto: Duration) -> None:
        """Show another distribution."""
        times: FloatArray = np.asarray(self.line.get_xdata(), dtype=float)
        self.line.set_ydata(rto.cdf(times))
        half, most = (text.time(float(t)) for t in rto.quantile([0.5, 0.95]))
        words = f"half within {half}, 95 % within {most}"
        if self.objective is not None:
            met = 100 * float(rto.cdf(self.objective))
            words = f"{text.number(met)} % within {text.time(self.objective)}; {words}"
        self.caption.set_text(words)

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        return f"Recovery time: {self.caption.get_text()}."


def draw_rto_cdf(
    ax: Axes,
    rto: Duration,
    *,
    objective: float | None = None,
    most: float | None = None,
) -> RtoCurve:
    """Draw how likely a failover is over by each moment.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    rto : Duration
        Recovery time, such as `Failover.duration`.
    objective : float or None
        Recovery time objective in s, drawn as a line.
    most : float or None
        End of the axis in s.  None: a little beyond the 99.5th percentile.

    Raises
    ------
    ValueError
        If `objective` or `most` is not above zero.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.failover import Lease
    >>> print(draw_rto_cdf(Figure().subplots(), Lease().duration, objective=28).text)
    Recovery time: 77.5 % within 28 s; half within 25.3 s, 95 % within 29.8 s.
    """
    for name, value in (("objective", objective), ("most", most)):
        if value is not None:
            _check.positive(**{name: value})
    end = most or 1.1 * float(rto.quantile(0.995)) or 1.0
    ax.set_xlim(0, end)
    ax.set_ylim(0, 1.18)
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_xlabel("seconds after the failure", parse_math=False)
    ax.set_ylabel("served again", parse_math=False)
    ax.axhline(1, color=FAINT, linewidth=0.8)
    if objective is not None:
        ax.plot([objective, objective], [0, 1], color=GREY, dashes=(4, 2))
    (line,) = ax.plot(np.linspace(0, end, 241), np.zeros(241), color=PALETTE["blue"])
    caption = ax.text(0.005, 0.94, "", transform=ax.transAxes, color=INK)
    drawn = RtoCurve(line=line, objective=objective, caption=caption)
    drawn.show(rto)
    return drawn


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Valley:
    """A drawn trade between quick detection and false failovers.

    Attributes
    ----------
    line, real, false : Line2D
        Downtime for each number of misses: the whole, from failures, from false alarms.
    best : Line2D
        A mark at the least.
    caption : Text
        Where that is.
    """

    line: Line2D
    real: Line2D
    false: Line2D
    best: Line2D
    caption: Text

    def show(self, curve: Vigilance) -> None:
        """Show another trade."""
        scale = YEAR / MINUTE
        for line, part in (
            (self.line, curve.downtime),
            (self.real, curve.real),
            (self.false, curve.false),
        ):
            line.set_data(curve.misses, part * scale)
        least = float(curve.minutes_per_year.min())
        self.best.set_data([curve.best], [least])
        self.caption.set_text(
            f"best at {curve.best} misses: {text.number(least)} min a year"
        )

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        misses, minutes = (np.asarray(x, float) for x in self.line.get_data())
        return (
            f"Downtime against misses waited for: {self.caption.get_text()}; "
            f"{text.number(float(minutes[0]))} min at {int(misses[0])}, "
            f"{text.number(float(minutes[-1]))} min at {int(misses[-1])}."
        )


def draw_vigilance(
    ax: Axes, curve: Vigilance, *, span: tuple[float, float] = (0.1, 1e6)
) -> Valley:
    """Draw downtime against the number of misses that count as a failure.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis becomes logarithmic.
    curve : Vigilance
        From `vigilance`.
    span : tuple of float
        Least and greatest minutes a year of the axis.

    Raises
    ------
    ValueError
        If the span is not of two numbers above zero, the first the lesser.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.failover import Heartbeat, vigilance
    >>> beat = Heartbeat(interval=1, loss=0.02)
    >>> curve = vigilance(beat, mttf=7.2e6, recovery=20, misses=range(2, 9))
    >>> draw_vigilance(Figure().subplots(), curve).caption.get_text()
    'best at 5 misses: 1.82 min a year'
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    _check.positive(least=span[0], greatest=span[1])
    if not span[0] < span[1]:
        raise ValueError(f"span must be (least, greatest), got {span}")
    ax.set_yscale("log")
    ax.set_ylim(*span)
    decades = [10.0**k for k in range(-3, 9, 1) if span[0] <= 10.0**k <= span[1]]
    ax.yaxis.set_major_locator(FixedLocator(decades))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticks(decades, [f"{d:,.10g}" for d in decades])
    step = -(-len(curve.misses) // 10)
    ax.set_xticks([int(k) for k in curve.misses[step - 1 :: step]])
    ax.set_xlim(float(curve.misses[0]) - 0.5, float(curve.misses[-1]) + 0.5)
    ax.set_xlabel("misses that count as a failure", parse_math=False)
    ax.set_ylabel("minutes down a year", parse_math=False)
    drawn = Valley(
        real=_curve(ax, "from failures", "sky blue", "s"),
        false=_curve(ax, "from false alarms", "orange", "^"),
        line=_curve(ax, "both", "blue", "o"),
        best=ax.plot([], [], "o", color=INK, markerfacecolor=PAPER, markersize=9)[0],
        caption=ax.text(0.98, 0.94, "", transform=ax.transAxes, ha="right", color=INK),
    )
    drawn.show(curve)
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.92), frameon=False)
    return drawn


def _curve(ax: Axes, label: str, colour: str, marker: str) -> Line2D:
    line = ax.plot([], [], marker=marker, color=PALETTE[colour], label=label)[0]
    line.set_markersize(4)
    return line
