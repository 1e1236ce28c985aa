"""Architectures side by side, each measure on its own scale.

The surprise of a comparison is that no order of the rows sorts all columns.  Times,
counts and costs differ by powers of ten, so each column has its own logarithmic scale,
from the best on the left to the worst on the right, and says every number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel.assessment import MEASURES, Assessment, Comparison
from hamodel.plots._style import FAINT, INK, PALETTE, PLAIN, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_HEADS = {
    "write_minutes_per_year": "writes down\nmin/yr",
    "read_minutes_per_year": "reads down\nmin/yr",
    "outage_p95": "recovery\np95",
    "rto_p95": "failover\np95",
    "lost_writes_per_year": "lost writes\na year",
    "lag_p99": "lag\np99",
    "write_p99": "latency of\nwrites p99",
    "read_p99": "latency of\nreads p99",
    "cost": "cost\nnodes",
}
_USUAL = (
    "write_minutes_per_year",
    "outage_p95",
    "lost_writes_per_year",
    "write_p99",
    "cost",
)
_SAME = 1.001  # values this near to each other are drawn as the same
_LATENCIES = frozenset(f"{o}_p{p}" for o in ("read", "write") for p in (50, 99))
_PLAIN: Style = {**PLAIN, "color": INK}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ComparisonDots:
    """A drawn comparison.

    Attributes
    ----------
    dots : mapping of tuple to Line2D
        The dot of each architecture and measure; a square for the best, a cross for
        one without end.
    values : mapping of str to tuple of float
        The numbers of each measure, in the order of `names`.
    names : tuple of str
        The architectures.
    """

    dots: Mapping[tuple[str, str], Line2D]
    values: Mapping[str, tuple[float, ...]]
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        said = []
        for measure, row in self.values.items():
            shown = (
                f"{n} {_said(measure, v)}" for n, v in zip(self.names, row, strict=True)
            )
            said.append(f"{MEASURES[measure].label}: {', '.join(shown)}")
        return f"Comparison. {'; '.join(said)}."


def draw_comparison(
    ax: Axes, comparison: Comparison, *, measures: Sequence[str] = _USUAL
) -> ComparisonDots:
    """Draw architectures as rows and measures as columns, smaller to the left.

    Parameters
    ----------
    ax : Axes
        Where to draw; its axis is switched off.
    comparison : Comparison
        From `hamodel.compare`.
    measures : sequence of str
        Names from `MEASURES`.

    Raises
    ------
    ValueError
        If there is no measure, or one is unknown.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import Node, SinglePrimary, compare
    >>> one = SinglePrimary(database=Node(mttf=7.2e6, mttr=14400))
    >>> drawn = draw_comparison(Figure().subplots(), compare([one]), measures=["cost"])
    >>> print(drawn.text)
    Comparison. cost in units of a node: SinglePrimary 1.
    """
    if not measures:
        raise ValueError("measures must name at least one, got none")
    for measure in measures:
        _check.one_of(MEASURES, measure=measure)
    names, rows = comparison.names, len(comparison.names)
    values = {m: tuple(_number(m, a) for a in comparison.assessments) for m in measures}
    dots = {}
    for k, (measure, column) in enumerate(values.items()):
        head = _HEADS.get(measure, measure.replace("_", "\n", 1).replace("_", " "))
        ax.text(k + 0.42, 0.4, head, ha="center", va="bottom", **_PLAIN)
        for i, (value, at) in enumerate(zip(column, _places(column), strict=True)):
            ax.plot([k, k + 0.84], [-i - 0.15] * 2, color=FAINT, linewidth=1.5)
            ax.text(
                k + 0.42, -i, _said(measure, value), ha="center", va="bottom", **_PLAIN
            )
            best = value <= min(column) * _SAME and np.isfinite(value)
            mark = "s" if best else "o" if np.isfinite(value) else "X"
            colour = PALETTE[
                "green" if best else "blue" if mark == "o" else "vermilion"
            ]
            style: Style = {
                "marker": mark,
                "color": colour,
                "markersize": 7,
                "linestyle": "",
            }
            (dots[names[i], measure],) = ax.plot([k + 0.84 * at], [-i - 0.15], **style)
    for i, name in enumerate(names):
        label = name if len(name) <= 20 else f"{name[:17]}..."
        ax.text(-0.12, -i, label, ha="right", va="center", **_PLAIN)
    note = (
        "square: the least of a column; further right: more, each on its own log scale"
    )
    ax.text(-1.6, -rows + 0.2, note, va="center", **_PLAIN)
    ax.set(xlim=(-1.65, len(values)), ylim=(-rows - 0.1, 1.4))
    ax.set_axis_off()
    return ComparisonDots(dots=dots, values=values, names=names)


def _number(measure: str, assessment: Assessment) -> float:
    """Return a measure; a latency in overload, where nobody is served, has no end."""
    if measure in _LATENCIES and assessment.is_overloaded:
        return float("inf")
    return float(MEASURES[measure].of(assessment))


def _places(column: Sequence[float]) -> list[float]:
    """Return where values stand: logarithms from 0 to 1, nothing at 0, no end at 1."""
    finite = [v for v in column if 0 < v < float("inf")]
    low, high = (min(finite), max(finite)) if finite else (1.0, 1.0)
    # a zero has no logarithm: it takes the left end, and the others leave it free
    start = 0.1 if 0 in column and finite else 0.0
    end = 0.9 if float("inf") in column and finite else 1.0
    span = float(np.log(high / low))
    found = []
    for value in column:
        if value == 0:
            found.append(0.0)
        elif value == float("inf"):
            found.append(1.0)
        else:
            share = float(np.log(value / low)) / span if high > low * _SAME else 0.0
            found.append(start + (end - start) * share)
    return found


def _said(measure: str, value: float) -> str:
    if value == float("inf"):
        return "no end"
    return text.measure(value, MEASURES[measure].unit)
