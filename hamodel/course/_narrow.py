"""How large the words of a picture may be where it is small, as on a phone.

A sheet of 640 pixels that stands in a column of 290 would write its words five pixels
high.  So each text has a second size, as large as the room around it allows, and a
browser takes it where the picture is narrow; nothing is drawn twice.

Assumptions: widths of letters are those of DejaVu Sans, to a twentieth; a word that
stands within a box stays within it, and one beside a box stays beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
