"""Fields of nested specifications, read and replaced by their paths.

A path names a field from the outside in, `failover.promotion`; where dots cannot be
written, as in keyword arguments, two underscores stand for one: `failover__promotion`.
"""

from __future__ import annotations

import difflib
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Spec = TypeVar("Spec")


def paths(spec: object, within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field with its path, those that hold further fields included."""
    for field in fields(spec):  # type: ignore[arg-type]
        value = getattr(spec, field.name)
        path = f"{within}{field.name}"
        yield path, value
        if is_dataclass(value):
            yield from paths(value, f"{path}.")


def full_path(spec: object, name: str) -> str:
    """Return the path that a name means; levels may be left out where one fits.

    Raises
    ------
    ValueError
        If no field or several fields fit, with the nearest names.
    """
    wanted = name.replace("__", ".")
    known = [path for path, _ in paths(spec)]
    if wanted in known:
        return wanted
    found = [path for path in known if _fits(wanted.split("."), path.split("."))]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{name} is ambiguous: it may mean {', '.join(found)}")
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    kind = type(spec).__name__
    raise ValueError(f"{name} is no parameter of {kind}{hint}")


def replaced(spec: Spec, values: Mapping[str, Any]) -> Spec:
    """Return a specification with the fields of some paths replaced and checked."""
    for name, value in values.items():
        spec = _with(spec, full_path(spec, name).split("."), value)
    return spec


def _with(spec: Any, path: list[str], value: object) -> Any:  # noqa: ANN401
    name, *rest = path
    if rest:
        value = _with(getattr(spec, name), rest, value)
    return replace(spec, **{name: value})


def _fits(wanted: list[str], path: list[str]) -> bool:
    """Tell whether the last names agree and the others come in order."""
    if wanted[-1] != path[-1]:
        return False
    levels = iter(path)
    return all(name in levels for name in wanted)
