"""What may stand where, for editors: a JSON schema made from the specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import getdoc

from hamodel._types import Json
from hamodel.architectures import Failure
from hamodel.assessment import Journey, OtherPart
from hamodel.decision import Requirements
from hamodel.duration import FAMILIES, JOINED
from hamodel.failover import MECHANISMS
from hamodel.fields import About, described, required
from hamodel.specfile._extends import KINDS
from hamodel.specfile._load import HEAD
from hamodel.specfile._read import BELIEFS
from hamodel.units import COUNTED, RATES, TIMES
from hamodel.units import KINDS as ASKED
from hamodel.workload import Workload

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = (
    r"([0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?|[0-9][0-9_]*(\.[0-9_]*)?|\.[0-9]+)"
    r"([eE][-+]?[0-9]+)?"
)
_FROM_0 = r"\+?"
_ENDLESS = r"[nN]ever|forever|inf|infinity|infinite|\.inf"


def _any(names: Iterable[str]) -> str:
    """Return a pattern of names, those of three letters and more in any case."""
    return "|".join(
        "".join(f"[{c}{c.upper()}]" if c.isascii() else c for c in name)
        if len(name) > 2 and name.isalpha()
        else name
        for name in names
    )


def _pattern(kind: str, sign: str) -> str:
    """Return what a string of a kind looks like, with the units that are read."""
    number, unit = f"{sign}{_NUMBER}", f"({_any(TIMES)})"
    whole = rf"([0-9]+(\.[0-9]+)?\s*({_any(TIMES)}|m)\s*){{2,}}"  # 1h30m
    time = rf"{number}\s*{unit}?|{whole}|{_ENDLESS}"
    counted = rf"({_any(sorted(COUNTED))}|1|x)?"
    rate = rf"{number}\s*({_any(RATES)}|{counted}\s*(/|per\b|a\b)\s*{unit})"
    found = {
        "time": time,
        "mean time": f"{time}|{rate}",
        "rate": rf"{number}|{rate}|{_ENDLESS}",
        "share": rf"{number}\s*(%|{_any(('percent', 'pct'))})?",
        "number": number,
        "whole": rf"{sign}[0-9][0-9_,]*(\.0*)?([eE]\+?[0-9]+)?",
    }
    if kind == "share" and sign == _FROM_0:
        small = r"(\.[0-9_]*)?([eE]-?0*[0-9]+)?"
        found["share"] = (
            rf"\+?(100(\.0*)?|[0-9]{{1,2}}{small}|\.[0-9]+)\s*"
            rf"(%|{_any(('percent', 'pct'))})|\+?([01](\.0*)?|0?\.[0-9_]+"
            r"([eE]-[0-9]+)?|[0-9](\.[0-9]*)?[eE]-[0-9]+)"
        )
    return rf"^\s*({found[kind]})\s*$"


def _words() -> Json:
    """Return the strings of each kind, as definitions."""
    law = rf"^\s*({_any((*FAMILIES, *JOINED))})\s*\("
    found: Json = {}
    for kind, asked in ASKED.items():
        for name, sign in ((kind, _FROM_0), (f"signed {kind}", "[-+]?")):
            pattern = _pattern(kind, sign)
            for also, shape in (("", pattern), (" or law", f"{pattern}|{law}")):
                key = f"{name}{also}".replace(" ", "-")
                found[key] = {"type": "string", "title": asked, "pattern": shape}
    return found


def schema() -> Json:
    """Return the JSON schema of system files.

    Returns
    -------
    dict
        Draft 2020-12: where each field may stand, of what type and kind it is, its
        limits, and which fields each architecture has.  What several fields must keep
        together is checked by `load` alone.

    Examples
    --------
    >>> sorted(schema()["properties"]["architecture"]["enum"])[:2]
    ['active-active', 'active-passive']
    """
    definitions: Json = {}
    head: Json = {
        name: {"type": ["string", "number"], "description": said}
        for name, said in HEAD.items()
        if name in ("title", "summary")
    }
    head["extends"] = {"type": "string", "description": HEAD["extends"]}
    head["architecture"] = {"enum": list(KINDS), "description": HEAD["architecture"]}
    head["settings"] = {
        "type": "object",
        "description": HEAD["settings"],
        "additionalProperties": _carried({"type": ["number", "string"]}),
    }
    head["workload"] = _ref(Workload, definitions)
    head["requirements"] = _ref(Requirements, definitions)
    named: dict[str, type] = {"parts": OtherPart, "journeys": Journey}
    for key, one in named.items():
        head[key] = {
            "type": "object",
            "description": HEAD[key],
            "additionalProperties": _ref(one, definitions, whole=True),
        }
    properties = dict(head)
    rules = []
    for name, made in KINDS.items():
        own = _fields(made, definitions)
        for field, shape in own.items():
            properties.setdefault(field, shape)
        allowed = dict.fromkeys([*head, *own], True)
        rules.append(
            {
                "if": {
                    "properties": {"architecture": {"const": name}},
                    "required": ["architecture"],
                },
                "then": {"properties": allowed, "additionalProperties": False},
            }
        )
    return {
        "$schema": _DRAFT,
        "title": "A system and what is asked of it",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "anyOf": [{"required": ["architecture"]}, {"required": ["extends"]}],
        "allOf": rules,
        "$defs": dict(sorted({**_words(), **definitions}.items())),
    }


def _ref(made: type, definitions: Json, *, whole: bool = False) -> dict[str, object]:
    """Return a pointer to a specification's definition; a whole one is complete."""
    name = made.__name__
    if name not in definitions:
        definitions[name] = {}  # it may hold itself
        definitions[name] = {
            "type": "object",
            "description": (getdoc(made) or "").partition("\n")[0],
            "properties": _fields(made, definitions),
            "additionalProperties": False,
        }
        if whole and required(made):
            definitions[name]["required"] = required(made)
    return {"$ref": f"#/$defs/{name}"}


