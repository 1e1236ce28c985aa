"""A sheet to draw on: SVG as text, which a picture of a lesson fills anew on each move.

A picture is one function, `draw(sheet, values, result, guess)`.  It takes a few
milliseconds, since nothing is laid out but what it places itself.  The surprising part
is that it may move: what is drawn within `sheet.moving(...)` follows its keys by CSS,
inside the same `<img>`, in a notebook, on a page and with no code in the browser.  A
reader who has asked for less motion sees the first frame, and so does paper.

Assumptions: places are in pixels of the sheet; a browser scales the sheet with its
column.  Colours are those of `hamodel.plots`, with a palette of their own for a dark
page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Literal

from hamodel import text
from hamodel.course._narrow import Crowd, Words, width
from hamodel.course._svg import (
    COLOURS,
    STYLE,
    Key,
    classes,
    coloured,
    frames,
    image,
    moved,
    numbers,
    pattern,
    tenths,
)
from hamodel.plots import LOOKS, Shown

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
Marks = Sequence[tuple[float, str]]
Part = tuple[float, str]
Row = tuple[str, float | Sequence[Part] | None, str]


@dataclass(frozen=True)
class Scale:
    """From values to places along an axis, evenly or by powers of ten."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value; one beyond an end is placed at the end."""
        held = min(max(value, self.low), self.high)
        low, high = self.low, self.high
        if self.log:
            low, high, held = math.log(low), math.log(high), math.log(held)
        return self.start + (held - low) / (high - low) * (self.stop - self.start)


