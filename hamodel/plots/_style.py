"""The one look of every picture, and its way into a notebook.

Colours are Okabe and Ito's, which colour-blind readers tell apart, and each comes with
a hatch, so that no meaning hangs on colour alone.  A picture paints its own background
and reads in a light and in a dark theme.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from hamodel._extras import brought_by
from hamodel._types import Value

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

#: Okabe and Ito (2008), "Color Universal Design".
PALETTE = MappingProxyType(
    {
        "black": "#000000",
        "orange": "#e69f00",
        "sky blue": "#56b4e9",
        "green": "#009e73",
        "yellow": "#f0e442",
        "blue": "#0072b2",
        "vermilion": "#d55e00",
        "purple": "#cc79a7",
    }
)
#: Colour and dashes of lines that are told apart.
LINES = tuple(
    (PALETTE[colour], dashes)
    for colour, dashes in {
        "blue": "-",
        "vermilion": "--",
        "green": ":",
        "purple": "-.",
    }.items()
)
INK = "#1a1a1a"  # text and outlines
GREY = "#595959"  # secondary text, still 7 : 1 on paper
FAINT = "#c8c8c8"  # guides that carry no text
PAPER = "#ffffff"

#: Keywords of an artist of Matplotlib, whose values are of many types.
Style: TypeAlias = dict[str, Any]

#: Text of the user's, in which a dollar is a dollar also on axes of her own.
PLAIN: Style = {"parse_math": False}

_STYLE: Value = {  # Matplotlib's type for it lists every key there is
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.facecolor": PAPER,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.7,
    "text.parse_math": False,  # mathtext is slow, and a dollar is a dollar
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "hamodel",
}
_PLACED = re.compile(
    r'(?<= )(d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|points|transform|viewBox)="([^"]*)"'
)
_LONG = re.compile(r"-?\d*\.\d{2,}(?:e-?\d+)?")
_FURNITURE = re.compile(r"(?s)<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE.*?>")
_FONT = "'DejaVu Sans'"
_FONTS = "'DejaVu Sans', Verdana, sans-serif"


@dataclass(frozen=True)
class Look:
    """How one meaning is drawn: a fill, and a hatch that tells it without colour."""

    colour: str
    hatch: str

    @property
    def patch(self) -> Style:
        """Arguments of a Matplotlib patch."""
        return {
            "facecolor": self.colour,
            "hatch": self.hatch,
            "edgecolor": INK,
            "linewidth": 0.8,
        }


#: What each meaning looks like, in every picture of the course.  Hatches are of lines
#: only: a dotted one makes a picture ten times as long.
LOOKS = MappingProxyType(
    {
        "up": Look(PALETTE["green"], ""),
        "degraded": Look(PALETTE["sky blue"], "|"),
        "failing over": Look(PALETTE["orange"], "///"),
        "failover did not work": Look(PALETTE["vermilion"], "xxx"),
        "both nodes down": Look(PALETTE["blue"], "---"),
        "standby failed unseen": Look(PALETTE["purple"], "\\\\\\"),
        "site down": Look(PALETTE["yellow"], "+++"),
    }
)


def figure(width: float = 7.2, height: float = 3.6) -> Figure:
    """Return an empty figure in the style of the course, without pyplot.

    Parameters
    ----------
    width, height : float
        Size in inches; a notebook shows 100 px for one.

    Returns
    -------
    matplotlib.figure.Figure
        Make it once and change its artists: that is five times quicker than drawing
        anew.
    """
    with brought_by("course"):
        import matplotlib as mpl
        from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        return Figure(figsize=(width, height), facecolor=PAPER)


def styled() -> AbstractContextManager[None]:
    """Return the context in which axes and artists take the style of the course.

    Returns
    -------
    context manager
        Use it as `with styled(): axes = figure.add_subplot()`.
    """
    with brought_by("course"):
        import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def svg(drawn: Figure) -> str:
    """Return a figure as SVG: the same text for the same picture.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    str
        An `<svg>` element without date or comments; coordinates in steps of 0.1 pt.
        Its text stays text.
    """
    import matplotlib as mpl

    file = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context(_STYLE):
        drawn.savefig(file, format="svg", facecolor=PAPER, metadata=nothing)
    text = _FURNITURE.sub("", file.getvalue())
    text = text[text.index("<svg") :].replace(_FONT, _FONTS)
    text = _PLACED.sub(_rounded, text)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def _rounded(attribute: re.Match[str]) -> str:
    return f'{attribute[1]}="{_LONG.sub(_tenth, attribute[2])}"'


def _tenth(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def box(
    ax: Axes, corner: tuple[float, float], width: float, height: float, **style: object
) -> Rectangle:
    """Draw a rectangle from its corner at the lower left."""
    from matplotlib.patches import Rectangle

    keywords: Style = style
    patch = Rectangle(corner, width, height, **keywords)
    ax.add_patch(patch)
    return patch


def image(picture: str, alt: str) -> str:
    """Return an `<img>` that holds an SVG picture.

    Parameters
    ----------
    picture : str
        SVG text, as `svg` makes it.
    alt : str
        What the picture says, in words and numbers.

    Returns
    -------
    str
        HTML.  JupyterLab shows it in a notebook that nobody has run or trusted, where
        it would drop a bare `<svg>`.

    Raises
    ------
    ValueError
        If the description is empty.
    """
    if not alt.strip():
        raise ValueError(f"alt must say what the picture says, got {alt!r}")
    width, height = (round(side / 0.72) for side in _size(picture))
    source = quote(picture, safe=" !*();:@=+$,/?[]'")
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" decoding="sync" '
        f'style="max-width: 100%" src="data:image/svg+xml,{source}">'
    )


def _size(picture: str) -> tuple[float, float]:
    box = re.search(r'viewBox="([^"]*)"', picture)
    if box is None:
        raise ValueError("picture must be an SVG with a view box")
    _, _, width, height = map(float, box[1].split())
    return width, height


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture and what it says, as a notebook's result."""

    svg: str
    alt: str

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt)

    def __repr__(self) -> str:
        return self.alt


def show(drawn: Figure, *, alt: str) -> Shown:
    """Return a figure as a notebook shows and stores it.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure
        The figure.
    alt : str
        What the picture says, in words and numbers.

    Returns
    -------
    Shown
        An `<img>` with its description; as plain text, the description.

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> show(figure(1, 1), alt="An empty square, one inch wide.")
    An empty square, one inch wide.
    """
    if not alt.strip():
        raise ValueError(f"alt must say what the picture says, got {alt!r}")
    return Shown(svg(drawn), alt)


def contrast(first: str, second: str) -> float:
    """Return how well two colours are told apart: the ratio of WCAG 2.

    Parameters
    ----------
    first, second : str
        Colours such as "#0072b2".

    Returns
    -------
    float
        From 1 (the same) to 21 (black on white); text needs 4.5.

    Examples
    --------
    >>> round(contrast("#ffffff", "#000000"))
    21
    """
    low, high = sorted(map(_luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (
        x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
