"""A file in, a system and what is asked of it out."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from hamodel import _html
from hamodel._types import Value
from hamodel.architectures.base import Architecture
from hamodel.assessment import Journey, OtherPart, journey_problems
from hamodel.decision import Requirements
from hamodel.facts import folder
from hamodel.failover import UNUSED
from hamodel.fields import described
from hamodel.specfile import _tree
from hamodel.specfile._extends import KINDS, extended, presets, text_of, tree_of
from hamodel.specfile._messages import brief, unknown
from hamodel.specfile._read import WRONG, Reader
from hamodel.specfile._sources import Source, formulas
from hamodel.specfile._tree import Problem, SpecError, TreeNode
from hamodel.uncertainty import Belief
from hamodel.workload import Workload

T = TypeVar("T")

#: What a file may hold beside the fields of its architecture.
HEAD: Mapping[str, str] = MappingProxyType(
    {
        "title": "What the system is called.",
        "summary": "What it is, in a sentence.",
        "extends": "A preset, or another file, of which this one changes fields.",
        "architecture": "How it is run.",
        "settings": "Numbers by name, for formulas under `derived`.",
        "workload": "What is asked of it.",
        "requirements": "What it must keep.",
        "parts": "What journeys pass beside the system, by name.",
        "journeys": "Ways through the system and its parts, by name.",
    }
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spec:
    """A system as a file describes it.

    Attributes
    ----------
    title, summary : str
        What it is.
    path : Path
        The file.
    architecture : SinglePrimary, ActivePassive, ActiveActive, Majority or Leaderless
        How it is run.
    workload : Workload
        What is asked of it.
    requirements : Requirements or None
        What it must keep.
    uncertain : mapping of str to Belief
        What is believed of parameters, by their paths; their medians are in the
        architecture.
    lines : mapping of str to int
        Line of the file, from 1, that sets a parameter.
    sources : mapping of str to Source
        What each given parameter stands on, by its path.
    settings : mapping of str to float
        Numbers by name, in base units, that formulas use.
    base : str
        What it extends; empty if nothing.
    journeys : mapping of str to Journey
        Ways through the system.
    parts : mapping of str to OtherPart
        What journeys pass beside it.
    """

    title: str
    summary: str
    path: Path
    architecture: Architecture
    workload: Workload
    requirements: Requirements | None
    uncertain: Mapping[str, Belief] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    base: str = ""
    journeys: Mapping[str, Journey] = field(default_factory=dict)
    parts: Mapping[str, OtherPart] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Name of the architecture's kind, such as "active-passive"."""
        return next(n for n, made in KINDS.items() if made is type(self.architecture))

    @property
    def parameters(self) -> list[tuple[str, str, str]]:
        """Every parameter with what it is taken from: a line, a fact or a default."""
        return [(path, shown, self._stands_on(path)) for path, shown in self._shown()]

    def _stands_on(self, path: str) -> str:
        """Return what a parameter is taken from; a mechanism follows from its own."""
        if path in self.sources:
            return str(self.sources[path])
        within = any(other.startswith(f"{path}.") for other in self.sources)
        return "what follows" if within else "default"

    def _shown(self) -> Iterator[tuple[str, str]]:
        parts = [("", self.architecture), ("workload.", self.workload)]
        parts += [(f"parts.{name}.", part) for name, part in self.parts.items()]
        parts += [(f"journeys.{name}.", one) for name, one in self.journeys.items()]
        for within, whole in parts:
            for path, owner, name in _owned(whole, within):
                about = described(type(owner))[name]
                value = getattr(owner, "mechanisms", {}).get(name, getattr(owner, name))
                if about.kind not in ("spec", "specs") and value is not None:
                    if hasattr(value, "__dataclass_fields__") and about.stage:
                        value = getattr(owner, name)
                    yield path, about.write(value)

    def _repr_html_(self) -> str:
        header = ("parameter", "value", "from")
        return _html.table(self.parameters, header=header, caption=self.title)


