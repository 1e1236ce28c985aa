"""Measured times and the law fitted to them, with how far chance may take them apart.

The stairs are the sample, the band says where the truth may be, whatever its law, and
the line is the law.  A line that leaves the band is a law that does not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel.plots._style import FAINT, GREY, INK, PALETTE, PLAIN, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from hamodel.calibration import Fit

_POINTS = 241
_SIZES = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FitPicture:
    """A drawn fit.

    Attributes
    ----------
    stairs : Line2D
        Share of the sample that is at most as long.
    band : PolyCollection
        Where that share may be in the long run.
    line : Line2D
        The fitted law.
    still : Line2D
        Marks of what is still open.
    labels : tuple of Text
        What the stairs and the line are, beside them.
    caption : Text
        How well they agree.
    fit : Fit
        What is drawn.
    """

    stairs: Line2D
    band: PolyCollection
    line: Line2D
    still: Line2D
    labels: tuple[Text, Text]
    caption: Text
    fit: Fit

    @property
    def outside(self) -> float:
        """Share of the sample's steps at which the law is outside the band."""
        at, _, low, high = self.fit.observed
        law = np.asarray(self.fit.law.cdf(at))
        return float(np.mean((law < low - 1e-9) | (law > high + 1e-9)))

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        fit = self.fit
        count = f"{len(fit.values)} measured times"
        if len(fit.still):
            count += f" and {len(fit.still)} still open"
        half, most = (text.time(float(x)) for x in fit.law.quantile([0.5, 0.95]))
        own = text.time(float(np.quantile(fit.values, 0.5)))
        where = "stays in the band"
        if self.outside:
            where = f"leaves the band at {100 * self.outside:.0f} % of the steps"
        return (
            f"{fit.name}: {count} from {text.time(fit.values[0])} to "
            f"{text.time(fit.values[-1])}, median {own}. The {fit.family} law has mean "
            f"{text.time(fit.mean)} ({text.time(fit.low)} to {text.time(fit.high)}), "
            f"median {half} and 95 % within {most}; it {where}; {fit.verdict}."
        )


def draw_fit(ax: Axes, result: Fit, *, most: float | None = None) -> FitPicture:
    """Draw measured times, the band around them and the law fitted to them.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : Fit
        Such as `Calibration.fits` holds.
    most : float or None
        End of the axis in s.  None: a little beyond the longest time.

    Raises
    ------
    ValueError
        If `most` is not above zero.

    Notes
    -----
    The band holds for the whole curve at once at the level of the fit; with times
    still open, at each point by itself.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel.calibration import fit
    >>> found = fit([41, 38, 55, 47, 61, 39, 52, 44], name="failover", draws=0)
    >>> print(draw_fit(Figure().subplots(), found).text)
    failover: 8 measured times from 38 s to 1.02 min, median 45.5 s. The lognormal law
    has mean 47.1 s (41 s to 55 s), ...
    """
    if most is not None:
        _check.positive(most=most)
    longest = max(float(result.values[-1]), *result.still, 0.0)
    least = float(result.values[0])
    start = 0.0 if least < 0.3 * longest else least - 0.15 * (longest - least)
    end = most or start + 1.08 * (longest - start)
    _axes(ax, result, start, end)
    stairs, band = _sample(ax, result, start, end)
    times = np.linspace(start, end, _POINTS)
    curve = np.asarray(result.law.cdf(times))
    (line,) = ax.plot(
        times, curve, color=PALETTE["blue"], linestyle="--", linewidth=1.6
    )
    labels, caption = _labels(ax, result, (start, end))
    return FitPicture(
        stairs=stairs,
        band=band,
        line=line,
        still=_still(ax, result),
        labels=labels,
        caption=caption,
        fit=result,
    )


def _sample(
    ax: Axes, result: Fit, start: float, end: float
) -> tuple[Line2D, PolyCollection]:
    """Draw the stairs of the sample and the band around them."""
    at, share, low, high = result.observed
    x = np.concatenate([[start], at, [max(end, float(at[-1]))]])
    before = 0.0 if len(result.still) else high[0] - share[0]
    band = ax.fill_between(
        x,
        np.concatenate([[0.0], low, [low[-1]]]),
        np.concatenate([[before], high, [high[-1]]]),
        step="post",
        color=FAINT,
        alpha=0.45,
        linewidth=0,
    )
    steps = np.concatenate([[0.0], share, [share[-1]]])
    (stairs,) = ax.step(x, steps, where="post", color=INK, linewidth=1.1)
    return stairs, band


def _still(ax: Axes, result: Fit) -> Line2D:
    """Mark on the stairs how long what is still open has lasted."""
    at, share, _, _ = result.observed
    height = np.concatenate([[0.0], share])
    (marks,) = ax.plot(
        result.still,
        height[np.searchsorted(at, result.still, side="right")],
        linestyle="",
        marker="|",
        markersize=10,
        markeredgewidth=1.8,
        color=PALETTE["vermilion"],
    )
    return marks


def _axes(ax: Axes, result: Fit, start: float, end: float) -> None:
    """Set axes in the unit that reads best."""
    unit, name = next((s for s in _SIZES if end >= 2 * s[0]), (1e-3, "milliseconds"))
    if unit == 1e-3 and end >= 1:
        unit, name = _SIZES[-1]
    ax.set_xlim(start, end)
    ax.set_ylim(0, 1.02)
    step = _nice((end - start) / unit / 5)
    ticks = np.arange(math.ceil(start / unit / step), end / unit / step + 1e-9) * step
    ax.set_xticks(ticks * unit, [f"{tick:.10g}" for tick in ticks])
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    ax.set_xlabel(f"{result.name} in {name}", **PLAIN)
    ax.set_ylabel("share at most as long", **PLAIN)


def _nice(step: float) -> float:
    """Return the nearest step of 1, 2 or 5 times a power of ten, or above it."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(k * power for k in (1.0, 2.0, 5.0, 10.0) if k * power >= step - 1e-12)


def _labels(
    ax: Axes, result: Fit, span: tuple[float, float]
) -> tuple[tuple[Text, Text], Text]:
    """Name the curves where they are not: below the steep part, or before it."""
    count = f"{len(result.values)} measured"
    if len(result.still):
        count += f", {len(result.still)} still open (|)"
    middle = (float(np.median(result.values)) - span[0]) / (span[1] - span[0])
    left, top = (0.44, 0.26) if middle < 0.42 else (0.03, 0.94)
    words = (
        (f"{count}, {text.number(100 * result.level)} % band", INK, "-"),
        (f"{result.family}, mean {text.time(result.mean)}", PALETTE["blue"], "--"),
        (result.verdict, INK if result.bad else GREY, ""),
    )
    made = []
    for k, (caption, colour, dashes) in enumerate(words):
        y: float = top - 0.085 * k
        across: Style = {"transform": ax.transAxes}
        if dashes:
            ax.plot([left, left + 0.06], [y, y], color=colour, ls=dashes, **across)
        x = left + 0.08 if dashes else left
        made.append(ax.text(x, y, caption, color=INK, va="center", **PLAIN, **across))
    made[2].set(color=words[2][1], weight="bold" if result.bad else "normal")
    return (made[0], made[1]), made[2]
