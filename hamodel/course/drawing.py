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
from html import escape
from typing import Literal
from urllib.parse import quote

from hamodel import text
from hamodel.course._narrow import NARROW, Box, Words, enlarged, width
from hamodel.plots import FAINT, GREY, INK, LOOKS, PALETTE, PAPER, Shown

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
Marks = Sequence[tuple[float, str]]
Part = tuple[float, str]
Row = tuple[str, float | Sequence[Part] | None, str]
Key = tuple[float, float, float, float]  # seconds, right, down, opacity

#: Names of colours, on a light page and on a dark one.
COLOURS = {
    "ink": (INK, "#f2f2f2"),
    "grey": (GREY, "#b8b8b8"),
    "faint": (FAINT, "#5a5a5a"),
    "paper": (PAPER, "#1c1c1e"),
    "blue": (PALETTE["blue"], "#4aa8e0"),
    "orange": (PALETTE["orange"], PALETTE["orange"]),
    "green": (PALETTE["green"], "#21b98f"),
    "red": (PALETTE["vermilion"], "#f07a2a"),
    "none": ("none", "none"),
}
_DARK = "".join(
    f".{kind[0]}-{name}{{{kind}:{dark}}}"
    for name, (_, dark) in COLOURS.items()
    for kind in ("fill", "stroke")
)
_STYLE = (
    f"<style>@media (prefers-color-scheme:dark){{{_DARK}}}"
    "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
)
_LINES = {  # what a hatch of `hamodel.plots` looks like, in a tile of 8 by 8
    "|": "M4 0V8",
    "/": "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    "x": "M0 0L8 8M8 0L0 8",
    "-": "M0 4H8",
    "\\": "M-2 6L2 10M0 0L8 8M6 -2L10 2",
    "+": "M4 0V8M0 4H8",
}


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
    _words: list[tuple[int, Words]] = field(default_factory=list)
    _solid: list[Box] = field(default_factory=list)
    _moves: bool = False

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
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        if shade < 1:
            place += f' fill-opacity="{shade:.2f}"'
        self._shape("rect", place, fill, stroke, weight, role)
        if role != "ground":
            self._stands((x, y, x + width, y + height))

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
            place = f'cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"'
            self._shape("circle", place, fill, stroke, weight, role)
            if radius > 2 and role != "ground":
                self._stands((x - radius, y - radius, x + radius, y + radius))

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
            self._stands_along(*points)
        steps = " ".join(f"{_n(x)} {_n(y)}" for x, y in points)
        place = f'd="M{steps}{"Z" if fill != "none" else ""}"'
        if dash:
            place += f' stroke-dasharray="{dash}"'
        self._shape("path", place, fill, colour, weight, role)

    def arrow(self, start: Point, stop: Point, colour: str = "grey") -> None:
        """Draw an arrow from one point to another."""
        self.line([start, stop], colour)
        angle = math.atan2(stop[1] - start[1], stop[0] - start[0])
        sides = [
            (stop[0] - 9 * math.cos(angle + turn), stop[1] - 9 * math.sin(angle + turn))
            for turn in (0.4, -0.4)
        ]
        self.line([stop, *sides], colour, fill=colour, weight=0)

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
        if not self._moves:
            shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            placed = Words(*at, size, shift, width(words, bold=bold))
            self._words.append((len(self._parts), placed))
        self._parts.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" font-size="{_n(size)}" '
            f'text-anchor="{anchor}"{strong} {_fill(colour)}>{escape(words)}</text>'
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
        middle = (scale.start + scale.stop) / 2
        self.text((middle, y + 38), title, size=12, anchor="middle", colour="grey")

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

    def bar(
        self, scale: Scale, y: float, height: float, parts: Sequence[tuple[float, str]]
    ) -> None:
        """Draw amounts one after the other along a scale that begins at zero."""
        reached = 0.0
        for amount, look in parts:
            left, right = scale(reached), scale(reached + amount)
            self.rect((left, y, right - left, height), look, weight=0.8)
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
            self.text(
                (scale.start - 8, middle), words, size=12, anchor="end", bold=bold
            )
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
            at = (self.width - 8, middle)
            self.text(
                at, (write or text.short)(whole), size=12, anchor="end", bold=bold
            )

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
        if self.clock is None:
            name = f"k{len(self._keys)}"
            self._keys.append(_frames(name, keys, self.seconds))
            style = f' style="animation:{name} {self.seconds:g}s linear infinite"'
        else:
            style = ""
        _, right, down, opacity = _at(keys, self.clock or 0.0)
        moved = f"translate({_n(right)} {_n(down)})"
        hidden = ' display="none"' if opacity < 0.05 and self.clock is not None else ""
        self._parts.append(
            f'<g transform="{moved}" opacity="{_n(opacity)}"{hidden}{style}>'
        )
        self._moves = True
        yield
        self._moves = False
        self._parts.append("</g>")

    @contextmanager
    def since(self, seconds: float) -> Iterator[None]:
        """Show what is drawn within from some second of the play to its end."""
        keys: list[Key] = [(0, 0, 0, 0), (seconds, 0, 0, 0), (seconds + 0.1, 0, 0, 1)]
        keys.append((self.seconds, 0, 0, 1))
        with self.moving(keys):
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
        size = f"{_n(self.width)} {_n(self.height)}"
        parts, large = self._large()
        style = f"{_STYLE}{large}{''.join(self._keys)}</style>"
        looks = "".join(_pattern(look, key) for look, key in self._looks.items())
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" '
            f"font-family=\"'DejaVu Sans',Verdana,sans-serif\">",
            style,
            f'<rect x="0" y="0" width="{_n(self.width)}" height="{_n(self.height)}" '
            f"{_fill('paper')}/>",
            f"<defs>{looks}</defs>",
            *parts,
            "</svg>",
        ]
        return "\n".join(lines)

    def _stands(self, box: Box) -> None:
        """Note what words may not run into, unless it moves."""
        if not self._moves:
            self._solid.append(box)

    def _stands_along(self, start: Point, stop: Point) -> None:
        """Note a line as boxes, so that words may stand beside a slanted one."""
        (x, y), across, down = start, stop[0] - start[0], stop[1] - start[1]
        parts = math.ceil(min(abs(across), abs(down)) / 8) or 1
        for k in range(parts):
            xs = sorted((x + across * k / parts, x + across * (k + 1) / parts))
            ys = sorted((y + down * k / parts, y + down * (k + 1) / parts))
            self._stands((xs[0], ys[0], xs[1], ys[1]))

    def _large(self) -> tuple[list[str], str]:
        """Return the parts with the second size of each text, and the rules for it."""
        parts, sizes = list(self._parts), set()
        words = [placed for _, placed in self._words]
        times = enlarged(words, self._solid, (self.width, self.height))
        for (k, placed), factor in zip(self._words, times, strict=True):
            if factor > 1:
                size = math.floor(2 * factor * placed.size)
                sizes.add(size)
                parts[k] = parts[k].replace('class="', f'class="n{size} ', 1)
        rules = ""
        for wide, most in NARROW.items() if sizes else ():
            listed = (
                f".n{k}{{font-size:{min(k / 2, most):g}px}}" for k in sorted(sizes)
            )
            rules += f"@media (max-width:{wide}px){{{''.join(listed)}}}"
        return parts, rules

    def _shape(
        self, tag: str, place: str, fill: str, stroke: str, weight: float, role: str
    ) -> None:
        filled = _fill(fill) if fill in COLOURS else f'fill="url(#{self._look(fill)})"'
        stroke = stroke if weight else "none"
        line = f'stroke="{COLOURS[stroke][0]}" class="{_classes(fill, stroke)}"'
        wide = f' stroke-width="{_n(weight)}"' if weight else ""
        kind = f' role="{role}"' if role else ""
        filled = filled.partition(" class=")[0]
        self._parts.append(f"<{tag} {place} {filled} {line}{wide}{kind}/>")

    def _look(self, name: str) -> str:
        return self._looks.setdefault(name, f"p{list(LOOKS).index(name)}")


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


