"""Uncertainty as pictures: which parameter matters, and how wide an answer is.

The tornado has one bar for each parameter, the widest on top, around the answer at all
medians; each end says what value of the parameter leads there.  Intervals lie below
each other on one axis, so that what overlaps is seen to overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel._types import FloatArray
from hamodel.plots._style import FAINT, GREY, INK, PALETTE, PLAIN, Look, box
from hamodel.plots._values import steps, time_steps, title, unit_of, wide, worded
from hamodel.uncertainty import Bar, Tornado, interval

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

_LOW = Look(PALETTE["sky blue"], "///")
_HIGH = Look(PALETTE["orange"], "")
_THICK = 0.6  # of the room of a row
_MOST = 12  # rows that can be read


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawnTornado:
    """A drawn tornado.

    Attributes
    ----------
    low, high : tuple of Rectangle
        From the middle to the answer at the low, and at the high value of each
        parameter; the widest first.
    ends : tuple of Text
        Values of the parameters at the ends of the bars, low and high in turn.
    text : str
        What the picture says, in words and numbers.
    """

    low: tuple[Rectangle, ...]
    high: tuple[Rectangle, ...]
    ends: tuple[Text, ...]
    text: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawnIntervals:
    """Drawn credible intervals.

    Attributes
    ----------
    spans : tuple of Line2D
        From the low to the high end, one for each row.
    medians : tuple of Line2D
        The medians.
    target : Line2D or None
        The target, if there is one.
    text : str
        What the picture says, in words and numbers.
    """

    spans: tuple[Line2D, ...]
    medians: tuple[Line2D, ...]
    target: Line2D | None
    text: str


def draw_tornado(ax: Axes, tornado: Tornado) -> DrawnTornado:
    """Draw how far each parameter moves an answer.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    tornado : Tornado
        What `hamodel.uncertainty.tornado` returned; at most twelve bars, all finite.

    Raises
    ------
    ValueError
        If there are too many bars, or the answer is infinite at an end.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.uncertainty import beta, tornado, uniform
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * 3600, mttr=4 * 3600), failover=Failover()
    ... )
    >>> found = tornado(
    ...     pair, None, {"promotion": uniform(10, 60), "coverage": beta(12, 12)}
    ... )
    >>> print(draw_tornado(Figure().subplots(), found).text)
    Downtime of writes a year, 25.9 min at all medians. coverage: 158 min at 0.855 to
    6.9 min at 1. promotion: 24.3 min at 12.5 s to 27.5 min at 57.5 s.
    """
    bars = tornado.bars
    _check_rows(len(bars), "bars")
    every = np.array(
        [tornado.middle, *(e for b in bars for e in (b.at_low, b.at_high))]
    )
    _check.finite(answer=every)
    middle = tornado.middle
    low = [_bar(ax, row, middle, bar.at_low, _LOW) for row, bar in enumerate(bars)]
    high = [_bar(ax, row, middle, bar.at_high, _HIGH) for row, bar in enumerate(bars)]
    ax.axvline(middle, color=INK, linewidth=1.0)
    _rows(ax, [_row_name(bar) for bar in bars])
    _across(ax, every, tornado.unit, tornado.label, room=0.22)
    ends = [
        text for row, bar in enumerate(bars) for text in _ends(ax, row, bar, middle)
    ]
    return DrawnTornado(
        low=tuple(low), high=tuple(high), ends=tuple(ends), text=tornado_text(tornado)
    )


def tornado_text(tornado: Tornado) -> str:
    """Say in words what such a picture shows.

    Parameters
    ----------
    tornado : Tornado
        What `hamodel.uncertainty.tornado` returned.
    """
    words = [
        f"{_row_name(b)}: {worded(b.at_low, tornado.unit)} at"
        f" {worded(b.low, b.unit)} to {worded(b.at_high, tornado.unit)} at"
        f" {worded(b.high, b.unit)}."
        for b in tornado.bars
    ]
    middle = worded(tornado.middle, tornado.unit)
    return " ".join([f"{_capital(tornado.label)}, {middle} at all medians.", *words])


def draw_intervals(
    ax: Axes,
    dataset: xr.Dataset,
    *,
    quantity: str,
    level: float = 0.9,
    target: float | None = None,
) -> DrawnIntervals:
    """Draw the credible interval of an answer, one below the other.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    dataset : xarray.Dataset
        What `hamodel.uncertainty.draws` returned, with at most one dimension more
        than `draw`: a row for each of its values, at most twelve.
    quantity : str
        Which variable.
    level : float
        Probability of the interval.
    target : float or None
        Value to compare with, in the unit of the variable.

    Raises
    ------
    ValueError
        If there are no draws, the variable is unknown, there is more than one further
        dimension, or an end of an interval is infinite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.uncertainty import beta, draws
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * 3600, mttr=4 * 3600), failover=Failover()
    ... )
    >>> found = draws(
    ...     pair, None, {"coverage": beta(12, 12)}, 500, np.random.default_rng(1),
    ...     crews=[1, 2], quantities="write_minutes_per_year",
    ... )
    >>> drawn = draw_intervals(
    ...     Figure().subplots(), found, quantity="write_minutes_per_year", target=60
    ... )
    >>> print(drawn.text)
    Downtime of writes a year by repair crews, median and 90 % interval. 1: 25.5 min
    (4.33 min to 153 min). 2: 12.7 min (2.16 min to 76.7 min). Target: 60 min.
    """
    _check.one_of([str(name) for name in dataset.data_vars], quantity=quantity)
    values = interval(dataset[[quantity]], level)[quantity]
    names, along = _row_names(values)
    low, middle, high = np.asarray(values, float).reshape(3, len(names))
    _check.finite(answer=np.array([low, high]))
    unit, rows = unit_of(values), range(len(names))
    spans = [_span(ax, row, low[row], high[row]) for row in rows]
    medians = [_dot(ax, row, middle[row]) for row in rows]
    every = np.concatenate([low, high, [] if target is None else [target]])
    _rows(ax, names)
    _across(ax, every, unit, title(values))
    words = [
        f"{f'{name}: ' if name else ''}{worded(m, unit)} ({worded(a, unit)} to"
        f" {worded(b, unit)})."
        for name, a, m, b in zip(names, low, middle, high, strict=True)
    ]
    head = f"{_capital(title(values))}{along}, median and {text.number(100 * level)} % "
    head += "interval."
    line = None
    if target is not None:
        line = _target(ax, target, unit)
        words.append(f"Target: {worded(target, unit)}.")
    return DrawnIntervals(
        spans=tuple(spans),
        medians=tuple(medians),
        target=line,
        text=" ".join([head, *words]),
    )


# ---- parts -------------------------------------------------------------------------


def _bar(ax: Axes, row: int, start: float, end: float, look: Look) -> Rectangle:
    place = (min(start, end), row - _THICK / 2)
    return box(ax, place, abs(end - start), _THICK, **look.patch)


def _ends(ax: Axes, row: int, bar: Bar, middle: float) -> list[Text]:
    """Write the parameter's values where its bar ends, low and high."""
    made = []
    both = sorted([(bar.at_low, 0), (bar.at_high, 1)])
    for (at, which), side in zip(both, ("right", "left"), strict=True):
        value = (bar.low, bar.high)[which]
        beyond = max(at, middle) if side == "left" else min(at, middle)
        gap = 4 if side == "left" else -4
        text = ax.annotate(
            worded(value, bar.unit),
            (beyond, row),
            xytext=(gap, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=8,
            color=INK,
            **PLAIN,
        )
        made.append((which, text))
    return [text for _, text in sorted(made, key=lambda pair: pair[0])]


def _span(ax: Axes, row: int, low: float, high: float) -> Line2D:
    (line,) = ax.plot(
        [low, high], [row, row], color=PALETTE["blue"], linewidth=4, marker="|"
    )
    line.set_solid_capstyle("butt")
    return line


def _dot(ax: Axes, row: int, at: float) -> Line2D:
    (dot,) = ax.plot(
        [at], [row], color=INK, marker="o", markersize=6, markerfacecolor="white"
    )
    return dot


def _target(ax: Axes, at: float, unit: str) -> Line2D:
    line = ax.axvline(at, color=PALETTE["vermilion"], dashes=(4, 2))
    ax.annotate(
        f" target {worded(at, unit)}",
        (at, 1),
        xycoords=("data", "axes fraction"),
        va="bottom",
        color=INK,
        **PLAIN,
    )
    return line


def _rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _across(
    ax: Axes, values: FloatArray, unit: str, label: str, room: float = 0.05
) -> None:
    """Set the axis of the answers, with fixed plain ticks."""
    low, high = float(np.min(values)), float(np.max(values))
    curved = wide(values)
    find = time_steps if unit == "s" else steps
    if curved:
        ax.set_xscale("log")
        spread = (high / low) ** room
        ax.set_xlim(low / spread, high * spread)
    else:
        spread = room * (high - low) or 0.1 * abs(high) or 1.0
        ax.set_xlim(low - spread, high + spread)
    first, last = ax.get_xlim()
    ticks = find(first, last) if not curved else find(low, high)
    ticks = [tick for tick in ticks if first <= tick <= last and (tick >= 0 or low < 0)]
    ax.set_xticks(ticks, [worded(tick, unit) for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", color=GREY)
    ax.set_xlabel(label, **PLAIN)


def _row_names(values: xr.DataArray) -> tuple[list[str], str]:
    others = [str(dim) for dim in values.dims if dim != "bound"]
    if len(others) > 1:
        raise ValueError(
            f"dataset must vary along draw and one dimension, got {', '.join(others)}:"
            " choose with dataset.sel(...)"
        )
    if not others:
        return [""], ""
    along = values[others[0]]
    _check_rows(len(along), others[0])
    return [worded(v, unit_of(along)) for v in along.values], f" by {title(along)}"


def _check_rows(count: int, what: str) -> None:
    if not 1 <= count <= _MOST:
        raise ValueError(f"{what} must be 1 to {_MOST} to be read, got {count}")


def _row_name(bar: Bar) -> str:
    return bar.name.replace("__", " ").replace("_", " ")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
