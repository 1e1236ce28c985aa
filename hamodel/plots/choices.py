"""The decision table, and what each minute less of downtime costs.

The surprise of the table is how few of its cells decide: one miss excludes, and most of
the rest are equal.  So misses stand out, and the measures are small.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel.decision import Decision, Optimum
from hamodel.plots._style import FAINT, GREY, INK, PALETTE, PAPER, Style, box

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = {  # verdict: sign and colour
    "meets": ("✓", PALETTE["green"]),
    "misses": ("✗", PALETTE["vermilion"]),
    "not required": ("·", GREY),
}
_HEAD = 0.22  # share of the width that the criteria take
_WIDE = 118  # characters that fit into the whole width
_TEXT: Style = {"parse_math": False, "color": INK, "fontsize": 7.5, "va": "center"}
_TICKS = (0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000)  # minutes a year


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawnDecision:
    """A drawn decision table.

    Attributes
    ----------
    decision : Decision
        What is drawn.
    marks : mapping of tuple to str
        The sign of each criterion and candidate.
    """

    decision: Decision
    marks: Mapping[tuple[str, str], str]

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        missed = [
            f"{name} misses {finding}"
            for name, findings in self.decision.excluded.items()
            for finding in findings
        ]
        out = f" {'; '.join(missed)}." if missed else ""
        return f"Decision table. {self.decision.reason}{out}"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawnFront:
    """Drawn configurations: cost against downtime.

    Attributes
    ----------
    points : mapping of str to tuple of float
        Cost and minutes a year of what is named in the picture.
    count : int
        How many configurations there are.
    kept : int
        How many of them keep all limits.
    """

    points: Mapping[str, tuple[float, float]]
    count: int
    kept: int

    @property
    def text(self) -> str:
        """What the picture says, in words and numbers."""
        said = [
            f"{n}: cost {text.number(c)}, {text.number(m)} min/yr"
            for n, (c, m) in self.points.items()
        ]
        return (
            f"Cost against downtime of writes. {self.kept} of {self.count} keep all "
            f"limits. {'; '.join(said)}."
        )


def draw_decision(ax: Axes, decision: Decision) -> DrawnDecision:
    """Draw the eight rows of a decision, one column for each candidate.

    Parameters
    ----------
    ax : Axes
        Where to draw; its axis is switched off.
    decision : Decision
        From `hamodel.decide`.

    Raises
    ------
    ValueError
        If it is no decision, or has more than five candidates.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import Node, Requirements, SinglePrimary, decide
    >>> one = SinglePrimary(database=Node(mttf=7.2e6, mttr=14400))
    >>> choice = decide({"one": one}, None, Requirements(budget=3))
    >>> print(draw_decision(Figure().subplots(), choice).text)
    Decision table. one keeps all limits.
    """
    _check.instance(Decision, decision=decision)
    names = list(decision.assessments)
    if len(names) > 5:
        raise ValueError(f"decision must have <= 5 candidates, got {len(names)}")
    column = (1 - _HEAD) / len(names)
    width = int(_WIDE * column)
    rows = list(decision.table.items())
    marks = {}
    for k, name in enumerate(names):
        x = _HEAD + k * column
        head = textwrap.shorten(name, width, placeholder="...")
        ax.text(x + 0.03, 0, head, **{**_TEXT, "weight": "bold", "fontsize": 8.5})
        for i, (criterion, cells) in enumerate(rows, start=1):
            sign, colour = _LOOKS[cells[name].verdict]
            marks[criterion, name] = sign
            ax.text(x + 0.01, -i, sign, **{**_TEXT, "color": colour, "fontsize": 11})
            measure = textwrap.fill(cells[name].measure, width - 3)
            ax.text(x + 0.03, -i, measure, **_TEXT)
    for i, (criterion, _) in enumerate(rows, start=1):
        ax.axhline(0.5 - i, color=FAINT, linewidth=0.6)
        ax.text(0, -i, textwrap.fill(criterion, int(_WIDE * _HEAD)), **_TEXT)
    if decision.winner is not None:
        x = _HEAD + names.index(decision.winner) * column - 0.005
        frame: Style = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.6}
        corner = (x, -len(rows) - 0.5)
        box(ax, corner, column, len(rows) + 1, clip_on=False, **frame)
    reason = textwrap.fill(decision.reason, int(_WIDE * 1.15))
    ax.text(0, -len(rows) - 1, reason, **_TEXT)
    ax.set(xlim=(-0.005, 1.005), ylim=(-len(rows) - 1.5, 0.6))
    ax.set_axis_off()
    return DrawnDecision(decision=decision, marks=marks)


def draw_front(ax: Axes, outcome: Optimum | Decision) -> DrawnFront:
    """Draw what downtime costs: every configuration, and the front.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    outcome : Optimum or Decision
        From `hamodel.optimise`, or `hamodel.decide`.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import Node, Requirements, SinglePrimary, optimise
    >>> one = SinglePrimary(database=Node(mttf=7.2e6, mttr=14400))
    >>> best = optimise(one, None, Requirements(), database__cost=[1.0, 2.0])
    >>> print(draw_front(Figure().subplots(), best).text)
    Cost against downtime of writes. 2 of 2 keep all limits. 1.0: cost 1, 1,049 min/yr.
    """
    _check.instance((Optimum, Decision), outcome=outcome)
    rows = _rows_of(outcome)
    kept = [row for row in rows if row[3]]
    for cost, down, fits in {(r[1], r[2], r[3]) for r in rows}:
        face = PALETTE["blue"] if fits else PAPER
        style: Style = {"markersize": 6, "markeredgecolor": PALETTE["blue"]}
        ax.plot(
            [cost], [_log(down)], "o" if fits else "X", markerfacecolor=face, **style
        )
    front = _front(kept)
    if front:
        steps = [_log(row[2]) for row in front]
        ax.step(
            [row[1] for row in front], steps, where="post", color=INK, linewidth=1.4
        )
    named = kept if isinstance(outcome, Decision) else front[:4]
    for place, (label, cost, down, _) in enumerate(named):
        short = textwrap.shorten(label, 34, placeholder="...")
        at = (8, 6 if place % 2 == 0 else -6)
        where = "bottom" if place % 2 == 0 else "top"
        ax.annotate(
            short,
            (cost, _log(down)),
            at,
            textcoords="offset points",
            va=where,
            fontsize=7.5,
            color=INK,
            parse_math=False,
        )
    _axes(ax, rows)
    if isinstance(outcome, Optimum) and outcome.tried:
        what = ", ".join(k.replace("__", ".") for k in outcome.tried[0].choices)
        head = f"labels: {textwrap.shorten(what, 84, placeholder='...')}"
        ax.set_title(head, loc="left", fontsize=8, color=GREY, parse_math=False)
    points = {label: (cost, down) for label, cost, down, _ in named}
    return DrawnFront(points=points, count=len(rows), kept=len(kept))


def _rows_of(outcome: Optimum | Decision) -> list[tuple[str, float, float, bool]]:
    """Return label, cost, minutes a year and whether all limits are kept."""
    if isinstance(outcome, Optimum):
        return [
            (_named(t.choices), t.cost, t.unavailability * 525_600, t.feasible)
            for t in outcome.tried
        ]
    return [
        (
            name,
            float(a.cost.total),
            float(a.write.minutes_per_year),
            name not in outcome.excluded,
        )
        for name, a in outcome.assessments.items()
    ]


def _front(
    rows: Sequence[tuple[str, float, float, bool]],
) -> list[tuple[str, float, float, bool]]:
    """Return the rows that no cheaper one beats, the cheapest first."""
    found: list[tuple[str, float, float, bool]] = []
    for row in sorted(rows, key=lambda r: (r[1], r[2])):
        if not found or row[2] < found[-1][2]:
            found.append(row)
    return found


def _axes(ax: Axes, rows: Sequence[tuple[str, float, float, bool]]) -> None:
    """Fix the scales: plain cost, and minutes in powers of ten."""
    costs, downs = [r[1] for r in rows], [_log(r[2]) for r in rows]
    room = 0.12 * (max(costs) - min(costs)) or 0.5
    low, high = np.floor(min(downs) - 0.2), np.ceil(max(downs) + 0.2)
    ax.set(xlim=(min(costs) - room, max(costs) + 3 * room), ylim=(low, high))
    ticks = [t for t in _TICKS if low <= np.log10(t) <= high]
    ax.set_yticks([float(np.log10(t)) for t in ticks], [f"{t:,g}" for t in ticks])
    ax.set_xlabel("cost, in units of a node")
    ax.set_ylabel("writes down, min a year")


def _log(down: float) -> float:
    return float(np.log10(max(down, _TICKS[0])))


def _named(choices: Mapping[str, object]) -> str:
    return ", ".join(str(value) for value in choices.values())
