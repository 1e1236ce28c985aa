"""A whole system in the language of the PRISM model checker, with its rewards.

Each part that fails on its own is a module; what clients find depends on what all of
them show, and is a reward: the share of the reads, or of the writes, that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hamodel._types import FloatArray
from hamodel.architectures import Model, Part
from hamodel.assessment._shares import Shares, shares_by_operation
from hamodel.assessment._visits import Process
from hamodel.assessment.latency import Paths

_MOST = 50_000  # combinations of what parts show
_HEAD = """\
// The availability of a system: one module for each part that fails on its own.
// Times that are not exponential count by their means, or by their chance in a race.
// Long-run share of the writes that fail:  PRISM  R{"write"}=? [ S ]
//                                          Storm  R{"write"}=? [ LRA ]
// Expected downtime of a year in s:        R{"write"}=? [ C<=31536000 ]
ctmc
"""


def to_prism(paths: Paths, model: Model, operations: Sequence[str]) -> str:
    """Return the text of a .prism file."""
    apart = tuple(
        replace(part, along=None) if isinstance(part, Part) else part
        for part in model.parts
    )
    model = replace(model, parts=apart)  # modules are independent
    found = [shares_by_operation(paths, model, o) for o in operations]
    shares, processes = found[0]
    moving = [i for i, p in enumerate(processes) if len(shares.views[i]) > 1]
    count = math.prod(len(shares.views[i]) for i in moving)
    if count > _MOST:
        raise ValueError(
            f"a PRISM model must have at most {_MOST:,} combinations of what its parts "
            f"show, got {count:,}: fewer sites or servers make fewer"
        )
    lines = [_HEAD]
    for i in moving:
        lines += _module(i, shares, processes[i])
    for operation, (own, _) in zip(operations, found, strict=True):
        lines += [f'rewards "{operation}"']
        lines += [f"  {where} : {share!r};" for where, share in _rewards(own, moving)]
        lines += ["endrewards", ""]
    return "\n".join(lines)


def _module(i: int, shares: Shares, process: Process) -> Iterator[str]:
    """Yield the lines of a part: its states and moves, and what it shows."""
    rates = _rates(process)
    n = len(process.views)
    name = " ".join(shares.leaves[i].name.split())
    yield f"module part{i}  // {name}"
    yield f"  s{i} : [0..{n - 1}] init 0;"
    for k in range(n):
        yield f"  // {k}: {' '.join(str(process.views[k]).split())}"
        for j in np.flatnonzero(rates[k]):
            yield f"  [] s{i}={k} -> {float(rates[k, j])!r} : (s{i}'={j});"
    yield "endmodule"
    for number, view in enumerate(shares.views[i]):
        states = [f"s{i}={k}" for k, shown in enumerate(process.views) if shown == view]
        yield f"formula v{i}_{number} = {' | '.join(states) or 'false'};"
    yield ""


def _rates(process: Process) -> FloatArray:
    """Return all rates; a clock counts as in the chain of the part."""
    rates = process.moves.rates.copy()
    for k, clock in process.moves.clocks.items():
        rates[k] += clock.goals * clock.rate
    np.fill_diagonal(rates, 0.0)
    return rates


def _rewards(shares: Shares, moving: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Yield conditions on what parts show, and the share that then fails."""

    def tree(depth: int, shown: dict[int, int]) -> float | list[object]:
        if depth == len(moving):
            return shares.of(shown)
        i = moving[depth]
        found = [tree(depth + 1, {**shown, i: k}) for k in range(len(shares.views[i]))]
        first = found[0]
        alike = not isinstance(first, list) and all(one == first for one in found)
        return first if alike else list(found)

    def walk(node: object, depth: int, where: list[str]) -> Iterator[tuple[str, float]]:
        if not isinstance(node, list):
            assert isinstance(node, float)
            if node > 0:
                yield " & ".join(where) or "true", node
            return
        for k, inner in enumerate(node):
            yield from walk(inner, depth + 1, [*where, f"(v{moving[depth]}_{k})"])

    yield from walk(tree(0, {}), 0, [])
