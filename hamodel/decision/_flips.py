"""The nearest change of one parameter that changes the choice."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, Self

import numpy as np

from hamodel import text
from hamodel._bars import bar
from hamodel._fields import about_at, paths, replaced
from hamodel._types import Value
from hamodel.assessment import Assessment
from hamodel.fields import WRITERS

_STEPS = (1.1, 1.5, 3.0, 10.0, 100.0)
_CLOSE = 1.01


class Choice(Protocol):
    """What a search for flips needs of a decision."""

    @property
    def assessments(self) -> Mapping[str, Assessment]: ...

    @property
    def winner(self) -> str | None: ...

    @property
    def runner_up(self) -> str | None: ...

    def changed(
        self, spec: Callable[[Value], Value], load: Callable[[Value], Value]
    ) -> Self:
        """Return the decision with changed architectures and workload."""
        ...


class Flip(NamedTuple):
    """A parameter, and the value at which another candidate is chosen."""

    path: str  # such as "failover.coverage", or "workload.writes"
    value: float
    flipped: float
    winner: str | None  # who is chosen then
    distance: float  # the factor; of a share above 1/2, that of what lacks to 1
    kind: str = "number"  # of the parameter, as `hamodel.units.KINDS` has them

    @property
    def factor(self) -> float:
        """The flipped value as a multiple of today's."""
        return self.flipped / self.value

    def __str__(self) -> str:
        write = WRITERS.get(self.kind, text.number)
        return (
            f"{self.path}: {write(self.value, 4)} -> {write(self.flipped, 4)} "
            f"({text.number(self.factor)}x), then {self.winner or 'nobody'} is chosen"
        )


class _Knob(NamedTuple):
    path: str
    value: float
    share: bool  # a probability: its complement is scaled where it is near 1
    kind: str


def flips_of(decision: Choice) -> tuple[Flip, ...]:
    """Return the nearest flips: any away from the winner, and one to the runner-up.

    It takes seconds to minutes, so a terminal sees a bar.
    """
    chosen: list[Flip] = []
    second = decision.runner_up
    knobs, near = _knobs(decision), 1.0
    for far in _STEPS:
        level = [
            flip
            for knob in bar(
                knobs, desc=f"changes up to {far:g}x", leave=False, disable=None
            )
            for sign in (1, -1)
            if (flip := _tried(decision, knob, near**sign, far**sign)) is not None
        ]
        level.sort(key=lambda f: abs(math.log(f.distance)))
        if level and not chosen:
            chosen.append(level[0])
        towards = [f for f in level if f.winner == second]
        if towards and all(f.winner != second for f in chosen):
            chosen.append(towards[0])
        if any(f.winner == second for f in chosen):
            break
        near = far
    return tuple(chosen)


def _knobs(decision: Choice) -> list[_Knob]:
    """Return every positive number of the candidates and of the workload."""
    found: dict[str, _Knob] = {}
    for assessment in decision.assessments.values():
        for path, value in paths(assessment.architecture):
            _keep(found, path, value, _kind(assessment.architecture, path))
        for path, value in paths(assessment.workload):
            kind = _kind(assessment.workload, path)
            _keep(found, f"workload.{path}", value, kind)
    return list(found.values())


def _kind(spec: object, path: str) -> str:
    about = about_at(spec, path)
    return "number" if about is None else about.kind


def _keep(found: dict[str, _Knob], path: str, value: object, kind: str) -> None:
    """Keep a number, unless it counts something: that is no matter of a few percent."""
    name = path.rpartition(".")[2]
    if kind == "whole" or name == "exponent" or name.startswith("acknowledgements"):
        return
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        return
    if 0 < value < math.inf:
        share = name in {"coverage", "hit_ratio", "destroyed"}
        found.setdefault(path, _Knob(path, float(value), share, kind))


def _tried(decision: Choice, knob: _Knob, near: float, far: float) -> Flip | None:
    """Return the flip between two factors, if there is one."""
    winner = _winner(decision, knob, far)
    if winner is _IMPOSSIBLE or winner == decision.winner:
        return None
    return _narrowed(decision, knob, near, far)


_IMPOSSIBLE: Value = object()


def _value(knob: _Knob, factor: float) -> float:
    if knob.share and knob.value > 0.5:
        return 1 - (1 - knob.value) * factor
    return knob.value * factor


def _winner(decision: Choice, knob: _Knob, factor: float) -> Value:
    """Return who is chosen with a parameter changed, or that it cannot be."""
    value = _value(knob, factor)
    head, _, rest = knob.path.partition(".")
    load = head == "workload"

    def change(spec: Value) -> Value:
        known = dict(paths(spec))
        path = rest if load else knob.path
        if known.get(path) != knob.value:
            return spec
        return replaced(spec, {path: value})

    def same(spec: Value) -> Value:
        return spec

    try:
        spec, workload = (same, change) if load else (change, same)
        with warnings.catch_warnings():  # what is only tried need not be advisable
            warnings.simplefilter("ignore", UserWarning)
            return decision.changed(spec, workload).winner
    except ValueError:
        return _IMPOSSIBLE


def _narrowed(decision: Choice, knob: _Knob, near: float, far: float) -> Flip:
    """Bisect between a factor that keeps the winner and one that does not."""
    winner = _winner(decision, knob, far)
    while max(far / near, near / far) > _CLOSE:
        middle = math.sqrt(near * far)
        found = _winner(decision, knob, middle)
        if found is not _IMPOSSIBLE and found == decision.winner:
            near = middle
        else:
            far, winner = middle, found
    value = _value(knob, far)
    return Flip(knob.path, knob.value, value, winner, far, knob.kind)
