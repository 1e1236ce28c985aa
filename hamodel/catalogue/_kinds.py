"""Kinds of architecture by name, and how nested specifications are made of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from hamodel import _check
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Cache,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Standby,
    Tier,
)
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage

#: Architectures by the name that files give them.
KINDS: Mapping[str, type] = MappingProxyType(
    {
        "single-primary": SinglePrimary,
        "active-passive": ActivePassive,
        "active-active": ActiveActive,
        "majority": Majority,
        "leaderless": Leaderless,
    }
)
_PARTS = (
    *(Node, Tier, Site, Cache, Standby, Maintenance),
    *(Failover, Replication, WriteStage),
)
_NAMED = {part.__name__: part for part in _PARTS}


def kind(name: str) -> type:
    """Return the architecture of a name."""
    _check.one_of(KINDS, architecture=name)
    return KINDS[name]


def name_of(architecture: object) -> str:
    """Return the name of an architecture's kind."""
    return next(name for name, made in KINDS.items() if made is type(architecture))


def inner(spec: type, field: str) -> type | None:
    """Return the specification that a field holds, or None if it holds a value."""
    words = re.findall(r"\w+", str(spec.__dataclass_fields__[field].type))  # type: ignore[attr-defined]
    return next((_NAMED[word] for word in words if word in _NAMED), None)


def built(spec: type, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return a specification made of values, those of inner ones in mappings."""
    known = [field.name for field in fields(spec) if field.init]
    given = {}
    for name, value in values.items():
        _check.one_of(known, parameter=name)
        part = inner(spec, name)
        made = part is not None and isinstance(value, Mapping)
        given[name] = built(part, value) if made and part is not None else value
    return spec(**given)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted paths as mappings in mappings."""
    whole: dict[str, Any] = {}
    for path, value in values.items():
        *outer, last = path.split(".")
        place = whole
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = value
    return whole


def settable(spec: type, within: str = "") -> list[str]:
    """Return the paths of all fields that can be given, those of inner ones too."""
    found = []
    for field in fields(spec):
        if field.init:
            found.append(f"{within}{field.name}")
            part = inner(spec, field.name)
            if part is not None:
                found += settable(part, f"{within}{field.name}.")
    return found


def inner_at(spec: type, path: str) -> type | None:
    """Return the specification that a path leads to, or None if to a value."""
    part: type | None = spec
    for name in path.split("."):
        part = None if part is None else inner(part, name)
    return part


def whole_at(spec: type, path: str, value: Any) -> Any:  # noqa: ANN401
    """Return a value as its field counts: whole numbers where it holds such."""
    outer, _, last = path.rpartition(".")
    owner = inner_at(spec, outer) if outer else spec
    if owner is None or last not in owner.__dataclass_fields__:  # type: ignore[attr-defined]
        return value  # whoever builds it says what is wrong
    noted = str(owner.__dataclass_fields__[last].type)  # type: ignore[attr-defined]
    if noted.startswith("int"):
        return int(value)
    if noted.startswith("Mapping[str, int]"):
        return {name: int(count) for name, count in value.items()}
    return value
