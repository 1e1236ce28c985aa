"""Files that extend files: one tree of what they hold together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Failure,
    Leaderless,
    Majority,
    SinglePrimary,
)
from hamodel.decision import Requirements
from hamodel.facts import folder
from hamodel.failover import MECHANISMS
from hamodel.fields import described
from hamodel.specfile import _tree
from hamodel.specfile._messages import unknown
from hamodel.specfile._sources import is_wrapped
from hamodel.specfile._tree import Problem, SpecError, TreeNode
from hamodel.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path

#: Architectures by the names that files give them.
KINDS: Mapping[str, type] = MappingProxyType(
    {
        "single-primary": SinglePrimary,
        "active-passive": ActivePassive,
        "active-active": ActiveActive,
        "majority": Majority,
        "leaderless": Leaderless,
    }
)


def presets() -> tuple[str, ...]:
    """Return the names of the presets.

    Examples
    --------
    >>> "redis-sentinel" in presets()
    True
    """
    return tuple(sorted(path.stem for path in (folder() / "systems").glob("*.yaml")))


@cache
def preset_kind(name: str) -> str:
    """Return the name of a preset's architecture, such as "active-passive"."""
    return tree_of(name).fields["architecture"].raw


def starter() -> str:
    """Return the text of a commented file to begin with, which `load` takes as it is.

    Examples
    --------
    >>> print(next(x for x in starter().splitlines() if x.startswith("title")))
    title: Our orders database
    """
    return (folder() / "starter.yaml").read_text(encoding="utf-8")


@cache
def tree_of(name: str) -> TreeNode:
    """Return what the file of a preset holds.

    Parameters
    ----------
    name : str
        One of `presets()`.
    """
    return read_tree(folder() / "systems" / f"{name}.yaml", name)


def read_tree(path: Path, name: str = "", words: str | None = None) -> TreeNode:
    """Return what a file holds.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How its values name it; by default its own name.
    words : str or None
        Its text, if that is known already.

    Raises
    ------
    SpecError
        If it cannot be read.
    """
    return _tree.read(path, text_of(path) if words is None else words, name)


def text_of(path: Path) -> str:
    """Return the text of a file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    SpecError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as refused:
        said, before = f"cannot be read: {refused.strerror}", b""
    except UnicodeDecodeError as refused:
        byte, before = refused.object[refused.start], refused.object[: refused.start]
        said = f"must be UTF-8 text, got the byte 0x{byte:02x}: save it as UTF-8"
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    raise SpecError(path, [Problem(line, column, "", said)])


def extended(tree: TreeNode, path: Path, above: tuple[Path, ...] = ()) -> TreeNode:
    """Return a tree on top of what it extends: a preset, or another file beside it.

    Parameters
    ----------
    tree : TreeNode
        What a file holds.
    path : Path
        The file.
    above : tuple of Path
        The files that lead here, by `extends`.

    Returns
    -------
    TreeNode
        The whole, each value with the place where it stands.

    Raises
    ------
    SpecError
        If there is no such preset or file, or files extend each other in turn.
    """
    node = tree.get("extends")
    if node is None:
        return tree
    name = node.raw

    def refuse(said: str) -> SpecError:
        return SpecError(path, [Problem(node.line, node.column, "extends", said)])

    if name in presets():
        base = tree_of(name)
        other = folder() / "systems" / f"{name}.yaml"
    else:
        other = (path.parent / name).absolute()
        if other.suffix not in (".yaml", ".yml"):
            said = f"{name!r:.60} {unknown(name, presets())}; or a file, such as x.yaml"
            raise refuse(said)
        if not other.is_file():
            there = "is a folder" if other.is_dir() else "is not there"
            raise refuse(f"the file {name:.60} {there}, beside {path.name:.60}")
        if other in (*above, path.absolute()):
            raise refuse(f"{name!r} extends this file in turn")
        base = read_tree(other)
        _check_base(base, name, refuse)
    whole = extended(base, other, (*above, path.absolute()))
    kind, own = whole.get("architecture"), tree.get("architecture")
    if kind is not None and own is not None and own.raw != kind.raw:
        said = f"must be {kind.raw} as what it extends, got {own.raw:.40}"
        raise SpecError(path, [Problem(own.line, own.column, "architecture", said)])
    return laid_over(whole, tree)


def _check_base(base: TreeNode, name: str, refuse: Callable[[str], SpecError]) -> None:
    """Refuse what is no system's file, such as the configuration of a product."""
    known = {"title", "summary", "settings", "workload", "requirements"}
    known = known.union({"parts", "journeys"}, *map(described, KINDS.values()))
    own = base.fields.keys()
    if not own & {"extends", "architecture"} and not (own and own <= known):
        raise refuse(
            f"{name!r:.60} is no system's file; `hamodel read {name:.60} --out "
            "system.yaml` makes one of the configuration of a product"
        )


