"""A structure as a block diagram for Graphviz: up while a path leads through it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hamodel.structure._circuit import Gate, Leaf

if TYPE_CHECKING:
    from hamodel.structure._circuit import Circuit


def to_dot(circuit: Circuit, alone: frozenset[str]) -> str:
    """Return the text of a .dot file; single points of failure have a heavy frame."""
    drawing = _Drawing(circuit, alone)
    first, last = drawing.block(len(circuit) - 1)
    ends = [f"  {a} -> {b};" for a, b in (("request", first), (last, "answer"))]
    head = [
        "digraph blocks {",
        "  rankdir=LR;",
        "  node [shape=box];",
        "  request [shape=plaintext];",
        "  answer [shape=plaintext];",
    ]
    return "\n".join([*head, *drawing.lines, *ends, "}", ""])


class _Drawing:
    """The blocks and wires drawn so far; a part that stands twice is drawn twice."""

    def __init__(self, circuit: Circuit, alone: frozenset[str]) -> None:
        self.circuit, self.alone = circuit, alone
        self.lines: list[str] = []
        self.count = 0

    def block(self, i: int) -> tuple[str, str]:
        """Draw a node of the circuit; return where it begins and where it ends."""
        node = self.circuit[i]
        if isinstance(node, Leaf):
            name = node.name.replace("\\", "\\\\").replace('"', '\\"')
            heavy = ", penwidth=3" if node.name in self.alone else ""
            made = self._node(f'label="{name}"{heavy}')
            return made, made
        if node.needed == len(node.inputs):
            return self._series(node)
        split = self._node("shape=point")
        words = "" if node.needed == 1 else f"{node.needed} of {len(node.inputs)}"
        shape = f'label="{words}", shape=circle' if words else "shape=point"
        join = self._node(shape)
        for inner in node.inputs:
            first, last = self.block(inner)
            self.lines += [f"  {split} -> {first};", f"  {last} -> {join};"]
        return split, join

    def _series(self, node: Gate) -> tuple[str, str]:
        parts = [self.block(inner) for inner in node.inputs]
        for (_, last), (first, _) in itertools.pairwise(parts):
            self.lines.append(f"  {last} -> {first};")
        return parts[0][0], parts[-1][1]

    def _node(self, style: str) -> str:
        self.count += 1
        self.lines.append(f"  n{self.count} [{style}];")
        return f"n{self.count}"
