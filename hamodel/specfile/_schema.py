"""What may stand where, for editors: a JSON schema made from the specifications."""

from __future__ import annotations

from hamodel._types import Json
from hamodel.assessment import Journey, OtherPart
from hamodel.decision import Requirements
from hamodel.specfile import _schema_rules as rules
from hamodel.specfile._extends import KINDS, preset_kind, presets
from hamodel.specfile._load import HEAD
from hamodel.specfile._shapes import TEXT, Shapes, or_none
from hamodel.workload import Workload

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Json:
    """Return the JSON schema of system files.

    Returns
    -------
    dict
        Draft 2020-12: where each field may stand, of what type and kind it is, its
        limits, which fields each architecture has and needs, and what fields must be
        to each other where JSON Schema can say it.

    Notes
    -----
    What only `load` checks, because it takes arithmetic or another part of a file:

    - numbers against each other (`low` and `high`, `needed` and `servers`, a quorum
      and the copies, an interval and a timeout), and what must add up to 1;
    - names that must be known elsewhere: sites, settings in formulas, parts of
      journeys, and files that are extended or hold samples;
    - a value against the number of the fact that it points to;
    - what a file that extends another leaves to it.

    Examples
    --------
    >>> sorted(schema()["properties"]["architecture"]["enum"])[:2]
    ['active-active', 'active-passive']
    """
    shapes = Shapes()
    head = _head(shapes)
    fields = {name: shapes.fields(made) for name, made in KINDS.items()}
    properties = dict(head)
    for own in fields.values():
        for name, shape in own.items():
            properties.setdefault(name, shape)
    by_kind: list[Json] = []
    for name, made in KINDS.items():
        based = [one for one in presets() if preset_kind(one) == name]
        whole = shapes.whole(made)
        by_kind.append(
            {
                "if": {
                    "anyOf": [
                        rules.holds("architecture", name),
                        *([rules.holds("extends", *based)] if based else []),
                    ]
                },
                "then": {
                    "properties": {
                        **dict.fromkeys([*head, *fields[name]], True),
                        "architecture": {"const": name},
                    },
                    "additionalProperties": False,
                    "allOf": [
                        *rules.anyway(made),
                        {"if": {"required": ["extends"]}, "else": whole},
                        *(shapes.absent(one, made) for one in based),
                    ],
                },
            }
        )
    complete = {
        "properties": {
            "workload": shapes.whole(Workload),
            "requirements": shapes.whole(Requirements),
        }
    }
    return {
        "$schema": _DRAFT,
        "title": "A system and what is asked of it",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "anyOf": [{"required": ["architecture"]}, {"required": ["extends"]}],
        "allOf": [*by_kind, {"if": {"required": ["extends"]}, "else": complete}],
        "$defs": dict(sorted(shapes.known.items())),
    }


def _head(shapes: Shapes) -> Json:
    """Return what a file may hold beside the fields of its architecture."""
    kinds: dict[str, type] = {"parts": OtherPart, "journeys": Journey}
    named = {
        key: {
            "type": ["object", "null"],
            "minProperties": 1,
            "additionalProperties": {"allOf": [shapes.spec(made), shapes.whole(made)]},
        }
        for key, made in kinds.items()
    }
    shape: Json = {
        "title": TEXT,
        "summary": TEXT,
        "extends": {
            "type": "string",
            "anyOf": [{"enum": list(presets())}, {"pattern": r"\.ya?ml$"}],
        },
        "architecture": {"enum": list(KINDS)},
        "settings": {
            "type": ["object", "null"],
            "additionalProperties": shapes.carried("setting", shapes.setting()),
        },
        "workload": or_none(shapes.spec(Workload)),
        "requirements": or_none(shapes.spec(Requirements)),
        **named,
    }
    return {key: {**shape[key], "description": said} for key, said in HEAD.items()}
