"""A YAML file as a tree of values, each with its file, line and column.

The tree is made of the parser's events, one after the other, and not by the parser's
own constructor: so nothing recurses, a file that is too deep or that grows without
bounds by its aliases is refused as it is read, and every value knows its place, even
when files extend each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hamodel._types import Value

if TYPE_CHECKING:
    from pathlib import Path


class Problem(NamedTuple):
    """One mistake in a file."""

    line: int  # from 1
    column: int  # from 1
    field: str  # such as "failover.coverage"; empty for the file as a whole
    message: str


class SpecError(ValueError):
    """A file that describes no system.

    Attributes
    ----------
    path : Path
        The file.
    problems : tuple of Problem
        All that was found, in the order of the lines.
    """

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(self._said, self.problems)))

    def _said(self, problem: Problem) -> str:
        where = f"{self.path}:{problem.line}:{problem.column}"
        field = f"{problem.field}: " if problem.field else ""
        return f"{where}: {field}{problem.message}"


_DEEPEST = 40
_MOST = 20_000  # values, those that aliases repeat included
_LONGEST = 2_000_000  # bytes of a file
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(eq=False)
class TreeNode:
    """A value of a file, and where it, or the key that names it, stands."""

    value: Value  # a scalar, a dict of nodes or a list of nodes
    line: int = 1  # from 1
    column: int = 1
    file: str = ""
    raw: str = ""  # of a scalar, as it is written
    size: int = 1

    @property
    def fields(self) -> dict[str, TreeNode]:
        """The nodes by key; empty if it is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, key: str) -> TreeNode | None:
        """Return the node of a key."""
        return self.fields.get(key)

    def plain(self) -> Value:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def with_fields(self, fields: Mapping[str, TreeNode]) -> TreeNode:
        """Return the same node with other fields."""
        size = 1 + sum(node.size for node in fields.values())
        return TreeNode(dict(fields), self.line, self.column, self.file, size=size)


@dataclass
class _Open:
    """A mapping or a list that is being read."""

    node: TreeNode
    anchor: str | None
    key: TreeNode | None = None


@dataclass
class _Builder:
    path: Path
    name: str
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, TreeNode] = field(default_factory=dict)
    root: TreeNode | None = None
    count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def take(self, event: Value) -> None:
        """Take one event of the parser."""
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self.stack) >= _DEEPEST:
                self.stop(event, f"must not be nested more than {_DEEPEST} deep")
            node = self.node(event, {} if kind.startswith("Map") else [])
            self.stack.append(_Open(node, event.anchor))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            done = self.stack.pop()
            self.put(event, self.merged(done.node), done.anchor)
        elif kind == "ScalarEvent":
            plain = event.implicit[0]
            value = _resolved(event.value) if plain else event.value
            self.put(event, self.node(event, value, event.value), event.anchor)
        elif kind == "AliasEvent":
            if event.anchor not in self.anchors:
                self.stop(event, f"there is no anchor {event.anchor[:40]!r} before it")
            self.count += self.anchors[event.anchor].size
            self.put(event, self.anchors[event.anchor], None)
        elif kind == "DocumentStartEvent" and self.root is not None:
            self.stop(event, "must be one document, got two")

    def node(self, event: Value, value: Value, raw: str = "") -> TreeNode:
        mark = event.start_mark
        return TreeNode(value, mark.line + 1, mark.column + 1, self.name, raw)

    def put(self, event: Value, node: TreeNode, anchor: str | None) -> None:
        """Put a finished value where it belongs."""
        self.count += 1
        if self.count > _MOST:
            self.stop(event, f"must hold at most {_MOST} values, aliases followed")
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        owner = self.stack[-1]
        if isinstance(owner.node.value, list):
            owner.node.value.append(node)
            owner.node.size += node.size
        elif owner.key is None:
            owner.key = node
        else:
            self.enter(owner, owner.key, node)
            owner.key = None

    def enter(self, owner: _Open, key: TreeNode, node: TreeNode) -> None:
        """Put a value under its key; it stands where the key does."""
        if isinstance(key.value, (dict, list)):
            self.note(key, "a key must be a word")
            return
        word = key.raw
        if word in owner.node.value:
            if node.value is None and word.isdigit():  # of keys: 1,000,000
                said = "within { } a comma separates fields: write numbers without it"
                self.note(key, said)
                return
            self.note(key, f"{word[:40]!r} must be given once, got it twice")
            return
        placed = TreeNode(
            node.value, key.line, key.column, self.name, node.raw, node.size
        )
        owner.node.value[word] = placed
        owner.node.size += node.size

    def merged(self, node: TreeNode) -> TreeNode:
        """Return a mapping with what it takes over by a merge key, `<<`."""
        taken = node.fields.pop("<<", None)
        if taken is None:
            return node
        for other in taken.value if isinstance(taken.value, list) else [taken]:
            if not isinstance(other.value, dict):
                self.note(taken, "<< must be followed by an alias of fields")
            for key, inner in other.fields.items():
                node.fields.setdefault(key, inner)
        return node

    def note(self, node: TreeNode, message: str) -> None:
        self.problems.append(Problem(node.line, node.column, "", message))

    def stop(self, event: Value, message: str) -> None:
        mark = event.start_mark
        place = Problem(mark.line + 1, mark.column + 1, "", message)
        raise SpecError(self.path, [*self.problems, place])