def laid_over(base: TreeNode, over: TreeNode) -> TreeNode:
    """Return what a file holds, with the fields of another laid over it.

    Parameters
    ----------
    base, over : TreeNode
        Trees; specifications are changed field by field.
    """
    kind = base.get("architecture")
    made = KINDS.get(kind.raw) if kind is not None else None
    parts: dict[str, type | None] = {"workload": Workload, "requirements": Requirements}
    fields = dict(base.fields)
    for key, node in over.fields.items():
        if key in ("settings", "parts", "journeys", *parts) and key in fields:
            fields[key] = _field_over(fields[key], node, parts.get(key))
        elif made is not None and key in described(made) and key in fields:
            fields[key] = _value_over(fields[key], node, made, key)
        else:
            fields[key] = node
    return TreeNode(fields, over.line, over.column, over.file)


def _field_over(base: TreeNode, over: TreeNode, made: type | None) -> TreeNode:
    """Return a mapping of fields with those of another in their place."""
    if not base.fields or not over.fields:
        return over
    fields = dict(base.fields)
    for key, node in over.fields.items():
        known = made is not None and key in described(made) and key in fields
        fields[key] = _value_over(fields[key], node, made, key) if known else node
    return over.with_fields(fields)


def _value_over(
    base: TreeNode, over: TreeNode, made: type | None, key: str
) -> TreeNode:
    """Return the value of a field in place of another's, or laid over it.

    Specifications, and settings of one mechanism, are changed field by field.
    """
    assert made is not None
    about = described(made)[key]
    base = base.fields["value"] if is_wrapped(base) and "value" in base.fields else base
    if about.kind == "spec":
        return _field_over(base, over, about.made)
    if about.made is Failure:
        return _kinds_over(base, over)
    if not about.stage or len(base.fields) != 1 or not over.fields:
        return over
    ((word, below),) = base.fields.items()
    if word not in MECHANISMS:
        return over
    if list(over.fields) == [word]:
        return over.with_fields({word: _field_over(below, over.fields[word], None)})
    if _is_within(over, word):
        return over.with_fields({word: _field_over(below, over, None)})
    return over


def _is_within(over: TreeNode, word: str) -> bool:
    """Tell whether fields are those of a mechanism, named without it."""
    known = described(MECHANISMS[word])
    return all(
        key in known and not (key in MECHANISMS and node.fields)
        for key, node in over.fields.items()
    )


def _kinds_over(base: TreeNode, over: TreeNode) -> TreeNode:
    """Return kinds of failure, those of the same name changed field by field.

    Over a list, changes may be a list as well, or a mapping by name.
    """
    kinds = {_name_of(item): item for item in base.value}
    if over.fields and set(over.fields) <= set(kinds):
        changes = dict(over.fields)
    elif isinstance(over.value, list) and over.value:
        changes = {_name_of(item): item for item in over.value}
    else:  # none at all, or what the reader refuses
        return over
    for name, item in changes.items():
        kinds[name] = _field_over(kinds[name], item, Failure) if name in kinds else item
    return replace(over, value=list(kinds.values()))


def _name_of(item: TreeNode) -> str:
    """Return the name of a kind of failure, which is its kind where none is given."""
    named = item.get("name") or item.get("kind")
    return "host" if named is None else named.raw
