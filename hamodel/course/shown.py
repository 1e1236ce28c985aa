"""What a lesson shows beside its explorer: a table, a balance, dots, states.

A cell that would print lines shows a table instead: it reads on a phone, by a screen
reader and on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from hamodel import text
from hamodel.course.drawing import Drawn, Sheet


@dataclass(frozen=True, eq=False)
class Table:
    """A table that a notebook shows: numbers stand at the right, words at the left.

    Attributes
    ----------
    head : str or sequence of str
        What each column has, such as "servers | hours a year".
    rows : iterable of sequences
        The rows; a float is written with three digits, all else as it is.

    Examples
    --------
    >>> Table("servers | hours a year", [(1, 17.5123), (2, "8.77")])
    servers | hours a year
    1 | 17.5
    2 | 8.77
    """

    head: str | Sequence[str]
    rows: Iterable[Sequence[object]]

    def __post_init__(self) -> None:
        head = self.head.split(" | ") if isinstance(self.head, str) else self.head
        rows = [tuple(map(_written, row)) for row in self.rows]
        for row in rows:
            if len(row) != len(head):
                raise ValueError(f"a row must have {len(head)} cells, got {row}")
        object.__setattr__(self, "head", tuple(head))
        object.__setattr__(self, "rows", tuple(rows))

    def _repr_html_(self) -> str:
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.head)
        sides = ["right" if c and all(map(_numeric, c)) else "left" for c in columns]
        top = _row("th", self.head, sides)
        body = "".join(_row("td", map(str, row), sides) for row in self.rows)
        return f"<table><thead>{top}</thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(" | ".join(map(str, row)) for row in (self.head, *self.rows))


def _written(cell: object) -> object:
    return text.number(cell) if isinstance(cell, float) else cell


def _numeric(cell: object) -> bool:
    return str(cell).lstrip("+-")[:1].isdigit()


def _row(tag: str, cells: Iterable[str], sides: Iterable[str]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    listed = "".join(
        f'<{tag}{scope} style="text-align: {side}; vertical-align: top">'
        f"{escape(cell)}</{tag}>"
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{listed}</tr>"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words as one says them one after the other.

    Examples
    --------
    >>> listed("abc"), listed("ab", "or"), listed("a"), listed("")
    ('a, b and c', 'a or b', 'a', '')
    """
    *first, end = words or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def balance(**boxes: tuple[str, str]) -> Drawn:
    """Draw what flows into boxes of a Markov chain, and out of them.

    Parameters
    ----------
    **boxes : (str, str)
        The name of each, what comes in and what goes out: a rate times a share.

    Examples
    --------
    >>> balance(down=("λ · up", "μ · down"))
    Into down flows λ · up, out of it μ · down.
    """
    sheet = Sheet(640, 54 * len(boxes) + 6)
    for row, (name, (comes, goes)) in enumerate(boxes.items()):
        y = 54 * row + 30
        sheet.text((206, y + 5), comes, size=14, anchor="end")
        sheet.arrow((214, y), (258, y))
        sheet.rect((262, y - 20, 116, 40), "paper", weight=1.2)
        sheet.text((320, y + 5), name, anchor="middle", bold=True)
        sheet.arrow((382, y), (426, y))
        sheet.text((434, y + 5), goes, size=14)
    listed = (f"{n} flows {c}, out of it {g}" for n, (c, g) in boxes.items())
    return Drawn(sheet.svg(), f"Into {'; into '.join(listed)}.")


def dots(
    sheet: Sheet, at: tuple[float, float], counts: Sequence[int], total: int
) -> None:
    """Draw each of many as a dot: those without, within and over a limit, or unknown.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    at : (float, float)
        The first dot; 40 are in a row.
    counts : (int, int, int)
        How many have nothing, how many are within the limit, and how many over it.
    total : int
        How many there are; what no count holds is drawn as unknown.
    """
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    for k, kind in enumerate([*kinds, *[3] * (total - len(kinds))]):
        x, y = at[0] + 8.9 * (k % 40), at[1] + 7 * (k // 40)
        if kind >= 2:
            box = (x - 3, y - 3, 6, 5)
            sheet.rect(box, "red" if kind == 2 else "faint", weight=0)
        elif kind:
            sheet.circle((x, y - 0.5), 3, "green", weight=0)
        else:
            sheet.circle((x, y - 0.5), 1.6, "grey", weight=0)


def states(
    sheet: Sheet,
    boxes: Mapping[str, tuple[tuple[float, float], str, str, str]],
    arrows: Sequence[tuple[str, str, str, tuple[float, float]]],
) -> None:
    """Draw the states of a chain as boxes, and its moves as arrows.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    boxes : mapping of str to ((float, float), str, str, str)
        By name: the centre, the words, a look, and what is told of it.
    arrows : sequence of (str, str, str, (float, float))
        From where, to where, the rate, and the place of its words.
    """
    wide, high = 116, 40
    for start, goal, rate, at in arrows:
        (x0, y0), (x1, y1) = boxes[start][0], boxes[goal][0]
        sheet.arrow((x0 + wide / 2 + 2, y0), (x1 - wide / 2 - 3, y1))
        sheet.text(at, rate, size=12, anchor="middle", colour="grey")
    for (x, y), words, look, told in boxes.values():
        sheet.rect((x - wide / 2, y - high / 2, wide, high), "paper")
        sheet.rect((x - wide / 2, y - high / 2, 10, high), look)
        sheet.text((x + 5, y - 3), words, size=12.5, anchor="middle")
        sheet.text((x + 5, y + 14), told, anchor="middle", bold=True)
