"""The path of a request as boxes, and two parameters as a map, on a sheet.

`hamodel.plots` draws both too, for papers and for the terminal.  A lesson draws on its
sheet, as its explorer does: that follows a dark page, and needs neither Matplotlib nor
xarray, whose import alone takes three seconds in a browser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel._types import FloatArray, Value
from hamodel.course.drawing import Drawn, Sheet

if TYPE_CHECKING:
    from hamodel.architectures import Architecture
    from hamodel.structure import Structure
    from hamodel.sweeping import Grid
    from hamodel.workload import Workload

_SIZE = (640, 200)
_LEFT, _TOP, _ROW = 86, 48, 30  # of the cells of a map
_DEEPEST = 0.55  # of the colour of a cell, so that words on it can be read


def diagram(structure: Structure, alt: str, *, marked: bool = True) -> Drawn:
    """Draw the path of a request.

    Parameters
    ----------
    structure : Structure
        From `hamodel.structure`.
    alt : str
        What the picture says, in words and numbers.
    marked : bool
        Whether single points of failure have a heavy frame.

    Returns
    -------
    Drawn
        The boxes, one behind or beside the other; hidden dependencies stand below.
    """
    from hamodel.plots.diagram import hidden_places
    from hamodel.plots.layout import HIGH, WIDE, layout_of

    layout = layout_of(structure)
    hidden = hidden_places(structure, layout)
    left, right, bottom, top = layout.extent
    bottom -= 2.4 * HIGH * bool(hidden)
    wide, high = _SIZE
    times = min((wide - 16) / (right - left), (high - 40) / (top - bottom))
    sheet = Sheet(wide, round((top - bottom) * times) + 40)

    def at(x: float, y: float) -> tuple[float, float]:
        """Return where a point of the layout is on the sheet."""
        return (wide + times * (2 * x - left - right)) / 2, 28 + times * (top - y)

    for wire in layout.wires:
        sheet.line([at(*point) for point in wire.points], "grey", role="ground")
    for name, places in hidden.items():
        for user in (
            p for n in structure.hidden[name] for p in layout.boxes.get(n, ())
        ):
            sheet.line([at(*places[0]), at(*user)], "grey", dash="1 3", weight=0.8)
    alone = structure.single_points_of_failure() if marked else ()
    for name, places in {**layout.boxes, **hidden}.items():
        for x, y in (at(*place) for place in places):
            box = (
                x - times * WIDE / 2,
                y - times * HIGH / 2,
                times * WIDE,
                times * HIGH,
            )
            sheet.rect(box, "paper", weight=3 if name in alone else 1.2)
            sheet.text((x, y + 4), name, size=12, anchor="middle")
    for place, words in layout.labels:
        sheet.text(at(*place), words, size=12, anchor="middle", colour="grey")
    return Drawn(sheet.svg(), alt)


@dataclass(frozen=True, eq=False, repr=False)
class Map(Drawn):
    """A drawn map, and the numbers on it.

    Attributes
    ----------
    across, down : sequence
        What each column and each row is called: the values of the two parameters.
    cells : ndarray, shape (columns, rows)
        The numbers.
    """

    across: Sequence[Value]
    down: Sequence[Value]
    cells: FloatArray

    def at(self, across: Value, down: Value) -> float:
        """Return one number, by the values of the two parameters."""
        where = self.across.index(across), self.down.index(down)
        return float(self.cells[where])


def sweep_map(
    architecture: Architecture,
    workload: Workload | None = None,
    /,
    *,
    quantity: str = "write_minutes_per_year",
    **grids: Value,
) -> Map:
    """Answer an architecture over a grid of two parameters, and draw it as a map.

    Parameters
    ----------
    architecture : Architecture
        What is run.
    workload : Workload, optional
        What is asked of it; by default that of `assess`.
    quantity : str
        Which of its measures.
    **grids : sequence, or mapping of labels to values
        Two parameters: the first across, the second upwards.

    Returns
    -------
    Map
        The map, with what it says in words and numbers.

    Raises
    ------
    ValueError
        If there are not two parameters.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> pair = ActivePassive(database=Node(mttf=2e6, mttr=2e4), failover=Failover())
    >>> found = sweep_map(
    ...     pair, failover__promotion=[10, 300], failover__coverage=[0.9, 1]
    ... )
    >>> print(str(found).partition("works. ")[2])
    Least: 106 min at 10 s and 1. Most: 687 min at 5 min and 0.9.
    >>> round(found.at(10, 1))
    106
    """
    from hamodel.sweeping import answers

    if len(grids) != 2:
        raise ValueError(f"a map has two parameters, got {', '.join(grids) or 'none'}")
    labels = {name: list(given) for name, given in grids.items()}
    values = {
        n: list(g.values() if isinstance(g, Mapping) else g) for n, g in grids.items()
    }
    grid, found = answers(architecture, workload, quantities=quantity, **values)
    (across, down), cells = labels.values(), found[quantity]
    sheet = Sheet(_SIZE[0], _TOP + _ROW * len(down) + 50)
    alt = _drawn(sheet, grid, (across, down), cells)
    return Map(sheet.svg(), alt, across, down, cells)


def _drawn(
    sheet: Sheet, grid: Grid, labels: tuple[list[Value], list[Value]], cells: FloatArray
) -> str:
    """Draw the cells and what they are; return what the picture says."""
    from hamodel.assessment import MEASURES

    measure = MEASURES[grid.quantities[0]]
    about = [grid.question.words(p.path) for p in grid.parameters]
    said = [
        [_said(value, unit) for value in values]
        for values, (_, unit) in zip(labels, about, strict=True)
    ]
    (columns, rows), wide = said, (sheet.width - _LEFT - 8) / len(said[0])
    title = f"{measure.label[:1].upper()}{measure.label[1:]}"
    sheet.text((8, 16), title, size=12)
    sheet.text((8, 36), f"↑ {about[1][0]}", size=12, colour="grey")
    bottom = _TOP + _ROW * len(rows)
    for j, row in enumerate(rows):
        y = bottom - _ROW * (j + 1)
        sheet.text((_LEFT - 8, y + _ROW / 2 + 4), row, size=12, anchor="end")
        for i, shade in enumerate(_shades(cells)[:, j]):
            box = (_LEFT + wide * i, y, wide, _ROW)
            sheet.rect(box, "blue", stroke="paper", shade=float(shade))
            words, middle = _said(cells[i, j], measure.unit), box[0] + wide / 2
            sheet.text((middle, y + _ROW / 2 + 4), words, size=12, anchor="middle")
    for i, column in enumerate(columns):
        x = _LEFT + wide * (i + 0.5)
        sheet.text((x, bottom + 17), column, size=12, anchor="middle")
    middle = (_LEFT + sheet.width) / 2
    sheet.text(
        (middle, bottom + 38), about[0][0], size=12, anchor="middle", colour="grey"
    )
    words = f"{title} by {about[0][0]}, and {about[1][0]}."
    for name, find in (("Least", np.argmin), ("Most", np.argmax)):
        place = np.unravel_index(find(cells.T), cells.T.shape)
        value = _said(cells.T[place], measure.unit)
        words += f" {name}: {value} at {columns[place[1]]} and {rows[place[0]]}."
    return words


def _said(value: Value, unit: str) -> str:
    number = isinstance(value, (int, float, np.number))
    return text.measure(float(value), unit or "1") if number else str(value)


def _shades(cells: FloatArray) -> FloatArray:
    """Return how blue each cell is: by its logarithm where they span much."""
    kept = cells[np.isfinite(cells)]
    low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 0.0)
    if low <= 0 or high / low <= 30:
        scaled, ends = cells, (low, high)
    else:
        scaled, ends = np.log(cells), (math.log(low), math.log(high))
    share = (scaled - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    return np.where(np.isfinite(cells), 0.03 + (_DEEPEST - 0.03) * share, 0.0)
