"""How a grid is cut into blocks, and who works on them."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamodel._bars import bar
from hamodel._fields import paths
from hamodel._types import FloatArray, Value
from hamodel.sweeping._evaluate import Answers, Points, take_arrays
from hamodel.sweeping._parameters import Case, Parameter, plain

_TRIAL = 1024  # points by which the memory of one is measured
_MOST = 65_536  # points of a block; more of them are not quicker
_EACH = 2  # blocks for each process of a cluster, so that all have work to the end
_SLOW = 8  # points of a block that is answered one by one
_LATE = 2.0  # s after which a bar is worth showing


class Block(NamedTuple):
    """Points, and where their answers belong."""

    points: Points
    where: tuple[Value, ...]  # an index of the grid, one array or number for each axis


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """The whole grid: what is asked, what varies, and along which dimensions."""

    question: Case
    parameters: tuple[Parameter, ...]
    quantities: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each dimension."""
        found: dict[str, int] = {}
        for parameter in self.parameters:
            found.setdefault(parameter.dim, len(parameter.values))
        return found

    def fixed(self) -> dict[str, object]:
        """Return the numbers and words that are the same at every point."""
        varied = {p.path for p in self.parameters}
        varied |= {p.replace("mtbf", "mttf") for p in varied}  # which it sets
        spec, load = self.question.architecture, self.question.workload
        every = {**dict(paths(spec)), **dict(paths(load, "workload."))}
        return {
            path: value
            for path, value in every.items()
            if path not in varied and isinstance(value, int | float | str | tuple)
        }

    def along(self, dim: str) -> list[Parameter]:
        """Return what varies along a dimension."""
        return [p for p in self.parameters if p.dim == dim]

    def blocks(self, memory: float, processes: int = 0) -> list[Block]:
        """Cut the grid: few large blocks of what can be asked at once, many small.

        `processes` of a cluster are each to have their part of it; 0: there is none.
        """
        share = prod(self.sizes.values()) / max(_EACH * processes, 1)
        largest = min(_MOST, max(ceil(share), _TRIAL))
        wide: dict[str, list[str]] = {name: [] for name in self.quantities}
        for dim in self.sizes:
            for name in take_arrays(self.question, self.along(dim), self.quantities):
                wide[name].append(dim)
        numeric = [d for d in self.sizes if all(p.numeric for p in self.along(d))]
        found: list[Block] = []
        for dims in dict.fromkeys(map(tuple, wide.values())):
            alike = tuple(name for name in wide if tuple(wide[name]) == dims)
            along = list(dims) or numeric
            most = largest if dims else 0
            found += self._cut(along, alike, memory, most)
        return found

    def _cut(
        self, wide: list[str], quantities: tuple[str, ...], memory: float, largest: int
    ) -> Iterator[Block]:
        """Yield blocks that run along some dimensions, one set for each choice.

        `largest` is the number of points that may be asked at once; 0: one by one.
        """
        inner = tuple(self.sizes[dim] for dim in wide)
        at_once, most = largest > 0, _SLOW
        for choice in self._choices(wide):
            if at_once and most == _SLOW:
                first = self._block(choice, wide, range(min(_TRIAL, prod(inner))))
                asked = replace(first.points, quantities=quantities, at_once=True)
                most = min(_fitting(asked, prod(inner), memory), largest)
            for start in range(0, prod(inner), most):
                here = range(start, min(start + most, prod(inner)))
                block = self._block(choice, wide, here)
                asked = replace(block.points, quantities=quantities, at_once=at_once)
                yield block._replace(points=asked)

    def _choices(self, wide: list[str]) -> Iterator[dict[str, int]]:
        """Yield the places along all other dimensions."""
        others = {d: range(n) for d, n in self.sizes.items() if d not in wide}
        for places in product(*others.values()):
            yield dict(zip(others, places, strict=True))

    def _block(self, choice: dict[str, int], wide: list[str], here: range) -> Block:
        shape = tuple(self.sizes[dim] for dim in wide)
        places = np.unravel_index(np.arange(here.start, here.stop), shape or (1,))
        index: dict[str, Value] = dict(choice) | dict(zip(wide, places, strict=False))
        choices, columns = {}, {}
        for p in self.parameters:
            if p.dim in choice:
                choices[p.path] = plain(p.values[[index[p.dim]]])[0]
            else:
                columns[p.path] = p.values[index[p.dim]]
        points = Points(
            question=self.question,
            choices=choices,
            columns=columns,
            count=len(here),
            quantities=(),
            at_once=False,
        )
        return Block(points, tuple(index[dim] for dim in self.sizes))


def _fitting(points: Points, count: int, memory: float) -> int:
    """Return how many points to answer at once, so that they fit into the memory."""
    if count <= _TRIAL:
        return _TRIAL
    own = not tracemalloc.is_tracing()
    if own:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        points.answers()
        used = tracemalloc.get_traced_memory()[1] - before
    finally:
        if own:
            tracemalloc.stop()
    return int(min(max(memory * points.count / max(used, 1), 1), _MOST))


def answered(
    blocks: Sequence[Block], client: Value, progress: bool | None
) -> Iterator[tuple[Block, Answers]]:
    """Yield the blocks with their answers, computed here or on a cluster."""
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    total = sum(block.points.count for block in blocks)
    delay = _LATE if progress is None else 0.0
    with bar(total=total, unit="points", disable=hidden, delay=delay) as shown:
        if client is None:
            for block in blocks:
                yield block, block.points.answers()
                shown.update(block.points.count)
            return
        yield from _on_cluster(blocks, client, shown)


def _on_cluster(
    blocks: Sequence[Block], client: Value, shown: Value
) -> Iterator[tuple[Block, Answers]]:
    """Hand every block to the cluster; what a lost worker held is computed again."""
    from distributed import as_completed

    futures = [client.submit(Points.answers, b.points, pure=False) for b in blocks]
    count = {f.key: b.points.count for f, b in zip(futures, blocks, strict=True)}
    for done in as_completed(futures):
        shown.update(count[done.key])
    yield from zip(blocks, client.gather(futures), strict=True)


def gathered(
    grid: Grid, found: Iterator[tuple[Block, Answers]]
) -> dict[str, FloatArray | dict[str, FloatArray]]:
    """Put the answers of all blocks in their places on the grid."""
    shape = tuple(grid.sizes.values())
    whole: dict[str, Value] = {}
    for block, answers in found:
        for name, values in answers.items():
            if not isinstance(values, Mapping):
                target = whole.setdefault(name, np.empty(shape))
                target[block.where] = _fit(values, block)
                continue
            causes = whole.setdefault(name, {})
            for cause, share in values.items():
                target = causes.setdefault(cause, np.zeros(shape))
                target[block.where] = _fit(share, block)
    return whole


def _fit(values: FloatArray, block: Block) -> NDArray[np.generic] | float:
    """Return one number where the block's place is one point."""
    return values if any(map(np.ndim, block.where)) else float(values[0])