def image(picture: str, alt: str) -> str:
    """Return an `<img>` that holds a sheet, and scales with its column."""
    wide = picture.partition('width="')[2].partition('"')[0]
    high = picture.partition('height="')[2].partition('"')[0]
    source = quote(picture, safe=" !*();:@=+$,/?[]'")
    return (
        f'<img class="ha-sheet" alt="{escape(alt)}" width="{wide}" height="{high}" '
        'decoding="sync" style="display: block; max-width: 100%; height: auto" '
        f'src="data:image/svg+xml,{source}">'
    )


class Drawn(Shown):
    """A sheet and what it says, as a notebook's result."""

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt)


def _n(number: float) -> str:
    """Write a number in steps of a tenth."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _fill(name: str) -> str:
    return f'fill="{COLOURS[name][0]}" class="f-{name}"'


def _classes(fill: str, stroke: str) -> str:
    return f"s-{stroke}" if fill not in COLOURS else f"f-{fill} s-{stroke}"


def _pattern(look: str, key: str) -> str:
    chosen = LOOKS[look]
    lines = _LINES.get(chosen.hatch[:1], "")
    drawn = f'<path d="{lines}" stroke="{INK}" stroke-width="0.8"/>' if lines else ""
    return (
        f'<pattern id="{key}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{chosen.colour}"/>{drawn}</pattern>'
    )


def _frames(name: str, keys: Sequence[Key], seconds: float) -> str:
    steps = "".join(
        f"{100 * min(at / seconds, 1):.2f}%{{transform:translate({_n(right)}px,"
        f"{_n(down)}px);opacity:{_n(opacity)}}}"
        for at, right, down, opacity in keys
    )
    return f"@keyframes {name}{{{steps}}}"


def _at(keys: Sequence[Key], seconds: float) -> Key:
    """Return where something is at a time, between its keys."""
    before = keys[0]
    for key in keys:
        if key[0] > seconds:
            if key is before:
                return key
            part = (seconds - before[0]) / (key[0] - before[0])
            now = [a + part * (b - a) for a, b in zip(before, key, strict=True)]
            return now[0], now[1], now[2], now[3]
        before = key
    return before
