"""Probabilities of the parts: checked, completed, and split by common causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import numpy as np

from hamodel import _check
from hamodel._types import Quantity
from hamodel.structure._errors import UnknownPartError


def is_client(name: str) -> bool:
    """Tell whether a name is that of the one who asks: it cannot fail."""
    return name.lower() == "client"


def known(field: str, name: object, parts: Sequence[str]) -> None:
    """Raise unless the name is one of the parts."""
    if name not in parts:
        shown = [part for part in parts if not is_client(part)]
        raise UnknownPartError(field, name, shown)


def complete(
    field: str, given: Mapping[str, Quantity], parts: Iterable[str]
) -> dict[str, Quantity]:
    """Return the value of each part, the client's 0 unless given; unchecked."""
    _check.instance(Mapping, **{field: given})
    parts = tuple(parts)
    missing = [n for n in parts if n not in given and not is_client(n)]
    if missing:
        unused = [str(n) for n in given if n not in parts]
        hint = _check.hint(missing[0], unused)
        hint = hint.replace("did you mean", "is it given as")
        raise ValueError(f"{field} must give {', '.join(missing)}{hint}")
    # a bare 0 leaves no trace in a formula
    return {n: _value(given[n]) if n in given else 0 for n in parts}


def probabilities(
    field: str, given: Mapping[str, Quantity], parts: Iterable[str]
) -> dict[str, Quantity]:
    """Return the probability of each part."""
    found = complete(field, given, parts)
    _check.probability(**{f"{field} of {n}": v for n, v in found.items()})
    return found


def common_causes(
    q: Mapping[str, Quantity], groups: Mapping[tuple[str, ...], Quantity]
) -> tuple[dict[str, tuple[str, ...]], dict[str, Quantity]]:
    """Return each common cause with its members, and what every part fails alone.

    A group fails as one with the share β of its smallest q.  The rest of a member's
    failures is its own: 1 - q = (1 - alone)(1 - together), so its q stays what it was.
    """
    members = {_group(group, tuple(q)): tuple(dict.fromkeys(group)) for group in groups}
    alone = dict(q)
    total: dict[str, Quantity] = {}
    for (name, group), beta in zip(members.items(), groups.values(), strict=True):
        _check.probability(**{f"beta of {name}": beta})
        together = _value(beta) * _smallest([q[m] for m in group])
        for member in group:
            total[member] = total.get(member, 0) + _value(beta)
            alone[member] = (alone[member] - together) / (1 - together)
        alone[name] = together
    _check.between(0, 1, **{f"sum of betas of {m}": b for m, b in total.items()})
    return members, alone


def _group(group: Iterable[str], parts: Sequence[str]) -> str:
    """Return the name of the common cause of a group."""
    for member in group:
        known("common_cause", member, parts)
    if isinstance(group, str) or len(set(group)) < 2:
        raise ValueError(f"common_cause must group 2 parts or more, got {group!r}")
    return "common cause of " + ", ".join(dict.fromkeys(group))


def _value(value: Quantity) -> Quantity:
    """Return a number that arithmetic keeps: no bare integer, no list."""
    if isinstance(value, (int, np.generic)):
        return float(value) if not np.iscomplexobj(value) else complex(value)
    return np.asarray(value, dtype=float) if isinstance(value, (list, tuple)) else value


def _smallest(values: Sequence[Quantity]) -> Quantity:
    if any(map(_check.is_symbolic, values)):
        import sympy

        return sympy.Min(*values)
    if any(isinstance(v, (np.ndarray, complex)) for v in values):
        return reduce(np.minimum, values)
    return min(values)


def plain(value: Quantity) -> Quantity:
    """Return a float for what is a single number."""
    if isinstance(value, int):
        return float(value)
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        return value.item()
    return value


def ratio(a: Quantity, b: Quantity, empty: float) -> Quantity:
    """Return a / b; over zero, `empty` for 0 / 0 and otherwise inf."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.broadcast_arrays(a, b)
        none = np.where(a == 0, empty, np.inf)
        return np.divide(a, b, out=none.astype(np.result_type(a, b)), where=b != 0)
    if b == 0:
        return float(empty) if a == 0 else float("inf")
    return plain(a / b)