def read(path: Path, words: str, name: str = "") -> TreeNode:
    """Return the tree of a YAML text.

    Parameters
    ----------
    path : Path
        The file that messages name.
    words : str
        Its text.
    name : str
        How values name their file; by default the file's own name.

    Raises
    ------
    SpecError
        If it is no YAML, too deep or too large, or a key is there twice.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(words) > _LONGEST:
        said = f"must have at most {_LONGEST:,} letters, got {len(words):,}"
        raise SpecError(path, [Problem(1, 1, "", said)])
    builder = _Builder(path, name or path.name)
    try:
        for event in YAML(typ="safe", pure=True).parse(words):
            builder.take(event)
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = _plainly(str(broken.problem or broken.context).strip())
        raise SpecError(path, [Problem(line, column, "", said[:200])]) from None
    except (YAMLError, ValueError, NotImplementedError) as broken:
        if isinstance(broken, SpecError):
            raise
        said = f"cannot be read as YAML: {str(broken).partition(chr(10))[0]}"
        raise SpecError(path, [Problem(1, 1, "", said[:200])]) from None
    if builder.problems:
        raise SpecError(path, builder.problems)
    return builder.root or TreeNode(None, file=builder.name)


#: What the parser says, and what most often is wrong.
_HINTS = {
    "expected '<document start>'": "the line above needs a space after its colon",
    "could not find expected ':'": "a name needs a colon and a space after it",
    "mapping values are not allowed": "a line is indented unlike its neighbours, a "
    "text with a colon needs quotes, or the line above needs a space after its colon",
    "expected ',' or '}'": "a { is not closed, or a comma is missing",
    "expected ',' or ']'": "a [ is not closed, or a comma is missing",
    "found character '\\t'": "indent by spaces, not by tabs",
    "unexpected end of stream": "a quote is not closed",
    "but found '}'": "there is a } too many",
    "but found ']'": "there is a ] too many",
    "expected <block end>": "a line is indented unlike its neighbours",
    "found undefined tag": "tags (!) are not read here",
}


def _plainly(said: str) -> str:
    """Return what the parser says, with what a hand most often did."""
    hint = next((h for words, h in _HINTS.items() if words in said), "")
    words = said.partition(", but")[0] if "('<" in said else said
    return f"{words}: {hint}" if hint else words


def _resolved(words: str) -> Value:  # None, a truth value, number or text
    """Return what a plain scalar stands for, as YAML 1.2 has it."""
    if words.lower() in _WORDS:
        return _WORDS[words.lower()]
    if _INTEGER.fullmatch(words):
        return int(words)
    return float(words) if _FLOAT.fullmatch(words) else words
