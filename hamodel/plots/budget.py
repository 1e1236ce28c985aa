"""A year's downtime as one bar, cut by cause.

The bar begins at zero and its parts lie end to end, so its length is the whole.  Each
cause has its colour, its hatch and a line of text with its minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamodel import _check, text
from hamodel.plots._style import INK, LOOKS, PALETTE, Look, box
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

_PER_YEAR = YEAR / MINUTE
_OTHERS = (
    Look(PALETTE["sky blue"], "---"),
    Look(PALETTE["green"], "ooo"),
    Look(PALETTE["black"], ""),
    Look(PALETTE["orange"], "|||"),
    Look(PALETTE["purple"], "++"),
    Look(PALETTE["yellow"], "\\\\"),
    Look(PALETTE["vermilion"], "//"),
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DowntimeBudget:
    """A drawn budget that can show other numbers without being drawn anew.

    Attributes
    ----------
    parts : mapping of str to Rectangle
        The part of the bar of each cause.
    lines : mapping of str to Text
        The minutes of each cause.
    whole : Text
        The sum.
    """

    parts: Mapping[str, Rectangle]
    lines: Mapping[str, Text]
    whole: Text

    def show(self, budget: Mapping[str, float]) -> None:
        """Show another budget of the same causes.

        Raises
        ------
        ValueError
            If a cause is unknown or missing, or a share is not a probability.
        """
        if set(budget) != set(self.parts):
            wanted, got = sorted(self.parts), sorted(budget)
            raise ValueError(f"budget must have the causes {wanted}, got {got}")
        _check.probability(**{f"budget[{c!r}]": v for c, v in budget.items()})
        start = 0.0
        for cause, part in self.parts.items():
            minutes = float(budget[cause]) * _PER_YEAR
            part.set_x(start)
            part.set_width(minutes)
            start += minutes
            self.lines[cause].set_text(f"{cause}: {_minutes(minutes)}")
        self.whole.set_text(f"down {_minutes(start)} a year")

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        causes = "; ".join(line.get_text() for line in self.lines.values())
        return f"Downtime by cause, {self.whole.get_text()}. {causes}."


def draw_downtime_budget(
    ax: Axes, budget: Mapping[str, float], *, most: float | None = None
) -> DowntimeBudget:
    """Draw the downtime of a year as one bar, cut by cause.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    budget : mapping of str to float
        Unavailability by cause, as `ActivePassive.downtime_by_cause`; the causes are
        drawn in its order.
    most : float or None
        End of the axis in minutes a year, the same for all that is to be compared.
        None: a little more than the bar is long.

    Raises
    ------
    ValueError
        If there is no cause, a share is not a probability or `most` is not above zero.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> drawn = draw_downtime_budget(
    ...     Figure().subplots(), {"failing over": 4e-6, "both nodes down": 8e-6}
    ... )
    >>> print(drawn.text)
    Downtime by cause, down 6.3 min a year. failing over: 2.1 min; both nodes ...
    """
    if not budget:
        raise ValueError("budget must name at least one cause, got none")
    if most is not None:
        _check.positive(most=most)
    _check.probability(**{f"budget[{c!r}]": v for c, v in budget.items()})
    whole = sum(float(share) for share in budget.values()) * _PER_YEAR
    ax.set_xlim(0, most or 1.15 * whole or 1.0)
    ax.set_ylim(-0.8 * len(budget) - 0.3, 1.5)
    ax.set_yticks([])
    ax.set_xlabel("downtime in minutes a year", parse_math=False)
    ax.spines["left"].set_visible(False)
    drawn = DowntimeBudget(
        parts={
            c: box(ax, (0, 0), 0, 1, **_look(c, k).patch) for k, c in enumerate(budget)
        },
        lines={c: _line(ax, k, _look(c, k)) for k, c in enumerate(budget)},
        whole=ax.text(
            0, 1.15, "", transform=ax.get_yaxis_transform(), color=INK, weight="bold"
        ),
    )
    drawn.show(budget)
    return drawn


def _look(cause: str, place: int) -> Look:
    return LOOKS[cause] if cause in LOOKS else _OTHERS[place % len(_OTHERS)]


def _line(ax: Axes, place: int, look: Look) -> Text:
    """Write the line of one cause under the bar, after its colour and hatch."""
    across = ax.get_yaxis_transform()
    y = -0.8 * (place + 1)
    box(ax, (0, y), 0.05, 0.55, transform=across, **look.patch)
    return ax.text(
        0.07, y + 0.27, "", transform=across, va="center", color=INK, parse_math=False
    )


def _minutes(minutes: float) -> str:
    """Write minutes with a sensible number of digits."""
    if minutes == 0:
        return "0 min"
    if minutes < 0.05:
        return f"{text.number(minutes, 1)} min"
    return f"{minutes:,.1f} min" if minutes < 99.95 else f"{minutes:,.0f} min"
