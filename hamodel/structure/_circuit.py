"""The structure as it is written: parts, and gates over them.

A circuit is a flat tuple of nodes, inputs before gates and the whole last, so that
depth costs nothing.  A gate works when at least `needed` of its inputs work.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from hamodel.structure._bdd import Builder, Diagram
from hamodel.structure._errors import StructureTooLargeError

_LIMITS = (2_000, 20_000, 400_000)  # nodes: try every order small before one large


@dataclass(frozen=True)
class Leaf:
    """A component, by name."""

    name: str


@dataclass(frozen=True)
class Gate:
    """A block that works when at least `needed` of its inputs work."""

    needed: int
    inputs: tuple[int, ...]

    @property
    def tolerated(self) -> int:
        """How many inputs may fail."""
        return len(self.inputs) - self.needed


Circuit: TypeAlias = tuple[Leaf | Gate, ...]


def names(circuit: Circuit) -> tuple[str, ...]:
    """Return the parts in the order in which a reader meets them."""
    return tuple(dict.fromkeys(_met(circuit)))


def _met(circuit: Circuit) -> Iterator[str]:
    """Walk from the whole down, left to right; each gate is opened once."""
    todo, opened = [len(circuit) - 1], set()
    while todo:
        i = todo.pop()
        node = circuit[i]
        if isinstance(node, Leaf):
            yield node.name
        elif i not in opened:
            opened.add(i)
            todo += reversed(node.inputs)


def _orders(circuit: Circuit) -> Iterator[tuple[str, ...]]:
    """Yield orders of the parts worth trying, the likeliest first."""
    plain = names(circuit)
    yield plain
    uses = Counter(_met(circuit))
    if max(uses.values()) == 1:
        return  # without shared parts no order beats the text's
    sizes = [1] * len(circuit)
    for i, node in enumerate(circuit):
        if isinstance(node, Gate):
            sizes[i] = sum(sizes[j] for j in node.inputs)
    small_first = [
        Gate(node.needed, tuple(sorted(node.inputs, key=lambda j: sizes[j])))
        if isinstance(node, Gate)
        else node
        for node in circuit
    ]
    yield names(tuple(small_first))
    yield _gathered(circuit, plain)
    yield tuple(sorted(plain, key=lambda name: -uses[name]))


def _gathered(circuit: Circuit, order: tuple[str, ...]) -> tuple[str, ...]:
    """Return an order that keeps the parts of each gate together.

    Every part moves to the mean place of its gates, again and again: Aloul, Markov and
    Sakallah (2003), FORCE, Great Lakes Symposium on VLSI, 116-119.
    """
    gates = [held for held in _held(circuit) if 1 < len(held) < len(order)]
    for _ in range(20):
        place = {name: float(i) for i, name in enumerate(order)}
        pull: dict[str, list[float]] = {name: [] for name in order}
        for held in gates:
            centre = sum(place[name] for name in held) / len(held)
            for name in held:
                pull[name].append(centre)
        aim = {n: sum(p) / len(p) if p else place[n] for n, p in pull.items()}
        moved = tuple(sorted(order, key=lambda name: aim[name]))
        if moved == order:
            break
        order = moved
    return order


def _held(circuit: Circuit, most: int = 64) -> list[frozenset[str]]:
    """Return the parts below each node; none where there are more than `most`."""
    below: list[frozenset[str]] = []
    for node in circuit:
        if isinstance(node, Leaf):
            below.append(frozenset((node.name,)))
            continue
        inner = [below[j] for j in node.inputs]
        whole = frozenset[str]().union(*inner)
        below.append(whole if all(inner) and len(whole) <= most else frozenset())
    return below


def root(builder: Builder, circuit: Circuit) -> int:
    """Return the node of a circuit: down when the circuit is."""
    made: list[int] = []
    for node in circuit:
        if isinstance(node, Leaf):
            made.append(builder.part(node.name))
        else:
            items = [made[i] for i in node.inputs]
            made.append(builder.at_least(node.tolerated + 1, items))
    return made[-1]


def diagram(circuit: Circuit) -> Diagram:
    """Return the decision diagram of a circuit, in the first order that stays small.

    Raises
    ------
    StructureTooLargeError
        If every order needs more nodes than the limit.
    """
    for limit in _LIMITS:
        for order in _orders(circuit):
            builder = Builder(order, limit)
            try:
                return builder.finish(root(builder, circuit))
            except StructureTooLargeError:
                continue
    raise StructureTooLargeError(len(names(circuit)), _LIMITS[-1])


def needing(circuit: Circuit, name: str, dependents: Iterable[str]) -> Circuit:
    """Return the circuit in which each dependent also needs the part `name`."""
    touched = frozenset(dependents)
    flat: list[Leaf | Gate] = [Leaf(name)]
    new: list[int] = []
    for node in circuit:
        if isinstance(node, Gate):
            node = Gate(node.needed, tuple(new[j] for j in node.inputs))
        flat.append(node)
        if isinstance(node, Leaf) and node.name in touched:
            flat.append(Gate(2, (len(flat) - 1, 0)))
        new.append(len(flat) - 1)
    return tuple(flat)


def reachable(circuit: Circuit) -> Circuit:
    """Return the circuit without the nodes that the whole does not use."""
    used = {len(circuit) - 1}
    for i in reversed(range(len(circuit))):
        node = circuit[i]
        if i in used and isinstance(node, Gate):
            used |= set(node.inputs)
    kept = sorted(used)
    new = {i: place for place, i in enumerate(kept)}
    flat: list[Leaf | Gate] = []
    for i in kept:
        node = circuit[i]
        if isinstance(node, Gate):
            node = Gate(node.needed, tuple(new[j] for j in node.inputs))
        flat.append(node)
    return tuple(flat)


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
