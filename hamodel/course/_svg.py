"""The words of SVG that a sheet is written in: colours, hatches, movement, an image.

A colour has two faces, one for a light page and one for a dark one; the browser chooses
between them by a class, so that a picture need not be drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from hamodel.plots import FAINT, GREY, INK, LOOKS, PALETTE, PAPER

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
STYLE = (
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


def tenths(number: float) -> str:
    """Write a number in steps of a tenth."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def numbers(**each: float) -> str:
    """Write attributes that are numbers."""
    return " ".join(f'{name}="{tenths(value)}"' for name, value in each.items())


def coloured(name: str) -> str:
    """Write the fill of a colour."""
    return f'fill="{COLOURS[name][0]}" class="f-{name}"'


def classes(fill: str, stroke: str) -> str:
    """Return the classes by which a dark page changes both colours."""
    return f"s-{stroke}" if fill not in COLOURS else f"f-{fill} s-{stroke}"


def pattern(look: str, key: str) -> str:
    """Define the hatch of a look under a key."""
    chosen = LOOKS[look]
    lines = _LINES.get(chosen.hatch[:1], "")
    drawn = f'<path d="{lines}" stroke="{INK}" stroke-width="0.8"/>' if lines else ""
    return (
        f'<pattern id="{key}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{chosen.colour}"/>{drawn}</pattern>'
    )


def frames(name: str, keys: Sequence[Key], seconds: float) -> str:
    """Define a movement from key to key."""
    steps = "".join(
        f"{100 * min(at / seconds, 1):.2f}%{{transform:translate({tenths(right)}px,"
        f"{tenths(down)}px);opacity:{tenths(opacity)}}}"
        for at, right, down, opacity in keys
    )
    return f"@keyframes {name}{{{steps}}}"


def moved(keys: Sequence[Key], seconds: float) -> Key:
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