def _fields(made: type, definitions: Json) -> Json:
    return {
        name: {
            **_optional(about, _shape(about, definitions)),
            "description": _description(about),
        }
        for name, about in described(made).items()
    }


def _description(about: About) -> str:
    label = about.label[:1].upper() + about.label[1:]
    asked = ASKED.get(about.kind, "")
    limits = [] if about.least in (None, 0.0) else [f"at least {about.least:g}"]
    limits += [] if about.most is None else [f"at most {about.most:g}"]
    return "; ".join(filter(None, (label, asked, *limits)))


def _optional(about: About, shape: Json) -> Json:
    return {"anyOf": [shape, {"type": "null"}]} if about.optional else shape


def _shape(about: About, definitions: Json) -> Json:
    if about.kind == "spec":
        assert about.made is not None
        return dict(_ref(about.made, definitions))
    if about.kind == "specs":
        assert about.made is not None
        whole = (
            about.made is not Failure
        )  # of what a file extends, parts may be changed
        listed = {"type": "array", "items": _ref(about.made, definitions, whole=whole)}
        if whole:
            return listed
        named = {"type": "object", "additionalProperties": listed["items"]}
        return {"anyOf": [listed, {**named, "minProperties": 1}]}
    return _carried(_value(about, definitions))


def _value(about: About, definitions: Json) -> Json:
    if about.kind in _PLAIN:
        return _PLAIN[about.kind](about)
    number = _number(about)
    if about.by_site:
        sites = {"type": "object", "additionalProperties": number, "minProperties": 1}
        return {"anyOf": [number, sites]} if about.single else sites
    if about.array:
        return {"type": "array", "items": number}
    choices = [number, _belief(about)]
    if about.several:
        choices.append({"type": "array", "items": number, "minItems": 1})
    if about.law:
        choices.append({"$ref": "#/$defs/Law"})
        definitions.setdefault("Law", _law())
    if about.stage:
        choices += [
            _holding(word, {"anyOf": [_ref(made, definitions), {"type": "null"}]})
            for word, made in MECHANISMS.items()
        ]
    return {"anyOf": choices}


_NAME: Json = {"type": ["string", "number"]}
_PLAIN: dict[str, Callable[[About], Json]] = {
    "flag": lambda _: {"type": "boolean"},
    "word": lambda about: {"enum": list(about.choices)} if about.choices else _NAME,
    "names": lambda _: {"type": "array", "items": _NAME},
}


def _number(about: About) -> Json:
    number: Json = {"type": "integer" if about.kind == "whole" else "number"}
    if about.least is not None:
        number["exclusiveMinimum" if about.above else "minimum"] = about.least
    if about.most is not None:
        number["maximum"] = about.most
    signed = "signed " * (about.least is None or about.least < 0)
    name = f"{signed}{about.kind}{' or law' * about.law}".replace(" ", "-")
    words: Json = {"$ref": f"#/$defs/{name}"}
    return {"anyOf": [number, words], "title": ASKED[about.kind]}


def _carried(shape: Json) -> Json:
    """Return the shape of a value alone, or with what it stands on."""
    with_source = {
        "type": "object",
        "properties": {
            "value": shape,
            "where": {"type": "object", "additionalProperties": {"type": "string"}},
            **{
                name: {"type": ["string", "number"]}
                for name in (
                    *("from", "fact", "derived", "says", "assumed", "because"),
                )
            },
        },
        "anyOf": [{"required": ["value"]}, {"required": ["derived"]}],
        "additionalProperties": False,
    }
    return {"anyOf": [shape, with_source]}


def _law() -> Json:
    """Return the shape of a distribution, which may hold others."""
    inner = {"anyOf": [_NAME, {"$ref": "#/$defs/Law"}]}
    several = {"type": "array", "items": inner, "minItems": 1}
    mixed = {
        "type": "array",
        "items": {"type": "object", "properties": {"share": _NAME, "time": inner}},
    }
    joined = {"sum": several, "minimum": several, "maximum": several, "mixture": mixed}
    samples = {"anyOf": [{"type": "string"}, {"type": "array", "items": _NAME}]}
    families: Json = {key: {} for key in FAMILIES}
    return _one_of(
        {**families, **joined, "samples": samples, "histogram": {"type": "string"}}
    )


def _belief(about: About) -> Json:
    shape = _one_of({key: {} for key in BELIEFS})
    return (
        _holding("belief", shape)
        if about.law
        else {"anyOf": [shape, _holding("belief", shape)]}
    )


def _one_of(words: Json) -> Json:
    return {
        "type": "object",
        "properties": words,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _holding(word: str, shape: object) -> Json:
    return {
        "type": "object",
        "properties": {word: shape},
        "required": [word],
        "additionalProperties": False,
    }
