"""The guess of a reader, drawn into every frame of an explorer: the ghost.

A notebook draws a picture anew with the guess; a page cannot.  But what a guess adds is
a few lines, and in them each number is that of one field: the rest stands still.  So
the words of these lines are kept for every mark of each field's scale, and a page puts
together what the explorer would have drawn.  A guess that moves a number together with
another is refused when the site is built, as is one that changes what is there already.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from hamodel._types import Value
from hamodel.course._narrow import plain
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction

Guess = Mapping[str, float]
Line = list[Value]  # words that stand still; [number of a field, its words by mark]

MOST_GUESSES = 60_000  # of a prediction, for which a page holds what is said to each
_CHECKED = 12  # guesses of all fields together


def grids(prediction: Prediction) -> list[tuple[float, ...]]:
    """Return the marks to which a page takes the guess of each field.

    Examples
    --------
    >>> from types import SimpleNamespace as Has
    >>> fields = {k: Has(grid=tuple(range(0, 1001, 10))) for k in "abcd"}
    >>> thin, *_ = grids(Has(fields=fields))
    >>> len(thin), thin[:4]
    (15, (0, 70, 140, 210))
    """
    whole = [tuple(control.grid) for control in prediction.fields.values()]
    found, room = whole, max(map(len, whole))
    while math.prod(map(len, found)) > MOST_GUESSES:
        room -= 1
        found = [_thinner(grid, room) for grid in whole]
    return found


def _thinner(grid: tuple[float, ...], most: int) -> tuple[float, ...]:
    if len(grid) <= most:
        return grid
    steps = (len(grid) - 1) / (most - 1)
    return tuple(grid[round(k * steps)] for k in range(most))


class Ghosts:
    """What a guess adds to the pictures of an explorer.

    Parameters
    ----------
    explorer : Explorer
        The explorer; without a prediction it has no ghosts.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._known: dict[tuple[str, ...], int] = {}
        self.lines: list[list[Line]] = []
        self._grids: dict[str, tuple[float, ...]] = {}
        if (prediction := explorer.prediction) is not None:
            self._grids = dict(zip(prediction.fields, grids(prediction), strict=True))
        self._usual = {name: g[len(g) // 2] for name, g in self._grids.items()}

    def here(self) -> int:
        """Return the number of the ghost of the picture now; -1 if there is none."""
        if not self._grids:
            return -1
        added = self._added(self._usual)
        if not added:
            return -1
        if added not in self._known:
            self._known[added] = len(self.lines)
            self.lines.append(self._taken_apart(added))
        return self._known[added]

    def _added(self, guess: Guess) -> tuple[str, ...]:
        """Return the lines that a guess adds to the picture."""
        drawn = plain(self._explorer.drawn(guess)).splitlines()
        added = iter(plain(self._explorer.svg).splitlines())
        found, there = [], next(added)
        for line in drawn:
            if line == there:
                there = next(added, "")
            else:
                found.append(line)
        if there:
            raise self._refused("changes what is there without it", there)
        return tuple(found)

    def _taken_apart(self, usual: tuple[str, ...]) -> list[Line]:
        """Return the lines with the words of each field, by its marks."""
        longest = max(map(len, self._grids.values()))
        ends = {name: (grid[0], grid[-1]) for name, grid in self._grids.items()}
        words = [_WORD.findall(line) for line in usual]
        owner: dict[tuple[int, int], int] = {}
        for k, name in enumerate(self._grids):
            for end in ends[name]:
                moved = self._words({**self._usual, name: end}, words)
                for at in _places(words):
                    if moved[at[0]][at[1]] != words[at[0]][at[1]]:
                        owner.setdefault(at, k)
        tables: dict[tuple[int, int], list[str]] = {at: [] for at in owner}
        for place in range(longest):
            guess = {n: g[min(place, len(g) - 1)] for n, g in self._grids.items()}
            drawn = self._words(guess, words)
            for at, table in tables.items():
                table.append(drawn[at[0]][at[1]])
        sizes = [len(grid) for grid in self._grids.values()]
        lines = [
            _joined(
                [owner[n, j], tables[n, j][: sizes[owner[n, j]]]]
                if (n, j) in owner
                else word
                for j, word in enumerate(line)
            )
            for n, line in enumerate(words)
        ]
        self._check(lines)
        return lines

    def _words(
        self, guess: Guess, usual: Sequence[Sequence[str]]
    ) -> list[Sequence[str]]:
        found = [_WORD.findall(line) for line in self._added(guess)]
        if [len(line) for line in found] != [len(line) for line in usual]:
            raise self._refused("adds other words", guess)
        return list(found)

    def _check(self, lines: Sequence[Line]) -> None:
        """Put some guesses together as a page does; they must be what is drawn."""
        for k in range(_CHECKED):
            places = [(5 * k + 3 * j) * len(grid) // 7 % len(grid)
                      for j, grid in enumerate(self._grids.values())]  # fmt: skip
            guess = {
                name: grid[place]
                for (name, grid), place in zip(self._grids.items(), places, strict=True)
            }
            if put_together(lines, places) != self._added(guess):
                raise self._refused("moves two numbers together", guess)

    def _refused(self, why: str, what: object) -> ValueError:
        return ValueError(
            f"the guess of {self._explorer.title!r} must add words of its own: {why}, "
            f"{what!r}"
        )


def put_together(lines: Sequence[Line], places: Sequence[int]) -> tuple[str, ...]:
    """Return the lines of a ghost for a guess, given by its mark in each field."""
    return tuple(
        "".join(p if isinstance(p, str) else p[1][places[p[0]]] for p in line)
        for line in lines
    )


def _places(words: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    return [(n, j) for n, line in enumerate(words) for j in range(len(line))]


def _joined(parts: Iterable[Value]) -> Line:
    """Join neighbouring words that stand still."""
    line: Line = []
    for part in parts:
        if isinstance(part, str) and line and isinstance(line[-1], str):
            line[-1] += part
        else:
            line.append(part)
    return line


_WORD = re.compile(r"[^\s\"<>]+|[\s\"<>]+")
