"""The shapes of specifications, values, laws and beliefs in a JSON schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import getdoc

from hamodel._types import Json, Value
from hamodel.architectures import Failure
from hamodel.duration import FAMILIES, JOINED
from hamodel.facts import facts
from hamodel.failover import MECHANISMS, stands_for
from hamodel.fields import About, described, required
from hamodel.specfile import _schema_rules as rules
from hamodel.specfile._extends import tree_of
from hamodel.specfile._messages import HIGH
from hamodel.specfile._patterns import pattern
from hamodel.specfile._read import BELIEFS
from hamodel.specfile._sources import CARRIED
from hamodel.units import KINDS as ASKED
from hamodel.workload import Workload

_MOST = 1e60  # beyond it nothing is read
_WORDS: Json = {"type": ["string", "number"], "minLength": 1}
_NAME: Json = {"type": ["string", "number", "boolean"], "minLength": 1}
TEXT: Json = {"type": ["string", "number", "boolean", "null"]}


def or_none(shape: Json) -> Json:
    return {"anyOf": [shape, {"type": "null"}]}


def _description(about: About) -> str:
    label = about.label[:1].upper() + about.label[1:]
    asked = ASKED.get(about.kind, "")
    limits = [] if about.least in (None, 0.0) else [f"at least {about.least:g}"]
    limits += [] if about.most is None else [f"at most {about.most:g}"]
    return "; ".join(filter(None, (label, asked, *limits)))


@dataclass
class Shapes:
    """The definitions of a schema, each made once and pointed to."""

    known: Json = field(default_factory=dict)

    def ref(self, name: str, make: Callable[[], Value]) -> Json:
        """Return a pointer to a definition, which is made at its first use."""
        name = name.replace(" ", "-")
        if name not in self.known:
            self.known[name] = {}  # it may hold itself
            self.known[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    # ---- specifications ------------------------------------------------------------

    def spec(self, made: type) -> Json:
        """Return a pointer to a specification, of which fields may be left out."""

        def make() -> Json:
            found = {
                "type": "object",
                "description": (getdoc(made) or "").partition("\n")[0],
                "properties": self.fields(made),
                "additionalProperties": False,
            }
            return found | ({"allOf": extra} if (extra := rules.anyway(made)) else {})

        return self.ref(made.__name__, make)

    def whole(self, made: type) -> Json:
        """Return a pointer to what a specification must be that extends nothing."""

        def make() -> Json:
            inner = {
                name: shape
                for name, about in described(made).items()
                if (shape := self._inner(about))
            }
            found: Json = {"properties": inner} if inner else {}
            if required(made):
                found["required"] = required(made)
            return found | ({"allOf": more} if (more := rules.whole(made)) else {})

        return self.ref(f"whole {made.__name__}", make)

    def absent(self, preset: str, made: type) -> Json:
        """Return that what a preset lacks is whole in a file that extends it."""
        new = {
            name: {"if": {"type": "object"}, "then": self.whole(about.made)}
            for name, about in described(made).items()
            if about.kind == "spec" and about.made and not tree_of(preset).get(name)
        }
        asked = tree_of(preset).get("workload")
        if asked is None or asked.get("retries") is None:
            new["workload"] = self.whole(Workload)
        return {"if": rules.holds("extends", preset), "then": {"properties": new}}

    def _inner(self, about: About) -> Json:
        """Return what must hold within a field of a whole specification."""
        if about.kind == "spec" and about.made:
            return self.whole(about.made)
        if about.kind == "specs" and about.made:
            return {"items": self.whole(about.made)}
        return self.ref("whole mechanism", self._mechanisms) if about.stage else {}

    def _mechanisms(self) -> Json:
        needing = {word: made for word, made in MECHANISMS.items() if required(made)}
        value = {"value": {"$ref": "#/$defs/whole-mechanism"}}
        told = {
            word: {"type": "object", **self.whole(made)}
            for word, made in needing.items()
        }
        words = [*MECHANISMS, *FAMILIES, *JOINED, "belief", *CARRIED]
        known: Json = {"propertyNames": {"enum": sorted(words)}, "minProperties": 1}
        return {"properties": {**told, **value}, **known}

    def fields(self, made: type) -> Json:
        """Return the shape of each field."""
        return {
            name: {**self._field(name, about), "description": _description(about)}
            for name, about in described(made).items()
        }

    def _field(self, name: str, about: About) -> Json:
        if about.made is None:
            return self._value(name, about)
        if about.kind == "spec":
            shape = self.spec(about.made)
            if about.idle:
                shape = {"allOf": [shape, *map(_left_out, about.idle)]}
        else:
            items = self.spec(about.made)
            shape = {"type": "array", "items": items}
            if about.made is Failure:  # of what is extended, changed by name
                named = {"type": "object", "additionalProperties": items}
                shape = {"anyOf": [shape, {**named, "minProperties": 1}]}
        return or_none(shape) if about.optional else shape

    # ---- values --------------------------------------------------------------------

    def _value(self, name: str, about: About) -> Json:
        if not about.is_quantity:
            return self._carried(about, *_plain_value(about))
        key, number = self._number(name, about)
        key += " alone" * (about.alone and not about.array)
        if about.array:
            listed = {"type": "array", "items": number}
            return self._carried(about, f"{key}s", listed)
        one = [number]
        if about.believed:
            one.append(self._belief(about))
        if about.law:
            key = f"{key} or law"
            one += [self._call(), self._law(name if about.stage else "")]
        if about.stage:
            key = f"{key} of {name}"
            # fields of the mechanism that is extended, without its name
            one += [self.spec(made) for made in MECHANISMS.values()]
        shape = {"anyOf": one}
        if about.several:
            key, listed = f"{key} or several", {"type": "array", "minItems": 1}
            shape = {"anyOf": [*one, {**listed, "items": {"anyOf": one}}]}
        if about.by_site:
            key = f"{key} by site"
            names = {"minLength": 1}
            sites = {"type": "object", "minProperties": 1, "propertyNames": names}
            by_site: Json = {**sites, "additionalProperties": {"anyOf": one}}
            shape = {"anyOf": [*one, by_site]} if about.single else by_site
        return self._carried(about, key, shape)

    def _carried(self, about: About, key: str, shape: Json) -> Json:
        """Return a pointer to the value of a field, which may be none."""
        if about.optional:
            key, shape = f"{key} or none", or_none(shape)
        return self.carried(key, shape, number=about.is_quantity)

    def _number(self, name: str, about: About) -> tuple[str, Json]:
        """Return a pointer to a number of a kind and its limits, and what it is."""
        least = about.least or 0.0
        most = _MOST if about.most is None else about.most
        parts = ["positive" * about.above, "endless" * about.endless, about.kind]
        parts.append(f"from {least:g}" if least > (about.kind == "whole") else "")
        parts.append("or 0" if about.kind == "whole" and not least else "")
        parts.append(f"to {most:g}" if about.kind != "share" and most < _MOST else "")
        parts += ["below 1" * about.below, "near 1" * (name in HIGH)]
        key = " ".join(filter(None, parts))

        def make() -> Json:
            low = "exclusiveMinimum" if about.above else "minimum"
            high = "exclusiveMaximum" if about.below else "maximum"
            number = {"type": "number", low: least, high: most}
            if about.kind == "whole":
                number["type"] = "integer"
            if about.endless:
                del number[high]
            shape = pattern(
                about.kind, above=about.above, below=about.below, endless=about.endless
            )
            words: Json = {"type": "string", "pattern": shape}
            if name in HIGH:
                words["not"] = {"pattern": r"^\s*0?\.[5-9][0-9]*\s*%"}
            return {"anyOf": [number, words], "title": ASKED[about.kind]}

        return key, self.ref(key, make)

    def setting(self) -> Json:
        """Return a pointer to a number of any kind."""
        words = {"type": "string", "pattern": pattern("", signed=True)}
        return self.ref("quantity", lambda: {"anyOf": [{"type": "number"}, words]})

    def carried(self, key: str, shape: Json, *, number: bool = True) -> Json:
        """Return a pointer to a value alone, or with what it stands on."""

        def make() -> Json:
            source = {
                **dict.fromkeys(("from", "says", "assumed", "because"), _WORDS),
                "fact": self.ref("fact", _fact),
                "where": {
                    "type": "object",
                    "additionalProperties": self.ref("fact", _fact),
                },
            }
            formula: Json = {"derived": self.ref("formula", _formula)}
            whole = {
                "type": "object",
                "properties": {"value": shape, **source, **formula},
                "anyOf": [{"required": ["value"]}, {"required": ["derived"]}],
                "additionalProperties": False,
                "allOf": rules.ONE_SOURCE,
            }
            if not number:
                whole["required"] = ["value"]
                del whole["anyOf"]
            return {"anyOf": [shape, whole]}

        return self.ref(f"{key} with its source", make)

    # ---- laws and beliefs ----------------------------------------------------------

    def _plain(self, kind: str, *, above: bool = False) -> Json:
        """Return a pointer to a parameter of a law or a belief."""
        about = About(kind=kind, label="", above=above, least=int(kind == "whole"))
        most = 1.0 if kind == "share" else None
        return self._number("", about if most is None else _within(about, most))[1]

    def _call(self) -> Json:
        """Return a pointer to a law as it is written in a line."""

        def make() -> Json:
            def argument(kind: str, names: str) -> str:
                inside = pattern(kind).removeprefix("^").removesuffix("$")
                return rf"\s*(({names})\s*=\s*)?{inside}"

            calls = [
                rf"{word}\s*\("
                + ",".join(argument(kind, "|".join(kinds)) for kind in kinds.values())
                + r"\)"
                for word, kinds in FAMILIES.items()
            ]
            joined = r"(sum|minimum|maximum|samples)\s*\(.+\)"
            whole = "|".join([*calls, joined])
            return {"type": "string", "pattern": rf"^\s*({whole})\s*$"}

        return self.ref("law in words", make)

    def _law(self, stage: str) -> Json:
        """Return a pointer to a distribution, which may hold others."""

        def make() -> Json:
            time = self._plain("time")
            inner = self.carried(
                f"time or law{stage and f' within {stage}'}",
                {"anyOf": [time, self._call(), self._law(stage)]},
            )
            several = {"type": "array", "items": inner, "minItems": 1}
            share = self.carried("share alone", self._plain("share"))
            part = {
                "type": "object",
                "properties": {"share": share, "time": inner},
                "required": ["share", "time"],
                "additionalProperties": False,
            }
            samples = {"type": "array", "items": time, "minItems": 1}
            words: Json = {
                **{word: self._family(word) for word in FAMILIES},
                **dict.fromkeys(("sum", "minimum", "maximum"), several),
                "mixture": {"type": "array", "items": part, "minItems": 1},
                "samples": {"anyOf": [{"type": "string", "minLength": 1}, samples]},
                "histogram": {"type": "string", "minLength": 1},
            }
            for word, made in MECHANISMS.items() if stage else ():
                if stands_for(made, stage):
                    whole = {"allOf": [self.spec(made), self.whole(made)]}
                    words[word] = whole if required(made) else or_none(whole)
            return _one_of(words)

        return self.ref(f"law{stage and f' of {stage}'}", make)

    def _family(self, word: str) -> Json:
        kinds = FAMILIES[word]
        above = word not in ("constant", "uniform")
        given = {
            name: self.carried(
                f"{'positive ' * above}{kind} alone", self._plain(kind, above=above)
            )
            for name, kind in kinds.items()
        }
        whole: Json = _complete(given)
        if word == "uniform":
            whole |= rules.alike(*given)
        return whole if len(given) > 1 else {"anyOf": [*given.values(), whole]}

    def _belief(self, about: About) -> Json:
        """Return a pointer to what may be believed of a parameter."""

        def make() -> Json:
            words: Json = {}
            for word, kinds in BELIEFS.items():
                own = {k: about.kind if v == "same" else v for k, v in kinds.items()}
                words[word] = _complete({k: self._plain(v) for k, v in own.items()})
                if "low" in kinds:
                    words[word] = {**words[word], **rules.alike(*kinds)}
            return _one_of(words)

        shape = self.ref(f"belief of a {about.kind}", make)
        said = _complete({"belief": shape})
        return said if about.law else {"anyOf": [shape, said]}


def _plain_value(about: About) -> tuple[str, Json]:
    """Return the shape of what is no quantity, and what it is called."""
    if about.kind == "flag":
        return "flag", {"type": "boolean"}
    if about.kind == "word":
        shape: Json = {"enum": list(about.choices)} if about.choices else _NAME
        return "-or-".join(about.choices) or "name", shape
    shape = {"type": "array", "items": _NAME, "uniqueItems": not about.repeat}
    return "names" if about.repeat else "different names", shape


def _within(about: About, most: float) -> About:
    return About(kind=about.kind, label="", above=about.above, least=0.0, most=most)


def _left_out(path: str) -> Json:
    """Return that a field within a field must not be given."""
    shape: Value = False
    for name in reversed(path.split(".")):
        shape = {"properties": {name: shape}}
    return shape


def _fact() -> Json:
    """Return the shape of a pointer to a fact."""
    known = "|".join(one.id for one in facts())
    shape = rf"^\s*({known})(\.(value|low|high))?\s*$"
    return {"type": "string", "pattern": shape}


def _formula() -> Json:
    shape = {"pattern": r"^[\w\s.()+*/-]+$", "minLength": 1, "maxLength": 200}
    number = {"type": "number", "minimum": 0, "maximum": _MOST}
    return {"anyOf": [{"type": "string", **shape}, number]}


def _one_of(words: Mapping[str, Value]) -> Json:
    return {
        "type": "object",
        "properties": dict(words),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _complete(fields: Mapping[str, Value]) -> Json:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }
