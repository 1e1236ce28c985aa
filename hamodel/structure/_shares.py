"""How much of each part's failures lies inside failed minimal cut sets.

Fussell-Vesely importance asks for the union of all minimal cut sets that hold a part.
In general that union needs a decision diagram of its own per part.  But a block whose
parts stand nowhere else meets the rest of the structure at one point only: outside it
the block counts as one part, inside it the answer is a product along the way down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from hamodel._types import Quantity
from hamodel.structure import _circuit, _probability, _sets
from hamodel.structure._bdd import Builder, Diagram
from hamodel.structure._circuit import Circuit, Gate, Leaf
from hamodel.structure._probability import plus, times


def of_diagram(diagram: Diagram, q: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return for every part P(the rest of some cut set with it has failed)."""
    families, found = _sets.minimal(diagram)
    builder, made = Builder(diagram.order), dict[int, int]()
    tops = {}
    for level, name in enumerate(diagram.order):
        tops[name] = families.union(builder, families.beside(found, level), made)
    value = _probability.down(builder.everything(), q)
    return {name: value[top] for name, top in tops.items()}


def of_circuit(circuit: Circuit, q: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return what `of_diagram` does, block by block."""
    circuit = _regrouped(_circuit.reachable(circuit))
    private = _private(circuit)
    down = _down(circuit, private, q)
    tops = _tops(circuit, private)
    cut = (Leaf(_block(i)) if i in tops else n for i, n in enumerate(circuit))
    outside = _circuit.reachable(tuple(cut))  # each largest private node is one part
    chance = dict(q) | {_block(i): down[i] for i in tops}
    found = of_diagram(_circuit.diagram(outside), chance)
    shares: list[Quantity] = [0] * len(circuit)
    for i in tops:
        shares[i] = found.pop(_block(i))
    for i in reversed(range(len(circuit))):
        node = circuit[i]
        if not private[i]:
            continue
        if isinstance(node, Leaf):
            found[node.name] = shares[i]
            continue
        others = _others([down[j] for j in node.inputs], node.tolerated)
        for j, factor in zip(node.inputs, others, strict=True):
            shares[j] = times(shares[i], factor)
    return found


def _block(i: int) -> str:
    return f"block {i}\0"  # no part has such a name


def _private(circuit: Circuit) -> list[bool]:
    """Tell of every node whether its parts stand nowhere else."""
    ways = [0] * (len(circuit) - 1) + [1]  # ways down to the node, 2 for many
    for i in reversed(range(len(circuit))):
        node = circuit[i]
        if isinstance(node, Gate):
            for j in node.inputs:
                ways[j] = min(2, ways[j] + ways[i])
    uses = Counter[str]()
    for node, number in zip(circuit, ways, strict=True):
        if isinstance(node, Leaf):
            uses[node.name] += number
    private: list[bool] = []
    for node in circuit:
        if isinstance(node, Leaf):
            private.append(uses[node.name] == 1)
        else:
            private.append(all(private[j] for j in node.inputs))
    return private


def _regrouped(circuit: Circuit) -> Circuit:
    """Gather the private inputs of each all- or any-gate under a gate of their own."""
    private = _private(circuit)
    flat: list[Leaf | Gate] = []
    new: list[int] = []
    for i, node in enumerate(circuit):
        if isinstance(node, Gate):
            inputs = [new[j] for j in node.inputs]
            own = [new[j] for j in node.inputs if private[j]]
            simple = node.tolerated == 0 or node.needed == 1
            if simple and not private[i] and len(own) > 1:
                flat.append(Gate(len(own) if node.tolerated == 0 else 1, tuple(own)))
                inputs = [len(flat) - 1, *(j for j in inputs if j not in own)]
            needed = len(inputs) if node.tolerated == 0 else node.needed
            node = Gate(needed, tuple(inputs))
        flat.append(node)
        new.append(len(flat) - 1)
    return tuple(flat)


def _tops(circuit: Circuit, private: Sequence[bool]) -> frozenset[int]:
    """Return the largest private nodes."""
    inside: set[int] = set()
    for node, own in zip(circuit, private, strict=True):
        if own and isinstance(node, Gate):
            inside |= set(node.inputs)
    return frozenset(i for i, own in enumerate(private) if own and i not in inside)


def _down(
    circuit: Circuit, private: Sequence[bool], q: Mapping[str, Quantity]
) -> list[Quantity]:
    """Return P(down) of every private node; its inputs are independent."""
    down: list[Quantity] = []
    for node, own in zip(circuit, private, strict=True):
        if not own:
            down.append(0)
        elif isinstance(node, Leaf):
            down.append(q[node.name])
        else:
            count = node.tolerated + 1
            down.append(_tails([down[j] for j in node.inputs], count)[-1][count])
    return down


def _tails(chances: Sequence[Quantity], count: int) -> list[list[Quantity]]:
    """Return rows i with P(at least j of the first i), j = 0 .. count."""
    rows: list[list[Quantity]] = [[1] + [0] * count]
    for chance in chances:
        before = rows[-1]
        row: list[Quantity] = [1]
        for j in range(1, count + 1):
            more = times(chance, before[j - 1])
            row.append(plus(more, times(1 - chance, before[j])))
        rows.append(row)
    return rows


def _others(chances: Sequence[Quantity], count: int) -> list[Quantity]:
    """Return for each event P(at least `count` of the others)."""
    if count == 0:
        return [1] * len(chances)
    number = len(chances)
    if count == number - 1:
        return _products_of_others(chances)
    after = _tails(chances[::-1], count)[::-1]  # after[i]: tails of events i and later
    exact: list[Quantity] = [1] + [0] * count  # P(exactly j of the events before)
    found = []
    for i, chance in enumerate(chances):
        # the last entry is `count or more`: then the later events do not matter
        total: Quantity = exact[count]
        for j in range(count):
            term = times(exact[j], after[i + 1][count - j])
            total = plus(total, term)
        found.append(total)
        shifted = [times(chance, x) for x in exact]
        stay = [times(1 - chance, x) for x in exact[:-1]] + [exact[-1]]
        moved = [0, *shifted[:-1]]
        exact = [plus(a, b) for a, b in zip(stay, moved, strict=True)]
    return found


def _products_of_others(chances: Sequence[Quantity]) -> list[Quantity]:
    before = list(accumulate(chances[:-1], times, initial=1))
    after = list(accumulate(chances[:0:-1], times, initial=1))
    return [times(a, b) for a, b in zip(before, reversed(after), strict=True)]
