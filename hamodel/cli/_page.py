"""An answer of a command: data for `--json`, and something to write on paper."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hamodel.cli._ends import leave

if TYPE_CHECKING:
    from hamodel.cli._report import Report


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer, twice; `met` tells whether all requirements are kept."""

    data: Callable[[], Mapping[str, object]]
    draw: Callable[[Paper], None]
    met: bool = True

    def show(self, *, as_json: bool) -> None:
        """Print the answer, as data or as a page."""
        if as_json:
            hand_over(as_text(self.data()))
        else:
            self.draw(paper())


@dataclass(frozen=True, kw_only=True)
class JudgedPage(Page):
    """An answer with something to judge; `report` is what other tools are told."""

    report: Callable[[], Report]


def as_text(data: object) -> str:
    """Return data as JSON; endless numbers are the word inf, for JSON has none."""
    return json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False)


def hand_over(text: str, *, nl: bool = True) -> None:
    """Print what a program or a file takes up: in UTF-8, whatever the locale says.

    Where a person reads it in a terminal, it is in the letters that this can show.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if encoding.lower().replace("-", "") == "utf8" or sys.stdout.isatty():
        click.echo(_ascii(text), nl=nl)
    else:
        click.echo((text + "\n" * nl).encode(), nl=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def finish(page: Page, as_json: bool) -> None:
    """Print an answer, and end as the exit codes say."""
    page.show(as_json=as_json)
    leave(met=page.met)


_BAR = 24  # letters of the longest
_PLAIN = {"█": "#", "✓": "+", "✗": "x", "·": ".", "→": "->", "µ": "u"}


@dataclass(frozen=True)
class Paper:
    """Where an answer is written, in letters that the terminal has.

    No word is ever broken, and what is piped is not wrapped at all, since what reads
    it finds its lines by their beginning.  `COLUMNS` sets a width, `NO_COLOR` switches
    bold off.
    """

    width: int | None = None  # of a line; None where lines are not wrapped

    def head(self, text: str) -> None:
        """Write a line that stands out."""
        self._put(click.style(_ascii(text), bold=True))

    def say(self, text: str = "", indent: int = 0, hang: int = 0) -> None:
        """Write a paragraph; lines after the first stand `hang` further in."""
        first, rest = " " * indent, " " * (indent + hang)
        for line in _wrapped(text, self.width, first, rest):
            self._put(_ascii(line))

    def part(self, text: str, hang: int = 0) -> None:
        """Write a paragraph and an empty line; nothing where there are no words."""
        if text:
            self.say(text, hang=hang)
            self.say()

    def line(self, text: str) -> None:
        """Write what must stay on one line."""
        self._put(_ascii(text))

    def table(
        self,
        title: str,
        rows: Iterable[Sequence[str]],
        heads: Sequence[str] = (),
        words: Collection[int] = (0,),
    ) -> None:
        """Write a table; the columns `words` stand to the left, numbers to the right.

        Where it is too wide, columns of words are wrapped between words, the widest
        first.
        """
        listed = [[str(cell) for cell in row] for row in rows]
        cells = [list(heads), *listed] if any(heads) else listed
        if title:
            self.head(title)
        if cells:
            cells = _bars_fit(cells, words, self.width)
            widths = _widths(cells, words, self.width)
            for row in cells:
                for line in _laid(row, widths, words):
                    self.line(line)
        self.say()

    def _put(self, text: str) -> None:
        click.echo(text, color=False if "NO_COLOR" in os.environ else None)


def paper() -> Paper:
    """Return the terminal at its width, or paper without margins where there is none.

    `COLUMNS`, if it is a number above 0, holds for both.
    """
    asked = os.environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked) > 0:
        return Paper(int(asked))
    return Paper(shutil.get_terminal_size().columns if sys.stdout.isatty() else None)


def bar(value: float, top: float) -> str:
    """Return a bar for a value, the longest for the top."""
    return "█" * round(_BAR * value / top) if top > 0 else ""


def _ascii(text: str) -> str:
    """Return the text in letters that the output can hold."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for letter, plain in _PLAIN.items():
            text = text.replace(letter, plain)
        text = text.encode(encoding, "replace").decode(encoding)
    return text


def _wrapped(text: str, width: int | None, first: str, rest: str) -> list[str]:
    if width is None or len(first) + len(text) <= width:
        return [f"{first}{text}".rstrip()]
    return textwrap.wrap(
        text,
        max(width, len(rest) + 1),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _widths(
    cells: Sequence[Sequence[str]], words: Collection[int], width: int | None
) -> list[int]:
    """Return the width of each column; columns of words give way to a narrow page."""
    count = max(map(len, cells))
    columns = [[row[i] for row in cells if i < len(row)] for i in range(count)]
    widths = [max(map(len, column)) for column in columns]
    least = [
        max((len(w) for cell in column for w in cell.split()), default=0)
        if i in words
        else widths[i]
        for i, column in enumerate(columns)
    ]
    while width is not None and sum(widths) + 2 * (count - 1) > width:
        able = [i for i in range(count) if widths[i] > least[i]]
        if not able:
            break
        widest = max(able, key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _bars_fit(
    cells: list[list[str]], words: Collection[int], width: int | None
) -> list[list[str]]:
    """Return the cells with a last column of bars as long as there is room."""
    bars = [row[-1] for row in cells if len(row) == len(cells[-1])]
    longest = max(map(len, bars), default=0)
    if width is None or not longest or set("".join(bars)) != {"█"}:
        return cells
    others = _widths([row[:-1] for row in cells], words, 0)
    room = max(1, width - sum(others) - 2 * len(others))
    if room >= longest:
        return cells
    shorter = [
        max(1, round(len(r[-1]) * room / longest)) if r[-1] else 0 for r in cells
    ]
    return [[*r[:-1], "█" * n] for r, n in zip(cells, shorter, strict=True)]


def _laid(
    row: Sequence[str], widths: Sequence[int], words: Collection[int]
) -> list[str]:
    """Return the lines of a row, its cells wrapped to the widths of their columns."""
    cells = [
        _wrapped(cell, widths[i], "", "") or [""] if i in words else [cell]
        for i, cell in enumerate(row)
    ]
    lines = []
    for k in range(max(map(len, cells), default=0)):
        parts = [cell[k] if k < len(cell) else "" for cell in cells]
        lines.append(
            "  ".join(
                part.ljust(widths[i]) if i in words else part.rjust(widths[i])
                for i, part in enumerate(parts)
            ).rstrip()
        )
    return lines