@dataclass
class Sheet:
    """A picture in the making.

    Attributes
    ----------
    width, height : float
        Its size in pixels, as designed; a browser scales it.
    known : bool
        Whether the learner may see what answers the question.
    clock : float or None
        None plays what moves; a number of seconds holds it there.
    seconds : float
        How long a play takes before it begins anew.

    Examples
    --------
    >>> sheet = Sheet(200, 40)
    >>> sheet.rect((0, 10, 120, 20), "up")
    >>> sheet.text((4, 25), "up 60 %", size=12)
    >>> sheet.svg().count("<rect"), "up 60 %" in sheet.svg()
    (3, True)
    """

    width: float
    height: float
    known: bool = True
    clock: float | None = 0.0
    seconds: float = 10.0
    _parts: list[str] = field(default_factory=list)
    _looks: dict[str, str] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    _crowd: Crowd = field(default_factory=Crowd)

    def rect(
        self,
        box: tuple[float, float, float, float],
        fill: str = "none",
        *,
        stroke: str = "ink",
        weight: float = 1,
        role: str = "",
        shade: float = 1,
    ) -> None:
        """Draw a box, filled with a colour or with the look of a meaning.

        Parameters
        ----------
        box : (float, float, float, float)
            Left, top, width and height.
        fill, stroke : str
            A name of `COLOURS`; for the fill also one of `hamodel.plots.LOOKS`.
        weight : float
            How strong the outline is; 0 for none.
        role : str
            "ground" if words may lie across its edge.
        shade : float
            How strong the fill is, from 0 to 1.
        """
        x, y, width, height = box
        if width <= 0 or height <= 0:
            return
        place = numbers(x=x, y=y, width=width, height=height)
        if shade < 1:
            place += f' fill-opacity="{shade:.2f}"'
        self._shape("rect", place, fill, stroke, weight, role)
        if role != "ground":
            self._crowd.stand((x, y, x + width, y + height))

    def circle(
        self,
        centre: Point,
        radius: float,
        fill: str = "none",
        *,
        stroke: str = "ink",
        weight: float = 1,
        role: str = "",
    ) -> None:
        """Draw a disc; the rest is as in `rect`."""
        if radius > 0:
            x, y = centre
            place = numbers(cx=x, cy=y, r=radius)
            self._shape("circle", place, fill, stroke, weight, role)
            if radius > 2 and role != "ground":
                self._crowd.stand((x - radius, y - radius, x + radius, y + radius))

    def line(
        self,
        points: Iterable[Point],
        colour: str = "ink",
        *,
        weight: float = 1.5,
        dash: str = "",
        fill: str = "none",
        role: str = "",
    ) -> None:
        """Draw a line through points; `fill` closes it; `dash` as SVG has it."""
        points = list(points)
        if len(points) == 2 and role != "ground":
            self._crowd.stand_along(*points)
        steps = " ".join(f"{tenths(x)} {tenths(y)}" for x, y in points)
        place = f'd="M{steps}{"Z" if fill != "none" else ""}"'
        if dash:
            place += f' stroke-dasharray="{dash}"'
        self._shape("path", place, fill, colour, weight, role)

    def arrow(self, start: Point, stop: Point) -> None:
        """Draw an arrow from one point to another."""
        self.line([start, stop], "grey")
        angle = math.atan2(stop[1] - start[1], stop[0] - start[0])
        sides = [
            (stop[0] - 9 * math.cos(angle + turn), stop[1] - 9 * math.sin(angle + turn))
            for turn in (0.4, -0.4)
        ]
        self.line([stop, *sides], "grey", fill="grey", weight=0)

    def text(
        self,
        at: Point,
        words: str,
        *,
        size: float = 13,
        anchor: Anchor = "start",
        colour: str = "ink",
        bold: bool = False,
    ) -> None:
        """Write a line of words on its baseline."""
        strong = ' font-weight="bold"' if bold else ""
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        placed = Words(*at, size, shift, width(words, bold=bold))
        self._crowd.write(len(self._parts), placed)
        self._parts.append(
            f'<text {numbers(x=at[0], y=at[1])} font-size="{tenths(size)}" '
            f'text-anchor="{anchor}"{strong} {coloured(colour)}>{escape(words)}</text>'
        )

    def axis(
        self, scale: Scale, y: float, title: str, *, top: float, marks: Marks = ()
    ) -> None:
        """Draw a horizontal axis: faint lines above it, ticks and a title below.

        Parameters
        ----------
        scale : Scale
            Where values are.
        y : float
            Where the axis is.
        title : str
            What it measures, with the unit.
        top : float
            Where its faint lines end.
        marks : sequence of (float, str)
            Its ticks; by default the powers of ten.
        """
        self.line([(scale.start, y), (scale.stop, y)], "grey", weight=1, role="ground")
        for value, words in marks or ticks(scale):
            x = scale(value)
            self.line([(x, top), (x, y)], "faint", weight=0.8, role="ground")
            self.line([(x, y), (x, y + 3)], "grey", weight=1)
            self.text((x, y + 18), words, size=12, anchor="middle")
        at = ((scale.start + scale.stop) / 2, y + 38)
        self.text(at, title, size=12, anchor="middle", colour="grey")

    def mark(self, x: float, top: float, bottom: float, words: str) -> None:
        """Draw a limit: a red line across, with its words above it."""
        self.line([(x, top), (x, bottom)], "red", dash="2 3", role="ground")
        self.text((x, top - 5), words, size=12, anchor="middle", colour="red")

    def upright(self, scale: Scale, x: float, right: float, marks: Marks = ()) -> None:
        """Draw faint lines to the right for the ticks of a vertical axis."""
        for value, words in marks or ticks(scale):
            y = scale(value)
            self.line([(x, y), (right, y)], "faint", weight=0.8, role="ground")
            self.text((x - 6, y + 4), words, size=12, anchor="end")

    def bar(self, scale: Scale, y: float, high: float, parts: Sequence[Part]) -> None:
        """Draw amounts one after the other along a scale that begins at zero."""
        reached = 0.0
        for amount, look in parts:
            left, right = scale(reached), scale(reached + amount)
            self.rect((left, y, right - left, high), look, weight=0.8)
            reached += amount

    def bars(
        self,
        scale: Scale,
        top: float,
        rows: Sequence[Row],
        high: float,
        write: Callable[[float], str] | None = None,
    ) -> None:
        """Draw an amount a row, with its words before it and its number at the right.

        Parameters
        ----------
        scale : Scale
            Its low end is where bars begin.
        top : float
            Where the first row is.
        rows : sequence of (str, float, sequence of parts or None, str)
            Words, an amount, its parts one after the other as in `bar`, or None for a
            row left open, and a look: one of `hamodel.plots.LOOKS`, "ink" for a total,
            "guess" for a dashed outline.
        high : float
            How high each row is.
        write : callable
            How an amount is written; as `hamodel.text.short` does by default.
        """
        for row, (words, amount, look) in enumerate(rows):
            y, bold = top + high * row, look == "ink"
            middle = y + high / 2 + 3
            say = partial(self.text, size=12, anchor="end", bold=bold)
            say((scale.start - 8, middle), words)
            if amount is None:
                continue
            parts = [(amount, look)] if isinstance(amount, (int, float)) else amount
            whole = float(sum(part for part, _ in parts))
            end = scale(whole) if whole > scale.low else scale.start
            if look == "guess":
                self.line([(end, y + 1), (end, y + high - 3)], weight=2.5)
                self.line([(scale.start, middle - 4), (end, middle - 4)], dash="4 3")
            elif len(parts) == 1:
                self.rect((scale.start, y, end - scale.start, high - 5), parts[0][1])
            else:
                self.bar(scale, y, high - 5, parts)
            say((self.width - 8, middle), (write or text.short)(whole))

    def key(self, x: float, y: float, looks: Sequence[tuple[str, str]]) -> None:
        """List looks and what each means, one below the other."""
        for row, (look, words) in enumerate(looks):
            self.rect((x, y + 20 * row, 16, 12), look)
            self.text((x + 22, y + 10 + 20 * row), words, size=12)

    @contextmanager
    def moving(self, keys: Sequence[Key]) -> Iterator[None]:
        """Move all that is drawn within, from key to key.

        Parameters
        ----------
        keys : sequence of (float, float, float, float)
            Seconds from the beginning, in order; how far to the right and down from
            where it is drawn; and how opaque, from 0 to 1.
        """
        style = ""
        if self.clock is None:
            name = f"k{len(self._keys)}"
            self._keys.append(frames(name, keys, self.seconds))
            style = f' style="animation:{name} {self.seconds:g}s linear infinite"'
        _, right, down, opacity = moved(keys, self.clock or 0.0)
        place = f"translate({tenths(right)} {tenths(down)})"
        hidden = ' display="none"' if opacity < 0.05 and self.clock is not None else ""
        self._parts.append(
            f'<g transform="{place}" opacity="{tenths(opacity)}"{hidden}{style}>'
        )
        self._crowd.moves = True
        yield
        self._crowd.moves = False
        self._parts.append("</g>")

    @contextmanager
    def since(self, seconds: float) -> Iterator[None]:
        """Show what is drawn within from some second of the play to its end."""
        keys = [(0, 0), (seconds, 0), (seconds + 0.1, 1), (self.seconds, 1)]
        with self.moving([(at, 0, 0, opacity) for at, opacity in keys]):
            yield

    def walk(self, path: Sequence[Point]) -> list[float]:
        """Move a token from place to place, through all of them in one play.

        Returns
        -------
        list of float
            When it comes to each, in seconds.
        """
        pause, (x0, y0) = self.seconds / (len(path) + 1), path[0]
        came = [k * pause for k in range(len(path))]
        keys: list[Key] = []
        for begin, (x, y) in zip(came, path, strict=True):
            at = (x - x0, y - y0, 1.0)
            keys += [(begin, *at), (begin + 0.6 * pause, *at)]
        with self.moving([*keys, (self.seconds, *keys[-1][1:])]):
            self.circle((x0, y0), 7, "orange", weight=1.5)
        return came

    def svg(self) -> str:
        """Return the picture; the same text for the same picture."""
        size = numbers(width=self.width, height=self.height)
        parts, large = self._crowd.large(self._parts, (self.width, self.height))
        looks = "".join(pattern(look, key) for look, key in self._looks.items())
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 '
            f'{tenths(self.width)} {tenths(self.height)}" {size} '
            f"font-family=\"'DejaVu Sans',Verdana,sans-serif\">",
            f"{STYLE}{large}{''.join(self._keys)}</style>",
            f'<rect x="0" y="0" {size} {coloured("paper")}/>',
            f"<defs>{looks}</defs>",
            *parts,
            "</svg>",
        ]
        return "\n".join(lines)

    def _shape(
        self, tag: str, place: str, fill: str, stroke: str, weight: float, role: str
    ) -> None:
        paint = COLOURS.get(fill, ("",))[0]
        if not paint:
            key = self._looks.setdefault(fill, f"p{list(LOOKS).index(fill)}")
            paint = f"url(#{key})"
        stroke = stroke if weight else "none"
        line = f'stroke="{COLOURS[stroke][0]}" class="{classes(fill, stroke)}"'
        wide = f' stroke-width="{tenths(weight)}"' if weight else ""
        kind = f' role="{role}"' if role else ""
        self._parts.append(f'<{tag} {place} fill="{paint}" {line}{wide}{kind}/>')


def ticks(scale: Scale) -> list[tuple[float, str]]:
    """Return the powers of ten of a logarithmic scale, with their words.

    Examples
    --------
    >>> ticks(Scale(0.05, 200, 0, 1, log=True))
    [(0.1, '0.1'), (1.0, '1'), (10.0, '10'), (100.0, '100')]
    """
    powers = range(math.ceil(math.log10(scale.low)), 12)
    values = [float(f"1e{k}") for k in powers]
    return [(value, f"{value:,g}") for value in values if value <= scale.high]


class Drawn(Shown):
    """A sheet and what it says, as a notebook's result."""

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt)
