"""A chain as a graph that Graphviz draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel import text

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from hamodel._types import Quantity

_UP, _DOWN = "#d9f0e3", "#fbd9cf"


def to_dot(
    law: Mapping[Hashable, Quantity],
    rates: Mapping[tuple[Hashable, Hashable], Quantity],
    up: Collection[Hashable],
) -> str:
    """Return the text of a .dot file: a node for each state, an edge for each move."""
    number = {state: k for k, state in enumerate(law)}
    lines = ["digraph chain {", "  rankdir=LR;", '  node [shape=box, style="filled"];']
    for state, share in law.items():
        colour, frame = (_UP, "rounded,filled") if state in up else (_DOWN, "filled")
        label = f"{quoted(state)}\\n{text.spread(share, text.share)}"
        look = f'fillcolor="{colour}", style="{frame}"'
        lines.append(f'  {number[state]} [label="{label}", {look}];')
    for (a, b), rate in rates.items():
        shown = quoted(text.spread(rate, text.rate))
        lines.append(f'  {number[a]} -> {number[b]} [label="{shown}"];')
    return "\n".join([*lines, "}", ""])


def quoted(word: object) -> str:
    """Return a word as it may stand between quotes."""
    plain = " ".join(str(word).split())
    return plain.replace("\\", "\\\\").replace('"', '\\"')
