"""The answers at some points of a grid, all at once or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamodel import _check
from hamodel._types import FloatArray, Value
from hamodel.assessment import MEASURES, Assessment, Measure, assess
from hamodel.sweeping._parameters import Case, Parameter, plain

#: Numbers of some points, by measure; of causes, one number for each.
Answers = dict[str, "FloatArray | dict[str, FloatArray]"]

#: Downtime by cause, which has a dimension of its own.
BUDGETS = {
    f"{operation}_downtime_by_cause": operation for operation in ("write", "read")
}


def measure_of(name: str) -> Measure:
    """Return the measure of a name; a budget of causes is one too."""
    if name in MEASURES:
        return MEASURES[name]
    operation = BUDGETS[name]

    def causes(of: Assessment) -> Value:
        return getattr(of, operation).downtime_by_cause

    label = f"unavailability of {operation}s by cause"
    return Measure(name=name, unit="", label=label, of=causes, arrays=True)


def chosen(quantities: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the names of measures; by default all that take arrays."""
    if quantities is None:
        return (*BUDGETS, *(n for n, m in MEASURES.items() if m.arrays))
    names = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    if not names:
        raise ValueError("quantities must name at least one measure, got none")
    for name in names:
        _check.one_of((*MEASURES, *BUDGETS), quantities=name)
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Points that lie in a row, and what is asked of them.

    `choices` are the same at all of them, `columns` hold a number for each.
    """

    question: Case
    choices: Mapping[str, object]
    columns: Mapping[str, NDArray[np.generic]]
    count: int
    quantities: tuple[str, ...]
    at_once: bool

    def answers(self) -> Answers:
        """Return the numbers of all points."""
        if self.at_once:
            try:
                return self._at_once()
            except (TypeError, ValueError):  # what one point cannot answer, it says
                pass
        return self._one_by_one()

    def _at_once(self) -> Answers:
        found = _asked(self.question, {**self.choices, **self.columns})
        return {
            name: _shaped(measure_of(name).of(found), self.count)
            for name in self.quantities
        }

    def _one_by_one(self) -> Answers:
        columns = {path: plain(values) for path, values in self.columns.items()}
        rows = []
        for k in range(self.count):
            values = dict(self.choices) | {
                p: column[k] for p, column in columns.items()
            }
            try:
                found = _asked(self.question, values)
                rows.append([measure_of(name).of(found) for name in self.quantities])
            except ValueError as error:
                where = ", ".join(f"{path} = {value}" for path, value in values.items())
                raise ValueError(f"at {where}: {error}") from error
        return {
            name: _column([row[i] for row in rows])
            for i, name in enumerate(self.quantities)
        }


def _asked(question: Case, values: Mapping[str, object]) -> Assessment:
    at = question.at(values)
    return assess(at.architecture, at.workload)


def _shaped(value: Value, count: int) -> FloatArray | dict[str, FloatArray]:
    if isinstance(value, Mapping):
        return {cause: _row(share, count) for cause, share in value.items()}
    return _row(value, count)


def _row(value: object, count: int) -> FloatArray:
    return np.array(np.broadcast_to(np.asarray(value, float), (count,)))


def _column(values: Sequence[Value]) -> FloatArray | dict[str, FloatArray]:
    if not isinstance(values[0], Mapping):
        return np.array(values, float)
    causes = dict.fromkeys(cause for value in values for cause in value)
    return {c: np.array([value.get(c, 0.0) for value in values]) for c in causes}


def take_arrays(
    question: Case, along: Sequence[Parameter], quantities: Iterable[str]
) -> list[str]:
    """Return the measures that may be asked for a whole dimension at once.

    It is tried at both ends of the dimension: they may if they say there for an array
    what they say for single numbers.
    """
    if len(along[0].values) < 2 or not all(p.numeric for p in along):
        return []
    ends = {p.path: p.values[[0, -1]] for p in along}
    try:
        both = _asked(question, ends)
        single = [
            _asked(question, {path: plain(v)[k] for path, v in ends.items()})
            for k in (0, 1)
        ]
    except (TypeError, ValueError):
        return []
    return [name for name in quantities if _agree(measure_of(name).of, both, single)]


def _agree(
    of: Callable[[Assessment], Value], both: Assessment, single: Sequence[Assessment]
) -> bool:
    try:
        return _same(_shaped(of(both), 2), _column([of(one) for one in single]))
    except (TypeError, ValueError):
        return False


def _same(first: Value, second: Value) -> bool:
    if isinstance(first, Mapping):
        nothing = np.zeros(2)
        return all(
            _same(first.get(c, nothing), second.get(c, nothing))
            for c in {**first, **second}
        )
    return bool(np.allclose(first, second, rtol=1e-9, atol=0))
