"""What may stand where, for editors: a JSON schema made from the specifications."""

from __future__ import annotations

import re
from inspect import getdoc
from typing import Any

from hamodel.catalogue._kinds import KINDS, inner
from hamodel.decision import Requirements
from hamodel.failover import MECHANISMS
from hamodel.specfile._fields import (
    LAWS,
    STAGES,
    is_optional,
    kind_of,
    required,
    settable,
)
from hamodel.specfile._read import BELIEFS, DISTRIBUTIONS
from hamodel.units import KINDS as ASKED
from hamodel.workload import Workload

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON schema of system files.

    Returns
    -------
    dict
        Draft 2020-12.  It tells where each field may stand and of what shape it is;
        limits and what fits together are checked by `load`.

    Examples
    --------
    >>> sorted(schema()["properties"]["architecture"]["enum"])[:2]
    ['active-active', 'active-passive']
    """
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {
        "title": {"type": "string", "description": "What the system is called."},
        "summary": {"type": "string", "description": "What it is, in a sentence."},
        "extends": {
            "type": "string",
            "description": "A preset, or another file whose fields this one replaces.",
        },
        "architecture": {"enum": list(KINDS), "description": "How it is run."},
        "workload": _ref(Workload, definitions),
        "requirements": _ref(Requirements, definitions, partial=True),
    }
    for made in KINDS.values():
        for name, shape in _fields(made, definitions).items():
            properties.setdefault(name, shape)
    return {
        "$schema": _DRAFT,
        "title": "A system and what is asked of it",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _ref(made: type, definitions: dict[str, Any], *, partial: bool = True) -> Any:  # noqa: ANN401
    name = made.__name__
    if name not in definitions:
        definitions[name] = {}  # it may hold itself
        definitions[name] = {
            "type": "object",
            "description": (getdoc(made) or "").partition("\n")[0],
            "properties": _fields(made, definitions),
            "additionalProperties": False,
        }
        if not partial:
            definitions[name]["required"] = required(made)
    return {"$ref": f"#/$defs/{name}"}


def _fields(made: type, definitions: dict[str, Any]) -> dict[str, Any]:
    said = _described(made)
    found = {}
    for name in settable(made):
        shape = _shape(made, name, definitions)
        if is_optional(made, name):
            shape = {"anyOf": [shape, {"type": "null"}]}
        if name in said:
            shape = {**shape, "description": said[name]}
        found[name] = shape
    return found


def _shape(made: type, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    part = inner(made, name)
    if part is not None:
        return dict(_ref(part, definitions))
    kind = kind_of(made, name)
    if kind in _SHAPES:
        return _SHAPES[kind]
    choices: list[dict[str, Any]] = [_number(kind), _belief(name)]
    if name in LAWS:
        choices += [
            {"type": "array", "items": _number("time"), "minItems": 1},
            _one_of(DISTRIBUTIONS),
        ]
    if name in STAGES:
        choices += [
            _holding(word, _ref(mechanism, definitions))
            for word, mechanism in MECHANISMS.items()
        ]
    return {"anyOf": choices}


def _number(kind: str) -> dict[str, Any]:
    return {"type": ["number", "string"], "title": ASKED.get(kind, kind)}


def _belief(name: str) -> dict[str, Any]:
    shape = _one_of(BELIEFS)
    return _holding("belief", shape) if name in LAWS else shape


def _one_of(words: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "object",
        "properties": {word: {} for word in words},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _holding(word: str, shape: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "object",
        "properties": {word: shape},
        "required": [word],
        "additionalProperties": False,
    }


_SHAPES: dict[str, dict[str, Any]] = {
    "word": {"type": ["string", "number"]},
    "flag": {"type": "boolean"},
    "names": {"type": "array", "items": {"type": ["string", "number"]}},
    "whole": {"type": ["integer", "string"]},
    "list": {"type": "array", "items": {"type": ["number", "string"]}},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "shares": {
        "type": "object",
        "additionalProperties": {"type": ["number", "string"]},
    },
    "times": {
        "anyOf": [
            {"type": ["number", "string"]},
            {
                "type": "object",
                "additionalProperties": {"type": ["number", "string"]},
            },
        ]
    },
}


def _described(made: type) -> dict[str, str]:
    """Return what a docstring says of each attribute or parameter, in one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (getdoc(made) or "").splitlines():
        head = re.match(r"([a-z_, ]+) : ", line)
        if head:
            names = [name.strip() for name in head[1].split(",")]
        elif names and line.startswith("    "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
        else:
            names = []
    return found
