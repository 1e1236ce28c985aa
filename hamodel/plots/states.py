"""The states of a chain as discs: the area is the share of time spent there.

A disc is green if the service is up in that state, vermilion and hatched if it is down.
Most down states are too small to see: a ring of fixed size, dashed if down, stands
around their true disc, and the number below says how rare they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from math import hypot, sqrt
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel.plots._style import GREY, INK, LOOKS, PALETTE, PAPER, Look, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Circle, FancyArrowPatch
    from matplotlib.text import Text

    from hamodel.chain import Chain

Point = tuple[float, float]

_UP, _DOWN = LOOKS["up"], Look(PALETTE["vermilion"], "xxx")
_FULL = 0.62  # radius of a state in which the chain always is
_RING = 0.14  # radius of the ring around a state too rare to see
_COLUMN, _ROW = 2.6, 1.9  # distance of neighbours
_MOST = 60  # states that a reader could still find
_BACKED: Style = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StateGraph:
    """A drawn chain, whose rates can change without a new drawing.

    Attributes
    ----------
    places : mapping
        Centre of each state's disc.
    discs : mapping of state to Circle
        The discs, in proportion to the probabilities.
    rings : mapping of state to Circle
        The rings that mark states too rare to see.
    names : mapping of state to Text
        Name and probability of each state.
    arrows : mapping of (state, next state) to FancyArrowPatch
        The transitions.
    label : callable
        What a state is called.
    """

    places: Mapping[Hashable, Point]
    discs: Mapping[Hashable, Circle]
    rings: Mapping[Hashable, Circle]
    names: Mapping[Hashable, Text]
    arrows: Mapping[tuple[Hashable, Hashable], FancyArrowPatch]
    label: Callable[[Hashable], str]

    def update(self, chain: Chain) -> str:
        """Show a chain of the same states; states that it lacks become empty.

        Parameters
        ----------
        chain : Chain
            The chain with other rates.

        Returns
        -------
        str
            What the picture says, in words and numbers.

        Raises
        ------
        ValueError
            If the chain has a state that is not drawn, or rates that are no numbers.
        """
        shares = _shares(chain)
        unknown = set(shares) - set(self.places)
        if unknown:
            raise ValueError(f"chain must have the states drawn, got {unknown} too")
        for state, (x, y) in self.places.items():
            share = shares.get(state, 0.0)
            radius = _FULL * sqrt(share)
            self.discs[state].set_radius(radius)
            self.rings[state].set_visible(radius < _RING)
            self.names[state].set_text(f"{self.label(state)}\n{_written(share)}")
            self.names[state].set_position((x, y - max(radius, _RING) - 0.08))
        for (a, b), arrow in self.arrows.items():
            arrow.set_visible((a, b) in chain.rates)
            ends = (shares.get(a, 0.0), shares.get(b, 0.0))
            arrow.set_positions(*_ends(self.places[a], self.places[b], ends))
        return _said(chain, shares, self.label)


def draw_state_graph(
    ax: Axes,
    chain: Chain,
    *,
    label: Callable[[Hashable], str] = str,
    places: Mapping[Hashable, tuple[float, float]] | None = None,
) -> StateGraph:
    """Draw the states of a chain and its transitions.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw; the caller owns them.
    chain : Chain
        A chain of at most 60 states with numbers for rates.
    label : callable
        What a state is called.
    places : mapping, optional
        Centre of each state's disc; by default in columns by the number of jumps
        from the start.

    Raises
    ------
    ValueError
        If there are too many states, a state without a place, or rates that are no
        numbers.

    Examples
    --------
    >>> from hamodel.chain import k_of_n
    >>> from hamodel.plots import figure
    >>> drawn = draw_state_graph(
    ...     figure().add_subplot(), k_of_n(2, 1, fail=1.0, repair=9.0)
    ... )
    >>> drawn.update(k_of_n(2, 1, fail=0.1, repair=9.0))
    '3 states; 2: 97.8 % of the time, 1: 2.17 %, 0 (down): 0.0241 %.'
    """
    from matplotlib.patches import Circle, FancyArrowPatch

    if len(chain.states) > _MOST:
        raise ValueError(
            f"chain must have at most {_MOST} states, got {len(chain.states)}"
        )
    centres = dict(places or _columns(chain))
    lacking = [s for s in chain.states if s not in centres]
    if lacking:
        raise ValueError(f"places must hold every state, lacking {lacking[0]!r}")
    discs, rings, names = {}, {}, {}
    for state, (x, y) in centres.items():
        down = state in chain.down
        look = _DOWN if down else _UP
        edge = {"edgecolor": look.colour, "linestyle": "--" if down else "-"}
        rings[state] = Circle((x, y), _RING, fill=False, zorder=2, **edge)
        discs[state] = Circle((x, y), 0.0, zorder=3, **look.patch)
        ax.add_patch(rings[state])
        ax.add_patch(discs[state])
        names[state] = ax.text(
            *(x, y, ""), ha="center", va="top", color=INK, bbox=_BACKED, zorder=4
        )
    arrows = {}
    for a, b in chain.rates:
        bend = f"arc3,rad={_bend(centres[a], centres[b])}"
        arrows[a, b] = FancyArrowPatch(
            *_ends(centres[a], centres[b], (0.0, 0.0)),
            arrowstyle="-|>",
            mutation_scale=8,
            connectionstyle=bend,
            color=GREY,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
            zorder=1,
        )
        ax.add_patch(arrows[a, b])
    _frame(ax, list(centres.values()))
    drawn = StateGraph(
        places=centres,
        discs=discs,
        rings=rings,
        names=names,
        arrows=arrows,
        label=label,
    )
    drawn.update(chain)
    return drawn


def _shares(chain: Chain) -> dict[Hashable, float]:
    found = chain.steady_state()
    for p in found.values():
        if np.ndim(p) or hasattr(p, "free_symbols"):
            raise ValueError("chain must have numbers for rates, not arrays or symbols")
    return {state: float(p) for state, p in found.items()}


def _columns(chain: Chain) -> dict[Hashable, Point]:
    """Place states in columns by jumps from the start, near to where they come from."""
    column = {chain.start: 0}
    for state in chain.states:  # found breadth first, so predecessors come before
        for a, b in chain.rates:
            if a == state and a in column:
                column.setdefault(b, column[a] + 1)
    last = max(column.values())
    for state in chain.states:
        column.setdefault(state, last + 1)  # never reached
    height = {chain.start: 0.0}
    places: dict[Hashable, Point] = {}
    for number in range(max(column.values()) + 1):
        inside = [s for s in chain.states if column.get(s) == number]
        inside.sort(key=lambda s: -_wanted(s, chain, height))
        middle = sum(_wanted(s, chain, height) for s in inside) / len(inside)
        for k, state in enumerate(inside):
            height[state] = middle + (len(inside) - 1) / 2 - k
            places[state] = number * _COLUMN, height[state] * _ROW
    return places


def _wanted(state: Hashable, chain: Chain, height: Mapping[Hashable, float]) -> float:
    """Return the mean height of the neighbours that have one already."""
    near = [height[a] for a, b in chain.rates if b == state and a in height]
    return sum(near) / len(near) if near else 0.0


def _ends(a: Point, b: Point, shares: tuple[float, float]) -> tuple[Point, Point]:
    """Return where an arrow leaves one disc and meets the other."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = hypot(dx, dy)
    leave, meet = (max(_FULL * sqrt(p), _RING) + 0.04 for p in shares)
    return (
        (a[0] + dx * leave / length, a[1] + dy * leave / length),
        (b[0] - dx * meet / length, b[1] - dy * meet / length),
    )


