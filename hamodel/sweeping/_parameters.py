"""What is varied: names, values, dimensions, and the specifications they change."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamodel._fields import about_at, candidates, nearest, replaced, value_at
from hamodel._types import Value
from hamodel.architectures.base import Architecture
from hamodel.units import quantity

_WORKLOAD = "workload"


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """An architecture and a workload: what is asked at every point of a grid."""

    architecture: Architecture
    workload: Value

    def path(self, name: str) -> str:
        """Return the whole path that a name means; that of a workload says so."""
        first, _, rest = name.replace("__", ".").partition(".")
        if first == _WORKLOAD and rest:
            found = [f"{first}.{p}" for p in candidates(self.workload, rest)]
        else:
            ours = candidates(self.workload, name)
            found = candidates(self.architecture, name)
            found = found or [f"{_WORKLOAD}.{path}" for path in ours]
        if len(found) > 1:
            raise ValueError(f"{name} is ambiguous: it may mean {', '.join(found)}")
        if found:
            return found[0]
        where = (self.workload,) if first == _WORKLOAD else self._both
        hint = nearest(rest if first == _WORKLOAD else name, *where)
        kind = type(where[0]).__name__
        raise ValueError(f"{name} is no parameter of {kind}{hint}")

    def words(self, path: str) -> tuple[str, str]:
        """Return what a parameter is called, and its unit; 1 for a plain number."""
        spec, rest = self._at(path)
        about = about_at(spec, rest)
        owner, _, last = rest.rpartition(".")
        whole = owner.replace(".node", "").replace(".", " ")
        label = last.replace("_", " ") if about is None else about.label
        unit = "1" if about is None else about.unit
        return (f"{whole}: {label}" if whole else label), unit

    def value(self, path: str, said: str) -> object:
        """Return what words such as "10 s" mean for a parameter; a choice stays so."""
        spec, rest = self._at(path)
        about = about_at(spec, rest)
        try:
            if about is None:
                return said if isinstance(value_at(spec, rest), str) else quantity(said)
            return about.words(said) if about.is_quantity else said
        except ValueError as refused:
            raise ValueError(f"{path} {refused}") from None

    def at(self, values: Mapping[str, object]) -> Case:
        """Return the question with other values."""
        ours = {p: v for p, v in values.items() if self._at(p)[0] is self.workload}
        rest = {p: v for p, v in values.items() if p not in ours}
        return Case(
            architecture=replaced(self.architecture, rest),
            workload=replaced(
                self.workload, {self._at(p)[1]: v for p, v in ours.items()}
            ),
        )

    @property
    def _both(self) -> tuple[Value, Value]:
        return self.architecture, self.workload

    def _at(self, path: str) -> tuple[Value, str]:
        first, _, rest = path.partition(".")
        ours = first == _WORKLOAD and bool(rest)
        return (self.workload, rest) if ours else (self.architecture, path)


@dataclass(frozen=True, eq=False)
class Column:
    """Values along a dimension that others share: all vary together.

    Attributes
    ----------
    dims : (str,)
        The dimension.
    values : ndarray
        A value for each place.
    """

    dims: tuple[str]
    values: NDArray[np.generic]


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """One parameter with its values along one dimension.

    `values` is an array of numbers, or of objects if they are choices.
    """

    name: str
    path: str
    dim: str
    values: NDArray[np.generic]

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.values.dtype.kind in "iuf"

    @property
    def coordinate(self) -> NDArray[np.generic]:
        """The values as a file can hold them: numbers, truth values or words."""
        if self.numeric:
            return self.values
        if all(isinstance(v, bool | np.bool_) for v in self.values):
            return self.values.astype(bool)
        said = [_said(value) for value in self.values]
        if len(set(said)) < len(said):
            twice = next(word for word in said if said.count(word) > 1)
            raise ValueError(
                f"{self.name} must hold different choices, got {twice} twice"
            )
        return np.array(said)


def read(question: Case, name: str, grid: object) -> Parameter:
    """Return a parameter from what was given for it.

    Raises
    ------
    ValueError
        If it is no parameter, or the grid is empty or has no single dimension.
    """
    path = question.path(name)
    dims = getattr(grid, "dims", None)
    if dims is not None and len(dims) != 1:
        raise ValueError(f"{name} must have one dimension, got {len(dims)}: {dims}")
    values = _values(name, _from_words(question, path, grid))
    if not len(values):
        raise ValueError(f"{name} must have at least one value, got none")
    dim = name if dims is None else str(dims[0])
    return Parameter(name=name, path=path, dim=dim, values=values)


def check(question: Case, parameters: list[Parameter]) -> None:
    """Raise where a value is beyond its limits, whatever the others are.

    A parameter whose neighbours in the same specification vary too is judged with
    them, when its turn comes: what is too many of two is not of three.
    """
    for parameter in parameters:
        owner = parameter.path.rpartition(".")[0]
        near = [p for p in parameters if p.path.rpartition(".")[0] == owner]
        if len(near) > 1:
            continue
        try:
            question.at({parameter.path: parameter.values})
        except (TypeError, ValueError):
            for value in plain(parameter.values):
                _check_one(question, parameter, value)


def _check_one(question: Case, parameter: Parameter, value: object) -> None:
    try:
        question.at({parameter.path: value})
    except ValueError as error:
        raise ValueError(f"{parameter.name}: {error}") from error


def plain(values: NDArray[np.generic]) -> list[Value]:
    """Return values as Python's own numbers, or the choices themselves."""
    return list(values.tolist()) if values.dtype.kind in "iuf" else list(values)


def _from_words(question: Case, path: str, grid: object) -> object:
    """Return a list in which words such as "10 s" are the numbers that they mean."""
    if not isinstance(grid, (list, tuple)):
        return grid
    return [question.value(path, v) if isinstance(v, str) else v for v in grid]


def _values(name: str, grid: object) -> NDArray[np.generic]:
    grid = getattr(grid, "values", grid) if not isinstance(grid, Mapping) else grid
    if isinstance(grid, str | bytes | Mapping) or not isinstance(grid, Iterable):
        raise ValueError(f"{name} must be a list or an array of values, got {grid!r}")
    array = grid if isinstance(grid, np.ndarray) else None
    if array is None:
        grid = list(grid)
        if all(_is_number(value) for value in grid):
            array = np.array(grid)
    if array is None or array.dtype.kind not in "iuf":
        chosen = list(grid)
        array = np.empty(len(chosen), dtype=object)
        array[:] = chosen
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got {array.ndim}")
    return array


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def _said(value: object) -> str:
    if value is None:
        return "none"
    if _is_number(value):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)
