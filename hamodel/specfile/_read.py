"""From the tree of a file to specifications, all mistakes collected."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from hamodel import duration, uncertainty
from hamodel._types import Value
from hamodel.duration import FAMILIES, JOINED, Duration, parameters
from hamodel.failover import MECHANISMS, STAGES, UNUSED, Failover, as_stage
from hamodel.fields import About, described, required
from hamodel.specfile._messages import (
    after_comma,
    blamed,
    brief,
    called,
    check_meant,
    unknown,
)
from hamodel.specfile._sources import Source, agreed, is_wrapped, number_of, source_of
from hamodel.specfile._tree import Problem, TreeNode
from hamodel.uncertainty import Belief
from hamodel.units import quantity

#: What may be believed of a parameter; "same" stands for the field's own kind.
BELIEFS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gamma": {"events": "number", "during": "time"},
        "beta": {"successes": "number", "trials": "number"},
        "lognormal": {"mean": "same", "cv": "number"},
        "uniform": {"low": "same", "high": "same"},
        "triangular": {"low": "same", "mode": "same", "high": "same"},
        "pert": {"low": "same", "mode": "same", "high": "same"},
    }
)
_HARDLY = 1000.0  # s: shorter mean times, and longer others, are doubted without unit
#: Times that hardly ever last a second.
_QUICK = frozenset(
    {"round_trip", "hop", "app_time", "read_time", "write_time", "flush", "delay"}
    | {"read_p99", "write_p99", "objective", "heartbeat"}
)
WRONG: Value = object()  # stands for a value that could not be read


@dataclass(kw_only=True)
class Reader:
    """Reads a tree; keeps mistakes, sources and beliefs on the way.

    `home` is the file that the tree is of: values of other files, which it extends,
    are named with them.  `presets` are names of files that need no line.
    """

    home: str
    presets: frozenset[str] = frozenset()
    folder: Path = field(default_factory=Path)
    settings: dict[str, float] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    beliefs: dict[str, Belief] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)  # warnings: each is said once
    doubts: list[str] = field(default_factory=list)  # warnings of a file without faults

    def wrong(self, node: TreeNode, path: str, message: str) -> None:
        """Note a mistake at a node."""
        where = "" if node.file == self.home else f" (in {node.file})"
        self.problems.append(Problem(node.line, node.column, path, message + where))

    def spec(self, made: type, node: TreeNode, path: str) -> Value:
        """Return a specification of a mapping, or `WRONG`."""
        if not isinstance(node.value, dict):
            such = ", ".join(required(made))
            said = f"must hold fields{such and f' ({such})'}, got {brief(node)}"
            self.wrong(node, path.rstrip("."), said)
            return WRONG
        if made is Failover:
            node = self._without_hand(node, path)
            self._doubt_stages(node, path)
        known, so_far = described(made), len(self.problems)
        given = {}
        for key, inner in node.fields.items():
            if key not in known:
                said = after_comma(node, key) or unknown(key, list(known))
                self.wrong(inner, f"{path}{key:.40}", said)
                continue
            given[key] = self.field(known[key], inner, f"{path}{key}")
        for name in (name for name in required(made) if name not in node.fields):
            said = f"is missing ({known[name].label}): {called(made, path)} needs it"
            self.wrong(node, f"{path}{name}", said)
        if len(self.problems) > so_far:
            return WRONG
        return self._made(made, given, node, path)

    def _doubt_stages(self, node: TreeNode, path: str) -> None:
        """Doubt fields of a mechanism that no stage of this failover has a use for."""
        found = {}
        for stage in STAGES:
            given = node.get(stage) or TreeNode(None)
            given = given.get("value") or given
            found[stage] = next(iter(given.fields.items()), ("", given))
        words = [word for word, _ in found.values()]
        for stage, (word, inner) in found.items():
            unused = UNUSED.get(MECHANISMS.get(word, object), {}).get(stage, ())
            for name in inner.fields.keys() & set(unused):
                said = f"{path}{stage}.{name}: changes nothing of a {stage}"
                if inner.fields[name].file == self.home and words.count(word) == 1:
                    self._doubt(inner.fields[name], said)

    def _without_hand(self, node: TreeNode, path: str) -> TreeNode:
        """Return a failover without the time by hand that endless attempts replace.

        They are this file's, and the time is that of what it extends.
        """
        given = {k: one for k, one in node.fields.items() if one.value is not None}
        manual = given.get("manual")
        if manual is None or "retry" not in given or "tries" in given:
            return node
        if self.home in (manual.file, "") or given["retry"].file == manual.file:
            return node  # at odds, as the class says
        self._doubt(
            given["retry"],
            f"{path}manual: that of {self._place(manual)} is left out, as attempts now "
            "go on until one works; it counts again if tries are given",
        )
        return node.with_fields({k: v for k, v in node.fields.items() if k != "manual"})

    def _made(
        self, made: type, given: Mapping[str, object], node: TreeNode, path: str
    ) -> Value:
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                found = made(**given)
            for message in {str(one.message): None for one in heard}:
                if message not in self.heard:
                    said = f"{self._place(node)}: {path.rstrip('.')}: {message}"
                    warnings.warn(said, stacklevel=2)
                self.heard.add(message)
            unused: Mapping[str, str] = getattr(found, "unused", {})
            for name in unused.keys() & node.fields.keys():
                if (inner := node.fields[name]).file == self.home:
                    self._doubt(inner, f"{path}{name}: changes nothing {unused[name]}")
            return found
        except ValueError as mistake:
            said = str(mistake)
            at, where, whole = blamed(node, path, said)
            if at is not node and at.raw and at.raw not in whole:
                whole = f"{whole} ({at.raw:.40})"
            self.wrong(at, where, whole)
            return WRONG

    def field(self, about: About, node: TreeNode, path: str) -> Value:
        """Return what a field holds, or `WRONG`."""
        if node.file == self.home:
            self.lines[path] = node.line
        self.sources[path] = Source(place=self._place(node))
        try:
            if is_wrapped(node):
                return self._sourced(about, node, path)
            return self.value(about, node, path)
        except ValueError as mistake:
            self.wrong(node, path, str(mistake))
            return WRONG

    def _sourced(self, about: About, node: TreeNode, path: str) -> Value:
        """Read a value together with what it stands on."""
        self.sources[path] = self._source(node)
        number, inner = number_of(node, self.settings), node.get("value")
        if inner is None:
            if number is None or not about.is_quantity:
                raise ValueError("must have a value, got none")
            return about.words(round(number, 9)) if about.kind == "whole" else number
        value = self.value(about, inner, path)
        return value if value is WRONG else agreed(value, number)

    def number(self, node: TreeNode, path: str) -> float:
        """Return a number of any kind, such as a setting."""
        if not is_wrapped(node):
            self.sources[path] = Source(place=self._place(node))
            return quantity(node.value)
        self.sources[path] = self._source(node)
        number, inner = number_of(node, self.settings), node.get("value")
        if inner is not None:
            return float(agreed(quantity(inner.value), number))
        if number is None:
            raise ValueError("must have a value, got none")
        return number

    def _source(self, node: TreeNode) -> Source:
        """Return what a value stands on, also by the settings in its formula."""
        found = source_of(node, self._place(node))
        named = re.findall(r"[A-Za-z_]\w*", found.derived)
        keys = [key for key in map("settings.{}".format, named) if key in self.sources]
        settings = [self.sources[key] for key in keys]
        told = [fact for setting in settings for fact in setting.facts]
        origins = (found.origin, *(setting.origin for setting in settings))
        facts = (*dict.fromkeys((*found.facts, *told)),)
        return replace(found, facts=facts, origin=_joined(origins))

    def _doubt(self, node: TreeNode, message: str) -> None:
        self.doubts.append(f"{self._place(node)}: {message}")

    def _place(self, node: TreeNode) -> str:
        return node.file if node.file in self.presets else f"{node.file}:{node.line}"

    def value(self, about: About, node: TreeNode, path: str) -> Value:
        """Return what a node means as the value of a field."""
        if node.value is None:
            if about.optional:
                return None
            raise ValueError("must have a value, got nothing")
        if about.kind == "spec":
            return self._spec(about, node, path)
        if about.kind == "specs":
            return self._specs(about, node, path)
        if about.kind in _READ:
            return _READ[about.kind](about, node)
        if about.by_site and (isinstance(node.value, dict) or not about.single):
            return self._by_site(about, node, path)
        if isinstance(node.value, list) and (about.several or about.array):
            items = (self._quantity(about, inner, path) for inner in node.value)
            return list(items) if about.array else tuple(items)
        return self._quantity(about, node, path)

    def _spec(self, about: About, node: TreeNode, path: str) -> Value:
        assert about.made is not None
        self.sources.pop(path, None)  # its fields have their own
        for idle in about.idle:
            given: TreeNode | None = node
            for name in idle.split("."):
                given = given and given.get(name)
            if given:
                said = "changes nothing here: leave it out"
                self.wrong(given, f"{path}.{idle}", said)
        return self.spec(about.made, node, f"{path}.")

    def _specs(self, about: About, node: TreeNode, path: str) -> Value:
        """Return several specifications of a list, or `WRONG`."""
        assert about.made is not None
        if not isinstance(node.value, list):
            raise ValueError(f"must be a list, got {brief(node)}")
        self.sources.pop(path, None)
        found = [
            self.spec(about.made, inner, f"{path}.{place}.")
            for place, inner in enumerate(node.value)
        ]
        return WRONG if any(one is WRONG for one in found) else tuple(found)

    def _by_site(self, about: About, node: TreeNode, path: str) -> Value:
        if not isinstance(node.value, dict):
            raise ValueError(f"must name sites, got {brief(node)}")
        return {
            site: self._quantity(about, inner, f"{path}.{site}")
            for site, inner in node.fields.items()
        }

    def _quantity(self, about: About, node: TreeNode, path: str) -> Value:
        """Read a number, a belief, a law or a mechanism."""
        keys = list(node.fields)
        if keys == ["belief"]:
            return self._belief(about, node.fields["belief"], path)
        if about.stage and len(keys) == 1 and keys[0] in MECHANISMS:
            inner = node.fields[keys[0]]
            whole = inner if inner.value is not None else inner.with_fields({})
            self.sources.pop(path, None) if whole.fields else None
            return self.spec(MECHANISMS[keys[0]], whole, f"{path}.")
        if keys and about.law:
            return self._law(about, node, path)
        if keys:
            return self._belief(about, node, path)
        if isinstance(node.value, list):
            raise ValueError(f"must be one value, got {brief(node)}")
        check_meant(about, node.raw, path)
        found = about.words(node.value)
        if "time" in about.kind and re.fullmatch(r"[-+0-9.,e ]+", node.raw):
            self._doubt_seconds(about, node, path, found)
        return found

    def _doubt_seconds(
        self, about: About, node: TreeNode, path: str, seconds: float
    ) -> None:
        """Doubt a time without a unit that was hardly meant in seconds."""
        given = node.raw
        if about.kind == "mean time":
            other = f"{given} h or {given} d" if 0 < seconds < _HARDLY else ""
        elif path.rpartition(".")[2] in _QUICK:
            other = f"{given} ms" if seconds >= 1 else ""
        elif seconds >= _HARDLY:
            other = f"{given} ms or {given} min"
        else:
            other = ""
        if other:
            said = f"{path}: {given} has no unit and counts as seconds; write {given} s"
            self._doubt(node, f"{said} if so, else {other}")

    def _law(self, about: About, node: TreeNode, path: str) -> Duration:
        def mechanism(word: str, inside: Value) -> Duration:
            words = [*FAMILIES, *JOINED, *(MECHANISMS if about.stage else ())]
            if not about.stage or word not in MECHANISMS:
                raise ValueError(f"{word:.40} {unknown(word, words)}")
            found = self.spec(MECHANISMS[word], _noded(inside or {}, node), f"{path}.")
            if found is WRONG:
                raise ValueError(f"{word} cannot be read")
            law: Duration = as_stage(path.rpartition(".")[2], found)
            return law

        plain = self._unwrapped(node, path)
        return duration.read(plain, folder=self.folder, other=mechanism)

    def _unwrapped(self, node: TreeNode, path: str) -> Value:
        """Return the plain value of a law, whose numbers may carry their sources."""
        if is_wrapped(node) and node.fields.keys() != {"value"}:
            self._also(path, self._source(node))
            number, inner = number_of(node, self.settings), node.get("value")
            if inner is None:
                return number
            value = self._unwrapped(inner, path)
            if number is not None:
                agreed(quantity(value), number)
            return value
        if isinstance(node.value, dict):
            return {
                key: self._unwrapped(inner, path) for key, inner in node.fields.items()
            }
        if isinstance(node.value, list):
            return [self._unwrapped(inner, path) for inner in node.value]
        return node.value

    def _also(self, path: str, source: Source) -> None:
        """Note what a part of a law stands on, beside what the others do."""
        known = self.sources.get(path, Source(place=source.place))
        self.sources[path] = replace(
            source,
            facts=(*dict.fromkeys((*known.facts, *source.facts)),),
            assumed=_joined((known.assumed, source.assumed)),
            because=_joined((known.because, source.because)),
            origin=_joined((known.origin, source.origin)),
        )

    def _belief(self, about: About, node: TreeNode, path: str) -> float:
        """Keep what is believed of a parameter, and return its middle."""
        word, inside = next(iter(node.fields.items()), ("", None))
        if inside is None or len(node.fields) != 1:
            raise ValueError(f"must be one belief, got {brief(node)}")
        if word not in BELIEFS:
            raise ValueError(f"{word:.40} {unknown(word, list(BELIEFS))}")
        if not about.believed:
            raise ValueError("must be one number: nothing carries a belief about it")
        for key in inside.fields:
            if said := after_comma(inside, key):
                raise ValueError(f"{key:.40} {said}")
        kinds = {k: about.kind if v == "same" else v for k, v in BELIEFS[word].items()}
        make: Callable[..., Belief] = getattr(uncertainty, word)
        self.beliefs[path] = belief = make(**parameters(word, inside.plain(), kinds))
        return float(belief.quantile(0.5))


def _joined(words: Iterable[str]) -> str:
    return "; ".join(filter(None, dict.fromkeys(words)))


def _noded(value: Value, at: TreeNode) -> TreeNode:
    """Return the node of a plain value, and of all in it, at the place of another."""
    raw = str(value)
    if isinstance(value, dict):
        value = {key: _noded(inner, at) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_noded(inner, at) for inner in value]
    return TreeNode(value, at.line, at.column, at.file, raw)


def _word(about: About, node: TreeNode) -> str:
    if isinstance(node.value, (dict, list, bool)) or not node.raw:
        raise ValueError(f"must be a word, got {brief(node)}")
    if about.choices and node.raw not in about.choices:
        raise ValueError(f"{node.raw!r:.60} {unknown(node.raw, about.choices)}")
    return node.raw


def _flag(_: About, node: TreeNode) -> bool:
    if not isinstance(node.value, bool):
        raise ValueError(f"must be true or false, got {brief(node)}")
    return node.value


def _names(_: About, node: TreeNode) -> tuple[str, ...]:
    listed = node.value if isinstance(node.value, list) else None
    if listed is None or any(isinstance(x.value, (dict, list)) for x in listed):
        raise ValueError(f"must be a list of names, got {brief(node)}")
    return tuple(x.raw for x in listed)


_READ: Mapping[str, Callable[[About, TreeNode], Value]] = MappingProxyType(
    {"word": _word, "flag": _flag, "names": _names}
)
