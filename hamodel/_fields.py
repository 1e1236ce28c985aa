"""Fields of nested specifications, read and replaced by their paths.

A path names a field from the outside in, `failover.promotion`; where dots cannot be
written, as in keyword arguments, two underscores stand for one: `failover__promotion`.
A part that is kept as something else (a heartbeat as the law of its delay) is read as
it was given, from the mapping `mechanisms` of its owner.

One path names no field: `mtbf`, the mean time between failures, is understood wherever
there are `mttf` and `mttr`, and stands for their sum.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import numpy as np

from hamodel._types import Value
from hamodel.fields import About, described

Spec = TypeVar("Spec")

_SUM = "mtbf"  # mttf + mttr


def paths(spec: object, within: str = "") -> Iterator[tuple[str, Value]]:
    """Yield every field with its path, those that hold further fields included."""
    names = set()
    for name, value in _given(spec).items():
        names.add(name)
        yield f"{within}{name}", value
        if _has_fields(value):
            yield from paths(value, f"{within}{name}.")
        elif isinstance(value, tuple):
            for place, one in enumerate(value):
                if _has_fields(one):
                    yield from paths(one, f"{within}{name}.{place}.")
    if {"mttf", "mttr"} <= names:
        yield f"{within}{_SUM}", None


def candidates(spec: object, name: str) -> list[str]:
    """Return the paths that a name may mean: the exact one, or all that fit."""
    wanted = name.replace("__", ".")
    known = [path for path, _ in paths(spec)]
    if wanted in known:
        return [wanted]
    return [path for path in known if _fits(wanted.split("."), path.split("."))]


def full_path(spec: object, name: str) -> str:
    """Return the path that a name means; levels may be left out where one fits."""
    found = candidates(spec, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{name} is ambiguous: it may mean {', '.join(found)}")
    raise ValueError(
        f"{name} is no parameter of {type(spec).__name__}{nearest(name, spec)}"
    )


def nearest(name: str, *specs: object) -> str:
    """Return a hint at the field that is most like a name, or nothing."""
    wanted = name.replace("__", ".")
    known = {path: value for spec in specs for path, value in paths(spec)}
    whole, _, _ = wanted.rpartition(".")
    if whole in known and not _has_fields(known[whole]):
        return f": {whole} is {known[whole]!r}, which has no such part"
    ends = {path.rpartition(".")[2]: path for path in known}
    near = difflib.get_close_matches(wanted, known, n=1) or [
        ends[end]
        for end in difflib.get_close_matches(wanted.rpartition(".")[2], ends, n=1)
    ]
    return f"; did you mean {near[0]!r}?" if near else ""


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping of mappings from values by their paths."""
    whole: dict[str, object] = {}
    for path, value in values.items():
        inner: Value = whole
        *owners, last = path.split(".")
        for name in owners:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{path} is within a value that is set too")
        inner[last] = value
    return whole


def value_at(spec: object, path: str) -> Value:
    """Return the value of a field by its path; of `mtbf`, the sum that it means."""
    *owners, last = path.split(".")
    for name in owners:
        spec = _held(spec, name)
    if last == _SUM:
        return _held(spec, "mttf") + _held(spec, "mttr")
    return _held(spec, last)


def about_at(spec: object, path: str) -> About | None:
    """Return what a field is by its path; None where its class does not say."""
    owner, _, last = path.rpartition(".")
    made: Value = type(value_at(spec, owner) if owner else spec)
    known = described(made)
    if last == _SUM and "mttf" in known:
        return dataclasses.replace(known["mttf"], label="mean time between failures")
    return known.get(last)


def replaced(spec: Spec, values: Mapping[str, Value]) -> Spec:
    """Return a specification with the fields of some paths replaced and checked."""
    found = {full_path(spec, name): value for name, value in values.items()}
    made: Spec = _with(spec, {tuple(path.split(".")): v for path, v in found.items()})
    return made


def _with(spec: Value, values: Mapping[tuple[str, ...], Value]) -> Value:
    """Replace several fields at once, so that only what results has to be valid."""
    if isinstance(spec, tuple):
        return _with_places(spec, values)
    held = _given(spec)
    new: dict[str, Value] = {p[0]: v for p, v in values.items() if len(p) == 1}
    for name in {path[0] for path in values if len(path) > 1}:
        inner = {p[1:]: v for p, v in values.items() if len(p) > 1 and p[0] == name}
        new[name] = _with(new.get(name, held[name]), inner)
    held |= new
    if _SUM in new:
        held["mttf"] = _mean_time_to_failure(held.pop(_SUM), held["mttr"])
    return replace(spec, **held)


def _with_places(
    specs: tuple[Value, ...], values: Mapping[tuple[str, ...], Value]
) -> tuple[Value, ...]:
    """Replace fields of some of several specifications, each named by its place."""
    found = list(specs)
    for place in {path[0] for path in values}:
        inner = {p[1:]: v for p, v in values.items() if p[0] == place}
        found[int(place)] = _with(found[int(place)], inner)
    return tuple(found)


def _held(spec: object, name: str) -> Value:
    """Return a field, or one of several specifications by its place."""
    return spec[int(name)] if isinstance(spec, tuple) else _given(spec)[name]


def _mean_time_to_failure(between: Value, repair: Value) -> Value:
    """Return the time to failure of a time between failures, which holds a repair."""
    short = np.asarray(between) <= np.asarray(repair)
    if np.any(short):
        gap, limit = (
            np.broadcast_to(x, short.shape)[short].flat[0] for x in (between, repair)
        )
        raise ValueError(f"mtbf must be > mttr ({limit:g}), got {gap:g}")
    return np.asarray(between)[()] - repair


def _given(spec: object) -> dict[str, Value]:
    """Return the fields that a specification was made from."""
    kept = getattr(spec, "mechanisms", {})
    chosen = [f.name for f in fields(spec) if f.init]  # type: ignore[arg-type]
    return {name: kept.get(name, getattr(spec, name)) for name in chosen}


def _has_fields(value: object) -> bool:
    """Tell whether a value is a specification; a law of a time is one value."""
    return (
        is_dataclass(value)
        and not isinstance(value, type)
        and not hasattr(value, "quantile")
    )


def _fits(wanted: list[str], path: list[str]) -> bool:
    """Tell whether the last names agree and the others come in order."""
    if wanted[-1] != path[-1]:
        return False
    levels = iter(path)
    return all(name in levels for name in wanted)
