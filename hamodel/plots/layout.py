"""Where the boxes of a structure stand, and which wires run between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from hamodel.structure import Gate, Leaf, Structure

WIDE, HIGH = 1.7, 0.8  # of a box
_GAP, _ROW, _BUS = 0.55, 0.4, 0.35
_MOST = 300  # boxes that a reader could still find

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A line through points; it carries nothing if one of `follows` is down."""

    points: tuple[Point, ...]
    follows: frozenset[int | str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Centres of the boxes of every part, wires, and labels."""

    boxes: Mapping[str, tuple[Point, ...]]
    wires: tuple[Wire, ...]
    labels: tuple[tuple[Point, str], ...]
    blocks: tuple[_Block, ...]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of all boxes and wires."""
        points = [p for places in self.boxes.values() for p in places]
        xs, ys = zip(*points, *(p for w in self.wires for p in w.points), strict=True)
        left, right = min(xs) - WIDE / 2, max(xs) + WIDE / 2
        return left, right, min(ys) - HIGH / 2, max(ys) + HIGH / 2

    def dead(self, down: frozenset[str]) -> frozenset[int | str]:
        """Return the blocks and parts that carry nothing."""
        works: dict[int, bool] = {}
        for i in reversed(range(len(self.blocks))):
            node = self.blocks[i].node
            if isinstance(node, Leaf):
                works[i] = node.name not in down
            else:
                works[i] = sum(works[j] for j in self.blocks[i].inner) >= node.needed
        return frozenset(i for i, up in works.items() if not up) | down


@dataclass
class _Block:
    """A part or gate at one place of the drawing."""

    node: Leaf | Gate
    inner: list[int]
    wide: float = WIDE
    high: float = HIGH
    left: float = 0.0
    middle: float = 0.0

    @property
    def right(self) -> float:
        return self.left + self.wide

    @property
    def in_line(self) -> bool:
        """Whether the inner blocks stand one behind the other."""
        return isinstance(self.node, Gate) and self.node.tolerated == 0


def layout_of(structure: Structure) -> Layout:
    """Return the layout of a path from left to right."""
    blocks = _unfolded(structure.circuit)
    _measure(blocks)
    _place(blocks)
    whole = blocks[0]
    boxes: dict[str, tuple[Point, ...]] = {}
    for block in blocks:
        if isinstance(block.node, Leaf):
            centre = (block.left + WIDE / 2, block.middle)
            boxes[block.node.name] = (*boxes.get(block.node.name, ()), centre)
    before = _before(blocks)
    wires = [wire for i in range(len(blocks)) for wire in _wires(blocks, i, before[i])]
    wires.append(Wire(points=((-_GAP, whole.middle), (0.0, whole.middle))))
    ends = ((whole.right, whole.middle), (whole.right + _GAP, whole.middle))
    wires.append(Wire(points=ends, follows=frozenset((0,))))
    return Layout(
        boxes=boxes,
        wires=tuple(wires),
        labels=tuple(_counts(blocks)),
        blocks=tuple(blocks),
    )


def _unfolded(circuit: tuple[Leaf | Gate, ...]) -> list[_Block]:
    """Return one block per place; a gate used twice is drawn twice."""
    blocks = [_Block(circuit[-1], [])]
    todo = [(0, circuit[-1])]
    while todo:
        i, node = todo.pop()
        if isinstance(node, Leaf):
            continue
        for j in node.inputs:
            blocks[i].inner.append(len(blocks))
            todo.append((len(blocks), circuit[j]))
            blocks.append(_Block(circuit[j], []))
        if len(blocks) > _MOST:
            raise ValueError(f"structure must have <= {_MOST} blocks to be drawn")
    return blocks


def _measure(blocks: list[_Block]) -> None:
    """Find the size of each block, the inner ones first."""
    for block in reversed(blocks):
        inner = [blocks[j] for j in block.inner]
        if block.in_line:
            block.wide = sum(b.wide for b in inner) + _GAP * (len(inner) - 1)
            block.high = max(b.high for b in inner)
        elif inner:
            block.wide = max(b.wide for b in inner) + 2 * _BUS
            block.high = sum(b.high for b in inner) + _ROW * (len(inner) - 1)


def _place(blocks: list[_Block]) -> None:
    """Put each block in its place, the outer ones first."""
    for block in blocks:
        inner = [blocks[j] for j in block.inner]
        if block.in_line:
            left = block.left
            for b in inner:
                b.left, b.middle = left, block.middle
                left += b.wide + _GAP
        else:
            top = block.middle + block.high / 2
            for b in inner:
                b.left = block.left + (block.wide - b.wide) / 2
                b.middle = top - b.high / 2
                top -= b.high + _ROW


def _before(blocks: list[_Block]) -> list[frozenset[int]]:
    """Return for each block those that a request has passed when it gets there."""
    found: list[frozenset[int]] = [frozenset() for _ in blocks]
    for i, block in enumerate(blocks):  # the outer ones first
        for k, j in enumerate(block.inner):
            found[j] = found[i].union(block.inner[:k] if block.in_line else ())
    return found


def _wires(blocks: list[_Block], i: int, before: frozenset[int]) -> list[Wire]:
    """Return the wires inside one block, which a request enters after some others."""
    block = blocks[i]
    inner = [blocks[j] for j in block.inner]
    if block.in_line:
        return [
            Wire(
                points=((a.right, a.middle), (b.left, b.middle)),
                follows=before.union(block.inner[: k + 1]),
            )
            for k, (a, b) in enumerate(itertools.pairwise(inner))
        ]
    found = []
    for j, b in zip(block.inner, inner, strict=True):
        into = ((block.left, block.middle), (block.left, b.middle), (b.left, b.middle))
        out = (
            (b.right, b.middle),
            (block.right, b.middle),
            (block.right, block.middle),
        )
        found.append(Wire(points=into, follows=before))
        found.append(Wire(points=out, follows=before | {j}))
    return found


def _counts(blocks: list[_Block]) -> list[tuple[Point, str]]:
    """Label the gates that need more than one of their inputs."""
    return [
        (
            (block.right, block.middle + block.high / 2),
            f"{block.node.needed} of {len(block.inner)}",
        )
        for block in blocks
        if isinstance(block.node, Gate) and 1 < block.node.needed < len(block.inner)
    ]
