"""How large the words of a picture may be where it is small, as on a phone.

A sheet of 640 pixels that stands in a column of 290 would write its words five pixels
high.  So each text has a second size, as large as the room around it allows, and a
browser takes it where the picture is narrow; nothing is drawn twice.

Assumptions: widths of letters are those of DejaVu Sans, to a twentieth; a word that
stands within a box stays within it, and one beside a box stays beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Box = tuple[float, float, float, float]  # left, top, right, bottom

#: Up to these widths of a picture, in pixels, words take a second size, of at most so
#: many pixels of the sheet: beside controls on a small screen, and on a phone.
NARROW = {460: 17.0, 360: 99.0}
STEPS = (1.15, 1.3, 1.45, 1.6, 1.8)
_THIN, _WIDE = frozenset(" .,;:'il|!()[]-jft/I"), frozenset("mwMW%@✓✗→")


class Words(NamedTuple):
    """A line of words on a sheet: its place, its size, and its width at size one."""

    x: float
    y: float
    size: float
    shift: float  # of its width that lies to the left of x
    width: float

    def box(self, times: float = 1.0) -> Box:
        """Return what it covers when it is so many times as large."""
        size = times * self.size
        left = self.x - self.shift * size * self.width
        return left, self.y - 0.78 * size, left + size * self.width, self.y + size / 5


@dataclass
class Crowd:
    """What stands on a sheet: words, and what they may not run into."""

    words: list[tuple[int, Words]] = field(default_factory=list)  # by part of the sheet
    solid: list[Box] = field(default_factory=list)
    moves: bool = False  # what moves is in nobody's way

    def write(self, part: int, words: Words) -> None:
        """Note words, and which part of the sheet they are."""
        if not self.moves:
            self.words.append((part, words))

    def stand(self, box: Box) -> None:
        """Note what words may not run into."""
        if not self.moves:
            self.solid.append(box)

    def stand_along(
        self, start: tuple[float, float], stop: tuple[float, float]
    ) -> None:
        """Note a line as boxes, so that words may stand beside a slanted one."""
        (x, y), across, down = start, stop[0] - start[0], stop[1] - start[1]
        parts = math.ceil(min(abs(across), abs(down)) / 8) or 1
        for k in range(parts):
            xs = sorted((x + across * k / parts, x + across * (k + 1) / parts))
            ys = sorted((y + down * k / parts, y + down * (k + 1) / parts))
            self.stand((xs[0], ys[0], xs[1], ys[1]))

    def large(
        self, parts: Sequence[str], sheet: tuple[float, float]
    ) -> tuple[list[str], str]:
        """Return the parts with the second size of each text, and the rules for it."""
        larger, sizes = list(parts), set()
        times = enlarged([placed for _, placed in self.words], self.solid, sheet)
        for (k, placed), factor in zip(self.words, times, strict=True):
            if factor > 1:
                size = math.floor(2 * factor * placed.size)
                sizes.add(size)
                larger[k] = larger[k].replace('class="', f'class="n{size} ', 1)
        rules = ""
        for wide, most in NARROW.items() if sizes else ():
            listed = (
                f".n{k}{{font-size:{min(k / 2, most):g}px}}" for k in sorted(sizes)
            )
            rules += f"@media (max-width:{wide}px){{{''.join(listed)}}}"
        return larger, rules


def width(words: str, *, bold: bool) -> float:
    """Return how wide words are, in units of their size."""
    thin = sum(letter in _THIN for letter in words)
    wide = sum(letter in _WIDE for letter in words)
    return (0.63 * len(words) - 0.25 * thin + 0.3 * wide) * (1.12 if bold else 1.0)


def enlarged(
    words: Sequence[Words], solid: Sequence[Box], sheet: tuple[float, float]
) -> list[float]:
    """Return how many times as large each text may be on a narrow picture.

    Parameters
    ----------
    words : sequence of Words
        The texts.
    solid : sequence of (float, float, float, float)
        What no text may run into, or out of.
    sheet : (float, float)
        Width and height.

    Returns
    -------
    list of float
        1, or one of `STEPS`, for each text.
    """
    whole = (0.0, 0.0, *sheet)
    most = [text.box(STEPS[-1]) for text in words]
    close = [
        [j for j, other in enumerate(most) if j != i and _cross(box, other)]
        for i, box in enumerate(most)
    ]
    walls = [[wall for wall in solid if _cross(box, wall)] for box in most]
    found = [1.0] * len(words)
    before = 1.0
    for step in STEPS:
        for i, text in enumerate(words):
            if found[i] != before:
                continue
            box, now = text.box(step), text.box()
            free = _within(box, whole) and all(
                _within(box, wall) if _within(now, wall) else not _cross(box, wall)
                for wall in walls[i]
                if _within(now, wall) or not _cross(now, wall)
            )
            if free and not any(_cross(box, words[j].box(found[j])) for j in close[i]):
                found[i] = step
        before = step
    return found


def plain(svg: str) -> str:
    """Return a picture without the second sizes: one more word may change them all."""
    rules = r"@media \(max-width:\d+px\)\{(\.n\d+\{[^}]*\})*\}"
    return re.sub(r'class="n\d+ ', 'class="', re.sub(rules, "", svg))


def _cross(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _within(a: Box, b: Box) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