def _bend(a: Point, b: Point) -> float:
    """Return how much an arrow bends: more if it passes by other states."""
    columns, rows = abs(a[0] - b[0]) / _COLUMN, abs(a[1] - b[1]) / _ROW
    passed = max(0.0, columns - 1) if columns else 2 * max(0.0, rows - 0.5)
    return round(0.18 + 0.12 * passed, 3)


def _frame(ax: Axes, centres: list[Point]) -> None:
    xs, ys = zip(*centres, strict=True)
    ax.set_xlim(min(xs) - 1.2, max(xs) + 1.2)
    ax.set_ylim(min(ys) - 1.4, max(ys) + 0.9)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _written(share: float) -> str:
    if share >= 1e-4 or share == 0:
        return f"{text.number(100 * share)} %"
    return f"{share:.1e}"


def _said(
    chain: Chain, shares: Mapping[Hashable, float], label: Callable[[Hashable], str]
) -> str:
    order = sorted(shares, key=lambda s: -shares[s])
    parts = [
        f"{label(s)}{' (down)' if s in chain.down else ''}: {_written(shares[s])}"
        for s in order[:6]
    ]
    parts[0] += " of the time"
    rest = f", and {len(order) - 6} rarer ones" if len(order) > 6 else ""
    return f"{len(order)} states; {', '.join(parts)}{rest}."