def _owned(spec: object, within: str) -> Iterator[tuple[str, Value, str]]:
    """Yield the path of each field, the specification that has it, and its name."""
    kept, unused = getattr(spec, "mechanisms", {}), getattr(spec, "unused", {})
    made: Value = type(spec)
    for name, about in described(made).items():
        if name in unused:
            continue
        value = kept.get(name, getattr(spec, name))
        yield f"{within}{name}", spec, name
        for place, inner in _inner(value):
            if about.kind in ("spec", "specs") or about.stage:
                here = f"{within}{name}.{place}"
                idle = {f"{here}{path}" for path in (*about.idle, *_idle(inner, name))}
                yield from (one for one in _owned(inner, here) if one[0] not in idle)


def _idle(inner: object, stage: str) -> tuple[str, ...]:
    """Return the fields of a mechanism that its stage has no use for."""
    return UNUSED.get(type(inner), {}).get(stage, ())


def _inner(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield the specifications in a value, with their places if it is of several."""
    if isinstance(value, tuple):
        for place, one in enumerate(value):
            if hasattr(one, "__dataclass_fields__"):
                yield f"{place}.", one
    elif hasattr(value, "__dataclass_fields__") and not hasattr(value, "quantile"):
        yield "", value


def load(path: str | os.PathLike[str]) -> Spec:
    """Read a system from a YAML file.

    Parameters
    ----------
    path : str or path
        The file.

    Raises
    ------
    SpecError
        If the file cannot be read or describes no system: every mistake with its
        line, field, limit, value and the nearest right spelling.

    Notes
    -----
    `hamodel.specfile.starter()` is a commented example, `schema()` tells an editor
    what may stand where.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> file = folder / "orders.yaml"
    >>> written = file.write_text('''
    ... title: Orders
    ... extends: postgresql-patroni
    ... sites: [fra, dub]
    ... failover: {coverage: 97 %}
    ... workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
    ... requirements: {availability: 99.95 %, rto_p95: 1 min}
    ... ''')
    >>> orders = load(file)
    >>> orders.architecture.failover.coverage, orders.requirements
    (0.97, Requirements(availability 99.95 %, rto_p95 1 min))
    """
    return read(Path(path), text_of(Path(path)))


def read(path: Path, words: str) -> Spec:
    """Read a system from the text of a file.

    Parameters
    ----------
    path : Path
        The file, for messages, and for what it extends.
    words : str
        Its text.
    """
    return made_of(_tree.read(path, words), path)


def preset(name: str) -> Spec:
    """Return a preset: a system file that comes with the package.

    Parameters
    ----------
    name : str
        One of `presets()`.
    """
    return made_of(tree_of(name), folder() / "systems" / f"{name}.yaml")


def made_of(
    tree: TreeNode, path: Path, settings: Mapping[str, float] = MappingProxyType({})
) -> Spec:
    """Return the system of a tree.

    Parameters
    ----------
    tree : TreeNode
        What the file holds.
    path : Path
        The file.
    settings : mapping of str to float
        Settings in place of those of the tree, in base units.

    Raises
    ------
    SpecError
        If it describes none.
    """
    reader = Reader(
        home=tree.file, presets=frozenset(presets()), folder=path.absolute().parent
    )
    if not tree.fields:
        said = "the file must hold fields such as title and architecture"
        raise SpecError(path, [Problem(1, 1, "", said)])
    whole = extended(tree, path)
    made = _kind(whole, path)
    known = {*HEAD, *described(made)}
    for key, node in whole.fields.items():
        if key not in known:
            within = _owner(made, key)
            said = f"is a field of {within}: indent it below {within}" if within else ""
            reader.wrong(node, f"{key:.40}", said or unknown(key, sorted(known)))
    reader.settings = _settings(reader, whole) | dict(settings)
    _check_settings(reader, whole)
    own = {key: node for key, node in whole.fields.items() if key in described(made)}
    architecture = reader.spec(made, whole.with_fields(own), "")
    workload = _part(reader, Workload, whole, "workload", Workload())
    need = _part(reader, Requirements, whole, "requirements", None)
    journeys = _named(reader, Journey, whole, "journeys")
    parts = _named(reader, OtherPart, whole, "parts")
    title = _said(reader, whole, "title", path.stem)
    summary = _said(reader, whole, "summary", "")
    if not reader.problems:
        _check_sites(reader, whole, architecture, workload, need)
        for where, said in journey_problems(journeys, parts, architecture):
            reader.wrong(_place(whole, where), where, said)
    if reader.problems:
        raise SpecError(path, reader.problems)
    for doubt in reader.doubts:
        warnings.warn(doubt, stacklevel=2)
    return Spec(
        title=title,
        summary=summary,
        path=path,
        architecture=architecture,
        workload=workload,
        requirements=need,
        uncertain=reader.beliefs,
        lines=reader.lines,
        sources=reader.sources,
        settings=reader.settings,
        base=tree.fields["extends"].raw if "extends" in tree.fields else "",
        journeys=journeys,
        parts=parts,
    )


def _owner(made: type, key: str) -> str:
    """Return which part of a file has a field that stands at the top."""
    parts: dict[str, type | None] = {"workload": Workload, "requirements": Requirements}
    fields = described(made).items()
    parts |= {name: about.made for name, about in fields if about.kind == "spec"}
    owners = [n for n, one in parts.items() if one and key in described(one)]
    return owners[0] if len(owners) == 1 else ""


def _said(reader: Reader, whole: TreeNode, key: str, default: str) -> str:
    node = whole.get(key)
    if node is None or node.value is None:
        return default
    if isinstance(node.value, (dict, list)):
        reader.wrong(node, key, "must be text")
        return default
    return node.raw


def _settings(reader: Reader, whole: TreeNode) -> dict[str, float]:
    """Return the settings in base units, those computed of others included."""
    found: dict[str, float] = {}
    for name, node in (whole.get("settings") or TreeNode(None)).fields.items():
        reader.settings = found
        try:
            found[name] = reader.number(node, f"settings.{name}")
        except ValueError as mistake:
            reader.wrong(node, f"settings.{name}", str(mistake))
    return found


def _check_settings(reader: Reader, whole: TreeNode) -> None:
    """Refuse settings of the file itself that stand in no formula."""
    used = {name for words in formulas(whole) for name in re.findall(r"\w+", words)}
    for name, node in (whole.get("settings") or TreeNode(None)).fields.items():
        if name not in used and node.file == reader.home:
            known = sorted(used & reader.settings.keys() - {name})
            said = unknown(name, known).replace("known here", "in any formula", 1)
            reader.wrong(node, f"settings.{name:.40}", said)


def _part(
    reader: Reader, made: type, whole: TreeNode, key: str, default: Value
) -> Value:
    node = whole.get(key)
    if node is None or node.value is None:
        return default
    found = reader.spec(made, node, f"{key}.")
    return default if found is WRONG else found


def _named(reader: Reader, made: type[T], whole: TreeNode, key: str) -> dict[str, T]:
    """Return specifications by name; those that are wrong are left out."""
    node = whole.get(key)
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        reader.wrong(node, key, "must name at least one, with its fields")
        return {}
    found = {
        name: reader.spec(made, inner, f"{key}.{name:.40}.")
        for name, inner in node.fields.items()
    }
    return {name: one for name, one in found.items() if one is not WRONG}


def _place(whole: TreeNode, where: str) -> TreeNode:
    """Return the node of a field of something named, such as journeys.pay.path."""
    key, _, rest = where.partition(".")
    name, _, inner = rest.rpartition(".")
    named = whole.fields[key].fields
    return named[rest] if rest in named else named[name].fields[inner]


def _kind(whole: TreeNode, path: Path) -> type:
    node = whole.get("architecture")
    if node is not None and node.raw in KINDS:
        return KINDS[node.raw]
    if node is not None:
        said = f"{brief(node)} {unknown(node.raw, list(KINDS))}"
    else:
        said = f"is missing: one of {', '.join(KINDS)}, or extends: a preset"
        if whole.get("structure") is not None:
            said += "; a structure goes with assess, check and spof"
        meant = ("architecture", "extends")
        for key in (key for key in whole.fields if key.lower() in meant):
            said += f"; write {key.lower()} for {key}"
    at = node or whole
    raise SpecError(path, [Problem(at.line, at.column, "architecture", said)])


def _check_sites(
    reader: Reader,
    whole: TreeNode,
    architecture: Architecture,
    workload: Workload,
    need: Requirements | None,
) -> None:
    """Note if clients or latencies are given for a site that does not serve."""
    sites = tuple(architecture.sites)
    checks: dict[str, Callable[..., object]] = {"workload": workload.shares}
    if need is not None:
        checks["requirements"] = need.limits
    for key, check in checks.items():
        try:
            check(sites)
        except ValueError as mistake:
            reader.wrong(whole.fields[key], key, str(mistake))
