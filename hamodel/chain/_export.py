"""A chain for other tools: for Graphviz a graph, for PRISM and Storm a model."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping, Sequence

from hamodel import text
from hamodel._types import Quantity


def to_prism(
    states: Sequence[Hashable],
    rates: Mapping[tuple[Hashable, Hashable], Quantity],
    up: Collection[Hashable],
) -> str:
    """Return the chain as the text of a PRISM model; the first state is the start."""
    number = {state: k for k, state in enumerate(states)}
    symbols = sorted(
        {str(s) for rate in rates.values() for s in getattr(rate, "free_symbols", ())}
    )
    for name in symbols:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"a symbol must be a PRISM identifier, got {name!r}")
    lines = ["ctmc", ""]
    lines += [f"const double {name};" for name in symbols]
    lines += ["" for _ in symbols[:1]]
    lines += ["module chain", f"  s : [0..{max(len(states) - 1, 1)}] init 0;"]
    ways: dict[Hashable, list[str]] = {state: [] for state in states}
    for (a, b), rate in rates.items():
        ways[a].append(f"  [] s={number[a]} -> {_written(rate)} : (s'={number[b]});")
    for k, state in enumerate(states):
        label = str(state).replace("\n", " ")
        lines += [f"  // {k}: {label}", *ways[state]]
    lines += ["endmodule", ""]
    for name, wanted in (("up", True), ("down", False)):
        places = [f"s={number[s]}" for s in states if (s in up) is wanted]
        lines.append(f'label "{name}" = {" | ".join(places) or "false"};')
    return "\n".join([*lines, ""])


def _written(rate: Quantity) -> str:
    if hasattr(rate, "free_symbols"):
        from sympy import ccode

        power = [(lambda *_: True, "pow")]
        return f"({ccode(rate, user_functions={'Pow': power})})"
    if not isinstance(rate, int | float):
        raise ValueError(f"rates must be numbers or expressions, got {rate!r}")
    return repr(float(rate))


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
